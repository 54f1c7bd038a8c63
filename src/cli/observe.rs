//! `unbroken observe`: one sweep, as captured answers.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use data_encoding::BASE64;
use serde_json::{Value, json};

use super::{Context, Exit, Failure, look};
use crate::dns::Name;
use crate::evidence::{Blobs, Observation, Outcome};
use crate::export::with_id;
use crate::ports::Observed;

/// Arguments of `observe`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken observe shop.test --into here.ndjson\n  unbroken observe shop.test | jq .server\n\n\
    One answer a line; `response` is the whole message in base64."
)]
pub struct ObserveArgs {
    /// The zone
    #[arg(value_name = "ZONE")]
    pub zone: Name,
    /// Write to this new file [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub into: Option<PathBuf>,
    /// Ask everything over TCP by itself
    #[arg(long)]
    pub tcp: bool,
}

/// Sweeps once.
///
/// # Errors
/// If the zone cannot be found, nobody answers, or the file cannot be written.
pub async fn run(args: &ObserveArgs, context: &Context) -> Result<Exit, Failure> {
    let mut file = match &args.into {
        Some(path) => Some((path, create(path)?)),
        None => None,
    };
    let settings = context.settings_if_any()?;
    let observer = look::observer(&look::observe_settings(settings.as_ref()));
    context
        .out
        .note(format!("Looking for {} from the root down …", args.zone));
    let topology = look::find(observer.as_ref(), &args.zone).await?;
    let request = look::request(observer.as_ref(), settings.as_ref(), topology, args.tcp).await;
    let observed = observer.sweep(&request).await;
    let lines = captures(&observed);
    match &mut file {
        None => {
            for line in &lines {
                context.out.stream(line)?;
            }
        }
        Some((path, file)) => {
            write_lines(file, &lines).map_err(|error| {
                Failure::refused(format!("{} cannot be written: {error}", path.display()))
            })?;
        }
    }
    let answers = lines.iter().filter(|line| !line["response"].is_null()).count();
    report(context, &observed, args.into.as_deref(), answers)?;
    if answers == 0 {
        return Err(Failure::refused("nobody answered").hint("check the network here, then run this again"));
    }
    Ok(Exit::Done)
}

fn report(
    context: &Context,
    observed: &Observed,
    into: Option<&Path>,
    answers: usize,
) -> Result<(), Failure> {
    let asked = observed.sweep.observations.len();
    for spot in &observed.sweep.blind {
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
            "asked": asked,
            "answers": answers,
            "blind": observed.sweep.blind,
        })),
        Some(path) => {
            context.out.line(format!(
                "{answers} answers to {asked} questions in {}.",
                path.display()
            ));
            Ok(())
        }
        None => {
            context
                .out
                .note(format!("{answers} answers to {asked} questions."));
            Ok(())
        }
    }
}

/// The answers of a sweep in the form of captured answers.
fn captures(observed: &Observed) -> Vec<Value> {
    observed
        .sweep
        .observations
        .iter()
        .map(|observation| capture(observation, &observed.blobs))
        .collect()
}

fn capture(observation: &Observation, blobs: &Blobs) -> Value {
    let mut line = json!({
        "at": observation.done,
        "server": observation.address,
        "transport": observation.proto,
        "query": {"name": observation.name, "type": observation.rtype},
        "response": Value::Null,
        "host": observation.server,
        "place": observation.place,
    });
    let (response, error) = match &observation.outcome {
        Outcome::Answer { blob, id } => match blobs.get(blob) {
            Some(octets) => (Some(BASE64.encode(&with_id(octets, *id))), None),
            None => (None, Some("lost".to_owned())),
        },
        Outcome::Timeout => (None, Some("timeout".to_owned())),
        Outcome::NoRoute { said } => (None, Some(format!("no route: {said}"))),
        Outcome::Failed { said } => (None, Some(said.clone())),
    };
    if let Some(response) = response {
        line["response"] = Value::String(response);
    }
    if let Some(error) = error {
        line["error"] = Value::String(error);
    }
    line
}

fn create(path: &Path) -> Result<std::fs::File, Failure> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Failure::usage(format!(
                "{} is there already, and is left as it is",
                path.display()
            ))
            .hint("name a new file"),
            _ => Failure::usage(format!("{} cannot be written: {error}", path.display())),
        })
}

fn write_lines(file: &mut std::fs::File, lines: &[Value]) -> std::io::Result<()> {
    let mut text = String::new();
    for line in lines {
        text.push_str(&line.to_string());
        text.push('\n');
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
