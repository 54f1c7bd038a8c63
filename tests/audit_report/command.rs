//! `unbroken audit report`, as a person calls it.

use std::path::Path;

use crate::made;
use crate::support::unbroken;

async fn journal(dir: &Path) {
    made::write(&made::moved().await, &dir.join("shop"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_and_the_same_as_text_and_json() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path()).await;
    let html = unbroken(dir.path(), &["audit", "report", "shop", "--out", "shop.html"]);
    assert!(
        html.out
            .contains("every mixture of answers that a cache could hold validated"),
        "{}{}",
        html.out,
        html.err
    );
    let page = std::fs::read_to_string(dir.path().join("shop.html")).unwrap();
    assert!(
        page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"),
        "not a whole page"
    );
    let again = unbroken(dir.path(), &["audit", "report", "shop", "--out", "shop.html"]);
    assert_eq!(again.code, Some(2), "{}", again.err);
    assert!(again.err.contains("nothing is overwritten"), "{}", again.err);

    let text = unbroken(dir.path(), &["audit", "report", "shop"]);
    let json = unbroken(dir.path(), &["audit", "report", "shop", "--json"]).json();
    assert_eq!(json["format"], 1);
    assert_eq!(json["zone"], "shop.test.");
    let sentence = json["verdict"]["sentence"].as_str().unwrap();
    assert!(text.out.contains(sentence) && page.contains(sentence) && html.out.contains(sentence));
    assert_eq!((text.code, html.code), (again_code(&json), again_code(&json)));
}

/// The exit status that goes with the standing.
fn again_code(json: &serde_json::Value) -> Option<i32> {
    match json["verdict"]["standing"].as_str() {
        Some("holds") => Some(0),
        Some("fails") => Some(1),
        Some("unknown") => Some(3),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_journal_is_reported_up_to_there_and_does_not_hold() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path()).await;
    let path = dir.path().join("shop/journal.ndjson");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        text.replacen(
            "\"accepted\":{\"said\":\"NOERROR",
            "\"accepted\":{\"said\":\"NOTHING",
            1,
        ),
    )
    .unwrap();
    let ran = unbroken(dir.path(), &["audit", "report", "shop", "--out", "shop.html"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("This bundle does not verify"), "{}", ran.out);
    let page = std::fs::read_to_string(dir.path().join("shop.html")).unwrap();
    assert!(page.contains("altered after it was written"));
}

#[test]
fn no_bundle_is_wrong_usage() {
    let dir = tempfile::tempdir().unwrap();
    let ran = unbroken(dir.path(), &["audit", "report", "nothing"]);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains("hint:"), "{}", ran.err);
}
