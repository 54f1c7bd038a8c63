//! Updates, transfers and authenticated reads.

use std::str::FromStr;
use std::time::Duration;

use domain::base::iana::{Class, Opcode, Rtype as Iana};
use domain::base::message_builder::{AdditionalBuilder, AuthorityBuilder};
use domain::base::rdata::UnknownRecordData;
use domain::base::{Message as Wire, MessageBuilder, Name as WireName, Ttl};
use domain::rdata::tsig::Time48;
use domain::tsig::{Algorithm, ClientSequence, ClientTransaction, Key, KeyName};

use super::*;
use crate::dns::{Rcode, Record};
use crate::lab::{Delays, SigningKey};

const NONE: u16 = 254;
const ANY: u16 = 255;

fn tsig_key(world: &World, operator: &str) -> Key {
    let secret = world.tsig(operator).unwrap();
    let octets = data_encoding::BASE64.decode(secret.secret.as_bytes()).unwrap();
    let name = KeyName::from_str(&secret.name.to_string()).unwrap();
    Key::new(Algorithm::Sha256, &octets, name, None, None).unwrap()
}

fn record(owner: &str, rtype: Rtype, class: u16, ttl: u32, rdata: &[u8]) -> Record {
    Record {
        class,
        ..Record::new(name(owner), rtype, ttl, rdata.to_vec())
    }
}

fn push<S: domain::base::message_builder::RecordSectionBuilder<Vec<u8>>>(
    section: &mut S,
    records: &[Record],
) {
    for record in records {
        let owner = WireName::from_octets(record.name.wire()).unwrap();
        let data =
            UnknownRecordData::from_octets(Iana::from_int(record.rtype.0), record.rdata.as_slice()).unwrap();
        section
            .push((
                owner,
                Class::from_int(record.class),
                Ttl::from_secs(record.ttl),
                data,
            ))
            .unwrap();
    }
}

fn update(zone: &str, needs: &[Record], changes: &[Record]) -> AuthorityBuilder<Vec<u8>> {
    let mut builder = MessageBuilder::new_vec();
    builder.header_mut().set_opcode(Opcode::UPDATE);
    builder.header_mut().set_id(9);
    let mut question = builder.question();
    let owner = WireName::<Vec<u8>>::from_str(zone).unwrap();
    question.push((owner, Iana::SOA, Class::IN)).unwrap();
    let mut answer = question.answer();
    push(&mut answer, needs);
    let mut authority = answer.authority();
    push(&mut authority, changes);
    authority
}

fn time(now: Moment) -> Time48 {
    Time48::from_u64(u64::try_from(now.floor_seconds()).unwrap())
}

/// Sends a signed message to an operator's primary and checks the answer's signature.
fn send(
    world: &World,
    operator: &str,
    key: &Key,
    mut message: AdditionalBuilder<Vec<u8>>,
    now: Moment,
) -> (Message, bool) {
    let transaction = ClientTransaction::request(key.clone(), &mut message, time(now)).unwrap();
    let server = world.primary(operator).unwrap();
    let octets = world.handle(server, Proto::Tcp, &message.finish(), now).unwrap();
    let mut reply = Wire::from_octets(octets.clone()).unwrap();
    let authentic = transaction.answer(&mut reply, time(now)).is_ok();
    (Message::parse(&octets).unwrap(), authentic)
}

fn change(world: &World, operator: &str, zone: &str, needs: &[Record], changes: &[Record]) -> Rcode {
    let key = tsig_key(world, operator);
    let message = update(zone, needs, changes).additional();
    let (reply, authentic) = send(world, operator, &key, message, START);
    assert!(authentic);
    reply.rcode
}

#[test]
fn a_foreign_key_is_placed_and_the_own_ones_stay() {
    let world = world(&config());
    let foreign = SigningKey::generate(256, 13).unwrap();
    let rdata = foreign.dnskey().rdata();
    let serial = || world.read("a", |zone| zone.serial()).flatten().unwrap();
    let before = serial();
    let add = record("shop.test", Rtype::DNSKEY, 1, 60, &rdata);
    assert_eq!(
        change(&world, "a", "shop.test", &[], std::slice::from_ref(&add)),
        Rcode::NOERROR
    );
    assert_eq!(serial(), before + 1);
    assert_eq!(chain(&world, "a", START).len(), 3);
    // The same again changes nothing.
    assert_eq!(change(&world, "a", "shop.test", &[], &[add]), Rcode::NOERROR);
    assert_eq!(serial(), before + 1);

    let own = world
        .read("a", |zone| zone.keys()[0].key.dnskey().rdata())
        .unwrap();
    let delete_own = record("shop.test", Rtype::DNSKEY, NONE, 0, &own);
    assert_eq!(
        change(&world, "a", "shop.test", &[], &[delete_own]),
        Rcode::NOERROR
    );
    assert_eq!(chain(&world, "a", START).len(), 3);
    let delete_all = record("shop.test", Rtype::DNSKEY, ANY, 0, &[]);
    assert_eq!(
        change(&world, "a", "shop.test", &[], &[delete_all]),
        Rcode::NOERROR
    );
    assert_eq!(chain(&world, "a", START).len(), 2);
}

