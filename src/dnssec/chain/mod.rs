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

pub(super) use form::unusable;
pub(super) use keys::decided_by_ds;

pub use answer::{AnswerKind, AnswerVerdict, judge_answer};
pub use delegation::{DsStatus, DsVerdict, judge_ds};
pub use form::{Form, classify};
pub use keys::{KeysVerdict, judge_dnskey};
pub use walk::{Link, WalkStep, WalkVerdict, walk};

use super::{Budget, Policy};
use crate::dns::{Message, Name, Rtype};

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
    /// The RRset, key and signature that it is about, as far as it is about one.
    #[serde(flatten)]
    pub about: Box<About>,
}

/// What a reason is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct About {
    /// Owner and type, such as `www.shop.test. A`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rrset: Option<String>,
    /// The key: `tag/algorithm/fingerprint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<SignatureMark>,
}

/// A signature by what its record says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct SignatureMark {
    /// The tag of the key that it names.
    pub tag: u16,
    /// Its algorithm.
    pub algorithm: u8,
    /// Its window in Unix seconds; none where no key was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<(i64, i64)>,
}

impl Reason {
    /// A reason.
    pub fn new(code: &'static str, zone: &Name, text: impl Into<String>, rfc: &'static str) -> Reason {
        Reason {
            code,
            zone: zone.clone(),
            text: text.into(),
            rfc,
            about: Box::default(),
        }
    }

    /// The same, about an RRset.
    #[must_use]
    pub fn of(mut self, name: &Name, rtype: Rtype) -> Reason {
        self.about.rrset = Some(format!("{name} {rtype}"));
        self
    }

    /// The same, about a signature.
    #[must_use]
    fn by(mut self, tag: u16, algorithm: u8, window: Option<(i64, i64)>) -> Reason {
        self.about.signature = Some(SignatureMark {
            tag,
            algorithm,
            window,
        });
        self
    }
}

/// A validator at one moment: the rules, the time, and the work that is left.
#[derive(Debug)]
pub struct Judge<'b> {
    /// The moment of judgement, Unix seconds.
    pub at: i64,
    /// Whose rules on algorithms and digests hold.
    pub policy: Policy,
    /// Whether what is not said with authority (AA) counts all the same where it has substance: a resolver's answers.
    pub any_server: bool,
    /// The work that is left.
    pub budget: &'b mut Budget,
}

impl<'b> Judge<'b> {
    /// Whether a bogus verdict on this answer without authority stands: there are records at stake, or an SOA.
    fn counts(&self, answer: &Message) -> bool {
        let soa = || answer.authority.iter().any(|record| record.rtype == Rtype::SOA);
        self.any_server && (!answer.answer.is_empty() || soa())
    }

    /// A judge under the rules of today's validators.
    pub fn new(at: i64, budget: &'b mut Budget) -> Judge<'b> {
        Judge {
            at,
            policy: Policy::default(),
            any_server: false,
            budget,
        }
    }
}
