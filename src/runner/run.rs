//! The loop.

use std::time::Duration;

use super::error::RunError;
use super::fold::fold_view;
use super::reporter::Reporter;
use super::team::Team;
use crate::evidence::{BlobId, Blobs};
use crate::moment::Moment;
use crate::ports::Journal;
use crate::workflow::{
    Approval, Decision, Ended, Event, Failing, Jump, Plan, Proven, State, changed, decide, ended, failing,
    next_look,
};

/// A difference that a clock may show that is kept on time by and by, milliseconds.
const SLACK: u64 = 2_000;

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// Every step is proven.
    Complete(Ended),
    /// Not yet: a wait or a person.
    Owed(Decision),
    /// A person must decide.
    Halted(Decision),
    /// One step was taken (only where one was asked for).
    Stepped(Decision),
}

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// To the end; persons are waited for.
    Complete,
    /// To the next act, inclusive.
    Act,
}

/// A zone's work under way.
pub struct Runner {
    /// Everybody.
    pub team: Team,
    /// The fold of the journal.
    pub state: State,
    pub(super) journal: Box<dyn Journal>,
    pub(super) reporter: Box<dyn Reporter>,
    /// What the clock showed when so much steady time had passed.
    set: (Duration, Moment),
    /// The state's news when failing mixtures were last looked for.
    looked: u64,
    /// Gives what persons approved; what was recorded before may be among it.
    pub inbox: Box<dyn FnMut() -> Vec<Approval> + Send>,
    /// Gives what else is worth a note since it was last asked for.
    pub notes: Box<dyn FnMut() -> Vec<serde_json::Value> + Send>,
}

impl Runner {
    /// Folds what the journal holds. Nothing is asked or done yet.
    ///
    /// # Errors
    /// If the journal is damaged or holds an entry that this version cannot read.
    pub fn open(
        team: Team,
        state: State,
        journal: Box<dyn Journal>,
        reporter: Box<dyn Reporter>,
    ) -> Result<Runner, RunError> {
        let mut runner = Runner {
            set: (team.clock.steady(), team.clock.now()),
            looked: 0,
            team,
            state,
            journal,
            reporter,
            inbox: Box::new(Vec::new),
            notes: Box::new(Vec::new),
        };
        runner.state = fold_view(&*runner.journal, runner.state.clone())?;
        Ok(runner)
    }

    /// Records an event and folds it in.
    pub(super) fn record(&mut self, event: &Event) -> Result<(), RunError> {
        self.record_with(event, &Blobs::default())
    }

    pub(super) fn record_with(&mut self, event: &Event, blobs: &Blobs) -> Result<(), RunError> {
        let at = self.team.clock.now();
        let body = event.body().map_err(|error| RunError::Entry {
            seq: 0,
            said: error.to_string(),
        })?;
        if !blobs.is_empty() {
            self.journal.put_blobs(blobs)?;
        }
        let entry = self.journal.append(at, event.kind(), body)?;
        self.state
            .apply(entry.at, event, &|id: &BlobId| blobs.get(id).cloned());
        self.reporter.recorded(entry.at, event, &self.state);
        Ok(())
    }

    /// Takes up a plan.
    ///
    /// # Errors
    /// If it cannot be recorded.
    pub fn adopt(&mut self, plan: Plan) -> Result<(), RunError> {
        self.record(&Event::Plan(Box::new(plan)))
    }

    /// Goes on until the plan is carried out, a person must decide, or `until` is reached.
    ///
    /// # Errors
    /// If the journal cannot be written or the servers are not found. It is always safe to run again.
    pub async fn run(&mut self, until: Until) -> Result<Ending, RunError> {
        let mut acted = false;
        loop {
            self.absorb_approvals()?;
            self.absorb_notes()?;
            self.sweep().await?;
            self.record_upsets()?;
            let decision = self.settle().await?;
            match &decision {
                Decision::Complete => return self.complete(),
                Decision::Halt { .. } => return Ok(Ending::Halted(decision)),
                _ if acted && until == Until::Act => return Ok(Ending::Stepped(decision)),
                Decision::Act { .. } => {
                    self.act(&decision).await?;
                    acted = true;
                }
                Decision::Look { .. } => {}
                Decision::Wait { .. } | Decision::Person { .. } if until == Until::Act => {
                    return Ok(Ending::Owed(decision));
                }
                _ => self.rest(&decision).await,
            }
        }
    }

