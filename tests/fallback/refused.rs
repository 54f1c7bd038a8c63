//! What is refused, what is not, and what is only told of.

use unbroken::dns::{Record, Rtype};
use unbroken::lab::SignerKind;
use unbroken::runner::{Ending, Quiet, Runner, Until};
use unbroken::workflow::{Decision, Event, Finding, Purpose, StepId, never_insecure};

use crate::scene::{FORGOTTEN, assert_nobody_failed, fallback};
use crate::stage::{Exit, Fate, Kept, Scene, Stage, events};

async fn findings(stage: &Stage) -> Vec<Finding> {
    let mut runner = stage.open(Box::new(Kept::default()), Box::new(Quiet));
    runner.survey().await.unwrap();
    runner.sweep().await.unwrap();
    stage.plan(&runner).1
}

fn codes(findings: &[Finding]) -> Vec<(&str, bool)> {
    findings
        .iter()
        .map(|one| (one.code.as_str(), one.refuses()))
        .collect()
}

/// The multi-signer way is closed by the algorithms; its refusal names the other one, which nothing stands against.
#[tokio::test]
async fn other_algorithms_close_the_one_way_and_not_the_other() {
    let mut scene = fallback();
    scene.purpose = Purpose::Migrate {
        from: "a".to_owned(),
        to: "b".to_owned(),
    };
    let found = findings(&Stage::new(scene).await).await;
    assert_eq!(codes(&found), [("algorithms-differ", true)]);
    assert!(
        found[0]
            .remedy
            .contains("unbroken fallback --from a --to b --zone shop.test."),
        "{}",
        found[0].remedy
    );
    let found = findings(&Stage::new(fallback()).await).await;
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test]
async fn the_leaver_must_sign_alone_and_the_newcomer_not_at_all() {
    let mut scene = Scene::migrate();
    scene.config.delegated = vec!["a".to_owned(), "b".to_owned()];
    scene.group.clone_from(&scene.config.delegated);
    scene
        .config
        .providers
        .push(unbroken::lab::ProviderConfig::new("c"));
    scene.purpose = Purpose::Fallback {
        from: "a".to_owned(),
        to: "c".to_owned(),
    };
    let found = findings(&Stage::new(scene.clone()).await).await;
    assert!(codes(&found).contains(&("group-of-several", true)), "{found:#?}");
    scene.purpose = Purpose::Fallback {
        from: "a".to_owned(),
        to: "b".to_owned(),
    };
    let found = findings(&Stage::new(scene.clone()).await).await;
    assert!(codes(&found).contains(&("already-a-member", true)), "{found:#?}");
    scene.purpose = Purpose::Fallback {
        from: "c".to_owned(),
        to: "b".to_owned(),
    };
    let found = findings(&Stage::new(scene).await).await;
    assert!(codes(&found).contains(&("not-a-member", true)), "{found:#?}");
}

#[tokio::test]
async fn what_needs_dnssec_is_told_of_and_named_to_whoever_approves() {
    let mut scene = fallback();
    scene.approves = false;
    scene.config.providers[0].publish_cds = false;
    scene.config.providers[1].publish_cds = false;
    let tlsa = unbroken::dns::Name::parse("_25._tcp.mail.shop.test.").unwrap();
    let rdata = [vec![3, 1, 1], vec![7; 32]].concat();
    scene
        .config
        .records
        .push(Record::new(tlsa, Rtype(52), 300, rdata));
    let stage = Stage::new(scene).await;
    let found = findings(&stage).await;
    assert_eq!(codes(&found), [("dane-while-insecure", false)]);
    assert!(
        found[0].text.contains("_25._tcp.mail.shop.test."),
        "{}",
        found[0].text
    );
    let (text, _) = asked(&stage, &mut opened(&stage).await).await;
    assert!(
        text.contains("_25._tcp.mail.shop.test.") && text.contains("The way back"),
        "{text}"
    );
    assert!(text.contains("for at least 36 min"), "{text}");
}

