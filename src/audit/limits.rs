//! What was not seen: gaps by server address, and the clock against the signatures.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::verdict::ServerSeen;
use crate::dns::{Name, Rtype};
use crate::evidence::{Observation, Place};
use crate::moment::Moment;

/// One question to one address.
#[derive(Clone, Debug)]
struct Question {
    /// The last answer, or the first sweep.
    seen: Moment,
    longest: (u64, Moment, Moment),
    asked_last: Moment,
}

/// What is known of an address.
#[derive(Clone, Debug)]
struct Address {
    place: Place,
    server: Name,
    asked: u64,
    answered: u64,
    shortest_ttl: Option<u32>,
    questions: HashMap<(Name, Rtype), usize>,
}

/// What was seen of every address, and of every question to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Gaps {
    addresses: Vec<((SocketAddr, Place), Address)>,
    questions: Vec<Question>,
    numbers: HashMap<(SocketAddr, Place), usize>,
}

/// Where a question to an address stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    address: usize,
    question: usize,
}

fn millis(from: Moment, to: Moment) -> u64 {
    u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX)
}

impl Gaps {
    /// Where the question of an observation stands; it is new if it was not asked before.
    pub(super) fn spot(&mut self, one: &Observation) -> Spot {
        let key = (one.address, one.place.clone());
        let next = self.addresses.len();
        let number = *self.numbers.entry(key.clone()).or_insert(next);
        if number == next {
            let address = Address {
                place: one.place.clone(),
                server: one.server.clone(),
                asked: 0,
                answered: 0,
                shortest_ttl: None,
                questions: HashMap::new(),
            };
            self.addresses.push((key, address));
        }
        let next = self.questions.len();
        let question = self.addresses.get_mut(number).map_or(next, |(_, address)| {
            let question = (one.name.clone(), one.rtype);
            *address.questions.entry(question).or_insert(next)
        });
        if question == next {
            self.questions.push(Question {
                seen: one.sent,
                longest: (0, one.sent, one.sent),
                asked_last: one.sent,
            });
        }
        Spot {
            address: number,
            question,
        }
    }

    /// Takes an observation of that spot; `answer` is the shortest TTL of its message, if it is an answer.
    pub(super) fn take(&mut self, spot: Spot, one: &Observation, answer: Option<Option<u32>>) {
        let (Some((_, address)), Some(question)) = (
            self.addresses.get_mut(spot.address),
            self.questions.get_mut(spot.question),
        ) else {
            return;
        };
        address.asked += 1;
        question.asked_last = one.sent;
        let Some(shortest_ttl) = answer else { return };
        address.answered += 1;
        address.shortest_ttl = match (address.shortest_ttl, shortest_ttl) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        question.close(one.sent);
        question.seen = one.done;
    }

    /// The clock was set by so much: what was recorded before moves along.
    pub(super) fn shift(&mut self, by: i64) {
        for question in &mut self.questions {
            question.seen = question.seen.moved(by);
        }
    }

    /// All of it; `end` is when the last sweep began. A question that is not asked any more is not held against a server.
    pub(super) fn into_servers(mut self, end: Option<Moment>) -> Vec<ServerSeen> {
        // A server that was silent to the end was unobserved to the end.
        for question in &mut self.questions {
            if let Some(end) = end.filter(|end| question.asked_last >= *end && question.seen < *end) {
                question.close(end);
            }
        }
        let questions = &self.questions;
        let mut out: Vec<ServerSeen> = self
            .addresses
            .into_iter()
            .map(|((at, _), address)| address.seen(at, questions))
            .collect();
        out.sort_by(|a, b| (&a.place, &a.server, a.address).cmp(&(&b.place, &b.server, b.address)));
        out
    }
}

impl Question {
    fn close(&mut self, until: Moment) {
        let gap = millis(self.seen, until);
        if gap > self.longest.0 {
            self.longest = (gap, self.seen, until);
        }
    }
}

impl Address {
    fn seen(self, at: SocketAddr, questions: &[Question]) -> ServerSeen {
        let longest = self
            .questions
            .values()
            .filter_map(|number| questions.get(*number))
            .map(|question| question.longest)
            // Of equal ones the first: which it is must not hang on the order of a map.
            .max_by_key(|gap| (gap.0, std::cmp::Reverse(gap.1)));
        let (gap, from, to) = longest.unwrap_or_default();
        let seconds = gap.div_ceil(1000);
        let hides = self.shortest_ttl.is_none_or(|ttl| seconds > u64::from(ttl));
        ServerSeen {
            place: self.place,
            server: self.server,
            address: at,
            asked: self.asked,
            answered: self.answered,
            longest_unobserved: seconds,
            unobserved_from: (gap > 0).then_some(from),
            unobserved_to: (gap > 0).then_some(to),
            shortest_ttl: self.shortest_ttl,
            could_hide: hides,
        }
    }
}
