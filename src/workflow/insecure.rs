//! Time without DS on purpose: what a plan wants, who approved it, and until when; all else without DS is a fault.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::copies::Copied;
use super::decide::View;
use super::decision::Decision;
use super::event::{Approval, Intended};
use super::facts::{Fact, Served};
use super::forecast::{Forecast, forecast};
use super::ledger::{Run, Stream};
use super::plan::{Intent, Plan, Step, StepId};
use super::state::{Said, State, Try};
use crate::dns::Name;
use crate::evidence::Place;
use crate::moment::Moment;
use crate::ports::FailureClass;

/// What a person approves who knows that the CDS which a signer makes by itself does no harm: nobody at the parent follows it.
pub fn own_cds_waiver(provider: &str) -> String {
    format!("own-cds-at-{provider}")
}

/// So many names are listed.
const MOST_NAMES: usize = 8;

/// Insecure time that a plan wanted and a person approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedInsecure {
    /// The plan's hash.
    pub plan: String,
    /// The step that took the DS RRset away.
    pub step: StepId,
    /// The person's word.
    pub approval: Approval,
    /// When it was recorded.
    pub approved: Moment,
    /// When the step was first intended: nothing that was seen before belongs to it.
    pub since: Moment,
    /// When the next DS RRset was intended, or another plan took over; none: not yet.
    pub until: Option<Moment>,
}

impl PlannedInsecure {
    /// What `intended` begins, if its step takes the DS RRset away and a person approved that.
    pub(super) fn begun(
        plan: &Plan,
        hash: &str,
        intended: &Intended,
        approval: Option<(&Approval, Moment)>,
        at: Moment,
    ) -> Option<PlannedInsecure> {
        let step = plan.step(&intended.step)?;
        let (approval, approved) = approval?;
        matches!(step.intent, Intent::RemoveDs { .. }).then(|| PlannedInsecure {
            plan: hash.to_owned(),
            step: step.id.clone(),
            approval: approval.clone(),
            approved,
            since: at,
            until: None,
        })
    }

    /// Whether an absence of DS that was first seen at that moment is this one's.
    pub fn covers(&self, first_seen: Moment) -> bool {
        first_seen >= self.since && self.until.is_none_or(|until| first_seen <= until)
    }

    pub(super) fn shift(&mut self, millis: i64) {
        self.approved = self.approved.moved(millis);
        self.since = self.since.moved(millis);
        self.until = self.until.map(|until| until.moved(millis));
    }
}

/// A stretch of time in which a server of the parent proved that there is no DS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InsecureStretch {
    /// The earliest moment at which it may have begun.
    pub from: Moment,
    /// The latest at which it may have ended; none: it lasts.
    pub until: Option<Moment>,
    /// Whose it is, of [`State::insecure`]; none: nobody planned it.
    pub planned: Option<usize>,
}

/// All of them, in order. What was planned and what was not stand apart, even where they touch.
pub fn insecure_stretches(state: &State) -> Vec<InsecureStretch> {
    let mut parts: Vec<InsecureStretch> = absences(state)
        .map(|(_, run)| InsecureStretch {
            from: run.begin,
            until: run.end,
            planned: whose(state, run),
        })
        .collect();
    parts.sort_by_key(|part| (part.planned, part.from));
    let mut out: Vec<InsecureStretch> = Vec::new();
    for part in parts {
        match out.last_mut() {
            Some(last)
                if last.planned == part.planned && last.until.is_none_or(|until| part.from <= until) =>
            {
                last.until = last.until.zip(part.until).map(|(a, b)| a.max(b));
            }
            _ => out.push(part),
        }
    }
    out.sort_by_key(|stretch| stretch.from);
    out
}

/// Whose absences of DS the parent's servers prove now: nobody's is none.
pub fn insecure_by(state: &State) -> BTreeSet<Option<usize>> {
    absences(state)
        .filter(|(stream, run)| {
            stream
                .current()
                .is_some_and(|current| std::ptr::eq(current, *run))
        })
        .map(|(_, run)| whose(state, run))
        .collect()
}

