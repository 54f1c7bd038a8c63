//! The journal folded again and every decision made again on the recorded facts, as the runner does: after each sweep, after
//! keys were authenticated, copies compared, a step proven.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::findings::{Finding, Findings};
use super::intake::Dated;
use super::verdict::{DecisionsReplayed, Depth};
use super::verifier::Seen;
use crate::dnssec::{Anchors, KeyId, Memo};
use crate::evidence::BlobId;
use crate::moment::Moment;
use crate::workflow::{
    Alarm, Authenticated, Decision, Event, Intended, PINNED, Standing, State, VALIDATED, changed, decide,
    decide_standing, ended, failing, vouch,
};

/// The part of a verification that makes decisions anew: the fold, and where in its loop the runner must have been.
pub struct Replay {
    pub(super) state: State,
    pub(super) counts: DecisionsReplayed,
    pub(super) findings: Findings,
    depth: Depth,
    /// The octets of every message in a sweep so far.
    octets: HashMap<BlobId, Arc<[u8]>>,
    /// A decision is due and was not recorded so far: either it follows, or it says the same as the last one.
    due: bool,
    /// The last entry was a decision to authenticate, or what a channel said then: what stands instead may follow.
    authenticating: bool,
    /// Copies are compared before a run decides anything.
    surveying: bool,
    /// What is wrong unless the process ended here.
    held: Option<Finding>,
    /// The step of an intent whose outcome is not there yet.
    intended: Option<String>,
    /// The last wait that was made again and may stand. That copies had to be compared since does not end it.
    standing: Option<(Standing, Decision)>,
    /// The last sweep stirred nothing.
    still: bool,
    /// All that came since the last sweep of a watch leaves its alarms due.
    telling: bool,
}

impl Replay {
    /// Before the first entry.
    pub(super) fn new(memo: Memo, depth: Depth) -> Replay {
        Replay {
            state: State::new(Anchors::iana_root()).with_memo(memo),
            counts: DecisionsReplayed::default(),
            findings: Findings::default(),
            depth,
            octets: HashMap::new(),
            due: false,
            authenticating: false,
            surveying: false,
            held: None,
            intended: None,
            standing: None,
            still: false,
            telling: false,
        }
    }

    /// Takes the next entry after it was judged: checks it against what the entries before it lead to, and folds it in;
    /// `seen` is shown its event and the state that it leads to.
    pub fn take(&mut self, entry: &mut Dated, seen: Seen<'_>) {
        if self.depth == Depth::Full {
            self.octets.extend(entry.learnt.drain(..));
            self.fold(entry.seq, entry.at, &entry.event);
        }
        seen(entry.seq, entry.at, &entry.event, &self.state);
    }

    fn fold(&mut self, seq: u64, at: Moment, event: &Event) {
        self.held(event);
        if let Some(finding) = self.check(seq, event) {
            self.findings.push(finding.at(seq));
        }
        let stirs = self.state.stirs();
        let octets = &self.octets;
        self.state.apply(at, event, &|id| octets.get(id).cloned());
        if matches!(event, Event::Sweep(_)) {
            self.still = self.state.stirs() == stirs;
        }
        self.after(event);
    }

    /// A process that was stopped between a sweep and its decision left nothing out; its successor says `begin`.
    fn held(&mut self, event: &Event) {
        match event {
            Event::Clock(_) | Event::Note(_) => {}
            Event::Begin(_) => self.held = None,
            _ => {
                if let Some(finding) = self.held.take() {
                    self.findings.push(finding);
                }
            }
        }
    }

