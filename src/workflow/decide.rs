//! The one pure question of the loop: given the plan and all that was seen, what now?

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::assess::{ServerVerdict, assess};
use super::decision::{By, Decision, urgency, wake};
use super::gate::{Gate, effect, gate, options};
use super::mixture::conflicts;
use super::outlook::{Outlook, conflict_words};
use super::plan::{Intent, Plan, Step, StepId};
use super::repair::{healing, heals, may_repair};
use super::snapshot::Snapshot;
use super::standing::Standing;
use super::state::{LastSweep, Progress, State};
use super::target::{Target, target};
use super::timeline::{Naming, Traced, timeline_with_assumed};
use crate::dnssec::Status;
use crate::evidence::Place;
use crate::moment::Moment;

/// What a person approves, once, for a plan whose gates rely on `--sticky bounded`.
pub const STICKY_WAIVER: &str = "sticky";

/// How often a step is put back that somebody undoes, before a person has to look.
const UNDONE: u32 = 3;

/// What comes next, judged on the sweeps so far. The moment of judgement is the beginning of the latest sweep: whatever
/// is done after it, the last answer without the new version is not older than that.
pub fn decide(state: &State) -> Decision {
    decide_by(state, |view| (view.next(), None)).0
}

/// The same, and for how long it stands while nothing but time goes by, where that can be told.
pub fn decide_standing(state: &State) -> (Decision, Option<Standing>) {
    decide_by(state, |view| (view.next(), view.standing()))
}

/// `next` is asked where nothing stands in the way of every step.
fn decide_by(
    state: &State,
    next: impl FnOnce(&View<'_>) -> (Decision, Option<Standing>),
) -> (Decision, Option<Standing>) {
    let Some(plan) = state.plan_in_force() else {
        let none = Decision::Halt {
            what: "there is no plan".to_owned(),
            safe: "nothing was changed and nothing is under way".to_owned(),
            by: By {
                at: None,
                why: "no hurry: nothing waits for it".to_owned(),
            },
            choices: vec![
                "make one and read it: unbroken plan migrate --from OLD --to NEW --zone ZONE".to_owned(),
            ],
        };
        return (none, None);
    };
    let Some(sweep) = &state.last_sweep else {
        let why = "nothing was asked yet".to_owned();
        return (Decision::Look { why }, None);
    };
    if plan.steps.iter().all(|step| state.is_proven(&step.id)) {
        return (Decision::Complete, None);
    }
    let view = View::new(state, &plan, sweep);
    match view.stopper() {
        Some(stopper) => (stopper, None),
        None => next(&view),
    }
}

/// A halt for what the runner met outside: `what` happened, and `choices` are open.
pub fn halt(state: &State, what: String, choices: Vec<String>) -> Decision {
    let outlook = state
        .plan_in_force()
        .zip(state.last_sweep.as_ref())
        .map(|(plan, sweep)| View::new(state, &plan, sweep).outlook());
    let Outlook { safe, by } = outlook.unwrap_or_default();
    Decision::Halt {
        what,
        safe,
        by,
        choices,
    }
}

/// The moment at which looking again is worth it while `decision` stands. A person who is waited for holds up only what
/// follows from their word: beside it the first gate of another step counts.
pub fn next_look(state: &State, decision: &Decision) -> Option<Moment> {
    if !matches!(decision, Decision::Person { .. }) {
        return wake(decision);
    }
    let plan = state.plan_in_force()?;
    let view = View::new(state, &plan, state.last_sweep.as_ref()?);
    view.ready()
        .iter()
        .filter_map(|(_, decision)| wake(decision))
        .min()
}

pub(super) struct View<'a> {
    pub(super) state: &'a State,
    pub(super) plan: &'a Plan,
    pub(super) now: &'a Snapshot,
    pub(super) sweep: &'a LastSweep,
    traced: OnceCell<Traced>,
    verdicts: OnceCell<Vec<ServerVerdict>>,
    repairs: OnceCell<Option<Vec<StepId>>>,
}

impl<'a> View<'a> {
    pub(super) fn new(state: &'a State, plan: &'a Plan, sweep: &'a LastSweep) -> View<'a> {
        View {
            state,
            plan,
            now: state.snapshot(),
            sweep,
            traced: OnceCell::new(),
            verdicts: OnceCell::new(),
            repairs: OnceCell::new(),
        }
    }
}

impl View<'_> {
    pub(super) fn as_of(&self) -> i64 {
        self.sweep.started.floor_seconds()
    }

