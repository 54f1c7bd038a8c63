//! Good answers, and each damaged in one way.

use super::*;
use crate::dns::testing::{encode, message, name, records};
use crate::dns::{Message, Name, Rcode, Record, Rtype, rrsets};
use crate::dnssec::testing::{Key, NOW, Zone};
use crate::dnssec::{Anchors, Dnskey, Ds, DsSet, Rrsig};

fn codes(reasons: &[Reason]) -> Vec<&'static str> {
    reasons.iter().map(|reason| reason.code).collect()
}

fn keys_of(zone: &Zone, ds: &DsSet, answer: &Message) -> KeysVerdict {
    judge_dnskey(&zone.apex, ds, answer, NOW, &mut Budget::default())
}

fn answer_of(zone: &Zone, qname: &str, qtype: Rtype, answer: &Message) -> AnswerVerdict {
    judge_answer(
        &name(qname),
        qtype,
        &zone.apex,
        &zone.keys(),
        answer,
        NOW,
        &mut Budget::default(),
    )
}

fn shop() -> Zone {
    Zone::new("shop.test.")
}

const A: &str = "www.shop.test. 300 IN A 192.0.2.1\n";

/// The verdict on `www.shop.test. A` with the signature changed before it is made.
fn with_signature(change: impl Fn(&mut Rrsig)) -> AnswerVerdict {
    let zone = shop();
    let answer = zone.signed_with(records(A), change);
    answer_of(
        &zone,
        "www.shop.test.",
        Rtype::A,
        &message("www.shop.test.", Rtype::A, answer, vec![]),
    )
}

#[test]
fn a_good_chain_is_secure() {
    let zone = shop();
    let verdict = keys_of(&zone, &zone.ds(), &zone.good_dnskey_answer());
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Secure, vec![])
    );
    assert_eq!(verdict.trusted.len(), 2);
    assert_eq!(verdict.ttl, 3600);
    assert_eq!(verdict.ds_matched.len(), 1);
    let verdict = answer_of(&zone, "www.shop.test.", Rtype::A, &zone.positive(A));
    assert_eq!(verdict.status, Status::Secure);
    assert_eq!(verdict.kind, Some(AnswerKind::Positive));
    assert_eq!((verdict.ttl, verdict.rrsets.len()), (300, 1));
}

#[test]
fn each_damage_to_a_signature_has_its_code() {
    let far = |days: i64| (NOW + days * 86_400) as u32;
    let cases: Vec<(&str, AnswerVerdict)> = vec![
        (
            "signature-expired",
            with_signature(|s| (s.inception, s.expiration) = (far(-9), far(-1))),
        ),
        (
            "signature-not-yet-valid",
            with_signature(|s| (s.inception, s.expiration) = (far(1), far(9))),
        ),
        (
            "signature-wrong-signer",
            with_signature(|s| s.signer = name("test.")),
        ),
        ("signature-wrong-labels", with_signature(|s| s.labels = 4)),
        ("signature-no-key", with_signature(|s| s.tag ^= 1)),
        ("signature-no-key", with_signature(|s| s.algorithm = 8)),
    ];
    for (code, verdict) in cases {
        assert_eq!(
            (verdict.status, codes(&verdict.reasons)),
            (Status::Bogus, vec![code])
        );
    }
}

#[test]
fn the_edges_of_the_window_count_as_inside() {
    for (inception, expiration, status) in [
        (0, 0, Status::Secure),
        (1, 9, Status::Bogus),
        (-9, -1, Status::Bogus),
        (-9, 0, Status::Secure),
    ] {
        let verdict = with_signature(|s| {
            s.inception = (NOW + inception) as u32;
            s.expiration = (NOW + expiration) as u32;
        });
        assert_eq!(verdict.status, status, "{inception} {expiration}");
    }
}

#[test]
fn tampered_data_is_bogus() {
    let zone = shop();
    let mut answer = zone.positive(A);
    answer.answer[0].rdata[3] ^= 1;
    let verdict = answer_of(&zone, "www.shop.test.", Rtype::A, &answer);
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Bogus, vec!["signature-invalid"])
    );
    assert_eq!(verdict.rrsets[0].1.attempts.len(), 1);
}

#[test]
fn an_added_record_is_bogus() {
    let zone = shop();
    let mut answer = zone.positive(A);
    answer
        .answer
        .extend(records("www.shop.test. 300 IN A 192.0.2.66\n"));
    let verdict = answer_of(&zone, "www.shop.test.", Rtype::A, &answer);
    assert_eq!(codes(&verdict.reasons), ["signature-invalid"]);
}

