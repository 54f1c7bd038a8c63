//! The state of a zone's work: the fold of its journal, and nothing else.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::alarm::Vigil;
use super::channel::ChannelRead;
use super::copies::Copies;
use super::decision::Decision;
use super::event::{Approval, Done, Event, Intended, Servers};
use super::facts::{Context, MOST_KEYS, Reading, SignerId, Unclear, no_message, read};
use super::insecure::PlannedInsecure;
use super::ledger::Ledger;
use super::plan::{Intent, Plan, StepId};
use super::snapshot::Snapshot;
use super::upset::{Changed, Failing};
use super::upstream::{Taken, Upstream};
use crate::dns::{Message, Name, Rtype};
use crate::dnssec::{Anchors, Dnskey, KeyId, Memo};
use crate::evidence::{BlindSpot, BlobId, Observation, Outcome, Place, Proto, Sweep};
use crate::moment::Moment;
use crate::ports::{Applied, FailureClass, RrsetChange, inner_hosts};

/// How far a step is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing was done.
    Pending,
    /// It was tried; only an observation can tell what came of it.
    Tried(Try),
    /// It was seen to be done by the sweep that began then.
    Proven(Moment),
}

/// The last attempt at a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// When it was intended.
    pub at: Moment,
    /// How many times, this one included.
    pub tries: u32,
    /// What the driver said; none: the program ended in between, so nobody knows.
    pub said: Option<Said>,
    /// What was to be changed.
    pub changes: Vec<RrsetChange>,
}

/// A driver's words, boiled down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Accepted.
    Accepted,
    /// A person has to do it.
    Manual(Vec<String>),
    /// It failed.
    Failed(FailureClass, String),
}

/// The latest sweep, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastSweep {
    /// When its first question left.
    pub started: Moment,
    /// When its last answer was there.
    pub ended: Moment,
    /// How many questions.
    pub asked: usize,
    /// What was no answer: server and why.
    pub unclear: Vec<(Place, Name, Rtype, Unclear)>,
    /// What cannot be seen from here.
    pub blind: Vec<BlindSpot>,
    /// Sweeps so far.
    pub count: u64,
    /// Whether everything was asked over TCP by itself too.
    pub tcp: bool,
}

/// So many keys are remembered in all; a zone that rolls weekly for years has fewer.
const MOST_POOLED: usize = 1_024;

/// Gives the octets of a blob.
pub type Octets<'a> = &'a dyn Fn(&BlobId) -> Option<Arc<[u8]>>;

