//! What of the last sweep is not as it should be.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::baseline::Judged;
use super::seen::{Seen, Silence};
use super::{Code, Condition, Subject, WatchRules};
use crate::dnssec::Status;
use crate::moment::Moment;
use crate::workflow::facts::Unclear;
use crate::workflow::mixture::{Mixture, certainly_failing};
use crate::workflow::state::State;
use crate::workflow::timeline::asked_signers;

/// The shortest life that is left to signatures without an alarm, seconds, where nobody said another.
const LAST_DAYS: i64 = 3 * 86_400;
/// The same as a part of the time for which they are valid.
const LAST_PART: i64 = 5;

/// Everything but what is ignored.
pub(super) struct Found<'a> {
    pub(super) rules: &'a WatchRules,
    pub(super) out: Vec<Condition>,
}

impl Found<'_> {
    pub(super) fn add(&mut self, code: Code, subject: Subject, patience: u64, text: String) {
        if self.rules.ignore.contains(&code) {
            return;
        }
        self.out.push(Condition {
            code,
            subject,
            text,
            patience,
        });
    }
}

/// Everything that the last sweep shows and that is not as it should be.
pub(super) fn conditions(
    state: &State,
    seen: &Seen,
    judged: &Judged,
    rules: &WatchRules,
    mixtures: &[Mixture],
) -> Vec<Condition> {
    let mut found = Found {
        rules,
        out: Vec::new(),
    };
    let now = state
        .last_sweep
        .as_ref()
        .map_or_else(Moment::default, |sweep| sweep.ended);
    found.chain(state, seen);
    found.mixtures(mixtures, now);
    found.silent(seen);
    found.signatures(seen, now);
    found.changes(judged);
    found.drift(state, seen);
    found.out
}

/// What of the recorded time certainly fails.
pub(super) fn mixtures(state: &State) -> Vec<Mixture> {
    let Some(sweep) = &state.last_sweep else {
        return Vec::new();
    };
    certainly_failing(state, &asked_signers(state), sweep.started)
}

impl Found<'_> {
    fn chain(&mut self, state: &State, seen: &Seen) {
        if let Some(fault) = state.upstream.fault() {
            let subject = Subject::default();
            self.add(Code::ChainAbove, subject, self.rules.silent_for, fault.to_owned());
        }
        for verdict in &seen.verdicts {
            if verdict.status == Status::Bogus && verdict.delegated {
                let subject = Subject {
                    provider: Some(verdict.provider.clone()),
                    server: Some(verdict.server.clone()),
                    address: Some(verdict.address),
                    ..Subject::default()
                };
                let text = format!("{} {} is bogus: {}", verdict.server, verdict.address, verdict.why);
                self.add(Code::Bogus, subject, 0, text);
            }
        }
    }

    fn mixtures(&mut self, mixtures: &[Mixture], now: Moment) {
        let mut pairs: BTreeMap<String, (&Mixture, BTreeSet<&str>)> = BTreeMap::new();
        let open = |mixture: &&Mixture| mixture.until.is_none_or(|until| until > now.floor_seconds());
        for mixture in mixtures.iter().filter(open) {
            let what = format!(
                "{}: {} beside {}",
                mixture.rule, mixture.left.what, mixture.right.what
            );
            let (_, classes) = pairs.entry(what).or_insert((mixture, BTreeSet::new()));
            classes.extend(mixture.class.as_deref());
        }
        for (what, (mixture, classes)) in pairs {
            let until = match mixture.until {
                Some(until) => format!("until {}", Moment::from_seconds(until)),
                None => "until something is changed".to_owned(),
            };
            let classes: Vec<&str> = classes.into_iter().collect();
            let text = format!(
                "caches may hold answers that do not validate together, from {} {until}: {what} (resolvers: {})",
                Moment::from_seconds(mixture.from),
                classes.join(", ")
            );
            let subject = Subject {
                what: Some(what),
                ..Subject::default()
            };
            self.add(Code::Mixture, subject, 0, text);
        }
    }

    /// Servers that gave no usable answer to something; one alarm a server and kind.
    fn silent(&mut self, seen: &Seen) {
        let mut servers: BTreeMap<(Code, Option<&String>, SocketAddr), Vec<&Silence>> = BTreeMap::new();
        for silence in &seen.silent {
            let code = match silence.why {
                Unclear::Lame | Unclear::Rcode(_) => Code::Lame,
                Unclear::Unverified(_) => Code::ChainAbove,
                _ => Code::NoAnswer,
            };
            let key = (code, silence.provider.as_ref(), silence.address);
            servers.entry(key).or_default().push(silence);
        }
        for ((code, provider, address), silences) in servers {
            // Nobody is led to a provider that stands outside of the delegation.
            if provider.is_some_and(|name| !seen.delegated.contains(name) && !seen.parent_ns.is_empty()) {
                continue;
            }
            let Some(first) = silences.first() else { continue };
            let more = match silences.len() {
                1 => String::new(),
                count => format!(", and {} questions more", count - 1),
            };
            let whose = if provider.is_none() { "of the parent " } else { "" };
            let text = format!(
                "{} {address} {whose}to {}: {}{more}",
                first.server, first.question, first.why
            );
            let subject = Subject {
                provider: provider.cloned(),
                server: Some(first.server.clone()),
                address: Some(address),
                ..Subject::default()
            };
            self.add(code, subject, self.rules.silent_for, text);
        }
    }

    fn signatures(&mut self, seen: &Seen, now: Moment) {
        let now = now.floor_seconds();
        for (provider, at) in seen.members() {
            for (address, signed) in &at.signed {
                let subject = || Subject {
                    provider: Some(provider.clone()),
                    server: Some(signed.server.clone()),
                    address: Some(*address),
                    ..Subject::default()
                };
                let least = self
                    .rules
                    .expires_within
                    .map_or(LAST_DAYS.min(signed.life / LAST_PART), clamp);
                let left = signed.ends - now;
                if left < least {
                    let text = format!(
                        "{} {address}: a signature ends at {}, in {} s",
                        signed.server,
                        Moment::from_seconds(signed.ends),
                        left.max(0)
                    );
                    self.add(Code::ExpiresSoon, subject(), 0, text);
                }
                let age = now - signed.newest;
                if self.rules.resign_within.is_some_and(|most| age > clamp(most)) {
                    let text = format!(
                        "{} {address}: its newest signature is of {}, {age} s ago",
                        signed.server,
                        Moment::from_seconds(signed.newest)
                    );
                    self.add(Code::NotResigned, subject(), 0, text);
                }
            }
        }
    }

    fn changes(&mut self, judged: &Judged) {
        for change in &judged.unexplained {
            let patience = if change.unsure { self.rules.silent_for } else { 0 };
            self.add(change.code, change.subject.clone(), patience, change.text.clone());
        }
    }
}

fn clamp(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}
