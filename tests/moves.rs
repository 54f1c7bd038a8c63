//! Moves of every kind in virtual time, and what happens to them when servers, operators and providers do as they should
//! not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod stage;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stage::{Dice, Exit, Fate, Kept, Scene, Stage, events};
use unbroken::dns::{Name, Rcode, Record, Rtype};
use unbroken::evidence::Proto;
use unbroken::lab::{Asked, Before, Delays, Habit, ProviderConfig, RoleKey, SignerKind, SigningKey, Zone};
use unbroken::moment::Moment;
use unbroken::runner::{Ending, Reporter, Until};
use unbroken::workflow::{Approval, Decision, Event, Gate, Purpose, State};

use SignerKind::{Csk, KskZsk};

fn provider(name: &str, signer: SignerKind) -> ProviderConfig {
    ProviderConfig {
        signer,
        ..ProviderConfig::new(name)
    }
}

fn scene(providers: Vec<ProviderConfig>, group: &[&str], purpose: Purpose) -> Scene {
    let mut scene = Scene::migrate();
    scene.config.providers = providers;
    scene.config.delegated = group.iter().map(|name| (*name).to_owned()).collect();
    scene.group = scene.config.delegated.clone();
    scene.purpose = purpose;
    scene
}

fn join(signer: &str) -> Purpose {
    Purpose::Join {
        signer: signer.to_owned(),
    }
}

fn leave(signer: &str) -> Purpose {
    Purpose::Leave {
        signer: signer.to_owned(),
    }
}

fn migrate(from: &str, to: &str) -> Purpose {
    Purpose::Migrate {
        from: from.to_owned(),
        to: to.to_owned(),
    }
}

/// Moves, lets the last TTLs pass, and holds the end against what a group must be (continuity: every key that signs data
/// anywhere in every set, the DS RRset naming each signer, every copy of the NS RRset the same).
async fn moves(scene: Scene, after: &[&str]) {
    let what = format!("{} of {:?}", scene.purpose, scene.group);
    let stage = Stage::new(scene).await;
    let exit = stage.process(&Kept::default(), Fate::Lives).await;
    stage.pass(4_000).await;
    Stage::assert_complete(&exit, &what);
    stage.assert_crowd_is_well(&what);
    assert_group(&stage, after, &what);
}

fn assert_group(stage: &Stage, group: &[&str], what: &str) {
    let shown = stage.shown();
    let mut hosts: Vec<String> = group
        .iter()
        .flat_map(|name| stage.world.name_servers(name))
        .map(|name| name.to_string())
        .collect();
    hosts.sort();
    let (mut points, mut signing) = (Vec::new(), Vec::new());
    for name in group {
        let kinds = stage.world.read(name, |zone| zone.keys().len()).unwrap();
        let (point, sign) = if kinds == 1 {
            ("csk", "csk")
        } else {
            ("ksk", "zsk")
        };
        points.push(format!("{name}-{point}"));
        signing.push(format!("{name}-{sign}"));
    }
    assert_eq!(stage.at("registry", Rtype::DS), points, "{what}\n{shown}");
    assert_eq!(stage.at("registry", Rtype::NS), hosts, "{what}\n{shown}");
    let publish = stage
        .scene
        .config
        .providers
        .iter()
        .any(|provider| group.contains(&provider.name.as_str()) && provider.publish_cds);
    for name in group {
        let mut keys = signing.clone();
        keys.push(format!("{name}-ksk"));
        keys.retain(|key| key != &format!("{name}-ksk") || points.contains(key));
        keys.sort();
        keys.dedup();
        let there = stage.at(name, Rtype::DNSKEY);
        let lacking: Vec<_> = keys.iter().filter(|key| !there.contains(key)).collect();
        assert!(lacking.is_empty(), "{what}, at {name}: {lacking:?}\n{shown}");
        // The lab's own groups share their KSK too, which does no harm; of strangers nothing stays.
        let strangers: Vec<_> = there
            .iter()
            .filter(|key| !group.iter().any(|member| key.starts_with(&format!("{member}-"))))
            .collect();
        assert!(strangers.is_empty(), "{what}, at {name}: {strangers:?}\n{shown}");
        assert_eq!(stage.at(name, Rtype::NS), hosts, "{what}, at {name}\n{shown}");
        let cds = stage.at(name, Rtype::CDS);
        assert_eq!(cds, stage.at(name, Rtype::CDNSKEY), "{what}, at {name}\n{shown}");
        if publish {
            assert_eq!(cds, points, "{what}, at {name}\n{shown}");
        } else {
            assert!(cds.is_empty() || cds == points, "{what}, at {name}\n{shown}");
        }
    }
}

