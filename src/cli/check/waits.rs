//! What TTLs mean for a change that is begun now: worked out by the checker of `continuity` on what is served. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Rules;
use super::report::{Report, Server};
use super::signers::signers;
use crate::continuity::{Change, DsRef, Earliest, NewVersion, Options, Timeline, Value, Version, earliest};
use crate::dns::{Name, Ttl};
use crate::dnssec::{DsSet, KeyId, Status};
use crate::moment::Moment;
use crate::ports::Topology;

/// How long a change takes, if it were begun now and each step showed everywhere at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Waits {
    /// For so long an old DS RRset stays in caches, seconds.
    pub(super) ds: Ttl,
    /// The same for a delegation: the largest TTL of the NS RRsets and of the addresses of the servers.
    pub(super) ns: Ttl,
    /// The same for the keys.
    pub(super) dnskey: Ttl,
    /// The same for other answers, as far as they were seen, or `max_ttl` of the settings.
    pub(super) data: Ttl,
    /// Every TTL counts as at least so much, seconds.
    pub(super) ttl_floor: Ttl,
    /// When a move of the zone to another signer could be done; none where no waiting helps.
    pub(super) move_ends: Option<Moment>,
    /// What its last wait is for.
    pub(super) move_waits_for: Option<String>,
    /// So long after the last DS record is gone, keys and signatures have to stay, seconds.
    pub(super) signed_after_ds: Option<u64>,
}

/// The key and the provider that a move would bring.
const NEW: &str = "another";

/// Works it out for a secure zone of which keys and signatures were seen.
pub(super) fn waits(
    report: &Report,
    topology: &Topology,
    delegated: &BTreeSet<Name>,
    rules: &Rules,
) -> Option<Waits> {
    let scene = Scene::new(report, topology, delegated, rules)?;
    let options = Options {
        ttl_floor: rules.ttl_floor,
        ..Options::default()
    };
    let moved = scene.clone().move_away(&options);
    let unsigned = scene.clone().unsigned(&options);
    Some(Waits {
        ds: scene.ttls.ds,
        ns: scene.ttls.ns,
        dnskey: scene.ttls.dnskey,
        data: scene.ttls.data,
        ttl_floor: rules.ttl_floor,
        move_ends: moved.as_ref().map(|(at, _)| Moment::from_seconds(*at)),
        move_waits_for: moved.and_then(|(_, why)| why),
        signed_after_ds: unsigned.and_then(|at| u64::try_from(at - scene.now).ok()),
    })
}

#[derive(Clone, Copy, Debug)]
struct Lives {
    ds: Ttl,
    ns: Ttl,
    dnskey: Ttl,
    data: Ttl,
}

/// The timeline of what is served now, since now.
#[derive(Clone)]
struct Scene {
    timeline: Timeline,
    ttls: Lives,
    now: i64,
    /// The signers now.
    old: Vec<String>,
}

impl Scene {
    fn new(report: &Report, topology: &Topology, delegated: &BTreeSet<Name>, rules: &Rules) -> Option<Scene> {
        let ds = report
            .chain
            .ds
            .first()
            .filter(|_| report.chain.status == Status::Secure)?;
        let groups: Vec<Vec<&Server>> = signers(&report.servers)
            .iter()
            .map(|group| {
                group
                    .iter()
                    .filter_map(|index| report.servers.get(*index))
                    .filter(|server| server.reached && server.keys.is_some())
                    .collect::<Vec<_>>()
            })
            .filter(|group: &Vec<_>| !group.is_empty())
            .collect();
        let ttls = lives(report, topology, rules)?;
        let old: Vec<String> = (1..=groups.len())
            .map(|number| format!("signer {number}"))
            .collect();
        let mut scene = Scene {
            timeline: Timeline::default(),
            ttls,
            now: report.at.ceil_seconds(),
            old,
        };
        scene.timeline = scene.served(report, &groups, ds, delegated);
        (!groups.is_empty() && scene.timeline.validate().is_ok()).then_some(scene)
    }

