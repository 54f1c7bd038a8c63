//! What the plan would look like on the calendar if every change took effect at once: the same gates, asked ahead.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::gate::{Effect, Gate, effect, gate};
use super::plan::{Intent, Plan, StepId};
use super::snapshot::{AtProvider, KeySet, Now, Snapshot};
use super::state::{Progress, State};
use super::target::{Target, target};
use super::timeline::{Naming, Traced, timeline_with_assumed};
use crate::continuity::Version;
use crate::moment::Moment;
use crate::ports::RrsetChange;

/// One step of the calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// The step.
    pub step: StepId,
    /// What it does.
    pub title: String,
    /// Why it stands here.
    pub why: String,
    /// The earliest moment if nothing is slow; none: it can't be told from here.
    pub at: Option<Moment>,
    /// The gate, with what it waits for.
    pub gate: Option<Gate>,
    /// The changes, as differences.
    pub changes: Vec<RrsetChange>,
    /// It is done already.
    pub done: bool,
    /// What is not known yet.
    pub note: Option<String>,
}

/// The calendar of `plan` from what was seen, beginning at the Unix second `start`.
pub fn forecast(state: &State, plan: &Plan, start: i64) -> Vec<Forecast> {
    let mut ahead = Ahead {
        plan,
        state,
        now: state.snapshot().clone(),
        traced: timeline_with_assumed(plan, &state.ledger, &state.pool),
        ended: BTreeMap::new(),
        start,
    };
    plan.steps.iter().map(|step| ahead.take(&step.id)).collect()
}

struct Ahead<'a> {
    plan: &'a Plan,
    state: &'a State,
    now: Snapshot,
    traced: Traced,
    ended: BTreeMap<StepId, i64>,
    start: i64,
}

impl Ahead<'_> {
    fn take(&mut self, id: &StepId) -> Forecast {
        let plan = self.plan;
        let Some(step) = plan.step(id) else {
            return blank(id.clone());
        };
        let mut out = Forecast {
            title: step.intent.title(),
            why: step.why.clone(),
            ..blank(id.clone())
        };
        let ready = step
            .after
            .iter()
            .map(|before| self.ended.get(before).copied())
            .collect::<Option<Vec<_>>>();
        let Some(ready) = ready else {
            out.note = Some("follows a step that cannot be dated".to_owned());
            return out;
        };
        let from = ready.into_iter().max().unwrap_or(self.start);
        if let Progress::Proven(at) = self.state.progress(id) {
            out.done = true;
            out.at = Some(*at);
            self.ended.insert(id.clone(), from);
            return out;
        }
        if let Intent::Soak { seconds } = step.intent {
            let over = from.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX));
            out.at = Some(Moment::from_seconds(over));
            self.ended.insert(id.clone(), over);
            return out;
        }
        match target(plan, &step.intent, &self.now) {
            Ok(wanted) => self.carry_out(&wanted, from, &mut out),
            Err(missing) => out.note = Some(missing.0),
        }
        out
    }

    fn carry_out(&mut self, wanted: &Target, from: i64, out: &mut Forecast) {
        out.changes = wanted.changes(&self.plan.zone, &self.now);
        if wanted.reached(&self.now) && !matches!(wanted, Target::Retired(_)) {
            out.done = true;
            out.at = Some(Moment::from_seconds(from));
            self.ended.insert(out.step.clone(), from);
            return;
        }
        let naming = Naming::new(self.plan, &self.state.pool);
        let effect = effect(wanted, &self.traced, &naming);
        let gate = match gate(self.plan, &self.traced, &effect, from) {
            Ok(gate) => gate,
            Err(error) => {
                out.note = Some(error.to_string());
                return;
            }
        };
        out.at = gate.opens.map(Moment::from_seconds);
        if let Some(at) = gate.opens {
            self.ended.insert(out.step.clone(), at);
            if !matches!(wanted, Target::Cds { .. } | Target::Retired(_)) {
                self.traced.advance(&effect, at, self.plan.rules.margin);
            }
            self.now.take(wanted);
        }
        out.gate = Some(gate);
    }
}

impl Traced {
    /// The timeline after `effect` took place at the Unix second `at`. As the gates will see it, every end counts as the
    /// margin later.
    pub(super) fn advance(&mut self, effect: &Effect, at: i64, margin: u32) {
        for version in &effect.end {
            if let Some(own) = self.timeline.versions.iter_mut().find(|own| *own == version) {
                own.until = Some(at.max(own.from + 1) + i64::from(margin));
            }
        }
        for (value, ttl) in &effect.begin {
            self.push(Version::new(value.clone(), at, None, *ttl), None);
        }
    }
}

fn blank(step: StepId) -> Forecast {
    Forecast {
        step,
        title: String::new(),
        why: String::new(),
        at: None,
        gate: None,
        changes: Vec::new(),
        done: false,
        note: None,
    }
}

fn only<T: Ord>(value: T, ttl: u32) -> Now<T> {
    Now {
        values: BTreeMap::from([(value, ttl)]),
        unclear: Vec::new(),
    }
}

impl Snapshot {
    /// The snapshot after `target` took effect everywhere.
    pub(super) fn take(&mut self, target: &Target) {
        match target {
            Target::Keys { at, present, absent } => {
                let provider = self.at(at);
                let ttl = provider.dnskey.ttl();
                let mut set = KeySet::default();
                for seen in provider.dnskey.values.keys() {
                    set.keys.extend(seen.keys.iter().cloned());
                    set.signed_by.extend(seen.signed_by.iter().cloned());
                }
                set.keys.extend(present.iter().cloned());
                set.keys.retain(|key| !absent.contains(key));
                set.signed_by.retain(|key| !absent.contains(key));
                provider.dnskey = only(set, ttl);
            }
            Target::Cds { at, cds, cdnskey, .. } => {
                let provider = self.at(at);
                provider.cds = only(cds.clone(), provider.cds.ttl());
                provider.cdnskey = only(cdnskey.clone(), provider.cdnskey.ttl());
            }
            Target::Ds(set) => self.ds = only(set.clone(), self.ds.ttl()),
            Target::ApexNs { at, hosts } => {
                let provider = self.at(at);
                provider.apex_ns = only(hosts.clone(), provider.apex_ns.ttl());
            }
            Target::ParentNs { hosts, glue } => {
                let ttl = self.parent_ns.ttl();
                self.parent_ns = only(hosts.clone(), ttl);
                self.glue = glue
                    .iter()
                    .map(|(key, addresses)| (key.clone(), only(addresses.clone(), ttl)))
                    .collect();
            }
            Target::Retired(_) | Target::Nothing => {}
        }
    }

    fn at(&mut self, name: &str) -> &mut AtProvider {
        self.providers.entry(name.to_owned()).or_default()
    }
}
