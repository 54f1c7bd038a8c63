//! An embedded little internet: a signed root, a signed registry, two or more signing providers, and a crowd of model
//! resolvers that ask, cache and validate all the while and count what fails.
//!
//! A [`World`] is octets in, octets out, at a time that the caller gives. Everything else is a way to reach it: [`Served`]
//! puts each server address on a free port of 127.0.0.1, [`WorldTransport`] calls it directly under a [`VirtualClock`].
//! A [`Crowd`] asks over any transport and knows nothing but root addresses and the root's anchor. Faults are values of
//! [`Habit`] at a server, or changes from inside with [`World::edit`] and [`World::edit_server`].
//!
//! In virtual time:
//!
//! ```no_run
//! # use std::{sync::Arc, time::Duration};
//! # use unbroken::{lab::*, moment::Moment, ports::Clock};
//! # async fn run() -> Result<(), LabError> {
//! let mut config = LabConfig::built_in(Moment::from_seconds(1_800_000_000))?;
//! config.ttls = Ttls::real();
//! let world = Arc::new(World::new(&config)?);
//! let clock = Arc::new(VirtualClock::new(config.now));
//! let transport = Arc::new(WorldTransport::new(world.clone(), clock.dial()));
//! let crowd = Crowd::new(transport.clone(), CrowdConfig::for_world(&world, config.now)?);
//! let tally = crowd.tally();
//! clock.attach(Box::new(crowd)).await;
//! // Drivers and observer use `transport`, everybody waits on `clock`.
//! clock.sleep_until(config.now + Duration::from_secs(9 * 86_400)).await;
//! assert_eq!(tally.report().failed(), 0);
//! # Ok(())
//! # }
//! ```
//!
//! On sockets:
//!
//! ```no_run
//! # use std::{sync::Arc, time::Duration};
//! # use unbroken::{lab::*, ports::{Clock, Transport}};
//! # async fn run(clock: Arc<dyn Clock>, transport_over: impl Fn(&Served) -> Arc<dyn Transport>) -> Result<(), LabError> {
//! let config = LabConfig::built_in(clock.now())?;
//! let world = Arc::new(World::new(&config)?);
//! let served = Served::start(world.clone(), clock.clone()).await?;
//! // A transport that sends to `served.map[address]` what is meant for `address`.
//! let transport = transport_over(&served);
//! let mut settings = CrowdConfig::for_world(&world, config.now)?;
//! settings.interval = Duration::from_millis(30);
//! let driven = Crowd::new(transport, settings).drive(clock);
//! // The move.
//! let report = driven.stop().await;
//! assert_eq!(report.failed() + report.unreachable(), 0);
//! # Ok(())
//! # }
//! ```

mod authority;
mod build;
mod config;
mod crowd;
mod denial;
mod dice;
mod fault;
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
pub use fault::{Check, Expected, Fault, Foretold, Played, Reaction, Verdict, fault, faults, play_fault};
pub use habit::{Asked, Before, Habit};
pub use keys::{ECDSA_P256, ED25519, KSK_FLAGS, SigningKey, ZSK_FLAGS};
pub use play::{Opening, Outcome, Play, PlayError, play};
pub use questions::Questions;
pub use resolver::{Failure, Follows, Held, Policy, ResolverReport};
pub use sockets::Served;
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
    /// The anchors do not parse.
    #[error("the anchors do not parse: {0}")]
    Anchors(#[from] crate::dnssec::AnchorError),
    /// A socket could not be opened.
    #[error("a socket could not be opened: {0}")]
    Socket(#[from] std::io::Error),
}

#[cfg(test)]
mod tests;
