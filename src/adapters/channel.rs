//! The authenticated channel to one RFC 2136 server: TSIG over TCP, for reads, transfers and updates.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::base::MessageBuilder;
use domain::base::iana::{Class, Rtype as Iana};
use domain::base::message_builder::AdditionalBuilder;

use super::transfer::Transfer;
use super::transport::NOT_CONNECTED;
use super::tsig::{TsigError, TsigKey, without_tsig};
use super::update::{Profile, bad_key_hint, failure, update_message};
use crate::dns::{Message, MessageError, Name, Rcode, Record, Rtype};
use crate::evidence::{BodyForm, Exchange, Kept, Proto, Trace};
use crate::ports::{
    Applied, AuthenticRead, Clock, DriverError, ExchangeError, FailureClass, RrsetChange, Transport,
};

/// How long an answer to a query, an update or the next message of a transfer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
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

    /// Signs a message, sends it, and gives the answer if its MAC is good. What went to and fro is put into `trace`, without MACs.
    async fn call(
        &self,
        what: &str,
        message: AdditionalBuilder<Vec<u8>>,
        trace: &mut Trace,
    ) -> Result<Message, CallError> {
        let sent = keep_message(trace, message.as_slice());
        let mut exchange = Exchange {
            with: format!("{what} tcp {}", self.config.server),
            sent,
            status: None,
            received: None,
            said: None,
        };
        let answer = self.answer(message, trace, &mut exchange).await;
        exchange.said = answer.as_ref().err().map(ToString::to_string);
        trace.exchanges.push(exchange);
        answer
    }

    async fn answer(
        &self,
        message: AdditionalBuilder<Vec<u8>>,
        trace: &mut Trace,
        exchange: &mut Exchange,
    ) -> Result<Message, CallError> {
        let (octets, transaction) = self
            .config
            .tsig
            .sign(message, self.clock.now())
            .map_err(CallError::Unsent)?;
        let answer = self
            .transport
            .exchange(self.config.server, Proto::Tcp, &octets, TIMEOUT)
            .await
            .map_err(CallError::Unanswered)?;
        exchange.received = keep_message(trace, &answer);
        let verified = transaction
            .verify(answer, self.clock.now())
            .map_err(CallError::Unbelieved)?;
        Message::parse(&verified).map_err(CallError::Unread)
    }

    /// Sends the update; `guarded` makes the server refuse if the RRset is not `expect`.
    pub(super) async fn update(
        &self,
        change: &RrsetChange,
        guarded: bool,
        trace: &mut Trace,
    ) -> Result<Applied, DriverError> {
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
        let reply = self
            .call("UPDATE", message, trace)
            .await
            .map_err(|error| match error {
                CallError::Unsent(error) => fail(FailureClass::Unsupported, error.to_string()),
                CallError::Unanswered(error) => fail(after_update(&error), self.unreachable(&error)),
                CallError::Unbelieved(error) => fail(unsure_class(&error), self.explain(&error, change)),
                CallError::Unread(error) => fail(FailureClass::Unknown, error.to_string()),
            })?;
        match failure(reply.rcode, self.config.profile, change, self.config.tsig.name()) {
            None => Ok(Applied::Accepted {
                said: format!("{} ({})", reply.rcode, self.describe()),
            }),
            Some((class, said)) => Err(fail(class, said)),
        }
    }

    /// The RRset of that owner and type, as the server says with its signature on it.
    pub(super) async fn read(
        &self,
        name: &Name,
        rtype: Rtype,
        trace: &mut Trace,
    ) -> Result<AuthenticRead, DriverError> {
        let what = format!("read of {name} {rtype}");
        let fail = |class, said: String| self.error(&what, class, said);
        let message = query(name, rtype).ok_or_else(|| {
            fail(
                FailureClass::Unsupported,
                "the question does not fit into a message".to_owned(),
            )
        })?;
        let reply = self
            .call("QUERY", message, trace)
            .await
            .map_err(|error| match error {
                CallError::Unsent(error) => fail(FailureClass::Unsupported, error.to_string()),
                CallError::Unanswered(error) => fail(FailureClass::Transient, self.unreachable(&error)),
                CallError::Unbelieved(error) => fail(read_class(&error), self.explain_read(&error)),
                CallError::Unread(error) => fail(FailureClass::Refused, error.to_string()),
            })?;
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
        let transfer = Transfer {
            server: self.config.server,
            zone: self.config.zone.clone(),
            tsig: Some(self.config.tsig.clone()),
        };
        transfer
            .run(&*self.transport, &*self.clock, each)
            .await
            .map_err(|error| {
                let hint = if error.bad_key {
                    bad_key_hint(self.config.profile)
                } else {
                    ""
                };
                let what = format!("transfer of {}", self.config.zone);
                self.error(&what, error.class, format!("{error}{hint}"))
            })
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

/// How far a call came.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("not sent: {0}")]
    Unsent(TsigError),
    #[error("no answer: {0}")]
    Unanswered(ExchangeError),
    #[error("not believed: {0}")]
    Unbelieved(TsigError),
    #[error("not read: {0}")]
    Unread(MessageError),
}

/// Keeps a message without its identifier and MAC; what is no message is not kept.
fn keep_message(trace: &mut Trace, octets: &[u8]) -> Option<Kept> {
    let (octets, signed) = without_tsig(octets)?;
    let without: &[&str] = if signed { &["tsig"] } else { &[] };
    trace.keep(BodyForm::Dns, &octets, without)
}

pub(super) fn query(name: &Name, rtype: Rtype) -> Option<AdditionalBuilder<Vec<u8>>> {
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

pub(super) fn read_class(error: &TsigError) -> FailureClass {
    match error {
        TsigError::Unsigned { rcode, .. } => match *rcode {
            Rcode::REFUSED | Rcode::SERVFAIL | Rcode::NOTIMP | Rcode::FORMERR => query_class(*rcode),
            _ => FailureClass::Auth,
        },
        _ => FailureClass::Auth,
    }
}

pub(super) fn query_class(rcode: Rcode) -> FailureClass {
    match rcode {
        Rcode::SERVFAIL => FailureClass::Transient,
        Rcode::NOTIMP => FailureClass::Unsupported,
        _ => FailureClass::Refused,
    }
}

#[cfg(test)]
mod tests;
