//! From answers to verdicts: the chain above, the delegation, and each server by its own answers. Pure.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde::Serialize;

use super::findings::Finding;
use super::seen::{Address, Answers, Silence, targets};
use crate::dns::{Message, Name, Rrset, Rtype};
use crate::dnssec::{
    Anchors, Budget, Dnskey, Ds, DsSet, DsStatus, Form, KeyId, Reason, Signers, Status, WalkStep, classify,
    judge_answer, judge_dnskey, judge_ds, judge_rrset, walk,
};
use crate::evidence::{BlindSpot, Place, Proto};
use crate::moment::Moment;
use crate::ports::Topology;

/// A zone as it is served.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) zone: Name,
    pub(super) at: Moment,
    /// The worst of all servers.
    pub(super) verdict: Status,
    pub(super) chain: Chain,
    pub(super) parent: Vec<ParentServer>,
    pub(super) servers: Vec<Server>,
    pub(super) findings: Vec<Finding>,
    /// What could not be seen from here.
    pub(super) blind: Vec<BlindSpot>,
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
    parent_keys: Vec<Dnskey>,
}

/// An address of the parent's servers.
#[derive(Debug, Serialize)]
pub(super) struct ParentServer {
    pub(super) server: Name,
    pub(super) address: SocketAddr,
    /// The DS records served; none: not to be told.
    pub(super) ds: Option<DsSet>,
    /// What the parent's signature says of them.
    pub(super) status: Status,
    pub(super) ttl: u32,
    /// The delegation.
    pub(super) ns: BTreeSet<Name>,
    pub(super) reasons: Vec<Reason>,
    pub(super) problem: Option<String>,
}

/// An address of a server of the zone.
#[derive(Debug, Serialize)]
pub(super) struct Server {
    /// The provider in the settings, or the host name.
    pub(super) provider: String,
    pub(super) server: Name,
    pub(super) address: SocketAddr,
    /// What a validator says that asks only this server.
    pub(super) verdict: Status,
    pub(super) reasons: Vec<Reason>,
    /// The keys in its DNSKEY RRset; none: not to be told.
    pub(super) keys: Option<BTreeSet<KeyId>>,
    /// The keys that sign that RRset.
    pub(super) key_signers: BTreeSet<KeyId>,
    /// The keys that sign data.
    pub(super) data_signers: BTreeSet<KeyId>,
    /// Tag and algorithm of signatures on data whose key is not in its DNSKEY RRset.
    pub(super) unknown_signers: BTreeSet<(u16, u8)>,
    /// When the first signature expires.
    pub(super) expires: Option<Moment>,
    pub(super) serial: Option<u32>,
    pub(super) ns: Option<BTreeSet<Name>>,
    pub(super) cds: Option<DsSet>,
    pub(super) cdnskey: Option<BTreeSet<Dnskey>>,
    /// Over TCP: it answers the same, differs, or says nothing; none: not asked.
    pub(super) tcp: Option<Result<(), String>>,
    /// How it proves absence.
    pub(super) denial: Option<&'static str>,
    /// Why it is no server of the zone, if it is not.
    pub(super) problem: Option<Problem>,
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

/// The later one wins.
fn worse(a: Status, b: Status) -> Status {
    let rank = |status| match status {
        Status::Secure => 0,
        Status::Insecure => 1,
        Status::Indeterminate => 2,
        Status::Bogus => 3,
    };
    if rank(a) >= rank(b) { a } else { b }
}

impl Report {
    /// Judges everything at the moment `at`.
    pub(super) fn inspect(topology: &Topology, answers: &Answers, anchors: &Anchors, at: Moment) -> Report {
        let seconds = at.floor_seconds();
        let mut chain = Chain::above(topology, answers, anchors, seconds);
        let parent: Vec<ParentServer> = answers
            .addresses(true)
            .map(|address| ParentServer::inspect(address, topology, answers, &chain, seconds))
            .collect();
        chain.reach(&topology.zone, &parent, anchors);
        let servers: Vec<Server> = answers
            .addresses(false)
            .map(|address| Server::inspect(address, topology, answers, &chain, seconds))
            .collect();
        let seen = servers
            .iter()
            .filter(|server| server.problem != Some(Problem::NoRoute));
        let verdict = seen.map(|server| server.verdict).fold(None, |worst, status| {
            Some(worst.map_or(status, |worst| worse(worst, status)))
        });
        Report {
            zone: topology.zone.clone(),
            at,
            verdict: verdict.unwrap_or(Status::Indeterminate),
            chain,
            parent,
            servers,
            findings: Vec::new(),
            blind: Vec::new(),
        }
    }
}

impl Chain {
    fn above(topology: &Topology, answers: &Answers, anchors: &Anchors, at: i64) -> Chain {
        let start = anchors.closest(&topology.parent).map(|(zone, _)| zone);
        let steps: Vec<WalkStep<'_>> = topology
            .ancestors
            .iter()
            .map(|(zone, _)| zone)
            .filter(|zone| start.is_some_and(|start| zone.is_at_or_below(start)))
            .map(|zone| WalkStep {
                zone: zone.clone(),
                ds: answers.above(zone, Rtype::DS),
                dnskey: answers.above(zone, Rtype::DNSKEY),
            })
            .collect();
        let verdict = walk(anchors, &steps, at, &mut Budget::default());
        Chain {
            status: verdict.status,
            zones: verdict
                .zones
                .iter()
                .map(|link| (link.zone.clone(), link.status))
                .collect(),
            reasons: verdict.reasons,
            ds: Vec::new(),
            parent_keys: verdict.trusted,
        }
    }

