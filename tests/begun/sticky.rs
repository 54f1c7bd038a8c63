//! A provider that lets nobody edit its own apex NS RRset: it names itself for as long as it serves.

use std::sync::Arc;

use unbroken::dns::{Name, Record, Rtype};
use unbroken::lab::{Follows, Habit, Policy};
use unbroken::runner::{Ending, Quiet, Until};
use unbroken::workflow::{Approval, Decision, STICKY_WAIVER};

use crate::combinations::{assert_moved, scene};
use crate::stage::{Exit, Fate, Kept, Scene, Stage};

/// Takes no change of NS records.
struct OwnNames;

impl Habit for OwnNames {
    fn heed(&self, _: &Name, changes: Vec<Record>) -> Vec<Record> {
        changes
            .into_iter()
            .filter(|record| record.rtype != Rtype::NS)
            .collect()
    }
}

fn fixed(sticky_bounded: bool) -> Scene {
    let mut scene = scene();
    scene.fixed = vec!["a".to_owned()];
    scene.sticky_bounded = sticky_bounded;
    scene
}

async fn stage(scene: Scene) -> Stage {
    let stage = Stage::new(scene).await;
    let primary = stage.world.primary("a").unwrap();
    stage.world.set_habit(primary, Some(Arc::new(OwnNames)));
    stage.pass(7_200).await;
    stage
}

#[tokio::test]
async fn without_the_flag_it_is_refused_and_the_flag_is_named() {
    let stage = stage(fixed(false)).await;
    let exit = stage.process(&Kept::default(), Fate::Lives).await;
    let Exit::Refused(findings) = &exit else {
        panic!("{exit:#?}");
    };
    let found = findings
        .iter()
        .find(|finding| finding.code == "apex-ns-fixed")
        .unwrap();
    assert!(found.remedy.contains("--sticky bounded"), "{found}");
}

/// Leaves it after one approval; nobody fails but who re-learns it for ever, which is what was approved.
async fn leaves(policies: Vec<Policy>) -> Stage {
    let mut scene = fixed(true);
    scene.policies = Some(policies);
    // Often enough that a resolver which renews what it learnt does so in time.
    scene.pace = std::time::Duration::from_secs(20);
    let stage = stage(scene).await;
    let kept = Kept::default();
    let mut runner = stage.open(Box::new(kept.clone()), Box::new(Quiet));
    runner.survey().await.unwrap();
    runner.sweep().await.unwrap();
    let (made, findings) = stage.plan(&runner);
    assert!(findings.iter().all(|finding| !finding.refuses()), "{findings:#?}");
    assert!(
        made.steps.iter().all(|step| !step.id.0.contains("ns-at-a")),
        "{:#?}",
        made.steps
    );
    let plan = made.hash();
    runner.adopt(made).unwrap();
    // Everything is done that does not rely on it, then a person is asked.
    let asked = loop {
        match runner.run(Until::Act).await.unwrap() {
            Ending::Owed(Decision::Person { what, text, approve }) => break (what, text, approve),
            Ending::Owed(_) => stage.pass(60).await,
            Ending::Stepped(_) => {}
            other => panic!("{other:#?}"),
        }
    };
    assert_eq!((asked.0.as_str(), asked.2), (STICKY_WAIVER, true), "{}", asked.1);
    assert_eq!(stage.at("registry", Rtype::DS), ["a-ksk", "b-ksk"], "{}", asked.1);
    stage.pass(3_600).await;
    stage.assert_crowd_is_well("while a person is waited for");
    let word = Approval {
        what: STICKY_WAIVER.to_owned(),
        plan,
        by: "ann".to_owned(),
        note: String::new(),
    };
    runner.approve(word).unwrap();
    let ending = runner.run(Until::Complete).await.unwrap();
    let Ending::Complete(ended) = ending else {
        panic!("{ending:#?}");
    };
    assert!(ended.continuous, "{:#?}", ended.conflicts);
    assert!(
        ended
            .not_checked
            .iter()
            .any(|what| what.contains("--sticky bounded")),
        "{:?}",
        ended.not_checked
    );
    assert_moved(&stage, "fixed");
    stage.pass(4_000).await;
    stage
}

#[tokio::test]
async fn with_the_flag_and_an_approval_it_is_left() {
    let others = Policy::all();
    let others = others
        .into_iter()
        .filter(|policy| policy.follows != Follows::ChildForEver);
    let stage = leaves(others.collect()).await;
    stage.assert_crowd_is_well("fixed");
}

/// The approval is asked for since this may happen: who learns the child's NS RRset for ever stays where it is, and fails.
#[tokio::test]
async fn who_never_forgets_is_what_the_approval_is_about() {
    let sticky = Policy::all();
    let sticky = sticky
        .into_iter()
        .filter(|policy| policy.follows == Follows::ChildForEver);
    let stage = leaves(sticky.collect()).await;
    assert!(stage.tally.report().failed() > 0);
}

/// Who joins and names itself alone for ever is no hindrance.
#[tokio::test]
async fn a_newcomer_may_be_fixed() {
    let mut scene = scene();
    scene.fixed = vec!["b".to_owned()];
    let stage = Stage::new(scene).await;
    let primary = stage.world.primary("b").unwrap();
    stage.world.set_habit(primary, Some(Arc::new(OwnNames)));
    stage.pass(7_200).await;
    let exit = stage.process(&Kept::default(), Fate::Lives).await;
    Stage::assert_complete(&exit, "fixed newcomer");
    stage.pass(4_000).await;
    stage.assert_crowd_is_well("fixed newcomer");
    assert_moved(&stage, "fixed newcomer");
}
