//! What one answer says, in the terms of the continuity model: facts with the TTL that a cache may give them.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::dns::{Message, Name, Rcode, Record, Rrset, Rtype, rrsets};
use crate::dnssec::{Budget, Dnskey, Ds, DsSet, DsStatus, KeyId, Memo, judge_ds, judge_rrset};
use crate::evidence::{Outcome, Place};

/// A key that signed something: known, or only its tag and algorithm.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignerId {
    /// The signature verifies with this key.
    Key(KeyId),
    /// No key of that tag and algorithm was seen anywhere, or none verifies.
    Unknown {
        /// The signature's key tag.
        tag: u16,
        /// Its algorithm.
        algorithm: u8,
    },
}

/// One thing that an answer says.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// The delegation names these servers.
    ParentNs(BTreeSet<Name>),
    /// The apex names these servers.
    ApexNs(BTreeSet<Name>),
    /// The DS RRset, verified at the parent; empty: absence, proven.
    Ds(DsSet),
    /// The DNSKEY RRset.
    Dnskey {
        /// The keys in it that may be used (zone bit, protocol 3, not revoked).
        keys: BTreeSet<KeyId>,
        /// Those of them with which the RRset verifies.
        signed_by: BTreeSet<KeyId>,
    },
    /// An RRset or a proof of the zone's data.
    Data {
        /// With which keys it verifies; empty: unsigned.
        signed_by: BTreeSet<SignerId>,
    },
    /// The CDS RRset, empty if there is none.
    Cds(DsSet),
    /// The CDNSKEY RRset, empty if there is none.
    Cdnskey(BTreeSet<Dnskey>),
    /// The addresses of a name server whose name lies within the zone: in a copy of the zone, or as glue at the parent.
    Addresses {
        /// The host.
        host: Name,
        /// A or AAAA.
        rtype: Rtype,
        /// Its addresses of that type, empty if there are none.
        addresses: BTreeSet<IpAddr>,
    },
}

/// A fact and how long a cache may hold it, in seconds.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Served {
    /// What is said.
    pub fact: Fact,
    /// Seconds.
    pub ttl: u32,
}

/// Why an observation says nothing. None of these opens a gate, and none ends a version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unclear {
    /// Nothing came in time.
    Timeout,
    /// No route from here.
    NoRoute(String),
    /// The connection failed.
    Failed(String),
    /// The octets are no message.
    Undecodable(String),
    /// An error code.
    Rcode(Rcode),
    /// The server does not answer for the zone with authority.
    Lame,
    /// Truncated over UDP, and TCP did not help.
    Truncated,
    /// The parent's answer does not verify under the parent's keys.
    Unverified(String),
}

impl fmt::Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unclear::Timeout => f.write_str("no answer in time"),
            Unclear::NoRoute(said) => write!(f, "no route from here ({said})"),
            Unclear::Failed(said) => write!(f, "connection failed ({said})"),
            Unclear::Undecodable(said) => write!(f, "undecodable answer ({said})"),
            Unclear::Rcode(rcode) => write!(f, "answered {rcode}"),
            Unclear::Lame => f.write_str("lame: no authoritative answer"),
            Unclear::Truncated => f.write_str("truncated, and TCP did not give the rest"),
            Unclear::Unverified(why) => write!(f, "does not verify at the parent ({why})"),
        }
    }
}

/// What an answer is like, apart from what it says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Shape {
    /// Octets of the message.
    pub octets: usize,
    /// The most iterations of any NSEC3 record in it; none without such a record.
    pub nsec3_iterations: Option<u16>,
}

/// What came of one observation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reading {
    /// An answer.
    Known {
        /// What it says.
        facts: BTreeSet<Served>,
        /// The time in which all of its good signatures are valid, Unix seconds, both ends included.
        window: Option<(i64, i64)>,
        /// The SOA serial, where it was asked for.
        serial: Option<u32>,
        /// Its size, and how it denies.
        shape: Shape,
    },
    /// No answer.
    Unknown(Unclear),
}

/// What is needed to read an answer.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    /// The zone.
    pub zone: &'a Name,
    /// The parent zone.
    pub parent: &'a Name,
    /// The parent's keys, validated from the anchor; empty if they are not.
    pub parent_keys: &'a [Dnskey],
    /// Every key seen at any provider.
    pub pool: &'a [Dnskey],
    /// The name servers whose names lie within the zone.
    pub inner_hosts: &'a BTreeSet<Name>,
    /// The TTL of the address records of a name server, where known.
    pub address_ttl: &'a dyn Fn(&Name) -> u32,
    /// Verifications that were done before.
    pub memo: &'a Memo,
}