#[tokio::test]
async fn each_mix_of_signers_migrates() {
    for (a, b) in [(KskZsk, KskZsk), (KskZsk, Csk), (Csk, KskZsk), (Csk, Csk)] {
        moves(
            scene(
                vec![provider("a", a), provider("b", b)],
                &["a"],
                migrate("a", "b"),
            ),
            &["b"],
        )
        .await;
    }
}

#[tokio::test]
async fn each_mix_of_signers_joins_and_leaves() {
    for (a, b) in [(KskZsk, KskZsk), (KskZsk, Csk), (Csk, KskZsk), (Csk, Csk)] {
        let both = vec![provider("a", a), provider("b", b)];
        moves(scene(both.clone(), &["a"], join("b")), &["a", "b"]).await;
        moves(scene(both.clone(), &["a", "b"], leave("a")), &["b"]).await;
        moves(scene(both, &["a", "b"], leave("b")), &["a"]).await;
    }
}

#[tokio::test]
async fn three_providers() {
    let three = vec![provider("a", KskZsk), provider("b", Csk), provider("c", KskZsk)];
    moves(scene(three.clone(), &["a", "b"], join("c")), &["a", "b", "c"]).await;
    moves(scene(three.clone(), &["a", "b", "c"], leave("a")), &["b", "c"]).await;
    moves(scene(three, &["a", "b"], migrate("a", "c")), &["b", "c"]).await;
}

#[tokio::test]
async fn proofs_of_absence_of_both_kinds() {
    for (a, b) in [(true, false), (false, true), (true, true)] {
        let mut both = vec![provider("a", KskZsk), provider("b", KskZsk)];
        both[0].nsec3 = a;
        both[1].nsec3 = b;
        moves(scene(both, &["a"], migrate("a", "b")), &["b"]).await;
    }
}

#[tokio::test]
async fn cds_by_some_and_by_none() {
    for (a, b) in [(true, false), (false, true), (false, false)] {
        let mut both = vec![provider("a", KskZsk), provider("b", KskZsk)];
        both[0].publish_cds = a;
        both[1].publish_cds = b;
        moves(scene(both.clone(), &["a"], join("b")), &["a", "b"]).await;
        moves(scene(both, &["a"], migrate("a", "b")), &["b"]).await;
    }
}

#[tokio::test]
async fn algorithm_15_and_slow_servers() {
    let mut both = vec![provider("a", KskZsk), provider("b", Csk)];
    both[0].algorithm = 15;
    both[1].algorithm = 15;
    let mut scene = scene(both, &["a"], migrate("a", "b"));
    scene.config.delays = Delays {
        registry: Duration::from_secs(700),
        secondary: Duration::from_secs(90),
    };
    scene.interval = Duration::from_secs(200);
    scene.rules.patience = 60;
    moves(scene, &["b"]).await;
}

// What happens on the way.

/// What a run decided, and when.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<(Moment, Decision)>>>);

impl Diary {
    fn all(&self) -> Vec<(Moment, Decision)> {
        self.0.lock().unwrap().clone()
    }
}

type Hook = Box<dyn FnMut(Moment, &Decision) + Send>;

/// Writes the diary, and does to the world what the test wants to happen after a decision.
struct Watcher {
    diary: Diary,
    hook: Hook,
}

impl Reporter for Watcher {
    fn recorded(&mut self, _: Moment, _: &Event, _: &State) {}
    fn decided(&mut self, at: Moment, decision: &Decision, _: &State) {
        self.diary.0.lock().unwrap().push((at, decision.clone()));
        (self.hook)(at, decision);
    }
    fn sleeping(&mut self, _: Moment, _: Moment, _: &Decision) {}
}

struct Played {
    stage: Stage,
    exit: Exit,
    diary: Vec<(Moment, Decision)>,
    kept: Kept,
}

async fn played(scene: Scene, hook: impl FnOnce(&Stage) -> Hook) -> Played {
    let stage = Stage::new(scene).await;
    let (diary, kept) = (Diary::default(), Kept::default());
    let watcher = Watcher {
        diary: diary.clone(),
        hook: hook(&stage),
    };
    let mut runner = stage.open(Box::new(kept.clone()), Box::new(watcher));
    let exit = stage.go(&mut runner).await.unwrap();
    stage.pass(4_000).await;
    Played {
        diary: diary.all(),
        stage,
        exit,
        kept,
    }
}

