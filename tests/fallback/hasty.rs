//! Orders and waits that are wrong: the crowd fails, the checker says so beforehand, and the gates do not open.

use unbroken::dns::{Record, Rtype};
use unbroken::moment::Moment;
use unbroken::runner::{Ending, Quiet, Runner, Until};
use unbroken::workflow::{Decision, Mixture, StepId, decide, foretell};

use crate::scene::{assert_nobody_failed, fallback};
use crate::stage::{Kept, Scene, Stage};

/// The crowd asks often enough to hold every kind of answer at each turn.
fn busy() -> Scene {
    let mut scene = fallback();
    scene.pace = std::time::Duration::from_secs(4);
    scene
}

/// Drives the plan until that step is proven, and no step further.
pub(crate) async fn driven_to(stage: &Stage, kept: &Kept, step: &str) -> Runner {
    let mut runner = stage.open(Box::new(kept.clone()), Box::new(Quiet));
    stage.prepare(&mut runner).await;
    for _ in 0..100 {
        if runner.state.is_proven(&StepId(step.to_owned())) {
            return runner;
        }
        match runner.run(Until::Act).await.unwrap() {
            Ending::Owed(Decision::Wait {
                until: Some(until), ..
            }) => {
                stage.clock.sleep_until(Moment::from_seconds(until)).await;
            }
            Ending::Stepped(_) | Ending::Owed(_) => stage.pass(5).await,
            Ending::Complete(_) => return runner,
            other => panic!("{other:#?}"),
        }
    }
    panic!("{step} is not reached");
}