impl Context<'_> {
    /// The work that reading one answer may cost.
    fn budget(&self) -> Budget {
        Budget {
            memo: self.memo.clone(),
            ..Budget::default()
        }
    }
}

/// No honest DNSKEY RRset has more keys: a group of four signers in the middle of their rolls has some twenty.
pub(super) const MOST_KEYS: usize = 64;
/// No honest answer to one of our questions has more records.
const MOST_RECORDS: usize = 1_024;

/// Reads an outcome that is no message.
pub(super) fn no_message(outcome: &Outcome) -> Option<Unclear> {
    match outcome {
        Outcome::Answer { .. } => None,
        Outcome::Timeout => Some(Unclear::Timeout),
        Outcome::NoRoute { said } => Some(Unclear::NoRoute(said.clone())),
        Outcome::Failed { said } => Some(Unclear::Failed(said.clone())),
    }
}

/// Reads an answer to the question `name`, `rtype` that a server of `place` gave at the Unix time `at`.
pub(super) fn read(
    place: &Place,
    name: &Name,
    rtype: Rtype,
    octets: &[u8],
    at: i64,
    context: Context<'_>,
) -> Reading {
    let message = match Message::parse(octets) {
        Ok(message) => message,
        Err(error) => return Reading::Unknown(Unclear::Undecodable(error.to_string())),
    };
    if message.flags.truncated {
        return Reading::Unknown(Unclear::Truncated);
    }
    if !matches!(message.rcode, Rcode::NOERROR | Rcode::NXDOMAIN) {
        return Reading::Unknown(Unclear::Rcode(message.rcode));
    }
    match place {
        Place::Parent if rtype == Rtype::DS => read_ds(&message, at, context),
        Place::Parent => read_delegation(&message, context),
        Place::Provider(_) => read_child(name, rtype, &message, octets.len(), at, context),
        Place::Ancestor(_) => known(BTreeSet::new(), None),
    }
}

fn known(facts: BTreeSet<Served>, window: Option<(i64, i64)>) -> Reading {
    Reading::Known {
        facts,
        window,
        serial: None,
        shape: Shape::default(),
    }
}

fn read_ds(message: &Message, at: i64, context: Context<'_>) -> Reading {
    // What is signed may still come from a cache: an old set, or a TTL that has run down.
    if !message.flags.authoritative {
        return Reading::Unknown(Unclear::Lame);
    }
    if context.parent_keys.is_empty() {
        return Reading::Unknown(Unclear::Unverified(
            "the parent's own keys are not validated".to_owned(),
        ));
    }
    let mut budget = context.budget();
    let verdict = judge_ds(
        context.zone,
        context.parent,
        context.parent_keys,
        message,
        at,
        &mut budget,
    );
    let set = match verdict.status {
        DsStatus::Secure(set) => set,
        DsStatus::ProvenAbsent => DsSet::new(),
        DsStatus::Bogus | DsStatus::Indeterminate => {
            let why = verdict
                .reasons
                .iter()
                .map(|reason| reason.text.as_str())
                .collect::<Vec<_>>()
                .join("; ");
            return Reading::Unknown(Unclear::Unverified(why));
        }
    };
    known(
        BTreeSet::from([Served {
            fact: Fact::Ds(set),
            ttl: verdict.ttl,
        }]),
        verdict.signers.window(),
    )
}

fn read_delegation(message: &Message, context: Context<'_>) -> Reading {
    let in_section = |records: &[Record]| -> Vec<Record> {
        records
            .iter()
            .filter(|r| r.rtype == Rtype::NS && r.name == *context.zone)
            .cloned()
            .collect()
    };
    // A server that is authoritative for parent and child answers instead of referring.
    let mut ns = in_section(&message.authority);
    if ns.is_empty() && message.flags.authoritative {
        ns = in_section(&message.answer);
    }
    if ns.is_empty() {
        return Reading::Unknown(Unclear::Lame);
    }
    let (names, ttl) = names_and_ttl(&ns, &message.additional, context);
    let inside = names.iter().filter(|name| name.is_at_or_below(context.zone));
    let glue = inside.flat_map(|host| ADDRESS_TYPES.map(|rtype| addresses(host, rtype, &message.additional)));
    let mut facts: BTreeSet<Served> = glue.collect();
    facts.insert(Served {
        fact: Fact::ParentNs(names),
        ttl,
    });
    known(facts, None)
}

