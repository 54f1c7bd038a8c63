//! A zone as one operator holds it: its records, the operator's own keys, and what others placed beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::denial::Chain;
use super::keys::SigningKey;
use super::sign::Shelf;
use crate::dns::{Name, Record, Rrset, Rtype, Ttl};
use crate::dnssec::Ds;

/// One of the operator's own keys and what it does now.
#[derive(Clone, Debug)]
pub struct RoleKey {
    /// The key.
    pub key: Arc<SigningKey>,
    /// It signs the DNSKEY RRset (and CDS, CDNSKEY), and is what CDS names.
    pub signs_keys: bool,
    /// It signs everything else.
    pub signs_data: bool,
    /// It is in the DNSKEY RRset.
    pub published: bool,
}

/// How a zone is signed and what it publishes by itself.
#[derive(Clone, Debug)]
pub struct Manner {
    /// NSEC3 (no iterations, no salt) in place of NSEC.
    pub nsec3: bool,
    /// CDS and CDNSKEY of the operator's own keys are published.
    pub publish_cds: bool,
    /// The TTL of DNSKEY, CDS and CDNSKEY, whatever an update says (as PowerDNS does).
    pub dnskey_ttl: Ttl,
    /// How long a signature is valid after it was made.
    pub validity: Duration,
    /// How long after it was made a new one is made.
    pub renewal: Duration,
    /// A registry's own TTLs for the NS and DS RRsets of its delegations, whatever an update says.
    pub delegation_ttls: Option<(Ttl, Ttl)>,
}

/// The records of one type at one name, without signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Seconds.
    pub ttl: Ttl,
    /// RDATA in canonical form.
    pub rdatas: BTreeSet<Vec<u8>>,
}

/// A signed zone. Signatures are made when they are asked for and shared between copies.
#[derive(Clone)]
pub struct Zone {
    apex: Name,
    nodes: BTreeMap<Name, BTreeMap<Rtype, Content>>,
    keys: Vec<RoleKey>,
    manner: Manner,
    pub(super) shelf: Arc<Shelf>,
    chain: OnceLock<Arc<Chain>>,
}

impl Zone {
    /// A zone with these unsigned records and keys. Records outside the apex are left out.
    pub fn new(apex: Name, records: Vec<Record>, keys: Vec<RoleKey>, manner: Manner) -> Zone {
        let mut zone = Zone {
            apex,
            nodes: BTreeMap::new(),
            keys,
            manner,
            shelf: Arc::new(Shelf::default()),
            chain: OnceLock::new(),
        };
        for record in records {
            zone.add(&record);
        }
        zone
    }

    /// The apex.
    pub fn apex(&self) -> &Name {
        &self.apex
    }

    /// The operator's own keys.
    pub fn keys(&self) -> &[RoleKey] {
        &self.keys
    }

    /// The operator's own keys, to roll them.
    pub fn keys_mut(&mut self) -> &mut Vec<RoleKey> {
        self.forget_chain();
        &mut self.keys
    }

    /// How it is signed.
    pub fn manner(&self) -> &Manner {
        &self.manner
    }

    /// How it is signed, to change it.
    pub fn manner_mut(&mut self) -> &mut Manner {
        self.forget_chain();
        &mut self.manner
    }

    /// The denial chain of this version of the zone.
    pub(super) fn chain(&self) -> Arc<Chain> {
        self.chain.get_or_init(|| Arc::new(Chain::of(self))).clone()
    }

    fn forget_chain(&mut self) {
        self.chain = OnceLock::new();
    }

    /// Adds a record; the RRset takes its TTL (RFC 2136 section 3.4.2.2). Says whether anything changed.
    pub fn add(&mut self, record: &Record) -> bool {
        if !record.name.is_at_or_below(&self.apex) || self.is_own(record) {
            return false;
        }
        self.forget_chain();
        let ttl = self.ttl_of(record);
        let types = self.nodes.entry(record.name.clone()).or_default();
        let content = types.entry(record.rtype).or_insert_with(|| Content {
            ttl,
            rdatas: BTreeSet::new(),
        });
        let same_ttl = content.ttl == ttl;
        content.ttl = ttl;
        if matches!(record.rtype, Rtype::SOA | Rtype::CNAME) {
            let same = content.rdatas.len() == 1 && content.rdatas.contains(&record.rdata);
            content.rdatas = BTreeSet::from([record.rdata.clone()]);
            return !(same && same_ttl);
        }
        content.rdatas.insert(record.rdata.clone()) || !same_ttl
    }

    fn ttl_of(&self, record: &Record) -> Ttl {
        match (record.rtype, self.manner.delegation_ttls) {
            (Rtype::NS, Some((ns, _))) if record.name != self.apex => ns,
            (Rtype::DS, Some((_, ds))) => ds,
            _ => record.ttl,
        }
    }

    /// Takes a record away. The operator's own keys are not among the records, so they stay (as in BIND and Knot).
    pub fn remove(&mut self, name: &Name, rtype: Rtype, rdata: &[u8]) -> bool {
        self.forget_chain();
        let Some(types) = self.nodes.get_mut(name) else {
            return false;
        };
        let Some(content) = types.get_mut(&rtype) else {
            return false;
        };
        let removed = content.rdatas.remove(rdata);
        if content.rdatas.is_empty() {
            types.remove(&rtype);
        }
        self.prune(name);
        removed
    }

    /// Takes an RRset away; the operator's own keys stay.
    pub fn remove_rrset(&mut self, name: &Name, rtype: Rtype) -> bool {
        self.forget_chain();
        let removed = self
            .nodes
            .get_mut(name)
            .is_some_and(|types| types.remove(&rtype).is_some());
        self.prune(name);
        removed
    }

