//! When a step may be taken: the checker's answer, and what it waits for in words and figures.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::target::Target;
use super::timeline::{Naming, Traced};
use crate::continuity::{
    Because, Change, DsRef, Earliest, Kind, NewVersion, Options, TimelineError, Value, Version, earliest,
};
use crate::dnssec::KeyId;
use crate::moment::Moment;

/// What must first leave every cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// The version, in words.
    pub version: String,
    /// Its TTL in seconds, as it counts (floor and largest known TTL included).
    pub ttl: u32,
    /// The last answer that showed it; none for a version that is only planned.
    pub last_seen: Option<Moment>,
    /// The server that gave it.
    pub server: Option<String>,
    /// When the last copy leaves the caches, Unix seconds.
    pub leaves: i64,
    /// Which rule would break before.
    pub rule: String,
    /// Nobody saw it: it may have been served until the first sweep.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub assumed: bool,
}

/// The checker's answer for one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// The first whole second at which the change adds no conflict; none: no waiting helps as things are.
    pub opens: Option<i64>,
    /// What it waits for.
    pub because: Vec<Owed>,
    /// Why no waiting helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub never: Option<String>,
    /// Whether it is open only because of a bound on sticky resolvers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sticky: bool,
}

impl Gate {
    /// Open from `at` on, waiting for nothing.
    pub fn open(at: i64) -> Gate {
        Gate {
            opens: Some(at),
            because: Vec::new(),
            never: None,
            sticky: false,
        }
    }

    /// Whether it is open at that second.
    pub fn is_open(&self, at: i64) -> bool {
        self.opens.is_some_and(|opens| opens <= at)
    }
}

impl fmt::Display for Owed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (TTL {} s", self.version, self.ttl)?;
        match (&self.last_seen, &self.server) {
            (Some(at), Some(server)) => write!(f, ", last seen {at} at {server})")?,
            _ if self.assumed => write!(f, ", taken to have been served until the first look)")?,
            _ => write!(f, ")")?,
        }
        write!(f, " leaves every cache at {}", Moment::from_seconds(self.leaves))
    }
}

/// The versions that end and begin when a step takes effect.
#[derive(Clone, Debug, Default)]
pub struct Effect {
    /// Versions that end.
    pub end: Vec<Version>,
    /// Values that begin, with their TTL in seconds.
    pub begin: Vec<(Value, u32)>,
    /// The providers that resolvers are led to by it and were not led to from this place before.
    pub leads: BTreeSet<String>,
}

impl Effect {
    /// Whether each version that ends is followed by one with which every answer validates that validated with it: more keys
    /// in a DNSKEY RRset with the same signers, or more DS records of the algorithms and digest types that were there. Then
    /// nobody fails who would not have failed without it, however much is broken already.
    fn only_improves(&self) -> bool {
        let follows = |old: &Version| self.begin.iter().any(|(new, _)| improves(&old.value, new));
        !self.end.is_empty() && self.end.iter().all(follows)
    }
}

fn improves(old: &Value, new: &Value) -> bool {
    let all = |part: &[String], of: &[String]| part.iter().all(|one| of.contains(one));
    match (old, new) {
        (
            Value::Dnskey { at, keys, signed_by },
            Value::Dnskey {
                at: new_at,
                keys: more,
                signed_by: signers,
            },
        ) => at == new_at && !keys.is_empty() && all(keys, more) && all(signed_by, signers),
        (Value::Ds { records }, Value::Ds { records: more }) => {
            let kind = |record: &DsRef| (record.key.split('/').nth(1).map(str::to_owned), record.digest);
            let kinds: Vec<_> = records.iter().map(kind).collect();
            records.iter().all(|record| more.contains(record))
                && more.iter().all(|record| kinds.contains(&kind(record)))
        }
        _ => false,
    }
}

/// What a target does to the timeline.
pub(super) fn effect(target: &Target, traced: &Traced, naming: &Naming<'_>) -> Effect {
    let open = |kind: Kind, at: Option<&str>| -> Vec<&Version> {
        let of_kind = |v: &&Version| v.until.is_none() && v.value.kind() == kind && v.value.at() == at;
        traced.timeline.versions.iter().filter(of_kind).collect()
    };
    match target {
        Target::Keys { at, present, absent } => {
            keys_effect(&open(Kind::Dnskey, Some(at)), at, present, absent)
        }
        Target::Cds { cds, would_set, .. } if !cds.is_empty() => {
            replace(&open(Kind::Ds, None), naming.ds_value(would_set))
        }
        Target::Ds(set) => replace(&open(Kind::Ds, None), naming.ds_value(set)),
        Target::ApexNs { at, hosts } => {
            let value = Value::ApexNs {
                at: at.clone(),
                providers: naming.providers(hosts),
            };
            replace(&open(Kind::ApexNs, Some(at)), value)
        }
        Target::ParentNs { hosts, .. } => replace(
            &open(Kind::ParentNs, None),
            Value::ParentNs {
                providers: naming.providers(hosts),
            },
        ),
        Target::Retired(provider) => Effect {
            end: [Kind::ApexNs, Kind::Dnskey, Kind::Data]
                .into_iter()
                .flat_map(|kind| open(kind, Some(provider)))
                .cloned()
                .collect(),
            ..Effect::default()
        },
        Target::Cds { .. } | Target::Nothing => Effect::default(),
    }
}

