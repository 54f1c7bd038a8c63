//! An address that cannot be reached from here: stated, waived once for a plan, and then no obstacle.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use unbroken::adapters::journal::MemoryJournal;
use unbroken::dnssec::Anchors;
use unbroken::evidence::Proto;
use unbroken::lab::{self, LabConfig, VirtualClock, World, WorldTransport};
use unbroken::moment::Moment;
use unbroken::ports::{Clock, ExchangeError, Transport};
use unbroken::runner::{Ending, Quiet, Runner, Until};
use unbroken::workflow::{Approval, Decision, GateRules, Purpose, Severity, State, plan, preflight};

/// Reaches everything but some addresses.
struct Hill {
    open: WorldTransport,
    hidden: Vec<SocketAddr>,
}

#[async_trait]
impl Transport for Hill {
    async fn exchange(
        &self,
        server: SocketAddr,
        proto: Proto,
        message: &[u8],
        timeout: Duration,
    ) -> Result<Vec<u8>, ExchangeError> {
        if self.hidden.contains(&server) {
            return Err(ExchangeError::NoRoute("Network is unreachable".to_owned()));
        }
        self.open.exchange(server, proto, message, timeout).await
    }

    async fn stream(
        &self,
        server: SocketAddr,
        message: &[u8],
        timeout: Duration,
        more: &mut (dyn for<'m> FnMut(&'m [u8]) -> bool + Send),
    ) -> Result<(), ExchangeError> {
        self.open.stream(server, message, timeout, more).await
    }
}

#[tokio::test]
async fn a_blind_spot_is_waived_once_and_the_move_goes_on() {
    let start = Moment::from_seconds(1_790_000_000);
    let world = Arc::new(World::new(&LabConfig::built_in(start).unwrap()).unwrap());
    let hands = Arc::new(VirtualClock::new(start));
    // The second server of each provider and of the parent, as if it had an address of another family.
    let hidden = ["a", "b", "registry"]
        .iter()
        .map(|name| world.addresses(name)[1])
        .collect();
    let transport: Arc<dyn Transport> = Arc::new(Hill {
        open: WorldTransport::new(world.clone(), hands.dial()),
        hidden,
    });
    let clock: Arc<dyn Clock> = hands;
    let team = lab::team(&world, &transport, &clock, Duration::from_secs(60)).unwrap();
    let state = State::new(Anchors::parse(&world.anchors()).unwrap());
    let mut runner = Runner::open(team, state, Box::new(MemoryJournal::default()), Box::new(Quiet)).unwrap();
    runner.survey().await.unwrap();
    runner.sweep().await.unwrap();
    let rules = GateRules {
        ttl_floor: 0,
        margin: 0,
        stale: 0,
        patience: 60,
    };
    let purpose = Purpose::Migrate {
        from: "a".into(),
        to: "b".into(),
    };
    let made = plan(
        &lab::wish(&world, purpose, &["a".into()], rules, 5),
        &runner.state,
        clock.now(),
    );
    let findings = preflight(&runner.state, &made);
    assert!(
        findings.iter().any(|finding| finding.code == "blind-spot"),
        "{findings:?}"
    );
    assert!(
        findings.iter().all(|finding| finding.severity == Severity::Warn),
        "{findings:?}"
    );
    let hash = made.hash();
    runner.adopt(made).unwrap();

    let ending = runner.run(Until::Act).await.unwrap();
    let Ending::Owed(Decision::Person { what, text, approve }) = ending else {
        panic!("{ending:?}")
    };
    assert_eq!((what.as_str(), approve), ("blind-spots", true));
    assert!(text.contains("Network is unreachable"), "{text}");

    // An approval of another plan opens nothing.
    let waiver = |plan: &str| Approval {
        what: "blind-spots".into(),
        plan: plan.into(),
        by: "a test".into(),
        note: String::new(),
    };
    runner.approve(waiver("another")).unwrap();
    assert!(matches!(
        runner.run(Until::Act).await.unwrap(),
        Ending::Owed(Decision::Person { .. })
    ));
    runner.approve(waiver(&hash)).unwrap();
    let ending = runner.run(Until::Complete).await.unwrap();
    let Ending::Complete(ended) = ending else {
        panic!("{ending:?}")
    };
    assert!(ended.continuous, "{:?}", ended.conflicts);
}