    /// Decides until something has to be done or awaited; what is proven or can be authenticated is recorded on the way.
    async fn settle(&mut self) -> Result<Decision, RunError> {
        loop {
            let mut decision = decide(&self.state);
            if let Decision::Authenticate { provider, keys } = &decision {
                let (provider, keys) = (provider.clone(), keys.clone());
                self.note_decision(&decision)?;
                match self.authenticate(&provider, &keys).await? {
                    Ok(()) => continue,
                    Err(instead) => decision = instead,
                }
            }
            self.note_decision(&decision)?;
            if let Decision::Compare { providers, .. } = &decision {
                self.compare(&providers.clone()).await?;
                continue;
            }
            let Decision::Proven { step } = &decision else {
                return Ok(decision);
            };
            let as_of = self
                .state
                .last_sweep
                .as_ref()
                .map_or_else(|| self.team.clock.now(), |s| s.started);
            self.record(&Event::Proven(Proven {
                step: step.clone(),
                as_of,
            }))?;
        }
    }

    /// Records a decision if it says something else than the last one, and tells of it in any case.
    fn note_decision(&mut self, decision: &Decision) -> Result<(), RunError> {
        let same = self
            .state
            .last_decision
            .as_ref()
            .is_some_and(|last| last.same_as(decision));
        if !same {
            self.record(&Event::Decision(Box::new(decision.clone())))?;
        }
        self.reporter
            .decided(self.team.clock.now(), decision, &self.state);
        Ok(())
    }

    /// Whether the clock was set while time went by, or went back while nothing ran: recorded, so that no wait is cut short.
    ///
    /// # Errors
    /// If it cannot be recorded.
    pub fn mind_the_clock(&mut self) -> Result<bool, RunError> {
        let (steady, shown) = (self.team.clock.steady(), self.team.clock.now());
        let passed = steady.saturating_sub(self.set.0);
        let mut from = self.set.1 + passed;
        // What was written before this process can only be earlier.
        if let Some(latest) = self.state.latest.filter(|latest| *latest > from) {
            from = latest;
        }
        let jump = Jump { from, to: shown };
        if jump.millis().unsigned_abs() <= SLACK {
            return Ok(false);
        }
        self.set = (steady, shown);
        self.record(&Event::Clock(jump))?;
        Ok(true)
    }

    /// Records keys that changed and mixtures that fail, where they are others than recorded.
    fn record_upsets(&mut self) -> Result<(), RunError> {
        for changed in changed(&self.state) {
            self.record(&Event::Changed(changed))?;
        }
        let pending = self
            .state
            .failing
            .as_ref()
            .is_some_and(|last| !last.mixtures.is_empty());
        if self.looked == self.state.news && !pending {
            return Ok(());
        }
        self.looked = self.state.news;
        let failing = Failing {
            mixtures: failing(&self.state),
        };
        let same = match &self.state.failing {
            Some(last) => last.same_as(&failing),
            None => failing.mixtures.is_empty(),
        };
        if !same {
            self.record(&Event::Failing(failing))?;
        }
        Ok(())
    }

    fn absorb_approvals(&mut self) -> Result<(), RunError> {
        for approval in (self.inbox)() {
            let ours = self.state.plan_hash.as_ref() == Some(&approval.plan);
            if ours && self.state.approvals.get(&approval.what) != Some(&approval) {
                self.record(&Event::Approval(approval))?;
            }
        }
        Ok(())
    }

    /// Records what else is worth a note.
    ///
    /// # Errors
    /// If it cannot be recorded.
    pub fn absorb_notes(&mut self) -> Result<(), RunError> {
        for note in (self.notes)() {
            self.record(&Event::Note(note))?;
        }
        Ok(())
    }

    /// Records a person's word.
    ///
    /// # Errors
    /// If it cannot be recorded.
    pub fn approve(&mut self, approval: Approval) -> Result<(), RunError> {
        self.record(&Event::Approval(approval))
    }

    async fn rest(&mut self, decision: &Decision) {
        let now = self.team.clock.now();
        let next = now + self.team.interval;
        let looked = self.state.last_sweep.as_ref().map_or(now, |sweep| sweep.started);
        let until = match next_look(&self.state, decision) {
            // It may have come while the sweep was under way.
            Some(at) if at > looked => at.max(now).min(next),
            _ => next,
        };
        self.reporter.sleeping(now, until, decision);
        self.team.clock.sleep_until(until).await;
    }

    /// Judges the whole of what was recorded and records the end.
    fn complete(&mut self) -> Result<Ending, RunError> {
        let ended = self.verdict()?;
        if !self.state.ended {
            self.record(&Event::End(ended.clone()))?;
        }
        Ok(Ending::Complete(ended))
    }

    /// What the journal's timeline comes to, for whoever asks.
    ///
    /// # Errors
    /// If the checker refuses the timeline, which is a fault of this program.
    pub fn verdict(&self) -> Result<Ended, RunError> {
        Ok(ended(&self.state)?)
    }

    /// The journal.
    pub fn journal(&self) -> &dyn Journal {
        &*self.journal
    }
}

/// The pause between two sweeps when nothing is awaited.
const AT_REST: u32 = 5;

/// Five times the interval.
pub fn at_rest(interval: Duration) -> Duration {
    interval * AT_REST
}
