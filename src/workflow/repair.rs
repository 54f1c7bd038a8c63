//! What is broken in the state that is served, and which steps of the plan repair it. A repair is allowed at once: a change
//! that only adds keys or DS records, or takes names out, adds no conflict.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::assess::assess_under;
use super::gate::{effect, options, version_words};
use super::plan::{Intent, Plan, Purpose, Step, StepId};
use super::snapshot::Snapshot;
use super::state::State;
use super::target::target;
use super::timeline::{Naming, Traced, timeline_with_assumed};
use crate::continuity::{Class, Conflict, Kind, Options, Rule, Version, check};
use crate::dns::Name;
use crate::dnssec::Status;
use crate::moment::Moment;

/// A mixture that resolvers can hold for as long as nothing is changed, and that does not validate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    /// The rule that it breaks.
    pub rule: String,
    /// The one side, in words.
    pub left: String,
    /// The other.
    pub right: String,
    /// The first step that repairs it; none: no step that could be taken at once does.
    pub healed_by: Option<StepId>,
}

/// What is broken, and what becomes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repairs {
    /// Each broken pair of places.
    pub breaks: Vec<Break>,
    /// From when on no cache can hold a broken mixture any more if the repair shows at once.
    pub over: Option<Moment>,
}

/// Whether the step may come ahead of others to repair something: it only adds what resolvers may trust, or it is a leaver's
/// name that goes.
pub(super) fn may_repair(plan: &Plan, intent: &Intent) -> bool {
    match intent {
        Intent::ShareKeys { .. } => true,
        Intent::SetDs { without, .. } => without.is_empty(),
        Intent::SetApexNs { .. } | Intent::SetParentNs { .. } => {
            matches!(plan.purpose, Purpose::Leave { .. })
        }
        _ => false,
    }
}

/// What is broken in what is served now, as far as `plan` is pending; `as_of` in Unix seconds.
pub fn repairs(state: &State, plan: &Plan, as_of: i64) -> Repairs {
    let traced = timeline_with_assumed(plan, &state.ledger, &state.pool);
    let (breaks, _) = mend(state, plan, &traced, as_of);
    if breaks.is_empty() {
        return Repairs::default();
    }
    let mut mended = traced;
    let mut now = state.snapshot().clone();
    for step in pending(state, plan) {
        take(plan, state, step, &mut now, &mut mended, as_of);
    }
    let report = check(&mended.timeline, &lenient(plan));
    let of_chain = report.conflicts.iter().filter(|conflict| is_of_chain(conflict));
    let ends: Option<Vec<i64>> = of_chain.map(|conflict| conflict.until).collect();
    Repairs {
        breaks,
        over: ends
            .and_then(|ends| ends.into_iter().max())
            .map(|end| Moment::from_seconds(end.max(as_of))),
    }
}

/// The steps that repair something now, what breaks most first: a DS that leads nowhere, then keys that are missing. None where
/// nothing is broken.
pub(super) fn healing(state: &State, plan: &Plan, traced: &Traced, as_of: i64) -> Option<Vec<StepId>> {
    let (breaks, _) = mend(state, plan, traced, as_of);
    if breaks.is_empty() {
        return None;
    }
    Some(breaks.into_iter().filter_map(|broken| broken.healed_by).collect())
}

/// Whether every server that resolvers are led to is well once the pending steps that may repair are done.
pub(super) fn heals(state: &State, plan: &Plan, traced: &Traced, at: Moment) -> bool {
    let (breaks, ahead) = mend(state, plan, traced, at.floor_seconds());
    if breaks.is_empty() || breaks.iter().any(|broken| broken.healed_by.is_none()) {
        return false;
    }
    let sets: Vec<_> = ahead.ds.values.keys().collect();
    let named: BTreeSet<&Name> = ahead.parent_ns.values.keys().flatten().collect();
    !assess_under(state, at, &sets)
        .iter()
        .any(|verdict| named.contains(&verdict.server) && verdict.status == Status::Bogus)
}

