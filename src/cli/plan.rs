//! `unbroken plan`: the ordered steps, with the arithmetic of every wait.

use clap::{Args, Subcommand};

use super::{Context, Exit, Failure, not_in_this_build};

use crate::dns::Name;

/// Arguments of `plan`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken plan migrate --from a --to b --zone shop.test\n  unbroken plan join b --zone shop.test"
)]
pub struct PlanArgs {
    /// The zone [default: the only one in the settings]
    #[arg(long, global = true, value_name = "ZONE")]
    pub zone: Option<Name>,
    /// What to plan.
    #[command(subcommand)]
    pub playbook: Playbook,
}

/// What to plan.
#[derive(Debug, Subcommand)]
pub enum Playbook {
    /// From one provider to another: join, soak, leave
    #[command(after_long_help = "Example:\n  unbroken plan migrate --from a --to b --zone shop.test")]
    Migrate {
        /// The provider that leaves
        #[arg(long, value_name = "PROVIDER")]
        from: String,
        /// The provider that joins
        #[arg(long, value_name = "PROVIDER")]
        to: String,
    },
    /// A provider joins the group that signs
    #[command(after_long_help = "Example:\n  unbroken plan join b --zone shop.test")]
    Join {
        /// The provider
        provider: String,
    },
    /// A provider leaves the group that signs
    #[command(after_long_help = "Example:\n  unbroken plan leave a --zone shop.test")]
    Leave {
        /// The provider
        provider: String,
    },
}

/// Does it.
///
/// # Errors
/// If it cannot be done; see [`Failure`].
pub async fn run(_args: &PlanArgs, _context: &Context) -> Result<Exit, Failure> {
    Err(not_in_this_build("plan"))
}
