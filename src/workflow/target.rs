//! What a step wants: the state to reach, whether it is reached, and the change that is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::facts::ADDRESS_TYPES;
use super::plan::{CdsPolicy, Intent, Plan};
use super::snapshot::{KeySet, Snapshot};
use crate::dns::{Name, Record, Rtype};
use crate::dnssec::{Dnskey, DsSet, KeyId};
use crate::ports::RrsetChange;

/// The state that a step wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// These keys are in, those out, of the DNSKEY RRset at a provider.
    Keys {
        /// Where.
        at: String,
        /// Must be in it.
        present: BTreeSet<KeyId>,
        /// Must not be in it.
        absent: BTreeSet<KeyId>,
    },
    /// CDS and CDNSKEY at a provider are exactly these.
    Cds {
        /// Where.
        at: String,
        /// CDS records.
        cds: DsSet,
        /// CDNSKEY records.
        cdnskey: BTreeSet<Dnskey>,
        /// The DS set that a parent would make of them.
        would_set: DsSet,
    },
    /// The DS RRset is exactly this.
    Ds(DsSet),
    /// The apex NS RRset at a provider is exactly this.
    ApexNs {
        /// Where.
        at: String,
        /// The hosts.
        hosts: BTreeSet<Name>,
    },
    /// The delegation is exactly this.
    ParentNs {
        /// The hosts.
        hosts: BTreeSet<Name>,
        /// The addresses that go with those of them whose names lie within the zone, by host and type.
        glue: BTreeMap<(Name, Rtype), BTreeSet<IpAddr>>,
    },
    /// The provider serves nothing any more, whenever it likes.
    Retired(String),
    /// Nothing changes.
    Nothing,
}

/// What cannot be aimed at yet, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoTarget(pub String);

/// The state that `intent` wants, given what is served now.
///
/// # Errors
/// If something that the target depends on was not seen: no signing key of a provider, no agreed DS RRset.
pub fn target(plan: &Plan, intent: &Intent, now: &Snapshot) -> Result<Target, NoTarget> {
    Ok(match intent {
        Intent::ShareKeys { at, of } => Target::Keys {
            at: at.clone(),
            present: union_of(of, |provider| exported(now, provider))?,
            absent: BTreeSet::new(),
        },
        Intent::DropKeys { at, of } => {
            let absent = now
                .owners
                .iter()
                .filter(|(_, owner)| *owner == of)
                .map(|(key, _)| key.clone())
                .collect();
            Target::Keys {
                at: at.clone(),
                present: BTreeSet::new(),
                absent,
            }
        }
        Intent::PublishCds { at, of } => cds_target(plan, at, of, now)?,
        Intent::WithdrawCds { at } => no_cds(at, now),
        Intent::RemoveDs { .. } => Target::Ds(DsSet::new()),
        Intent::SetDs { of, without, .. } => Target::Ds(ds_target(plan, of, without, now)?),
        Intent::SetApexNs { at, of } => Target::ApexNs {
            at: at.clone(),
            hosts: plan.hosts_for(of),
        },
        Intent::SetParentNs { of } => {
            let hosts = plan.hosts_for(of);
            let glue = glue_of(&plan.zone, &hosts, now)?;
            Target::ParentNs { hosts, glue }
        }
        Intent::Retire { provider } => Target::Retired(provider.clone()),
        Intent::Soak { .. } => Target::Nothing,
    })
}

/// The addresses that the copies of the zone hold for those of `hosts` that lie within it.
fn glue_of(
    zone: &Name,
    hosts: &BTreeSet<Name>,
    now: &Snapshot,
) -> Result<BTreeMap<(Name, Rtype), BTreeSet<IpAddr>>, NoTarget> {
    let mut out = BTreeMap::new();
    for host in hosts.iter().filter(|host| host.is_at_or_below(zone)) {
        let mut any = false;
        for rtype in ADDRESS_TYPES {
            let key = (host.clone(), rtype);
            let copies = now.providers.values().filter_map(|at| at.addresses.get(&key));
            let found: BTreeSet<IpAddr> = copies
                .flat_map(|copy| copy.values.keys())
                .flatten()
                .copied()
                .collect();
            any |= !found.is_empty();
            out.insert(key, found);
        }
        if !any {
            return Err(NoTarget(format!(
                "no copy of the zone holds an address of {host}"
            )));
        }
    }
    Ok(out)
}

fn glue_changes(
    wanted: &BTreeMap<(Name, Rtype), BTreeSet<IpAddr>>,
    ttl: u32,
    now: &Snapshot,
) -> Vec<RrsetChange> {
    let keys: BTreeSet<&(Name, Rtype)> = wanted.keys().chain(now.glue.keys()).collect();
    let nothing = BTreeSet::new();
    keys.into_iter()
        .filter_map(|key| {
            let seen = now
                .glue
                .get(key)
                .map(|seen| seen.values.clone())
                .unwrap_or_default();
            let wanted = wanted.get(key).unwrap_or(&nothing);
            set_change(&key.0, key.1, ttl, &seen, wanted, |address| match address {
                IpAddr::V4(address) => address.octets().to_vec(),
                IpAddr::V6(address) => address.octets().to_vec(),
            })
        })
        .collect()
}