#[test]
fn unsigned_data_under_secure_keys_is_bogus() {
    let zone = shop();
    let answer = message("www.shop.test.", Rtype::A, records(A), vec![]);
    let verdict = answer_of(&zone, "www.shop.test.", Rtype::A, &answer);
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Bogus, vec!["signature-missing"])
    );
}

#[test]
fn one_good_signature_among_bad_ones_suffices_and_all_are_kept() {
    let zone = shop();
    let set = rrsets(&records(A)).remove(0);
    let mut answer = records(A);
    answer.push(
        zone.zsk
            .sign(&set, &zone.apex, |s| s.expiration = (NOW - 1) as u32),
    );
    answer.push(zone.zsk.sign(&set, &zone.apex, |_| {}));
    answer.push(zone.ksk.sign(&set, &zone.apex, |s| s.tag ^= 3));
    let verdict = answer_of(
        &zone,
        "www.shop.test.",
        Rtype::A,
        &message("www.shop.test.", Rtype::A, answer, vec![]),
    );
    assert_eq!(verdict.status, Status::Secure);
    let signers = &verdict.rrsets[0].1;
    assert_eq!((signers.attempts.len(), signers.orphans.len()), (2, 1));
    assert_eq!(signers.timely_keys().len(), 1);
}

#[test]
fn each_damage_to_the_keys_has_its_code() {
    let zone = shop();
    let ds_for = |key: &Dnskey| -> DsSet { Ds::of(&zone.apex, key, 2).into_iter().collect() };
    let changed = |change: &dyn Fn(&mut Dnskey)| {
        let mut key = zone.ksk.key.clone();
        change(&mut key);
        let answer = zone.dnskey_answer(&[key.clone(), zone.zsk.key.clone()], &[&zone.ksk]);
        keys_of(&zone, &ds_for(&key), &answer)
    };
    let revoked = changed(&|key| key.flags |= 0x80);
    assert_eq!(
        (revoked.status, codes(&revoked.reasons)),
        (Status::Bogus, vec!["key-revoked"])
    );
    let bare = changed(&|key| key.flags = 1);
    assert_eq!(codes(&bare.reasons), ["key-no-zone-bit"]);
    let protocol = changed(&|key| key.protocol = 4);
    assert_eq!(codes(&protocol.reasons), ["key-protocol"]);

    let unsigned = keys_of(&zone, &zone.ds(), &zone.dnskey_answer(&zone.keys(), &[]));
    assert_eq!(
        (unsigned.status, codes(&unsigned.reasons)),
        (Status::Bogus, vec!["dnskey-not-signed-by-ds-key"])
    );
    let by_other = keys_of(&zone, &zone.ds(), &zone.dnskey_answer(&zone.keys(), &[&zone.zsk]));
    assert_eq!(codes(&by_other.reasons), ["dnskey-not-signed-by-ds-key"]);
    assert_eq!(by_other.signers.attempts.len(), 1, "the ZSK's attempt is kept");

    let other = keys_of(&zone, &shop().ds(), &zone.good_dnskey_answer());
    assert_eq!(
        (other.status, codes(&other.reasons)),
        (Status::Bogus, vec!["ds-no-key"])
    );
    let mut wrong = zone.ds().into_iter().next().unwrap();
    wrong.digest.replace_range(
        0..2,
        if wrong.digest.starts_with("00") {
            "01"
        } else {
            "00"
        },
    );
    let mismatch = keys_of(&zone, &DsSet::from([wrong]), &zone.good_dnskey_answer());
    assert_eq!(codes(&mismatch.reasons), ["ds-digest-mismatch"]);
}

#[test]
fn a_revoked_key_named_as_it_was_before_is_told() {
    let zone = shop();
    let mut key = zone.ksk.key.clone();
    key.flags |= 0x80;
    let verdict = keys_of(&zone, &zone.ds(), &zone.dnskey_answer(&[key], &[&zone.ksk]));
    assert_eq!(codes(&verdict.reasons), ["key-revoked"]);
}

#[test]
fn sha1_beside_sha256_does_not_count() {
    let zone = shop();
    let sha1 = Ds::of(&zone.apex, &zone.ksk.key, 1).unwrap();
    let alone = keys_of(&zone, &DsSet::from([sha1.clone()]), &zone.good_dnskey_answer());
    assert_eq!(alone.status, Status::Secure);
    let mut set = shop().ds();
    set.insert(sha1);
    let beside = keys_of(&zone, &set, &zone.good_dnskey_answer());
    assert_eq!(
        (beside.status, codes(&beside.reasons)),
        (Status::Bogus, vec!["ds-no-key", "ds-sha1-outranked"])
    );
}

