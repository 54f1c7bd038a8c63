//! What was not seen: gaps by server address, and the clock against the signatures.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::context::Facts;
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
    questions: HashMap<(Name, Rtype), Question>,
}

/// What was seen of every address.
#[derive(Clone, Debug, Default)]
pub(super) struct Gaps(HashMap<(SocketAddr, Place), Address>);

fn millis(from: Moment, to: Moment) -> u64 {
    u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX)
}

impl Gaps {
    /// Takes an observation; `facts` is what is known of its message, if it is an answer.
    pub(super) fn take(&mut self, one: &Observation, facts: Option<&Facts>) {
        let key = (one.address, one.place.clone());
        let address = self.0.entry(key).or_insert_with(|| Address {
            place: one.place.clone(),
            server: one.server.clone(),
            asked: 0,
            answered: 0,
            shortest_ttl: None,
            questions: HashMap::new(),
        });
        address.asked += 1;
        let question = address
            .questions
            .entry((one.name.clone(), one.rtype))
            .or_insert_with(|| Question {
                seen: one.sent,
                longest: (0, one.sent, one.sent),
                asked_last: one.sent,
            });
        question.asked_last = one.sent;
        let Some(facts) = facts else { return };
        address.answered += 1;
        address.shortest_ttl = match (address.shortest_ttl, facts.shortest_ttl) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        question.close(one.sent);
        question.seen = one.done;
    }

    /// The clock was set by so much: what was recorded before moves along.
    pub(super) fn shift(&mut self, by: i64) {
        for question in self
            .0
            .values_mut()
            .flat_map(|address| address.questions.values_mut())
        {
            question.seen = question.seen.moved(by);
        }
    }

    /// All of it; `end` is when the last sweep began. A question that is not asked any more is not held against a server.
    pub(super) fn into_servers(self, end: Option<Moment>) -> Vec<ServerSeen> {
        let mut out: Vec<ServerSeen> = self
            .0
            .into_iter()
            .map(|((at, _), address)| address.seen(at, end))
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
    fn seen(mut self, at: SocketAddr, end: Option<Moment>) -> ServerSeen {
        for question in self.questions.values_mut() {
            // A server that was silent to the end was unobserved to the end.
            if let Some(end) = end.filter(|end| question.asked_last >= *end && question.seen < *end) {
                question.close(end);
            }
        }
        let longest = self
            .questions
            .values()
            .map(|question| question.longest)
            .max_by_key(|gap| gap.0);
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
