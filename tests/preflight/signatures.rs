//! Signatures that are not renewed in time, and NSEC3 iterations.

use std::time::Duration;

use crate::scene::{Rewrites, Scene, codes, has, only};

#[tokio::test]
async fn signatures_that_a_renewing_signer_would_have_renewed() {
    // In the lab a signature begins an hour before it is made: 200 s left of 3,800.
    let scene = Scene::new(|config| config.validity = Duration::from_secs(200));
    let text = only(&scene.findings().await, "signatures-not-renewed", true);
    assert!(text.contains("valid for another 3 min, of 1 h in all"), "{text}");
}

#[tokio::test]
async fn signatures_that_must_be_renewed_on_the_way() {
    let scene = Scene::new(|config| config.validity = Duration::from_secs(2 * 86_400));
    let text = only(&scene.findings().await, "signatures-expire-on-the-way", false);
    assert!(text.contains("the plan takes at least"), "{text}");
}

#[tokio::test]
async fn little_life_is_enough_for_a_short_plan() {
    let scene = Scene::new(|config| {
        config.ttls = unbroken::lab::Ttls::short();
        config.validity = Duration::from_secs(200);
    });
    let runner = scene.runner(Box::new(unbroken::runner::Quiet)).await;
    let mut wish = scene.wish("a", "b");
    wish.soak = 1;
    wish.rules.ttl_floor = 0;
    wish.rules.margin = 0;
    let made = unbroken::workflow::plan(&wish, &runner.state, scene.now());
    let findings = unbroken::workflow::preflight(&runner.state, &made);
    assert!(findings.is_empty(), "{findings:#?}");
}

/// NSEC3 records of algorithm 1, no flags, no salt: puts `iterations` into them.
fn hashed(mut answer: Vec<u8>, iterations: u16) -> Vec<u8> {
    let mark = [1, 0, 0, 0, 0, 20];
    let mut at = 12;
    while at + mark.len() <= answer.len() {
        if answer[at..at + mark.len()] == mark {
            answer[at + 2..at + 4].copy_from_slice(&iterations.to_be_bytes());
        }
        at += 1;
    }
    answer
}

#[tokio::test]
async fn nsec3_iterations() {
    type Change = fn(Vec<u8>) -> Vec<u8>;
    let cases: [(Change, bool); 3] = [
        (|answer| hashed(answer, 1), false),
        (|answer| hashed(answer, 50), false),
        (|answer| hashed(answer, 51), true),
    ];
    for (change, refuses) in cases {
        let scene = Scene::new(|config| config.providers[1].nsec3 = true);
        scene.spoil("b", 0, Rewrites(change));
        scene.spoil("b", 1, Rewrites(change));
        let findings = scene.findings().await;
        // The lab cannot sign such records, so that the newcomer is found bogus too.
        let found = findings.iter().find(|finding| finding.code == "nsec3-iterations");
        assert_eq!(
            found.map(|finding| finding.refuses()),
            Some(refuses),
            "{:?}",
            codes(&findings)
        );
        assert!(has(&findings, "newcomer-bogus"));
    }
}
