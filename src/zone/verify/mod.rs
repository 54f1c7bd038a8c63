//! Whether a signed zone holds: every signature, the denial of existence, the apex, glue and delegations, ZONEMD.
//!
//! The work is cut into parts that know nothing of one another, so that a caller with threads can use them: make a
//! [`Verifier`], give each part of the nodes to [`Verifier::part`], merge, and end with [`Verifier::finish`].

mod apex;
mod body;
mod cds;
mod findings;
mod form;
mod nodes;
mod nsec;
mod nsec3;
mod sets;
mod signature;
mod zonemd;

use std::collections::BTreeSet;
use std::ops::Range;

use crate::dns::{Name, Rtype, Ttl};
use crate::dnssec::{DsSet, PreparedKey};
pub use body::Body;
use body::Rec;
pub use findings::{Finding, Findings, Severity};
use nodes::Flags;
use nsec3::{Hashed, Params};

/// What a part of the zone leaves for the end.
#[derive(Debug, Default)]
pub struct Leftover {
    hashes: Vec<Hashed>,
}

impl Leftover {
    /// Takes what another part left.
    pub fn merge(&mut self, other: Leftover) {
        if self.hashes.is_empty() {
            self.hashes = other.hashes;
        } else {
            self.hashes.extend(other.hashes);
        }
    }
}

/// A zone that is being verified.
#[derive(Debug)]
pub struct Verifier<'a> {
    body: &'a Body,
    flags: Vec<Flags>,
    /// Seconds since 1970 at which windows are judged.
    at: i64,
    keys: Vec<PreparedKey>,
    /// The algorithms of the zone's own keys: each RRset has to be signed with each (RFC 4035 section 2.2).
    algorithms: BTreeSet<u8>,
    anchors: Option<&'a DsSet>,
    has_nsec: bool,
    params: Vec<Params>,
    /// What the TTL of denial has to be (RFC 9077), seconds.
    negative_ttl: Option<Ttl>,
}

impl<'a> Verifier<'a> {
    /// Looks at every owner once: what it is, and where the cuts are. `body` has been sorted. `anchors`: DS records of the
    /// zone that its keys have to match.
    pub fn new(body: &'a Body, at: i64, anchors: Option<&'a DsSet>) -> Verifier<'a> {
        let flags = nodes::classify(body);
        let mut records = Vec::new();
        let apex = apex::Apex::read(body, &mut records);
        let has_nsec = flags
            .iter()
            .any(|flags| flags.has(Flags::NSEC) && flags.is_authoritative());
        let params = nsec3::params(body, &flags, &records);
        Verifier {
            body,
            at,
            keys: apex.keys.iter().map(PreparedKey::new).collect(),
            algorithms: apex
                .keys
                .iter()
                .filter(|key| key.is_usable())
                .map(|key| key.algorithm)
                .collect(),
            anchors,
            has_nsec,
            params,
            negative_ttl: apex.negative_ttl,
            flags,
        }
    }

    /// Verifies the nodes of a part.
    pub fn part(&self, nodes: Range<usize>, left: &mut Leftover, findings: &mut Findings) {
        let mut work = sets::Work::default();
        let mut records: Vec<Rec<'_>> = Vec::new();
        for node in nodes {
            let flags = self.flags(node);
            self.body.records_of(node, &mut records);
            if self.algorithms.is_empty() {
                continue;
            }
            self.check_sets(node, flags, &records, &mut work, findings);
            if self.has_nsec && flags.is_authoritative() {
                self.check_nsec(node, flags, &records, findings);
            }
            if flags.is_authoritative() {
                self.hash(node, left);
            }
        }
    }

    /// What can be said only of the whole zone.
    pub fn finish(&self, mut left: Leftover, findings: &mut Findings) {
        let (outside, count) = self.body.outside();
        for what in outside {
            let text = || format!("{what} is not in the zone ({count} such records in all)");
            findings.add(Severity::Error, "out-of-zone", || self.apex().clone(), None, text);
        }
        self.check_apex(findings);
        if self.algorithms.is_empty() {
            return;
        }
        self.check_chains(&mut left.hashes, findings);
    }

    fn apex(&self) -> &Name {
        self.body.apex()
    }

    fn flags(&self, node: usize) -> Flags {
        self.flags.get(node).copied().unwrap_or_default()
    }

    /// The next node that speaks for itself, after `node`; the first one after the last.
    fn next_authoritative(&self, node: usize) -> usize {
        let own = |index: &usize| self.flags(*index).is_authoritative();
        (node + 1..self.body.nodes())
            .find(own)
            .or_else(|| (0..self.body.nodes()).find(own))
            .unwrap_or(node)
    }
}

/// The types of records that are sorted by type, each once.
fn types_of<'r>(records: &'r [Rec<'_>]) -> impl Iterator<Item = Rtype> + 'r {
    records
        .chunk_by(|a, b| a.rtype == b.rtype)
        .filter_map(|set| Some(set.first()?.rtype))
}

/// The records of one type among those that are sorted by type.
fn set_of<'r, 'a>(records: &'r [Rec<'a>], rtype: Rtype) -> &'r [Rec<'a>] {
    let from = records.partition_point(|record| record.rtype < rtype);
    let to = records.partition_point(|record| record.rtype <= rtype);
    records.get(from..to).unwrap_or_default()
}
