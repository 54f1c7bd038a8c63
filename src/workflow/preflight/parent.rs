//! What the parent says of the zone.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, refuse};
use crate::dnssec::DsSet;
use crate::workflow::plan::Plan;
use crate::workflow::snapshot::Snapshot;

/// SHA-1, which does not count beside another digest type (RFC 4509 section 3).
const SHA1: u8 = 1;

/// Every server that the delegation names must be somebody's.
pub(super) fn delegation(plan: &Plan, now: &Snapshot) -> Vec<Finding> {
    let Some(named) = now.parent_ns.agreed() else {
        return vec![refuse(
            "parent-disagrees",
            "the parent's servers do not agree on the delegation, or did not answer",
            "wait until they do",
        )];
    };
    named
        .iter()
        .filter(|host| plan.owners_of(host).next().is_none())
        .map(|host| {
            refuse(
                "unknown-name-server",
                format!("the delegation names {host}, which no provider in the settings runs"),
                "add it to `name_servers` of the provider that feeds it, or remove it from the delegation",
            )
        })
        .collect()
}

/// Every key must have DS records of the same digest types.
pub(super) fn digests(plan: &Plan, now: &Snapshot) -> Option<Finding> {
    let Some(set) = now.ds.agreed() else {
        return Some(refuse(
            "ds-unknown",
            "the parent's servers do not agree on the DS RRset",
            "wait until they do",
        ));
    };
    // A fallback leaves the whole set behind.
    if set.is_empty() || !plan.purpose.is_multi_signer() {
        return None;
    }
    if plan.digest_types.is_empty() {
        return Some(refuse(
            "sha1-only",
            "every DS record is SHA-1",
            "replace it by SHA-256 (digest type 2) at the registrar first",
        ));
    }
    let mut by_key: BTreeMap<(u16, u8), BTreeSet<u8>> = BTreeMap::new();
    for ds in set {
        let types = by_key.entry((ds.tag, ds.algorithm)).or_default();
        // A key with nothing but SHA-1 beside another with more has an empty set here, and that differs.
        if ds.digest_type != SHA1 {
            types.insert(ds.digest_type);
        }
    }
    let kinds: BTreeSet<&BTreeSet<u8>> = by_key.values().collect();
    (kinds.len() > 1).then(|| {
        refuse(
            "mixed-digests",
            format!("DS records with different digest types: {}", list(set)),
            "give every key DS records of the same digest types: resolvers may use only the strongest (RFC 4509 section 3)",
        )
    })
}

fn list(set: &DsSet) -> String {
    set.iter()
        .map(|ds| format!("{} {} {}", ds.tag, ds.algorithm, ds.digest_type))
        .collect::<Vec<_>>()
        .join(", ")
}