/// Everything known.
#[derive(Clone, Debug)]
pub struct State {
    /// The plan under way.
    pub plan: Option<Arc<Plan>>,
    /// Its hash.
    pub plan_hash: Option<String>,
    /// Where to look.
    pub servers: Option<Arc<Servers>>,
    /// What was seen.
    pub ledger: Ledger,
    /// Every key seen at a provider.
    pub pool: BTreeMap<KeyId, Dnskey>,
    /// Whose key each is.
    pub owners: BTreeMap<KeyId, String>,
    /// The keys that were authenticated, and how.
    pub authentic: BTreeMap<KeyId, String>,
    /// What a provider's channel said since the last decision to authenticate keys.
    pub channel: Option<ChannelRead>,
    /// The chain above the zone.
    pub upstream: Upstream,
    /// How far each step is.
    pub steps: BTreeMap<StepId, Progress>,
    /// What persons approved.
    pub approvals: BTreeMap<String, Approval>,
    /// The largest TTL that an inventory found at each provider, seconds.
    pub max_ttl: BTreeMap<String, u32>,
    /// What was read of the copies of the zone.
    pub copies: Option<Copies>,
    /// The latest sweep.
    pub last_sweep: Option<LastSweep>,
    /// The plan was carried out.
    pub ended: bool,
    /// The last decision in the journal, to write only changes.
    pub last_decision: Option<Decision>,
    /// Since when the plan is where no waiting helps.
    pub dead_end: Option<Moment>,
    /// The own keys of each provider of the plan, as last recorded.
    pub group_keys: BTreeMap<String, BTreeSet<KeyId>>,
    /// How often each step was undone after it was proven and taken again, since keys last changed.
    pub undone: BTreeMap<StepId, u32>,
    /// Time without DS that plans wanted and persons approved, in order.
    pub insecure: Vec<PlannedInsecure>,
    /// The mixtures that failed, as last recorded.
    pub failing: Option<Failing>,
    /// The watch over a zone that is not moving, in a journal that keeps one.
    pub watch: Option<Vigil>,
    /// When the latest entry was written.
    pub latest: Option<Moment>,
    /// Counts up with whatever is seen anew: what is computed from it alone need not be computed again.
    pub news: u64,
    /// When each approval was recorded.
    approved: BTreeMap<String, Moment>,
    stirs: u64,
    renewals: u64,
    readings: HashMap<(BlobId, Place, Name, Rtype), Arc<Reading>>,
    /// Counts up when readings are forgotten.
    basis: u64,
    pool_list: Vec<Dnskey>,
    keyed: HashSet<BlobId>,
    address_ttls: BTreeMap<Name, u32>,
    inner_hosts: BTreeSet<Name>,
    snapshot: Arc<Snapshot>,
    sweeps: u64,
    memo: Memo,
}

impl State {
    /// Nothing known but the anchors.
    pub fn new(anchors: Anchors) -> State {
        State {
            plan: None,
            plan_hash: None,
            servers: None,
            ledger: Ledger::default(),
            pool: BTreeMap::new(),
            owners: BTreeMap::new(),
            authentic: BTreeMap::new(),
            channel: None,
            upstream: Upstream::new(anchors),
            steps: BTreeMap::new(),
            approvals: BTreeMap::new(),
            max_ttl: BTreeMap::new(),
            copies: None,
            last_sweep: None,
            ended: false,
            last_decision: None,
            dead_end: None,
            group_keys: BTreeMap::new(),
            undone: BTreeMap::new(),
            insecure: Vec::new(),
            failing: None,
            watch: None,
            latest: None,
            news: 0,
            approved: BTreeMap::new(),
            stirs: 0,
            renewals: 0,
            readings: HashMap::new(),
            basis: 0,
            pool_list: Vec::new(),
            keyed: HashSet::new(),
            address_ttls: BTreeMap::new(),
            inner_hosts: BTreeSet::new(),
            snapshot: Arc::default(),
            sweeps: 0,
            memo: Memo::default(),
        }
    }

    /// The same, with a memory of verifications that others share: for whoever folds many journals of the same few zones.
    pub fn with_memo(self, memo: Memo) -> State {
        State { memo, ..self }
    }

