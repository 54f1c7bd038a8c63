//! Classes of resolvers: what a validator understands, and how strictly it demands it.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// One class of validating resolvers. A timeline has to hold for all of them.
///
/// Algorithm numbers are those of the IANA registry of DNSSEC algorithms, digest types those of RFC 4034, 4509 and 6605.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Every algorithm of the timeline, digests 1, 2 and 4; one good path is enough (RFC 6840, 5.11).
    AllLenient,
    /// The same, but a path for each algorithm in the DS RRset is demanded, and of the digests only the highest counts
    /// (Unbound's `harden-algo-downgrade`).
    AllStrict,
    /// One algorithm only; lenient.
    Only(u8),
    /// Without algorithms 5 and 7 (RFC 9905); lenient.
    NoSha1,
    /// Without digest type 4; lenient.
    NoDigest4,
}

impl Class {
    /// The classes of a timeline whose keys have the given algorithms, in the order in which they are reported.
    pub fn family(algorithms: impl IntoIterator<Item = u8>) -> Vec<Class> {
        let mut algorithms: Vec<u8> = algorithms.into_iter().collect();
        algorithms.sort_unstable();
        algorithms.dedup();
        let mut all = vec![Class::AllLenient, Class::AllStrict];
        all.extend(algorithms.into_iter().map(Class::Only));
        all.extend([Class::NoSha1, Class::NoDigest4]);
        all
    }

    /// Whether a resolver of this class can check signatures of the algorithm.
    pub fn supports_algorithm(self, algorithm: u8) -> bool {
        match self {
            Class::AllLenient | Class::AllStrict | Class::NoDigest4 => true,
            Class::Only(one) => one == algorithm,
            Class::NoSha1 => !matches!(algorithm, 5 | 7),
        }
    }

    /// Whether a resolver of this class can check DS records of the digest type.
    pub fn supports_digest(self, digest: u8) -> bool {
        matches!((self, digest), (_, 1 | 2)) || (digest == 4 && self != Class::NoDigest4)
    }

    /// Whether it demands a path for every algorithm that the DS RRset announces.
    pub fn is_strict(self) -> bool {
        self == Class::AllStrict
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Class::AllLenient => f.write_str("all-lenient"),
            Class::AllStrict => f.write_str("all-strict"),
            Class::Only(algorithm) => write!(f, "only-{algorithm}"),
            Class::NoSha1 => f.write_str("no-sha1"),
            Class::NoDigest4 => f.write_str("no-digest-4"),
        }
    }
}

/// The text names no class.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no class of resolvers is called {0:?}; there are all-lenient, all-strict, only-N (N an algorithm), no-sha1 and no-digest-4"
)]
pub struct UnknownClass(pub String);

impl FromStr for Class {
    type Err = UnknownClass;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let class = match text {
            "all-lenient" => Some(Class::AllLenient),
            "all-strict" => Some(Class::AllStrict),
            "no-sha1" => Some(Class::NoSha1),
            "no-digest-4" => Some(Class::NoDigest4),
            _ => text
                .strip_prefix("only-")
                .and_then(|n| n.parse().ok())
                .map(Class::Only),
        };
        class
            .filter(|c| c.to_string() == text)
            .ok_or_else(|| UnknownClass(text.to_owned()))
    }
}

impl Serialize for Class {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        for class in Class::family([13, 8, 13]) {
            assert_eq!(class.to_string().parse(), Ok(class));
        }
        for wrong in [
            "",
            "ALL-LENIENT",
            "only-",
            "only-013",
            "only-256",
            "only-+8",
            "no-sha-1",
        ] {
            assert!(wrong.parse::<Class>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_family_has_one_class_for_each_algorithm() {
        let names: Vec<String> = Class::family([13, 8, 13]).iter().map(Class::to_string).collect();
        assert_eq!(
            names,
            [
                "all-lenient",
                "all-strict",
                "only-8",
                "only-13",
                "no-sha1",
                "no-digest-4"
            ]
        );
    }

    #[test]
    fn what_each_supports() {
        assert!(Class::AllLenient.supports_algorithm(5) && Class::AllStrict.supports_algorithm(7));
        assert!(!Class::NoSha1.supports_algorithm(5) && !Class::NoSha1.supports_algorithm(7));
        assert!(Class::NoSha1.supports_algorithm(8) && Class::NoSha1.supports_digest(1));
        assert!(Class::Only(13).supports_algorithm(13) && !Class::Only(13).supports_algorithm(8));
        assert!(Class::NoDigest4.supports_digest(2) && !Class::NoDigest4.supports_digest(4));
        assert!(Class::AllLenient.supports_digest(4) && !Class::AllLenient.supports_digest(3));
        assert!(Class::AllStrict.is_strict() && !Class::NoSha1.is_strict());
    }
}
