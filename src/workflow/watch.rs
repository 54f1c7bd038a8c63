//! When the copies of the zone have to be compared, and what stands in the way if they differ or cannot be read.

use std::time::Duration;

use super::copies::{CONTENTS_WAIVER, Copies, FRESH};
use super::decide::{View, wait};
use super::decision::{By, Decision};
use super::outlook::Outlook;
use super::plan::{Intent, Step};
use super::state::Progress;
use crate::moment::Moment;

impl View<'_> {
    /// While resolvers are led to more than one signer: compared now and then, and a difference that lasts is a halt.
    pub(super) fn copies(&self) -> Option<Decision> {
        if self.led().len() < 2 {
            return None;
        }
        if let Some(decision) = self.due(None) {
            return Some(decision);
        }
        let (words, since) = self.difference()?;
        if self.sweep.started < since + self.settling() {
            return None;
        }
        let Outlook { safe, by } = self.outlook();
        Some(Decision::Halt {
            what: format!("resolvers are led to copies of the zone that differ since {since}: {words}"),
            safe,
            by: By {
                why: format!(
                    "users get one answer or the other, since {since} already; for the signatures: {}",
                    by.why
                ),
                ..by
            },
            choices: vec![
                "make the copies equal at the providers, then run again: they are compared anew".to_owned(),
                "until then make every change of the zone at both providers, or at none".to_owned(),
                format!(
                    "see every server's own answers: unbroken check {}",
                    self.plan.zone
                ),
            ],
        })
    }

    /// Before a step that changes who is asked: contents that cannot be read need a person's word.
    pub(super) fn unread_copies(&self, step: &Step) -> Option<Decision> {
        if !leads(&step.intent) || self.state.approvals.contains_key(CONTENTS_WAIVER) {
            return None;
        }
        let Some(copies) = &self.state.copies else {
            return Some(self.compare("they were not read yet"));
        };
        let unknown = copies.unknown(self.plan);
        if unknown.is_empty() {
            return None;
        }
        let passing = unknown.iter().any(|(_, _, lasting)| !lasting);
        if passing && self.is_old(copies, None) {
            return Some(self.compare("a copy could not be read the last time"));
        }
        let list: Vec<String> = unknown
            .iter()
            .map(|(name, why, _)| format!("{name}: {why}"))
            .collect();
        Some(Decision::Person {
            what: CONTENTS_WAIVER.to_owned(),
            text: format!(
                "before {}, nobody can tell whether every copy of the zone holds the same ({}); compare them by hand, and \
                 say so",
                step.id,
                list.join("; ")
            ),
            approve: true,
        })
    }

    /// Right before such a step: the copies that can be read must have been equal a short while ago.
    pub(super) fn copies_before(&self, step: &Step) -> Option<Decision> {
        if !leads(&step.intent) {
            return None;
        }
        let ready = step
            .after
            .iter()
            .filter_map(|before| match self.state.progress(before) {
                Progress::Proven(at) => Some(*at),
                _ => None,
            })
            .max();
        if let Some(decision) = self.due(ready) {
            return Some(decision);
        }
        let (words, since) = self.difference()?;
        let until = since + self.settling();
        if self.sweep.started < until {
            let why = format!("the copies of the zone differ: {words}");
            return Some(wait(step, Some(until.ceil_seconds()), why));
        }
        let Outlook { safe, by } = self.outlook();
        Some(Decision::Halt {
            what: format!(
                "before {}: the copies of the zone differ since {since}: {words}",
                step.id
            ),
            safe: format!("this step was not taken, so nobody is led to another copy by it, and {safe}"),
            by,
            choices: vec![
                "make the copies equal at the providers, then run again: they are compared anew".to_owned(),
                format!(
                    "see every server's own answers: unbroken check {}",
                    self.plan.zone
                ),
            ],
        })
    }

    /// How long a difference may last: a change of the zone reaches one provider before the other.
    fn settling(&self) -> Duration {
        Duration::from_secs(u64::from(self.plan.rules.patience))
    }

    fn difference(&self) -> Option<(String, Moment)> {
        let copies = self.state.copies.as_ref()?;
        let (pair, since) = copies.differing(self.plan).next()?;
        Some((pair.words(), since))
    }

    fn due(&self, after: Option<Moment>) -> Option<Decision> {
        let Some(copies) = &self.state.copies else {
            return Some(self.compare("they were not read yet"));
        };
        let again = self.is_old(copies, after) || copies.differing(self.plan).next().is_some();
        if again && copies.sweep != self.sweep.count {
            return Some(self.compare("the last comparison was a while ago"));
        }
        None
    }

    /// Whether another look is worth it; never twice in one sweep.
    fn is_old(&self, copies: &Copies, after: Option<Moment>) -> bool {
        let Some(life) = self.life(copies) else {
            return false;
        };
        copies.sweep != self.sweep.count
            && (self.sweep.started >= copies.at + life || after.is_some_and(|after| copies.at <= after))
    }

    /// How long a comparison is good; none: there is nothing to compare, and there never will be.
    fn life(&self, copies: &Copies) -> Option<Duration> {
        let missing = copies.unknown(self.plan).iter().any(|(_, _, lasting)| !lasting);
        if !missing && copies.pairs(self.plan).next().is_none() {
            return None;
        }
        Some(if missing { self.settling() } else { FRESH })
    }

    /// Until when nothing is due by the age of the latest comparison, where [`View::copies`] asks for nothing: `Some(None)`: no
    /// age makes it so. None where copies differ, or resolvers are led to two and nothing was compared.
    pub(super) fn copies_last(&self) -> Option<Option<Moment>> {
        if self.led().len() < 2 {
            return Some(None);
        }
        let copies = self.state.copies.as_ref()?;
        if copies.differing(self.plan).next().is_some() {
            return None;
        }
        Some(self.life(copies).map(|life| copies.at + life))
    }

    fn compare(&self, why: &str) -> Decision {
        Decision::Compare {
            providers: self
                .plan
                .signers
                .iter()
                .map(|signer| signer.name.clone())
                .collect(),
            why: why.to_owned(),
        }
    }
}

/// Whether the step changes which provider resolvers ask, or begins an insecure time that lasts until they ask another: a
/// difference that is found then would make it longer.
fn leads(intent: &Intent) -> bool {
    matches!(
        intent,
        Intent::SetApexNs { .. } | Intent::SetParentNs { .. } | Intent::RemoveDs { .. }
    )
}
