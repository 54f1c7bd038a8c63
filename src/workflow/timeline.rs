//! From what was seen to the timeline that the checker judges.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Fact, SignerId};
use super::ledger::{Ledger, Stretch};
use super::plan::{Plan, Signer, led_to};
use super::snapshot::KeySet;
use super::state::State;
use crate::continuity::{DsRef, KeyInfo, Timeline, Value, Version};
use crate::dns::Name;
use crate::dnssec::{Dnskey, Ds, DsSet, KeyId};
use crate::evidence::Place;
use crate::moment::Moment;
use crate::ports::NameServer;

/// A timeline whose versions can be traced to what was seen.
#[derive(Clone, Debug, Default)]
pub struct Traced {
    /// What the checker judges.
    pub timeline: Timeline,
    /// For each version, in the same order, what was seen; none for a version that is only planned or assumed.
    pub seen: Vec<Option<Stretch>>,
    /// So many of them, the first ones, nobody saw: they may have been served until the first sweep.
    pub assumed: usize,
}

/// Turns facts into the names that a timeline uses.
#[derive(Clone, Debug)]
pub struct Naming<'a> {
    zone: &'a Name,
    signers: &'a [Signer],
    pool: &'a BTreeMap<KeyId, Dnskey>,
}

impl<'a> Naming<'a> {
    /// Names by the providers of `plan` and the keys of `pool`.
    pub fn new(plan: &'a Plan, pool: &'a BTreeMap<KeyId, Dnskey>) -> Naming<'a> {
        Naming::of(&plan.zone, &plan.signers, pool)
    }

    /// Names by these providers, where there is no plan.
    pub fn of(zone: &'a Name, signers: &'a [Signer], pool: &'a BTreeMap<KeyId, Dnskey>) -> Naming<'a> {
        Naming { zone, signers, pool }
    }

    /// The providers that a set of name servers leads to; a host that nobody owns stands for itself.
    pub fn providers(&self, hosts: &BTreeSet<Name>) -> Vec<String> {
        let mut named = led_to(self.signers, hosts);
        let owned = |host: &Name| {
            self.signers
                .iter()
                .any(|signer| signer.name_servers.contains(host))
        };
        let strangers = hosts.iter().filter(|host| !owned(host));
        named.extend(strangers.map(|host| format!("?{host}")));
        named.into_iter().collect()
    }

    /// The key that a DS record names; one that nobody serves stands for itself.
    pub fn ds(&self, ds: &Ds) -> DsRef {
        let key = self
            .pool
            .iter()
            .find(|(_, key)| ds.matches(self.zone, key))
            .map_or_else(|| unseen_ds(ds), |(id, _)| id.to_string());
        DsRef {
            key,
            digest: ds.digest_type,
        }
    }

    /// The value of a DS RRset.
    pub fn ds_value(&self, set: &DsSet) -> Value {
        Value::Ds {
            records: set.iter().map(|ds| self.ds(ds)).collect(),
        }
    }

    /// The value of a DNSKEY RRset.
    pub fn dnskey_value(at: &str, set: &KeySet) -> Value {
        Value::Dnskey {
            at: at.to_owned(),
            keys: set.keys.iter().map(KeyId::to_string).collect(),
            signed_by: set.signed_by.iter().map(KeyId::to_string).collect(),
        }
    }

    pub(super) fn value(&self, place: &Place, fact: &Fact) -> Option<Value> {
        Some(match (place, fact) {
            (Place::Parent, Fact::ParentNs(hosts)) => Value::ParentNs {
                providers: self.providers(hosts),
            },
            (Place::Parent, Fact::Ds(set)) => self.ds_value(set),
            (Place::Provider(at), Fact::ApexNs(hosts)) => Value::ApexNs {
                at: at.clone(),
                providers: self.providers(hosts),
            },
            (Place::Provider(at), Fact::Dnskey { keys, signed_by }) => Self::dnskey_value(
                at,
                &KeySet {
                    keys: keys.clone(),
                    signed_by: signed_by.clone(),
                },
            ),
            (Place::Provider(at), Fact::Data { signed_by }) => Value::Data {
                at: at.clone(),
                signed_by: signed_by.iter().map(signer_name).collect(),
            },
            _ => return None,
        })
    }
}

fn unseen_ds(ds: &Ds) -> String {
    format!("{}/{}/ds-without-key", ds.tag, ds.algorithm)
}

fn signer_name(signer: &SignerId) -> String {
    match signer {
        SignerId::Key(key) => key.to_string(),
        SignerId::Unknown { tag, algorithm } => format!("{tag}/{algorithm}/unknown"),
    }
}

/// Everything in the ledger as a timeline of whole seconds, rounded outwards.
///
/// The margin of the plan is added to each end. A data version counts with the largest TTL that its provider is known to serve (sampled answers alone would miss some).
pub fn timeline(plan: &Plan, ledger: &Ledger, pool: &BTreeMap<KeyId, Dnskey>) -> Traced {
    bounded(&plan.zone, &plan.signers, plan.rules.margin, ledger, pool)
}

/// The same where there is no plan: the providers are those that are asked, and nothing is added to any end.
pub fn timeline_of_watch(state: &State) -> Option<Traced> {
    let zone = &state.servers.as_ref()?.topology.zone;
    Some(bounded(
        zone,
        &asked_signers(state),
        0,
        &state.ledger,
        &state.pool,
    ))
}

