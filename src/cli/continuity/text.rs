//! Verdicts in words, to be read on a terminal or pasted into a ticket.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::continuity::{
    Class, Conflict, Earliest, Kind, Mode, Report, Rule, TimeForm, Timeline, Value, Version,
};

/// The answer of `check`.
pub(super) fn report(timeline: &Timeline, report: &Report) -> String {
    let mut out = String::new();
    let zone = &timeline.zone;
    let note = if report.sticky {
        ", but only if stickiness is bounded"
    } else {
        ""
    };
    if report.continuous {
        line(
            &mut out,
            0,
            &format!(
                "{zone} continuous{note}: no resolver of {} fails",
                classes(&report.classes)
            ),
        );
    } else {
        let groups = grouped(&report.conflicts);
        line(
            &mut out,
            0,
            &format!("{zone} NOT continuous{note}: {}", count(groups.len(), "conflict")),
        );
        list(&mut out, &groups, report.form);
    }
    foot(
        &mut out,
        report.mode,
        report.ttl_floor,
        report.stale,
        &report.not_checked,
    );
    out
}

/// The answer of `earliest`.
pub(super) fn earliest(timeline: &Timeline, found: &Earliest, now: i64) -> String {
    let mut out = String::new();
    let (zone, form) = (&timeline.zone, found.form);
    let note = if found.sticky {
        " (only if stickiness is bounded)"
    } else {
        ""
    };
    match found.earliest {
        Some(at) if at == now => line(
            &mut out,
            0,
            &format!("{zone} the change can be made at once{note}"),
        ),
        Some(at) => {
            let wait = at.saturating_sub(now);
            let text = format!("{zone} not before {}{note}: wait {wait} s", form.text(at));
            line(&mut out, 0, &text);
        }
        None => {
            let reason = found.reason.as_deref().unwrap_or("waiting does not help");
            line(
                &mut out,
                0,
                &format!("{zone} the change must not be made: {reason}"),
            );
        }
    }
    for because in &found.because {
        let left = form.text(because.leaves_caches_at);
        line(
            &mut out,
            1,
            &format!("until {left} caches may hold {}", version(&because.version, form)),
        );
        let whom = if because.classes.is_empty() {
            String::new()
        } else {
            format!(", {}", classes(&because.classes))
        };
        line(
            &mut out,
            2,
            &format!("it does not go with the change ({}{whom})", because.rule),
        );
    }
    match (found.earliest, found.clean_from) {
        (Some(_), Some(clean)) => line(&mut out, 1, &format!("no conflict from {} on", form.text(clean))),
        (Some(_), None) => line(&mut out, 1, "conflicts remain that this change does not end"),
        (None, _) => {}
    }
    let groups = grouped(&found.remaining);
    if !groups.is_empty() {
        let what = if found.earliest.is_some() {
            "remaining, with or without the change"
        } else {
            "added"
        };
        line(
            &mut out,
            0,
            &format!("{} {what}:", count(groups.len(), "conflict")),
        );
        list(&mut out, &groups, form);
    }
    foot(
        &mut out,
        found.mode,
        found.ttl_floor,
        found.stale,
        &found.not_checked,
    );
    out
}

/// Conflicts that differ in nothing but the class, with all their classes.
fn grouped(conflicts: &[Conflict]) -> Vec<(&Conflict, Vec<Class>)> {
    let mut groups: Vec<(&Conflict, Vec<Class>)> = Vec::new();
    let mut known: BTreeMap<(i64, Option<i64>, &str), Vec<usize>> = BTreeMap::new();
    for conflict in conflicts {
        let alike = known
            .entry((conflict.from, conflict.until, conflict.rule.name()))
            .or_default();
        let same = alike.iter().copied().find(|&at| {
            let other = groups[at].0;
            (&other.left, &other.right, &other.third) == (&conflict.left, &conflict.right, &conflict.third)
                && (&other.provider, other.missing) == (&conflict.provider, conflict.missing)
        });
        match same {
            Some(at) => groups[at].1.extend(conflict.class),
            None => {
                alike.push(groups.len());
                groups.push((conflict, conflict.class.into_iter().collect()));
            }
        }
    }
    groups
}

