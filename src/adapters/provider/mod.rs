//! DNS providers that sign and serve a zone: one file a kind.

mod inventory;
mod manual;

mod rfc2136;

pub use manual::ManualProvider;

pub use rfc2136::Rfc2136Provider;
