//! A lab in virtual time with a crowd that asks all the while, and processes on it that can be killed and started again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
#![allow(dead_code, reason = "each test file uses a part")]

mod journal;
mod shown;

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use unbroken::dnssec::Anchors;
use unbroken::lab::{
    self, Crowd, CrowdConfig, LabConfig, Policy, Tally, Ttls, VirtualClock, World, WorldTransport,
};
use unbroken::moment::Moment;
use unbroken::ports::{Clock, Journal, Transport};
use unbroken::runner::{Ending, Quiet, Reporter, RunError, Runner, Team, Until};
use unbroken::workflow::{
    Approval, Event, Finding, GateRules, Intent, Plan, Purpose, Severity, State, Step, own_cds_waiver, plan,
    preflight,
};

pub(crate) use journal::{Fate, Kept, Killed, Mortal};

pub(crate) const START: i64 = 1_790_000_000;

/// What is played.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) config: LabConfig,
    pub(crate) purpose: Purpose,
    pub(crate) group: Vec<String>,
    pub(crate) rules: GateRules,
    pub(crate) soak: u64,
    /// Between two sweeps: long, for a wait ends early when its gate opens.
    pub(crate) interval: Duration,
    /// Between two questions of a resolver.
    pub(crate) pace: Duration,
    pub(crate) seed: u64,
    /// Providers whose own apex NS RRset nobody can edit.
    pub(crate) fixed: Vec<String>,
    /// Plan with `--sticky bounded`.
    pub(crate) sticky_bounded: bool,
    /// A person says yes to every step of the plan that asks for it.
    pub(crate) approves: bool,
    /// The crowd's policies; none: one of each kind.
    pub(crate) policies: Option<Vec<Policy>>,
}

impl Scene {
    /// A move from `a` to `b` with TTLs of minutes.
    pub(crate) fn migrate() -> Scene {
        let mut config = LabConfig::built_in(Moment::from_seconds(START)).unwrap();
        config.ttls = Ttls {
            data: Some(300),
            dnskey: 300,
            apex_ns: 600,
            parent_ns: 600,
            ds: 600,
            negative: 60,
            addresses: 600,
            above: 3_600,
        };
        Scene {
            config,
            purpose: Purpose::Migrate {
                from: "a".to_owned(),
                to: "b".to_owned(),
            },
            group: vec!["a".to_owned()],
            rules: GateRules {
                ttl_floor: 0,
                margin: 2,
                stale: 0,
                patience: 30,
            },
            soak: 120,
            interval: Duration::from_secs(3_600),
            pace: Duration::from_secs(60),
            seed: 1,
            fixed: Vec::new(),
            sticky_bounded: false,
            approves: false,
            policies: None,
        }
    }
}

/// A world under way, with what all processes on it share.
pub(crate) struct Stage {
    pub(crate) scene: Scene,
    pub(crate) world: Arc<World>,
    pub(crate) hands: Arc<VirtualClock>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) tally: Tally,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) enum Exit {
    /// It was killed.
    Killed,
    /// By itself.
    Ended(Ending),
    /// The plan was refused.
    Refused(Vec<Finding>),
}

impl Stage {
    pub(crate) async fn new(scene: Scene) -> Stage {
        let world = Arc::new(World::new(&scene.config).unwrap());
        let hands = Arc::new(VirtualClock::new(scene.config.now));
        let transport: Arc<dyn Transport> = Arc::new(WorldTransport::new(world.clone(), hands.dial()));
        let mut settings = CrowdConfig::for_world(&world, scene.config.now).unwrap();
        settings.interval = scene.pace;
        settings.seed = scene.seed;
        if let Some(policies) = &scene.policies {
            settings.policies.clone_from(policies);
        }
        let crowd = Crowd::new(transport.clone(), settings);
        let tally = crowd.tally();
        hands.attach(Box::new(crowd)).await;
        Stage {
            clock: hands.clone(),
            scene,
            world,
            hands,
            transport,
            tally,
        }
    }

    pub(crate) fn team(&self) -> Team {
        lab::team(&self.world, &self.transport, &self.clock, self.scene.interval).unwrap()
    }

    /// A new process with nothing but the journal.
    pub(crate) fn open(&self, journal: Box<dyn Journal>, reporter: Box<dyn Reporter>) -> Runner {
        let anchors = Anchors::parse(&self.world.anchors()).unwrap();
        Runner::open(self.team(), State::new(anchors), journal, reporter).unwrap()
    }