fn pending<'a>(state: &'a State, plan: &'a Plan) -> impl Iterator<Item = &'a Step> {
    plan.steps
        .iter()
        .filter(|step| may_repair(plan, &step.intent) && !state.is_proven(&step.id))
}

/// Takes the pending steps that may repair, one after the other, in a world that holds nothing but what is served.
fn mend(state: &State, plan: &Plan, traced: &Traced, as_of: i64) -> (Vec<Break>, Snapshot) {
    let mut now = state.snapshot().clone();
    let mut world = Traced::default();
    world.timeline.zone.clone_from(&traced.timeline.zone);
    for version in traced.timeline.versions.iter().filter(|v| v.until.is_none()) {
        world.push(version.clone(), None);
    }
    let mut broken = lasting(plan, &world);
    let mut breaks: Vec<(Pair, Break)> = broken
        .iter()
        .map(|(pair, words)| (pair.clone(), words.clone()))
        .collect();
    if breaks.is_empty() {
        return (Vec::new(), now);
    }
    for step in pending(state, plan) {
        if !take(plan, state, step, &mut now, &mut world, as_of) {
            continue;
        }
        // Only what is served for ever counts here; what it replaced is gone.
        let open: Vec<Version> = world
            .timeline
            .versions
            .drain(..)
            .filter(|v| v.until.is_none())
            .collect();
        world.seen.clear();
        for version in open {
            world.push(version, None);
        }
        let still = lasting(plan, &world);
        for (pair, broken) in &mut breaks {
            if broken.healed_by.is_none() && !still.contains_key(pair) {
                broken.healed_by = Some(step.id.clone());
            }
        }
        broken = still;
    }
    // What a later step broke again would not be healed.
    for (pair, found) in &mut breaks {
        if broken.contains_key(pair) {
            found.healed_by = None;
        }
    }
    (breaks.into_iter().map(|(_, found)| found).collect(), now)
}

fn take(plan: &Plan, state: &State, step: &Step, now: &mut Snapshot, world: &mut Traced, as_of: i64) -> bool {
    let Ok(wanted) = target(plan, &step.intent, now) else {
        return false;
    };
    if wanted.reached(now) {
        return false;
    }
    let effect = effect(&wanted, world, &Naming::new(plan, &state.pool));
    world.advance(&effect, as_of, plan.rules.margin);
    now.take(&wanted);
    true
}

/// The rule and the two places: versions come and go, these stay.
type Pair = (Rule, Option<Kind>, Option<String>, Option<String>);

/// The mixtures that do not validate and do not end by themselves.
fn lasting(plan: &Plan, world: &Traced) -> BTreeMap<Pair, Break> {
    let report = check(&world.timeline, &lenient(plan));
    let words = |version: Option<&Version>| version.map(|v| version_words(&v.value)).unwrap_or_default();
    let at = |version: Option<&Version>| version.and_then(|v| v.value.at().map(str::to_owned));
    report
        .conflicts
        .iter()
        .filter(|conflict| conflict.until.is_none() && is_of_chain(conflict))
        .map(|conflict| {
            let (left, right) = (conflict.left.as_deref(), conflict.right.as_deref());
            let pair = (conflict.rule, left.map(|v| v.value.kind()), at(left), at(right));
            let found = Break {
                rule: conflict.rule.to_string(),
                left: words(left),
                right: words(right),
                healed_by: None,
            };
            (pair, found)
        })
        .collect()
}

fn is_of_chain(conflict: &Conflict) -> bool {
    matches!(conflict.rule, Rule::DsDnskey | Rule::DnskeyData | Rule::DsData)
}

/// What every resolver does; what breaks for a stricter one alone is not called broken.
fn lenient(plan: &Plan) -> Options {
    Options {
        classes: Some(vec![Class::AllLenient]),
        ..options(plan)
    }
}
