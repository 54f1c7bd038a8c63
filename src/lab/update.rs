//! Dynamic updates (RFC 2136): prerequisites, the operator's policy, and the change itself.

use std::collections::{BTreeMap, BTreeSet};

use super::zone::Zone;
use crate::dns::{CLASS_IN, Message, Name, Rcode, Record, Rtype};

const CLASS_NONE: u16 = 254;
const CLASS_ANY: u16 = 255;

/// What an operator lets a key holder change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Permit {
    /// A provider: everything but the SOA and what signing makes.
    Zone,
    /// A registry: NS and DS of a child, and addresses at or below it.
    Children,
    /// Nobody may change anything.
    Nothing,
}

impl Permit {
    fn allows(&self, apex: &Name, record: &Record) -> bool {
        match self {
            Permit::Nothing => false,
            Permit::Zone => !matches!(
                record.rtype,
                Rtype::SOA | Rtype::RRSIG | Rtype::NSEC | Rtype::NSEC3 | Rtype::NSEC3PARAM
            ),
            Permit::Children => {
                let below = record.name.label_count().saturating_sub(apex.label_count());
                match record.rtype {
                    Rtype::NS | Rtype::DS => below == 1,
                    Rtype::A | Rtype::AAAA => below >= 1,
                    _ => false,
                }
            }
        }
    }
}

/// Carries out an update whose sender was authenticated; the zone is changed only if all of it holds.
///
/// `heed` is what the operator does with the changes it accepted: normally nothing but apply them.
pub(super) fn apply(
    zone: &mut Zone,
    permit: &Permit,
    message: &Message,
    heed: impl FnOnce(Vec<Record>) -> Vec<Record>,
) -> Rcode {
    if let Err(rcode) = prerequisites(zone, &message.answer) {
        return rcode;
    }
    for record in &message.authority {
        if let Err(rcode) = admissible(zone, permit, record) {
            return rcode;
        }
    }
    let mut next = zone.clone();
    let mut changed = false;
    for record in heed(message.authority.clone()) {
        changed |= change(&mut next, &record);
    }
    if changed {
        next.bump_serial();
        *zone = next;
    }
    Rcode::NOERROR
}

/// RFC 2136 section 3.2.
fn prerequisites(zone: &Zone, wanted: &[Record]) -> Result<(), Rcode> {
    let mut exact: BTreeMap<(Name, Rtype), BTreeSet<Vec<u8>>> = BTreeMap::new();
    for record in wanted {
        if record.ttl != 0 {
            return Err(Rcode::FORMERR);
        }
        if !record.name.is_at_or_below(zone.apex()) {
            return Err(Rcode::NOTZONE);
        }
        let any = record.rtype == Rtype::ANY;
        let there = if any {
            !zone.types(&record.name).is_empty()
        } else {
            zone.rrset(&record.name, record.rtype).is_some()
        };
        match record.class {
            CLASS_ANY | CLASS_NONE if !record.rdata.is_empty() => return Err(Rcode::FORMERR),
            CLASS_ANY if !there => {
                return Err(if any { Rcode::NXDOMAIN } else { Rcode::NXRRSET });
            }
            CLASS_NONE if there => return Err(if any { Rcode(6) } else { Rcode::YXRRSET }),
            CLASS_ANY | CLASS_NONE => {}
            CLASS_IN => {
                exact
                    .entry((record.name.clone(), record.rtype))
                    .or_default()
                    .insert(record.rdata.clone());
            }
            _ => return Err(Rcode::FORMERR),
        }
    }
    for ((name, rtype), rdatas) in exact {
        let there: BTreeSet<Vec<u8>> = zone
            .rrset(&name, rtype)
            .map(|rrset| rrset.rdatas.into_iter().collect())
            .unwrap_or_default();
        if there != rdatas {
            return Err(Rcode::NXRRSET);
        }
    }
    Ok(())
}

/// RFC 2136 section 3.4.1, and the permit.
fn admissible(zone: &Zone, permit: &Permit, record: &Record) -> Result<(), Rcode> {
    if !record.name.is_at_or_below(zone.apex()) {
        return Err(Rcode::NOTZONE);
    }
    let meta = matches!(record.rtype, Rtype::OPT | Rtype::TSIG | Rtype::AXFR | Rtype::IXFR);
    let well_formed = match record.class {
        CLASS_IN => !meta && record.rtype != Rtype::ANY,
        CLASS_ANY => !meta && record.ttl == 0 && record.rdata.is_empty(),
        CLASS_NONE => !meta && record.rtype != Rtype::ANY && record.ttl == 0,
        _ => false,
    };
    if !well_formed {
        return Err(Rcode::FORMERR);
    }
    if record.rtype == Rtype::ANY && *permit != Permit::Zone {
        return Err(Rcode::REFUSED);
    }
    if !permit.allows(zone.apex(), record) {
        return Err(Rcode::REFUSED);
    }
    Ok(())
}

/// RFC 2136 section 3.4.2.
fn change(zone: &mut Zone, record: &Record) -> bool {
    let at_apex = record.name == *zone.apex();
    match record.class {
        CLASS_ANY if record.rtype == Rtype::ANY => {
            let types: Vec<Rtype> = zone.types(&record.name).into_iter().collect();
            types
                .into_iter()
                .filter(|rtype| !(at_apex && matches!(*rtype, Rtype::SOA | Rtype::NS)))
                .fold(false, |changed, rtype| {
                    zone.remove_rrset(&record.name, rtype) | changed
                })
        }
        CLASS_ANY if at_apex && matches!(record.rtype, Rtype::SOA | Rtype::NS) => false,
        CLASS_ANY => zone.remove_rrset(&record.name, record.rtype),
        CLASS_NONE => {
            let last_ns = at_apex
                && record.rtype == Rtype::NS
                && zone
                    .content(&record.name, Rtype::NS)
                    .is_some_and(|content| content.rdatas.len() == 1);
            !last_ns && zone.remove(&record.name, record.rtype, &record.rdata)
        }
        _ => add(zone, record),
    }
}

/// An alias and other data exclude each other (RFC 2136 section 3.4.2.2): what is there stays.
fn add(zone: &mut Zone, record: &Record) -> bool {
    let types = zone.types(&record.name);
    let clash = if record.rtype == Rtype::CNAME {
        types.iter().any(|rtype| *rtype != Rtype::CNAME)
    } else {
        types.contains(&Rtype::CNAME)
    };
    !clash && zone.add(record)
}
