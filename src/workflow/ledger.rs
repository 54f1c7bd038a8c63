//! What every server was seen saying, as runs in time: the bounds on when a version began and ended (continuity 3.3).
//!
//! Per stream (one question to one address over one protocol): a fact is taken to be served from the last answer without
//! it before its first appearance, until the first answer without it after its last. Whatever is no answer ends nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use super::facts::{Reading, Served, Shape, Unclear};
use crate::dns::{Name, Rtype};
use crate::evidence::{BlobId, Observation, Outcome, Place, Proto};
use crate::moment::Moment;

/// One question to one address over one protocol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamKey {
    /// Whose server.
    pub place: Place,
    /// Its address.
    pub address: SocketAddr,
    /// Over what.
    pub proto: Proto,
    /// The name asked for.
    pub name: Name,
    /// The type asked for.
    pub rtype: Rtype,
}

/// A stretch of time in which a stream said the same.
#[derive(Clone, Debug)]
pub struct Run {
    /// What it said.
    pub facts: Arc<BTreeSet<Served>>,
    /// The earliest moment at which it may have begun to say so.
    pub begin: Moment,
    /// When the first answer that said so was there.
    pub first_seen: Moment,
    /// When the question went out whose answer was the last to say so.
    pub last_asked: Moment,
    /// When that answer was there.
    pub last_seen: Moment,
    /// The first answer afterwards that said something else; none while it is the latest.
    pub end: Option<Moment>,
    /// When the signatures of its first answer begin to be valid, Unix seconds, if it has any that verify.
    pub first_signed: Option<i64>,
}

/// All that one stream said.
#[derive(Clone, Debug)]
pub struct Stream {
    /// The server's host name.
    pub server: Name,
    /// Stretches in order of time.
    pub runs: Vec<Run>,
    /// Why the latest observation was no answer, if it was none.
    pub unclear: Option<Unclear>,
    /// When it was last asked.
    pub asked: Moment,
    /// The window of the signatures in the latest answer.
    pub window: Option<(i64, i64)>,
    /// The latest SOA serial.
    pub serial: Option<u32>,
    /// Size and manner of denial of the latest answer.
    pub shape: Shape,
    /// The latest answer, as long as it is known what it says.
    said: Option<Said>,
}

/// An answer and what it was read as.
#[derive(Clone, Debug)]
struct Said {
    blob: BlobId,
    /// The count of what readings rest on, when it was read.
    basis: u64,
}

impl StreamKey {
    fn of(observation: &Observation) -> StreamKey {
        StreamKey {
            place: observation.place.clone(),
            address: observation.address,
            proto: observation.proto,
            name: observation.name.clone(),
            rtype: observation.rtype,
        }
    }

    fn is_of(&self, observation: &Observation) -> bool {
        self.rtype == observation.rtype
            && self.proto == observation.proto
            && self.address == observation.address
            && self.name == observation.name
            && self.place == observation.place
    }
}

impl Stream {
    /// What it says now: the latest run, if there was ever an answer.
    pub fn current(&self) -> Option<&Run> {
        self.runs.last()
    }

    /// Whether what it says now was signed anew since it first said so: its signatures begin later.
    pub fn is_signed_anew(&self) -> bool {
        let first = self.current().and_then(|run| run.first_signed);
        match (first, self.window) {
            (Some(first), Some((now, _))) => now > first,
            _ => false,
        }
    }
}

/// All streams.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Where each stream stands in `streams`.
    order: BTreeMap<StreamKey, usize>,
    streams: Vec<Kept>,
    began: Option<Moment>,
    /// The stream after none, over UDP and TCP, the last time.
    first: [usize; 2],
}

#[derive(Clone, Debug)]
struct Kept {
    key: StreamKey,
    stream: Stream,
    /// The stream after it, over UDP and TCP, the last time.
    next: [usize; 2],
}

/// Where a stream stands in the ledger.
pub(super) type Spot = usize;

/// A fact with the time in which it was served anywhere at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Whose servers.
    pub place: Place,
    /// What they said, and for how long a cache may hold it.
    pub served: Served,
    /// From when.
    pub from: Moment,
    /// Until when; none: still.
    pub until: Option<Moment>,
    /// When and where it was last seen.
    pub last_seen: Moment,
    /// At which server.
    pub server: Name,
    /// At which address.
    pub address: SocketAddr,
}

