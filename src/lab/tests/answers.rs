//! Every kind of answer, verified from the root anchor down.

use super::*;
use crate::dns::Rcode;

/// Asserts that everything signed in the answer is signed by the zone's keys, and returns the types in authority.
fn proofs(message: &Message, keys: &[Dnskey], now: Moment) -> Vec<(String, Rtype)> {
    let zone = name("shop.test");
    for rrset in message.answer_rrsets().iter().chain(&message.authority_rrsets()) {
        assert_signed(rrset, keys, &zone, now);
    }
    message
        .authority_rrsets()
        .iter()
        .map(|rrset| (rrset.name.to_string(), rrset.rtype))
        .collect()
}

#[test]
fn every_kind_of_answer_verifies_with_nsec() {
    let world = world(&config());
    let keys = chain(&world, "a", START);
    let www = ask(&world, "a", "www.shop.test", Rtype::A, START);
    assert!(www.flags.authoritative);
    assert!(proofs(&www, &keys, START).is_empty());

    let alias = ask(&world, "a", "shop.shop.test", Rtype::A, START);
    proofs(&alias, &keys, START);
    assert_eq!(alias.answer_rrsets().len(), 2);

    let wild = ask(&world, "a", "any.wild.shop.test", Rtype::A, START);
    let proof = proofs(&wild, &keys, START);
    assert_eq!(wild.answer_rrsets()[0].name, name("any.wild.shop.test"));
    assert_eq!(proof, [("*.wild.shop.test.".to_owned(), Rtype::NSEC)]);

    let no_data = ask(&world, "a", "www.shop.test", Rtype::TXT, START);
    assert_eq!((no_data.rcode, no_data.answer.len()), (Rcode::NOERROR, 0));
    let proof = proofs(&no_data, &keys, START);
    assert!(proof.contains(&("shop.test.".to_owned(), Rtype::SOA)));
    assert!(proof.contains(&("www.shop.test.".to_owned(), Rtype::NSEC)));

    let ent = ask(&world, "a", "down.ent.shop.test", Rtype::A, START);
    assert_eq!((ent.rcode, ent.answer.len()), (Rcode::NOERROR, 0));
    proofs(&ent, &keys, START);

    let no_name = ask(&world, "a", "nx.shop.test", Rtype::A, START);
    assert_eq!(no_name.rcode, Rcode::NXDOMAIN);
    let proof = proofs(&no_name, &keys, START);
    assert_eq!(proof.iter().filter(|(_, rtype)| *rtype == Rtype::NSEC).count(), 2);
}

#[test]
fn every_kind_of_answer_verifies_with_nsec3() {
    let mut config = config();
    config.providers[0].nsec3 = true;
    config.providers[0].signer = super::super::SignerKind::Csk;
    let world = world(&config);
    let keys = chain(&world, "a", START);
    assert_eq!(keys.len(), 1);
    let count = |owner: &str, rtype: Rtype| {
        let message = ask(&world, "a", owner, rtype, START);
        let proof = proofs(&message, &keys, START);
        let hashed = proof.iter().filter(|(_, rtype)| *rtype == Rtype::NSEC3).count();
        (message.rcode, message.answer_rrsets().len(), hashed)
    };
    assert_eq!(count("www.shop.test", Rtype::A), (Rcode::NOERROR, 1, 0));
    assert_eq!(count("x.wild.shop.test", Rtype::A), (Rcode::NOERROR, 1, 1));
    assert_eq!(count("www.shop.test", Rtype::TXT), (Rcode::NOERROR, 0, 1));
    assert_eq!(count("ent.shop.test", Rtype::A), (Rcode::NOERROR, 0, 1));
    let (rcode, _, hashed) = count("nx.shop.test", Rtype::A);
    assert_eq!(rcode, Rcode::NXDOMAIN);
    assert!((2..=3).contains(&hashed));
}

#[test]
fn referrals_carry_ds_or_its_denial_and_glue() {
    let world = world(&config());
    let down = ask(&world, "root", "www.shop.test", Rtype::A, START);
    assert!(!down.flags.authoritative);
    assert!(down.answer.is_empty());
    assert!(down.authority.iter().any(|record| record.rtype == Rtype::DS));
    assert_eq!(down.additional.len(), 2);
    let next = ask(&world, "registry", "www.shop.test", Rtype::A, START);
    assert_eq!(next.additional.len(), 2);
    let unsigned = ask(&world, "a", "www.branch.shop.test", Rtype::A, START);
    assert!(
        unsigned
            .authority
            .iter()
            .any(|record| record.rtype == Rtype::NSEC)
    );
    assert_eq!(unsigned.additional.len(), 1);
    let ds = ask(&world, "a", "branch.shop.test", Rtype::DS, START);
    assert!(ds.flags.authoritative);
    assert!(ds.answer.is_empty());
    let outside = ask(&world, "a", "www.example.org", Rtype::A, START);
    assert_eq!(outside.rcode, Rcode::REFUSED);
}

#[test]
fn signatures_are_made_anew_when_half_of_their_time_is_gone() {
    let world = world(&config());
    let signature = |now: Moment| {
        let message = ask(&world, "a", "www.shop.test", Rtype::A, now);
        message.answer_rrsets()[0].signatures[0].clone()
    };
    let first = signature(START);
    let seconds = START.floor_seconds();
    assert_eq!(first.window(seconds), (seconds - 3_600, seconds + 14 * 86_400));
    let day = |days: u64| START + std::time::Duration::from_secs(days * 86_400);
    assert_eq!(signature(day(6)), first);
    assert_ne!(signature(day(7)), first);
}

#[test]
fn a_large_answer_is_truncated_over_udp_only() {
    let world = world(&config());
    let query = query_message(
        1,
        &name("shop.test"),
        Rtype::DNSKEY,
        QueryOptions {
            udp_size: 512,
            ..QueryOptions::default()
        },
    );
    world.edit("a", START, |zone| {
        for _ in 0..4 {
            let key = super::super::SigningKey::generate(256, 13).unwrap();
            zone.add(&key.dnskey().record(&name("shop.test"), 60));
        }
    });
    let server = world.primary("a").unwrap();
    let udp = Message::parse(&world.handle(server, Proto::Udp, &query, START).unwrap()).unwrap();
    assert!(udp.flags.truncated && udp.answer.is_empty());
    let tcp = Message::parse(&world.handle(server, Proto::Tcp, &query, START).unwrap()).unwrap();
    assert!(!tcp.flags.truncated);
    assert_eq!(tcp.answer_rrsets()[0].rdatas.len(), 6);
}
