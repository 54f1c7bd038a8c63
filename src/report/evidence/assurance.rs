//! What a verification came to, as the report shows it.

use super::view::{About, Assurance, Check, Standing, TimeStamp};
use crate::audit::{Finding, Gravity, NtpSeen, Stamp, Verdict, Word};
use crate::evidence::Ends;
use crate::report::off;

/// What a finding is about, by its code: the zone as it was served, or the evidence itself.
fn about(code: &str) -> About {
    match code {
        "not-continuous"
        | "answer-bogus"
        | "answer-indeterminate"
        | "insecure-time"
        | "not-ended"
        | "continuity-unjudged"
        | "end-unjudged" => About::Zone,
        _ => About::Evidence,
    }
}

impl Assurance {
    /// Of what was verified.
    pub fn of(verdict: &Verdict) -> Assurance {
        let mut checks: Vec<Check> = verdict
            .findings
            .iter()
            .filter(|finding| finding.gravity != Gravity::Remark)
            .map(check)
            .collect();
        let standing = match verdict.verdict {
            Word::Holds => Standing::Holds,
            Word::Open => Standing::Unknown,
            Word::Fails => Standing::Fails,
        };
        // A finding says more than the word; where there is none, the word stands alone.
        if checks.iter().all(|check| check.standing < standing) {
            checks.push(Check {
                what: "the bundle".to_owned(),
                about: About::Evidence,
                standing,
                detail: "hashes, answers, decisions and continuity were checked".to_owned(),
                entry: None,
                blob: None,
            });
        }
        let remarks = verdict
            .findings
            .iter()
            .filter(|finding| finding.gravity == Gravity::Remark);
        Assurance {
            bundle: verdict.bundle.clone(),
            head: verdict.journal.head.clone(),
            seal_keys: seal_keys(verdict),
            checks,
            facts: facts(verdict),
            remarks: remarks.map(words).collect(),
            vantages: Vec::new(),
            time_stamps: verdict
                .stamps
                .iter()
                .map(|stamp| TimeStamp {
                    text: stamp_text(stamp),
                    command: stamp.command.clone(),
                })
                .collect(),
            ntp: verdict.clock.ntp.as_ref().map(ntp_text),
            anchors: anchors(verdict),
            unproven: unproven(verdict),
            cut: verdict.ending.cut,
            planless: verdict.ending.ends == Ends::NoPlan,
        }
    }
}

/// What stands against a continuity of what was merely seen.
fn unproven(verdict: &Verdict) -> Option<String> {
    let against = |code: &str| verdict.findings.iter().find(|finding| finding.code == code);
    if verdict.continuity.continuous == Some(false) {
        return None;
    }
    against("continuity-unjudged")
        .or_else(|| against("answer-bogus"))
        .map(words)
}

fn check(finding: &Finding) -> Check {
    Check {
        what: finding.file.clone().unwrap_or_else(|| finding.code.to_owned()),
        about: about(finding.code),
        standing: match finding.gravity {
            Gravity::Fails => Standing::Fails,
            Gravity::Open => Standing::Unknown,
            Gravity::Remark => Standing::Holds,
        },
        detail: match &finding.file {
            Some(_) => format!("{}: {}", finding.code, finding.text),
            None => finding.text.clone(),
        },
        entry: finding.entry,
        blob: finding.blob.as_ref().map(ToString::to_string),
    }
}

fn words(finding: &Finding) -> String {
    let entry = finding
        .entry
        .map_or_else(String::new, |entry| format!(" (entry {entry})"));
    match &finding.file {
        Some(file) => format!("{file}: {}{entry}", finding.text),
        None => format!("{}{entry}", finding.text),
    }
}

/// Each key that made a good seal, once, and how far its seals reach.
fn seal_keys(verdict: &Verdict) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for seal in verdict.seals.iter().rev().filter(|seal| seal.root == Some(true)) {
        for key in &seal.keys {
            let whose = if key.given {
                "given by whoever verified"
            } else {
                "came with the bundle: compare it"
            };
            if !out.iter().any(|line| line.starts_with(&key.fingerprint)) {
                out.push(format!(
                    "{} ({whose}; entries up to {} of {})",
                    key.fingerprint, seal.entries, verdict.journal.entries
                ));
            }
        }
    }
    out
}

