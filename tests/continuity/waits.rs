//! `earliest`: what it waits for, what it refuses, what it says.

use serde_json::json;
use unbroken::continuity::{Change, Earliest, NewVersion, TimelineError, earliest};

use super::*;

fn ask(
    versions: Vec<Version>,
    end: &[Version],
    begin: Vec<NewVersion>,
    now: i64,
) -> Result<Earliest, TimelineError> {
    let change = Change {
        end: end.to_vec(),
        begin,
    };
    earliest(&timeline(versions), &change, now, &Options::default())
}

fn new(value: Value, ttl: u32) -> NewVersion {
    NewVersion::new(value, ttl)
}

/// Provider `b` is complete and its DS was added at 1000; when may it be named?
fn ready_to_join() -> Vec<Version> {
    vec![
        served(parent("a"), 0, None, 300),
        served(apex("a", "a"), 0, None, 300),
        served(ds("a"), 0, 1000, 300),
        served(ds("a b"), 1000, None, 300),
        served(dnskey("a", "a za zb", "a"), 0, None, 300),
        served(data("a", "za"), 0, None, 300),
        served(apex("b", "a b"), 900, None, 300),
        served(dnskey("b", "b za zb", "b"), 900, None, 300),
        served(data("b", "zb"), 900, None, 300),
    ]
}

#[test]
fn a_delegation_waits_for_the_old_ds() {
    let versions = ready_to_join();
    let end = [versions[0].clone()];
    let answer = ask(versions.clone(), &end, vec![new(parent("a b"), 300)], 1000).unwrap();
    assert_eq!((answer.earliest, answer.clean_from), (Some(1300), Some(1300)));
    assert!(answer.remaining.is_empty() && answer.reason.is_none());
    let because = &answer.because;
    assert_eq!(because.len(), 1);
    assert_eq!(*because[0].version, versions[2]);
    assert_eq!(
        (because[0].leaves_caches_at, because[0].rule.name()),
        (1300, "ds-dnskey")
    );
    let classes: Vec<String> = because[0].classes.iter().map(|c| c.to_string()).collect();
    assert_eq!(
        classes,
        ["all-lenient", "all-strict", "only-13", "no-sha1", "no-digest-4"]
    );
    // Later there is nothing to wait for.
    let answer = ask(versions, &end, vec![new(parent("a b"), 300)], 1300).unwrap();
    assert_eq!(answer.earliest, Some(1300));
    assert!(answer.because.is_empty());
}

#[test]
fn the_answer_as_it_is_documented() {
    let mut timeline = Timeline::from_json(
        r#"{"zone":"shop.test.","providers":["a"],"keys":{"a":{"algorithm":13},"b":{"algorithm":13}},"versions":[
           {"kind":"parent_ns","from":0,"until":null,"ttl":300,"providers":["a"]},
           {"kind":"apex_ns","at":"a","from":0,"until":null,"ttl":300,"providers":["a"]},
           {"kind":"ds","from":0,"until":1000,"ttl":300,"ds":[{"key":"a","digest":2}],"seen":"by me"},
           {"kind":"ds","from":1000,"until":null,"ttl":300,"ds":[{"key":"b","digest":2}]},
           {"kind":"dnskey","at":"a","from":0,"until":null,"ttl":300,"keys":["a","b"],"signed_by":["a","b"]},
           {"kind":"data","at":"a","from":0,"until":null,"ttl":300,"signed_by":["b"]}]}"#,
    )
    .unwrap();
    let change = r#"{"end":[{"kind":"dnskey","at":"a","from":0,"until":null,"ttl":300,"keys":["b","a"],"signed_by":["a","b"]}],
                     "begin":[{"kind":"dnskey","at":"a","until":null,"ttl":300,"keys":["b"],"signed_by":["b"]}]}"#;
    let change = Change::from_json(change).unwrap();
    let answer = earliest(&timeline, &change, 1000, &Options::default())
        .unwrap()
        .to_json();
    assert_eq!(answer["earliest"], 1300);
    assert_eq!(answer["clean_from"], 1300);
    assert_eq!(answer["remaining"], json!([]));
    assert_eq!(answer["because"][0]["leaves_caches_at"], 1300);
    assert_eq!(answer["because"][0]["rule"], "ds-dnskey");
    assert_eq!(answer["because"][0]["version"]["seen"], "by me");
    let order: Vec<&String> = answer.as_object().unwrap().keys().collect();
    assert_eq!(order[..4], ["earliest", "clean_from", "because", "remaining"]);
    // A version that was altered after it was read is written anew.
    timeline.versions[2].ttl = 1;
    assert_eq!(timeline.to_json()["versions"][2]["ttl"], 1);
    assert!(timeline.to_json()["versions"][2].get("seen").is_none());
}