    /// What is served now, each thing that differs between servers as versions side by side.
    fn served(
        &self,
        report: &Report,
        groups: &[Vec<&Server>],
        ds: &DsSet,
        delegated: &BTreeSet<Name>,
    ) -> Timeline {
        let mut keys: BTreeMap<String, u8> = BTreeMap::new();
        let mut values: Vec<(Value, Ttl)> = Vec::new();
        let mut hosts: BTreeMap<&Name, &str> = BTreeMap::new();
        for (name, group) in self.old.iter().zip(groups) {
            hosts.extend(group.iter().map(|server| (&server.server, name.as_str())));
        }
        let led_to = |names: &BTreeSet<Name>| -> Vec<String> {
            let found: BTreeSet<&str> = names.iter().filter_map(|name| hosts.get(name).copied()).collect();
            found.into_iter().map(str::to_owned).collect()
        };
        let named = |keys: &mut BTreeMap<String, u8>, ids: &BTreeSet<KeyId>| -> Vec<String> {
            keys.extend(ids.iter().map(|id| (id.to_string(), id.key().algorithm)));
            ids.iter().map(ToString::to_string).collect()
        };
        values.push((
            Value::ParentNs {
                providers: led_to(delegated),
            },
            self.ttls.ns,
        ));
        for (at, group) in self.old.iter().zip(groups) {
            for server in group {
                values.push((
                    Value::ApexNs {
                        at: at.clone(),
                        providers: server.ns.as_ref().map(&led_to).unwrap_or_default(),
                    },
                    self.ttls.ns,
                ));
                values.push((
                    Value::Dnskey {
                        at: at.clone(),
                        keys: named(&mut keys, server.keys.as_ref().unwrap_or(&BTreeSet::new())),
                        signed_by: named(&mut keys, &server.key_signers),
                    },
                    self.ttls.dnskey,
                ));
                for set in &server.signer_sets {
                    values.push((
                        Value::Data {
                            at: at.clone(),
                            signed_by: named(&mut keys, set),
                        },
                        self.ttls.data,
                    ));
                }
            }
        }
        values.push((self.ds_value(report, ds, &mut keys), self.ttls.ds));
        let algorithm = ds.iter().map(|ds| ds.algorithm).next().unwrap_or(13);
        keys.insert(NEW.to_owned(), algorithm);
        let providers = self.old.iter().map(String::as_str).chain([NEW]);
        let mut timeline = Timeline::new(
            &report.zone.to_string(),
            providers,
            keys.iter().map(|(name, algorithm)| (name.as_str(), *algorithm)),
        );
        let longest = values.iter().map(|(_, ttl)| *ttl).max().unwrap_or(0);
        for (value, ttl) in values {
            // Served for longer than a copy lives: nothing before it counts.
            let from = self.now - i64::from(longest) - 1;
            let version = Version::new(value, from, None, ttl);
            if !timeline.versions.contains(&version) {
                timeline.versions.push(version);
            }
        }
        timeline
    }

    fn ds_value(&self, report: &Report, ds: &DsSet, keys: &mut BTreeMap<String, u8>) -> Value {
        let records = ds
            .iter()
            .map(|ds| {
                let row = report.ds.iter().find(|row| row.ds == *ds);
                let key = match row.and_then(|row| row.key.as_ref()) {
                    Some(id) => id.to_string(),
                    None => format!("{}/{} of no server", ds.tag, ds.algorithm),
                };
                keys.insert(key.clone(), ds.algorithm);
                DsRef {
                    key,
                    digest: ds.digest_type,
                }
            })
            .collect();
        Value::Ds { records }
    }

    /// Changes every version for which `new` gives something (none inside: it only ends), as soon as that adds no conflict.
    fn change(
        &mut self,
        options: &Options,
        add: &[(Value, Ttl)],
        new: impl Fn(&Value) -> Option<Option<Value>>,
    ) -> Option<Earliest> {
        let mut change = Change::default();
        for version in self
            .timeline
            .versions
            .iter()
            .filter(|version| version.until.is_none())
        {
            if let Some(successor) = new(&version.value) {
                if successor.as_ref() == Some(&version.value) {
                    continue;
                }
                change.end.push(version.clone());
                let begins = successor.map(|value| NewVersion::new(value, version.ttl));
                change
                    .begin
                    .extend(begins.filter(|begins| !change.begin.contains(begins)));
            }
        }
        for (value, ttl) in add {
            change.begin.push(NewVersion::new(value.clone(), *ttl));
        }
        let answer = earliest(&self.timeline, &change, self.now, options).ok()?;
        let at = answer.earliest?;
        for version in &mut self.timeline.versions {
            if change.end.contains(version) {
                version.until = Some(at.max(version.from));
            }
        }
        let begun = change.begin.iter().map(|version| version.beginning(at));
        self.timeline.versions.extend(begun);
        self.now = at;
        Some(answer)
    }