    /// Takes in one entry that was written at `at`.
    pub fn apply(&mut self, at: Moment, event: &Event, octets: Octets<'_>) {
        self.latest = Some(at);
        self.stirs += u64::from(self.is_stirred_by(event));
        match event {
            Event::Begin(begin) => {
                if let Ok(anchors) = Anchors::parse(&begin.anchors) {
                    self.upstream.set_anchors(anchors);
                }
                if matches!(self.last_decision, Some(Decision::Halt { .. })) {
                    self.take_heart();
                    self.undone.clear();
                }
            }
            Event::Plan(plan) => self.take_plan(plan, at),
            Event::Servers(servers) => self.take_servers(servers),
            Event::Sweep(sweep) => {
                self.channel = None;
                self.take_sweep(sweep, octets);
                self.consider();
            }
            Event::Channel(read) => self.channel = Some(read.clone()),
            Event::Keys(keys) => {
                for key in &keys.keys {
                    self.authentic.insert(key.clone(), keys.channel.clone());
                }
            }
            Event::Inventory(found) => {
                let held = self.max_ttl.entry(found.provider.clone()).or_insert(0);
                *held = (*held).max(found.inventory.max_ttl);
            }
            Event::Contents(compared) => {
                self.copies = Some(Copies::after(self.copies.as_ref(), compared, at, self.sweeps));
            }
            Event::Decision(decision) => {
                self.dead_end = decision.dead_end(self.dead_end, at);
                if matches!(**decision, Decision::Authenticate { .. }) {
                    self.channel = None;
                }
                self.last_decision = Some((**decision).clone());
            }
            Event::Intent(intended) => {
                self.note_insecure(intended, at);
                let tries = match self.steps.get(&intended.step) {
                    Some(Progress::Tried(last)) => last.tries + 1,
                    Some(Progress::Proven(_)) => {
                        *self.undone.entry(intended.step.clone()).or_insert(0) += 1;
                        1
                    }
                    _ => 1,
                };
                self.steps.insert(
                    intended.step.clone(),
                    Progress::Tried(Try {
                        at,
                        tries,
                        said: None,
                        changes: intended.changes.clone(),
                    }),
                );
            }
            Event::Outcome(done) => self.take_outcome(done),
            Event::Proven(proven) => {
                self.steps
                    .insert(proven.step.clone(), Progress::Proven(proven.as_of));
            }
            Event::Approval(approval) => {
                if self.plan_hash.as_ref() == Some(&approval.plan) {
                    self.approvals.insert(approval.what.clone(), approval.clone());
                    self.approved.insert(approval.what.clone(), at);
                }
            }
            Event::Changed(changed) => self.take_changed(changed),
            Event::Clock(jump) => self.shift(jump.millis()),
            Event::Failing(failing) => self.failing = Some(failing.clone()),
            Event::Watch(rules) => match &mut self.watch {
                Some(vigil) => vigil.rules = rules.clone(),
                None => self.watch = Some(Vigil::new(rules.clone())),
            },
            Event::Accepted(baseline) => {
                if let Some(vigil) = &mut self.watch {
                    vigil.baseline = Some(baseline.clone());
                    vigil.accepted = Some(at);
                }
                self.consider();
            }
            Event::Alarm(alarm) => {
                if let Some(vigil) = &mut self.watch {
                    vigil.tell(alarm);
                }
            }
            Event::End(_) => self.ended = true,
            Event::Note(_) => {}
        }
    }

    /// Whether anything but moments is another by it. What a sweep stirs is seen when it is taken in.
    fn is_stirred_by(&self, event: &Event) -> bool {
        match event {
            // A decision rests on those before it only where no waiting helps, and there none stands.
            Event::Sweep(_) | Event::Decision(_) => false,
            Event::Contents(compared) => self
                .copies
                .as_ref()
                .is_none_or(|former| !former.is_confirmed_by(compared)),
            _ => true,
        }
    }

    fn consider(&mut self) {
        if let Some(mut vigil) = self.watch.take() {
            vigil.consider(self);
            self.watch = Some(vigil);
        }
    }

    /// A person looked at a halt and started the program again: what had failed is tried anew.
    fn take_heart(&mut self) {
        for progress in self.steps.values_mut() {
            if let Progress::Tried(last) = progress {
                last.tries = 0;
                last.said = None;
            }
        }
    }

    /// Whether a step begins or ends time without DS that somebody approved.
    fn note_insecure(&mut self, intended: &Intended, at: Moment) {
        let Some(plan) = self.plan.clone() else { return };
        let hash = self.plan_hash.clone().unwrap_or_default();
        let lasts = self.insecure.last_mut().filter(|planned| planned.until.is_none());
        if let Some(planned) = lasts {
            if matches!(
                plan.step(&intended.step).map(|step| &step.intent),
                Some(Intent::SetDs { .. })
            ) {
                planned.until = Some(at);
            }
            return;
        }
        let word = &intended.step.0;
        let approval = self.approvals.get(word).zip(self.approved.get(word).copied());
        let begun = PlannedInsecure::begun(&plan, &hash, intended, approval, at);
        self.insecure.extend(begun);
    }

