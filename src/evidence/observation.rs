//! One question to one server and what came of it; a sweep of many.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::BlobId;
use crate::dns::{Name, Rtype};
use crate::moment::Moment;

/// Over what a question was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proto {
    /// Over UDP, with TCP when the answer was truncated (the answer kept is then the one over TCP).
    Udp,
    /// Over TCP by itself.
    Tcp,
}

/// Whose server was asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// A server of the parent zone, asked about the delegation.
    Parent,
    /// A server of that provider.
    Provider(String),
    /// A server of a zone above, for the chain from the anchor down to the parent's keys.
    Ancestor(Name),
}

/// What came of a question. Only `Answer` is an answer; what it says (NOERROR, SERVFAIL, REFUSED, lame) is in its octets.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A message came back that belongs to the question; stored with its identifier set to zero.
    Answer {
        /// The octets.
        blob: BlobId,
        /// The identifier that they carried.
        id: u16,
    },
    /// Nothing came in time.
    Timeout,
    /// No route to that address family or network from here: a blind spot, no fault of the server.
    NoRoute {
        /// The operating system's words.
        said: String,
    },
    /// The connection was refused or broke.
    Failed {
        /// The operating system's words.
        said: String,
    },
}

impl Outcome {
    /// The message, if one came back.
    pub fn blob(&self) -> Option<&BlobId> {
        match self {
            Outcome::Answer { blob, .. } => Some(blob),
            _ => None,
        }
    }
}

/// One question to one address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Observation {
    /// Whose server.
    pub place: Place,
    /// The server's host name.
    pub server: Name,
    /// The server's address as the DNS gives it (a lab may map it to another before sending).
    pub address: SocketAddr,
    /// Over what.
    pub proto: Proto,
    /// The name asked for.
    pub name: Name,
    /// The type asked for.
    #[serde(rename = "type")]
    pub rtype: Rtype,
    /// When the question left.
    pub sent: Moment,
    /// When the answer was there, or the waiting was given up.
    pub done: Moment,
    /// What came of it.
    pub outcome: Outcome,
}

/// What cannot be seen from here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BlindSpot {
    /// Whose server.
    pub place: Place,
    /// The server's host name.
    pub server: Name,
    /// The address that could not be reached from here; none where the name has no address at all.
    pub address: Option<SocketAddr>,
    /// Why.
    pub why: String,
}

/// All questions of one round, the servers side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// When the first question left.
    pub started: Moment,
    /// When the last answer was there.
    pub ended: Moment,
    /// What was asked and came back.
    pub observations: Vec<Observation>,
    /// What could not be seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blind: Vec<BlindSpot>,
}

impl Sweep {
    /// One without a question.
    pub fn nothing(at: Moment) -> Sweep {
        Sweep {
            started: at,
            ended: at,
            observations: Vec::new(),
            blind: Vec::new(),
        }
    }
}
