//! Each rule, and each word of its definition.

use unbroken::continuity::{Class, Kind, Mode, Options, check};

use super::*;

fn classes_that_fail(versions: Vec<Version>) -> Vec<String> {
    conflicts(versions)
        .iter()
        .filter_map(|c| c.class)
        .map(|class| class.to_string())
        .collect()
}

#[test]
fn a_zone_that_works_is_continuous() {
    let report = check(&timeline(steady("a", "a za", "a", "za")), &Options::default());
    assert!(report.continuous && report.conflicts.is_empty());
    assert_eq!(report.not_checked[0], "signature windows");
    assert_eq!((report.ttl_floor, report.stale), (0, 0));
}

#[test]
fn an_insecure_zone_demands_nothing() {
    assert!(conflicts(steady("", "", "", "")).is_empty());
    assert!(conflicts(steady("", "a", "a", "b")).is_empty());
    // A digest type that nobody knows is no secure entry either.
    assert!(conflicts(steady("a/3", "b", "b", "")).is_empty());
}

#[test]
fn ds_dnskey_needs_one_key_that_is_named_present_and_signing() {
    let all = ["all-lenient", "all-strict", "only-13", "no-sha1", "no-digest-4"];
    // Not there.
    assert_eq!(classes_that_fail(steady("a", "b za", "b", "za")), all);
    // There, but does not sign.
    assert_eq!(classes_that_fail(steady("a", "a b za", "b", "za")), all);
    // Named by none but another that signs.
    assert_eq!(classes_that_fail(steady("a b", "a b za", "b", "za")), [""; 0]);
    // An answer that there is no DNSKEY.
    let found = conflicts(steady("a", "", "", "za"));
    assert_eq!(summary(&found), ["ds-dnskey 0-*"]);
    assert_eq!(found.len(), all.len());
}

#[test]
fn strict_resolvers_want_every_algorithm_of_the_ds() {
    // DS of 13 and 8, DNSKEY RRset signed by 13 only.
    let found = conflicts(steady("a a8", "a a8", "a", "a a8"));
    assert_eq!(
        lines(&found),
        ["ds-dnskey all-strict 0-*", "ds-dnskey only-8 0-*"]
    );
    // Data signed by 13 only.
    let found = conflicts(steady("a a8", "a a8", "a a8", "a"));
    assert_eq!(
        lines(&found),
        ["dnskey-data all-strict 0-*", "dnskey-data only-8 0-*"]
    );
    // A key of the algorithm that the DS does not name verifies data too.
    assert!(conflicts(steady("a", "a za", "a", "za")).is_empty());
}

#[test]
fn sha1_algorithms_are_insecure_to_those_without() {
    // DS of algorithm 5 alone: insecure for no-sha1, so nothing to fail.
    let found = conflicts(steady("a5", "b", "b", ""));
    let failing: Vec<_> = found.iter().filter_map(|c| c.class).collect();
    assert!(!failing.contains(&Class::NoSha1) && failing.contains(&Class::AllLenient));
    // With 13 beside it, the chain of 5 is no help.
    let found = conflicts(steady("a5 a", "a5 a", "a5", "a5 a"));
    assert!(lines(&found).contains(&"ds-dnskey no-sha1 0-*".to_owned()));
}

#[test]
fn the_digest_hazard() {
    // DS {a: SHA-1, b: SHA-256}: provider a is bogus although its DS is there (RFC 4509, section 3).
    let found = conflicts(steady("a/1 b/2", "a za", "a", "za"));
    assert_eq!(
        lines(&found),
        ["all-lenient", "all-strict", "only-13", "no-sha1", "no-digest-4"]
            .map(|c| format!("ds-dnskey {c} 0-*"))
    );
    assert!(conflicts(steady("a/1 b/1", "a za", "a", "za")).is_empty());
    // 2 beside 4: only a strict resolver goes by the highest digest alone.
    assert_eq!(
        classes_that_fail(steady("a/2 b/4", "a za", "a", "za")),
        ["all-strict"]
    );
    // 1 beside 4: who does not know 4 keeps 1.
    let failing = classes_that_fail(steady("a/1 b/4", "a za", "a", "za"));
    assert_eq!(failing, ["all-lenient", "all-strict", "only-13", "no-sha1"]);
    // SHA-1 is filtered only beside a record that the resolver supports.
    assert!(!classes_that_fail(steady("a8/1 b/2", "a8", "a8", "a8")).contains(&"only-8".to_owned()));
}

