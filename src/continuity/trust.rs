//! What a DS RRset demands of DNSKEY RRsets and data, for each class of resolvers.

use std::collections::{BTreeMap, HashSet};

use super::bits::Bits;
use super::class::Class;
use super::model::KeySet;

/// One chain that has to exist. A lenient class demands one path over all its algorithms; a strict one demands a path for
/// each algorithm that the DS RRset announces.
#[derive(Debug, Clone)]
pub(super) struct KeyPath {
    /// Keys that a useful DS record names: one of them has to be in the DNSKEY RRset and sign it.
    pub(super) entry: Bits,
    /// Keys that this path may go on with: one of them has to be in the DNSKEY RRset and sign the data.
    pub(super) keys: Bits,
}

impl KeyPath {
    /// Whether the DNSKEY RRset gives a way in.
    pub(super) fn enters(&self, set: &KeySet) -> bool {
        set.chain.meets(&self.entry)
    }

    /// Whether the DNSKEY RRset verifies data with these signers.
    pub(super) fn verifies(&self, shared: &Bits) -> bool {
        shared.meets(&self.keys)
    }
}

/// The paths that each DS value demands of each class.
#[derive(Debug)]
pub(super) struct Demands {
    classes: usize,
    /// By DS value, then class. Empty: insecure, demands nothing.
    paths: Vec<Vec<KeyPath>>,
    /// By DS value: whether it demands anything of any class.
    secure: Vec<bool>,
    /// The distinct [`KeyPath::keys`].
    keys: Vec<Bits>,
}

impl Demands {
    /// `algorithms` by key, `None` for a key of unknown algorithm; `values` the distinct DS RRsets.
    pub(super) fn new(classes: &[Class], algorithms: &[Option<u8>], values: &[Vec<(usize, u8)>]) -> Demands {
        let supported: Vec<Bits> = classes
            .iter()
            .map(|&class| supported(class, algorithms))
            .collect();
        let mut paths = Vec::with_capacity(values.len() * classes.len());
        let mut keys = HashSet::new();
        let mut secure = Vec::with_capacity(values.len());
        for records in values {
            let mut any = false;
            for (&class, supported) in classes.iter().zip(&supported) {
                let demanded = demanded(class, supported, algorithms, records);
                any |= !demanded.is_empty();
                for path in &demanded {
                    if !keys.contains(&path.keys) {
                        keys.insert(path.keys.clone());
                    }
                }
                paths.push(demanded);
            }
            secure.push(any);
        }
        Demands {
            classes: classes.len(),
            paths,
            secure,
            keys: keys.into_iter().collect(),
        }
    }

    /// The paths that a DS value demands of a class; empty if it is insecure for it.
    pub(super) fn of(&self, class: usize, ds: u32) -> &[KeyPath] {
        self.paths
            .get(ds as usize * self.classes + class)
            .map_or(&[], Vec::as_slice)
    }

    /// Whether a DS value has useful records for any class.
    pub(super) fn is_secure(&self, ds: u32) -> bool {
        self.secure.get(ds as usize).is_some_and(|&secure| secure)
    }

    /// Whether data that shares these keys with a DNSKEY RRset could fail under any DS at all.
    pub(super) fn may_reject(&self, shared: &Bits) -> bool {
        self.keys.iter().any(|keys| !shared.meets(keys))
    }
}

fn supported(class: Class, algorithms: &[Option<u8>]) -> Bits {
    let can = |algorithm: &Option<u8>| algorithm.is_none_or(|number| class.supports_algorithm(number));
    let members = algorithms
        .iter()
        .enumerate()
        .filter(|(_, algorithm)| can(algorithm))
        .map(|(key, _)| key);
    Bits::of(algorithms.len(), members)
}

/// The records that a class goes by: of supported algorithm and digest, after the digest filter of RFC 4509 (section 3)
/// or, for strict classes, of the highest digest type alone.
fn useful(class: Class, supported: &Bits, records: &[(usize, u8)]) -> Vec<usize> {
    let mut known: Vec<(usize, u8)> = records
        .iter()
        .copied()
        .filter(|&(key, digest)| supported.contains(key) && class.supports_digest(digest))
        .collect();
    let best = known.iter().map(|&(_, digest)| digest).max();
    if class.is_strict() {
        known.retain(|&(_, digest)| Some(digest) == best);
    } else if best > Some(1) {
        known.retain(|&(_, digest)| digest != 1);
    }
    known.into_iter().map(|(key, _)| key).collect()
}

fn demanded(
    class: Class,
    supported: &Bits,
    algorithms: &[Option<u8>],
    records: &[(usize, u8)],
) -> Vec<KeyPath> {
    let useful = useful(class, supported, records);
    let bound = algorithms.len();
    if useful.is_empty() {
        return Vec::new();
    }
    if !class.is_strict() {
        return vec![KeyPath {
            entry: Bits::of(bound, useful),
            keys: supported.clone(),
        }];
    }
    let mut by_algorithm: BTreeMap<Option<u8>, Vec<usize>> = BTreeMap::new();
    for key in useful {
        by_algorithm
            .entry(algorithms.get(key).copied().flatten())
            .or_default()
            .push(key);
    }
    by_algorithm
        .into_iter()
        .map(|(algorithm, entry)| KeyPath {
            entry: Bits::of(bound, entry),
            keys: Bits::of(
                bound,
                (0..bound).filter(|&key| algorithms.get(key) == Some(&algorithm)),
            ),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALGORITHMS: [Option<u8>; 3] = [Some(8), Some(13), Some(13)];

    fn keys_of(class: Class, records: &[(usize, u8)]) -> Vec<usize> {
        useful(class, &supported(class, &ALGORITHMS), records)
    }

    #[test]
    fn lenient_classes_drop_sha1_beside_something_better() {
        assert_eq!(keys_of(Class::AllLenient, &[(0, 1), (1, 2)]), [1]);
        assert_eq!(keys_of(Class::AllLenient, &[(0, 1), (1, 4)]), [1]);
        assert_eq!(keys_of(Class::AllLenient, &[(0, 1), (1, 1)]), [0, 1]);
        assert_eq!(keys_of(Class::AllLenient, &[(0, 2), (1, 4)]), [0, 1]);
    }

    #[test]
    fn a_record_that_is_not_supported_does_not_filter() {
        assert_eq!(keys_of(Class::NoDigest4, &[(0, 1), (1, 4)]), [0]);
        assert_eq!(keys_of(Class::Only(8), &[(0, 1), (1, 2)]), [0]);
        assert_eq!(keys_of(Class::AllLenient, &[(0, 1), (1, 3)]), [0]);
        assert_eq!(keys_of(Class::AllLenient, &[(0, 3)]), [0; 0]);
    }

    #[test]
    fn strict_classes_keep_the_highest_digest_alone() {
        assert_eq!(keys_of(Class::AllStrict, &[(0, 2), (1, 4)]), [1]);
        assert_eq!(keys_of(Class::AllStrict, &[(0, 1), (1, 2), (2, 2)]), [1, 2]);
        assert_eq!(keys_of(Class::AllStrict, &[(0, 1)]), [0]);
    }

    #[test]
    fn strict_classes_demand_a_path_for_each_algorithm() {
        let all = supported(Class::AllStrict, &ALGORITHMS);
        let paths = demanded(Class::AllStrict, &all, &ALGORITHMS, &[(0, 2), (1, 2)]);
        assert_eq!(paths.len(), 2);
        assert_eq!(paths[1].entry.iter().collect::<Vec<_>>(), [1]);
        assert_eq!(paths[1].keys.iter().collect::<Vec<_>>(), [1, 2]);
    }
}