#[test]
fn a_ds_set_decides_by_its_algorithms() {
    let zone = shop();
    let ds = |algorithm, digest_type| Ds {
        tag: 1,
        algorithm,
        digest_type,
        digest: "00".repeat(32),
    };
    for (set, status, code) in [
        (
            DsSet::from([ds(5, 2), ds(12, 2), ds(250, 2)]),
            Status::Insecure,
            "ds-unsupported",
        ),
        (DsSet::from([ds(13, 3)]), Status::Insecure, "ds-unsupported"),
        (
            DsSet::from([ds(16, 2), ds(7, 2)]),
            Status::Indeterminate,
            "cannot-check-algorithm",
        ),
        (DsSet::new(), Status::Insecure, "ds-none"),
        (DsSet::from([ds(13, 2), ds(5, 2)]), Status::Bogus, "ds-no-key"),
    ] {
        let verdict = keys_of(&zone, &set, &zone.good_dnskey_answer());
        assert_eq!(
            (verdict.status, codes(&verdict.reasons)),
            (status, vec![code]),
            "{set:?}"
        );
        assert!(verdict.trusted.is_empty());
    }
}

#[test]
fn a_path_that_only_others_can_check_is_indeterminate() {
    let zone = shop();
    let ed448 = Dnskey {
        flags: 257,
        protocol: 3,
        algorithm: 16,
        public_key: vec![7; 57],
    };
    let mut set = shop().ds();
    set.extend(Ds::of(&zone.apex, &ed448, 2));
    let answer = zone.dnskey_answer(&[ed448, zone.ksk.key.clone()], &[&zone.ksk]);
    let verdict = keys_of(&zone, &set, &answer);
    assert_eq!(verdict.status, Status::Indeterminate);
    assert!(codes(&verdict.reasons).contains(&"cannot-check-algorithm"));
}

#[test]
fn a_short_rsa_key_is_indeterminate_unless_expired() {
    let zone = shop();
    let rsa = Dnskey {
        flags: 256,
        protocol: 3,
        algorithm: 8,
        public_key: [&[3, 1, 0, 1][..], &[0x81; 64]].concat(),
    };
    let set = rrsets(&records(A)).remove(0);
    let verdict = |change: &dyn Fn(&mut Rrsig)| {
        let mut answer = records(A);
        answer.push(zone.zsk.sign(&set, &zone.apex, |s| {
            (s.algorithm, s.tag) = (8, rsa.tag());
            change(s);
        }));
        let answer = message("www.shop.test.", Rtype::A, answer, vec![]);
        let keys = [rsa.clone()];
        let budget = &mut Budget::default();
        judge_answer(
            &name("www.shop.test."),
            Rtype::A,
            &zone.apex,
            &keys,
            &answer,
            NOW,
            budget,
        )
    };
    let open = verdict(&|_| {});
    assert_eq!(
        (open.status, codes(&open.reasons)),
        (Status::Indeterminate, vec!["cannot-check-key-size"])
    );
    let late = verdict(&|s| s.expiration = (NOW - 1) as u32);
    assert_eq!(
        (late.status, codes(&late.reasons)),
        (Status::Bogus, vec!["signature-expired"])
    );
}

#[test]
fn errors_and_lame_answers_are_never_bogus() {
    let zone = shop();
    let rcodes = [
        (Rcode::SERVFAIL, Form::ServFail, "servfail"),
        (Rcode::REFUSED, Form::Refused, "refused"),
        (Rcode::NOTIMP, Form::OtherError(Rcode::NOTIMP), "error-answer"),
    ];
    for (rcode, form, code) in rcodes {
        let answer = Message {
            rcode,
            ..message("shop.test.", Rtype::DNSKEY, vec![], vec![])
        };
        assert_eq!(classify(&zone.apex, Rtype::DNSKEY, &zone.apex, &answer), form);
        let verdict = keys_of(&zone, &zone.ds(), &answer);
        assert_eq!(
            (verdict.status, codes(&verdict.reasons)),
            (Status::Indeterminate, vec![code])
        );
        assert_eq!(
            answer_of(&zone, "shop.test.", Rtype::A, &answer).status,
            Status::Indeterminate
        );
    }
    let mut lame = message("shop.test.", Rtype::DNSKEY, vec![], vec![]);
    lame.flags.authoritative = false;
    assert_eq!(classify(&zone.apex, Rtype::DNSKEY, &zone.apex, &lame), Form::Lame);
    assert_eq!(keys_of(&zone, &zone.ds(), &lame).status, Status::Indeterminate);
    assert_eq!(
        answer_of(&zone, "shop.test.", Rtype::A, &lame).status,
        Status::Indeterminate
    );
    let mut cut = zone.good_dnskey_answer();
    cut.flags.truncated = true;
    assert_eq!(codes(&keys_of(&zone, &zone.ds(), &cut).reasons), ["truncated"]);
}

