//! Whole moves by the real runner, drawn at random and judged in full. docs/simulation.md says what is drawn and what is judged.
//!
//! ```text
//! cargo test --test random_moves                                                        a few thousand
//! UNBROKEN_MOVES=1000000 cargo test --release --test random_moves thousands -- --nocapture    a million
//! UNBROKEN_SEED=77 cargo test --release --test random_moves thousands -- --nocapture    only that one, with all that happens
//! UNBROKEN_SEED=77 UNBROKEN_MOVES=100 ...                                               a hundred from that one on
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod simulator;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use simulator::{Figures, Scenario, Workshop, Wrong, trial};

/// How many are played if nobody says otherwise.
const MOVES: u64 = 2_000;
/// So many that are wrong are shown.
const SHOWN: usize = 5;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable}={text} is no number")),
    )
}

struct Run {
    first: u64,
    moves: u64,
    threads: u64,
    tells: bool,
    /// By hand: shows how far it is.
    shows: bool,
}

impl Run {
    fn from_environment() -> Run {
        let (seed, moves) = (number("UNBROKEN_SEED"), number("UNBROKEN_MOVES"));
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
        let one = seed.is_some() && moves.is_none();
        Run {
            first: seed.unwrap_or(1),
            moves: moves.unwrap_or(if one { 1 } else { MOVES }),
            threads: number("UNBROKEN_THREADS").unwrap_or(cores),
            tells: one,
            shows: moves.is_some(),
        }
    }

    fn play(&self) -> (Figures, Vec<String>) {
        let next = AtomicU64::new(0);
        let all = Mutex::new((Figures::default(), Vec::new()));
        let begun = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..self.threads {
                scope.spawn(|| {
                    let workshop = Workshop::new(self.tells);
                    while let Some(seed) = self.take(&next) {
                        let scenario = Scenario::draw(seed);
                        if self.tells {
                            println!("{scenario:#?}");
                        }
                        let verdict = trial(&scenario, &workshop, None);
                        let mut all = all.lock().unwrap();
                        all.0.add(&verdict);
                        for wrong in &verdict.wrong {
                            let reproduce = format!(
                                "UNBROKEN_SEED={seed} cargo test --release --test random_moves thousands -- --nocapture"
                            );
                            println!("seed {seed}: {wrong}\n    {reproduce}");
                            all.1.push(format!("seed {seed}: {wrong}"));
                        }
                        if self.shows && all.0.moves % 1_000 == 0 {
                            self.show(all.0.moves, begun.elapsed());
                        }
                        if all.1.len() >= SHOWN {
                            next.store(self.moves, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        all.into_inner().unwrap()
    }

    fn take(&self, next: &AtomicU64) -> Option<u64> {
        let number = next.fetch_add(1, Ordering::Relaxed);
        (number < self.moves).then(|| self.first + number)
    }

    fn show(&self, done: u64, took: Duration) {
        let each = took.as_secs_f64() / done as f64;
        let left = each * (self.moves - done) as f64;
        println!(
            "{done} of {} moves, {:.1} ms each, {left:.0} s to go",
            self.moves,
            1_000.0 * each
        );
    }
}

#[test]
fn thousands_of_moves_and_no_resolver_fails() {
    let run = Run::from_environment();
    let begun = Instant::now();
    let (figures, wrong) = run.play();
    println!(
        "seeds {} to {}, in {:.0} s\n{figures}",
        run.first,
        run.first + figures.moves.max(1) - 1,
        begun.elapsed().as_secs_f64()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(figures.moves, run.moves);
    if run.moves >= MOVES {
        // All of it was drawn that was meant to be.
        assert!(figures.kills > run.moves / 10, "kills");
        assert!(figures.rolls > run.moves / 50, "rolls");
        assert!(figures.silences > run.moves / 20, "silences");
        assert!(figures.broke > 0 && figures.broke_for_somebody > 0, "faults");
        assert!(figures.complete > run.moves * 9 / 10, "complete");
    }
}

/// Moves that once found something: a gate that opened while a person was waited for, a server that was silent over TCP, and
/// a person who was told too little.
const FOUND: [u64; 8] = [267, 238, 1469, 1697, 9078, 10011, 27144, 32033];

#[test]
fn what_was_found_once_is_not_found_again() {
    let workshop = Workshop::new(false);
    for seed in FOUND {
        let verdict = trial(&Scenario::draw(seed), &workshop, None);
        assert!(verdict.wrong.is_empty(), "seed {seed}: {:?}", verdict.wrong);
    }
}

/// A seed gives the same move again, whatever was played before it.
#[test]
fn a_seed_gives_the_same_move_again() {
    let worn = Workshop::new(false);
    for seed in 1..=12 {
        let scenario = Scenario::draw(seed);
        let (first, again) = (
            trial(&scenario, &worn, None),
            trial(&scenario, &Workshop::new(false), None),
        );
        assert_eq!(first.shape(), again.shape(), "seed {seed}");
    }
}

/// How many moves it takes until a program that does something wrong is found out, and by what words.
fn found_out(wrong: Wrong, within: u64, words: &[&str]) {
    let workshop = Workshop::new(false);
    let mut said = Vec::new();
    for seed in 1..=within {
        let scenario = Scenario::draw(seed);
        if !scenario.is_sound() || (wrong == Wrong::RollsBack && scenario.kills.is_empty()) {
            continue;
        }
        let verdict = trial(&scenario, &workshop, Some(wrong));
        if let Some(why) = verdict
            .wrong
            .iter()
            .find(|why| words.iter().any(|word| why.contains(word)))
        {
            println!("{wrong:?}: found with seed {seed}: {why}");
            return;
        }
        said.extend(verdict.wrong);
    }
    panic!("{wrong:?} was not found in {within} moves; {said:#?}");
}

const BROKEN: [&str; 4] = [
    "dnskey-data from",
    "ds-dnskey from",
    "no-server from",
    "too early",
];

#[test]
fn a_program_that_counts_a_second_less_is_found_out() {
    found_out(Wrong::CountsASecondLess, 60, &BROKEN);
}

#[test]
fn a_program_that_ignores_secondaries_is_found_out() {
    found_out(Wrong::IgnoresSecondaries, 60, &BROKEN);
}

#[test]
fn a_program_that_believes_the_registry_is_found_out() {
    found_out(Wrong::BelievesRegistry, 60, &BROKEN);
}

#[test]
fn a_program_that_oversleeps_is_found_out() {
    found_out(Wrong::Oversleeps, 20, &["too late"]);
}

#[test]
fn a_program_that_rolls_back_is_found_out() {
    found_out(Wrong::RollsBack, 120, &["after kills", "another end", "Halt"]);
}
