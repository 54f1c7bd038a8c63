//! What was found: conflicts, faults, outages, changed keys, jumps of the clock, differing copies, halts, refusals.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::gather::Gathered;
use super::versions::Sources;
use super::view::{About, Assurance, FindingRow, Standing};
use crate::continuity::{Conflict, Rule, Version};
use crate::evidence::Place;
use crate::workflow::{Decision, Phase, Traced, version_words};

/// A conflict, told once for all the classes of resolvers that it concerns.
pub(super) struct Broken {
    pub(super) text: String,
    pub(super) from: i64,
    pub(super) until: Option<i64>,
    pub(super) evidence: Vec<String>,
    /// Nobody looked, or nothing was seen: unknown, and no proof of a break.
    pub(super) gap: bool,
}

/// The checker's conflicts, those of several classes as one.
pub(super) fn broken(conflicts: &[Conflict], traced: &Traced, sources: &Sources<'_>) -> Vec<Broken> {
    type Pair = (i64, Option<i64>, Rule, String, String);
    let mut by_pair: BTreeMap<Pair, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for conflict in conflicts {
        let side = |version: &Option<Arc<Version>>| match (version, &conflict.provider, conflict.missing) {
            (Some(version), _, _) => version_words(&version.value),
            (None, Some(provider), Some(kind)) => format!("no {kind} was seen at {provider}"),
            (None, Some(provider), None) => format!("{provider} serves nothing then"),
            (None, None, Some(kind)) => format!("no {kind} was seen at the parent"),
            (None, None, None) => "nothing".to_owned(),
        };
        let (left, right) = (side(&conflict.left), side(&conflict.right));
        let key = (conflict.from, conflict.until, conflict.rule, left, right);
        let told = by_pair.entry(key).or_default();
        let class = conflict.class.map(|class| class.to_string());
        told.0.extend(class.filter(|class| !told.0.contains(class)));
        let versions = [&conflict.left, &conflict.right, &conflict.third];
        for stretch in versions
            .into_iter()
            .flatten()
            .filter_map(|version| traced.stretch(version))
        {
            let blob = sources.of(stretch).map(|source| source.blob.clone());
            told.1.extend(blob.filter(|blob| !told.1.contains(blob)));
        }
    }
    by_pair
        .into_iter()
        .map(|((from, until, rule, left, right), (classes, evidence))| {
            let for_whom = if classes.is_empty() {
                String::new()
            } else {
                format!(" (resolvers: {})", classes.join(", "))
            };
            Broken {
                text: format!("{rule}: {left} beside {right}{for_whom}"),
                from,
                until,
                evidence,
                gap: rule == Rule::Gap,
            }
        })
        .collect()
}

/// All findings, the gravest first.
pub(super) fn findings(gathered: &Gathered, broken: &[Broken], assurance: &Assurance) -> Vec<FindingRow> {
    let mut out = of_bundle(assurance);
    for one in broken {
        out.push(FindingRow {
            kind: if one.gap { "not observed" } else { "conflict" },
            text: one.text.clone(),
            from: Some(one.from),
            until: one.until,
            entry: None,
            evidence: one.evidence.clone(),
        });
    }
    out.extend(of_run(gathered));
    out.extend(outages(gathered));
    out
}

/// What the verification found, but for the conflicts, which are told with both sides.
fn of_bundle(assurance: &Assurance) -> Vec<FindingRow> {
    assurance
        .checks
        .iter()
        .filter(|check| check.standing == Standing::Fails && check.what != "not-continuous")
        .map(|check| FindingRow {
            kind: match check.about {
                About::Evidence => "bundle",
                About::Zone => "answer",
            },
            text: format!("{}: {}", check.what, check.detail),
            from: None,
            until: None,
            entry: check.entry,
            evidence: check.blob.iter().cloned().collect(),
        })
        .collect()
}

fn of_run(gathered: &Gathered) -> Vec<FindingRow> {
    let row = |kind, text: String, at: &super::gather::Ref| FindingRow {
        kind,
        text,
        from: Some(at.at.floor_seconds()),
        until: None,
        entry: Some(at.entry),
        evidence: Vec::new(),
    };
    let mut out = Vec::new();
    for (told, failing) in &gathered.failing {
        out.push(row("fault", failing.to_string(), told));
    }
    for (told, alarm) in &gathered.alarms {
        let phase = match alarm.phase {
            Phase::Begin => "begins",
            Phase::Over => "is over",
        };
        let text = format!("{} {phase}: {}", alarm.code, alarm.text);
        out.push(row("alarm", text, told));
    }
    for (told, decision) in &gathered.decisions {
        if let Decision::Halt { what, .. } = decision {
            out.push(row("halt", what.clone(), told));
        }
    }
    for (told, done) in &gathered.outcomes {
        for error in done.results.iter().filter_map(|result| result.as_ref().err()) {
            out.push(row("refused", format!("{}: {error}", done.step), told));
        }
    }
    for (told, changed) in &gathered.changed {
        out.push(row("keys", changed.to_string(), told));
    }
    for (told, jump) in &gathered.clocks {
        out.push(row("clock", jump.to_string(), told));
    }
    let mut last = "";
    for (told, words) in &gathered.differences {
        if words != last {
            out.push(row("contents", words.clone(), told));
        }
        last = words;
    }
    out.sort_by_key(|row| row.entry);
    out
}

fn outages(gathered: &Gathered) -> Vec<FindingRow> {
    let mut out = Vec::new();
    for watched in gathered.coverage.watched() {
        for outage in &watched.outages {
            let whose = match &watched.place {
                Place::Provider(name) => format!("provider {name}"),
                Place::Parent => "parent".to_owned(),
                Place::Ancestor(zone) => zone.to_string(),
            };
            out.push(FindingRow {
                kind: "outage",
                text: format!(
                    "{} ({}) of {whose}: {}",
                    watched.server, watched.address, outage.why
                ),
                from: Some(outage.from.floor_seconds()),
                until: outage.until.map(crate::moment::Moment::ceil_seconds),
                entry: None,
                evidence: Vec::new(),
            });
        }
    }
    out
}
