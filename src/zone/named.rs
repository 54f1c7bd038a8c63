//! The second reading: what differs gets its names, and the names at which it differs all their types.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::compare::Differences;
use super::contents::RecordDigest;
use super::{Ignore, Side, Sink};
use crate::dns::{Name, OwnerHash, OwnerSet, Record, Rtype, Ttl};

/// A difference with its record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedDifference {
    /// The record; where both copies have it, with the TTL of the first.
    pub record: Record,
    /// What about it.
    pub kind: DifferenceKind,
}

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DifferenceKind {
    /// One copy alone has the record.
    Only(Side),
    /// Both have it; the TTL in the second copy, seconds.
    Ttl(Ttl),
}

/// Reads one copy again.
#[derive(Clone, Debug)]
pub struct Namer {
    apex: Name,
    ignore: Ignore,
    owners: HashSet<OwnerHash>,
    wanted: BTreeSet<RecordDigest>,
    records: BTreeMap<RecordDigest, Record>,
    types: BTreeMap<Vec<u8>, BTreeSet<Rtype>>,
    room: Vec<u8>,
}

impl Namer {
    /// For one side of what differs.
    pub fn new(apex: Name, ignore: Ignore, found: &Differences, side: Side) -> Namer {
        let own = match side {
            Side::Left => &found.left,
            Side::Right => &found.right,
        };
        let both = found.both.iter().map(|(mark, _)| mark);
        let of_left = both.clone().filter(|_| side == Side::Left);
        Namer {
            apex,
            ignore,
            owners: found
                .left
                .iter()
                .chain(&found.right)
                .chain(both)
                .map(|mark| mark.owner)
                .collect(),
            wanted: own.iter().chain(of_left).map(|mark| mark.digest).collect(),
            records: BTreeMap::new(),
            types: BTreeMap::new(),
            room: Vec::new(),
        }
    }

    /// The owners that it asks about: a reader may pass over all others.
    pub fn owners(&self) -> OwnerSet {
        OwnerSet::new(self.owners.iter().copied())
    }

    /// Whether every record that was asked for came again. If not, the copy changed between the readings.
    pub fn is_complete(&self) -> bool {
        self.records.len() == self.wanted.len()
    }

    /// The types at a name, of those that count.
    pub fn types_at(&self, name: &Name) -> BTreeSet<Rtype> {
        self.types.get(name.wire()).cloned().unwrap_or_default()
    }
}

impl Sink for Namer {
    fn record(&mut self, owner: &[u8], rtype: Rtype, ttl: Ttl, rdata: &[u8]) {
        if !self.owners.contains(&OwnerHash::of(owner))
            || self.ignore.passes(rtype, owner == self.apex.wire())
        {
            return;
        }
        match self.types.get_mut(owner) {
            Some(types) => {
                types.insert(rtype);
            }
            None => {
                self.types.insert(owner.to_vec(), BTreeSet::from([rtype]));
            }
        }
        let digest = RecordDigest::make(owner, rtype, rdata, &mut self.room);
        if self.wanted.contains(&digest)
            && let Ok(name) = Name::from_wire(owner)
        {
            let record = Record::new(name, rtype, ttl, rdata.to_vec());
            self.records
                .entry(digest)
                .and_modify(|kept| kept.ttl = kept.ttl.max(ttl))
                .or_insert(record);
        }
    }

    fn unreadable(&mut self, _: String) {}
}

/// The differences with their records, in canonical order. What did not come again is left out; see
/// [`Namer::is_complete`].
pub fn name_differences(found: &Differences, left: &Namer, right: &Namer) -> Vec<NamedDifference> {
    let only = |marks: &[super::contents::Mark], namer: &Namer, side| -> Vec<NamedDifference> {
        marks
            .iter()
            .filter_map(|mark| {
                Some(NamedDifference {
                    record: namer.records.get(&mark.digest)?.clone(),
                    kind: DifferenceKind::Only(side),
                })
            })
            .collect()
    };
    let mut out = only(&found.left, left, Side::Left);
    out.extend(only(&found.right, right, Side::Right));
    out.extend(found.both.iter().filter_map(|(mark, ttl)| {
        Some(NamedDifference {
            record: left.records.get(&mark.digest)?.clone(),
            kind: DifferenceKind::Ttl(*ttl),
        })
    }));
    out.sort_by(|a, b| {
        (&a.record.name, a.record.rtype, a.kind, &a.record.rdata).cmp(&(
            &b.record.name,
            b.record.rtype,
            b.kind,
            &b.record.rdata,
        ))
    });
    out
}

/// The third reading: which of some names exist in a copy, as an owner or above one (RFC 4592 section 2.2.2).
#[derive(Clone, Debug)]
pub struct Existence {
    asked: HashSet<Vec<u8>>,
    found: HashSet<Vec<u8>>,
}

impl Existence {
    /// Asks for names.
    pub fn new(names: impl IntoIterator<Item = Name>) -> Existence {
        Existence {
            asked: names.into_iter().map(|name| name.wire().to_vec()).collect(),
            found: HashSet::new(),
        }
    }

    /// Whether the name exists in the copy.
    pub fn has(&self, name: &Name) -> bool {
        self.found.contains(name.wire())
    }
}

impl Sink for Existence {
    fn record(&mut self, owner: &[u8], rtype: Rtype, _: Ttl, _: &[u8]) {
        if rtype == Rtype::NSEC3 || rtype == Rtype::RRSIG {
            return;
        }
        let mut rest = owner;
        while let Some(length) = rest.first().map(|length| usize::from(*length)) {
            if self.asked.contains(rest) && !self.found.contains(rest) {
                self.found.insert(rest.to_vec());
            }
            if length == 0 {
                return;
            }
            rest = rest.get(length + 1..).unwrap_or_default();
        }
    }

    fn unreadable(&mut self, _: String) {}
}
