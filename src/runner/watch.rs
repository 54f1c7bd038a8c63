//! Watching a zone that is not moving: the same looks as in a run, and alarms in place of decisions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;

use super::error::RunError;
use super::run::Runner;
use crate::dns::Name;
use crate::evidence::{BlindSpot, Place};
use crate::moment::Moment;
use crate::ports::{NameServer, Topology};
use crate::workflow::{
    Alarm, Decision, Event, Phase, Servers, WatchRules, accept, explained, fresh_delegation,
};

/// The servers are looked for again after so long, and whenever the delegation or a server is not as it was.
const SURVEY_EVERY: Duration = Duration::from_secs(3_600);
/// No more often where a server is silent: its address may be another now.
const SURVEY_SILENT: Duration = Duration::from_secs(600);
/// Where copies of the zone are read, they are compared so often.
const COMPARE_EVERY: Duration = Duration::from_secs(3_600);

/// What else goes on with the zone, as its own journal says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Works {
    /// Who drives a plan for it now, in words.
    pub busy: Option<String>,
    /// When a step of a plan was last seen to be done, and of which plan.
    pub moved: Option<(Moment, String)>,
    /// Whether that plan has taken the DS RRset away on purpose, and has not put the next one in its place.
    pub insecure: bool,
}

/// How a watch went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// The alarms that stand.
    pub standing: Vec<Alarm>,
    /// How many began.
    pub begun: u64,
    /// What is not as it should be and no alarm yet, or could not be seen: in words.
    pub pending: Vec<String>,
}

/// A watch as it is asked for.
pub struct WatchOrder {
    /// The rules, which the journal keeps.
    pub rules: WatchRules,
    /// Whether the copies of the zone are read and compared.
    pub contents: bool,
    /// One look, then stop.
    pub once: bool,
    /// Stop when an alarm stands.
    pub until_alarm: bool,
    /// Stop then.
    pub deadline: Option<Moment>,
    /// Asked before each sweep: what else goes on with the zone.
    pub works: Box<dyn FnMut() -> Works + Send>,
    /// Gives what persons accepted since it was last asked for: who, and why.
    pub accepted: Box<dyn FnMut() -> Vec<(String, String)> + Send>,
}

/// What a watch remembers from sweep to sweep and need not keep; whoever stops it in the middle has it still.
#[derive(Debug, Default)]
pub struct Memory {
    surveyed: Option<Moment>,
    compared: Option<Moment>,
    paused: bool,
    begun: u64,
    /// Whether a plan wants no DS now.
    insecure: bool,
    /// A person's word, or a plan's, that what is served is meant; kept until the servers agree.
    owed: Option<(String, Option<String>)>,
}

impl Runner {
    /// Watches. Everything that is seen, expected and told is in the journal.
    ///
    /// # Errors
    /// If the zone is not found at first, or the journal cannot be written.
    pub async fn watch(&mut self, order: &mut WatchOrder, memory: &mut Memory) -> Result<Watched, RunError> {
        self.mind_the_clock()?;
        self.record(&Event::Begin(self.team.begin.clone()))?;
        if self.state.watch.as_ref().map(|vigil| &vigil.rules) != Some(&order.rules) {
            self.record(&Event::Watch(order.rules.clone()))?;
        }
        self.find_servers(memory).await?;
        loop {
            self.absorb_notes()?;
            let works = (order.works)();
            if !self.pause(&works, memory)? {
                if order.contents {
                    self.compare_now_and_then(memory).await?;
                }
                self.look(memory).await?;
                self.take_words(order, works, memory);
                self.tell(memory)?;
                if let Some(watched) = self.finished(order, memory) {
                    return Ok(watched);
                }
            }
            if self.nap(order).await {
                return Ok(self.watched(memory));
            }
        }
    }