    fn take_plan(&mut self, plan: &Plan, at: Moment) {
        for planned in self.insecure.iter_mut().filter(|planned| planned.until.is_none()) {
            planned.until = Some(at);
        }
        self.approved.clear();
        self.plan_hash = Some(plan.hash());
        self.steps = plan
            .steps
            .iter()
            .map(|step| (step.id.clone(), Progress::Pending))
            .collect();
        self.plan = Some(Arc::new(plan.clone()));
        self.group_keys = plan
            .signers
            .iter()
            .map(|signer| (signer.name.clone(), self.snapshot.own_keys(&signer.name)))
            .collect();
        self.undone.clear();
        self.failing = None;
        self.approvals.clear();
        self.ended = false;
        self.last_decision = None;
        self.dead_end = None;
    }

    fn take_changed(&mut self, changed: &Changed) {
        let keys = self.group_keys.entry(changed.provider.clone()).or_default();
        keys.retain(|key| !changed.gone.contains(key));
        keys.extend(changed.appeared.iter().cloned());
        self.undone.clear();
    }

    /// The clock was set: how long ago everything was stays as it is. Only a signature's window is not moved.
    fn shift(&mut self, millis: i64) {
        let moved = |moment: &mut Moment| *moment = moment.moved(millis);
        self.ledger.shift(millis);
        self.upstream.shift(millis);
        for progress in self.steps.values_mut() {
            match progress {
                Progress::Tried(last) => moved(&mut last.at),
                Progress::Proven(at) => moved(at),
                Progress::Pending => {}
            }
        }
        for planned in &mut self.insecure {
            planned.shift(millis);
        }
        self.approved.values_mut().for_each(moved);
        if let Some(since) = &mut self.dead_end {
            moved(since);
        }
        if let Some(copies) = &mut self.copies {
            copies.shift(millis);
        }
        if let Some(vigil) = &mut self.watch {
            vigil.shift(millis);
        }
        if let Some(sweep) = &mut self.last_sweep {
            moved(&mut sweep.started);
            moved(&mut sweep.ended);
        }
        self.forget_readings();
    }

    fn take_servers(&mut self, servers: &Servers) {
        self.address_ttls.clear();
        let all = servers
            .providers
            .values()
            .flatten()
            .chain(&servers.topology.delegated);
        for server in all {
            let held = self.address_ttls.entry(server.name.clone()).or_insert(0);
            *held = (*held).max(server.address_ttl);
        }
        self.inner_hosts = inner_hosts(&servers.topology.zone, &servers.providers);
        self.servers = Some(Arc::new(servers.clone()));
        self.news += 1;
        self.forget_readings();
    }

    fn take_outcome(&mut self, done: &Done) {
        let Some(Progress::Tried(last)) = self.steps.get_mut(&done.step) else {
            return;
        };
        let failed = done.results.iter().find_map(|result| result.as_ref().err());
        let manual: Vec<String> = done
            .results
            .iter()
            .filter_map(|result| match result {
                Ok(Applied::Manual { instructions }) => Some(instructions.clone()),
                _ => None,
            })
            .collect();
        last.said = Some(match failed {
            Some(error) => Said::Failed(error.class, error.to_string()),
            None if manual.is_empty() => Said::Accepted,
            None => Said::Manual(manual),
        });
    }

