//! Driving a plan, for `run` and `step`.

use super::approve::whoami;
use super::aside::Aside;
use super::crew::{Secrets, crew};
use super::herald::Herald;
use super::plan::against;
use super::settings::Settings;
use super::tell::Teller;
use super::{Context, Exit, Failure, inbox, plans};
use secrecy::ExposeSecret;

use crate::adapters::journal::{FileJournal, OnSeal, SealingJournal};
use crate::dns::Name;
use crate::evidence::{SignerKey, origin};
use crate::ports::Journal;
use crate::report::decision_text;
use crate::runner::{Ending, Runner, Until};
use crate::workflow::{Approval, Finding, Plan, State};

/// What was asked for.
pub(super) struct Order<'a> {
    pub(super) zone: Option<&'a Name>,
    pub(super) plan: Option<&'a str>,
    pub(super) yes: bool,
    pub(super) until: Until,
    pub(super) command: &'static str,
}

/// Opens the journal, takes up a plan if none is under way, and goes on.
///
/// # Errors
/// If the settings are wrong, another process has the zone, or there is no plan.
pub(super) async fn drive(order: &Order<'_>, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    let zone = context.zone(&settings, order.zone)?;
    let dir = context.journal_dir(&zone)?;
    // A secret that cannot be read must be told of before anything is written.
    let secrets = Secrets::read(&settings, &zone).await?;
    let herald = Herald::start(&settings).await?;
    let key = seal_key(&settings).await?;
    let journal = FileJournal::open(&dir, context.now(), order.command)?;
    let mut aside = Aside::start(Some(&settings), dir.clone())?;
    let journal = sealed(journal, &dir, key, aside.on_seal(), |name| origin(name, &zone))?;
    let team = crew(&settings, &zone, secrets).await?;
    let state = State::new(settings.zone(&zone)?.anchors.clone());
    let teller = Teller::new(context.out.json(), false, true);
    let reporter = match &herald {
        Some(herald) => herald.listen(teller),
        None => Box::new(teller),
    };
    let mut runner = Runner::open(team, state, journal, reporter)?;
    if let Some(exit) = carried_out(order, context, &runner, &dir)? {
        // The last seal may lack its token still. The journal has its end, and gets no more.
        aside.finish().await;
        return Ok(exit);
    }
    let fresh = choose(order, context, &runner, &dir)?;
    let mail = dir.clone();
    runner.inbox = Box::new(move || inbox::all(&mail));
    runner.notes = Box::new(aside.notes(herald.as_ref()));
    if fresh.is_none() {
        context
            .out
            .note("resuming: the journal was read, now every server is asked again");
    }
    let ending = tokio::select! {
        ending = go(&mut runner, fresh, &settings, order, context) => ending,
        () = stopped() => {
            context.out.note("stopped; everything so far is in the journal, and the same command goes on from there");
            Ok(Exit::NotYet)
        }
    };
    aside.finish().await;
    if let Some(herald) = herald {
        herald.finish().await;
    }
    runner.absorb_notes()?;
    ending
}

/// The key that journals are sealed with, if the settings name one.
///
/// # Errors
/// If it cannot be read, or is none.
pub(super) async fn seal_key(settings: &Settings) -> Result<Option<SignerKey>, Failure> {
    let Some(seal) = &settings.seal else {
        return Ok(None);
    };
    let secret = seal.key.read().await?;
    let key = SignerKey::parse(secret.expose_secret());
    key.map(Some).map_err(|error| {
        Failure::usage(format!("[seal] key, from {}: {error}", seal.key.source))
            .hint("`unbroken audit keygen --out FILE` makes one")
    })
}

/// The journal, sealed where there is a key; `on_seal` is told of each seal, and `origin` makes the log's name of the key's.
///
/// # Errors
/// If it cannot be read, or the seals cannot be written.
pub(super) fn sealed(
    journal: FileJournal,
    dir: &std::path::Path,
    key: Option<SignerKey>,
    on_seal: OnSeal,
    origin: impl FnOnce(&str) -> String,
) -> Result<Box<dyn Journal>, Failure> {
    let Some(key) = key else {
        return Ok(Box::new(journal));
    };
    let origin = origin(key.verifier().name());
    Ok(Box::new(SealingJournal::open(
        journal, dir, &origin, key, on_seal,
    )?))
}

