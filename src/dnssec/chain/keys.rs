//! A DNSKEY RRset under a DS set.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::form::{lame, unusable};
use super::{Form, Judge, Reason, Status, classify};
use crate::dns::{Message, Name, Rrset, Rtype, Ttl};
use crate::dnssec::policy::SortedDs;
use crate::dnssec::{Budget, Dnskey, Ds, DsSet, KeyId, Signers, judge_rrset};

/// The verdict on the DNSKEY answer of a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeysVerdict {
    /// Secure: the RRset is signed by a key that the DS set names.
    pub status: Status,
    /// The zone.
    pub zone: Name,
    /// The whole RRset as served, in canonical order.
    pub keys: Vec<Dnskey>,
    /// The keys that may verify data of the zone; empty unless secure.
    pub trusted: Vec<Dnskey>,
    /// Every signature with every key of its tag.
    #[serde(skip)]
    pub signers: Signers,
    /// The usable keys that useful DS records name.
    pub ds_matched: BTreeSet<KeyId>,
    /// The TTL of the RRset, seconds.
    pub ttl: Ttl,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// Judges the DNSKEY answer of `zone` under a DS set of its parent or of the anchors (RFC 4035 section 5.2).
///
/// Any one path from a useful DS record suffices (RFC 6840 section 5.11). Not checked: that every algorithm of the DS set
/// signs the RRset.
pub fn judge_dnskey(zone: &Name, ds: &DsSet, answer: &Message, at: i64, budget: &mut Budget) -> KeysVerdict {
    Judge::new(at, budget).dnskey(zone, ds, answer)
}

/// Digests of each key by which a DS record may name it, so that many DS records cost no more work than few.
struct Digests {
    ds: BTreeMap<Ds, Vec<usize>>,
    /// The same for keys that are unusable: why no chain can be built on them.
    unusable: BTreeMap<Ds, (&'static str, &'static str)>,
}