    fn take_sweep(&mut self, sweep: &Sweep, octets: Octets<'_>) {
        let Some(servers) = self.servers.clone() else {
            return;
        };
        let get = |observation: &Observation| match &observation.outcome {
            Outcome::Answer { blob, .. } => octets(blob),
            _ => None,
        };
        let at = sweep.ended.floor_seconds();
        let mut stirred = self.collect_keys(sweep, &servers.topology.zone, &get);
        let taken = self.upstream.take(sweep, &servers.topology, at, &get);
        if taken == Taken::OtherKeys {
            self.forget_readings();
        }
        stirred |= taken != Taken::Same;
        let mut unclear = Vec::new();
        let mut changed = self.sweeps == 0;
        let mut renewed = false;
        let mut former = None;
        for observation in &sweep.observations {
            if matches!(observation.place, Place::Ancestor(_)) {
                continue;
            }
            let spot = self.ledger.find(former, observation);
            if let Some(spot) = spot {
                former = Some(spot);
                if self.ledger.repeat(spot, observation, self.basis) {
                    continue;
                }
            }
            let reading = self.reading(observation, &servers, get(observation));
            let (spot, differs) = self.ledger.record(observation, &reading, sweep.started);
            former = Some(spot);
            changed |= differs;
            stirred |= differs;
            if let Reading::Unknown(why) = &*reading {
                let server = observation.server.clone();
                unclear.push((observation.place.clone(), server, observation.rtype, why.clone()));
            } else {
                self.ledger.may_repeat(spot, observation, self.basis);
                renewed = true;
            }
        }
        let former = self.last_sweep.as_ref();
        stirred |= former.is_none_or(|former| former.unclear != unclear || former.blind != sweep.blind);
        self.stirs += u64::from(stirred || changed);
        self.renewals += u64::from(renewed);
        self.sweeps += 1;
        self.last_sweep = Some(LastSweep {
            started: sweep.started,
            ended: sweep.ended,
            asked: sweep.observations.len(),
            unclear,
            blind: sweep.blind.clone(),
            count: self.sweeps,
            tcp: sweep
                .observations
                .iter()
                .any(|observation| observation.proto == Proto::Tcp),
        });
        if changed {
            self.news += 1;
            let zone = &servers.topology.zone;
            self.find_owners(zone);
            self.snapshot = Arc::new(Snapshot::of(&self.ledger, zone, &self.owners));
        }
    }

    fn forget_readings(&mut self) {
        self.readings.clear();
        self.basis += 1;
    }

    /// Every usable key in a DNSKEY answer of a provider enters the pool that signatures are tried with. Says whether one did.
    fn collect_keys(
        &mut self,
        sweep: &Sweep,
        zone: &Name,
        get: &dyn Fn(&Observation) -> Option<Arc<[u8]>>,
    ) -> bool {
        let before = self.pool.len();
        for observation in &sweep.observations {
            let is_keys = observation.rtype == Rtype::DNSKEY
                && observation.name == *zone
                && matches!(observation.place, Place::Provider(_));
            let Outcome::Answer { blob, .. } = &observation.outcome else {
                continue;
            };
            if !is_keys || self.keyed.contains(blob) {
                continue;
            }
            self.keyed.insert(blob.clone());
            let Some(message) = get(observation).and_then(|octets| Message::parse(&octets).ok()) else {
                continue;
            };
            let records: Vec<_> = message
                .answer
                .iter()
                .filter(|r| r.rtype == Rtype::DNSKEY && r.name == *zone)
                .collect();
            // An enemy's flood of keys would only cost work: such an answer is not read as an answer either.
            if records.len() > MOST_KEYS || self.pool.len() > MOST_POOLED {
                continue;
            }
            for record in records {
                if let Some(key) = Dnskey::from_rdata(&record.rdata).filter(Dnskey::is_usable) {
                    self.pool.entry(key.id()).or_insert(key);
                }
            }
        }
        let more = self.pool.len() != before;
        if more {
            self.pool_list = self.pool.values().cloned().collect();
            self.forget_readings();
        }
        more
    }

