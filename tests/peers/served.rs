//! What registry and providers serve, in the terms of a move.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::lab::{Lab, Signer};
use crate::oracle::signed::{Key, ds_text};
use crate::probe;
use crate::wire::{Name, rtype};
use crate::zone::{self, REGISTRY, ZONE};

/// The keys in a provider's DNSKEY RRset.
pub(crate) fn keys_at(signer: &Signer) -> Result<Vec<Key>> {
    Ok(probe::rrset(signer.kind.address(), &Name::of(ZONE), rtype::DNSKEY)?.keys())
}

/// Whether one provider serves the other's keys.
pub(crate) fn has_keys(at: &Signer, from: &Signer) -> Result<bool> {
    let served = keys_at(at)?;
    Ok(from.signing.iter().all(|key| served.contains(key)))
}

/// The DS records at the parent.
pub(crate) fn ds_served() -> Result<BTreeSet<String>> {
    let served = probe::rrset(REGISTRY, &Name::of(ZONE), rtype::DS)?;
    Ok(served.rdatas.iter().map(|rdata| ds_text(rdata)).collect())
}

/// Whether the parent serves a provider's DS.
pub(crate) fn has_ds(signer: &Signer) -> Result<bool> {
    let served = ds_served()?;
    Ok(signer.ds.iter().all(|ds| served.contains(ds)))
}

/// Whether the delegation names exactly these servers.
pub(crate) fn delegation_is(names: &[&str]) -> Result<bool> {
    let zone = Name::of(ZONE);
    let delegation = probe::ask(zone::dns(REGISTRY), &zone, rtype::NS)?.authority;
    let named: BTreeSet<Name> = delegation
        .iter()
        .filter(|record| record.rtype == rtype::NS && record.owner == zone)
        .map(|record| Name::from_wire(&record.rdata))
        .collect();
    Ok(named == set(names))
}

/// Whether the parent and all providers name exactly these servers.
pub(crate) fn names_are(lab: &Lab, names: &[&str]) -> Result<bool> {
    for signer in &lab.signers {
        let served = probe::rrset(signer.kind.address(), &Name::of(ZONE), rtype::NS)?;
        let named: BTreeSet<Name> = served.rdatas.iter().map(|rdata| Name::from_wire(rdata)).collect();
        if named != set(names) {
            return Ok(false);
        }
    }
    delegation_is(names)
}

fn set(names: &[&str]) -> BTreeSet<Name> {
    names.iter().map(|name| Name::of(name)).collect()
}