fn union_of<T: Ord>(
    of: &[String],
    each: impl Fn(&str) -> Result<BTreeSet<T>, NoTarget>,
) -> Result<BTreeSet<T>, NoTarget> {
    let mut out = BTreeSet::new();
    for provider in of {
        out.extend(each(provider)?);
    }
    Ok(out)
}

fn exported(now: &Snapshot, provider: &str) -> Result<BTreeSet<KeyId>, NoTarget> {
    if now.data_signers(provider).is_empty() {
        return Err(NoTarget(format!("no key was seen that signs data at {provider}")));
    }
    Ok(now.exported(provider))
}

fn ds_target(plan: &Plan, of: &[String], without: &[String], now: &Snapshot) -> Result<DsSet, NoTarget> {
    let Some(present) = now.ds.agreed() else {
        return Err(NoTarget(
            "the parent's servers do not agree on the DS RRset".to_owned(),
        ));
    };
    let mut wanted: DsSet = present
        .iter()
        .filter(|ds| {
            !without
                .iter()
                .any(|leaver| now.names_key_of(&plan.zone, ds, leaver))
        })
        .cloned()
        .collect();
    for provider in of {
        let points = now.entry_points(provider);
        if points.is_empty() {
            return Err(NoTarget(format!(
                "no key was seen that signs the DNSKEY RRset at {provider}"
            )));
        }
        // A member that is named already keeps its records as they are; while it rolls, the new key's come beside them.
        let owed = now.unnamed(&plan.zone, provider, present);
        if owed.len() < points.len() {
            // It is named by another record: those of keys that it has taken away go.
            let one = [provider.clone()];
            let outlived = now.outlived(&plan.zone, &one, present);
            wanted.retain(|ds| !outlived.contains(ds));
        }
        wanted.extend(now.ds_naming(&plan.zone, &owed, &plan.digest_types));
    }
    Ok(wanted)
}

fn cds_target(plan: &Plan, at: &str, of: &[String], now: &Snapshot) -> Result<Target, NoTarget> {
    let members: Vec<&str> = plan.signers.iter().map(|signer| signer.name.as_str()).collect();
    let anybody = members
        .iter()
        .filter_map(|name| now.providers.get(*name))
        .any(|provider| {
            provider.cds.values.keys().any(|set| !set.is_empty())
                || provider.cdnskey.values.keys().any(|set| !set.is_empty())
        });
    let publish = match plan.cds {
        CdsPolicy::Union => true,
        CdsPolicy::None => false,
        CdsPolicy::Auto => anybody,
    };
    if !publish {
        return Ok(no_cds(at, now));
    }
    let mut cds = DsSet::new();
    let mut cdnskey = BTreeSet::new();
    for provider in of {
        let mut points = now.entry_points(provider);
        if points.is_empty() {
            return Err(NoTarget(format!(
                "no key was seen that signs the DNSKEY RRset at {provider}"
            )));
        }
        // What a signer publishes of its own keys is its own affair: while it rolls a KSK, the new one alone. It may also
        // publish more digest types; then everybody does, since all must be equal (RFC 9975).
        let own = now.announced(&plan.zone, provider);
        if !own.keys.is_empty() {
            points = own.keys;
        }
        cds.extend(own.ds);
        cds.extend(now.ds_naming(&plan.zone, &points, &plan.digest_types));
        cdnskey.extend(points.iter().map(|key| key.key().clone()));
    }
    Ok(Target::Cds {
        at: at.to_owned(),
        would_set: cds.clone(),
        cds,
        cdnskey,
    })
}

fn no_cds(at: &str, now: &Snapshot) -> Target {
    Target::Cds {
        at: at.to_owned(),
        cds: DsSet::new(),
        cdnskey: BTreeSet::new(),
        would_set: now.ds.agreed().cloned().unwrap_or_default(),
    }
}

impl Target {
    /// Whether every server that has to show it does.
    pub fn reached(&self, now: &Snapshot) -> bool {
        let at = |name: &str| now.providers.get(name);
        match self {
            Target::Keys {
                at: name,
                present,
                absent,
            } => at(name).is_some_and(|provider| {
                provider
                    .dnskey
                    .all(|set| present.is_subset(&set.keys) && absent.is_disjoint(&set.keys))
            }),
            Target::Cds {
                at: name,
                cds,
                cdnskey,
                ..
            } => at(name).is_some_and(|provider| {
                provider.cds.all(|set| set == cds) && provider.cdnskey.all(|set| set == cdnskey)
            }),
            Target::Ds(set) => now.ds.all(|seen| seen == set),
            Target::ApexNs { at: name, hosts } => {
                at(name).is_some_and(|provider| provider.apex_ns.all(|seen| seen == hosts))
            }
            Target::ParentNs { hosts, glue } => {
                let there = |(key, wanted): (&(Name, Rtype), &BTreeSet<IpAddr>)| {
                    let seen = now.glue.get(key).map(|seen| &seen.values);
                    seen.map_or(wanted.is_empty(), |seen| seen.keys().all(|one| one == wanted))
                };
                now.parent_ns.all(|seen| seen == hosts) && glue.iter().all(there)
            }
            Target::Retired(_) | Target::Nothing => true,
        }
    }

