//! A move in which a person does the newcomer's side and the registrar's: the exact records are printed, and only what is
//! then served counts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use unbroken::adapters::journal::MemoryJournal;
use unbroken::adapters::{ManualParent, ManualProvider};
use unbroken::dnssec::{Anchors, Dnskey};
use unbroken::lab::{self, LabConfig, Ttls, VirtualClock, World, WorldTransport};
use unbroken::moment::Moment;
use unbroken::ports::{Applied, Clock, RrsetChange, Transport};
use unbroken::runner::{Ending, Reporter, Runner, Team, Until};
use unbroken::workflow::{Approval, Decision, Event, GateRules, Purpose, State, plan};

/// Reads what is printed and types it in, some time later; remembers what was said.
struct Person {
    world: Arc<World>,
    intended: Option<(String, Vec<RrsetChange>)>,
    work: Option<(String, Vec<RrsetChange>)>,
    said: Arc<Mutex<Vec<String>>>,
}

impl Reporter for Person {
    fn recorded(&mut self, _: Moment, event: &Event, _: &State) {
        match event {
            Event::Intent(intended) => {
                let operator = intended.provider.clone().unwrap_or_else(|| "registry".to_owned());
                self.intended = Some((operator, intended.changes.clone()));
            }
            Event::Outcome(done) => {
                for result in &done.results {
                    if let Ok(Applied::Manual { instructions }) = result {
                        self.said.lock().unwrap().push(instructions.clone());
                        self.work = self.intended.clone();
                    }
                }
            }
            _ => {}
        }
    }

    fn decided(&mut self, _: Moment, _: &Decision, _: &State) {}

    fn sleeping(&mut self, now: Moment, _: Moment, _: &Decision) {
        if let Some((operator, changes)) = self.work.take() {
            self.world.edit(&operator, now, |zone| {
                for change in &changes {
                    for record in &change.remove {
                        zone.remove(&record.name, record.rtype, &record.rdata);
                    }
                    for record in &change.add {
                        zone.add(record);
                    }
                }
            });
        }
    }
}

struct Scene {
    world: Arc<World>,
    clock: Arc<dyn Clock>,
    team: Team,
}

fn scene() -> Scene {
    let start = Moment::from_seconds(1_790_000_000);
    let mut config = LabConfig::built_in(start).unwrap();
    config.ttls = Ttls::real();
    let world = Arc::new(World::new(&config).unwrap());
    let hands = Arc::new(VirtualClock::new(start));
    let transport: Arc<dyn Transport> = Arc::new(WorldTransport::new(world.clone(), hands.dial()));
    let clock: Arc<dyn Clock> = hands;
    let mut team = lab::team(&world, &transport, &clock, Duration::from_secs(3_600)).unwrap();
    let zone = world.zone().clone();
    team.providers
        .insert("b".to_owned(), Arc::new(ManualProvider::new("b", zone)));
    team.parent = Arc::new(ManualParent::new("registry"));
    Scene { world, clock, team }
}

fn keys_of_b(world: &World) -> Vec<Dnskey> {
    world
        .read("b", |zone| {
            zone.keys().iter().map(|key| key.key.dnskey().clone()).collect()
        })
        .unwrap()
}

async fn runner(scene: Scene, said: &Arc<Mutex<Vec<String>>>) -> Runner {
    let Scene { world, clock, team } = scene;
    let person = Person {
        world: world.clone(),
        intended: None,
        work: None,
        said: said.clone(),
    };
    let anchors = Anchors::parse(&world.anchors()).unwrap();
    let journal = Box::new(MemoryJournal::default());
    let mut runner = Runner::open(team, State::new(anchors), journal, Box::new(person)).unwrap();
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
    runner.adopt(made).unwrap();
    runner
}

#[tokio::test]
async fn a_person_does_what_is_printed() {
    let mut scene = scene();
    let keys = keys_of_b(&scene.world);
    scene.team.pinned = Arc::new(move |name| if name == "b" { keys.clone() } else { Vec::new() });
    let said = Arc::new(Mutex::new(Vec::new()));
    let mut runner = runner(scene, &said).await;
    // What b holds cannot be read here; the person compared it by hand.
    let contents = Approval {
        what: "contents".to_owned(),
        plan: runner.state.plan_hash.clone().unwrap(),
        by: "ann".to_owned(),
        note: String::new(),
    };
    runner.approve(contents).unwrap();
    let ending = runner.run(Until::Complete).await.unwrap();
    let Ending::Complete(ended) = ending else {
        panic!("{ending:?}")
    };
    assert!(ended.continuous, "{:?}", ended.conflicts);
    let said = said.lock().unwrap();
    // Keys, CDS and NS at b twice each, DS and NS at the parent twice each (CDS and CDNSKEY are one thing to do each).
    assert!(said.len() >= 9, "{}: {said:#?}", said.len());
    let all = said.join("\n");
    assert!(
        all.contains("shop.test.") && all.contains(" DS ") && all.contains("DNSKEY"),
        "{all}"
    );
}

#[tokio::test]
async fn keys_seen_over_plain_dns_alone_are_refused() {
    let said = Arc::new(Mutex::new(Vec::new()));
    let mut scene = scene();
    let keys = keys_of_b(&scene.world);
    let pins: Arc<Mutex<Vec<Dnskey>>> = Arc::default();
    let pinned = pins.clone();
    scene.team.pinned = Arc::new(move |name| {
        if name == "b" {
            pinned.lock().unwrap().clone()
        } else {
            Vec::new()
        }
    });
    let mut runner = runner(scene, &said).await;
    let ending = runner.run(Until::Act).await.unwrap();
    let Ending::Owed(Decision::Person { what, text, .. }) = ending else {
        panic!("{ending:?}")
    };
    assert_eq!(what, "keys-of-b");
    assert!(
        text.contains("refused") && text.contains("unbroken keys pin"),
        "{text}"
    );
    assert!(said.lock().unwrap().is_empty());
    // Pinned while it waits, they are taken up.
    *pins.lock().unwrap() = keys;
    let ending = runner.run(Until::Act).await.unwrap();
    assert!(matches!(ending, Ending::Stepped(_)), "{ending:?}");
    assert!(!runner.state.authentic.is_empty());
}
