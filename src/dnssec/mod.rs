//! Keys, tags, DS, signatures, the chain of trust, denial of existence. Pure: the time is always an argument.

mod anchors;
mod chain;
mod denial;
mod dnskey;
mod ds;
mod judge;
mod memo;
pub mod offline;
pub mod policy;
mod prepared;
mod rrsig;
#[cfg(test)]
mod testing;
mod verify;

pub use anchors::{AnchorError, Anchors, IANA_ROOT_ANCHORS};
pub use chain::{
    About, AnswerKind, AnswerVerdict, DsStatus, DsVerdict, Form, Judge, KeysVerdict, Link, Reason,
    SignatureMark, Status, WalkStep, WalkVerdict, classify, judge_answer, judge_dnskey, judge_ds, walk,
};
pub use denial::shows_nxname;
pub use dnskey::{Dnskey, KeyId};
pub use ds::{Ds, DsSet};
pub use judge::{Attempt, Budget, Signers, judge_rrset};
pub use memo::Memo;
pub use policy::{Policy, Support};
pub use prepared::PreparedKey;
pub use rrsig::Rrsig;
pub use verify::{SignatureFault, signed_data, verify_rrset};
