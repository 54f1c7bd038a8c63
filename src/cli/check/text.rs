//! The report for people: the verdict, what was found, the servers, what a change takes, what was not seen.

use std::time::Duration;

use super::findings::{Finding, Severity};
use super::report::{DsRow, ParentServer, Problem, Report, Server, short};
use super::waits::Waits;
use crate::cli::{Output, Tone};

use crate::dnssec::{Ds, KeyId, Status, policy};
use crate::report::spell;

/// All lines.
pub(super) fn lines(report: &Report, out: &Output) -> Vec<String> {
    let mut lines = vec![headline(report, out), String::new()];
    for severity in [
        Severity::Broken,
        Severity::Unknown,
        Severity::Warning,
        Severity::Remark,
    ] {
        let found: Vec<&Finding> = report
            .findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .collect();
        if !found.is_empty() {
            let (mark, tone) = mark(severity);
            lines.push(out.paint(tone, mark));
            lines.extend(found.into_iter().map(|finding| line(finding, out)));
            lines.push(String::new());
        }
    }
    lines.push(format!("chain  {}", chain(report, out)));
    lines.extend(report.ds.iter().map(|row| ds_line(row, report)));
    lines.push(String::new());
    let parent = report.parent.iter().map(parent_row).collect();
    lines.extend(table(
        out,
        &[
            "parent's server",
            "address",
            "verdict",
            "DS",
            "TTL",
            "NS",
            "TTL",
            "TCP",
        ],
        parent,
    ));
    let heads = [
        "server", "address", "verdict", "DNSKEY", "keys by", "data by", "until", "SOA", "NS", "CDS", "TCP",
        "octets", "denial",
    ];
    let servers = report
        .servers
        .iter()
        .map(|server| server_row(server, report))
        .collect();
    lines.extend(table(out, &heads, servers));
    if let Some(waits) = &report.changes {
        lines.extend(changes(waits, report));
        lines.push(String::new());
    }
    lines.push("not looked at".to_owned());
    lines.extend(report.not_checked.iter().map(|what| format!("  {what}")));
    lines
}

fn headline(report: &Report, out: &Output) -> String {
    let count = |severity| {
        report
            .findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    };
    let verdict = out.paint(tone(report.verdict), word(report.verdict));
    let counted: Vec<String> = [
        (Severity::Broken, "broken", Tone::Bad),
        (Severity::Unknown, "unknown", Tone::Warn),
        (Severity::Warning, "warnings", Tone::Warn),
    ]
    .into_iter()
    .filter(|(severity, _, _)| count(*severity) > 0)
    .map(|(severity, words, tone)| {
        let words = match (count(severity), words) {
            (1, "warnings") => "warning",
            _ => words,
        };
        out.paint(tone, format!("{} {words}", count(severity)))
    })
    .collect();
    let rest = if counted.is_empty() {
        "nothing to mend".to_owned()
    } else {
        counted.join(", ")
    };
    let zone = out.paint(Tone::Strong, &report.zone);
    let at = report.at.to_string();
    let seconds = at.split('.').next().unwrap_or_default().trim_end_matches('Z');
    let but = if report.verdict == Status::Secure && count(Severity::Broken) > 0 {
        " at each server by itself"
    } else {
        ""
    };
    format!("{zone} is {verdict}{but}; {rest} ({seconds}Z)")
}

fn line(finding: &Finding, out: &Output) -> String {
    let at = match finding.at.as_slice() {
        [] => String::new(),
        [one] => format!("{one}: "),
        [one, two] => format!("{one}, {two}: "),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more: ", rest.len()),
    };
    format!(
        "  [{}] {at}{}; {} {}",
        finding.code,
        finding.text,
        out.paint(Tone::Strong, "remedy:"),
        finding.remedy
    )
}

fn mark(severity: Severity) -> (&'static str, Tone) {
    match severity {
        Severity::Broken => ("broken", Tone::Bad),
        Severity::Unknown => ("unknown", Tone::Warn),
        Severity::Warning => ("warnings", Tone::Warn),
        Severity::Remark => ("remarks", Tone::Dim),
    }
}

