//! What is true: every operator's zone, what each server serves at which moment, and what happens by itself.

use std::collections::{BTreeMap, VecDeque};

use unbroken::moment::Moment;
use unbroken::ports::{DriverError, FailureClass, RrsetChange};
use unbroken::workflow::{Event, Intent, Plan, StepId};

use super::dice::Dice;
use super::keys::{Keys, bit, csk, ksk, zsk};
use super::scenario::{Fault, LATE, Operator, Scenario};
use super::zones::{DsKeys, Zone, host, hosts_of, owners};

/// When every simulated move begins, Unix seconds.
pub(crate) const START: i64 = 1_790_000_000;
/// Since when everything is as it is at the beginning.
const LONG_AGO: i64 = START - 400 * 86_400;

/// The registry's place among the operators; provider `p` is `p + 1`.
pub(crate) const REGISTRY: usize = 0;

/// One server: what it serves from which millisecond on.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) operator: usize,
    pub(crate) number: usize,
    pub(crate) served: Vec<(i64, Zone)>,
}

impl Server {
    pub(crate) fn at(&self, at: i64) -> &Zone {
        let place = self.served.partition_point(|(from, _)| *from <= at);
        &self.served[place.saturating_sub(1)].1
    }

    /// What was to come later than that is overtaken.
    fn publish(&mut self, from: i64, zone: Zone) {
        self.served.retain(|(earlier, _)| *earlier < from);
        if self.served.last().is_none_or(|(_, last)| *last != zone) {
            self.served.push((from, zone));
        }
    }
}

/// What happens by itself.
#[derive(Clone, Debug)]
enum Deed {
    Change(usize, RrsetChange),
    Publish(usize, Keys),
    SignWith(usize, Keys),
    Withdraw(usize, Keys),
    Hand(Fault),
}

/// A change that the program made, or a provider that it let go.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    pub(crate) at: i64,
    pub(crate) step: StepId,
    pub(crate) intent: Intent,
    pub(crate) changes: Vec<RrsetChange>,
    /// How often the step was tried before, and when the last time.
    pub(crate) tries: u32,
    pub(crate) tried: Option<i64>,
    /// The step had been proven, and something undid it.
    pub(crate) again: bool,
}

/// Servers that said nothing, or nobody who asked, in milliseconds; none: all servers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blank {
    pub(crate) server: Option<usize>,
    pub(crate) from: i64,
    pub(crate) until: i64,
}

pub(crate) struct World {
    pub(crate) scenario: Scenario,
    pub(crate) now: i64,
    pub(crate) masters: Vec<Zone>,
    pub(crate) servers: Vec<Server>,
    pub(crate) blanks: Vec<Blank>,
    events: BTreeMap<(i64, u64), Deed>,
    event_number: u64,
    habits: Vec<VecDeque<Habit>>,
    /// By operator: when it has made all the changes that it was told to make.
    busy: Vec<i64>,
    dice: Dice,
    // What the program was seen doing.
    pub(crate) plan: Option<Plan>,
    pub(crate) sweeps: Vec<(i64, i64)>,
    pub(crate) acts: Vec<Act>,
    /// The steps that it has proven, with how many changes it had made by then.
    proven: BTreeMap<StepId, usize>,
    pub(crate) approved: BTreeMap<String, i64>,
    pub(crate) faulted: Option<i64>,
    pub(crate) rolled: Option<i64>,
}

/// What an operator does with a change that it is told to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    Does,
    /// Says yes, and does it so many seconds later.
    Late(i64),
    /// Says yes, and forgets it.
    Loses,
    /// Says no.
    Fails(FailureClass),
    /// Says no, and does it.
    FailsAndDoes(FailureClass),
}

impl World {
    pub(crate) fn new(scenario: Scenario) -> World {
        let mut masters = vec![registry(&scenario)];
        masters.extend((0..scenario.providers.len()).map(|provider| copy(&scenario, provider)));
        let mut servers = Vec::new();
        for (operator, zone) in masters.iter().enumerate() {
            for number in 0..of(&scenario, operator).lags.len() {
                servers.push(Server {
                    operator,
                    number,
                    served: vec![(LONG_AGO * 1_000, *zone)],
                });
            }
        }
        let masters_count = masters.len();
        let mut dice = scenario.dice.clone();
        let habits = (0..masters.len())
            .map(|operator| habits(&mut dice.fork(), of(&scenario, operator)))
            .collect();
        World {
            now: START * 1_000,
            masters,
            servers,
            blanks: Vec::new(),
            events: BTreeMap::new(),
            event_number: 0,
            habits,
            busy: vec![0; masters_count],
            dice,
            plan: None,
            sweeps: Vec::new(),
            acts: Vec::new(),
            proven: BTreeMap::new(),
            approved: BTreeMap::new(),
            faulted: None,
            rolled: None,
            scenario,
        }
    }