fn bounded(
    zone: &Name,
    signers: &[Signer],
    margin: u32,
    ledger: &Ledger,
    pool: &BTreeMap<KeyId, Dnskey>,
) -> Traced {
    let margin = std::time::Duration::from_secs(u64::from(margin));
    let naming = Naming::of(zone, signers, pool);
    let mut traced = Traced::default();
    traced.timeline.zone = zone.to_string();
    for stretch in ledger.stretches() {
        let Some(value) = naming.value(&stretch.place, &stretch.served.fact) else {
            continue;
        };
        let ttl = match (&stretch.place, &stretch.served.fact) {
            (Place::Provider(name), Fact::Data { .. }) => stretch.served.ttl.max(largest_ttl(signers, name)),
            _ => stretch.served.ttl,
        };
        let from = stretch.from.floor_seconds();
        // It was seen, so it was served for some time, however short.
        let until = stretch
            .until
            .map(|until| (until + margin).ceil_seconds().max(from + 1));
        let version = Version::new(value, from, until, ttl);
        traced.push(version, Some(stretch));
    }
    traced
}

/// Only what is certain, where no plan is under way: each fact from when its first answer was there until the question left
/// whose answer was the last to say so, with the TTL that was seen; still served is what was said to a question of `since`
/// or later. What conflicts in it did conflict.
pub(super) fn certain_timeline(
    zone: &Name,
    signers: &[Signer],
    ledger: &Ledger,
    pool: &BTreeMap<KeyId, Dnskey>,
    since: Moment,
) -> Traced {
    let naming = Naming::of(zone, signers, pool);
    let mut traced = Traced::default();
    traced.timeline.zone = zone.to_string();
    for stretch in ledger.certain_stretches(since) {
        let Some(value) = naming.value(&stretch.place, &stretch.served.fact) else {
            continue;
        };
        let from = stretch.from.ceil_seconds();
        let until = stretch.until.map(|until| until.floor_seconds().max(from + 1));
        let version = Version::new(value, from, until, stretch.served.ttl);
        traced.push(version, Some(stretch));
    }
    traced
}

/// [`timeline`] with what the plan assumes to have been served until the first sweep: what gates are judged by.
pub fn timeline_with_assumed(plan: &Plan, ledger: &Ledger, pool: &BTreeMap<KeyId, Dnskey>) -> Traced {
    let seen = timeline(plan, ledger, pool);
    let Some(began) = ledger.began().filter(|_| !plan.assumed.is_empty()) else {
        return seen;
    };
    let naming = Naming::new(plan, pool);
    // A ledger that goes back to an earlier plan knows nothing of the time between the two.
    let first = began.max(plan.made);
    let from = first.floor_seconds() - 1;
    // It meets what was seen first: who was led there by the one may have fetched the other.
    let until = (first.ceil_seconds() + i64::from(plan.rules.margin)).max(first.floor_seconds() + 1);
    let mut all = Traced {
        timeline: crate::continuity::Timeline {
            versions: Vec::new(),
            ..seen.timeline.clone()
        },
        ..Traced::default()
    };
    for version in &plan.assumed {
        if let Some(value) = naming.value(&version.place, &version.fact) {
            all.push(Version::new(value, from, Some(until), version.ttl), None);
        }
    }
    all.assumed = all.seen.len();
    for (version, stretch) in seen.timeline.versions.into_iter().zip(seen.seen) {
        all.push(version, stretch);
    }
    all
}

fn largest_ttl(signers: &[Signer], name: &str) -> u32 {
    let signer = signers.iter().find(|signer| signer.name == name);
    signer.map_or(0, |signer| signer.max_ttl)
}

/// The providers as they are asked, where no plan names them.
pub(super) fn asked_signers(state: &State) -> Vec<Signer> {
    let Some(servers) = &state.servers else {
        return Vec::new();
    };
    let one = |(name, hosts): (&String, &Vec<NameServer>)| Signer {
        name: name.clone(),
        name_servers: hosts.iter().map(|host| host.name.clone()).collect(),
        max_ttl: 0,
        manual: true,
        apex_ns_fixed: false,
        signs_live: false,
    };
    servers.providers.iter().map(one).collect()
}

impl Traced {
    /// Whether nobody saw the version and it is only assumed.
    pub fn is_assumed(&self, version: &Version) -> bool {
        let at = self.timeline.versions.iter().position(|own| own == version);
        at.is_some_and(|at| at < self.assumed)
    }

    /// Adds a version and whatever names it uses.
    pub fn push(&mut self, version: Version, seen: Option<Stretch>) {
        declare(&mut self.timeline, &version.value);
        self.timeline.versions.push(version);
        self.seen.push(seen);
    }

    /// Makes sure that the names of `value` are known to the timeline.
    pub fn declare(&mut self, value: &Value) {
        declare(&mut self.timeline, value);
    }

    /// What was seen of a version.
    pub fn stretch(&self, version: &Version) -> Option<&Stretch> {
        let at = self.timeline.versions.iter().position(|own| own == version)?;
        self.seen.get(at)?.as_ref()
    }
}

fn declare(timeline: &mut Timeline, value: &Value) {
    let mut provider = |name: &str| {
        if !timeline.providers.iter().any(|known| known == name) {
            timeline.providers.push(name.to_owned());
        }
    };
    if let Some(at) = value.at() {
        provider(at);
    }
    let keys: Vec<&String> = match value {
        Value::ParentNs { providers } | Value::ApexNs { providers, .. } => {
            providers.iter().for_each(|name| provider(name));
            Vec::new()
        }
        Value::Ds { records } => records.iter().map(|record| &record.key).collect(),
        Value::Dnskey { keys, signed_by, .. } => keys.iter().chain(signed_by).collect(),
        Value::Data { signed_by, .. } => signed_by.iter().collect(),
    };
    for key in keys {
        // Every name made here is tag/algorithm/rest.
        let algorithm = key
            .split('/')
            .nth(1)
            .and_then(|word| word.parse().ok())
            .unwrap_or(0);
        timeline.keys.entry(key.clone()).or_insert(KeyInfo { algorithm });
    }
}