#[test]
fn prerequisites_hold_or_nothing_happens() {
    let world = world(&config());
    let there: Vec<Record> = world
        .read("registry", |zone| {
            zone.rrset(&name("shop.test"), Rtype::DS).unwrap()
        })
        .unwrap()
        .records()
        .map(|ds| Record { ttl: 0, ..ds })
        .collect();
    let ds = world.own_ds("b").into_iter().next().unwrap();
    let add = record("shop.test", Rtype::DS, 1, 60, &ds.rdata());
    let wrong = record("shop.test", Rtype::DS, 1, 0, &ds.rdata());
    let set = || {
        world.read("registry", |zone| {
            zone.rrset(&name("shop.test"), Rtype::DS).unwrap().rdatas.len()
        })
    };
    let run = |needs: &[Record]| change(&world, "registry", "test", needs, std::slice::from_ref(&add));
    assert_eq!(run(&[wrong]), Rcode::NXRRSET);
    assert_eq!(
        run(&[record("shop.test", Rtype::DS, NONE, 0, &[])]),
        Rcode::YXRRSET
    );
    assert_eq!(
        run(&[record("none.test", Rtype::NS, ANY, 0, &[])]),
        Rcode::NXRRSET
    );
    assert_eq!(
        run(&[record("none.test", Rtype::ANY, ANY, 0, &[])]),
        Rcode::NXDOMAIN
    );
    assert_eq!(
        run(&[record("x.example", Rtype::NS, ANY, 0, &[])]),
        Rcode::NOTZONE
    );
    assert_eq!(
        run(&[record("shop.test", Rtype::NS, ANY, 7, &[])]),
        Rcode::FORMERR
    );
    assert_eq!(set(), Some(1));
    assert_eq!(run(&there), Rcode::NOERROR);
    assert_eq!(set(), Some(2));
    // The set is not what it was: a second one who believes so is refused.
    assert_eq!(run(&there), Rcode::NXRRSET);
}

#[test]
fn the_registry_has_its_own_ttls_and_takes_its_time() {
    let mut config = config();
    config.delays = Delays {
        registry: Duration::from_secs(100),
        secondary: Duration::from_secs(50),
    };
    let world = world(&config);
    let ds = world.own_ds("b").into_iter().next().unwrap();
    let add = record("shop.test", Rtype::DS, 1, 999, &ds.rdata());
    assert_eq!(change(&world, "registry", "test", &[], &[add]), Rcode::NOERROR);
    let query = query_message(1, &name("shop.test"), Rtype::DS, QueryOptions::default());
    let served = |index: usize, after: u64| {
        let now = START + Duration::from_secs(after);
        let server = world.addresses("registry")[index];
        let octets = world.handle(server, Proto::Udp, &query, now).unwrap();
        let set = Message::parse(&octets).unwrap().answer_rrsets()[0].clone();
        (set.rdatas.len(), set.ttl)
    };
    assert_eq!(served(0, 99), (1, 2));
    assert_eq!(served(0, 100), (2, 2));
    assert_eq!(served(1, 149), (1, 2));
    assert_eq!(served(1, 150), (2, 2));
}

#[test]
fn what_is_outside_the_permit_is_refused() {
    let world = world(&config());
    let txt = record("shop.test", Rtype::TXT, 1, 60, b"\x02hi");
    assert_eq!(
        change(&world, "registry", "test", &[], std::slice::from_ref(&txt)),
        Rcode::REFUSED
    );
    assert_eq!(
        change(&world, "a", "shop.test", &[], std::slice::from_ref(&txt)),
        Rcode::NOERROR
    );
    let apex = record("test", Rtype::NS, ANY, 0, &[]);
    assert_eq!(change(&world, "registry", "test", &[], &[apex]), Rcode::REFUSED);
    let soa = record(
        "shop.test",
        Rtype::SOA,
        1,
        60,
        b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    );
    assert_eq!(change(&world, "a", "shop.test", &[], &[soa]), Rcode::REFUSED);
    let root = record("shop.test", Rtype::DS, 1, 60, &[0; 36]);
    assert_eq!(change(&world, "root", ".", &[], &[root]), Rcode::REFUSED);
    assert_eq!(change(&world, "a", "other.test", &[], &[]), Rcode::NOTAUTH);
    // The last name server stays (RFC 2136 section 3.4.2.4).
    let ns = record("shop.test", Rtype::NS, ANY, 0, &[]);
    assert_eq!(change(&world, "a", "shop.test", &[], &[ns]), Rcode::NOERROR);
    assert!(
        world
            .read("a", |zone| zone.content(&name("shop.test"), Rtype::NS).is_some())
            .unwrap()
    );
}

