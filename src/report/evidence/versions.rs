//! The versions that were seen, each with the answer that showed it first, in the lanes of the picture.

use std::collections::BTreeMap;

use super::gather::{Gathered, Source};
use super::view::{Lane, VersionRow};
use crate::continuity::{Kind, Value, Version};
use crate::evidence::Place;
use crate::moment::Moment;
use crate::workflow::{Plan, Served, Stretch, Traced, version_words};

/// The lanes of the parent and of each provider, and where each kind goes.
pub(super) struct Lanes {
    pub(super) lanes: Vec<Lane>,
    index: BTreeMap<(Option<String>, u8), usize>,
}

/// `resolvers led here`, beside the kinds of the checker.
const LED: u8 = 10;
/// `servers answer`.
const ANSWER: u8 = 11;

impl Lanes {
    pub(super) fn of(plan: &Plan) -> Lanes {
        let mut out = Lanes {
            lanes: Vec::new(),
            index: BTreeMap::new(),
        };
        let parent = format!("parent {}", plan.parent);
        out.add(None, rank(Kind::Ds), &parent, "DS");
        out.add(None, rank(Kind::ParentNs), &parent, "NS");
        for signer in &plan.signers {
            let group = format!("provider {}", signer.name);
            let at = Some(signer.name.clone());
            out.add(at.clone(), rank(Kind::Dnskey), &group, "DNSKEY");
            out.add(at.clone(), rank(Kind::Data), &group, "signatures");
            out.add(at.clone(), rank(Kind::ApexNs), &group, "apex NS");
            out.add(at.clone(), LED, &group, "resolvers led here");
            out.add(at, ANSWER, &group, "servers answer");
        }
        out
    }

    fn add(&mut self, at: Option<String>, kind: u8, group: &str, title: &str) {
        self.index.insert((at, kind), self.lanes.len());
        self.lanes.push(Lane {
            group: group.to_owned(),
            title: title.to_owned(),
        });
    }

    pub(super) fn of_value(&self, value: &Value) -> Option<usize> {
        let at = value.at().map(str::to_owned);
        self.index.get(&(at, rank(value.kind()))).copied()
    }

    /// The lanes of what a provider serves, or the parent where none is named.
    pub(super) fn served_by(&self, at: Option<&str>) -> impl Iterator<Item = usize> + '_ {
        let at = at.map(str::to_owned);
        let own = move |key: &(Option<String>, u8)| key.0 == at && key.1 < LED;
        self.index
            .iter()
            .filter(move |(key, _)| own(key))
            .map(|(_, lane)| *lane)
    }

    pub(super) fn led(&self, provider: &str) -> Option<usize> {
        self.index.get(&(Some(provider.to_owned()), LED)).copied()
    }

    pub(super) fn answer(&self, provider: &str) -> Option<usize> {
        self.index.get(&(Some(provider.to_owned()), ANSWER)).copied()
    }
}

fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::Ds => 0,
        Kind::ParentNs => 1,
        Kind::Dnskey => 2,
        Kind::Data => 3,
        Kind::ApexNs => 4,
    }
}

/// Every version that was seen, in order of lanes and time, numbered.
pub(super) fn versions(
    plan: &Plan,
    traced: &Traced,
    lanes: &Lanes,
    sources: &Sources<'_>,
) -> Vec<VersionRow> {
    let mut rows: Vec<VersionRow> = traced
        .timeline
        .versions
        .iter()
        .zip(&traced.seen)
        .filter_map(|(version, seen)| {
            let lane = lanes.of_value(&version.value)?;
            let stretch = seen.as_ref();
            Some(row(plan, version, stretch, lane, sources))
        })
        .collect();
    rows.extend(led(plan, traced, lanes));
    let mut rows = merged(rows);
    // Of those that begin and end together, the one with fewer keys first.
    let keys = |row: &VersionRow| row.label.split(' ').count();
    rows.sort_by_key(|row| (row.lane, row.from, row.until.unwrap_or(i64::MAX), keys(row)));
    for (at, row) in rows.iter_mut().enumerate() {
        row.number = at + 1;
    }
    rows
}

/// Rows of a lane that say the same and touch are one: it has the largest TTL and the first answer of them all.
fn merged(mut rows: Vec<VersionRow>) -> Vec<VersionRow> {
    rows.sort_by(|a, b| (a.lane, &a.words, a.from).cmp(&(b.lane, &b.words, b.from)));
    let mut out: Vec<VersionRow> = Vec::new();
    for row in rows {
        let same = out.last_mut().filter(|last| {
            last.lane == row.lane
                && last.words == row.words
                && last.until.is_none_or(|until| row.from <= until)
        });
        let Some(last) = same else {
            out.push(row);
            continue;
        };
        last.until = last.until.zip(row.until).map(|(a, b)| a.max(b));
        last.gone = last.gone.zip(row.gone).map(|(a, b)| a.max(b));
        last.ttl = last.ttl.max(row.ttl);
        if row.last_seen > last.last_seen {
            last.last_seen = row.last_seen;
            last.server = row.server;
        }
        let earlier = |source: &Source| last.source.as_ref().is_none_or(|held| source.entry < held.entry);
        if row.source.as_ref().is_some_and(earlier) {
            last.source = row.source;
        }
    }
    out
}

