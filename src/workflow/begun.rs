//! A move that somebody began by hand: what cannot be known of it, and whether the plan repairs what it broke.

use std::collections::BTreeSet;

use super::facts::{Fact, SignerId};
use super::plan::{Assumed, Intent, Plan, Purpose, Step};
use super::snapshot::{KeySet, Snapshot};
use super::target::target;
use crate::dns::Name;
use crate::dnssec::{DsSet, KeyId};
use crate::evidence::Place;

/// The versions that may have been served until the first sweep, where the zone is not in the state in which such a plan
/// begins. How long they have been gone cannot be known, so each is taken to have been served until then.
pub(super) fn assumed(plan: &Plan, now: &Snapshot) -> Vec<Assumed> {
    let mut stages = Vec::new();
    if let Purpose::Join { signer } | Purpose::Migrate { to: signer, .. } = &plan.purpose {
        stages.push(Stage { group: plan.before.clone(), outside: vec![signer.clone()] });
    }
    if !matches!(plan.purpose, Purpose::Join { .. }) {
        let all = plan.signers.iter().map(|signer| signer.name.clone()).collect();
        stages.push(Stage { group: all, outside: Vec::new() });
    }
    let Some(first) = stages.first() else {
        return Vec::new();
    };
    let unseen = |stage: &Stage| -> Vec<Assumed> {
        stage.versions(plan, now).into_iter().filter(|version| !is_served(now, version)).collect()
    };
    if unseen(first).is_empty() {
        return Vec::new();
    }
    let mut out: Vec<Assumed> = Vec::new();
    for version in stages.iter().flat_map(unseen) {
        if !out.contains(&version) {
            out.push(version);
        }
    }
    out
}

/// A resting state of the zone: who signs and is named, and who stands ready outside.
struct Stage {
    group: Vec<String>,
    outside: Vec<String>,
}

impl Stage {
    fn versions(&self, plan: &Plan, now: &Snapshot) -> Vec<Assumed> {
        let hosts = plan.name_servers(&self.group);
        let mut out = vec![
            Assumed { place: Place::Parent, fact: Fact::ParentNs(hosts.clone()), ttl: now.parent_ns.ttl() },
            Assumed { place: Place::Parent, fact: Fact::Ds(self.ds(plan, now)), ttl: now.ds.ttl() },
        ];
        for name in &self.group {
            let Some(at) = now.providers.get(name) else {
                continue;
            };
            let place = Place::Provider(name.clone());
            let set = self.key_set(now, name);
            let keys = Fact::Dnskey { keys: set.keys, signed_by: set.signed_by };
            out.push(Assumed { place: place.clone(), fact: keys, ttl: at.dnskey.ttl() });
            let fixed = plan.signer(name).is_some_and(|signer| signer.apex_ns_fixed);
            if !fixed {
                out.push(Assumed { place, fact: Fact::ApexNs(hosts.clone()), ttl: at.apex_ns.ttl() });
            }
        }
        for name in &self.outside {
            let Some(at) = now.providers.get(name) else {
                continue;
            };
            let own = now.own_keys(name);
            let signed_by = now.entry_points(name).intersection(&own).cloned().collect();
            let fact = Fact::Dnskey { keys: own, signed_by };
            out.push(Assumed { place: Place::Provider(name.clone()), fact, ttl: at.dnskey.ttl() });
        }
        out
    }

    fn ds(&self, plan: &Plan, now: &Snapshot) -> DsSet {
        let strangers = |ds: &&crate::dnssec::Ds| !self.outside.iter().any(|name| now.names_key_of(&plan.zone, ds, name));
        let mut set: DsSet = now.ds.values.keys().flatten().filter(strangers).cloned().collect();
        for name in &self.group {
            let points = now.entry_points(name);
            if !set.iter().any(|ds| points.iter().any(|key| ds.matches(&plan.zone, key.key()))) {
                set.extend(now.ds_of(&plan.zone, name, &plan.digest_types));
            }
        }
        set
    }

    fn key_set(&self, now: &Snapshot, name: &str) -> KeySet {
        let own = now.own_keys(name);
        let others = self.group.iter().filter(|other| *other != name);
        let keys: BTreeSet<KeyId> = own.iter().cloned().chain(others.flat_map(|other| now.exported(other))).collect();
        let signed_by = now
            .providers
            .get(name)
            .into_iter()
            .flat_map(|at| at.dnskey.values.keys())
            .flat_map(|set| set.signed_by.iter())
            .filter(|key| keys.contains(*key))
            .cloned()
            .collect();
        KeySet { keys, signed_by }
    }
}

fn is_served(now: &Snapshot, version: &Assumed) -> bool {
    let provider = || match &version.place {
        Place::Provider(name) => now.providers.get(name),
        _ => None,
    };
    match &version.fact {
        Fact::ParentNs(hosts) => now.parent_ns.values.contains_key(hosts),
        Fact::Ds(set) => now.ds.values.contains_key(set),
        Fact::ApexNs(hosts) => provider().is_some_and(|at| at.apex_ns.values.contains_key(hosts)),
        Fact::Dnskey { keys, .. } => provider().is_some_and(|at| at.dnskey.values.keys().any(|set| set.keys == *keys)),
        _ => true,
    }
}

/// Whether the chain would hold at every provider that resolvers are led to once the additive ones of `pending` are done:
/// then what is broken now is what this plan repairs first.
pub(super) fn heals<'a>(plan: &Plan, now: &Snapshot, pending: impl Iterator<Item = &'a Step>) -> bool {
    let mut ahead = now.clone();
    let mut any = false;
    for step in pending {
        let adds = match &step.intent {
            Intent::ShareKeys { .. } => true,
            Intent::SetDs { without, .. } => without.is_empty(),
            _ => false,
        };
        if !adds {
            continue;
        }
        if let Ok(wanted) = target(plan, &step.intent, &ahead) {
            any |= !wanted.reached(&ahead);
            ahead.take(&wanted);
        }
    }
    any && holds(plan, &ahead)
}

fn holds(plan: &Plan, now: &Snapshot) -> bool {
    let named: BTreeSet<&Name> = now.parent_ns.values.keys().flatten().collect();
    let delegated: Vec<&str> = plan
        .signers
        .iter()
        .filter(|signer| signer.name_servers.iter().any(|host| named.contains(host)))
        .map(|signer| signer.name.as_str())
        .collect();
    let data: BTreeSet<KeyId> = delegated.iter().flat_map(|name| needed(now, name)).collect();
    delegated.iter().all(|name| {
        let sets = now.providers.get(*name).map(|at| at.dnskey.values.keys().collect::<Vec<_>>()).unwrap_or_default();
        !sets.is_empty() && sets.iter().all(|set| linked(plan, now, set) && data.is_subset(&set.keys))
    })
}

fn linked(plan: &Plan, now: &Snapshot, set: &KeySet) -> bool {
    now.ds.values.keys().all(|ds| {
        set.signed_by.iter().any(|key| ds.iter().any(|record| record.matches(&plan.zone, key.key())))
    })
}

/// Of each RRset's signers at `name` the exported ones: one of them is enough.
fn needed(now: &Snapshot, name: &str) -> BTreeSet<KeyId> {
    let exported = now.exported(name);
    let signs = |key: &KeyId| {
        now.providers
            .get(name)
            .into_iter()
            .flat_map(|at| at.data.values.keys())
            .any(|signers| signers.contains(&SignerId::Key(key.clone())))
    };
    exported.into_iter().filter(signs).collect()
}