#[test]
fn ds_dnskey_lasts_as_long_as_both_may_be_cached() {
    let mut versions = steady("a", "a za", "a", "za");
    versions[2] = served(ds("b"), 0, 100, 30);
    versions.push(served(ds("a"), 100, None, 30));
    versions.push(served(ds(""), 0, 1, 1));
    versions[3].from = 129;
    versions.push(served(dnskey("a", "b za", "b"), 0, 109, 20));
    // [0, 130) meets [129, ..): one second. [100, ..) meets [0, 129).
    let found = conflicts(versions);
    assert_eq!(
        summary(&found),
        ["ds-dnskey 100-129", "gap 109-129", "ds-dnskey 129-130"]
    );
    let first = &found[0].witness;
    assert_eq!(
        (first.at, first.fetched[0].1, first.fetched[1].1),
        (100, 100, 100)
    );
    let last = &found.last().unwrap().witness;
    assert_eq!((last.at, last.fetched[0].1, last.fetched[1].1), (129, 99, 129));
}

#[test]
fn unsigned_data_fails_twice() {
    let found = conflicts(steady("a", "a za", "a", ""));
    assert_eq!(summary(&found), ["dnskey-data 0-*", "ds-data 0-*"]);
    let third = found[0].third.as_ref().unwrap();
    assert_eq!(third.value, ds("a"));
    assert!(
        found
            .iter()
            .all(|c| (c.rule.name() == "dnskey-data") == c.third.is_some())
    );
}

/// Seen in Unbound: DS TTL 8, DNSKEY TTL 60, the DS is withdrawn, the provider swapped after the DS TTL: SERVFAIL until the
/// DNSKEY TTL has passed.
#[test]
fn a_validated_key_outlives_its_ds() {
    let move_at = |swap: i64| {
        vec![
            served(parent("a"), 0, None, 8),
            served(apex("a", "a"), 0, None, 8),
            served(ds("a"), 0, 100, 8),
            served(ds(""), 100, None, 8),
            served(dnskey("a", "a za", "a"), 0, swap, 60),
            served(dnskey("a", "b zb", "b"), swap, None, 60),
            served(data("a", "za"), 0, swap, 5),
            served(data("a", "zb"), swap, None, 5),
        ]
    };
    // The last copy can have been validated while the DS was live, until 108; it is trusted until 168.
    let found = conflicts(move_at(120));
    assert_eq!(summary(&found), ["dnskey-data 120-168"]);
    let witness = &found[0].witness;
    let moments: Vec<i64> = witness.fetched.iter().map(|(_, at)| *at).collect();
    assert_eq!((witness.at, moments), (120, vec![99, 107, 120]));
    assert_eq!(summary(&conflicts(move_at(167))), ["dnskey-data 167-168"]);
    assert!(conflicts(move_at(168)).is_empty());
}

#[test]
fn a_key_set_without_keys_is_never_in_force() {
    let found = conflicts(steady("a", "", "", "za"));
    assert_eq!(summary(&found), ["ds-dnskey 0-*"]);
}