fn waits_for<'a>(decision: &'a Decision, step: &str) -> Option<(Option<i64>, &'a str, Option<&'a Gate>)> {
    match decision {
        Decision::Wait {
            step: id,
            until,
            why,
            gate,
        } if id.0.ends_with(step) => Some((*until, why, gate.as_ref())),
        _ => None,
    }
}

fn acts_on(decision: &Decision, step: &str) -> bool {
    matches!(decision, Decision::Act { step: id, .. } if id.0.ends_with(step))
}

/// When the step was taken.
fn taken(diary: &[(Moment, Decision)], step: &str) -> Moment {
    let act = diary.iter().find(|(_, decision)| acts_on(decision, step));
    act.unwrap_or_else(|| panic!("{step} was never taken")).0
}

/// Does something once, at the first decision that waits with a gate for `step`.
fn once_waiting(step: &'static str, mut act: impl FnMut(Moment) + Send + 'static) -> Hook {
    let mut done = false;
    Box::new(move |at, decision| {
        if !done && waits_for(decision, step).is_some_and(|(_, _, gate)| gate.is_some()) {
            done = true;
            act(at);
        }
    })
}

/// Looks every minute, so that there is something to see in the middle of a wait.
fn watched() -> Scene {
    let mut scene = Scene::migrate();
    scene.interval = Duration::from_secs(60);
    scene
}

#[tokio::test]
async fn a_lowered_ttl_does_not_shorten_a_wait() {
    let undisturbed = played(watched(), |_| Box::new(|_, _| {})).await;
    let lowered = played(watched(), |stage| {
        let world = stage.world.clone();
        once_waiting("ns-at-a", move |now| {
            world.edit("registry", now, |zone| {
                let (ns, _) = zone.manner().delegation_ttls.unwrap();
                zone.manner_mut().delegation_ttls = Some((ns, 5));
                relay(zone, Rtype::DS, 5);
            });
            for name in ["a", "b"] {
                world.edit(name, now, |zone| zone.manner_mut().dnskey_ttl = 5);
            }
        })
    })
    .await;
    for played in [&undisturbed, &lowered] {
        Stage::assert_complete(&played.exit, "lowered TTLs");
        played.stage.assert_crowd_is_well("lowered TTLs");
    }
    assert!(
        lowered
            .diary
            .iter()
            .any(|(_, decision)| waits_for(decision, "ns-at-a").is_some()),
        "there was nothing to wait for"
    );
    for step in ["ns-at-a", "ns-at-parent"] {
        let (plain, with) = (taken(&undisturbed.diary, step), taken(&lowered.diary, step));
        assert!(with >= plain, "{step}: {with} before {plain}");
    }
}

/// The same records with another TTL.
fn relay(zone: &mut Zone, rtype: Rtype, ttl: u32) {
    let owners: Vec<Name> = zone.owners().cloned().collect();
    for owner in owners {
        let content = zone.content(&owner, rtype).cloned();
        for rdata in content.into_iter().flat_map(|content| content.rdatas) {
            zone.add(&Record::new(owner.clone(), rtype, ttl, rdata));
        }
    }
}

/// While ns-at-a is waited for, a server of a goes back to the DNSKEY RRset without foreign keys; after four minutes, if it
/// `mends`, its operator's next change reaches it.
fn relapsing(stage: &Stage, mends: bool) -> Hook {
    let world = stage.world.clone();
    let secondary = stage.world.addresses("a")[1];
    let apex = stage.world.zone().clone();
    let mut since: Option<Moment> = None;
    let mut state = 0;
    Box::new(move |at, decision| {
        let waiting = waits_for(decision, "ns-at-a").is_some_and(|(_, _, gate)| gate.is_some());
        let begun = since.is_some_and(|since| at >= since + Duration::from_secs(240));
        match state {
            0 if waiting => {
                since = Some(at);
                state = 1;
            }
            1 if begun => {
                let foreign = world
                    .read("a", |zone| zone.content(&apex, Rtype::DNSKEY).cloned())
                    .flatten()
                    .unwrap();
                world.edit_server(secondary, |zone| {
                    for rdata in &foreign.rdatas {
                        assert!(zone.remove(&apex, Rtype::DNSKEY, rdata));
                    }
                });
                since = Some(at);
                state = 2;
            }
            2 if begun && mends => {
                // Its operator's next change reaches it.
                world.edit("a", at, |_| {});
                state = 3;
            }
            _ => {}
        }
    })
}

