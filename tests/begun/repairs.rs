//! What is owed for what nobody saw, and what is repaired first.

use std::time::Duration;

use unbroken::lab::World;
use unbroken::moment::Moment;
use unbroken::runner::Quiet;
use unbroken::workflow::preflight;

use crate::combinations::{assert_moved, assert_no_harm, scene};
use crate::hand::{Hand, WARM, play};
use crate::stage::{Exit, Kept, Stage};

fn both() -> Vec<&'static str> {
    vec!["a", "b"]
}

fn seconds(since: Moment, until: Moment) -> u64 {
    until.since(since).as_secs()
}

/// Everything but the name servers was done a moment ago. Nobody can know how long the old DS RRset has been gone, and the
/// caches are full of it: the TTL of 600 s is waited for, from the first look on.
#[tokio::test]
async fn a_wait_is_owed_for_what_may_have_been_served_before_the_first_look() {
    let hand = Hand {
        keys: vec![("a", "b"), ("b", "a")],
        ds: Some(both()),
        ..Hand::default()
    };
    let played = play(scene(), &hand, "keys and DS").await;
    assert!(played.ending("keys and DS").continuous);
    played.stage.assert_crowd_is_well("keys and DS");
    assert!(seconds(played.acted, played.proven("ns-at-a")) >= 600);
    let begun = played
        .findings
        .iter()
        .find(|finding| finding.code == "begun")
        .unwrap();
    assert!(begun.text.contains("DS RRset naming keys"), "{begun}");
    assert!(
        played
            .taken()
            .iter()
            .all(|step| !step.ends_with("ds-add") && !step.starts_with("keys-at-a"))
    );
    assert_moved(&played.stage, "keys and DS");
    // What nobody saw is said with the verdict.
    let unknown = &played.ending("keys and DS").not_checked;
    assert!(
        unknown.iter().any(|what| what.contains("before the first look")),
        "{unknown:?}"
    );
}

/// The delegation names a newcomer whose keys no DS names, for ten minutes already. The DS comes before everything else; those
/// who were not led to the newcomer by the break are not led there before the old DS RRset is gone from their caches.
#[tokio::test]
async fn what_is_broken_is_repaired_first_and_nobody_else_is_led_into_it() {
    let stage = Stage::new(scene()).await;
    stage.pass(WARM).await;
    stage.assert_crowd_is_well("before");
    let hand = Hand {
        parent: Some(both()),
        ..Hand::default()
    };
    hand.act(&stage.world, stage.clock.now());
    stage.pass(1_200).await;
    assert!(
        stage.tally.report().failed() > 0,
        "the crowd saw nothing of a delegation to keys that no DS names"
    );

    let kept = Kept::default();
    let mut runner = stage.open(Box::new(kept.clone()), Box::new(Quiet));
    let begun = stage.clock.now();
    let exit = stage.go(&mut runner).await.unwrap();
    Stage::assert_ended(&exit, "broken");
    let events = crate::stage::events(&kept);
    let first = events.iter().find_map(|event| match event {
        unbroken::workflow::Event::Intent(intended) => Some(intended.step.0.clone()),
        _ => None,
    });
    assert!(
        first.as_deref().is_some_and(|step| step.ends_with("ds-add")
            || step.ends_with("keys-at-a")
            || step.ends_with("keys-at-b")),
        "{first:?}"
    );
    let proven = |step: &str| {
        let mut all = events.iter().filter_map(|event| match event {
            unbroken::workflow::Event::Proven(proven) if proven.step.0.ends_with(step) => Some(proven.as_of),
            _ => None,
        });
        all.next().unwrap()
    };
    assert_eq!(seconds(begun, proven("ds-add")), 0, "the repair waited");
    assert!(
        seconds(proven("ds-add"), proven("ns-at-a")) >= 600,
        "led into the break"
    );
    // Whom the break alone would never have reached, in the same time and with the same dice, the plan does not lead into it.
    let twin = Stage::new(scene()).await;
    twin.pass(WARM).await;
    hand.act(&twin.world, twin.clock.now());
    twin.pass(stage.clock.now().since(twin.clock.now()).as_secs())
        .await;
    let (here, there) = (stage.tally.report().resolvers, twin.tally.report().resolvers);
    let mut spared = 0;
    for (here, there) in here.iter().zip(&there).filter(|(_, there)| there.failed == 0) {
        assert_eq!(here.failed, 0, "{}: {:#?}", there.name, here.failures);
        spared += 1;
    }
    assert!(spared > 0, "everybody fails");
    // What the break left in the caches is gone one DS TTL after the repair.
    for one in stage.tally.report().resolvers {
        let late = one
            .failures
            .iter()
            .find(|failure| failure.at > begun + Duration::from_secs(605));
        assert!(late.is_none(), "{late:#?}");
    }
    assert_moved(&stage, "broken");
}

