//! One poll: every question to every server that may be asked, and what is remembered of the answers.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::Findings;
use super::memory::{Link, Memory, Version};
use super::signed::{Key, Rrset};
use super::verdict;
use crate::probe::{ask, rrset};
use crate::servers::Kind;
use crate::wire::{Message, Name, rcode, rtype};
use crate::zone::{self, PARENT, Question, REGISTRY, ROOT, ZONE, questions};

/// What is polled, and what is remembered of it.
pub(super) struct Poller {
    zone: Name,
    parent: Name,
    parent_keys: Rrset,
    providers: Vec<Kind>,
    silent: Arc<Mutex<HashSet<Ipv4Addr>>>,
    insecure: Arc<AtomicBool>,
    questions: Vec<Question>,
    memory: Memory,
}

impl Poller {
    pub(super) fn new(
        anchor: &str,
        providers: Vec<Kind>,
        silent: Arc<Mutex<HashSet<Ipv4Addr>>>,
        insecure: Arc<AtomicBool>,
    ) -> Result<Self> {
        let parent = Name::of(PARENT);
        Ok(Self {
            zone: Name::of(ZONE),
            parent_keys: parent_keys(anchor, &parent)?,
            parent,
            providers,
            silent,
            insecure,
            questions: questions(),
            memory: Memory::default(),
        })
    }

    /// Asks, remembers, and judges.
    pub(super) fn poll(&mut self, findings: &mut Findings) {
        self.registry(findings);
        self.memory.forget(Instant::now());
        let names = self.memory.names();
        let reachable: Vec<Kind> = self
            .providers
            .iter()
            .copied()
            .filter(|provider| names.contains(&Name::of(provider.name_server())))
            .collect();
        findings.reachable = reachable.iter().map(|provider| provider.label()).collect();
        for provider in reachable {
            self.provider(provider, findings);
        }
        self.memory.forget(Instant::now());
        let round = self
            .memory
            .judge(&self.zone, self.insecure.load(Ordering::Relaxed), Instant::now());
        findings.polls += 1;
        findings.judged += round.judged;
        findings.faulty += round.faulty;
        findings.distinct = self.memory.distinct();
        for fault in round.faults {
            findings.fault(fault);
        }
    }

    /// The delegation and the DS RRset.
    fn registry(&mut self, findings: &mut Findings) {
        let (zone, place) = (self.zone.clone(), "the registry");
        if let Some((sent, message)) = self.answer(REGISTRY, place, &zone, rtype::NS, findings) {
            let names = Rrset::group(&message.authority)
                .into_iter()
                .find(|set| set.rtype == rtype::NS);
            match names.filter(|set| set.name == zone) {
                Some(rrset) => self.remember(place, Link::Names, rrset, sent, findings),
                None => findings.fault("the registry delegates the zone to nobody".to_owned()),
            }
        }
        if let Some((sent, message)) = self.answer(REGISTRY, place, &zone, rtype::DS, findings) {
            let rrset = match find(&message.answer, &zone, rtype::DS) {
                Some(rrset) => rrset,
                None => Rrset::absent(zone, rtype::DS, negative_ttl(&message)),
            };
            self.remember(place, Link::Ds, rrset, sent, findings);
        }
    }

    /// Everything that one provider is asked.
    fn provider(&mut self, provider: Kind, findings: &mut Findings) {
        let (zone, place) = (self.zone.clone(), provider.label());
        for (rtype, link) in [(rtype::DNSKEY, Link::Keys), (rtype::NS, Link::Names)] {
            if let Some((sent, message)) = self.answer(provider.address(), place, &zone, rtype, findings) {
                match find(&message.answer, &zone, rtype).filter(|_| message.authoritative) {
                    Some(rrset) => self.remember(place, link, rrset, sent, findings),
                    None => findings.fault(format!("{place} has no apex RRset of type {rtype}")),
                }
            }
        }
        for question in self.questions.clone() {
            let server = provider.address();
            if let Some((sent, message)) =
                self.answer(server, place, &question.name, question.rtype, findings)
            {
                if let Some(wrong) = question.complaint(&message) {
                    findings.fault(format!("{place}, {}: {wrong}", question.label));
                }
                let sections = [message.answer, message.authority].concat();
                for rrset in Rrset::group(&sections) {
                    self.remember(place, Link::Data, rrset, sent, findings);
                }
            }
        }
    }