/// What a time stamp states, and what of it was checked.
pub fn stamp_text(stamp: &Stamp) -> String {
    let Some(time) = stamp.time else {
        return format!("{} cannot be read", stamp.file);
    };
    let accuracy = match stamp.accuracy {
        Some(micros) => format!(" (to {} ms, by its own word)", micros.div_ceil(1_000)),
        None => " (it states no accuracy)".to_owned(),
    };
    let over = match stamp.over_seal {
        Some(true) => "it is over",
        Some(false) => "it is NOT over",
        None => "it cannot be told to be over",
    };
    format!(
        "{} states {time}{accuracy}; {over} {}; the signature of the authority is not checked here: the next line checks it",
        stamp.file, stamp.seal
    )
}

/// What NTP servers said of the clock.
pub fn ntp_text(ntp: &NtpSeen) -> String {
    let failed = match ntp.failed {
        0 => String::new(),
        count => format!(", {count} without an answer of use"),
    };
    let Some(offset) = ntp.largest_offset else {
        return format!("NTP servers were asked for the time{failed}");
    };
    let servers: Vec<&str> = ntp.servers.iter().map(String::as_str).collect();
    format!(
        "{} readings of NTP from {}{failed}: at worst the clock was {} (there and back took {} ms); plain NTP is not authenticated",
        ntp.readings,
        servers.join(", "),
        off(offset),
        ntp.round_trip
    )
}

fn anchors(verdict: &Verdict) -> String {
    let from = if verdict.anchors.given {
        let zones: Vec<String> = verdict.anchors.zones.iter().map(ToString::to_string).collect();
        format!(
            "The chain was judged from the anchors that were given for {}",
            zones.join(", ")
        )
    } else {
        "The chain was judged from the IANA root's keys that are built in".to_owned()
    };
    let own = match verdict.anchors.same_as_journal {
        Some(true) => "the run went by the same",
        Some(false) => "the run went by others, which prove nothing",
        None => "the journal names none",
    };
    format!("{from}; {own}.")
}

fn facts(verdict: &Verdict) -> Vec<(String, String)> {
    let (answers, decisions) = (&verdict.answers, &verdict.decisions);
    let none = &answers.unanswered;
    let mut out = vec![
        (
            "Messages".to_owned(),
            format!(
                "{} named, {} there, {} octets",
                verdict.blobs.named, verdict.blobs.there, verdict.blobs.octets
            ),
        ),
        (
            "Answers, judged anew at their time".to_owned(),
            format!(
                "{} questions, {} distinct messages: {} answers secure, {} insecure, {} bogus where resolvers were led, {} bogus where none was, {} not to be told, {} delegations that nobody signs",
                answers.observations,
                answers.distinct,
                answers.secure,
                answers.insecure,
                answers.bogus,
                answers.bogus_unreached,
                answers.indeterminate,
                answers.unsigned
            ),
        ),
        (
            "No answer".to_owned(),
            format!(
                "{} in time, {} no route, {} failed, {} of no use, {} unreadable",
                none.timeout, none.no_route, none.failed, none.useless, answers.unreadable
            ),
        ),
        (
            "Decisions, made anew on the recorded facts".to_owned(),
            format!(
                "{} recorded, {} the same, {} rest on a channel's word, {} differ; {} moments without a new one checked too; {} acts, each with its decision",
                decisions.recorded,
                decisions.same,
                decisions.outside,
                decisions.differ,
                decisions.unchanged,
                decisions.acts
            ),
        ),
    ];
    let clock = &verdict.clock;
    if let (Some(after), Some(before)) = (clock.after_inception, clock.before_expiration) {
        out.push((
            "The clock against the signatures".to_owned(),
            format!(
                "every signature was seen at least {after} s after it began and {before} s before it ended; {} entries go back in time without a recorded jump",
                clock.backwards
            ),
        ));
    }
    if let Some(ntp) = &clock.ntp {
        out.push(("The clock against NTP".to_owned(), ntp_text(ntp)));
    }
    let hide = verdict.servers.iter().filter(|server| server.could_hide).count();
    out.push((
        "Addresses at which a failure could have hidden".to_owned(),
        format!(
            "{hide} of {}: unobserved for longer than the shortest TTL that they showed",
            verdict.servers.len()
        ),
    ));
    out
}