    fn check(&mut self, seq: u64, event: &Event) -> Option<Finding> {
        match event {
            Event::Decision(recorded) => self.check_decision(recorded),
            Event::Changed(one) => (!changed(&self.state).contains(one)).then(|| {
                Finding::fails(
                    "changed-differs",
                    "the recorded facts do not show such a change of keys",
                )
            }),
            Event::Failing(one) => (failing(&self.state) != one.mixtures).then(|| {
                Finding::fails(
                    "failing-differs",
                    "the recorded facts lead to other mixtures that fail",
                )
            }),
            Event::Begin(_) => {
                self.due = false;
                None
            }
            Event::Clock(_) | Event::Note(_) => {
                self.held = self.held.take().or(self.unchanged(seq));
                None
            }
            Event::Intent(intended) => self.unchanged(seq).or(self.check_intent(intended)),
            Event::Outcome(done) => {
                let own = self.intended.take().as_deref() == Some(done.step.0.as_str());
                (!own).then(|| {
                    Finding::fails("outcome-without-intent", "no intent to do this stands before it")
                })
            }
            Event::Proven(proven) => {
                let decided = matches!(&self.state.last_decision, Some(Decision::Proven { step }) if *step == proven.step);
                let as_of = self.state.last_sweep.as_ref().map(|sweep| sweep.started);
                self.unchanged(seq).or_else(|| {
                    (!decided || as_of != Some(proven.as_of)).then(|| {
                        Finding::fails(
                            "proven-without-decision",
                            format!(
                                "step {} is called proven, and nothing before it says so",
                                proven.step
                            ),
                        )
                    })
                })
            }
            Event::Channel(read) => self.unchanged(seq).or_else(|| {
                self.wanted_of(&read.provider).is_none().then(|| {
                    Finding::fails(
                        "channel-undue",
                        format!(
                            "nothing before it decides to authenticate keys of {}",
                            read.provider
                        ),
                    )
                })
            }),
            Event::Keys(keys) => self.unchanged(seq).or_else(|| self.check_keys(keys)),
            Event::End(recorded) => self.unchanged(seq).or_else(|| self.check_end(recorded)),
            Event::Contents(_) if self.surveying => None,
            Event::Plan(plan) => {
                self.due = false;
                (plan.format != 1)
                    .then(|| Finding::open("plan-format", format!("the plan has format {}", plan.format)))
            }
            Event::Sweep(_) => self.unchanged(seq).or_else(|| self.untold()),
            Event::Alarm(alarm) => (!self.alarms().contains(alarm))
                .then(|| Finding::fails("alarm-differs", "the recorded facts do not lead to this alarm")),
            Event::Watch(_)
            | Event::Accepted(_)
            | Event::Approval(_)
            | Event::Contents(_)
            | Event::Servers(_)
            | Event::Inventory(_) => self.unchanged(seq),
        }
    }

    /// The alarms that a watch had to tell of after the last sweep and that no entry tells of yet.
    fn alarms(&self) -> Vec<Alarm> {
        match (&self.state.watch, &self.state.last_sweep) {
            (Some(vigil), Some(sweep)) => vigil.owed(sweep.started),
            _ => Vec::new(),
        }
    }

    /// An alarm that was due before the next look and is not in the journal.
    fn untold(&self) -> Option<Finding> {
        let left = if self.telling { self.alarms() } else { Vec::new() };
        left.first().map(|alarm| {
            let text = format!(
                "before this entry an alarm was due: {}: {}",
                alarm.code, alarm.text
            );
            Finding::fails("alarm-missing", text)
        })
    }

    /// A decision that was not recorded must say the same as the last one.
    fn unchanged(&mut self, seq: u64) -> Option<Finding> {
        if !std::mem::take(&mut self.due) {
            return None;
        }
        if self.stands() && self.last_stands() {
            self.counts.unchanged += 1;
            return None;
        }
        let made = self.decide();
        let same = self
            .state
            .last_decision
            .as_ref()
            .is_some_and(|last| last.same_as(&made));
        self.counts.unchanged += u64::from(same);
        if !same {
            self.standing = None;
        }
        (!same).then(|| {
            let text = format!("before this entry another decision was due: {}", words(&made));
            Finding::fails("decision-missing", text).at(seq)
        })
    }

    /// Whether it is known which wait would be decided now.
    fn stands(&mut self) -> bool {
        if let Some((standing, _)) = &mut self.standing
            && !standing.holds(&self.state)
        {
            match standing.renewed(&self.state) {
                Some(renewed) => *standing = renewed,
                None => self.standing = None,
            }
        }
        self.standing.is_some()
    }

