//! Whether two neighbouring links of the chain hold together. Strict: for every algorithm (RFC 4035 section 2.2).

use std::collections::BTreeSet;

use super::signed::{Key, Rrset};
use crate::wire::Name;

/// The complaint about a DNSKEY RRset that a DS RRset does not vouch for.
pub(crate) const NO_ENTRY: &str = "no DS names a key that signs the DNSKEY RRset";
/// The complaint about an RRset that a DNSKEY RRset does not verify.
pub(crate) const NO_KEY: &str = "no key verifies the RRset";

/// What is wrong with a DNSKEY RRset under a DS RRset.
pub(super) fn delegation(ds: &Rrset, keys: &Rrset, zone: &Name) -> Option<String> {
    if ds.rdatas.is_empty() {
        return Some("there is no DS".to_owned());
    }
    let entry_points: Vec<Key> = keys
        .keys()
        .into_iter()
        .filter(|key| keys.is_signed_by(key, zone))
        .collect();
    let algorithms: BTreeSet<u8> = ds
        .rdatas
        .iter()
        .filter_map(|rdata| rdata.get(2))
        .copied()
        .collect();
    let holds = |algorithm: u8| {
        let named = |key: &&Key| ds.rdatas.iter().any(|rdata| key.is_named_by(rdata, zone));
        entry_points
            .iter()
            .filter(|key| key.algorithm() == algorithm)
            .any(|key| named(&key))
    };
    complete(
        "no DS names a key that signs the DNSKEY RRset",
        &algorithms,
        holds,
    )
}

/// What is wrong with a signed RRset under a DNSKEY RRset.
pub(super) fn signature(keys: &Rrset, data: &Rrset, zone: &Name) -> Option<String> {
    let keys = keys.keys();
    let algorithms: BTreeSet<u8> = keys.iter().map(Key::algorithm).collect();
    let holds = |algorithm: u8| {
        keys.iter()
            .filter(|key| key.algorithm() == algorithm)
            .any(|key| data.is_signed_by(key, zone))
    };
    complete(NO_KEY, &algorithms, holds)
}

/// Nothing where it holds for every algorithm; the complaint where it holds for none or not for all.
fn complete(complaint: &str, algorithms: &BTreeSet<u8>, holds: impl Fn(u8) -> bool) -> Option<String> {
    let broken: Vec<u8> = algorithms
        .iter()
        .copied()
        .filter(|&algorithm| !holds(algorithm))
        .collect();
    match broken.as_slice() {
        [] if !algorithms.is_empty() => None,
        some if some.len() < algorithms.len() => Some(format!("{complaint} for algorithms {some:?}")),
        _ => Some(complaint.to_owned()),
    }
}
