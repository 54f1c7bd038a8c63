//! The checker against resolvers that are simulated second by second, over thousands of random timelines; and `earliest`
//! against trying every second. `PROPTEST_CASES` sets how many of each.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod cases;
mod resolvers;

use std::collections::BTreeMap;

use cases::{Case, LATEST, Proposal, case, proposal};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use resolvers::{
    Resolvers, SECONDS, Seconds, Served, Tag, What, dnskey_data_fails, ds_dnskey_fails, is_secure,
};
use serde_json::{Value as Json, json};
use unbroken::continuity::{Change, Options, Timeline, TimelineError, check, earliest};

fn config(usual: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(usual);
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(4000))]

    #[test]
    fn conflicts_are_what_some_resolver_suffers(case in case(LATEST, 12)) {
        let timeline = Timeline::from_json(&case.text()).unwrap();
        let report = serde_json::to_value(check(&timeline, &options(&case))).unwrap();
        let versions = case.identified();
        let simulated = Resolvers::run(&case.world, &versions);
        let expected = simulated.failures();
        let conflicts = report["conflicts"].as_array().unwrap();
        prop_assert_eq!(&report["continuous"], &Json::from(conflicts.is_empty()));
        prop_assert_eq!(&stretches(&case, conflicts), &expected);
        for conflict in conflicts {
            same_objects(&case, conflict);
            witness_fails(&case, &simulated, conflict);
            third_is_the_earliest(&case, &simulated, conflict);
        }
    }
}

proptest! {
    #![proptest_config(config(1500))]

    #[test]
    fn earliest_is_the_first_second_that_adds_nothing(proposal in proposal()) {
        agrees_with_every_second(&proposal);
    }
}

proptest! {
    #![proptest_config(config(400))]

    /// The same for changes that have to wait: by chance alone they are rare.
    #[test]
    fn earliest_waits_as_long_as_it_has_to(proposal in proposal().prop_filter("no wait", has_to_wait)) {
        agrees_with_every_second(&proposal);
    }
}

fn has_to_wait(proposal: &Proposal) -> bool {
    let now = proposal.now;
    if !can_be_made(proposal, now) {
        return false;
    }
    let known = known(proposal);
    adds(proposal, &known, now)
        && (now + 1..now + 14)
            .step_by(3)
            .any(|at| !adds(proposal, &known, at))
}

fn known(proposal: &Proposal) -> BTreeMap<Tag, Seconds> {
    Resolvers::run(&proposal.case.world, &proposal.case.identified()).failures()
}

/// Whether the change, made at a second, adds a failure at or after it.
fn adds(proposal: &Proposal, known: &BTreeMap<Tag, Seconds>, at: usize) -> bool {
    let versions = changed(proposal, at);
    let failures = Resolvers::run(&proposal.case.world, &versions).failures();
    failures
        .iter()
        .any(|(tag, seconds)| (seconds & !known.get(tag).copied().unwrap_or(0)) >> at != 0)
}

fn agrees_with_every_second(proposal: &Proposal) {
    let Proposal { case, now, .. } = proposal;
    let timeline = Timeline::from_json(&case.text()).unwrap();
    let change = Change::from_json(&change_text(proposal)).unwrap();
    let answer = earliest(&timeline, &change, case.epoch + *now as i64, &options(case));
    let mut possible = (*now..60).filter(|&at| can_be_made(proposal, at)).peekable();
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            assert!(possible.next().is_none(), "{error}");
            assert!(matches!(
                error,
                TimelineError::NotServed { .. } | TimelineError::EndsBeforeItBegins { .. }
            ));
            return;
        }
    };
    assert!(possible.peek().is_some());
    let known = known(proposal);
    let first = possible.find(|&at| !adds(proposal, &known, at));
    let json = serde_json::to_value(&answer).unwrap();
    assert_eq!(json["earliest"], first.map_or(Json::Null, |at| case.time(at)));
    let Some(at) = first else {
        assert!(json["reason"].is_string() && json["clean_from"].is_null());
        assert!(!answer.remaining.is_empty());
        return;
    };
    assert!(json.get("reason").is_none());
    let versions = changed(proposal, at);
    let after = Resolvers::run(&case.world, &versions);
    let failures = after.failures();
    let all = failures.values().fold(0, |all, seconds| all | seconds);
    let clean = match SECONDS - all.leading_zeros() as usize {
        SECONDS => Json::Null,
        end => case.time(end.max(at)),
    };
    assert_eq!(json["clean_from"], clean);
    let later = |of: &BTreeMap<Tag, Seconds>| -> BTreeMap<Tag, Seconds> {
        of.iter()
            .map(|(tag, s)| (tag.clone(), s >> at << at))
            .filter(|(_, s)| *s != 0)
            .collect()
    };
    assert_eq!(
        later(&stretches(case, json["remaining"].as_array().unwrap())),
        later(&failures)
    );
    reasons_have_left(proposal, &after, &json, at);
}

