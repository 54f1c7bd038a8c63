//! `unbroken audit bundle`: a zone's journal as a bundle.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::super::{Context, Exit, Failure};
use crate::adapters::bundle::write;
use crate::dns::Name;
use crate::evidence::Ends;

/// Arguments of `audit bundle`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken audit bundle --zone shop.test --out shop.tar\n  unbroken audit bundle --from shop/ --out shop.tar\n\n\
    A run may be under way: what is whole in the journal at this moment is taken. Nothing is overwritten.\n\
    Exit status: 0 made, 1 the journal or a blob was altered, 2 there is no journal, or the output is there already."
)]
pub struct BundleArgs {
    /// The zone, whose journal is in the folder of the state
    #[arg(long, value_name = "ZONE", required_unless_present = "from")]
    pub zone: Option<Name>,
    /// Another folder or bundle to make it of, instead of a zone's
    #[arg(long, value_name = "BUNDLE", conflicts_with = "zone")]
    pub from: Option<PathBuf>,
    /// The bundle: a tar where the name ends in .tar, else a folder
    #[arg(long, value_name = "OUT")]
    pub out: PathBuf,
}

/// Makes it.
///
/// # Errors
/// If there is no journal, it is damaged, or the output cannot be written.
pub(super) fn run(args: &BundleArgs, context: &Context) -> Result<Exit, Failure> {
    let from = match (&args.from, &args.zone) {
        (Some(from), _) => from.clone(),
        (None, Some(zone)) => context.journal_dir(zone)?,
        (None, None) => return Err(Failure::usage("name a zone with --zone")),
    };
    let made = write(&super::open(&from)?, &args.out, &BTreeMap::new())?;
    let (manifest, journal) = (&made.manifest, &made.manifest.journal);
    if context.out.json() {
        context.out.document(&json!({
            "out": args.out,
            "hash": made.hash,
            "manifest": manifest,
        }))?;
        return Ok(Exit::Done);
    }
    let ends = match journal.ends {
        Ends::Ended => "the plan was carried out",
        Ends::UnderWay => "the plan was under way",
        Ends::NoPlan => "there is no plan in it",
    };
    let seals = manifest
        .files
        .keys()
        .filter(|name| name.ends_with(".checkpoint"))
        .count();
    context.out.line(format!(
        "{}: {} entries, {} messages, {} seal{}; {ends}.\nhash {}\nhead {}",
        args.out.display(),
        journal.entries,
        manifest.blobs.count,
        seals,
        if seals == 1 { "" } else { "s" },
        made.hash,
        journal.head,
    ));
    Ok(Exit::Done)
}
