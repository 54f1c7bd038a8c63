//! The authenticated channel to one RFC 2136 server: TSIG over TCP, for reads, transfers and updates.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::base::MessageBuilder;
use domain::base::iana::{Class, Rtype as Iana};
use domain::base::message_builder::AdditionalBuilder;

use super::transport::NOT_CONNECTED;
use super::tsig::{TsigError, TsigKey};
use super::update::{Profile, bad_key_hint, failure, update_message};
use crate::dns::{Message, Name, Rcode, Record, Rtype};
use crate::evidence::Proto;
use crate::ports::{
    Applied, AuthenticRead, Clock, DriverError, ExchangeError, FailureClass, RrsetChange, Transport,
};

/// How long an answer to a query, an update or the next message of a transfer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest zone that is transferred, octets of messages.
const LARGEST_TRANSFER: u64 = 4 * 1024 * 1024 * 1024;

/// The settings of an RFC 2136 server, for a provider (whose `zone` is the zone) and a parent (whose `zone` is the parent).
#[derive(Clone, Debug)]
pub struct Rfc2136Config {
    /// The name in the settings.
    pub name: String,
    /// The zone that the server is asked to update.
    pub zone: Name,
    /// Where updates, transfers and authenticated reads go.
    pub server: SocketAddr,
    /// The key.
    pub tsig: TsigKey,
    /// What kind of server it is.
    pub profile: Profile,
}

/// One server, one key.
#[derive(Clone)]
pub(super) struct Channel {
    pub(super) config: Rfc2136Config,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
}

