//! Every reason for which a plan is refused or a person is warned, each in virtual time against a world that has that fault
//! and no other; and the same world without it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod contents;
mod keys;
mod scene;
mod servers;
mod signatures;

use scene::{Scene, codes, has, refused};

#[tokio::test]
async fn a_good_world_has_no_finding() {
    for nsec3 in [false, true] {
        let scene = Scene::new(|config| config.providers[1].nsec3 = nsec3);
        let findings = scene.findings().await;
        assert!(findings.is_empty(), "{findings:#?}");
    }
}

#[tokio::test]
async fn the_plan_must_fit_the_group() {
    let scene = Scene::new(|_| ());
    let wrong = [("b", "a", "not-a-member"), ("a", "a", "already-a-member")];
    for (from, to, code) in wrong {
        let findings = scene.findings_for(from, to).await;
        assert!(has(&findings, code), "{from} {to}: {:?}", codes(&findings));
        assert!(refused(&findings));
    }
}