fn chain(report: &Report, out: &Output) -> String {
    let mut links: Vec<String> = report
        .chain
        .zones
        .iter()
        .map(|(zone, status)| format!("{zone} {}", out.paint(tone(*status), word(*status))))
        .collect();
    links.push(format!(
        "{} {}",
        report.zone,
        out.paint(tone(report.verdict), word(report.verdict))
    ));
    links.join(" > ")
}

/// A DS record, and at which servers its key is.
fn ds_line(row: &DsRow, report: &Report) -> String {
    let all = report
        .servers
        .iter()
        .filter(|server| server.keys.is_some())
        .count();
    let places = |labels: &[String]| match labels {
        [] => "nowhere".to_owned(),
        labels if labels.len() == all => "everywhere".to_owned(),
        labels => format!("at {}", labels.join(", ")),
    };
    let what = if row.key.is_none() {
        "its key is at no server".to_owned()
    } else if row.held_at == row.signs_at {
        format!("its key signs the DNSKEY RRset {}", places(&row.signs_at))
    } else {
        format!(
            "its key is in the DNSKEY RRset {}, and signs it {}",
            places(&row.held_at),
            places(&row.signs_at)
        )
    };
    format!("DS     {}: {what}", ds_text(&row.ds))
}

fn parent_row(server: &ParentServer) -> Vec<String> {
    let verdict = match &server.problem {
        Some(problem) => problem.clone(),
        None => word(server.status).to_owned(),
    };
    let ds = match &server.ds {
        None => "?".to_owned(),
        Some(ds) if ds.is_empty() => "none".to_owned(),
        Some(ds) => ds
            .iter()
            .map(|ds| ds.tag.to_string())
            .collect::<Vec<_>>()
            .join(","),
    };
    vec![
        server.server.to_string(),
        short(server.address),
        verdict,
        ds,
        server.ttl.to_string(),
        server.ns.len().to_string(),
        server.ns_ttl.to_string(),
        tcp_word(server.tcp.as_ref()).to_owned(),
    ]
}

fn server_row(server: &Server, report: &Report) -> Vec<String> {
    let mut row = vec![server.server.to_string(), short(server.address)];
    if let Some(problem) = &server.problem {
        row.push(match problem {
            Problem::Timeout => "no answer in time".to_owned(),
            Problem::NoRoute => "no route from here".to_owned(),
            Problem::Failed(said) => said.clone(),
            Problem::Lame(how) => format!("lame: {how}"),
        });
        return row;
    }
    row.push(word(server.verdict).to_owned());
    row.push(server.keys.as_ref().map_or_else(|| "?".to_owned(), tags));
    row.push(tags(&server.key_signers));
    row.push(data_signers(server));
    row.push(server.expires.map_or_else(
        || "-".to_owned(),
        |until| until.to_string().chars().take(16).collect::<String>() + "Z",
    ));
    row.push(
        server
            .serial
            .map_or_else(|| "?".to_owned(), |serial| serial.to_string()),
    );
    row.push(ns_word(server, report).to_owned());
    row.push(cds_word(server, report).to_owned());
    row.push(tcp_word(server.tcp.as_ref()).to_owned());
    let octets = server.sizes.as_ref().and_then(|sizes| sizes.dnskey_answer);
    row.push(octets.map_or_else(|| "-".to_owned(), |octets| octets.to_string()));
    row.push(denial_word(server));
    row
}

fn tcp_word(tcp: Option<&Result<(), String>>) -> &'static str {
    match tcp {
        None => "-",
        Some(Ok(())) => "ok",
        Some(Err(_)) => "fails",
    }
}

fn denial_word(server: &Server) -> String {
    let kind = server.denial.unwrap_or("-");
    if server.compact_denial {
        return format!("{kind}, compact");
    }
    match server.nsec3.first() {
        Some(nsec3) if nsec3.iterations > 0 => format!("{kind}, {} iterations", nsec3.iterations),
        _ => kind.to_owned(),
    }
}

