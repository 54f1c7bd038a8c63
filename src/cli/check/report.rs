//! What `check` says of a zone, as its JSON has it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

use super::findings::Finding;
use super::sizes::Sizes;
use super::waits::Waits;
use crate::dns::{Name, Ttl};
use crate::dnssec::offline::Said;
use crate::dnssec::{Dnskey, Ds, DsSet, KeyId, Reason, Status};
use crate::evidence::BlindSpot;
use crate::moment::Moment;

/// A zone as it is served.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) zone: Name,
    pub(super) at: Moment,
    /// The worst of all servers that resolvers are led to.
    pub(super) verdict: Status,
    pub(super) chain: Chain,
    pub(super) parent: Vec<ParentServer>,
    pub(super) servers: Vec<Server>,
    /// Which server holds the key of which DS record.
    pub(super) ds: Vec<DsRow>,
    /// The worst first.
    pub(super) findings: Vec<Finding>,
    /// What a change begun now would take; none where the zone is not secure or too little was seen.
    pub(super) changes: Option<Waits>,
    /// What could not be seen from here.
    pub(super) blind: Vec<BlindSpot>,
    /// What nobody looked at.
    pub(super) not_checked: Vec<String>,
}

/// The way from the anchor to the parent.
#[derive(Debug, Serialize)]
pub(super) struct Chain {
    pub(super) status: Status,
    pub(super) zones: Vec<(Name, Status)>,
    pub(super) reasons: Vec<Reason>,
    /// The DS sets that the zone's keys are judged under; several where the parent's servers differ.
    pub(super) ds: Vec<BTreeSet<Ds>>,
    #[serde(skip)]
    pub(super) parent_keys: Vec<Dnskey>,
}

/// An address of the parent's servers.
#[derive(Debug, Serialize)]
pub(super) struct ParentServer {
    /// How findings call it: its host, with the address where the host has several.
    pub(super) label: String,
    pub(super) server: Name,
    pub(super) address: SocketAddr,
    /// The DS records served; none: not to be told.
    pub(super) ds: Option<DsSet>,
    /// What the parent's signature says of them.
    pub(super) status: Status,
    pub(super) ttl: Ttl,
    /// The delegation.
    pub(super) ns: BTreeSet<Name>,
    /// The largest TTL of the delegation and its glue.
    pub(super) ns_ttl: Ttl,
    /// The addresses given with a referral; none: it serves the zone too and gave no referral.
    pub(super) glue: Option<BTreeMap<Name, BTreeSet<IpAddr>>>,
    pub(super) reasons: Vec<Reason>,
    /// Over TCP; none: not asked.
    pub(super) tcp: Option<Result<(), String>>,
    pub(super) problem: Option<String>,
}

/// A DS record and the servers that hold its key.
#[derive(Debug, Serialize)]
pub(super) struct DsRow {
    pub(super) ds: Ds,
    /// The key, where a server holds it.
    pub(super) key: Option<KeyId>,
    /// Where it is in the DNSKEY RRset.
    pub(super) held_at: Vec<String>,
    /// Where it signs the DNSKEY RRset.
    pub(super) signs_at: Vec<String>,
}

