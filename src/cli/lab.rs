//! `unbroken lab`: the whole job in an embedded little internet.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::tell::Teller;
use super::{Context, Exit, Failure, Tone, faults};
use crate::adapters::journal::zone_dir;
use crate::dns::{Name, Rtype, parse_records};
use crate::lab::{
    ED25519, LabConfig, Opening, Outcome, Play, PlayError, Served, SignerKind, Ttls, World, play,
};
use crate::moment::Moment;
use crate::report::spell;
use crate::workflow::{Forecast, GateRules, Plan, Purpose};

/// Arguments of `lab`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken lab\n  unbroken lab --virtual --signers csk --nsec3\n  unbroken lab --virtual --fallback\n  unbroken lab --fault list\n  unbroken lab --virtual --fault zsk-roll"
)]
pub struct LabArgs {
    /// A zone of your own, as a master file
    #[arg(long, value_name = "FILE")]
    pub zone: Option<PathBuf>,
    /// How the providers sign
    #[arg(long, value_enum, default_value = "ksk+zsk")]
    pub signers: Signers,
    /// Prove absence with NSEC3
    #[arg(long)]
    pub nsec3: bool,
    /// Break one thing on purpose and see what the program does; `list` shows all faults. Exit status 0: it did what is expected
    #[arg(long, value_name = "NAME")]
    pub fault: Option<String>,
    /// Fall back: the newcomer signs with another algorithm, so that the zone is without DS in between
    #[arg(long, conflicts_with = "fault")]
    pub fallback: bool,
    /// In virtual time, with TTLs as in the real world
    #[arg(long = "virtual")]
    pub virtual_time: bool,
    /// Where the journal and the report go
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// How a provider signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Signers {
    /// A key-signing and a zone-signing key.
    #[value(name = "ksk+zsk")]
    KskZsk,
    /// One key for both.
    #[value(name = "csk")]
    Csk,
}

/// TTLs of a second or two: how long both serve before one leaves, seconds.
const SHORT_SOAK: u64 = 3;
/// In virtual time, as careful people do it: four days.
const REAL_SOAK: u64 = 4 * 86_400;
/// How long after it was made a provider of the short lab makes a signature anew.
const SHORT_RENEWAL: Duration = Duration::from_secs(2);
/// The same with the TTLs of the real world.
const REAL_RENEWAL: Duration = Duration::from_secs(86_400);
/// Seconds after which a person would be asked about a re-sign that was not seen.
const RESIGN: u64 = 10 * 86_400;