fn rules(mixtures: &[Mixture]) -> Vec<&str> {
    let mut rules: Vec<&str> = mixtures.iter().map(|one| one.rule.as_str()).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

fn foretold(runner: &Runner, step: &str) -> Vec<Mixture> {
    foretell(&runner.state, &StepId(step.to_owned()))
}

/// When the gate of a step opens that waits for nothing else.
fn opens(runner: &Runner, step: &str) -> i64 {
    match decide(&runner.state) {
        Decision::Wait {
            step: waiting,
            until: Some(until),
            gate: Some(_),
            ..
        } => {
            assert_eq!(waiting.0, step);
            until
        }
        other => panic!("{other:?}"),
    }
}

fn failing(stage: &Stage) -> Vec<String> {
    let report = stage.tally.report();
    let failed = report.resolvers.into_iter().filter(|one| one.failed > 0);
    failed.map(|one| one.name).collect()
}

fn delegate(stage: &Stage, to: &str, at: &[&str]) {
    let zone = stage.world.zone().clone();
    for operator in at {
        stage.world.edit(operator, stage.clock.now(), |own| {
            own.remove_rrset(&zone, Rtype::NS);
            for host in stage.world.name_servers(to) {
                own.add(&Record::new(zone.clone(), Rtype::NS, 600, host.wire().to_vec()));
            }
        });
    }
}

fn add_ds(stage: &Stage, of: &str) {
    let zone = stage.world.zone().clone();
    let set = stage.world.own_ds(of);
    stage.world.edit("registry", stage.clock.now(), |parent| {
        for ds in &set {
            parent.add(&ds.record(&zone, 600));
        }
    });
}

/// The delegation is changed when the DS has left the caches and the DNSKEY RRset that it vouched for has not.
#[tokio::test]
async fn a_delegation_that_waits_for_the_ds_alone_breaks_key_caches() {
    let mut scene = busy();
    scene.config.ttls.dnskey = 7_200;
    let stage = Stage::new(scene).await;
    stage.pass(2_000).await;
    let runner = driven_to(&stage, &Kept::default(), "04-ds-remove-all").await;
    let looked = runner.state.last_sweep.as_ref().unwrap().started.floor_seconds();
    assert!(opens(&runner, "05-ns-at-parent") >= looked + 600 + 7_200);
    assert_eq!(
        rules(&foretold(&runner, "05-ns-at-parent")),
        ["dnskey-data", "ds-dnskey"]
    );
    stage.pass(640).await;
    assert_nobody_failed(&stage, "before the delegation is changed");
    delegate(&stage, "b", &["registry", "a"]);
    stage.pass(3_000).await;
    let failing = failing(&stage);
    assert!(
        failing.contains(&"key-cache".to_owned()) && failing.contains(&"key-cache-child-centric".to_owned()),
        "{failing:?}"
    );
}

/// The delegation is changed at once.
#[tokio::test]
async fn a_delegation_that_waits_for_nothing_breaks_most() {
    let mut scene = busy();
    scene.config.ttls.ds = 7_200;
    let stage = Stage::new(scene).await;
    stage.pass(2_000).await;
    driven_to(&stage, &Kept::default(), "04-ds-remove-all").await;
    assert_nobody_failed(&stage, "before the delegation is changed");
    delegate(&stage, "b", &["registry", "a"]);
    stage.pass(6_000).await;
    let failing = failing(&stage);
    assert!(failing.len() >= 4, "{failing:?}");
}

/// The DS of the newcomer comes while answers of the old provider are cached.
#[tokio::test]
async fn a_ds_that_comes_too_early_breaks_whoever_holds_old_answers() {
    let stage = Stage::new(busy()).await;
    stage.pass(2_000).await;
    let kept = Kept::default();
    let mut runner = driven_to(&stage, &kept, "06-ns-at-a").await;
    assert_nobody_failed(&stage, "while it is insecure");
    runner.run(Until::Act).await.unwrap();
    let looked = runner.state.last_sweep.as_ref().unwrap().started.floor_seconds();
    assert!(opens(&runner, "07-ds-add") > looked + 600);
    let mixtures = foretold(&runner, "07-ds-add");
    assert!(rules(&mixtures).contains(&"ds-dnskey"), "{mixtures:?}");
    add_ds(&stage, "b");
    stage.pass(3_000).await;
    assert!(!failing(&stage).is_empty());
}

/// The classic outage: the old provider stops signing as soon as the DS is gone.
#[tokio::test]
async fn an_old_provider_that_unsigns_at_once_breaks_whoever_holds_its_ds() {
    let stage = Stage::new(busy()).await;
    stage.pass(2_000).await;
    let kept = Kept::default();
    let mut runner = driven_to(&stage, &kept, "04-ds-remove-all").await;
    stage
        .world
        .edit("a", stage.clock.now(), |zone| zone.keys_mut().clear());
    stage.pass(30).await;
    runner.sweep().await.unwrap();
    let told = unbroken::workflow::failing(&runner.state);
    assert!(rules(&told).contains(&"ds-data"), "{told:?}");
    stage.pass(3_000).await;
    assert!(failing(&stage).len() > 5, "{:?}", failing(&stage));
}

/// The DS is back before the delegation is changed: harmless, and resolvers are not led on under it.
#[tokio::test]
async fn a_ds_that_comes_back_is_noticed_before_resolvers_are_led_on() {
    let stage = Stage::new(busy()).await;
    stage.pass(2_000).await;
    let kept = Kept::default();
    let mut runner = driven_to(&stage, &kept, "04-ds-remove-all").await;
    stage.pass(200).await;
    add_ds(&stage, "a");
    stage.pass(1_500).await;
    let Ending::Halted(Decision::Halt { what, choices, .. }) = runner.run(Until::Complete).await.unwrap()
    else {
        panic!("it did not halt");
    };
    assert!(what.contains("04-ds-remove-all was done and is undone"), "{what}");
    assert!(
        choices[0].contains("a DS is back that step 04-ds-remove-all took away"),
        "{choices:?}"
    );
    assert!(
        choices[0].contains("safe at once") && choices[0].contains("- shop.test. 600 IN DS"),
        "{choices:?}"
    );
    // A person takes it away again; the wait counts from there.
    let zone = stage.world.zone().clone();
    stage.world.edit("registry", stage.clock.now(), |parent| {
        parent.remove_rrset(&zone, Rtype::DS);
    });
    let away = stage.clock.now();
    let mut runner = driven_to(&stage, &kept, "05-ns-at-parent").await;
    assert!(stage.clock.now().since(away).as_secs() >= 600 + 300);
    let ending = runner.run(Until::Complete).await.unwrap();
    assert!(
        matches!(ending, Ending::Complete(ref ended) if ended.continuous),
        "{ending:#?}"
    );
    assert_nobody_failed(&stage, "with a DS that came back");
}

/// The old DS is back when resolvers are led to the newcomer: bogus, and said at once what to take away.
#[tokio::test]
async fn an_old_ds_that_comes_back_late_is_a_halt_that_names_it() {
    let stage = Stage::new(busy()).await;
    stage.pass(2_000).await;
    let kept = Kept::default();
    let mut runner = driven_to(&stage, &kept, "05-ns-at-parent").await;
    add_ds(&stage, "a");
    let Ending::Halted(Decision::Halt { what, choices, .. }) = runner.run(Until::Complete).await.unwrap()
    else {
        panic!("it did not halt");
    };
    assert!(what.contains("bogus"), "{what}");
    assert!(
        choices[0].contains("a DS is back that step 04-ds-remove-all took away"),
        "{choices:?}"
    );
}