    /// Whether the wait that stands is what was recorded last.
    fn last_stands(&self) -> bool {
        match (&self.standing, &self.state.last_decision) {
            (Some((_, wait)), Some(last)) => last.same_as(wait),
            _ => false,
        }
    }

    /// Makes the decision, and keeps for how long it stands where that may be of use: a wait is asked for again and again.
    fn decide(&mut self) -> Decision {
        let (made, standing) = if self.still {
            decide_standing(&self.state)
        } else {
            (decide(&self.state), None)
        };
        if !matches!(made, Decision::Compare { .. }) {
            self.standing = standing.map(|standing| (standing, made.clone()));
        }
        made
    }

    /// The decision that is due where this one was recorded. Of a wait for no gate all that is said stands.
    fn decide_beside(&mut self, recorded: &Decision) -> Decision {
        if matches!(recorded, Decision::Wait { gate: None, .. })
            && self.stands()
            && let Some((_, wait)) = self.standing.as_ref().filter(|(_, wait)| wait == recorded)
        {
            return wait.clone();
        }
        self.decide()
    }

    /// The keys that the last decision wants of that provider.
    fn wanted_of(&self, provider: &str) -> Option<&[String]> {
        match &self.state.last_decision {
            Some(Decision::Authenticate { provider: of, keys }) if of == provider => Some(keys),
            _ => None,
        }
    }

    /// What was authenticated must be what was wanted, in the way that what was recorded allows.
    fn check_keys(&self, recorded: &Authenticated) -> Option<Finding> {
        let Some(wanted) = self.wanted_of(&recorded.provider) else {
            return Some(Finding::fails(
                "keys-without-decision",
                "these keys were not to be authenticated here",
            ));
        };
        let read = self.state.channel.as_ref();
        let pinned = |_: &BTreeSet<KeyId>| recorded.channel == PINNED;
        if vouch(&self.state, &recorded.provider, wanted, read, pinned).is_ok_and(|made| made == *recorded) {
            return None;
        }
        let own_word = ![PINNED, VALIDATED].contains(&recorded.channel.as_str());
        let all_wanted = recorded.keys.iter().all(|key| wanted.contains(&key.to_string()));
        if read.is_none() && own_word && all_wanted {
            return Some(Finding::remark(
                "keys-outside",
                format!("that {} vouches for them is not in the journal", recorded.channel),
            ));
        }
        Some(Finding::fails(
            "keys-differ",
            "the recorded facts do not vouch for these keys in this way",
        ))
    }

    /// The decision that stands where keys could not be authenticated, by what the channel said.
    fn instead_of(&self, made: &Decision) -> Option<Decision> {
        let Decision::Authenticate { provider, keys } = made else {
            return None;
        };
        let read = self.state.channel.as_ref();
        vouch(&self.state, provider, keys, read, |_| false)
            .err()
            .map(|instead| *instead)
    }

    fn check_decision(&mut self, recorded: &Decision) -> Option<Finding> {
        self.counts.recorded += 1;
        let due = std::mem::take(&mut self.due);
        self.still = matches!(recorded, Decision::Wait { .. });
        let made = self.decide_beside(recorded);
        if made != *recorded {
            self.standing = None;
        }
        if made == *recorded && (due || self.authenticating) {
            self.counts.same += 1;
            return None;
        }
        // Where a process ended in between, its successor does not record the decision to authenticate again.
        let last = self.state.last_decision.as_ref();
        let asked = self.authenticating || (due && last.is_some_and(|last| last.same_as(&made)));
        if asked && self.instead_of(&made).as_ref() == Some(recorded) {
            self.counts.same += 1;
            return None;
        }
        if asked && self.state.channel.is_none() && from_outside(&made, recorded) {
            self.counts.outside += 1;
            return Some(Finding::remark(
                "decision-outside",
                format!(
                    "it rests on what a channel said, which the journal does not hold: {}",
                    words(recorded)
                ),
            ));
        }
        self.counts.differ += 1;
        Some(if due {
            Finding::fails(
                "decision-differs",
                format!(
                    "recorded: {}; the recorded facts lead to: {}",
                    words(recorded),
                    words(&made)
                ),
            )
        } else {
            Finding::fails(
                "decision-undue",
                format!("no decision was due here; recorded: {}", words(recorded)),
            )
        })
    }

