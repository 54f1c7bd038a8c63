//! Reading master files (RFC 1035 section 5, with RFC 2308, RFC 3597 and the DNSSEC types), entry by entry.
//!
//! Text comes in pieces of any size and records go out in canonical form, so a zone is never in memory as text. Types that
//! are not wanted are passed over undecoded. `$INCLUDE` is handed back to the caller, who alone can open files; `$GENERATE`
//! is carried out here, up to a limit.

mod directive;
mod fault;
mod fields;
mod generate;
mod rdata;
mod reader;
mod scan;
#[cfg(test)]
mod tests;

use super::{Name, Rtype, Ttl};
pub use fault::{Fault, MasterError};
pub use reader::{MasterReader, Saved};

/// The longest entry in octets of text; RDATA of 65,535 octets in escapes is 262,140.
pub const LONGEST_ENTRY: usize = 1024 * 1024;

/// So many records may come from `$GENERATE` unless another limit is set.
pub const MOST_GENERATED: u64 = 1_000_000;

/// One record as read: canonical, borrowed for as long as it is looked at.
#[derive(Clone, Copy, Debug)]
pub struct RawRecord<'a> {
    /// The owner in wire form, letters folded.
    pub owner: &'a [u8],
    /// The type.
    pub rtype: Rtype,
    /// Seconds.
    pub ttl: Ttl,
    /// RDATA in canonical form.
    pub rdata: &'a [u8],
    /// The line of the first octet of its entry.
    pub line: u64,
}

/// An `$INCLUDE` that was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// The file, as written.
    pub path: String,
    /// The origin for it, where one was given.
    pub origin: Option<Name>,
    /// The line of the directive.
    pub line: u64,
}

/// How far a reading came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Octets of the text that are done with. What is left is the beginning of an entry that needs more text.
    pub used: usize,
    /// What to read before going on after `used`, if anything.
    pub include: Option<Include>,
}
