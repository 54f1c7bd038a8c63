//! A verdict for people.

use std::path::Path;

use super::super::{Context, Tone};
use crate::audit::{Depth, Finding, Gravity, ServerSeen, Verdict, Word};
use crate::evidence::{Ends, Place};
use crate::report::evidence::{list, ntp_text, one_line, stamp_text};

/// So many findings of each gravity are shown; `--json` has more.
const SHOWN: usize = 12;

pub(super) fn print(verdict: &Verdict, path: &Path, context: &Context) {
    let out = &context.out;
    let word = match verdict.verdict {
        Word::Holds => out.paint(Tone::Good, "holds"),
        Word::Open => out.paint(Tone::Warn, "nothing fails, but not everything can be told"),
        Word::Fails => out.paint(Tone::Bad, "DOES NOT HOLD"),
    };
    let zone = verdict
        .zone
        .as_ref()
        .map_or_else(|| "?".to_owned(), ToString::to_string);
    out.line(format!("{} {zone}: {word}", path.display()));
    let journal = &verdict.journal;
    let span = match (journal.first, journal.last) {
        (Some(first), Some(last)) => format!(", {first} to {last}"),
        _ => String::new(),
    };
    out.line(format!(
        "journal:    {} entries{span}, {}",
        journal.entries,
        ends(verdict)
    ));
    out.line(format!("run by:     {}", one_line(&run_by(verdict))));
    out.line(format!("head:       {}", journal.head));
    if let Some(bundle) = &verdict.bundle {
        out.line(format!("bundle:     {bundle}"));
    }
    out.line(format!("seals:      {}", seals(verdict)));
    for stamp in &verdict.stamps {
        out.line(format!("stamp:      {}", stamp_text(stamp)));
        out.line(format!("            {}", stamp.command));
    }
    out.line(format!(
        "messages:   {} named, {} there, {} octets",
        verdict.blobs.named, verdict.blobs.there, verdict.blobs.octets
    ));
    if verdict.depth == Depth::Full {
        full(verdict, context);
    } else {
        out.line("not judged: answers, decisions and continuity (--hashes)");
    }
    // What all the rest may come from is said first.
    let (anchors, findings): (Vec<&Finding>, Vec<&Finding>) = verdict
        .findings
        .iter()
        .partition(|finding| finding.code == "anchors-differ");
    for finding in anchors {
        out.line(format!(
            "{} {}",
            out.paint(Tone::Warn, "first"),
            one_line(&line(finding))
        ));
    }
    for (gravity, tone, mark) in [
        (Gravity::Fails, Tone::Bad, "FAILS"),
        (Gravity::Open, Tone::Warn, "open"),
        (Gravity::Remark, Tone::Dim, "note"),
    ] {
        let own: Vec<&&Finding> = findings
            .iter()
            .filter(|finding| finding.gravity == gravity)
            .collect();
        for finding in own.iter().take(SHOWN) {
            out.line(format!("{} {}", out.paint(tone, mark), one_line(&line(finding))));
        }
        if own.len() > SHOWN {
            out.line(format!(
                "{} … and {} more; --json has more of them, and the counts",
                out.paint(tone, mark),
                own.len() - SHOWN
            ));
        }
    }
    for limit in &verdict.limits {
        out.line(format!("{} {}", out.paint(Tone::Dim, "limit"), one_line(limit)));
    }
}

