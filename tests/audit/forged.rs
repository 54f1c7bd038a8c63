//! Damage by a forger who makes numbers, hashes, chain and manifest anew: what was decided and what was answered tell.

use std::collections::BTreeSet;

use serde_json::json;
use unbroken::audit::{Depth, Word};
use unbroken::dns::{Message, Rtype};
use unbroken::dnssec::Anchors;
use unbroken::evidence::BlobId;

use super::made::whole;
use super::parts::{Parts, codes, position};

/// Without the seals, which a forger cannot make.
fn unsealed() -> Parts {
    let mut parts = whole();
    parts.files.clear();
    parts.keys.clear();
    parts.make_manifest();
    assert_eq!(parts.judged().verdict, Word::Holds);
    parts
}

#[test]
fn a_forged_journal_is_not_under_the_seals() {
    let mut parts = whole();
    parts.forge(|entries| entries[0].body["vantage"] = json!("elsewhere"));
    assert!(parts.failing(Depth::Hashes).contains(&"seal-root"));
}

#[test]
fn another_decision_is_found() {
    let parts = unsealed();
    let entries = parts.entries();
    let wait = position(&entries, "decision", |body| {
        body["decision"] == "wait" && !body["until"].is_null()
    });
    let act = position(&entries, "decision", |body| body["decision"] == "act");
    let proven = position(&entries, "decision", |body| body["decision"] == "proven");
    type Change = Box<dyn Fn(&mut serde_json::Value)>;
    let cases: [(&str, usize, Change); 4] = [
        (
            "an earlier end of a wait",
            wait,
            Box::new(|body| body["until"] = json!(body["until"].as_i64().unwrap() - 1)),
        ),
        (
            "a wait that is a look",
            wait,
            Box::new(|body| *body = json!({"decision": "look", "why": "so"})),
        ),
        (
            "another change",
            act,
            Box::new(|body| body["changes"][0]["ttl"] = json!(1)),
        ),
        (
            "another step",
            proven,
            Box::new(|body| body["step"] = json!("99-nothing")),
        ),
    ];
    for (what, at, change) in cases {
        let mut forged = parts.clone();
        forged.forge(|entries| change(&mut entries[at].body));
        let verdict = forged.judged();
        let named = verdict
            .findings
            .iter()
            .any(|finding| finding.code == "decision-differs" && finding.entry == Some(at as u64 + 1));
        assert!(named, "{what}: {:#?}", codes(&verdict));
    }
}

#[test]
fn what_was_left_out_or_put_in_is_found() {
    let parts = unsealed();
    let entries = parts.entries();
    let at = |kind: &str| position(&entries, kind, |_| true);
    let last_wait = position(&entries, "decision", |body| body["decision"] == "wait");
    for (what, index, code) in [
        (
            "an act without its decision",
            at("intent") - 1,
            "decision-missing",
        ),
        ("a step called proven", at("proven") - 1, "decision-missing"),
        (
            "an outcome without intent",
            at("intent"),
            "outcome-without-intent",
        ),
        ("a wait", last_wait, "decision-missing"),
    ] {
        let mut forged = parts.clone();
        forged.forge(|entries| drop(entries.remove(index)));
        let found = codes(&forged.judged());
        assert!(found.contains(&code), "{what}: {found:?}");
    }
    let mut forged = parts.clone();
    forged.forge(|entries| {
        let mut twice = entries[at("intent")].clone();
        twice.body["changes"] = json!([]);
        entries.insert(at("intent"), twice);
    });
    assert!(codes(&forged.judged()).contains(&"act-without-decision"));
    let mut forged = parts;
    let end = entries.len() - 1;
    forged.forge(|entries| entries[end].body["not_checked"] = json!([]));
    assert_eq!(codes(&forged.judged()), ["end-differs"]);
}

