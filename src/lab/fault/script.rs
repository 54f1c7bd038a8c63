//! Who does the harm, and when.

use std::time::Duration;

use super::ground::Ground;
use crate::moment::Moment;
use crate::workflow::{Decision, State};

/// Does harm to the world as the time goes by and as the program decides.
pub(in crate::lab) trait Script: Send {
    /// Before the program looks for the first time.
    fn before(&mut self, _ground: &Ground) {}
    /// After each decision of the program.
    fn decided(&mut self, _ground: &Ground, _decision: &Decision, _state: &State) {}
    /// Whenever anybody asks a server anything: whatever is due by now is done first.
    fn tick(&mut self, _ground: &Ground, _now: Moment) {}
    /// A person mends it, after a halt or a stop.
    fn mend(&mut self, _ground: &Ground) {}
}

/// What is done to the world.
pub(in crate::lab) type Deed = fn(&Ground);

/// Harm from the first decision about a step on, for a while or until a person mends it.
pub(in crate::lab) struct Spell {
    /// The step's name without its number.
    pub step: &'static str,
    /// Only a wait for that step counts, not the act.
    pub waiting: bool,
    /// The harm.
    pub begin: Deed,
    /// Its end; nothing where it passes by itself.
    pub end: Deed,
    /// After how long it ends by itself; none: when it is mended.
    pub lasts: Option<Duration>,
    /// Since when.
    pub since: Option<Moment>,
    /// It is over.
    pub over: bool,
}

impl Spell {
    /// Harm that begins when the program first waits for `step`.
    pub(in crate::lab) fn at_wait(
        step: &'static str,
        begin: Deed,
        end: Deed,
        lasts: Option<Duration>,
    ) -> Box<dyn Script> {
        Box::new(Spell {
            step,
            waiting: true,
            begin,
            end,
            lasts,
            since: None,
            over: false,
        })
    }

    /// Harm that begins when the program first decides anything about `step`.
    pub(in crate::lab) fn at(
        step: &'static str,
        begin: Deed,
        end: Deed,
        lasts: Option<Duration>,
    ) -> Box<dyn Script> {
        Box::new(Spell {
            step,
            waiting: false,
            begin,
            end,
            lasts,
            since: None,
            over: false,
        })
    }
}

impl Script for Spell {
    fn decided(&mut self, ground: &Ground, decision: &Decision, _: &State) {
        if self.since.is_none() && is_about(decision, self.step, self.waiting) {
            self.since = Some(ground.now());
            (self.begin)(ground);
        }
    }

    fn tick(&mut self, ground: &Ground, now: Moment) {
        let Some((since, lasts)) = self.since.zip(self.lasts) else {
            return;
        };
        if !self.over && now >= since + lasts {
            self.over = true;
            (self.end)(ground);
        }
    }

    fn mend(&mut self, ground: &Ground) {
        if !self.over {
            self.over = true;
            (self.end)(ground);
        }
    }
}

/// Whether the decision is about the step: a wait with a gate, or anything.
pub(in crate::lab) fn is_about(decision: &Decision, step: &str, waiting: bool) -> bool {
    match decision {
        Decision::Wait {
            step: id,
            gate,
            until,
            ..
        } => id.0.ends_with(step) && (!waiting || gate.is_some() || until.is_some()),
        Decision::Act { step: id, .. } => !waiting && id.0.ends_with(step),
        _ => false,
    }
}
