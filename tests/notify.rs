//! A whole move by the program itself, on sockets: what `plan` leaves, whom `run` tells, and that a notification which does
//! not arrive harms nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{Lab, automatic};
use unbroken::adapters::journal::zone_dir;
use wiremock::matchers::{header_exists, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn settings(lab: &Lab, more: &str) {
    let path = lab.dir.path().join("unbroken.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let text = format!("{}\n{more}", automatic(&text, &lab.world, lab.dir.path()));
    std::fs::write(path, text).unwrap();
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_tells_whom_it_should_and_a_failed_notification_is_a_note() {
    let hooks = MockServer::start().await;
    Mock::given(method("POST"))
        .and(header_exists("x-unbroken-signature"))
        .respond_with(ResponseTemplate::new(401))
        .mount(&hooks)
        .await;
    let lab = Lab::start(|_| ()).await;
    let dir = lab.dir.path();
    std::fs::write(dir.join("hook.key"), "hunter2hunter2").unwrap();
    settings(
        &lab,
        &format!(
            "[notify]\non = [\"halt\", \"person\", \"step\", \"end\"]\ncommand = [\"sh\", \"-c\", \"cat >> told.ndjson\"]\n\
             webhook = {{ url = \"{}/dns\", hmac_secret = {{ file = \"hook.key\" }} }}\n",
            hooks.uri()
        ),
    );
    let planned = lab
        .unbroken(&["plan", "migrate", "--from", "a", "--to", "b"])
        .await;
    assert_eq!(planned.code, Some(0), "{}{}", planned.out, planned.err);
    let state = dir.join("state");
    let left = files(&state);
    assert!(
        left.len() == 1 && left[0].parent().unwrap().ends_with("plans"),
        "{left:?}"
    );

    let ran = lab.unbroken(&["run", "--yes", "--json"]).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let told: Vec<Value> = std::fs::read_to_string(dir.join("told.ndjson"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let lines: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for document in &told {
        assert_eq!(document["zone"], "shop.test.");
        assert_eq!(document["plan"].as_str().unwrap().len(), 64);
        let same = |line: &&Value| {
            ["at", "event", "text", "detail"]
                .iter()
                .all(|key| line[key] == document[key])
        };
        assert!(lines.iter().any(|line| same(&line)), "{document}");
    }
    let count = |event: &str| told.iter().filter(|document| document["event"] == event).count();
    assert_eq!(count("end"), 1);
    assert_eq!(
        count("done"),
        lines.iter().filter(|line| line["event"] == "done").count()
    );

    let journal = zone_dir(&state.join("unbroken"), lab.world.zone());
    let journal = std::fs::read_to_string(journal.join("journal.ndjson")).unwrap();
    assert!(
        journal.contains("notify-failed") && journal.contains("HTTP 401"),
        "no note"
    );
    assert!(
        ran.err
            .contains("a notification did not arrive (webhook 127.0.0.1): HTTP 401"),
        "{}",
        ran.err
    );
    for text in [&journal, &ran.out, &ran.err] {
        assert!(!text.contains("hunter2"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_cannot_be_read_is_told_before_anything_is_touched() {
    let cases = [
        ("", "b.key"),
        (
            "[notify]\nwebhook = { url = \"https://hooks.example/\", hmac_secret = { file = \"no.key\" } }\n",
            "no.key",
        ),
    ];
    for (more, file) in cases {
        let lab = Lab::start(|_| ()).await;
        settings(&lab, more);
        let _ = std::fs::remove_file(lab.dir.path().join(file));
        let ran = lab.unbroken(&["run", "--yes"]).await;
        assert_eq!(ran.code, Some(2), "{}{}", ran.out, ran.err);
        assert!(
            ran.err.contains("unbroken.toml:") && ran.err.contains(file),
            "{}",
            ran.err
        );
        assert!(files(&lab.dir.path().join("state")).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_that_differ_are_refused_with_exit_1_and_no_plan() {
    let lab = Lab::start(|_| ()).await;
    settings(&lab, "");
    let now = unbroken::ports::Clock::now(&unbroken::adapters::SystemClock);
    lab.world.edit("b", now, |zone| {
        let name = zone.apex().prepend(b"www").unwrap();
        zone.remove_rrset(&name, unbroken::dns::Rtype::AAAA);
    });
    let ran = lab
        .unbroken(&["plan", "migrate", "--from", "a", "--to", "b", "--json"])
        .await;
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    assert_eq!(ran.json()["findings"][0]["code"], "contents-differ");
    assert!(files(&lab.dir.path().join("state")).is_empty());
}
