//! Every fault of the lab against the whole program, with what is expected of it; and the listing in the docs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use unbroken::lab::{Fault, LabConfig, Play, Played, Reaction, Ttls, fault, faults, play_fault};
use unbroken::moment::Moment;
use unbroken::runner::Quiet;
use unbroken::workflow::{GateRules, Purpose};

/// A move with TTLs of minutes, so that a fault is played in a second or two.
fn minutes(out: &Path) -> Play {
    let mut config = LabConfig::built_in(Moment::from_seconds(1_790_000_000)).unwrap();
    config.ttls = Ttls {
        data: Some(300),
        dnskey: 600,
        apex_ns: 600,
        parent_ns: 600,
        ds: 1_800,
        negative: 60,
        addresses: 600,
        above: 3_600,
    };
    Play {
        config,
        purpose: Purpose::Migrate {
            from: "a".to_owned(),
            to: "b".to_owned(),
        },
        group: vec!["a".to_owned()],
        soak: 900,
        resign: None,
        approver: None,
        interval: Duration::from_secs(150),
        pace: Duration::from_secs(60),
        rules: GateRules {
            ttl_floor: 0,
            margin: 2,
            stale: 0,
            patience: 120,
        },
        out: out.to_path_buf(),
        virtual_time: true,
        seed: 1,
    }
}

async fn played(fault: &Fault, play: &Play) -> Played {
    play_fault(fault, play, &mut || Box::new(Quiet), Box::new(|_, _| {}))
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", fault.name))
}

fn assert_as_expected(played: &Played) {
    let bad: Vec<_> = played
        .verdict
        .checks
        .iter()
        .filter(|check| !check.holds)
        .collect();
    assert!(
        played.verdict.as_expected && bad.is_empty(),
        "{}: {bad:#?}\n{:#?}",
        played.fault,
        played.told
    );
}

/// Whatever went wrong in the world, the journal of an honest run is no forgery: an auditor makes each decision again, and comes to
/// the same mixtures.
fn assert_evidence(played: &Played, out: &Path) {
    let ran = Command::new(env!("CARGO_BIN_EXE_unbroken"))
        .args(["audit", "verify", "--json"])
        .arg(&played.journal)
        .arg("--anchors")
        .arg(out.join("anchors.ds"))
        .output()
        .unwrap();
    let verdict: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let failing: Vec<&str> = verdict["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["gravity"] == "fails")
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    let foretold = played.expected.reaction == Reaction::Foretells;
    assert_eq!(
        failing.contains(&"not-continuous"),
        foretold,
        "{}: {failing:?}",
        played.fault
    );
    assert!(
        failing
            .iter()
            .all(|code| foretold && ["not-continuous", "answer-bogus"].contains(code)),
        "{}: {:#}",
        played.fault,
        verdict["findings"]
    );
    let made = &verdict["decisions"];
    assert_eq!(
        (&made["recorded"], &made["outside"]),
        (&made["same"], &Value::from(0)),
        "{}",
        played.fault
    );
}

async fn family(reaction: Reaction) {
    let mut seen = 0;
    for fault in faults()
        .iter()
        .filter(|fault| fault.expected.reaction == reaction)
    {
        let out = tempfile::tempdir().unwrap();
        let played = played(fault, &minutes(out.path())).await;
        assert_as_expected(&played);
        assert_evidence(&played, out.path());
        seen += 1;
    }
    assert!(seen > 0, "{reaction}: no fault");
}

#[tokio::test]
async fn it_waits() {
    family(Reaction::Waits).await;
}

#[tokio::test]
async fn it_replans() {
    family(Reaction::Replans).await;
}

#[tokio::test]
async fn it_halts() {
    family(Reaction::Halts).await;
}

#[tokio::test]
async fn it_refuses_or_stops() {
    family(Reaction::Refuses).await;
    family(Reaction::Stops).await;
}

#[tokio::test]
async fn it_foretells() {
    family(Reaction::Foretells).await;
}

/// The judge can say no: each fault is measured by what is expected of another.
#[tokio::test]
async fn what_is_not_as_expected_is_said() {
    for (name, other) in [
        ("ds-by-hand", "server-silent"),
        ("server-silent", "ds-by-hand"),
        ("disk-full", "lost-update"),
        ("key-tag-clash", "drops-foreign-keys"),
        ("lost-update", "wait-cut-short"),
        ("wait-cut-short", "lost-update"),
    ] {
        let out = tempfile::tempdir().unwrap();
        let mut wrong = fault(name).unwrap();
        wrong.expected = fault(other).unwrap().expected;
        let played = played(&wrong, &minutes(out.path())).await;
        assert!(!played.verdict.as_expected, "{name} measured as {other}");
        assert!(played.verdict.checks.iter().any(|check| !check.holds));
    }
}

/// On sockets, as people run it.
#[test]
fn on_sockets() {
    for (name, reaction) in [
        ("lost-update", "waits"),
        ("disk-full", "stops"),
        ("key-tag-clash", "refuses"),
    ] {
        let out = tempfile::tempdir().unwrap();
        let run = Command::new(env!("CARGO_BIN_EXE_unbroken"))
            .args(["lab", "--json", "--fault", name, "--out"])
            .arg(out.path())
            .output()
            .unwrap();
        let text = String::from_utf8(run.stdout).unwrap();
        let document: serde_json::Value =
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}: {text}"));
        assert_eq!(run.status.code(), Some(0), "{name}: {document:#}");
        assert_eq!(document["verdict"]["as_expected"], true);
        assert_eq!(document["expected"]["reaction"], reaction);
    }
}

#[test]
fn an_unknown_fault_is_wrong_usage() {
    let run = Command::new(env!("CARGO_BIN_EXE_unbroken"))
        .args(["lab", "--fault", "earthquake"])
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(2));
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(
        said.contains("no fault 'earthquake'") && said.contains("--fault list"),
        "{said}"
    );
}

/// The page lists each fault with its story and what is expected, in the order of `--fault list`, and nothing else.
#[test]
fn the_page_lists_what_there_is() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md")).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let wanted: Vec<String> = faults()
        .iter()
        .map(|fault| {
            format!(
                "| `{}` | {} | {} |",
                fault.name, fault.story, fault.expected.reaction
            )
        })
        .collect();
    for (row, start) in rows.iter().zip(&wanted) {
        assert!(
            row.starts_with(start.as_str()),
            "docs/faults.md has\n{row}\nand should begin with\n{start}"
        );
    }
    assert_eq!(rows.len(), wanted.len());
    for fault in faults() {
        let row = rows
            .iter()
            .find(|row| row.starts_with(&format!("| `{}` ", fault.name)))
            .unwrap();
        for words in fault.expected.says {
            assert!(
                row.contains(words),
                "docs/faults.md: {} does not quote \"{words}\"",
                fault.name
            );
        }
    }
}