    /// Whether a run has the zone: what it does is meant, and its journal has its looks.
    fn pause(&mut self, works: &Works, memory: &mut Memory) -> Result<bool, RunError> {
        let Some(who) = &works.busy else {
            memory.paused = false;
            return Ok(false);
        };
        if !memory.paused {
            memory.paused = true;
            self.record(&Event::Note(json!({ "watch-paused": who })))?;
        }
        Ok(true)
    }

    async fn compare_now_and_then(&mut self, memory: &mut Memory) -> Result<(), RunError> {
        let now = self.team.clock.now();
        if memory.compared.is_some_and(|at| now.since(at) < COMPARE_EVERY) {
            return Ok(());
        }
        memory.compared = Some(now);
        let all: Vec<String> = self.team.providers.keys().cloned().collect();
        self.compare(&all).await
    }

    /// A sweep; and another where the servers are others than thought.
    async fn look(&mut self, memory: &mut Memory) -> Result<(), RunError> {
        let now = self.team.clock.now();
        if memory.surveyed.is_none_or(|at| now.since(at) >= SURVEY_EVERY) {
            self.find_servers_again(memory).await?;
        }
        self.sweep().await?;
        if self.is_astray(memory) && self.find_servers_again(memory).await? {
            self.sweep().await?;
        }
        Ok(())
    }

    /// Whether the delegation names others than those that are asked, or one of them gave no usable answer.
    fn is_astray(&self, memory: &Memory) -> bool {
        let (Some(servers), Some(sweep)) = (&self.state.servers, &self.state.last_sweep) else {
            return true;
        };
        let named = fresh_delegation(&self.state);
        let asked: BTreeSet<&Name> = servers
            .topology
            .delegated
            .iter()
            .map(|server| &server.name)
            .collect();
        let since = memory.surveyed.map(|at| sweep.ended.since(at));
        let again = since.is_none_or(|since| since >= SURVEY_SILENT);
        (!named.is_empty() && !named.iter().eq(asked)) || (again && !sweep.unclear.is_empty())
    }

    async fn find_servers_again(&mut self, memory: &mut Memory) -> Result<bool, RunError> {
        match self.find_servers(memory).await {
            Err(RunError::NotFound(why)) => {
                tracing::warn!("the servers could not be looked for again: {why}");
                Ok(false)
            }
            found => found,
        }
    }

    /// Finds the servers; says whether they are others than before.
    async fn find_servers(&mut self, memory: &mut Memory) -> Result<bool, RunError> {
        memory.surveyed = Some(self.team.clock.now());
        let zone = self.team.zone.clone();
        let mut topology = self.team.observer.find(&zone).await.map_err(RunError::NotFound)?;
        let mut providers = self.hosts_found(&mut topology).await;
        let claimed: BTreeSet<Name> = providers
            .values()
            .flatten()
            .map(|server| server.name.clone())
            .collect();
        // Whoever is in no settings stands for itself.
        for server in topology
            .delegated
            .iter()
            .filter(|server| !claimed.contains(&server.name))
        {
            providers.insert(server.name.to_string(), vec![server.clone()]);
        }
        let probes = self.team.probes.complete(&zone, None, None);
        let servers = Servers {
            topology,
            providers,
            probes,
        };
        let new = self.state.servers.as_deref() != Some(&servers);
        if new {
            self.record(&Event::Servers(Box::new(servers)))?;
        }
        Ok(new)
    }

    /// The servers of each provider of the settings, with their addresses. A host that is not found is a blind spot: the
    /// others are looked at all the same.
    async fn hosts_found(&self, topology: &mut Topology) -> BTreeMap<String, Vec<NameServer>> {
        let mut providers: BTreeMap<String, Vec<NameServer>> = BTreeMap::new();
        for (name, hosts) in &self.team.name_servers {
            for host in hosts {
                match self.host(topology, name, host).await {
                    Ok(server) => providers.entry(name.clone()).or_default().push(server),
                    Err(error) => topology.blind.push(BlindSpot {
                        place: Place::Provider(name.clone()),
                        server: host.clone(),
                        address: None,
                        why: error.to_string(),
                    }),
                }
            }
        }
        providers
    }

