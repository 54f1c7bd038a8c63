//! Every combination of what can have been done.

use std::time::Duration;

use unbroken::dns::{Name, Rtype};

use crate::hand::{Hand, Played, play};
use crate::stage::{Scene, Stage};

/// The combination of that number; there are `ALL`.
fn combination(number: usize) -> Hand {
    let mut rest = number;
    let mut draw = |of: usize| {
        let drawn = rest % of;
        rest /= of;
        drawn
    };
    // Long enough for the crowd to meet what is broken, and much shorter than the TTLs of what was served before.
    let mut hand = Hand {
        unnoticed: 180,
        ..Hand::default()
    };
    if draw(2) == 1 {
        hand.keys.push(("a", "b"));
    }
    if draw(2) == 1 {
        hand.keys.push(("b", "a"));
    }
    hand.ds = [None, Some(vec!["a", "b"]), Some(vec!["b"])][draw(3)].clone();
    if draw(2) == 1 {
        hand.apex.push(("a", vec!["a", "b"]));
    }
    if draw(2) == 1 {
        hand.apex.push(("b", vec!["a", "b"]));
    }
    if draw(2) == 1 {
        hand.cds.extend([("a", "b"), ("b", "a")]);
    }
    hand.parent = [None, Some(vec!["a", "b"]), Some(vec!["b"])][draw(3)].clone();
    hand
}

const ALL: usize = 2 * 2 * 3 * 2 * 2 * 2 * 3;

pub(crate) fn scene() -> Scene {
    let mut scene = Scene::migrate();
    scene.interval = Duration::from_secs(300);
    scene
}

/// The whole of a migration: the delegation names the newcomer alone, the DS too, and no key of the old one is left there.
pub(crate) fn assert_moved(stage: &Stage, what: &str) {
    let shown = stage.shown();
    let hosts: Vec<String> = stage
        .world
        .name_servers("b")
        .iter()
        .map(Name::to_string)
        .collect();
    assert_eq!(stage.at("registry", Rtype::NS), hosts, "{what}\n{shown}");
    assert_eq!(stage.at("b", Rtype::NS), hosts, "{what}\n{shown}");
    assert_eq!(stage.at("registry", Rtype::DS), ["b-ksk"], "{what}\n{shown}");
    assert_eq!(
        stage.at("b", Rtype::DNSKEY),
        ["b-ksk", "b-zsk"],
        "{what}\n{shown}"
    );
    assert_eq!(stage.at("b", Rtype::CDS), ["b-ksk"], "{what}\n{shown}");
}

/// Nobody fails for the plan's sake: what fails is what the hand broke, as the checker finds it in what was seen and assumed,
/// and when that is over nobody fails any more.
pub(crate) fn assert_no_harm(played: &Played, what: &str) {
    assert!(
        played.added.is_empty(),
        "{what}: the plan added {:#?}",
        played.added
    );
    let report = played.stage.tally.report();
    assert_eq!(report.unreachable() + report.insecure(), 0, "{what}");
    let over = played
        .over
        .unwrap_or_else(|| panic!("{what}: something stays broken"));
    let failed = report.failed();
    if over <= played.acted {
        assert_eq!(failed, 0, "{what}: {report:#?}");
    }
    let then = played.told.failed.iter().find(|(at, _)| *at >= over);
    let (at, then) = then.unwrap_or_else(|| panic!("{what}: it was never over"));
    assert_eq!(
        failed, *then,
        "{what}: failures after {at}, though it was over at {over}: {report:#?}"
    );
}

async fn every(of: usize, which: usize, least: usize) {
    let mut failing = 0;
    for number in (0..ALL).filter(|number| number / (ALL / 3) == of && number % 2 == which) {
        let hand = combination(number);
        let what = format!("combination {number}: {hand:?}");
        let mut scene = scene();
        if !hand.cds.is_empty() {
            // No resolver asks for CDS: what a crowd would see was seen without it. The end has to be the same.
            scene.policies = Some(Vec::new());
        }
        let played = play(scene, &hand, &what).await;
        played.ending(&what);
        assert_moved(&played.stage, &what);
        assert_no_harm(&played, &what);
        failing += usize::from(!played.failing().is_empty());
    }
    // A crowd that sees nothing proves nothing.
    assert!(failing >= least, "only {failing}");
}

#[tokio::test]
async fn delegated_to_the_old_one_without_keys() {
    every(0, 0, 8).await;
}

#[tokio::test]
async fn delegated_to_the_old_one_with_keys() {
    every(0, 1, 8).await;
}

#[tokio::test]
async fn delegated_to_both_without_keys() {
    every(1, 0, 8).await;
}

#[tokio::test]
async fn delegated_to_both_with_keys() {
    every(1, 1, 8).await;
}

#[tokio::test]
async fn delegated_to_the_new_one_without_keys() {
    every(2, 0, 20).await;
}

#[tokio::test]
async fn delegated_to_the_new_one_with_keys() {
    every(2, 1, 20).await;
}
