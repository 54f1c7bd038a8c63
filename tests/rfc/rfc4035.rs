//! The answers of RFC 4035 appendix B, judged as validators did then (algorithm 5) and as they do now.

use unbroken::dns::{Message, Name, Rcode, Rtype};
use unbroken::dnssec::{AnswerKind, AnswerVerdict, Budget, Dnskey, DsStatus, Judge, Policy, Status};

use super::{message, name};

/// 2004-04-12, when the signatures were valid.
const THEN: i64 = 1_081_800_000;

const ZSK: &str = "AQOy1bZVvpPqhg4j7EJoM9rI3ZmyEx2OzDBVrZy/lvI5CQePxXHZS4i8dANH4DX3tbHol61ek8EFMcsGXxKciJFH\
yhl94C+NwILQdzsUlSFovBZsyl/NX6yEbtw/xN9ZNcrbYvgjjZ/UVPZIySFNsgEYvh0z2542lzMKR4Dh8uZffQ==";

const SOA: &str = "example. 3600 IN SOA ns1.example. bugs.x.w.example. 1081539377 3600 300 3600000 3600
example. 3600 IN RRSIG SOA 5 1 3600 20040509183619 20040409183619 38519 example. ( ONx0k36rcjaxYtcNgq6iQnpNV5+drqYA
 sC9h7TSJaHCqbhE67Sr6aH2xDUGcqQWu/n0UVzrFvkgO9ebarZ0GWDKcuwlM6eNB5SiX2K74l5LWDA7S/Un/IbtDq4Ay8NMNLQI7Dw7n4p8/
 rjkBjV7j86HyQgM5e7+miRAz8V01b0I= )
";
const APEX: &str = "example. 3600 IN NSEC a.example. NS SOA MX RRSIG NSEC DNSKEY
example. 3600 IN RRSIG NSEC 5 1 3600 20040509183619 20040409183619 38519 example. ( O0k558jHhyrC97ISHnislm4kLMW48C7U
 7cBmFTfhke5iVqNRVTB1STLMpgpbDIC9hcryoO0VZ9ME5xPzUEhbvGnHd5sfzgFVeGxr5Nyyq4tWSDBgIBiLQUv1ivy29vhXy7WgR62dPrZ0
 PWvmjfFJ5arXf4nPxp/kEowGgBRzY/U= )
";
const B: &str = "b.example. 3600 IN NSEC ns1.example. NS RRSIG NSEC
b.example. 3600 IN RRSIG NSEC 5 2 3600 20040509183619 20040409183619 38519 example. ( GNuxHn844wfmUhPzGWKJCPY5ttEX/Rfj
 DoOx9ueK1PtYkOWKOOdiJ/PJKCYB3hYX+858dDWSxb2qnV/LSTCNVBnkm6owOpysY97MVj5VQEWs0lm9tFoqjcptQkmQKYPrwUnCSNwvvclS
 F1xZvhRXgWT7OuFXldoCG6TfVFMs9xE= )
";
const A_DS: &str = "a.example. 3600 IN DS 57855 5 1 B6DCD485719ADCA18E5F3D48A2331627FDD3636B
a.example. 3600 IN RRSIG DS 5 2 3600 20040509183619 20040409183619 38519 example. ( oXIKit/QtdG64J/CB+Gi8dOvnwRvqrto1AdQoRkA
 N15FP3iZ7suB7gvTBmXzCjL7XUgQVcoHkdhyCuzp8W9qJHgRUSwKKkczSyuL64nhgjuDEML8l9wlWVsl7PR2VnZduM9bLyBhaaPmRKX/Fm+v6ccF
 2EGNLRiY08kdkz+XHHo= )
";
const NS1: &str = "ns1.example. 3600 IN NSEC ns2.example. A RRSIG NSEC
ns1.example. 3600 IN RRSIG NSEC 5 2 3600 20040509183619 20040409183619 38519 example. ( I4hj+Kt6+8rCcHcUdolks2S+Wzri9h3f
 Has81rGN/eILdJHN7JpV6lLGPIh/8fIBkfvdyWnBjjf1q3O7JgYO1UdI7FvBNWqaaEPJK3UkddBqZIaLi8Qr2XHkjq38BeQsbp8X0+6h4ETW
 SGT8IZaIGBLryQWGLw6Y6X8dqhlnxJM= )