    pub(crate) fn plan(&self, runner: &Runner) -> (Plan, Vec<Finding>) {
        let scene = &self.scene;
        let mut wish = lab::wish(
            &self.world,
            scene.purpose.clone(),
            &scene.group,
            scene.rules,
            scene.soak,
        );
        wish.sticky_bounded = scene.sticky_bounded;
        for signer in &mut wish.signers {
            signer.apex_ns_fixed = scene.fixed.contains(&signer.name);
        }
        let made = plan(&wish, &runner.state, self.clock.now());
        let findings = preflight(&runner.state, &made);
        (made, findings)
    }

    /// Looks around and takes up the plan if there is none; it must not be refused.
    pub(crate) async fn prepare(&self, runner: &mut Runner) {
        assert!(self.begin(runner).await.unwrap().is_none());
    }

    /// Looks around, takes up the plan if there is none, and goes on to the end: what `unbroken run` does.
    pub(crate) async fn go(&self, runner: &mut Runner) -> Result<Exit, RunError> {
        if let Some(refused) = self.begin(runner).await? {
            return Ok(refused);
        }
        Ok(Exit::Ended(runner.run(Until::Complete).await?))
    }

    async fn begin(&self, runner: &mut Runner) -> Result<Option<Exit>, RunError> {
        runner.survey().await?;
        if runner.state.plan.is_none() {
            runner.sweep().await?;
            let (made, findings) = self.plan(runner);
            if findings
                .iter()
                .any(|finding| finding.severity == Severity::Refuse)
            {
                return Ok(Some(Exit::Refused(findings)));
            }
            runner.adopt(made)?;
        }
        let words = self.approvals(runner);
        runner.inbox = Box::new(move || words.clone());
        Ok(None)
    }

    fn approvals(&self, runner: &Runner) -> Vec<Approval> {
        let plan = runner.state.plan.iter().filter(|_| self.scene.approves);
        let asked = |step: &Step| match &step.intent {
            Intent::WithdrawCds { at } => Some(own_cds_waiver(at)),
            _ => step.approval.then(|| step.id.0.clone()),
        };
        plan.flat_map(|plan| plan.steps.iter().filter_map(asked))
            .map(|what| Approval {
                what,
                plan: runner.state.plan_hash.clone().unwrap(),
                by: "ann".to_owned(),
                note: "change 4711".to_owned(),
            })
            .collect()
    }

    /// One process from its start until it ends or is killed.
    pub(crate) async fn process(&self, kept: &Kept, fate: Fate) -> Exit {
        let journal = Box::new(Mortal::new(kept.clone(), fate));
        let life = async {
            let mut runner = self.open(journal, Box::new(Quiet));
            self.go(&mut runner).await
        };
        match AssertUnwindSafe(life).catch_unwind().await {
            Ok(exit) => exit.unwrap(),
            Err(cause) if cause.is::<Killed>() => Exit::Killed,
            Err(cause) => resume_unwind(cause),
        }
    }

    /// The world goes on, and the crowd with it.
    pub(crate) async fn pass(&self, seconds: u64) {
        let until = self.clock.now() + Duration::from_secs(seconds);
        self.clock.sleep_until(until).await;
    }

    /// No resolver failed, and none found a server that did not answer.
    pub(crate) fn assert_crowd_is_well(&self, what: &str) {
        let report = self.tally.report();
        assert!(report.validated() > 0, "{what}: the crowd asked nothing");
        let bad: Vec<_> = report
            .resolvers
            .iter()
            .filter(|one| one.failed + one.unreachable + one.insecure > 0)
            .map(|one| {
                (
                    &one.name,
                    one.failed,
                    one.unreachable,
                    one.insecure,
                    &one.failures,
                )
            })
            .collect();
        assert!(bad.is_empty(), "{what}: {bad:#?}");
    }

    /// Complete, whatever the verdict.
    pub(crate) fn assert_ended(exit: &Exit, what: &str) {
        assert!(
            matches!(exit, Exit::Ended(Ending::Complete(_))),
            "{what}: {exit:#?}"
        );
    }

    /// Complete and continuous.
    pub(crate) fn assert_complete(exit: &Exit, what: &str) {
        let Exit::Ended(Ending::Complete(ended)) = exit else {
            panic!("{what}: {exit:#?}");
        };
        assert!(ended.continuous, "{what}: {:#?}", ended.conflicts);
    }
}

/// The events of a journal.
pub(crate) fn events(kept: &Kept) -> Vec<Event> {
    use unbroken::ports::JournalView;
    kept.entries()
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            Event::read(&entry.kind, &entry.body).unwrap()
        })
        .collect()
}

/// Whole numbers that look like chance and are the same each time.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}
