//! How closely each address was watched: when it answered, and the longest time in which it did not.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;

use serde::Serialize;

use crate::dns::Name;
use crate::evidence::{Outcome, Place, Sweep};
use crate::moment::Moment;

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Stretch {
    /// From when.
    pub from: Moment,
    /// Until when.
    pub until: Moment,
}

impl Stretch {
    /// Its length in whole seconds, rounded up.
    pub fn seconds(&self) -> u64 {
        self.until.since(self.from).as_millis().div_ceil(1_000) as u64
    }
}

/// One address, and how it was watched.
#[derive(Clone, Debug, Serialize)]
pub struct Watched {
    /// Whose server: the parent's, a provider's, or one of a zone above.
    pub place: Place,
    /// Its host name.
    pub server: Name,
    /// Its address.
    pub address: SocketAddr,
    /// Sweeps in which every question to it was answered.
    pub answered: u64,
    /// Sweeps in which some question to it had no usable answer.
    pub unanswered: u64,
    /// The longest time between two such sweeps: from the first question of the one to the last answer of the next, or to the
    /// last sweep where it was silent to the end. What was served only in between was not seen.
    pub longest: Option<Stretch>,
    /// The stretches in which it did not answer as it should: from the last good sweep before to the first after.
    pub outages: Vec<Outage>,
    #[serde(skip)]
    last_good: Option<Moment>,
    #[serde(skip)]
    failing: Option<(Moment, String)>,
}

/// Time in which an address gave no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outage {
    /// The first sweep without one.
    pub from: Moment,
    /// The first sweep with one again; none: it lasted to the end.
    pub until: Option<Moment>,
    /// What it did instead, at first.
    pub why: String,
}

/// So many outages of one address are listed; it is said when there were more.
const MOST_OUTAGES: usize = 200;

/// All addresses that were asked.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    watched: Vec<Watched>,
    index: HashMap<(SocketAddr, Place), usize>,
    /// Questions that were asked.
    pub questions: u64,
    /// Answers that came, whatever they said.
    pub answers: u64,
}

struct Round {
    sent: Moment,
    done: Moment,
    why: Option<String>,
}

impl Coverage {
    /// Takes in a sweep; `unclear` are the servers of which some answer says nothing, and why.
    pub(super) fn take(&mut self, sweep: &Sweep, unclear: &[(&Place, &Name, String)]) {
        let mut rounds: HashMap<usize, Round> = HashMap::new();
        let troubled: BTreeSet<&Name> = unclear.iter().map(|(_, name, _)| *name).collect();
        let mut last: Option<(SocketAddr, &Place, usize)> = None;
        for one in &sweep.observations {
            if matches!(one.place, Place::Ancestor(_)) {
                continue;
            }
            self.questions += 1;
            let at = match last {
                Some((address, place, at)) if address == one.address && *place == one.place => at,
                _ => self.find(&one.place, &one.server, one.address),
            };
            last = Some((one.address, &one.place, at));
            let round = rounds.entry(at).or_insert_with(|| Round {
                sent: one.sent,
                done: one.done,
                why: None,
            });
            round.sent = round.sent.min(one.sent);
            round.done = round.done.max(one.done);
            match &one.outcome {
                Outcome::Answer { .. } => self.answers += 1,
                other => {
                    round.why.get_or_insert_with(|| words(other));
                }
            }
            if round.why.is_none() && troubled.contains(&one.server) {
                let found = unclear
                    .iter()
                    .find(|(place, name, _)| **name == one.server && **place == one.place);
                round.why = found.map(|(_, _, why)| why.clone());
            }
        }
        for (at, round) in rounds {
            if let Some(watched) = self.watched.get_mut(at) {
                watched.note(round, sweep.started);
            }
        }
    }

    /// The addresses, the parent's first.
    pub fn watched(&self) -> Vec<&Watched> {
        let mut all: Vec<&Watched> = self.watched.iter().collect();
        all.sort_by_key(|one| (rank(&one.place), one.address));
        all
    }

    /// The longest stretch in which nothing was seen of some address, of all of them.
    pub fn longest(&self) -> Option<(&Watched, Stretch)> {
        self.watched
            .iter()
            .filter_map(|one| Some((one, one.longest?)))
            .max_by_key(|(_, stretch)| stretch.until.since(stretch.from))
    }

    /// The clock was set by so much, milliseconds: how long ago everything was stays as it is.
    pub(super) fn shift(&mut self, millis: i64) {
        for one in &mut self.watched {
            one.last_good = one.last_good.map(|at| at.moved(millis));
            one.failing = one.failing.take().map(|(at, why)| (at.moved(millis), why));
            if let Some(longest) = &mut one.longest {
                longest.from = longest.from.moved(millis);
                longest.until = longest.until.moved(millis);
            }
            for outage in &mut one.outages {
                outage.from = outage.from.moved(millis);
                outage.until = outage.until.map(|at| at.moved(millis));
            }
        }
    }

    fn find(&mut self, place: &Place, server: &Name, address: SocketAddr) -> usize {
        if let Some(at) = self.index.get(&(address, place.clone())) {
            return *at;
        }
        let at = self.watched.len();
        self.index.insert((address, place.clone()), at);
        self.watched.push(Watched {
            place: place.clone(),
            server: server.clone(),
            address,
            answered: 0,
            unanswered: 0,
            longest: None,
            outages: Vec::new(),
            last_good: None,
            failing: None,
        });
        at
    }
}

impl Watched {
    fn note(&mut self, round: Round, swept: Moment) {
        if let Some(why) = round.why {
            self.unanswered += 1;
            if self.failing.is_none() {
                if self.outages.len() < MOST_OUTAGES {
                    self.outages.push(Outage {
                        from: swept,
                        until: None,
                        why: why.clone(),
                    });
                }
                self.failing = Some((swept, why));
            }
            // What is silent to the end was unobserved to the end.
            let since = self.last_good.or(self.failing.as_ref().map(|(since, _)| *since));
            if let Some(from) = since {
                self.stretch(from, round.done);
            }
            return;
        }
        self.answered += 1;
        if self.failing.take().is_some()
            && let Some(outage) = self.outages.last_mut().filter(|outage| outage.until.is_none())
        {
            outage.until = Some(swept);
        }
        if let Some(from) = self.last_good.replace(round.sent) {
            self.stretch(from, round.done);
        }
    }

    fn stretch(&mut self, from: Moment, until: Moment) {
        let longer = self
            .longest
            .is_none_or(|held| until.since(from) > held.until.since(held.from));
        if longer {
            self.longest = Some(Stretch { from, until });
        }
    }
}

fn rank(place: &Place) -> (u8, String) {
    match place {
        Place::Parent => (0, String::new()),
        Place::Provider(name) => (1, name.clone()),
        Place::Ancestor(zone) => (2, zone.to_string()),
    }
}

fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answer { .. } => String::new(),
        Outcome::Timeout => "no answer in time".to_owned(),
        Outcome::NoRoute { said } => format!("no route from here ({said})"),
        Outcome::Failed { said } => format!("connection failed ({said})"),
    }
}