fn whose(state: &State, run: &Run) -> Option<usize> {
    state
        .insecure
        .iter()
        .position(|planned| planned.covers(run.first_seen))
}

/// Each time for which a server of the parent said that there is no DS.
fn absences(state: &State) -> impl Iterator<Item = (&Stream, &Run)> {
    let is_absence = |served: &Served| matches!(&served.fact, Fact::Ds(set) if set.is_empty());
    state
        .ledger
        .streams()
        .filter(|(key, _)| key.place == Place::Parent)
        .flat_map(|(_, stream)| stream.runs.iter().map(move |run| (stream, run)))
        .filter(move |(_, run)| run.facts.iter().any(is_absence))
}

/// The insecure time on purpose that is under way: the plan wants no DS, a person approved it, and none is there.
pub fn insecure_now(state: &State) -> Option<&PlannedInsecure> {
    let planned = state.insecure.last().filter(|planned| planned.until.is_none())?;
    let absent = state.snapshot().ds.all(std::collections::BTreeSet::is_empty);
    (absent && !state.ended).then_some(planned)
}

/// From when to when a calendar leaves the zone insecure on purpose; the end is none where it cannot be dated. None: never.
pub fn insecure_span(plan: &Plan, calendar: &[Forecast]) -> Option<(Moment, Option<Moment>)> {
    let at = |wanted: fn(&Intent) -> bool| {
        let step = plan.steps.iter().find(|step| wanted(&step.intent))?;
        calendar.iter().find(|line| line.step == step.id)?.at
    };
    let begin = at(|intent| matches!(intent, Intent::RemoveDs { .. }))?;
    let end = at(|intent| matches!(intent, Intent::SetDs { .. }));
    Some((begin, end))
}

/// The names in the copies of the zone whose records are worth something only while they are signed (DANE and the like).
pub fn dane_names(state: &State, plan: &Plan) -> Vec<Name> {
    let mut names: Vec<Name> = state
        .copies
        .iter()
        .flat_map(|copies| &copies.compared.copies)
        .filter(|(provider, _)| plan.signer(provider).is_some())
        .filter_map(|(_, copy)| match copy {
            Copied::Read { dane, .. } => Some(dane),
            Copied::Unread { .. } => None,
        })
        .flatten()
        .cloned()
        .collect();
    names.sort();
    names.dedup();
    names
}

/// A few of these names, and how many more.
pub(super) fn some_names(names: &[Name]) -> String {
    let list: Vec<String> = names.iter().take(MOST_NAMES).map(ToString::to_string).collect();
    match names.len().saturating_sub(MOST_NAMES) {
        0 => list.join(", "),
        more => format!("{} and {more} more", list.join(", ")),
    }
}