    /// What was seen, and what is assumed, as the checker judges it.
    pub(super) fn traced(&self) -> &Traced {
        let make = || timeline_with_assumed(self.plan, &self.state.ledger, &self.state.pool);
        self.traced.get_or_init(make)
    }

    /// What each server's answers come to at the end of the sweep.
    pub(super) fn verdicts(&self) -> &[ServerVerdict] {
        self.verdicts.get_or_init(|| assess(self.state, self.sweep.ended))
    }

    /// The steps that may repair what is broken, the best first; none where nothing is.
    pub(super) fn repairs(&self) -> Option<&[StepId]> {
        let find = || healing(self.state, self.plan, self.traced(), self.as_of());
        self.repairs.get_or_init(find).as_deref()
    }

    /// What stands in the way of every step.
    fn stopper(&self) -> Option<Decision> {
        self.blind_spots()
            .or_else(|| self.strangers())
            .or_else(|| self.bogus())
            .or_else(|| self.drift())
            .or_else(|| self.copies())
    }

    fn blind_spots(&self) -> Option<Decision> {
        if self.sweep.blind.is_empty() || self.state.approvals.contains_key("blind-spots") {
            return None;
        }
        let list: Vec<String> = self
            .sweep
            .blind
            .iter()
            .map(|spot| {
                let address = spot
                    .address
                    .map_or_else(|| "no address".to_owned(), |a| a.to_string());
                format!("{} ({address}): {}", spot.server, spot.why)
            })
            .collect();
        Some(Decision::Person {
            what: "blind-spots".to_owned(),
            text: format!("not to be seen from here: {}", list.join("; ")),
            approve: true,
        })
    }

    fn strangers(&self) -> Option<Decision> {
        let named = self.now.parent_ns.values.keys().flatten();
        let strangers: Vec<String> = named
            .filter(|host| self.plan.owners_of(host).next().is_none())
            .map(ToString::to_string)
            .collect();
        if strangers.is_empty() {
            return None;
        }
        let Outlook { safe, .. } = self.outlook();
        Some(Decision::Halt {
            what: format!(
                "the delegation names {}, which no provider in the settings runs",
                strangers.join(", ")
            ),
            safe: format!("what is served there is not watched, so nobody can tell whether it validates. Of the rest: {safe}"),
            by: By {
                at: Some(self.as_of()),
                why: "at once, unless you know the host: resolvers are led to it already".to_owned(),
            },
            choices: vec![
                format!(
                    "if nobody of yours put it there, take it out of the delegation of {}, and find out who did",
                    self.plan.zone
                ),
                "if it belongs to a provider of this plan, take it out of the delegation until the plan is done, or leave \
                 this plan: add the host to `name_servers` of that provider in the settings, and make a new plan with a \
                 --state folder of its own"
                    .to_owned(),
                format!("see what it answers: unbroken check {}", self.plan.zone),
            ],
        })
    }

    fn bogus(&self) -> Option<Decision> {
        let broken: Vec<&ServerVerdict> = self
            .verdicts()
            .iter()
            .filter(|v| v.delegated && v.status == Status::Bogus)
            .collect();
        let first = broken.first()?;
        if heals(self.state, self.plan, self.traced(), self.sweep.ended) {
            return None;
        }
        let text = broken
            .iter()
            .map(|v| format!("{} ({}) at {}: {}", v.server, v.address, v.provider, v.why))
            .collect::<Vec<_>>()
            .join("; ");
        let Outlook { safe, by } = self.outlook();
        Some(Decision::Halt {
            what: format!("the zone is bogus at a server that resolvers are led to: {text}"),
            safe,
            by,
            choices: self
                .returned_ds()
                .into_iter()
                .chain([
                    format!(
                        "repair it at once where these words point: at {} (its keys and signatures), or at the parent (the DS \
                         RRset, or a name server that was named too early). What only repairs needs no wait. Then run again",
                        first.provider
                    ),
                    format!("see which server says what: unbroken check {}", self.plan.zone),
                ])
                .collect(),
        })
    }

    /// A step that was proven and is undone behind our back.
    fn drift(&self) -> Option<Decision> {
        for (index, step) in self.plan.steps.iter().enumerate() {
            if !self.state.is_proven(&step.id) || self.superseded(index) {
                continue;
            }
            let Ok(wanted) = target(self.plan, &step.intent, self.now) else {
                continue;
            };
            if wanted.reached(self.now) || self.hidden(&wanted) || self.keeps_cds(step) {
                continue;
            }
            return Some(self.restore(step, &wanted));
        }
        None
    }

