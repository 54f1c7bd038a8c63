//! Keys, tags, DS, signatures, the chain of trust, denial of existence. Pure: the time is always an argument.

mod anchors;
mod dnskey;
mod ds;
mod judge;
mod rrsig;
mod verify;

pub use anchors::{AnchorError, Anchors, IANA_ROOT_ANCHORS};
pub use dnskey::{Dnskey, KeyId};
pub use ds::{Ds, DsSet};
pub use judge::{Attempt, Budget, Signers, judge_rrset};
pub use rrsig::Rrsig;
pub use verify::{SignatureFault, signed_data, verify_rrset};
