//! Random moves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod simulator;

use simulator::{Scenario, Workshop, trial};

#[test]
fn first() {
    let mut workshop = Workshop::new();
    workshop.tells = std::env::var("D").is_ok();
    let begun = std::time::Instant::now();
    let count = std::env::var("N").ok().and_then(|n| n.parse().ok()).unwrap_or(50u64);
    let first = std::env::var("S").ok().and_then(|n| n.parse().ok()).unwrap_or(0u64);
    let (mut entries, mut sweeps) = (0, 0);
    let mut kinds = std::collections::BTreeMap::new();
    for seed in first..first + count {
        let scenario = Scenario::draw(seed);
        if workshop.tells {
            println!("{scenario:#?}");
        }
        let verdict = trial(&scenario, &workshop, None);
        entries += verdict.entries;
        sweeps += verdict.sweeps;
        if !verdict.wrong.is_empty() {
            println!("{seed} {} fault {:?} {} kills", verdict.end, scenario.fault, verdict.kills);
            for wrong in verdict.wrong.iter().take(3) {
                println!("    {}", wrong.chars().take(900).collect::<String>());
            }
        }
        *kinds.entry((verdict.end, verdict.wrong.is_empty())).or_insert(0) += 1;
    }
    println!(
        "{count} moves in {:?}, {entries} entries, {sweeps} sweeps, {kinds:#?}",
        begun.elapsed()
    );
}
