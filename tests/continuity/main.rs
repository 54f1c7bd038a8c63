//! What `unbroken::continuity` promises, word by word.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod files;
mod moves;
mod rules;
mod waits;

use unbroken::continuity::{Conflict, DsRef, Options, Timeline, Value, Version, check};

fn names(list: &str) -> Vec<String> {
    list.split_whitespace().map(str::to_owned).collect()
}

fn parent(providers: &str) -> Value {
    Value::ParentNs {
        providers: names(providers),
    }
}

fn apex(at: &str, providers: &str) -> Value {
    Value::ApexNs {
        at: at.into(),
        providers: names(providers),
    }
}

/// Records as `key` (digest 2) or `key/digest`.
fn ds(records: &str) -> Value {
    let records = records.split_whitespace().map(|record| {
        let (key, digest) = record.split_once('/').unwrap_or((record, "2"));
        DsRef {
            key: key.into(),
            digest: digest.parse().unwrap(),
        }
    });
    Value::Ds {
        records: records.collect(),
    }
}

fn dnskey(at: &str, keys: &str, signed_by: &str) -> Value {
    Value::Dnskey {
        at: at.into(),
        keys: names(keys),
        signed_by: names(signed_by),
    }
}

fn data(at: &str, signed_by: &str) -> Value {
    Value::Data {
        at: at.into(),
        signed_by: names(signed_by),
    }
}

fn served(value: Value, from: i64, until: impl Into<Option<i64>>, ttl: u32) -> Version {
    Version::new(value, from, until.into(), ttl)
}

/// Keys: `a` and `b` of algorithm 13, `a8` and `b8` of 8, `a5` of 5.
fn timeline(versions: Vec<Version>) -> Timeline {
    let keys = [
        ("a", 13),
        ("b", 13),
        ("za", 13),
        ("zb", 13),
        ("a8", 8),
        ("b8", 8),
        ("a5", 5),
    ];
    let mut timeline = Timeline::new("shop.test.", ["a", "b"], keys);
    timeline.versions = versions;
    timeline.validate().unwrap();
    timeline
}

/// Provider `a` alone, served for ever, with the given DS, DNSKEY and data.
fn steady(ds_records: &str, keys: &str, signed_by: &str, signers: &str) -> Vec<Version> {
    vec![
        served(parent("a"), 0, None, 50),
        served(apex("a", "a"), 0, None, 40),
        served(ds(ds_records), 0, None, 30),
        served(dnskey("a", keys, signed_by), 0, None, 20),
        served(data("a", signers), 0, None, 10),
    ]
}

fn conflicts(versions: Vec<Version>) -> Vec<Conflict> {
    check(&timeline(versions), &Options::default()).conflicts
}

/// Each conflict as `rule class from-until`, in order; an end that never comes is `*`.
fn lines(conflicts: &[Conflict]) -> Vec<String> {
    conflicts
        .iter()
        .map(|c| {
            let class = c.class.map_or("-".into(), |class| class.to_string());
            let until = c.until.map_or("*".into(), |until| until.to_string());
            format!("{} {class} {}-{until}", c.rule, c.from)
        })
        .collect()
}

/// The same without the class and without repetition.
fn summary(conflicts: &[Conflict]) -> Vec<String> {
    let mut all: Vec<String> = conflicts
        .iter()
        .map(|c| {
            format!(
                "{} {}-{}",
                c.rule,
                c.from,
                c.until.map_or("*".into(), |until| until.to_string())
            )
        })
        .collect();
    all.dedup();
    all
}
