//! The file form: what is read, what is refused, what is written.

use serde_json::{Value as Json, json};
use unbroken::continuity::{Change, TimeForm, TimelineError, check, parse_time};

use super::*;

/// The example of the format.
const EXAMPLE: &str = r#"{"zone":"shop.test.","providers":["a","b"],
 "keys":{"a-ksk":{"algorithm":13},"a-zsk":{"algorithm":13},"b-csk":{"algorithm":13}},
 "versions":[
   {"kind":"parent_ns","from":0,"until":1000,"ttl":300,"providers":["a"]},
   {"kind":"apex_ns","at":"a","from":0,"until":null,"ttl":300,"providers":["a"]},
   {"kind":"ds","from":0,"until":null,"ttl":300,"ds":[{"key":"a-ksk","digest":2}]},
   {"kind":"dnskey","at":"a","from":0,"until":null,"ttl":300,"keys":["a-ksk","a-zsk"],"signed_by":["a-ksk"]},
   {"kind":"data","at":"a","from":0,"until":null,"ttl":300,"signed_by":["a-zsk"]}]}"#;

fn with(edit: impl FnOnce(&mut Json)) -> Result<Timeline, TimelineError> {
    let mut file: Json = serde_json::from_str(EXAMPLE).unwrap();
    edit(&mut file);
    Timeline::from_json(&file.to_string())
}

fn error(edit: impl FnOnce(&mut Json)) -> String {
    with(edit).unwrap_err().to_string()
}

#[test]
fn the_example_is_read_and_judged() {
    let timeline = Timeline::from_json(EXAMPLE).unwrap();
    assert_eq!(timeline.to_json(), serde_json::from_str::<Json>(EXAMPLE).unwrap());
    let report = serde_json::to_value(check(&timeline, &Options::default())).unwrap();
    // The parent stops at 1000, and nothing follows.
    assert_eq!(report["continuous"], false);
    assert_eq!(
        report["conflicts"],
        json!([{"rule":"gap","class":null,"from":1000,"until":null,"left":null,"right":null,
                "missing":"parent_ns","witness":{"at":1000,"fetched":[]}}])
    );
    assert_eq!(
        report["not_checked"],
        json!(["signature windows", "zone contents", "CDS, CDNSKEY and CSYNC"])
    );
    assert_eq!((&report["ttl_floor"], &report["stale"]), (&json!(0), &json!(0)));
}

#[test]
fn a_conflict_as_it_is_documented() {
    let timeline = with(|file| {
        file["versions"][2]["until"] = 1000.into();
        let ds =
            json!({"kind":"ds","from":1000,"until":null,"ttl":300,"ds":[{"key":"b-csk","digest":2}],"x":1});
        file["versions"].as_array_mut().unwrap().push(ds);
    })
    .unwrap();
    let report = check(&timeline, &Options::default()).to_json();
    let (ds, dnskey) = (
        timeline.to_json()["versions"][5].clone(),
        timeline.to_json()["versions"][3].clone(),
    );
    assert_eq!(ds["x"], 1);
    let conflict = json!({"rule":"ds-dnskey","class":"all-lenient","from":1000,"until":null,"left":ds,"right":dnskey,
        "witness":{"at":1000,"fetched":[{"version":ds,"at":1000},{"version":dnskey,"at":1000}]}});
    assert!(
        report["conflicts"].as_array().unwrap().contains(&conflict),
        "{report:#}"
    );
}

#[test]
fn times_in_and_out() {
    let iso = |file: &mut Json| {
        for version in file["versions"].as_array_mut().unwrap() {
            version["from"] = "2026-11-24T10:00:00Z".into();
        }
        file["versions"][0]["until"] = "2026-11-24T12:00:00+01:00".into();
    };
    let timeline = with(iso).unwrap();
    assert_eq!(timeline.form, TimeForm::Rfc3339);
    assert_eq!(timeline.versions[0].until, Some(timeline.versions[0].from + 3600));
    let report = check(&timeline, &Options::default()).to_json();
    assert_eq!(report["conflicts"][0]["from"], "2026-11-24T11:00:00Z");
    assert_eq!(report["conflicts"][0]["witness"]["at"], "2026-11-24T11:00:00Z");
    assert_eq!(
        timeline.to_json()["versions"][0]["until"],
        "2026-11-24T12:00:00+01:00"
    );
    assert_eq!(
        parse_time("2026-11-24T10:00:00Z"),
        Some(timeline.versions[0].from)
    );
    assert_eq!(
        (parse_time("-7"), parse_time("1.5"), parse_time("now")),
        (Some(-7), None, None)
    );
    assert_eq!(parse_time("2026-11-24T10:00:00.5Z"), None);
    assert_eq!(parse_time("253402207201"), None);
}

#[test]
fn unknown_fields_are_ignored() {
    let timeline = with(|file| {
        file["comment"] = "hello".into();
        file["keys"]["a-ksk"]["tag"] = 1.into();
        file["versions"][0]["seen_at"] = json!(["x"]);
        file["versions"][2]["ds"][0]["tag"] = 1.into();
        file["versions"][0].as_object_mut().unwrap().remove("until");
    });
    assert_eq!(timeline.unwrap().versions[0].until, None);
}

