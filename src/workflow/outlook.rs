//! What is safe at a halt and until when a person has time: from the servers' last answers and from the checker, never from
//! a guess.

use std::collections::BTreeSet;

use super::assess::{ServerVerdict, assess};
use super::assumed::reachable;
use super::decide::View;
use super::decision::By;
use super::gate::{options, version_words};
use super::mixture::conflicts;
use super::target::Target;
use crate::continuity::{Conflict, Value, Version};
use crate::dnssec::Status;
use crate::moment::Moment;

/// What a person has to know before touching anything.
#[derive(Default)]
pub(super) struct Outlook {
    /// What still validates, and what must stay as it is.
    pub(super) safe: String,
    /// Until when.
    pub(super) by: By,
}

impl View<'_> {
    /// What is safe now, and until when.
    pub(super) fn outlook(&self) -> Outlook {
        let verdicts: Vec<ServerVerdict> = assess(self.state, self.sweep.ended)
            .into_iter()
            .filter(|verdict| self.led().contains(&verdict.provider))
            .collect();
        let conflict = self.coming();
        Outlook {
            safe: self.safe(&verdicts, conflict.as_ref()),
            by: self.by(&verdicts, conflict.as_ref()),
        }
    }

    fn safe(&self, verdicts: &[ServerVerdict], conflict: Option<&Conflict>) -> String {
        let mut parts = vec![standing(verdicts)];
        parts.push(match conflict {
            None => "No mixture of answers that a cache may hold fails".to_owned(),
            Some(conflict) => format!(
                "Not every mixture that a cache may hold validates: {}",
                conflict_words(conflict)
            ),
        });
        let asked = list(&self.still_asked());
        if !asked.is_empty() {
            parts.push(format!(
                "Resolvers may ask {asked}: keep the signed zone served there"
            ));
        }
        parts.push("Leave DS, NS and DNSKEY records alone but for what stands below".to_owned());
        parts.join(". ")
    }

    fn by(&self, verdicts: &[ServerVerdict], conflict: Option<&Conflict>) -> By {
        let now = self.as_of();
        if let Some(bad) = verdicts.iter().find(|verdict| verdict.status == Status::Bogus) {
            return By {
                at: Some(now),
                why: format!(
                    "at once: whoever asks {} anew gets what does not validate",
                    bad.server
                ),
            };
        }
        if let Some(conflict) = conflict {
            let when = if conflict.from <= now {
                "at once"
            } else {
                "before that"
            };
            return By {
                at: Some(conflict.from.max(now)),
                why: format!(
                    "{when}: resolvers that hold such a mixture fail{}",
                    match conflict.until {
                        Some(until) => format!(" until {}", Moment::from_seconds(until)),
                        None => ", and that does not pass by itself".to_owned(),
                    }
                ),
            };
        }
        let expiring = verdicts
            .iter()
            .filter_map(|verdict| Some((verdict.expires?, verdict)))
            .min_by_key(|(at, _)| *at);
        match expiring {
            Some((at, verdict)) => By {
                at: Some(at),
                why: format!(
                    "no hurry before that: then the first signature that resolvers are led to, at {}, expires, unless {} \
                     renews it as it should",
                    verdict.server, verdict.provider
                ),
            },
            None => By {
                at: None,
                why: "no hurry: no signature is known that could expire".to_owned(),
            },
        }
    }

    /// The first conflict that is there or still to come, if nothing is changed.
    fn coming(&self) -> Option<Conflict> {
        conflicts(&self.traced().timeline, &options(self.plan), self.as_of())
            .into_iter()
            .min_by_key(|conflict| conflict.from)
    }

    /// The signers to which resolvers are led now: by the parent, or by the apex of one to whom the parent leads.
    pub(super) fn led(&self) -> BTreeSet<String> {
        reachable(self.plan, self.now)
    }

    /// The providers that a name server record in any cache may still lead to.
    fn still_asked(&self) -> BTreeSet<String> {
        let rules = &self.plan.rules;
        let now = self.as_of();
        let live = |version: &&Version| {
            let life = i64::from(version.ttl.max(rules.ttl_floor)) + i64::from(rules.stale);
            version.until.is_none_or(|until| until + life > now)
        };
        let versions = || self.traced().timeline.versions.iter().filter(live);
        let mut asked: BTreeSet<String> = BTreeSet::new();
        loop {
            let before = asked.len();
            let named = versions().filter_map(|version| match &version.value {
                Value::ParentNs { providers } => Some(providers.clone()),
                Value::ApexNs { at, providers } if asked.contains(at) => Some(providers.clone()),
                _ => None,
            });
            let named: Vec<String> = named.flatten().collect();
            asked.extend(named);
            if asked.len() == before {
                // A host that nobody knows is named by the halt that is about it.
                asked.retain(|name| self.plan.signer(name).is_some());
                return asked;
            }
        }
    }

    /// What a person has to change to reach `wanted`, and from when that is safe.
    pub(super) fn by_hand(&self, wanted: &Target) -> String {
        let when = match self.gate_of(wanted) {
            Ok(gate) if gate.is_open(self.as_of()) => "safe at once".to_owned(),
            Ok(gate) => match (gate.opens, gate.because.first()) {
                (Some(at), Some(owed)) => format!("NOT before {}: {owed}", Moment::from_seconds(at)),
                (Some(at), None) => format!("NOT before {}", Moment::from_seconds(at)),
                (None, _) => format!("NOT now: {}", gate.never.unwrap_or_default()),
            },
            Err(why) => format!("from when it is safe cannot be told: {why}"),
        };
        let mut out = format!("({when})");
        for change in wanted.changes(&self.plan.zone, self.now) {
            for record in &change.remove {
                out.push_str(&format!("\n      - {record}"));
            }
            for record in &change.add {
                out.push_str(&format!("\n      + {record}"));
            }
        }
        out
    }
}

/// A conflict of the checker in words.
pub(super) fn conflict_words(conflict: &Conflict) -> String {
    let side = |version: &std::sync::Arc<Version>| version_words(&version.value);
    let sides: Vec<String> = [&conflict.left, &conflict.right]
        .into_iter()
        .flatten()
        .map(side)
        .collect();
    let mut out = format!("{} from {}", conflict.rule, Moment::from_seconds(conflict.from));
    if !sides.is_empty() {
        out.push_str(&format!(": {}", sides.join(" against ")));
    }
    if let Some(provider) = &conflict.provider {
        out.push_str(&format!(" ({provider})"));
    }
    out
}

/// How the servers stand that resolvers are led to.
fn standing(verdicts: &[ServerVerdict]) -> String {
    let count = |status: Status| verdicts.iter().filter(|v| v.status == status).count();
    let all = verdicts.len();
    let others: Vec<String> = verdicts
        .iter()
        .filter(|v| !matches!(v.status, Status::Secure | Status::Insecure))
        .map(|v| format!("{} {}", v.server, format!("{:?}", v.status).to_lowercase()))
        .collect();
    if all == 0 {
        return "no server that resolvers are led to was judged yet".to_owned();
    }
    if count(Status::Secure) == all {
        return format!("every server that resolvers are led to is secure ({all})");
    }
    if count(Status::Insecure) == all {
        return format!("every server that resolvers are led to is insecure ({all}): nothing is validated");
    }
    format!(
        "of {all} servers that resolvers are led to, {} are secure and {} are not ({})",
        count(Status::Secure),
        all - count(Status::Secure),
        others.join(", ")
    )
}

fn list(names: &BTreeSet<String>) -> String {
    names.iter().cloned().collect::<Vec<_>>().join(" and ")
}