/// A secondary of `a` falls back to its old DNSKEY RRset in the middle of the wait that is owed for that very set.
#[tokio::test]
async fn a_version_seen_again_closes_the_gate_again() {
    let undisturbed = played(watched(), |_| Box::new(|_, _| {})).await;
    let first = taken(&undisturbed.diary, "ns-at-a");
    let relapse = played(watched(), |stage| relapsing(stage, true)).await;
    Stage::assert_complete(&relapse.exit, "a relapse");
    relapse.stage.assert_crowd_is_well("a relapse");
    let then = taken(&relapse.diary, "ns-at-a");
    // Seen again for four minutes, which began four minutes after the wait; then its TTL of 300 s once more.
    assert!(then >= first + Duration::from_secs(150), "{then} against {first}");
}

/// What never mends leaves no way on: after a day a person is told, and nobody has failed.
#[tokio::test]
async fn a_version_that_comes_back_for_good_halts_after_a_day() {
    let relapse = played(watched(), |stage| relapsing(stage, false)).await;
    let Exit::Ended(Ending::Halted(Decision::Halt { what, choices, .. })) = &relapse.exit else {
        panic!("{:#?}", relapse.exit);
    };
    assert!(
        what.starts_with("no waiting helps since") && what.contains("against data at b signed by"),
        "{what}"
    );
    assert!(
        choices.iter().any(|one| one.contains("go back from step")),
        "{choices:?}"
    );
    relapse.stage.assert_crowd_is_well("a relapse for good");
    let waited = relapse.diary.iter().map(|(at, _)| *at);
    let (first, last) = (waited.clone().min().unwrap(), waited.max().unwrap());
    assert!(last.since(first) >= Duration::from_secs(86_400), "{last}");
}

/// What a server does to every message.
struct Sick(Before);

impl Habit for Sick {
    fn before(&self, _: &Asked<'_>) -> Before {
        self.0
    }
}

/// Takes the AA bit off every answer.
struct Lame;

impl Habit for Lame {
    fn after(&self, _: &Asked<'_>, mut answer: Vec<u8>) -> Option<Vec<u8>> {
        answer[2] &= !0x04;
        Some(answer)
    }
}

/// Answers over UDP only.
struct NoTcp;

impl Habit for NoTcp {
    fn before(&self, asked: &Asked<'_>) -> Before {
        match asked.proto {
            Proto::Tcp => Before::Drop,
            Proto::Udp => Before::Answer,
        }
    }
}

/// A secondary gets sick in the middle of a wait, beyond the time at which the gate would open, and gets well again.
async fn sickness(habit: Arc<dyn Habit>, operator: &'static str, what: &str) {
    let well = Arc::new(Mutex::new(None::<Moment>));
    let seen = well.clone();
    let played = played(watched(), |stage| {
        let world = stage.world.clone();
        let server: SocketAddr = stage.world.addresses(operator)[1];
        let mut since: Option<Moment> = None;
        Box::new(move |at, decision| {
            let waiting = waits_for(decision, "ns-at-a").is_some_and(|(_, _, gate)| gate.is_some());
            match since {
                None if waiting => {
                    world.set_habit(server, Some(habit.clone()));
                    since = Some(at);
                }
                Some(begun) if at >= begun + Duration::from_secs(2_000) => {
                    let mut well = seen.lock().unwrap();
                    if well.is_none() {
                        world.set_habit(server, None);
                        *well = Some(at);
                    }
                }
                _ => {}
            }
        })
    })
    .await;
    Stage::assert_complete(&played.exit, what);
    let well = well
        .lock()
        .unwrap()
        .unwrap_or_else(|| panic!("{what}: it ended while the server was sick"));
    let crowd = played.stage.tally.report();
    assert_eq!(crowd.failed() + crowd.unreachable(), 0, "{what}: {crowd:#?}");
    let said = played
        .diary
        .iter()
        .any(|(_, decision)| matches!(decision, Decision::Wait { why, .. } if why.contains("not every server answered")));
    assert!(
        said,
        "{what}: {:#?}",
        played
            .diary
            .iter()
            .map(|(at, d)| format!("{at} {d:?}").chars().take(200).collect::<String>())
            .collect::<Vec<_>>()
    );
    // Nothing was changed while it was sick.
    let begun = well - Duration::from_secs(2_000);
    let acts: Vec<_> = played
        .diary
        .iter()
        .filter(|(at, decision)| matches!(decision, Decision::Act { .. }) && *at > begun && *at < well)
        .collect();
    assert!(acts.is_empty(), "{what}: {acts:#?}");
}