";
const XYW: &str = "x.y.w.example. 3600 IN NSEC xx.example. MX RRSIG NSEC
x.y.w.example. 3600 IN RRSIG NSEC 5 4 3600 20040509183619 20040409183619 38519 example. ( OvE6WUzN2ziieJcvKPWbCAyXyP6ef8cr
 6CspArVSTzKSquNwbezZmkU7E34o5lmb6CWSSSpgxw098kNUFnHcQf/LzY2zqRomubrNQhJTiDTXa0ArunJQCzPjOYq5t0SLjm6qp6McJI1A
 P5VrQoKqJDCLnoAlcPOPKAm/jJkn3jk= )
";
const STAR_W: &str = "*.w.example. 3600 IN NSEC x.w.example. MX RRSIG NSEC
*.w.example. 3600 IN RRSIG NSEC 5 2 3600 20040509183619 20040409183619 38519 example. ( r/mZnRC3I/VIcrelgIcteSxDhtsdlTDt
 8ng9HSBlABOlzLxQtfgTnn8f+aOwJIAFe1Ee5RvU5cVhQJNP5XpXMJHfyps8tVvfxSAXfahpYqtx91gsmcV/1V9/bZAG55CefP9cM4Z9Y9NT
 9XQ8s1InQ2UoIv6tJEaaKkP701j8OLA= )
";
const X_W_MX: &str = "x.w.example. 3600 IN MX 1 xx.example.
x.w.example. 3600 IN RRSIG MX 5 3 3600 20040509183619 20040409183619 38519 example. ( Il2WTZ+Bkv+OytBx4LItNW5mjB4RCwhOO8y1
 XzPHZmZUTVYL7LaA63f6T9ysVBzJRI3KRjAPH3U1qaYnDoN1DrWqmi9RJe4FoObkbcdm7P3Ikx70ePCoFgRz1Yq+bVVXCvGuAU4xALv3W/Y1
 jNSlwZ2mSWKHfxFQxPtLj8s32+k= )
";
const A_Z_W_MX: &str = "a.z.w.example. 3600 IN MX 1 ai.example.
a.z.w.example. 3600 IN RRSIG MX 5 2 3600 20040509183619 20040409183619 38519 example. ( OMK8rAZlepfzLWW75Dxd63jy2wswESzxDKG2
 f9AMN1CytCd10cYISAxfAdvXSZ7xujKAtPbctvOQ2ofO7AZJ+d01EeeQTVBPq4/6KCWhqe2XTjnkVLNvvhnc0u28aoSsG0+4InvkkOHknKxw
 4kX18MMR34i8lC36SR5xBni8vHI= )
";

fn zsk() -> Dnskey {
    Dnskey {
        flags: 256,
        protocol: 3,
        algorithm: 5,
        public_key: data_encoding::BASE64.decode(ZSK.as_bytes()).unwrap(),
    }
}

fn judged(policy: Policy, qname: &str, qtype: Rtype, answer: &Message) -> AnswerVerdict {
    let mut budget = Budget::default();
    let mut judge = Judge {
        any_server: false,
        at: THEN,
        policy,
        budget: &mut budget,
    };
    judge.answer(&name(qname), qtype, &name("example."), &[zsk()], answer)
}

fn then(qname: &str, qtype: Rtype, answer: &Message) -> (Status, Option<AnswerKind>, Vec<&'static str>) {
    let verdict = judged(Policy::Then, qname, qtype, answer);
    let codes = verdict.reasons.iter().map(|reason| reason.code).collect();
    (verdict.status, verdict.kind, codes)
}

const MX: Rtype = Rtype::MX;
const OK: Rcode = Rcode::NOERROR;

#[test]
fn b_1_answer() {
    assert_eq!(zsk().tag(), 38519);
    let answer = message(OK, X_W_MX, &[]);
    assert_eq!(
        then("x.w.example.", MX, &answer),
        (Status::Secure, Some(AnswerKind::Positive), vec![])
    );
}

