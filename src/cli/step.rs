//! `unbroken step`: does the one next safe thing, then stops.

use clap::Args;

use super::{Context, Exit, Failure, drive};
use crate::dns::Name;
use crate::runner::Until;

/// Arguments of `step`.
#[derive(Debug, Args)]
#[command(after_long_help = "Example, from cron:\n  unbroken step --zone shop.test --json")]
pub struct StepArgs {
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
pub async fn run(args: &StepArgs, context: &Context) -> Result<Exit, Failure> {
    let order = drive::Order {
        zone: args.zone.as_ref(),
        plan: args.plan.as_deref(),
        yes: args.yes,
        until: Until::Act,
        command: "step",
    };
    drive::drive(&order, context).await
}