impl LabArgs {
    fn config(&self, now: Moment) -> Result<LabConfig, Failure> {
        let mut config = match &self.zone {
            None => LabConfig::built_in(now),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
                let zone = self.apex(path, &text)?;
                LabConfig::with_zone_text(zone, &text, now)
            }
        }
        .map_err(|error| Failure::usage(error.to_string()))?;
        let kind = match self.signers {
            Signers::KskZsk => SignerKind::KskZsk,
            Signers::Csk => SignerKind::Csk,
        };
        for provider in &mut config.providers {
            provider.signer = kind;
            provider.nsec3 = self.nsec3;
        }
        if let (true, Some(newcomer)) = (self.fallback, config.providers.get_mut(1)) {
            newcomer.algorithm = ED25519;
        }
        if self.virtual_time {
            config.ttls = Ttls::real();
            config.validity = Duration::from_secs(30 * 86_400);
        }
        config.renewal = Some(if self.virtual_time {
            REAL_RENEWAL
        } else {
            SHORT_RENEWAL
        });
        Ok(config)
    }

    /// The owner of the SOA in a person's own zone file.
    fn apex(&self, path: &std::path::Path, text: &str) -> Result<Name, Failure> {
        let records = parse_records(text, &Name::root(), 3_600)
            .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
        records
            .iter()
            .find(|record| record.rtype == Rtype::SOA)
            .map(|record| record.name.clone())
            .ok_or_else(|| {
                Failure::usage(format!(
                    "{}: no SOA record, so the zone's name is not known",
                    path.display()
                ))
                .hint("begin the file with `$ORIGIN example.com.` and a SOA record")
            })
    }

    fn purpose(&self) -> Purpose {
        let (from, to) = ("a".to_owned(), "b".to_owned());
        if self.fallback {
            Purpose::Fallback { from, to }
        } else {
            Purpose::Migrate { from, to }
        }
    }

    fn play(&self, now: Moment) -> Result<Play, Failure> {
        let config = self.config(now)?;
        let real = self.virtual_time;
        let out = self
            .out
            .clone()
            .unwrap_or_else(|| std::env::temp_dir().join(format!("unbroken-lab-{}", std::process::id())));
        Ok(Play {
            config,
            purpose: self.purpose(),
            approver: self.fallback.then(|| "lab".to_owned()),
            group: vec!["a".to_owned()],
            soak: if real { REAL_SOAK } else { SHORT_SOAK },
            resign: Some(RESIGN),
            interval: if real {
                Duration::from_secs(1_800)
            } else {
                Duration::from_millis(500)
            },
            pace: if real {
                Duration::from_secs(600)
            } else {
                Duration::from_millis(40)
            },
            rules: if real {
                GateRules {
                    ttl_floor: 60,
                    margin: 5,
                    stale: 0,
                    patience: 3_600,
                }
            } else {
                GateRules {
                    ttl_floor: 0,
                    margin: 0,
                    stale: 0,
                    patience: 3,
                }
            },
            out,
            virtual_time: self.virtual_time,
            seed: 1,
        })
    }
}

/// Plays it and says what came of it.
///
/// # Errors
/// If a file cannot be read, or the lab cannot be built.
pub async fn run(args: &LabArgs, context: &Context) -> Result<Exit, Failure> {
    if args.fault.as_deref() == Some(faults::LIST) {
        return faults::list(context);
    }
    let plan = args.play(context.now())?;
    refuse_second(&plan)?;
    if let Some(name) = &args.fault {
        let begun = std::time::Instant::now();
        return faults::run(&faults::find(name)?, &plan, begun, context).await;
    }
    let begun = std::time::Instant::now();
    let quiet = context.out.json();
    let teller = Teller::new(false, quiet, args.virtual_time);
    let outcome = play(&plan, Box::new(teller), |opening| {
        if !quiet {
            context.out.line(opening_text(&opening));
        }
    })
    .await
    .map_err(|error| match error {
        PlayError::Run(error) => error.into(),
        PlayError::Journal(error) => error.into(),
        other => Failure::refused(other.to_string()),
    })?;
    if quiet {
        context.out.document(&outcome)?;
    } else {
        context.out.line(closing_text(&outcome, begun.elapsed(), context));
    }
    Ok(if outcome.is_good() {
        Exit::Done
    } else {
        Exit::Fails
    })
}

/// A journal is never written over, and a lab of its own keys cannot go on in another's.
fn refuse_second(plan: &Play) -> Result<(), Failure> {
    let journal = zone_dir(&plan.out, &plan.config.zone);
    if journal.join("journal.ndjson").exists() {
        let text = format!(
            "a lab was played in {} already: its journal is there",
            journal.display()
        );
        return Err(Failure::usage(text).hint("name another folder with --out, or leave it out"));
    }
    Ok(())
}

fn opening_text(opening: &Opening<'_>) -> String {
    match opening {
        Opening::Built {
            world,
            served,
            journal,
        } => built_text(world, *served, journal),
        Opening::Planned { plan, calendar, from } => planned_text(plan, calendar, *from),
    }
}

