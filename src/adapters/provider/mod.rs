//! DNS providers that sign and serve a zone: one file a kind.

mod inventory;
mod manual;
mod powerdns;
mod rfc2136;

pub use manual::ManualProvider;
pub use powerdns::{PowerDnsConfig, PowerDnsConfigError, PowerDnsProvider};
pub use rfc2136::Rfc2136Provider;