impl Channel {
    pub(super) fn new(
        config: Rfc2136Config,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Channel {
        Channel {
            config,
            transport,
            clock,
        }
    }

    /// What makes it authentic, for the journal.
    fn describe(&self) -> String {
        let key = &self.config.tsig;
        format!(
            "TSIG {} {}, MAC checked, TCP {}",
            key.name(),
            key.algorithm(),
            self.config.server
        )
    }

    /// Sends the update; `guarded` makes the server refuse if the RRset is not `expect`.
    pub(super) async fn update(&self, change: &RrsetChange, guarded: bool) -> Result<Applied, DriverError> {
        let what = format!("update of {} {}", change.name, change.rtype);
        let fail = |class, said: String| self.error(&what, class, said);
        if !change.name.is_at_or_below(&self.config.zone) {
            let said = format!("{} is not in zone {}", change.name, self.config.zone);
            return Err(fail(FailureClass::Unsupported, said));
        }
        let message =
            update_message(rand::random(), &self.config.zone, change, guarded).ok_or_else(|| {
                fail(
                    FailureClass::Unsupported,
                    "the change does not fit into a message".to_owned(),
                )
            })?;
        let (octets, transaction) = self
            .config
            .tsig
            .sign(message, self.clock.now())
            .map_err(|error| fail(FailureClass::Unsupported, error.to_string()))?;
        let answer = self
            .transport
            .exchange(self.config.server, Proto::Tcp, &octets, TIMEOUT)
            .await
            .map_err(|error| fail(after_update(&error), self.unreachable(&error)))?;
        let verified = transaction
            .verify(answer, self.clock.now())
            .map_err(|error| fail(unsure_class(&error), self.explain(&error, change)))?;
        let reply =
            Message::parse(&verified).map_err(|error| fail(FailureClass::Unknown, error.to_string()))?;
        match failure(reply.rcode, self.config.profile, change, self.config.tsig.name()) {
            None => Ok(Applied::Accepted {
                said: format!("{} ({})", reply.rcode, self.describe()),
            }),
            Some((class, said)) => Err(fail(class, said)),
        }
    }

    /// The RRset of that owner and type, as the server says with its signature on it.
    pub(super) async fn read(&self, name: &Name, rtype: Rtype) -> Result<AuthenticRead, DriverError> {
        let what = format!("read of {name} {rtype}");
        let fail = |class, said: String| self.error(&what, class, said);
        let message = query(name, rtype).ok_or_else(|| {
            fail(
                FailureClass::Unsupported,
                "the question does not fit into a message".to_owned(),
            )
        })?;
        let (octets, transaction) = self
            .config
            .tsig
            .sign(message, self.clock.now())
            .map_err(|error| fail(FailureClass::Unsupported, error.to_string()))?;
        let answer = self
            .transport
            .exchange(self.config.server, Proto::Tcp, &octets, TIMEOUT)
            .await
            .map_err(|error| fail(FailureClass::Transient, self.unreachable(&error)))?;
        let verified = transaction
            .verify(answer, self.clock.now())
            .map_err(|error| fail(read_class(&error), self.explain_read(&error)))?;
        let reply =
            Message::parse(&verified).map_err(|error| fail(FailureClass::Refused, error.to_string()))?;
        if reply.rcode != Rcode::NOERROR {
            let said = format!("the server says {}", reply.rcode);
            return Err(fail(query_class(reply.rcode), said));
        }
        if !reply.flags.authoritative || reply.flags.truncated {
            let said = "the answer is not authoritative and whole: is this a server of the zone?".to_owned();
            return Err(fail(FailureClass::Refused, said));
        }
        let records = reply
            .answer
            .into_iter()
            .filter(|record| record.name == *name && record.rtype == rtype)
            .collect();
        Ok(AuthenticRead {
            records,
            channel: self.describe(),
        })
    }

    /// Transfers the zone; `each` gets every record but the closing SOA. Nothing of it counts unless this returns `Ok`.
    pub(super) async fn transfer(&self, each: &mut (dyn FnMut(Record) + Send)) -> Result<(), DriverError> {
        let zone = self.config.zone.clone();
        let what = format!("transfer of {zone}");
        let fail = |class, said: String| self.error(&what, class, said);
        let message = query(&zone, Rtype::AXFR).ok_or_else(|| {
            fail(
                FailureClass::Unsupported,
                "the question does not fit into a message".to_owned(),
            )
        })?;
        let (octets, mut sequence) = self
            .config
            .tsig
            .sign_sequence(message, self.clock.now())
            .map_err(|error| fail(FailureClass::Unsupported, error.to_string()))?;
        let mut end: Option<Result<(), (FailureClass, String)>> = None;
        let mut framing = Framing::default();
        let clock = &self.clock;
        let mut take = |octets: &[u8]| -> bool {
            let taken = sequence
                .verify(octets.to_vec(), clock.now())
                .map_err(|error| (read_class(&error), self.explain_read(&error)))
                .and_then(|octets| framing.take(&octets, &zone, each));
            match taken {
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
        self.transport
            .stream(self.config.server, &octets, TIMEOUT, &mut take)
            .await
            .map_err(|error| fail(FailureClass::Transient, self.unreachable(&error)))?;
        match end {
            Some(Ok(())) => sequence
                .finish()
                .map_err(|error| fail(FailureClass::Auth, error.to_string())),
            Some(Err((class, said))) => Err(fail(class, said)),
            None => Err(fail(
                FailureClass::Transient,
                "the transfer ended early".to_owned(),
            )),
        }
    }

    pub(super) fn error(&self, what: &str, class: FailureClass, said: String) -> DriverError {
        DriverError {
            who: self.config.name.clone(),
            what: what.to_owned(),
            said,
            class,
        }
    }

    fn unreachable(&self, error: &ExchangeError) -> String {
        format!("{}: {error}", self.config.server)
    }

    fn explain_read(&self, error: &TsigError) -> String {
        match error {
            TsigError::BadKey { .. } => format!("{error}{}", bad_key_hint(self.config.profile)),
            _ => error.to_string(),
        }
    }

    fn explain(&self, error: &TsigError, change: &RrsetChange) -> String {
        match error {
            TsigError::Unsigned { rcode, .. } => {
                match failure(*rcode, self.config.profile, change, self.config.tsig.name()) {
                    Some((_, hint)) => format!("{error}; {hint}"),
                    None => error.to_string(),
                }
            }
            _ => self.explain_read(error),
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
    ) -> Result<bool, (FailureClass, String)> {
        self.octets = self.octets.saturating_add(octets.len() as u64);
        if self.octets > LARGEST_TRANSFER {
            let said = format!("the transfer is larger than {LARGEST_TRANSFER} octets");
            return Err((FailureClass::Unsupported, said));
        }
        let message = Message::parse(octets).map_err(|error| (FailureClass::Refused, error.to_string()))?;
        if message.rcode != Rcode::NOERROR {
            let said = format!(
                "the server says {}: does it let this key transfer the zone?",
                message.rcode
            );
            return Err((query_class(message.rcode), said));
        }
        for record in message.answer {
            let soa = record.rtype == Rtype::SOA && record.name == *zone;
            if !self.started && !soa {
                return Err((
                    FailureClass::Refused,
                    "the transfer does not begin with the SOA".to_owned(),
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
            Err((FailureClass::Refused, "the transfer is empty".to_owned()))
        }
    }
}

fn query(name: &Name, rtype: Rtype) -> Option<AdditionalBuilder<Vec<u8>>> {
    let mut message = MessageBuilder::new_vec();
    message.header_mut().set_id(rand::random());
    let mut question = message.question();
    let wire = domain::base::Name::from_octets(name.wire()).ok()?;
    question.push((wire, Iana::from_int(rtype.0), Class::IN)).ok()?;
    Some(question.additional())
}

/// An update that found no answer: only where nothing was sent is it known that nothing happened.
fn after_update(error: &ExchangeError) -> FailureClass {
    match error {
        ExchangeError::NoRoute(_) => FailureClass::Transient,
        ExchangeError::Failed(said) if said.starts_with(NOT_CONNECTED) => FailureClass::Transient,
        ExchangeError::Failed(_) | ExchangeError::Timeout(_) => FailureClass::Unknown,
    }
}

/// An update with an answer that is not authentic: a refusal may be believed enough to stop, a success may not.
fn unsure_class(error: &TsigError) -> FailureClass {
    match error {
        TsigError::Unsigned { rcode, .. } => match *rcode {
            Rcode::NOERROR => FailureClass::Unknown,
            Rcode::NOTAUTH => FailureClass::Auth,
            _ => FailureClass::Refused,
        },
        TsigError::Local(_) => FailureClass::Unsupported,
        error if error.refused_by_server() => FailureClass::Auth,
        _ => FailureClass::Unknown,
    }
}

fn read_class(error: &TsigError) -> FailureClass {
    match error {
        TsigError::Unsigned { rcode, .. } => match *rcode {
            Rcode::REFUSED | Rcode::SERVFAIL | Rcode::NOTIMP | Rcode::FORMERR => query_class(*rcode),
            _ => FailureClass::Auth,
        },
        _ => FailureClass::Auth,
    }
}

fn query_class(rcode: Rcode) -> FailureClass {
    match rcode {
        Rcode::SERVFAIL => FailureClass::Transient,
        Rcode::NOTIMP => FailureClass::Unsupported,
        _ => FailureClass::Refused,
    }
}

#[cfg(test)]
mod tests;
