//! `unbroken audit export`: what was recorded, in the forms of others.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::super::{Context, Exit, Failure};
use crate::adapters::bundle::BundleView;
use crate::dnssec::Anchors;
use crate::evidence::{BlobId, Observation, Outcome, Sweep};
use crate::export::{CSV_HEAD, Pcap, dnsviz, is_above, rows};
use crate::moment::Moment;
use crate::ports::JournalView;
use crate::runner::{each_event, fold_view};
use crate::workflow::{Event, Servers, State, Traced, timeline, timeline_of_watch};

/// Arguments of `audit export`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken audit export shop.tar --form timeline --out shop.json\n  \
    unbroken audit export shop.tar --form dnsviz --at 2026-11-24T10:00:00Z --out probe.json\n  \
    unbroken audit export shop.tar --form pcap --out shop.pcap\n\n\
    Nothing is checked but the journal's chain and each message's hash; `audit verify` checks the rest. Nothing is overwritten."
)]
pub struct ExportArgs {
    /// A bundle, or a zone's folder of the state
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
    /// dnsviz: one sweep as `dnsviz probe` writes it. pcap: every message, or those of one sweep. csv: the versions as a table.
    /// timeline: the same as `unbroken continuity` reads them
    #[arg(long, value_name = "FORM")]
    pub form: Form,
    /// The sweep that began last before this moment [default for dnsviz: the last one; for pcap: all]
    #[arg(long, value_name = "TIME")]
    pub at: Option<Moment>,
    /// The file to make
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// The form of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// The JSON of `dnsviz probe`.
    Dnsviz,
    /// The classic format of libpcap.
    Pcap,
    /// A table.
    Csv,
    /// What `continuity check` reads.
    Timeline,
}

/// Writes it.
///
/// # Errors
/// If the bundle cannot be read, holds nothing of what is wanted, or the file is there already.
pub(super) fn run(args: &ExportArgs, context: &Context) -> Result<Exit, Failure> {
    if args.at.is_some() && matches!(args.form, Form::Csv | Form::Timeline) {
        return Err(
            Failure::usage("--at names one sweep, and a timeline is made of all")
                .hint("leave --at out, or say --form dnsviz or --form pcap"),
        );
    }
    let bundle = super::open(&args.bundle)?;
    let view = bundle.view()?;
    let mut out = Out::create(&args.out)?;
    let written = match args.form {
        Form::Dnsviz => one_sweep(args, &view, &mut out),
        Form::Pcap => packets(args, &view, &mut out),
        Form::Csv => traced(&view).and_then(|(_, traced)| {
            out.write(CSV_HEAD.as_bytes())?;
            out.write(rows(&traced).as_bytes())?;
            Ok(versions(&traced))
        }),
        Form::Timeline => traced(&view).and_then(|(state, traced)| {
            let text = serde_json::to_string_pretty(&traced.timeline.to_json())
                .map_err(|error| Failure::new(Exit::Fault, error.to_string()))?;
            out.write(format!("{text}\n").as_bytes())?;
            Ok(checked_with(&state, &traced, &args.out))
        }),
    };
    let told = out.finish(written)?;
    if context.out.json() {
        context.out.document(&json!({ "out": args.out, "told": told }))?;
    } else {
        context.out.line(format!("{}: {told}", args.out.display()));
    }
    Ok(Exit::Done)
}

fn versions(traced: &Traced) -> String {
    format!("{} versions", traced.timeline.versions.len())
}

/// How the file is checked so that the verdict is that of the journal.
fn checked_with(state: &State, traced: &Traced, out: &Path) -> String {
    let mut flags = String::new();
    if let Some(plan) = &state.plan {
        if plan.rules.ttl_floor > 0 {
            flags.push_str(&format!(" --ttl-floor {}", plan.rules.ttl_floor));
        }
        if plan.rules.stale > 0 {
            flags.push_str(&format!(" --stale {}", plan.rules.stale));
        }
        if plan.sticky_bounded {
            flags.push_str(" --sticky bounded");
        }
    }
    format!(
        "{}\ncheck them as the journal was judged: unbroken continuity check {}{flags}",
        versions(traced),
        out.display()
    )
}

fn traced(view: &BundleView<'_>) -> Result<(State, Traced), Failure> {
    let state = fold_view(view, State::new(Anchors::iana_root()))?;
    let traced = match state.plan_in_force() {
        Some(plan) => Some(timeline(&plan, &state.ledger, &state.pool)),
        None => timeline_of_watch(&state),
    };
    match traced {
        Some(traced) if !traced.timeline.versions.is_empty() => Ok((state, traced)),
        _ => Err(nothing("no version of anything: no sweep is in it")),
    }
}

fn nothing(what: &str) -> Failure {
    Failure::usage(format!("the bundle holds {what}"))
}

/// The sweep that is meant, what it was asked of, and the latest answers of the zones above.
#[derive(Default)]
struct Moments {
    servers: Option<Box<Servers>>,
    sweep: Option<(Box<Servers>, Sweep)>,
    above: Vec<Observation>,
}

