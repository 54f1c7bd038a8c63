//! One address of a server of the zone, by its own answers. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::report::{Nsec3, Problem, Server, Ttls, worse};
use super::seen::{Address, Answers, Silence, address as read_address, lame, rdatas, targets};
use crate::dns::{Message, Name, Record, Rrset, Rtype, Ttl};
use crate::dnssec::offline::{Captured, Corpus, Options, Said, Verdict, validate};
use crate::dnssec::{Anchors, Budget, Dnskey, Ds, Memo, Signers, Status, judge_rrset, shows_nxname};
use crate::evidence::{Place, Proto};
use crate::moment::Moment;

/// What every server is judged with.
pub(super) struct Bench<'a> {
    pub(super) zone: &'a Name,
    pub(super) answers: &'a Answers,
    pub(super) anchors: &'a Anchors,
    /// What the zones above said.
    pub(super) above: Vec<Captured>,
    /// The parent's answer to the DS question; several where its servers differ.
    pub(super) delegations: Vec<Captured>,
    /// The verdict on the way down to the zone, and whether there is a DS set to judge under.
    pub(super) chain: Status,
    pub(super) has_ds: bool,
    /// Unix seconds.
    pub(super) at: i64,
    /// All servers are judged by the same few answers.
    pub(super) memo: Memo,
}

impl Bench<'_> {
    /// Reads and judges what one address said.
    pub(super) fn server(&self, address: &Address) -> Server {
        let provider = match &address.place {
            Place::Provider(name) => name.clone(),
            Place::Parent | Place::Ancestor(_) => String::new(),
        };
        let mut out = Server {
            zone: self.zone.clone(),
            label: String::new(),
            provider,
            server: address.server.clone(),
            address: address.address,
            reached: false,
            verdict: Status::Indeterminate,
            reasons: Vec::new(),
            keys: None,
            dnskeys: Vec::new(),
            key_signers: BTreeSet::new(),
            data_signers: BTreeSet::new(),
            signer_sets: BTreeSet::new(),
            unknown_signers: BTreeSet::new(),
            expires: None,
            life: None,
            serial: None,
            ns: None,
            cds: None,
            cdnskey: None,
            cds_signers: BTreeSet::new(),
            ttls: Ttls::default(),
            hosts: BTreeMap::new(),
            tcp: tcp(address, self.zone, self.answers),
            sizes: None,
            denial: None,
            nsec3: BTreeSet::new(),
            compact_denial: false,
            problem: problem(address, self.zone, self.answers),
        };
        if out.problem.is_none() {
            out.read(address, self);
            out.judge(address, self);
        }
        out
    }
}

impl Server {
    /// What it serves, whether it is trusted or not.
    fn read(&mut self, address: &Address, bench: &Bench<'_>) {
        let (zone, answers) = (bench.zone, bench.answers);
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
        if let Some(found) = sound(Rtype::DNSKEY) {
            self.dnskeys = rdatas(found, zone, Rtype::DNSKEY)
                .filter_map(Dnskey::from_rdata)
                .collect();
            self.keys = Some(self.dnskeys.iter().map(Dnskey::id).collect());
        }
        let mut first: Option<(i64, i64)> = None;
        for (name, rtype, answer) in answers.of(address) {
            let Ok(found) = answer else { continue };
            self.host(name, rtype, found, zone);
            // One for each RRset, as a validator would; what they try is remembered.
            let budget = || Budget {
                memo: bench.memo.clone(),
                ..Budget::default()
            };
            for (rrset, answered) in found
                .answer_rrsets()
                .iter()
                .map(|set| (set, true))
                .chain(found.authority_rrsets().iter().map(|set| (set, false)))
            {
                let signers = judge_rrset(rrset, &self.dnskeys, zone, bench.at, &mut budget());
                for window in windows(&signers).filter(|window| window.1 > bench.at) {
                    if first.is_none_or(|first| window.1 < first.1) {
                        first = Some(window);
                    }
                }
                self.note(rrset, answered, rtype, zone);
                self.sort(rrset, &signers, zone);
            }
        }
        self.expires = first.map(|window| Moment::from_seconds(window.1));
        self.life = first.and_then(|(from, until)| u64::try_from(until.saturating_sub(from)).ok());
    }

    /// The address of a host of the zone.
    fn host(&mut self, name: &Name, rtype: Rtype, found: &Message, zone: &Name) {
        if !matches!(rtype, Rtype::A | Rtype::AAAA) || lame(name, rtype, zone, found).is_some() {
            return;
        }
        let addresses: BTreeSet<IpAddr> = rdatas(found, name, rtype)
            .filter_map(|rdata| read_address(rtype, rdata))
            .collect();
        self.hosts.entry(name.clone()).or_default().extend(addresses);
    }