    pub(crate) fn operator(&self, operator: usize) -> &Operator {
        of(&self.scenario, operator)
    }

    /// Time goes by, and with it whatever is due.
    pub(crate) fn run_until(&mut self, at: i64) {
        while let Some(first) = self.events.first_entry()
            && first.key().0 <= at
        {
            let ((when, _), deed) = first.remove_entry();
            self.now = self.now.max(when);
            self.carry_out(&deed);
        }
        self.now = self.now.max(at);
    }

    /// Until nothing is on its way any more.
    pub(crate) fn settle(&mut self) {
        while let Some(((when, _), _)) = self.events.last_key_value() {
            let when = *when;
            self.run_until(when);
        }
        let last = self.servers.iter().filter_map(|server| server.served.last());
        let last = last.map(|(from, _)| *from).max().unwrap_or(self.now);
        self.now = self.now.max(last);
    }

    fn later(&mut self, at: i64, deed: Deed) {
        self.event_number += 1;
        self.events.insert((at, self.event_number), deed);
    }

    fn carry_out(&mut self, deed: &Deed) {
        match deed {
            Deed::Change(operator, change) => {
                self.edit(*operator, |zone| zone.change(change));
            }
            Deed::Publish(provider, key) => self.edit(provider + 1, |zone| zone.own |= key),
            Deed::SignWith(provider, key) => self.edit(provider + 1, |zone| zone.data_signers = *key),
            Deed::Withdraw(provider, key) => self.edit(provider + 1, |zone| zone.own &= !key),
            Deed::Hand(fault) => self.by_hand(*fault),
        }
    }

    /// An operator decides something; its servers follow.
    fn edit(&mut self, operator: usize, change: impl FnOnce(&mut Zone)) {
        let before = self.masters[operator];
        change(&mut self.masters[operator]);
        let zone = self.masters[operator];
        if zone == before {
            return;
        }
        let how = of(&self.scenario, operator);
        for server in self
            .servers
            .iter_mut()
            .filter(|server| server.operator == operator)
        {
            let from = self.now + 1_000 * (how.delay + how.lags[server.number]);
            server.publish(from, zone);
        }
    }

    /// At once and everywhere, as a provider is switched off.
    pub(crate) fn switch_off(&mut self, provider: usize) {
        let now = self.now;
        self.masters[provider + 1].serving = false;
        let zone = self.masters[provider + 1];
        for server in self
            .servers
            .iter_mut()
            .filter(|server| server.operator == provider + 1)
        {
            server.publish(now, zone);
        }
    }

    fn by_hand(&mut self, fault: Fault) {
        self.faulted.get_or_insert(self.now);
        match fault {
            Fault::HastyRoll(provider) => {
                let (old, new) = self.data_keys(provider);
                self.edit(provider + 1, |zone| {
                    zone.own = zone.own & !old | new;
                    zone.data_signers = new;
                });
            }
            Fault::DsRemoved(provider) => {
                let keys = self.masters[provider + 1].key_signers;
                let zone_ds = self.masters[REGISTRY].ds;
                // Without any DS the zone would be insecure, and its registry would have to prove that there is none.
                let left = (zone_ds.sha256 | zone_ds.sha384) & !keys;
                if left != 0 {
                    self.edit(REGISTRY, |zone| {
                        zone.ds.sha256 &= !keys;
                        zone.ds.sha384 &= !keys;
                    });
                }
            }
            Fault::Delegated(provider) => {
                let hosts = hosts_of(provider, self.scenario.providers[provider].servers);
                self.edit(REGISTRY, |zone| zone.hosts |= hosts);
            }
            Fault::KeysDropped(provider) => self.edit(provider + 1, |zone| zone.foreign = 0),
        }
    }

    /// The keys that sign a provider's data, and the next ones.
    fn data_keys(&self, provider: usize) -> (Keys, Keys) {
        let old = self.masters[provider + 1].data_signers & !bit(csk(provider));
        let new = (0..4)
            .map(|number| bit(zsk(provider, number)))
            .find(|key| self.masters[provider + 1].own & key == 0);
        (old, new.unwrap())
    }

    /// An operator is told to make a change.
    pub(crate) fn told(
        &mut self,
        operator: usize,
        who: &str,
        change: &RrsetChange,
        guarded: bool,
    ) -> Result<(), DriverError> {
        let fails = |class| DriverError {
            who: who.to_owned(),
            what: format!("update of {} {}", change.name, change.rtype),
            said: "as simulated".to_owned(),
            class,
        };
        if guarded && !self.masters[operator].is_as_expected(change) {
            return Err(fails(FailureClass::Conflict));
        }
        let habit = self.habits[operator].pop_front().unwrap_or(Habit::Does);
        match habit {
            Habit::Does | Habit::FailsAndDoes(_) => self.in_turn(operator, 0, change),
            Habit::Late(seconds) => self.in_turn(operator, 1_000 * seconds, change),
            Habit::Loses | Habit::Fails(_) => {}
        }
        match habit {
            Habit::Fails(class) | Habit::FailsAndDoes(class) => Err(fails(class)),
            _ => Ok(()),
        }
    }