#[test]
fn a_repair_is_allowed_at_once() {
    let mut versions = steady("a", "a za", "a", "za");
    versions[4] = served(data("a", ""), 0, None, 10);
    let end = [versions[4].clone()];
    let answer = ask(versions.clone(), &end, vec![new(data("a", "za"), 10)], 100).unwrap();
    assert_eq!((answer.earliest, answer.clean_from), (Some(100), Some(110)));
    assert_eq!(summary(&answer.remaining), ["dnskey-data 0-110", "ds-data 0-110"]);
    // To put another fault in its place is none.
    let answer = ask(versions, &end, vec![new(data("a", "zb"), 10)], 100).unwrap();
    assert_eq!(answer.earliest, None);
    assert!(answer.reason.unwrap().contains("dnskey-data"));
    assert_eq!(summary(&answer.remaining), ["dnskey-data 101-*"]);
}

#[test]
fn a_server_stops_when_it_is_forgotten() {
    let mut versions = steady("a", "a za", "a", "za");
    versions[0] = served(parent("a b"), 0, 100, 50);
    versions.push(served(parent("a"), 100, None, 50));
    versions.extend([
        served(apex("b", "a"), 0, None, 40),
        served(dnskey("b", "a za", "a"), 0, None, 20),
        served(data("b", "za"), 0, None, 10),
    ]);
    let end = versions[6..].to_vec();
    let answer = ask(versions.clone(), &end, vec![], 101).unwrap();
    assert_eq!((answer.earliest, answer.clean_from), (Some(150), Some(150)));
    let because: Vec<(String, i64)> = answer
        .because
        .iter()
        .map(|b| (b.rule.to_string(), b.leaves_caches_at))
        .collect();
    assert_eq!(because, [("no-server".into(), 150), ("gap".into(), 150)]);
    assert!(answer.because.iter().all(|b| *b.version == versions[0]));
}

#[test]
fn several_waits_and_the_longest_first() {
    let mut versions = ready_to_join();
    versions[4] = served(dnskey("a", "a za", "a"), 0, 1200, 300);
    versions.push(served(dnskey("a", "a za zb", "a"), 1200, None, 300));
    let answer = ask(
        versions.clone(),
        &[versions[0].clone()],
        vec![new(parent("a b"), 300)],
        1250,
    )
    .unwrap();
    assert_eq!(answer.earliest, Some(1500));
    let waits: Vec<(i64, &str)> = answer
        .because
        .iter()
        .map(|b| (b.leaves_caches_at, b.rule.name()))
        .collect();
    assert_eq!(waits, [(1500, "dnskey-data"), (1300, "ds-dnskey")]);
}

#[test]
fn a_wait_for_something_that_is_planned() {
    // b is named only when it serves: it will at 900.
    let mut versions = ready_to_join();
    versions[2] = served(ds("a b"), 0, 1000, 300);
    let answer = ask(
        versions.clone(),
        &[versions[0].clone()],
        vec![new(parent("a b"), 300)],
        500,
    )
    .unwrap();
    assert_eq!(answer.earliest, Some(900));
}

#[test]
fn waiting_does_not_help() {
    let versions = steady("a", "a za", "a", "za");
    let answer = ask(
        versions.clone(),
        &[versions[2].clone()],
        vec![new(ds("b"), 30)],
        100,
    )
    .unwrap();
    assert_eq!((answer.earliest, answer.clean_from), (None, None));
    assert!(answer.because.is_empty() && answer.reason.unwrap().contains("waiting does not help"));
    assert_eq!(summary(&answer.remaining), ["ds-dnskey 101-*"]);
    // It ends by itself before it could.
    let mut versions = ready_to_join();
    versions[0].until = Some(1300);
    versions.push(served(parent("a"), 1300, None, 300));
    let answer = ask(
        versions.clone(),
        &[versions[0].clone()],
        vec![new(parent("a b"), 300)],
        1000,
    )
    .unwrap();
    assert!(answer.earliest.is_none() && answer.reason.unwrap().contains("no later than 1299"));
}

