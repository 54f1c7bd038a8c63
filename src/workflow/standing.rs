//! For how long a decision stands while nothing but time goes by. A move is mostly waiting: whoever asks for the decision after
//! each of ten thousand equal sweeps need not have it worked out anew each time.
//!
//! A wait alone stands, and only where each moment is known at which the way to it could turn: the windows of signatures, the
//! age of the comparison of the copies, the end of a soak, and the checker's own word on each gate. For everything else nothing
//! is claimed.

use super::assess::ServerVerdict;
use super::decide::View;
use super::decision::Decision;
use super::gate::{effect, lasts};
use super::plan::{Intent, Step};
use super::resign::RESIGN_WAIVER;
use super::state::State;
use super::target::target;
use super::timeline::Naming;
use crate::dnssec::Status;
use crate::moment::Moment;

/// A stretch of time in which [`super::decide`] says the same, in the sense of [`Decision::same_as`], of a state that nothing
/// stirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    stirs: u64,
    renewals: u64,
    /// Whether it rests on the windows of signatures no more than a server's verdict does.
    renewable: bool,
    /// The sweep that it was made after began and ended then.
    started: Moment,
    ended: Moment,
    /// It holds for sweeps that begin before this second, and before this moment.
    until: i64,
    before: Option<Moment>,
    /// And that end before this second.
    ends_by: i64,
}

impl Standing {
    /// Whether what was decided then is what would be decided of `state` now.
    pub fn holds(&self, state: &State) -> bool {
        self.renewals == state.renewals()
            && state.stirs() == self.stirs
            && state.last_sweep.as_ref().is_some_and(|sweep| {
                sweep.started >= self.started
                    && sweep.ended >= self.ended
                    && sweep.started.floor_seconds() < self.until
                    && self.before.is_none_or(|before| sweep.started < before)
                    && sweep.ended.floor_seconds() < self.ends_by
            })
    }

    /// The same of a state in which signatures were made anew, or the copies were compared anew and are as they were, and all
    /// else is as it was, if that changes nothing.
    pub fn renewed(&self, state: &State) -> Option<Standing> {
        let plan = state.plan_in_force()?;
        let view = View::new(state, &plan, state.last_sweep.as_ref()?);
        let mut renewed = Standing {
            before: view.copies_last()?,
            ..*self
        };
        if self.renewals != state.renewals() {
            renewed.renewals = state.renewals();
            renewed.ends_by = view.verdicts_last().filter(|_| self.renewable)?;
        }
        renewed.holds(state).then_some(renewed)
    }
}

impl View<'_> {
    /// For how long what comes next stands, where nothing stands in the way of every step; it must be a wait.
    pub(super) fn standing(&self) -> Option<Standing> {
        if self.repairs().is_some() {
            return None;
        }
        let mut standing = Standing {
            stirs: self.state.stirs(),
            started: self.sweep.started,
            ended: self.sweep.ended,
            until: i64::MAX,
            before: self.copies_last()?,
            renewals: self.state.renewals(),
            renewable: self.plan.resign.is_none() || self.state.approvals.contains_key(RESIGN_WAIVER),
            ends_by: self.verdicts_last()?,
        };
        let settled = self.settled();
        let mut any = false;
        for step in &self.plan.steps {
            if self.state.is_proven(&step.id) || !step.after.is_subset(&settled) {
                continue;
            }
            any = true;
            standing.until = standing.until.min(self.wait_lasts(step)?);
        }
        any.then_some(standing)
    }

    /// Until which second judging a step comes to the same wait.
    fn wait_lasts(&self, step: &Step) -> Option<i64> {
        match self.judge(step) {
            Decision::Wait {
                until: Some(until),
                gate: None,
                ..
            } if matches!(step.intent, Intent::Soak { .. }) && !step.after.is_empty() => {
                // The sweep that proves it begins at that moment or later; up to a second is given away.
                Some(until.saturating_sub(1))
            }
            // Where no waiting helps, patience ends, and that is no matter of the gate.
            Decision::Wait { gate: Some(gate), .. }
                if gate.never.is_none() && !gate.is_open(self.as_of()) =>
            {
                let wanted = target(self.plan, &step.intent, self.now).ok()?;
                let effect = effect(&wanted, self.traced(), &Naming::new(self.plan, &self.state.pool));
                lasts(self.plan, self.traced(), &effect, self.as_of()).ok()
            }
            _ => None,
        }
    }

    /// Until which second of a sweep's end no server's verdict turns by a signature's window; none where one is bogus now.
    fn verdicts_last(&self) -> Option<i64> {
        let bogus = |verdict: &ServerVerdict| verdict.delegated && verdict.status == Status::Bogus;
        if self.verdicts().iter().any(bogus) {
            return None;
        }
        let at = self.sweep.ended.floor_seconds();
        let windows = self
            .state
            .ledger
            .streams()
            .filter_map(|(_, stream)| stream.window);
        windows
            .flat_map(|(from, until)| [from, until.saturating_add(1)])
            .filter(|turn| *turn > at)
            .min()
            .or(Some(i64::MAX))
    }
}
