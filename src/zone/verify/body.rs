//! A whole zone in memory, compact: owners as sort keys, records one after the other.

use std::ops::Range;

use super::super::Sink;
use crate::dns::{Name, Rtype, Ttl};

/// Octets before the RDATA of a record: type, TTL, length.
const HEAD: usize = 8;

/// Consecutive records of one owner.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// Where its records begin.
    data: u64,
    /// Where its owner's key begins.
    name: u32,
    name_length: u16,
    records: u16,
}

/// One record of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rec<'a> {
    pub(super) rtype: Rtype,
    pub(super) rdata: &'a [u8],
    pub(super) ttl: Ttl,
}

/// All records of a zone. Put in as they come, then sorted once.
#[derive(Clone, Debug)]
pub struct Body {
    apex: Name,
    names: Vec<u8>,
    runs: Vec<Run>,
    data: Vec<u8>,
    /// The owner of the last run, in wire form.
    last: Vec<u8>,
    /// Where the runs of each node begin, in canonical order; filled by [`Body::sort`].
    nodes: Vec<u32>,
    records: u64,
    outside: Vec<String>,
    outside_count: u64,
    full: bool,
}

impl Body {
    /// Of the zone `apex`.
    pub fn new(apex: Name) -> Body {
        Body {
            apex,
            names: Vec::new(),
            runs: Vec::new(),
            data: Vec::new(),
            last: Vec::new(),
            nodes: Vec::new(),
            records: 0,
            outside: Vec::new(),
            outside_count: 0,
            full: false,
        }
    }

    /// The apex.
    pub fn apex(&self) -> &Name {
        &self.apex
    }

    /// How many records came.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Whether the zone was larger than this can hold (4 GiB of names).
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Owners that are not in the zone: the first of them, and how many.
    pub(super) fn outside(&self) -> (&[String], u64) {
        (&self.outside, self.outside_count)
    }

    /// Puts the owners into canonical order (RFC 4034 section 6.1) and finds the nodes.
    pub fn sort(&mut self) {
        self.last = Vec::new();
        let names = std::mem::take(&mut self.names);
        self.runs
            .sort_by(|a, b| key_of(&names, a).cmp(key_of(&names, b)).then(a.data.cmp(&b.data)));
        self.nodes.clear();
        let mut before: Option<&[u8]> = None;
        for (index, run) in self.runs.iter().enumerate() {
            let key = key_of(&names, run);
            if before != Some(key) {
                self.nodes.push(u32::try_from(index).unwrap_or(u32::MAX));
            }
            before = Some(key);
        }
        self.names = names;
    }

    /// How many owners there are.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    fn runs_of(&self, node: usize) -> &[Run] {
        let at = |index: usize| self.nodes.get(index).map(|run| *run as usize);
        let Some(first) = at(node) else { return &[] };
        let last = at(node + 1).unwrap_or(self.runs.len());
        self.runs.get(first..last).unwrap_or_default()
    }

    /// The sort key of a node: that of a name above is how it begins. The apex has none.
    pub(super) fn key(&self, node: usize) -> &[u8] {
        self.runs_of(node)
            .first()
            .map_or(&[], |run| key_of(&self.names, run))
    }

    /// The records of a node, sorted by type and canonical RDATA, without duplicates (of which the larger TTL stays).
    pub(super) fn records_of<'a>(&'a self, node: usize, out: &mut Vec<Rec<'a>>) {
        out.clear();
        for run in self.runs_of(node) {
            let mut rest = usize::try_from(run.data)
                .ok()
                .and_then(|start| self.data.get(start..))
                .unwrap_or_default();
            for _ in 0..run.records {
                let Some((record, after)) = split(rest) else { break };
                out.push(record);
                rest = after;
            }
        }
        out.sort_unstable_by(|a, b| (a.rtype, a.rdata, b.ttl).cmp(&(b.rtype, b.rdata, a.ttl)));
        out.dedup_by(|a, b| (a.rtype, a.rdata) == (b.rtype, b.rdata));
    }

    /// The wire form of the name with that key.
    pub(super) fn wire(&self, key: &[u8], out: &mut Vec<u8>) {
        out.clear();
        let mut end = key.len();
        while end > 0 {
            // Each label ends with a zero; the one before it, or the front, is where it begins.
            let label_end = end - 1;
            let start = key
                .get(..label_end)
                .and_then(|head| head.iter().rposition(|octet| *octet == 0))
                .map_or(0, |zero| zero + 1);
            let length_at = out.len();
            out.push(0);
            let mut octets = key.get(start..label_end).unwrap_or_default().iter();
            while let Some(octet) = octets.next() {
                out.push(match octet {
                    1 => octets.next().map_or(0, |escaped| escaped - 1),
                    other => *other,
                });
            }
            let length = out.len() - length_at - 1;
            if let (Some(place), Ok(length)) = (out.get_mut(length_at), u8::try_from(length)) {
                *place = length;
            }
            end = start;
        }
        out.extend_from_slice(self.apex.wire());
    }

    /// The name with that key.
    pub(super) fn name(&self, key: &[u8]) -> Name {
        let mut wire = Vec::new();
        self.wire(key, &mut wire);
        // It was a name when it came in.
        Name::from_wire(&wire).unwrap_or_else(|_| self.apex.clone())
    }

    /// The nodes in parts of `size`.
    pub fn parts(&self, size: usize) -> impl Iterator<Item = Range<usize>> {
        let all = self.nodes();
        (0..all)
            .step_by(size.max(1))
            .map(move |from| from..all.min(from + size.max(1)))
    }
}

