//! `unbroken approve`: opens a gate that waits for a person.

use clap::Args;

use super::{Context, Exit, Failure, not_in_this_build};

use crate::dns::Name;

/// Arguments of `approve`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Example:\n  unbroken approve leave-ns --zone shop.test --because \"change 4711\""
)]
pub struct ApproveArgs {
    /// The step whose gate it is, as `unbroken status` names it [default: the one that waits now]
    #[arg(value_name = "STEP")]
    pub step: Option<String>,
    /// The zone [default: the only one in the settings]
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<Name>,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT")]
    pub because: Option<String>,
    /// Do not ask again
    #[arg(long)]
    pub yes: bool,
}

/// Does it.
///
/// # Errors
/// If it cannot be done; see [`Failure`].
pub async fn run(_args: &ApproveArgs, _context: &Context) -> Result<Exit, Failure> {
    Err(not_in_this_build("approve"))
}
