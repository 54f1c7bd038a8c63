//! The steps with plan and fact side by side, and every wait with its arithmetic.

use super::gather::{Gathered, Ref};
use super::keys::calls;
use super::view::{Attempt, EarlierPlan, StepRow, Sum, WaitRow};
use crate::moment::Moment;
use crate::ports::Applied;
use crate::report::change_lines;
use crate::workflow::{Decision, Gate, Owed, Plan, StepId};

/// So many plans before the one in force are shown, the latest of them.
pub(super) const MOST_EARLIER: usize = 16;

/// The entries in which a plan is in force: after the one that holds it, and before the one that holds the next.
#[derive(Clone, Copy)]
pub(super) struct Span {
    since: u64,
    until: u64,
}

impl Span {
    /// Of the plan in force at the end; of everything, where there is none.
    pub(super) fn last(gathered: &Gathered) -> Span {
        Span {
            since: gathered.plans.last().map_or(0, |(told, _)| told.entry),
            until: u64::MAX,
        }
    }

    fn holds(self, told: &Ref) -> bool {
        self.since < told.entry && told.entry < self.until
    }
}

/// The plans before the one in force.
pub(super) fn earlier(gathered: &Gathered) -> Vec<EarlierPlan> {
    let plans = gathered.plans.iter();
    plans
        .zip(gathered.plans.iter().skip(1))
        .rev()
        .take(MOST_EARLIER)
        .rev()
        .map(|((told, plan), (next, _))| {
            let span = Span {
                since: told.entry,
                until: next.entry,
            };
            let mut waits = waits(plan, span, gathered);
            for row in waits.iter_mut().filter(|row| row.taken.is_none()) {
                row.dropped = Some(next.at);
            }
            EarlierPlan {
                plan: plan.hash(),
                purpose: plan.purpose.to_string(),
                adopted: told.clone(),
                replaced: next.clone(),
                ended: gathered.ends.iter().any(|(told, _)| span.holds(told)),
                steps: steps(plan, span, gathered),
                waits,
            }
        })
        .collect()
}

/// The steps of a plan.
pub(super) fn steps(plan: &Plan, span: Span, gathered: &Gathered) -> Vec<StepRow> {
    let planned = gathered
        .calendar
        .iter()
        .find(|(told, _)| told.entry == span.since);
    plan.steps
        .iter()
        .enumerate()
        .map(|(at, step)| StepRow {
            number: at + 1,
            step: step.id.to_string(),
            title: step.intent.title(),
            why: step.why.clone(),
            undo: step.undo.clone(),
            after: step.after.iter().map(StepId::to_string).collect(),
            planned: planned.and_then(|(_, calendar)| {
                let line = calendar.iter().find(|line| line.step == step.id)?;
                line.at
            }),
            attempts: attempts(&step.id, span, gathered),
            proven: proven(&step.id, span, gathered),
        })
        .collect()
}

/// When a step was last seen to be done: the beginning of that sweep, and the entry.
fn proven(step: &StepId, span: Span, gathered: &Gathered) -> Option<(Moment, u64)> {
    gathered
        .proven
        .iter()
        .rev()
        .find(|(told, (proven, _))| span.holds(told) && proven.step == *step)
        .map(|(told, (proven, _))| (proven.as_of, told.entry))
}

fn attempts(step: &StepId, span: Span, gathered: &Gathered) -> Vec<Attempt> {
    let intents: Vec<_> = gathered
        .intents
        .iter()
        .filter(|(told, intended)| span.holds(told) && intended.step == *step)
        .collect();
    let mut out = Vec::new();
    for (at, (told, intended)) in intents.iter().enumerate() {
        let next = intents.get(at + 1).map_or(span.until, |(told, _)| told.entry);
        let done = gathered
            .outcomes
            .iter()
            .find(|(after, done)| done.step == *step && after.entry > told.entry && after.entry < next);
        let said = done.into_iter().flat_map(|(_, done)| &done.results);
        out.push(Attempt {
            intent: told.clone(),
            changes: intended.changes.iter().flat_map(change_lines).collect(),
            outcome: done.map(|(told, _)| told.clone()),
            calls: done.map_or_else(Vec::new, |(_, done)| calls(&done.exchanges)),
            said: said
                .map(|result| match result {
                    Ok(Applied::Accepted { said }) => format!("accepted: {said}"),
                    Ok(Applied::Manual { instructions }) => format!("for a person: {instructions}"),
                    Err(error) => format!("failed: {error}"),
                })
                .collect(),
        });
    }
    out
}

/// The waits: consecutive decisions to wait for one step are one, with the figures of the last.
pub(super) fn waits(plan: &Plan, span: Span, gathered: &Gathered) -> Vec<WaitRow> {
    let mut out: Vec<WaitRow> = Vec::new();
    // Looks and comparisons in between end no wait; another step's, or an act, does.
    let mut open: Option<StepId> = None;
    for (told, decision) in gathered.decisions.iter().filter(|(told, _)| span.holds(told)) {
        match decision {
            Decision::Wait {
                step,
                until,
                why,
                gate,
            } => {
                let again = open.as_ref() == Some(step);
                match out.last_mut().filter(|_| again) {
                    Some(row) => renew(row, told, *until, why, gate.as_ref()),
                    None => out.push(wait(plan, told, step, *until, why, gate.as_ref())),
                }
                open = Some(step.clone());
            }
            Decision::Look { .. } | Decision::Compare { .. } => {}
            _ => open = None,
        }
    }
    for row in &mut out {
        row.taken = taken(row, span, gathered);
    }
    out
}

fn wait(
    plan: &Plan,
    told: &Ref,
    step: &StepId,
    until: Option<i64>,
    why: &str,
    gate: Option<&Gate>,
) -> WaitRow {
    let number = plan.steps.iter().position(|one| one.id == *step);
    WaitRow {
        step: step.to_string(),
        number: number.map_or(0, |at| at + 1),
        first: told.clone(),
        last: told.clone(),
        times: 1,
        why: why.to_owned(),
        opens: until,
        taken: None,
        dropped: None,
        sums: sums(gate),
    }
}

fn renew(row: &mut WaitRow, told: &Ref, until: Option<i64>, why: &str, gate: Option<&Gate>) {
    row.last = told.clone();
    row.times += 1;
    row.opens = until;
    why.clone_into(&mut row.why);
    row.sums = sums(gate);
}

fn taken(row: &WaitRow, span: Span, gathered: &Gathered) -> Option<Moment> {
    let after = |told: &Ref| told.entry > row.last.entry && span.holds(told);
    let acted = gathered
        .intents
        .iter()
        .find(|(told, intended)| after(told) && intended.step.0 == row.step)
        .map(|(told, _)| told.at);
    let proven = gathered
        .proven
        .iter()
        .find(|(told, (proven, _))| after(told) && proven.step.0 == row.step)
        .map(|(told, _)| told.at);
    match (acted, proven) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn sums(gate: Option<&Gate>) -> Vec<Sum> {
    gate.into_iter().flat_map(|gate| &gate.because).map(sum).collect()
}

fn sum(owed: &Owed) -> Sum {
    Sum {
        version: owed.version.clone(),
        last_seen: owed.last_seen,
        server: owed.server.clone(),
        ttl: owed.ttl,
        fetched_until: owed.leaves.saturating_sub(i64::from(owed.ttl)),
        leaves: owed.leaves,
        rule: owed.rule.clone(),
        assumed: owed.assumed,
    }
}