#[test]
fn what_is_refused() {
    let text = Timeline::from_json("{").unwrap_err().to_string();
    assert!(text.starts_with("not JSON"), "{text}");
    assert_eq!(
        Timeline::from_json("[]").unwrap_err().to_string(),
        "top level: expected a timeline object, found a list"
    );
    for field in ["zone", "providers", "keys", "versions"] {
        let text = error(|file| drop(file.as_object_mut().unwrap().remove(field)));
        assert!(
            text.starts_with(field) && text.ends_with("found nothing"),
            "{text}"
        );
    }
    let cases: [(&str, Json, &str); 17] = [
        (
            "/versions/0/kind",
            json!("ns"),
            "versions[0]: unknown kind \"ns\"",
        ),
        (
            "/versions/0/from",
            json!(null),
            "versions[0].from: expected a time, found nothing",
        ),
        ("/versions/0/from", json!(1.5), "versions[0].from: 1.5 is no time"),
        (
            "/versions/0/from",
            json!("yesterday"),
            "versions[0].from: \"yesterday\" is no time",
        ),
        (
            "/versions/0/from",
            json!(1_795_514_400_000_i64),
            "versions[0].from: 1795514400000 is no time",
        ),
        (
            "/versions/0/from",
            json!([]),
            "versions[0].from: expected a time, found a list",
        ),
        (
            "/versions/0/from",
            json!(1001),
            "versions[0]: ends at 1000, before it begins at 1001",
        ),
        (
            "/versions/0/ttl",
            json!(-1),
            "versions[0].ttl: a TTL is 0 to 4294967295 seconds, not -1",
        ),
        ("/versions/0/ttl", json!(1.5), "versions[0].ttl: a TTL is"),
        (
            "/versions/0/ttl",
            json!("300"),
            "versions[0].ttl: expected a number of seconds, found \"300\"",
        ),
        (
            "/versions/0/providers/0",
            json!("c"),
            "versions[0]: provider \"c\" is not listed",
        ),
        (
            "/versions/1/at",
            json!("c"),
            "versions[1]: provider \"c\" is not listed",
        ),
        (
            "/versions/2/ds/0/key",
            json!("c"),
            "versions[2]: key \"c\" is not listed",
        ),
        (
            "/versions/2/ds/0/digest",
            json!(256),
            "versions[2].ds[0].digest: expected a number from 0 to 255, found 256",
        ),
        (
            "/versions/3/signed_by/0",
            json!("b-csk"),
            "versions[3]: signed by \"b-csk\", which is not among its keys",
        ),
        (
            "/versions/4/signed_by/0",
            json!("c"),
            "versions[4]: key \"c\" is not listed",
        ),
        (
            "/keys/a-ksk/algorithm",
            json!(999),
            "keys.a-ksk.algorithm: expected a number from 0 to 255, found 999",
        ),
    ];
    for (place, value, expected) in cases {
        let text = error(|file| *file.pointer_mut(place).unwrap() = value);
        assert!(text.starts_with(expected), "{place}: {text}");
    }
    let text = error(|file| file["versions"][4]["valid"] = json!([10, 5]));
    assert_eq!(text, "versions[4].valid: ends at 5, before it begins at 10");
    let text = error(|file| file["versions"][4]["valid"] = json!([10]));
    assert!(
        text.starts_with("versions[4].valid: expected [from, until]"),
        "{text}"
    );
}

#[test]
fn a_change_is_read_like_a_timeline() {
    let change = Change::from_json(r#"{"begin":[{"kind":"ds","ttl":5,"ds":[]}]}"#).unwrap();
    assert!(change.end.is_empty() && change.begin[0].until.is_none());
    let error = |text: &str| Change::from_json(text).unwrap_err().to_string();
    assert!(error(r#"{"end":[{"kind":"ds","ttl":5,"ds":[]}]}"#).starts_with("end[0].from: expected a time"));
    assert!(
        error(r#"{"begin":[{"kind":"ds","from":1,"ttl":5,"ds":[]}]}"#).starts_with("begin[0]: a version in")
    );
    assert!(error(r#"{"begin":{}}"#).starts_with("begin: expected a list"));
    assert!(error("7").starts_with("top level: expected a change object"));
}

#[test]
fn classes_are_those_of_the_keys() {
    let timeline = Timeline::from_json(EXAMPLE).unwrap();
    assert_eq!(timeline.class("only-13").unwrap().to_string(), "only-13");
    let error = timeline.class("only-8").unwrap_err().to_string();
    assert_eq!(
        error,
        "unknown class \"only-8\"; for this file there are all-lenient, all-strict, only-13, no-sha1, no-digest-4"
    );
}

#[test]
fn versions_that_were_not_read_are_written_alike() {
    let mut timeline = timeline(steady("a b/4", "a za", "a", "za"));
    timeline.versions[4] = timeline.versions[4].clone().with_valid(0, 86400);
    timeline.form = TimeForm::Rfc3339;
    let again = Timeline::from_json(&timeline.to_json().to_string()).unwrap();
    assert_eq!(again, timeline);
    assert_eq!(
        timeline.to_json()["versions"][4]["valid"][1],
        "1970-01-02T00:00:00Z"
    );
}
