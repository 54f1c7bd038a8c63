//! Reduces the records of a zone, one after the other, to what decisions need.

use std::collections::{BTreeMap, BTreeSet};

use crate::dns::{Name, Record, Rtype, Ttl};
use crate::ports::Inventory;

/// How many names are remembered while looking for one that answers.
const CANDIDATES: usize = 256;
/// How many delegations are remembered; a zone with more is asked at its apex.
const CUTS: usize = 50_000;

/// Types that a probe may ask for, the best first.
const PROBE_TYPES: [Rtype; 7] = [
    Rtype::A,
    Rtype::AAAA,
    Rtype::MX,
    Rtype::TXT,
    Rtype::SRV,
    Rtype(257),
    Rtype::PTR,
];

/// A zone so far.
pub(super) struct Tally {
    zone: Name,
    labels: usize,
    max_ttl: Ttl,
    records: usize,
    /// By how many labels below the apex, how good the type is, and the name.
    candidates: BTreeSet<(usize, usize, Name)>,
    wildcards: BTreeMap<Name, ()>,
    cuts: BTreeSet<Name>,
    too_many_cuts: bool,
}

impl Tally {
    pub(super) fn new(zone: Name) -> Tally {
        Tally {
            labels: zone.label_count(),
            zone,
            max_ttl: 0,
            records: 0,
            candidates: BTreeSet::new(),
            wildcards: BTreeMap::new(),
            cuts: BTreeSet::new(),
            too_many_cuts: false,
        }
    }

    pub(super) fn add(&mut self, record: &Record) {
        self.records += 1;
        self.max_ttl = self.max_ttl.max(record.ttl);
        if record.rtype == Rtype::NS && record.name != self.zone {
            if self.cuts.len() < CUTS {
                self.cuts.insert(record.name.clone());
            } else {
                self.too_many_cuts = true;
            }
            return;
        }
        if !record.name.is_at_or_below(&self.zone)
            || matches!(record.rtype, Rtype::NSEC | Rtype::NSEC3 | Rtype::RRSIG)
        {
            return;
        }
        if record.name.is_wildcard() {
            if self.wildcards.len() < CANDIDATES {
                self.wildcards.insert(record.name.clone(), ());
            }
        } else if let Some(rank) = PROBE_TYPES.iter().position(|rtype| *rtype == record.rtype) {
            let depth = record.name.label_count().saturating_sub(self.labels);
            self.candidates.insert((depth, rank, record.name.clone()));
            if self.candidates.len() > CANDIDATES {
                self.candidates.pop_last();
            }
        }
    }

    /// Counts an RRset that this program cannot read.
    pub(super) fn unreadable(&mut self, ttl: Ttl) {
        self.records += 1;
        self.max_ttl = self.max_ttl.max(ttl);
    }

    pub(super) fn finish(self) -> Inventory {
        let visible = |name: &Name| {
            if self.too_many_cuts {
                return *name == self.zone;
            }
            let mut above = Some(name.clone());
            while let Some(owner) = above {
                if owner == self.zone {
                    return true;
                }
                if self.cuts.contains(&owner) {
                    return false;
                }
                above = owner.parent();
            }
            false
        };
        let below = self
            .candidates
            .iter()
            .filter(|(depth, ..)| *depth > 0)
            .chain(self.candidates.iter().filter(|(depth, ..)| *depth == 0));
        let positive = below
            .filter(|(.., name)| visible(name))
            .find_map(|(_, rank, name)| Some((name.clone(), *PROBE_TYPES.get(*rank)?)));
        Inventory {
            max_ttl: self.max_ttl,
            records: self.records,
            wildcard: self.wildcards.keys().find(|name| visible(name)).cloned(),
            positive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::parse_records;

    fn inventory(text: &str) -> Inventory {
        let zone = Name::parse("shop.test").unwrap();
        let mut tally = Tally::new(zone.clone());
        for record in parse_records(text, &zone, 60).unwrap() {
            tally.add(&record);
        }
        tally.finish()
    }

    #[test]
    fn finds_a_name_that_answers_and_a_wildcard() {
        let found = inventory(
            "@ SOA ns. h. 1 2 3 4 5\n@ NS ns.sub\nsub NS ns.sub\nns.sub A 192.0.2.1\n\
             a.b 86400 A 192.0.2.2\nwww A 192.0.2.2\n*.sub A 192.0.2.4\n*.wild TXT x\n@ MX 1 www\n",
        );
        assert_eq!((found.max_ttl, found.records), (86400, 9));
        assert_eq!(
            found.positive,
            Some((Name::parse("www.shop.test").unwrap(), Rtype::A))
        );
        assert_eq!(found.wildcard, Some(Name::parse("*.wild.shop.test").unwrap()));
    }

    #[test]
    fn glue_is_no_answer_and_the_apex_will_do() {
        let found = inventory("@ SOA ns. h. 1 2 3 4 5\nsub NS sub\nsub A 192.0.2.1\n@ TXT hello\n");
        assert_eq!(
            found.positive,
            Some((Name::parse("shop.test").unwrap(), Rtype::TXT))
        );
        let bare = inventory("@ SOA ns. h. 1 2 3 4 5\n@ NS ns.else.\n");
        assert_eq!((bare.positive, bare.wildcard), (None, None));
    }
}
