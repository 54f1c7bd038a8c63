//! One pass over a journal's entries: the same fold as everywhere, and beside it what a report shows and a state forgets.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::chain::{ChainGraph, chain_graph};
use super::coverage::Coverage;
use crate::dns::Name;
use crate::dnssec::{Anchors, KeyId};
use crate::evidence::{BlobId, Exchange, Outcome, Place, Sweep};
use crate::moment::Moment;
use crate::workflow::{
    Alarm, Approval, Authenticated, Begin, Changed, Decision, Done, Ended, Event, Failing, Forecast,
    Intended, Jump, Plan, PlannedInsecure, Proven, State, StreamKey, forecast, insecure_by,
};

/// Which entry says it: what a reader looks up in the bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ref {
    /// The entry's number, which is its line.
    pub entry: u64,
    /// When it was written.
    pub at: Moment,
}

/// Something with the entry that says it.
pub type Told<T> = (Ref, T);

/// The answer in which a stream first said what it says in one of its runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The sweep's entry.
    pub entry: u64,
    /// The SHA-256 of the message.
    pub blob: String,
}

/// A time in which a server of the parent proved that there is no DS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absence {
    /// From the sweep that saw it first.
    pub from: Moment,
    /// To the one that did not see it any more; none: to the end.
    pub until: Option<Moment>,
    /// The first sweep's entry.
    pub entry: u64,
    /// Who planned it, of [`State::insecure`]; none: nobody.
    pub whose: Option<usize>,
}

/// So many entries of one kind are kept for the tables.
const MOST: usize = 5_000;

/// What a journal comes to, for a report.
#[derive(Debug)]
pub struct Gathered {
    /// What all entries led to.
    pub state: State,
    /// How each address was watched.
    pub coverage: Coverage,
    /// Each start of the program.
    pub begins: Vec<Told<Begin>>,
    /// Each plan; the last one is in force.
    pub plans: Vec<Told<Plan>>,
    /// The calendar of each plan, derived from the facts recorded before it.
    pub calendar: Vec<Told<Vec<Forecast>>>,
    /// The decisions, as recorded (only when they changed).
    pub decisions: Vec<Told<Decision>>,
    /// What was about to be done.
    pub intents: Vec<Told<Intended>>,
    /// What drivers said.
    pub outcomes: Vec<Told<Done>>,
    /// Steps that were seen to be done, each with the chain as it was then.
    pub proven: Vec<Told<(Proven, ChainGraph)>>,
    /// What persons approved.
    pub approvals: Vec<Told<Approval>>,
    /// Keys that were authenticated: how, in which entry, and what went over their channel.
    pub authenticated: BTreeMap<KeyId, Told<(String, Vec<Exchange>)>>,
    /// Keys of a provider that changed.
    pub changed: Vec<Told<Changed>>,
    /// Jumps of the clock.
    pub clocks: Vec<Told<Jump>>,
    /// Mixtures that failed, when they changed.
    pub failing: Vec<Told<Failing>>,
    /// Alarms of a watch, as they began and were over.
    pub alarms: Vec<Told<Alarm>>,
    /// Ends of plans.
    pub ends: Vec<Told<Ended>>,
    /// Comparisons of the copies that found a difference, in words.
    pub differences: Vec<Told<String>>,
    /// The chain after the first sweep with answers.
    pub opening: Option<Told<ChainGraph>>,
    /// Sweeps.
    pub sweeps: u64,
    /// The times between the end of a sweep and the beginning of the next, in order.
    pub pauses: Vec<(Moment, Moment)>,
    /// The first sweep's beginning and the last one's end.
    pub observed: Option<(Moment, Moment)>,
    /// The first and the last entry's time.
    pub written: Option<(Moment, Moment)>,
    /// How many entries.
    pub entries: u64,
    /// Time in which the parent proved that there is no DS.
    pub insecure: Vec<Absence>,
    sources: HashMap<(StreamKey, usize), Source>,
    runs: HashMap<StreamKey, usize>,
    news: u64,
}

