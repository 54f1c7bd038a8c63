//! The validating half of a model resolver (RFC 4035 section 5): no second try at another server.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::BoxFuture;

use super::recursor::{Entry, Trouble};
use super::resolver::{Failure, Held, Resolver};
use crate::dns::{Name, Rcode, Rrset, Rtype};
use crate::dnssec::{Dnskey, Ds, DsSet};
use crate::moment::Moment;

/// What became of a question.
pub(super) enum Verdict {
    /// Validated.
    Secure,
    /// Proven to need no validation.
    Insecure,
    /// Does not validate.
    Bogus(Box<Failure>),
    /// No answer.
    Unreachable(String),
}

/// Keys of a zone, judged.
#[derive(Clone)]
pub(super) struct Trust {
    /// The DS RRset's answer; none where an anchor stands for it.
    ds: Option<Arc<Entry>>,
    /// The DNSKEY RRset's answer; none where the zone is insecure.
    dnskey: Option<Arc<Entry>>,
    keys: Arc<Keys>,
}

/// Keys that are trusted.
pub(super) struct Keys {
    zone: Name,
    /// Empty: the zone is insecure.
    keys: Vec<Dnskey>,
    /// Of these at least one must verify, or each if the resolver is strict.
    algorithms: BTreeSet<u8>,
    ds: Option<Held>,
    dnskey: Option<Held>,
}

/// A judgement that stopped early.
enum Stop {
    Bogus(Box<Failure>),
    Silent(String),
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Stop {
        Stop::Silent(trouble.0)
    }
}

impl Resolver {
    /// Answers a question and validates the answer.
    pub(super) async fn judge(&mut self, name: &Name, rtype: Rtype, now: Moment) -> Verdict {
        match self.try_judge(name, rtype, now).await {
            Ok(true) => Verdict::Secure,
            Ok(false) => Verdict::Insecure,
            Err(Stop::Silent(why)) => Verdict::Unreachable(why),
            Err(Stop::Bogus(mut failure)) => {
                failure.question = format!("{name} {rtype}");
                Verdict::Bogus(failure)
            }
        }
    }

    async fn try_judge(&mut self, name: &Name, rtype: Rtype, now: Moment) -> Result<bool, Stop> {
        let entry = self.recursor.lookup(name, rtype, now).await?;
        let place = (name.clone(), rtype);
        let known = self.secure.get(&place);
        if known.is_some_and(|known| Arc::ptr_eq(known, &entry)) {
            return Ok(true);
        }
        let keys = self.trusted_keys(&entry.zone, now).await?;
        if keys.keys.is_empty() {
            return Ok(false);
        }
        self.check_answer(&entry, name, rtype, &keys, now)?;
        // Behind a forwarder the mixture is judged anew for each answer.
        if !self.policy.forwarder {
            self.secure.insert(place, entry);
        }
        Ok(true)
    }

    /// The keys of a zone, by the chain from an anchor.
    fn trusted_keys<'a>(&'a mut self, zone: &'a Name, now: Moment) -> BoxFuture<'a, Result<Arc<Keys>, Stop>> {
        Box::pin(async move {
            if self.policy.keys_outlive_ds
                && let Some(trust) = self.trusts.get(zone)
                && trust.dnskey.as_ref().is_some_and(|entry| now < entry.expires)
            {
                return Ok(trust.keys.clone());
            }
            let anchor = self
                .anchors
                .closest(zone)
                .filter(|(apex, _)| *apex == zone)
                .map(|(_, set)| set.clone());
            let (ds_entry, set) = match anchor {
                Some(set) => (None, set),
                None => {
                    let (entry, set) = self.delegation_signers(zone, now).await?;
                    (Some(entry), set)
                }
            };
            if set.is_empty() {
                return Ok(Arc::new(insecure(zone)));
            }
            let key_entry = self.recursor.lookup(zone, Rtype::DNSKEY, now).await?;
            if let Some(trust) = self.trusts.get(zone)
                && same(trust.ds.as_ref(), ds_entry.as_ref())
                && same(trust.dnskey.as_ref(), Some(&key_entry))
                && !self.policy.forwarder
            {
                return Ok(trust.keys.clone());
            }
            let keys = Arc::new(self.check_keys(zone, &set, ds_entry.as_deref(), &key_entry, now)?);
            let trust = Trust {
                ds: ds_entry,
                dnskey: Some(key_entry),
                keys: keys.clone(),
            };
            self.trusts.insert(zone.clone(), trust);
            Ok(keys)
        })
    }

