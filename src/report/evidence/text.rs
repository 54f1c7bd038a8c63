//! The report as text that can be pasted into a ticket.

use std::fmt::Write as _;
use std::time::Duration;

use super::view::{Call, EarlierPlan, EvidenceReport, FindingRow, StepRow, WaitRow};
use crate::moment::Moment;
use crate::report::{clock_time, spell};

/// The same as the HTML, without the pictures and the table of controls.
pub fn evidence_text(report: &EvidenceReport) -> String {
    let mut out = String::new();
    first(&mut out, report);
    heading(&mut out, "Steps: plan and fact");
    for step in &report.steps {
        step_lines(&mut out, step);
    }
    heading(&mut out, "Waits");
    for wait in &report.waits {
        wait_lines(&mut out, wait);
    }
    for plan in &report.earlier {
        earlier_plan(&mut out, plan);
    }
    heading(&mut out, "Findings");
    if report.findings.is_empty() {
        out.push_str("none\n");
    }
    for finding in &report.findings {
        finding_lines(&mut out, finding);
    }
    heading(&mut out, "Keys");
    keys(&mut out, report);
    heading(&mut out, "Approvals");
    if report.approvals.is_empty() {
        out.push_str("none\n");
    }
    for approval in &report.approvals {
        let at = clock_time(approval.said.at, true);
        let (what, by) = (one_line(&approval.what), one_line(&approval.by));
        line(
            &mut out,
            &format!("{at} {what} by {by}: {}", one_line(&approval.note)),
        );
    }
    heading(&mut out, "From elsewhere");
    if report.assurance.vantages.is_empty() {
        out.push_str("no other vantage is in the bundle\n");
    }
    for one in &report.assurance.vantages {
        let text = format!(
            "{} ({}): {} answers to {} questions in {} sweeps; of {} that can be compared {} say something else than the journal was told",
            one.name, one.program, one.answers, one.asked, one.sweeps, one.compared, one.others
        );
        line(&mut out, &text);
        if one.untold > 0 {
            let text = format!(
                "  results that do not tell what was asked, or what came: {}",
                one.untold
            );
            line(&mut out, &text);
        }
    }
    heading(&mut out, "What this does not show");
    for limit in &report.limits {
        line(&mut out, &format!("{}: {}", limit.title, one_line(&limit.text)));
    }
    heading(&mut out, "Verified of the bundle");
    for (title, text) in &report.assurance.facts {
        line(&mut out, &format!("{title}: {text}"));
    }
    for check in &report.assurance.checks {
        let text = format!(
            "{}: {}; {}",
            check.what,
            check.standing.word(),
            one_line(&check.detail)
        );
        line(&mut out, &text);
    }
    out
}

/// The words in a row, or what to say where there is none.
pub fn list(words: &[String], none: &str) -> String {
    if words.is_empty() {
        none.to_owned()
    } else {
        words.join(", ")
    }
}

/// What others wrote must not begin lines of its own, nor steer a terminal, nor turn the direction of what follows.
pub fn one_line(text: &str) -> String {
    let turns =
        |char| matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .map(|char| {
            if char.is_control() || turns(char) {
                ' '
            } else {
                char
            }
        })
        .collect()
}

fn line(out: &mut String, text: &str) {
    out.push_str(&one_line(text));
    out.push('\n');
}

fn heading(out: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "\n{text}\n{}", "-".repeat(text.chars().count()));
}

fn first(out: &mut String, report: &EvidenceReport) {
    let verdict = &report.verdict;
    let purpose = report.purpose.as_deref().unwrap_or("no plan");
    line(out, &format!("{}: {purpose}", report.zone));
    line(
        out,
        &format!("{}: {}", verdict.standing.word().to_uppercase(), verdict.sentence),
    );
    for reason in &verdict.reasons {
        line(out, &format!("  {reason}"));
    }
    let custody = &report.custody;
    line(
        out,
        &format!(
            "run by {}, with {}, looking from {}",
            list(&custody.operators, "nobody who is recorded"),
            list(&custody.programs, "no program that is recorded"),
            list(&custody.vantages, "nowhere that is recorded")
        ),
    );
    line(out, &format!("approved by {}", list(&custody.persons, "nobody")));
    let assurance = &report.assurance;
    let bundle = assurance.bundle.as_deref().unwrap_or("none: read from a journal");
    line(out, &format!("bundle {bundle}"));
    line(
        out,
        &format!(
            "sealed by {}",
            list(&assurance.seal_keys, "nobody, or no seal was verified")
        ),
    );
    for stamp in &assurance.time_stamps {
        line(out, &format!("time stamp {}", stamp.text));
        line(out, &format!("    {}", stamp.command));
    }
    line(out, &format!("journal's head {}", assurance.head));
    if let Some(plan) = &report.plan {
        line(out, &format!("plan {plan}"));
    }
    let figures = &report.figures;
    line(
        out,
        &format!(
            "{} entries, {} sweeps, {} answers to {} questions at {} addresses",
            figures.entries, figures.sweeps, figures.answers, figures.questions, figures.addresses
        ),
    );
}