impl Ledger {
    /// Where the stream of an observation stands, which comes after that of `former` in its sweep; none: it is a new one.
    /// Sweeps ask the same in the same order: it is looked for first where it was found the last time.
    pub(super) fn find(&mut self, former: Option<Spot>, observation: &Observation) -> Option<Spot> {
        let way = usize::from(observation.proto == Proto::Tcp);
        let guess = match former.and_then(|former| self.streams.get(former)) {
            Some(kept) => kept.next,
            None => self.first,
        };
        let guess = guess.get(way).copied()?;
        if self
            .streams
            .get(guess)
            .is_some_and(|kept| kept.key.is_of(observation))
        {
            return Some(guess);
        }
        let found = self.order.get(&StreamKey::of(observation)).copied()?;
        let next = match former.and_then(|former| self.streams.get_mut(former)) {
            Some(kept) => &mut kept.next,
            None => &mut self.first,
        };
        if let Some(next) = next.get_mut(way) {
            *next = found;
        }
        Some(found)
    }

    /// Takes in an observation that is the very answer that its stream gave the last time, if it is: nothing but moments are
    /// different from before then. `basis` counts what the reading of answers rests on.
    pub(super) fn repeat(&mut self, spot: Spot, observation: &Observation, basis: u64) -> bool {
        let (Some(kept), Outcome::Answer { blob, .. }) = (self.streams.get_mut(spot), &observation.outcome)
        else {
            return false;
        };
        let stream = &mut kept.stream;
        let same = |said: &Said| said.basis == basis && said.blob == *blob;
        if stream.unclear.is_some() || !stream.said.as_ref().is_some_and(same) {
            return false;
        }
        let Some(run) = stream.runs.last_mut() else {
            return false;
        };
        stream.asked = observation.sent;
        run.last_asked = observation.sent;
        run.last_seen = observation.done;
        true
    }

    /// The next observation that is the same answer may be taken by [`Ledger::repeat`].
    pub(super) fn may_repeat(&mut self, spot: Spot, observation: &Observation, basis: u64) {
        if let (Some(kept), Outcome::Answer { blob, .. }) = (self.streams.get_mut(spot), &observation.outcome)
        {
            kept.stream.said = Some(Said {
                blob: blob.clone(),
                basis,
            });
        }
    }

    /// Takes in one observation; `sweep_started` bounds the beginning of what the first sweep saw. Says where its stream
    /// stands, and whether anything is different from before.
    pub(super) fn record(
        &mut self,
        observation: &Observation,
        reading: &Reading,
        sweep_started: Moment,
    ) -> (Spot, bool) {
        let began = *self.began.get_or_insert(sweep_started);
        let key = StreamKey::of(observation);
        let spot = match self.order.get(&key) {
            Some(spot) => *spot,
            None => self.add(key, observation),
        };
        let Some(Kept { stream, .. }) = self.streams.get_mut(spot) else {
            return (spot, false);
        };
        stream.asked = observation.sent;
        stream.said = None;
        let changed = match reading {
            Reading::Unknown(why) => stream.unclear.replace(why.clone()).as_ref() != Some(why),
            Reading::Known {
                facts,
                window,
                serial,
                shape,
            } => {
                let was_unclear = stream.unclear.take().is_some();
                stream.window = *window;
                stream.shape = *shape;
                stream.serial = serial.or(stream.serial);
                let begin = if sweep_started == began {
                    began
                } else {
                    observation.sent
                };
                stream.note(facts, observation, begin) || was_unclear
            }
        };
        (spot, changed)
    }

    fn add(&mut self, key: StreamKey, observation: &Observation) -> Spot {
        let spot = self.streams.len();
        self.order.insert(key.clone(), spot);
        self.streams.push(Kept {
            key,
            stream: Stream {
                server: observation.server.clone(),
                runs: Vec::new(),
                unclear: None,
                asked: observation.sent,
                window: None,
                serial: None,
                shape: Shape::default(),
                said: None,
            },
            next: [spot; 2],
        });
        spot
    }