    /// A move of the whole zone to another signer, in the order of RFC 8901: keys and DS, names, names again, DS, keys.
    fn move_away(mut self, options: &Options) -> Option<(i64, Option<String>)> {
        let new = || NEW.to_owned();
        let lives = self.ttls;
        let data_keys: BTreeSet<String> = self
            .timeline
            .versions
            .iter()
            .filter_map(|version| match &version.value {
                Value::Data { signed_by, .. } => Some(signed_by.clone()),
                _ => None,
            })
            .flatten()
            .collect();
        let with_new =
            |list: &[String]| -> Vec<String> { list.iter().cloned().chain([NEW.to_owned()]).collect() };
        let newcomer = [
            (
                Value::Dnskey {
                    at: new(),
                    keys: data_keys.into_iter().chain([new()]).collect(),
                    signed_by: vec![new()],
                },
                lives.dnskey,
            ),
            (
                Value::Data {
                    at: new(),
                    signed_by: vec![new()],
                },
                lives.data,
            ),
            (
                Value::ApexNs {
                    at: new(),
                    providers: with_new(&self.old),
                },
                lives.ns,
            ),
        ];
        self.change(options, &newcomer, |value| match value {
            Value::Dnskey { at, keys, signed_by } => Some(Some(Value::Dnskey {
                at: at.clone(),
                keys: with_new(keys),
                signed_by: signed_by.clone(),
            })),
            Value::Ds { records } => {
                let digest = records.iter().map(|ds| ds.digest).max().unwrap_or(2);
                let mut records = records.clone();
                records.push(DsRef { key: new(), digest });
                Some(Some(Value::Ds { records }))
            }
            _ => None,
        })?;
        let names = |all: Vec<String>| {
            move |value: &Value| match value {
                Value::ParentNs { .. } => Some(Some(Value::ParentNs {
                    providers: all.clone(),
                })),
                Value::ApexNs { at, .. } => Some(Some(Value::ApexNs {
                    at: at.clone(),
                    providers: all.clone(),
                })),
                _ => None,
            }
        };
        let both = with_new(&self.old);
        self.change(options, &[], names(both))?;
        self.change(options, &[], names(vec![new()]))?;
        let last = [
            self.clone().change(options, &[], |value| match value {
                Value::Ds { .. } => Some(Some(Value::Ds {
                    records: vec![DsRef {
                        key: new(),
                        digest: 2,
                    }],
                })),
                _ => None,
            })?,
            self.clone().change(options, &[], |value| match value {
                Value::Dnskey { at, .. } if at == NEW => Some(Some(Value::Dnskey {
                    at: new(),
                    keys: vec![new()],
                    signed_by: vec![new()],
                })),
                _ => None,
            })?,
            self.change(options, &[], |value| match value.at() {
                Some(at) if at != NEW => Some(None),
                _ => None,
            })?,
        ];
        let end = last.iter().max_by_key(|answer| answer.earliest)?;
        let why = end
            .because
            .iter()
            .max_by_key(|because| because.leaves_caches_at)
            .map(|because| words(&because.version));
        Some((end.earliest?, why))
    }

    /// How long after the DS RRset was taken away the zone may become unsigned.
    fn unsigned(mut self, options: &Options) -> Option<i64> {
        self.change(options, &[], |value| match value {
            Value::Ds { .. } => Some(Some(Value::Ds { records: Vec::new() })),
            _ => None,
        })?;
        let answer = self.change(options, &[], |value| match value {
            Value::Dnskey { at, .. } => Some(Some(Value::Dnskey {
                at: at.clone(),
                keys: Vec::new(),
                signed_by: Vec::new(),
            })),
            Value::Data { at, .. } => Some(Some(Value::Data {
                at: at.clone(),
                signed_by: Vec::new(),
            })),
            _ => None,
        })?;
        answer.earliest
    }
}

/// The TTLs that were seen; none where some thing has none.
fn lives(report: &Report, topology: &Topology, rules: &Rules) -> Option<Lives> {
    let reached = || report.servers.iter().filter(|server| server.reached);
    let most = |of: &dyn Fn(&Server) -> Option<Ttl>| reached().filter_map(of).max();
    let hosts = topology.delegated.iter().map(|server| server.address_ttl).max();
    let parent = report.parent.iter().map(|server| server.ns_ttl).max();
    let data = [
        most(&|server| server.ttls.data),
        most(&|server| server.ttls.negative),
        rules.max_ttl,
    ];
    Some(Lives {
        ds: report.parent.iter().map(|server| server.ttl).max()?,
        ns: [most(&|server| server.ttls.ns), hosts, parent]
            .into_iter()
            .flatten()
            .max()?,
        dnskey: most(&|server| server.ttls.dnskey)?,
        data: data.into_iter().flatten().max()?,
    })
}

/// What a wait is for.
fn words(version: &Version) -> String {
    match &version.value {
        Value::ParentNs { .. } => "the delegation to the former servers".to_owned(),
        Value::ApexNs { .. } => "NS records that name the former servers".to_owned(),
        Value::Ds { .. } => "the former DS RRset".to_owned(),
        Value::Dnskey { .. } => "the former signer's keys".to_owned(),
        Value::Data { .. } => "answers signed by the former signer".to_owned(),
    }
}