fn earlier_plan(out: &mut String, plan: &EarlierPlan) {
    heading(
        out,
        &format!(
            "An earlier plan (entry {}): plan and fact, waits",
            plan.adopted.entry
        ),
    );
    let how = match plan.ended {
        true => "carried out",
        false => "not carried out to its end",
    };
    let (from, to) = (
        clock_time(plan.adopted.at, true),
        clock_time(plan.replaced.at, true),
    );
    let text = format!(
        "{}: plan {}, in force from {from} to {to} (entry {}), {how}",
        plan.purpose, plan.plan, plan.replaced.entry
    );
    line(out, &text);
    for step in &plan.steps {
        step_lines(out, step);
    }
    for wait in &plan.waits {
        wait_lines(out, wait);
    }
}

fn step_lines(out: &mut String, step: &StepRow) {
    line(out, &format!("{}: {}", step.step, step.title));
    line(out, &format!("  why: {}", step.why));
    line(out, &format!("  way back: {}", step.undo));
    if let Some(at) = step.planned {
        line(out, &format!("  earliest, as forecast: {}", clock_time(at, true)));
    }
    for attempt in &step.attempts {
        let (at, entry) = (clock_time(attempt.intent.at, true), attempt.intent.entry);
        line(out, &format!("  intended {at} (entry {entry})"));
        for change in &attempt.changes {
            line(out, &format!("    {change}"));
        }
        for said in &attempt.said {
            line(out, &format!("  said: {said}"));
        }
        call_lines(out, &attempt.calls);
        if attempt.outcome.is_none() {
            out.push_str("  no outcome is recorded: nobody knows what came of it\n");
        }
    }
    let fact = match step.proven {
        Some((at, entry)) => format!("  seen to be done {} (entry {entry})", clock_time(at, true)),
        None => "  not seen to be done".to_owned(),
    };
    line(out, &fact);
}

fn call_lines(out: &mut String, calls: &[Call]) {
    for call in calls {
        line(out, &format!("  over {}", call.with));
        for (what, word) in [
            ("sent", &call.sent),
            ("came back", &call.received),
            ("said", &call.said),
        ] {
            if let Some(word) = word {
                line(out, &format!("    {what} {word}"));
            }
        }
    }
}

fn wait_lines(out: &mut String, wait: &WaitRow) {
    let until = match (wait.taken, wait.opens) {
        (Some(at), _) => clock_time(at, true),
        (None, Some(opens)) => format!("not before {}", Moment::from_seconds(opens)),
        (None, None) => "not known".to_owned(),
    };
    line(
        out,
        &format!(
            "{}: {} to {until} (entries {} to {})",
            wait.step,
            clock_time(wait.first.at, true),
            wait.first.entry,
            wait.last.entry
        ),
    );
    if let Some(at) = wait.dropped {
        let text = format!("  given up {}: another plan took its place", clock_time(at, true));
        line(out, &text);
    }
    if wait.sums.is_empty() {
        line(out, &format!("  {}", wait.why));
    }
    for sum in &wait.sums {
        let (until, leaves) = (
            Moment::from_seconds(sum.fetched_until),
            Moment::from_seconds(sum.leaves),
        );
        let text = format!(
            "  {}: could be fetched until {until} + TTL {} s ({}) = {leaves} (rule {})",
            sum.version,
            sum.ttl,
            spell(Duration::from_secs(u64::from(sum.ttl))),
            sum.rule
        );
        line(out, &text);
    }
}

fn finding_lines(out: &mut String, finding: &FindingRow) {
    let from = finding.from.map(Moment::from_seconds);
    let when = from.map_or_else(String::new, |at| format!("{at} "));
    let entry = finding
        .entry
        .map_or_else(String::new, |entry| format!(" (entry {entry})"));
    line(out, &format!("{when}{}: {}{entry}", finding.kind, finding.text));
    for hash in &finding.evidence {
        line(out, &format!("  message {hash}"));
    }
}

fn keys(out: &mut String, report: &EvidenceReport) {
    for key in &report.keys {
        let owner = key.owner.as_deref().unwrap_or("nobody known");
        line(
            out,
            &format!(
                "{} of {owner}, algorithm {}, flags {}, SHA-256 {}",
                key.tag, key.algorithm, key.flags, key.sha256
            ),
        );
        line(out, &format!("  {}", key.role));
        let how = match &key.authenticated {
            Some((how, entry)) => format!("  authenticated: {how} (entry {entry})"),
            None => "  not authenticated".to_owned(),
        };
        line(out, &how);
        call_lines(out, &key.calls);
    }
    for ds in &report.ds {
        let by = ds.by.as_deref().unwrap_or("was there, or others put it there");
        line(out, &format!("DS {}: {by}", ds.text));
    }
}
