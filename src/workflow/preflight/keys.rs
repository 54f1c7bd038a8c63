//! The keys of the group side by side.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, refuse, warn};
use crate::dns::Rtype;
use crate::dnssec::KeyId;
use crate::evidence::Place;
use crate::workflow::plan::{Plan, Purpose};
use crate::workflow::snapshot::Snapshot;
use crate::workflow::state::State;

/// The payload that passes everywhere without fragments (DNS flag day 2020), octets.
const SAFE_PAYLOAD: usize = 1232;
/// Owner (compressed), type, class, TTL and length of a record.
const RECORD_HEAD: usize = 12;

/// All signers must use the same algorithms.
pub(super) fn algorithms(plan: &Plan, now: &Snapshot) -> Option<Finding> {
    let of =
        |name: &str| -> BTreeSet<u8> { now.own_keys(name).iter().map(|key| key.key().algorithm).collect() };
    let sets: Vec<(String, BTreeSet<u8>)> = plan
        .signers
        .iter()
        .map(|s| (s.name.clone(), of(&s.name)))
        .filter(|(_, set)| !set.is_empty())
        .collect();
    let first = sets.first()?;
    let other = sets.iter().find(|(_, set)| *set != first.1)?;
    let otherwise = match &plan.purpose {
        Purpose::Migrate { from, to } if plan.before.len() == 1 => format!(
            ". Where that cannot be: unbroken fallback --from {from} --to {to} --zone {}, with an insecure time in between \
             (docs/fallback.md)",
            plan.zone
        ),
        _ => String::new(),
    };
    Some(refuse(
        "algorithms-differ",
        format!(
            "{} signs with algorithms {:?}, {} with {:?}",
            first.0, first.1, other.0, other.1
        ),
        &format!(
            "all signers of a group use the same algorithms (RFC 8901 section 4): make new keys at the newcomer, 13 is common \
             to all{otherwise}"
        ),
    ))
}

/// No two keys that a signer of the group shows may have the same algorithm and tag.
pub(super) fn tags(plan: &Plan, now: &Snapshot) -> Vec<Finding> {
    let all: BTreeSet<&KeyId> = plan
        .signers
        .iter()
        .filter_map(|signer| now.providers.get(&signer.name))
        .flat_map(|at| at.dnskey.values.keys())
        .flat_map(|set| &set.keys)
        .collect();
    let mut seen: BTreeMap<(u8, u16), &KeyId> = BTreeMap::new();
    let mut out = Vec::new();
    for key in all {
        let place = (key.key().algorithm, key.key().tag());
        if let Some(other) = seen.insert(place, key) {
            out.push(refuse(
                "key-tag-clash",
                format!("two keys have algorithm {} and tag {}: {other} and {key}", place.0, place.1),
                "let one provider make a new key: validators limit how many keys of one tag they try (CVE-2023-50387)",
            ));
        }
    }
    out
}

/// The DNSKEY answer of each signer with the keys of all others in it.
pub(super) fn sizes(state: &State, plan: &Plan) -> Vec<Finding> {
    let now = state.snapshot();
    plan.signers
        .iter()
        .filter_map(|signer| {
            let octets = joined_size(state, plan, now, &signer.name)?;
            (octets > SAFE_PAYLOAD).then(|| {
                warn(
                    "dnskey-answer-large",
                    format!(
                        "with the keys of the whole group the DNSKEY answer of {} has about {octets} octets, more than {SAFE_PAYLOAD}",
                        signer.name
                    ),
                    "resolvers will ask for it over TCP, which works here; fewer or smaller keys (algorithm 13) avoid that",
                )
            })
        })
        .collect()
}

fn joined_size(state: &State, plan: &Plan, now: &Snapshot, name: &str) -> Option<usize> {
    let served = state
        .ledger
        .streams()
        .filter(|(key, _)| matches!(&key.place, Place::Provider(provider) if provider == name))
        .filter(|(key, _)| key.rtype == Rtype::DNSKEY)
        .map(|(_, stream)| stream.shape.octets)
        .max()?;
    let held: BTreeSet<&KeyId> = now
        .providers
        .get(name)
        .into_iter()
        .flat_map(|at| at.dnskey.values.keys())
        .flat_map(|set| &set.keys)
        .collect();
    let foreign: usize = plan
        .signers
        .iter()
        .filter(|other| other.name != name)
        .flat_map(|other| now.exported(&other.name))
        .filter(|key| !held.contains(key))
        .map(|key| RECORD_HEAD + key.key().rdata().len())
        .sum();
    Some(served + foreign)
}