    /// TTLs, and how absence is proven.
    fn note(&mut self, rrset: &Rrset, answered: bool, asked: Rtype, zone: &Name) {
        let largest = |known: &mut Option<Ttl>| *known = Some(known.unwrap_or(0).max(rrset.ttl));
        match (rrset.rtype, answered) {
            (Rtype::NSEC | Rtype::NSEC3, false) if asked != Rtype::DS => {
                largest(&mut self.ttls.negative);
                self.denial = Some(if rrset.rtype == Rtype::NSEC {
                    "NSEC"
                } else {
                    "NSEC3"
                });
                for rdata in &rrset.rdatas {
                    self.compact_denial |= shows_nxname(rrset.rtype, rdata);
                    if rrset.rtype == Rtype::NSEC3 {
                        self.nsec3.extend(nsec3(rdata));
                    }
                }
            }
            (Rtype::SOA, false) => largest(&mut self.ttls.negative),
            (Rtype::NS, _) if rrset.name == *zone => largest(&mut self.ttls.ns),
            (Rtype::DNSKEY, true) if rrset.name == *zone => largest(&mut self.ttls.dnskey),
            (Rtype::CDS | Rtype::CDNSKEY | Rtype::DS, _) => {}
            (_, true) => largest(&mut self.ttls.data),
            (_, false) => {}
        }
    }

    /// Keys of keys and keys of data.
    fn sort(&mut self, rrset: &Rrset, signers: &Signers, zone: &Name) {
        match rrset.rtype {
            Rtype::DNSKEY => self.key_signers.extend(signers.keys()),
            // These may be signed by a key that signs nothing but keys.
            Rtype::CDS | Rtype::CDNSKEY => self.cds_signers.extend(signers.keys()),
            _ => {
                self.data_signers.extend(signers.keys());
                self.unknown_signers.extend(signers.orphans.iter().copied());
                // A delegation's NS records have no signature.
                if rrset.rtype != Rtype::NS || rrset.name == *zone {
                    self.signer_sets.insert(signers.keys());
                }
            }
        }
    }

    /// The verdict of a validator that has the chain down to the zone and asks only here; where the parent's servers
    /// differ, the worst.
    fn judge(&mut self, address: &Address, bench: &Bench<'_>) {
        self.verdict = bench.chain;
        if bench.chain == Status::Bogus || !bench.has_ds {
            return;
        }
        let own = bench.answers.captured(address);
        let ways: Vec<Vec<Captured>> = if bench.delegations.is_empty() {
            vec![Vec::new()]
        } else {
            bench.delegations.iter().map(|one| vec![one.clone()]).collect()
        };
        for way in ways {
            let known = bench.above.iter().chain(&way).chain(&own).cloned();
            let corpus = Corpus::new(known).with_memo(bench.memo.clone());
            for (name, rtype, answer) in bench.answers.of(address) {
                let verdict = validate(&corpus, bench.anchors, name, rtype, &Options::at(bench.at));
                let (status, reasons) = by_the_first(verdict, name, leads_out(answer, bench.zone));
                self.worsen(status, reasons);
            }
        }
    }

    fn worsen(&mut self, status: Status, reasons: Vec<Said>) {
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

/// Where an alias leads out of the zone, nobody asked there: the alias itself is what this server is judged by.
fn by_the_first(verdict: Verdict, name: &Name, leads_out: bool) -> (Status, Vec<Said>) {
    let first = verdict.used.first().filter(|used| used.name == *name);
    match first {
        Some(first)
            if leads_out && verdict.status == Status::Indeterminate && first.verdict == Status::Secure =>
        {
            (Status::Secure, Vec::new())
        }
        _ => (verdict.status, verdict.reasons),
    }
}

/// Whether the last alias of an answer leads to a name outside the zone.
fn leads_out(answer: &Result<Message, Silence>, zone: &Name) -> bool {
    let aliases = answer.iter().flat_map(|message| &message.answer);
    aliases
        .filter(|record| record.rtype == Rtype::CNAME)
        .filter_map(Record::target)
        .next_back()
        .is_some_and(|target| !target.is_at_or_below(zone))
}

/// The windows of the good signatures, those that are over or have not begun included.
fn windows(signers: &Signers) -> impl Iterator<Item = (i64, i64)> + '_ {
    signers
        .attempts
        .iter()
        .filter(|attempt| attempt.octets.is_ok())
        .map(|attempt| attempt.window)
}

/// Iterations, salt and the opt-out flag of an NSEC3 record (RFC 5155 section 3.2).
fn nsec3(rdata: &[u8]) -> Option<Nsec3> {
    let (head, rest) = rdata.split_first_chunk::<5>()?;
    let salt = rest.get(..usize::from(head[4]))?;
    Some(Nsec3 {
        iterations: u16::from_be_bytes([head[2], head[3]]),
        salt: data_encoding::HEXLOWER.encode(salt),
        opt_out: head[1] & 1 != 0,
    })
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

/// Whether it says the same keys and the same SOA over TCP; none if it was not asked.
fn tcp(address: &Address, zone: &Name, answers: &Answers) -> Option<Result<(), String>> {
    let mut out = None;
    for rtype in [Rtype::SOA, Rtype::DNSKEY] {
        let over_tcp = match answers.get(address, Proto::Tcp, zone, rtype)? {
            Ok(message) => message,
            Err(silence) => return Some(Err(silence.to_string())),
        };
        let same = match answers.get(address, Proto::Udp, zone, rtype) {
            Some(Ok(over_udp)) if !over_udp.flags.truncated => {
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
