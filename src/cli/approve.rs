//! `unbroken approve`: opens a gate that waits for a person.

use clap::Args;

use super::{Context, Exit, Failure, inbox};
use crate::adapters::journal::FileView;
use crate::dns::Name;
use crate::dnssec::Anchors;
use crate::runner::fold_view;
use crate::workflow::{
    Approval, CONTENTS_WAIVER, Decision, RESIGN_WAIVER, STICKY_WAIVER, State, decide, own_cds_waiver,
};

/// Arguments of `approve`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Example:\n  unbroken approve 10-ns-at-parent-remove --zone shop.test --because \"change 4711\""
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
    /// Who approves, for the journal [default: the user of this process]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Do not ask again
    #[arg(long)]
    pub yes: bool,
}

/// Leaves the approval where the runner finds it, whether one is running or not.
///
/// # Errors
/// If nothing waits for a person, or the folder cannot be written.
pub async fn run(args: &ApproveArgs, context: &Context) -> Result<Exit, Failure> {
    let zone = match &args.zone {
        Some(zone) => zone.clone(),
        None => context.zone(&context.settings()?, None)?,
    };
    let dir = context.journal_dir(&zone)?;
    let journal = FileView::open(&dir)?;
    let state = fold_view(&journal, State::new(Anchors::iana_root()))?;
    let what = match (&args.step, decide(&state)) {
        (Some(step), _) => step.clone(),
        (
            None,
            Decision::Person {
                what, approve: true, ..
            },
        ) => what,
        (None, _) => {
            return Err(Failure::usage(format!("nothing of {zone} waits for an approval"))
                .hint("`unbroken status` says what it waits for"));
        }
    };
    let known = ["blind-spots", CONTENTS_WAIVER, RESIGN_WAIVER, STICKY_WAIVER].contains(&what.as_str())
        || state.plan.as_ref().is_some_and(|plan| {
            plan.steps.iter().any(|step| step.id.0 == what)
                || plan
                    .signers
                    .iter()
                    .any(|signer| own_cds_waiver(&signer.name) == what)
        });
    if !known {
        return Err(
            Failure::usage(format!("the plan of {zone} has no step '{what}'")).hint(
                "`unbroken status` lists the steps; `blind-spots`, `contents`, `resign`, `sticky` and `own-cds-at-PROVIDER` are the other things that can be approved",
            ),
        );
    }
    if !context.confirmed(args.yes, &format!("Approve {what} of {zone}?"), "yes")? {
        return Err(Failure::new(Exit::NotYet, "not approved"));
    }
    let approval = Approval {
        what: what.clone(),
        plan: state.plan_hash.clone().unwrap_or_default(),
        by: args.by.clone().unwrap_or_else(whoami),
        note: args.because.clone().unwrap_or_default(),
    };
    inbox::put(&dir, &approval, context.now())?;
    context.out.line(format!(
        "approved: {what} of {zone}; `unbroken run` takes it up within its interval"
    ));
    if context.out.json() {
        context.out.document(&approval)?;
    }
    Ok(Exit::Done)
}

/// The name of the person at the keyboard, as the environment gives it.
pub(super) fn whoami() -> String {
    std::env::var("SUDO_USER")
        .or_else(|_| std::env::var("USER"))
        .unwrap_or_else(|_| "unknown".to_owned())
}
