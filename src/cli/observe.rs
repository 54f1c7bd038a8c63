//! `unbroken observe`: sweeps as captured answers, from here for a journal that is kept elsewhere.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::drive::stopped;
use super::settings::{Period, Settings};
use super::{Context, Exit, Failure, audit, look};
use crate::dns::Name;
use crate::evidence::BlindSpot;
use crate::evidence::vantage::{head_line, is_vantage_name, lines, read_vantage};
use crate::moment::Moment;
use crate::ports::{Observed, Observer, SweepRequest};
use crate::runner::each_event;
use crate::workflow::{Event, Servers};

/// With `--every`, the servers are looked for again after so long.
const FIND_AGAIN: Duration = Duration::from_secs(3_600);
/// A file of more octets than this is not appended to.
const LARGEST: u64 = 256 << 20;

/// Arguments of `observe`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  unbroken observe shop.test | jq .server\n  \
    unbroken observe shop.test --into fra1.ndjson --vantage fra1\n  \
    unbroken observe shop.test --into fra1.ndjson --vantage fra1 --append --every 60s --for 2h\n  \
    unbroken observe --like shop.tar --into fra1.ndjson --vantage fra1\n\n\
    One answer a line; `response` is the whole message in base64. A file has a line before each sweep too: `unbroken audit merge` \
    takes it into a bundle, and `unbroken chain` reads it.")]
pub struct ObserveArgs {
    /// The zone
    #[arg(value_name = "ZONE", required_unless_present = "like")]
    pub zone: Option<Name>,
    /// Write to this new file [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub into: Option<PathBuf>,
    /// Go on in the file, if it is there
    #[arg(long, requires = "into")]
    pub append: bool,
    /// From where this looks, for the file: 1 to 64 of the characters a-z A-Z 0-9 - _ .
    #[arg(long, value_name = "NAME", default_value = "here", requires = "into")]
    pub vantage: String,
    /// Ask what this bundle or folder of the state asks, of the same servers, instead of looking for them
    #[arg(long, value_name = "BUNDLE")]
    pub like: Option<PathBuf>,
    /// Again after so long, such as 60s
    #[arg(long, value_name = "DURATION", requires = "into")]
    pub every: Option<Period>,
    /// Stop after so long, such as 2h [default with --every: never]
    #[arg(long = "for", value_name = "DURATION", requires = "every")]
    pub duration: Option<Period>,
    /// Ask everything over TCP by itself
    #[arg(long)]
    pub tcp: bool,
}

/// Sweeps once, or until the time is over.
///
/// # Errors
/// If the zone cannot be found, nobody answers, or the file cannot be written.
pub async fn run(args: &ObserveArgs, context: &Context) -> Result<Exit, Failure> {
    if !is_vantage_name(&args.vantage) {
        return Err(
            Failure::usage(format!("'{}' is no name for a vantage", args.vantage))
                .hint("use 1 to 64 of the characters a-z A-Z 0-9 - _ ., such as fra1"),
        );
    }
    if args.every.is_some_and(|every| every.duration().is_zero()) {
        return Err(Failure::usage("--every must be longer than 0s"));
    }
    let settings = context.settings_if_any()?;
    let like = match &args.like {
        Some(path) => Some(like(path)?),
        None => None,
    };
    let zone = zone(args, like.as_ref())?;
    let mut file = match &args.into {
        Some(path) => Some((path.as_path(), open(args, path, &zone)?)),
        None => None,
    };
    let mut place = Place {
        observer: look::observer(&look::observe_settings(settings.as_ref())),
        settings: settings.as_ref(),
        like,
        zone,
        tcp: args.tcp,
    };
    let observed = tokio::select! {
        done = place.go(args, context, &mut file) => done?,
        () = stopped() => {
            context.out.note(match &args.into {
                Some(_) => "stopped; the sweeps so far are in the file",
                None => "stopped",
            });
            // One of many looks is what was asked for; the only one is not there.
            return Ok(if args.every.is_some() { Exit::Done } else { Exit::NotYet });
        }
    };
    report(context, &observed, args.into.as_deref())?;
    if observed.answers == 0 {
        return Err(Failure::refused("nobody answered").hint("check the network here, then run this again"));
    }
    Ok(Exit::Done)
}

