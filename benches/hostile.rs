//! What captures cost that are made to cost as much as they can: one line a scene, from the octets to the verdict.
//!
//! `cargo bench --bench hostile`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a benchmark may stop where it fails"
)]

#[path = "../tests/hostile/scenes.rs"]
mod scenes;

use std::time::Instant;

const ROUNDS: usize = 9;

fn main() {
    // `cargo test --benches` only wants to see that it runs.
    let rounds = if std::env::args().any(|arg| arg == "--test") {
        1
    } else {
        ROUNDS
    };
    println!(
        "| capture | messages | octets | verdict | signatures checked | names hashed | median | largest |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for scene in scenes::scenes() {
        let mut times = Vec::new();
        let mut last = None;
        for _ in 0..rounds {
            let begun = Instant::now();
            last = Some(scene.judge());
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        let verdict = last.unwrap();
        let (messages, octets) = scene.size();
        println!(
            "| {} | {messages} | {octets} | {:?} | {} | {} | {:.1} ms | {:.1} ms |",
            scene.what,
            verdict.status,
            verdict.spent.verifications,
            verdict.spent.nsec3_hashes,
            times[times.len() / 2],
            times[times.len() - 1],
        );
    }
}
