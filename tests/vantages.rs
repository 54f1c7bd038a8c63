//! What was seen from elsewhere: files of `observe --into` and results of RIPE Atlas, in a bundle and against its journal.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod support;

use serde_json::{Value, json};
use support::{Lab, Ran};
use unbroken::adapters::SystemClock;
use unbroken::adapters::journal::zone_dir;
use unbroken::dns::{Record, Rtype};
use unbroken::evidence::vantage::{read_atlas, read_vantage};
use unbroken::ports::Clock;

/// The zone's watch, as it lies in the state.
const WATCH: &str = "state/unbroken/shop.test/watch";

async fn ok(lab: &Lab, words: &[&str]) -> Ran {
    let ran = lab.unbroken(words).await;
    assert_eq!(ran.code, Some(0), "{words:?}: {}{}", ran.out, ran.err);
    ran
}

async fn refused(lab: &Lab, words: &[&str], part: &str) {
    let ran = lab.unbroken(words).await;
    assert_eq!(ran.code, Some(2), "{words:?}: {}{}", ran.out, ran.err);
    assert!(ran.err.contains(part), "{part}: {}", ran.err);
}

/// One more address of `www`, at the first server of `a` alone.
fn another_address(lab: &Lab) -> Record {
    Record {
        name: lab.world.zone().prepend(b"www").unwrap(),
        rtype: Rtype::A,
        class: 1,
        ttl: 1,
        rdata: vec![192, 0, 2, 99],
    }
}