/// Where is looked from, and at what.
struct Place<'a> {
    observer: std::sync::Arc<dyn Observer>,
    settings: Option<&'a Settings>,
    like: Option<Servers>,
    zone: Name,
    tcp: bool,
}

/// All that was seen.
#[derive(Default)]
struct Total {
    sweeps: usize,
    asked: usize,
    answers: usize,
    blind: Vec<BlindSpot>,
}

impl Place<'_> {
    async fn go(
        &mut self,
        args: &ObserveArgs,
        context: &Context,
        file: &mut Option<(&Path, File)>,
    ) -> Result<Total, Failure> {
        let end = args.duration.map(|span| context.now() + span.duration());
        let mut total = Total::default();
        let mut found: Option<(Moment, SweepRequest)> = None;
        loop {
            let now = context.now();
            let request = match &found {
                Some((at, request)) if self.like.is_some() || now.since(*at) < FIND_AGAIN => request.clone(),
                _ => match (self.request(context).await, &found) {
                    (Ok(request), _) => {
                        found = Some((now, request.clone()));
                        request
                    }
                    // The servers that were known are better than none.
                    (Err(_), Some((_, request))) => request.clone(),
                    (Err(failure), None) => return Err(failure),
                },
            };
            let observed = self.observer.sweep(&request).await;
            total.add(&observed);
            self.write(args, context, file, &observed)?;
            let Some(every) = args.every else {
                return Ok(total);
            };
            let next = now + every.duration();
            if end.is_some_and(|end| next > end) {
                return Ok(total);
            }
            tokio::time::sleep(next.since(context.now())).await;
        }
    }

    async fn request(&self, context: &Context) -> Result<SweepRequest, Failure> {
        if let Some(servers) = &self.like {
            return Ok(SweepRequest {
                topology: servers.topology.clone(),
                providers: servers.providers.clone(),
                probes: servers.probes.clone(),
                ancestors: true,
                tcp: self.tcp,
            });
        }
        context
            .out
            .note(format!("Looking for {} from the root down …", self.zone));
        let topology = look::find(self.observer.as_ref(), &self.zone).await?;
        Ok(look::request(self.observer.as_ref(), self.settings, topology, self.tcp).await)
    }

    fn write(
        &self,
        args: &ObserveArgs,
        context: &Context,
        file: &mut Option<(&Path, File)>,
        observed: &Observed,
    ) -> Result<(), Failure> {
        let answers = lines(&observed.sweep, &observed.blobs);
        let Some((path, file)) = file else {
            for line in &answers {
                context.out.stream(line)?;
            }
            return Ok(());
        };
        let program = concat!("unbroken ", env!("CARGO_PKG_VERSION"));
        let head = head_line(&args.vantage, program, &self.zone, &observed.sweep);
        write_lines(file, std::iter::once(&head).chain(&answers))
            .map_err(|error| Failure::refused(format!("{} cannot be written: {error}", path.display())))
    }
}

impl Total {
    fn add(&mut self, observed: &Observed) {
        self.sweeps += 1;
        self.asked += observed.sweep.observations.len();
        let answered = observed.sweep.observations.iter();
        self.answers += answered
            .filter(|one| matches!(one.outcome, crate::evidence::Outcome::Answer { .. }))
            .count();
        for spot in &observed.sweep.blind {
            if !self.blind.contains(spot) {
                self.blind.push(spot.clone());
            }
        }
    }
}

