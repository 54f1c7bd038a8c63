//! A world, a runner that looks at it, and what preflight says.

use std::sync::Arc;
use std::time::Duration;

use unbroken::adapters::journal::MemoryJournal;
use unbroken::dns::Message;
use unbroken::dnssec::Anchors;
use unbroken::evidence::Proto;
use unbroken::lab::{self, Asked, Before, Habit, LabConfig, Ttls, VirtualClock, World, WorldTransport};
use unbroken::moment::Moment;
use unbroken::ports::{Clock, Transport};
use unbroken::runner::{Quiet, Reporter, Runner, Team};
use unbroken::workflow::{Finding, GateRules, Purpose, State, plan, preflight};

pub(crate) const START: i64 = 1_790_000_000;
pub(crate) const SOAK: u64 = 86_400;
pub(crate) const RULES: GateRules = GateRules {
    ttl_floor: 60,
    margin: 5,
    stale: 0,
    patience: 1_800,
};

pub(crate) struct Scene {
    pub(crate) world: Arc<World>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) team: Team,
    /// The largest TTL in the zone, as the settings would give it; 0: not given.
    pub(crate) max_ttl: u32,
}

impl Scene {
    pub(crate) fn new(change: impl FnOnce(&mut LabConfig)) -> Scene {
        let start = Moment::from_seconds(START);
        let mut config = LabConfig::built_in(start).unwrap();
        config.ttls = Ttls::real();
        change(&mut config);
        let world = Arc::new(World::new(&config).unwrap());
        let hands = Arc::new(VirtualClock::new(start));
        let transport: Arc<dyn Transport> = Arc::new(WorldTransport::new(world.clone(), hands.dial()));
        let clock: Arc<dyn Clock> = hands;
        let team = lab::team(&world, &transport, &clock, Duration::from_secs(600)).unwrap();
        Scene {
            world,
            clock,
            team,
            max_ttl: 0,
        }
    }

    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// A runner that has looked around once.
    pub(crate) async fn runner(&self, reporter: Box<dyn Reporter>) -> Runner {
        let anchors = Anchors::parse(&self.world.anchors()).unwrap();
        let journal = Box::new(MemoryJournal::default());
        let mut runner = Runner::open(self.team.clone(), State::new(anchors), journal, reporter).unwrap();
        runner.survey().await.unwrap();
        runner.sweep().await.unwrap();
        runner
    }

    pub(crate) async fn findings(&self) -> Vec<Finding> {
        self.findings_for("a", "b").await
    }

    pub(crate) async fn findings_for(&self, from: &str, to: &str) -> Vec<Finding> {
        let runner = self.runner(Box::new(Quiet)).await;
        let made = plan(&self.wish(from, to), &runner.state, self.now());
        preflight(&runner.state, &made)
    }

    pub(crate) fn wish(&self, from: &str, to: &str) -> unbroken::workflow::Wish {
        let purpose = Purpose::Migrate {
            from: from.to_owned(),
            to: to.to_owned(),
        };
        let mut wish = lab::wish(&self.world, purpose, &["a".to_owned()], RULES, SOAK);
        for signer in &mut wish.signers {
            signer.max_ttl = self.max_ttl;
        }
        wish
    }

    /// One server of `operator` gets this habit.
    pub(crate) fn spoil(&self, operator: &str, index: usize, habit: impl Habit + 'static) {
        let address = self.world.addresses(operator)[index];
        self.world.set_habit(address, Some(Arc::new(habit)));
    }
}

pub(crate) fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code.as_str()).collect()
}

pub(crate) fn has(findings: &[Finding], code: &str) -> bool {
    findings.iter().any(|finding| finding.code == code)
}

pub(crate) fn refused(findings: &[Finding]) -> bool {
    findings.iter().any(Finding::refuses)
}

/// Exactly this finding, refusing or not; gives its text.
pub(crate) fn only(findings: &[Finding], code: &str, refuses: bool) -> String {
    assert!(!findings.is_empty(), "no finding, expected {code}");
    for finding in findings {
        assert_eq!(
            (finding.code.as_str(), finding.refuses()),
            (code, refuses),
            "{findings:#?}"
        );
        assert!(!finding.remedy.is_empty());
    }
    findings[0].text.clone()
}

/// Says nothing over TCP.
pub(crate) struct UdpOnly;

impl Habit for UdpOnly {
    fn before(&self, asked: &Asked<'_>) -> Before {
        match asked.proto {
            Proto::Tcp => Before::Drop,
            Proto::Udp => Before::Answer,
        }
    }
}

/// Says one response code to every query.
pub(crate) struct Only(pub(crate) unbroken::dns::Rcode);

impl Habit for Only {
    fn before(&self, _: &Asked<'_>) -> Before {
        Before::Code(self.0)
    }
}

/// Changes octets on their way out.
pub(crate) struct Rewrites(pub(crate) fn(Vec<u8>) -> Vec<u8>);

impl Habit for Rewrites {
    fn after(&self, _: &Asked<'_>, answer: Vec<u8>) -> Option<Vec<u8>> {
        let changed = (self.0)(answer);
        assert!(Message::parse(&changed).is_ok());
        Some(changed)
    }
}
