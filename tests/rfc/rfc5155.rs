//! RFC 5155: its DNSKEY RRset, and the answers of appendix B. The keys have 512 bits, below what the library takes: each
//! signature is checked as in the textbook, and the answers are judged again with signatures by a key of ours.

use unbroken::dns::{Message, Rcode, Rtype, rrsets};
use unbroken::dnssec::{AnswerKind, Budget, Dnskey, DsStatus, Judge, Policy, Status};

use super::resigned::Signer;
use super::{message, name, textbook};

/// 2008-01-10, when the signatures were valid.
const THEN: i64 = 1_200_000_000;

const KEYS: &str = "\
example. 3600 IN DNSKEY 256 3 7 ( AwEAAaetidLzsKWUt4swWR8yu0wPHPiUi8LUsAD0QPWU+wzt89epO6tHzkMBVDkC7qphQO2hTY4hHn9npWFRw5BYubE= )
example. 3600 IN DNSKEY 257 3 7 ( AwEAAcUlFV1vhmqx6NSOUOq2R/dsR7Xm3upJj7IommWSpJABVfW8Q0rOvXdM6kzt+TAu92L9AbsUdblMFin8CVF3n4s= )
example. 3600 IN RRSIG DNSKEY 7 1 3600 20150420235959 20051021000000 12708 example. (
 AuU4juU9RaxescSmStrQks3Gh9FblGBlVU31uzMZ/U/FpsUb8aC6QZS+sTsJXnLnz7flGOsmMGQZf3bH+QsCtg== )
";
const SOA: &str = "\
example. 3600 IN SOA ns1.example. bugs.x.w.example. 1 3600 300 3600000 3600
example. 3600 IN RRSIG SOA 7 1 3600 20150420235959 20051021000000 40430 example. (
 Hu25UIyNPmvPIVBrldN+9Mlp9Zql39qaUd8iq4ZLlYWfUUbbAS41pG+68z81q1xhkYAcEyHdVI2LmKusbZsT0Q== )
";
const A_Z_W_MX: &str = "\
a.z.w.example. 3600 IN MX 1 ai.example.
a.z.w.example. 3600 IN RRSIG MX 7 2 3600 20150420235959 20051021000000 40430 example. (
 CikebjQwGQPwijVcxgcZcSJKtfynugtlBiKb9FcBTrmOoyQ4InoWVudhCWsh/URX3lc4WRUMivEBP6+4KS3ldA== )
";
const APEX: &str = "\
0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. 3600 IN NSEC3 1 1 12 aabbccdd ( 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS SOA NSEC3PARAM RRSIG )
0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. 3600 IN RRSIG NSEC3 7 2 3600 20150420235959 20051021000000 40430 example. (
 OSgWSm26B+cS+dDL8b5QrWr/dEWhtCsKlwKLIBHYH6blRxK9rC0bMJPwQ4mLIuw85H2EY762BOCXJZMnpuwhpA== )