fn list(out: &mut String, groups: &[(&Conflict, Vec<Class>)], form: TimeForm) {
    for (number, (conflict, whom)) in groups.iter().enumerate() {
        let until = conflict
            .until
            .map_or("open end".into(), |until| format!("until {}", form.text(until)));
        let head = format!(
            "{}. {} from {} {until}",
            number + 1,
            conflict.rule,
            form.text(conflict.from)
        );
        line(out, 0, &head);
        line(out, 1, &sentence(conflict));
        if !whom.is_empty() {
            line(out, 1, &format!("for: {}", classes(whom)));
        }
        for (name, side) in [
            ("under", &conflict.third),
            ("left", &conflict.left),
            ("right", &conflict.right),
        ] {
            if let Some(side) = side {
                line(out, 1, &format!("{name}: {}", version(side, form)));
            }
        }
        let fetched: Vec<String> = conflict
            .witness
            .fetched
            .iter()
            .map(|(v, at)| format!("{} at {}", place(v), form.text(*at)))
            .collect();
        if !fetched.is_empty() {
            let at = form.text(conflict.witness.at);
            line(
                out,
                1,
                &format!("a resolver that fails at {at} fetched {}", fetched.join(", ")),
            );
        }
        if conflict.sticky {
            line(
                out,
                1,
                "as it stands only because stickiness is taken to be bounded",
            );
        }
    }
}

fn sentence(conflict: &Conflict) -> String {
    let provider = conflict.provider.as_deref().unwrap_or("?");
    match conflict.rule {
        Rule::DsDnskey => "no key that signs the DNSKEY RRset is named by a useful DS record".into(),
        Rule::DnskeyData => "no key of the trusted DNSKEY RRset signs the data".into(),
        Rule::DsData => "unsigned data below a DS".into(),
        Rule::NoServer => format!("{provider} is named, but serves no data"),
        Rule::Expired => "served outside the validity of its signatures".into(),
        Rule::Gap => match conflict.missing {
            Some(missing @ (Kind::ParentNs | Kind::Ds)) => format!("nobody was seen serving {missing}"),
            Some(missing) => format!("{provider} can be asked, but was not seen serving {missing}"),
            None => "nobody was seen serving it".into(),
        },
    }
}

/// Kind and place of a version.
fn place(version: &Version) -> String {
    match version.value.at() {
        Some(at) => format!("{} of {at}", version.value.kind()),
        None => version.value.kind().to_string(),
    }
}

fn version(version: &Version, form: TimeForm) -> String {
    let set = |list: &[String]| {
        if list.is_empty() {
            "none".into()
        } else {
            list.join(" ")
        }
    };
    let value = match &version.value {
        Value::ParentNs { providers } | Value::ApexNs { providers, .. } => {
            format!("naming {}", set(providers))
        }
        Value::Ds { records } => set(&records
            .iter()
            .map(|ds| format!("{}/{}", ds.key, ds.digest))
            .collect::<Vec<_>>()),
        Value::Dnskey { keys, signed_by, .. } => format!("{} signed by {}", set(keys), set(signed_by)),
        Value::Data { signed_by, .. } => format!("signed by {}", set(signed_by)),
    };
    let from = form.text(version.from);
    let served = match version.until {
        Some(until) => format!("served from {from} until {}", form.text(until)),
        None => format!("served since {from}"),
    };
    format!("{} ({value}), {served}, TTL {}", place(version), version.ttl)
}

fn classes(list: &[Class]) -> String {
    list.iter().map(Class::to_string).collect::<Vec<_>>().join(", ")
}

fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn foot(out: &mut String, mode: Mode, floor: u32, stale: u32, not_checked: &[String]) {
    line(
        out,
        0,
        &format!("judged: {mode}, TTL floor {floor} s, stale {stale} s"),
    );
    line(out, 0, &format!("not checked: {}", not_checked.join("; ")));
}

fn line(out: &mut String, depth: usize, text: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{:width$}{text}", "", width = depth * 3);
}
