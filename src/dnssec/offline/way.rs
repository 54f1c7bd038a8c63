//! The way from the anchor, walked once for many answers that are judged below the same chain.

use std::collections::BTreeMap;

use super::cuts::Cut;
use super::{Captured, Corpus, Options, Run, Said, Spent};
use crate::dns::{Name, Rtype};
use crate::dnssec::{Anchors, Status};

/// What was found on the way of answers that were judged below one chain, with what each part of it did cost.
#[derive(Clone, Debug, Default)]
pub struct Way(BTreeMap<Name, (Cut, Spent)>);

/// Judges one captured answer by itself, with the best chain that leads to it: its status and the reasons. `None`: there is
/// none of that number in [`Corpus::captured`].
///
/// `way` saves the work that others did; the first has an empty one. It may be given again for another answer where all but
/// that answer is the same, the anchors and the options too, but for a moment between which and the former no signature
/// begins or ends; a reason may tell times as of the former moment then. An answer that may itself lead the way makes no use
/// of it.
pub fn validate_below(
    corpus: &Corpus,
    anchors: &Anchors,
    index: usize,
    options: &Options,
    way: &mut Way,
) -> Option<(Status, Vec<Said>)> {
    let one = corpus.get(index)?;
    let mut run = Run::new(corpus, anchors, options);
    run.pinned = Some(index);
    run.way = (!may_lead(one)).then_some(way);
    let verdict = run.question(&one.name, one.rtype);
    Some((verdict.status, verdict.reasons))
}

/// Whether an answer may say something about where a zone begins or what its keys are: it is asked for that, or it has NS
/// records beside its answer, as a referral does.
fn may_lead(one: &Captured) -> bool {
    let asked = matches!(one.rtype, Rtype::DS | Rtype::DNSKEY);
    let refers = one.answer.as_ref().is_ok_and(|message| {
        message.answer.is_empty() && message.authority.iter().any(|record| record.rtype == Rtype::NS)
    });
    asked || refers
}

impl Run<'_> {
    /// What is known of `name`; it is found out where neither this run nor one before it did.
    pub(super) fn once(&mut self, name: &Name, find: impl FnOnce(&mut Self) -> Cut) -> Cut {
        if let Some(known) = self.cuts.get(name) {
            return known.clone();
        }
        let found = self.found_before(name).unwrap_or_else(|| {
            let (before, overruns) = (self.spent, self.overruns.len());
            let found = find(self);
            let cost = self.spent.since(before);
            // What a limit cut short is another thing where less was spent before.
            let whole = self.overruns.len() == overruns && self.affords(Spent::default(), self.spent);
            if let Some(way) = self.way.as_mut().filter(|_| whole) {
                way.0.insert(name.clone(), (found.clone(), cost));
            }
            found
        });
        self.cuts.insert(name.clone(), found.clone());
        found
    }

    fn found_before(&mut self, name: &Name) -> Option<Cut> {
        let (found, cost) = self.way.as_ref()?.0.get(name)?;
        let (found, cost) = (found.clone(), *cost);
        if !self.affords(self.spent, cost) {
            return None;
        }
        self.spent.verifications += cost.verifications;
        self.spent.nsec3_hashes += cost.nsec3_hashes;
        Some(found)
    }

    /// Whether the limits leave room for that cost, with one answer's share to spare.
    fn affords(&self, spent: Spent, cost: Spent) -> bool {
        let limits = &self.options.limits;
        let left = |total: u32, spent: u32, share: u32| total.saturating_sub(spent).saturating_sub(share);
        cost.verifications
            < left(
                limits.total_verifications,
                spent.verifications,
                limits.verifications,
            )
            && cost.nsec3_hashes < left(limits.total_nsec3_hashes, spent.nsec3_hashes, limits.nsec3_hashes)
    }
}

impl Spent {
    fn since(self, before: Spent) -> Spent {
        Spent {
            verifications: self.verifications.saturating_sub(before.verifications),
            nsec3_hashes: self.nsec3_hashes.saturating_sub(before.nsec3_hashes),
        }
    }
}