#[tokio::test]
async fn a_sick_server_keeps_the_gate_closed_until_it_is_well() {
    sickness(Arc::new(Sick(Before::Drop)), "a", "no answer").await;
    sickness(Arc::new(Sick(Before::Code(Rcode::REFUSED))), "a", "REFUSED").await;
    sickness(Arc::new(Sick(Before::Code(Rcode::SERVFAIL))), "b", "SERVFAIL").await;
    sickness(Arc::new(Sick(Before::Code(Rcode::NXDOMAIN))), "a", "NXDOMAIN").await;
    sickness(Arc::new(Lame), "a", "lame").await;
    sickness(Arc::new(NoTcp), "a", "no TCP").await;
    sickness(
        Arc::new(Sick(Before::Drop)),
        "registry",
        "no answer of the parent",
    )
    .await;
    sickness(Arc::new(Lame), "registry", "lame parent").await;
}

/// Says NOERROR and does nothing.
struct Deaf;

impl Habit for Deaf {
    fn heed(&self, _: &Name, _: Vec<Record>) -> Vec<Record> {
        Vec::new()
    }
}

fn halted(exit: &Exit) -> (&str, &[String]) {
    match exit {
        Exit::Ended(Ending::Halted(Decision::Halt {
            what,
            safe,
            by,
            choices,
        })) => {
            assert!(safe.contains("resolvers are led to"), "{what}: {safe}");
            assert!(!by.why.is_empty(), "{what}: {by:?}");
            (what, choices)
        }
        other => panic!("{other:#?}"),
    }
}

#[tokio::test]
async fn an_operator_that_says_yes_and_does_nothing() {
    for operator in ["a", "b", "registry"] {
        let stage = Stage::new(Scene::migrate()).await;
        let primary = stage.world.primary(operator).unwrap();
        stage.world.set_habit(primary, Some(Arc::new(Deaf)));
        let kept = Kept::default();
        let exit = stage.process(&kept, Fate::Lives).await;
        let (what, choices) = halted(&exit);
        assert!(
            what.contains("8 times") && what.contains("no server shows it"),
            "{operator}: {what}"
        );
        assert!(choices.len() >= 3, "{choices:?}");
        stage.pass(4_000).await;
        stage.assert_crowd_is_well(operator);
        // A person mends it and starts the program again.
        stage.world.set_habit(primary, None);
        let exit = stage.process(&kept, Fate::Lives).await;
        Stage::assert_complete(&exit, operator);
        stage.pass(4_000).await;
        stage.assert_crowd_is_well(operator);
        assert_group(&stage, &["b"], operator);
    }
}

/// Refuses updates for want of authority, as a server does whose key was taken away.
struct Locked;

impl Habit for Locked {
    fn before(&self, asked: &Asked<'_>) -> Before {
        match asked.message.opcode {
            5 => Before::Code(Rcode::NOTAUTH),
            _ => Before::Answer,
        }
    }
}

#[tokio::test]
async fn an_operator_that_takes_the_key_away() {
    for operator in ["a", "registry"] {
        let stage = Stage::new(Scene::migrate()).await;
        let primary = stage.world.primary(operator).unwrap();
        stage.world.set_habit(primary, Some(Arc::new(Locked)));
        let kept = Kept::default();
        let exit = stage.process(&kept, Fate::Lives).await;
        let (what, choices) = halted(&exit);
        assert!(!choices.is_empty(), "{what}");
        // Run again without mending it: the same. Then it is mended.
        stage.pass(100).await;
        let exit = stage.process(&kept, Fate::Lives).await;
        assert_eq!(halted(&exit).0, what);
        stage.world.set_habit(primary, None);
        let exit = stage.process(&kept, Fate::Lives).await;
        Stage::assert_complete(&exit, operator);
        stage.pass(4_000).await;
        stage.assert_crowd_is_well(operator);
        assert_group(&stage, &["b"], operator);
    }
}