    /// The last change is undone, whatever came of it.
    pub(crate) fn take_back(&mut self) {
        let Some(act) = self.acts.last().cloned() else {
            return;
        };
        let operator = act
            .intent
            .place()
            .map_or(REGISTRY, |name| super::drivers::provider_of(name) + 1);
        for change in act.changes {
            let back = RrsetChange {
                add: change.remove,
                remove: change.add,
                ..change
            };
            self.edit(operator, |zone| zone.change(&back));
        }
    }

    /// A person is told to make a change, and takes their time.
    pub(crate) fn person_is_told(&mut self, operator: usize, most: i64, change: &RrsetChange) {
        let takes = 1_000 * self.dice.spread(1, most);
        self.in_turn(operator, takes, change);
    }

    /// An operator makes changes in the order in which it was told to: an old one never after a newer one.
    fn in_turn(&mut self, operator: usize, takes: i64, change: &RrsetChange) {
        let at = (self.now + takes).max(self.busy[operator]);
        self.busy[operator] = at;
        if at > self.now {
            self.later(at, Deed::Change(operator, change.clone()));
        } else {
            self.edit(operator, |zone| zone.change(change));
        }
    }

    /// When a person says yes.
    pub(crate) fn asked_for_word(&mut self, what: &str) {
        if !self.approved.contains_key(what) {
            let at = self.now + 1_000 * self.dice.spread(1, self.scenario.word);
            self.approved.insert(what.to_owned(), at);
        }
    }

    pub(crate) fn throw(&mut self, most: i64) -> i64 {
        self.dice.between(0, most)
    }

    /// Whether a server says anything at that moment.
    pub(crate) fn is_silent(&self, server: usize, at: i64) -> bool {
        self.blanks
            .iter()
            .any(|blank| blank.server == Some(server) && blank.from <= at && at < blank.until)
    }

    /// What follows from what the program wrote down.
    pub(crate) fn noticed(&mut self, at: Moment, event: &Event) {
        match event {
            Event::Plan(plan) => self.plan = Some((**plan).clone()),
            Event::Sweep(sweep) => {
                self.sweeps.push((sweep.started.millis(), at.millis()));
                self.after_sweep(self.sweeps.len() as u64);
            }
            Event::Intent(intended) => {
                // Once it was seen to be done, it counts from the beginning.
                let since = self.proven.get(&intended.step).copied().unwrap_or(0);
                let mut last = self.acts.iter().skip(since).rev();
                let last = last.find(|act| act.step == intended.step);
                let (tries, tried) = last.map_or((0, None), |last| (last.tries + 1, Some(last.at)));
                let again = self.proven.contains_key(&intended.step);
                let intent = self.plan.as_ref().unwrap().step(&intended.step).unwrap();
                self.acts.push(Act {
                    at: at.millis(),
                    step: intended.step.clone(),
                    intent: intent.intent.clone(),
                    changes: intended.changes.clone(),
                    tries,
                    tried,
                    again,
                });
            }
            Event::Proven(proven) => {
                self.proven.insert(proven.step.clone(), self.acts.len());
                self.after_proof(&proven.step, at.millis());
            }
            _ => {}
        }
    }

    fn after_sweep(&mut self, number: u64) {
        for silence in self.scenario.silences.clone() {
            if silence.sweep == number {
                let from = self.now + 1_000 * silence.after;
                self.blanks.push(Blank {
                    server: Some((silence.server % self.servers.len() as u64) as usize),
                    from,
                    until: from + 1_000 * silence.lasts,
                });
            }
        }
        if let Some((sweep, fault)) = self.scenario.fault
            && sweep == number
        {
            self.later(self.now + 1, Deed::Hand(fault));
        }
    }

    fn after_proof(&mut self, step: &StepId, at: i64) {
        let plan = self.plan.as_ref().unwrap();
        let intent = plan.step(step).unwrap().intent.clone();
        match intent {
            Intent::Retire { provider } => {
                self.acts.push(Act {
                    at,
                    step: step.clone(),
                    intent: Intent::Retire {
                        provider: provider.clone(),
                    },
                    changes: Vec::new(),
                    tries: 0,
                    tried: None,
                    again: false,
                });
                self.switch_off(super::drivers::provider_of(&provider));
            }
            Intent::ShareKeys { .. } => self.begin_roll(at),
            _ => {}
        }
    }