#[test]
fn who_does_not_hold_the_key_changes_and_reads_nothing() {
    let world = world(&config());
    let txt = record("shop.test", Rtype::TXT, 1, 60, b"\x02hi");
    let message = || update("shop.test", &[], std::slice::from_ref(&txt)).additional();
    let server = world.primary("a").unwrap();
    let plain = world
        .handle(server, Proto::Udp, &message().finish(), START)
        .unwrap();
    assert_eq!(Message::parse(&plain).unwrap().rcode, Rcode::REFUSED);
    // Another operator's key: its name is not known here.
    let (reply, _) = send(&world, "a", &tsig_key(&world, "b"), message(), START);
    assert_eq!(reply.rcode, Rcode::NOTAUTH);
    // The right name, the wrong secret.
    let known = KeyName::from_str(&world.tsig("a").unwrap().name.to_string()).unwrap();
    let forged = Key::new(Algorithm::Sha256, &[1; 32], known, None, None).unwrap();
    let (reply, authentic) = send(&world, "a", &forged, message(), START);
    assert_eq!((reply.rcode, authentic), (Rcode::NOTAUTH, false));
    // The right key, an hour late.
    let key = tsig_key(&world, "a");
    let mut late = message();
    ClientTransaction::request(key, &mut late, time(START)).unwrap();
    let octets = world.handle(
        server,
        Proto::Udp,
        &late.finish(),
        START + Duration::from_secs(3_600),
    );
    assert_eq!(Message::parse(&octets.unwrap()).unwrap().rcode, Rcode::NOTAUTH);
    assert!(
        world.read("a", |zone| zone
            .content(&name("shop.test"), Rtype::TXT)
            .unwrap()
            .rdatas
            .len())
            == Some(1)
    );

    let query = query_message(3, &name("shop.test"), Rtype::AXFR, QueryOptions::default());
    let refused = world.handle(server, Proto::Tcp, &query, START).unwrap();
    assert_eq!(Message::parse(&refused).unwrap().rcode, Rcode::REFUSED);
}

fn signed_query(rtype: Iana) -> AdditionalBuilder<Vec<u8>> {
    let mut question = MessageBuilder::new_vec().question();
    let owner = WireName::<Vec<u8>>::from_str("shop.test.").unwrap();
    question.push((owner, rtype, Class::IN)).unwrap();
    question.additional()
}

#[test]
fn a_signed_question_has_a_signed_answer() {
    let world = world(&config());
    let key = tsig_key(&world, "a");
    let (reply, authentic) = send(&world, "a", &key, signed_query(Iana::DNSKEY), START);
    assert!(authentic);
    assert_eq!(reply.answer.len(), 2);
}

#[test]
fn a_large_zone_is_transferred_in_several_signed_messages() {
    use std::fmt::Write;
    let mut text = String::new();
    for index in 0..400 {
        writeln!(text, "host{index} IN A 198.51.100.{}", index % 250).unwrap();
    }
    let config = crate::lab::LabConfig::with_zone_text(name("shop.test"), &text, START).unwrap();
    let world = world(&config);
    let mut message = signed_query(Iana::AXFR);
    let mut sequence = ClientSequence::request(tsig_key(&world, "a"), &mut message, time(START)).unwrap();
    let server = world.primary("a").unwrap();
    let replies = world.replies(server, Proto::Tcp, &message.finish(), START);
    assert!(replies.len() > 3, "{} messages", replies.len());
    let mut records = Vec::new();
    for octets in replies {
        assert!(octets.len() < 20_000);
        records.extend(Message::parse(&octets).unwrap().answer);
        let mut reply = Wire::from_octets(octets).unwrap();
        sequence.answer(&mut reply, time(START)).unwrap();
    }
    sequence.done().unwrap();
    assert_eq!(records.first().unwrap().rtype, Rtype::SOA);
    assert_eq!(records.first().unwrap(), records.last().unwrap());
    let hosts = records.iter().filter(|record| record.rtype == Rtype::A).count();
    let denials = records
        .iter()
        .filter(|record| record.rtype == Rtype::NSEC)
        .count();
    assert_eq!((hosts, denials), (400, 401));
}