/// What RIPE Atlas would give for the answers of a file of ours.
fn atlas(text: &str) -> Value {
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let answers = lines.filter(|line| line["response"].is_string());
    let results: Vec<Value> = answers
        .map(|line| {
            let server: std::net::SocketAddr = line["server"].as_str().unwrap().parse().unwrap();
            let at: unbroken::moment::Moment = line["at"].as_str().unwrap().parse().unwrap();
            json!({
                "time": at.floor_seconds(), "lts": 12, "subid": 1, "submax": 1, "dst_addr": server.ip(),
                "dst_port": server.port().to_string(), "af": 4, "src_addr": "203.0.113.9", "proto": "UDP",
                "result": {"rt": 1.5, "size": 100, "abuf": line["response"], "ID": 1, "ANCOUNT": 1},
            })
        })
        .collect();
    json!([
        {"fw": 5080, "type": "dns", "msm_id": 1, "prb_id": 7, "timestamp": 1, "resultset": results},
        {"fw": 5080, "type": "dns", "msm_id": 1, "prb_id": 8, "timestamp": 1_790_000_000, "dst_addr": "192.0.2.11",
         "proto": "UDP", "qbuf": "AAEBAAABAAAAAAAABHNob3AEdGVzdAAABgAB", "error": {"timeout": 5000}},
        // An answer came and was not kept; none came, and nobody knows to what.
        {"fw": 5080, "type": "dns", "msm_id": 1, "prb_id": 8, "timestamp": 1_790_000_000, "dst_addr": "192.0.2.11",
         "proto": "UDP", "qbuf": "AAEBAAABAAAAAAAABHNob3AEdGVzdAAABgAB", "result": {"rt": 1.5, "size": 100, "ANCOUNT": 1}},
        {"fw": 5080, "type": "dns", "msm_id": 1, "prb_id": 8, "timestamp": 1_790_000_000, "dst_addr": "192.0.2.11",
         "proto": "UDP", "error": {"timeout": 5000}},
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vantage_that_sees_something_else() {
    let lab = Lab::start(|_| {}).await;
    let dir = lab.dir.path().to_path_buf();
    assert_eq!(
        zone_dir(&dir.join("state/unbroken"), lab.world.zone()).join("watch"),
        dir.join(WATCH)
    );
    ok(&lab, &["watch", "--once"]).await;
    ok(
        &lab,
        &[
            "observe",
            "shop.test",
            "--into",
            "fra1.ndjson",
            "--vantage",
            "fra1",
        ],
    )
    .await;

    // For a while, one server gives an address that the journal never sees.
    let (first, record) = (lab.world.addresses("a")[0], another_address(&lab));
    lab.world.edit_server(first, |zone| {
        zone.add(&record);
    });
    let more = [
        "observe",
        "--like",
        WATCH,
        "--into",
        "sin2.ndjson",
        "--vantage",
        "sin2",
        "--append",
        "--every",
        "1s",
        "--for",
        "1s",
    ];
    let ran = ok(&lab, &more).await;
    assert!(ran.out.contains("in 2 sweeps"), "{}", ran.out);
    lab.world.edit("a", SystemClock.now(), |_| ());
    ok(&lab, &more[..8]).await;
    ok(&lab, &["watch", "--once"]).await;

    let text = std::fs::read_to_string(dir.join("sin2.ndjson")).unwrap();
    let read = read_vantage(&text).unwrap();
    assert_eq!((read.name.as_str(), read.sweeps.len()), ("sin2", 3));
    // The same questions as those of the journal.
    let ours = read_vantage(&std::fs::read_to_string(dir.join("fra1.ndjson")).unwrap()).unwrap();
    assert!(!ours.blobs.is_empty() && ours.sweeps[0].observations.len() > 20);

    // It validates by itself too, heads and all.
    ok(
        &lab,
        &[
            "chain",
            "--anchors",
            "anchors.ds",
            "--name",
            "www.shop.test",
            "--type",
            "A",
            "fra1.ndjson",
        ],
    )
    .await;

    ok(
        &lab,
        &["audit", "merge", WATCH, "fra1.ndjson", "--out", "one.tar"],
    )
    .await;
    let same = ok(&lab, &["audit", "vantages", "one.tar"]).await;
    assert!(same.out.contains("it saw what the journal saw"), "{}", same.out);

    let merged = ok(
        &lab,
        &[
            "audit",
            "merge",
            "one.tar",
            "sin2.ndjson",
            "--out",
            "two",
            "--json",
        ],
    )
    .await;
    assert_eq!(merged.json()["merged"], json!(["vantages/sin2.ndjson"]));
    let ran = lab.unbroken(&["audit", "vantages", "two", "--json"]).await;
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    let seen = ran.json();
    assert_eq!(
        (&seen[0]["vantage"], &seen[1]["vantage"]),
        (&json!("fra1"), &json!("sin2"))
    );
    assert_eq!(
        (&seen[0]["unseen_count"], &seen[0]["differs_count"]),
        (&json!(0), &json!(0))
    );
    let (unseen, differs) = (&seen[1]["unseen"][0], &seen[1]["differs"][0]);
    assert_eq!(
        (&seen[1]["unseen_count"], &seen[1]["differs_count"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(seen[1]["unseen"].as_array().unwrap().len(), 1);
    for found in [unseen, differs] {
        assert_eq!(
            (&found["name"], &found["type"]),
            (&json!("www.shop.test."), &json!("A"))
        );
        assert!(found["says"].as_str().unwrap().contains("c0000263"), "{found}");
    }
    assert!(!differs["journal_says"].as_str().unwrap().contains("c0000263"));
    // The file is in the bundle as it was, under its hash, and the journal is the same.
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(dir.join("two/MANIFEST.json")).unwrap()).unwrap();
    let part = &manifest["files"]["vantages/sin2.ndjson"];
    assert_eq!(part["sha256"], unbroken::evidence::hash_line(text.as_bytes()));
    assert_eq!(
        std::fs::read_to_string(dir.join("two/vantages/sin2.ndjson")).unwrap(),
        text
    );
    assert_eq!(
        std::fs::read(dir.join("two/journal.ndjson")).unwrap(),
        std::fs::read(dir.join(WATCH).join("journal.ndjson")).unwrap()
    );

    atlas_is_a_vantage(&lab, &text).await;
    what_is_refused(&lab, &text).await;
}

async fn atlas_is_a_vantage(lab: &Lab, text: &str) {
    let dir = lab.dir.path();
    std::fs::write(dir.join("msm-1.json"), atlas(text).to_string()).unwrap();
    let merged = ok(
        lab,
        &[
            "audit",
            "merge",
            WATCH,
            "msm-1.json",
            "--out",
            "atlas.tar",
            "--json",
        ],
    )
    .await;
    let document = merged.json();
    assert_eq!(document["merged"], json!(["vantages/atlas-msm-1.json"]));
    let seen = &document["seen"];
    assert_eq!(
        (&seen[0]["vantage"], &seen[1]["vantage"]),
        (&json!("atlas-7"), &json!("atlas-8"))
    );
    assert_eq!(seen[0]["unseen_count"], json!(2), "{seen}");
    assert_eq!((&seen[1]["asked"], &seen[1]["answers"]), (&json!(1), &json!(0)));
    assert_eq!((&seen[0]["untold"], &seen[1]["untold"]), (&json!(0), &json!(2)));
    std::fs::write(dir.join("no.json"), "[{\"type\":\"ping\"}]").unwrap();
    refused(
        lab,
        &["audit", "merge", WATCH, "no.json", "--out", "no.tar"],
        "another type than dns",
    )
    .await;
}

async fn what_is_refused(lab: &Lab, text: &str) {
    let dir = lab.dir.path();
    let cut: String = text.lines().take(5).map(|line| format!("{line}\n")).collect();
    let renamed = text.replace("\"zone\":\"shop.test.\"", "\"zone\":\"other.test.\"");
    let newer = text.replacen("\"format\":1", "\"format\":2", 1);
    for (name, content, part) in [
        ("cut.ndjson", cut, "and the file ends after 4"),
        ("other.ndjson", renamed, "it is about other.test."),
        ("newer.ndjson", newer, "it has format 2"),
        ("again.ndjson", text.to_owned(), "a vantage 'sin2' already"),
        ("nothing.ndjson", String::new(), "there is nothing in it"),
    ] {
        std::fs::write(dir.join(name), content).unwrap();
        refused(lab, &["audit", "merge", "two", name, "--out", "no.tar"], part).await;
        assert!(!dir.join("no.tar").exists());
    }
    refused(
        lab,
        &[
            "observe",
            "shop.test",
            "--into",
            "fra1.ndjson",
            "--vantage",
            "other",
            "--append",
        ],
        "it is of vantage fra1",
    )
    .await;
    refused(
        lab,
        &["observe", "shop.test", "--into", "x.ndjson", "--vantage", "../x"],
        "no name for a vantage",
    )
    .await;
}

/// Whatever is done to a file, it is read or refused.
#[test]
fn damaged_files_are_read_or_refused() {
    let text = concat!(
        r#"{"format":1,"vantage":"x","program":"p","zone":"a.","started":1,"ended":2,"asked":1}"#,
        "\n",
        r#"{"at":2,"server":"192.0.2.1:53","transport":"udp","query":{"name":"a.","type":"SOA"},"response":"AAGFAAAAAAAAAAAA","host":"b.","place":"parent","sent":1}"#,
        "\n"
    );
    assert_eq!(read_vantage(text).unwrap().sweeps[0].observations.len(), 1);
    for at in 0..text.len() {
        let _ = read_vantage(&text[..at]);
        for octet in [b'"', b'0', b'9', b'{', b' ', b'x'] {
            let mut octets = text.as_bytes().to_vec();
            octets[at] = octet;
            let _ = read_vantage(std::str::from_utf8(&octets).unwrap());
        }
    }
    let results = r#"[{"type":"dns","prb_id":7,"timestamp":1,"dst_addr":"192.0.2.1","dst_port":"53","proto":"UDP","result":{"abuf":"AAGFAAABAAAAAAAAAWEAAAYAAQ==","rt":1e300}}]"#;
    assert_eq!(read_atlas(results).unwrap()[0].sweeps.len(), 1);
    for at in 0..results.len() {
        let _ = read_atlas(&results[..at]);
        for octet in [b'"', b'0', b'9', b'-', b' ', b'x'] {
            let mut octets = results.as_bytes().to_vec();
            octets[at] = octet;
            let _ = read_atlas(std::str::from_utf8(&octets).unwrap());
        }
    }
}