    fn take_words(&mut self, order: &mut WatchOrder, works: Works, memory: &mut Memory) {
        memory.insecure = works.insecure;
        let accepted = self.state.watch.as_ref().and_then(|vigil| vigil.accepted);
        if let (Some((at, plan)), Some(accepted)) = (works.moved, accepted)
            && at > accepted
        {
            let short = plan.get(..12).unwrap_or(&plan).to_owned();
            memory.owed = Some((format!("plan {short} was carried out up to {at}"), None));
        }
        if let Some((by, why)) = (order.accepted)().pop() {
            memory.owed = Some((why, Some(by)));
        }
    }

    /// Records what is expected from here on, the alarms that begin, and those that are over.
    fn tell(&mut self, memory: &mut Memory) -> Result<(), RunError> {
        if let Some((why, by)) = memory.owed.take() {
            match accept(&self.state, &why, by.clone()) {
                Some(mut baseline) => {
                    // That a plan was carried out explains no absence of DS which it did not want.
                    if baseline.by.is_none() && !memory.insecure {
                        let former = self
                            .state
                            .watch
                            .as_ref()
                            .and_then(|vigil| vigil.baseline.as_ref());
                        baseline.keep_ds_of(former);
                    }
                    self.record(&Event::Accepted(baseline))?;
                }
                None => memory.owed = Some((why, by)),
            }
        }
        if let Some(baseline) = explained(&self.state) {
            self.record(&Event::Accepted(baseline))?;
        }
        let now = self.state.last_sweep.as_ref().map(|sweep| sweep.started);
        let owed = match (&self.state.watch, now) {
            (Some(vigil), Some(now)) => vigil.owed(now),
            _ => Vec::new(),
        };
        for alarm in owed {
            memory.begun += u64::from(alarm.phase == Phase::Begin);
            self.record(&Event::Alarm(Box::new(alarm)))?;
        }
        let look = Decision::Look { why: String::new() };
        self.reporter.decided(self.team.clock.now(), &look, &self.state);
        Ok(())
    }

    fn finished(&self, order: &WatchOrder, memory: &Memory) -> Option<Watched> {
        let watched = self.watched(memory);
        let late = order.deadline.is_some_and(|end| self.team.clock.now() >= end);
        let alarmed = order.until_alarm && !watched.standing.is_empty();
        (order.once || late || alarmed).then_some(watched)
    }

    /// How it stands, and what has begun since `memory` was new.
    pub fn watched(&self, memory: &Memory) -> Watched {
        let Some(vigil) = &self.state.watch else {
            return Watched::default();
        };
        let mut pending: Vec<String> = vigil
            .pending()
            .map(|held| format!("{}: {}", held.condition.code, held.condition.text))
            .collect();
        if let Some((why, _)) = &memory.owed {
            pending.push(format!(
                "not accepted yet ({why}): the servers do not agree, or some are silent"
            ));
        }
        if memory.paused {
            pending.push("a run has the zone: it was not looked at since".to_owned());
        } else if fresh_delegation(&self.state).is_empty() {
            pending.push("the delegation was not seen at the last look".to_owned());
        }
        Watched {
            standing: vigil.told.values().cloned().collect(),
            begun: memory.begun,
            pending,
        }
    }

    /// Sleeps until the next look; whether the time of the watch is over instead.
    async fn nap(&mut self, order: &WatchOrder) -> bool {
        let now = self.team.clock.now();
        if order.once || order.deadline.is_some_and(|end| now >= end) {
            return true;
        }
        let next = now + self.team.interval;
        let until = order.deadline.map_or(next, |end| next.min(end));
        let look = Decision::Look {
            why: "watching".to_owned(),
        };
        self.reporter.sleeping(now, until, &look);
        self.team.clock.sleep_until(until).await;
        false
    }
}
