//! A run may be killed at any moment: whoever starts it again gets to the same end, and no resolver notices.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod stage;

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use stage::{Dice, Fate, Kept, Scene, Stage, events};
use unbroken::adapters::journal::FileJournal;
use unbroken::lab::Delays;
use unbroken::runner::{Ending, Quiet};
use unbroken::workflow::{Decision, Event};

/// Long enough that every server shows what its operator last decided.
const SETTLED: u64 = 900;

/// A move that nothing disturbs.
struct Undisturbed {
    kinds: Vec<String>,
    shown: String,
}

async fn undisturbed(scene: &Scene) -> Undisturbed {
    let stage = Stage::new(scene.clone()).await;
    let kept = Kept::default();
    let exit = stage.process(&kept, Fate::Lives).await;
    Stage::assert_complete(&exit, "undisturbed");
    stage.pass(SETTLED).await;
    stage.assert_crowd_is_well("undisturbed");
    Undisturbed {
        kinds: kept.kinds(),
        shown: stage.shown(),
    }
}

/// Kills the first process as `fate` says, lets the world go on, starts another, and compares the ends.
async fn killed_once(scene: &Scene, fate: Fate, number: usize, model: &Undisturbed) {
    let scene = Scene {
        seed: number as u64 + 1,
        pace: scene.pace * 2,
        ..scene.clone()
    };
    let stage = Stage::new(scene).await;
    let kept = Kept::default();
    let exit = stage.process(&kept, fate).await;
    assert!(matches!(exit, stage::Exit::Killed), "{fate:?}: {exit:?}");
    let mut dice = Dice::new(number as u64);
    let span = match dice.below(3) {
        0 => 0,
        1 => dice.below(30),
        _ => dice.below(2_000),
    };
    stage.pass(span).await;
    let exit = stage.process(&kept, Fate::Lives).await;
    stage.pass(SETTLED).await;
    let what = format!(
        "{fate:?} ({}), resumed {span} s later",
        model.kinds.get(number).map_or("the end", String::as_str)
    );
    Stage::assert_complete(&exit, &what);
    stage.assert_crowd_is_well(&what);
    assert_eq!(stage.shown(), model.shown, "{what}");
    nothing_is_done_twice(&kept, &what);
}

/// One kill costs one repetition at most, and what was proven is not tried again.
fn nothing_is_done_twice(kept: &Kept, what: &str) {
    let mut tries = std::collections::BTreeMap::new();
    let mut proven = std::collections::BTreeSet::new();
    let mut ends = 0;
    for event in events(kept) {
        match event {
            Event::Intent(intent) => {
                assert!(!proven.contains(&intent.step), "{what}: {} again", intent.step);
                *tries.entry(intent.step).or_insert(0) += 1;
            }
            Event::Proven(step) => assert!(proven.insert(step.step), "{what}: proven twice"),
            Event::End(_) => ends += 1,
            _ => {}
        }
    }
    assert_eq!(ends, 1, "{what}: ends");
    let repeated: usize = tries.values().map(|tries| tries - 1).sum();
    assert!(repeated <= 1, "{what}: {tries:?}");
}

#[tokio::test]
async fn undisturbed_it_is_the_same_each_time() {
    let scene = Scene::migrate();
    let begun = std::time::Instant::now();
    let first = undisturbed(&scene).await;
    println!(
        "{} entries in {:?}\n{}",
        first.kinds.len(),
        begun.elapsed(),
        first.shown
    );
    let second = undisturbed(&scene).await;
    assert_eq!(first.kinds, second.kinds);
    assert_eq!(first.shown, second.shown);
}

fn delayed() -> Scene {
    let mut scene = Scene::migrate();
    scene.config.delays = Delays {
        registry: Duration::from_secs(400),
        secondary: Duration::from_secs(45),
    };
    scene.rules.patience = 600;
    scene.interval = Duration::from_secs(120);
    scene.pace = Duration::from_secs(150);
    scene
}

/// A registry that publishes much later than one is used to wait is slow, not broken.
#[tokio::test]
async fn a_slow_registry_is_waited_for() {
    let mut scene = delayed();
    scene.rules.patience = 30;
    let slow = undisturbed(&scene).await;
    let quick = undisturbed(&Scene::migrate()).await;
    assert_eq!(slow.shown, quick.shown);
}

/// Two tests of one, side by side.
async fn killed_after_every_second_entry(from: usize) {
    let scene = Scene::migrate();
    let model = undisturbed(&scene).await;
    for entry in (from..=model.kinds.len()).step_by(2) {
        killed_once(&scene, Fate::After(entry), entry, &model).await;
    }
}

#[tokio::test]
async fn killed_after_each_entry_with_an_odd_number() {
    killed_after_every_second_entry(1).await;
}

