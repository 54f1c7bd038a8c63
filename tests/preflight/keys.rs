//! Keys that cannot stand side by side, and a chain that does not hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use unbroken::dns::Rtype;
use unbroken::lab::{ECDSA_P256, ED25519, RoleKey, SigningKey, ZSK_FLAGS};

use crate::scene::{Scene, codes, has, only, refused};

#[tokio::test]
async fn different_algorithms() {
    let scene = Scene::new(|config| config.providers[1].algorithm = ED25519);
    let text = only(&scene.findings().await, "algorithms-differ", true);
    assert!(text.contains("13") && text.contains("15"), "{text}");
}

/// Two ZSKs with one tag.
fn twins() -> (Arc<SigningKey>, Arc<SigningKey>) {
    let mut seen: BTreeMap<u16, Arc<SigningKey>> = BTreeMap::new();
    loop {
        let key = Arc::new(SigningKey::generate(ZSK_FLAGS, ECDSA_P256).unwrap());
        if let Some(twin) = seen.insert(key.dnskey().tag(), key.clone()) {
            return (twin, key);
        }
    }
}

#[tokio::test]
async fn two_keys_of_one_tag() {
    let scene = Scene::new(|_| ());
    let (one, other) = twins();
    let tag = one.dnskey().tag().to_string();
    for (operator, key) in [("a", one), ("b", other)] {
        scene
            .world
            .edit(operator, scene.now(), |zone| zone.keys_mut()[1].key = key);
    }
    let text = only(&scene.findings().await, "key-tag-clash", true);
    assert!(text.contains(&tag), "{text}");
}

#[tokio::test]
async fn the_same_key_at_both_is_no_clash() {
    let scene = Scene::new(|_| ());
    let key = scene
        .world
        .read("b", |zone| zone.keys()[1].key.dnskey().clone())
        .unwrap();
    scene.world.edit("a", scene.now(), |zone| {
        let record = key.record(zone.apex(), 3_600);
        zone.add(&record);
    });
    // It is a move that somebody began, and nothing worse.
    only(&scene.findings().await, "begun", false);
}

#[tokio::test]
async fn a_dnskey_answer_too_large_for_udp() {
    let scene = Scene::new(|_| ());
    scene.world.edit("b", scene.now(), |zone| {
        let mut tags: Vec<u16> = zone.keys().iter().map(|key| key.key.dnskey().tag()).collect();
        while zone.keys().len() < 14 {
            let key = SigningKey::generate(ZSK_FLAGS, ECDSA_P256).unwrap();
            if !tags.contains(&key.dnskey().tag()) {
                tags.push(key.dnskey().tag());
                zone.keys_mut().push(RoleKey {
                    key: Arc::new(key),
                    signs_keys: false,
                    signs_data: false,
                    published: true,
                });
            }
        }
    });
    let text = only(&scene.findings().await, "dnskey-answer-large", false);
    assert!(text.contains("more than 1232"), "{text}");
}

#[tokio::test]
async fn a_zone_that_is_bogus_now() {
    let scene = Scene::new(|_| ());
    // Its ZSK is gone from the DNSKEY RRset and signs all the same, at one server.
    scene.world.edit_server(scene.world.addresses("a")[1], |zone| {
        zone.keys_mut()[1].published = false
    });
    let findings = scene.findings().await;
    assert!(
        has(&findings, "bogus-now") && refused(&findings),
        "{:?}",
        codes(&findings)
    );
}

#[tokio::test]
async fn a_zone_that_is_insecure() {
    let scene = Scene::new(|_| ());
    let zone = scene.world.zone().clone();
    scene.world.edit("registry", scene.now(), |parent| {
        parent.remove_rrset(&zone, Rtype::DS);
    });
    let findings = scene.findings().await;
    assert!(refused(&findings), "{:?}", codes(&findings));
}

#[tokio::test]
async fn a_newcomer_that_would_be_bogus() {
    let scene = Scene::new(|_| ());
    scene.world.edit_server(scene.world.addresses("b")[1], |zone| {
        zone.keys_mut()[1].published = false
    });
    let findings = scene.findings().await;
    assert!(
        has(&findings, "newcomer-bogus") && refused(&findings),
        "{:?}",
        codes(&findings)
    );
}

#[tokio::test]
async fn a_newcomer_that_does_not_sign() {
    let scene = Scene::new(|_| ());
    scene.world.edit("b", scene.now(), |zone| zone.keys_mut().clear());
    let findings = scene.findings().await;
    assert!(
        has(&findings, "not-signing") && refused(&findings),
        "{:?}",
        codes(&findings)
    );
}