    /// The validated DS RRset of a zone; empty where its absence is proven or the parent is insecure.
    async fn delegation_signers(&mut self, zone: &Name, now: Moment) -> Result<(Arc<Entry>, DsSet), Stop> {
        let entry = self.recursor.lookup(zone, Rtype::DS, now).await?;
        let place = (zone.clone(), Rtype::DS);
        let known = self.secure.get(&place);
        if !known.is_some_and(|known| Arc::ptr_eq(known, &entry)) {
            let parent = entry.zone.clone();
            let keys = self.trusted_keys(&parent, now).await?;
            if keys.keys.is_empty() {
                return Ok((entry, DsSet::new()));
            }
            self.check_answer(&entry, zone, Rtype::DS, &keys, now)?;
            if !self.policy.forwarder {
                self.secure.insert(place, entry.clone());
            }
        }
        let set = ds_set(&entry);
        Ok((entry, set))
    }

    /// Whether the DNSKEY RRset is vouched for by the DS RRset.
    fn check_keys(
        &self,
        zone: &Name,
        set: &DsSet,
        ds_entry: Option<&Entry>,
        key_entry: &Entry,
        now: Moment,
    ) -> Result<Keys, Stop> {
        let useful = useful(set, self.policy.strict);
        let rrset = key_entry
            .answer()
            .find(|set| set.rtype == Rtype::DNSKEY && set.name == *zone);
        let keys: Vec<Dnskey> = rrset
            .iter()
            .flat_map(|rrset| &rrset.rdatas)
            .filter_map(|rdata| Dnskey::from_rdata(rdata))
            .collect();
        let told = useful
            .iter()
            .map(|ds| format!(" {}/{}/{}", ds.tag, ds.algorithm, ds.digest_type))
            .collect::<String>();
        let ds_held = match ds_entry {
            Some(entry) => Held::entry(format!("DS {zone}{told}"), entry),
            None => Held {
                what: format!("anchor {zone}{told}"),
                from: None,
                fetched: None,
                expires: None,
            },
        };
        let key_held = Held::entry(format!("DNSKEY {zone}{}", tags(&keys)), key_entry);
        let algorithms: BTreeSet<u8> = useful.iter().map(|ds| ds.algorithm).collect();
        let named: Vec<Dnskey> = keys
            .iter()
            .filter(|key| useful.iter().any(|ds| ds.matches(zone, key)))
            .cloned()
            .collect();
        let verified = match rrset {
            Some(rrset) => self.verified(rrset, &named, zone, now),
            None => BTreeSet::new(),
        };
        if !self.suffices(&verified, &algorithms) {
            let signed = rrset.map(signature_tags).unwrap_or_default();
            return Err(Stop::Bogus(Box::new(Failure {
                at: now,
                question: String::new(),
                why: format!(
                    "the DNSKEY RRset of {zone} is not signed by a key that the DS RRset names (signed by{signed})"
                ),
                ds: Some(ds_held),
                dnskey: Some(key_held),
                data: None,
            })));
        }
        Ok(Keys {
            zone: zone.clone(),
            keys,
            algorithms,
            ds: Some(ds_held),
            dnskey: Some(key_held),
        })
    }

    fn suffices(&self, verified: &BTreeSet<u8>, demanded: &BTreeSet<u8>) -> bool {
        if self.policy.strict {
            demanded.is_subset(verified)
        } else {
            !verified.is_empty()
        }
    }

    /// The algorithms of the keys with which the RRset verifies now.
    fn verified(&self, rrset: &Rrset, keys: &[Dnskey], zone: &Name, now: Moment) -> BTreeSet<u8> {
        let at = now.floor_seconds();
        let mut out = BTreeSet::new();
        for signature in &rrset.signatures {
            let good = keys
                .iter()
                .filter(|key| key.algorithm == signature.algorithm && key.tag() == signature.tag)
                .any(|key| self.verdicts.verify(rrset, signature, key, zone, at).is_ok());
            if good {
                out.insert(signature.algorithm);
            }
        }
        out
    }