impl View<'_> {
    /// What a person is asked before `step`; none: nothing, or it was approved.
    pub(super) fn unapproved(&self, step: &Step) -> Option<Decision> {
        let own = step.approval.then_some(step);
        own.into_iter()
            .chain(self.prepared_by(step))
            .find_map(|asked| self.asked(step, asked))
    }

    /// What a person is asked before `step` on account of `asked`, which is the same or follows from it.
    fn asked(&self, step: &Step, asked: &Step) -> Option<Decision> {
        let insecure = matches!(asked.intent, Intent::RemoveDs { .. });
        // That a person has to say even where somebody removed the DS before: it stays away.
        let needless = (step.id != asked.id || !insecure) && self.is_so(step);
        if needless || self.state.approvals.contains_key(&asked.id.0) {
            return None;
        }
        if let Some(first) = self.unauthenticated(&asked.intent).filter(|_| insecure) {
            return Some(first);
        }
        let text = if insecure {
            self.insecure_words(asked)
        } else {
            format!(
                "{}: the settings ask for a person's approval",
                asked.intent.title()
            )
        };
        Some(Decision::Person {
            what: asked.id.0.clone(),
            text,
            approve: true,
        })
    }

    /// The removal of the DS that `step` only prepares, at the provider that signs the zone by it.
    fn prepared_by(&self, step: &Step) -> Option<&Step> {
        let Intent::WithdrawCds { at } = &step.intent else {
            return None;
        };
        let removes =
            |one: &&Step| matches!(one.intent, Intent::RemoveDs { .. }) && one.after.contains(&step.id);
        self.plan
            .steps
            .iter()
            .find(|one| self.plan.before.contains(at) && removes(one))
    }

    fn insecure_words(&self, step: &Step) -> String {
        let calendar = forecast(self.state, self.plan, self.as_of());
        let long = match insecure_span(self.plan, &calendar) {
            Some((begin, Some(end))) => format!("for at least {}", words(end.since(begin).as_secs())),
            _ => "and nobody can tell for how long".to_owned(),
        };
        let dane = match &dane_names(self.state, self.plan)[..] {
            [] => String::new(),
            names => format!(
                "; TLSA and other records that need DNSSEC are worth nothing in that time ({})",
                some_names(names)
            ),
        };
        format!(
            "{}, from the moment at which this is done and {long}: whatever is answered in that time, forged or not, no \
             resolver can tell{dane}. The way back: {}",
            step.intent.title(),
            step.undo
        )
    }

    /// Whether a person said that CDS which a signer makes by itself may stay.
    pub(super) fn keeps_cds(&self, step: &Step) -> bool {
        matches!(&step.intent, Intent::WithdrawCds { at }
            if self.state.approvals.contains_key(&own_cds_waiver(at)))
    }

    /// A signer that makes CDS by itself takes no word against it over a driver: a person switches it off, or knows that nobody
    /// follows it.
    pub(super) fn own_cds(&self, step: &Step, last: &Try) -> Option<Decision> {
        let Intent::WithdrawCds { at } = &step.intent else {
            return None;
        };
        if matches!(
            last.said,
            Some(Said::Manual(_) | Said::Failed(FailureClass::Auth, _))
        ) {
            return None;
        }
        Some(Decision::Person {
            what: own_cds_waiver(at),
            text: format!(
                "before {}: {at} goes on publishing CDS and CDNSKEY, as signers do that make them of their own keys. Switch that off there \
                 (BIND: `cdnskey no; cds-digest-types {{ }};` in its dnssec-policy; Knot DNS: `cds-cdnskey-publish: none`; PowerDNS: \
                 `pdnsutil unset-publish-cds` and `unset-publish-cdnskey`), which is seen by itself. Or, if you know that neither \
                 the registry nor the registrar follows CDS, so that they do no harm, say so",
                step.id
            ),
            approve: true,
        })
    }

    /// What a person has to take away again, where a DS is back that the plan has taken away.
    pub(super) fn returned_ds(&self) -> Option<String> {
        let (index, step) = self
            .plan
            .steps
            .iter()
            .enumerate()
            .find(|(_, step)| matches!(step.intent, Intent::RemoveDs { .. }))?;
        if !self.state.is_proven(&step.id) || self.superseded(index) {
            return None;
        }
        let wanted = super::target::target(self.plan, &step.intent, self.now).ok()?;
        let back = self.now.ds.values.keys().any(|set| !set.is_empty());
        back.then(|| {
            format!(
                "a DS is back that step {} took away: find out who put it there (a panel of the registrar, a parent that \
                 follows CDS, a person), take it away again, and run again {}",
                step.id,
                self.by_hand(&wanted)
            )
        })
    }
}

/// In the two largest units; minutes and seconds are rounded up, so that the words do not change with every look.
fn words(seconds: u64) -> String {
    match (
        seconds / 86_400,
        seconds / 3_600 % 24,
        seconds.div_ceil(60),
        seconds,
    ) {
        (0, 0, _, ..60) => format!("{seconds} s"),
        (0, 0, minutes, _) => format!("{minutes} min"),
        (0, hours, ..) => format!("{hours} h"),
        (days, hours, ..) => format!("{days} d {hours} h"),
    }
}
