//! What a run tells while it goes.

use crate::moment::Moment;
use crate::workflow::{Decision, Event, State};

/// Told of everything that is recorded and decided; decides nothing.
pub trait Reporter: Send {
    /// An entry was appended.
    fn recorded(&mut self, at: Moment, event: &Event, state: &State);
    /// A decision was made after a sweep (also one that is the same as before).
    fn decided(&mut self, at: Moment, decision: &Decision, state: &State);
    /// The next look is then.
    fn sleeping(&mut self, now: Moment, until: Moment, decision: &Decision);
}

/// Says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Reporter for Quiet {
    fn recorded(&mut self, _: Moment, _: &Event, _: &State) {}
    fn decided(&mut self, _: Moment, _: &Decision, _: &State) {}
    fn sleeping(&mut self, _: Moment, _: Moment, _: &Decision) {}
}
