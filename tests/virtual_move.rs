//! A whole move in virtual time, with the TTLs of the real world.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use unbroken::adapters::journal::MemoryJournal;
use unbroken::dnssec::Anchors;
use unbroken::lab::{self, LabConfig, Ttls, VirtualClock, World, WorldTransport};
use unbroken::moment::Moment;
use unbroken::ports::{Clock, Transport};
use unbroken::runner::{Ending, Reporter, Runner, Until};
use unbroken::workflow::{Decision, Event, GateRules, Purpose, State, forecast, plan, preflight};

const START: i64 = 1_790_000_000;

#[tokio::test]
async fn migrate_with_real_ttls() {
    let start = Moment::from_seconds(START);
    let mut config = LabConfig::built_in(start).unwrap();
    config.ttls = Ttls::real();
    let world = Arc::new(World::new(&config).unwrap());
    let clock = Arc::new(VirtualClock::new(start));
    let transport: Arc<dyn Transport> = Arc::new(WorldTransport::new(world.clone(), clock.dial()));
    let clock: Arc<dyn Clock> = clock;
    let team = lab::team(&world, &transport, &clock, Duration::from_secs(600)).unwrap();
    let anchors = Anchors::parse(&world.anchors()).unwrap();
    let journal = Box::new(MemoryJournal::default());
    let mut runner = Runner::open(team, State::new(anchors), journal, Box::new(Print)).unwrap();
    runner.survey().await.unwrap();
    runner.sweep().await.unwrap();
    let rules = GateRules {
        ttl_floor: 60,
        margin: 5,
        stale: 0,
        patience: 60,
    };
    let purpose = Purpose::Migrate {
        from: "a".into(),
        to: "b".into(),
    };
    let wish = lab::wish(&world, purpose, &["a".into()], rules, 86_400);
    let made = plan(&wish, &runner.state, clock.now());
    let findings = preflight(&runner.state, &made);
    assert!(findings.is_empty(), "{findings:#?}");
    for line in forecast(&runner.state, &made, START) {
        println!(
            "{} {:?} {} {:?}",
            line.step,
            line.at.map(|at| at.to_string()),
            line.title,
            line.gate
                .map(|g| g.because.into_iter().map(|b| b.to_string()).collect::<Vec<_>>())
        );
    }
    runner.adopt(made).unwrap();
    let ending = tokio::time::timeout(Duration::from_secs(60), runner.run(Until::Complete))
        .await
        .unwrap()
        .unwrap();
    println!("{ending:#?} after {:?}", clock.now().since(start));
    let Ending::Complete(ended) = ending else {
        panic!("not complete")
    };
    assert!(ended.continuous, "{:?}", ended.conflicts);
}

struct Print;
impl Reporter for Print {
    fn recorded(&mut self, at: Moment, event: &Event, _: &State) {
        match event {
            Event::Decision(d) => println!("{at} {}", format!("{d:?}").chars().take(900).collect::<String>()),
            Event::Outcome(d) => println!("{at} {d:?}"),
            _ => {}
        }
    }
    fn decided(&mut self, _: Moment, _: &Decision, _: &State) {}
    fn sleeping(&mut self, _: Moment, _: Moment, _: &Decision) {}
}
