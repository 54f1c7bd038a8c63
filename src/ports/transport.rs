//! Octets to a server and back, and the time.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;

use crate::evidence::Proto;
use crate::moment::Moment;

/// Why no answer came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// Nothing that belongs to the question came in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// No route from here.
    #[error("no route from here: {0}")]
    NoRoute(String),
    /// Refused, reset, or closed in the middle.
    #[error("{0}")]
    Failed(String),
}

/// Carries DNS messages. Implementations accept only what echoes the identifier and the question, and bound the size.
#[async_trait]
pub trait Transport: Send + Sync {
    /// One question, one answer, over exactly that protocol (no fall-back to TCP here).
    async fn exchange(
        &self,
        server: SocketAddr,
        proto: Proto,
        message: &[u8],
        timeout: Duration,
    ) -> Result<Vec<u8>, ExchangeError>;

    /// One question over TCP, and messages back until `more` says false or an error occurs (zone transfers).
    /// `timeout` bounds the wait for each message.
    async fn stream(
        &self,
        server: SocketAddr,
        message: &[u8],
        timeout: Duration,
        more: &mut (dyn for<'m> FnMut(&'m [u8]) -> bool + Send),
    ) -> Result<(), ExchangeError>;
}

/// The time. Gates are judged by it and never by `Instant`, so that a lab can run on virtual time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Moment;
    /// Time that has passed since some moment, whatever the clock is set to. With this a jump of the clock is found.
    ///
    /// A clock that cannot tell gives the time of day: then no jump is found.
    fn steady(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.now().millis()).unwrap_or(0))
    }
    /// Waits until then; returns at once if it is past.
    async fn sleep_until(&self, when: Moment);
}