/// The types of address records.
pub(super) const ADDRESS_TYPES: [Rtype; 2] = [Rtype::A, Rtype::AAAA];

fn addresses(host: &Name, rtype: Rtype, records: &[Record]) -> Served {
    let own = || records.iter().filter(|r| r.name == *host && r.rtype == rtype);
    Served {
        fact: Fact::Addresses {
            host: host.clone(),
            rtype,
            addresses: own().filter_map(|record| address(&record.rdata)).collect(),
        },
        ttl: own().map(|record| record.ttl).max().unwrap_or(0),
    }
}

/// RFC 1035 section 3.4.1, RFC 3596 section 2.2.
fn address(rdata: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(rdata).ok().map(IpAddr::from);
    v4.or_else(|| <[u8; 16]>::try_from(rdata).ok().map(IpAddr::from))
}

/// NS targets and the life of all that a resolver needs of them: the set, its glue, the addresses.
fn names_and_ttl(ns: &[Record], additional: &[Record], context: Context<'_>) -> (BTreeSet<Name>, u32) {
    let names: BTreeSet<Name> = ns.iter().filter_map(Record::target).collect();
    let own = ns.iter().map(|record| record.ttl).max().unwrap_or(0);
    let glue = additional
        .iter()
        .filter(|record| names.contains(&record.name) && matches!(record.rtype, Rtype::A | Rtype::AAAA))
        .map(|record| record.ttl)
        .max()
        .unwrap_or(0);
    let addresses = names
        .iter()
        .map(|name| (context.address_ttl)(name))
        .max()
        .unwrap_or(0);
    (names, own.max(glue).max(addresses))
}

fn read_child(
    name: &Name,
    rtype: Rtype,
    message: &Message,
    octets: usize,
    at: i64,
    context: Context<'_>,
) -> Reading {
    if !message.flags.authoritative {
        return Reading::Unknown(Unclear::Lame);
    }
    if let Some(why) = excess(message) {
        return Reading::Unknown(Unclear::Undecodable(why));
    }
    let mut facts = BTreeSet::new();
    let mut window: Option<(i64, i64)> = None;
    // One budget for the whole message: a thousand RRsets cost no more than a few.
    let mut budget = context.budget();
    let answer = rrsets(&message.answer);
    let asked = answer
        .iter()
        .find(|set| set.name == *name && set.rtype == rtype && !set.rdatas.is_empty());
    special_fact(
        name,
        rtype,
        message,
        asked,
        at,
        context,
        &mut facts,
        &mut window,
        &mut budget,
    );
    if rtype != Rtype::DNSKEY || asked.is_none() {
        for rrset in data_rrsets(&answer, message, context.zone) {
            data_fact(&rrset, at, context, &mut facts, &mut window, &mut budget);
        }
    }
    if ADDRESS_TYPES.contains(&rtype) && context.inner_hosts.contains(name) {
        facts.insert(addresses(name, rtype, &message.answer));
    }
    let serial = if rtype == Rtype::SOA {
        asked.and_then(soa_serial)
    } else {
        None
    };
    Reading::Known {
        facts,
        window,
        serial,
        shape: Shape {
            octets,
            nsec3_iterations: nsec3_iterations(message),
        },
    }
}

/// Why an answer holds more than any honest one; it would only cost work.
fn excess(message: &Message) -> Option<String> {
    let keys = message
        .answer
        .iter()
        .filter(|record| record.rtype == Rtype::DNSKEY)
        .count();
    if keys > MOST_KEYS {
        return Some(format!("{keys} keys, more than {MOST_KEYS}"));
    }
    let records = message.answer.len() + message.authority.len();
    (records > MOST_RECORDS).then(|| format!("{records} records, more than {MOST_RECORDS}"))
}

/// The iterations stand after algorithm and flags (RFC 5155 section 3.2).
fn nsec3_iterations(message: &Message) -> Option<u16> {
    message
        .authority
        .iter()
        .filter(|record| record.rtype == Rtype::NSEC3)
        .filter_map(|record| Some(u16::from_be_bytes([*record.rdata.get(2)?, *record.rdata.get(3)?])))
        .max()
}

/// The serial: the first of the five numbers that end the RDATA of a SOA.
fn soa_serial(rrset: &Rrset) -> Option<u32> {
    let rdata = rrset.rdatas.first()?;
    let numbers = rdata.get(rdata.len().checked_sub(20)?..)?;
    Some(u32::from_be_bytes([
        numbers[0], numbers[1], numbers[2], numbers[3],
    ]))
}