    /// The last step: from the parent to the zone.
    fn reach(&mut self, zone: &Name, parent: &[ParentServer], anchors: &Anchors) {
        if let Some((anchored, ds)) = anchors.closest(zone)
            && anchored == zone
        {
            // The zone itself is trusted: nothing above it counts.
            self.status = Status::Secure;
            self.reasons.clear();
            self.zones.clear();
            self.ds.push(ds.clone());
            return;
        }
        if self.status != Status::Secure {
            return;
        }
        let mut worst = None;
        for server in parent.iter().filter(|server| server.problem.is_none()) {
            worst = Some(worst.map_or(server.status, |worst| worse(worst, server.status)));
            if server.status == Status::Secure
                && let Some(ds) = &server.ds
                && !self.ds.contains(ds)
            {
                self.ds.push(ds.clone());
            }
            if server.status != Status::Secure {
                self.reasons.extend(server.reasons.iter().cloned());
            }
        }
        self.status = worst.unwrap_or(Status::Indeterminate);
    }
}

impl ParentServer {
    fn inspect(
        address: &Address,
        topology: &Topology,
        answers: &Answers,
        chain: &Chain,
        at: i64,
    ) -> ParentServer {
        let zone = &topology.zone;
        let mut out = ParentServer {
            server: address.server.clone(),
            address: address.address,
            ds: None,
            status: Status::Indeterminate,
            ttl: 0,
            ns: BTreeSet::new(),
            reasons: Vec::new(),
            problem: None,
        };
        if let Some(Ok(message)) = answers.get(address, Proto::Udp, zone, Rtype::NS) {
            out.ns = targets(message, zone, true);
        }
        let message = match answers.get(address, Proto::Udp, zone, Rtype::DS) {
            None => return out,
            Some(Err(silence)) => {
                out.problem = Some(silence.to_string());
                return out;
            }
            Some(Ok(message)) => message,
        };
        if let Some(words) = lame(zone, Rtype::DS, &topology.parent, message) {
            out.problem = Some(words);
            return out;
        }
        if chain.status == Status::Insecure {
            out.status = Status::Insecure;
        }
        let mut budget = Budget::default();
        let verdict = judge_ds(
            zone,
            &topology.parent,
            &chain.parent_keys,
            message,
            at,
            &mut budget,
        );
        out.ttl = verdict.ttl;
        out.ds = Some(verdict.records);
        if chain.status == Status::Secure {
            out.status = match verdict.status {
                DsStatus::Secure(_) => Status::Secure,
                DsStatus::ProvenAbsent => Status::Insecure,
                DsStatus::Bogus => Status::Bogus,
                DsStatus::Indeterminate => Status::Indeterminate,
            };
            out.reasons = verdict.reasons;
        }
        out
    }
}

impl Server {
    fn inspect(address: &Address, topology: &Topology, answers: &Answers, chain: &Chain, at: i64) -> Server {
        let zone = &topology.zone;
        let provider = match &address.place {
            Place::Provider(name) => name.clone(),
            Place::Parent | Place::Ancestor(_) => String::new(),
        };
        let mut out = Server {
            provider,
            server: address.server.clone(),
            address: address.address,
            verdict: Status::Indeterminate,
            reasons: Vec::new(),
            keys: None,
            key_signers: BTreeSet::new(),
            data_signers: BTreeSet::new(),
            unknown_signers: BTreeSet::new(),
            expires: None,
            serial: None,
            ns: None,
            cds: None,
            cdnskey: None,
            tcp: tcp(address, zone, answers),
            denial: None,
            problem: problem(address, zone, answers),
        };
        if out.problem.is_some() {
            return out;
        }
        out.read(address, zone, answers, at);
        out.judge(address, zone, answers, chain, at);
        out
    }

