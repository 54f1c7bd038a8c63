//! `unbroken audit report`: a bundle as a page that a person understands in a minute.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::super::{Context, Exit, Failure};
use crate::adapters::bundle::Bundle;
use crate::dnssec::Anchors;
use crate::evidence::{BlobId, hash_line};
use crate::ports::JournalView;
use crate::report::evidence::{
    Assurance, Check, EvidenceReport, Gathered, Standing, evidence_html, evidence_report, evidence_text,
};
use crate::workflow::Event;

/// Arguments of `audit report`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken audit report shop.tar --out shop.html\n  unbroken audit report shop.tar --text\n\n\
    The HTML file needs no network and no script, and prints on A4.\n\
    Exit status: 0 it holds, 1 it does not (the report says what), 2 no bundle, or the output is there already, 3 not to be told"
)]
pub struct ReportArgs {
    /// The bundle: a folder, a plain tar, or a zone's folder of the state
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
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
    let report = read(&args.bundle)?;
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

fn read(path: &Path) -> Result<EvidenceReport, Failure> {
    let bundle = super::open(path)?;
    let mut gathered = Gathered::new(Anchors::iana_root());
    let checks = match gather(&bundle, &mut gathered) {
        Ok(()) => vec![unverified()],
        Err(fault) => vec![fault],
    };
    let assurance = Assurance {
        bundle: bundle.manifest_octets().map(hash_line),
        head: bundle.view().map(|view| view.head()).unwrap_or_default(),
        checks,
        ..Assurance::default()
    };
    Ok(evidence_report(&gathered, assurance))
}

/// Takes in everything up to the first entry that cannot stand there.
fn gather(bundle: &Bundle, gathered: &mut Gathered) -> Result<(), Check> {
    let broken = |entry: Option<u64>, detail: String| Check {
        what: "the journal".to_owned(),
        standing: Standing::Fails,
        detail,
        entry,
        blob: None,
    };
    let octets = |id: &BlobId| -> Option<Arc<[u8]>> {
        let octets = bundle.blob_octets(id).ok()??;
        (BlobId::of(&octets) == *id).then(|| Arc::from(octets))
    };
    for entry in bundle
        .entries()
        .map_err(|error| broken(None, error.to_string()))?
    {
        let entry = entry.map_err(|error| broken(None, error.to_string()))?;
        let event = Event::read(&entry.kind, &entry.body)
            .map_err(|error| broken(Some(entry.seq), error.to_string()))?;
        gathered.take(entry.seq, entry.at, &event, &octets);
    }
    Ok(())
}

fn unverified() -> Check {
    Check {
        what: "the bundle".to_owned(),
        standing: Standing::Unknown,
        detail: "it was not verified".to_owned(),
        entry: None,
        blob: None,
    }
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
