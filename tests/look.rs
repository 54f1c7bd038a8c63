//! Commands that look at a zone, against a lab on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod support;

use std::collections::BTreeSet;

use data_encoding::BASE64;
use support::Lab;
use unbroken::adapters::SystemClock;
use unbroken::dns::{Message, Rtype};
use unbroken::ports::Clock;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_finds_a_good_zone_good() {
    let lab = Lab::start(|_| {}).await;
    let ran = lab.unbroken(&["check", "shop.test"]).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    assert!(
        ran.out.starts_with("shop.test. is secure; nothing to mend ("),
        "{}",
        ran.out
    );

    let ran = lab.unbroken(&["check", "shop.test", "--json", "-q"]).await;
    let report = ran.json();
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(report["verdict"], "secure");
    assert_eq!(report["servers"].as_array().unwrap().len(), 2);
    assert_eq!(report["servers"][0]["denial"], "NSEC");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_names_the_key_that_is_not_shared() {
    // Two signers, and one of them loses the other's key.
    let lab = Lab::start(|config| config.delegated = vec!["a".to_owned(), "b".to_owned()]).await;
    let ran = lab.unbroken(&["check", "shop.test"]).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let apex = lab.world.zone().clone();
    lab.world.edit("b", SystemClock.now(), |zone| {
        zone.remove_rrset(&apex, Rtype::DNSKEY);
    });
    let ran = lab.unbroken(&["check", "shop.test"]).await;
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("[key-not-shared]"), "{}", ran.out);
    assert!(
        ran.out.contains("secure at each server by itself; 1 broken"),
        "{}",
        ran.out
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_with_a_wrong_anchor_is_bogus() {
    let lab = Lab::start(|_| {}).await;
    let wrong = lab.dir.path().join("wrong.ds");
    std::fs::write(&wrong, unbroken::dnssec::IANA_ROOT_ANCHORS).unwrap();
    let ran = lab
        .unbroken(&["check", "shop.test", "--anchors", "wrong.ds", "--no-tcp"])
        .await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("[anchor]"), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_of_what_does_not_exist() {
    let lab = Lab::start(|_| {}).await;
    let ran = lab.unbroken(&["check", "nosuch.test"]).await;
    assert_eq!(ran.code, Some(5), "{}{}", ran.out, ran.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn observe_captures_every_answer() {
    let lab = Lab::start(|_| {}).await;
    let ran = lab.unbroken(&["observe", "shop.test"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let mut asked = BTreeSet::new();
    for line in ran.out.lines() {
        let capture: serde_json::Value = serde_json::from_str(line).unwrap();
        let octets = BASE64
            .decode(capture["response"].as_str().unwrap().as_bytes())
            .unwrap();
        let question = Message::parse(&octets).unwrap().question.unwrap();
        assert_eq!(
            capture["query"],
            serde_json::json!({"name": question.name, "type": question.rtype})
        );
        assert_eq!(capture["transport"], "udp");
        assert!(capture["at"].as_str().unwrap().ends_with('Z'));
        asked.insert((question.name.to_string(), question.rtype));
    }
    for rtype in [
        Rtype::DS,
        Rtype::NS,
        Rtype::SOA,
        Rtype::DNSKEY,
        Rtype::CDS,
        Rtype::CDNSKEY,
    ] {
        assert!(asked.contains(&("shop.test.".to_owned(), rtype)), "{rtype}");
    }
    for (name, rtype) in [
        (".", Rtype::DNSKEY),
        ("test.", Rtype::DNSKEY),
        ("test.", Rtype::DS),
        ("www.shop.test.", Rtype::A),
    ] {
        assert!(asked.contains(&(name.to_owned(), rtype)), "{name} {rtype}");
    }

    let ran = lab
        .unbroken(&["observe", "shop.test", "--into", "x.ndjson", "--json"])
        .await;
    assert_eq!(ran.json()["into"], "x.ndjson");
    assert_eq!(
        lab.unbroken(&["observe", "shop.test", "--into", "x.ndjson"])
            .await
            .code,
        Some(2)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_shown_pinned_and_turned_into_ds() {
    let lab = Lab::start(|_| {}).await;
    let ran = lab.unbroken(&["keys", "show", "shop.test"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(
        ran.out.contains("seen over plain DNS: not authenticated"),
        "{}",
        ran.out
    );

    // Nobody can be asked here.
    let pin = ["keys", "pin", "shop.test", "--provider", "b"];
    let ran = lab.unbroken(&pin).await;
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains("--yes"), "{}", ran.err);
    let file = lab.dir.path().join("keys/shop.test/b.dnskey");
    assert!(!file.exists());

    let ran = lab.unbroken(&[&pin[..], &["--yes", "--json"]].concat()).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(ran.json()["keys"]["keys"].as_array().unwrap().len(), 2);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("; pinned-by: ann\n") && text.contains("not authenticated"),
        "{text}"
    );

    let path = file.display().to_string();
    let ran = lab.unbroken(&["keys", "ds", &path]).await;
    let expected: Vec<String> = lab
        .world
        .own_ds("b")
        .iter()
        .map(|ds| format!("shop.test. IN DS {ds}"))
        .collect();
    assert_eq!(ran.out.lines().collect::<Vec<_>>(), expected);

    let shown = lab
        .unbroken(&["keys", "show", "shop.test", "--provider", "b"])
        .await;
    let fingerprint = lab.unbroken(&["keys", "fingerprint", &path]).await;
    let set = |text: &str| {
        let line = text.lines().find(|line| line.contains("set ")).unwrap();
        line.rsplit(' ').next().unwrap().to_owned()
    };
    assert_eq!(set(&shown.out), set(&fingerprint.out));
    let combined = lab.unbroken(&["keys", "combine", &path, &path]).await;
    assert_eq!(combined.out.lines().count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_takes_a_dead_server_for_unknown_and_not_for_well() {
    let lab = Lab::start(|_| {}).await;
    // A port on which nobody listens.
    let closed = std::net::UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let path = lab.dir.path().join("unbroken.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let dead = lab.world.addresses("a")[1];
    let start = text.find(&format!("\"{dead}\" = ")).unwrap();
    let end = start + text[start..].find([',', '}']).unwrap();
    let text = text.replace(&text[start..end], &format!("\"{dead}\" = \"{closed}\" "));
    std::fs::write(&path, text).unwrap();

    let ran = lab.unbroken(&["check", "shop.test"]).await;
    assert_eq!(ran.code, Some(3), "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("\nunknown\n  [no-answer] ns2.prova.test.: "),
        "{}",
        ran.out
    );

    // The other one serves on, and another zone's server is lame.
    let good = lab.world.addresses("a")[0];
    let root = lab.world.roots()[0];
    let text = std::fs::read_to_string(&path).unwrap();
    let to_of = |address: &std::net::SocketAddr| {
        let mark = format!("\"{address}\" = \"");
        let start = text.find(&mark).unwrap() + mark.len();
        text[start..start + text[start..].find('"').unwrap()].to_owned()
    };
    let lame = text.replace(&to_of(&good), &to_of(&root));
    std::fs::write(&path, lame).unwrap();
    let ran = lab.unbroken(&["check", "shop.test", "--json"]).await;
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    assert_eq!(ran.json()["findings"][0]["code"], "lame");
}