#[expect(clippy::too_many_arguments, reason = "private, called once")]
fn special_fact(
    name: &Name,
    rtype: Rtype,
    message: &Message,
    asked: Option<&Rrset>,
    at: i64,
    context: Context<'_>,
    facts: &mut BTreeSet<Served>,
    window: &mut Option<(i64, i64)>,
    budget: &mut Budget,
) {
    if name != context.zone {
        return;
    }
    let ttl = asked.map_or_else(|| negative_ttl(message), |set| set.ttl);
    let rdatas: &[Vec<u8>] = asked.map_or(&[], |set| &set.rdatas);
    let fact = match rtype {
        Rtype::NS => {
            let ns: Vec<Record> = message
                .answer
                .iter()
                .filter(|r| r.rtype == Rtype::NS && r.name == *name)
                .cloned()
                .collect();
            let (names, ttl) = names_and_ttl(&ns, &message.additional, context);
            facts.insert(Served {
                fact: Fact::ApexNs(names),
                ttl,
            });
            return;
        }
        Rtype::DNSKEY => dnskey_fact(asked, at, context, window, budget),
        Rtype::CDS => Fact::Cds(rdatas.iter().filter_map(|rdata| Ds::from_rdata(rdata)).collect()),
        Rtype::CDNSKEY => Fact::Cdnskey(
            rdatas
                .iter()
                .filter_map(|rdata| Dnskey::from_rdata(rdata))
                .collect(),
        ),
        _ => return,
    };
    facts.insert(Served { fact, ttl });
}

fn dnskey_fact(
    asked: Option<&Rrset>,
    at: i64,
    context: Context<'_>,
    window: &mut Option<(i64, i64)>,
    budget: &mut Budget,
) -> Fact {
    let Some(rrset) = asked else {
        return Fact::Dnskey {
            keys: BTreeSet::new(),
            signed_by: BTreeSet::new(),
        };
    };
    let keys: Vec<Dnskey> = rrset
        .rdatas
        .iter()
        .filter_map(|rdata| Dnskey::from_rdata(rdata))
        .filter(Dnskey::is_usable)
        .collect();
    let signers = judge_rrset(rrset, &keys, context.zone, at, budget);
    narrow(window, signers.window());
    Fact::Dnskey {
        keys: keys.iter().map(Dnskey::id).collect(),
        signed_by: signers.keys(),
    }
}

/// The signed RRsets of an answer: all of the answer section, and of the authority section what proves absence.
fn data_rrsets(answer: &[Rrset], message: &Message, zone: &Name) -> Vec<Rrset> {
    let proofs = rrsets(&message.authority)
        .into_iter()
        .filter(|set| matches!(set.rtype, Rtype::SOA | Rtype::NSEC | Rtype::NSEC3));
    answer
        .iter()
        .cloned()
        .chain(proofs)
        .filter(|set| !set.rdatas.is_empty() && set.name.is_at_or_below(zone))
        .collect()
}

fn data_fact(
    rrset: &Rrset,
    at: i64,
    context: Context<'_>,
    facts: &mut BTreeSet<Served>,
    window: &mut Option<(i64, i64)>,
    budget: &mut Budget,
) {
    let signers = judge_rrset(rrset, context.pool, context.zone, at, budget);
    let good = signers.keys();
    let mut signed_by: BTreeSet<SignerId> = good.iter().cloned().map(SignerId::Key).collect();
    if good.is_empty() {
        signed_by = rrset
            .signatures
            .iter()
            .map(|signature| SignerId::Unknown {
                tag: signature.tag,
                algorithm: signature.algorithm,
            })
            .collect();
    }
    narrow(window, signers.window());
    facts.insert(Served {
        fact: Fact::Data { signed_by },
        ttl: rrset.ttl,
    });
}

fn narrow(window: &mut Option<(i64, i64)>, by: Option<(i64, i64)>) {
    *window = match (*window, by) {
        (Some(a), Some(b)) => Some((a.0.max(b.0), a.1.min(b.1))),
        (a, b) => a.or(b),
    };
}

/// How long a negative answer may be cached: min(SOA TTL, SOA MINIMUM) (RFC 2308 section 5).
fn negative_ttl(message: &Message) -> u32 {
    message
        .authority
        .iter()
        .filter(|record| record.rtype == Rtype::SOA)
        .map(|soa| {
            let minimum = soa
                .rdata
                .last_chunk::<4>()
                .map_or(u32::MAX, |octets| u32::from_be_bytes(*octets));
            soa.ttl.min(minimum)
        })
        .max()
        .unwrap_or(0)
}