/// The findings of a plan name what is broken and the step that repairs it.
#[tokio::test]
async fn a_plan_says_what_is_broken_and_what_repairs_it() {
    let hand = Hand {
        ds: Some(vec!["b"]),
        ..Hand::default()
    };
    let stage = Stage::new(scene()).await;
    hand.act(&stage.world, stage.clock.now());
    stage.pass(2).await;
    let mut runner = stage.open(Box::new(Kept::default()), Box::new(Quiet));
    runner.survey().await.unwrap();
    runner.sweep().await.unwrap();
    let (_, findings) = stage.plan(&runner);
    let all: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(findings.iter().all(|finding| !finding.refuses()), "{all:#?}");
    let broken = findings
        .iter()
        .find(|finding| finding.code == "broken-now")
        .unwrap();
    assert!(broken.remedy.contains("05-ds-add"), "{broken}");
    assert!(
        findings.iter().any(|finding| finding.code == "bogus-now"),
        "{all:#?}"
    );
}

/// Somebody goes on by hand between the plan and the run: what the plan knows of caches is not true any more.
#[tokio::test]
async fn a_plan_from_before_another_hand_is_refused() {
    let stage = Stage::new(scene()).await;
    let mut runner = stage.open(Box::new(Kept::default()), Box::new(Quiet));
    runner.survey().await.unwrap();
    runner.sweep().await.unwrap();
    let (made, findings) = stage.plan(&runner);
    assert!(findings.is_empty(), "{findings:#?}");
    let hand = Hand {
        ds: Some(both()),
        ..Hand::default()
    };
    hand.act(&stage.world, stage.clock.now());
    stage.pass(2).await;
    let mut runner = stage.open(Box::new(Kept::default()), Box::new(Quiet));
    runner.survey().await.unwrap();
    runner.sweep().await.unwrap();
    let findings = preflight(&runner.state, &made);
    assert!(
        findings
            .iter()
            .any(|finding| finding.code == "changed-since-plan" && finding.refuses()),
        "{findings:#?}"
    );
}

/// The old provider was taken out everywhere at once, and nothing else was done.
#[tokio::test]
async fn everybody_names_the_newcomer_alone() {
    let hand = Hand {
        ds: Some(vec!["b"]),
        apex: vec![("a", vec!["b"]), ("b", vec!["b"])],
        parent: Some(vec!["b"]),
        ..Hand::default()
    };
    let played = play(scene(), &hand, "all at once").await;
    let taken = played.taken();
    // The old one is not put back where it is gone: no name, no DS.
    assert!(
        taken
            .iter()
            .all(|step| !step.starts_with("ns-at") && step != "ds-add"),
        "{taken:?}"
    );
    assert!(!played.failing().is_empty());
    assert_moved(&played.stage, "all at once");
    assert_no_harm(&played, "all at once");
}

/// Signatures of a key that is in no DNSKEY RRset: no step of the plan mends that.
#[tokio::test]
async fn what_the_plan_does_not_repair_is_refused() {
    let stage = Stage::new(scene()).await;
    let hide = |world: &World| {
        world.edit("b", stage.clock.now(), |zone| {
            for key in zone.keys_mut() {
                key.published = key.signs_keys;
            }
        });
    };
    hide(&stage.world);
    let hand = Hand {
        ds: Some(both()),
        parent: Some(both()),
        ..Hand::default()
    };
    hand.act(&stage.world, stage.clock.now());
    stage.pass(2).await;
    let exit = stage.process(&Kept::default(), crate::stage::Fate::Lives).await;
    let Exit::Refused(findings) = &exit else {
        panic!("{exit:#?}");
    };
    assert!(
        findings.iter().any(|finding| finding.code == "broken-for-good"),
        "{findings:#?}"
    );
}
