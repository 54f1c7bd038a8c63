//! Answers, read once: the same octets mean the same to every resolver of a crowd.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::dns::{Flags, Message, Rcode, Rrset, Rtype, rrsets};

/// So many readings are kept; beyond that all are made again.
const ROOM: usize = 4096;

/// What a resolver takes from a message.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) flags: Flags,
    pub(super) rcode: Rcode,
    pub(super) answer: Vec<Rrset>,
    pub(super) authority: Vec<Rrset>,
    pub(super) additional: Vec<Rrset>,
}

impl Reading {
    fn of(octets: &[u8]) -> Option<Reading> {
        let message = Message::parse(octets).ok()?;
        Some(Reading {
            flags: message.flags,
            rcode: message.rcode,
            answer: message.answer_rrsets(),
            authority: message.authority_rrsets(),
            additional: rrsets(&message.additional),
        })
    }

    /// It says something about the question: authoritative, or a referral.
    pub(super) fn is_useful(&self) -> bool {
        let said = matches!(self.rcode, Rcode::NOERROR | Rcode::NXDOMAIN);
        let referral = self.authority.iter().any(|set| set.rtype == Rtype::NS);
        said && (self.flags.authoritative || (self.answer.is_empty() && referral))
    }
}

/// Shared between all resolvers of a crowd.
#[derive(Clone, Default)]
pub(super) struct Readings(Arc<Mutex<HashMap<Vec<u8>, Arc<Reading>>>>);

impl Readings {
    /// Reads a message; none where it does not parse.
    pub(super) fn read(&self, octets: Vec<u8>) -> Option<Arc<Reading>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reading) = known.get(&octets) {
            return Some(reading.clone());
        }
        let reading = Arc::new(Reading::of(&octets)?);
        if known.len() >= ROOM {
            known.clear();
        }
        known.insert(octets, reading.clone());
        Some(reading)
    }
}