#[tokio::test]
async fn killed_after_each_entry_with_an_even_number() {
    killed_after_every_second_entry(2).await;
}

#[tokio::test]
async fn killed_before_an_entry_when_the_work_for_it_is_done() {
    let scene = Scene::migrate();
    let model = undisturbed(&scene).await;
    for (index, kind) in model.kinds.iter().enumerate() {
        // Before whatever else than a look nothing was done outside since the entry before, but for outcomes.
        if matches!(kind.as_str(), "outcome" | "keys" | "end") || index % 4 == 0 {
            killed_once(&scene, Fate::Before(index + 1), index + 1, &model).await;
        }
    }
}

/// The change is on its way through the registry, or to a secondary, when the process is killed.
#[tokio::test]
async fn killed_around_each_change_while_servers_lag() {
    let scene = delayed();
    let model = undisturbed(&scene).await;
    assert!(model.kinds.len() > 123, "{}", model.kinds.len());
    for (index, kind) in model.kinds.iter().enumerate() {
        let entry = index + 1;
        match kind.as_str() {
            // Intended and not done; done and not written down.
            "intent" => {
                killed_once(&scene, Fate::After(entry), entry, &model).await;
                killed_once(&scene, Fate::Before(entry + 1), entry, &model).await;
            }
            "outcome" | "proven" if index % 3 == 0 => {
                killed_once(&scene, Fate::After(entry), entry, &model).await;
            }
            _ => {}
        }
    }
}

/// The latest decisions and whatever else was no look, for whoever has to find out why it did not end.
fn last_decisions(kept: &Kept) -> Vec<String> {
    let mut said: Vec<String> = events(kept)
        .iter()
        .filter(|event| {
            !matches!(
                event.kind(),
                "begin" | "inventory" | "servers" | "sweep" | "channel"
            )
        })
        .map(|event| format!("{event:?}").chars().take(300).collect())
        .collect();
    said.split_off(said.len().saturating_sub(12))
}

/// Kills every process, however far it got. `fate` says when, given the number of the process and of the step's tries.
async fn killed_always(scene: Scene, mut fate: impl FnMut(&mut Dice) -> Fate, seed: u64) -> usize {
    let shown = undisturbed(&scene).await.shown;
    let stage = Stage::new(Scene { seed, ..scene }).await;
    let kept = Kept::default();
    let mut dice = Dice::new(seed);
    let mut processes = 0;
    let exit = loop {
        processes += 1;
        assert!(processes < 200, "no end: {:#?}", last_decisions(&kept));
        let fate = fate(&mut dice);
        match stage.process(&kept, fate).await {
            stage::Exit::Killed => {}
            exit => break exit,
        }
        stage.pass(dice.below(200)).await;
    };
    Stage::assert_complete(&exit, "killed always");
    stage.pass(SETTLED).await;
    stage.assert_crowd_is_well("killed always");
    assert_eq!(stage.shown(), shown);
    processes
}

/// Each process looks around, gets one entry of work onto the disk, and is killed before the next: what an intent is for is
/// done, and its outcome never written down.
#[tokio::test]
async fn every_process_manages_one_entry() {
    let processes = killed_always(Scene::migrate(), |_| Fate::BeforeWork(2), 7).await;
    assert!(processes > 20, "{processes}");
}

/// As often before the change as after it.
#[tokio::test]
async fn every_process_is_killed_by_chance() {
    for seed in 1..=4 {
        let fate = |dice: &mut Dice| match dice.below(2) {
            0 => Fate::BeforeWork(1 + dice.below(4) as usize),
            _ => Fate::AfterWork(1 + dice.below(4) as usize),
        };
        let scene = if seed % 2 == 0 {
            delayed()
        } else {
            Scene::migrate()
        };
        let processes = killed_always(scene, fate, seed).await;
        assert!(processes > 15, "{processes}");
    }
}

/// A process that is killed each time before its change is made has done no harm, and says after a while that it is stuck.
#[tokio::test]
async fn killed_before_the_change_for_ever() {
    let stage = Stage::new(Scene::migrate()).await;
    let before = stage.shown();
    let kept = Kept::default();
    let mut exits = Vec::new();
    for _ in 0..60 {
        let intents = kept.kinds().iter().filter(|kind| *kind == "intent").count();
        // The entry after the next intent is never reached.
        let exit = stage.process(&kept, Fate::AfterIntent).await;
        if let stage::Exit::Ended(ending) = exit {
            exits.push((intents, ending));
            break;
        }
        stage.pass(40).await;
    }
    let [(intents, Ending::Halted(Decision::Halt { what, choices, .. }))] = exits.as_slice() else {
        panic!("{exits:?}");
    };
    assert_eq!(*intents, 8);
    assert!(
        what.contains("nobody knows what came of the last attempt"),
        "{what}"
    );
    assert!(choices.len() >= 2, "{choices:?}");
    assert_eq!(stage.shown(), before);
    stage.assert_crowd_is_well("stuck");
}