async fn go(
    runner: &mut Runner,
    fresh: Option<Plan>,
    settings: &Settings,
    order: &Order<'_>,
    context: &Context,
) -> Result<Exit, Failure> {
    runner.survey().await?;
    if let Some(plan) = fresh {
        runner.sweep().await?;
        let findings = against(settings, &runner.state, &plan)?;
        for finding in &findings {
            context.out.note(finding);
        }
        if findings.iter().any(Finding::refuses) {
            return Err(Failure::new(
                Exit::Fails,
                "the plan is refused; nothing was changed",
            ));
        }
        let hash = plan.hash();
        runner.adopt(plan)?;
        let approval = Approval {
            what: hash.clone(),
            plan: hash,
            by: whoami(),
            note: format!("unbroken {}", order.command),
        };
        runner.approve(approval)?;
    }
    let ending = runner.run(order.until).await?;
    if let (Ending::Complete(_), Some(plan)) = (&ending, &runner.state.plan) {
        let names: Vec<String> = plan.after.iter().map(|name| format!("{name:?}")).collect();
        context.out.note(format!(
            "now set `signers = [{}]` for {} in the settings",
            names.join(", "),
            plan.zone
        ));
    }
    Ok(finish(&ending, context))
}

fn finish(ending: &Ending, context: &Context) -> Exit {
    match ending {
        Ending::Complete(ended) if ended.continuous => Exit::Done,
        Ending::Complete(_) => Exit::Fails,
        Ending::Halted(_) => Exit::Halted,
        Ending::Stepped(next) => {
            context.out.note(format!(
                "one step taken; next: {}",
                decision_text(next, context.now())
            ));
            Exit::Done
        }
        Ending::Owed(next) => {
            context
                .out
                .note(format!("not yet: {}", decision_text(next, context.now())));
            Exit::NotYet
        }
    }
}

/// The verdict on a plan that the journal shows carried out, where no other is asked for: a supervisor may start the program
/// again after its end.
fn carried_out(
    order: &Order<'_>,
    context: &Context,
    runner: &Runner,
    dir: &std::path::Path,
) -> Result<Option<Exit>, Failure> {
    let same = |plan: Plan| Some(plan.hash()) == runner.state.plan_hash;
    if !runner.state.ended || !plans::load(dir, order.plan).is_ok_and(same) {
        return Ok(None);
    }
    context
        .out
        .note("this plan was carried out before; there is nothing to do");
    let ended = runner.verdict()?;
    Ok(Some(if ended.continuous { Exit::Done } else { Exit::Fails }))
}

/// The plan to take up; none if one is under way.
fn choose(
    order: &Order<'_>,
    context: &Context,
    runner: &Runner,
    dir: &std::path::Path,
) -> Result<Option<Plan>, Failure> {
    if let (Some(hash), false) = (&runner.state.plan_hash, runner.state.ended) {
        return match order.plan {
            Some(wanted) if !hash.starts_with(wanted) => Err(Failure::usage(format!(
                "plan {} is under way, not {wanted}",
                hash.get(..12).unwrap_or(hash)
            ))
            .hint("run without --plan to go on with it")),
            _ => Ok(None),
        };
    }
    let plan = plans::load(dir, order.plan)?;
    if order.plan.is_some() || order.yes {
        return Ok(Some(plan));
    }
    let hash = plan.hash();
    let short = hash.get(..12).unwrap_or(&hash);
    let question = format!("Carry out plan {short} for {} ({})?", plan.zone, plan.purpose);
    if !context.can_ask() {
        return Err(
            Failure::new(Exit::NotYet, format!("plan {short} waits for an approval"))
                .hint(format!("say --plan {short}, or --yes for the newest plan")),
        );
    }
    match context.confirmed(false, &question, "yes")? {
        true => Ok(Some(plan)),
        false => Err(Failure::new(Exit::NotYet, "not approved")),
    }
}

/// Resolves when the process is asked to stop.
pub(super) async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}
