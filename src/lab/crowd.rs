//! Model resolvers side by side: stepped by a virtual clock, or driven on their own tasks.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::dice::Dice;
use super::questions::Questions;
use super::readings::Readings;
use super::resolver::{Policy, Resolver, ResolverReport, Start};
use super::verdicts::Verdicts;
use super::virtual_time::Steps;
use super::{LabError, World};
use crate::dnssec::Anchors;
use crate::moment::Moment;
use crate::ports::{Clock, Transport};

/// What a crowd is made of.
#[derive(Clone)]
pub struct CrowdConfig {
    /// One resolver for each.
    pub policies: Vec<Policy>,
    /// All that a resolver knows of the DNS.
    pub roots: Vec<SocketAddr>,
    /// All that it trusts.
    pub anchors: Anchors,
    /// What its users ask.
    pub questions: Questions,
    /// Between two questions of a resolver, on average; the true time is drawn between half and one and a half of it.
    pub interval: Duration,
    /// How long a server may take to answer.
    pub timeout: Duration,
    /// The dice's.
    pub seed: u64,
    /// When the first question may be asked.
    pub start: Moment,
}

impl CrowdConfig {
    /// One resolver of each kind for a world: five minutes between questions, as suits days of virtual time.
    ///
    /// # Errors
    /// If the world's anchors do not parse, which they do.
    pub fn for_world(world: &World, start: Moment) -> Result<CrowdConfig, LabError> {
        Ok(CrowdConfig {
            policies: Policy::all(),
            roots: world.roots().to_vec(),
            anchors: Anchors::parse(&world.anchors())?,
            questions: world.questions(),
            interval: Duration::from_secs(300),
            timeout: Duration::from_secs(1),
            seed: 1,
            start,
        })
    }
}

/// What a crowd has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CrowdReport {
    /// One for each resolver.
    pub resolvers: Vec<ResolverReport>,
}

impl CrowdReport {
    fn sum(&self, of: impl Fn(&ResolverReport) -> u64) -> u64 {
        self.resolvers.iter().map(of).sum()
    }

    /// Questions of all.
    pub fn asked(&self) -> u64 {
        self.sum(|resolver| resolver.asked)
    }

    /// Answers that validated.
    pub fn validated(&self) -> u64 {
        self.sum(|resolver| resolver.validated)
    }

    /// Answers that did not validate.
    pub fn failed(&self) -> u64 {
        self.sum(|resolver| resolver.failed)
    }

    /// Questions without an answer.
    pub fn unreachable(&self) -> u64 {
        self.sum(|resolver| resolver.unreachable)
    }

    /// Answers that were proven to need no validation.
    pub fn insecure(&self) -> u64 {
        self.sum(|resolver| resolver.insecure)
    }
}

/// Reads what a crowd has counted so far, while it goes on.
#[derive(Clone, Debug)]
pub struct Tally(Arc<Vec<Mutex<ResolverReport>>>);

impl Tally {
    /// What was counted so far.
    pub fn report(&self) -> CrowdReport {
        CrowdReport {
            resolvers: (0..self.0.len())
                .filter_map(|index| self.slot(index))
                .map(|slot| slot.clone())
                .collect(),
        }
    }

    fn slot(&self, index: usize) -> Option<MutexGuard<'_, ResolverReport>> {
        self.0
            .get(index)
            .map(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Member {
    index: usize,
    resolver: Resolver,
    next: Moment,
    interval: Duration,
    dice: Dice,
    tally: Tally,
}

impl Member {
    async fn ask(&mut self, now: Moment) {
        self.resolver.ask_one(now).await;
        if let Some(mut slot) = self.tally.slot(self.index) {
            self.resolver.report_into(&mut slot);
        }
    }

    /// Between half and one and a half of the interval, in whole milliseconds, one at least.
    fn pause(&mut self) -> Duration {
        let millis = usize::try_from(self.interval.as_millis()).unwrap_or(usize::MAX / 2);
        let drawn = millis / 2 + self.dice.below(millis + 1);
        Duration::from_millis(u64::try_from(drawn.max(1)).unwrap_or(1))
    }
}

/// Several resolvers.
pub struct Crowd {
    members: Vec<Member>,
    tally: Tally,
}

impl Crowd {
    /// A crowd that asks over `transport`.
    pub fn new(transport: Arc<dyn Transport>, config: CrowdConfig) -> Crowd {
        let verdicts = Verdicts::default();
        let readings = Readings::default();
        let anchors = Arc::new(config.anchors);
        let questions = Arc::new(config.questions);
        let mut dice = Dice::new(config.seed);
        let mut resolvers = Vec::new();
        for policy in &config.policies {
            let start = Start {
                roots: config.roots.clone(),
                timeout: config.timeout,
                verdicts: verdicts.clone(),
                readings: readings.clone(),
                dice: dice.fork(),
            };
            let resolver = Resolver::new(
                *policy,
                transport.clone(),
                anchors.clone(),
                questions.clone(),
                start,
            );
            resolvers.push(resolver);
        }
        let slots = resolvers.iter().map(|resolver| Mutex::new(resolver.report()));
        let tally = Tally(Arc::new(slots.collect()));
        let members = resolvers
            .into_iter()
            .enumerate()
            .map(|(index, resolver)| {
                let mut member = Member {
                    index,
                    resolver,
                    next: config.start,
                    interval: config.interval,
                    dice: dice.fork(),
                    tally: tally.clone(),
                };
                member.next = config.start + member.pause();
                member
            })
            .collect();
        Crowd { members, tally }
    }

    /// Reads the counts while the crowd goes on.
    pub fn tally(&self) -> Tally {
        self.tally.clone()
    }

    /// What was counted so far.
    pub fn report(&self) -> CrowdReport {
        self.tally.report()
    }

    /// Sets the crowd going on tasks of its own, each resolver with its own pauses, until told to stop or dropped.
    pub fn drive(self, clock: Arc<dyn Clock>) -> Driven {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for member in self.members {
            tasks.spawn(drive(member, clock.clone(), stopped.clone()));
        }
        Driven {
            tally: self.tally,
            stop,
            tasks,
        }
    }
}

#[async_trait]
impl Steps for Crowd {
    fn next_due(&self) -> Option<Moment> {
        self.members.iter().map(|member| member.next).min()
    }

    async fn step(&mut self, now: Moment) {
        for member in &mut self.members {
            if member.next <= now {
                member.ask(now).await;
                member.next = now + member.pause();
            }
        }
    }
}

async fn drive(mut member: Member, clock: Arc<dyn Clock>, mut stopped: watch::Receiver<bool>) {
    loop {
        let pause = member.pause();
        tokio::select! {
            _ = stopped.changed() => return,
            () = tokio::time::sleep(pause) => {}
        }
        member.ask(clock.now()).await;
    }
}

/// A crowd that goes on by itself. It stops when this is dropped.
pub struct Driven {
    tally: Tally,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Driven {
    /// What was counted so far.
    pub fn report(&self) -> CrowdReport {
        self.tally.report()
    }

    /// Lets the questions under way end, stops, and tells what was counted.
    pub async fn stop(mut self) -> CrowdReport {
        let _ = self.stop.send(true);
        while self.tasks.join_next().await.is_some() {}
        self.tally.report()
    }
}
