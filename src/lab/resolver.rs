//! A model resolver: what it holds to, what it asks, and what it counts.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::dice::Dice;
use super::questions::Questions;
use super::readings::Readings;
use super::recursor::{Entry, Recursor};
use super::validate::{Trust, Verdict};
use super::verdicts::Verdicts;
use crate::dns::Name;
use crate::dnssec::Anchors;
use crate::moment::Moment;
use crate::ports::Transport;

/// Whose NS RRset a resolver follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Follows {
    /// The parent's, until its TTL has passed.
    #[default]
    Parent,
    /// The zone's own once it is known, until its TTL has passed; then the parent's again.
    Child,
    /// The zone's own, asked for again from the zone before it runs out, for as long as that goes.
    ChildForEver,
}

/// How a resolver behaves where the standards leave it a choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// What it is called in reports.
    pub name: &'static str,
    /// Whose NS RRset it follows.
    pub follows: Follows,
    /// What is asked for in the last tenth of its TTL is fetched anew.
    pub prefetch: bool,
    /// It sits behind a shared cache that validates nothing: each answer is validated from whatever is in there.
    pub forwarder: bool,
    /// Each algorithm of the DS RRset must work (RFC 4035 section 2.2), and only the highest digest type counts.
    pub strict: bool,
    /// A validated DNSKEY RRset is trusted for its own TTL, though the DS that vouched for it has gone.
    pub keys_outlive_ds: bool,
}

impl Policy {
    /// The crowd: one of each kind, and some mixtures.
    pub fn all() -> Vec<Policy> {
        let plain = Policy {
            name: "plain",
            follows: Follows::Child,
            ..Policy::default()
        };
        vec![
            plain,
            Policy {
                name: "parent-centric",
                follows: Follows::Parent,
                ..plain
            },
            Policy {
                name: "child-centric",
                follows: Follows::ChildForEver,
                ..plain
            },
            Policy {
                name: "prefetching",
                prefetch: true,
                ..plain
            },
            Policy {
                name: "behind-forwarder",
                forwarder: true,
                ..plain
            },
            Policy {
                name: "child-centric-forwarder",
                forwarder: true,
                follows: Follows::ChildForEver,
                ..plain
            },
            Policy {
                name: "strict-algorithms",
                follows: Follows::Parent,
                strict: true,
                ..plain
            },
            Policy {
                name: "key-cache",
                keys_outlive_ds: true,
                ..plain
            },
            Policy {
                name: "key-cache-child-centric",
                keys_outlive_ds: true,
                follows: Follows::ChildForEver,
                prefetch: true,
                ..plain
            },
        ]
    }
}

/// Something that took part in a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// What it is, with key tags: `DS shop.test. 4711/13/2`.
    pub what: String,
    /// From which server; none for a trust anchor.
    pub from: Option<SocketAddr>,
    /// When it was fetched; none for a trust anchor.
    pub fetched: Option<Moment>,
    /// When it leaves the cache.
    pub expires: Option<Moment>,
}

impl Held {
    pub(super) fn entry(what: String, entry: &Entry) -> Held {
        Held {
            what,
            from: Some(entry.from),
            fetched: Some(entry.fetched),
            expires: Some(entry.expires),
        }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.fetched) {
            (Some(from), Some(fetched)) => {
                write!(f, "{} (from {} at {fetched})", self.what, from.ip())
            }
            _ => f.write_str(&self.what),
        }
    }
}

/// A mixture that does not validate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// When it was seen.
    pub at: Moment,
    /// The question.
    pub question: String,
    /// What is wrong.
    pub why: String,
    /// The DS RRset that was used.
    pub ds: Option<Held>,
    /// The DNSKEY RRset that was used.
    pub dnskey: Option<Held>,
    /// The data.
    pub data: Option<Held>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.at, self.question, self.why)?;
        for held in [&self.ds, &self.dnskey, &self.data].into_iter().flatten() {
            write!(f, "; {held}")?;
        }
        Ok(())
    }
}

