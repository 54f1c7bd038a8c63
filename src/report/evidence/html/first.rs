//! The first screen: the verdict, whose zone, who ran it, by what it can be known again.

use maud::{Markup, html};

use super::{class, moment, sign};
use crate::report::evidence::text::list;
use crate::report::evidence::view::{EvidenceReport, Standing};

pub(super) fn screen(report: &EvidenceReport) -> Markup {
    let verdict = &report.verdict;
    let words = match verdict.standing {
        Standing::Holds => "Holds",
        Standing::Unknown => "Not to be told",
        Standing::Fails => "Does not hold",
    };
    html! {
        header {
            p.kicker { "Evidence of DNSSEC continuity" }
            h1 { (report.zone) @if let Some(purpose) = &report.purpose { ": " bdi { (purpose) } } }
            div class=(format!("verdict {}", class(verdict.standing))) {
                p.badge { (sign(verdict.standing)) " " (words) }
                p { bdi { (verdict.sentence) } }
                @if verdict.standing != Standing::Holds && !verdict.reasons.is_empty() {
                    ul { @for reason in &verdict.reasons { li { bdi { (reason) } } } }
                }
            }
            (facts(report))
            nav aria-label="Parts of this report" {
                ul {
                    @for (id, title) in PARTS { li { a href=(format!("#{id}")) { (title) } } }
                }
            }
        }
    }
}

const PARTS: [(&str, &str); 12] = [
    ("time", "Over time"),
    ("chain", "Chain of trust"),
    ("steps", "Steps"),
    ("waits", "Waits"),
    ("findings", "Findings"),
    ("versions", "Versions"),
    ("keys", "Keys and DS"),
    ("approvals", "Approvals"),
    ("servers", "Servers"),
    ("limits", "Limits"),
    ("bundle", "The bundle"),
    ("controls", "Controls"),
];

fn facts(report: &EvidenceReport) -> Markup {
    let custody = &report.custody;
    let assurance = &report.assurance;
    let figures = &report.figures;
    html! {
        dl.facts {
            dt { "Observed" }
            dd {
                @match report.observed {
                    Some((from, until)) => { (moment(from)) " to " (moment(until)) },
                    None => "nothing",
                }
            }
            dt { "Run by" }
            dd {
                bdi { (list(&custody.operators, "nobody who is recorded")) }
                ", with " bdi { (list(&custody.programs, "no program that is recorded")) }
                ", looking from " bdi { (list(&custody.vantages, "nowhere that is recorded")) }
            }
            dt { "Approved by" }
            dd { bdi { (list(&custody.persons, "nobody was asked, and nobody is recorded")) } }
            dt { "Bundle" }
            dd {
                @match &assurance.bundle {
                    Some(hash) => span.hash { (hash) },
                    None => "not a bundle: read from a journal",
                }
            }
            dt { "Sealed by" }
            dd {
                @if assurance.seal_keys.is_empty() { "not sealed, or no seal was verified" }
                @for key in &assurance.seal_keys { span.hash { (key) } " " }
            }
            dt { "Journal's head" }
            dd { span.hash { (assurance.head) } }
            @if let Some(plan) = &report.plan {
                dt { "Plan" }
                dd { span.hash { (plan) } }
            }
            dt { "Extent" }
            dd {
                (figures.entries) " entries, " (figures.sweeps) " sweeps, " (figures.answers) " answers to "
                (figures.questions) " questions at " (figures.addresses) " addresses"
            }
        }
    }
}
