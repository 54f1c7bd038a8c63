//! The seam where a server's faults go: what it does other than it should.

use std::net::SocketAddr;
use std::time::Duration;

use crate::dns::{Message, Name, Rcode, Record};
use crate::evidence::Proto;
use crate::moment::Moment;

/// A message that came to a server.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The server's address.
    pub server: SocketAddr,
    /// Over what it came.
    pub proto: Proto,
    /// What came, an UPDATE included.
    pub message: &'a Message,
    /// When.
    pub now: Moment,
}

/// What a server does with a message before it looks for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// Answers it as it should.
    Answer,
    /// Says nothing.
    Drop,
    /// Says only this response code.
    Code(Rcode),
}

/// A server's habits; by default it has none that are bad. Faults are values of this trait.
pub trait Habit: Send + Sync {
    /// How much later than its operator decided this server begins to serve a change of `zone`.
    fn lag(&self, _zone: &Name, _now: Moment) -> Duration {
        Duration::ZERO
    }

    /// What happens before an answer is looked for.
    fn before(&self, _asked: &Asked<'_>) -> Before {
        Before::Answer
    }

    /// What happens to the answer's octets on their way out; none: they are lost.
    fn after(&self, _asked: &Asked<'_>, answer: Vec<u8>) -> Option<Vec<u8>> {
        Some(answer)
    }

    /// Which changes of an accepted update are carried out (the sender hears NOERROR in any case).
    fn heed(&self, _zone: &Name, changes: Vec<Record>) -> Vec<Record> {
        changes
    }
}
