//! The tables: findings, versions, keys, approvals, servers, limits, the bundle, controls.

use maud::{Markup, html};

use super::moves::calls;
use super::{moment, sign, table, when};
use crate::report::evidence::view::{DsRow, EvidenceReport, FindingRow, KeyRow, VersionRow};

pub(super) fn findings(report: &EvidenceReport) -> Markup {
    let head = [
        "Kind",
        "What",
        "From",
        "Until",
        "Entry",
        "Evidence (SHA-256 of the message)",
    ];
    let body = html! { @for finding in &report.findings { (finding_row(finding)) } };
    html! {
        section id="findings" {
            h2 { "Findings" }
            @if report.findings.is_empty() {
                p { "None: no mixture that fails, no fault, no outage, no refusal, no changed key, no jump of the clock was recorded." }
            } @else { (table("Findings", &head, &body)) }
        }
    }
}

fn finding_row(finding: &FindingRow) -> Markup {
    html! {
        tr {
            td { (finding.kind) }
            td.words { bdi { (finding.text) } }
            td.time { @if let Some(at) = finding.from { (when(at)) } }
            td.time { @if let Some(at) = finding.until { (when(at)) } }
            td.num { @if let Some(entry) = finding.entry { (entry) } }
            td { @for hash in &finding.evidence { span.hash { (hash) } br; } }
        }
    }
}

pub(super) fn versions(report: &EvidenceReport) -> Markup {
    let head = [
        "No.",
        "Where and what",
        "Served from",
        "until",
        "Left the caches",
        "TTL",
        "Last seen",
        "First shown by",
    ];
    let body = html! { @for version in &report.picture.versions { (version_row(report, version)) } };
    html! {
        section id="versions" {
            h2 { "Versions: the picture as a table" }
            p { "Each time is a bound to the side of caution: from the latest answer without it, until the first answer after it, with the plan's margin." }
            (table("Versions", &head, &body))
        }
    }
}

fn version_row(report: &EvidenceReport, version: &VersionRow) -> Markup {
    let lane = report.picture.lanes.get(version.lane);
    html! {
        tr {
            td.num { (version.number) }
            td.words {
                @if let Some(lane) = lane { span.small { (lane.group) ", " (lane.title) ": " } }
                bdi { (version.words) }
            }
            td.time { (when(version.from)) }
            td.time { @match version.until { Some(at) => (when(at)), None => "still served" } }
            td.time { @match version.gone { Some(at) => (when(at)), None => "–" } }
            td.num { (version.ttl) " s" }
            td.time {
                @if let Some(at) = version.last_seen { (when(at.floor_seconds())) }
                @if let Some(server) = &version.server { br; bdi { (server) } }
            }
            td {
                @match &version.source {
                    Some(source) => { "entry " (source.entry) br; span.hash { (source.blob) } },
                    None => "follows from the delegation",
                }
            }
        }
    }
}

pub(super) fn keys(report: &EvidenceReport) -> Markup {
    let key_head = [
        "Tag",
        "Algorithm, flags",
        "Whose",
        "SHA-256 of the DNSKEY RDATA",
        "What it did",
        "In which DNSKEY RRset",
        "Authenticated",
    ];
    let ds_head = ["DS record", "Names the key", "At the parent", "Put there by"];
    let key_rows = html! { @for key in &report.keys { (key_row(key)) } };
    let ds_rows = html! { @for ds in &report.ds { (ds_row(ds)) } };
    html! {
        section id="keys" {
            h2 { "DNSKEY and DS inventory" }
            h3 { "Keys" }
            (table("Keys", &key_head, &key_rows))
            h3 { "DS records" }
            (table("DS records", &ds_head, &ds_rows))
        }
    }
}

fn key_row(key: &KeyRow) -> Markup {
    html! {
        tr {
            td.num { (key.tag) }
            td.num { (key.algorithm) ", " (key.flags) @if key.flags & 1 == 1 { " (SEP)" } }
            td { bdi { (key.owner.as_deref().unwrap_or("not known")) } }
            td { span.hash { (key.sha256) } }
            td.words { bdi { (key.role) } @if !key.used_by.is_empty() { p.small { "Placed by " bdi { (key.used_by.join(", ")) } } } }
            td.time {
                @for (place, from, until) in &key.shown {
                    p { bdi { (place) } ": " (when(*from)) " – " (end(*until)) }
                }
            }
            td.words {
                @match &key.authenticated {
                    Some((how, entry)) => { bdi { (how) } ", entry " (entry) (calls(&key.calls)) },
                    None => "not authenticated: it was placed nowhere on our word",
                }
            }
        }
    }
}

fn ds_row(ds: &DsRow) -> Markup {
    html! {
        tr {
            td.words { span.hash { (ds.text) } }
            td {
                @match &ds.key { Some(key) => span.hash { (key) }, None => "a key that nobody was seen serving" }
                @if let Some(owner) = &ds.owner { " of " bdi { (owner) } }
            }
            td.time { @for (from, until) in &ds.shown { p { (when(*from)) " – " (end(*until)) } } }
            td { @match &ds.by { Some(step) => bdi { (step) }, None => "was there at the first look, or others put it there" } }
        }
    }
}

fn end(until: Option<i64>) -> Markup {
    until.map_or_else(|| html! { "still" }, when)
}

pub(super) fn approvals(report: &EvidenceReport) -> Markup {
    let head = ["When", "What", "By", "Note", "Plan", "Entry"];
    let body = html! {
        @for approval in &report.approvals {
            tr {
                td.time { (when(approval.said.at.floor_seconds())) }
                td { bdi { (approval.what) } }
                td { bdi { (approval.by) } }
                td.words { bdi { (approval.note) } }
                td { span.hash { (approval.plan) } }
                td.num { (approval.said.entry) }
            }
        }
    };
    html! {
        section id="approvals" {
            h2 { "Approvals" }
            @if report.approvals.is_empty() {
                p { "None is recorded: no gate asked for a person." }
            } @else { (table("Approvals", &head, &body)) }
        }
    }
}

