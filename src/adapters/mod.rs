//! What speaks to the world outside: sockets, clock, name servers, providers and parents. One file a system.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use std::{path::Path, sync::Arc};
//! use unbroken::adapters::*;
//! use unbroken::ports::{Clock, Observer, Provider, Transport};
//! use unbroken::dns::{Name, Rtype};
//! use unbroken::evidence::Trace;
//!
//! let zone = Name::parse("shop.test")?;
//! let map = AddressMap::parse([("192.0.2.11", "127.0.0.1:5301")])?;
//! let transport: Arc<dyn Transport> = Arc::new(NetTransport::new(map));
//! let clock: Arc<dyn Clock> = Arc::new(SystemClock);
//! let secret = SecretRef::Env("LAB_TSIG".into()).resolve(Path::new(".")).await?.secret;
//! let config = Rfc2136Config {
//!     name: "a".into(),
//!     zone: zone.clone(),
//!     server: parse_address("192.0.2.11")?,
//!     tsig: TsigKey::new(Name::parse("lab")?, "hmac-sha256".parse()?, &secret)?,
//!     profile: Profile::Bind,
//! };
//! let provider = Rfc2136Provider::new(config, transport.clone(), clock.clone());
//! println!("{:?}", provider.read(Rtype::DNSKEY, &mut Trace::default()).await?);
//! let observer = DnsObserver::new(ObserverConfig::default(), transport, clock);
//! println!("{:?}", observer.find(&zone).await);
//! # Ok(()) }
//! ```

pub mod bundle;
mod channel;
mod clock;
mod instructions;
pub mod journal;
mod notify;
mod ntp;
mod observer;
mod parent;
mod provider;
mod redact;
mod secret;
mod transfer;
mod transport;
mod tsa;
mod tsig;
mod update;
mod zonefile;

pub use channel::Rfc2136Config;
pub use clock::SystemClock;
pub use notify::{NotifyError, SIGNATURE_HEADER, Sink, Webhook};
pub use ntp::{NtpError, NtpReading, ask_ntp, ntp_server};
pub use observer::{DnsObserver, ObserverConfig};
pub use parent::{ManualParent, Rfc2136Parent};
pub use provider::{ManualProvider, PowerDnsConfig, PowerDnsConfigError, PowerDnsProvider, Rfc2136Provider};
pub use redact::Redactor;
pub use secret::{Resolved, SecretError, SecretRef};
pub use transfer::{Transfer, TransferError};
pub use transport::{AddressMap, AddressMapError, NetTransport, parse_address};
pub use tsa::{Authority, AuthorityError};
pub use tsig::{TsigAlgorithm, TsigError, TsigKey, TsigKeyError, TsigSequence, TsigTransaction};
pub use update::Profile;
pub use zonefile::{ZoneFile, ZoneFileError};
