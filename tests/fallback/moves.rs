//! From beginning to end.

use std::time::Duration;

use unbroken::dns::Rtype;
use unbroken::lab::{Delays, SignerKind, Ttls};
use unbroken::runner::Quiet;
use unbroken::workflow::{Event, PlannedInsecure};

use crate::scene::{FORGOTTEN, assert_nobody_failed, fallback, played};
use crate::stage::{Kept, Scene, Stage, events};

/// Plays it and holds the crowd against the diary.
async fn falls_back(scene: Scene, forgotten: u64) -> (Stage, Kept) {
    let what = format!("{:?}", scene.config.providers);
    let stage = Stage::new(scene).await;
    stage.pass(1_000).await;
    let (kept, diary) = played(&stage).await;
    let removed = diary.line("intent 04-ds-remove-all");
    assert_eq!(removed.insecure, 0, "{what}: insecure before the DS went");
    let added = diary.line("proven 07-ds-add");
    assert!(added.insecure > removed.insecure, "{what}: never insecure");
    stage.pass(forgotten).await;
    let settled = stage.tally.report();
    stage.pass(forgotten * 2).await;
    let later = stage.tally.report();
    assert_eq!(
        later.insecure(),
        settled.insecure(),
        "{what}: insecure for longer"
    );
    assert!(later.validated() > settled.validated() + 20, "{what}");
    assert_nobody_failed(&stage, &what);
    (stage, kept)
}

fn assert_moved(stage: &Stage) {
    let shown = stage.shown();
    let hosts: Vec<String> = stage
        .world
        .name_servers("b")
        .iter()
        .map(ToString::to_string)
        .collect();
    let points = stage.world.own_ds("b").len();
    let ds = stage.at("registry", Rtype::DS);
    assert_eq!(ds.len(), points, "{shown}");
    assert!(ds.iter().all(|key| key.starts_with("b-")), "{shown}");
    for operator in ["registry", "a", "b"] {
        assert_eq!(stage.at(operator, Rtype::NS), hosts, "{operator}: {shown}");
    }
    let keys = stage.at("b", Rtype::DNSKEY);
    assert!(keys.iter().all(|key| key.starts_with("b-")), "{shown}");
    assert_eq!(stage.at("b", Rtype::CDS), ds, "{shown}");
}

#[tokio::test]
async fn nobody_fails_and_each_is_insecure_for_a_while() {
    use SignerKind::{Csk, KskZsk};
    for (a, b) in [(KskZsk, KskZsk), (Csk, KskZsk), (KskZsk, Csk)] {
        let mut scene = fallback();
        scene.config.providers[0].signer = a;
        scene.config.providers[1].signer = b;
        scene.config.providers[1].nsec3 = a == Csk;
        let (stage, kept) = falls_back(scene, FORGOTTEN).await;
        assert_moved(&stage);
        let runner = stage.open(Box::new(kept), Box::new(Quiet));
        let [
            PlannedInsecure {
                approval,
                approved,
                since,
                until,
                ..
            },
        ] = &runner.state.insecure[..]
        else {
            panic!("{:?}", runner.state.insecure);
        };
        assert_eq!(
            (approval.by.as_str(), approval.note.as_str()),
            ("ann", "change 4711")
        );
        assert!(approved <= since && until.is_some_and(|until| until > *since));
    }
}

/// A registry and secondaries that lag: for a while one server of the parent has the DS and another proves that there is none.
#[tokio::test]
async fn a_lagging_parent_makes_nobody_fail() {
    let mut scene = fallback();
    scene.config.delays = Delays {
        registry: Duration::from_secs(400),
        secondary: Duration::from_secs(45),
    };
    scene.rules.patience = 600;
    scene.interval = Duration::from_secs(20);
    let (stage, _) = falls_back(scene, FORGOTTEN + 600).await;
    assert_moved(&stage);
}

/// As they are under a large top-level domain: DS for a day, delegations for two.
#[tokio::test]
async fn with_ttls_of_the_real_world() {
    let mut scene = fallback();
    scene.config.ttls = Ttls::real();
    scene.config.validity = Duration::from_secs(30 * 86_400);
    scene.pace = Duration::from_secs(3_600);
    let (stage, kept) = falls_back(scene, 90_000).await;
    assert_moved(&stage);
    let at = |wanted: &str| {
        let entries = unbroken::ports::JournalView::entries(&kept).unwrap();
        entries
            .map(Result::unwrap)
            .find(|entry| entry.kind == "intent" && entry.body["step"] == wanted)
            .unwrap()
            .at
    };
    let (removed, led, added) = (at("04-ds-remove-all"), at("05-ns-at-parent"), at("07-ds-add"));
    let hours =
        |from: unbroken::moment::Moment, to: unbroken::moment::Moment| to.since(from).as_secs() / 3_600;
    // The DS for a day, and a DNSKEY RRset that was fetched at its end for an hour more.
    assert_eq!(hours(removed, led), 25);
    // The delegation for two days, and for two more what was fetched at their end: addresses of name servers at the old provider.
    assert_eq!(hours(led, added), 48 + 48);
}

/// Without CDS anywhere there is nothing to withdraw, and none is published in the end.
#[tokio::test]
async fn without_cds_none_is_made() {
    let mut scene = fallback();
    for provider in &mut scene.config.providers {
        provider.publish_cds = false;
    }
    let (stage, kept) = falls_back(scene, FORGOTTEN).await;
    assert!(stage.at("b", Rtype::CDS).is_empty() && stage.at("b", Rtype::CDNSKEY).is_empty());
    let tried = events(&kept).into_iter().filter_map(|event| match event {
        Event::Intent(intent) => Some(intent.step.0),
        _ => None,
    });
    assert_eq!(
        tried.collect::<Vec<_>>(),
        ["04-ds-remove-all", "05-ns-at-parent", "06-ns-at-a", "07-ds-add"]
    );
}