#[test]
fn no_dnskey_under_a_ds_is_bogus() {
    let zone = shop();
    let answer = zone.negative("shop.test.", Rcode::NOERROR, "");
    let verdict = keys_of(&zone, &zone.ds(), &answer);
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Bogus, vec!["dnskey-missing"])
    );
}

#[test]
fn the_forms_of_answers() {
    let form = |qname: &str, qtype, answer: &str, authority: &str, aa, rcode| {
        let mut found = message(qname, qtype, records(answer), records(authority));
        found.flags.authoritative = aa;
        found.rcode = rcode;
        classify(&name(qname), qtype, &name("shop.test."), &found)
    };
    let soa = "shop.test. SOA ns.test. root.test. 1 2 3 4 60\n";
    let ok = Rcode::NOERROR;
    assert_eq!(form("www.shop.test.", Rtype::A, A, "", true, ok), Form::Positive);
    assert_eq!(form("www.shop.test.", Rtype::A, A, "", false, ok), Form::Lame);
    assert_eq!(
        form("www.shop.test.", Rtype::AAAA, "", soa, true, ok),
        Form::NoData
    );
    assert_eq!(
        form("www.shop.test.", Rtype::A, "", soa, true, Rcode::NXDOMAIN),
        Form::NxDomain
    );
    let cut = "sub.shop.test. NS ns.test.\n";
    assert_eq!(
        form("www.sub.shop.test.", Rtype::A, "", cut, false, ok),
        Form::Referral
    );
    assert_eq!(form("www.shop.test.", Rtype::A, "", cut, false, ok), Form::Lame);
    assert_eq!(
        form("www.shop.test.", Rtype::A, "", "test. NS ns.test.\n", false, ok),
        Form::Lame
    );
    let alias = "www.shop.test. CNAME gone.shop.test.\n";
    assert_eq!(
        form("www.shop.test.", Rtype::A, alias, soa, true, Rcode::NXDOMAIN),
        Form::Positive
    );
}

const PROOF: &str =
    "a.shop.test. NSEC m.shop.test. A RRSIG NSEC\nshop.test. NSEC a.shop.test. NS SOA RRSIG NSEC\n";

#[test]
fn negative_answers() {
    let zone = shop();
    let answer = zone.negative("b.shop.test.", Rcode::NXDOMAIN, PROOF);
    let verdict = answer_of(&zone, "b.shop.test.", Rtype::A, &answer);
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Secure, vec![])
    );
    assert_eq!((verdict.kind, verdict.ttl), (Some(AnswerKind::NxDomain), 60));
    assert_eq!(verdict.rrsets.len(), 3);

    let answer = zone.negative("a.shop.test.", Rcode::NOERROR, PROOF);
    let verdict = answer_of(&zone, "a.shop.test.", Rtype::AAAA, &answer);
    assert_eq!(
        (verdict.status, verdict.kind),
        (Status::Secure, Some(AnswerKind::NoData))
    );
    let verdict = answer_of(&zone, "a.shop.test.", Rtype::A, &answer);
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Bogus, vec!["denial-type-exists"])
    );

    let verdict = answer_of(
        &zone,
        "n.shop.test.",
        Rtype::A,
        &zone.negative("n.shop.test.", Rcode::NXDOMAIN, PROOF),
    );
    assert_eq!(codes(&verdict.reasons), ["denial-name-not-covered"]);
    let verdict = answer_of(
        &zone,
        "b.shop.test.",
        Rtype::A,
        &zone.negative("b.shop.test.", Rcode::NXDOMAIN, ""),
    );
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Bogus, vec!["denial-missing"])
    );
}

#[test]
fn an_unsigned_proof_proves_nothing_and_says_why() {
    let zone = shop();
    let mut answer = zone.negative("b.shop.test.", Rcode::NXDOMAIN, PROOF);
    answer
        .authority
        .retain(|record| record.rtype != Rtype::RRSIG || record.name == zone.apex);
    let verdict = answer_of(&zone, "b.shop.test.", Rtype::A, &answer);
    assert_eq!(verdict.status, Status::Bogus);
    assert_eq!(
        codes(&verdict.reasons),
        ["denial-name-not-covered", "signature-missing"]
    );
    answer.authority.retain(|record| record.rtype != Rtype::NSEC);
    let verdict = answer_of(&zone, "b.shop.test.", Rtype::A, &answer);
    assert_eq!(codes(&verdict.reasons)[0], "denial-missing");
}

