//! Answers by question: what each address said, or why it said nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use crate::dns::{Message, Name, Rtype};
use crate::dnssec::offline::Captured;
use crate::dnssec::{Form, classify};
use crate::evidence::{Blobs, Observation, Outcome, Place, Proto};

/// One address of one server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Address {
    /// Whose.
    pub(super) place: Place,
    /// Its host name.
    pub(super) server: Name,
    /// The address.
    pub(super) address: SocketAddr,
}

/// What came of a question.
pub(super) type Answer = Result<Message, Silence>;

/// Why there is no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// Nothing in time.
    Timeout,
    /// No route from here: a blind spot.
    NoRoute,
    /// The connection broke, or what came is no message.
    Failed(String),
}

impl std::fmt::Display for Silence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Silence::Timeout => f.write_str("no answer in time"),
            Silence::NoRoute => f.write_str("no route from here"),
            Silence::Failed(said) => f.write_str(said),
        }
    }
}

/// Every answer of a look.
#[derive(Debug)]
pub(super) struct Answers {
    by_address: BTreeMap<Address, BTreeMap<(Proto, Name, Rtype), Answer>>,
}

impl Answers {
    /// Reads every message once.
    pub(super) fn new(observations: &[Observation], blobs: &Blobs) -> Answers {
        let mut by_address: BTreeMap<Address, BTreeMap<_, Answer>> = BTreeMap::new();
        for observation in observations {
            let address = Address {
                place: observation.place.clone(),
                server: observation.server.clone(),
                address: observation.address,
            };
            let question = (observation.proto, observation.name.clone(), observation.rtype);
            by_address
                .entry(address)
                .or_default()
                .insert(question, answer(observation, blobs));
        }
        Answers { by_address }
    }

    /// The addresses of the parent's servers, or of all providers' servers.
    pub(super) fn addresses(&self, parent: bool) -> impl Iterator<Item = &Address> {
        self.by_address.keys().filter(move |address| match address.place {
            Place::Parent => parent,
            Place::Provider(_) => !parent,
            Place::Ancestor(_) => false,
        })
    }

    /// What an address said to a question.
    pub(super) fn get(&self, address: &Address, proto: Proto, name: &Name, rtype: Rtype) -> Option<&Answer> {
        self.by_address.get(address)?.get(&(proto, name.clone(), rtype))
    }

    /// Everything that an address said over UDP.
    pub(super) fn of(&self, address: &Address) -> impl Iterator<Item = (&Name, Rtype, &Answer)> {
        self.by_address
            .get(address)
            .into_iter()
            .flatten()
            .filter(|((proto, _, _), _)| *proto == Proto::Udp)
            .map(|((_, name, rtype), answer)| (name, *rtype, answer))
    }

    /// The same for a judgement by what was captured alone.
    pub(super) fn captured(&self, address: &Address) -> Vec<Captured> {
        self.of(address)
            .map(|(name, rtype, answer)| captured(address, name, rtype, answer))
            .collect()
    }

    /// What one address said to one question, for the same.
    pub(super) fn captured_one(&self, address: &Address, name: &Name, rtype: Rtype) -> Option<Captured> {
        let answer = self.get(address, Proto::Udp, name, rtype)?;
        Some(captured(address, name, rtype, answer))
    }

    /// Everything about the zones above, for the same.
    pub(super) fn captured_above(&self) -> Vec<Captured> {
        self.by_address
            .keys()
            .filter(|address| matches!(address.place, Place::Ancestor(_)))
            .flat_map(|address| self.captured(address))
            .collect()
    }

    /// An answer about the zones above.
    pub(super) fn above(&self, name: &Name, rtype: Rtype) -> Option<&Message> {
        self.by_address
            .iter()
            .filter(|(address, _)| matches!(address.place, Place::Ancestor(_)))
            .find_map(|(_, answers)| answers.get(&(Proto::Udp, name.clone(), rtype))?.as_ref().ok())
    }

