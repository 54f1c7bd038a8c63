//! One server address: the copies of zones that it serves, and the answers that it has given.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::habit::Habit;
use super::zone::Zone;
use crate::dns::{Name, Rtype};
use crate::evidence::Proto;
use crate::moment::Moment;

/// So many answers are kept for each protocol; beyond that all are made again.
const ANSWER_ROOM: usize = 8192;

/// A server of an operator.
pub(super) struct Server {
    /// Its address as the DNS gives it.
    pub address: SocketAddr,
    /// Its name.
    pub name: Name,
    /// Its operator's place in the world.
    pub(super) operator: usize,
    habit: RwLock<Option<Arc<dyn Habit>>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    zones: BTreeMap<Name, Copies>,
    udp: HashMap<Box<[u8]>, Kept>,
    tcp: HashMap<Box<[u8]>, Kept>,
    generation: u64,
}

struct Copies {
    active: Arc<Zone>,
    coming: VecDeque<(Moment, Arc<Zone>)>,
}

struct Kept {
    octets: Vec<u8>,
    good_until: Option<Moment>,
}

impl Server {
    pub(super) fn new(address: SocketAddr, name: Name, operator: usize) -> Server {
        Server {
            address,
            name,
            operator,
            habit: RwLock::new(None),
            state: Mutex::new(State::default()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its habits, if they are not the default ones.
    pub(super) fn habit(&self) -> Option<Arc<dyn Habit>> {
        self.habit.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_habit(&self, habit: Option<Arc<dyn Habit>>) {
        *self.habit.write().unwrap_or_else(PoisonError::into_inner) = habit;
    }

    /// Serves `zone` from `when` on. What was to come later than that is overtaken.
    pub(super) fn publish(&self, zone: Arc<Zone>, when: Moment) {
        let mut state = self.state();
        match state.zones.get_mut(zone.apex()) {
            Some(copies) => {
                copies.coming.retain(|(earlier, _)| *earlier < when);
                copies.coming.push_back((when, zone));
            }
            None => {
                let copies = Copies {
                    active: zone.clone(),
                    coming: VecDeque::new(),
                };
                state.zones.insert(zone.apex().clone(), copies);
            }
        }
    }

    /// Changes what this server alone serves, at once.
    pub(super) fn edit(&self, apex: &Name, change: impl FnOnce(&mut Zone)) {
        let mut state = self.state();
        if let Some(copies) = state.zones.get_mut(apex) {
            change(Arc::make_mut(&mut copies.active));
        }
        state.forget();
    }

    /// The zone that answers for a name: the deepest, but for DS the one above a cut. With it the generation of what is
    /// served, for [`Server::keep`].
    pub(super) fn zone_for(&self, name: &Name, rtype: Rtype, now: Moment) -> Option<(Arc<Zone>, u64)> {
        let mut state = self.state();
        state.settle(now);
        let fitting = |state: &State, strictly: bool| {
            state
                .zones
                .iter()
                .filter(|(apex, _)| name.is_at_or_below(apex) && !(strictly && name == *apex))
                .max_by_key(|(apex, _)| apex.label_count())
                .map(|(_, copies)| copies.active.clone())
        };
        let above = if rtype == Rtype::DS {
            fitting(&state, true)
        } else {
            None
        };
        let zone = above.or_else(|| fitting(&state, false))?;
        Some((zone, state.generation))
    }

    /// The answer that was given to the same octets (without the identifier), if it is still good.
    pub(super) fn kept(&self, proto: Proto, question: &[u8], now: Moment) -> Option<Vec<u8>> {
        let mut state = self.state();
        state.settle(now);
        let kept = state.room(proto).get(question)?;
        kept.good_until
            .is_none_or(|until| now < until)
            .then(|| kept.octets.clone())
    }

    /// Keeps an answer, unless something has changed since its `generation`.
    pub(super) fn keep(
        &self,
        proto: Proto,
        question: &[u8],
        octets: &[u8],
        good_until: Option<Moment>,
        generation: u64,
    ) {
        let mut state = self.state();
        if state.generation != generation {
            return;
        }
        let room = state.room(proto);
        if room.len() >= ANSWER_ROOM {
            room.clear();
        }
        let kept = Kept {
            octets: octets.to_vec(),
            good_until,
        };
        room.insert(question.into(), kept);
    }
}

impl State {
    fn room(&mut self, proto: Proto) -> &mut HashMap<Box<[u8]>, Kept> {
        match proto {
            Proto::Udp => &mut self.udp,
            Proto::Tcp => &mut self.tcp,
        }
    }

    fn forget(&mut self) {
        self.generation += 1;
        self.udp.clear();
        self.tcp.clear();
    }

    /// Takes up the copies whose time has come.
    fn settle(&mut self, now: Moment) {
        let mut changed = false;
        for copies in self.zones.values_mut() {
            while copies.coming.front().is_some_and(|(when, _)| *when <= now) {
                if let Some((_, zone)) = copies.coming.pop_front() {
                    copies.active = zone;
                    changed = true;
                }
            }
        }
        if changed {
            self.forget();
        }
    }
}