#[test]
fn a_bad_soa_spoils_a_good_proof() {
    let zone = shop();
    let mut answer = zone.negative("b.shop.test.", Rcode::NXDOMAIN, PROOF);
    let soa = answer
        .authority
        .iter_mut()
        .find(|r| r.rtype == Rtype::SOA)
        .unwrap();
    *soa.rdata.last_mut().unwrap() ^= 1;
    let verdict = answer_of(&zone, "b.shop.test.", Rtype::A, &answer);
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Bogus, vec!["signature-invalid"])
    );
}

#[test]
fn a_wildcard_needs_its_proof() {
    let zone = shop();
    let answer = zone.expanded("*.w.shop.test. TXT x\n", "q.w.shop.test.");
    let proof = "*.w.shop.test. NSEC shop.test. TXT RRSIG NSEC\n";
    let good = message("q.w.shop.test.", Rtype::TXT, answer.clone(), zone.signed(proof));
    let verdict = answer_of(&zone, "q.w.shop.test.", Rtype::TXT, &good);
    assert_eq!(
        (verdict.status, verdict.kind),
        (Status::Secure, Some(AnswerKind::Wildcard))
    );
    assert_eq!(verdict.rrsets.len(), 2);
    let bare = message("q.w.shop.test.", Rtype::TXT, answer.clone(), vec![]);
    let verdict = answer_of(&zone, "q.w.shop.test.", Rtype::TXT, &bare);
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Bogus, vec!["denial-missing"])
    );
    let closer = "*.w.shop.test. NSEC a.q.w.shop.test. TXT RRSIG NSEC\n";
    let closer = message("q.w.shop.test.", Rtype::TXT, answer, zone.signed(closer));
    let verdict = answer_of(&zone, "q.w.shop.test.", Rtype::TXT, &closer);
    assert_eq!(codes(&verdict.reasons), ["wildcard-not-proven"]);
}

#[test]
fn an_nsec_made_from_a_wildcard_proves_nothing() {
    let zone = shop();
    let mut authority = zone.signed(&zone.soa());
    authority.extend(zone.expanded("*.shop.test. NSEC shop.test. A RRSIG NSEC\n", "b.shop.test."));
    let answer = message("b.shop.test.", Rtype::AAAA, vec![], authority);
    let verdict = answer_of(&zone, "b.shop.test.", Rtype::AAAA, &answer);
    assert_eq!(verdict.status, Status::Bogus);
    assert!(codes(&verdict.reasons).contains(&"denial-expanded"));
}

#[test]
fn aliases_are_followed_within_the_zone() {
    let zone = shop();
    let answer = zone.signed("www.shop.test. CNAME web.shop.test.\nweb.shop.test. A 192.0.2.1\n");
    let mut answer = message("www.shop.test.", Rtype::A, answer, vec![]);
    let verdict = answer_of(&zone, "www.shop.test.", Rtype::A, &answer);
    assert_eq!(
        (verdict.status, verdict.kind),
        (Status::Secure, Some(AnswerKind::Cname))
    );
    assert_eq!(verdict.rrsets.len(), 2);
    answer
        .answer
        .retain(|r| !(r.rtype == Rtype::RRSIG && r.name == name("web.shop.test.")));
    assert_eq!(
        answer_of(&zone, "www.shop.test.", Rtype::A, &answer).status,
        Status::Bogus
    );

    let out = zone.positive("www.shop.test. CNAME web.elsewhere.test.\n");
    let verdict = answer_of(&zone, "www.shop.test.", Rtype::A, &out);
    assert_eq!(
        (verdict.status, verdict.kind),
        (Status::Secure, Some(AnswerKind::Cname))
    );

    let mut gone = zone.negative("www.shop.test.", Rcode::NXDOMAIN, PROOF);
    gone.answer = zone.signed("www.shop.test. CNAME b.shop.test.\n");
    let verdict = answer_of(&zone, "www.shop.test.", Rtype::A, &gone);
    assert_eq!(
        (verdict.status, verdict.kind),
        (Status::Secure, Some(AnswerKind::Cname))
    );
    gone.authority.clear();
    assert_eq!(
        answer_of(&zone, "www.shop.test.", Rtype::A, &gone).status,
        Status::Bogus
    );
}