    /// What it serves, whether it is trusted or not.
    fn read(&mut self, address: &Address, zone: &Name, answers: &Answers, at: i64) {
        let message = |rtype| answers.get(address, Proto::Udp, zone, rtype)?.as_ref().ok();
        let sound = |rtype| message(rtype).filter(|found| lame(zone, rtype, zone, found).is_none());
        self.serial = message(Rtype::SOA).and_then(|found| serial(found, zone));
        self.ns = sound(Rtype::NS).map(|found| targets(found, zone, false));
        self.cds = sound(Rtype::CDS).map(|found| {
            rdatas(found, zone, Rtype::CDS)
                .filter_map(Ds::from_rdata)
                .collect()
        });
        self.cdnskey = sound(Rtype::CDNSKEY).map(|found| {
            rdatas(found, zone, Rtype::CDNSKEY)
                .filter_map(Dnskey::from_rdata)
                .collect()
        });
        let keys: Option<BTreeSet<Dnskey>> = sound(Rtype::DNSKEY).map(|found| {
            rdatas(found, zone, Rtype::DNSKEY)
                .filter_map(Dnskey::from_rdata)
                .collect()
        });
        self.keys = keys.as_ref().map(|keys| keys.iter().map(Dnskey::id).collect());
        let keys: Vec<Dnskey> = keys.into_iter().flatten().collect();
        let mut window: Option<i64> = None;
        for (_, rtype, answer) in answers.of(address) {
            let Ok(found) = answer else { continue };
            for rrset in found.answer_rrsets().iter().chain(&found.authority_rrsets()) {
                if matches!(rrset.rtype, Rtype::NSEC | Rtype::NSEC3) && rtype != Rtype::DS {
                    self.denial = Some(if rrset.rtype == Rtype::NSEC {
                        "NSEC"
                    } else {
                        "NSEC3"
                    });
                }
                let signers = judge_rrset(rrset, &keys, zone, at, &mut Budget::default());
                if let Some((_, until)) = signers.window() {
                    window = Some(window.map_or(until, |least| least.min(until)));
                }
                self.sort(rrset, &signers);
            }
        }
        self.expires = window.map(Moment::from_seconds);
    }

    /// Keys of keys and keys of data.
    fn sort(&mut self, rrset: &Rrset, signers: &Signers) {
        match rrset.rtype {
            Rtype::DNSKEY => self.key_signers.extend(signers.keys()),
            // These may be signed by a key that signs nothing but keys.
            Rtype::CDS | Rtype::CDNSKEY => {}
            _ => {
                self.data_signers.extend(signers.keys());
                self.unknown_signers.extend(signers.orphans.iter().copied());
            }
        }
    }

