//! `unbroken lab --fault`: one thing goes wrong on purpose, and what the program does is compared with what is expected.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::json;

use super::tell::Teller;
use super::{Context, Exit, Failure, Output, Tone};
use crate::lab::{Fault, Play, PlayError, Played, fault, faults, play_fault};
use crate::moment::Moment;
use crate::report::{clock_time, spell};

/// What is said in place of a name to see all of them.
pub(super) const LIST: &str = "list";

/// Shows all faults with what is expected.
pub(super) fn list(context: &Context) -> Result<Exit, Failure> {
    let all = faults();
    if context.out.json() {
        let documents: Vec<_> = all
            .iter()
            .map(|one| json!({ "fault": one.name, "story": one.story, "expected": one.expected }))
            .collect();
        context.out.document(&documents)?;
        return Ok(Exit::Done);
    }
    let mut out = format!("{:<28}{:<12}{}\n", "fault", "expected", "what happens");
    for one in &all {
        let _ = writeln!(out, "{:<28}{:<12}{}", one.name, one.expected.reaction, one.story);
    }
    context.out.line(out.trim_end());
    Ok(Exit::Done)
}

/// Finds a fault by its name.
pub(super) fn find(name: &str) -> Result<Fault, Failure> {
    fault(name).ok_or_else(|| {
        Failure::usage(format!("there is no fault '{name}'"))
            .hint("see all of them: unbroken lab --fault list")
    })
}

/// Plays one and says what came of it.
pub(super) async fn run(
    fault: &Fault,
    play: &Play,
    begun: Instant,
    context: &Context,
) -> Result<Exit, Failure> {
    let (quiet, dated) = (context.out.json(), play.virtual_time);
    if !quiet {
        context.out.line(format!(
            "The fault: {}.\nExpected: the program {}; no resolver fails{}.\n",
            fault.story,
            fault.expected.reaction,
            if fault.expected.reaction == crate::lab::Reaction::Foretells {
                " but in a mixture that the checker named before"
            } else {
                ""
            }
        ));
    }
    let out = Output::new(false, false);
    let voice = Box::new(move |at: Moment, what: &str| {
        if !quiet {
            let line = format!("{}  FAULT  {what}", clock_time(at, dated));
            out.line(out.paint(Tone::Bad, line));
        }
    });
    let mut processes = 0;
    let mut tellers = || -> Box<dyn crate::runner::Reporter> {
        processes += 1;
        if processes > 1 && !quiet {
            context.out.line("(the program is started again)");
        }
        Box::new(Teller::new(false, quiet, dated))
    };
    let played = play_fault(fault, play, &mut tellers, voice)
        .await
        .map_err(|error| match error {
            PlayError::Run(error) => error.into(),
            PlayError::Journal(error) => error.into(),
            other => Failure::refused(other.to_string()),
        })?;
    if quiet {
        context.out.document(&played)?;
    } else {
        context.out.line(verdict_text(&played, begun.elapsed(), context));
    }
    Ok(if played.verdict.as_expected {
        Exit::Done
    } else {
        Exit::Fails
    })
}

fn verdict_text(played: &Played, took: Duration, context: &Context) -> String {
    let mut out = String::from("\nWhat was expected, and what was seen:\n");
    for check in &played.verdict.checks {
        let mark = if check.holds { "yes" } else { "NO " };
        let seen: String = check.seen.chars().take(400).collect();
        let seen = seen.replace('\n', " ");
        let _ = writeln!(
            out,
            "  {mark}  {}{}",
            check.what,
            if seen.is_empty() {
                String::new()
            } else {
                format!(": {seen}")
            }
        );
    }
    let text = if played.verdict.as_expected {
        context
            .out
            .paint(Tone::Good, format!("{}: as expected.", played.fault))
    } else {
        context
            .out
            .paint(Tone::Bad, format!("{}: NOT as expected.", played.fault))
    };
    let _ = write!(
        out,
        "\n{text}\n{} questions of {} resolvers, {} failed. {} of the lab's time in {:.1} s. Journal: {}",
        played.crowd.asked(),
        played.crowd.resolvers.len(),
        played.crowd.failed(),
        spell(Duration::from_secs(played.lab_seconds)),
        took.as_secs_f64(),
        played.journal.display()
    );
    out
}
