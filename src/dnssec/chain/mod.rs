//! The chain of trust: what a validator makes of the answers of a parent, of a zone's DNSKEY RRset and of its data
//! (RFC 4035 section 5), with every reason and every attempt kept.
//!
//! Not checked anywhere here: whether a message belongs to the question that was asked, and who sent it.

mod answer;
mod delegation;
mod form;
mod keys;
mod negative;
mod set;
#[cfg(test)]
mod tests;
mod walk;

use serde::{Deserialize, Serialize};

pub use answer::{AnswerKind, AnswerVerdict, judge_answer};
pub use delegation::{DsStatus, DsVerdict, judge_ds};
pub use form::{Form, classify};
pub use keys::{KeysVerdict, judge_dnskey};
pub use walk::{Link, WalkStep, WalkVerdict, walk};

use super::{Budget, Policy};
use crate::dns::Name;

/// The four states of RFC 4035 section 4.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// A chain of good signatures leads from an anchor to here.
    Secure,
    /// It is proven that no chain is meant to lead here.
    Insecure,
    /// A chain ought to lead here and does not.
    Bogus,
    /// Something needed is missing, or this build cannot check it.
    Indeterminate,
}

impl Status {
    /// The one that decides about a whole of two parts: bogus before indeterminate before insecure before secure.
    fn worse(self, other: Status) -> Status {
        let rank = |status| match status {
            Status::Secure => 0,
            Status::Insecure => 1,
            Status::Indeterminate => 2,
            Status::Bogus => 3,
        };
        if rank(self) >= rank(other) { self } else { other }
    }
}

/// Why a verdict is what it is. Under a secure verdict: a remark.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Reason {
    /// A stable word to script against.
    pub code: &'static str,
    /// The zone that it is about.
    pub zone: Name,
    /// A sentence for people.
    pub text: String,
    /// The rule.
    pub rfc: &'static str,
}

impl Reason {
    /// A reason.
    pub fn new(code: &'static str, zone: &Name, text: impl Into<String>, rfc: &'static str) -> Reason {
        Reason {
            code,
            zone: zone.clone(),
            text: text.into(),
            rfc,
        }
    }
}

/// A validator at one moment: the rules, the time, and the work that is left.
#[derive(Debug)]
pub struct Judge<'b> {
    /// The moment of judgement, Unix seconds.
    pub at: i64,
    /// Whose rules on algorithms and digests hold.
    pub policy: Policy,
    /// The work that is left.
    pub budget: &'b mut Budget,
}

impl<'b> Judge<'b> {
    /// A judge under the rules of today's validators.
    pub fn new(at: i64, budget: &'b mut Budget) -> Judge<'b> {
        Judge {
            at,
            policy: Policy::default(),
            budget,
        }
    }
}