    fn restore(&self, step: &Step, wanted: &Target) -> Decision {
        // A signer rolls the key that the DS RRset names: nothing was undone, another record is owed.
        let rolls = matches!(&step.intent, Intent::SetDs { of, without, .. }
            if self.now.only_rolls(&self.plan.zone, of, without));
        if rolls {
            return self
                .unauthenticated(&step.intent)
                .unwrap_or_else(|| self.try_step(step, wanted));
        }
        if self
            .state
            .undone
            .get(&step.id)
            .is_some_and(|times| *times >= UNDONE)
        {
            let Outlook { safe, by } = self.outlook();
            return Decision::Halt {
                what: format!(
                    "step {} was put back {UNDONE} times and undone each time: {}",
                    step.id,
                    step.intent.title()
                ),
                safe,
                by,
                choices: vec![
                    format!(
                        "find out at {} what takes it back (a re-sign, a copy from elsewhere, another program), stop that, \
                         then run again",
                        step.intent.place().unwrap_or("the parent")
                    ),
                    format!("or go back from here: {}", step.undo),
                ],
            };
        }
        if step.intent.at_parent() || matches!(wanted, Target::ApexNs { .. }) {
            let Outlook { safe, by } = self.outlook();
            return Decision::Halt {
                what: format!("step {} was done and is undone: {}", step.id, step.intent.title()),
                safe,
                by,
                choices: vec![
                    self.returned_ds().unwrap_or_else(|| {
                        format!(
                            "put it back by hand, then run again: the next sweep sees it and the plan goes on {}",
                            self.by_hand(wanted)
                        )
                    }),
                    "if somebody meant it so, ask before you touch it; to give this plan up, make another from what is \
                     served now, with a --state folder of its own (docs/first-move.md, \"Going back\")"
                        .to_owned(),
                ],
            };
        }
        if let Some(decision) = self.unauthenticated(&step.intent) {
            return decision;
        }
        self.try_step(step, wanted)
    }

    /// No more resolvers are led to another provider while some hold a mixture that fails and that passes by itself.
    fn while_others_fail(&self, step: &Step) -> Option<Decision> {
        let names = matches!(step.intent, Intent::SetApexNs { .. } | Intent::SetParentNs { .. });
        // In a leave, to take a name out is the repair.
        if !names || may_repair(self.plan, &step.intent) {
            return None;
        }
        let now = self.as_of();
        let last = conflicts(&self.traced().timeline, &options(self.plan), now)
            .into_iter()
            .filter(|conflict| conflict.from <= now)
            .max_by_key(|conflict| conflict.until)?;
        let until = last.until?;
        let why = format!("resolvers may fail until then ({})", conflict_words(&last));
        Some(wait(step, Some(until), why))
    }

    /// Whether a server that would have to show it gave no answer, or servers disagree: nothing can be said.
    fn hidden(&self, wanted: &Target) -> bool {
        let provider = |name: &str| self.now.providers.get(name);
        match wanted {
            Target::Keys { at, .. } => provider(at).is_none_or(|p| p.dnskey.agreed().is_none()),
            Target::Cds { at, .. } => {
                provider(at).is_none_or(|p| p.cds.agreed().is_none() || p.cdnskey.agreed().is_none())
            }
            Target::ApexNs { at, .. } => provider(at).is_none_or(|p| p.apex_ns.agreed().is_none()),
            Target::Ds(_) => self.now.ds.agreed().is_none(),
            Target::ParentNs { .. } => self.now.parent_ns.agreed().is_none(),
            Target::Retired(_) | Target::Nothing => false,
        }
    }

    /// Whether a later step that was begun changes the same thing.
    pub(super) fn superseded(&self, index: usize) -> bool {
        let Some(step) = self.plan.steps.get(index) else {
            return true;
        };
        self.plan.steps.iter().skip(index + 1).any(|later| {
            *self.state.progress(&later.id) != Progress::Pending && same_thing(&step.intent, &later.intent)
        })
    }

    /// What comes of each step whose predecessors are proven, and its rank among the repairs. While something is broken,
    /// steps that may repair wait for no other.
    fn ready(&self) -> Vec<(usize, Decision)> {
        let repairs = self.repairs();
        let settled = self.settled();
        let ready = self.plan.steps.iter().filter(|step| {
            let follows = step.after.is_subset(&settled);
            let hurries = repairs.is_some() && may_repair(self.plan, &step.intent);
            !self.state.is_proven(&step.id) && (follows || hurries)
        });
        let rank = |step: &Step| {
            let repairs = repairs.unwrap_or_default();
            repairs.iter().position(|id| *id == step.id).unwrap_or(usize::MAX)
        };
        ready.map(|step| (rank(step), self.judge(step))).collect()
    }

