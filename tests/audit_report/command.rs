//! `unbroken audit report`, as a person calls it.

use std::path::Path;

use serde_json::{Value, json};
use unbroken::moment::Moment;
use unbroken::ports::JournalView;

use crate::made;
use crate::support::{Ran, unbroken};

/// A move's journal in `shop/`, its bundle `shop.tar`, and the anchors of its world in `lab.ds`.
async fn bundle(dir: &Path) {
    let kept = made::moved().await;
    made::write(&kept, &dir.join("shop"));
    let begin = kept.entries().unwrap().next().unwrap().unwrap();
    std::fs::write(dir.join("lab.ds"), begin.body["anchors"].as_str().unwrap()).unwrap();
    let ran = unbroken(dir, &["audit", "bundle", "--from", "shop", "--out", "shop.tar"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
}

fn report(dir: &Path, arguments: &[&str]) -> Ran {
    let all: Vec<&str> = ["audit", "report"].iter().chain(arguments).copied().collect();
    unbroken(dir, &all)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_and_the_same_as_text_and_json() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    bundle(dir).await;
    let html = report(dir, &["shop.tar", "--anchors", "lab.ds", "--out", "shop.html"]);
    assert_eq!(html.code, Some(0), "{}{}", html.out, html.err);
    assert!(html.out.starts_with("holds: From "), "{}", html.out);
    let page = std::fs::read_to_string(dir.join("shop.html")).unwrap();
    assert!(
        page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"),
        "not a whole page"
    );
    let again = report(dir, &["shop.tar", "--anchors", "lab.ds", "--out", "shop.html"]);
    assert_eq!(again.code, Some(2), "{}", again.err);
    assert!(again.err.contains("nothing is overwritten"), "{}", again.err);

    let text = report(dir, &["shop.tar", "--anchors", "lab.ds"]);
    let ran = report(dir, &["shop.tar", "--anchors", "lab.ds", "--json"]);
    let json = ran.json();
    assert_eq!((text.code, ran.code), (Some(0), Some(0)));
    assert_eq!(json["format"], 1);
    assert_eq!(
        (&json["zone"], &json["verdict"]["standing"]),
        (&"shop.test.".into(), &"holds".into())
    );
    let sentence = json["verdict"]["sentence"].as_str().unwrap();
    assert!(text.out.contains(sentence) && page.contains(sentence) && html.out.contains(sentence));
    let verified = unbroken(
        dir,
        &["audit", "verify", "shop.tar", "--anchors", "lab.ds", "--json"],
    )
    .json();
    assert_eq!(json["assurance"]["bundle"], verified["bundle"]);
    assert_eq!(json["assurance"]["head"], verified["journal"]["head"]);
    assert!(page.contains(verified["bundle"].as_str().unwrap()));
}

/// From other anchors nothing is proven, whatever the journal says.
#[tokio::test(flavor = "multi_thread")]
async fn the_report_says_no_more_than_was_verified() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    bundle(dir).await;
    let ran = report(dir, &["shop.tar", "--out", "shop.html"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("it cannot be told whether every mixture"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("does not validate from these anchors"),
        "{}",
        ran.out
    );

    // A folder of the state has no manifest, and says so.
    let state = report(dir, &["shop", "--anchors", "lab.ds"]);
    assert!(
        state.out.contains("bundle none: read from a journal"),
        "{}",
        state.out
    );

    let key = "example.com/dns+00000000+AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
    let unsealed = report(dir, &["shop.tar", "--anchors", "lab.ds", "--seal-key", key]);
    assert_ne!(
        unsealed.code,
        Some(0),
        "a seal was asked for, and there is none: {}",
        unsealed.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_or_cut_bundle_is_reported_as_such_on_the_first_screen() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    bundle(dir).await;
    let made = unbroken(dir, &["audit", "bundle", "--from", "shop", "--out", "whole"]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    let path = dir.join("whole/journal.ndjson");
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let blob = std::fs::read_dir(dir.join("whole/blobs"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let octets = std::fs::read(&blob).unwrap();

    let altered = text.replacen(
        "\"accepted\":{\"said\":\"NOERROR",
        "\"accepted\":{\"said\":\"NOTHING",
        1,
    );
    let cut = lines[..lines.len() * 2 / 3].concat();
    let without = [&lines[..10], &lines[11..]].concat().concat();
    for (what, journal) in [("altered", altered), ("cut", cut), ("without", without)] {
        std::fs::write(&path, journal).unwrap();
        let page = format!("{what}.html");
        let ran = report(dir, &["whole", "--anchors", "lab.ds", "--out", &page]);
        assert_eq!(ran.code, Some(1), "{what}: {}{}", ran.out, ran.err);
        let page = std::fs::read_to_string(dir.join(page)).unwrap();
        let (screen, _) = page.split_once("<main>").unwrap();
        assert!(
            screen.contains("This bundle does not verify"),
            "{what}: {}",
            ran.out
        );
        assert!(
            !screen.contains("cache could hold validated"),
            "{what}: {}",
            ran.out
        );
    }
    std::fs::write(&path, &text).unwrap();
    std::fs::write(&blob, [&octets[..], b"x"].concat()).unwrap();
    let ran = report(dir, &["whole", "--anchors", "lab.ds"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    let name = blob.file_name().unwrap().to_string_lossy().into_owned();
    assert!(
        ran.out.contains(&name) && ran.out.contains("does not verify"),
        "{}",
        ran.out
    );
}

/// What a sweep of the journal was told, far from all others in time, as the file of another vantage; `other`: one server
/// fails there.
fn seen_elsewhere(dir: &Path, file: &str, other: bool) {
    let journal = std::fs::read_to_string(dir.join("shop/journal.ndjson")).unwrap();
    let entries = journal
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let sweeps: Vec<Value> = entries
        .filter(|entry| entry["kind"] == "sweep")
        .map(|entry| entry["body"].clone())
        .collect();
    let began = |sweep: &Value| sweep["started"].as_str().unwrap().parse::<Moment>().unwrap();
    let apart = |three: &&[Value]| {
        let pause = |a: &Value, b: &Value| began(b).since(began(a));
        pause(&three[0], &three[1]).min(pause(&three[1], &three[2]))
    };
    let sweep = &sweeps.windows(3).max_by_key(apart).unwrap()[1];
    let mut lines = Vec::new();
    for one in sweep["observations"].as_array().unwrap() {
        // In virtual time a change is seen in the same moment in which it was not there yet: only what does not change.
        let (Some(blob), true) = (one["outcome"]["answer"]["blob"].as_str(), one["type"] == "A") else {
            continue;
        };
        let mut octets = std::fs::read(dir.join("shop/blobs").join(blob)).unwrap();
        if other && one["place"]["provider"] == "a" {
            octets[3] = (octets[3] & 0xf0) | 2;
        }
        let line = json!({
            "at": one["done"], "sent": one["sent"], "server": one["address"], "host": one["server"], "place": one["place"],
            "transport": one["proto"], "query": { "name": one["name"], "type": one["type"] },
            "response": data_encoding::BASE64.encode(&octets),
        });
        lines.push(line.to_string());
    }
    let head = json!({
        "format": 1, "vantage": "far", "program": "unbroken test", "zone": "shop.test.",
        "started": sweep["started"], "ended": sweep["ended"], "asked": lines.len(),
    });
    assert!(lines.len() >= 4, "each provider has two servers");
    std::fs::write(dir.join(file), format!("{head}\n{}\n", lines.join("\n"))).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_vantage_saw_is_told_and_unsettles_the_verdict_if_it_differs() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    bundle(dir).await;
    for (other, code) in [(false, 0), (true, 3)] {
        let (file, merged) = (format!("far-{other}.ndjson"), format!("with-{other}.tar"));
        seen_elsewhere(dir, &file, other);
        let ran = unbroken(dir, &["audit", "merge", "shop.tar", &file, "--out", &merged]);
        assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
        let ran = report(dir, &[&merged, "--anchors", "lab.ds"]);
        assert_eq!(ran.code, Some(code), "{}{}", ran.out, ran.err);
        assert!(ran.out.contains("far (unbroken test): "), "{}", ran.out);
        let told = "From elsewhere other answers were seen: far.";
        assert_eq!(ran.out.contains(told), other, "{}", ran.out);
        assert_eq!(
            ran.out
                .contains("vantage: far: mail.shop.test. A at 192.0.2.11:53 says"),
            other,
            "{}",
            ran.out
        );
    }
}

#[test]
fn no_bundle_is_wrong_usage() {
    let dir = tempfile::tempdir().unwrap();
    let ran = report(dir.path(), &["nothing"]);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains("hint:"), "{}", ran.err);
}
