//! Observations by number: those that differ in nothing but their times and their message's identifier have the same one.
//! A sweep asks what the one before it asked, in the same order: so each is looked for first where it was found after its
//! neighbour the last time.

use std::collections::HashMap;
use std::sync::Arc;

use super::context::{Judged, MessageNo};
use super::limits::Spot;
use crate::evidence::{BlobId, Observation, Outcome, Proto, Sweep, SweepKind};
use crate::moment::Moment;

/// The number of an observation.
pub(super) type SlotNo = usize;

/// All that is known of equal observations.
pub(super) struct Slot {
    /// One of them, without its times.
    like: Observation,
    /// The first with the same question.
    head: SlotNo,
    /// What follows from its messages; none: not looked at yet.
    pub(super) known: Option<Known>,
    /// The latest verdict on it.
    pub(super) ruling: Option<Ruling>,
    /// The observation after it, over UDP and TCP, the last time.
    next: [SlotNo; 2],
}

/// What does not change with time.
#[derive(Clone, Copy)]
pub(super) struct Known {
    /// Its message, if it is an answer that can be had.
    pub(super) message: Option<MessageNo>,
    /// The shortest TTL in that, seconds.
    pub(super) shortest_ttl: Option<u32>,
    /// Where its question stands among those whose gaps are measured.
    pub(super) spot: Option<Spot>,
    /// Which of the answers that others are judged under it is.
    pub(super) above: Option<usize>,
}

/// A verdict that holds as long as the answers above are of that count, for moments in `[from, until)`, Unix seconds.
#[derive(Clone)]
pub(super) struct Ruling {
    pub(super) turn: u64,
    pub(super) from: i64,
    pub(super) until: i64,
    pub(super) judged: Arc<Judged>,
    /// The latest inception and the earliest expiration of its signatures.
    pub(super) window: Option<(i64, i64)>,
}

impl Ruling {
    pub(super) fn holds(&self, turn: u64, at: i64) -> bool {
        self.turn == turn && self.from <= at && at < self.until
    }
}

type Row = Vec<(SlotNo, Option<BlobId>)>;

/// All of them.
#[derive(Default)]
pub(super) struct Slots {
    all: Vec<Slot>,
    /// The first of each question, which has another outcome here.
    heads: HashMap<Observation, SlotNo>,
    /// By the first of its question, and what came of it.
    numbers: HashMap<(SlotNo, Outcome), SlotNo>,
    first: [SlotNo; 2],
    /// The latest sweep of each kind: for each observation its number and its message.
    rows: Vec<(SweepKind, Row)>,
}

/// So many kinds of sweep have their latest numbers remembered.
const MOST_ROWS: usize = 8;

impl Slots {
    /// The numbers of the observations of a sweep, in its order. Two sweeps of one kind differ in nothing but times,
    /// identifiers and messages.
    pub(super) fn find(&mut self, sweep: &Sweep, kind: Option<SweepKind>, found: &mut Vec<SlotNo>) {
        found.clear();
        let Some(kind) = kind else {
            return self.find_anew(sweep, found);
        };
        let at = self.rows.iter().position(|(own, _)| *own == kind);
        let mut row = at.map(|at| self.rows.remove(at).1).unwrap_or_default();
        if row.len() == sweep.observations.len() {
            for (place, one) in row.iter_mut().zip(&sweep.observations) {
                let blob = one.outcome.blob();
                if place.1.as_ref() != blob {
                    let head = self.all.get(place.0).map_or(place.0, |slot| slot.head);
                    *place = (self.look_under(head, one), blob.cloned());
                }
            }
            found.extend(row.iter().map(|(number, _)| *number));
        } else {
            self.find_anew(sweep, found);
            let blobs = sweep.observations.iter().map(|one| one.outcome.blob().cloned());
            row = found.iter().copied().zip(blobs).collect();
        }
        if self.rows.len() >= MOST_ROWS {
            self.rows.remove(0);
        }
        self.rows.push((kind, row));
    }

    fn find_anew(&mut self, sweep: &Sweep, found: &mut Vec<SlotNo>) {
        let mut last: Option<SlotNo> = None;
        for one in &sweep.observations {
            let way = usize::from(one.proto == Proto::Tcp);
            let former = last.and_then(|last| self.all.get(last));
            let guess = former.map_or(self.first, |slot| slot.next);
            let number = match guess.get(way) {
                Some(guess) if self.all.get(*guess).is_some_and(|slot| alike(&slot.like, one)) => *guess,
                _ => self.look_up(one),
            };
            let next = match last.and_then(|last| self.all.get_mut(last)) {
                Some(slot) => &mut slot.next,
                None => &mut self.first,
            };
            if let Some(next) = next.get_mut(way) {
                *next = number;
            }
            found.push(number);
            last = Some(number);
        }
    }

    fn look_up(&mut self, one: &Observation) -> SlotNo {
        let question = bare(one, Outcome::Timeout);
        let head = *self.heads.entry(question).or_insert(self.all.len());
        self.look_under(head, one)
    }

    /// The number of an observation with the question of the one that is or will be `head`.
    fn look_under(&mut self, head: SlotNo, one: &Observation) -> SlotNo {
        let mut outcome = one.outcome.clone();
        if let Outcome::Answer { id, .. } = &mut outcome {
            *id = 0;
        }
        let number = self.all.len();
        let held = *self.numbers.entry((head, outcome.clone())).or_insert(number);
        if held == number {
            self.all.push(Slot {
                like: bare(one, outcome),
                head,
                known: None,
                ruling: None,
                next: [number; 2],
            });
        }
        held
    }

    pub(super) fn get(&self, number: SlotNo) -> Option<&Slot> {
        self.all.get(number)
    }

    pub(super) fn get_mut(&mut self, number: SlotNo) -> Option<&mut Slot> {
        self.all.get_mut(number)
    }

    /// What was known is to be looked at anew.
    pub(super) fn forget(&mut self) {
        for slot in &mut self.all {
            slot.known = None;
            slot.ruling = None;
        }
    }
}

/// The question of an observation, with that outcome and no times.
fn bare(one: &Observation, outcome: Outcome) -> Observation {
    Observation {
        place: one.place.clone(),
        server: one.server.clone(),
        address: one.address,
        proto: one.proto,
        name: one.name.clone(),
        rtype: one.rtype,
        sent: Moment::default(),
        done: Moment::default(),
        outcome,
    }
}

fn alike(a: &Observation, b: &Observation) -> bool {
    let outcome = match (&a.outcome, &b.outcome) {
        (Outcome::Answer { blob: a, .. }, Outcome::Answer { blob: b, .. }) => a == b,
        (a, b) => a == b,
    };
    outcome
        && a.rtype == b.rtype
        && a.proto == b.proto
        && a.address == b.address
        && a.name == b.name
        && a.server == b.server
        && a.place == b.place
}