#[test]
fn a_key_set_that_never_met_the_ds_is_not_in_force() {
    let versions = |from: i64| {
        vec![
            served(parent("a"), 0, None, 50),
            served(apex("a", "a"), 0, None, 40),
            served(ds("a"), 0, 100, 30),
            served(ds(""), 100, None, 30),
            served(dnskey("a", "a za", "a"), 0, 10, 20),
            served(dnskey("a", "b zb", "b"), from, None, 20),
            served(data("a", "za"), 0, 10, 0),
            served(data("a", ""), from, None, 0),
        ]
    };
    assert_eq!(
        summary(&conflicts(versions(130))),
        ["no-server 10-130", "gap 10-130"]
    );
    assert!(lines(&conflicts(versions(129))).contains(&"dnskey-data all-lenient 129-150".to_owned()));
}

#[test]
fn third_is_the_earliest_ds_and_stretches_that_touch_are_one() {
    let mut versions = steady("a", "a za", "a", "zb");
    versions[2] = served(ds("a"), 0, 100, 0);
    versions.push(served(ds("a b"), 100, None, 30));
    let found = conflicts(versions);
    assert_eq!(summary(&found), ["dnskey-data 0-*"]);
    assert!(found.iter().all(|c| c.third.as_ref().unwrap().from == 0));
}

#[test]
fn equal_versions_are_one_and_empty_ones_none() {
    let mut versions = steady("a", "a za", "a", "");
    let once = conflicts(versions.clone());
    versions.extend(versions.clone());
    assert_eq!(conflicts(versions.clone()), once);
    versions.push(served(dnskey("a", "b", "b"), 50, 50, 1000));
    assert_eq!(conflicts(versions), once);
}

#[test]
fn parts_of_a_provider_that_nobody_can_ask_do_not_count() {
    let mut versions = steady("a", "a za", "a", "za");
    versions.extend([
        served(apex("b", "b"), 0, None, 40),
        served(dnskey("b", "b zb", "b"), 0, None, 20),
        served(data("b", ""), 0, None, 10),
    ]);
    assert!(conflicts(versions.clone()).is_empty());
    // Named by the parent for ten seconds; its own copy then names it for ever.
    versions.push(served(parent("b"), 200, 210, 50));
    assert!(lines(&conflicts(versions.clone())).contains(&"ds-dnskey all-lenient 200-*".to_owned()));
    versions[5] = served(apex("b", "a"), 0, None, 40);
    assert!(lines(&conflicts(versions.clone())).contains(&"ds-dnskey all-lenient 200-280".to_owned()));
    // Reachability is an interval of its own: twice asked, twice in caches.
    versions.push(served(parent("b"), 400, 401, 0));
    let found = lines(&conflicts(versions));
    assert!(
        found.contains(&"ds-dnskey all-lenient 400-421".to_owned()),
        "{found:?}"
    );
}

#[test]
fn ttl_zero_does_not_keep_itself_alive() {
    let mut versions = steady("a", "a za", "a", "za");
    versions.extend([
        served(parent("b"), 100, 110, 0),
        served(apex("b", "b"), 0, None, 0),
        served(dnskey("b", "b zb", "b"), 0, None, 0),
        served(data("b", "zb"), 0, None, 0),
    ]);
    assert!(
        conflicts(versions.clone())
            .iter()
            .all(|c| c.until.is_some_and(|until| until <= 130))
    );
    versions[6].ttl = 1;
    assert!(conflicts(versions).iter().any(|c| c.until.is_none()));
}

#[test]
fn no_server_counts_data_reachable_or_not() {
    let mut versions = steady("a", "a za", "a", "za");
    versions[0] = served(parent("a b"), 0, 100, 50);
    versions.push(served(parent("a"), 100, None, 50));
    versions.extend([
        served(apex("b", "a"), 0, None, 40),
        served(dnskey("b", "a za", "a"), 0, None, 20),
        served(data("b", "za"), 0, 149, 10),
    ]);
    let found = conflicts(versions.clone());
    assert_eq!(lines(&found), ["no-server - 149-150"]);
    assert_eq!(found[0].provider.as_deref(), Some("b"));
    assert!(found[0].right.is_none() && found[0].left.as_ref().unwrap().value == parent("a b"));
    assert_eq!(found[0].witness.fetched[0].1, 99);
    versions.last_mut().unwrap().until = Some(150);
    assert!(conflicts(versions).is_empty());
}

