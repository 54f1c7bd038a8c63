//! DNSKEY RRsets under DS sets.

use super::*;

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
fn only_usable_keys_are_trusted() {
    let zone = shop();
    let with_flags = |flags| Dnskey {
        flags,
        ..crate::dnssec::testing::Key::new(256).key
    };
    let mut keys = zone.keys();
    keys.extend([with_flags(0x181), with_flags(0)]);
    let verdict = keys_of(&zone, &zone.ds(), &zone.dnskey_answer(&keys, &[&zone.ksk]));
    assert_eq!(
        (verdict.status, verdict.keys.len(), verdict.trusted.len()),
        (Status::Secure, 4, 2)
    );
}

#[test]
fn lower_case_digests_match_too() {
    let zone = shop();
    let lower = zone
        .ds()
        .into_iter()
        .map(|ds| Ds {
            digest: ds.digest.to_lowercase(),
            ..ds
        })
        .collect();
    assert_eq!(
        keys_of(&zone, &lower, &zone.good_dnskey_answer()).status,
        Status::Secure
    );
}
