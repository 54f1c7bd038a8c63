//! A move that somebody began before anybody looked: what may have been served until the first sweep, and cannot be known.

use std::collections::BTreeSet;

use super::facts::Fact;
use super::gate::version_words;
use super::plan::{Assumed, Plan, Purpose};
use super::snapshot::Snapshot;
use super::timeline::Naming;
use crate::dns::Name;
use crate::dnssec::{Dnskey, DsSet, KeyId};
use crate::evidence::Place;

/// The versions that lie before what is served, one RRset at a time.
///
/// A plan leads each RRset through a few values: that of the group before, that of all, that of the group afterwards. Where
/// an RRset is not at its first one, the earlier ones were served at some time; where it is at none of them, all but the last
/// may have been. How long they have been gone cannot be known, so they are taken to have been served until the first sweep,
/// with the TTL of what is served in their place (in the zone itself at least `max_ttl`, where a person gave it).
pub(super) fn assumed(plan: &Plan, now: &Snapshot) -> Vec<Assumed> {
    let stages = stages(plan);
    let mut out = Vec::new();
    let reachable = reachable(plan, now);
    let led = |hosts: &BTreeSet<Name>| plan.led_to(hosts);
    let delegations: Vec<BTreeSet<Name>> = stages.iter().map(|stage| plan.hosts_for(&stage.group)).collect();
    let served: Vec<BTreeSet<String>> = now.parent_ns.values.keys().map(led).collect();
    for hosts in before(&delegations, |hosts| served.contains(&led(hosts))) {
        out.push(Assumed {
            place: Place::Parent,
            fact: Fact::ParentNs(hosts),
            ttl: now.parent_ns.ttl(),
        });
    }
    let ds: Vec<DsSet> = stages.iter().map(|stage| stage.ds(plan, now)).collect();
    for set in before(&ds, |set| now.ds.values.contains_key(set)) {
        out.push(Assumed {
            place: Place::Parent,
            ttl: ds_ttl(now, &set),
            fact: Fact::Ds(set),
        });
    }
    for signer in &plan.signers {
        let Some(at) = now.providers.get(&signer.name) else {
            continue;
        };
        let place = Place::Provider(signer.name.clone());
        let members = || stages.iter().filter(|stage| stage.group.contains(&signer.name));
        // What a newcomer names is nobody's concern before anybody is led to it.
        let counts = plan.before.contains(&signer.name) || reachable.contains(&signer.name);
        if counts && !signer.apex_ns_fixed {
            let named: Vec<BTreeSet<Name>> = members().map(|stage| plan.hosts_for(&stage.group)).collect();
            let served: Vec<BTreeSet<String>> = at.apex_ns.values.keys().map(led).collect();
            for hosts in before(&named, |hosts| served.contains(&led(hosts))) {
                out.push(Assumed {
                    place: place.clone(),
                    fact: Fact::ApexNs(hosts),
                    ttl: at.apex_ns.ttl().max(signer.max_ttl),
                });
            }
        }
        let relevant: BTreeSet<KeyId> = keys_in(now, &signer.name, plan.signers.iter().map(|s| &s.name));
        let served: Vec<BTreeSet<KeyId>> = at
            .dnskey
            .values
            .keys()
            .map(|set| set.keys.intersection(&relevant).cloned().collect())
            .collect();
        let sets: Vec<BTreeSet<KeyId>> = stages
            .iter()
            .filter(|stage| stage.serves(&signer.name))
            .map(|stage| stage.keys(now, &signer.name))
            .collect();
        for keys in before(&sets, |keys| served.contains(keys)) {
            let signing = at.dnskey.values.keys().flat_map(|set| &set.signed_by);
            let signed_by = signing.filter(|key| keys.contains(*key)).cloned().collect();
            out.push(Assumed {
                place: place.clone(),
                fact: Fact::Dnskey { keys, signed_by },
                ttl: at.dnskey.ttl().max(signer.max_ttl),
            });
        }
    }
    out
}

/// Everybody to whom resolvers are led now, by the delegation or by the apex of one to whom they are led.
pub(super) fn reachable(plan: &Plan, now: &Snapshot) -> BTreeSet<String> {
    let mut found = plan.led_to(now.parent_ns.values.keys().flatten());
    loop {
        let at_apex = |name: &String| {
            let provider = now.providers.get(name).into_iter();
            plan.led_to(provider.flat_map(|at| at.apex_ns.values.keys()).flatten())
        };
        let more: BTreeSet<String> = found.iter().flat_map(at_apex).collect();
        if more.is_subset(&found) {
            return found;
        }
        found.extend(more);
    }
}