    /// The next of the steps whose predecessors are proven; those that repair come first.
    fn next(&self) -> Decision {
        let mut decisions = self.ready();
        if let Some(halt) = self.dead_end(&decisions) {
            return halt;
        }
        decisions.sort_by_key(|(rank, decision)| {
            let (class, moment) = urgency(decision);
            (class, *rank, moment)
        });
        match decisions.into_iter().next() {
            Some((_, decision)) => decision,
            None => {
                let Outlook { safe, by } = self.outlook();
                Decision::Halt {
                    what: "no step of the plan can follow from what is proven".to_owned(),
                    safe,
                    by,
                    choices: vec![
                        "this plan cannot go on: make another from what is served now, with a --state folder of its own"
                            .to_owned(),
                    ],
                }
            }
        }
    }

    /// The steps that are proven and follow only such: one that was taken ahead of its turn lets nothing follow yet.
    pub(super) fn settled(&self) -> BTreeSet<StepId> {
        let mut settled = BTreeSet::new();
        for step in &self.plan.steps {
            if self.state.is_proven(&step.id) && step.after.is_subset(&settled) {
                settled.insert(step.id.clone());
            }
        }
        settled
    }

    pub(super) fn judge(&self, step: &Step) -> Decision {
        if let Some(asked) = self.unapproved(step) {
            return asked;
        }
        if let Intent::Soak { seconds } = step.intent {
            return self.soak(step, seconds);
        }
        match target(self.plan, &step.intent, self.now) {
            Err(missing) => wait(step, None, missing.0),
            Ok(Target::Nothing) => Decision::Proven {
                step: step.id.clone(),
            },
            Ok(wanted) => self.judge_target(step, &wanted),
        }
    }

    /// Whether nothing would be changed: that asks nobody.
    pub(super) fn is_so(&self, step: &Step) -> bool {
        target(self.plan, &step.intent, self.now).is_ok_and(|wanted| {
            !matches!(wanted, Target::Nothing | Target::Retired(_)) && wanted.reached(self.now)
        })
    }

    fn judge_target(&self, step: &Step, wanted: &Target) -> Decision {
        if let Target::Retired(_) = wanted {
            return match self.gate_of(wanted) {
                Ok(gate) if gate.is_open(self.as_of()) => {
                    self.sticky(step, &gate).unwrap_or_else(|| self.proven(step))
                }
                Ok(gate) => closed(step, gate),
                Err(why) => wait(step, None, why),
            };
        }
        if wanted.reached(self.now) || self.keeps_cds(step) {
            return self.proven(step);
        }
        if let Some(decision) = self.unread_copies(step).or_else(|| self.before_resign(step)) {
            return decision;
        }
        if let Some(decision) = self.unauthenticated(&step.intent) {
            return decision;
        }
        if let Progress::Tried(last) = self.state.progress(&step.id)
            && let Some(decision) = self.after_try(step, last, wanted)
        {
            return decision;
        }
        self.try_step(step, wanted)
    }

    /// Proven only by a sweep in which nothing was left open, so that the next gate stands on firm ground.
    fn proven(&self, step: &Step) -> Decision {
        Decision::Proven {
            step: step.id.clone(),
        }
    }

    fn try_step(&self, step: &Step, wanted: &Target) -> Decision {
        if let Some(why) = self.incomplete() {
            return wait(step, None, why);
        }
        let gate = match self.gate_of(wanted) {
            Ok(gate) => gate,
            Err(why) => return wait(step, None, why),
        };
        if !gate.is_open(self.as_of()) {
            return closed(step, gate);
        }
        if let Some(decision) = self.sticky(step, &gate).or_else(|| self.while_others_fail(step)) {
            return decision;
        }
        if !self.sweep.tcp {
            return Decision::Look {
                why: format!("before step {}, every server is asked over TCP too", step.id),
            };
        }
        if let Some(decision) = self.copies_before(step) {
            return decision;
        }
        let changes = wanted.changes(&self.plan.zone, self.now);
        if changes.is_empty() {
            return wait(
                step,
                None,
                "the servers disagree; nothing more can be changed from here".to_owned(),
            );
        }
        Decision::Act {
            step: step.id.clone(),
            provider: step.intent.place().map(str::to_owned),
            changes,
            gate,
        }
    }

    /// A gate that is open only because resolvers are taken to forget a provider needs a person's word, once.
    fn sticky(&self, step: &Step, gate: &Gate) -> Option<Decision> {
        if !gate.sticky || self.state.approvals.contains_key(STICKY_WAIVER) {
            return None;
        }
        Some(Decision::Person {
            what: STICKY_WAIVER.to_owned(),
            text: format!(
                "{}: {} is safe only if no resolver goes on asking a provider for as long as that provider names itself; by \
                 the letter some may (those that learn the zone's own NS RRset again and again)",
                step.id,
                step.intent.title()
            ),
            approve: true,
        })
    }