fn replace(open: &[&Version], value: Value) -> Effect {
    let ttl = open.iter().map(|version| version.ttl).max().unwrap_or(0);
    let end: Vec<Version> = open
        .iter()
        .filter(|version| version.value != value)
        .copied()
        .cloned()
        .collect();
    if end.is_empty() && !open.is_empty() {
        return Effect::default();
    }
    let before: Vec<&str> = open.iter().flat_map(|version| named(&version.value)).collect();
    let leads = named(&value)
        .filter(|name| !before.contains(name))
        .map(str::to_owned)
        .collect();
    Effect {
        end,
        begin: vec![(value, ttl)],
        leads,
    }
}

/// The providers that an NS RRset leads to.
fn named(value: &Value) -> impl Iterator<Item = &str> {
    let list: &[String] = match value {
        Value::ParentNs { providers } | Value::ApexNs { providers, .. } => providers,
        _ => &[],
    };
    list.iter().map(String::as_str)
}

fn keys_effect(open: &[&Version], at: &str, present: &BTreeSet<KeyId>, absent: &BTreeSet<KeyId>) -> Effect {
    let mut effect = Effect::default();
    let absent: Vec<String> = absent.iter().map(KeyId::to_string).collect();
    for version in open {
        let Value::Dnskey { keys, signed_by, .. } = &version.value else {
            continue;
        };
        let kept = |list: &[String]| {
            list.iter()
                .filter(|key| !absent.contains(key))
                .cloned()
                .collect::<Vec<_>>()
        };
        let mut keys = kept(keys);
        for key in present.iter().map(KeyId::to_string) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let value = Value::Dnskey {
            at: at.to_owned(),
            keys,
            signed_by: kept(signed_by),
        };
        if value != version.value {
            effect.end.push((*version).clone());
            effect.begin.push((value, version.ttl));
        }
    }
    effect
}

/// When `effect` may take place, at the earliest at the Unix second `as_of`.
///
/// The change may become visible at any later moment and server by server, so both are asked: the new versions beside the
/// old ones, and in their place.
///
/// What is broken already does not stand in the way of a change. That must not open the door to those that are well: where a
/// change leads resolvers to a provider to which others were led too early, it is also judged for whoever was not.
///
/// # Errors
/// If the timeline is not well-formed, which is a fault of this program.
pub fn gate(plan: &Plan, traced: &Traced, effect: &Effect, as_of: i64) -> Result<Gate, TimelineError> {
    let mut gate = Gate::open(as_of);
    for (traced, changes) in questions(traced, effect) {
        for change in changes {
            let answer = earliest(&traced.timeline, &change, as_of, &options(plan))?;
            gate = later(gate, describe(&traced, &answer, plan));
        }
    }
    Ok(gate)
}

/// Until when that gate opens at the same moment, if it is asked later and nothing else was seen; exclusive, Unix seconds.
///
/// # Errors
/// As [`gate`].
pub(super) fn lasts(plan: &Plan, traced: &Traced, effect: &Effect, as_of: i64) -> Result<i64, TimelineError> {
    let mut until = i64::MAX;
    for (traced, changes) in questions(traced, effect) {
        for change in changes {
            let one = crate::continuity::lasts(&traced.timeline, &change, as_of, &options(plan))?;
            until = until.min(one);
        }
    }
    Ok(until)
}

/// What the checker is asked: none where the change cannot do harm.
fn questions(traced: &Traced, effect: &Effect) -> Vec<(Traced, [Change; 2])> {
    if (effect.end.is_empty() && effect.begin.is_empty()) || effect.only_improves() {
        return Vec::new();
    }
    let mut asked = traced.clone();
    for (value, _) in &effect.begin {
        asked.declare(value);
    }
    let begin: Vec<NewVersion> = effect
        .begin
        .iter()
        .map(|(value, ttl)| NewVersion::new(value.clone(), *ttl))
        .collect();
    let beside = Change {
        end: Vec::new(),
        begin: begin.clone(),
    };
    let instead = Change {
        end: effect.end.clone(),
        begin,
    };
    let spared = spared(&asked, &instead, &effect.leads);
    let mut worlds = vec![(asked, [beside.clone(), instead])];
    if let Some((traced, instead)) = spared {
        worlds.push((traced, [beside, instead]));
    }
    worlds
}

