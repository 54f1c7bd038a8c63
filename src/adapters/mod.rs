//! What speaks to the world outside: sockets, clock, name servers, providers and parents. One file a system.

mod channel;
mod clock;
mod instructions;
pub mod journal;
mod observer;
mod parent;
mod provider;
mod redact;
mod secret;
mod transport;
mod tsig;
mod update;

pub use channel::Rfc2136Config;
pub use clock::SystemClock;
pub use observer::{DnsObserver, ObserverConfig};
pub use parent::{ManualParent, Rfc2136Parent};
pub use provider::{ManualProvider, PowerDnsConfig, PowerDnsConfigError, PowerDnsProvider, Rfc2136Provider};
pub use redact::Redactor;
pub use secret::{Resolved, SecretError, SecretRef};
pub use transport::{AddressMap, AddressMapError, NetTransport, parse_address};
pub use tsig::{TsigAlgorithm, TsigError, TsigKey, TsigKeyError, TsigSequence, TsigTransaction};
pub use update::Profile;
