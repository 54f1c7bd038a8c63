//! What a cache somewhere may still hold.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::signed::Rrset;
use super::verdict;
use crate::wire::Name;

/// Which part of the chain an RRset is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Link {
    /// The delegation, or the child's own NS: who may be asked.
    Names,
    /// The DS RRset at the parent.
    Ds,
    /// A DNSKEY RRset of the child.
    Keys,
    /// A signed RRset of the child's data, positive or negative.
    Data,
}

/// An RRset as one server served it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Version {
    pub(super) place: String,
    pub(super) link: Link,
    pub(super) rrset: Rrset,
}

impl Version {
    /// The version in a few words.
    fn describe(&self) -> String {
        let tags = |tags: Vec<u16>| tags.iter().map(u16::to_string).collect::<Vec<_>>().join(" ");
        let signers = tags(self.rrset.signer_tags().into_iter().collect());
        match self.link {
            Link::Ds => {
                let named = self
                    .rrset
                    .rdatas
                    .iter()
                    .filter_map(|ds| crate::wire::u16_at(ds, 0))
                    .collect();
                format!("DS {{{}}}", tags(named))
            }
            Link::Keys => {
                let keys = tags(self.rrset.keys().iter().map(|key| key.tag()).collect());
                format!("DNSKEY {{{keys}}} of {}, signed by {{{signers}}}", self.place)
            }
            Link::Names | Link::Data => {
                format!(
                    "{} type {} of {}, signed by {{{signers}}}",
                    self.rrset.name, self.rrset.rtype, self.place
                )
            }
        }
    }
}

/// All versions ever served, and until when each of them may be held.
#[derive(Default)]
pub(super) struct Memory {
    versions: Vec<Version>,
    ids: HashMap<Version, usize>,
    until: HashMap<usize, Instant>,
    /// Verdicts on pairs, which never change: none, or what is wrong.
    verdicts: HashMap<(usize, usize), Option<String>>,
    distinct: HashSet<(usize, usize, usize)>,
    /// Until when a DNSKEY RRset may be held that a DS RRset vouched for: longer than that one.
    trusted: HashMap<usize, Instant>,
}

/// What one round of judging found.
#[derive(Default)]
pub(super) struct Round {
    /// How many combinations of DS, DNSKEY and data were judged.
    pub(super) judged: u64,
    /// How many of them do not validate.
    pub(super) faulty: u64,
    /// What is wrong with them, once for each pair.
    pub(super) faults: HashSet<String>,
}

impl Memory {
    /// Remembers that a version was served to a question sent at that moment. True if it was never seen before.
    pub(super) fn served(&mut self, version: Version, sent: Instant) -> bool {
        let until = sent + Duration::from_secs(u64::from(version.rrset.ttl));
        let (id, new) = match self.ids.get(&version) {
            Some(&id) => (id, false),
            None => {
                let id = self.versions.len();
                self.versions.push(version.clone());
                self.ids.insert(version, id);
                (id, true)
            }
        };
        let held = self.until.entry(id).or_insert(until);
        *held = (*held).max(until);
        new
    }

    /// Forgets what no cache can hold any more.
    pub(super) fn forget(&mut self, now: Instant) {
        self.until.retain(|_, until| *until > now);
    }

    /// Who is named by an NS RRset that may still be held.
    pub(super) fn names(&self) -> HashSet<Name> {
        self.live(Link::Names)
            .into_iter()
            .flat_map(|id| {
                self.versions[id]
                    .rrset
                    .rdatas
                    .iter()
                    .map(|rdata| Name::from_wire(rdata))
            })
            .collect()
    }

    /// How many distinct mixtures were judged so far.
    pub(super) fn distinct(&self) -> usize {
        self.distinct.len()
    }

    fn live(&self, link: Link) -> Vec<usize> {
        let mut ids: Vec<usize> = self
            .until
            .keys()
            .copied()
            .filter(|&id| self.versions[id].link == link)
            .collect();
        ids.sort_unstable();
        ids
    }

    /// Checks each DS RRset with each DNSKEY RRset with each signed RRset of all that may be held.
    ///
    /// Where the zone may be `insecure`, an absent DS demands nothing; a DNSKEY RRset that was validated before goes on to.
    pub(super) fn judge(&mut self, zone: &Name, insecure: bool, now: Instant) -> Round {
        let mut round = Round::default();
        let (ds, keys, data) = (self.live(Link::Ds), self.live(Link::Keys), self.live(Link::Data));
        let is_absent = |memory: &Self, d: usize| insecure && memory.versions[d].rrset.rdatas.is_empty();
        // Whatever vouches for some keys makes a cache trust those that go with it; to count all of them judges more, not less.
        if ds.iter().any(|&d| !self.versions[d].rrset.rdatas.is_empty()) {
            for k in &keys {
                if let Some(until) = self.until.get(k) {
                    let held = self.trusted.entry(*k).or_insert(*until);
                    *held = (*held).max(*until);
                }
            }
        }
        for &d in &ds {
            let absent = is_absent(self, d);
            for &k in &keys {
                let trusted = self.trusted.get(&k).is_some_and(|until| *until > now);
                for &r in &data {
                    round.judged += 1;
                    self.distinct.insert((d, k, r));
                    let wrong = [
                        if absent { None } else { self.verdict((d, k), zone) },
                        if absent && !trusted {
                            None
                        } else {
                            self.verdict((k, r), zone)
                        },
                    ];
                    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
                    round.faulty += u64::from(!wrong.is_empty());
                    round.faults.extend(wrong);
                }
            }
        }
        round
    }

    /// What is wrong with a pair, worked out once.
    fn verdict(&mut self, pair: (usize, usize), zone: &Name) -> Option<String> {
        if let Some(known) = self.verdicts.get(&pair) {
            return known.clone();
        }
        let (upper, lower) = (&self.versions[pair.0], &self.versions[pair.1]);
        let wrong = match upper.link {
            Link::Ds => verdict::delegation(&upper.rrset, &lower.rrset, zone),
            _ => verdict::signature(&upper.rrset, &lower.rrset, zone),
        };
        let wrong = wrong.map(|what| format!("{what}: {} with {}", upper.describe(), lower.describe()));
        self.verdicts.insert(pair, wrong.clone());
        wrong
    }
}
