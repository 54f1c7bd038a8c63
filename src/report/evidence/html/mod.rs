//! The report as one HTML file: nothing is fetched, no script runs, and everything that came from outside is escaped by
//! type. What others wrote stands in `bdi`, so that its direction cannot turn the text around it.

mod first;
mod moves;
mod tables;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::svg::{chain_svg, timeline_svg};
use super::view::{EvidenceReport, Standing};
use crate::moment::Moment;
use crate::report::clock_time;

const STYLE: &str = include_str!("style.css");
/// Nothing may be loaded, even if something slipped in.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The whole file.
pub fn evidence_html(report: &EvidenceReport) -> String {
    let title = format!("{} – evidence of continuity", report.zone);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (first::screen(report))
                main {
                    (time(report))
                    (chains(report))
                    (moves::steps(report))
                    (moves::waits(report))
                    (tables::findings(report))
                    (tables::versions(report))
                    (tables::keys(report))
                    (tables::approvals(report))
                    (tables::servers(report))
                    (tables::limits(report))
                    (tables::bundle(report))
                    (tables::controls(report))
                }
                footer {
                    p { "Made from the bundle alone. The same as JSON: " code { "unbroken audit report --json" } "." }
                }
            }
        }
    };
    page.into_string()
}

fn time(report: &EvidenceReport) -> Markup {
    html! {
        section.wide id="time" {
            h2 { "Over time" }
            @if report.picture.lanes.is_empty() {
                p { "There is nothing to draw: no plan, or nothing was seen." }
            } @else {
                p { "A bar is a version of what is served, with its number in the table of versions. The axis gives every change room: its lengths are not to scale, the times stand above it." }
                (legend())
                div.scroll tabindex="0" role="region" aria-label="What was served over time" {
                    (timeline_svg(&report.picture, "t", &report.verdict.sentence))
                }
            }
        }
    }
}

fn legend() -> Markup {
    html! {
        ul.key {
            li { svg viewBox="0 0 34 15" aria-hidden="true" { rect.served x="1" y="1" width="32" height="13" rx="2" {} } "served" }
            li { svg viewBox="0 0 34 15" aria-hidden="true" { rect.faded x="1" y="1" width="32" height="13" fill="url(#t-fade)" {} } "not served any more, but caches may hold it" }
            li { svg viewBox="0 0 34 15" aria-hidden="true" { rect.mark.step x="8" y="1" width="18" height="13" rx="7" {} text.in-mark x="13" y="11" { "3" } } "step 3 was seen to be done" }
            li { svg viewBox="0 0 34 15" aria-hidden="true" { rect.mark.gate x="1" y="1" width="32" height="13" rx="7" fill="url(#t-gate)" {} } "the gate of a step is shut" }
            li { svg viewBox="0 0 34 15" aria-hidden="true" { rect.mark.fault x="1" y="1" width="32" height="13" rx="7" {} } "fault" }
            li { svg viewBox="0 0 34 15" aria-hidden="true" { rect.answering x="1" y="4" width="32" height="7" {} rect.silent x="10" y="1" width="14" height="13" {} text.fault-text x="17" y="12" text-anchor="middle" { "✕" } } "servers answer; ✕ some address did not" }
            li { svg viewBox="0 0 34 15" aria-hidden="true" { rect.blank x="1" y="1" width="32" height="13" fill="url(#t-blank)" {} } "not observed" }
        }
    }
}

fn chains(report: &EvidenceReport) -> Markup {
    html! {
        section id="chain" {
            h2 { "The chain of trust, step by step" }
            p { "From the parent's DS records to the keys of each provider and to its data. "
                "● signs the DNSKEY RRset; SEP is the flag of the key. A dashed key belongs to another provider; a dashed field is a provider that the delegation does not lead to; a dotted line leads to a key that is named and signs nothing there." }
            @if report.chain.is_empty() { p { "No chain was seen." } }
            div.chains {
                @for (at, step) in report.chain.iter().enumerate() {
                    figure {
                        figcaption {
                            strong { (step.title) } ", " (moment(step.at)) ", entry " (step.entry)
                            ul { @for line in step.graph.words() { li { bdi { (line) } } } }
                        }
                        div.scroll tabindex="0" role="region" aria-label=(format!("Chain of trust {}", step.title)) {
                            (chain_svg(&step.graph, &format!("c{at}"), &step.title))
                        }
                    }
                }
            }
        }
    }
}

/// A moment to the second.
fn moment(at: Moment) -> String {
    clock_time(at, true)
}

/// Unix seconds, in a narrow column.
fn when(at: i64) -> Markup {
    let whole = second(at);
    match whole.split_once('T') {
        Some((date, time)) => html! { (date) "T" wbr; (time) },
        None => html! { (whole) },
    }
}

/// Unix seconds.
fn second(at: i64) -> String {
    clock_time(Moment::from_seconds(at), true)
}

fn class(standing: Standing) -> &'static str {
    match standing {
        Standing::Holds => "holds",
        Standing::Unknown => "unknown",
        Standing::Fails => "fails",
    }
}

fn sign(standing: Standing) -> &'static str {
    match standing {
        Standing::Holds => "✔",
        Standing::Unknown => "?",
        Standing::Fails => "✘",
    }
}

/// A wide table in a box of its own that scrolls.
fn table(label: &str, head: &[&str], body: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table {
                thead { tr { @for title in head { th scope="col" { (title) } } } }
                tbody { (body) }
            }
        }
    }
}