/// An assumed version in words, keys by tag.
pub fn assumed_words(
    plan: &Plan,
    version: &Assumed,
    pool: &std::collections::BTreeMap<KeyId, Dnskey>,
) -> String {
    let value = Naming::new(plan, pool).value(&version.place, &version.fact);
    value.as_ref().map(version_words).unwrap_or_default()
}

/// Of the values that an RRset takes in turn, those before the one that is served and not served themselves.
fn before<T: Clone + PartialEq>(values: &[T], is_served: impl Fn(&T) -> bool) -> Vec<T> {
    let first = |value: &T| values.iter().position(|other| other == value);
    let reached = values
        .iter()
        .filter(|value| is_served(value))
        .filter_map(first)
        .max();
    let end = reached.unwrap_or(values.len().saturating_sub(1));
    let mut out: Vec<T> = Vec::new();
    for value in values.iter().take(end) {
        if !is_served(value) && !out.contains(value) {
            out.push(value.clone());
        }
    }
    out
}

/// For how long a cache may hold a DS RRset that is gone, seconds. Where none is served, only the proof of that shows a TTL,
/// which says nothing of it: a day is what large registries give, and the delegation's own is more often.
fn ds_ttl(now: &Snapshot, gone: &DsSet) -> u32 {
    let served = now.ds.values.keys().any(|set| !set.is_empty());
    if served || gone.is_empty() {
        return now.ds.ttl();
    }
    now.ds.ttl().max(now.parent_ns.ttl()).max(DAY)
}

const DAY: u32 = 86_400;

/// A resting state of the zone: who signs and is named, and who stands ready outside.
struct Stage {
    group: Vec<String>,
    outside: Option<String>,
    /// Without DS at the parent.
    insecure: bool,
}

/// The resting states of a plan, in order.
fn stages(plan: &Plan) -> Vec<Stage> {
    let all = || Stage {
        group: plan.signers.iter().map(|signer| signer.name.clone()).collect(),
        outside: None,
        insecure: false,
    };
    let joining = |newcomer: &String| Stage {
        group: plan.before.clone(),
        outside: Some(newcomer.clone()),
        insecure: false,
    };
    let after = || Stage {
        group: plan.after.clone(),
        outside: None,
        insecure: false,
    };
    let left = |leaver: &String| Stage {
        outside: Some(leaver.clone()),
        ..after()
    };
    let insecure = |stage: Stage| Stage {
        insecure: true,
        ..stage
    };
    match &plan.purpose {
        Purpose::Join { signer } => vec![joining(signer), all()],
        Purpose::Leave { .. } => vec![all(), after()],
        Purpose::Migrate { to, .. } => vec![joining(to), all(), after()],
        Purpose::Fallback { from, to } => {
            vec![
                joining(to),
                insecure(joining(to)),
                insecure(left(from)),
                left(from),
            ]
        }
    }
}

impl Stage {
    fn serves(&self, name: &str) -> bool {
        self.group.iter().any(|member| member == name) || self.outside.as_deref() == Some(name)
    }

    /// The present records without those of whoever is no member, and those of each member.
    fn ds(&self, plan: &Plan, now: &Snapshot) -> DsSet {
        if self.insecure {
            return DsSet::new();
        }
        let strangers: Vec<&str> = plan
            .signers
            .iter()
            .map(|signer| signer.name.as_str())
            .filter(|name| !self.group.iter().any(|member| member == name))
            .collect();
        let present = now.ds.values.keys().flatten();
        let mut set: DsSet = present
            .filter(|ds| {
                !strangers
                    .iter()
                    .any(|name| now.names_key_of(&plan.zone, ds, name))
            })
            .cloned()
            .collect();
        for name in &self.group {
            if !set.iter().any(|ds| now.names_key_of(&plan.zone, ds, name)) {
                set.extend(now.ds_of(&plan.zone, name, &plan.digest_types));
            }
        }
        set
    }

    /// The DNSKEY RRset of one of them: its own keys, and of the other members those that sign data.
    fn keys(&self, now: &Snapshot, name: &str) -> BTreeSet<KeyId> {
        if self.group.iter().any(|member| member == name) {
            keys_in(now, name, self.group.iter())
        } else {
            now.own_keys(name)
        }
    }
}

fn keys_in<'a>(now: &Snapshot, name: &str, group: impl Iterator<Item = &'a String>) -> BTreeSet<KeyId> {
    let foreign = group
        .filter(|other| *other != name)
        .flat_map(|other| now.exported(other));
    now.own_keys(name).into_iter().chain(foreign).collect()
}
