//! `unbroken audit`: evidence that somebody else can check alone.

mod bundle;
mod export;
mod keygen;
mod lines;
mod pipeline;
mod report;
mod text;
mod vantages;
mod verify;

use std::path::Path;

use clap::{Args, Subcommand};

pub use verify::verify;

use super::{Context, Exit, Failure};
use crate::adapters::bundle::{Bundle, BundleError};
use crate::dnssec::Anchors;

/// Arguments of `audit`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken audit keygen --name example.com/dns --out seal.key\n  unbroken audit bundle --zone shop.test --out shop.tar\n  unbroken audit verify shop.tar\n  unbroken audit report shop.tar --out shop.html\n\n\
    A bundle is a folder or a plain tar of it; a zone's folder of the state is read as one too."
)]
pub struct AuditArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: AuditAction,
}

/// What to do with evidence.
#[derive(Debug, Subcommand)]
pub enum AuditAction {
    /// Make a key that seals journals, outside of every bundle
    Keygen(keygen::KeygenArgs),
    /// Make a bundle of a zone's journal: all that somebody else needs to check it
    Bundle(bundle::BundleArgs),
    /// What a bundle proves: hashes, seals, every answer judged again, every decision made again; needs no network
    Verify(verify::VerifyArgs),
    /// A bundle as a page for people: verdict, pictures, steps, waits, keys, limits
    Report(report::ReportArgs),
    /// Write what was recorded in a form of others: dnsviz, pcap, CSV, or a timeline for `continuity`
    Export(export::ExportArgs),
    /// Take what was seen elsewhere into a bundle: files of `observe --into`, results of RIPE Atlas
    Merge(vantages::MergeArgs),
    /// What each vantage in a bundle saw, and where it differs from the journal
    Vantages(vantages::VantagesArgs),
}

/// Does it.
///
/// # Errors
/// If a bundle cannot be used; see [`Failure`].
pub async fn run(args: &AuditArgs, context: &Context) -> Result<Exit, Failure> {
    match &args.action {
        AuditAction::Keygen(args) => keygen::run(args, context),
        AuditAction::Bundle(args) => bundle::run(args, context),
        AuditAction::Verify(args) => verify::run(args, context),
        AuditAction::Report(args) => report::run(args, context),
        AuditAction::Export(args) => export::run(args, context),
        AuditAction::Merge(args) => vantages::merge(args, context),
        AuditAction::Vantages(args) => vantages::show_all(args, context),
    }
}

/// Opens a bundle.
///
/// # Errors
/// If it cannot be used as one: exit 2.
pub(super) fn open(path: &Path) -> Result<Bundle, Failure> {
    Ok(Bundle::open(path)?)
}

/// Reads anchors.
///
/// # Errors
/// If there are none in the file: exit 2.
pub(super) fn anchors(path: &Path) -> Result<Anchors, Failure> {
    let fail = |what: String| Failure::usage(format!("{}: {what}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| fail(format!("cannot be read: {error}")))?;
    Anchors::parse(&text).map_err(|error| {
        fail(error.to_string()).hint("expected DS or DNSKEY records in presentation format, one a line")
    })
}

impl From<BundleError> for Failure {
    fn from(error: BundleError) -> Failure {
        let exit = match &error {
            BundleError::Io { absent: false, .. } => Exit::Refused,
            BundleError::Unfit { .. } => Exit::Fails,
            _ => Exit::Usage,
        };
        Failure::new(exit, error.to_string()).hint(error.hint())
    }
}