/// Somebody takes the old DS away while the old provider still serves: said at once, and never called continuous.
#[tokio::test]
async fn the_old_ds_removed_too_early() {
    let played = played(watched(), |stage| {
        let world = stage.world.clone();
        let (zone, old) = (stage.world.zone().clone(), stage.world.own_ds("a"));
        let mut done = false;
        Box::new(move |at, decision| {
            if !done && matches!(decision, Decision::Wait { step, .. } if step.0.ends_with("soak")) {
                done = true;
                world.edit("registry", at, |registry| {
                    for ds in &old {
                        assert!(registry.remove(&zone, Rtype::DS, &ds.rdata()));
                    }
                });
            }
        })
    })
    .await;
    let (what, choices) = halted(&played.exit);
    assert!(what.contains("bogus") && what.contains("at a: "), "{what}");
    assert!(!choices.is_empty());
    // The crowd saw it too: that is what the tool is there to prevent.
    assert!(played.stage.tally.report().failed() > 0);
    let runner = played
        .stage
        .open(Box::new(played.kept.clone()), Box::new(unbroken::runner::Quiet));
    let verdict = runner.verdict().unwrap();
    assert!(!verdict.continuous);
    assert!(!verdict.conflicts.is_empty());
    // It is repaired, and the move goes on; but the verdict stays.
    let (zone, old) = (played.stage.world.zone().clone(), played.stage.world.own_ds("a"));
    played
        .stage
        .world
        .edit("registry", played.stage.clock.now(), |registry| {
            for ds in &old {
                registry.add(&ds.record(&zone, 600));
            }
        });
    let exit = played.stage.process(&played.kept, Fate::Lives).await;
    let Exit::Ended(Ending::Complete(ended)) = &exit else {
        panic!("{exit:#?}");
    };
    assert!(!ended.continuous);
    assert_group(&played.stage, &["b"], "repaired");
}

/// The delegation to the newcomer before anybody knows its keys: repaired at once.
#[tokio::test]
async fn the_newcomer_delegated_too_early() {
    let played = played(watched(), |stage| {
        let world = stage.world.clone();
        let zone = stage.world.zone().clone();
        let mut done = false;
        Box::new(move |at, decision| {
            if !done && acts_on(decision, "keys-at-a") {
                done = true;
                world.edit("registry", at, |registry| {
                    for host in world.name_servers("b") {
                        registry.add(&Record::new(zone.clone(), Rtype::NS, 600, host.wire().to_vec()));
                    }
                });
            }
        })
    })
    .await;
    // The DS is what repairs it: it goes ahead of everything else, and the verdict stays.
    let ahead = |step: &str| taken(&played.diary, step);
    assert!(ahead("ds-add") <= ahead("cds-at-a"));
    let Exit::Ended(Ending::Complete(ended)) = &played.exit else {
        panic!("{:#?}", played.exit);
    };
    assert!(!ended.continuous);
    assert_group(&played.stage, &["b"], "delegated too early");
}

/// A provider throws foreign keys out in the middle of the move: they are put back, since that repairs.
#[tokio::test]
async fn foreign_keys_lost_are_put_back() {
    let played = played(watched(), |stage| {
        let world = stage.world.clone();
        let apex = stage.world.zone().clone();
        once_waiting("ns-at-a", move |now| {
            world.edit("a", now, |zone| {
                assert!(zone.remove_rrset(&apex, Rtype::DNSKEY));
            });
        })
    })
    .await;
    Stage::assert_complete(&played.exit, "keys lost");
    played.stage.assert_crowd_is_well("keys lost");
    assert_group(&played.stage, &["b"], "keys lost");
    let shared = events(&played.kept)
        .into_iter()
        .filter(|event| matches!(event, Event::Intent(intent) if intent.step.0.ends_with("01-keys-at-a")))
        .count();
    assert_eq!(shared, 2);
}

// Refused before anything is touched.

async fn refused(scene: Scene, prepare: impl FnOnce(&Stage)) -> Vec<String> {
    let stage = Stage::new(scene).await;
    prepare(&stage);
    let before = stage.shown();
    let exit = stage.process(&Kept::default(), Fate::Lives).await;
    let Exit::Refused(findings) = exit else {
        panic!("{exit:#?}");
    };
    assert!(findings.iter().all(|finding| !finding.remedy.is_empty()));
    assert_eq!(stage.shown(), before);
    findings.into_iter().map(|finding| finding.code).collect()
}