    /// The RRset changes that are missing, each a difference to what is served.
    pub fn changes(&self, zone: &Name, now: &Snapshot) -> Vec<RrsetChange> {
        let at = |name: &str| now.providers.get(name).cloned().unwrap_or_default();
        match self {
            Target::Keys {
                at: name,
                present,
                absent,
            } => keys_change(zone, &at(name).dnskey, present, absent)
                .into_iter()
                .collect(),
            Target::Cds {
                at: name,
                cds,
                cdnskey,
                ..
            } => {
                let provider = at(name);
                let ttl = provider.dnskey.ttl();
                let cds = set_change(zone, Rtype::CDS, ttl, &provider.cds.values, cds, |ds| ds.rdata());
                let keys = set_change(
                    zone,
                    Rtype::CDNSKEY,
                    ttl,
                    &provider.cdnskey.values,
                    cdnskey,
                    Dnskey::rdata,
                );
                cds.into_iter().chain(keys).collect()
            }
            Target::Ds(set) => {
                let ttl = now.ds.ttl();
                set_change(zone, Rtype::DS, ttl, &now.ds.values, set, |ds| ds.rdata())
                    .into_iter()
                    .collect()
            }
            Target::ApexNs { at: name, hosts } => {
                let provider = at(name);
                let (ttl, seen) = (provider.apex_ns.ttl(), provider.apex_ns.values);
                set_change(zone, Rtype::NS, ttl, &seen, hosts, |host| host.wire().to_vec())
                    .into_iter()
                    .collect()
            }
            Target::ParentNs { hosts, glue } => {
                let (ttl, seen) = (now.parent_ns.ttl(), &now.parent_ns.values);
                let ns = set_change(zone, Rtype::NS, ttl, seen, hosts, |host| host.wire().to_vec());
                let (placed, gone): (Vec<_>, Vec<_>) = glue_changes(glue, ttl, now)
                    .into_iter()
                    .partition(|change| hosts.contains(&change.name));
                // A host is named only where it can be found, and its address goes only when nothing names it.
                placed.into_iter().chain(ns).chain(gone).collect()
            }
            Target::Retired(_) | Target::Nothing => Vec::new(),
        }
    }
}

fn keys_change(
    zone: &Name,
    seen: &super::snapshot::Now<KeySet>,
    present: &BTreeSet<KeyId>,
    absent: &BTreeSet<KeyId>,
) -> Option<RrsetChange> {
    let ttl = seen.ttl();
    let anywhere: BTreeSet<KeyId> = seen
        .values
        .keys()
        .flat_map(|set| set.keys.iter().cloned())
        .collect();
    let everywhere = |key: &KeyId| seen.values.keys().all(|set| set.keys.contains(key));
    let record = |key: &KeyId| key.key().record(zone, ttl);
    let add: Vec<Record> = present
        .iter()
        .filter(|key| !everywhere(key))
        .map(record)
        .collect();
    let remove: Vec<Record> = absent.intersection(&anywhere).map(record).collect();
    if add.is_empty() && remove.is_empty() {
        return None;
    }
    let expect = anywhere.iter().map(record).collect();
    Some(RrsetChange {
        name: zone.clone(),
        rtype: Rtype::DNSKEY,
        ttl,
        add,
        remove,
        expect,
    })
}

fn set_change<T: Ord>(
    owner: &Name,
    rtype: Rtype,
    ttl: u32,
    seen: &std::collections::BTreeMap<BTreeSet<T>, u32>,
    wanted: &BTreeSet<T>,
    rdata: impl Fn(&T) -> Vec<u8>,
) -> Option<RrsetChange> {
    let anywhere: BTreeSet<&T> = seen.keys().flatten().collect();
    let everywhere = |one: &T| !seen.is_empty() && seen.keys().all(|set| set.contains(one));
    let record = |one: &T| Record::new(owner.clone(), rtype, ttl, rdata(one));
    let add: Vec<Record> = wanted.iter().filter(|one| !everywhere(one)).map(record).collect();
    let remove: Vec<Record> = anywhere
        .iter()
        .filter(|one| !wanted.contains(**one))
        .map(|one| record(one))
        .collect();
    if add.is_empty() && remove.is_empty() {
        return None;
    }
    let expect = anywhere.iter().map(|one| record(one)).collect();
    Some(RrsetChange {
        name: owner.clone(),
        rtype,
        ttl,
        add,
        remove,
        expect,
    })
}