#[test]
fn b_2_name_error() {
    let answer = message(Rcode::NXDOMAIN, "", &[SOA, B, APEX]);
    assert_eq!(
        then("ml.example.", Rtype::A, &answer),
        (Status::Secure, Some(AnswerKind::NxDomain), vec![])
    );
    let answer = message(Rcode::NXDOMAIN, "", &[SOA, B]);
    assert_eq!(
        then("ml.example.", Rtype::A, &answer).2,
        ["denial-wildcard-not-covered"]
    );
    let answer = message(Rcode::NXDOMAIN, "", &[SOA, B, APEX]);
    assert_eq!(
        then("x.b.example.", Rtype::A, &answer).2,
        ["denial-ancestor-delegation"],
        "below the cut"
    );
}

#[test]
fn b_3_no_data() {
    let answer = message(OK, "", &[SOA, NS1]);
    assert_eq!(
        then("ns1.example.", MX, &answer),
        (Status::Secure, Some(AnswerKind::NoData), vec![])
    );
    assert_eq!(then("ns1.example.", Rtype::A, &answer).2, ["denial-type-exists"]);
}

#[test]
fn b_4_referral_to_a_signed_zone() {
    let ns = "a.example. 3600 IN NS ns1.a.example.\na.example. 3600 IN NS ns2.a.example.\n";
    let mut answer = message(OK, "", &[ns, A_DS]);
    answer.flags.authoritative = false;
    assert_eq!(
        then("mc.a.example.", MX, &answer),
        (Status::Secure, Some(AnswerKind::Referral), vec![])
    );
}

#[test]
fn b_5_referral_to_an_unsigned_zone() {
    let ns = "b.example. 3600 IN NS ns1.b.example.\nb.example. 3600 IN NS ns2.b.example.\n";
    let mut answer = message(OK, "", &[ns, B]);
    answer.flags.authoritative = false;
    assert_eq!(
        then("mc.b.example.", MX, &answer),
        (Status::Insecure, Some(AnswerKind::Referral), vec![])
    );
}

#[test]
fn b_6_wildcard_expansion() {
    let answer = message(OK, A_Z_W_MX, &[XYW]);
    assert_eq!(
        then("a.z.w.example.", MX, &answer),
        (Status::Secure, Some(AnswerKind::Wildcard), vec![])
    );
    let answer = message(OK, A_Z_W_MX, &[NS1]);
    assert_eq!(then("a.z.w.example.", MX, &answer).2, ["wildcard-not-proven"]);
}

#[test]
fn b_7_wildcard_no_data() {
    let answer = message(OK, "", &[SOA, XYW, STAR_W]);
    assert_eq!(
        then("a.z.w.example.", Rtype::AAAA, &answer),
        (Status::Secure, Some(AnswerKind::NoData), vec![])
    );
    let answer = message(OK, "", &[SOA, XYW]);
    assert_eq!(
        then("a.z.w.example.", Rtype::AAAA, &answer).2,
        ["denial-wildcard-missing"]
    );
}

/// The apex cannot deny its own DS; nor can it do so when taken for its parent.
#[test]
fn b_8_ds_at_the_child() {
    let answer = message(OK, "", &[SOA, APEX]);
    let verdict = then("example.", Rtype::DS, &answer);
    assert_eq!((verdict.0, verdict.2), (Status::Bogus, vec!["denial-child-side"]));
    let mut budget = Budget::default();
    let mut judge = Judge::new(THEN, &mut budget);
    let verdict = judge.ds(&name("example."), &Name::root(), &[zsk()], &answer);
    assert_eq!(verdict.status, DsStatus::Indeterminate);
    assert_eq!(verdict.reasons[0].code, "ds-answer-from-child");
}

/// RFC 9905: validators treat algorithm 5 as unsupported, so such a signature makes nothing secure today.
#[test]
fn today_the_same_signatures_do_not_count() {
    let answer = message(OK, X_W_MX, &[]);
    let verdict = judged(Policy::Year2026, "x.w.example.", MX, &answer);
    assert_eq!(verdict.status, Status::Bogus);
    assert_eq!(verdict.reasons[0].code, "signature-unsupported");
    assert!(
        verdict.rrsets[0].1.attempts[0].octets.is_ok(),
        "the attempt itself is kept as it went"
    );
}
