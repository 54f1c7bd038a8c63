//! The report for people: the chain, a line a server, what was found, the verdict.

use std::collections::BTreeSet;

use super::findings::{Severity, short};
use super::inspect::{ParentServer, Problem, Report, Server};
use crate::cli::{Context, Tone};
use crate::dnssec::{Ds, KeyId, Status};

/// Prints it.
pub(super) fn print(report: &Report, context: &Context) {
    let out = &context.out;
    out.line(format!(
        "{} at {}",
        out.paint(Tone::Strong, &report.zone),
        report.at
    ));
    out.line("");
    out.line(format!("chain  {}", chain(report, context)));
    for ds in &report.chain.ds {
        let records: Vec<String> = ds.iter().map(ds_text).collect();
        out.line(format!("DS     {}", records.join(", ")));
    }
    out.line("");
    let parent = report.parent.iter().map(parent_row).collect();
    table(
        context,
        &["parent's server", "address", "verdict", "DS", "TTL", "NS"],
        parent,
    );
    let servers = report
        .servers
        .iter()
        .map(|server| server_row(server, report))
        .collect();
    table(
        context,
        &[
            "server", "address", "verdict", "DNSKEY", "keys by", "data by", "until", "SOA", "NS", "CDS",
            "TCP", "denial",
        ],
        servers,
    );
    findings(report, context);
    out.line(last_words(report, context));
}

fn last_words(report: &Report, context: &Context) -> String {
    let out = &context.out;
    let broken = report
        .findings
        .iter()
        .any(|finding| finding.severity == Severity::Broken);
    let verdict = out.paint(tone(report.verdict), word(report.verdict));
    if broken && report.verdict != Status::Bogus {
        let but = out.paint(Tone::Bad, "but something is broken");
        format!(
            "{} is {verdict} at each server by itself, {but}: see above",
            report.zone
        )
    } else {
        format!("{} is {verdict}", report.zone)
    }
}

fn chain(report: &Report, context: &Context) -> String {
    let out = &context.out;
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

fn findings(report: &Report, context: &Context) {
    let out = &context.out;
    for finding in &report.findings {
        let (mark, tone) = match finding.severity {
            Severity::Broken => ("broken", Tone::Bad),
            Severity::Unknown => ("unknown", Tone::Warn),
            Severity::Warning => ("warning", Tone::Warn),
            Severity::Remark => ("remark", Tone::Dim),
        };
        out.line(format!(
            "{} [{}] {}",
            out.paint(tone, format!("{mark}:")),
            finding.code,
            finding.text
        ));
        out.line(format!(
            "  {} {}",
            out.paint(Tone::Strong, "remedy:"),
            finding.remedy
        ));
    }
    if !report.findings.is_empty() {
        out.line("");
    }
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
    row.push(match &server.tcp {
        None => "-".to_owned(),
        Some(Ok(())) => "ok".to_owned(),
        Some(Err(_)) => "fails".to_owned(),
    });
    row.push(server.denial.unwrap_or("-").to_owned());
    row
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

fn tags(keys: &BTreeSet<KeyId>) -> String {
    if keys.is_empty() {
        return "none".to_owned();
    }
    let tags: Vec<String> = keys.iter().map(|key| key.key().tag().to_string()).collect();
    tags.join(",")
}

fn ds_text(ds: &Ds) -> String {
    let digest = match ds.digest_type {
        1 => "SHA-1".to_owned(),
        2 => "SHA-256".to_owned(),
        4 => "SHA-384".to_owned(),
        other => format!("digest {other}"),
    };
    format!("{} (algorithm {}, {digest})", ds.tag, ds.algorithm)
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
fn table(context: &Context, heads: &[&str], rows: Vec<Vec<String>>) {
    if rows.is_empty() {
        return;
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
    context.out.line(context.out.paint(Tone::Dim, line(&heads)));
    for row in &rows {
        context.out.line(line(row));
    }
    context.out.line("");
}