#[test]
fn a_ring_of_aliases_ends() {
    let zone = shop();
    let answer = zone.signed("a.shop.test. CNAME b.shop.test.\nb.shop.test. CNAME a.shop.test.\n");
    let answer = message("a.shop.test.", Rtype::A, answer, vec![]);
    let verdict = answer_of(&zone, "a.shop.test.", Rtype::A, &answer);
    assert_eq!(verdict.status, Status::Indeterminate);
    assert_eq!(codes(&verdict.reasons), ["too-many-aliases"]);
}

#[test]
fn the_cname_beside_a_dname_must_be_what_it_makes() {
    let zone = shop();
    let mut answer = zone.signed("old.shop.test. DNAME new.shop.test.\nx.new.shop.test. A 192.0.2.1\n");
    answer.extend(records("x.old.shop.test. CNAME x.new.shop.test.\n"));
    let mut answer = message("x.old.shop.test.", Rtype::A, answer, vec![]);
    let verdict = answer_of(&zone, "x.old.shop.test.", Rtype::A, &answer);
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Secure, vec![])
    );
    assert_eq!(verdict.kind, Some(AnswerKind::Dname));
    let cname = answer
        .answer
        .iter_mut()
        .find(|r| r.rtype == Rtype::CNAME)
        .unwrap();
    cname.rdata = name("evil.test.").wire().to_vec();
    let verdict = answer_of(&zone, "x.old.shop.test.", Rtype::A, &answer);
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Bogus, vec!["dname-wrong-cname"])
    );
}

fn ds_of(parent: &Zone, answer: &Message) -> DsVerdict {
    let budget = &mut Budget::default();
    judge_ds(
        &name("shop.test."),
        &parent.apex,
        &parent.keys(),
        answer,
        NOW,
        budget,
    )
}

#[test]
fn what_a_parent_says() {
    let (parent, zone) = (Zone::new("test."), shop());
    let text: String = zone
        .ds()
        .iter()
        .map(|ds| format!("shop.test. 900 DS {ds}\n"))
        .collect();
    let mut answer = parent.positive(&text);
    let verdict = ds_of(&parent, &answer);
    assert_eq!(verdict.status, DsStatus::Secure(zone.ds()));
    assert_eq!((verdict.ttl, verdict.signers.attempts.len()), (900, 1));
    answer.answer.retain(|record| record.rtype == Rtype::DS);
    let verdict = ds_of(&parent, &answer);
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (DsStatus::Bogus, vec!["signature-missing"])
    );
    assert_eq!(verdict.records, zone.ds());

    let absent = |proof: &str| ds_of(&parent, &parent.negative("shop.test.", Rcode::NOERROR, proof));
    let verdict = absent("shop.test. 30 NSEC t.test. NS RRSIG NSEC\n");
    assert_eq!((verdict.status, verdict.ttl), (DsStatus::ProvenAbsent, 30));
    for (proof, code) in [
        ("shop.test. NSEC t.test. NS DS RRSIG NSEC\n", "denial-type-exists"),
        ("shop.test. NSEC t.test. A RRSIG NSEC\n", "no-delegation"),
        ("shop.test. NSEC t.test. NS SOA RRSIG NSEC\n", "denial-child-side"),
        ("a.test. NSEC t.test. NS RRSIG NSEC\n", "no-delegation"),
        ("", "denial-missing"),
    ] {
        let verdict = absent(proof);
        assert_eq!(
            (verdict.status, codes(&verdict.reasons)),
            (DsStatus::Bogus, vec![code])
        );
    }
}

#[test]
fn the_zone_itself_cannot_speak_for_its_parent() {
    let (parent, zone) = (Zone::new("test."), shop());
    let answer = zone.negative(
        "shop.test.",
        Rcode::NOERROR,
        "shop.test. NSEC a.shop.test. NS SOA RRSIG NSEC\n",
    );
    let verdict = ds_of(&parent, &answer);
    assert_eq!(verdict.status, DsStatus::Indeterminate);
    assert_eq!(codes(&verdict.reasons), ["ds-answer-from-child"]);
}

#[test]
fn referrals_carry_ds_or_its_absence() {
    let (parent, zone) = (Zone::new("test."), shop());
    let text: String = zone
        .ds()
        .iter()
        .map(|ds| format!("shop.test. DS {ds}\n"))
        .collect();
    let referral = |proof: &str| {
        let mut authority = parent.signed(proof);
        authority.extend(records("shop.test. NS ns.test.\n"));
        let mut answer = message("www.shop.test.", Rtype::A, vec![], authority);
        answer.flags.authoritative = false;
        answer_of(&parent, "www.shop.test.", Rtype::A, &answer)
    };
    let verdict = referral(&text);
    assert_eq!(
        (verdict.status, verdict.kind),
        (Status::Secure, Some(AnswerKind::Referral))
    );
    assert_eq!(
        referral("shop.test. NSEC t.test. NS RRSIG NSEC\n").status,
        Status::Insecure
    );
    assert_eq!(referral("").status, Status::Bogus);
}

