//! `unbroken audit report`: a bundle, verified, as a page that a person understands in a minute.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::super::{Context, Exit, Failure};
use super::verify::verify_seen;
use crate::audit::Depth;
use crate::evidence::VerifierKey;
use crate::report::evidence::{
    Assurance, EvidenceReport, Gathered, Standing, evidence_html, evidence_report, evidence_text,
};

/// Arguments of `audit report`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken audit report shop.tar --out shop.html\n  unbroken audit report shop.tar --seal-key 'example.com/dns+1a2b3c4d+AQ…' --text\n\n\
    The HTML file needs no network and no script, and prints on A4.\n\
    Exit status: 0 it holds, 1 it does not (the report says what), 2 no bundle, or the output is there already, 3 not to be told"
)]
pub struct ReportArgs {
    /// The bundle: a folder, a plain tar, or a zone's folder of the state
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
    /// DS or DNSKEY records to trust, in presentation format, one a line [default: the IANA root]
    #[arg(long, value_name = "FILE")]
    pub anchors: Option<PathBuf>,
    /// A key with which the seals must be good, as `audit keygen` printed it; may be repeated
    #[arg(long = "seal-key", value_name = "KEY")]
    pub seal_keys: Vec<VerifierKey>,
    /// The HTML file [default: the report as text on stdout]
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    pub out: Option<PathBuf>,
    /// As text on stdout
    #[arg(long)]
    pub text: bool,
}

/// Makes it.
///
/// # Errors
/// If there is no bundle that can be opened, or the output cannot be written.
pub(super) fn run(args: &ReportArgs, context: &Context) -> Result<Exit, Failure> {
    let report = read(args)?;
    if let Some(path) = &args.out {
        write(path, &evidence_html(&report))?;
    }
    if context.out.json() {
        context.out.document(&report)?;
    } else if let Some(path) = &args.out {
        context.out.line(format!(
            "{}: {}",
            report.verdict.standing.word(),
            report.verdict.sentence
        ));
        context.out.line(format!("The report: {}", path.display()));
    } else {
        context.out.line(evidence_text(&report));
    }
    Ok(match report.verdict.standing {
        Standing::Holds => Exit::Done,
        Standing::Unknown => Exit::NotYet,
        Standing::Fails => Exit::Fails,
    })
}

fn read(args: &ReportArgs) -> Result<EvidenceReport, Failure> {
    let anchors = args.anchors.as_deref().map(super::anchors).transpose()?;
    let bundle = super::open(&args.bundle)?;
    let mut gathered = Gathered::new();
    let (verdict, state) = verify_seen(
        &bundle,
        anchors,
        args.seal_keys.clone(),
        Depth::Full,
        &mut |entry, at, event, state| gathered.observe(entry, at, event, state),
    )?;
    gathered.state = state;
    Ok(evidence_report(&gathered, Assurance::of(&verdict)))
}

/// A new file; what is there is not overwritten.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        let failure = Failure::usage(format!("{}: {error}", path.display()));
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                failure.hint("nothing is overwritten: name another file, or remove it")
            }
            _ => failure,
        }
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}
