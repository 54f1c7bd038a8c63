//! Per zone: what has to happen now, who must do it, until when nothing may change.

use std::fmt::Write as _;

use serde::Serialize;

use super::progress::{chain_text, decision_text};
use super::span::{clock_time, spell};
use crate::dns::Name;
use crate::moment::Moment;
use crate::workflow::{
    Decision, Forecast, OwedDs, Progress, ServerVerdict, State, assess, decide, forecast, insecure_now,
    insecure_span, owed_ds,
};

/// The status of one zone.
#[derive(Clone, Debug, Serialize)]
pub struct StatusView {
    /// The zone.
    pub zone: Name,
    /// What the plan is for; none: there is no plan.
    pub purpose: Option<String>,
    /// The plan's hash.
    pub plan: Option<String>,
    /// When the latest sweep began.
    pub last_sweep: Option<Moment>,
    /// What comes next, judged on it.
    pub next: Decision,
    /// Who must do it: `unbroken`, `a person`, or nobody.
    pub who: &'static str,
    /// The first moment at which the next change may be made, where it is known.
    pub nothing_before: Option<Moment>,
    /// Time without DS that the plan wants and a person approved, where it is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insecure: Option<InsecureView>,
    /// DS records that the parent owes to a signer that rolls a key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owed: Vec<OwedDs>,
    /// The chain at every server.
    pub servers: Vec<ServerVerdict>,
    /// The steps with what is known of each.
    pub steps: Vec<StepView>,
}

/// Time without DS on purpose.
#[derive(Clone, Debug, Serialize)]
pub struct InsecureView {
    /// The step that took the DS away.
    pub step: String,
    /// When it was first intended.
    pub since: Moment,
    /// Who approved it.
    pub approved_by: String,
    /// The earliest moment at which the next DS may be added, where it is known.
    pub until: Option<Moment>,
}

/// One step's status.
#[derive(Clone, Debug, Serialize)]
pub struct StepView {
    /// The calendar's line.
    #[serde(flatten)]
    pub forecast: Forecast,
    /// `proven`, `tried` or `pending`.
    pub progress: &'static str,
}

/// The status of `zone` at the moment `now`.
pub fn status_view(zone: &Name, state: &State, now: Moment) -> StatusView {
    let next = if state.ended {
        Decision::Complete
    } else {
        decide(state)
    };
    let who = match &next {
        Decision::Person { .. } | Decision::Halt { .. } => "a person",
        Decision::Complete => "nobody",
        _ => "unbroken",
    };
    let nothing_before = match &next {
        Decision::Wait {
            until: Some(until), ..
        } => Some(Moment::from_seconds(*until)),
        _ => None,
    };
    let calendar = match state.plan_in_force() {
        Some(plan) => forecast(state, &plan, now.ceil_seconds()),
        None => Vec::new(),
    };
    let insecure = insecure_now(state).map(|planned| InsecureView {
        step: planned.step.to_string(),
        since: planned.since,
        approved_by: planned.approval.by.clone(),
        until: state
            .plan
            .as_ref()
            .and_then(|plan| insecure_span(plan, &calendar)?.1),
    });
    let steps = calendar
        .into_iter()
        .map(|line| {
            let progress = match state.progress(&line.step) {
                Progress::Pending => "pending",
                Progress::Tried(_) => "tried",
                Progress::Proven(_) => "proven",
            };
            StepView {
                forecast: line,
                progress,
            }
        })
        .collect();
    StatusView {
        zone: zone.clone(),
        purpose: state.plan.as_ref().map(|plan| plan.purpose.to_string()),
        plan: state.plan_hash.clone(),
        last_sweep: state.last_sweep.as_ref().map(|sweep| sweep.started),
        who,
        nothing_before,
        insecure,
        owed: owed_ds(state),
        servers: assess(state, now),
        next,
        steps,
    }
}

/// The status as text.
pub fn status_text(view: &StatusView, now: Moment) -> String {
    let mut out = String::new();
    let purpose = view.purpose.as_deref().unwrap_or("no plan");
    let plan = view
        .plan
        .as_deref()
        .and_then(|hash| hash.get(..12))
        .unwrap_or("-");
    let _ = writeln!(out, "{}: {purpose} (plan {plan})", view.zone);
    match view.last_sweep {
        Some(at) => {
            let _ = writeln!(
                out,
                "last look: {}, {} ago",
                clock_time(at, true),
                spell(now.since(at))
            );
        }
        None => {
            let _ = writeln!(out, "last look: never");
        }
    }
    let _ = writeln!(out, "chain: {}", chain_text(&view.servers));
    if let Some(insecure) = &view.insecure {
        let until = insecure.until.map_or_else(String::new, |at| {
            format!(", secure again not before {}", clock_time(at, true))
        });
        let _ = writeln!(
            out,
            "insecure: as planned since {} (step {}, approved by {}){until}",
            clock_time(insecure.since, true),
            insecure.step,
            insecure.approved_by
        );
    }
    for owed in &view.owed {
        let _ = writeln!(out, "owed: {owed}");
    }
    let _ = writeln!(out, "now: {}", decision_text(&view.next, now));
    let _ = writeln!(out, "who: {}", view.who);
    if let Some(at) = view.nothing_before {
        let _ = writeln!(out, "change nothing before: {}", clock_time(at, true));
    }
    for step in &view.steps {
        let mark = match step.progress {
            "proven" => "done ",
            "tried" => "tried",
            _ => "     ",
        };
        let when = match (step.progress, step.forecast.at) {
            ("proven", Some(at)) => clock_time(at, true),
            (_, Some(at)) => format!("not before {}", clock_time(at, true)),
            (_, None) => String::new(),
        };
        let _ = writeln!(out, "  {mark} {:<28} {when}", step.forecast.step.to_string());
    }
    out
}