fn row(
    plan: &Plan,
    version: &Version,
    seen: Option<&Stretch>,
    lane: usize,
    sources: &Sources<'_>,
) -> VersionRow {
    let ttl = counted(plan, version);
    let source = seen.and_then(|seen| sources.of(seen)).cloned();
    VersionRow {
        number: 0,
        lane,
        words: version_words(&version.value),
        label: label(&version.value),
        from: version.from,
        until: version.until,
        gone: version.until.map(|until| until.saturating_add(i64::from(ttl))),
        ttl,
        last_seen: seen.map(|seen| seen.last_seen),
        server: seen.map(|seen| format!("{} ({})", seen.server, seen.address)),
        source,
    }
}

/// The TTL as the rules of the plan make it count.
fn counted(plan: &Plan, version: &Version) -> u32 {
    let stale = match version.value.kind() {
        Kind::Data | Kind::ApexNs | Kind::ParentNs => plan.rules.stale,
        Kind::Ds | Kind::Dnskey => 0,
    };
    version.ttl.max(plan.rules.ttl_floor).saturating_add(stale)
}

/// For each provider, the delegations that led resolvers to it.
fn led<'a>(plan: &'a Plan, traced: &'a Traced, lanes: &'a Lanes) -> impl Iterator<Item = VersionRow> + 'a {
    plan.signers.iter().flat_map(move |signer| {
        let lane = lanes.led(&signer.name);
        let mut stretches: Vec<(i64, Option<i64>, Option<i64>, u32)> = Vec::new();
        let mut named: Vec<&Version> = traced
            .timeline
            .versions
            .iter()
            .filter(|v| matches!(&v.value, Value::ParentNs { providers } if providers.contains(&signer.name)))
            .collect();
        named.sort_by_key(|version| version.from);
        for version in named {
            let ttl = counted(plan, version);
            let gone = version.until.map(|until| until.saturating_add(i64::from(ttl)));
            match stretches.last_mut() {
                Some(last) if last.2.is_none_or(|gone| version.from <= gone) => {
                    last.1 = last.1.zip(version.until).map(|(a, b)| a.max(b));
                    last.2 = last.2.zip(gone).map(|(a, b)| a.max(b));
                    last.3 = last.3.max(ttl);
                }
                _ => stretches.push((version.from, version.until, gone, ttl)),
            }
        }
        stretches.into_iter().filter_map(move |(from, until, gone, ttl)| {
            Some(VersionRow {
                number: 0,
                lane: lane?,
                words: format!("the delegation leads resolvers to {}", signer.name),
                label: "led here".to_owned(),
                from,
                until,
                gone,
                ttl,
                last_seen: None,
                server: None,
                source: None,
            })
        })
    })
}

/// For each fact the answers that began to say it, in order of time.
pub(super) struct Sources<'a>(BTreeMap<(&'a Place, &'a Served), Vec<(Moment, &'a Source)>>);

impl<'a> Sources<'a> {
    pub(super) fn of_ledger(gathered: &'a Gathered) -> Sources<'a> {
        let mut out: BTreeMap<(&Place, &Served), Vec<(Moment, &Source)>> = BTreeMap::new();
        for (key, stream) in gathered.state.ledger.streams() {
            for (number, run) in stream.runs.iter().enumerate() {
                let Some(source) = gathered.source(key, number) else {
                    continue;
                };
                for served in run.facts.iter() {
                    let known = out.entry((&key.place, served)).or_default();
                    known.push((run.begin, source));
                }
            }
        }
        for sources in out.values_mut() {
            sources.sort_by_key(|(at, source)| (*at, source.entry));
        }
        Sources(out)
    }

    /// The first answer that showed it.
    pub(super) fn of(&self, seen: &Stretch) -> Option<&'a Source> {
        let within = |at: Moment| at >= seen.from && seen.until.is_none_or(|until| at <= until);
        let known = self.0.get(&(&seen.place, &seen.served))?;
        known
            .iter()
            .find(|(at, _)| within(*at))
            .map(|(_, source)| *source)
    }
}

/// What fits into a bar: tags, or the providers named.
fn label(value: &Value) -> String {
    let tags = |keys: &[String]| {
        let tags: Vec<&str> = keys.iter().filter_map(|key| key.split('/').next()).collect();
        tags.join(" ")
    };
    match value {
        Value::ParentNs { providers } | Value::ApexNs { providers, .. } => providers.join(" + "),
        Value::Ds { records } if records.is_empty() => "no DS".to_owned(),
        Value::Ds { records } => tags(
            &records
                .iter()
                .map(|record| record.key.clone())
                .collect::<Vec<_>>(),
        ),
        Value::Dnskey { keys, .. } if keys.is_empty() => "no keys".to_owned(),
        Value::Dnskey { keys, .. } => tags(keys),
        Value::Data { signed_by, .. } if signed_by.is_empty() => "unsigned".to_owned(),
        Value::Data { signed_by, .. } => tags(signed_by),
    }
}