";
const X_W: &str = "\
b4um86eghhds6nea196smvmlo4ors995.example. 3600 IN NSEC3 1 1 12 aabbccdd ( gjeqe526plbf1g8mklp59enfd789njgi MX RRSIG )
b4um86eghhds6nea196smvmlo4ors995.example. 3600 IN RRSIG NSEC3 7 2 3600 20150420235959 20051021000000 40430 example. (
 ZkPG3M32lmoHM6pa3D6gZFGB/rhL//Bs3Omh5u4m/CUiwtblEVOaAKKZd7S959OeiX43aLX3pOv0TSTyiTxIZg== )
";
const A: &str = "\
35mthgpgcu1qg68fab165klnsnk3dpvl.example. 3600 IN NSEC3 1 1 12 aabbccdd ( b4um86eghhds6nea196smvmlo4ors995 NS DS RRSIG )
35mthgpgcu1qg68fab165klnsnk3dpvl.example. 3600 IN RRSIG NSEC3 7 2 3600 20150420235959 20051021000000 40430 example. (
 g6jPUUpduAJKRljUsN8gB4UagAX0NxY9shwQAynzo8EUWH+z6hEIBlUTPGj15eZll6VhQqgZXtAIR3chwgW+SA== )
";
const NS1: &str = "\
2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. 3600 IN NSEC3 1 1 12 aabbccdd ( 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG )
2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. 3600 IN RRSIG NSEC3 7 2 3600 20150420235959 20051021000000 40430 example. (
 OmBvJ1Vgg1hCKMXHFiNeIYHK9XVW0iLDLwJN4TFoNxZuP03gAXEI634YwOc4YBNITrj413iqNI6mRk/r1dOSUw== )
";
const Y_W: &str = "\
ji6neoaepv8b5o6k4ev33abha8ht9fgc.example. 3600 IN NSEC3 1 1 12 aabbccdd ( k8udemvp1j2f7eg6jebps17vp3n8i58h )
ji6neoaepv8b5o6k4ev33abha8ht9fgc.example. 3600 IN RRSIG NSEC3 7 2 3600 20150420235959 20051021000000 40430 example. (
 gPkFp1s2QDQ6wQzcg1uSebZ61W33rUBDcTj72F3kQ490fEdp7k1BUIfbcZtPbX3YCpE+sIt0MpzVSKfTwx4uYA== )
";
const NS2: &str = "\
q04jkcevqvmu85r014c7dkba38o0ji5r.example. 3600 IN NSEC3 1 1 12 aabbccdd ( r53bq7cc2uvmubfu5ocmm6pers9tk9en A RRSIG )
q04jkcevqvmu85r014c7dkba38o0ji5r.example. 3600 IN RRSIG NSEC3 7 2 3600 20150420235959 20051021000000 40430 example. (
 hV5I89b+4FHJDATp09g4bbN0R1F845CaXpL3ZxlMKimoPAyqletMlEWwLfFia7sdpSzn+ZlNNlkxWcLsIlMmUg== )
";
const W: &str = "\
k8udemvp1j2f7eg6jebps17vp3n8i58h.example. 3600 IN NSEC3 1 1 12 aabbccdd ( kohar7mbb8dc2ce8a9qvl8hon4k53uhi )
k8udemvp1j2f7eg6jebps17vp3n8i58h.example. 3600 IN RRSIG NSEC3 7 2 3600 20150420235959 20051021000000 40430 example. (
 FtXGbvF0+wf8iWkyo73enAuVx03klN+pILBKS6qCcftVtfH4yVzsEZquJ27NHR7ruxJWDNMtOtx7w9WfcIg62A== )
";
const STAR_W: &str = "\
r53bq7cc2uvmubfu5ocmm6pers9tk9en.example. 3600 IN NSEC3 1 1 12 aabbccdd ( t644ebqk9bibcna874givr6joj62mlhv MX RRSIG )
r53bq7cc2uvmubfu5ocmm6pers9tk9en.example. 3600 IN RRSIG NSEC3 7 2 3600 20150420235959 20051021000000 40430 example. (
 aupviViruXs4bDg9rCbezzBMf9h1ZlDvbW/CZFKulIGXXLj8B/fsDJarXVDA9bnUoRhEbKp+HF1FWKW7RIJdtQ== )
";

/// ZSK and KSK.
fn keys() -> [Dnskey; 2] {
    let records = message(Rcode::NOERROR, KEYS, &[]).answer;
    [0, 1].map(|at| Dnskey::from_rdata(&records[at].rdata).unwrap())
}

/// Each signature of the message is one over the octets that we sign.
fn signatures_hold(answer: &Message) {
    let keys = keys();
    let mut checked = 0;
    for set in rrsets(&answer.answer).iter().chain(&rrsets(&answer.authority)) {
        for signature in &set.signatures {
            let key = keys.iter().find(|key| key.tag() == signature.tag).unwrap();
            assert!(
                textbook::holds(set, signature, key, &name("example.")),
                "{} {}",
                set.name,
                set.rtype
            );
            checked += 1;
        }
    }
    assert!(checked > 0);
}

/// The verdict with our signatures, after those of the RFC were checked and called what they are here.
fn judged(qname: &str, qtype: Rtype, answer: &Message) -> (Status, Option<AnswerKind>, Vec<&'static str>) {
    signatures_hold(answer);
    let verdict = |key: &Dnskey, answer: &Message| {
        let mut budget = Budget::default();
        let mut judge = Judge::new(THEN, &mut budget);
        judge.policy = Policy::Then;
        let verdict = judge.answer(
            &name(qname),
            qtype,
            &name("example."),
            std::slice::from_ref(key),
            answer,
        );
        let codes = verdict.reasons.iter().map(|reason| reason.code).collect();
        (verdict.status, verdict.kind, codes)
    };
    let (status, ..) = verdict(&keys()[0], answer);
    assert_eq!(
        status,
        Status::Indeterminate,
        "a key of 512 bits cannot be checked here"
    );
    let signer = Signer::new();
    verdict(&signer.key, &signer.resigned(answer))
}

#[test]
fn keys_and_their_signature() {
    let [zsk, ksk] = keys();
    assert_eq!((zsk.tag(), ksk.tag()), (40430, 12708));
    signatures_hold(&message(Rcode::NOERROR, KEYS, &[]));
}

/// The record that covers the next closer name has the opt-out bit, so no name error is authentic (section 9.2).
#[test]
fn b_1_name_error() {
    let answer = message(Rcode::NXDOMAIN, "", &[SOA, APEX, X_W, A]);
    let opted_out = (
        Status::Insecure,
        Some(AnswerKind::NxDomain),
        vec!["denial-opt-out"],
    );
    assert_eq!(judged("a.c.x.w.example.", Rtype::A, &answer), opted_out);
    for (rest, code) in [
        ([SOA, X_W, A], "denial-name-not-covered"),
        // The apex is taken for the closest encloser then, and nothing covers w.example.
        ([SOA, APEX, A], "denial-name-not-covered"),
        ([SOA, APEX, X_W], "denial-wildcard-not-covered"),
    ] {
        let answer = message(Rcode::NXDOMAIN, "", &rest);
        let (status, _, codes) = judged("a.c.x.w.example.", Rtype::A, &answer);
        assert_eq!((status, codes), (Status::Bogus, vec![code]));
    }
}

#[test]
fn b_2_no_data() {
    let answer = message(Rcode::NOERROR, "", &[SOA, NS1]);
    let no_data = (Status::Secure, Some(AnswerKind::NoData), vec![]);
    assert_eq!(judged("ns1.example.", Rtype::MX, &answer), no_data);
    assert_eq!(
        judged("ns1.example.", Rtype::A, &answer).2,
        ["denial-type-exists"]
    );
}

#[test]
fn b_2_1_empty_non_terminal() {
    let answer = message(Rcode::NOERROR, "", &[SOA, Y_W]);
    let no_data = (Status::Secure, Some(AnswerKind::NoData), vec![]);
    assert_eq!(judged("y.w.example.", Rtype::A, &answer), no_data);
}

#[test]
fn b_3_referral_to_an_opt_out_unsigned_zone() {
    let ns = "c.example. 3600 IN NS ns1.c.example.\nc.example. 3600 IN NS ns2.c.example.\n";
    let mut answer = message(Rcode::NOERROR, "", &[ns, A, APEX]);
    answer.flags.authoritative = false;
    let referral = (
        Status::Insecure,
        Some(AnswerKind::Referral),
        vec!["denial-opt-out"],
    );
    assert_eq!(judged("mc.c.example.", Rtype::MX, &answer), referral);
    let mut answer = message(Rcode::NOERROR, "", &[ns, A]);
    answer.flags.authoritative = false;
    assert_eq!(judged("mc.c.example.", Rtype::MX, &answer).0, Status::Bogus);
}

/// The covering record has the opt-out bit here too: the answer is signed data all the same.
#[test]
fn b_4_wildcard_expansion() {
    let answer = message(Rcode::NOERROR, A_Z_W_MX, &[NS2]);
    let (status, kind, _) = judged("a.z.w.example.", Rtype::MX, &answer);
    assert_eq!((status, kind), (Status::Insecure, Some(AnswerKind::Wildcard)));
    let answer = message(Rcode::NOERROR, A_Z_W_MX, &[NS1]);
    assert_eq!(judged("a.z.w.example.", Rtype::MX, &answer).0, Status::Bogus);
}

#[test]
fn b_5_wildcard_no_data() {
    let answer = message(Rcode::NOERROR, "", &[SOA, W, NS2, STAR_W]);
    let (status, kind, _) = judged("a.z.w.example.", Rtype::AAAA, &answer);
    assert_eq!((status, kind), (Status::Insecure, Some(AnswerKind::NoData)));
    let (status, _, codes) = judged("a.z.w.example.", Rtype::MX, &answer);
    assert_eq!((status, codes), (Status::Bogus, vec!["denial-type-exists"]));
}

/// The apex cannot deny its own DS.
#[test]
fn b_6_ds_at_the_child() {
    let answer = message(Rcode::NOERROR, "", &[SOA, APEX]);
    let (status, _, codes) = judged("example.", Rtype::DS, &answer);
    assert_eq!((status, codes), (Status::Bogus, vec!["denial-child-side"]));
    let signer = Signer::new();
    let mut budget = Budget::default();
    let verdict = Judge::new(THEN, &mut budget).ds(
        &name("example."),
        &unbroken::dns::Name::root(),
        std::slice::from_ref(&signer.key),
        &signer.resigned(&answer),
    );
    assert_eq!(verdict.status, DsStatus::Indeterminate);
    assert_eq!(verdict.reasons[0].code, "ds-answer-from-child");
}