pub(super) fn servers(report: &EvidenceReport) -> Markup {
    let head = [
        "Server",
        "Address",
        "Whose",
        "Sweeps answered",
        "not answered",
        "Longest time between two answers",
    ];
    let body = html! {
        @for one in &report.servers {
            tr {
                td { (one.server) }
                td.num { (one.address) }
                td { bdi { (whose(&one.place)) } }
                td.num { (one.answered) }
                td.num { (one.unanswered) }
                td.time {
                    @match one.longest {
                        Some(longest) => { (longest.seconds()) " s, from " (when(longest.from.floor_seconds())) " to " (when(longest.until.ceil_seconds())) },
                        None => "not seen twice",
                    }
                }
            }
        }
    };
    html! {
        section id="servers" {
            h2 { "How closely was watched" }
            (table("Servers", &head, &body))
            h3 { "From elsewhere" }
            (vantages(report))
        }
    }
}

fn vantages(report: &EvidenceReport) -> Markup {
    let head = [
        "Vantage",
        "Program",
        "From",
        "Until",
        "Answers",
        "To addresses that the journal never asked",
        "Longest time between two answers",
        "Could be compared",
        "Other answers than the journal's",
    ];
    let body = html! {
        @for one in &report.assurance.vantages {
            tr {
                td { bdi { (one.name) } }
                td { bdi { (one.program) } }
                td.time { @if let Some(at) = one.from { (when(at.floor_seconds())) } }
                td.time { @if let Some(at) = one.until { (when(at.ceil_seconds())) } }
                td.num { (one.answers) " of " (one.asked) @if one.untold > 0 { br; "not told what was asked, or what came: " (one.untold) } }
                td.num { (one.elsewhere) }
                td.num { @if let Some(seconds) = one.longest { (seconds) " s" } }
                td.num { (one.compared) }
                td.num { @if one.compared == 0 { "not observed" } @else if one.others == 0 { "none" } @else { (one.others) ", see the findings" } }
            }
        }
    };
    html! {
        @if report.assurance.vantages.is_empty() {
            p { "No other vantage is in the bundle: everything was seen from one place." }
        } @else { (table("Vantages", &head, &body)) }
    }
}

fn whose(place: &crate::evidence::Place) -> String {
    match place {
        crate::evidence::Place::Parent => "parent".to_owned(),
        crate::evidence::Place::Provider(name) => format!("provider {name}"),
        crate::evidence::Place::Ancestor(zone) => zone.to_string(),
    }
}

pub(super) fn limits(report: &EvidenceReport) -> Markup {
    html! {
        section id="limits" {
            h2 { "What this does not show" }
            @for limit in &report.limits {
                h3 { (limit.title) }
                p { bdi { (limit.text) } }
            }
            @if !report.insecure.is_empty() {
                h3 { "Time without DNSSEC" }
                @for row in &report.insecure {
                    p { "From " (moment(row.from)) " to " @match row.until { Some(at) => (moment(at)), None => "the end" } ", first seen in entry " (row.entry) ". "
                        @match &row.planned {
                            Some(planned) => {
                                "Step " (planned.step) " of plan " span.hash { (planned.plan) } " wanted it; approved by " bdi { (planned.by) }
                                " at " (moment(planned.at)) @if !planned.note.is_empty() { ": " bdi { (planned.note) } } "."
                            }
                            None => { "Nothing planned or approved is recorded for it." }
                        }
                    }
                }
            }
            @for left in &report.left_out { p { (left) "." } }
        }
    }
}

pub(super) fn bundle(report: &EvidenceReport) -> Markup {
    let head = ["Mark", "What", "How it stands", "Entry", "Message"];
    let body = html! {
        @for check in &report.assurance.checks {
            tr {
                td { (sign(check.standing)) }
                td { (check.what) }
                td.words { (check.standing.word()) @if !check.detail.is_empty() { ": " bdi { (check.detail) } } }
                td.num { @if let Some(entry) = check.entry { (entry) } }
                td { @if let Some(blob) = &check.blob { span.hash { (blob) } } }
            }
        }
    };
    html! {
        section id="bundle" {
            h2 { "What was verified of the bundle" }
            (table("Checks", &head, &body))
            dl.facts.figures { @for (title, text) in &report.assurance.facts { dt { (title) } dd { bdi { (text) } } } }
            @if !report.assurance.remarks.is_empty() {
                h3 { "Remarks" }
                ul { @for remark in &report.assurance.remarks { li { bdi { (remark) } } } }
            }
            @for line in &report.assurance.time_stamps { p { "Time stamp of others: " bdi { (line.text) } br; code { (line.command) } } }
        }
    }
}

pub(super) fn controls(report: &EvidenceReport) -> Markup {
    let head = [
        "Catalogue",
        "Control",
        "Asks for",
        "Evidence in this bundle",
        "Not covered",
    ];
    let body = html! {
        @for row in &report.controls {
            tr {
                td { (row.catalogue) }
                td { (row.control) }
                td.words { (row.asks) }
                td.words { (row.supports) }
                td.words { (row.not_covered) }
            }
        }
    };
    html! {
        section id="controls" {
            h2 { "Which controls this bears on" }
            p { "Evidence, and no claim of compliance. The words of the controls are ours; read the catalogues for theirs." }
            (table("Controls", &head, &body))
        }
    }
}