/// The world of those whom nobody led to the providers in `leads` yet, and the change in it; none if that is everybody.
fn spared(traced: &Traced, change: &Change, leads: &BTreeSet<String>) -> Option<(Traced, Change)> {
    let leads_there = |version: &Version| {
        let own = version.value.at().is_some_and(|at| leads.contains(at));
        !own && named(&version.value).any(|name| leads.contains(name))
    };
    if !traced.timeline.versions.iter().any(leads_there) {
        return None;
    }
    let without = |version: &mut Version| {
        if let Value::ParentNs { providers } | Value::ApexNs { providers, .. } = &mut version.value {
            providers.retain(|name| !leads.contains(name));
        }
    };
    let (mut traced, mut change) = (traced.clone(), change.clone());
    traced.timeline.versions.iter_mut().for_each(without);
    change.end.iter_mut().for_each(without);
    Some((traced, change))
}

/// How the gates of a plan ask the checker.
pub fn options(plan: &Plan) -> Options {
    Options {
        ttl_floor: plan.rules.ttl_floor,
        stale: plan.rules.stale,
        sticky_bounded: plan.sticky_bounded,
        ..Options::default()
    }
}

fn later(a: Gate, b: Gate) -> Gate {
    match (a.opens, b.opens) {
        (None, _) => a,
        (_, None) => b,
        (Some(x), Some(y)) if y > x || (y == x && a.because.is_empty()) => b,
        _ => a,
    }
}

fn describe(traced: &Traced, answer: &Earliest, plan: &Plan) -> Gate {
    Gate {
        opens: answer.earliest,
        because: answer
            .because
            .iter()
            .map(|because| owed(traced, because, plan))
            .collect(),
        never: answer.earliest.is_none().then(|| never(answer)),
        sticky: answer.sticky,
    }
}

/// Why no waiting helps, with a mixture that would fail.
fn never(answer: &Earliest) -> String {
    let why = match &answer.reason {
        Some(reason) => reason.clone(),
        None => "no moment was found at which it adds no conflict".to_owned(),
    };
    let sides = answer.remaining.first().map(|conflict| {
        let sides = [&conflict.left, &conflict.right].into_iter().flatten();
        let words: Vec<String> = sides.map(|side| version_words(&side.value)).collect();
        words.join(" against ")
    });
    match sides {
        Some(sides) if !sides.is_empty() => format!("{why} ({sides})"),
        _ => why,
    }
}

fn owed(traced: &Traced, because: &Because, plan: &Plan) -> Owed {
    let stretch = traced.stretch(&because.version);
    Owed {
        version: version_words(&because.version.value),
        ttl: because.version.ttl.max(plan.rules.ttl_floor),
        last_seen: stretch.map(|seen| seen.last_seen),
        server: stretch.map(|seen| format!("{} ({})", seen.server, seen.address)),
        leaves: because.leaves_caches_at,
        rule: because.rule.to_string(),
        assumed: traced.is_assumed(&because.version),
    }
}

/// A version's value in words, keys by tag.
pub fn version_words(value: &Value) -> String {
    let tags = |keys: &[String]| -> String {
        let short: Vec<&str> = keys
            .iter()
            .map(|key| key.split('/').next().unwrap_or(key))
            .collect();
        if short.is_empty() {
            "none".to_owned()
        } else {
            short.join(", ")
        }
    };
    match value {
        Value::ParentNs { providers } => format!("delegation to {}", providers.join(" and ")),
        Value::ApexNs { at, providers } => format!("apex NS at {at} naming {}", providers.join(" and ")),
        Value::Ds { records } if records.is_empty() => "absence of DS".to_owned(),
        Value::Ds { records } => {
            let keys: Vec<String> = records.iter().map(|record| record.key.clone()).collect();
            format!("DS RRset naming keys {}", tags(&keys))
        }
        Value::Dnskey { at, keys, .. } => format!("DNSKEY RRset at {at} with keys {}", tags(keys)),
        Value::Data { at, signed_by } if signed_by.is_empty() => format!("unsigned data at {at}"),
        Value::Data { at, signed_by } => format!("data at {at} signed by {}", tags(signed_by)),
    }
}
