//! `unbroken zone verify`: reads a copy whole, and judges it on all processors.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::VerifyArgs;
use super::meter::Meter;
use super::source::{Copy, Wish};
use crate::cli::{Context, Exit, Failure};
use crate::continuity::parse_time;
use crate::dns::Name;
use crate::dnssec::{Anchors, DsSet};
use crate::moment::Moment;
use crate::zone::{Body, Findings, Leftover, Severity, Verifier};

/// Owners that a thread takes at a time.
const PART: usize = 256;

/// Verifies.
pub(super) async fn run(args: &VerifyArgs, context: &Context) -> Result<Exit, Failure> {
    let at = match &args.at {
        Some(text) => parse_time(text).ok_or_else(|| {
            Failure::usage(format!(
                "--at: '{text}' is no time (expected RFC 3339 or Unix seconds)"
            ))
        })?,
        None => context.now().floor_seconds(),
    };
    let copy = Copy::open(&args.copy, &args.reading, context).await?;
    if !copy.has_signatures() {
        return Err(Failure::usage(format!("{} does not give signatures", copy.label))
            .hint("verify a transfer of its servers: axfr://SERVER/ZONE"));
    }
    let zone = copy.zone(args.reading.zone.as_ref())?;
    let anchors = match &args.anchors {
        Some(path) => Some(anchors(path, &zone)?),
        None => None,
    };
    let meter = Meter::octets(context, &copy.label, copy.size());
    let read = copy
        .read(&zone, Wish::default(), Body::new(zone.clone()), &meter)
        .await;
    meter.clear();
    let (mut body, _) = read?;
    if body.is_full() {
        return Err(Failure::usage(format!(
            "{}: the names of the zone come to more than 4 GiB, which is the limit",
            copy.label
        )));
    }
    let threads = args.threads.map_or_else(processors, usize::from);
    let limit = args.limit;
    let meter = Meter::count(context, "verified", 0);
    let bar = meter.clone();
    let done = tokio::task::spawn_blocking(move || {
        body.sort();
        let findings = judge(&body, at, anchors.as_ref(), threads, limit, &bar);
        (findings, body)
    });
    let done = done.await;
    meter.clear();
    let (mut findings, body) = done.map_err(|error| Failure::new(Exit::Fault, error.to_string()))?;
    let report = Report {
        copy: &copy,
        body: &body,
        at,
        context,
    };
    if context.out.json() {
        context.out.document(&report.document(&mut findings))?;
    } else {
        report.print(&mut findings);
    }
    Ok(exit(&findings))
}

fn exit(findings: &Findings) -> Exit {
    if findings.count(Severity::Error) > 0 {
        Exit::Fails
    } else if findings.count(Severity::Unknown) > 0 {
        Exit::NotYet
    } else {
        Exit::Done
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn anchors(path: &Path, zone: &Name) -> Result<DsSet, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    let anchors =
        Anchors::parse(&text).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    anchors
        .iter()
        .find(|(owner, _)| *owner == zone)
        .map(|(_, set)| set.clone())
        .ok_or_else(|| {
            Failure::usage(format!(
                "{}: it has no DS or DNSKEY record of {zone}",
                path.display()
            ))
        })
}

/// Every part on some thread, then what concerns the whole.
fn judge(
    body: &Body,
    at: i64,
    anchors: Option<&DsSet>,
    threads: usize,
    limit: usize,
    meter: &Meter,
) -> Findings {
    let verifier = Verifier::new(body, at, anchors);
    let parts: Vec<_> = body.parts(PART).collect();
    let next = AtomicUsize::new(0);
    let gathered = Mutex::new((Findings::new(limit), Leftover::default()));
    meter.length(body.nodes() as u64);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(parts.len()).max(1) {
            scope.spawn(|| {
                let (mut findings, mut left) = (Findings::new(limit), Leftover::default());
                while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    verifier.part(part.clone(), &mut left, &mut findings);
                    meter.set(part.end as u64);
                }
                if let Ok(mut gathered) = gathered.lock() {
                    gathered.0.merge(findings);
                    gathered.1.merge(left);
                }
            });
        }
    });
    // A thread that panicked has ended the program already.
    let (mut findings, left) = gathered
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    verifier.finish(left, &mut findings);
    findings
}

struct Report<'a> {
    copy: &'a Copy,
    body: &'a Body,
    at: i64,
    context: &'a Context,
}

impl Report<'_> {
    fn print(&self, findings: &mut Findings) {
        let mut lines = String::new();
        for finding in findings.sorted() {
            // A String takes everything.
            let _ = writeln!(lines, "{finding}");
        }
        let _ = writeln!(
            lines,
            "# {}: zone {}, {} records, {} owners, {} good signatures, as of {}",
            self.copy.label,
            self.body.apex(),
            self.body.records(),
            self.body.nodes(),
            findings.good_signatures,
            Moment::from_seconds(self.at),
        );
        for (code, _, count) in findings.counts() {
            let _ = writeln!(lines, "# {count} x {code}");
        }
        let words = match exit(findings) {
            Exit::Done => "it holds",
            Exit::NotYet => "it cannot be told whether it holds",
            _ => "it does not hold",
        };
        let _ = writeln!(lines, "# {words}");
        self.context.out.write(lines.as_bytes());
    }

    fn document(&self, findings: &mut Findings) -> Value {
        let verdict = match exit(findings) {
            Exit::Done => "holds",
            Exit::NotYet => "unknown",
            _ => "fails",
        };
        let counts: serde_json::Map<String, Value> = findings
            .counts()
            .map(|(code, _, count)| (code.to_owned(), json!(count)))
            .collect();
        json!({
            "source": self.copy.label, "zone": self.body.apex(), "at": Moment::from_seconds(self.at),
            "records": self.body.records(), "owners": self.body.nodes(),
            "good_signatures": findings.good_signatures, "verdict": verdict, "counts": counts,
            "findings": findings.sorted(),
        })
    }
}
