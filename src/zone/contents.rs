//! One copy of a zone, record by record, as sorted digests.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ring::digest::{Context, SHA256, digest};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Ignore, Sink};
use crate::dns::{Name, OwnerHash, Record, Rtype, Ttl};

/// So many records that cannot be read are named.
const MOST_UNREADABLE: usize = 16;

/// So many names with records that need DNSSEC are named.
const MOST_DANE: usize = 64;

/// Types whose data is worth something only while it is signed: SSHFP (RFC 4255), TLSA (RFC 6698), SMIMEA (RFC 8162),
/// OPENPGPKEY (RFC 7929).
const DANE: [Rtype; 4] = [Rtype(44), Rtype(52), Rtype(53), Rtype(61)];

/// Types from here on are for private use.
const FIRST_PRIVATE: u16 = 65_280;

/// The first 128 bits of the SHA-256 of owner, type and canonical RDATA.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RecordDigest([u8; 16]);

/// The order of the octets, a number at a time.
impl Ord for RecordDigest {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        u128::from_be_bytes(self.0).cmp(&u128::from_be_bytes(other.0))
    }
}

impl PartialOrd for RecordDigest {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl RecordDigest {
    /// The digest of a record; its TTL is no part of it.
    pub fn of(record: &Record) -> RecordDigest {
        Self::make(record.name.wire(), record.rtype, &record.rdata, &mut Vec::new())
    }

    /// As [`RecordDigest::of`], with room to put the octets together in.
    pub(super) fn make(owner: &[u8], rtype: Rtype, rdata: &[u8], room: &mut Vec<u8>) -> RecordDigest {
        room.clear();
        room.extend_from_slice(owner);
        room.extend_from_slice(&rtype.0.to_be_bytes());
        room.extend_from_slice(rdata);
        let full = digest(&SHA256, room);
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

/// A digest with its record's TTL, and a short hash of its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) digest: RecordDigest,
    pub(super) ttl: Ttl,
    pub(super) owner: OwnerHash,
}

/// The record with the largest TTL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Longest {
    /// Seconds.
    pub ttl: Ttl,
    /// Its owner.
    pub name: Name,
    /// Its type.
    #[serde(rename = "type")]
    pub rtype: Rtype,
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
    longest: Option<Longest>,
    apex_types: BTreeSet<Rtype>,
    private_types: BTreeSet<Rtype>,
    dane: BTreeSet<Name>,
    unreadable: Vec<String>,
    unreadable_count: u64,
    room: Vec<u8>,
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
            longest: None,
            apex_types: BTreeSet::new(),
            private_types: BTreeSet::new(),
            dane: BTreeSet::new(),
            unreadable: Vec::new(),
            unreadable_count: 0,
            room: Vec::new(),
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

    /// Counts records that were passed over before they came here.
    pub fn passed_over_before(&mut self, count: u64) {
        self.passed_over += count;
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
            longest: self.longest,
            apex_types: self.apex_types,
            private_types: self.private_types,
            dane: self.dane,
            unreadable: self.unreadable,
            unreadable_count: self.unreadable_count,
        }
    }
}

impl Sink for Collector {
    fn record(&mut self, owner: &[u8], rtype: Rtype, ttl: Ttl, rdata: &[u8]) {
        let at_apex = owner == self.apex.wire();
        if self.ignore.passes(rtype, at_apex) {
            self.passed_over += 1;
            return;
        }
        let digest = RecordDigest::make(owner, rtype, rdata, &mut self.room);
        if self.longest.as_ref().is_none_or(|longest| longest.ttl < ttl)
            && let Ok(name) = Name::from_wire(owner)
        {
            self.longest = Some(Longest { ttl, name, rtype });
        }
        if at_apex {
            self.apex_types.insert(rtype);
        }
        if rtype.0 >= FIRST_PRIVATE {
            self.private_types.insert(rtype);
        }
        if DANE.contains(&rtype)
            && self.dane.len() < MOST_DANE
            && let Ok(name) = Name::from_wire(owner)
        {
            self.dane.insert(name);
        }
        if self.wanted.contains(&digest)
            && let Ok(name) = Name::from_wire(owner)
        {
            self.named
                .insert(digest, Record::new(name, rtype, ttl, rdata.to_vec()));
        }
        self.marks.push(Mark {
            digest,
            ttl,
            owner: OwnerHash::of(owner),
        });
    }

    fn unreadable(&mut self, what: String) {
        self.unreadable_count += 1;
        if self.unreadable.len() < MOST_UNREADABLE {
            self.unreadable.push(what);
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
    /// The record with the largest TTL of those that count.
    pub longest: Option<Longest>,
    /// The types at the apex that count.
    pub apex_types: BTreeSet<Rtype>,
    /// Types from the range for private use that count (RFC 6895 section 3.1).
    pub private_types: BTreeSet<Rtype>,
    /// The first names with records that are worth something only while they are signed.
    pub dane: BTreeSet<Name>,
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
