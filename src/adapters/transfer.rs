//! Zone transfers (RFC 5936), with TSIG or without.

use std::net::SocketAddr;
use std::time::Duration;

use super::channel::{query, query_class, read_class};
use super::tsig::{TsigError, TsigKey, TsigSequence};
use crate::dns::{Message, Name, Rcode, Record, Rtype};
use crate::ports::{Clock, FailureClass, Transport};

/// How long the next message may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest zone that is transferred, octets of messages.
const LARGEST_TRANSFER: u64 = 4 * 1024 * 1024 * 1024;

/// A transfer of one zone from one server.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// The server.
    pub server: SocketAddr,
    /// The zone.
    pub zone: Name,
    /// The key that signs it; without one anybody on the way could have made what comes.
    pub tsig: Option<TsigKey>,
}

/// Why a transfer failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{said}")]
pub struct TransferError {
    /// The kind.
    pub class: FailureClass,
    /// What happened.
    pub said: String,
    /// Whether the server does not take the key.
    pub bad_key: bool,
}

fn fail(class: FailureClass, said: impl Into<String>) -> TransferError {
    TransferError {
        class,
        said: said.into(),
        bad_key: false,
    }
}

fn untrusted(error: &TsigError) -> TransferError {
    TransferError {
        class: read_class(error),
        said: error.to_string(),
        bad_key: matches!(error, TsigError::BadKey { .. }),
    }
}

impl Transfer {
    /// Transfers the zone; `each` gets every record but the closing SOA. Nothing of it counts unless this returns `Ok`.
    ///
    /// # Errors
    /// If the server cannot be reached, refuses, sends what is no whole transfer, or a signature is not good.
    pub async fn run(
        &self,
        transport: &dyn Transport,
        clock: &dyn Clock,
        each: &mut (dyn FnMut(Record) + Send),
    ) -> Result<(), TransferError> {
        let message = query(&self.zone, Rtype::AXFR).ok_or_else(|| {
            fail(
                FailureClass::Unsupported,
                "the question does not fit into a message",
            )
        })?;
        let (octets, mut sequence): (Vec<u8>, Option<TsigSequence>) = match &self.tsig {
            Some(key) => {
                let (octets, sequence) = key
                    .sign_sequence(message, clock.now())
                    .map_err(|error| fail(FailureClass::Unsupported, error.to_string()))?;
                (octets, Some(sequence))
            }
            None => (message.finish(), None),
        };
        let id: [u8; 2] = [
            octets.first().copied().unwrap_or(0),
            octets.get(1).copied().unwrap_or(0),
        ];
        let mut end: Option<Result<(), TransferError>> = None;
        let mut framing = Framing::default();
        let mut take = |octets: &[u8]| -> bool {
            let plain = match &mut sequence {
                Some(sequence) => sequence
                    .verify(octets.to_vec(), clock.now())
                    .map_err(|error| untrusted(&error)),
                None if octets.get(..2) == Some(&id) => Ok(octets.to_vec()),
                None => Err(fail(
                    FailureClass::Refused,
                    "the answer belongs to another question",
                )),
            };
            match plain.and_then(|octets| framing.take(&octets, &self.zone, each)) {
                Ok(false) => true,
                Ok(true) => {
                    end = Some(Ok(()));
                    false
                }
                Err(error) => {
                    end = Some(Err(error));
                    false
                }
            }
        };
        transport
            .stream(self.server, &octets, TIMEOUT, &mut take)
            .await
            .map_err(|error| fail(FailureClass::Transient, format!("{}: {error}", self.server)))?;
        end.unwrap_or_else(|| Err(fail(FailureClass::Transient, "the transfer ended early")))?;
        match sequence {
            Some(sequence) => sequence
                .finish()
                .map_err(|error| fail(FailureClass::Auth, error.to_string())),
            None => Ok(()),
        }
    }
}

/// How far a transfer has come: from the first SOA to the one that closes it (RFC 5936 section 2.2).
#[derive(Default)]
struct Framing {
    started: bool,
    octets: u64,
}

impl Framing {
    /// Takes the records of one message; says whether it was the last.
    fn take(
        &mut self,
        octets: &[u8],
        zone: &Name,
        each: &mut (dyn FnMut(Record) + Send),
    ) -> Result<bool, TransferError> {
        self.octets = self.octets.saturating_add(octets.len() as u64);
        if self.octets > LARGEST_TRANSFER {
            let said = format!("the transfer is larger than {LARGEST_TRANSFER} octets");
            return Err(fail(FailureClass::Unsupported, said));
        }
        let message =
            Message::parse(octets).map_err(|error| fail(FailureClass::Refused, error.to_string()))?;
        if message.rcode != Rcode::NOERROR {
            let said = format!(
                "the server says {}: does it let this key transfer the zone?",
                message.rcode
            );
            return Err(fail(query_class(message.rcode), said));
        }
        for record in message.answer {
            let soa = record.rtype == Rtype::SOA && record.name == *zone;
            if !self.started && !soa {
                return Err(fail(
                    FailureClass::Refused,
                    "the transfer does not begin with the SOA",
                ));
            }
            if self.started && soa {
                return Ok(true);
            }
            self.started = true;
            each(record);
        }
        if self.started {
            Ok(false)
        } else {
            Err(fail(FailureClass::Refused, "the transfer is empty"))
        }
    }
}
