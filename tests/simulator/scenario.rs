//! One random move: who takes part, how slow and how unreliable they are, and what goes wrong. All of it follows from a seed.

use std::collections::BTreeSet;

use unbroken::workflow::{GateRules, Purpose};

use super::dice::Dice;
use super::keys::PROVIDERS;
use super::zones::{SERVERS, provider_name};

/// TTLs, seconds.
const TTLS: [u32; 12] = [1, 5, 30, 60, 300, 600, 900, 3_600, 7_200, 14_400, 86_400, 172_800];
const KEY_TTLS: [u32; 8] = [5, 60, 300, 600, 3_600, 7_200, 14_400, 86_400];

/// A provider.
#[derive(Clone, Debug)]
pub(crate) struct Maker {
    /// One key signs keys and data.
    pub(crate) csk: bool,
    pub(crate) hashed: bool,
    pub(crate) publishes_cds: bool,
    pub(crate) servers: usize,
    pub(crate) key_ttl: u32,
    pub(crate) ns_ttl: u32,
    pub(crate) data_ttl: u32,
    pub(crate) negative_ttl: u32,
    pub(crate) operator: Operator,
}

/// How an operator publishes and answers, a registry or a provider.
#[derive(Clone, Debug, Default)]
pub(crate) struct Operator {
    /// From an accepted change until the first server shows it, seconds.
    pub(crate) delay: i64,
    /// And from then until each server does, seconds.
    pub(crate) lags: Vec<i64>,
    /// A person makes its changes, and takes so long at most, seconds.
    pub(crate) person: Option<i64>,
    /// Of so many changes that it is told to make one goes wrong; none: no change does.
    pub(crate) wrong_once_in: Option<u64>,
}

/// A provider that replaces the key that signs its data, in seconds from its first step to the next.
#[derive(Clone, Debug)]
pub(crate) struct Roll {
    pub(crate) provider: usize,
    /// The new key is published, and signs nothing yet.
    pub(crate) published: i64,
    /// The new key signs, and the old one is still published.
    pub(crate) kept: i64,
}

/// What nobody can make good: found by the program, or it stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A provider takes a new key into use that was published for too short a time.
    HastyRoll(usize),
    /// The DS records of a provider vanish.
    DsRemoved(usize),
    /// The delegation is led to a provider before its time.
    Delegated(usize),
    /// A provider drops the keys of others.
    KeysDropped(usize),
}

/// A server that says nothing for a while.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Silence {
    /// It begins so long after that sweep.
    pub(crate) sweep: u64,
    pub(crate) after: i64,
    pub(crate) lasts: i64,
    /// Which server, out of all.
    pub(crate) server: u64,
}

/// The program is killed at that entry of its journal, and started again later.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kill {
    pub(crate) entry: usize,
    /// Before the entry is written; else after.
    pub(crate) before: bool,
    pub(crate) pause: i64,
}

#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) providers: Vec<Maker>,
    pub(crate) group: Vec<usize>,
    pub(crate) purpose: Purpose,
    pub(crate) registry: Operator,
    pub(crate) ds_ttl: u32,
    pub(crate) ns_ttl: u32,
    pub(crate) address_ttl: u32,
    /// The DS RRset has digest types 2, 4, or both.
    pub(crate) digests: (bool, bool),
    pub(crate) rules: GateRules,
    pub(crate) soak: u64,
    pub(crate) interval: i64,
    /// The longest that a sweep takes, milliseconds.
    pub(crate) round_trip: i64,
    /// Everything is asked that a sweep asks, and all of it over TCP too; else the least that shows every fact.
    pub(crate) asks_all: bool,
    /// What waits for a person's word, and for how long at most, seconds.
    pub(crate) approve: BTreeSet<String>,
    pub(crate) word: i64,
    pub(crate) silences: Vec<Silence>,
    pub(crate) roll: Option<Roll>,
    pub(crate) kills: Vec<Kill>,
    pub(crate) fault: Option<(u64, Fault)>,
    /// What chance decides on the way.
    pub(crate) dice: Dice,
}