    fn reading(
        &mut self,
        observation: &Observation,
        servers: &Servers,
        octets: Option<Arc<[u8]>>,
    ) -> Arc<Reading> {
        if let Some(why) = no_message(&observation.outcome) {
            return Arc::new(Reading::Unknown(why));
        }
        let (Outcome::Answer { blob, .. }, Some(octets)) = (&observation.outcome, octets) else {
            let why = Unclear::Undecodable("the octets are missing".to_owned());
            return Arc::new(Reading::Unknown(why));
        };
        let place = observation.place.clone();
        let key = (blob.clone(), place, observation.name.clone(), observation.rtype);
        if let Some(reading) = self.readings.get(&key) {
            return reading.clone();
        }
        let ttls = &self.address_ttls;
        let address_ttl = |name: &Name| ttls.get(name).copied().unwrap_or(0);
        let context = Context {
            zone: &servers.topology.zone,
            parent: &servers.topology.parent,
            parent_keys: self.upstream.parent_keys(),
            pool: &self.pool_list,
            inner_hosts: &self.inner_hosts,
            address_ttl: &address_ttl,
            memo: &self.memo,
        };
        let at = observation.done.floor_seconds();
        let (name, rtype) = (&observation.name, observation.rtype);
        let reading = Arc::new(read(&observation.place, name, rtype, &octets, at, context));
        // What does not verify now may do so later: the parent's keys, or the time, were wrong.
        if !matches!(&*reading, Reading::Unknown(Unclear::Unverified(_))) {
            self.readings.insert(key, reading.clone());
        }
        reading
    }

    /// A key belongs to the provider at which it signs; one that signs nothing, to the only provider that shows it.
    fn find_owners(&mut self, zone: &Name) {
        let snapshot = Snapshot::of(&self.ledger, zone, &self.owners);
        let mut shown_by: BTreeMap<&KeyId, BTreeSet<&str>> = BTreeMap::new();
        let mut found: BTreeMap<KeyId, String> = BTreeMap::new();
        for (name, at) in &snapshot.providers {
            for set in at.dnskey.values.keys() {
                for key in &set.keys {
                    shown_by.entry(key).or_default().insert(name);
                }
                found.extend(set.signed_by.iter().map(|key| (key.clone(), name.clone())));
            }
            for signer in at.data.values.keys().flatten() {
                if let SignerId::Key(key) = signer {
                    found.insert(key.clone(), name.clone());
                }
            }
        }
        for (key, places) in shown_by {
            if let (Some(place), 1, false) = (places.first(), places.len(), self.owners.contains_key(key)) {
                found.entry(key.clone()).or_insert_with(|| (*place).to_owned());
            }
        }
        found.retain(|key, _| self.pool.contains_key(key));
        self.owners.extend(found);
    }

    /// Counts up with whatever is different from before, moments and decisions aside: not with a sweep that saw what the one
    /// before it saw, or the same in other octets, nor where copies that were equal are found to be the same.
    pub fn stirs(&self) -> u64 {
        self.stirs
    }

    /// Counts up where other octets say what was said: signatures made anew, another serial number.
    pub fn renewals(&self) -> u64 {
        self.renewals
    }

    /// What is served now.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The plan with the largest TTLs that inventories found.
    pub fn plan_in_force(&self) -> Option<Plan> {
        let mut plan = (**self.plan.as_ref()?).clone();
        for signer in &mut plan.signers {
            let found = self.max_ttl.get(&signer.name).copied().unwrap_or(0);
            signer.max_ttl = signer.max_ttl.max(found);
        }
        Some(plan)
    }

    /// How far a step is.
    pub fn progress(&self, step: &StepId) -> &Progress {
        self.steps.get(step).unwrap_or(&Progress::Pending)
    }

    /// Whether a step was tried and is not proven yet.
    pub fn trying(&self) -> bool {
        self.steps
            .values()
            .any(|progress| matches!(progress, Progress::Tried(_)))
    }

    /// Whether a step was proven.
    pub fn is_proven(&self, step: &StepId) -> bool {
        matches!(self.progress(step), Progress::Proven(_))
    }
}
