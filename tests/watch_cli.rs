//! `unbroken watch` by the program itself, on sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod support;

use std::path::Path;

use serde_json::Value;
use support::{Lab, Ran};
use unbroken::adapters::SystemClock;
use unbroken::adapters::journal::{FileJournal, FileView, zone_dir};
use unbroken::dns::Record;
use unbroken::evidence::Chain;
use unbroken::lab::{ECDSA_P256, KSK_FLAGS, SigningKey};
use unbroken::ports::{Clock, JournalView};

fn lines(ran: &Ran) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    ran.out.lines().map(parse).collect()
}

fn events<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["event"] == event).collect()
}

fn foreign_ds(lab: &Lab) -> Record {
    let key = SigningKey::generate(KSK_FLAGS, ECDSA_P256).unwrap();
    key.ds(lab.world.zone()).unwrap().record(lab.world.zone(), 2)
}

async fn group(more: &str) -> Lab {
    let lab = Lab::start(|config| config.delegated = vec!["a".to_owned(), "b".to_owned()]).await;
    let path = lab.dir.path().join("unbroken.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text.replace("signers = [\"a\"]", "signers = [\"a\", \"b\"]");
    std::fs::write(path, format!("{text}\n{more}")).unwrap();
    lab
}

/// A copy of a journal's folder without the first entry of a kind; numbers and hashes are made anew.
fn without(from: &Path, to: &Path, kind: &str) {
    std::fs::create_dir_all(to.join("blobs")).unwrap();
    for blob in std::fs::read_dir(from.join("blobs")).unwrap() {
        let blob = blob.unwrap();
        std::fs::copy(blob.path(), to.join("blobs").join(blob.file_name())).unwrap();
    }
    let view = FileView::open(from).unwrap();
    let mut entries: Vec<_> = view.entries().unwrap().map(Result::unwrap).collect();
    let at = entries.iter().position(|entry| entry.kind == kind).unwrap();
    entries.remove(at);
    let mut chain = Chain::default();
    let mut text = String::new();
    for entry in entries {
        let (_, line) = chain.next_entry(entry.at, &entry.kind, entry.body).unwrap();
        chain.follow(line.as_bytes());
        text.push_str(&line);
        text.push('\n');
    }
    std::fs::write(to.join("journal.ndjson"), text).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn looks_raises_an_alarm_and_is_told_that_it_was_meant() {
    let lab = group("[notify]\non = [\"alarm\"]\ncommand = [\"sh\", \"-c\", \"cat >> told.ndjson\"]\n").await;
    let dir = lab.dir.path();
    let nobody = lab.unbroken(&["watch", "--accept"]).await;
    assert_eq!(nobody.code, Some(2), "{}{}", nobody.out, nobody.err);

    let first = lab.unbroken(&["watch", "--once", "--json"]).await;
    assert_eq!(first.code, Some(0), "{}{}", first.out, first.err);
    let told = lines(&first);
    assert_eq!(events(&told, "expect").len(), 1, "{}", first.out);
    assert!(events(&told, "alarm").is_empty());
    let secure = "a: 2 of 2 secure; b: 2 of 2 secure";
    assert_eq!(events(&told, "chain")[0]["text"], secure);

    let ds = foreign_ds(&lab);
    let now = SystemClock.now();
    lab.world.edit("registry", now, |zone| {
        zone.add(&ds);
    });
    let second = lab
        .unbroken(&[
            "watch",
            "shop.test",
            "--until-alarm",
            "--interval",
            "1s",
            "--for",
            "60s",
            "--json",
        ])
        .await;
    assert_eq!(second.code, Some(1), "{}{}", second.out, second.err);
    let told = lines(&second);
    let alarm = events(&told, "alarm")[0];
    assert_eq!(alarm["detail"]["code"], "ds-changed");
    assert!(alarm["detail"]["remedy"].as_str().unwrap().contains("--accept"));
    assert_eq!(events(&told, "ended")[0]["exit"], 1);

    let word = lab
        .unbroken(&["watch", "--accept", "--because", "change 4711", "--by", "ann"])
        .await;
    assert_eq!(word.code, Some(0), "{}{}", word.out, word.err);
    let third = lab.unbroken(&["watch", "--once"]).await;
    assert_eq!(third.code, Some(0), "{}{}", third.out, third.err);
    assert!(
        third.out.contains("[ds-changed] over since the last look"),
        "{}",
        third.out
    );
    assert!(third.out.contains("no alarm stands"), "{}", third.out);

    // Anybody can check it alone: every answer is judged anew, and every alarm made again.
    let folder = "state/unbroken/shop.test/watch";
    let verified = lab
        .unbroken(&["audit", "verify", folder, "--anchors", "anchors.ds", "--json"])
        .await;
    let verdict = verified.json();
    let findings = verdict["findings"].as_array().unwrap();
    let known = |one: &Value| ["fails", "open", "remark"].contains(&one["gravity"].as_str().unwrap());
    assert!(findings.iter().all(known), "{findings:#?}");
    let fails: Vec<&Value> = findings.iter().filter(|one| one["gravity"] == "fails").collect();
    assert!(fails.is_empty(), "{fails:#?}");
    // An alarm that is taken out, with the chain made anew, is missed.
    let shortened = dir.join("shortened");
    without(&dir.join(folder), &shortened, "alarm");
    let missed = lab
        .unbroken(&[
            "audit",
            "verify",
            "shortened",
            "--anchors",
            "anchors.ds",
            "--json",
        ])
        .await;
    assert_eq!(missed.code, Some(1), "{}{}", missed.out, missed.err);

    let documents = std::fs::read_to_string(dir.join("told.ndjson")).unwrap();
    let told: Vec<Value> = documents
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of: Vec<&str> = told.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(of, ["alarm", "over"]);
    assert_eq!(
        (told[0]["zone"].as_str(), told[0]["format"].as_u64()),
        (Some("shop.test."), Some(1))
    );

    let journal = zone_dir(&dir.join("state/unbroken"), lab.world.zone()).join("watch");
    let view = FileView::open(&journal).unwrap();
    let kinds: Vec<String> = view.entries().unwrap().map(|entry| entry.unwrap().kind).collect();
    for kind in ["begin", "watch", "servers", "sweep", "accepted", "alarm"] {
        assert!(kinds.iter().any(|own| own == kind), "no {kind} in {kinds:?}");
    }
    assert!(!kinds.iter().any(|kind| kind == "plan"));
    let begin = view.entries().unwrap().next().unwrap().unwrap();
    assert_eq!(
        (begin.kind.as_str(), &begin.body["by"]),
        ("begin", &Value::from("ann"))
    );
    assert!(!begin.body["vantage"].as_str().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_has_the_zone_comes_first() {
    let lab = group("").await;
    let home = zone_dir(&lab.dir.path().join("state/unbroken"), lab.world.zone());
    let journal = FileJournal::open(&home, SystemClock.now(), "run").unwrap();
    let refused = lab.unbroken(&["watch", "--once"]).await;
    assert_eq!(refused.code, Some(5), "{}{}", refused.out, refused.err);
    assert!(refused.err.contains("`unbroken run`, process"), "{}", refused.err);
    drop(journal);
    let now = lab.unbroken(&["watch", "--once"]).await;
    assert_eq!(now.code, Some(0), "{}{}", now.out, now.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_settings_for_the_zone_are_needed() {
    let lab = group("").await;
    let path = lab.dir.path().join("unbroken.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let (_, observe) = text.split_once("[observe]").unwrap();
    std::fs::write(&path, format!("[observe]{observe}")).unwrap();
    let ran = lab
        .unbroken(&[
            "watch",
            "shop.test",
            "--anchors",
            "anchors.ds",
            "--once",
            "--json",
        ])
        .await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let told = lines(&ran);
    let chain = events(&told, "chain")[0]["text"].as_str().unwrap();
    assert!(chain.contains("ns1.prova.test.: 1 of 1 secure"), "{chain}");
    let wrong = lab
        .unbroken(&[
            "watch",
            "shop.test",
            "--anchors",
            "anchors.ds",
            "--once",
            "--contents",
        ])
        .await;
    assert_eq!(wrong.code, Some(2), "{}{}", wrong.out, wrong.err);
    let below = lab.unbroken(&["watch", "shop.test", "--interval", "0s"]).await;
    assert_eq!(below.code, Some(2), "{}{}", below.out, below.err);
}