    fn prune(&mut self, name: &Name) {
        if self.nodes.get(name).is_some_and(BTreeMap::is_empty) {
            self.nodes.remove(name);
        }
    }

    /// Whether the record is one that the operator publishes by itself.
    fn is_own(&self, record: &Record) -> bool {
        record.name == self.apex
            && matches!(record.rtype, Rtype::DNSKEY | Rtype::CDS | Rtype::CDNSKEY)
            && self.own(record.rtype).contains(&record.rdata)
    }

    /// RDATA that the operator puts at the apex by itself.
    fn own(&self, rtype: Rtype) -> Vec<Vec<u8>> {
        let cds = |key: &&RoleKey| self.manner.publish_cds && key.published && key.signs_keys;
        match rtype {
            Rtype::DNSKEY => self
                .keys
                .iter()
                .filter(|key| key.published)
                .map(|key| key.key.dnskey().rdata())
                .collect(),
            Rtype::CDNSKEY => self
                .keys
                .iter()
                .filter(cds)
                .map(|key| key.key.dnskey().rdata())
                .collect(),
            Rtype::CDS => self
                .keys
                .iter()
                .filter(cds)
                .filter_map(|key| key.key.ds(&self.apex))
                .map(|ds: Ds| ds.rdata())
                .collect(),
            Rtype::NSEC3PARAM if self.manner.nsec3 => vec![vec![1, 0, 0, 0, 0]],
            _ => Vec::new(),
        }
    }

    /// Counts the serial number up, as every change does.
    pub fn bump_serial(&mut self) {
        let Some(soa) = self
            .nodes
            .get_mut(&self.apex)
            .and_then(|types| types.get_mut(&Rtype::SOA))
        else {
            return;
        };
        soa.rdatas = soa.rdatas.iter().map(|rdata| next_serial(rdata)).collect();
    }

    /// The SOA's serial number.
    pub fn serial(&self) -> Option<u32> {
        let soa = self.content(&self.apex, Rtype::SOA)?;
        let rdata = soa.rdatas.first()?;
        let at = rdata.len().checked_sub(20)?;
        let octets = rdata.get(at..at + 4)?;
        Some(u32::from_be_bytes([octets[0], octets[1], octets[2], octets[3]]))
    }

    /// What was placed there, without what the operator adds by itself.
    pub fn content(&self, name: &Name, rtype: Rtype) -> Option<&Content> {
        self.nodes.get(name)?.get(&rtype)
    }

    /// The RRset as it is served, without signatures: what was placed and what the operator adds by itself.
    pub fn rrset(&self, name: &Name, rtype: Rtype) -> Option<Rrset> {
        let mut rdatas = self
            .content(name, rtype)
            .map(|content| content.rdatas.clone())
            .unwrap_or_default();
        let mut ttl = self.content(name, rtype).map_or(0, |content| content.ttl);
        if *name == self.apex {
            rdatas.extend(self.own(rtype));
            match rtype {
                Rtype::DNSKEY | Rtype::CDS | Rtype::CDNSKEY => ttl = self.manner.dnskey_ttl,
                Rtype::NSEC3PARAM => ttl = 0,
                _ => {}
            }
        }
        if rdatas.is_empty() {
            return None;
        }
        Some(Rrset {
            name: name.clone(),
            rtype,
            ttl,
            rdatas: rdatas.into_iter().collect(),
            signatures: Vec::new(),
            broken_signatures: 0,
        })
    }

    /// The types at a name, those included that the operator adds by itself.
    pub fn types(&self, name: &Name) -> BTreeSet<Rtype> {
        let mut types: BTreeSet<Rtype> = self
            .nodes
            .get(name)
            .map(|types| types.keys().copied().collect())
            .unwrap_or_default();
        if *name == self.apex {
            let added = [Rtype::DNSKEY, Rtype::CDS, Rtype::CDNSKEY, Rtype::NSEC3PARAM];
            types.extend(added.into_iter().filter(|rtype| !self.own(*rtype).is_empty()));
        }
        types
    }

    /// Whether the name exists, as the owner of records or as an empty non-terminal.
    pub fn exists(&self, name: &Name) -> bool {
        *name == self.apex
            || self
                .nodes
                .range(name.clone()..)
                .next()
                .is_some_and(|(next, _)| next.is_at_or_below(name))
    }

    /// The highest delegation at or above `name` and below the apex.
    pub fn cut(&self, name: &Name) -> Option<Name> {
        let from = self.apex.label_count() + 1;
        (from..=name.label_count())
            .map(|count| name.suffix(count))
            .find(|owner| self.content(owner, Rtype::NS).is_some())
    }

    /// Names with records, in canonical order.
    pub fn owners(&self) -> impl Iterator<Item = &Name> {
        self.nodes.keys()
    }

    /// Every RRset as it is served, the SOA first, without signatures and denial records.
    pub fn rrsets(&self) -> Vec<Rrset> {
        let mut out: Vec<Rrset> = self.rrset(&self.apex, Rtype::SOA).into_iter().collect();
        for name in self.owners() {
            out.extend(
                self.types(name)
                    .into_iter()
                    .filter(|rtype| *rtype != Rtype::SOA)
                    .filter_map(|rtype| self.rrset(name, rtype)),
            );
        }
        out
    }
}

fn next_serial(rdata: &[u8]) -> Vec<u8> {
    let mut out = rdata.to_vec();
    if let Some(at) = rdata.len().checked_sub(20)
        && let Some(octets) = out.get_mut(at..at + 4)
    {
        let serial = u32::from_be_bytes([octets[0], octets[1], octets[2], octets[3]]);
        octets.copy_from_slice(&serial.wrapping_add(1).to_be_bytes());
    }
    out
}