fn full(verdict: &Verdict, context: &Context) {
    let out = &context.out;
    let answers = &verdict.answers;
    let from = if verdict.anchors.given {
        "the anchors given"
    } else {
        "the IANA root"
    };
    let none = &answers.unanswered;
    out.line(format!(
        "answers:    {} in {} sweeps, judged from {from}: {} secure, {} insecure, {} bogus where resolvers were led, {} bogus where none was, {} not to be told, {} unsigned delegations",
        answers.observations - none.timeout - none.no_route - none.failed,
        answers.sweeps,
        answers.secure,
        answers.insecure,
        answers.bogus,
        answers.bogus_unreached,
        answers.indeterminate,
        answers.unsigned,
    ));
    let silent = none.timeout + none.no_route + none.failed + none.useless + answers.unreadable;
    if silent > 0 {
        out.line(format!(
            "not seen:   {} without answer in time, {} without a route, {} failed, {} without use, {} unreadable",
            none.timeout, none.no_route, none.failed, none.useless, answers.unreadable
        ));
    }
    let made = &verdict.decisions;
    out.line(format!(
        "decisions:  {} recorded, {} made again with the same result, {} from outside, {} differ; {} more moments had none, checked too; {} acts",
        made.recorded, made.same, made.outside, made.differ, made.unchanged, made.acts
    ));
    let continuity = match verdict.continuity.continuous {
        Some(true) if verdict.insecure.is_empty() => out.paint(
            Tone::Good,
            "every mixture of answers that a cache could hold validated",
        ),
        // Nothing fails without DS, and nothing is validated either.
        Some(true) => out.paint(
            Tone::Warn,
            "every mixture of answers that a cache could hold validated, or was insecure",
        ),
        Some(false) => out.paint(
            Tone::Bad,
            format!("{} mixtures fail", verdict.continuity.conflicts.len()),
        ),
        None => out.paint(Tone::Warn, "not judged"),
    };
    out.line(format!("continuity: {continuity}"));
    if let Some(longest) = verdict
        .servers
        .iter()
        .max_by_key(|server| server.longest_unobserved)
    {
        out.line(format!("unobserved: at most {}", one_line(&unobserved(longest))));
    }
    let hiding = verdict.servers.iter().filter(|server| server.could_hide).count();
    out.line(format!(
        "            at {hiding} of {} addresses a wrong answer could have come and gone between two looks",
        verdict.servers.len()
    ));
    let clock = &verdict.clock;
    if let (Some(after), Some(before)) = (clock.after_inception, clock.before_expiration) {
        out.line(format!(
            "clock:      signatures were seen {after} s or more after their inception and {before} s or more before their end; {} jump{}",
            clock.jumps.len(),
            if clock.jumps.len() == 1 { "" } else { "s" }
        ));
    }
    if let Some(ntp) = &verdict.clock.ntp {
        out.line(format!("            {}", one_line(&ntp_text(ntp))));
    }
    for approval in &verdict.approvals {
        out.line(format!(
            "approved:   {} by {} at {} (entry {})",
            one_line(short(&approval.what)),
            one_line(&approval.by),
            approval.at,
            approval.entry
        ));
    }
}

fn short(text: &str) -> &str {
    let is_hash = text.len() == 64 && text.bytes().all(|octet| octet.is_ascii_hexdigit());
    if is_hash {
        text.get(..12).unwrap_or(text)
    } else {
        text
    }
}

fn unobserved(server: &ServerSeen) -> String {
    let whose = match &server.place {
        Place::Parent => "the parent",
        Place::Provider(name) => name,
        Place::Ancestor(_) => "above",
    };
    let ttl = server
        .shortest_ttl
        .map_or_else(|| "no answer".to_owned(), |ttl| format!("shortest TTL {ttl} s"));
    format!(
        "{} s, at {} {} ({whose}), {ttl}",
        server.longest_unobserved, server.server, server.address
    )
}

fn run_by(verdict: &Verdict) -> String {
    let journal = &verdict.journal;
    format!(
        "{}, with {}, looking from {}",
        list(&journal.operators, "nobody who is recorded"),
        list(&journal.programs, "no program that is recorded"),
        list(&journal.vantages, "nowhere that is recorded")
    )
}

fn ends(verdict: &Verdict) -> &'static str {
    match (verdict.ending.cut, verdict.ending.ends) {
        (true, _) => "cut off at the end",
        (false, Ends::Ended) => "to the end of the plan",
        (false, Ends::UnderWay) => "without the end of the plan",
        (false, Ends::NoPlan) => "no plan in it",
    }
}

fn seals(verdict: &Verdict) -> String {
    if verdict.seals.is_empty() {
        return "none".to_owned();
    }
    let ending = &verdict.ending;
    let (upto, whose) = if ending.sealed > 0 {
        (ending.sealed, "the key given")
    } else {
        (ending.self_sealed, "a key that came with the bundle")
    };
    let mut keys: Vec<&str> = verdict
        .seals
        .iter()
        .flat_map(|seal| &seal.keys)
        .filter(|key| key.given == (ending.sealed > 0))
        .map(|key| key.fingerprint.as_str())
        .collect();
    keys.sort_unstable();
    keys.dedup();
    format!(
        "{}, entries 1 to {upto} of {} under {whose} ({})",
        verdict.seals.len(),
        verdict.journal.entries,
        keys.join(", ")
    )
}

fn line(finding: &Finding) -> String {
    let entry = finding
        .entry
        .map_or_else(String::new, |entry| format!(" entry {entry}:"));
    let file = match (&finding.blob, &finding.file) {
        (Some(blob), _) => format!(" message {blob}:"),
        (None, Some(file)) => format!(" {file}:"),
        (None, None) => String::new(),
    };
    format!("{}:{entry}{file} {}", finding.code, finding.text)
}
