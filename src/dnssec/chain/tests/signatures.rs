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