impl Moments {
    fn take(&mut self, event: &Event, at: Option<Moment>) {
        match event {
            Event::Servers(servers) => self.servers = Some(servers.clone()),
            Event::Sweep(sweep) if at.is_none_or(|at| sweep.started <= at) => {
                for observation in sweep.observations.iter().filter(|one| is_above(one)) {
                    self.above.retain(|old| {
                        (&old.name, old.rtype, old.proto)
                            != (&observation.name, observation.rtype, observation.proto)
                    });
                    self.above.push(observation.clone());
                }
                if let Some(servers) = &self.servers {
                    self.sweep = Some((servers.clone(), sweep.clone()));
                }
            }
            _ => {}
        }
    }
}

fn events(view: &BundleView<'_>, mut take: impl FnMut(&Event) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut done = Ok(());
    each_event(view, &mut |_, _, event| {
        if done.is_ok() {
            done = take(event);
        }
        Ok(())
    })?;
    done
}

fn one_sweep(args: &ExportArgs, view: &BundleView<'_>, out: &mut Out) -> Result<String, Failure> {
    let mut moments = Moments::default();
    events(view, |event| {
        moments.take(event, args.at);
        Ok(())
    })?;
    let Some((servers, mut sweep)) = moments.sweep else {
        return Err(nothing("no sweep of that time"));
    };
    sweep.observations.retain(|one| !is_above(one));
    let octets = |id: &BlobId| view.blob(id).ok().map(Arc::from);
    let probe = dnsviz(&servers, &sweep, &moments.above, &octets)
        .map_err(|error| Failure::usage(error.to_string()))?;
    let text = serde_json::to_string_pretty(&probe.document)
        .map_err(|error| Failure::new(Exit::Fault, error.to_string()))?;
    out.write(format!("{text}\n").as_bytes())?;
    let mut told = format!("{} answers of the sweep of {}", probe.answers, sweep.started);
    if !probe.left_out.is_empty() {
        let names: Vec<String> = probe.left_out.iter().map(ToString::to_string).collect();
        told.push_str(&format!(
            "\nleft out, since no NS record leads there: {}",
            names.join(", ")
        ));
    }
    Ok(told)
}

fn packets(args: &ExportArgs, view: &BundleView<'_>, out: &mut Out) -> Result<String, Failure> {
    let mut pcap = Pcap::default();
    out.write(&Pcap::head())?;
    let mut put = |observations: &[Observation], out: &mut Out| -> Result<(), Failure> {
        let mut observations: Vec<&Observation> = observations.iter().collect();
        observations.sort_by_key(|one| one.done);
        for observation in observations {
            let octets = match &observation.outcome {
                Outcome::Answer { blob, .. } => Some(view.blob(blob)?),
                _ => None,
            };
            out.write(&pcap.answer(observation, octets.as_deref()))?;
        }
        Ok(())
    };
    if args.at.is_some() {
        let mut moments = Moments::default();
        events(view, |event| {
            moments.take(event, args.at);
            Ok(())
        })?;
        if let Some((_, sweep)) = moments.sweep {
            let mut observations = sweep.observations;
            observations.retain(|one| !is_above(one));
            observations.extend(moments.above);
            put(&observations, out)?;
        }
    } else {
        events(view, |event| match event {
            Event::Sweep(sweep) => put(&sweep.observations, out),
            _ => Ok(()),
        })?;
    }
    if pcap.messages + pcap.silent == 0 {
        return Err(nothing("no sweep of that time"));
    }
    let mut told = format!(
        "{} messages; {} questions got none, and have no packet",
        pcap.messages, pcap.silent
    );
    if pcap.unfit > 0 {
        told.push_str(&format!("; {} fit into no packet", pcap.unfit));
    }
    Ok(told)
}

/// The file that is made; nothing is left of it if it does not become whole.
struct Out<'a> {
    path: &'a Path,
    file: BufWriter<File>,
}

impl<'a> Out<'a> {
    fn create(path: &'a Path) -> Result<Out<'a>, Failure> {
        let made = OpenOptions::new().write(true).create_new(true).open(path);
        let file = made.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Failure::usage(format!(
                "{} is there already, and is left as it is",
                path.display()
            ))
            .hint("name a new file"),
            _ => Failure::usage(format!("{} cannot be written: {error}", path.display())),
        })?;
        Ok(Out {
            path,
            file: BufWriter::new(file),
        })
    }

    fn write(&mut self, octets: &[u8]) -> Result<(), Failure> {
        self.file
            .write_all(octets)
            .map_err(|error| Failure::refused(format!("{} cannot be written: {error}", self.path.display())))
    }

    fn finish<T>(mut self, done: Result<T, Failure>) -> Result<T, Failure> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        let synced = synced
            .map_err(|error| Failure::refused(format!("{} cannot be written: {error}", self.path.display())));
        let done = done.and_then(|value| synced.map(|()| value));
        if done.is_err() {
            // Half a file is of no use to anybody; that it could not be taken away changes nothing.
            let _ = std::fs::remove_file(self.path);
        }
        done
    }
}
