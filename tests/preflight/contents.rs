//! Copies that differ, before a move and in its middle; copies that nobody can read.

use std::sync::{Arc, Mutex};

use unbroken::adapters::ManualProvider;
use unbroken::dns::{Name, Record, Rtype, parse_records};
use unbroken::lab::World;
use unbroken::moment::Moment;
use unbroken::runner::{Ending, Quiet, Reporter, Runner, Until};
use unbroken::workflow::{Approval, Copied, Decision, Event, State, plan};

use crate::scene::{Scene, codes, only};

fn record(text: &str) -> Record {
    parse_records(text, &Name::parse("shop.test").unwrap(), 3_600)
        .unwrap()
        .remove(0)
}

#[tokio::test]
async fn copies_that_differ() {
    let scene = Scene::new(|_| ());
    scene.world.edit("b", scene.now(), |zone| {
        zone.add(&record("extra 3600 TXT \"only here\""));
        zone.remove_rrset(&record("mail A 192.0.2.1").name, Rtype::A);
    });
    let text = only(&scene.findings().await, "contents-differ", true);
    assert!(
        text.contains("1 records are at a alone (-), 1 at b alone (+)"),
        "{text}"
    );
    assert!(
        text.contains("+ extra.shop.test. 3600 IN TXT \"only here\""),
        "{text}"
    );
    assert!(
        text.contains("- mail.shop.test. 3600 IN A 198.51.100.25"),
        "{text}"
    );
}

#[tokio::test]
async fn ttls_that_differ_are_told_of() {
    let scene = Scene::new(|_| ());
    scene.world.edit("b", scene.now(), |zone| {
        zone.add(&record("mail 7200 A 198.51.100.25"));
    });
    let text = only(&scene.findings().await, "ttls-differ", false);
    assert!(text.starts_with("1 records"), "{text}");
}