#[tokio::test]
async fn settings_may_forbid_it() {
    let stage = Stage::new(fallback()).await;
    let mut runner = stage.open(Box::new(Kept::default()), Box::new(Quiet));
    runner.survey().await.unwrap();
    runner.sweep().await.unwrap();
    let (made, _) = stage.plan(&runner);
    assert!(
        never_insecure(&made).is_some_and(|finding| finding.refuses() && finding.code == "never-insecure")
    );
}

async fn opened(stage: &Stage) -> Runner {
    let mut runner = stage.open(Box::new(Kept::default()), Box::new(Quiet));
    stage.prepare(&mut runner).await;
    runner
}

/// Goes on until a person is asked for the insecure step; gives what is said, and what every server shows then.
async fn asked(stage: &Stage, runner: &mut Runner) -> (String, String) {
    for _ in 0..20 {
        if let Ending::Owed(Decision::Person {
            what,
            text,
            approve: true,
        }) = runner.run(Until::Act).await.unwrap()
        {
            if what == "04-ds-remove-all" {
                return (text, stage.shown());
            }
            panic!("{what}: {text}");
        }
        stage.pass(60).await;
    }
    panic!("nobody was asked");
}

/// Without the word nothing at the parent and at the old provider is touched, however long it takes.
#[tokio::test]
async fn without_the_approval_nothing_is_changed() {
    let mut scene = fallback();
    scene.approves = false;
    for provider in &mut scene.config.providers {
        provider.publish_cds = false;
    }
    let stage = Stage::new(scene).await;
    let before = stage.shown();
    let mut runner = opened(&stage).await;
    let (text, shown) = asked(&stage, &mut runner).await;
    assert!(text.contains("the zone is insecure, from the moment"), "{text}");
    assert_eq!(shown, before);
    stage.pass(100_000).await;
    asked(&stage, &mut runner).await;
    assert_eq!(stage.shown(), before);
    stage.assert_crowd_is_well("without the approval");
    assert!(!runner.state.is_proven(&StepId("04-ds-remove-all".to_owned())));
    // A word for something else, or for another plan, does not count.
    let hash = runner.state.plan_hash.clone().unwrap();
    for (what, plan) in [
        ("04-ds-remove-all", "0".repeat(64)),
        (hash.clone().as_str(), hash.clone()),
        ("all", hash),
    ] {
        let approval = unbroken::workflow::Approval {
            what: what.to_owned(),
            plan,
            by: "eve".to_owned(),
            note: String::new(),
        };
        runner.approve(approval).unwrap();
        asked(&stage, &mut runner).await;
    }
    assert_eq!(stage.shown(), before);
}

/// Keys that nobody vouches for are found out before the DS goes, not in the insecure time.
#[tokio::test]
async fn the_newcomers_keys_are_authenticated_first() {
    let stage = Stage::new(fallback()).await;
    let kept = Kept::default();
    let exit = stage.process(&kept, Fate::Lives).await;
    Stage::assert_complete(&exit, "the fallback");
    let first = |wanted: &dyn Fn(&Event) -> bool| events(&kept).iter().position(wanted).unwrap();
    let keys = first(&|event| matches!(event, Event::Keys(keys) if keys.provider == "b"));
    let gone = first(&|event| matches!(event, Event::Intent(intent) if intent.step.0 == "04-ds-remove-all"));
    assert!(keys < gone);
}