impl Scenario {
    pub(crate) fn draw(seed: u64) -> Scenario {
        let mut dice = Dice::new(seed);
        let own = dice.fork();
        let (size, group, purpose) = membership(&mut dice);
        let scale = dice.below(4);
        let providers: Vec<Maker> = (0..size).map(|_| maker(&mut dice, scale)).collect();
        let ttl = |dice: &mut Dice| ttl(dice, scale, &TTLS);
        let (ds_ttl, ns_ttl, address_ttl) = (ttl(&mut dice), ttl(&mut dice), ttl(&mut dice));
        let most = if scale == 0 { 600 } else { 14_400 };
        let servers = 1 + dice.below(2) as usize;
        let registry = operator(&mut dice, servers, most);
        let digests = dice.pick(&[(true, false), (true, false), (true, true), (false, true)]);
        let mut scenario = Scenario {
            seed,
            providers,
            group,
            purpose,
            registry,
            ds_ttl,
            ns_ttl,
            address_ttl,
            digests,
            rules: GateRules {
                ttl_floor: dice.pick(&[0, 0, 60, 300]),
                margin: dice.pick(&[0, 2, 5, 60]),
                stale: dice.pick(&[0, 0, 0, 3_600]),
                patience: 30,
            },
            soak: dice.pick(&[0, 60, 3_600]),
            interval: 0,
            round_trip: dice.pick(&[0, 0, 300, 4_000]),
            asks_all: dice.once_in(12),
            approve: approvals(&mut dice),
            word: dice.spread(1, 20_000),
            silences: Vec::new(),
            roll: None,
            kills: Vec::new(),
            fault: None,
            dice: own,
        };
        scenario.pace(&mut dice);
        scenario.trouble(&mut dice);
        scenario
    }

    /// Sweeps that are far apart beside the waits, as far as the move is long; patience for the slowest.
    fn pace(&mut self, dice: &mut Dice) {
        let slowest = self.slowest();
        self.interval = (self.longest_wait() / dice.between(1, 6)).clamp(20, 43_200) + dice.between(0, 20);
        // Eight tries, each with twice the patience of the one before.
        let patience = dice.spread(30, 600).max(slowest / 40);
        self.rules.patience = u32::try_from(patience).unwrap();
    }

    /// The longest that anything takes until every server shows it, seconds.
    pub(crate) fn slowest(&self) -> i64 {
        let operators = self.providers.iter().map(|maker| &maker.operator);
        operators
            .chain([&self.registry])
            .map(|operator| operator.delay + operator.lags.iter().max().unwrap() + LATE)
            .max()
            .unwrap()
    }

    /// The longest that anything stays in a cache, seconds.
    pub(crate) fn longest_wait(&self) -> i64 {
        let own = self
            .providers
            .iter()
            .flat_map(|maker| [maker.key_ttl, maker.ns_ttl, maker.data_ttl, maker.negative_ttl]);
        let ttl = own
            .chain([self.ds_ttl, self.ns_ttl, self.address_ttl])
            .max()
            .unwrap();
        i64::from(ttl.max(self.rules.ttl_floor) + self.rules.stale)
    }

    fn trouble(&mut self, dice: &mut Dice) {
        if dice.once_in(4) {
            for _ in 0..=dice.below(2) {
                self.silences.push(Silence {
                    sweep: dice.between(3, 60) as u64,
                    after: dice.between(0, self.interval),
                    lasts: dice.spread(1, 4 * self.interval),
                    server: dice.below(1_000),
                });
            }
        }
        if dice.once_in(4) {
            for _ in 0..=dice.below(3) {
                self.kills.push(Kill {
                    entry: dice.between(1, 140) as usize,
                    before: dice.once_in(2),
                    pause: if dice.once_in(3) {
                        0
                    } else {
                        dice.spread(1, 4 * self.interval)
                    },
                });
            }
        }
        match dice.below(20) {
            0 => self.draw_fault(dice),
            1 | 2 => self.draw_roll(dice),
            _ => {}
        }
    }

    fn draw_fault(&mut self, dice: &mut Dice) {
        let everybody: Vec<usize> = (0..self.providers.len()).collect();
        let whose = dice.pick(&everybody);
        let what = match dice.below(4) {
            0 => Fault::HastyRoll(whose),
            1 => Fault::DsRemoved(whose),
            2 => Fault::Delegated(whose),
            _ => Fault::KeysDropped(whose),
        };
        self.fault = Some((dice.between(4, 60) as u64, what));
    }

