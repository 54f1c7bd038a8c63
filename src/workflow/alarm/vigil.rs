//! The state of a watch: rules, what is expected, what is not as expected and since when, what was told.

use std::collections::BTreeMap;

use super::baseline::{Baseline, judge};
use super::conditions::{conditions, mixtures};
use super::seen::Seen;
use super::{Alarm, Code, Condition, Phase, Subject, WatchRules};
use crate::dnssec::Status;
use crate::evidence::Place;
use crate::moment::Moment;
use crate::workflow::mixture::Mixture;
use crate::workflow::state::State;

/// A condition and since when it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The first sweep that showed it began then.
    pub since: Moment,
    /// What it is.
    pub condition: Condition,
}

/// A watch.
#[derive(Clone, Debug)]
pub struct Vigil {
    /// How it is watched.
    pub rules: WatchRules,
    /// What is expected; none before the first look.
    pub baseline: Option<Baseline>,
    /// When that was recorded last.
    pub accepted: Option<Moment>,
    /// What is not as it should be, alarms and what may become one.
    pub held: BTreeMap<(Code, Subject), Held>,
    /// The alarms that were told and are not over.
    pub told: BTreeMap<(Code, Subject), Alarm>,
    /// Mixtures that certainly fail, and the state's news when they were computed.
    mixtures: (u64, Vec<Mixture>),
}

impl Vigil {
    /// Nothing seen yet.
    pub fn new(rules: WatchRules) -> Vigil {
        Vigil {
            rules,
            baseline: None,
            accepted: None,
            held: BTreeMap::new(),
            told: BTreeMap::new(),
            mixtures: (u64::MAX, Vec::new()),
        }
    }

    /// Takes in what was told.
    pub fn tell(&mut self, alarm: &Alarm) {
        let key = (alarm.code, alarm.subject.clone());
        match alarm.phase {
            Phase::Begin => {
                self.told.insert(key, alarm.clone());
            }
            Phase::Over => {
                self.told.remove(&key);
            }
        }
    }

    /// Looks at the last sweep of `state`, of which this is the watch.
    pub(in crate::workflow) fn consider(&mut self, state: &State) {
        let (Some(seen), Some(sweep)) = (Seen::of(state), &state.last_sweep) else {
            return;
        };
        if self.mixtures.0 != state.news {
            self.mixtures = (state.news, mixtures(state));
        }
        let judged = judge(state, &seen, self);
        let found = conditions(state, &seen, &judged, &self.rules, &self.mixtures.1);
        let mut held: BTreeMap<(Code, Subject), Held> = BTreeMap::new();
        for condition in found {
            let key = (condition.code, condition.subject.clone());
            let since = self.held.get(&key).map_or(sweep.started, |held| held.since);
            held.insert(key, Held { since, condition });
        }
        for (key, old) in std::mem::take(&mut self.held) {
            if !held.contains_key(&key)
                && !self.rules.ignore.contains(&key.0)
                && !self.is_over(state, &seen, &key)
            {
                held.insert(key, old);
            }
        }
        self.held = held;
    }

    /// Whether everything that would have to show it was seen. What was not seen is not over.
    fn is_over(&self, state: &State, seen: &Seen, key: &(Code, Subject)) -> bool {
        // To whom resolvers are led was not seen.
        if seen.parent_ns.is_empty() {
            return false;
        }
        let (code, subject) = key;
        let concerns = |provider: &Option<String>, address| match (&subject.address, &subject.provider) {
            (Some(own), _) => *own == address,
            (None, Some(own)) => provider.as_ref() == Some(own),
            (None, None) => true,
        };
        // A silent server that is an alarm by itself does not keep others open.
        let told = |address| {
            let mut alarms = self.told.keys();
            alarms.any(|(code, subject)| {
                matches!(code, Code::NoAnswer | Code::Lame) && subject.address == Some(address)
            })
        };
        if matches!(code, Code::NoAnswer | Code::Lame) {
            return !is_asked(state, subject)
                || !seen.silent.iter().any(|one| Some(one.address) == subject.address);
        }
        if *code == Code::Bogus {
            let mut verdicts = seen.verdicts.iter();
            let known = verdicts.any(|verdict| {
                Some(verdict.address) == subject.address
                    && (matches!(verdict.status, Status::Secure | Status::Insecure) || !verdict.delegated)
            });
            return known || !is_asked(state, subject);
        }
        !seen
            .silent
            .iter()
            .any(|one| concerns(&one.provider, one.address) && !told(one.address))
    }

    /// What has to be told now: alarms that begin, alarms that are over.
    pub fn owed(&self, now: Moment) -> Vec<Alarm> {
        let begins = self.held.iter().filter(|(key, held)| {
            let patient = now.since(held.since).as_secs() < held.condition.patience;
            !patient && !self.told.contains_key(key)
        });
        let begins = begins.map(|((code, subject), held)| Alarm {
            phase: Phase::Begin,
            code: *code,
            subject: subject.clone(),
            since: held.since,
            text: held.condition.text.clone(),
        });
        let over = self.told.iter().filter(|(key, _)| !self.held.contains_key(key));
        let over = over.map(|(_, alarm)| Alarm {
            phase: Phase::Over,
            ..alarm.clone()
        });
        over.chain(begins).collect()
    }

    /// What is not as it should be and no alarm yet.
    pub fn pending(&self) -> impl Iterator<Item = &Held> {
        self.held
            .iter()
            .filter(|(key, _)| !self.told.contains_key(key))
            .map(|(_, held)| held)
    }

    /// The clock was set by so much, milliseconds.
    pub(in crate::workflow) fn shift(&mut self, millis: i64) {
        for held in self.held.values_mut() {
            held.since = held.since.moved(millis);
        }
        self.accepted = self.accepted.map(|at| at.moved(millis));
        self.mixtures.0 = u64::MAX;
    }
}

/// Whether the server that is meant is still asked.
fn is_asked(state: &State, subject: &Subject) -> bool {
    let Some(sweep) = &state.last_sweep else {
        return true;
    };
    state.ledger.streams().any(|(key, stream)| {
        Some(key.address) == subject.address
            && stream.asked >= sweep.started
            && match (&key.place, &subject.provider) {
                (Place::Provider(name), Some(own)) => name == own,
                (Place::Parent, None) => true,
                _ => false,
            }
    })
}
