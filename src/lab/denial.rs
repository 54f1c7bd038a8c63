//! NSEC and NSEC3 chains (RFC 4034 section 4, RFC 5155).

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::BASE32HEX_NOPAD;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::zone::Zone;
use crate::dns::{Name, Rrset, Rtype, Ttl};

/// The denial records of one version of a zone, by owner (NSEC) or by hash (NSEC3).
pub(super) enum Chain {
    /// By owner name.
    Nsec(BTreeMap<Name, Rrset>),
    /// By hash, with the apex under which the hashes stand.
    Nsec3(BTreeMap<Vec<u8>, Rrset>),
}

impl Chain {
    /// Builds the chain of `zone`.
    pub(super) fn of(zone: &Zone) -> Chain {
        let ttl = denial_ttl(zone);
        if zone.manner().nsec3 {
            nsec3_chain(zone, ttl)
        } else {
            nsec_chain(zone, ttl)
        }
    }

    /// The record that stands at the name and lists its types.
    pub(super) fn matching(&self, name: &Name) -> Option<&Rrset> {
        match self {
            Chain::Nsec(chain) => chain.get(name),
            Chain::Nsec3(chain) => chain.get(&hash(name)),
        }
    }

    /// The record whose span holds the name.
    pub(super) fn covering(&self, name: &Name) -> Option<&Rrset> {
        match self {
            Chain::Nsec(chain) => around(chain, name),
            Chain::Nsec3(chain) => around(chain, &hash(name)),
        }
    }

    /// Whether this is a chain of hashes.
    pub(super) fn is_hashed(&self) -> bool {
        matches!(self, Chain::Nsec3(_))
    }

    /// All records.
    pub(super) fn rrsets(&self) -> Vec<Rrset> {
        match self {
            Chain::Nsec(chain) => chain.values().cloned().collect(),
            Chain::Nsec3(chain) => chain.values().cloned().collect(),
        }
    }
}

/// The entry before `key`; before the first stands the last, since the chain is a circle.
fn around<'a, K: Ord>(chain: &'a BTreeMap<K, Rrset>, key: &K) -> Option<&'a Rrset> {
    chain
        .range(..key)
        .next_back()
        .or_else(|| chain.last_key_value())
        .map(|(_, rrset)| rrset)
}

/// The lesser of the SOA's TTL and its last field (RFC 9077).
fn denial_ttl(zone: &Zone) -> Ttl {
    let Some(soa) = zone.content(zone.apex(), Rtype::SOA) else {
        return 0;
    };
    let minimum = soa
        .rdatas
        .first()
        .and_then(|rdata| rdata.last_chunk::<4>())
        .map_or(0, |octets| u32::from_be_bytes(*octets));
    soa.ttl.min(minimum)
}

/// Names that the zone answers for by itself: neither glue nor below a delegation.
fn authoritative(zone: &Zone) -> impl Iterator<Item = &Name> {
    zone.owners()
        .filter(|name| zone.cut(name).is_none_or(|cut| cut == **name))
}

fn bitmap_types(zone: &Zone, name: &Name, hashed: bool) -> BTreeSet<Rtype> {
    let delegation = *name != *zone.apex() && zone.cut(name).is_some();
    let mut types = zone.types(name);
    if delegation {
        types.retain(|rtype| matches!(*rtype, Rtype::NS | Rtype::DS));
    }
    if !hashed {
        types.extend([Rtype::NSEC, Rtype::RRSIG]);
    } else if types.contains(&Rtype::DS) || (!delegation && !types.is_empty()) {
        types.insert(Rtype::RRSIG);
    }
    types
}

fn nsec_chain(zone: &Zone, ttl: Ttl) -> Chain {
    let names: Vec<&Name> = authoritative(zone).collect();
    let mut chain = BTreeMap::new();
    for (index, name) in names.iter().enumerate() {
        let Some(next) = names.get((index + 1) % names.len()) else {
            continue;
        };
        let mut rdata = next.wire().to_vec();
        rdata.extend(bitmap(&bitmap_types(zone, name, false)));
        chain.insert((*name).clone(), rrset((*name).clone(), Rtype::NSEC, ttl, rdata));
    }
    Chain::Nsec(chain)
}

fn nsec3_chain(zone: &Zone, ttl: Ttl) -> Chain {
    let apex = zone.apex();
    let mut names: BTreeSet<Name> = BTreeSet::new();
    for owner in authoritative(zone) {
        // The names between an owner and the apex exist too (RFC 5155 section 7.1).
        for count in apex.label_count()..=owner.label_count() {
            names.insert(owner.suffix(count));
        }
    }
    let hashed: BTreeMap<Vec<u8>, Name> = names.into_iter().map(|name| (hash(&name), name)).collect();
    let order: Vec<&Vec<u8>> = hashed.keys().collect();
    let mut chain = BTreeMap::new();
    for (index, (own, name)) in hashed.iter().enumerate() {
        let Some(next) = order.get((index + 1) % order.len()) else {
            continue;
        };
        let mut rdata = vec![1, 0, 0, 0, 0, 20];
        rdata.extend_from_slice(next);
        rdata.extend(bitmap(&bitmap_types(zone, name, true)));
        let label = BASE32HEX_NOPAD.encode(own).to_ascii_lowercase();
        if let Ok(owner) = apex.prepend(label.as_bytes()) {
            chain.insert(own.clone(), rrset(owner, Rtype::NSEC3, ttl, rdata));
        }
    }
    Chain::Nsec3(chain)
}

fn rrset(name: Name, rtype: Rtype, ttl: Ttl, rdata: Vec<u8>) -> Rrset {
    Rrset {
        name,
        rtype,
        ttl,
        rdatas: vec![rdata],
        signatures: Vec::new(),
        broken_signatures: 0,
    }
}

/// SHA-1 of the name, no salt, no further iterations (RFC 9276).
fn hash(name: &Name) -> Vec<u8> {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, name.wire()).as_ref().to_vec()
}

/// The type bit maps field (RFC 4034 section 4.1.2).
fn bitmap(types: &BTreeSet<Rtype>) -> Vec<u8> {
    let mut windows: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
    for rtype in types {
        let [window, low] = rtype.0.to_be_bytes();
        let bits = windows.entry(window).or_default();
        let at = usize::from(low / 8);
        if bits.len() <= at {
            bits.resize(at + 1, 0);
        }
        if let Some(octet) = bits.get_mut(at) {
            *octet |= 0x80 >> (low % 8);
        }
    }
    let mut out = Vec::new();
    for (window, bits) in windows {
        out.push(window);
        out.push(u8::try_from(bits.len()).unwrap_or(32));
        out.extend(bits);
    }
    out
}