fn key_of<'a>(names: &'a [u8], run: &Run) -> &'a [u8] {
    let start = run.name as usize;
    names
        .get(start..start + usize::from(run.name_length))
        .unwrap_or_default()
}

fn split(rest: &[u8]) -> Option<(Rec<'_>, &[u8])> {
    let (head, rest) = rest.split_first_chunk::<HEAD>()?;
    let [t0, t1, s0, s1, s2, s3, l0, l1] = *head;
    let (rdata, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])))?;
    let record = Rec {
        rtype: Rtype(u16::from_be_bytes([t0, t1])),
        ttl: u32::from_be_bytes([s0, s1, s2, s3]),
        rdata,
    };
    Some((record, rest))
}

/// Appends the sort key of `owner` relative to `apex`; false if it does not lie there.
fn append_key(owner: &[u8], apex: &[u8], out: &mut Vec<u8>) -> bool {
    let Some(own) = owner
        .len()
        .checked_sub(apex.len())
        .and_then(|length| owner.get(..length))
    else {
        return false;
    };
    if owner.get(own.len()..) != Some(apex) {
        return false;
    }
    // Starts of the labels that are not the apex's.
    let mut starts = [0usize; 128];
    let (mut count, mut at) = (0, 0);
    while at < own.len() {
        if let Some(start) = starts.get_mut(count) {
            *start = at;
        }
        count += 1;
        at += usize::from(own.get(at).copied().unwrap_or(0)) + 1;
    }
    // The apex must begin where a label does.
    if at != own.len() || count > starts.len() {
        return false;
    }
    for start in starts.iter().take(count).rev() {
        let length = usize::from(own.get(*start).copied().unwrap_or(0));
        for octet in own.get(start + 1..start + 1 + length).unwrap_or_default() {
            match octet {
                0 | 1 => out.extend_from_slice(&[1, octet + 1]),
                other => out.push(*other),
            }
        }
        out.push(0);
    }
    true
}

impl Sink for Body {
    fn record(&mut self, owner: &[u8], rtype: Rtype, ttl: Ttl, rdata: &[u8]) {
        self.records += 1;
        let Ok(length) = u16::try_from(rdata.len()) else {
            return;
        };
        let same = self.last == owner && self.runs.last().is_some_and(|run| run.records < u16::MAX);
        if !same {
            let start = self.names.len();
            let place = u32::try_from(start).ok().filter(|start| *start < u32::MAX - 1024);
            let Some(name) = place else {
                self.full = true;
                return;
            };
            if !append_key(owner, self.apex.wire(), &mut self.names) {
                self.names.truncate(start);
                self.outside_count += 1;
                if self.outside.len() < 8 {
                    let shown = Name::from_wire(owner).map(|name| format!("{name} {rtype}"));
                    self.outside.extend(shown.ok());
                }
                self.last.clear();
                return;
            }
            self.last.clear();
            self.last.extend_from_slice(owner);
            self.runs.push(Run {
                data: self.data.len() as u64,
                name,
                name_length: u16::try_from(self.names.len() - start).unwrap_or(u16::MAX),
                records: 0,
            });
        }
        if let Some(run) = self.runs.last_mut() {
            run.records += 1;
        }
        self.data.extend_from_slice(&rtype.0.to_be_bytes());
        self.data.extend_from_slice(&ttl.to_be_bytes());
        self.data.extend_from_slice(&length.to_be_bytes());
        self.data.extend_from_slice(rdata);
    }

    fn unreadable(&mut self, what: String) {
        self.outside_count += 1;
        self.outside.push(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_names_do_and_give_them_back() {
        let apex = Name::parse("shop.test").unwrap();
        let mut names: Vec<Name> = [
            "shop.test",
            "b.shop.test",
            "a.b.shop.test",
            "*.shop.test",
            "\\000.b.shop.test",
            "\\001.shop.test",
            "\\000.shop.test",
            "\\002.shop.test",
            "a\\.b.shop.test",
            "ab.shop.test",
            "a.shop.test",
            "z.a.shop.test",
            "\\255.shop.test",
            "a\\000.shop.test",
            "a\\001b.shop.test",
        ]
        .iter()
        .map(|text| Name::parse(text).unwrap())
        .collect();
        let mut body = Body::new(apex);
        for name in &names {
            body.record(name.wire(), Rtype::A, 1, &[192, 0, 2, 1]);
        }
        for outside in ["test", "xshop.test", "other"] {
            body.record(Name::parse(outside).unwrap().wire(), Rtype::A, 1, &[192, 0, 2, 1]);
        }
        body.sort();
        names.sort();
        let sorted: Vec<Name> = (0..body.nodes()).map(|node| body.name(body.key(node))).collect();
        assert_eq!(sorted, names);
        assert_eq!(body.outside().1, 3);
    }

    #[test]
    fn a_node_in_several_places_is_one() {
        let apex = Name::parse("test").unwrap();
        let mut body = Body::new(apex.clone());
        let other = Name::parse("a.test").unwrap();
        for (name, rdata) in [(&apex, 2u8), (&other, 1), (&apex, 1), (&apex, 2)] {
            body.record(name.wire(), Rtype::TXT, u32::from(rdata), &[1, rdata]);
        }
        body.sort();
        let mut records = Vec::new();
        body.records_of(0, &mut records);
        assert_eq!(records.iter().map(|r| r.rdata[1]).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(body.parts(1).collect::<Vec<_>>(), [0..1, 1..2]);
    }
}
