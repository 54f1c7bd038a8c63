//! The verdict for people.

use super::Judged;
use crate::cli::{Context, Tone};
use crate::dnssec::Status;
use crate::dnssec::offline::{Said, Tried, Unused, Used, ZoneLink};

pub(super) fn print(judged: &Judged<'_>, context: &Context) {
    let out = &context.out;
    let verdict = &judged.verdict;
    let word = out.paint(tone(verdict.status), word(verdict.status));
    out.line(format!(
        "{} {} at {}: {word} (policy {})",
        judged.args.name,
        judged.args.rtype,
        judged.at,
        policy_word(judged)
    ));
    for said in &verdict.reasons {
        out.line(format!("  {}", reason(said)));
    }
    out.line("chain:");
    if verdict.links.is_empty() {
        out.line("  nothing");
    }
    for link in &verdict.links {
        link_lines(link, context);
    }
    if !verdict.used.is_empty() {
        out.line("answers:");
    }
    for used in &verdict.used {
        out.line(format!("  {}", used_line(used)));
    }
    if !verdict.unused.is_empty() {
        out.line("captured, and not used:");
    }
    for unused in &verdict.unused {
        out.line(format!("  {}", unused_line(unused)));
    }
    if let Some(every) = &judged.every {
        out.line("each by itself:");
        for each in every {
            let said = each.codes.join(", ");
            let at = each
                .at
                .map_or_else(|| "at no known time".to_owned(), |at| at.to_string());
            out.line(
                format!(
                    "  {} {} {at}: {} {said}",
                    each.server,
                    each.transport,
                    self::word(each.verdict)
                )
                .trim_end()
                .to_owned(),
            );
        }
    }
    if judged.args.explain {
        out.line("tried:");
        for tried in &verdict.tried {
            tried_lines(tried, context);
        }
    }
    out.line(format!(
        "{} signatures checked, {} names hashed",
        verdict.spent.verifications, verdict.spent.nsec3_hashes
    ));
}

fn policy_word(judged: &Judged<'_>) -> &'static str {
    match judged.policy {
        crate::dnssec::Policy::Year2026 => "2026",
        crate::dnssec::Policy::Then => "then",
    }
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Secure => "secure",
        Status::Insecure => "insecure",
        Status::Bogus => "bogus",
        Status::Indeterminate => "indeterminate",
    }
}

fn tone(status: Status) -> Tone {
    match status {
        Status::Secure => Tone::Good,
        Status::Insecure | Status::Indeterminate => Tone::Warn,
        Status::Bogus => Tone::Bad,
    }
}

fn reason(said: &Said) -> String {
    let reason = &said.reason;
    let mut text = format!("{}: {} [{}]", reason.code, reason.text, reason.rfc);
    if let Some(server) = said.server.as_ref().filter(|server| !server.is_empty()) {
        text.push_str(&format!(" from {server}"));
    }
    if let Some(error) = &said.extended_error {
        text.push_str(&format!(" (EDE {}, {})", error.code, error.name));
    }
    text
}

fn link_lines(link: &ZoneLink, context: &Context) {
    let out = &context.out;
    let word = out.paint(tone(link.verdict), word(link.verdict));
    let by = match &link.parent {
        Some(parent) => format!("delegated by {parent}"),
        None => "anchored".to_owned(),
    };
    let servers = match link.servers.as_slice() {
        [] => String::new(),
        some => format!("; from {}", some.join(", ")),
    };
    out.line(format!("  {} {word}, {by}{servers}", link.zone));
    for ds in &link.ds {
        out.line(format!("    DS {ds}"));
    }
    for key in &link.dnskey {
        let mut said = Vec::new();
        if key.named_by_ds {
            said.push("named by DS");
        }
        if key.signs_keys {
            said.push("signs the DNSKEY RRset");
        }
        if !key.trusted {
            said.push("not trusted");
        }
        let said = if said.is_empty() {
            String::new()
        } else {
            format!(": {}", said.join(", "))
        };
        out.line(format!(
            "    DNSKEY {}/{}/{} flags {}{said}",
            key.tag, key.algorithm, key.fingerprint, key.flags
        ));
    }
    for said in &link.reasons {
        out.line(format!("    {}", reason(said)));
    }
}

fn used_line(used: &Used) -> String {
    let kind = used.kind.map_or("no answer", kind_word);
    let zone = used
        .zone
        .as_ref()
        .map_or_else(String::new, |zone| format!(" under the keys of {zone}"));
    format!(
        "{} {} {}: {kind}{zone}, from {}",
        used.name,
        used.rtype,
        word(used.verdict),
        used.server
    )
}

fn kind_word(kind: crate::dnssec::AnswerKind) -> &'static str {
    use crate::dnssec::AnswerKind;
    match kind {
        AnswerKind::Positive => "data",
        AnswerKind::Wildcard => "data from a wildcard",
        AnswerKind::Cname => "an alias (CNAME)",
        AnswerKind::Dname => "an alias (DNAME)",
        AnswerKind::NoData => "no such type",
        AnswerKind::NxDomain => "no such name",
        AnswerKind::Referral => "a referral",
    }
}

fn unused_line(unused: &Unused) -> String {
    format!(
        "{} {} from {} over {}: {} {}",
        unused.name,
        unused.rtype,
        unused.server,
        unused.transport,
        word(unused.verdict),
        unused.codes.join(", ")
    )
    .trim_end()
    .to_owned()
}

fn tried_lines(tried: &Tried, context: &Context) {
    let server = tried
        .server
        .as_ref()
        .map_or_else(String::new, |server| format!(" from {server}"));
    context.out.line(format!(
        "  {} under the keys of {}{server}",
        tried.rrset, tried.zone
    ));
    for pair in &tried.pairs {
        let window = |seconds| crate::moment::Moment::from_seconds(seconds);
        context.out.line(format!(
            "    key {} signer {} labels {} TTL {} {} to {}: {}",
            pair.key,
            pair.signer,
            pair.labels,
            pair.original_ttl,
            window(pair.window.0),
            window(pair.window.1),
            pair.result
        ));
    }
    for (tag, algorithm) in &tried.no_key {
        context.out.line(format!(
            "    no key for the signature of {tag}, algorithm {algorithm}"
        ));
    }
    if tried.untried > 0 {
        context
            .out
            .line(format!("    {} more pairs were not tried", tried.untried));
    }
}