/// What became of a resolver's questions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ResolverReport {
    /// The policy's name.
    pub name: String,
    /// Questions of its users.
    pub asked: u64,
    /// Answered and validated.
    pub validated: u64,
    /// Answered, and proven to need no validation.
    pub insecure: u64,
    /// Answers that do not validate: the user gets SERVFAIL.
    pub failed: u64,
    /// No server of the provider that was drawn gave an answer.
    pub unreachable: u64,
    /// Queries sent to servers.
    pub queries: u64,
    /// The first failures.
    pub failures: Vec<Failure>,
    /// The first questions without an answer.
    pub silences: Vec<String>,
}

/// So many failures are told in full.
const TOLD: usize = 5;

/// What a resolver begins with.
pub(super) struct Start {
    pub(super) roots: Vec<SocketAddr>,
    pub(super) timeout: Duration,
    pub(super) verdicts: Verdicts,
    pub(super) readings: Readings,
    pub(super) dice: Dice,
}

/// A resolver with its caches.
pub(super) struct Resolver {
    pub(super) policy: Policy,
    pub(super) recursor: Recursor,
    pub(super) anchors: Arc<Anchors>,
    pub(super) verdicts: Verdicts,
    /// Keys that are trusted now, by zone, with what they were judged from.
    pub(super) trusts: HashMap<Name, Trust>,
    /// Answers that were validated when they came.
    pub(super) secure: HashMap<(Name, crate::dns::Rtype), Arc<Entry>>,
    questions: Arc<Questions>,
    report: ResolverReport,
}

impl Resolver {
    /// A resolver that knows only root addresses and anchors.
    pub(super) fn new(
        policy: Policy,
        transport: Arc<dyn Transport>,
        anchors: Arc<Anchors>,
        questions: Arc<Questions>,
        start: Start,
    ) -> Resolver {
        Resolver {
            policy,
            recursor: Recursor::new(
                transport,
                start.roots,
                start.timeout,
                policy,
                start.readings,
                start.dice,
            ),
            anchors,
            verdicts: start.verdicts,
            trusts: HashMap::new(),
            secure: HashMap::new(),
            questions,
            report: ResolverReport {
                name: policy.name.to_owned(),
                ..ResolverReport::default()
            },
        }
    }

    /// What it has counted, into a place where others read it.
    pub(super) fn report_into(&self, slot: &mut ResolverReport) {
        let own = &self.report;
        slot.asked = own.asked;
        slot.validated = own.validated;
        slot.insecure = own.insecure;
        slot.failed = own.failed;
        slot.unreachable = own.unreachable;
        slot.queries = self.recursor.queries;
        if slot.failures.len() != own.failures.len() {
            slot.failures.clone_from(&own.failures);
        }
        if slot.silences.len() != own.silences.len() {
            slot.silences.clone_from(&own.silences);
        }
    }

    /// What it has counted.
    pub(super) fn report(&self) -> ResolverReport {
        ResolverReport {
            queries: self.recursor.queries,
            ..self.report.clone()
        }
    }

    /// Asks one question drawn by lot, and counts what comes of it.
    pub(super) async fn ask_one(&mut self, now: Moment) {
        if self.policy.forwarder && self.recursor.dice.below(2) == 0 {
            // Somebody else who uses the same shared cache and validates nothing.
            if let Some((name, rtype)) = self.questions.clone().draw(&mut self.recursor.dice) {
                let _ = self.recursor.lookup(&name, rtype, now).await;
            }
        }
        let Some((name, rtype)) = self.questions.clone().draw(&mut self.recursor.dice) else {
            return;
        };
        let verdict = self.judge(&name, rtype, now).await;
        self.count(verdict);
    }

    fn count(&mut self, verdict: Verdict) {
        let report = &mut self.report;
        report.asked += 1;
        match verdict {
            Verdict::Secure => report.validated += 1,
            Verdict::Insecure => report.insecure += 1,
            Verdict::Unreachable(why) => {
                report.unreachable += 1;
                if report.silences.len() < TOLD {
                    report.silences.push(why);
                }
            }
            Verdict::Bogus(failure) => {
                report.failed += 1;
                if report.failures.len() < TOLD {
                    report.failures.push(*failure);
                }
            }
        }
    }
}
