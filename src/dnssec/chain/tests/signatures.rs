//! One RRset and its signatures.

use super::*;

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
        ("signature-wrong-labels", with_signature(|s| s.labels = 1)),
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
    answer.push(answer[2].clone());
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
fn a_short_rsa_key_is_indeterminate_unless_expired() {
    let zone = shop();
    let rsa = short_rsa();
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

#[test]
fn a_signature_speaks_only_for_its_type_and_zone() {
    let zone = shop();
    let verify = |text: &str, change: &dyn Fn(&mut Rrsig)| {
        let set = rrsets(&records(text)).remove(0);
        let signature = zone.zsk.signature(&set, &zone.apex, change);
        crate::dnssec::verify_rrset(&set, &signature, &zone.zsk.key, &zone.apex, NOW)
    };
    assert_eq!(verify(A, &|_| {}), Ok(()));
    let other = verify(A, &|s| s.type_covered = Rtype::AAAA);
    assert_eq!(other, Err(SignatureFault::TypeCovered("AAAA".to_owned())));
    let outside = verify("www.other.test. A 192.0.2.1\n", &|_| {});
    assert_eq!(outside, Err(SignatureFault::WrongSigner("shop.test.".to_owned())));
    let empty = Rrset {
        rdatas: Vec::new(),
        ..rrsets(&records(A)).remove(0)
    };
    let signature = zone.zsk.signature(&empty, &zone.apex, |_| {});
    let verdict = crate::dnssec::verify_rrset(&empty, &signature, &zone.zsk.key, &zone.apex, NOW);
    assert_eq!(verdict, Err(SignatureFault::Empty));
}

/// The original TTL is what was signed, so a cache that counts down does not spoil the signature.
#[test]
fn the_ttl_may_have_counted_down() {
    let zone = shop();
    let mut answer = zone.positive(A);
    for record in &mut answer.answer {
        record.ttl = 17;
    }
    let verdict = answer_of(&zone, "www.shop.test.", Rtype::A, &answer);
    assert_eq!((verdict.status, verdict.ttl), (Status::Secure, 17));
}

/// Serial arithmetic (RFC 1982): a window across the wrap of 2106 holds.
#[test]
fn windows_wrap_around() {
    let zone = shop();
    let wrap = 1i64 << 32;
    let set = rrsets(&records(A)).remove(0);
    let signature = zone.zsk.signature(&set, &zone.apex, |s| {
        (s.inception, s.expiration) = (u32::MAX - 9, 10)
    });
    assert_eq!(signature.window(wrap), (wrap - 10, wrap + 10));
    for (at, good) in [
        (wrap - 11, false),
        (wrap - 10, true),
        (wrap + 10, true),
        (wrap + 11, false),
    ] {
        let verdict = crate::dnssec::verify_rrset(&set, &signature, &zone.zsk.key, &zone.apex, at);
        assert_eq!(verdict.is_ok(), good, "{at}");
    }
}

#[test]
fn an_rsa_key_with_a_long_exponent_cannot_be_checked() {
    let key = |exponent: &[u8]| Dnskey {
        public_key: [&[exponent.len() as u8][..], exponent, &[0x81; 128]].concat(),
        ..short_rsa()
    };
    assert!(crate::dnssec::policy::can_check(&key(&[1, 0, 1])));
    assert!(crate::dnssec::policy::can_check(&key(&[0, 1, 0, 0, 0, 1])));
    assert!(!crate::dnssec::policy::can_check(&key(&[1, 0, 0, 0, 0, 1])));
    assert!(!crate::dnssec::policy::can_check(&short_rsa()));
}
