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

const ROUNDS: u32 = 20;

fn main() {
    // `cargo test --benches` only wants to see that it runs.
    let quick = std::env::args().any(|arg| arg == "--test");
    let rounds = if quick { 1 } else { ROUNDS };
    println!(
        "| capture | messages | octets | verdict | signatures checked | names hashed | processor time |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for scene in scenes::scenes() {
        let verdict = scene.judge();
        let before = processor_time();
        for _ in 0..rounds {
            std::hint::black_box(scene.judge());
        }
        let took = (processor_time() - before) * 1e3 / f64::from(rounds);
        let (messages, octets) = scene.size();
        println!(
            "| {} | {messages} | {octets} | {:?} | {} | {} | {took:.1} ms |",
            scene.what, verdict.status, verdict.spent.verifications, verdict.spent.nsec3_hashes,
        );
    }
}

/// Seconds of processor that this process used, in hundredths: other work on the machine does not count.
fn processor_time() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in parentheses, user and system time are the 12th and 13th fields.
    let after = text.rsplit(')').next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2);
    ticks.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}