fn built_text(world: &World, served: Option<&Served>, journal: &Path) -> String {
    let mut out = format!("An internet of its own for {}", world.zone());
    match served {
        Some(_) => out.push_str(", on free ports of 127.0.0.1, real DNS over UDP and TCP:\n"),
        None => out.push_str(", in virtual time, with the TTLs of the real world:\n"),
    }
    for operator in world.operators() {
        let servers: Vec<String> = world
            .name_servers(operator)
            .iter()
            .zip(world.addresses(operator))
            .map(
                |(name, address)| match served.and_then(|served| served.map.get(address)) {
                    Some(real) => format!("{name} at {real}"),
                    None => name.to_string(),
                },
            )
            .collect();
        out.push_str(&format!("  {operator:<9} {}\n", servers.join(", ")));
    }
    out.push_str("A crowd of model resolvers asks, caches and validates all the while.\n");
    out.push_str(&format!("Journal: {}\n", journal.display()));
    out
}

fn planned_text(plan: &Plan, calendar: &[Forecast], from: Moment) -> String {
    let mut out = format!(
        "\nThe plan: {}, {} steps. Waits, as derived from the TTLs just seen:\n",
        plan.purpose,
        plan.steps.len()
    );
    for step in calendar {
        let when = match step.at {
            Some(at) if at.since(from).as_secs() < 1 => "at once".to_owned(),
            Some(at) => format!("after {}", spell(at.since(from))),
            None => "not known yet".to_owned(),
        };
        out.push_str(&format!(
            "  {:<24} {:<18} {}\n",
            step.step.to_string(),
            when,
            step.title
        ));
    }
    out
}

fn closing_text(outcome: &Outcome, took: Duration, context: &Context) -> String {
    let crowd = &outcome.crowd;
    let insecure = crowd.insecure() > 0;
    let mut out = format!(
        "\n{:<26}{:>9}{:>11}{:>8}{:>13}{}\n",
        "resolver",
        "asked",
        "validated",
        "failed",
        "unreachable",
        if insecure { "   insecure" } else { "" }
    );
    for one in &crowd.resolvers {
        out.push_str(&format!(
            "{:<26}{:>9}{:>11}{:>8}{:>13}{}\n",
            one.name,
            one.asked,
            one.validated,
            one.failed,
            one.unreachable,
            if insecure {
                format!("{:>11}", one.insecure)
            } else {
                String::new()
            }
        ));
        for failure in one.failures.iter().take(2) {
            out.push_str(&format!("    {failure}\n"));
        }
    }
    for conflict in &outcome.conflicts {
        out.push_str(&format!("conflict: {conflict}\n"));
    }
    let verdict = if outcome.is_good() {
        let text = format!(
            "The zone moved. {} questions, no resolver failed, and every mixture of answers that a cache could hold {}.",
            crowd.asked(),
            if insecure {
                "validated or was insecure as planned"
            } else {
                "validated"
            }
        );
        context.out.paint(Tone::Good, text)
    } else {
        let text = format!(
            "Not as it should be: {}, {} failed, {} unreachable.",
            outcome.ended,
            crowd.failed(),
            crowd.unreachable()
        );
        context.out.paint(Tone::Bad, text)
    };
    out.push_str(&format!("\n{verdict}\n"));
    out.push_str(&format!(
        "{} of the lab's time in {:.1} s, {} sweeps. Journal: {}\n",
        spell(Duration::from_secs(outcome.lab_seconds)),
        took.as_secs_f64(),
        outcome.sweeps,
        outcome.journal.display()
    ));
    out.push_str(&audit_text(outcome));
    out
}

/// What somebody would do who was not there.
fn audit_text(outcome: &Outcome) -> String {
    let journal = outcome.journal.display();
    // As it was called: whoever came by `cargo run` has no `unbroken` on the path.
    let program = std::env::args_os().next().unwrap_or_else(|| "unbroken".into());
    let program = program.display();
    format!(
        "\nAn auditor checks all of it without a network, from the lab's root key down:\n  \
         {program} audit bundle --from {journal} --out {journal}.tar\n  \
         {program} audit report {journal}.tar --anchors {anchors} --seal-key '{key}' --out {journal}.html\n",
        anchors = outcome.anchors.display(),
        key = outcome.seal_key,
    )
}