/// Somebody removed the DS a moment ago: what may be in caches is counted, for as long as a DS may live there.
#[tokio::test]
async fn a_ds_that_is_gone_already_may_live_in_caches_for_a_day() {
    let mut scene = fallback();
    scene.config.providers[0].signer = SignerKind::Csk;
    let stage = Stage::new(scene).await;
    stage.pass(1_000).await;
    let zone = stage.world.zone().clone();
    stage.world.edit("registry", stage.clock.now(), |parent| {
        parent.remove_rrset(&zone, Rtype::DS);
    });
    let gone = stage.clock.now();
    let found = findings(&stage).await;
    assert!(found.iter().all(|one| !one.refuses()), "{found:#?}");
    assert!(codes(&found).contains(&("insecure-now", false)), "{found:#?}");
    assert!(codes(&found).contains(&("begun", false)), "{found:#?}");
    let kept = Kept::default();
    let exit = stage.process(&kept, Fate::Lives).await;
    let Exit::Ended(Ending::Complete(ended)) = exit else {
        panic!("{exit:#?}");
    };
    assert!(ended.continuous, "{ended:?}");
    let entries = unbroken::ports::JournalView::entries(&kept).unwrap();
    let led = entries
        .map(Result::unwrap)
        .find(|entry| entry.kind == "intent" && entry.body["step"] == "05-ns-at-parent")
        .unwrap();
    assert!(
        led.at.since(gone).as_secs() >= 86_400 + 300,
        "{}",
        led.at.since(gone).as_secs()
    );
    stage.pass(FORGOTTEN).await;
    assert_nobody_failed(&stage, "a DS that was gone already");
}

/// A provider that names itself for ever is left only on an assumption, as everywhere.
#[tokio::test]
async fn a_sticky_provider_needs_the_assumption() {
    let mut scene = fallback();
    scene.fixed = vec!["a".to_owned()];
    let found = findings(&Stage::new(scene.clone()).await).await;
    assert_eq!(codes(&found), [("apex-ns-fixed", true)]);
    scene.sticky_bounded = true;
    let stage = Stage::new(scene).await;
    let found = findings(&stage).await;
    assert!(found.is_empty(), "{found:#?}");
    let mut runner = stage.open(Box::new(Kept::default()), Box::new(Quiet));
    runner.survey().await.unwrap();
    runner.sweep().await.unwrap();
    let (made, _) = stage.plan(&runner);
    assert!(
        made.steps.iter().all(|step| !step.id.0.ends_with("ns-at-a")),
        "{:#?}",
        made.steps
    );
    let calendar = unbroken::workflow::forecast(&runner.state, &made, stage.clock.now().ceil_seconds());
    assert!(calendar.iter().all(|line| line.at.is_some()), "{calendar:#?}");
}

/// Settings that ask before each step: a word for a step is a word for that step, not for what a signer makes by itself, and the one
/// for the old provider's CDS does not stand for the DS.
#[tokio::test]
async fn a_word_for_one_thing_is_none_for_another() {
    let mut scene = fallback();
    scene.approves = false;
    let stage = Stage::new(scene).await;
    let mut runner = stage.open(Box::new(Kept::default()), Box::new(Quiet));
    runner.survey().await.unwrap();
    runner.sweep().await.unwrap();
    let (mut made, _) = stage.plan(&runner);
    for step in &mut made.steps {
        step.approval = true;
    }
    let hash = made.hash();
    runner.adopt(made).unwrap();
    let mut asked = Vec::new();
    for _ in 0..40 {
        match runner.run(Until::Act).await.unwrap() {
            Ending::Owed(Decision::Person {
                what, approve: true, ..
            }) => {
                asked.push(what.clone());
                if what == "04-ds-remove-all" {
                    break;
                }
                let approval = unbroken::workflow::Approval {
                    what,
                    plan: hash.clone(),
                    by: "ann".to_owned(),
                    note: String::new(),
                };
                runner.approve(approval).unwrap();
            }
            Ending::Owed(_) | Ending::Stepped(_) => stage.pass(60).await,
            other => panic!("{other:#?}"),
        }
    }
    assert_eq!(
        asked,
        [
            "01-no-cds-at-b",
            "own-cds-at-b",
            "03-no-cds-at-a",
            "04-ds-remove-all"
        ]
    );
    assert!(!stage.at("a", Rtype::CDS).is_empty() && !stage.at("registry", Rtype::DS).is_empty());
}