    /// Asks one question; silence and errors of a server that may be asked are faults.
    fn answer(
        &self,
        server: Ipv4Addr,
        place: &str,
        name: &Name,
        rtype: u16,
        findings: &mut Findings,
    ) -> Option<(Instant, Message)> {
        if super::lock(&self.silent).contains(&server) {
            return None;
        }
        let sent = Instant::now();
        match ask(zone::dns(server), name, rtype) {
            Ok(message) if [rcode::NOERROR, rcode::NXDOMAIN].contains(&message.rcode) => {
                findings.answers += 1;
                Some((sent, message))
            }
            Ok(message) => {
                findings.fault(format!(
                    "{place} answers RCODE {} to {name} type {rtype}",
                    message.rcode
                ));
                None
            }
            Err(_) => {
                findings.fault(format!("{place} gives no answer to {name} type {rtype}"));
                None
            }
        }
    }

    /// Remembers an RRset, and checks what can be said of it alone when it is new.
    fn remember(&mut self, place: &str, link: Link, rrset: Rrset, sent: Instant, findings: &mut Findings) {
        if !rrset.is_current() {
            findings.fault(format!(
                "{place}: {} type {} is outside its window",
                rrset.name, rrset.rtype
            ));
        }
        // The child's own NS RRset says who may be asked, and is signed data as well.
        if link == Link::Names && place != "the registry" {
            self.remember(place, Link::Data, rrset.clone(), sent, findings);
        }
        let new = self.memory.served(
            Version {
                place: place.to_owned(),
                link,
                rrset: rrset.clone(),
            },
            sent,
        );
        if new && link == Link::Ds && !rrset.rdatas.is_empty() {
            let wrong = verdict::signature(&self.parent_keys, &rrset, &self.parent);
            if let Some(wrong) = wrong {
                findings.fault(format!("the DS RRset at the registry: {wrong}"));
            }
        }
    }
}

/// The registry's keys, validated from the root's.
fn parent_keys(anchor: &str, parent: &Name) -> Result<Rrset> {
    let root = Name::of(".");
    let root_keys = rrset(ROOT, &root, rtype::DNSKEY)?;
    let entry: Vec<Key> = root_keys
        .keys()
        .into_iter()
        .filter(|key| anchor == key.text())
        .collect();
    let entry = entry
        .first()
        .context("the root does not serve the key that is its anchor")?;
    ensure!(
        root_keys.is_signed_by(entry, &root),
        "the root's keys are not signed by its anchor"
    );
    let ds = rrset(ROOT, parent, rtype::DS)?;
    let keys = rrset(REGISTRY, parent, rtype::DNSKEY)?;
    let wrong = verdict::signature(&root_keys, &ds, &root).or(verdict::delegation(&ds, &keys, parent));
    ensure!(
        wrong.is_none(),
        "the chain to the registry: {}",
        wrong.unwrap_or_default()
    );
    Ok(keys)
}

fn find(section: &[crate::wire::Record], name: &Name, rtype: u16) -> Option<Rrset> {
    Rrset::group(section)
        .into_iter()
        .find(|set| set.name == *name && set.rtype == rtype && !set.rdatas.is_empty())
}

/// How long an absence may be remembered (RFC 2308): the TTL of the SOA, which a server has to keep below its minimum.
fn negative_ttl(message: &Message) -> u32 {
    message
        .authority
        .iter()
        .find(|record| record.rtype == rtype::SOA)
        .map_or(0, |soa| soa.ttl)
}
