//! One copy of a zone, record by record, as sorted digests.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Ignore;
use crate::dns::{CLASS_IN, Name, Record, Ttl};

/// So many records that cannot be read are named.
const MOST_UNREADABLE: usize = 16;

/// The first 128 bits of the SHA-256 of owner, type and canonical RDATA.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordDigest([u8; 16]);

impl RecordDigest {
    /// The digest of a record; its TTL is no part of it.
    pub fn of(record: &Record) -> RecordDigest {
        let mut context = Context::new(&SHA256);
        context.update(record.name.wire());
        context.update(&record.rtype.0.to_be_bytes());
        context.update(&record.rdata);
        let full = context.finish();
        let mut short = [0; 16];
        for (to, from) in short.iter_mut().zip(full.as_ref()) {
            *to = *from;
        }
        RecordDigest(short)
    }
}

impl fmt::Display for RecordDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for RecordDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for RecordDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RecordDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let octets = data_encoding::HEXLOWER
            .decode(text.as_bytes())
            .map_err(serde::de::Error::custom)?;
        let short = octets
            .try_into()
            .map_err(|_| serde::de::Error::custom("expected 32 hexadecimal digits"))?;
        Ok(RecordDigest(short))
    }
}

/// A digest with its record's TTL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) digest: RecordDigest,
    pub(super) ttl: Ttl,
}

/// Takes the records of one copy as they come.
#[derive(Clone, Debug)]
pub struct Collector {
    apex: Name,
    ignore: Ignore,
    wanted: BTreeSet<RecordDigest>,
    marks: Vec<Mark>,
    named: BTreeMap<RecordDigest, Record>,
    passed_over: u64,
    unreadable: Vec<String>,
    unreadable_count: u64,
}

impl Collector {
    /// For the zone `apex`; what each signer makes by itself does not count.
    pub fn new(apex: Name) -> Collector {
        Collector {
            apex,
            ignore: Ignore::made_by_signers(),
            wanted: BTreeSet::new(),
            marks: Vec::new(),
            named: BTreeMap::new(),
            passed_over: 0,
            unreadable: Vec::new(),
            unreadable_count: 0,
        }
    }

    /// Something else does not count.
    #[must_use]
    pub fn ignoring(mut self, ignore: Ignore) -> Collector {
        self.ignore = ignore;
        self
    }

    /// The records with these digests are kept whole.
    #[must_use]
    pub fn naming(mut self, wanted: &BTreeSet<RecordDigest>) -> Collector {
        self.wanted.clone_from(wanted);
        self
    }

    /// Takes a record.
    pub fn add(&mut self, record: &Record) {
        if record.class != CLASS_IN || self.ignore.passes_over(&self.apex, record) {
            self.passed_over += 1;
            return;
        }
        let digest = RecordDigest::of(record);
        if self.wanted.contains(&digest) {
            self.named.insert(digest, record.clone());
        }
        self.marks.push(Mark {
            digest,
            ttl: record.ttl,
        });
    }

    /// Counts what this program cannot read, such as a type that only that provider knows.
    pub fn unreadable(&mut self, what: String) {
        self.unreadable_count += 1;
        if self.unreadable.len() < MOST_UNREADABLE {
            self.unreadable.push(what);
        }
    }

    /// Sorts them. A record that came twice counts once, with the larger TTL.
    pub fn finish(mut self) -> Contents {
        self.marks
            .sort_unstable_by_key(|mark| (mark.digest, std::cmp::Reverse(mark.ttl)));
        self.marks.dedup_by_key(|mark| mark.digest);
        Contents {
            marks: self.marks,
            named: self.named,
            passed_over: self.passed_over,
            unreadable: self.unreadable,
            unreadable_count: self.unreadable_count,
        }
    }
}

/// One copy of a zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    pub(super) marks: Vec<Mark>,
    pub(super) named: BTreeMap<RecordDigest, Record>,
    /// Records that do not count.
    pub passed_over: u64,
    /// The first of what could not be read.
    pub unreadable: Vec<String>,
    /// How many those are.
    pub unreadable_count: u64,
}

impl Contents {
    /// How many records count.
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    /// Whether none counts.
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// One digest of all records that count, TTLs aside: 64 hexadecimal digits.
    pub fn digest(&self) -> String {
        let mut context = Context::new(&SHA256);
        for mark in &self.marks {
            context.update(&mark.digest.0);
        }
        data_encoding::HEXLOWER.encode(context.finish().as_ref())
    }

    /// The record of that digest, if it was asked for.
    pub fn record(&self, digest: &RecordDigest) -> Option<&Record> {
        self.named.get(digest)
    }
}