#[test]
fn a_forged_answer_is_bogus() {
    let parts = unsealed();
    let entries = parts.entries();
    // The address of the mail host, as the first server of `a` gave it in the first sweep.
    let sweep = position(&entries, "sweep", |_| true);
    let seen = &entries[sweep].body["observations"];
    let index = seen
        .as_array()
        .unwrap()
        .iter()
        .position(|one| {
            one["place"]["provider"] == "a" && one["name"] == "mail.shop.test." && one["type"] == "A"
        })
        .unwrap();
    let id = BlobId::parse(seen[index]["outcome"]["answer"]["blob"].as_str().unwrap()).unwrap();
    let mut octets = parts.blobs[&id].clone();
    let message = unbroken::dns::Message::parse(&octets).unwrap();
    let address = message
        .answer
        .iter()
        .find(|record| record.rtype == Rtype("A".parse::<Rtype>().unwrap().0))
        .unwrap();
    let at = octets
        .windows(4)
        .position(|four| four == address.rdata.as_slice())
        .unwrap();
    octets[at + 3] ^= 1;
    let forged_id = BlobId::of(&octets);
    let mut forged = parts;
    forged.blobs.insert(forged_id.clone(), octets);
    forged.forge(|entries| {
        entries[sweep].body["observations"][index]["outcome"]["answer"]["blob"] =
            json!(forged_id.to_string());
    });
    let verdict = forged.judged();
    let named = verdict.findings.iter().any(|finding| {
        finding.code == "answer-bogus"
            && finding.entry == Some(sweep as u64 + 1)
            && finding.blob.as_ref() == Some(&forged_id)
    });
    assert!(named, "{:#?}", verdict.findings);
}

/// An answer is judged at the time at which it is said to have come: an old one does not pass for a new one.
#[test]
fn an_old_answer_under_a_new_time_is_bogus() {
    let mut parts = unsealed();
    let years = 5 * 365 * 86_400;
    let entries = parts.entries();
    let sweep = position(&entries, "sweep", |_| true);
    parts.forge(|entries| {
        for one in entries[sweep].body["observations"].as_array_mut().unwrap() {
            for time in ["sent", "done"] {
                let at: unbroken::moment::Moment = one[time].as_str().unwrap().parse().unwrap();
                one[time] = json!(at + std::time::Duration::from_secs(years));
            }
        }
    });
    let verdict = parts.judged();
    assert!(codes(&verdict).contains(&"answer-bogus"), "{:?}", verdict.counts);
}

/// Servers of the root that say SERVFAIL, and anchors that came with the journal: nothing below is proven by that, however well
/// it fits together.
#[test]
fn a_move_under_an_island_of_its_own_does_not_hold() {
    let mut parts = unsealed();
    parts.anchors = Anchors::iana_root();
    let servfail = {
        let mut octets = vec![0, 0, 0x80, 2, 0, 1, 0, 0, 0, 0, 0, 0];
        octets.extend([0, 0, 48, 0, 1]);
        octets
    };
    let id = BlobId::of(&servfail);
    let root = |one: &serde_json::Value, rtype: &str| one["place"]["ancestor"] == "." && one["type"] == rtype;
    let entries = parts.entries();
    let sweep = position(&entries, "sweep", |_| true);
    let seen = entries[sweep].body["observations"].as_array().unwrap();
    let ds = seen.iter().find(|one| root(one, "DS")).unwrap();
    let ds = BlobId::parse(ds["outcome"]["answer"]["blob"].as_str().unwrap()).unwrap();
    let message = Message::parse(&parts.blobs[&ds]).unwrap();
    let island = message
        .answer
        .iter()
        .find(|record| record.rtype == Rtype::DS)
        .unwrap();
    let island = format!("{island}\n");
    assert!(Anchors::parse(&island).is_ok(), "{island}");
    parts.blobs.insert(id.clone(), servfail);
    let mut replaced = BTreeSet::new();
    parts.forge(|entries| {
        for entry in entries.iter_mut() {
            match entry.kind.as_str() {
                "begin" => entry.body["anchors"] = json!(island),
                "sweep" => {
                    for one in entry.body["observations"].as_array_mut().unwrap() {
                        if root(one, "DNSKEY") {
                            let blob = &mut one["outcome"]["answer"]["blob"];
                            replaced.insert(BlobId::parse(blob.as_str().unwrap()).unwrap());
                            *blob = json!(id.to_string());
                        }
                    }
                }
                _ => {}
            }
        }
    });
    parts.blobs.retain(|id, _| !replaced.contains(id));
    parts.make_manifest();
    let verdict = parts.judged();
    assert_eq!(verdict.verdict, Word::Open, "{:?}", codes(&verdict));
    assert_eq!(verdict.continuity.continuous, None);
    assert_eq!(verdict.answers.secure, 0);
    assert!(
        verdict.counts.contains_key("answer-indeterminate"),
        "{:?}",
        verdict.counts
    );
}

/// Where nothing was looked at, nothing holds.
#[test]
fn a_journal_without_a_look_cannot_be_judged() {
    let mut parts = unsealed();
    parts.blobs.clear();
    parts.forge(|entries| entries.truncate(position(entries, "sweep", |_| true)));
    let verdict = parts.judged();
    assert_eq!(verdict.verdict, Word::Open, "{:?}", codes(&verdict));
}
