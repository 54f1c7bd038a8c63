//! `unbroken chain`: a name and type judged by captured answers alone.

mod text;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Context, Exit, Failure};
use crate::capture;
use crate::dns::{Name, Rtype};
use crate::dnssec::offline::{Corpus, LIMIT_NAMES, Limits, Options, Verdict, validate, validate_each};
use crate::dnssec::{Anchors, Policy, Status, policy};
use crate::moment::Moment;

/// A capture of more octets than this is not read.
const MOST_OCTETS: u64 = 256 << 20;

/// Arguments of `chain`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken observe shop.test --into here.ndjson\n  unbroken chain --name www.shop.test --type A here.ndjson\n  \
    unbroken chain --anchors anchors.ds --at 2026-11-24T10:00:00Z --name shop.test --type MX --explain day.pcap\n\n\
    Nothing is asked of the network: what was not captured is not known.\n\
    Exit status: 0 secure or insecure, 1 bogus, 2 a file cannot be used, 3 indeterminate."
)]
pub struct ChainArgs {
    /// Captures: NDJSON as `observe` writes it, pcap, pcapng, or what `dnsviz probe` writes; `-` is standard input
    #[arg(value_name = "CAPTURE", required = true)]
    pub captures: Vec<PathBuf>,
    /// The name to judge
    #[arg(long, value_name = "NAME")]
    pub name: Name,
    /// The type to judge, such as A or TYPE65
    #[arg(long = "type", value_name = "TYPE")]
    pub rtype: Rtype,
    /// DS or DNSKEY records to trust, in presentation format, one a line [default: the IANA root]
    #[arg(long, value_name = "FILE")]
    pub anchors: Option<PathBuf>,
    /// The moment of judgement, RFC 3339 or Unix seconds [default: the latest capture]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<Moment>,
    /// Algorithms and digests as validators treat them in 2026, or all that this build can check
    #[arg(long, value_name = "WHOSE", default_value = "2026")]
    pub policy: PolicyWord,
    /// Judge each captured answer to the question by itself too
    #[arg(long)]
    pub every: bool,
    /// Show every key with every signature that was tried
    #[arg(long)]
    pub explain: bool,
    /// Change a limit of the work; may be repeated (verifications, total-verifications, keys-per-tag,
    /// signatures-per-rrset, nsec3-hashes, total-nsec3-hashes, nsec3-iterations, answers, aliases, ds-records)
    #[arg(long = "limit", value_name = "LIMIT=N")]
    pub limits: Vec<LimitWord>,
}

/// Whose rules hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PolicyWord {
    /// As of 2026 (RFC 9904, 9905, 9906).
    #[value(name = "2026")]
    Year2026,
    /// All that this build can check, for old captures.
    Then,
}

/// `LIMIT=N`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitWord {
    name: String,
    value: u32,
}

impl FromStr for LimitWord {
    type Err = String;

    fn from_str(text: &str) -> Result<LimitWord, String> {
        let (name, value) = text
            .split_once('=')
            .ok_or("expected LIMIT=N, such as verifications=128")?;
        if !LIMIT_NAMES.contains(&name) {
            return Err(format!("there is no limit '{name}': {}", LIMIT_NAMES.join(", ")));
        }
        let value = value
            .parse()
            .map_err(|_| format!("'{value}' is no number of 0 to {}", u32::MAX))?;
        Ok(LimitWord {
            name: name.to_owned(),
            value,
        })
    }
}

/// What was read from the files.
struct Taken {
    corpus: Corpus,
    files: Vec<Value>,
    notes: Vec<String>,
}

/// The verdict on one captured answer.
#[derive(Serialize)]
struct Each {
    server: String,
    transport: String,
    at: Option<Moment>,
    verdict: Status,
    codes: Vec<&'static str>,
}

/// A question judged, with all that is shown of it.
struct Judged<'a> {
    args: &'a ChainArgs,
    at: Moment,
    policy: Policy,
    limits: Limits,
    taken: &'a Taken,
    verdict: Verdict,
    every: Option<Vec<Each>>,
}

