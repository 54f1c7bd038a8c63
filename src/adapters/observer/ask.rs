//! One question to one address: paced, asked once more after a time-out, over TCP where the answer was truncated.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::dns::{QueryOptions, query_message, without_id};
use crate::evidence::{Blobs, Observation, Outcome, Proto};
use crate::moment::Moment;
use crate::ports::{AskRequest, Clock, ExchangeError, Transport};

/// Asks, with everything that all questions share.
pub(super) struct Asker {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    pace: Pace,
}

/// What came of a question, with the octets of the answer.
pub(super) struct Asked {
    request: AskRequest,
    sent: Moment,
    done: Moment,
    result: Result<Vec<u8>, ExchangeError>,
}

impl Asked {
    /// The octets of the answer.
    pub(super) fn answer(&self) -> Option<&[u8]> {
        self.result.as_deref().ok()
    }

    /// Why there is none.
    pub(super) fn failure(&self) -> Option<&ExchangeError> {
        self.result.as_ref().err()
    }

    /// The observation; its octets go to `blobs`.
    pub(super) fn keep(self, blobs: &mut Blobs) -> Observation {
        let outcome = match self.result {
            Ok(octets) => Outcome::Answer {
                id: match octets.first_chunk::<2>() {
                    Some(id) => u16::from_be_bytes(*id),
                    None => 0,
                },
                blob: blobs.insert(&without_id(&octets)),
            },
            Err(ExchangeError::Timeout(_)) => Outcome::Timeout,
            Err(ExchangeError::NoRoute(said)) => Outcome::NoRoute { said },
            Err(ExchangeError::Failed(said)) => Outcome::Failed { said },
        };
        Observation {
            place: self.request.place,
            server: self.request.server,
            address: self.request.address,
            proto: self.request.proto,
            name: self.request.name,
            rtype: self.request.rtype,
            sent: self.sent,
            done: self.done,
            outcome,
        }
    }
}

impl Asker {
    pub(super) fn new(
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        timeout: Duration,
        per_server_qps: u32,
    ) -> Asker {
        Asker {
            transport,
            clock,
            timeout,
            pace: Pace::new(per_server_qps),
        }
    }

    pub(super) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Asks. `sent` is when the question left to which the answer that is kept belongs.
    pub(super) async fn ask(&self, request: AskRequest) -> Asked {
        let (mut sent, mut result) = self.once(&request, request.proto).await;
        if request.proto == Proto::Udp {
            if matches!(result, Err(ExchangeError::Timeout(_))) {
                let again = self.once(&request, Proto::Udp).await;
                // Of two time-outs the first tells since when there was no answer.
                if !matches!(again.1, Err(ExchangeError::Timeout(_))) {
                    (sent, result) = again;
                }
            }
            if result.as_deref().is_ok_and(truncated) {
                let over_tcp = self.once(&request, Proto::Tcp).await;
                // Without the rest, the truncated answer says more than a time-out: that it was truncated.
                if over_tcp.1.is_ok() {
                    (sent, result) = over_tcp;
                }
            }
        }
        Asked {
            request,
            sent,
            done: self.clock.now(),
            result,
        }
    }

    /// Over UDP alone, offering a payload of `udp_size` octets: what is truncated stays so. Asked once more after a
    /// time-out.
    pub(super) async fn over_udp(
        &self,
        request: &AskRequest,
        udp_size: u16,
    ) -> Result<Vec<u8>, ExchangeError> {
        let options = QueryOptions {
            udp_size,
            ..QueryOptions::default()
        };
        match self.send(request, Proto::Udp, options).await.1 {
            Err(ExchangeError::Timeout(_)) => self.send(request, Proto::Udp, options).await.1,
            other => other,
        }
    }

    async fn once(&self, request: &AskRequest, proto: Proto) -> (Moment, Result<Vec<u8>, ExchangeError>) {
        self.send(request, proto, QueryOptions::default()).await
    }

    async fn send(
        &self,
        request: &AskRequest,
        proto: Proto,
        options: QueryOptions,
    ) -> (Moment, Result<Vec<u8>, ExchangeError>) {
        let message = query_message(rand::random(), &request.name, request.rtype, options);
        self.pace.wait(request.address, self.clock.as_ref()).await;
        let sent = self.clock.now();
        let result = self
            .transport
            .exchange(request.address, proto, &message, self.timeout)
            .await;
        (sent, result)
    }
}

fn truncated(message: &[u8]) -> bool {
    message.get(2).is_some_and(|octet| octet & 0x02 != 0)
}

/// The least time between two questions to one address.
struct Pace {
    gap: Duration,
    next: Mutex<HashMap<SocketAddr, Moment>>,
}

impl Pace {
    fn new(per_second: u32) -> Pace {
        let gap = match 1000u64.checked_div(u64::from(per_second)) {
            Some(millis) => Duration::from_millis(millis),
            None => Duration::ZERO,
        };
        Pace {
            gap,
            next: Mutex::new(HashMap::new()),
        }
    }

    async fn wait(&self, address: SocketAddr, clock: &dyn Clock) {
        if self.gap.is_zero() {
            return;
        }
        let now = clock.now();
        let slot = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let slot = next.get(&address).copied().unwrap_or(now).max(now);
            next.insert(address, slot + self.gap);
            slot
        };
        if slot > now {
            clock.sleep_until(slot).await;
        }
    }
}