/// The random cases above are worth something only if everything happens in them.
#[test]
fn the_random_cases_meet_every_rule_and_every_answer() {
    let mut runner = TestRunner::deterministic();
    let mut met: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..400 {
        let case = case(LATEST, 12).new_tree(&mut runner).unwrap().current();
        let report = check(&Timeline::from_json(&case.text()).unwrap(), &options(&case));
        let mut rules: Vec<&str> = report.conflicts.iter().map(|c| c.rule.name()).collect();
        rules.sort();
        rules.dedup();
        rules
            .into_iter()
            .for_each(|rule| *met.entry(rule).or_default() += 1);
        let outlives = report
            .conflicts
            .iter()
            .filter_map(|c| Some((c.from, c.third.as_ref()?)));
        let outlives = outlives.filter(|(from, ds)| ds.until.is_some_and(|u| u + i64::from(ds.ttl) <= *from));
        *met.entry("a key that outlives its DS").or_default() += outlives.count().min(1);

        let proposal = proposal().new_tree(&mut runner).unwrap().current();
        let timeline = Timeline::from_json(&proposal.case.text()).unwrap();
        let change = Change::from_json(&change_text(&proposal)).unwrap();
        let now = proposal.case.epoch + proposal.now as i64;
        let answer = match earliest(&timeline, &change, now, &options(&proposal.case)) {
            Err(_) => "refused",
            Ok(answer) if answer.earliest == Some(now) => "at once",
            Ok(answer) if answer.earliest.is_none() => "never",
            Ok(answer) if answer.because.is_empty() => "later, for no version",
            Ok(_) => "later",
        };
        *met.entry(answer).or_default() += 1;
    }
    println!("{met:?}");
    for (what, least) in [
        ("ds-dnskey", 100),
        ("dnskey-data", 100),
        ("ds-data", 40),
        ("no-server", 100),
        ("expired", 100),
        ("gap", 100),
        ("a key that outlives its DS", 5),
        ("at once", 40),
        ("never", 40),
        ("later", 8),
    ] {
        assert!(met.get(what).copied().unwrap_or(0) >= least, "{what}: {met:?}");
    }
}

fn options(case: &Case) -> Options {
    Options {
        ttl_floor: case.world.floor as u32,
        stale: case.world.stale as u32,
        sticky_bounded: case.world.sticky,
        ..Options::default()
    }
}

