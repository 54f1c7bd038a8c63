//! `unbroken plan`: the ordered steps, with the arithmetic of every wait.

use clap::{Args, Subcommand};

use super::crew::{Secrets, crew, wish};
use super::settings::Settings;
use super::{Context, Exit, Failure, plans};
use crate::adapters::journal::MemoryJournal;
use crate::dns::Name;
use crate::report::{PlanView, plan_text};
use crate::runner::{Quiet, RunError, Runner};
use crate::workflow::{Finding, Plan, Purpose, State, forecast, never_insecure, plan, preflight};

/// Arguments of `plan`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken plan migrate --from a --to b --zone shop.test\n  unbroken plan join b --zone shop.test"
)]
pub struct PlanArgs {
    /// The zone [default: the only one in the settings]
    #[arg(long, global = true, value_name = "ZONE")]
    pub zone: Option<Name>,
    /// Take a provider whose own apex NS RRset nobody can edit to be forgotten one TTL after nothing else names it. What holds
    /// only so waits for an approval
    #[arg(long, global = true, value_name = "HOW", value_enum)]
    pub sticky: Option<Sticky>,
    /// What to plan.
    #[command(subcommand)]
    pub playbook: Playbook,
}

/// How long resolvers are taken to ask a provider that names itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Sticky {
    /// One TTL of its apex NS RRset after nothing else names it
    Bounded,
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

impl Playbook {
    fn purpose(&self) -> Purpose {
        match self {
            Playbook::Migrate { from, to } => Purpose::Migrate {
                from: from.clone(),
                to: to.clone(),
            },
            Playbook::Join { provider } => Purpose::Join {
                signer: provider.clone(),
            },
            Playbook::Leave { provider } => Purpose::Leave {
                signer: provider.clone(),
            },
        }
    }
}

/// Looks, plans, and prints; writes nothing but the plan itself.
///
/// # Errors
/// If the settings are wrong or the zone's servers are not found.
pub async fn run(args: &PlanArgs, context: &Context) -> Result<Exit, Failure> {
    make(args.playbook.purpose(), args.zone.as_ref(), args.sticky, context).await
}

/// The same for any purpose.
///
/// # Errors
/// As [`run`].
pub(super) async fn make(
    purpose: Purpose,
    zone: Option<&Name>,
    sticky: Option<Sticky>,
    context: &Context,
) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    let zone = context.zone(&settings, zone)?;
    let sticky_bounded = sticky == Some(Sticky::Bounded);
    let wish = wish(&settings, &zone, purpose, sticky_bounded)?;
    context
        .out
        .note(format!("looking at every server of {zone} and of its parent ..."));
    let team = crew(&settings, &zone, Secrets::read(&settings, &zone).await?).await?;
    let state = State::new(settings.zone(&zone)?.anchors.clone());
    // Whatever is seen here goes with this process: the plan is the only thing that stays.
    let mut runner = Runner::open(team, state, Box::new(MemoryJournal::default()), Box::new(Quiet))?;
    runner.survey().await?;
    runner.sweep().await?;
    let made = plan(&wish, &runner.state, context.now());
    let findings = against(&settings, &runner.state, &made)?;
    let refused = findings.iter().any(Finding::refuses);
    let from = context.now();
    let view = PlanView {
        hash: made.hash(),
        steps: if refused {
            Vec::new()
        } else {
            forecast(&runner.state, &made, from.ceil_seconds())
        },
        findings,
        from,
        plan: made,
    };
    if !refused {
        plans::save(&context.journal_dir(&zone)?, &view.plan)?;
    }
    if context.out.json() {
        context.out.document(&view)?;
    } else {
        context.out.line(plan_text(&view));
        if !refused {
            let short = view.hash.get(..12).unwrap_or_default();
            context
                .out
                .line(format!("Carry it out: unbroken run --zone {zone} --plan {short}"));
        }
    }
    Ok(if refused { Exit::Fails } else { Exit::Done })
}

/// What stands against a plan, by what was seen and by the settings as they are now.
///
/// # Errors
/// If the settings do not know the zone.
pub(super) fn against(settings: &Settings, state: &State, plan: &Plan) -> Result<Vec<Finding>, Failure> {
    let forbidden = settings.zone(&plan.zone)?.never_insecure;
    let policy = never_insecure(plan).filter(|_| forbidden);
    Ok(policy.into_iter().chain(preflight(state, plan)).collect())
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Failure {
        match error {
            RunError::Journal(error) => error.into(),
            RunError::Settings(what) => Failure::usage(what),
            RunError::NotFound(what) => Failure::refused(what)
                .hint("nothing was changed by this; check the network and `observe`, and run it again"),
            RunError::Entry { .. } => Failure::halted(error.to_string())
                .hint("the journal was written by another version, or altered: keep it and ask"),
            RunError::Checker(_) => Failure::new(Exit::Fault, error.to_string()),
        }
    }
}
