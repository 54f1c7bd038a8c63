//! `unbroken fallback`: the plan for a move without DS in between, where two providers cannot sign side by side.

use clap::Args;

use super::plan::{self, Sticky};
use super::{Context, Exit, Failure};
use crate::dns::Name;
use crate::workflow::Purpose;

/// Arguments of `fallback`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Example:\n  unbroken fallback --from a --to b --zone shop.test\n\n\
    It plans, as `unbroken plan` does, and changes nothing. `unbroken run` carries the plan out, and stops for an approval \
    before the DS goes.\nDNSSEC is off for days. Where both providers can sign side by side, `unbroken plan migrate` needs no such time."
)]
pub struct FallbackArgs {
    /// The provider that signs the zone now, alone
    #[arg(long, value_name = "PROVIDER")]
    pub from: String,
    /// The provider that takes over
    #[arg(long, value_name = "PROVIDER")]
    pub to: String,
    /// The zone [default: the only one in the settings]
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<Name>,
    /// Take a provider whose own apex NS RRset nobody can edit to be forgotten one TTL after nothing else names it. What holds
    /// only so waits for an approval
    #[arg(long, value_name = "HOW", value_enum)]
    pub sticky: Option<Sticky>,
}

/// Looks, plans, and prints; writes nothing but the plan itself.
///
/// # Errors
/// If the settings are wrong or the zone's servers are not found.
pub async fn run(args: &FallbackArgs, context: &Context) -> Result<Exit, Failure> {
    let purpose = Purpose::Fallback {
        from: args.from.clone(),
        to: args.to.clone(),
    };
    plan::make(purpose, args.zone.as_ref(), args.sticky, context).await
}