fn zone(args: &ObserveArgs, like: Option<&Servers>) -> Result<Name, Failure> {
    match (&args.zone, like) {
        (Some(zone), Some(servers)) if *zone != servers.topology.zone => Err(Failure::usage(format!(
            "--like is about {}, not {zone}",
            servers.topology.zone
        ))),
        (_, Some(servers)) => Ok(servers.topology.zone.clone()),
        (Some(zone), None) => Ok(zone.clone()),
        (None, None) => Err(Failure::usage("which zone?").hint("unbroken observe example.com")),
    }
}

/// What the last sweep of a journal was asked of.
fn like(path: &Path) -> Result<Servers, Failure> {
    let bundle = audit::open(path)?;
    let view = bundle.view()?;
    let mut servers = None;
    each_event(&view, &mut |_, _, event| {
        if let Event::Servers(found) = event {
            servers = Some((**found).clone());
        }
        Ok(())
    })?;
    servers.ok_or_else(|| Failure::usage(format!("{} does not say whom to ask", path.display())))
}

fn report(context: &Context, total: &Total, into: Option<&Path>) -> Result<(), Failure> {
    for spot in &total.blind {
        let address = spot
            .address
            .map_or_else(String::new, |address| format!(" {address}"));
        context.out.note(format!(
            "not seen from here: {}{address}: {}",
            spot.server, spot.why
        ));
    }
    match into {
        Some(path) if context.out.json() => context.out.document(&json!({
            "into": path,
            "sweeps": total.sweeps,
            "asked": total.asked,
            "answers": total.answers,
            "blind": total.blind,
        })),
        Some(path) => {
            let sweeps = if total.sweeps == 1 {
                String::new()
            } else {
                format!(", in {} sweeps", total.sweeps)
            };
            context.out.line(format!(
                "{} answers to {} questions in {}{sweeps}.",
                total.answers,
                total.asked,
                path.display()
            ));
            Ok(())
        }
        None => {
            context
                .out
                .note(format!("{} answers to {} questions.", total.answers, total.asked));
            Ok(())
        }
    }
}

/// A new file; or, where that is asked for, one to go on in.
fn open(args: &ObserveArgs, path: &Path, zone: &Name) -> Result<File, Failure> {
    let made = OpenOptions::new().write(true).create_new(true).open(path);
    match made {
        Ok(file) => Ok(file),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && args.append => reopen(args, path, zone),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(Failure::usage(format!(
            "{} is there already, and is left as it is",
            path.display()
        ))
        .hint("name a new file, or say --append to go on in this one")),
        Err(error) => Err(Failure::usage(format!(
            "{} cannot be written: {error}",
            path.display()
        ))),
    }
}

fn reopen(args: &ObserveArgs, path: &Path, zone: &Name) -> Result<File, Failure> {
    let wrong = |why: String| {
        Failure::usage(format!("{} cannot be gone on in: {why}", path.display())).hint("name a new file")
    };
    let fail = |error: std::io::Error| wrong(error.to_string());
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(fail)?;
    if file.metadata().map_err(fail)?.len() > LARGEST {
        return Err(wrong(format!("it has more than {LARGEST} octets")));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(fail)?;
    if !text.is_empty() {
        let before = read_vantage(&text).map_err(|fault| wrong(fault.to_string()))?;
        if before.name != args.vantage || before.zone.as_ref() != Some(zone) || !text.ends_with('\n') {
            return Err(wrong(format!(
                "it is of vantage {} and zone {}, or its last line is not whole",
                before.name,
                before.zone.map(|zone| zone.to_string()).unwrap_or_default()
            )));
        }
    }
    file.seek(SeekFrom::End(0)).map_err(fail)?;
    Ok(file)
}

/// A sweep at once, so that a file ends with a whole one.
fn write_lines<'a>(file: &mut File, lines: impl Iterator<Item = &'a Value>) -> std::io::Result<()> {
    let mut text = String::new();
    for line in lines {
        text.push_str(&line.to_string());
        text.push('\n');
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
