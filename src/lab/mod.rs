//! An embedded little internet: a signed root, a signed registry, two or more signing providers, and a crowd of model
//! resolvers that ask, cache and validate all the while and count what fails.

mod authority;
mod build;
mod config;
mod crowd;
mod denial;
mod dice;
mod habit;
mod keys;
mod play;
mod questions;
mod readings;
mod recursor;
mod resolver;
mod server;
mod sign;
mod sockets;
mod team;
mod transfer;
mod tsig;
mod update;
mod validate;
mod verdicts;
mod virtual_time;
mod wire;
mod world;
mod zone;

pub use config::{Delays, LabConfig, ProviderConfig, SignerKind, Ttls};
pub use crowd::{Crowd, CrowdConfig, CrowdReport, Driven, Tally};
pub use habit::{Asked, Before, Habit};
pub use keys::{ECDSA_P256, ED25519, KSK_FLAGS, SigningKey, ZSK_FLAGS};
pub use questions::Questions;
pub use resolver::{Failure, Follows, Held, Policy, ResolverReport};
pub use sockets::Served;
pub use play::{Opening, Outcome, Play, PlayError, play};
pub use team::{team, wish};
pub use tsig::TsigSecret;
pub use virtual_time::{Dial, Steps, VirtualClock, WorldTransport};
pub use world::World;
pub use zone::{Content, Manner, RoleKey, Zone};

/// Why a lab cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// Keys of that algorithm cannot be made here.
    #[error("the lab signs with algorithms 13 and 15, not {0}")]
    Algorithm(u8),
    /// A name that does not fit.
    #[error("'{0}' does not fit as a name in the lab")]
    Name(String),
    /// More than 24 providers.
    #[error("more than 24 providers")]
    TooMany,
    /// The system gives no randomness.
    #[error("the system gives no randomness")]
    Randomness,
    /// A signature could not be made.
    #[error("a signature could not be made")]
    Signing,
    /// The zone does not parse.
    #[error("the zone does not parse: {0}")]
    Text(#[from] crate::dns::ZoneTextError),
    /// A socket could not be opened.
    #[error("a socket could not be opened: {0}")]
    Socket(#[from] std::io::Error),
}

#[cfg(test)]
mod tests;