    fn check_intent(&mut self, intended: &Intended) -> Option<Finding> {
        self.counts.acts += 1;
        let decided = match &self.state.last_decision {
            Some(Decision::Act {
                step,
                provider,
                changes,
                ..
            }) => *step == intended.step && *provider == intended.provider && *changes == intended.changes,
            _ => false,
        };
        (!decided).then(|| {
            Finding::fails(
                "act-without-decision",
                format!("nothing before it decides to take step {} so", intended.step),
            )
        })
    }

    fn check_end(&self, recorded: &crate::workflow::Ended) -> Option<Finding> {
        if !matches!(self.state.last_decision, Some(Decision::Complete)) {
            return Some(Finding::fails(
                "end-without-decision",
                "no decision says that the plan is carried out",
            ));
        }
        match ended(&self.state) {
            Ok(made) if made == *recorded => None,
            Ok(made) => Some(Finding::fails(
                "end-differs",
                format!(
                    "it says {}, and the recorded facts lead to {}",
                    continuous(recorded.continuous),
                    continuous(made.continuous)
                ),
            )),
            Err(error) => Some(Finding::open("end-unjudged", error.to_string())),
        }
    }

    fn after(&mut self, event: &Event) {
        let planned = self.state.plan.is_some() && !self.state.ended;
        match event {
            Event::Sweep(_) => {
                self.due = planned;
                self.surveying = false;
                self.telling = true;
            }
            // A process that began anew, servers found anew, copies compared for the next look: nothing is told in between.
            Event::Servers(_) | Event::Clock(_) => self.telling = false,
            Event::Keys(_) | Event::Proven(_) => self.due = planned,
            Event::Contents(_) => {
                self.due = planned && !self.surveying;
                self.telling = false;
            }
            Event::Begin(_) => {
                self.surveying = true;
                self.telling = false;
            }
            Event::Intent(intended) => self.intended = Some(intended.step.0.clone()),
            _ => {}
        }
        self.authenticating = match event {
            Event::Decision(decision) => matches!(**decision, Decision::Authenticate { .. }),
            Event::Channel(_) => true,
            _ => false,
        };
    }
}

/// What a channel's word can make of a decision to authenticate.
fn from_outside(made: &Decision, recorded: &Decision) -> bool {
    let Decision::Authenticate { provider, .. } = made else {
        return false;
    };
    match recorded {
        Decision::Halt { what, .. } => what.contains(provider),
        Decision::Person { what, .. } => *what == format!("keys-of-{provider}"),
        _ => false,
    }
}

fn continuous(word: bool) -> &'static str {
    if word { "continuous" } else { "not continuous" }
}

/// A decision in a few words.
fn words(decision: &Decision) -> String {
    match decision {
        Decision::Look { why } => format!("look ({why})"),
        Decision::Authenticate { provider, keys } => {
            format!("authenticate {} of {provider}", keys.join(", "))
        }
        Decision::Compare { providers, .. } => format!("compare the copies of {}", providers.join(", ")),
        Decision::Act { step, .. } => format!("take step {step}"),
        Decision::Proven { step } => format!("step {step} is proven"),
        Decision::Wait { step, until, why, .. } => match until {
            Some(until) => format!("wait with step {step} until {}", Moment::from_seconds(*until)),
            None => format!("wait with step {step} ({why})"),
        },
        Decision::Person { what, .. } => format!("a person has to act ({what})"),
        Decision::Halt { what, .. } => format!("halt ({what})"),
        Decision::Complete => "every step is proven".to_owned(),
    }
}