    /// The verdict of a validator that has the chain down to the zone and asks only here.
    fn judge(&mut self, address: &Address, zone: &Name, answers: &Answers, chain: &Chain, at: i64) {
        if chain.status == Status::Bogus || chain.ds.is_empty() {
            self.verdict = chain.status;
            return;
        }
        self.verdict = chain.status;
        for ds in &chain.ds {
            let Some(Ok(message)) = answers.get(address, Proto::Udp, zone, Rtype::DNSKEY) else {
                self.worsen(Status::Indeterminate, Vec::new());
                continue;
            };
            let keys = judge_dnskey(zone, ds, message, at, &mut Budget::default());
            self.worsen(keys.status, keys.reasons);
            if keys.status != Status::Secure {
                continue;
            }
            for (name, rtype, answer) in answers.of(address) {
                let Ok(found) = answer else {
                    self.worsen(Status::Indeterminate, Vec::new());
                    continue;
                };
                let verdict = judge_answer(
                    name,
                    rtype,
                    zone,
                    &keys.trusted,
                    found,
                    at,
                    &mut Budget::default(),
                );
                self.worsen(verdict.status, verdict.reasons);
            }
        }
    }

    fn worsen(&mut self, status: Status, reasons: Vec<Reason>) {
        self.verdict = worse(self.verdict, status);
        if status == Status::Secure {
            return;
        }
        for reason in reasons {
            if !self.reasons.contains(&reason) {
                self.reasons.push(reason);
            }
        }
    }
}

/// Why the SOA question shows that this is no server of the zone.
fn problem(address: &Address, zone: &Name, answers: &Answers) -> Option<Problem> {
    match answers.get(address, Proto::Udp, zone, Rtype::SOA)? {
        Ok(message) => lame(zone, Rtype::SOA, zone, message).map(Problem::Lame),
        Err(Silence::Timeout) => Some(Problem::Timeout),
        Err(Silence::NoRoute) => Some(Problem::NoRoute),
        Err(Silence::Failed(said)) => Some(Problem::Failed(said.clone())),
    }
}

/// Why an answer has no authority.
fn lame(qname: &Name, qtype: Rtype, zone: &Name, message: &Message) -> Option<String> {
    match classify(qname, qtype, zone, message) {
        Form::Positive | Form::NoData | Form::NxDomain => None,
        Form::Referral => Some("it refers to other servers".to_owned()),
        Form::Lame => Some("it answers without authority".to_owned()),
        Form::Refused => Some("it answers REFUSED".to_owned()),
        Form::ServFail => Some("it answers SERVFAIL".to_owned()),
        Form::OtherError(rcode) => Some(format!("it answers {rcode}")),
    }
}

/// Whether it says the same keys and the same SOA over TCP; none if it was not asked.
fn tcp(address: &Address, zone: &Name, answers: &Answers) -> Option<Result<(), String>> {
    let mut out = None;
    for rtype in [Rtype::SOA, Rtype::DNSKEY] {
        let over_tcp = match answers.get(address, Proto::Tcp, zone, rtype)? {
            Ok(message) => message,
            Err(silence) => return Some(Err(silence.to_string())),
        };
        let same = match answers.get(address, Proto::Udp, zone, rtype) {
            Some(Ok(over_udp)) => {
                over_udp.rcode == over_tcp.rcode
                    && (rtype == Rtype::SOA
                        || rdatas(over_udp, zone, rtype).eq(rdatas(over_tcp, zone, rtype)))
            }
            _ => true,
        };
        if !same {
            return Some(Err(format!("another {rtype} answer than over UDP")));
        }
        out = Some(Ok(()));
    }
    out
}

fn serial(message: &Message, zone: &Name) -> Option<u32> {
    let rdata = rdatas(message, zone, Rtype::SOA).next()?;
    let numbers = rdata.get(rdata.len().checked_sub(20)?..)?;
    numbers
        .first_chunk::<4>()
        .map(|octets| u32::from_be_bytes(*octets))
}

/// The RDATA of an RRset of the answer, sorted.
fn rdatas<'a>(message: &'a Message, name: &Name, rtype: Rtype) -> impl Iterator<Item = &'a [u8]> {
    let mut found: Vec<&[u8]> = message
        .answer
        .iter()
        .filter(|record| record.rtype == rtype && record.name == *name)
        .map(|record| record.rdata.as_slice())
        .collect();
    found.sort_unstable();
    found.into_iter()
}
