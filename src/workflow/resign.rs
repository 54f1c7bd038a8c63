//! Whether the newcomer's keys outlive a re-sign at the providers that hold them, before anything depends on it.

use super::decide::{View, wait};
use super::decision::Decision;
use super::plan::{Intent, Step};
use super::state::Progress;
use crate::dns::Rtype;
use crate::evidence::Place;
use crate::moment::Moment;

/// What a person approves who knows that a provider keeps foreign keys when it signs anew.
pub const RESIGN_WAIVER: &str = "resign";

impl View<'_> {
    /// Before a step that leads resolvers to a newcomer: some providers drop foreign keys when they next sign.
    pub(super) fn before_resign(&self, step: &Step) -> Option<Decision> {
        let patience = self.plan.resign?;
        if !self.leads_to_newcomer(&step.intent) || self.state.approvals.contains_key(RESIGN_WAIVER) {
            return None;
        }
        let waiting: Vec<&str> = self
            .plan
            .before
            .iter()
            .map(String::as_str)
            .filter(|member| !self.plan.signer(member).is_some_and(|signer| signer.signs_live))
            .filter(|member| !self.is_signed_anew(member))
            .collect();
        if waiting.is_empty() {
            return None;
        }
        let since = self.keys_placed().unwrap_or(self.sweep.started);
        let until = since + std::time::Duration::from_secs(patience);
        let what = format!(
            "{} has not signed its DNSKEY RRset anew since it holds the newcomer's keys ({}), and some providers drop foreign \
             keys when they do",
            waiting.join(", "),
            Moment::from_seconds(since.floor_seconds())
        );
        if self.sweep.started < until {
            let why = format!(
                "{what}; have it sign now (BIND: `rndc sign {zone}`, Knot DNS: `knotc zone-sign {zone}`), or `unbroken approve \
                 {RESIGN_WAIVER}`; from {} on that is asked for",
                Moment::from_seconds(until.ceil_seconds()),
                zone = self.plan.zone
            );
            return Some(wait(step, None, why));
        }
        Some(Decision::Person {
            what: RESIGN_WAIVER.to_owned(),
            text: format!(
                "before {}: {what}. Nothing depends on it yet. Have it sign the zone anew, which is seen by itself; or say that \
                 it keeps foreign keys",
                step.id
            ),
            approve: true,
        })
    }

    fn leads_to_newcomer(&self, intent: &Intent) -> bool {
        let (at, of) = match intent {
            Intent::SetApexNs { at, of } => (Some(at), of),
            Intent::SetParentNs { of } => (None, of),
            _ => return false,
        };
        let newcomer = |name: &String| !self.plan.before.contains(name);
        of.iter().any(newcomer) && !at.is_some_and(newcomer) && self.shares_keys()
    }

    /// A plan whose keys are all placed already by an earlier plan has nothing to prove.
    fn shares_keys(&self) -> bool {
        self.plan.steps.iter().any(|step| self.places_keys(&step.intent))
    }

    fn places_keys(&self, intent: &Intent) -> bool {
        matches!(intent, Intent::ShareKeys { at, .. } if self.plan.before.contains(at))
    }

    fn keys_placed(&self) -> Option<Moment> {
        self.plan
            .steps
            .iter()
            .filter(|step| self.places_keys(&step.intent))
            .filter_map(|step| match self.state.progress(&step.id) {
                Progress::Proven(at) => Some(*at),
                _ => None,
            })
            .max()
    }

    /// At every address: what is served there now has signatures that begin after those it was first seen with.
    fn is_signed_anew(&self, member: &str) -> bool {
        let mut addresses = std::collections::BTreeMap::new();
        for (key, stream) in self.state.ledger.streams() {
            if key.place == Place::Provider(member.to_owned()) && key.rtype == Rtype::DNSKEY {
                *addresses.entry(key.address).or_insert(false) |= stream.is_signed_anew();
            }
        }
        !addresses.is_empty() && addresses.values().all(|anew| *anew)
    }
}
