//! `unbroken status`: what has to happen now, who must do it, until when nothing may change.

use clap::Args;

use std::path::Path;
use std::time::Duration;

use super::{Context, Exit, Failure};
use crate::adapters::journal::{FileView, zone_dir};
use crate::dns::Name;
use crate::dnssec::Anchors;
use crate::report::{StatusView, status_text, status_view};
use crate::runner::fold_view;
use crate::workflow::{Decision, State};

/// Arguments of `status`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  unbroken status\n  unbroken status --zone shop.test --watch")]
pub struct StatusArgs {
    /// One zone [default: all that have a journal]
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<Name>,
    /// Show it again whenever it changes
    #[arg(long)]
    pub watch: bool,
}

/// How often the journals are read again with `--watch`.
const AGAIN: Duration = Duration::from_secs(2);

/// Shows the status of one zone or all; reads journals only, so it needs no lock and no network.
///
/// # Errors
/// If a journal is damaged or none is found.
pub async fn run(args: &StatusArgs, context: &Context) -> Result<Exit, Failure> {
    let mut shown = String::new();
    loop {
        let views = views(args, context)?;
        let now = context.now();
        let text: Vec<String> = views.iter().map(|view| status_text(view, now)).collect();
        if context.out.json() && args.watch {
            let text = serde_json::to_string(&views).unwrap_or_default();
            if text != shown {
                context.out.stream(&views)?;
                shown = text;
            }
        } else if context.out.json() {
            context.out.document(&views)?;
        } else if !args.watch || steady(&text) != steady_text(&shown) {
            shown = text.join("\n");
            context.out.line(&shown);
        }
        if !args.watch {
            return Ok(exit(&views));
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// The text without the line that changes by itself.
fn steady(text: &[String]) -> String {
    steady_text(&text.join("\n"))
}

fn steady_text(text: &str) -> String {
    text.lines()
        .filter(|line| !line.starts_with("last look:"))
        .map(without_countdown)
        .collect::<Vec<_>>()
        .join("\n")
}

fn without_countdown(line: &str) -> String {
    match (line.find(" (in "), line.find("): ")) {
        (Some(from), Some(to)) if from < to => format!("{}{}", &line[..from], &line[to..]),
        _ => line.to_owned(),
    }
}

fn exit(views: &[StatusView]) -> Exit {
    let worst = |view: &StatusView| match view.next {
        Decision::Halt { .. } => 2,
        Decision::Complete => 0,
        _ => 1,
    };
    match views.iter().map(worst).max() {
        Some(2) => Exit::Halted,
        Some(1) => Exit::NotYet,
        _ => Exit::Done,
    }
}

fn views(args: &StatusArgs, context: &Context) -> Result<Vec<StatusView>, Failure> {
    let root = context.state()?;
    if let Some(zone) = &args.zone {
        return Ok(vec![view(zone, &zone_dir(&root, zone), context)?]);
    }
    let mut out = Vec::new();
    let folders = std::fs::read_dir(&root)
        .map(|entries| entries.flatten().collect::<Vec<_>>())
        .unwrap_or_default();
    for folder in folders {
        let path = folder.path();
        if !path.join("journal.ndjson").is_file() {
            continue;
        }
        if let Some(zone) = folder
            .file_name()
            .to_str()
            .and_then(|name| Name::parse(name).ok())
        {
            out.push(view(&zone, &path, context)?);
        }
    }
    if out.is_empty() {
        return Err(
            Failure::usage(format!("there is no journal in {}", root.display()))
                .hint("`unbroken run` begins one; --state names another folder"),
        );
    }
    Ok(out)
}

fn view(zone: &Name, dir: &Path, context: &Context) -> Result<StatusView, Failure> {
    let journal = FileView::open(dir)?;
    let state = fold_view(&journal, State::new(Anchors::iana_root()))?;
    Ok(status_view(zone, &state, context.now()))
}
