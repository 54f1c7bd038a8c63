//! Versions, timelines, conflicts with witnesses, and the earliest safe time of a change. Pure: no clock, no input or output.
//!
//! A *timeline* is a set of *versions*: values of the NS, DS, DNSKEY RRsets and of the rest of the data, each with the place
//! that served it, the time in which it was served and the TTL that a copy can have in a cache. A timeline is *continuous*
//! if at no moment a resolver can hold a mixture of answers that does not validate, or know only servers that do not answer.
//!
//! * [`check`] finds every conflict, with a resolver that fails as its witness.
//! * [`earliest`] says from when on a change adds no conflict, and what has to leave all caches before.
//!
//! The rules are those of RFC 4035 (section 5), RFC 4509 (section 3), RFC 6840 (section 5.11) and RFC 8767, and of what
//! resolvers were seen to do: a DNSKEY RRset that was validated once is trusted for its own TTL, even when the DS that vouched
//! for it has gone. `docs/continuity.md` has them in full.

mod bits;
mod blockers;
mod check;
mod class;
mod earliest;
mod error;
mod found;
mod join;
mod json;
mod model;
mod options;
mod reach;
mod report;
mod rules;
mod span;
mod timeline;
mod trust;
mod version;
mod witness;

pub use check::{check, reachable};
pub use class::{Class, UnknownClass};
pub use earliest::{Because, Earliest, earliest, lasts};
pub use error::TimelineError;
pub use found::Rule;
pub use options::{Mode, Options, UnknownMode};
pub use report::{Conflict, Report, Witness};
pub use timeline::{Change, KeyInfo, Timeline};
pub use version::{DsRef, Kind, NewVersion, TimeForm, Value, Version};

/// Reads a time as people write it: whole Unix seconds, or RFC 3339 with whole seconds. `None` if it is neither.
pub fn parse_time(text: &str) -> Option<i64> {
    json::parse_time(text)
}