    /// When the first sweep began.
    pub fn began(&self) -> Option<Moment> {
        self.began
    }

    /// The clock was set by so much, milliseconds: what was recorded is moved along, so that what has passed since stays
    /// as long as it was.
    pub(super) fn shift(&mut self, millis: i64) {
        let moved = |moment: &mut Moment| *moment = moment.moved(millis);
        self.began.iter_mut().for_each(moved);
        for Kept { stream, .. } in &mut self.streams {
            moved(&mut stream.asked);
            for run in &mut stream.runs {
                moved(&mut run.begin);
                moved(&mut run.first_seen);
                moved(&mut run.last_asked);
                moved(&mut run.last_seen);
                run.end.iter_mut().for_each(moved);
            }
        }
    }

    /// All streams with what they said.
    pub fn streams(&self) -> impl Iterator<Item = (&StreamKey, &Stream)> {
        self.order
            .values()
            .filter_map(|spot| self.streams.get(*spot))
            .map(|kept| (&kept.key, &kept.stream))
    }

    /// How many streams there are.
    pub fn len(&self) -> usize {
        self.streams.len()
    }

    /// Whether nothing was seen yet.
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// Every fact with the time in which it was served, the streams of a place taken together.
    pub fn stretches(&self) -> Vec<Stretch> {
        self.stretches_by(|_, run| (run.begin, run.end))
    }

    /// Every fact with the time in which it was certainly served: from its first answer until the question left whose answer
    /// was the last to say so. It is still served where a question that left at `since` or later was answered so.
    pub(super) fn certain_stretches(&self, since: Moment) -> Vec<Stretch> {
        self.stretches_by(|stream, run| {
            let open = run.end.is_none() && stream.unclear.is_none() && stream.asked >= since;
            (run.first_seen, (!open).then_some(run.last_asked))
        })
    }

    fn stretches_by(&self, bounds: impl Fn(&Stream, &Run) -> (Moment, Option<Moment>)) -> Vec<Stretch> {
        let mut by_fact: BTreeMap<(&Place, &Served), Vec<Stretch>> = BTreeMap::new();
        for (key, stream) in self.streams() {
            for run in &stream.runs {
                let (from, until) = bounds(stream, run);
                for served in run.facts.iter() {
                    by_fact.entry((&key.place, served)).or_default().push(Stretch {
                        place: key.place.clone(),
                        served: served.clone(),
                        from,
                        until,
                        last_seen: run.last_seen,
                        server: stream.server.clone(),
                        address: key.address,
                    });
                }
            }
        }
        by_fact.into_values().flat_map(merge).collect()
    }
}

impl Stream {
    fn note(&mut self, facts: &BTreeSet<Served>, observation: &Observation, first_begin: Moment) -> bool {
        if let Some(run) = self.runs.last_mut() {
            if *run.facts == *facts {
                run.last_asked = observation.sent;
                run.last_seen = observation.done;
                return false;
            }
            run.end = Some(observation.done);
        }
        let begin = match self.runs.last() {
            // The last answer without it: the former run's last. It may have begun right after that answer was made.
            Some(former) => former.last_asked,
            None => first_begin,
        };
        self.runs.push(Run {
            facts: Arc::new(facts.clone()),
            begin,
            first_seen: observation.done,
            last_asked: observation.sent,
            last_seen: observation.done,
            end: None,
            first_signed: self.window.map(|window| window.0),
        });
        true
    }
}

/// Overlapping and touching stretches of one fact become one.
fn merge(mut parts: Vec<Stretch>) -> Vec<Stretch> {
    parts.sort_by_key(|part| part.from);
    let mut out: Vec<Stretch> = Vec::new();
    for part in parts {
        match out.last_mut() {
            Some(last) if last.until.is_none_or(|until| part.from <= until) => {
                last.until = match (last.until, part.until) {
                    (Some(a), Some(b)) => Some(a.max(b)),
                    _ => None,
                };
                if part.last_seen > last.last_seen {
                    last.last_seen = part.last_seen;
                    last.server = part.server;
                    last.address = part.address;
                }
            }
            _ => out.push(part),
        }
    }
    out
}