/// What was reported, as seconds; stretches of one conflict must neither overlap nor touch.
fn stretches(case: &Case, conflicts: &[Json]) -> BTreeMap<Tag, Seconds> {
    let mut all: BTreeMap<Tag, Seconds> = BTreeMap::new();
    let mut edges: BTreeMap<Tag, Seconds> = BTreeMap::new();
    for conflict in conflicts {
        let word = |name: &str, words: &[&'static str]| {
            conflict[name]
                .as_str()
                .map(|word| *words.iter().find(|w| **w == word).unwrap())
        };
        let rules = [
            "ds-dnskey",
            "dnskey-data",
            "ds-data",
            "no-server",
            "expired",
            "gap",
        ];
        let tag: Tag = (
            word("rule", &rules).unwrap(),
            conflict["class"].as_str().map(str::to_owned),
            id(&conflict["left"]),
            id(&conflict["right"]),
            conflict["provider"].as_str().map(|p| p[1..].parse().unwrap()),
            word("missing", &["parent_ns", "ds", "apex_ns", "dnskey"]),
        );
        let from = case.second(&conflict["from"]);
        let until = if conflict["until"].is_null() {
            SECONDS
        } else {
            case.second(&conflict["until"])
        };
        assert!(from < until && until <= SECONDS, "{conflict}");
        let seconds = (from..until).fold(0, |set, s| set | 1 << s);
        let touched = edges.entry(tag.clone()).or_default();
        assert_eq!(*touched & seconds, 0, "not maximal: {conflict}");
        *touched |= seconds | seconds << 1 | seconds >> 1;
        *all.entry(tag).or_default() |= seconds;
    }
    all
}

fn id(version: &Json) -> Option<usize> {
    version.get("id").and_then(Json::as_u64).map(|id| id as usize)
}

fn same_objects(case: &Case, conflict: &Json) {
    for side in ["left", "right", "third"] {
        if let Some(id) = conflict.get(side).and_then(id) {
            assert_eq!(conflict[side], case.object(&case.versions[id], id, true));
        }
    }
}

fn number(simulated: &Resolvers<'_>, id: usize) -> usize {
    simulated
        .versions
        .iter()
        .position(|(identity, _)| *identity == id)
        .unwrap()
}

/// The fetches of a witness are possible, and what they fetched does not go together.
fn witness_fails(case: &Case, simulated: &Resolvers<'_>, conflict: &Json) {
    let at = case.second(&conflict["witness"]["at"]);
    assert_eq!(conflict["witness"]["at"], conflict["from"]);
    let fetched: Vec<(usize, usize)> = conflict["witness"]["fetched"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| {
            (
                number(simulated, id(&f["version"]).unwrap()),
                case.second(&f["at"]),
            )
        })
        .collect();
    for &(version, second) in &fetched {
        assert!(
            simulated.fetched[version] >> second & 1 == 1,
            "cannot be fetched: {conflict}"
        );
    }
    let held =
        |(version, second): (usize, usize), at: usize| second <= at && at <= second + simulated.ttl(version);
    let what = |n: usize| &simulated.versions[fetched[n].0].1.what;
    let (world, class) = (simulated.world, conflict["class"].as_str().unwrap_or(""));
    match conflict["rule"].as_str().unwrap() {
        "ds-dnskey" => {
            let (What::Ds(ds), What::Dnskey(_, keys, signed)) = (what(0), what(1)) else {
                panic!()
            };
            assert!(ds_dnskey_fails(world, class, ds, keys, signed));
            assert!(held(fetched[0], at) && held(fetched[1], at), "{conflict}");
        }
        "ds-data" => {
            let (What::Ds(ds), What::Data(_, signed)) = (what(0), what(1)) else {
                panic!()
            };
            assert!(is_secure(world, class, ds) && signed.is_empty());
            assert!(held(fetched[0], at) && held(fetched[1], at), "{conflict}");
        }
        "dnskey-data" => {
            let (What::Ds(ds), What::Dnskey(_, keys, _), What::Data(_, signed)) = (what(0), what(1), what(2))
            else {
                panic!()
            };
            assert!(dnskey_data_fails(world, class, ds, keys, signed));
            assert!(held(fetched[1], at) && held(fetched[2], at), "{conflict}");
            let validated = (0..=at).any(|w| held(fetched[0], w) && held(fetched[1], w));
            assert!(validated, "{conflict}");
        }
        "no-server" => {
            let provider: usize = conflict["provider"].as_str().unwrap()[1..].parse().unwrap();
            let (version, second) = fetched[0];
            assert!(held(fetched[0], at), "{conflict}");
            let own = simulated.versions[version].1.place() == Some(provider);
            if own && world.sticky {
                assert!(simulated.elsewhere[provider] >> second & 1 == 1, "{conflict}");
            }
        }
        "expired" => assert_eq!(fetched[0].1, at),
        _ => assert!(fetched.is_empty()),
    }
}