/// Judges the question.
///
/// # Errors
/// If a capture or the anchors cannot be used.
pub async fn run(args: &ChainArgs, context: &Context) -> Result<Exit, Failure> {
    let anchors = anchors(args.anchors.as_deref())?;
    let taken = take(&args.captures)?;
    let at = match (args.at, taken.corpus.latest()) {
        (Some(at), _) => at,
        (None, Some(latest)) => Moment::from_seconds(latest),
        (None, None) => {
            return Err(Failure::usage("no capture says when it was made")
                .hint("give the moment of judgement with --at"));
        }
    };
    let mut limits = Limits::default();
    for limit in &args.limits {
        limits.set(&limit.name, limit.value);
    }
    let policy = match args.policy {
        PolicyWord::Year2026 => Policy::Year2026,
        PolicyWord::Then => Policy::Then,
    };
    let options = Options {
        at: at.floor_seconds(),
        policy,
        limits,
    };
    let verdict = validate(&taken.corpus, &anchors, &args.name, args.rtype, &options);
    let every = args.every.then(|| every(&taken.corpus, &anchors, args, &options));
    let judged = Judged {
        args,
        at,
        policy,
        limits,
        taken: &taken,
        verdict,
        every,
    };
    for note in &taken.notes {
        context.out.note(note);
    }
    if context.out.json() {
        context.out.document(&judged.document())?;
    } else {
        text::print(&judged, context);
    }
    Ok(match judged.verdict.status {
        Status::Secure | Status::Insecure => Exit::Done,
        Status::Bogus => Exit::Fails,
        Status::Indeterminate => Exit::NotYet,
    })
}

fn every(corpus: &Corpus, anchors: &Anchors, args: &ChainArgs, options: &Options) -> Vec<Each> {
    validate_each(corpus, anchors, &args.name, args.rtype, options)
        .into_iter()
        .filter_map(|(index, verdict)| {
            let one = corpus.captured().get(index)?;
            Some(Each {
                server: one.server.clone(),
                transport: one.transport.clone(),
                at: one.at.map(Moment::from_seconds),
                verdict: verdict.status,
                codes: verdict.reasons.iter().map(|said| said.reason.code).collect(),
            })
        })
        .collect()
}

impl Judged<'_> {
    fn document(&self) -> Value {
        let verdict = &self.verdict;
        let mut document = json!({
            "name": self.args.name,
            "type": self.args.rtype,
            "at": self.at,
            "verdict": verdict.status,
            "policy": self.policy,
            "policy_as_of": policy::AS_OF,
            "kind": verdict.kind,
            "reasons": verdict.reasons,
            "links": verdict.links,
            "answers": verdict.used,
            "unused": verdict.unused,
            "captures": self.taken.files,
            "notes": self.taken.notes,
            "limits": self.limits,
            "spent": verdict.spent,
        });
        if let Some(every) = &self.every {
            document["every"] = json!(every);
        }
        if self.args.explain {
            document["tried"] = json!(verdict.tried);
        }
        document
    }
}

fn anchors(path: Option<&Path>) -> Result<Anchors, Failure> {
    let Some(path) = path else {
        return Ok(Anchors::iana_root());
    };
    let fail = |what: String| Failure::usage(format!("{}: {what}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| fail(format!("cannot be read: {error}")))?;
    Anchors::parse(&text).map_err(|error| {
        fail(error.to_string()).hint("expected DS or DNSKEY records in presentation format, one a line")
    })
}

fn take(paths: &[PathBuf]) -> Result<Taken, Failure> {
    let (mut answers, mut files, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for path in paths {
        let shown = path.display();
        let octets =
            octets(path).map_err(|error| Failure::usage(format!("{shown}: cannot be read: {error}")))?;
        let found = capture::read(&octets).map_err(|error| {
            Failure::usage(format!("{shown}: {error}"))
                .hint("`unbroken observe ZONE --into FILE` writes such a capture")
        })?;
        files.push(json!({"file": path, "form": found.form, "answers": found.answers.len()}));
        notes.extend(found.notes.into_iter().map(|note| format!("{shown}: {note}")));
        answers.extend(found.answers);
    }
    Ok(Taken {
        corpus: Corpus::new(answers),
        files,
        notes,
    })
}

fn octets(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().take(MOST_OCTETS + 1).read_to_end(&mut octets)?;
    } else {
        std::fs::File::open(path)?
            .take(MOST_OCTETS + 1)
            .read_to_end(&mut octets)?;
    }
    if octets.len() as u64 > MOST_OCTETS {
        return Err(std::io::Error::other(format!("more than {MOST_OCTETS} octets")));
    }
    Ok(octets)
}
