//! `unbroken status`: what has to happen now, who must do it, until when nothing may change.

use clap::Args;

use super::{Context, Exit, Failure, not_in_this_build};

use crate::dns::Name;

/// Arguments of `status`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  unbroken status\n  unbroken status --zone shop.test --watch")]
pub struct StatusArgs {
    /// One zone [default: all that have a journal]
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<Name>,
    /// Show it again whenever it changes
    #[arg(long)]
    pub watch: bool,
}

/// Does it.
///
/// # Errors
/// If it cannot be done; see [`Failure`].
pub async fn run(_args: &StatusArgs, _context: &Context) -> Result<Exit, Failure> {
    Err(not_in_this_build("status"))
}