/// A process that writes to files, in a folder that holds what another left.
async fn on_files(stage: &Stage, dir: &Path) -> stage::Exit {
    let journal = FileJournal::open(dir, stage.clock.now(), "run").unwrap();
    let mut runner = stage.open(Box::new(journal), Box::new(Quiet));
    stage.go(&mut runner).await.unwrap()
}

fn cut(dir: &Path, octets: u64) {
    let file = File::options()
        .write(true)
        .open(dir.join("journal.ndjson"))
        .unwrap();
    file.set_len(octets).unwrap();
}

/// The power fails while a line is being written: some of its octets are on the disk, and nothing was done on its strength.
#[tokio::test]
async fn the_last_line_is_torn() {
    let scene = Scene::migrate();
    let model = undisturbed(&scene).await;
    let mut dice = Dice::new(11);
    let mut entry = 1;
    while entry <= model.kinds.len() {
        let stage = Stage::new(scene.clone()).await;
        let kept = Kept::default();
        let exit = stage.process(&kept, Fate::After(entry)).await;
        assert!(matches!(exit, stage::Exit::Killed));
        let dir = tempfile::tempdir().unwrap();
        kept.with(|journal| journal.write_to(dir.path())).unwrap();
        let octets = kept.with(|journal| journal.octets());
        let whole = octets.len() as u64;
        let line = octets[..octets.len() - 1]
            .rsplit(|octet| *octet == b'\n')
            .next()
            .unwrap()
            .len() as u64
            + 1;
        // From the whole line without its newline down to its first octet.
        let left = match dice.below(4) {
            0 => line - 1,
            1 => 1,
            _ => 1 + dice.below(line - 1),
        };
        cut(dir.path(), whole - line + left);
        stage.pass(dice.below(600)).await;
        let exit = on_files(&stage, dir.path()).await;
        let what = format!(
            "{left} of {line} octets of entry {entry} ({})",
            model.kinds[entry - 1]
        );
        Stage::assert_complete(&exit, &what);
        stage.pass(SETTLED).await;
        stage.assert_crowd_is_well(&what);
        assert_eq!(stage.shown(), model.shown, "{what}");
        entry += 1 + dice.below(9) as usize;
    }
}

/// The journal lost its end, as after an old copy was put back, and the world is further than it says. Nothing may break;
/// the move is finished once more, or a person is asked.
#[tokio::test]
async fn the_end_of_the_journal_is_lost() {
    let scene = Scene::migrate();
    let model = undisturbed(&scene).await;
    let mut dice = Dice::new(23);
    let (mut complete, mut halted) = (0, 0);
    for round in 0..14 {
        let stage = Stage::new(scene.clone()).await;
        let kept = Kept::default();
        // Every second time the world is in the middle of the move.
        let fate = match round % 2 {
            0 => Fate::Lives,
            _ => Fate::After(20 + dice.below(100) as usize),
        };
        stage.process(&kept, fate).await;
        let dir = tempfile::tempdir().unwrap();
        kept.with(|journal| journal.write_to(dir.path())).unwrap();
        let whole = kept.with(|journal| journal.octets().len()) as u64;
        let left = dice.below(whole);
        cut(dir.path(), left);
        stage.pass(dice.below(2_000)).await;
        let exit = on_files(&stage, dir.path()).await;
        stage.pass(SETTLED).await;
        let what = format!("round {round}: {left} of {whole} octets: {exit:?}");
        stage.assert_crowd_is_well(&what);
        match &exit {
            stage::Exit::Ended(Ending::Complete(_)) => {
                complete += 1;
                assert_eq!(served(&stage.shown()), served(&model.shown), "{what}");
            }
            stage::Exit::Ended(Ending::Halted(Decision::Halt { choices, .. })) => {
                halted += 1;
                assert!(!choices.is_empty(), "{what}");
            }
            stage::Exit::Refused(findings) => {
                halted += 1;
                assert!(!findings.is_empty(), "{what}");
            }
            _ => panic!("{what}"),
        }
    }
    println!("{complete} complete, {halted} halted");
    assert!(complete > 3, "{complete} complete, {halted} halted");
}

/// What is served, without how often it was changed, at those that serve the zone in the end.
fn served(shown: &str) -> Vec<&str> {
    shown
        .lines()
        .filter(|line| !line.contains("serial") && !line.starts_with("a "))
        .collect()
}