impl Default for Gathered {
    fn default() -> Self {
        Gathered::new()
    }
}

impl Gathered {
    /// Nothing yet. Once every entry was shown to [`Gathered::observe`], the state that they led to has to be put into
    /// [`Gathered::state`].
    pub fn new() -> Gathered {
        Gathered {
            state: State::new(Anchors::iana_root()),
            coverage: Coverage::default(),
            begins: Vec::new(),
            plans: Vec::new(),
            calendar: Vec::new(),
            decisions: Vec::new(),
            intents: Vec::new(),
            outcomes: Vec::new(),
            proven: Vec::new(),
            approvals: Vec::new(),
            authenticated: BTreeMap::new(),
            changed: Vec::new(),
            clocks: Vec::new(),
            failing: Vec::new(),
            alarms: Vec::new(),
            ends: Vec::new(),
            differences: Vec::new(),
            opening: None,
            sweeps: 0,
            pauses: Vec::new(),
            observed: None,
            written: None,
            entries: 0,
            insecure: Vec::new(),
            sources: HashMap::new(),
            runs: HashMap::new(),
            news: u64::MAX,
        }
    }

    /// Takes in the entry number `entry` that was written at `at`, and that led to `state`.
    pub fn observe(&mut self, entry: u64, at: Moment, event: &Event, state: &State) {
        self.entries += 1;
        let first = self.written.map_or(at, |(first, _)| first);
        self.written = Some((first, at));
        let told = Ref { entry, at };
        match event {
            Event::Begin(begin) => keep(&mut self.begins, told, begin.clone()),
            Event::Plan(plan) => {
                // A plan that is folded where nothing was seen has no calendar.
                if let Some(in_force) = state.plan_in_force() {
                    let calendar = forecast(state, &in_force, at.ceil_seconds());
                    keep(&mut self.calendar, told.clone(), calendar);
                }
                keep(&mut self.plans, told, (**plan).clone());
            }
            Event::Sweep(sweep) => self.take_sweep(told, sweep, state),
            Event::Keys(keys) => {
                let over = vouching(state, keys);
                for key in &keys.keys {
                    let how = (told.clone(), (keys.channel.clone(), over.clone()));
                    self.authenticated.entry(key.clone()).or_insert(how);
                }
            }
            Event::Contents(compared) => {
                for pair in compared.pairs.iter().filter(|pair| !pair.comparison.is_equal()) {
                    let words = format!("{} and {} differ: {}", pair.left, pair.right, pair.words());
                    keep(&mut self.differences, told.clone(), words);
                }
            }
            Event::Decision(decision) => keep(&mut self.decisions, told, (**decision).clone()),
            Event::Intent(intended) => keep(&mut self.intents, told, intended.clone()),
            Event::Outcome(done) => keep(&mut self.outcomes, told, done.clone()),
            Event::Proven(proven) => {
                let graph = chain_graph(state);
                keep(&mut self.proven, told, (proven.clone(), graph));
            }
            Event::Approval(approval) => keep(&mut self.approvals, told, approval.clone()),
            Event::Changed(changed) => keep(&mut self.changed, told, changed.clone()),
            Event::Clock(jump) => {
                self.shift(jump.millis());
                keep(&mut self.clocks, told, *jump);
            }
            Event::Failing(failing) => keep(&mut self.failing, told, failing.clone()),
            Event::End(ended) => keep(&mut self.ends, told, ended.clone()),
            Event::Alarm(alarm) => keep(&mut self.alarms, told, (**alarm).clone()),
            Event::Servers(_)
            | Event::Inventory(_)
            | Event::Channel(_)
            | Event::Note(_)
            | Event::Watch(_)
            | Event::Accepted(_) => {}
        }
    }

    /// What the clock of the latest entry would have shown at the time `at` of an entry: as the fold moves what was seen
    /// before the clock was set, so do marks beside it.
    pub fn shown(&self, told: &Ref, at: Moment) -> Moment {
        let later = self.clocks.iter().filter(|(jump, _)| jump.entry > told.entry);
        later.fold(at, |at, (_, jump)| at.moved(jump.millis()))
    }

