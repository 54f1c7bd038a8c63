//! A plan with its calendar.

use std::fmt::Write as _;

use serde::Serialize;

use super::span::{clock_time, spell};
use crate::dns::{Record, Rtype};
use crate::dnssec::{Dnskey, Ds};
use crate::moment::Moment;
use crate::ports::RrsetChange;
use crate::workflow::{Finding, Forecast, Plan, insecure_span};

/// A plan, what stands against it, and its calendar.
#[derive(Clone, Debug, Serialize)]
pub struct PlanView {
    /// The plan's hash.
    pub hash: String,
    /// The plan.
    pub plan: Plan,
    /// What stands against it.
    pub findings: Vec<Finding>,
    /// The calendar.
    pub steps: Vec<Forecast>,
    /// The moment from which it is counted.
    pub from: Moment,
}

/// The plan as text that can be pasted into a ticket.
pub fn plan_text(view: &PlanView) -> String {
    let mut out = String::new();
    let plan = &view.plan;
    let short = view.hash.get(..12).unwrap_or(&view.hash);
    // Writing to a String cannot fail.
    let _ = writeln!(out, "Plan {short} for {}: {}", plan.zone, plan.purpose);
    let _ = writeln!(
        out,
        "Counted from {}. Nothing was changed.",
        clock_time(view.from, true)
    );
    let rules = &plan.rules;
    let _ = writeln!(
        out,
        "Every TTL counts as at least {} s, every end as {} s later than seen; digest types of new DS: {:?}.\n",
        rules.ttl_floor, rules.margin, plan.digest_types
    );
    for finding in &view.findings {
        let _ = writeln!(out, "{finding}\n");
    }
    let done: Vec<String> = view
        .steps
        .iter()
        .filter(|step| step.done)
        .map(|step| step.step.to_string())
        .collect();
    if !done.is_empty() {
        let _ = writeln!(out, "Found done already: {}.\n", done.join(", "));
    }
    for step in &view.steps {
        step_text(&mut out, step, view.from);
    }
    if let Some(text) = insecure_text(view) {
        let _ = writeln!(out, "\n{text}");
    }
    if let Some(end) = view.steps.iter().filter_map(|step| step.at).max()
        && view.steps.iter().all(|step| step.at.is_some())
    {
        let span = spell(end.since(view.from));
        let _ = writeln!(
            out,
            "\nEarliest end: {} ({span} from now), if every change shows at once.",
            clock_time(end, true)
        );
        let _ = writeln!(
            out,
            "Each wait is derived anew from what is seen when its time comes; a later one holds."
        );
    }
    out
}

/// From when to when the plan leaves the zone insecure.
fn insecure_text(view: &PlanView) -> Option<String> {
    let (begin, end) = insecure_span(&view.plan, &view.steps)?;
    let until = match end {
        Some(end) => format!(
            ", to {} at the earliest ({})",
            clock_time(end, true),
            spell(end.since(begin))
        ),
        None => "; nobody can tell until when".to_owned(),
    };
    Some(format!(
        "INSECURE, on purpose: from {} on, or whenever the DS goes{until}. In that time no resolver can tell a forged answer \
         from a true one. `unbroken run` stops before it for `unbroken approve`; neither --yes nor --plan stands for that.",
        clock_time(begin, true)
    ))
}

fn step_text(out: &mut String, step: &Forecast, from: Moment) {
    let when = match (step.done, step.at) {
        (true, _) => "done already".to_owned(),
        (false, Some(at)) if at.since(from).as_secs() == 0 => "at once".to_owned(),
        (false, Some(at)) => format!("{}, in {}", clock_time(at, true), spell(at.since(from))),
        (false, None) => "cannot be dated yet".to_owned(),
    };
    let _ = writeln!(out, "{}  {}", step.step, step.title);
    let _ = writeln!(out, "    when: {when}");
    if let Some(gate) = &step.gate {
        for owed in gate.because.iter().take(3) {
            let _ = writeln!(out, "    waits for: {owed} (rule {})", owed.rule);
        }
        if gate.sticky {
            let _ = writeln!(
                out,
                "    relies on --sticky bounded: waits for `unbroken approve sticky`"
            );
        }
        if let Some(never) = &gate.never {
            let _ = writeln!(out, "    no waiting helps: {never}");
        }
    }
    if let Some(note) = &step.note {
        let _ = writeln!(out, "    not known yet: {note}");
    }
    for change in &step.changes {
        for line in change_lines(change) {
            let _ = writeln!(out, "    {line}");
        }
    }
    let _ = writeln!(out, "    why: {}", step.why);
}

/// A change as lines with `+` and `-`.
pub fn change_lines(change: &RrsetChange) -> Vec<String> {
    let line = |mark: char, record: &Record| {
        format!(
            "{mark} {} {} {} {}",
            record.name,
            record.ttl,
            record.rtype,
            shortened(record)
        )
    };
    let removed = change.remove.iter().map(|record| line('-', record));
    removed
        .chain(change.add.iter().map(|record| line('+', record)))
        .collect()
}

/// RDATA, long keys and digests cut; the tag is said.
fn shortened(record: &Record) -> String {
    let cut = |text: &str| text.chars().take(16).collect::<String>();
    match record.rtype {
        Rtype::DNSKEY | Rtype::CDNSKEY => match Dnskey::from_rdata(&record.rdata) {
            Some(key) => {
                let public = data_encoding::BASE64.encode(&key.public_key);
                format!(
                    "{} {} {} {}… ; key tag {}",
                    key.flags,
                    key.protocol,
                    key.algorithm,
                    cut(&public),
                    key.tag()
                )
            }
            None => record.rdata_text(),
        },
        Rtype::DS | Rtype::CDS => match Ds::from_rdata(&record.rdata) {
            Some(ds) => format!(
                "{} {} {} {}…",
                ds.tag,
                ds.algorithm,
                ds.digest_type,
                cut(&ds.digest)
            ),
            None => record.rdata_text(),
        },
        _ => record.rdata_text(),
    }
}
