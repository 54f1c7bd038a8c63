//! Captures made to cost as much as they can. The work is counted, and stays within the limits; `cargo bench --bench hostile`
//! shows the time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test stops where it fails"
)]

mod scenes;

use std::time::{Duration, Instant};

use scenes::Scene;
use unbroken::dnssec::Status;
use unbroken::dnssec::offline::{Limits, Verdict};

/// No verdict may take longer, in a debug build on a busy machine: far more than any takes, far less than without limits.
const SLOWEST: Duration = Duration::from_secs(10);

/// Judges it; gives the verdict, which kept to the limits.
fn judge(scene: &Scene) -> Verdict {
    assert!(scene.reads(), "{}", scene.what);
    let begun = Instant::now();
    let verdict = scene.judge();
    let took = begun.elapsed();
    let limits = Limits::default();
    assert!(verdict.spent.verifications <= limits.total_verifications);
    assert!(verdict.spent.nsec3_hashes <= limits.total_nsec3_hashes);
    assert!(took < SLOWEST, "{}: {took:?}", scene.what);
    verdict
}

fn codes(verdict: &Verdict) -> Vec<&'static str> {
    verdict.reasons.iter().map(|said| said.reason.code).collect()
}

#[test]
fn each_scene_stays_within_the_limits() {
    for scene in scenes::scenes() {
        let verdict = judge(&scene);
        assert_ne!(verdict.status, Status::Secure, "{}", scene.what);
    }
}

#[test]
fn keys_and_signatures_of_one_tag() {
    for scene in [scenes::key_trap(), scenes::key_trap_in_the_key_set()] {
        let verdict = judge(&scene);
        assert_eq!(verdict.status, Status::Indeterminate, "{}", scene.what);
        assert!(codes(&verdict).contains(&"work-limit"), "{}", scene.what);
        assert_eq!(verdict.spent.verifications, Limits::default().total_verifications);
    }
}

#[test]
fn many_ds_records() {
    let verdict = judge(&scenes::many_ds());
    assert!(matches!(verdict.status, Status::Bogus | Status::Indeterminate));
    assert!(codes(&verdict).contains(&"work-limit"), "{:?}", codes(&verdict));
}

#[test]
fn nsec3_of_deep_names() {
    let verdict = judge(&scenes::nsec3_of_deep_names());
    assert_eq!(verdict.status, Status::Indeterminate);
    assert!(codes(&verdict).contains(&"work-limit"), "{:?}", codes(&verdict));
}

#[test]
fn aliases_end() {
    let verdict = judge(&scenes::aliases_with_bad_signatures());
    assert_eq!(verdict.status, Status::Indeterminate);
    assert!(codes(&verdict).contains(&"too-many-aliases"));
}
