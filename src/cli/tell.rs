//! Tells what a run does while it goes: lines on stdout, and on a terminal a line on stderr that counts down.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::{Output, Tone};
use crate::moment::Moment;
use crate::report::{Line, Progress, spell};
use crate::runner::Reporter;
use crate::workflow::{Decision, Event, State};

/// Prints a run.
pub(super) struct Teller {
    out: Output,
    progress: Progress,
    bar: Option<ProgressBar>,
    date: bool,
    silent: bool,
}

impl Teller {
    /// For people, or a stream of documents with `--json`; `silent` says nothing at all.
    pub(super) fn new(json: bool, silent: bool, date: bool) -> Teller {
        let out = Output::new(json, silent);
        let bar = (out.progress() && !silent).then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Teller {
            out,
            progress: Progress::default(),
            bar,
            date,
            silent,
        }
    }

    fn show(&self, lines: Vec<Line>) {
        if self.silent {
            return;
        }
        for line in lines {
            if self.out.json() {
                // A line is plain text and JSON values.
                let _ = self.out.stream(&line);
                continue;
            }
            let tone = match line.event {
                "done" | "end" | "over" => Tone::Good,
                "halt" | "failing" | "alarm" => Tone::Bad,
                "person" | "wait" | "clock" | "pause" => Tone::Warn,
                "said" | "zone" | "keys" | "expect" => Tone::Dim,
                _ => Tone::Strong,
            };
            let text = self.out.paint(tone, line.show(self.date));
            match &self.bar {
                Some(bar) => bar.suspend(|| self.out.line(text)),
                None => self.out.line(text),
            }
        }
    }
}

impl Reporter for Teller {
    fn recorded(&mut self, at: Moment, event: &Event, state: &State) {
        let lines = self.progress.recorded(at, event, state);
        self.show(lines);
    }

    fn decided(&mut self, at: Moment, decision: &Decision, state: &State) {
        let lines = self.progress.decided(at, decision, state);
        self.show(lines);
    }

    fn sleeping(&mut self, now: Moment, until: Moment, decision: &Decision) {
        let Some(bar) = &self.bar else {
            return;
        };
        let left = match decision {
            Decision::Wait {
                step,
                until: Some(at),
                ..
            } => {
                format!("{step}: {} left", spell(Moment::from_seconds(*at).since(now)))
            }
            Decision::Wait { step, .. } => format!("{step}: waiting"),
            Decision::Person { what, .. } => format!("{what}: waiting for a person"),
            _ => "waiting".to_owned(),
        };
        bar.set_message(format!("{left}; next look in {}", spell(until.since(now))));
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
