//! What was seen of the program while a fault was played.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use super::ground::Ground;
use super::rig::{Shared, with_script};
use crate::moment::Moment;
use crate::runner::Reporter;
use crate::workflow::{Decision, Event, Mixture, State, StepId, owed_ds};

/// A mixture that the checker named, and when it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Foretold {
    /// When, in true time.
    pub at: Moment,
    /// What.
    pub mixture: Mixture,
}

/// Everything that the judge wants to know.
#[derive(Debug, Default)]
pub(in crate::lab) struct Seen {
    /// What was done to the world, and when in true time.
    pub told: Vec<(Moment, String)>,
    /// What the program said for what it waits, in words, since harm was done.
    pub waits: Vec<String>,
    /// Its halts.
    pub halts: Vec<String>,
    /// Findings with which it refused the plan.
    pub refusals: Vec<String>,
    /// Errors with which it stopped.
    pub errors: Vec<String>,
    /// Changes of keys that it took up, and steps that it took again, since harm was done.
    pub replans: Vec<String>,
    /// What else it recorded of its own accord: failing mixtures, jumps of the clock.
    pub notes: Vec<String>,
    /// Mixtures that it or the checker named.
    pub foretold: Vec<Foretold>,
    /// Changes that it made.
    pub acts: Vec<(Moment, StepId)>,
    proven: BTreeSet<StepId>,
}

impl Seen {
    fn harmed(&self) -> bool {
        !self.told.is_empty()
    }

    fn event(&mut self, now: Moment, event: &Event) {
        match event {
            Event::Intent(intended) => {
                self.acts.push((now, intended.step.clone()));
                if self.harmed() && self.proven.remove(&intended.step) {
                    self.replans.push(format!("{} is taken again", intended.step));
                }
            }
            Event::Proven(proven) => {
                self.proven.insert(proven.step.clone());
            }
            Event::Outcome(done) if self.harmed() => {
                let failed = done.results.iter().filter_map(|result| result.as_ref().err());
                self.notes
                    .extend(failed.map(|error| format!("{} failed: {error}", done.step)));
            }
            Event::Changed(changed) if self.harmed() => self.replans.push(changed.to_string()),
            Event::Clock(jump) if self.harmed() => self.notes.push(jump.to_string()),
            Event::Failing(failing) => {
                self.notes.push(failing.to_string());
                let named = failing.mixtures.iter().cloned();
                self.foretold
                    .extend(named.map(|mixture| Foretold { at: now, mixture }));
            }
            _ => {}
        }
    }

    fn decision(&mut self, decision: &Decision, state: &State) {
        let owed = owed_ds(state).iter().map(ToString::to_string).collect::<Vec<_>>();
        for words in owed {
            if self.harmed() && !self.notes.contains(&words) {
                self.notes.push(words);
            }
        }
        let Decision::Wait { step, why, .. } = decision else {
            return;
        };
        let words = format!("{step}: {why}");
        if self.harmed() && self.waits.last() != Some(&words) {
            self.waits.push(words);
        }
    }
}

/// Watches, lets another reporter tell, and lets the script know what was decided.
pub(in crate::lab) struct Watcher {
    pub ground: Arc<Ground>,
    pub script: Shared,
    pub teller: Box<dyn Reporter>,
}

impl Reporter for Watcher {
    fn recorded(&mut self, at: Moment, event: &Event, state: &State) {
        let now = self.ground.now();
        self.ground.with(|seen| seen.event(now, event));
        self.teller.recorded(at, event, state);
    }

    fn decided(&mut self, at: Moment, decision: &Decision, state: &State) {
        self.teller.decided(at, decision, state);
        self.ground.with(|seen| seen.decision(decision, state));
        with_script(&self.script, |script| {
            script.decided(&self.ground, decision, state)
        });
        self.ground.watch_the_time();
    }

    fn sleeping(&mut self, now: Moment, until: Moment, decision: &Decision) {
        self.teller.sleeping(now, until, decision);
    }
}