fn has(codes: &[String], code: &str) {
    assert!(codes.iter().any(|one| one == code), "{code} is not in {codes:?}");
}

#[tokio::test]
async fn refused_different_algorithms() {
    let mut scene = Scene::migrate();
    scene.config.providers[1].algorithm = 15;
    has(&refused(scene, |_| {}).await, "algorithms-differ");
}

#[tokio::test]
async fn refused_an_unsigned_newcomer() {
    let codes = refused(Scene::migrate(), |stage| {
        stage
            .world
            .edit("b", stage.clock.now(), |zone| zone.keys_mut().clear());
    })
    .await;
    has(&codes, "not-signing");
}

/// The key that signs the data is not in the DNSKEY RRset: no step of a move puts it back.
#[tokio::test]
async fn refused_a_zone_that_is_bogus_now() {
    let codes = refused(Scene::migrate(), |stage| {
        stage.world.edit("a", stage.clock.now(), |zone| {
            for key in zone.keys_mut() {
                key.published = key.signs_keys;
            }
        });
    })
    .await;
    has(&codes, "bogus-now");
}

#[tokio::test]
async fn refused_an_insecure_zone() {
    let codes = refused(Scene::migrate(), |stage| {
        let zone = stage.world.zone().clone();
        stage.world.edit("registry", stage.clock.now(), |registry| {
            registry.remove_rrset(&zone, Rtype::DS);
        });
    })
    .await;
    has(&codes, "insecure-now");
}

#[tokio::test]
async fn refused_an_unknown_name_server() {
    let codes = refused(Scene::migrate(), |stage| {
        let zone = stage.world.zone().clone();
        let stranger = stage.world.name_servers("registry").remove(0);
        stage.world.edit("registry", stage.clock.now(), |registry| {
            registry.add(&Record::new(
                zone.clone(),
                Rtype::NS,
                600,
                stranger.wire().to_vec(),
            ));
        });
    })
    .await;
    has(&codes, "unknown-name-server");
}

#[tokio::test]
async fn refused_a_sick_server() {
    let habits: [Arc<dyn Habit>; 4] = [
        Arc::new(Lame),
        Arc::new(Sick(Before::Drop)),
        Arc::new(Sick(Before::Code(Rcode::SERVFAIL))),
        Arc::new(NoTcp),
    ];
    for habit in habits {
        for operator in ["a", "b"] {
            let stage = Stage::new(Scene::migrate()).await;
            let server = stage.world.addresses(operator)[1];
            stage.world.set_habit(server, Some(habit.clone()));
            let exit = stage.process(&Kept::default(), Fate::Lives).await;
            let Exit::Refused(findings) = exit else {
                panic!("{exit:#?}");
            };
            assert!(
                findings
                    .iter()
                    .any(|finding| matches!(finding.code.as_str(), "no-answer" | "lame-server" | "no-tcp")),
                "{findings:?}"
            );
        }
    }
}

/// Two keys of one algorithm and tag: a KSK is drawn at `b` until it has the tag of one of `a`.
#[tokio::test]
async fn refused_keys_with_the_same_tag() {
    let codes = refused(Scene::migrate(), |stage| {
        let taken: Vec<u16> = stage
            .world
            .read("a", |zone| {
                zone.keys().iter().map(|key| key.key.dnskey().tag()).collect()
            })
            .unwrap();
        let clash = loop {
            let key = SigningKey::generate(unbroken::lab::ZSK_FLAGS, unbroken::lab::ECDSA_P256).unwrap();
            if taken.contains(&key.dnskey().tag()) {
                break key;
            }
        };
        stage.world.edit("b", stage.clock.now(), |zone| {
            zone.keys_mut().push(RoleKey {
                key: Arc::new(clash),
                signs_keys: false,
                signs_data: false,
                published: true,
            });
        });
    })
    .await;
    has(&codes, "key-tag-clash");
}

#[tokio::test]
async fn refused_wishes_that_make_no_sense() {
    let both = || vec![provider("a", KskZsk), provider("b", KskZsk)];
    has(
        &refused(scene(both(), &["a"], leave("a")), |_| {}).await,
        "last-signer",
    );
    has(
        &refused(scene(both(), &["a"], leave("b")), |_| {}).await,
        "not-a-member",
    );
    has(
        &refused(scene(both(), &["a", "b"], join("b")), |_| {}).await,
        "already-a-member",
    );
}