impl Judge<'_> {
    /// See [`judge_dnskey`].
    pub fn dnskey(&mut self, zone: &Name, ds: &DsSet, answer: &Message) -> KeysVerdict {
        let rrset = answer
            .answer_rrsets()
            .into_iter()
            .find(|set| set.name == *zone && set.rtype == Rtype::DNSKEY && !set.rdatas.is_empty());
        let mut verdict = KeysVerdict {
            status: Status::Indeterminate,
            zone: zone.clone(),
            keys: rrset.iter().flat_map(keys_of).collect(),
            trusted: Vec::new(),
            signers: Signers::default(),
            ds_matched: BTreeSet::new(),
            ttl: rrset.as_ref().map_or(0, |set| set.ttl),
            reasons: Vec::new(),
        };
        let sorted = self.policy.sort_ds(ds);
        let form = classify(zone, Rtype::DNSKEY, zone, answer);
        if let Some(reason) = unusable(form, zone, answer) {
            verdict.reasons.push(reason);
        } else if let Some(rrset) = rrset {
            self.judge_key_rrset(&mut verdict, &rrset, &sorted, form);
        } else if form == Form::Lame && self.counts(answer) {
            no_keys(&mut verdict, Form::NoData);
        } else {
            no_keys(&mut verdict, form);
        }
        if let Some((status, reason)) = decided_by_ds(zone, &sorted) {
            verdict.status = status;
            verdict.trusted.clear();
            verdict.reasons = vec![reason];
        }
        verdict
    }

    fn judge_key_rrset(&mut self, verdict: &mut KeysVerdict, rrset: &Rrset, sorted: &SortedDs, form: Form) {
        let zone = &verdict.zone.clone();
        let digests = Digests::of(zone, &verdict.keys, sorted);
        let matched: BTreeSet<usize> = digests.matching(&sorted.useful);
        verdict.ds_matched = matched
            .iter()
            .filter_map(|index| verdict.keys.get(*index))
            .map(Dnskey::id)
            .collect();
        // What decides is tried first, so that other keys and signatures cannot use up the work.
        let mut keys = verdict.keys.clone();
        keys.sort_by_key(|key| !(key.is_usable() && verdict.ds_matched.contains(&key.id())));
        let tags: BTreeSet<u16> = verdict.ds_matched.iter().map(|id| id.key().tag()).collect();
        let mut ordered = rrset.clone();
        ordered
            .signatures
            .sort_by_key(|signature| !tags.contains(&signature.tag));
        verdict.signers = judge_rrset(&ordered, &keys, zone, self.at, self.budget);
        let secure = verdict
            .signers
            .attempts
            .iter()
            .any(|attempt| self.is_good(attempt) && verdict.ds_matched.contains(&attempt.key));
        if secure {
            verdict.status = Status::Secure;
            verdict.trusted = verdict
                .keys
                .iter()
                .filter(|key| key.is_usable())
                .cloned()
                .collect();
            if form == Form::Lame {
                verdict.reasons.push(lame(zone));
            }
            return;
        }
        self.explain(verdict, rrset, sorted, &digests);
        if !digests.matching(&sorted.elsewhere).is_empty() {
            verdict.status = Status::Indeterminate;
            verdict.reasons.push(Reason::new(
                "cannot-check-algorithm",
                zone,
                format!(
                    "this build cannot check {}, in which a DS record names a key",
                    algorithms(&sorted.elsewhere)
                ),
                "RFC 4035 section 4.3",
            ));
        }
        if form == Form::Lame {
            if !self.any_server {
                verdict.status = Status::Indeterminate;
            }
            verdict.reasons.push(lame(zone));
        }
    }

    /// Why no useful DS record leads to a key that signs the RRset.
    fn explain(&self, verdict: &mut KeysVerdict, rrset: &Rrset, sorted: &SortedDs, digests: &Digests) {
        let zone = &verdict.zone;
        verdict.status = Status::Bogus;
        if verdict.ds_matched.is_empty() {
            verdict
                .reasons
                .extend(digests.why_none(zone, &verdict.keys, &sorted.useful));
            if !digests.matching(&sorted.outranked).is_empty() {
                verdict.reasons.push(Reason::new(
                    "ds-sha1-outranked",
                    zone,
                    "a SHA-1 DS record names a key, but is not used beside SHA-256 or SHA-384",
                    "RFC 4509 section 3",
                ));
            }
            return;
        }
        let mut relevant = verdict.signers.clone();
        relevant
            .attempts
            .retain(|attempt| verdict.ds_matched.contains(&attempt.key));
        relevant.orphans.retain(|(tag, algorithm)| {
            sorted
                .useful
                .iter()
                .any(|ds| ds.tag == *tag && ds.algorithm == *algorithm)
        });
        let (status, reasons) = self.faults(rrset, &relevant, zone);
        verdict.status = status;
        if relevant.attempts.is_empty() && relevant.untried == 0 {
            verdict.reasons.push(Reason::new(
                "dnskey-not-signed-by-ds-key",
                zone,
                "no key that a DS record names signs the DNSKEY RRset",
                "RFC 4035 section 5.2",
            ));
        } else {
            verdict.reasons.extend(reasons);
        }
    }
}

impl Digests {
    fn of(zone: &Name, keys: &[Dnskey], sorted: &SortedDs) -> Digests {
        let all = [&sorted.useful, &sorted.elsewhere, &sorted.outranked];
        let wanted: BTreeSet<(u16, u8, u8)> = all
            .into_iter()
            .flatten()
            .map(|ds| (ds.tag, ds.algorithm, ds.digest_type))
            .collect();
        let named = |key: &Dnskey| -> Vec<Ds> {
            let (tag, algorithm) = (key.tag(), key.algorithm);
            wanted
                .range((tag, algorithm, 0)..=(tag, algorithm, u8::MAX))
                .filter_map(|(_, _, digest)| Ds::of(zone, key, *digest))
                .collect()
        };
        let mut digests = Digests {
            ds: BTreeMap::new(),
            unusable: BTreeMap::new(),
        };
        for (index, key) in keys.iter().enumerate() {
            let fault = key_fault(key);
            for ds in named(key) {
                match fault {
                    None => digests.ds.entry(ds).or_default().push(index),
                    Some(fault) => {
                        digests.unusable.insert(ds, fault);
                    }
                }
            }
            if key.is_revoked() {
                for ds in named(key.id().key()) {
                    digests.unusable.insert(ds, REVOKED);
                }
            }
        }
        digests
    }