    /// All names in the apex NS RRsets that providers' servers gave.
    pub(super) fn apex_ns(&self, zone: &Name) -> BTreeSet<Name> {
        self.addresses(false)
            .filter_map(|address| self.get(address, Proto::Udp, zone, Rtype::NS)?.as_ref().ok())
            .flat_map(|message| targets(message, zone, false))
            .collect()
    }
}

fn captured(address: &Address, name: &Name, rtype: Rtype, answer: &Answer) -> Captured {
    Captured {
        name: name.clone(),
        rtype,
        server: format!("{} {}", address.server, address.address),
        transport: "udp".to_owned(),
        at: None,
        answer: answer
            .clone()
            .map(Arc::new)
            .map_err(|silence| silence.to_string()),
    }
}

/// The addresses that a referral to `zone` gives for the hosts that it names; empty for an answer of the zone's own.
pub(super) fn glue(message: &Message, zone: &Name) -> BTreeMap<Name, BTreeSet<IpAddr>> {
    let mut out: BTreeMap<Name, BTreeSet<IpAddr>> = BTreeMap::new();
    if !message.answer.is_empty() {
        return out;
    }
    let named = targets(message, zone, true);
    for record in message
        .additional
        .iter()
        .filter(|record| named.contains(&record.name))
    {
        if let Some(address) = address(record.rtype, &record.rdata) {
            out.entry(record.name.clone()).or_default().insert(address);
        }
    }
    out
}

/// The address in the RDATA of an A or AAAA record.
pub(super) fn address(rtype: Rtype, rdata: &[u8]) -> Option<IpAddr> {
    match rtype {
        Rtype::A => Some(Ipv4Addr::from(<[u8; 4]>::try_from(rdata).ok()?).into()),
        Rtype::AAAA => Some(Ipv6Addr::from(<[u8; 16]>::try_from(rdata).ok()?).into()),
        _ => None,
    }
}

/// The targets of the NS RRset of `zone` in an answer, or in a referral too.
pub(super) fn targets(message: &Message, zone: &Name, referral: bool) -> BTreeSet<Name> {
    let authority: &[_] = if referral { &message.authority } else { &[] };
    message
        .answer
        .iter()
        .chain(authority)
        .filter(|record| record.rtype == Rtype::NS && record.name == *zone)
        .filter_map(crate::dns::Record::target)
        .collect()
}

fn answer(observation: &Observation, blobs: &Blobs) -> Answer {
    match &observation.outcome {
        Outcome::Answer { blob, .. } => {
            let octets = blobs
                .get(blob)
                .ok_or_else(|| Silence::Failed("the answer was not kept".to_owned()))?;
            Message::parse(octets)
                .map_err(|error| Silence::Failed(format!("the answer cannot be read: {error}")))
        }
        Outcome::Timeout => Err(Silence::Timeout),
        Outcome::NoRoute { .. } => Err(Silence::NoRoute),
        Outcome::Failed { said } => Err(Silence::Failed(said.clone())),
    }
}

/// Why an answer has no authority.
pub(super) fn lame(qname: &Name, qtype: Rtype, zone: &Name, message: &Message) -> Option<String> {
    match classify(qname, qtype, zone, message) {
        Form::Positive | Form::NoData | Form::NxDomain => None,
        Form::Referral => Some("it refers to other servers".to_owned()),
        Form::Lame => Some("it answers without authority".to_owned()),
        Form::Refused => Some("it answers REFUSED".to_owned()),
        Form::ServFail => Some("it answers SERVFAIL".to_owned()),
        Form::OtherError(rcode) => Some(format!("it answers {rcode}")),
    }
}

/// The RDATA of an RRset of the answer, sorted.
pub(super) fn rdatas<'a>(message: &'a Message, name: &Name, rtype: Rtype) -> impl Iterator<Item = &'a [u8]> {
    let mut found: Vec<&[u8]> = message
        .answer
        .iter()
        .filter(|record| record.rtype == rtype && record.name == *name)
        .map(|record| record.rdata.as_slice())
        .collect();
    found.sort_unstable();
    found.into_iter()
}
