//! The lab's tests, and what they share.

mod answers;
mod orders;
mod real_sockets;
mod updates;

use std::sync::Arc;

use super::{LabConfig, World};
use crate::dns::{Message, Name, QueryOptions, Rrset, Rtype, query_message};
use crate::dnssec::{Anchors, Budget, Dnskey, Ds, judge_rrset};
use crate::evidence::Proto;
use crate::moment::Moment;

pub(super) const START: Moment = Moment::from_seconds(1_800_000_000);

pub(super) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub(super) fn config() -> LabConfig {
    LabConfig::built_in(START).unwrap()
}

pub(super) fn world(config: &LabConfig) -> Arc<World> {
    Arc::new(World::new(config).unwrap())
}

/// Asks the primary of an operator.
pub(super) fn ask(world: &World, operator: &str, owner: &str, rtype: Rtype, now: Moment) -> Message {
    let query = query_message(7, &name(owner), rtype, QueryOptions::default());
    let server = world.primary(operator).unwrap();
    let mut octets = world.handle(server, Proto::Udp, &query, now).unwrap();
    let mut message = Message::parse(&octets).unwrap();
    if message.flags.truncated {
        octets = world.handle(server, Proto::Tcp, &query, now).unwrap();
        message = Message::parse(&octets).unwrap();
    }
    assert_eq!(message.id, 7);
    message
}

/// Asserts that the RRset is signed by one of the keys.
pub(super) fn assert_signed(rrset: &Rrset, keys: &[Dnskey], zone: &Name, now: Moment) {
    let signers = judge_rrset(rrset, keys, zone, now.floor_seconds(), &mut Budget::default());
    assert!(
        !signers.timely_keys().is_empty(),
        "{} {} is not signed by {keys:?}: {signers:?}",
        rrset.name,
        rrset.rtype
    );
}

/// The DNSKEY RRset that an operator serves, verified with a DS set.
pub(super) fn keys(world: &World, operator: &str, zone: &Name, ds: &[Ds], now: Moment) -> Vec<Dnskey> {
    let answer = ask(world, operator, &zone.to_string(), Rtype::DNSKEY, now);
    let sets = answer.answer_rrsets();
    let set = sets.first().unwrap();
    let keys: Vec<Dnskey> = set
        .rdatas
        .iter()
        .filter_map(|rdata| Dnskey::from_rdata(rdata))
        .collect();
    let entry: Vec<Dnskey> = keys
        .iter()
        .filter(|key| ds.iter().any(|ds| ds.matches(zone, key)))
        .cloned()
        .collect();
    assert_signed(set, &entry, zone, now);
    keys
}

/// The DS set that a parent's operator serves, verified with the parent's keys.
pub(super) fn ds_of(
    world: &World,
    operator: &str,
    parent: &Name,
    keys: &[Dnskey],
    zone: &Name,
    now: Moment,
) -> Vec<Ds> {
    let answer = ask(world, operator, &zone.to_string(), Rtype::DS, now);
    let sets = answer.answer_rrsets();
    let set = sets.first().unwrap();
    assert_signed(set, keys, parent, now);
    set.rdatas
        .iter()
        .filter_map(|rdata| Ds::from_rdata(rdata))
        .collect()
}

/// From the root anchor down to the keys of the zone at a provider.
pub(super) fn chain(world: &World, provider: &str, now: Moment) -> Vec<Dnskey> {
    let root = Name::root();
    let anchors = Anchors::parse(&world.anchors()).unwrap();
    let (_, anchor) = anchors.closest(&root).unwrap();
    let anchor: Vec<Ds> = anchor.iter().cloned().collect();
    let root_keys = keys(world, "root", &root, &anchor, now);
    let parent = world.parent().clone();
    let parent_ds = ds_of(world, "root", &root, &root_keys, &parent, now);
    let parent_keys = keys(world, "registry", &parent, &parent_ds, now);
    let ds = ds_of(world, "registry", &parent, &parent_keys, world.zone(), now);
    keys(world, provider, world.zone(), &ds, now)
}