fn third_is_the_earliest(case: &Case, simulated: &Resolvers<'_>, conflict: &Json) {
    if conflict["rule"] != "dnskey-data" {
        assert!(conflict.get("third").is_none());
        return;
    }
    let class = conflict["class"].as_str().unwrap();
    let (k, r) = (
        number(simulated, id(&conflict["left"]).unwrap()),
        number(simulated, id(&conflict["right"]).unwrap()),
    );
    let (What::Dnskey(_, keys, _), What::Data(_, signed)) =
        (&simulated.versions[k].1.what, &simulated.versions[r].1.what)
    else {
        panic!()
    };
    let from = case.second(&conflict["from"]);
    let until = if conflict["until"].is_null() {
        SECONDS
    } else {
        case.second(&conflict["until"])
    };
    let stretch = (from..until).fold(0, |set, s| set | 1 << s);
    let earliest = simulated
        .versions
        .iter()
        .enumerate()
        .filter_map(|(d, (_, version))| match &version.what {
            What::Ds(ds) if dnskey_data_fails(simulated.world, class, ds, keys, signed) => {
                let seconds = simulated.trusted(d, k) & simulated.held[r] & stretch;
                (seconds != 0).then_some(version.from)
            }
            _ => None,
        })
        .min();
    let third = number(simulated, id(&conflict["third"]).unwrap());
    assert_eq!(Some(simulated.versions[third].1.from), earliest, "{conflict}");
}

fn change_text(proposal: &Proposal) -> String {
    let case = &proposal.case;
    let end: Vec<Json> = proposal
        .ends
        .iter()
        .map(|&v| case.object(&case.versions[v], 999, true))
        .collect();
    let first = case.versions.len();
    let begin: Vec<Json> = proposal
        .begins
        .iter()
        .enumerate()
        .map(|(n, v)| case.object(v, first + n, false))
        .collect();
    json!({ "end": end, "begin": begin }).to_string()
}

fn can_be_made(proposal: &Proposal, at: usize) -> bool {
    proposal
        .ends
        .iter()
        .all(|&v| proposal.case.versions[v].is_served(at))
        && proposal
            .begins
            .iter()
            .all(|v| v.until.is_none_or(|until| at <= until))
}

/// The versions after the change, with their identities.
fn changed(proposal: &Proposal, at: usize) -> Vec<(usize, Served)> {
    let base = proposal.case.identified();
    let mut all = base.clone();
    for (_, version) in &mut all {
        if proposal
            .ends
            .iter()
            .any(|&end| proposal.case.versions[end] == *version)
        {
            version.until = Some(at);
        }
    }
    for (n, begun) in proposal.begins.iter().enumerate() {
        let new = Served {
            from: at,
            ..begun.clone()
        };
        let same = base
            .iter()
            .find(|(_, version)| *version == new)
            .map(|(identity, _)| *identity);
        let twin = proposal.begins[..n].iter().position(|other| other == begun);
        let first = proposal.case.versions.len();
        all.push((same.unwrap_or(first + twin.unwrap_or(n)), new));
    }
    all
}

/// What the wait was for is in no cache any more when it is over, whatever it was that ended.
fn reasons_have_left(proposal: &Proposal, after: &Resolvers<'_>, json: &Json, at: usize) {
    let case = &proposal.case;
    let because = json["because"].as_array().unwrap();
    assert!(because.is_empty() || at > proposal.now);
    for reason in because {
        let left = case.second(&reason["leaves_caches_at"]);
        assert!(proposal.now < left && left <= at, "{reason}");
        let version = number(after, id(&reason["version"]).unwrap());
        if reason["rule"] == "ds-dnskey" || reason["rule"] == "ds-data" {
            assert!(after.held[version] >> left == 0 || after.held[version] >> (left - 1) & 1 == 1);
        }
    }
}
