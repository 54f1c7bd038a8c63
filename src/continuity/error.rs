//! What can be wrong with a timeline or a change: wrong input, never a conflict.

use thiserror::Error;

/// Why a timeline or a change cannot be judged. The caller ends with exit status 2: nothing was decided.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TimelineError {
    /// The text is not JSON.
    #[error("not JSON: {0}")]
    Json(String),
    /// A field is missing or has the wrong type. `place` is a path such as `versions[3].ttl`.
    #[error("{place}: expected {expected}, found {found}")]
    Field {
        /// Where in the file.
        place: String,
        /// What the format asks for.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A `kind` that this format does not have.
    #[error("{place}: unknown kind {kind:?}; there are parent_ns, apex_ns, ds, dnskey and data")]
    UnknownKind {
        /// Where in the file.
        place: String,
        /// The word found there.
        kind: String,
    },
    /// A version names a key that `keys` does not list.
    #[error("{place}: key {key:?} is not listed in \"keys\"")]
    UnknownKey {
        /// Where in the file.
        place: String,
        /// The key's name.
        key: String,
    },
    /// A version names a provider that `providers` does not list.
    #[error("{place}: provider {provider:?} is not listed in \"providers\"")]
    UnknownProvider {
        /// Where in the file.
        place: String,
        /// The provider's name.
        provider: String,
    },
    /// An interval that ends before it begins.
    #[error("{place}: ends at {until}, before it begins at {from}")]
    EndsBeforeItBegins {
        /// Where in the file.
        place: String,
        /// Its beginning, Unix seconds.
        from: i64,
        /// Its end, Unix seconds.
        until: i64,
    },
    /// A TTL below zero, or above what 32 bits hold.
    #[error("{place}: a TTL is 0 to 4294967295 seconds, not {found}")]
    BadTtl {
        /// Where in the file.
        place: String,
        /// What is there.
        found: String,
    },
    /// A time that is no whole second between the years -9999 and 9999.
    #[error("{place}: {found} is no time: use whole Unix seconds or RFC 3339 (years up to 9999)")]
    BadTime {
        /// Where in the file.
        place: String,
        /// What is there.
        found: String,
    },
    /// A DNSKEY RRset that is said to be signed by a key that is not in it: RFC 4035 (5.2) gives such a signature
    /// no meaning.
    #[error("{place}: signed by {key:?}, which is not among its keys")]
    ForeignSigner {
        /// Where in the file.
        place: String,
        /// The key's name.
        key: String,
    },
    /// A class of resolvers that does not exist, or not for the algorithms of this file.
    #[error("unknown class {name:?}; for this file there are {known}")]
    UnknownClass {
        /// The name that was given.
        name: String,
        /// The classes of this file, separated by commas.
        known: String,
    },
    /// A change ends a version that the timeline does not have.
    #[error("{place}: the timeline has no such version; copy it from the timeline as it stands there")]
    NoSuchVersion {
        /// Where in the change.
        place: String,
    },
    /// A change ends a version at a time at which nobody serves it.
    #[error(
        "{place}: that version is not served at any moment from {now} on at which the change could be made"
    )]
    NotServed {
        /// Where in the change.
        place: String,
        /// The earliest moment allowed, Unix seconds.
        now: i64,
    },
    /// A version that a change begins says itself when it begins.
    #[error("{place}: a version in \"begin\" begins when the change is made; remove its \"from\"")]
    BeginHasFrom {
        /// Where in the change.
        place: String,
    },
}
