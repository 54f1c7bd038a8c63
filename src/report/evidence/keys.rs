//! The inventory of keys and of DS records: what they are, what they did, and on whose word they were used.

use std::collections::{BTreeMap, BTreeSet};

use ring::digest::{SHA256, digest};

use super::gather::Gathered;
use super::view::{ApprovalRow, Call, DsRow, KeyRow};
use crate::dns::Rtype;
use crate::dnssec::{Dnskey, Ds, KeyId};
use crate::evidence::{Exchange, Place};
use crate::moment::Moment;
use crate::workflow::{Fact, SignerId};

type Shown = Vec<(String, i64, Option<i64>)>;

/// Everything that the ledger tells of keys and DS records.
#[derive(Default)]
struct Seen {
    keys: BTreeMap<KeyId, Shown>,
    sign_keys: BTreeMap<KeyId, BTreeSet<String>>,
    sign_data: BTreeMap<KeyId, BTreeSet<String>>,
    ds: BTreeMap<Ds, Vec<(i64, Option<i64>)>>,
}

impl Seen {
    fn of(gathered: &Gathered) -> Seen {
        let mut seen = Seen::default();
        for stretch in gathered.state.ledger.stretches() {
            let span = (
                stretch.from.floor_seconds(),
                stretch.until.map(Moment::ceil_seconds),
            );
            match (&stretch.place, &stretch.served.fact) {
                (Place::Provider(at), Fact::Dnskey { keys, signed_by }) => {
                    for key in keys {
                        let shown = seen.keys.entry(key.clone()).or_default();
                        shown.push((at.clone(), span.0, span.1));
                    }
                    for key in signed_by {
                        seen.sign_keys.entry(key.clone()).or_default().insert(at.clone());
                    }
                }
                (Place::Provider(at), Fact::Data { signed_by }) => {
                    for signer in signed_by {
                        if let SignerId::Key(key) = signer {
                            seen.sign_data.entry(key.clone()).or_default().insert(at.clone());
                        }
                    }
                }
                (Place::Parent, Fact::Ds(set)) => {
                    for ds in set {
                        seen.ds.entry(ds.clone()).or_default().push(span);
                    }
                }
                _ => {}
            }
        }
        seen.keys.values_mut().for_each(merge_places);
        for spans in seen.ds.values_mut() {
            let mut places: Shown = spans
                .iter()
                .map(|(from, until)| (String::new(), *from, *until))
                .collect();
            merge_places(&mut places);
            *spans = places.into_iter().map(|(_, from, until)| (from, until)).collect();
        }
        seen
    }

    fn role(&self, key: &KeyId) -> String {
        let at = |set: Option<&BTreeSet<String>>| {
            set.map(|places| places.iter().cloned().collect::<Vec<_>>().join(", "))
        };
        let roles: Vec<String> = [
            at(self.sign_keys.get(key)).map(|at| format!("signs the DNSKEY RRset at {at}")),
            at(self.sign_data.get(key)).map(|at| format!("signs data at {at}")),
        ]
        .into_iter()
        .flatten()
        .collect();
        if roles.is_empty() {
            "was not seen signing anything".to_owned()
        } else {
            roles.join("; ")
        }
    }
}

/// Stretches of one place that overlap or touch become one.
fn merge_places(shown: &mut Shown) {
    shown.sort();
    let mut out: Shown = Vec::new();
    for (place, from, until) in shown.drain(..) {
        match out.last_mut() {
            Some(last) if last.0 == place && last.2.is_none_or(|end| from <= end) => {
                last.2 = last.2.zip(until).map(|(a, b)| a.max(b));
            }
            _ => out.push((place, from, until)),
        }
    }
    *shown = out;
}

/// Calls over a channel.
pub(super) fn calls(exchanges: &[Exchange]) -> Vec<Call> {
    exchanges
        .iter()
        .map(|exchange| Call {
            with: match exchange.status {
                Some(status) => format!("{}: HTTP {status}", exchange.with),
                None => exchange.with.clone(),
            },
            sent: exchange.sent.as_ref().map(|kept| kept.blob.to_string()),
            received: exchange.received.as_ref().map(|kept| kept.blob.to_string()),
            said: exchange.said.clone(),
        })
        .collect()
}

