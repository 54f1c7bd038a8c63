//! A move that somebody began before anybody looked.

use super::{Finding, refuse, warn};
use crate::workflow::assumed::{assumed, assumed_words};
use crate::workflow::plan::Plan;
use crate::workflow::repair::repairs;
use crate::workflow::snapshot::Snapshot;
use crate::workflow::state::State;

/// A plan counts what may have been served before it was made; what was changed since is not in it.
pub(super) fn changed_since(plan: &Plan, now: &Snapshot) -> Option<Finding> {
    let known = |place, fact| {
        plan.assumed
            .iter()
            .any(|version| version.place == place && version.fact == fact)
    };
    let news = assumed(plan, now)
        .into_iter()
        .any(|version| !known(version.place, version.fact));
    news.then(|| {
        refuse(
            "changed-since-plan",
            "what is served is not what it was when the plan was made: somebody went on by hand",
            "plan again: a new plan counts what may still be in caches",
        )
    })
}

/// Who names itself for ever can be left only on an assumption.
pub(super) fn sticky(plan: &Plan) -> Option<Finding> {
    let leaver = plan.purpose.leaver()?;
    if plan.sticky_bounded || !plan.signer(leaver).is_some_and(|signer| signer.apex_ns_fixed) {
        return None;
    }
    Some(refuse(
        "apex-ns-fixed",
        format!(
            "{leaver} lets nobody edit its own apex NS RRset: a resolver that learns from it learns again and again to ask it, \
             and by the letter it can never be left"
        ),
        "plan with `--sticky bounded`: resolvers are then taken to forget it one TTL of that RRset after nothing else names \
         it, and a person approves that before the first step that relies on it",
    ))
}

/// What may have been served before is not known; what is assumed is said.
pub(super) fn begun(state: &State, plan: &Plan) -> Option<Finding> {
    if plan.assumed.is_empty() {
        return None;
    }
    let list: Vec<String> = plan
        .assumed
        .iter()
        .map(|version| {
            let words = assumed_words(plan, version, &state.pool);
            format!("{words} (TTL {} s)", version.ttl)
        })
        .collect();
    Some(warn(
        "begun",
        format!(
            "somebody began this move, and nobody can tell how long what was served before is gone; taken to have been served \
             until the first look: {}",
            list.join("; ")
        ),
        "nothing, the waits count it; but if a TTL was lowered on the way, wait first until the former one has passed",
    ))
}

/// What resolvers can hold now and does not validate: repaired by the first steps, or not by this plan.
pub(super) fn broken(state: &State, plan: &Plan) -> Vec<Finding> {
    let Some(sweep) = &state.last_sweep else {
        return Vec::new();
    };
    let found = repairs(state, plan, sweep.started.floor_seconds());
    let over = found.over.map_or_else(String::new, |at| {
        format!("; from {at} on no cache holds a broken mixture, if that is seen at once")
    });
    found
        .breaks
        .iter()
        .map(|broken| {
            let text = format!(
                "resolvers can hold {} beside {}, and that does not validate ({})",
                broken.left, broken.right, broken.rule
            );
            match &broken.healed_by {
                Some(step) => warn(
                    "broken-now",
                    text,
                    &format!("step {step} repairs it and needs no wait: carry the plan out now{over}"),
                ),
                None => refuse(
                    "broken-for-good",
                    text,
                    "no step of this plan repairs it: mend it at the provider or at the parent first",
                ),
            }
        })
        .collect()
}
