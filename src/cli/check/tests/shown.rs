//! The whole text of three zones.

use std::collections::BTreeMap;

use super::*;
use crate::cli::Output;
use crate::cli::check::text::lines;

/// A world whose keys have tags of five digits, those of the first provider first, so that the text has one form.
fn orderly(change: impl Fn(&mut LabConfig)) -> Scene {
    for _ in 0..2_000 {
        let scene = Scene::new(&change);
        let keys =
            [("a", 0), ("b", 0), ("a", 1), ("b", 1)].map(|(provider, index)| scene.key(provider, index));
        let wide = keys.iter().all(|key| key.dnskey().tag() > 9_999);
        let ksk =
            keys[0].dnskey().tag() < keys[1].dnskey().tag() && keys[0].dnskey().id() < keys[1].dnskey().id();
        if wide && ksk && keys[2].dnskey().id() < keys[3].dnskey().id() {
            return scene;
        }
    }
    panic!("no such keys in so many tries");
}

/// The text with names for what is random.
fn stable(scene: &Scene) -> String {
    let mut text = lines(&scene.check(), &Output::new(false, true)).join("\n");
    let mut names = BTreeMap::new();
    for (provider, index, name) in [
        ("a", 0, "11111"),
        ("a", 1, "22222"),
        ("b", 0, "33333"),
        ("b", 1, "44444"),
    ] {
        let key = scene.key(provider, index);
        text = text.replace(&key.dnskey().id().fingerprint(), "0123456789abcdef");
        names.insert(key.dnskey().tag().to_string(), name);
    }
    for (tag, name) in names {
        text = text.replace(&tag, name);
    }
    text
}

#[test]
fn a_healthy_zone_of_one_signer() {
    insta::assert_snapshot!(stable(&orderly(|_| {})));
}

#[test]
fn a_healthy_group() {
    insta::assert_snapshot!(stable(&orderly(both)));
}

#[test]
fn a_broken_group() {
    let scene = orderly(both);
    let apex = scene.apex();
    // The second signer lost the first one's keys and asks the parent for its own alone; the first one's second server
    // lags behind, and has no way for TCP.
    scene.edit("b", |zone| {
        for rtype in [Rtype::DNSKEY, Rtype::CDS, Rtype::CDNSKEY] {
            zone.remove_rrset(&apex, rtype);
        }
    });
    scene.edit_server("a", 1, |zone| zone.bump_serial());
    let first = scene.key("a", 0).ds(&apex).unwrap();
    scene.set_ds([
        Ds::of(&apex, scene.key("a", 0).dnskey(), 1).unwrap(),
        scene.key("b", 0).ds(&apex).unwrap(),
    ]);
    assert_eq!(first.digest_type, 2);
    insta::assert_snapshot!(stable(&scene));
}