#[test]
fn what_is_refused() {
    let mut versions = steady("a", "a za", "a", "za");
    versions.push(served(ds("b"), 0, 50, 30));
    let refused = |end: Version, now| ask(versions.clone(), &[end], vec![], now).unwrap_err();
    assert!(matches!(
        refused(versions[5].clone(), 50),
        TimelineError::NotServed { .. }
    ));
    assert!(ask(versions.clone(), &[versions[5].clone()], vec![], 49).is_ok());
    let unknown = served(ds("b"), 0, 51, 30);
    assert!(matches!(
        refused(unknown, 10),
        TimelineError::NoSuchVersion { .. }
    ));
    let mut past = new(ds("a"), 30);
    past.until = Some(99);
    let error = ask(versions.clone(), &[], vec![past], 100).unwrap_err();
    assert!(matches!(error, TimelineError::EndsBeforeItBegins { .. }));
    let foreign = ask(versions, &[], vec![new(ds("nobody"), 30)], 100).unwrap_err();
    assert!(matches!(foreign, TimelineError::UnknownKey { .. }));
}

#[test]
fn a_version_that_begins_later_is_ended_no_sooner() {
    let mut versions = steady("a", "a za", "a", "za");
    versions.push(served(ds("a b"), 500, None, 30));
    let answer = ask(versions.clone(), &[versions[5].clone()], vec![], 100).unwrap();
    assert_eq!(answer.earliest, Some(500));
}

#[test]
fn no_change_no_wait() {
    let versions = steady("a", "a za", "a", "za");
    let answer = ask(versions.clone(), &[], vec![], 7).unwrap();
    assert_eq!((answer.earliest, answer.clean_from), (Some(7), Some(7)));
    // What is begun and there already is one version.
    let twice = ask(versions, &[], vec![new(ds("a"), 30)], 0).unwrap();
    assert_eq!(twice.earliest, Some(0));
}

#[test]
fn what_holds_by_the_bound_on_stickiness_is_marked() {
    let mut versions = steady("a", "a b za zb", "a b", "za");
    versions[0] = served(parent("a"), 0, 100, 50);
    versions.push(served(parent("b"), 100, None, 50));
    versions.extend([
        served(apex("b", "b"), 0, None, 40),
        served(dnskey("b", "a b za zb", "a b"), 0, None, 20),
        served(data("b", "zb"), 0, None, 10),
    ]);
    let of_a = versions
        .iter()
        .filter(|v| v.value.at() == Some("a"))
        .cloned()
        .collect();
    let change = Change {
        end: of_a,
        begin: vec![],
    };
    let ask = |sticky_bounded| {
        let options = Options {
            sticky_bounded,
            ..Options::default()
        };
        earliest(&timeline(versions.clone()), &change, 100, &options).unwrap()
    };
    assert_eq!((ask(false).earliest, ask(false).sticky), (None, false));
    assert_eq!((ask(true).earliest, ask(true).sticky), (Some(190), true));
    assert_eq!(ask(true).to_json()["sticky"], true);
}

/// Versions that are equal are one: to begin at 500 what begins at 500 anyway changes nothing, however broken it is.
#[test]
fn what_happens_anyway_adds_nothing() {
    let mut versions = steady("a", "a za", "a", "za");
    versions.push(served(data("a", "zb"), 500, None, 10));
    let begin = || vec![new(data("a", "zb"), 10)];
    let answer = ask(versions.clone(), &[], begin(), 100).unwrap();
    assert_eq!((answer.earliest, answer.clean_from), (Some(500), None));
    assert_eq!(summary(&answer.remaining), ["dnskey-data 500-*"]);
    assert_eq!(ask(versions.clone(), &[], begin(), 501).unwrap().earliest, None);
    // Nor does to end it at the moment at which it begins, and to begin it again.
    let answer = ask(versions.clone(), &versions[5..], begin(), 100).unwrap();
    assert_eq!(answer.earliest, Some(500));
}
