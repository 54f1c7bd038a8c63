//! What a zone contains, by canonical form: reduced to digests, compared between copies, verified. Pure.
//!
//! Records come in one by one and in any order; of each that counts a digest of 128 bits, the TTL and a short hash of the
//! owner stay (24 octets). To name what differs, the copy is read a second time: a zone of a million records needs no more
//! than that.

mod compare;
mod contents;
mod ignore;
mod named;
mod sink;
mod verify;
mod warn;

pub use compare::{Comparison, Difference, Differences, MOST_NAMED, Side, compare, differences, to_name};
pub use contents::{Collector, Contents, Longest, RecordDigest};
pub use ignore::Ignore;
pub use named::{DifferenceKind, Existence, NamedDifference, Namer, name_differences};
pub use sink::Sink;
pub use verify::{Body, Finding, Findings, Leftover, Severity, Verifier};
pub use warn::{Warning, names_above, warn_of_copies, warn_of_differences, warn_of_existence};
