//! `unbroken chain` on captures that the program made itself, whole and damaged.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod support;

use std::path::Path;

use data_encoding::BASE64;
use serde_json::{Value, json};
use support::{Lab, Ran, unbroken};
use unbroken::dns::{Message, Rtype};

const CHAIN: [&str; 9] = [
    "chain",
    "--anchors",
    "anchors.ds",
    "--name",
    "www.shop.test",
    "--type",
    "A",
    "--json",
    "x.ndjson",
];

/// Captures in a lab: what `observe` writes.
async fn captured(lab: &Lab) -> Vec<Value> {
    let ran = lab.unbroken(&["observe", "shop.test"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    ran.out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn write(dir: &Path, lines: &[Value]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(dir.join("x.ndjson"), text).unwrap();
}

/// The verdict on these captures, its exit status and the codes of its reasons.
fn told(ran: &Ran) -> (Option<i32>, String, Vec<String>) {
    let document = ran.json();
    let codes = document["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| reason["code"].as_str().unwrap().to_owned())
        .collect();
    (ran.code, document["verdict"].as_str().unwrap().to_owned(), codes)
}

fn asks(line: &Value, name: &str, rtype: &str) -> bool {
    line["query"]["name"] == name && line["query"]["type"] == rtype
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_observe_wrote_validates_offline() {
    let lab = Lab::start(|_| {}).await;
    let lines = captured(&lab).await;
    let dir = lab.dir.path();
    write(dir, &lines);
    let ran = unbroken(dir, &CHAIN);
    assert_eq!(told(&ran).1, "secure", "{}", ran.out);
    let document = ran.json();
    assert_eq!(
        (ran.code, document["name"].as_str()),
        (Some(0), Some("www.shop.test."))
    );
    assert_eq!(
        (document["policy"].as_str(), document["type"].as_str()),
        (Some("2026"), Some("A"))
    );
    let zones: Vec<&str> = document["links"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| link["zone"].as_str().unwrap())
        .collect();
    assert_eq!(zones, [".", "test.", "shop.test."]);
    assert!(document["links"][2]["dnskey"].as_array().unwrap().len() >= 2);
    assert!(
        document["answers"][0]["server"]
            .as_str()
            .unwrap()
            .ends_with(":53")
    );

    // As text, with all that was tried.
    let words: Vec<&str> = CHAIN.iter().copied().filter(|word| *word != "--json").collect();
    let ran = unbroken(dir, &[&words[..], &["--explain", "--every"]].concat());
    for part in [
        "secure (policy 2026)",
        "shop.test. secure, delegated by test.",
        ": good",
        "each by itself:",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }

    // Long before and long after.
    for (at, code) in [
        ("2001-01-01T00:00:00Z", "signature-not-yet-valid"),
        ("2040-01-01T00:00:00Z", "signature-expired"),
    ] {
        let ran = unbroken(dir, &[&CHAIN[..], &["--at", at]].concat());
        let (exit, verdict, codes) = told(&ran);
        assert_eq!((exit, verdict.as_str()), (Some(1), "bogus"));
        assert!(codes.iter().all(|found| found == code), "{codes:?}");
        let first = &ran.json()["reasons"][0];
        assert!(
            first["extended_error"]["code"]
                .as_u64()
                .is_some_and(|number| number == 7 || number == 8)
        );
        assert!(
            first["server"].is_string() && first["key"].is_string() && first["signature"]["tag"].is_u64()
        );
        assert_eq!(first["rrset"], ". DNSKEY");
    }

    // Another root.
    std::fs::write(dir.join("iana.ds"), unbroken::dnssec::IANA_ROOT_ANCHORS).unwrap();
    let mut words = CHAIN;
    words[2] = "iana.ds";
    assert_eq!(told(&unbroken(dir, &words)).1, "bogus");

    // Each answer that is needed.
    for (name, rtype) in [("test.", "DS"), ("shop.test.", "DNSKEY"), ("www.shop.test.", "A")] {
        let less: Vec<Value> = lines
            .iter()
            .filter(|line| !asks(line, name, rtype))
            .cloned()
            .collect();
        assert!(less.len() < lines.len(), "{name} {rtype}");
        write(dir, &less);
        let (exit, verdict, codes) = told(&unbroken(dir, &CHAIN));
        assert_eq!(
            (exit, verdict.as_str(), codes[0].as_str()),
            (Some(3), "indeterminate", "not-captured"),
            "{name} {rtype}"
        );
    }

    // One octet of one server's answer: the other server's is used. Of all: bogus.
    let mut broken = lines.clone();
    let mut hits = 0;
    for line in broken.iter_mut().filter(|line| asks(line, "www.shop.test.", "A")) {
        let mut octets = BASE64
            .decode(line["response"].as_str().unwrap().as_bytes())
            .unwrap();
        let message = Message::parse(&octets).unwrap();
        let data = &message
            .answer
            .iter()
            .find(|record| record.rtype == Rtype::A)
            .unwrap()
            .rdata;
        let at = octets.windows(4).position(|four| four == data).unwrap();
        octets[at + 3] ^= 1;
        line["response"] = json!(BASE64.encode(&octets));
        hits += 1;
    }
    assert!(hits > 0);
    write(dir, &broken);
    let (exit, verdict, codes) = told(&unbroken(dir, &CHAIN));
    assert_eq!((exit, verdict.as_str()), (Some(1), "bogus"));
    assert_eq!(codes[0], "signature-invalid");
    let good = lines
        .iter()
        .find(|line| asks(line, "www.shop.test.", "A"))
        .unwrap();
    broken.push(good.clone());
    write(dir, &broken);
    let ran = unbroken(dir, &[&CHAIN[..], &["--every"]].concat());
    assert_eq!(told(&ran).1, "secure");
    let document = ran.json();
    assert_eq!(document["unused"][0]["codes"][0], "signature-invalid");
    let each = document["every"].as_array().unwrap();
    assert_eq!(each.len(), hits + 1);
    assert_eq!(each.last().unwrap()["verdict"], "secure");
}

#[test]
fn what_dnsviz_wrote_validates_too() {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let dir = tempfile::tempdir().unwrap();
    let file = captures.join("dnsviz-probe.json");
    let anchor = captures.join("dnsviz-anchor.key");
    let words = |name: &'static str, rtype: &'static str| {
        [
            "chain",
            "--json",
            "--anchors",
            anchor.to_str().unwrap(),
            "--name",
            name,
            "--type",
            rtype,
            file.to_str().unwrap(),
        ]
        .map(str::to_owned)
    };
    for (name, rtype, verdict, exit) in [
        ("www.test", "A", "secure", 0),
        ("www.test", "AAAA", "secure", 0),
        ("test", "DS", "secure", 0),
        ("elsewhere.test", "A", "indeterminate", 3),
    ] {
        let words = words(name, rtype);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ran = unbroken(dir.path(), &words);
        assert_eq!(
            (ran.code, told(&ran).1.as_str()),
            (Some(exit), verdict),
            "{name} {rtype}: {}",
            ran.out
        );
        assert_eq!(ran.json()["captures"][0]["form"], "dnsviz");
    }
}

/// What tcpdump wrote of the loopback interface and of all interfaces (Linux cooked), and dumpcap in pcapng, while BIND answered
/// over UDP and TCP, IPv4 and IPv6; and what tcpdump wrote with packets cut short. Of dumpcap's file the name of the machine
/// was overwritten.
#[test]
fn what_tcpdump_and_dumpcap_wrote_validates_too() {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let chain = |file: &str, name: &str, rtype: &str| {
        let words = [
            "chain",
            "--json",
            "--anchors",
            "wire-anchor.ds",
            "--name",
            name,
            "--type",
            rtype,
            file,
        ];
        unbroken(&captures, &words)
    };
    for (file, form) in [
        ("tcpdump.pcap", "pcap"),
        ("tcpdump-any.pcap", "pcap"),
        ("dumpcap.pcapng", "pcapng"),
    ] {
        for (name, rtype, kind) in [
            ("www.shop.test", "A", "positive"),
            ("alias.shop.test", "AAAA", "cname"),
            ("a.wild.shop.test", "A", "wildcard"),
            ("big.shop.test", "TXT", "positive"),
            ("nope.shop.test", "A", "nx-domain"),
            ("www.shop.test", "TXT", "no-data"),
        ] {
            let ran = chain(file, name, rtype);
            assert_eq!(told(&ran).1, "secure", "{file} {name} {rtype}: {}", ran.out);
            let document = ran.json();
            assert_eq!(document["kind"], kind, "{file} {name} {rtype}");
            let read = &document["captures"][0];
            assert_eq!(
                (read["form"].as_str(), read["answers"].as_u64()),
                (Some(form), Some(14))
            );
            assert_eq!(document["notes"], json!([]));
        }
    }
    // The large answer did not fit into UDP, so that it came by a stream.
    let ran = chain("tcpdump.pcap", "big.shop.test", "TXT");
    assert_eq!(
        ran.json()["unused"][0]["codes"],
        json!(["truncated"]),
        "{}",
        ran.out
    );
    let ran = chain("tcpdump-short.pcap", "www.shop.test", "A");
    let (exit, verdict, codes) = told(&ran);
    assert_eq!((exit, verdict.as_str()), (Some(3), "indeterminate"));
    assert!(codes.contains(&"not-captured".to_owned()), "{codes:?}");
    let note = ran.json()["notes"][0].as_str().unwrap().to_owned();
    assert!(note.contains("14 of 39 packets were cut short"), "{note}");
}

#[test]
fn files_that_cannot_be_used() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("anchors.ds"), unbroken::dnssec::IANA_ROOT_ANCHORS).unwrap();
    let ran = unbroken(dir.path(), &CHAIN);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    for (text, says) in [("no capture\n", "neither NDJSON"), ("{\"at\":1}\n", "line 1")] {
        std::fs::write(dir.path().join("x.ndjson"), text).unwrap();
        let ran = unbroken(dir.path(), &CHAIN);
        assert_eq!(ran.code, Some(2));
        assert!(ran.err.contains(says), "{}", ran.err);
    }
    let limit = [&CHAIN[..], &["--limit", "speed=9"]].concat();
    let ran = unbroken(dir.path(), &limit);
    assert!(
        ran.code == Some(2) && ran.err.contains("there is no limit 'speed'"),
        "{}",
        ran.err
    );
    std::fs::write(
        dir.path().join("x.ndjson"),
        "{\"query\":{\"name\":\"a.\",\"type\":\"A\"},\"response\":null,\"error\":\"timeout\"}\n",
    )
    .unwrap();
    let ran = unbroken(dir.path(), &CHAIN);
    assert!(ran.code == Some(2) && ran.err.contains("--at"), "{}", ran.err);
}

/// What docs/chain.md shows is what the program says.
#[test]
fn the_page_shows_what_is_said() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/chain.md")).unwrap();
    let mut shown = 0;
    for block in page.split("```\n$ unbroken ").skip(1) {
        let (command, rest) = block.split_once('\n').unwrap();
        let expected = rest.split("```").next().unwrap();
        let words: Vec<&str> = command.split_whitespace().collect();
        let ran = unbroken(root, &words);
        assert_eq!(ran.out, expected, "{command}");
        shown += 1;
    }
    assert_eq!(shown, 2);
}
