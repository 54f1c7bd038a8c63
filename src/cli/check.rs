//! `unbroken check`: a zone as it is served now, at every server.

use std::path::PathBuf;

use clap::Args;

use super::{Context, Exit, Failure, not_in_this_build};

use crate::dns::Name;

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken check example.com\n  unbroken check shop.test --anchors anchors.ds --json"
)]
pub struct CheckArgs {
    /// The zone
    #[arg(value_name = "ZONE")]
    pub zone: Name,
    /// DS or DNSKEY records to trust, in presentation format [default: the settings, then the IANA root]
    #[arg(long, value_name = "FILE")]
    pub anchors: Option<PathBuf>,
}

/// Does it.
///
/// # Errors
/// If it cannot be done; see [`Failure`].
pub async fn run(_args: &CheckArgs, _context: &Context) -> Result<Exit, Failure> {
    Err(not_in_this_build("check"))
}
