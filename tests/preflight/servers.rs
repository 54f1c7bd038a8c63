//! Servers that do not answer as they should, and the parent.

use unbroken::dns::{Rcode, Record, Rtype};
use unbroken::dnssec::Ds;

use crate::scene::{Only, Rewrites, Scene, UdpOnly, codes, has, only, refused};

#[tokio::test]
async fn a_server_without_tcp() {
    let scene = Scene::new(|_| ());
    scene.spoil("b", 1, UdpOnly);
    let text = only(&scene.findings().await, "no-tcp", true);
    assert!(
        text.contains("ns2.provb.test.") && text.contains("not over TCP"),
        "{text}"
    );
}

#[tokio::test]
async fn a_lame_server() {
    for rcode in [Rcode::REFUSED, Rcode::SERVFAIL] {
        let scene = Scene::new(|_| ());
        scene.spoil("a", 1, Only(rcode));
        let text = only(&scene.findings().await, "lame-server", true);
        assert!(
            text.contains("ns2.prova.test.") && text.contains(&rcode.to_string()),
            "{text}"
        );
    }
    let scene = Scene::new(|_| ());
    // The AA bit is taken away.
    scene.spoil(
        "a",
        1,
        Rewrites(|mut answer| {
            answer[2] &= !0x04;
            answer
        }),
    );
    let text = only(&scene.findings().await, "lame-server", true);
    assert!(text.contains("no authoritative answer"), "{text}");
}

#[tokio::test]
async fn a_server_that_sends_junk() {
    struct Junk;
    impl unbroken::lab::Habit for Junk {
        fn after(&self, _: &unbroken::lab::Asked<'_>, answer: Vec<u8>) -> Option<Vec<u8>> {
            Some([&answer[..12], &[0xc0, 0x0c, 0xc0, 0x0c][..]].concat())
        }
    }
    let scene = Scene::new(|_| ());
    scene.spoil("b", 1, Junk);
    only(&scene.findings().await, "no-answer", true);
}

#[tokio::test]
async fn a_name_server_that_nobody_runs() {
    let scene = Scene::new(|_| ());
    let (zone, stranger) = (
        scene.world.zone().clone(),
        scene.world.name_servers("registry")[0].clone(),
    );
    scene.world.edit("registry", scene.now(), |parent| {
        parent.add(&Record::new(
            zone.clone(),
            Rtype::NS,
            3_600,
            stranger.wire().to_vec(),
        ));
    });
    only(&scene.findings().await, "unknown-name-server", true);
}

#[tokio::test]
async fn parent_servers_that_disagree() {
    let scene = Scene::new(|_| ());
    let zone = scene.world.zone().clone();
    let ds: Vec<Ds> = scene.world.own_ds("b").into_iter().collect();
    scene
        .world
        .edit_server(scene.world.addresses("registry")[1], |parent| {
            parent.add(&ds[0].record(&zone, 3_600));
        });
    let findings = scene.findings().await;
    assert!(
        has(&findings, "ds-unknown") && refused(&findings),
        "{:?}",
        codes(&findings)
    );
}

#[tokio::test]
async fn ds_records_of_different_digest_types() {
    for (of_ksk, of_other) in [(2, 4), (2, 1)] {
        let scene = Scene::new(|_| ());
        let zone = scene.world.zone().clone();
        let keys: Vec<_> = scene
            .world
            .read("a", |zone| {
                zone.keys().iter().map(|key| key.key.dnskey().clone()).collect()
            })
            .unwrap();
        let ds = Ds::of(&zone, &keys[1], of_other).unwrap();
        scene.world.edit("registry", scene.now(), |parent| {
            parent.add(&ds.record(&zone, 3_600));
        });
        let text = only(&scene.findings().await, "mixed-digests", true);
        assert!(text.contains(&format!("{} 13 {of_ksk}", keys[0].tag())), "{text}");
    }
}

#[tokio::test]
async fn both_digest_types_for_every_key_are_fine() {
    let scene = Scene::new(|_| ());
    let zone = scene.world.zone().clone();
    let key = scene
        .world
        .read("a", |zone| zone.keys()[0].key.dnskey().clone())
        .unwrap();
    scene.world.edit("registry", scene.now(), |parent| {
        for digest in [1, 4] {
            parent.add(&Ds::of(&zone, &key, digest).unwrap().record(&zone, 3_600));
        }
    });
    let findings = scene.findings().await;
    assert!(findings.is_empty(), "{findings:#?}");
}

#[tokio::test]
async fn only_sha1() {
    let scene = Scene::new(|_| ());
    let zone = scene.world.zone().clone();
    let key = scene
        .world
        .read("a", |zone| zone.keys()[0].key.dnskey().clone())
        .unwrap();
    scene.world.edit("registry", scene.now(), |parent| {
        parent.remove_rrset(&zone, Rtype::DS);
        parent.add(&Ds::of(&zone, &key, 1).unwrap().record(&zone, 3_600));
    });
    let findings = scene.findings().await;
    assert!(
        has(&findings, "sha1-only") && refused(&findings),
        "{:?}",
        codes(&findings)
    );
}