#[test]
fn expired_is_about_what_is_served() {
    let mut versions = steady("a", "a za", "a", "za");
    versions[4] = served(data("a", "za"), 0, 100, 1000).with_valid(10, 90);
    versions.push(served(data("a", "za"), 100, None, 10).with_valid(100, 1000));
    versions[3] = versions[3].clone().with_valid(0, 5000);
    versions[2] = versions[2].clone().with_valid(0, 5000);
    let report = check(&timeline(versions), &Options::default());
    let expected = [
        "expired - 0-10",
        "expired - 90-100",
        "expired - 1000-*",
        "expired - 5000-*",
        "expired - 5000-*",
    ];
    assert_eq!(lines(&report.conflicts), expected);
    assert!(!report.not_checked.contains(&"signature windows".to_owned()));
}

#[test]
fn what_nobody_was_seen_serving_is_a_gap() {
    let mut versions = steady("a", "a za", "a", "za");
    versions[0].until = Some(500);
    versions[1].from = 5;
    versions[2].from = 7;
    versions[3].until = Some(90);
    let found = conflicts(versions);
    let gaps: Vec<_> = found
        .iter()
        .filter(|c| c.missing.is_some())
        .map(|c| (c.missing.unwrap(), c.provider.as_deref(), c.from, c.until))
        .collect();
    assert_eq!(
        gaps,
        [
            (Kind::ApexNs, Some("a"), 0, Some(5)),
            (Kind::Ds, None, 0, Some(7)),
            (Kind::Dnskey, Some("a"), 90, None),
            (Kind::ParentNs, None, 500, None),
        ]
    );
    assert!(
        found
            .iter()
            .all(|c| c.left.is_none() && c.witness.fetched.is_empty())
    );
}

#[test]
fn no_versions_no_verdict_worth_having() {
    let report = check(&timeline(vec![]), &Options::default());
    assert!(report.continuous && report.not_checked[0].starts_with("anything"));
}

#[test]
fn the_floor_counts_for_every_ttl_and_stale_for_ns_and_data() {
    let versions = vec![
        served(parent("a"), 0, None, 1),
        served(apex("a", "a"), 0, None, 1),
        served(ds("a"), 0, 100, 1),
        served(ds("b"), 100, None, 1),
        served(dnskey("a", "a", "a"), 0, 100, 1),
        served(dnskey("a", "b", "b"), 100, None, 1),
        served(data("a", "a"), 0, 100, 1),
        served(data("a", "b"), 100, None, 1),
    ];
    let with = |ttl_floor, stale| {
        let options = Options {
            ttl_floor,
            stale,
            classes: Some(vec![Class::AllLenient]),
            ..Options::default()
        };
        lines(&check(&timeline(versions.clone()), &options).conflicts)
    };
    let pair = |rule: &str, until: i64| format!("{rule} all-lenient 100-{until}");
    let all = |ds: i64, key: i64, data: i64| {
        vec![
            pair("ds-dnskey", ds),  // old DS, new keys
            pair("ds-dnskey", key), // new DS, old keys
            pair("dnskey-data", key),
            pair("dnskey-data", data),
        ]
    };
    assert_eq!(with(0, 0), all(101, 101, 101));
    assert_eq!(with(60, 0), all(160, 160, 160));
    assert_eq!(with(0, 30), all(101, 101, 131));
    assert_eq!(with(60, 30), all(160, 160, 190));
}