/// A server that was silent when it was asked over TCP is asked again as soon as it answers over UDP, and holds up nothing.
#[tokio::test]
async fn a_server_that_was_silent_over_tcp_is_asked_again() {
    let scene = || {
        let mut scene = watched();
        for provider in &mut scene.config.providers {
            provider.publish_cds = false;
        }
        scene.config.delays.secondary = Duration::from_secs(400);
        scene
    };
    let undisturbed = played(scene(), |_| Box::new(|_, _| {})).await;
    // The registry's second server is silent while the keys are on their way, when everything is asked over TCP too.
    let silent = played(scene(), |stage| {
        let world = stage.world.clone();
        let server = stage.world.addresses("registry")[1];
        let mut since: Option<Moment> = None;
        Box::new(move |at, decision| match since {
            None if acts_on(decision, "keys-at-b") => {
                world.set_habit(server, Some(Arc::new(Sick(Before::Drop))));
                since = Some(at);
            }
            Some(begun) if at >= begun + Duration::from_secs(430) => world.set_habit(server, None),
            _ => {}
        })
    })
    .await;
    for played in [&undisturbed, &silent] {
        Stage::assert_complete(&played.exit, "silent over TCP");
    }
    let (plain, with) = (
        taken(&undisturbed.diary, "ds-add"),
        taken(&silent.diary, "ds-add"),
    );
    assert!(with <= plain + Duration::from_secs(120), "{with} after {plain}");
}

/// Moves as `scene` says; a person has to approve one step, and says yes after half a day.
async fn with_a_slow_person(scene: Scene, step: &'static str) -> Vec<(Moment, Decision)> {
    let stage = Stage::new(scene).await;
    let diary = Diary::default();
    let watcher = Watcher {
        diary: diary.clone(),
        hook: Box::new(|_, _| {}),
    };
    let mut runner = stage.open(Box::new(Kept::default()), Box::new(watcher));
    runner.survey().await.unwrap();
    runner.sweep().await.unwrap();
    let (mut made, _) = stage.plan(&runner);
    for one in &mut made.steps {
        one.approval = one.id.0.ends_with(step);
    }
    let (plan, clock, asked) = (made.hash(), stage.clock.clone(), diary.clone());
    runner.inbox = Box::new(move || {
        let diary = asked.all();
        let question = diary.iter().find_map(|(at, decision)| match decision {
            Decision::Person {
                what, approve: true, ..
            } => Some((*at, what.clone())),
            _ => None,
        });
        let half_a_day = Duration::from_secs(43_200);
        let answered = question.filter(|(at, _)| clock.now() >= *at + half_a_day);
        let said = answered.map(|(_, what)| Approval {
            what,
            plan: plan.clone(),
            by: "ann".to_owned(),
            note: String::new(),
        });
        said.into_iter().collect()
    });
    runner.adopt(made).unwrap();
    let ending = runner.run(Until::Complete).await.unwrap();
    assert!(matches!(ending, Ending::Complete(_)), "{ending:?}");
    diary.all()
}

/// Only what follows from a person's word waits for it: another step is taken when its gate opens, and not at the next look.
#[tokio::test]
async fn a_slow_person_holds_up_no_other_step() {
    let mut scene = Scene::migrate();
    scene.config.ttls.data = Some(900);
    let quick = with_a_slow_person(scene.clone(), "no-such-step").await;
    let slow = with_a_slow_person(scene, "ds-remove").await;
    let at = |diary: &[(Moment, Decision)], step| taken(diary, step);
    assert!(at(&slow, "ds-remove") >= at(&quick, "ds-remove") + Duration::from_secs(43_200));
    assert_eq!(
        at(&slow, "keys-at-b-without-a"),
        at(&quick, "keys-at-b-without-a")
    );
}

/// Chance decides how servers lag; the end is always the same.
#[tokio::test]
async fn by_chance() {
    for seed in 1..=6 {
        let mut dice = Dice::new(seed);
        let kinds = [KskZsk, Csk];
        let mut kind = || kinds[dice.below(2) as usize];
        let both = vec![provider("a", kind()), provider("b", kind())];
        let mut scene = scene(both, &["a"], migrate("a", "b"));
        scene.config.delays = Delays {
            registry: Duration::from_secs(dice.below(1_200)),
            secondary: Duration::from_secs(dice.below(300)),
        };
        scene.interval = Duration::from_secs(60 + dice.below(600));
        scene.seed = seed;
        moves(scene, &["b"]).await;
    }
}
