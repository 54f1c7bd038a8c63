//! Messages made to harm.

use proptest::prelude::*;

use super::*;

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
fn no_time_is_too_strange() {
    let zone = shop();
    let answer = zone.positive(A);
    for at in [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX] {
        let budget = &mut Budget::default();
        let verdict = judge_answer(
            &name("www.shop.test."),
            Rtype::A,
            &zone.apex,
            &zone.keys(),
            &answer,
            at,
            budget,
        );
        assert_eq!(verdict.status, Status::Bogus, "{at}");
    }
}

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