/// Every key that was seen in a DNSKEY RRset of a provider, and every DS record at the parent.
pub(super) fn inventory(gathered: &Gathered) -> (Vec<KeyRow>, Vec<DsRow>) {
    let seen = Seen::of(gathered);
    let used = used_by(gathered);
    let owners = &gathered.state.owners;
    let mut keys: Vec<KeyRow> = gathered
        .state
        .pool
        .keys()
        .map(|id| {
            let key = id.key();
            KeyRow {
                tag: key.tag(),
                algorithm: key.algorithm,
                flags: key.flags,
                sha256: data_encoding::HEXLOWER.encode(digest(&SHA256, &key.rdata()).as_ref()),
                owner: owners.get(id).cloned(),
                role: seen.role(id),
                shown: seen.keys.get(id).cloned().unwrap_or_default(),
                authenticated: gathered
                    .authenticated
                    .get(id)
                    .map(|(told, (how, _))| (how.clone(), told.entry)),
                calls: gathered
                    .authenticated
                    .get(id)
                    .map(|(_, (_, over))| calls(over))
                    .unwrap_or_default(),
                used_by: used.keys.get(id).into_iter().flatten().cloned().collect(),
            }
        })
        .collect();
    let zone = gathered
        .state
        .servers
        .as_ref()
        .map(|servers| &servers.topology.zone);
    // By owner, the key-signing ones first: what a person looks for.
    keys.sort_by_key(|key| (key.owner.clone(), key.flags & 1 == 0, key.tag, key.sha256.clone()));
    let mut ds: Vec<DsRow> = seen
        .ds
        .iter()
        .map(|(record, shown)| {
            let key = zone.and_then(|zone| {
                let mut pool = gathered.state.pool.iter();
                pool.find(|(_, key)| record.matches(zone, key)).map(|(id, _)| id)
            });
            DsRow {
                text: record.to_string(),
                key: key.map(KeyId::to_string),
                owner: key.and_then(|key| owners.get(key).cloned()),
                shown: shown.clone(),
                by: used.ds.get(record).cloned(),
            }
        })
        .collect();
    ds.sort_by_key(|row| (row.owner.clone(), row.text.clone()));
    (keys, ds)
}

#[derive(Default)]
struct Used {
    keys: BTreeMap<KeyId, BTreeSet<String>>,
    ds: BTreeMap<Ds, String>,
}

/// Which steps put a key, or a DS record, somewhere.
fn used_by(gathered: &Gathered) -> Used {
    let mut used = Used::default();
    for (_, intended) in &gathered.intents {
        for record in intended.changes.iter().flat_map(|change| &change.add) {
            let step = intended.step.to_string();
            match record.rtype {
                Rtype::DNSKEY | Rtype::CDNSKEY => {
                    if let Some(key) = Dnskey::from_rdata(&record.rdata) {
                        used.keys.entry(key.id()).or_default().insert(step);
                    }
                }
                Rtype::DS | Rtype::CDS => {
                    let Some(ds) = Ds::from_rdata(&record.rdata) else {
                        continue;
                    };
                    if record.rtype == Rtype::DS {
                        used.ds.entry(ds.clone()).or_insert_with(|| step.clone());
                    }
                    let named = gathered.state.pool.iter();
                    let key = named
                        .filter(|(_, key)| ds.matches(&record.name, key))
                        .map(|(id, _)| id.clone())
                        .next();
                    if let Some(key) = key {
                        used.keys.entry(key).or_default().insert(step);
                    }
                }
                _ => {}
            }
        }
    }
    used
}

/// The approvals, as recorded.
pub(super) fn approvals(gathered: &Gathered) -> Vec<ApprovalRow> {
    gathered
        .approvals
        .iter()
        .map(|(told, approval)| ApprovalRow {
            said: told.clone(),
            what: approval.what.clone(),
            by: approval.by.clone(),
            note: approval.note.clone(),
            plan: approval.plan.clone(),
        })
        .collect()
}