/// An address of a server of the zone.
#[derive(Debug, Serialize)]
pub(super) struct Server {
    #[serde(skip)]
    pub(super) zone: Name,
    /// How findings call it: its host, with the address where the host has several.
    pub(super) label: String,
    /// The provider in the settings, or the host name.
    pub(super) provider: String,
    pub(super) server: Name,
    pub(super) address: SocketAddr,
    /// Whether the delegation, or the NS records of a server that is reached, lead resolvers to it.
    pub(super) reached: bool,
    /// What a validator says that asks only this server.
    pub(super) verdict: Status,
    pub(super) reasons: Vec<Said>,
    /// The keys in its DNSKEY RRset; none: not to be told.
    pub(super) keys: Option<BTreeSet<KeyId>>,
    /// The same with the flags as they are served.
    #[serde(skip)]
    pub(super) dnskeys: Vec<Dnskey>,
    /// The keys that sign that RRset.
    pub(super) key_signers: BTreeSet<KeyId>,
    /// The keys that sign data.
    pub(super) data_signers: BTreeSet<KeyId>,
    /// The keys that sign each part of the data that was seen, where not all is signed by the same.
    #[serde(skip)]
    pub(super) signer_sets: BTreeSet<BTreeSet<KeyId>>,
    /// Tag and algorithm of signatures on data whose key is not in its DNSKEY RRset.
    pub(super) unknown_signers: BTreeSet<(u16, u8)>,
    /// When the first signature expires.
    pub(super) expires: Option<Moment>,
    /// How long that signature is valid in all, seconds.
    pub(super) life: Option<u64>,
    pub(super) serial: Option<u32>,
    pub(super) ns: Option<BTreeSet<Name>>,
    pub(super) cds: Option<DsSet>,
    pub(super) cdnskey: Option<BTreeSet<Dnskey>>,
    /// The keys that sign CDS and CDNSKEY.
    pub(super) cds_signers: BTreeSet<KeyId>,
    pub(super) ttls: Ttls,
    /// Addresses that it gives for hosts of the delegation within the zone.
    pub(super) hosts: BTreeMap<Name, BTreeSet<IpAddr>>,
    /// Over TCP: it answers the same, differs, or says nothing; none: not asked.
    pub(super) tcp: Option<Result<(), String>>,
    /// How it treats sizes over UDP.
    pub(super) sizes: Option<Sizes>,
    /// How it proves absence.
    pub(super) denial: Option<&'static str>,
    /// The parameters of NSEC3, each that was seen.
    pub(super) nsec3: BTreeSet<Nsec3>,
    /// It proves the absence of a name as NODATA (RFC 9824).
    pub(super) compact_denial: bool,
    /// Why it is no server of the zone, if it is not.
    pub(super) problem: Option<Problem>,
}

/// TTLs as a server gives them, seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Ttls {
    pub(super) ns: Option<Ttl>,
    pub(super) dnskey: Option<Ttl>,
    /// Of what proves absence: the largest of the SOA's and the denial's.
    pub(super) negative: Option<Ttl>,
    /// The largest of all other answers that were seen.
    pub(super) data: Option<Ttl>,
}

/// What an NSEC3 record says besides the names (RFC 5155 section 3.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Nsec3 {
    pub(super) iterations: u16,
    /// Hexadecimal; empty: none.
    pub(super) salt: String,
    pub(super) opt_out: bool,
}

/// Why an address does not serve the zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Problem {
    /// Nothing in time.
    Timeout,
    /// No route from here.
    NoRoute,
    /// Refused or broken connection.
    Failed(String),
    /// It answers, and not with authority.
    Lame(String),
}

impl Server {
    /// How findings call it.
    pub(super) fn label(&self) -> String {
        self.label.clone()
    }
}

impl ParentServer {
    /// How findings call it.
    pub(super) fn label(&self) -> String {
        self.label.clone()
    }
}

/// The host; with the address where it has several of those that were asked.
pub(super) fn label(host: &Name, address: SocketAddr, hosts: &[Name]) -> String {
    if hosts.iter().filter(|other| *other == host).count() > 1 {
        format!("{host} {}", short(address))
    } else {
        host.to_string()
    }
}

/// An address without the port that everybody expects.
pub(super) fn short(address: SocketAddr) -> String {
    if address.port() == 53 {
        address.ip().to_string()
    } else {
        address.to_string()
    }
}

/// The one that decides about the whole.
pub(super) fn worse(a: Status, b: Status) -> Status {
    let rank = |status| match status {
        Status::Secure => 0,
        Status::Insecure => 1,
        Status::Indeterminate => 2,
        Status::Bogus => 3,
    };
    if rank(a) >= rank(b) { a } else { b }
}
