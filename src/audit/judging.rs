//! What the entries of a journal say, judged in their order: messages held against their hashes, and answers judged anew.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::answers::Answers;
use super::channel::{self, Body};
use super::findings::{Finding, Findings};
use super::intake::Dated;
use super::verdict::{ApprovalSeen, Clock, Depth, JumpSeen, NtpSeen};
use crate::dns::Name;
use crate::dnssec::{Anchors, Memo};
use crate::evidence::{BlobId, BodyForm, Kept, name_blobs};
use crate::workflow::{ChannelRead, Event};

/// Gives the octets of a blob, unchecked; none: it is not there.
pub type BlobSource<'a> = &'a mut (dyn FnMut(&BlobId) -> Option<Vec<u8>> + Send);

/// So many bodies of channels are held at a time; a run has a handful. One that is named again later is read again.
const MOST_HELD: usize = 64;

/// The part of a verification that judges the answers.
pub struct Judging {
    pub(super) depth: Depth,
    pub(super) findings: Findings,
    pub(super) answers: Answers,
    /// Messages that are named elsewhere than in sweeps.
    pub(super) others: BTreeSet<BlobId>,
    pub(super) missing: BTreeSet<BlobId>,
    /// What came over the channels of providers, read.
    bodies: HashMap<(BlobId, BodyForm), Body>,
    pub(super) own_anchors: Option<Anchors>,
    pub(super) approvals: Vec<ApprovalSeen>,
    pub(super) programs: Vec<String>,
    pub(super) vantages: Vec<String>,
    pub(super) operators: Vec<String>,
    pub(super) clock: Clock,
    /// What the end of the plan claims.
    pub(super) claimed: Option<bool>,
    pub(super) zone: Option<Name>,
}

impl Judging {
    pub(super) fn new(anchors: Anchors, memo: Memo, depth: Depth, findings: Findings) -> Judging {
        Judging {
            depth,
            findings,
            answers: Answers::new(anchors, memo),
            others: BTreeSet::new(),
            missing: BTreeSet::new(),
            bodies: HashMap::new(),
            own_anchors: None,
            approvals: Vec::new(),
            programs: Vec::new(),
            vantages: Vec::new(),
            operators: Vec::new(),
            clock: Clock::default(),
            claimed: None,
            zone: None,
        }
    }

    /// Judges the next entry, and leaves the octets of messages with it that were not named before.
    pub fn take(&mut self, entry: &mut Dated, octets: BlobSource<'_>) {
        let Dated {
            seq,
            at,
            event,
            learnt,
            kind,
        } = entry;
        let (seq, at) = (*seq, *at);
        match event {
            Event::Sweep(sweep) => {
                for id in self.answers.unknown(sweep, *kind) {
                    learnt.extend(self.learn(seq, id, octets));
                }
                if self.depth == Depth::Full {
                    self.answers.take(seq, sweep);
                }
            }
            Event::Servers(servers) => {
                self.zone.get_or_insert_with(|| servers.topology.zone.clone());
                self.answers.set_zone(&servers.topology.zone);
            }
            Event::Plan(plan) => {
                self.zone.get_or_insert_with(|| plan.zone.clone());
                self.claimed = None;
            }
            Event::Begin(begin) => {
                for (list, word) in [
                    (&mut self.programs, &begin.program),
                    (&mut self.vantages, &begin.vantage),
                    (&mut self.operators, &begin.by),
                ] {
                    if !word.is_empty() && !list.contains(word) {
                        list.push(word.clone());
                    }
                }
                self.own_anchors = Anchors::parse(&begin.anchors).ok();
            }
            Event::Approval(approval) => self.approvals.push(ApprovalSeen {
                entry: seq,
                at,
                what: approval.what.clone(),
                by: approval.by.clone(),
                note: approval.note.clone(),
                plan: approval.plan.clone(),
            }),
            Event::Clock(jump) => {
                self.answers.shift(jump.millis());
                self.clock.jumps.push(JumpSeen {
                    entry: seq,
                    from: jump.from,
                    to: jump.to,
                });
            }
            Event::End(ended) => self.claimed = Some(ended.continuous),
            Event::Note(body) => {
                NtpSeen::take(&mut self.clock.ntp, seq, body);
                let mut named = BTreeSet::new();
                name_blobs(body, &mut named);
                for id in named {
                    self.other(seq, &id, octets);
                }
            }
            Event::Channel(read) => self.take_channel(seq, read, octets),
            _ => {}
        }
        for id in event.bodies() {
            self.other(seq, id, octets);
        }
    }

    /// Holds what a channel is said to know against the bodies that came over it.
    fn take_channel(&mut self, seq: u64, read: &ChannelRead, octets: BlobSource<'_>) {
        if self.depth != Depth::Full {
            return;
        }
        if self.bodies.len() >= MOST_HELD {
            self.bodies.clear();
        }
        for Kept { form, blob, .. } in channel::received(read) {
            let held = (blob.clone(), *form);
            if self.bodies.contains_key(&held) || self.missing.contains(blob) {
                continue;
            }
            self.others.insert(blob.clone());
            if let Some(octets) = self.checked(seq, blob, octets(blob)) {
                self.bodies.insert(held, Body::read(*form, &octets));
            }
        }
        let bodies: Vec<&Body> = channel::received(read)
            .filter_map(|kept| self.bodies.get(&(kept.blob.clone(), kept.form)))
            .collect();
        if let Some(finding) = channel::check(read, &bodies) {
            self.findings.push(finding.at(seq));
        }
    }

    fn learn(&mut self, seq: u64, id: &BlobId, octets: BlobSource<'_>) -> Option<(BlobId, Arc<[u8]>)> {
        if self.answers.knows(id) {
            return None;
        }
        let read: Option<Arc<[u8]>> = self.checked(seq, id, octets(id)).map(Arc::from);
        self.answers.learn(id, read.as_deref());
        read.map(|octets| (id.clone(), octets))
    }

    fn other(&mut self, seq: u64, id: &BlobId, octets: BlobSource<'_>) {
        if self.others.insert(id.clone()) && !self.answers.knows(id) {
            self.checked(seq, id, octets(id));
        }
    }

    fn checked(&mut self, seq: u64, id: &BlobId, read: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let finding = match read {
            Some(octets) if BlobId::of(&octets) == *id => return Some(octets),
            Some(_) => Finding::fails("blob-altered", "its octets are not what its name says"),
            None => Finding::fails("blob-missing", "the journal names it, and it is not there"),
        };
        self.missing.insert(id.clone());
        self.findings
            .push(finding.at(seq).of(format!("blobs/{id}")).on(id.clone()));
        None
    }
}