    pub(super) fn gate_of(&self, wanted: &Target) -> Result<Gate, String> {
        let naming = Naming::new(self.plan, &self.state.pool);
        let effect = effect(wanted, self.traced(), &naming);
        gate(self.plan, self.traced(), &effect, self.as_of()).map_err(|error| error.to_string())
    }

    /// Whatever was no answer in the latest sweep: none of it opens a gate.
    fn incomplete(&self) -> Option<String> {
        if let Some(fault) = self.state.upstream.fault() {
            return Some(fault.to_owned());
        }
        let open: Vec<String> = self
            .sweep
            .unclear
            .iter()
            .filter(|(_, _, _, why)| !matches!(why, super::facts::Unclear::NoRoute(_)))
            .map(|(place, server, rtype, why)| format!("{} {server} {rtype}: {why}", place_word(place)))
            .collect();
        if open.is_empty() {
            None
        } else {
            Some(format!("not every server answered: {}", open.join("; ")))
        }
    }

    pub(super) fn unauthenticated(&self, intent: &Intent) -> Option<Decision> {
        let of: &[String] = match intent {
            Intent::ShareKeys { of, .. } | Intent::SetDs { of, .. } | Intent::PublishCds { of, .. } => of,
            Intent::RemoveDs { next } => next,
            _ => return None,
        };
        for provider in of {
            let needed = match intent {
                Intent::ShareKeys { .. } => self.now.exported(provider),
                _ => self.now.entry_points(provider),
            };
            let missing: Vec<String> = needed
                .iter()
                .filter(|key| !self.state.authentic.contains_key(*key))
                .map(ToString::to_string)
                .collect();
            if !missing.is_empty() {
                return Some(Decision::Authenticate {
                    provider: provider.clone(),
                    keys: missing,
                });
            }
        }
        None
    }

    fn soak(&self, step: &Step, seconds: u64) -> Decision {
        let since = step
            .after
            .iter()
            .filter_map(|before| match self.state.progress(before) {
                Progress::Proven(at) => Some(*at),
                _ => None,
            })
            .max()
            .unwrap_or(self.sweep.started);
        let over = since + std::time::Duration::from_secs(seconds);
        if let Some(why) = self.incomplete() {
            return wait(step, None, why);
        }
        if self.sweep.started >= over {
            return self.proven(step);
        }
        wait(
            step,
            Some(over.ceil_seconds()),
            format!("both serve the zone since {since}"),
        )
    }
}

fn same_thing(a: &Intent, b: &Intent) -> bool {
    use Intent::{DropKeys, PublishCds, RemoveDs, SetApexNs, SetDs, SetParentNs, ShareKeys, WithdrawCds};
    match (a, b) {
        (
            ShareKeys { at: x, .. } | DropKeys { at: x, .. },
            ShareKeys { at: y, .. } | DropKeys { at: y, .. },
        )
        | (
            PublishCds { at: x, .. } | WithdrawCds { at: x },
            PublishCds { at: y, .. } | WithdrawCds { at: y },
        )
        | (SetApexNs { at: x, .. }, SetApexNs { at: y, .. }) => x == y,
        // Who has no DS any more may announce what it likes.
        (PublishCds { at, .. } | WithdrawCds { at }, SetDs { without, .. }) => without.contains(at),
        (SetDs { .. } | RemoveDs { .. }, SetDs { .. } | RemoveDs { .. })
        | (SetParentNs { .. }, SetParentNs { .. }) => true,
        _ => false,
    }
}

pub(super) fn wait(step: &Step, until: Option<i64>, why: String) -> Decision {
    Decision::Wait {
        step: step.id.clone(),
        until,
        why,
        gate: None,
    }
}

fn closed(step: &Step, gate: Gate) -> Decision {
    let why = match (&gate.never, gate.because.first()) {
        (Some(never), _) => never.clone(),
        (None, Some(first)) => first.to_string(),
        (None, None) => "the checker gives no reason".to_owned(),
    };
    Decision::Wait {
        step: step.id.clone(),
        until: gate.opens,
        why,
        gate: Some(gate),
    }
}

fn place_word(place: &Place) -> String {
    match place {
        Place::Parent => "parent".to_owned(),
        Place::Provider(name) => name.clone(),
        Place::Ancestor(zone) => format!("{zone}"),
    }
}
