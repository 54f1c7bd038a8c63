//! A zone that is not moving: what is expected of it, and what is worth an alarm. All of it is the fold of the journal.

mod baseline;
mod conditions;
mod drift;
mod seen;
mod vigil;

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

pub use baseline::{Baseline, accept, explained};
pub use seen::{fresh_delegation, fresh_verdicts};
pub use vigil::{Held, Vigil};

use crate::dns::Name;
use crate::dnssec::KeyId;
use crate::moment::Moment;

/// What an alarm is about. The words are stable: scripts go by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// A server whose answers do not validate.
    Bogus,
    /// Two answers that caches may hold and that do not validate together.
    Mixture,
    /// The chain from the anchor to the parent does not hold, or the parent's DS does not verify.
    ChainAbove,
    /// A key that was not announced.
    NewKey,
    /// Another DS RRset than expected.
    DsChanged,
    /// Another NS RRset than expected, at the parent or at the apex.
    NsChanged,
    /// Signatures near their end.
    ExpiresSoon,
    /// No new signatures for too long.
    NotResigned,
    /// A key that one signer needs and another does not have.
    KeysDrift,
    /// CDS or CDNSKEY sets that differ.
    CdsDrift,
    /// SOA serials of one provider that differ.
    SoaDrift,
    /// Copies of the zone that differ.
    ContentsDrift,
    /// A server that does not answer for the zone.
    Lame,
    /// A server that does not answer.
    NoAnswer,
}

impl Code {
    /// All of them.
    pub const ALL: [Code; 14] = [
        Code::Bogus,
        Code::Mixture,
        Code::ChainAbove,
        Code::NewKey,
        Code::DsChanged,
        Code::NsChanged,
        Code::ExpiresSoon,
        Code::NotResigned,
        Code::KeysDrift,
        Code::CdsDrift,
        Code::SoaDrift,
        Code::ContentsDrift,
        Code::Lame,
        Code::NoAnswer,
    ];

    /// As in journals and documents.
    pub fn word(self) -> &'static str {
        match self {
            Code::Bogus => "bogus",
            Code::Mixture => "mixture",
            Code::ChainAbove => "chain-above",
            Code::NewKey => "new-key",
            Code::DsChanged => "ds-changed",
            Code::NsChanged => "ns-changed",
            Code::ExpiresSoon => "expires-soon",
            Code::NotResigned => "not-resigned",
            Code::KeysDrift => "keys-drift",
            Code::CdsDrift => "cds-drift",
            Code::SoaDrift => "soa-drift",
            Code::ContentsDrift => "contents-drift",
            Code::Lame => "lame",
            Code::NoAnswer => "no-answer",
        }
    }

    /// What a person can do about it.
    pub fn remedy(self) -> &'static str {
        match self {
            Code::Bogus => {
                "resolvers that ask this server fail: mend what is named before anything else is changed"
            }
            Code::Mixture => {
                "some resolvers fail until the time that is named: undo the last change, if its old values still validate"
            }
            Code::ChainAbove => {
                "this is for whoever runs the zone that is named; if no other zone below it fails, look at this machine's clock \
                 and network"
            }
            Code::NewKey => {
                "ask whoever runs the signer; if nobody can explain it, take it for a break-in: whoever holds it can sign for \
                 the zone. Known and meant: unbroken watch ZONE --accept"
            }
            Code::DsChanged | Code::NsChanged => {
                "ask whoever has access to the registrar or the provider; if nobody can explain it, take it for a takeover. Known \
                 and meant: unbroken watch ZONE --accept"
            }
            Code::ExpiresSoon | Code::NotResigned => {
                "see that the signer still signs, and that its servers get what it signs"
            }
            Code::KeysDrift => {
                "add the key to every signer's DNSKEY RRset before it signs anything (RFC 8901 section 4.2)"
            }
            Code::CdsDrift => {
                "publish the same CDS and CDNSKEY at every signer, or none: a parent that polls could drop a DS"
            }
            Code::SoaDrift => "see why the secondary that is behind does not get the zone",
            Code::ContentsDrift => {
                "make the copies equal at the providers; see them with: unbroken zone compare"
            }
            Code::Lame => "let the server load the zone, or take it out of the NS records",
            Code::NoAnswer => "see that the server runs and can be reached from here on port 53, UDP and TCP",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Whom or what a condition is about; what is not set does not tell it from others.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// The provider; none: the parent, or the zone as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The server's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Name>,
    /// The server's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<SocketAddr>,
    /// The key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// Anything else that tells one from another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
}

/// Something that is not as it should be, as the last sweep shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What.
    pub code: Code,
    /// Of whom.
    pub subject: Subject,
    /// In words.
    pub text: String,
    /// How long it may last before it is an alarm, seconds.
    pub patience: u64,
}

/// Whether an alarm begins or is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It begins.
    Begin,
    /// Every server that has to do with it answered, and it is not so any more.
    Over,
}

/// An alarm, told once when it begins and once when it is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// Whether it begins.
    pub phase: Phase,
    /// What.
    pub code: Code,
    /// Of whom.
    pub subject: Subject,
    /// The first sweep that showed it began then.
    pub since: Moment,
    /// In words.
    pub text: String,
}

/// How a zone is watched. The journal keeps it, so that each alarm can be judged again from the journal alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchRules {
    /// Between two sweeps, milliseconds.
    pub interval: u64,
    /// Signatures that end sooner than this are an alarm, seconds; none: the shorter of three days and a fifth of the time for
    /// which they are valid.
    pub expires_within: Option<u64>,
    /// A server whose newest signature is older than this is an alarm, seconds; none: it is not.
    pub resign_within: Option<u64>,
    /// For how long signers and servers may differ, seconds.
    pub settle: u64,
    /// For how long a server may be silent or lame, seconds.
    pub silent_for: u64,
    /// Whether a key that is announced, or published before it signs, is an alarm too.
    pub every_key: bool,
    /// What is no alarm.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ignore: BTreeSet<Code>,
}