    fn matching(&self, set: &DsSet) -> BTreeSet<usize> {
        set.iter()
            .filter_map(|ds| self.ds.get(ds))
            .flatten()
            .copied()
            .collect()
    }

    /// For each useful DS record why it leads nowhere.
    fn why_none(&self, zone: &Name, keys: &[Dnskey], useful: &DsSet) -> Vec<Reason> {
        let tags: BTreeSet<(u16, u8)> = keys.iter().map(|key| (key.tag(), key.algorithm)).collect();
        let reason = |ds: &Ds| {
            let what = format!(
                "DS {} algorithm {} digest type {}",
                ds.tag, ds.algorithm, ds.digest_type
            );
            match self.unusable.get(ds) {
                Some((code, rfc)) => Reason::new(
                    code,
                    zone,
                    format!("{what} names a key that may not be used"),
                    rfc,
                ),
                None if tags.contains(&(ds.tag, ds.algorithm)) => Reason::new(
                    "ds-digest-mismatch",
                    zone,
                    format!("{what}: a key has this tag, but another digest"),
                    "RFC 4035 section 5.2",
                ),
                None => Reason::new(
                    "ds-no-key",
                    zone,
                    format!("{what} names no key of the DNSKEY RRset"),
                    "RFC 4035 section 5.2",
                ),
            }
        };
        useful.iter().take(MOST_DS_REASONS).map(reason).collect()
    }
}

/// The algorithms of a DS set in words.
fn algorithms(set: &DsSet) -> String {
    let numbers: BTreeSet<u8> = set.iter().map(|ds| ds.algorithm).collect();
    let words: Vec<String> = numbers
        .into_iter()
        .map(|number| match crate::dnssec::policy::algorithm_name(number) {
            Some(name) => format!("algorithm {number} ({name})"),
            None => format!("algorithm {number}"),
        })
        .collect();
    words.join(", ")
}

/// No delegation has more DS records worth a sentence each.
const MOST_DS_REASONS: usize = 24;
const REVOKED: (&str, &str) = ("key-revoked", "RFC 5011 section 2.1");

fn key_fault(key: &Dnskey) -> Option<(&'static str, &'static str)> {
    if !key.is_zone_key() {
        Some(("key-no-zone-bit", "RFC 4034 section 2.1.1"))
    } else if key.protocol != 3 {
        Some(("key-protocol", "RFC 4034 section 2.1.2"))
    } else {
        key.is_revoked().then_some(REVOKED)
    }
}

fn keys_of(rrset: &Rrset) -> Vec<Dnskey> {
    rrset
        .rdatas
        .iter()
        .filter_map(|rdata| Dnskey::from_rdata(rdata))
        .collect()
}

/// What the DS set decides alone, whatever the keys are.
pub(in crate::dnssec) fn decided_by_ds(zone: &Name, sorted: &SortedDs) -> Option<(Status, Reason)> {
    if !sorted.useful.is_empty() {
        return None;
    }
    let rfc = "RFC 4035 section 5.2";
    Some(if !sorted.elsewhere.is_empty() {
        let text = format!(
            "this build cannot check {}, and the DS set has nothing else",
            algorithms(&sorted.elsewhere)
        );
        (
            Status::Indeterminate,
            Reason::new("cannot-check-algorithm", zone, text, "RFC 4035 section 4.3"),
        )
    } else if !sorted.unsupported.is_empty() {
        let text = "the DS set has only algorithms or digests that validators treat as unknown";
        (Status::Insecure, Reason::new("ds-unsupported", zone, text, rfc))
    } else {
        (
            Status::Insecure,
            Reason::new("ds-none", zone, "no DS record", rfc),
        )
    })
}

fn no_keys(verdict: &mut KeysVerdict, form: Form) {
    let zone = &verdict.zone;
    match form {
        Form::NoData | Form::NxDomain | Form::Positive => {
            verdict.status = Status::Bogus;
            verdict.reasons.push(Reason::new(
                "dnskey-missing",
                zone,
                "the server says that there is no DNSKEY, though the parent has DS records",
                "RFC 4035 section 5.2",
            ));
        }
        Form::Referral => verdict.reasons.push(Reason::new(
            "referral",
            zone,
            "the server points to a zone below instead of answering",
            "RFC 1034 section 4.3.2",
        )),
        _ => verdict.reasons.push(lame(zone)),
    }
}