struct Ladder {
    anchors: Anchors,
    messages: Vec<(Name, Option<Message>, Message)>,
}

fn ladder() -> Ladder {
    let (root, test, shop) = (Zone::new("."), Zone::new("test."), shop());
    let ds = |below: &Zone| -> String {
        below
            .ds()
            .iter()
            .map(|ds| format!("{} DS {ds}\n", below.apex))
            .collect()
    };
    let anchors: String = root.ds().iter().map(|ds| format!(". DS {ds}\n")).collect();
    Ladder {
        anchors: Anchors::parse(&anchors).unwrap(),
        messages: vec![
            (root.apex.clone(), None, root.good_dnskey_answer()),
            (
                test.apex.clone(),
                Some(root.positive(&ds(&test))),
                test.good_dnskey_answer(),
            ),
            (
                shop.apex.clone(),
                Some(test.positive(&ds(&shop))),
                shop.good_dnskey_answer(),
            ),
        ],
    }
}

impl Ladder {
    fn steps(&self) -> Vec<WalkStep<'_>> {
        self.messages
            .iter()
            .map(|(zone, ds, dnskey)| WalkStep {
                zone: zone.clone(),
                ds: ds.as_ref(),
                dnskey: Some(dnskey),
            })
            .collect()
    }

    fn walk(&self, steps: &[WalkStep<'_>]) -> WalkVerdict {
        walk(&self.anchors, steps, NOW, &mut Budget::default())
    }
}

#[test]
fn a_walk_down() {
    let ladder = ladder();
    let verdict = ladder.walk(&ladder.steps());
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Secure, vec![])
    );
    assert_eq!((verdict.zones.len(), verdict.trusted.len()), (3, 2));

    let mut steps = ladder.steps();
    steps[2].dnskey = None;
    let verdict = ladder.walk(&steps);
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Indeterminate, vec!["not-captured"])
    );
    let mut steps = ladder.steps();
    steps[1].ds = None;
    assert_eq!(ladder.walk(&steps).status, Status::Indeterminate);
    assert_eq!(ladder.walk(&steps[1..]).status, Status::Indeterminate);
    assert_eq!(ladder.walk(&[]).status, Status::Indeterminate);
    let mut steps = ladder.steps();
    steps.swap(1, 2);
    assert_eq!(ladder.walk(&steps).status, Status::Indeterminate);
}

#[test]
fn a_walk_ends_at_an_insecure_delegation() {
    let ladder = ladder();
    let root = Zone::new(".");
    let proof = "test. NSEC zz. NS RRSIG NSEC\n";
    let absent = root.negative("test.", Rcode::NOERROR, proof);
    let anchors: String = root.ds().iter().map(|ds| format!(". DS {ds}\n")).collect();
    let own = root.good_dnskey_answer();
    let mut steps = ladder.steps();
    steps[0].dnskey = Some(&own);
    steps[1].ds = Some(&absent);
    let verdict = walk(
        &Anchors::parse(&anchors).unwrap(),
        &steps,
        NOW,
        &mut Budget::default(),
    );
    assert_eq!(
        (verdict.status, codes(&verdict.reasons)),
        (Status::Insecure, vec!["insecure-delegation"])
    );
    assert_eq!((verdict.zones.len(), verdict.trusted.len()), (2, 0));
}

/// What hickory's own verifier rejects: differing TTLs, mixed case in RDATA, a duplicate.
#[test]
fn canonical_form_is_ours() {
    let zone = shop();
    let signed = zone.signed("shop.test. 300 NS a.ns.test.\nshop.test. 300 NS b.ns.test.\n");
    let judged = |change: &dyn Fn(&mut Vec<Record>)| {
        let mut answer = signed.clone();
        change(&mut answer);
        let wire = encode(&message("shop.test.", Rtype::NS, answer, vec![]));
        let verdict = answer_of(&zone, "shop.test.", Rtype::NS, &Message::parse(&wire).unwrap());
        (verdict.status, verdict.ttl)
    };
    assert_eq!(judged(&|_| {}), (Status::Secure, 300));
    assert_eq!(judged(&|set| set[0].ttl = 3600), (Status::Secure, 3600));
    assert_eq!(
        judged(&|set| set[1].rdata = b"\x01B\x02Ns\x04tESt\x00".to_vec()),
        (Status::Secure, 300)
    );
    assert_eq!(judged(&|set| set.push(set[0].clone())), (Status::Secure, 300));
    assert_eq!(judged(&|set| drop(set.remove(0))).0, Status::Bogus);
}

