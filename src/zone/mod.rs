//! What a zone contains, by canonical form: reduced to digests, compared between copies. Pure.
//!
//! Records come in one by one and in any order; of each that counts a digest of 128 bits and the TTL stay (20 octets).
//! To name what differs, the copy is read a second time with the digests that are wanted: a zone of a million records
//! needs no more than that.

mod compare;
mod contents;
mod ignore;

pub use compare::{Comparison, Difference, MOST_NAMED, Side, compare, to_name};
pub use contents::{Collector, Contents, RecordDigest};
pub use ignore::Ignore;