#[tokio::test]
async fn the_journal_holds_sizes_and_digests_and_no_zone() {
    let scene = Scene::new(|_| ());
    let runner = scene.runner(Box::new(Quiet)).await;
    let copies = runner.state.copies.as_ref().unwrap();
    let digests: Vec<&String> = copies
        .compared
        .copies
        .values()
        .map(|copy| match copy {
            Copied::Read {
                records: 11, digest, ..
            } => digest,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(digests[0], digests[1]);
    let entries: Vec<_> = runner.journal().entries().unwrap().map(Result::unwrap).collect();
    let entry = entries.iter().find(|entry| entry.kind == "contents").unwrap();
    assert!(!entry.body.to_string().contains("198.51.100"), "{}", entry.body);
}

fn manual(scene: &mut Scene) {
    scene.max_ttl = 3_600;
    let zone = scene.world.zone().clone();
    let keys: Vec<_> = scene
        .world
        .read("b", |zone| {
            zone.keys().iter().map(|key| key.key.dnskey().clone()).collect()
        })
        .unwrap();
    scene.team.pinned = Arc::new(move |name| if name == "b" { keys.clone() } else { Vec::new() });
    scene
        .team
        .providers
        .insert("b".to_owned(), Arc::new(ManualProvider::new("b", zone)));
}

#[tokio::test]
async fn contents_that_cannot_be_read_are_unknown() {
    let mut scene = Scene::new(|_| ());
    manual(&mut scene);
    let findings = scene.findings().await;
    only(&findings, "contents-unknown", false);
    assert!(
        findings[0]
            .remedy
            .contains("unbroken approve --zone shop.test. contents"),
        "{codes:?}",
        codes = codes(&findings)
    );
}

#[tokio::test]
async fn without_the_zone_the_largest_ttl_must_be_given() {
    let mut scene = Scene::new(|_| ());
    manual(&mut scene);
    scene.max_ttl = 0;
    let findings = scene.findings().await;
    assert_eq!(codes(&findings), ["max-ttl-unknown", "contents-unknown"]);
    assert!(findings[0].refuses());
}

/// Does at once what a person is told to; changes the zone at some provider when a step is proven.
struct Hands {
    world: Arc<World>,
    intended: Option<(String, Vec<unbroken::ports::RrsetChange>)>,
    edit: Option<(&'static str, Vec<&'static str>)>,
    steps: Arc<Mutex<Vec<String>>>,
}

impl Hands {
    fn new(scene: &Scene) -> (Hands, Arc<Mutex<Vec<String>>>) {
        let steps = Arc::new(Mutex::new(Vec::new()));
        let hands = Hands {
            world: scene.world.clone(),
            intended: None,
            edit: None,
            steps: steps.clone(),
        };
        (hands, steps)
    }
}

impl Reporter for Hands {
    fn recorded(&mut self, at: Moment, event: &Event, _: &State) {
        match event {
            Event::Intent(intended) => {
                self.steps.lock().unwrap().push(intended.step.0.clone());
                if intended.provider.as_deref() == Some("b") {
                    self.intended = Some(("b".to_owned(), intended.changes.clone()));
                }
            }
            Event::Proven(proven) => {
                if let Some((step, operators)) = &self.edit
                    && proven.step.0.ends_with(step)
                {
                    for operator in operators {
                        self.world.edit(operator, at, |zone| {
                            zone.add(&record("drift 3600 A 192.0.2.9"));
                        });
                    }
                }
            }
            _ => {}
        }
    }

    fn decided(&mut self, _: Moment, decision: &Decision, _: &State) {
        if matches!(decision, Decision::Person { what, .. } if what == "contents") {
            self.steps.lock().unwrap().push("waiver owed".to_owned());
        }
    }

    fn sleeping(&mut self, now: Moment, _: Moment, decision: &Decision) {
        let waits = matches!(decision, Decision::Person { approve: false, .. });
        if let (true, Some((operator, changes))) = (waits, self.intended.take()) {
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

async fn adopted(scene: &Scene, hands: Hands) -> Runner {
    let mut runner = scene.runner(Box::new(hands)).await;
    let made = plan(&scene.wish("a", "b"), &runner.state, scene.now());
    runner.adopt(made).unwrap();
    runner
}

#[tokio::test]
async fn no_step_leads_to_an_unknown_copy_before_a_person_says_so() {
    let mut scene = Scene::new(|_| ());
    manual(&mut scene);
    let (hands, steps) = Hands::new(&scene);
    let mut runner = adopted(&scene, hands).await;
    let (asked, hash) = (steps.clone(), runner.state.plan_hash.clone().unwrap());
    runner.inbox = Box::new(move || {
        let waiver = Approval {
            what: "contents".to_owned(),
            plan: hash.clone(),
            by: "ann".to_owned(),
            note: String::new(),
        };
        let owed = asked.lock().unwrap().iter().any(|step| step == "waiver owed");
        owed.then_some(waiver).into_iter().collect()
    });
    let ending = runner.run(Until::Complete).await.unwrap();
    assert!(
        matches!(&ending, Ending::Complete(ended) if ended.continuous),
        "{ending:?}"
    );
    let steps = steps.lock().unwrap();
    let owed = steps.iter().position(|step| step == "waiver owed").unwrap();
    let led = steps.iter().position(|step| step.contains("ns-at")).unwrap();
    assert!(
        owed < led && steps.iter().any(|step| step.contains("ds-add")),
        "{steps:?}"
    );
}

/// Runs a move in which the zone is edited at these operators when a step is proven.
async fn drifting(step: &'static str, operators: Vec<&'static str>) -> (Ending, Vec<String>, Runner, Scene) {
    let scene = Scene::new(|_| ());
    let (mut hands, steps) = Hands::new(&scene);
    hands.edit = Some((step, operators));
    let mut runner = adopted(&scene, hands).await;
    let ending = runner.run(Until::Complete).await.unwrap();
    let steps = steps.lock().unwrap().clone();
    (ending, steps, runner, scene)
}

#[tokio::test]
async fn an_edit_at_one_provider_before_the_name_servers_halts() {
    let (ending, steps, ..) = drifting("ds-add", vec!["b"]).await;
    let Ending::Halted(Decision::Halt { what, .. }) = ending else {
        panic!("{ending:?}")
    };
    assert!(
        what.contains("the copies of the zone differ") && what.contains("+ drift.shop.test."),
        "{what}"
    );
    assert!(steps.iter().all(|step| !step.contains("ns-at")), "{steps:?}");
}

#[tokio::test]
async fn an_edit_at_one_provider_while_both_are_asked_halts_and_a_repair_goes_on() {
    let (ending, steps, mut runner, scene) = drifting("ns-at-parent", vec!["a"]).await;
    let Ending::Halted(Decision::Halt { what, choices, .. }) = ending else {
        panic!("{ending:?}")
    };
    assert!(
        what.contains("resolvers are led to copies") && !choices.is_empty(),
        "{what}"
    );
    assert!(
        steps.iter().all(|step| !step.contains("ns-at-parent-remove")),
        "{steps:?}"
    );
    scene.world.edit("b", scene.now(), |zone| {
        zone.add(&record("drift 3600 A 192.0.2.9"));
    });
    let ending = runner.run(Until::Complete).await.unwrap();
    assert!(
        matches!(&ending, Ending::Complete(ended) if ended.continuous),
        "{ending:?}"
    );
}

#[tokio::test]
async fn an_edit_at_both_is_no_difference() {
    for step in ["ds-add", "ns-at-parent"] {
        let (ending, ..) = drifting(step, vec!["a", "b"]).await;
        assert!(
            matches!(&ending, Ending::Complete(ended) if ended.continuous),
            "{ending:?}"
        );
    }
}
