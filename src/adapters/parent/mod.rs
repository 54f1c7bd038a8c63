//! The parent's side: one file a kind.

mod manual;
mod rfc2136;

pub use manual::ManualParent;
pub use rfc2136::Rfc2136Parent;
