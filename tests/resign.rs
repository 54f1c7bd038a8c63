//! Before resolvers are led to a newcomer, its keys must have outlived a re-sign at the provider that holds them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod stage;

use std::time::Duration;

use stage::{Exit, Kept, START, Scene, Stage, events};
use unbroken::lab;
use unbroken::runner::{Ending, Quiet, Runner, Until};
use unbroken::workflow::{Approval, Decision, Event, plan};

const DAY: u64 = 86_400;

/// A move on a stage where providers sign anew after `renewal`, and a person is asked after `patience`.
async fn begin(renewal: u64, patience: u64) -> (Stage, Kept, Runner) {
    let mut scene = Scene::migrate();
    scene.config.renewal = Some(Duration::from_secs(renewal));
    scene.pace = Duration::from_secs(600);
    let stage = Stage::new(scene).await;
    let kept = Kept::default();
    let mut runner = stage.open(Box::new(kept.clone()), Box::new(Quiet));
    runner.survey().await.unwrap();
    runner.sweep().await.unwrap();
    let scene = &stage.scene;
    let mut wish = lab::wish(
        &stage.world,
        scene.purpose.clone(),
        &scene.group,
        scene.rules,
        scene.soak,
    );
    wish.resign = Some(patience);
    let made = plan(&wish, &runner.state, stage.clock.now());
    runner.adopt(made).unwrap();
    (stage, kept, runner)
}

/// Seconds after the start at which the step was taken, and whether it was.
fn taken(kept: &Kept, step: &str) -> Option<u64> {
    use unbroken::ports::JournalView;
    let entries: Vec<_> = kept.entries().unwrap().map(Result::unwrap).collect();
    entries
        .iter()
        .zip(events(kept))
        .find_map(|(entry, event)| match event {
            Event::Intent(intended) if intended.step.0.ends_with(step) => {
                Some(u64::try_from(entry.at.floor_seconds() - START).unwrap())
            }
            _ => None,
        })
}

#[tokio::test]
async fn the_next_re_sign_is_awaited() {
    let (stage, kept, mut runner) = begin(2 * DAY, 10 * DAY).await;
    let ending = runner.run(Until::Complete).await.unwrap();
    Stage::assert_complete(&Exit::Ended(ending), "a move with a re-sign");
    stage.assert_crowd_is_well("a move with a re-sign");
    let (harmless, leading) = (taken(&kept, "ns-at-b").unwrap(), taken(&kept, "ns-at-a").unwrap());
    assert!(harmless < DAY, "{harmless}: nobody is led anywhere by it");
    assert!((2 * DAY..2 * DAY + 7_200).contains(&leading), "{leading}");
}

#[tokio::test]
async fn a_person_answers_for_a_re_sign_that_does_not_come() {
    let (stage, kept, mut runner) = begin(6 * DAY, DAY).await;
    let text = loop {
        match runner.run(Until::Act).await.unwrap() {
            Ending::Stepped(_) => {}
            Ending::Owed(Decision::Wait { .. }) => stage.pass(3_600).await,
            Ending::Owed(Decision::Person { what, text, approve }) => {
                assert_eq!((what.as_str(), approve), ("resign", true));
                break text;
            }
            other => panic!("{other:?}"),
        }
    };
    assert!(text.contains("a has not signed its DNSKEY RRset anew"), "{text}");
    let asked = u64::try_from(stage.clock.now().floor_seconds() - START).unwrap();
    assert!((DAY..DAY + 7_200).contains(&asked), "{asked}");
    assert_eq!(taken(&kept, "ns-at-a"), None);

    let approval = Approval {
        what: "resign".to_owned(),
        plan: runner.state.plan_hash.clone().unwrap(),
        by: "a test".to_owned(),
        note: String::new(),
    };
    runner.approve(approval).unwrap();
    let ending = runner.run(Until::Complete).await.unwrap();
    Stage::assert_complete(&Exit::Ended(ending), "a move with a waiver");
    assert!(taken(&kept, "ns-at-a").unwrap() < 2 * DAY);
}
