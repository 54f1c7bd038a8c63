//! The verdict on any name and type from captured answers alone, as a validator would come to it that may ask again
//! (RFC 4035 section 5): secure if one combination of what was captured validates.
//!
//! Nothing is asked of the network. A message is taken for the answer to the question that the capture gives; who sent it
//! does not matter.

mod answers;
mod corpus;
mod cuts;
mod extended_error;
mod limits;
mod remarks;
#[cfg(test)]
mod tests;
mod verdict;
mod way;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use corpus::{Captured, Corpus};
pub use extended_error::{ExtendedError, extended_error};
pub use limits::{LIMIT_NAMES, Limits, Spent};
pub use verdict::{KeyMark, Said, Tried, TriedPair, Unused, Used, Verdict, ZoneLink};
pub use way::{Way, validate_below};

use super::{Anchors, Dnskey, Judge, Policy, Reason, Status};
use crate::dns::{Name, Rtype};
use cuts::Cut;

/// How to judge.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The moment of judgement, Unix seconds.
    pub at: i64,
    /// Whose rules on algorithms and digests hold.
    pub policy: Policy,
    /// The work that the verdict may cost.
    pub limits: Limits,
}

impl Options {
    /// Today's rules and the usual limits, at that moment.
    pub fn at(at: i64) -> Options {
        Options {
            at,
            policy: Policy::default(),
            limits: Limits::default(),
        }
    }
}

/// Judges `name` and `rtype` by all that was captured.
pub fn validate(corpus: &Corpus, anchors: &Anchors, name: &Name, rtype: Rtype, options: &Options) -> Verdict {
    let mut run = Run::new(corpus, anchors, options);
    run.question(name, rtype)
}

/// Judges every captured answer to the question by itself, with the best chain that leads to it: the index of each in
/// [`Corpus::captured`] with its verdict.
pub fn validate_each(
    corpus: &Corpus,
    anchors: &Anchors,
    name: &Name,
    rtype: Rtype,
    options: &Options,
) -> Vec<(usize, Verdict)> {
    let mut run = Run::new(corpus, anchors, options);
    let mut out = Vec::new();
    for (index, one) in corpus.captured().iter().enumerate() {
        if one.name == *name && one.rtype == rtype {
            run.spent = Spent::default();
            run.pinned = Some(index);
            out.push((index, run.question(name, rtype)));
        }
    }
    out
}

/// Keys of a zone that one combination of answers makes trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KeySet {
    keys: Vec<Dnskey>,
}

type KeySets = Arc<Vec<KeySet>>;

/// One verdict in the making.
struct Run<'a> {
    corpus: &'a Corpus,
    anchors: &'a Anchors,
    options: &'a Options,
    spent: Spent,
    /// The one answer to the question that counts, if only one does.
    pinned: Option<usize>,
    /// What is known of each name at which a zone may begin.
    cuts: BTreeMap<Name, Cut>,
    /// What was found on the way for other answers below the same chain, if that holds for this one.
    way: Option<&'a mut Way>,
    links: Vec<ZoneLink>,
    used: Vec<Used>,
    unused: Vec<Unused>,
    tried: Vec<Tried>,
    overruns: Vec<Said>,
}

impl<'a> Run<'a> {
    fn new(corpus: &'a Corpus, anchors: &'a Anchors, options: &'a Options) -> Run<'a> {
        Run {
            corpus,
            anchors,
            options,
            spent: Spent::default(),
            pinned: None,
            cuts: BTreeMap::new(),
            way: None,
            links: Vec::new(),
            used: Vec::new(),
            unused: Vec::new(),
            tried: Vec::new(),
            overruns: Vec::new(),
        }
    }

    /// Judges something at the price of the budget.
    fn judge<T>(&mut self, work: impl FnOnce(&mut Judge<'_>) -> T) -> T {
        let mut granted = self.options.limits.budget(self.spent);
        granted.memo = self.corpus.memo().clone();
        let mut budget = granted.clone();
        let mut judge = Judge::new(self.options.at, &mut budget);
        judge.policy = self.options.policy;
        judge.any_server = true;
        let done = work(&mut judge);
        self.spent.verifications += granted.verifications - budget.verifications;
        self.spent.nsec3_hashes += granted.nsec3_hashes - budget.nsec3_hashes;
        done
    }

    /// The distinct answers to a question, as many as are tried.
    fn answers_to(&mut self, name: &Name, rtype: Rtype) -> Vec<usize> {
        let corpus: &'a Corpus = self.corpus;
        let all = corpus.to(name, rtype);
        let most = self.options.limits.answers as usize;
        if all.len() > most {
            let text = format!(
                "{} more answers to {name} {rtype} were not tried",
                all.len() - most
            );
            self.overrun(name, text);
        }
        all.iter().take(most).map(|same| same.first).collect()
    }

    fn overrun(&mut self, zone: &Name, text: String) {
        let said = Said::new(Reason::new("work-limit", zone, text, "CVE-2023-50387"), None);
        if !self.overruns.contains(&said) {
            self.overruns.push(said);
        }
    }

    /// The server that gave an answer.
    fn server(&self, index: usize) -> Option<String> {
        self.corpus.get(index).map(|one| one.server.clone())
    }

    fn said(&self, reasons: Vec<Reason>, index: usize) -> Vec<Said> {
        let server = self.server(index);
        reasons
            .into_iter()
            .map(|reason| Said::new(reason, server.clone()))
            .collect()
    }

    /// Remembers an answer that was looked at and not used.
    fn set_aside(&mut self, index: usize, status: Status, reasons: &[Said]) {
        let Some(one) = self.corpus.get(index) else { return };
        let unused = Unused {
            name: one.name.clone(),
            rtype: one.rtype,
            server: one.server.clone(),
            transport: one.transport.clone(),
            verdict: status,
            codes: reasons.iter().map(|said| said.reason.code).collect(),
        };
        if !self.unused.contains(&unused) {
            self.unused.push(unused);
        }
    }
}

/// How good an outcome is for a validator that may try another answer: the least is taken.
fn rank(status: Status, reasons: &[Said]) -> u8 {
    match status {
        Status::Secure => 0,
        Status::Insecure => 1,
        Status::Indeterminate if reasons.iter().any(|said| !is_empty_handed(said.reason.code)) => 2,
        Status::Bogus => 3,
        Status::Indeterminate => 4,
    }
}

/// Whether a reason says no more than that there was no answer to be judged.
fn is_empty_handed(code: &str) -> bool {
    matches!(
        code,
        "servfail"
            | "refused"
            | "error-answer"
            | "not-a-response"
            | "truncated"
            | "lame"
            | "referral"
            | "no-answer"
            | "ds-answer-from-child"
            | "not-captured"
    )
}

fn not_captured(zone: &Name, text: String) -> Said {
    Said::new(
        Reason::new("not-captured", zone, text, "RFC 4035 section 4.3"),
        None,
    )
}