    fn begin_roll(&mut self, at: i64) {
        let Some(roll) = self.scenario.roll.clone() else {
            return;
        };
        if self.rolled.is_some() {
            return;
        }
        let delay = 1_000 * self.scenario.providers[roll.provider].operator.delay;
        self.rolled = Some(at + 1 + delay);
        let (old, new) = self.data_keys(roll.provider);
        let (signs, gone) = (
            at + 1_000 * roll.published,
            at + 1_000 * (roll.published + roll.kept),
        );
        self.later(at + 1, Deed::Publish(roll.provider, new));
        self.later(signs, Deed::SignWith(roll.provider, new));
        self.later(gone, Deed::Withdraw(roll.provider, old));
    }
}

fn of(scenario: &Scenario, operator: usize) -> &Operator {
    match operator {
        REGISTRY => &scenario.registry,
        provider => &scenario.providers[provider - 1].operator,
    }
}

/// Never so many wrong ones on end that the program has to give up.
fn habits(dice: &mut Dice, operator: &Operator) -> VecDeque<Habit> {
    let Some(once_in) = operator.wrong_once_in else {
        return VecDeque::new();
    };
    let mut wrong = 0;
    (0..60)
        .map(|_| {
            let class = dice.pick(&[
                FailureClass::Transient,
                FailureClass::Unknown,
                FailureClass::Refused,
                FailureClass::Conflict,
            ]);
            let habit = match dice.below(4) {
                _ if wrong >= 3 || !dice.once_in(once_in) => Habit::Does,
                0 => Habit::Late(dice.spread(1, LATE)),
                1 => Habit::Loses,
                2 => Habit::Fails(class),
                _ => Habit::FailsAndDoes(class),
            };
            wrong = if habit == Habit::Does { 0 } else { wrong + 1 };
            habit
        })
        .collect()
}

fn digests(scenario: &Scenario, keys: Keys) -> DsKeys {
    let if_used = |used| if used { keys } else { 0 };
    DsKeys {
        sha256: if_used(scenario.digests.0),
        sha384: if_used(scenario.digests.1),
    }
}

fn group_hosts(scenario: &Scenario) -> u64 {
    let hosts = |provider: &usize| hosts_of(*provider, scenario.providers[*provider].servers);
    scenario.group.iter().map(hosts).sum()
}

/// The key of a provider that the DS names, and the one that signs data.
fn roles(scenario: &Scenario, provider: usize) -> (Keys, Keys) {
    if scenario.providers[provider].csk {
        (bit(csk(provider)), bit(csk(provider)))
    } else {
        (bit(ksk(provider)), bit(zsk(provider, 0)))
    }
}

fn registry(scenario: &Scenario) -> Zone {
    let points = scenario.group.iter().map(|member| roles(scenario, *member).0);
    Zone {
        hosts: group_hosts(scenario),
        ns_ttl: scenario.ns_ttl,
        ds: digests(scenario, points.sum()),
        key_ttl: scenario.ds_ttl,
        cdnskey: 0,
        own: 0,
        foreign: 0,
        key_signers: 0,
        data_signers: 0,
        data_ttl: 0,
        negative_ttl: 0,
        serving: true,
    }
}

/// A provider's copy at the beginning: a member of a group has what the group has in common, a newcomer only itself.
fn copy(scenario: &Scenario, provider: usize) -> Zone {
    let maker = &scenario.providers[provider];
    let (key_signers, data_signers) = roles(scenario, provider);
    let alone = [provider];
    let member = scenario.group.contains(&provider);
    let circle: &[usize] = if member { &scenario.group } else { &alone };
    let publishes = circle
        .iter()
        .any(|other| scenario.providers[*other].publishes_cds);
    let points: Keys = circle.iter().map(|other| roles(scenario, *other).0).sum();
    let foreign = circle
        .iter()
        .filter(|other| **other != provider)
        .map(|other| roles(scenario, *other).1)
        .sum();
    let announced = if publishes { points } else { 0 };
    let hosts = if member {
        group_hosts(scenario)
    } else {
        (0..maker.servers).map(|server| host(provider, server)).sum()
    };
    Zone {
        hosts,
        ns_ttl: maker.ns_ttl,
        ds: digests(scenario, announced),
        key_ttl: maker.key_ttl,
        cdnskey: announced,
        own: key_signers | data_signers,
        foreign,
        key_signers,
        data_signers,
        data_ttl: maker.data_ttl,
        negative_ttl: maker.negative_ttl,
        serving: true,
    }
}

/// The providers that an operator's zone names.
pub(crate) fn named(zone: &Zone) -> u64 {
    owners(zone.hosts).map(|provider| 1 << provider).sum()
}