    /// Whether everything in the answer that matters is signed by the keys, and denials are proven.
    fn check_answer(
        &self,
        entry: &Entry,
        name: &Name,
        rtype: Rtype,
        keys: &Keys,
        now: Moment,
    ) -> Result<(), Stop> {
        let positive = entry
            .answer()
            .any(|set| set.name == *name && (set.rtype == rtype || set.rtype == Rtype::CNAME));
        let expanded = entry.answer().any(is_expanded);
        for set in entry.answer().chain(entry.proofs()) {
            let verified = self.verified(set, &keys.keys, &keys.zone, now);
            if !self.suffices(&verified, &keys.algorithms) {
                let why = if set.signatures.is_empty() {
                    format!("{} {} is not signed", set.name, set.rtype)
                } else {
                    format!(
                        "{} {} is signed by{}, no key of the DNSKEY RRset",
                        set.name,
                        set.rtype,
                        signature_tags(set)
                    )
                };
                return Err(fail(entry, set, why, keys, now));
            }
        }
        let denial = entry
            .proofs()
            .any(|set| matches!(set.rtype, Rtype::NSEC | Rtype::NSEC3));
        let complete = if positive {
            !expanded || denial
        } else {
            denial && matches!(entry.reading.rcode, Rcode::NOERROR | Rcode::NXDOMAIN)
        };
        if complete {
            return Ok(());
        }
        let why = format!("{name} {rtype}: nothing proves that there is no such record");
        let empty = Rrset {
            name: name.clone(),
            rtype,
            ttl: 0,
            rdatas: Vec::new(),
            signatures: Vec::new(),
            broken_signatures: 0,
        };
        Err(fail(entry, &empty, why, keys, now))
    }
}

fn fail(entry: &Entry, set: &Rrset, why: String, keys: &Keys, now: Moment) -> Stop {
    let what = format!("{} {} signed by{}", set.name, set.rtype, signature_tags(set));
    Stop::Bogus(Box::new(Failure {
        at: now,
        question: String::new(),
        why,
        ds: keys.ds.clone(),
        dnskey: keys.dnskey.clone(),
        data: Some(Held::entry(what, entry)),
    }))
}

fn insecure(zone: &Name) -> Keys {
    Keys {
        zone: zone.clone(),
        keys: Vec::new(),
        algorithms: BTreeSet::new(),
        ds: None,
        dnskey: None,
    }
}

fn same(left: Option<&Arc<Entry>>, right: Option<&Arc<Entry>>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => Arc::ptr_eq(left, right),
        (None, None) => true,
        _ => false,
    }
}

fn ds_set(entry: &Entry) -> DsSet {
    entry
        .answer()
        .filter(|set| set.rtype == Rtype::DS)
        .flat_map(|set| &set.rdatas)
        .filter_map(|rdata| Ds::from_rdata(rdata))
        .collect()
}

/// Without SHA-1 where there is better (RFC 4509 section 3); of the highest type alone for the strict.
fn useful(set: &DsSet, strict: bool) -> Vec<Ds> {
    let known = |ds: &&Ds| matches!(ds.digest_type, 1 | 2 | 4);
    let highest = set.iter().filter(known).map(|ds| ds.digest_type).max();
    set.iter()
        .filter(known)
        .filter(|ds| {
            if strict {
                Some(ds.digest_type) == highest
            } else {
                ds.digest_type != 1 || highest == Some(1)
            }
        })
        .cloned()
        .collect()
}

/// Signed with fewer labels than the name has: a wildcard stood for it (RFC 4035 section 5.3.4).
fn is_expanded(set: &Rrset) -> bool {
    let labels = set.name.label_count() - usize::from(set.name.is_wildcard());
    set.signatures
        .iter()
        .any(|signature| usize::from(signature.labels) < labels)
}

fn tags(keys: &[Dnskey]) -> String {
    keys.iter()
        .map(|key| format!(" {}/{}", key.tag(), key.algorithm))
        .collect()
}

fn signature_tags(set: &Rrset) -> String {
    set.signatures
        .iter()
        .map(|signature| format!(" {}/{}", signature.tag, signature.algorithm))
        .collect()
}
