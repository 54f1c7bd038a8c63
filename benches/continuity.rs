//! How `check` grows with the timeline: one line a size, with the factor over the size before.
//!
//! `cargo bench --bench continuity`. A zone at two providers that never stops rolling its keys: each kind at each place
//! changes every ten minutes, TTLs are an hour, so that some six versions of each overlap in caches.

use std::hint::black_box;
use std::time::{Duration, Instant};

use unbroken::continuity::{Change, DsRef, NewVersion, Options, Timeline, Value, Version, check, earliest};

const PLACES: [&str; 2] = ["a", "b"];
const STEP: i64 = 600;
const TTL: u32 = 3600;

fn main() {
    // `cargo test --benches` only wants to see that it runs.
    let quick = std::env::args().any(|arg| arg == "--test");
    let sizes: &[usize] = if quick {
        &[100]
    } else {
        &[30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000]
    };
    for (name, broken) in [
        ("a zone that holds", false),
        ("a zone with a conflict a day", true),
    ] {
        println!("check: {name}");
        println!(
            "{:>9} {:>12} {:>14} {:>10} {:>9}",
            "versions", "time", "per n log2 n", "conflicts", "growth"
        );
        let mut before: Option<f64> = None;
        for &size in sizes {
            let timeline = timeline(size, broken);
            let conflicts = check(&timeline, &Options::default()).conflicts.len();
            let taken = measure(|| {
                black_box(check(black_box(&timeline), &Options::default()));
            });
            let seconds = taken.as_secs_f64();
            let unit = seconds * 1e9 / (size as f64 * (size as f64).log2());
            let growth = before.map_or(String::new(), |before| format!("x{:.2}", seconds / before));
            println!("{size:>9} {taken:>12.2?} {unit:>11.1} ns {conflicts:>10} {growth:>9}");
            before = Some(seconds);
        }
    }
    println!("earliest: another DNSKEY RRset at one provider");
    for &size in &sizes[..sizes.len().min(6)] {
        let timeline = timeline(size, false);
        let change = next_step(&timeline);
        let now = timeline.versions.iter().map(|v| v.from).max().unwrap_or(0) + 1;
        let ask = || earliest(&timeline, &change, now, &Options::default());
        let answer = ask().map(|answer| answer.earliest);
        let taken = measure(|| {
            black_box(ask()).ok();
        });
        println!("{size:>9} {taken:>12.2?}   {answer:?}");
    }
}

/// The best of several runs: what others do on the machine only adds to it.
fn measure(mut run: impl FnMut()) -> Duration {
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < 5 || (start.elapsed() < Duration::from_millis(500) && times.len() < 1000) {
        let start = Instant::now();
        run();
        times.push(start.elapsed());
    }
    times.into_iter().min().unwrap_or_default()
}

/// About `size` versions: in each round, one new value of each kind and place. Two of eight keys are in all of them, so
/// that all that overlaps goes together.
fn timeline(size: usize, broken: bool) -> Timeline {
    let rounds = (size / 8) as i64 + 1;
    let all: Vec<String> = (0..8).map(|n| format!("k{n}")).collect();
    let mut timeline = Timeline::new("bench.test.", PLACES, all.iter().map(|key| (key.as_str(), 13)));
    let both: Vec<String> = PLACES.map(String::from).into();
    for round in 0..rounds {
        let from = round * STEP;
        let until = (round + 1 < rounds).then_some(from + STEP);
        let keys: Vec<String> = (0..8)
            .filter(|n| *n != 2 + round % 6)
            .map(|n| format!("k{n}"))
            .collect();
        let signed = vec!["k0".to_owned()];
        // The key that is missing from this round's DNSKEY RRsets.
        let bad = format!("k{}", 2 + round % 6);
        let by = vec![if broken && round % 144 == 143 {
            bad
        } else {
            "k1".to_owned()
        }];
        let mut add = |value| timeline.versions.push(Version::new(value, from, until, TTL));
        add(Value::ParentNs {
            providers: both.clone(),
        });
        let digest = 2;
        add(Value::Ds {
            records: vec![
                DsRef {
                    key: "k0".into(),
                    digest,
                },
                DsRef {
                    key: format!("k{}", 2 + round % 6),
                    digest,
                },
            ],
        });
        for place in PLACES {
            let at = place.to_owned();
            add(Value::ApexNs {
                at: at.clone(),
                providers: both.clone(),
            });
            add(Value::Dnskey {
                at: at.clone(),
                keys: keys.clone(),
                signed_by: signed.clone(),
            });
            add(Value::Data {
                at,
                signed_by: by.clone(),
            });
        }
    }
    timeline.versions.truncate(size);
    serve_the_last(&mut timeline);
    timeline
}

/// The last version of each kind and place is still served.
fn serve_the_last(timeline: &mut Timeline) {
    let mut met = Vec::new();
    for version in timeline.versions.iter_mut().rev() {
        let place = (version.value.kind(), version.value.at().map(str::to_owned));
        if !met.contains(&place) {
            version.until = None;
            met.push(place);
        }
        if met.len() == 8 {
            return;
        }
    }
}

/// A new DNSKEY RRset in place of the last one.
fn next_step(timeline: &Timeline) -> Change {
    let is_last =
        |v: &&Version| v.until.is_none() && matches!(&v.value, Value::Dnskey { at, .. } if at == "b");
    let last = timeline.versions.iter().find(is_last);
    let value = Value::Dnskey {
        at: "b".into(),
        keys: vec!["k0".into(), "k1".into(), "k3".into()],
        signed_by: vec!["k0".into()],
    };
    Change {
        end: last.into_iter().cloned().collect(),
        begin: vec![NewVersion::new(value, TTL)],
    }
}
