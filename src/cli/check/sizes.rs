//! How a server treats sizes over UDP: whether it keeps to what it was offered, and says so when it cuts. Pure.

use serde::Serialize;

use crate::dns::{Message, Name, Rtype};
use crate::ports::ExchangeError;

/// The payload that passes everywhere without fragments (DNS flag day 2020), octets.
pub(super) const SAFE: u16 = 1232;
/// The least that everybody takes (RFC 1035 section 4.2.1), octets.
pub(super) const PLAIN: u16 = 512;

/// What came of the question for the keys over UDP alone, when so much was offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Probe {
    /// What was offered, octets.
    pub(super) offered: u16,
    /// What came, octets; none: nothing that can be read.
    pub(super) octets: Option<usize>,
    /// It was truncated and said so.
    pub(super) truncated: bool,
    /// How many keys it holds.
    pub(super) keys: usize,
    /// Why nothing came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<String>,
    /// The payload that the server takes itself; none: it speaks no EDNS.
    pub(super) edns: Option<u16>,
}

impl Probe {
    /// Reads an answer.
    pub(super) fn read(zone: &Name, offered: u16, answer: &Result<Vec<u8>, ExchangeError>) -> Probe {
        let mut probe = Probe {
            offered,
            octets: None,
            truncated: false,
            keys: 0,
            failure: None,
            edns: None,
        };
        match answer
            .as_ref()
            .map(|octets| (octets.len(), Message::parse(octets)))
        {
            Ok((length, Ok(message))) => {
                probe.octets = Some(length);
                probe.truncated = message.flags.truncated;
                probe.edns = message.edns.map(|edns| edns.udp_size);
                probe.keys = message
                    .answer
                    .iter()
                    .filter(|record| record.rtype == Rtype::DNSKEY && record.name == *zone)
                    .count();
            }
            Ok((_, Err(error))) => probe.failure = Some(error.to_string()),
            Err(error) => probe.failure = Some(error.to_string()),
        }
        probe
    }

    /// More came than was asked for.
    pub(super) fn is_oversize(&self) -> bool {
        self.octets
            .is_some_and(|octets| octets > usize::from(self.offered))
    }
}

/// How one address treats sizes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Sizes {
    /// The whole DNSKEY answer, octets.
    pub(super) dnskey_answer: Option<usize>,
    /// At 1232 octets.
    pub(super) safe: Probe,
    /// At 512 octets.
    pub(super) plain: Probe,
}

impl Sizes {
    pub(super) fn new(safe: Probe, plain: Probe, dnskey_answer: Option<usize>) -> Sizes {
        Sizes {
            dnskey_answer,
            safe,
            plain,
        }
    }
}