    /// Published for as long as it takes until the program has seen it, brought it to the others, and what they said before
    /// has left the caches; kept as long.
    fn draw_roll(&mut self, dice: &mut Dice) {
        let rollers: Vec<usize> = (0..self.providers.len())
            .filter(|provider| !self.providers[*provider].csk && !self.leaves(*provider))
            .collect();
        if rollers.is_empty() {
            return;
        }
        let provider = dice.pick(&rollers);
        // A person in between makes it longer than anybody would wait.
        for maker in &mut self.providers {
            maker.operator.person = None;
        }
        let seen = 3 * self.interval + 2 * i64::from(self.rules.margin);
        let brought = self.slowest() + 8 * i64::from(self.rules.patience) + 2 * self.interval;
        let published = seen + brought + self.longest_wait();
        let kept = self.slowest() + self.longest_wait() + seen;
        self.soak = self
            .soak
            .max(u64::try_from(published + kept + 4 * self.interval).unwrap());
        self.roll = Some(Roll {
            provider,
            published,
            kept,
        });
    }

    fn leaves(&self, provider: usize) -> bool {
        let name = provider_name(provider);
        match &self.purpose {
            Purpose::Migrate { from, .. } | Purpose::Fallback { from, .. } => *from == name,
            Purpose::Leave { signer } => *signer == name,
            Purpose::Join { .. } => false,
        }
    }

    /// The same without kills.
    pub(crate) fn without_kills(&self) -> Scenario {
        Scenario {
            kills: Vec::new(),
            ..self.clone()
        }
    }

    /// Nothing was declared that may break the zone.
    pub(crate) fn is_sound(&self) -> bool {
        self.fault.is_none()
    }
}

/// How much later than promised an operator makes a change that it said yes to, at most, seconds.
pub(crate) const LATE: i64 = 1_800;

fn membership(dice: &mut Dice) -> (usize, Vec<usize>, Purpose) {
    let members = dice.pick(&[1, 1, 1, 2, 2, 3]);
    let group: Vec<usize> = (0..members).collect();
    let newcomer = || provider_name(members);
    match dice.below(3) {
        0 if members > 1 => {
            let signer = provider_name(dice.below(members as u64) as usize);
            (members, group, Purpose::Leave { signer })
        }
        1 => (members + 1, group, Purpose::Join { signer: newcomer() }),
        _ => {
            let from = provider_name(dice.below(members as u64) as usize);
            let to = newcomer();
            (members + 1, group, Purpose::Migrate { from, to })
        }
    }
}

fn ttl(dice: &mut Dice, scale: u64, of: &[u32]) -> u32 {
    // Seconds to minutes, to hours, to days.
    let most = match scale {
        0 => of.len() / 2,
        1 => of.len() * 3 / 4,
        _ => of.len(),
    };
    dice.pick(&of[..most])
}

fn maker(dice: &mut Dice, scale: u64) -> Maker {
    let servers = dice.pick(&[1, 1, 1, 2, 2, SERVERS]);
    Maker {
        csk: dice.once_in(3),
        hashed: dice.once_in(2),
        publishes_cds: dice.once_in(2),
        servers,
        key_ttl: ttl(dice, scale, &KEY_TTLS),
        ns_ttl: ttl(dice, scale, &TTLS),
        data_ttl: ttl(dice, scale, &TTLS),
        negative_ttl: ttl(dice, scale, &TTLS[..7]),
        operator: operator(dice, servers, 120),
    }
}

fn operator(dice: &mut Dice, servers: usize, most: i64) -> Operator {
    let slow = dice.once_in(2);
    let mut lag = |most: i64| match slow {
        true => dice.spread(1, most),
        false => 0,
    };
    let delay = lag(most);
    let lags = (0..servers)
        .map(|server| if server == 0 { 0 } else { lag(900) })
        .collect();
    Operator {
        delay,
        lags,
        person: dice.once_in(10).then(|| dice.spread(30, 20_000)),
        wrong_once_in: dice.once_in(3).then(|| dice.pick(&[2, 3, 6])),
    }
}

fn approvals(dice: &mut Dice) -> BTreeSet<String> {
    match dice.below(12) {
        0 => BTreeSet::from(["all".to_owned()]),
        1 => BTreeSet::from(["ds".to_owned()]),
        2 => BTreeSet::from(["parent".to_owned()]),
        _ => BTreeSet::new(),
    }
}

const _: () = assert!(PROVIDERS == 4);