fn data_signers(server: &Server) -> String {
    let mut words: Vec<String> = server
        .data_signers
        .iter()
        .map(|key| key.key().tag().to_string())
        .collect();
    words.extend(server.unknown_signers.iter().map(|(tag, _)| format!("{tag}?")));
    if words.is_empty() {
        "nobody".to_owned()
    } else {
        words.join(",")
    }
}

fn ns_word(server: &Server, report: &Report) -> &'static str {
    match &server.ns {
        None => "?",
        Some(ns) if report.parent.iter().any(|parent| parent.ns == *ns) => "same",
        Some(_) => "differ",
    }
}

fn cds_word(server: &Server, report: &Report) -> &'static str {
    match &server.cds {
        None => "?",
        Some(cds) if cds.is_empty() => "none",
        Some(cds) if report.chain.ds.contains(cds) => "as DS",
        Some(_) => "differ",
    }
}

fn tags(keys: &std::collections::BTreeSet<KeyId>) -> String {
    if keys.is_empty() {
        return "none".to_owned();
    }
    let tags: Vec<String> = keys.iter().map(|key| key.key().tag().to_string()).collect();
    tags.join(",")
}

fn ds_text(ds: &Ds) -> String {
    let name = |table: &[policy::PolicyRow], number: u8| {
        table
            .iter()
            .find(|row| row.number == number)
            .map_or_else(|| number.to_string(), |row| row.name.to_owned())
    };
    format!(
        "{} {} {}",
        ds.tag,
        name(policy::ALGORITHMS, ds.algorithm),
        name(policy::DIGESTS, ds.digest_type)
    )
}

/// What the TTLs mean.
fn changes(waits: &Waits, report: &Report) -> Vec<String> {
    let span = |seconds: u32| spell(Duration::from_secs(seconds.max(waits.ttl_floor).into()));
    let mut out = vec![
        "a change begun now".to_owned(),
        format!(
            "  the former DS leaves caches after {}, NS after {}, DNSKEY after {}, other answers after {} (the largest seen or told)",
            span(waits.ds),
            span(waits.ns),
            span(waits.dnskey),
            span(waits.data)
        ),
    ];
    match (waits.move_ends, &waits.move_waits_for) {
        (Some(end), why) => out.push(format!(
            "  a move to another signer ends at {end} at the earliest, in {}{}",
            spell(end.since(report.at)),
            why.as_ref()
                .map_or_else(String::new, |why| format!(": last it waits for {why}"))
        )),
        (None, _) => {
            out.push("  a move to another signer cannot be dated: mend what is broken first".to_owned())
        }
    }
    if let Some(seconds) = waits.signed_after_ds {
        out.push(format!(
            "  without DNSSEC: keys and signatures have to stay {} after the last DS record is gone",
            spell(Duration::from_secs(seconds))
        ));
    }
    out
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Secure => "secure",
        Status::Insecure => "insecure",
        Status::Bogus => "bogus",
        Status::Indeterminate => "not to be told",
    }
}

fn tone(status: Status) -> Tone {
    match status {
        Status::Secure => Tone::Good,
        Status::Insecure => Tone::Dim,
        Status::Bogus => Tone::Bad,
        Status::Indeterminate => Tone::Warn,
    }
}

/// Columns as wide as their widest cell; a row that ends early may run over.
fn table(out: &Output, heads: &[&str], rows: Vec<Vec<String>>) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let width = |column: usize, head: &str| {
        rows.iter()
            .filter(|row| row.len() == heads.len())
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .chain([head.chars().count()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = heads
        .iter()
        .enumerate()
        .map(|(column, head)| width(column, head))
        .collect();
    let line = |cells: &[String]| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    let mut lines = vec![out.paint(Tone::Dim, line(&heads))];
    lines.extend(rows.iter().map(|row| line(row)));
    lines.push(String::new());
    lines
}
