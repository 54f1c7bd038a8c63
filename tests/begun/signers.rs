//! Joins and leaves that were begun by hand, and groups of more than two.

use unbroken::dns::Rtype;
use unbroken::lab::{ProviderConfig, SignerKind};
use unbroken::workflow::Purpose;

use crate::combinations::{assert_no_harm, scene};
use crate::hand::{Hand, Played, play};
use crate::stage::Scene;

fn group(names: &[&str], all: &[&str], purpose: Purpose) -> Scene {
    let mut scene = scene();
    scene.config.providers = all
        .iter()
        .map(|name| ProviderConfig {
            signer: if *name == "c" {
                SignerKind::Csk
            } else {
                SignerKind::KskZsk
            },
            ..ProviderConfig::new(name)
        })
        .collect();
    scene.config.delegated = names.iter().map(|name| (*name).to_owned()).collect();
    scene.group.clone_from(&scene.config.delegated);
    scene.purpose = purpose;
    scene
}

fn assert_group(played: &Played, group: &[&str], points: &[&str], what: &str) {
    played.ending(what);
    let stage = &played.stage;
    let shown = stage.shown();
    let mut hosts: Vec<String> = group
        .iter()
        .flat_map(|name| stage.world.name_servers(name))
        .map(|host| host.to_string())
        .collect();
    hosts.sort();
    assert_eq!(stage.at("registry", Rtype::NS), hosts, "{what}\n{shown}");
    assert_eq!(stage.at("registry", Rtype::DS), points, "{what}\n{shown}");
    for name in group {
        assert_eq!(stage.at(name, Rtype::NS), hosts, "{what}\n{shown}");
        let keys = stage.at(name, Rtype::DNSKEY);
        for member in group {
            let signs = if *member == "c" {
                "c-csk".to_owned()
            } else {
                format!("{member}-zsk")
            };
            assert!(keys.contains(&signs), "{what}: {signs} is not at {name}\n{shown}");
        }
        let strangers = keys
            .iter()
            .filter(|key| !group.iter().any(|member| key.starts_with(member)));
        assert_eq!(strangers.count(), 0, "{what}\n{shown}");
    }
    assert_no_harm(played, what);
}

/// The delegation was given a third signer whose keys only one of the two has.
#[tokio::test]
async fn a_third_signer_was_named_too_early() {
    let purpose = Purpose::Join {
        signer: "c".to_owned(),
    };
    let hand = Hand {
        keys: vec![("a", "c")],
        ds: Some(vec!["a", "b", "c"]),
        parent: Some(vec!["a", "b", "c"]),
        unnoticed: 1_800,
        ..Hand::default()
    };
    let played = play(group(&["a", "b"], &["a", "b", "c"], purpose), &hand, "three").await;
    assert!(!played.failing().is_empty(), "the crowd saw nothing");
    // What is missing in the sets of the others breaks mixtures: these come before CDS and names.
    let taken = played.taken();
    let at = |step: &str| {
        taken
            .iter()
            .position(|one| one == step)
            .unwrap_or_else(|| panic!("{step}: {taken:?}"))
    };
    assert!(
        at("keys-at-b") < at("ns-at-a") && at("keys-at-c") < at("ns-at-a"),
        "{taken:?}"
    );
    assert_group(&played, &["a", "b", "c"], &["a-ksk", "b-ksk", "c-csk"], "three");
}

/// One of three was taken out of the delegation and out of the DS RRset, and nothing else was done.
#[tokio::test]
async fn one_of_three_was_left_too_early() {
    let purpose = Purpose::Leave {
        signer: "c".to_owned(),
    };
    let hand = Hand {
        ds: Some(vec!["a", "b"]),
        parent: Some(vec!["a", "b"]),
        unnoticed: 1_800,
        ..Hand::default()
    };
    let played = play(group(&["a", "b", "c"], &["a", "b", "c"], purpose), &hand, "left").await;
    assert!(!played.failing().is_empty(), "the crowd saw nothing");
    assert_group(&played, &["a", "b"], &["a-ksk", "b-ksk"], "left");
}

/// In a group of two, one is to be replaced; its successor is named everywhere, and the DS RRset does not know it.
#[tokio::test]
async fn one_of_two_was_replaced_too_early() {
    let purpose = Purpose::Migrate {
        from: "a".to_owned(),
        to: "c".to_owned(),
    };
    let hand = Hand {
        apex: vec![("b", vec!["b", "c"]), ("c", vec!["b", "c"])],
        parent: Some(vec!["b", "c"]),
        unnoticed: 1_800,
        ..Hand::default()
    };
    let played = play(group(&["a", "b"], &["a", "b", "c"], purpose), &hand, "replaced").await;
    assert!(!played.failing().is_empty(), "the crowd saw nothing");
    assert_group(&played, &["b", "c"], &["b-ksk", "c-csk"], "replaced");
}

/// A join of which the keys and the DS were done.
#[tokio::test]
async fn a_join_goes_on() {
    let purpose = Purpose::Join {
        signer: "b".to_owned(),
    };
    let hand = Hand {
        keys: vec![("a", "b"), ("b", "a")],
        ds: Some(vec!["a", "b"]),
        ..Hand::default()
    };
    let played = play(group(&["a"], &["a", "b"], purpose), &hand, "join").await;
    assert!(played.ending("join").continuous);
    played.stage.assert_crowd_is_well("join");
    assert_group(&played, &["a", "b"], &["a-ksk", "b-ksk"], "join");
}

/// A leave of which the names were taken out a moment ago: the old DS stays until nobody can hold what needs it.
#[tokio::test]
async fn a_leave_goes_on() {
    let purpose = Purpose::Leave {
        signer: "b".to_owned(),
    };
    let hand = Hand {
        apex: vec![("a", vec!["a"]), ("b", vec!["a"])],
        parent: Some(vec!["a"]),
        ..Hand::default()
    };
    let played = play(group(&["a", "b"], &["a", "b"], purpose), &hand, "leave").await;
    assert!(played.ending("leave").continuous);
    played.stage.assert_crowd_is_well("leave");
    assert!(
        played.proven("ds-remove").since(played.acted).as_secs() >= 900,
        "{}",
        played.proven("ds-remove")
    );
    assert_group(&played, &["a"], &["a-ksk"], "leave");
}

/// A leave of which everything but the keys was done: what was taken from the leaver is not put back.
#[tokio::test]
async fn what_was_taken_from_a_leaver_is_not_put_back() {
    let purpose = Purpose::Leave {
        signer: "c".to_owned(),
    };
    let hand = Hand {
        ds: Some(vec!["a", "b"]),
        apex: vec![
            ("a", vec!["a", "b"]),
            ("b", vec!["a", "b"]),
            ("c", vec!["a", "b"]),
        ],
        parent: Some(vec!["a", "b"]),
        unnoticed: 7_200,
        ..Hand::default()
    };
    let played = play(
        group(&["a", "b", "c"], &["a", "b", "c"], purpose),
        &hand,
        "nearly done",
    )
    .await;
    let taken = played.taken();
    let fits = |step: &String| step.starts_with("cds-at-") || step.ends_with("-without-c");
    assert!(
        taken.iter().all(|step| fits(step) && step != "cds-at-c"),
        "{taken:?}"
    );
    assert_group(&played, &["a", "b"], &["a-ksk", "b-ksk"], "nearly done");
}
