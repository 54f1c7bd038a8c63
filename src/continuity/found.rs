//! Conflicts as the arithmetic finds them: numbers, not yet names.

use std::fmt;

use serde::{Serialize, Serializer};

use super::model::{Entry, NONE};
use super::span::{Span, Tick};
use super::version::Kind;

/// What a conflict violates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// No key of the DNSKEY RRset that signs it is named by a useful DS record (RFC 4035, 5.2).
    DsDnskey,
    /// No key of a trusted DNSKEY RRset signs the data (RFC 4035, 5.3).
    DnskeyData,
    /// Unsigned data below a secure DS (RFC 4035, 5.2 and 5.3).
    DsData,
    /// A name server is named that does not answer for the zone.
    NoServer,
    /// Signatures are served outside their window (RFC 4035, 5.3.1).
    Expired,
    /// Nobody was seen serving it: unknown, and so never continuous.
    Gap,
}

impl Rule {
    /// The name in the output.
    pub fn name(self) -> &'static str {
        match self {
            Rule::DsDnskey => "ds-dnskey",
            Rule::DnskeyData => "dnskey-data",
            Rule::DsData => "ds-data",
            Rule::NoServer => "no-server",
            Rule::Expired => "expired",
            Rule::Gap => "gap",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

/// What makes two conflicts the same one at different times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Tag {
    pub(super) rule: Rule,
    /// Number of the class; [`NONE`] for rules that concern none.
    pub(super) class: u32,
    /// Entries; [`NONE`] where there is none.
    pub(super) left: u32,
    pub(super) right: u32,
    pub(super) provider: u32,
    pub(super) missing: Option<Kind>,
}

impl Tag {
    pub(super) fn of(rule: Rule) -> Tag {
        Tag {
            rule,
            class: NONE,
            left: NONE,
            right: NONE,
            provider: NONE,
            missing: None,
        }
    }
}

/// One conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) tag: Tag,
    pub(super) span: Span,
    /// The DS entry under which a DNSKEY entry is in force, for [`Rule::DnskeyData`].
    pub(super) third: u32,
}

/// Makes the maximal stretches of each conflict out of pieces; of several third entries the earliest stays.
pub(super) fn stretches(mut pieces: Vec<Found>, entries: &[Entry]) -> Vec<Found> {
    let age = |third: u32| entries.get(third as usize).map(|ds| (ds.from, ds.until, third));
    pieces.sort_unstable_by_key(|piece| (piece.tag, piece.span, age(piece.third)));
    pieces.dedup_by(|piece, kept| {
        if piece.tag != kept.tag || piece.span.from > kept.span.until {
            return false;
        }
        kept.span.until = kept.span.until.max(piece.span.until);
        if piece.span.from == kept.span.from && age(piece.third) < age(kept.third) {
            kept.third = piece.third;
        }
        true
    });
    pieces
}

/// The conflicts that are not among `known` throughout; both are stretches in the order of their tags. Only moments from
/// `since` on count.
pub(super) fn added<'a>(
    now: &'a [Found],
    known: &'a [Found],
    since: Tick,
) -> impl Iterator<Item = Found> + 'a {
    now.iter().filter_map(move |found| {
        let span = Span::new(found.span.from.max(since), found.span.until)?;
        let after = known.partition_point(|k| (k.tag, k.span.from) <= (found.tag, span.from));
        let covered = after
            .checked_sub(1)
            .and_then(|at| known.get(at))
            .is_some_and(|k| k.tag == found.tag && span.until <= k.span.until);
        (!covered).then_some(Found { span, ..*found })
    })
}
