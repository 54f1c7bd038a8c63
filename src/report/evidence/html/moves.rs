//! Steps, plan and fact side by side, and waits with their sums.

use std::time::Duration;

use maud::{Markup, html};

use super::{moment, second, table, when};
use crate::report::evidence::view::{Attempt, Call, EarlierPlan, EvidenceReport, StepRow, Sum, WaitRow};
use crate::report::spell;

pub(super) fn steps(report: &EvidenceReport) -> Markup {
    html! {
        section id="steps" {
            h2 { "Steps: plan and fact" }
            @if report.steps.is_empty() { p { "There was no plan." } }
            div.steps { @for step in &report.steps { (step_card(step)) } }
        }
        @for plan in &report.earlier {
            section {
                h2 { "An earlier plan: " bdi { (plan.purpose) } }
                (earlier_plan(plan))
                div.steps { @for step in &plan.steps { (step_card(step)) } }
            }
        }
    }
}

fn earlier_plan(plan: &EarlierPlan) -> Markup {
    html! {
        p { "Plan " span.hash { (plan.plan) } ", in force from entry " (plan.adopted.entry) ", " (moment(plan.adopted.at)) ", to entry " (plan.replaced.entry) ", " (moment(plan.replaced.at)) ". "
            @if plan.ended { "It was carried out." } @else { "It was not carried out to its end: another plan took its place." }
        }
    }
}

fn step_card(step: &StepRow) -> Markup {
    html! {
        article.step {
            h3 { "Step " (step.number) ": " bdi { (step.step) } }
            div.side {
                div {
                    h4 { "Plan" }
                    p { bdi { (step.title) } }
                    p { "Why: " bdi { (step.why) } }
                    p { "Way back: " bdi { (step.undo) } }
                    @if !step.after.is_empty() { p { "After: " bdi { (step.after.join(", ")) } } }
                    p { "Earliest, as forecast: " @match step.planned { Some(at) => (moment(at)), None => "could not be told" } }
                }
                div {
                    h4 { "Fact" }
                    @for attempt in &step.attempts { (attempt_lines(attempt)) }
                    @if step.attempts.is_empty() { p { "Nothing was changed for it by this program." } }
                    @match step.proven {
                        Some((at, entry)) => p { "✔ seen to be done by the sweep of " (moment(at)) ", entry " (entry) },
                        None => p { "? not seen to be done" },
                    }
                }
            }
        }
    }
}

fn attempt_lines(attempt: &Attempt) -> Markup {
    html! {
        p { "Intended " (moment(attempt.intent.at)) ", entry " (attempt.intent.entry) ":" }
        @for line in &attempt.changes { code.rec { bdi { (line) } } }
        @match &attempt.outcome {
            Some(outcome) => {
                @for said in &attempt.said { p.said { bdi { (said) } } }
                p.small { "The other side's words, entry " (outcome.entry) "; no proof of anything." }
                (calls(&attempt.calls))
            },
            None => p { "No outcome is recorded: nobody knows what came of it." },
        }
    }
}

/// What went over a channel, and which files of the bundle have it.
pub(super) fn calls(calls: &[Call]) -> Markup {
    html! {
        @for call in calls {
            p.small {
                bdi { (call.with) }
                @if let Some(sent) = &call.sent { ", sent " span.hash { (sent) } }
                @if let Some(received) = &call.received { ", came back " span.hash { (received) } }
                @if let Some(said) = &call.said { "; " bdi { (said) } }
            }
        }
    }
}

pub(super) fn waits(report: &EvidenceReport) -> Markup {
    let earlier = report.earlier.iter().any(|plan| !plan.waits.is_empty());
    html! {
        section id="waits" {
            h2 { "Waits, with their arithmetic" }
            @if report.waits.is_empty() {
                p { "Nothing had to be awaited, or no wait is recorded." }
            }
            @if !report.waits.is_empty() || earlier {
                p { "Each was derived anew after every sweep; the last figures stand here. The last moment at which a resolver could fetch it (it was served then, and a name server record that caches may hold led there; margin included) + its TTL = when the last copy has left every cache." }
            }
            @if !report.waits.is_empty() { (wait_table("Waits", &report.waits)) }
            @for plan in report.earlier.iter().filter(|plan| !plan.waits.is_empty()) {
                h3 { "Waits of an earlier plan: " bdi { (plan.purpose) } ", entry " (plan.adopted.entry) }
                (wait_table(&format!("Waits of the plan in entry {}", plan.adopted.entry), &plan.waits))
            }
        }
    }
}

fn wait_table(title: &str, waits: &[WaitRow]) -> Markup {
    let head = [
        "Step",
        "Waited from",
        "Until",
        "What had to leave every cache, and when it had",
    ];
    let body = html! { @for wait in waits { (wait_row(wait)) } };
    table(title, &head, &body)
}

fn wait_row(wait: &WaitRow) -> Markup {
    html! {
        tr {
            td.words { (wait.number) ". " bdi { (wait.step) } }
            td.time { (when(wait.first.at.floor_seconds())) br; "entry " (wait.first.entry) }
            td.time {
                @match (wait.taken, wait.opens) {
                    (Some(at), _) => { (when(at.floor_seconds())) },
                    (None, Some(opens)) => { "not before " (when(opens)) },
                    (None, None) => "not known",
                }
                @if let Some(at) = wait.dropped { br; "given up " (when(at.floor_seconds())) ": another plan" }
                @if wait.times > 1 { br; (wait.times) " times derived," br; "last in entry " (wait.last.entry) }
            }
            td.words {
                @if wait.sums.is_empty() { p { bdi { (wait.why) } } }
                @for sum in &wait.sums { (sum_line(sum)) }
            }
        }
    }
}

fn sum_line(sum: &Sum) -> Markup {
    html! {
        p {
            bdi { (sum.version) } ": "
            "could be fetched until " (second(sum.fetched_until))
            " + TTL " (sum.ttl) " s (" (spell(Duration::from_secs(u64::from(sum.ttl)))) ")"
            " = " strong { (second(sum.leaves)) }
            " (rule " (sum.rule) ")"
            span.small {
                @match (sum.last_seen, &sum.server) {
                    (Some(at), Some(server)) => { " Last seen " (moment(at)) " at " bdi { (server) } "." },
                    (Some(at), None) => { " Last seen " (moment(at)) "." },
                    (None, _) if sum.assumed => " Nobody saw it: taken to have been served until the first look.",
                    (None, _) => " Planned, not seen yet.",
                }
            }
        }
    }
}