/// Keys of one tag: 16-bit words of the key change places, which leaves the sum as it is.
fn same_tag(key: &Dnskey, count: usize) -> Vec<Dnskey> {
    (0..count)
        .map(|index| {
            let mut twin = key.clone();
            let (a, b) = (2 * (index % 31), 2 * (1 + index / 31 % 31));
            twin.public_key.swap(a, b);
            twin.public_key.swap(a + 1, b + 1);
            twin
        })
        .collect()
}

#[test]
fn many_keys_of_one_tag_and_many_signatures_stay_in_budget() {
    let zone = shop();
    let twins = same_tag(&zone.zsk.key, 600);
    assert!(twins.iter().all(|key| key.tag() == zone.zsk.key.tag()));
    let set = rrsets(&records(A)).remove(0);
    let mut answer = records(A);
    let template = zone.zsk.signature(&set, &zone.apex, |_| {});
    for index in 0..300u32 {
        let mut signature = template.clone();
        signature.signature[..4].copy_from_slice(&index.to_be_bytes());
        answer.push(Record::new(
            set.name.clone(),
            Rtype::RRSIG,
            300,
            signature.rdata(),
        ));
    }
    let answer = message("www.shop.test.", Rtype::A, answer, vec![]);
    let budget = &mut Budget::default();
    let verdict = judge_answer(&set.name, Rtype::A, &zone.apex, &twins, &answer, NOW, budget);
    assert_eq!(verdict.status, Status::Indeterminate);
    assert!(codes(&verdict.reasons).contains(&"work-limit"));
    let signers = &verdict.rrsets[0].1;
    assert_eq!(signers.attempts.len(), 8 * 4);
    assert_eq!(signers.untried, 300 * 600 - 8 * 4);
    assert_eq!(budget.verifications, 64 - 32);
}

#[test]
fn the_key_that_the_ds_names_is_tried_before_its_twins() {
    let zone = shop();
    let mut keys = same_tag(&zone.ksk.key, 50);
    keys.retain(|key| *key != zone.ksk.key);
    keys.push(zone.ksk.key.clone());
    let verdict = keys_of(&zone, &zone.ds(), &zone.dnskey_answer(&keys, &[&zone.ksk]));
    assert_eq!(verdict.status, Status::Secure);
    assert!(verdict.signers.untried > 0);
}

#[test]
fn sha1_signatures_count_only_then() {
    assert_eq!(
        Policy::Year2026.algorithm(5),
        crate::dnssec::Support::TreatedAsInsecure
    );
    assert_eq!(Policy::Then.algorithm(7), crate::dnssec::Support::Checked);
    let zone = Key::new(256);
    assert_eq!(zone.key.algorithm, 13);
}

mod hostile {
    use proptest::prelude::*;

    use super::*;

    fn judge_all(octets: &[u8], zone: &Zone) {
        let Ok(found) = Message::parse(octets) else { return };
        let budget = &mut Budget::default();
        let keys = zone.keys();
        judge_dnskey(&zone.apex, &zone.ds(), &found, NOW, budget);
        judge_ds(&zone.apex, &name("test."), &keys, &found, NOW, budget);
        for qname in ["shop.test.", "b.shop.test.", "www.shop.test."] {
            for qtype in [Rtype::A, Rtype::DS, Rtype::ANY, Rtype::DNSKEY] {
                let budget = &mut Budget::default();
                judge_answer(&name(qname), qtype, &zone.apex, &keys, &found, NOW, budget);
            }
        }
        for record in found.answer.iter().chain(&found.authority) {
            let _ = record.to_string();
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn random_octets(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
            judge_all(&octets, &shop());
        }

        #[test]
        fn damaged_messages(
            which in 0usize..3,
            hits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            cut in any::<prop::sample::Index>(),
            shorten in any::<bool>(),
        ) {
            let zone = shop();
            let found = match which {
                0 => zone.good_dnskey_answer(),
                1 => zone.negative("b.shop.test.", Rcode::NXDOMAIN, PROOF),
                _ => zone.positive(A),
            };
            let mut octets = encode(&found);
            for (at, value) in hits {
                let at = at.index(octets.len());
                octets[at] = value;
            }
            if shorten {
                octets.truncate(cut.index(octets.len()));
            }
            judge_all(&octets, &zone);
        }
    }
}
