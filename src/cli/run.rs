//! `unbroken run`: drives the plan to its end.

use clap::Args;

use super::{Context, Exit, Failure, drive};
use crate::dns::Name;
use crate::runner::Until;

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken run --zone shop.test\n  unbroken run --zone shop.test --plan 5f2c81 --json\n\n\
    After a crash or a kill, the same command goes on where it was."
)]
pub struct RunArgs {
    /// The zone [default: the only one in the settings]
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<Name>,
    /// The plan that is approved, by the hash that `unbroken plan` showed (or its first 6 digits or more)
    #[arg(long, value_name = "HASH", conflicts_with = "yes")]
    pub plan: Option<String>,
    /// Approve the plan as it is
    #[arg(long)]
    pub yes: bool,
}

/// Does it.
///
/// # Errors
/// If it cannot be done; see [`Failure`].
pub async fn run(args: &RunArgs, context: &Context) -> Result<Exit, Failure> {
    let order = drive::Order {
        zone: args.zone.as_ref(),
        plan: args.plan.as_deref(),
        yes: args.yes,
        until: Until::Complete,
        command: "run",
    };
    drive::drive(&order, context).await
}