    /// The plan that wanted an absence of DS, and whose approval it had; none: nobody did.
    pub(super) fn planned(&self, absence: &Absence) -> Option<&PlannedInsecure> {
        self.state.insecure.get(absence.whose?)
    }

    /// Where a stream's run number `run` was first seen.
    pub fn source(&self, key: &StreamKey, run: usize) -> Option<&Source> {
        self.sources.get(&(key.clone(), run))
    }

    fn shift(&mut self, millis: i64) {
        let moved = |at: &mut Moment| *at = at.moved(millis);
        self.coverage.shift(millis);
        for (from, until) in self.observed.iter_mut().chain(&mut self.pauses) {
            moved(from);
            moved(until);
        }
        for absence in &mut self.insecure {
            moved(&mut absence.from);
            absence.until.iter_mut().for_each(moved);
        }
    }

    fn take_sweep(&mut self, told: Ref, sweep: &Sweep, state: &State) {
        self.sweeps += 1;
        let first = self.observed.map_or(sweep.started, |(first, _)| first);
        if let Some((_, ended)) = self.observed {
            self.pauses.push((ended, sweep.started));
        }
        self.observed = Some((first, sweep.ended));
        let last = state.last_sweep.as_ref();
        let unclear: Vec<(&Place, &Name, String)> = last
            .into_iter()
            .flat_map(|last| &last.unclear)
            .map(|(place, name, rtype, why)| (place, name, format!("{rtype}: {why}")))
            .collect();
        self.coverage.take(sweep, &unclear);
        // A run begins only where something was seen anew.
        if self.news == state.news {
            return;
        }
        self.news = state.news;
        self.note_sources(told.entry, sweep, state);
        self.note_insecure(told.entry, sweep.started, state);
        let sees = !state.snapshot().providers.is_empty();
        if self.opening.is_none() && sees {
            self.opening = Some((told, chain_graph(state)));
        }
    }

    fn note_sources(&mut self, entry: u64, sweep: &Sweep, state: &State) {
        let mut blobs: HashMap<StreamKey, &BlobId> = HashMap::new();
        for one in &sweep.observations {
            if let Outcome::Answer { blob, .. } = &one.outcome {
                let key = StreamKey {
                    place: one.place.clone(),
                    address: one.address,
                    proto: one.proto,
                    name: one.name.clone(),
                    rtype: one.rtype,
                };
                blobs.insert(key, blob);
            }
        }
        for (key, stream) in state.ledger.streams() {
            let count = stream.runs.len();
            let held = self.runs.get(key).copied().unwrap_or(0);
            if count == held {
                continue;
            }
            self.runs.insert(key.clone(), count);
            if let (Some(run), Some(blob)) = (count.checked_sub(1), blobs.get(key)) {
                let source = Source {
                    entry,
                    blob: blob.to_string(),
                };
                self.sources.insert((key.clone(), run), source);
            }
        }
    }

    /// A proven absence of DS is time in which the zone was insecure.
    fn note_insecure(&mut self, entry: u64, at: Moment, state: &State) {
        let mut absent = insecure_by(state);
        for held in self.insecure.iter_mut().filter(|held| held.until.is_none()) {
            if !absent.remove(&held.whose) {
                held.until = Some(at);
            }
        }
        self.insecure.extend(absent.into_iter().map(|whose| Absence {
            from: at,
            until: None,
            entry,
            whose,
        }));
    }
}

/// What went over the channel, where it was that which vouched for the keys.
fn vouching(state: &State, keys: &Authenticated) -> Vec<Exchange> {
    let read = state.channel.as_ref().filter(|read| {
        let word = read.read.as_ref();
        read.provider == keys.provider && word.is_ok_and(|known| known.channel == keys.channel)
    });
    read.map_or_else(Vec::new, |read| read.exchanges.clone())
}

fn keep<T>(list: &mut Vec<Told<T>>, told: Ref, what: T) {
    if list.len() < MOST {
        list.push((told, what));
    }
}