#[test]
fn a_filter_keeps_its_class_and_what_concerns_none() {
    let mut versions = steady("a", "b", "b", "b");
    versions[0].until = Some(100);
    let options = Options {
        classes: Some(vec![Class::Only(13), Class::Only(13)]),
        ..Options::default()
    };
    let report = check(&timeline(versions), &options);
    assert_eq!(lines(&report.conflicts), ["ds-dnskey only-13 0-*", "gap - 100-*"]);
    assert_eq!(report.classes, [Class::Only(13)]);
}

#[test]
fn fetch_time_wants_one_side_to_be_served() {
    let versions = vec![
        served(parent("a"), 0, None, 1),
        served(apex("a", "a"), 0, None, 1),
        served(ds("a"), 0, 100, 50),
        served(ds("b"), 120, None, 50),
        served(dnskey("a", "a", "a"), 0, 110, 50),
        served(dnskey("a", "b", "b"), 140, None, 50),
        served(data("a", "a"), 0, None, 50),
        served(data("a", "b"), 0, None, 50),
    ];
    let with = |mode| {
        let options = Options {
            mode,
            ..Options::default()
        };
        let found = check(&timeline(versions.clone()), &options).conflicts;
        summary(&found)
            .into_iter()
            .filter(|line| line.starts_with("ds-dnskey"))
            .collect::<Vec<_>>()
    };
    assert_eq!(with(Mode::AnyMixture), ["ds-dnskey 120-160", "ds-dnskey 140-150"]);
    // New DS served from 120 beside old keys cached to 160; old DS cached to 150 beside new keys served from 140.
    assert_eq!(with(Mode::FetchTime), ["ds-dnskey 120-160", "ds-dnskey 140-150"]);
    let mut gone = versions.clone();
    gone[3].until = Some(130);
    let options = Options {
        mode: Mode::FetchTime,
        ..Options::default()
    };
    let found = summary(&check(&timeline(gone), &options).conflicts);
    assert!(found.contains(&"ds-dnskey 120-130".to_owned()), "{found:?}");
}

/// A provider that will not edit its own apex NS names itself for ever.
#[test]
fn a_bound_on_stickiness() {
    let mut versions = steady("a", "a b za zb", "a b", "za");
    versions[0] = served(parent("a"), 0, 100, 50);
    versions.push(served(parent("b"), 100, None, 50));
    versions.extend([
        served(apex("b", "b"), 0, None, 40),
        served(dnskey("b", "a b za zb", "a b"), 0, None, 20),
        served(data("b", "zb"), 0, None, 10),
    ]);
    // a stops, having named itself to the end.
    for version in &mut versions[..5] {
        if version.value.at() == Some("a") {
            version.until = Some(190);
        }
    }
    let with = |sticky_bounded, stop: i64| {
        let mut versions = versions.clone();
        versions
            .iter_mut()
            .filter(|v| v.until == Some(190))
            .for_each(|v| v.until = Some(stop));
        check(
            &timeline(versions),
            &Options {
                sticky_bounded,
                ..Options::default()
            },
        )
    };
    // By the letter a is asked, and its copy held, 40 seconds after it stopped. No waiting helps.
    assert_eq!(
        lines(&with(false, 1000).conflicts),
        ["no-server - 1000-1040", "gap - 1000-1040", "gap - 1000-1040"]
    );
    // Bounded: known from the parent until 150, then from its own copy until 190.
    let report = with(true, 190);
    assert!(report.continuous && report.sticky);
    let report = with(true, 189);
    assert_eq!(
        lines(&report.conflicts),
        ["no-server - 189-190", "gap - 189-190", "gap - 189-190"]
    );
    assert!(report.sticky && report.conflicts.iter().all(|c| c.sticky));
    assert_eq!(report.to_json()["sticky"], true);
    // Where nothing depends on it, nothing is marked.
    let plain = check(
        &timeline(steady("a", "b", "b", "")),
        &Options {
            sticky_bounded: true,
            ..Options::default()
        },
    );
    assert!(!plain.sticky && plain.conflicts.iter().all(|c| !c.sticky));
    assert!(plain.to_json().get("sticky").is_none());
}
