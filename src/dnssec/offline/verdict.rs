//! What a verdict is made of.

use serde::Serialize;

use super::{ExtendedError, Spent, extended_error};
use crate::dns::{Name, Rtype};
use crate::dnssec::{AnswerKind, Attempt, Dnskey, DsSet, KeysVerdict, Reason, Signers, Status};

/// A reason, with the server whose answer it is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Said {
    /// The reason.
    #[serde(flatten)]
    pub reason: Reason,
    /// The server, as the capture names it; none where the reason is about no single answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The Extended DNS Error that fits (RFC 8914).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extended_error: Option<ExtendedError>,
}

impl Said {
    pub(super) fn new(reason: Reason, server: Option<String>) -> Said {
        let extended_error = extended_error(reason.code);
        Said {
            reason,
            server,
            extended_error,
        }
    }
}

/// A key of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyMark {
    /// The tag.
    pub tag: u16,
    /// The algorithm.
    pub algorithm: u8,
    /// The flags.
    pub flags: u16,
    /// The first 16 hexadecimal digits of the SHA-256 of the RDATA (without REVOKE).
    pub fingerprint: String,
    /// Whether a useful DS record names it.
    pub named_by_ds: bool,
    /// Whether a signature of it on the DNSKEY RRset is good.
    pub signs_keys: bool,
    /// Whether it may verify data.
    pub trusted: bool,
}

impl KeyMark {
    pub(super) fn of(key: &Dnskey, verdict: &KeysVerdict) -> KeyMark {
        let id = key.id();
        KeyMark {
            tag: key.tag(),
            algorithm: key.algorithm,
            flags: key.flags,
            fingerprint: id.fingerprint(),
            named_by_ds: verdict.ds_matched.contains(&id),
            signs_keys: verdict.signers.timely_keys().contains(&id),
            trusted: verdict.trusted.contains(key),
        }
    }
}

/// A zone on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ZoneLink {
    /// The zone.
    pub zone: Name,
    /// The zone that delegates it; none where its keys are anchored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<Name>,
    /// Secure, or what ends the way here.
    pub verdict: Status,
    /// The DS records that its keys are judged under (the anchors at the top).
    pub ds: DsSet,
    /// Its DNSKEY RRset.
    pub dnskey: Vec<KeyMark>,
    /// The servers whose answers were used.
    pub servers: Vec<String>,
    /// Why, where it is not secure; remarks, where it is.
    pub reasons: Vec<Said>,
}

/// An answer that the verdict rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Used {
    /// The name that it answers for (an alias' target after the first).
    pub name: Name,
    /// The type.
    #[serde(rename = "type")]
    pub rtype: Rtype,
    /// The zone under whose keys it was judged; none where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<Name>,
    /// The server.
    pub server: String,
    /// What it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<AnswerKind>,
    /// The verdict on it.
    pub verdict: Status,
}

/// An answer that was looked at and is not part of the verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unused {
    /// The name asked for.
    pub name: Name,
    /// The type asked for.
    #[serde(rename = "type")]
    pub rtype: Rtype,
    /// The server.
    pub server: String,
    /// Over what.
    pub transport: String,
    /// What it would have come to.
    pub verdict: Status,
    /// The codes of the reasons.
    pub codes: Vec<&'static str>,
}

/// One key with one signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TriedPair {
    /// `tag/algorithm/fingerprint`.
    pub key: String,
    /// The signature's window, Unix seconds.
    pub window: (i64, i64),
    /// Its Labels field.
    pub labels: u8,
    /// Its original TTL, seconds.
    pub original_ttl: u32,
    /// Its signer.
    pub signer: Name,
    /// `good`, or what is wrong.
    pub result: String,
}

/// All pairs of one RRset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// Owner and type; for a DS also the records of its denial.
    pub rrset: String,
    /// The zone whose keys were tried.
    pub zone: Name,
    /// The server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Each pair of the same tag and algorithm.
    pub pairs: Vec<TriedPair>,
    /// Tag and algorithm of signatures that no key has.
    pub no_key: Vec<(u16, u8)>,
    /// Pairs that were not tried for want of budget.
    pub untried: usize,
}

impl Tried {
    pub(super) fn of(rrset: String, zone: &Name, server: Option<String>, signers: &Signers) -> Tried {
        Tried {
            rrset,
            zone: zone.clone(),
            server,
            pairs: signers.attempts.iter().map(pair).collect(),
            no_key: signers.orphans.iter().copied().collect(),
            untried: signers.untried,
        }
    }
}

fn pair(attempt: &Attempt) -> TriedPair {
    let result = match (&attempt.octets, &attempt.timely) {
        (Err(fault), _) | (Ok(()), Err(fault)) => fault.to_string(),
        (Ok(()), Ok(())) => "good".to_owned(),
    };
    TriedPair {
        key: attempt.key.to_string(),
        window: attempt.window,
        labels: attempt.labels,
        original_ttl: attempt.original_ttl,
        signer: attempt.signer.clone(),
        result,
    }
}

/// The verdict on a name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The verdict.
    pub status: Status,
    /// What the (first) answer says; none where there is none.
    pub kind: Option<AnswerKind>,
    /// Why; remarks under a secure verdict.
    pub reasons: Vec<Said>,
    /// The zones from the anchor down, in the order in which they were reached.
    pub links: Vec<ZoneLink>,
    /// The answers that it rests on, one for each alias.
    pub used: Vec<Used>,
    /// Answers that were looked at and not used.
    pub unused: Vec<Unused>,
    /// Every pair of key and signature that was tried.
    pub tried: Vec<Tried>,
    /// What it cost.
    pub spent: Spent,
}
