//! `unbroken audit merge` and `audit vantages`: what was seen from elsewhere.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::super::{Context, Exit, Failure};
use crate::adapters::bundle::{Bundle, write};
use crate::dns::Name;
use crate::evidence::BlobId;
use crate::evidence::vantage::{Comparer, Seen, Vantage, is_vantage_name, read_atlas, read_vantage};
use crate::moment::Moment;
use crate::ports::JournalView;
use crate::report::evidence::one_line;
use crate::runner::each_event;
use crate::workflow::Event;

/// A file of more octets than this is not read.
const LARGEST: u64 = 256 << 20;
/// The folder in a bundle.
const FOLDER: &str = "vantages/";

/// Arguments of `audit merge`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken audit merge shop.tar fra1.ndjson sin2.ndjson --out shop-3.tar\n  \
    unbroken audit merge shop.tar RIPE-Atlas-measurement-1234.json --out shop-atlas.tar\n\n\
    A file is one of `unbroken observe --into`, or the JSON of DNS results that RIPE Atlas gives out, with `abuf`. It goes into \
    the bundle as it is, under its hash; the journal and its seals stay as they are.\n\
    Exit status: 0 made, whatever the vantages saw; 1 the bundle was altered; 2 a file cannot be used."
)]
pub struct MergeArgs {
    /// The bundle, or a zone's folder of the state
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
    /// What was seen elsewhere
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The new bundle: a tar where the name ends in .tar, else a folder
    #[arg(long, value_name = "OUT")]
    pub out: PathBuf,
}

/// Arguments of `audit vantages`.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  unbroken audit vantages shop-3.tar\n\n\
    Exit status: 0 every vantage saw what the journal saw, 1 one saw something else, 3 no vantage is in the bundle,\n\
    or nothing that one saw can be compared with the journal.")]
pub struct VantagesArgs {
    /// The bundle
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
}

/// Makes a bundle with these files in it.
///
/// # Errors
/// If the bundle or a file cannot be used, or the output is there already.
pub(super) fn merge(args: &MergeArgs, context: &Context) -> Result<Exit, Failure> {
    let bundle = super::open(&args.bundle)?;
    let (comparer, zone, span) = journal(&bundle)?;
    let mut more: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut names: Vec<String> = Vec::new();
    for name in held(&bundle) {
        let octets = bundle.file(&name)?.unwrap_or_default();
        names.extend(
            vantages(Path::new(&name), &octets)?
                .into_iter()
                .map(|one| one.name),
        );
    }
    let mut seen = Vec::new();
    for path in &args.files {
        let octets = read(path)?;
        let found = vantages(path, &octets)?;
        for vantage in &found {
            check(path, vantage, &zone, &names)?;
            names.push(vantage.name.clone());
            if let Some(words) = apart(vantage, span) {
                context.out.note(format!("{}: {words}", path.display()));
            }
            seen.push(comparer.compare(vantage));
        }
        let name = name(path, &octets, &found);
        if bundle.files().any(|(held, _)| held == name) || more.insert(name.clone(), octets).is_some() {
            return Err(Failure::usage(format!("the bundle has {name} already")));
        }
    }
    let made = write(&bundle, &args.out, &more)?;
    if context.out.json() {
        context.out.document(&json!({
            "out": args.out,
            "hash": made.hash,
            "merged": more.keys().collect::<Vec<_>>(),
            "seen": seen,
        }))?;
        return Ok(Exit::Done);
    }
    show(&seen, context);
    context.out.line(format!(
        "{}: {} merged; hash {}",
        args.out.display(),
        more.into_keys().collect::<Vec<_>>().join(", "),
        made.hash
    ));
    Ok(Exit::Done)
}

/// Says what each vantage in a bundle saw.
///
/// # Errors
/// If the bundle or a file in it cannot be used.
pub(super) fn show_all(args: &VantagesArgs, context: &Context) -> Result<Exit, Failure> {
    let bundle = super::open(&args.bundle)?;
    let seen = seen(&bundle)?;
    let exit = if seen.is_empty() {
        Exit::NotYet
    } else if seen.iter().any(|one| one.unseen_count + one.differs_count > 0) {
        Exit::Fails
    } else if seen.iter().any(|one| one.compared == 0) {
        Exit::NotYet
    } else {
        Exit::Done
    };
    if context.out.json() {
        context.out.document(&seen)?;
    } else if seen.is_empty() {
        context
            .out
            .line("no vantage is in it: everything was seen from one place");
    } else {
        show(&seen, context);
    }
    Ok(exit)
}

/// What each vantage in a bundle saw, against what the journal saw.
///
/// # Errors
/// If the journal's chain is broken, or a file is none of a vantage.
pub(super) fn seen(bundle: &Bundle) -> Result<Vec<Seen>, Failure> {
    let files: Vec<String> = held(bundle);
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let (comparer, ..) = journal(bundle)?;
    let mut out = Vec::new();
    for name in files {
        let octets = bundle.file(&name)?.unwrap_or_default();
        let found = vantages(Path::new(&name), &octets)?;
        out.extend(found.iter().map(|vantage| comparer.compare(vantage)));
    }
    Ok(out)
}

fn held(bundle: &Bundle) -> Vec<String> {
    let files = bundle.files().map(|(name, _)| name);
    files
        .filter(|name| name.starts_with(FOLDER))
        .map(str::to_owned)
        .collect()
}

type Span = Option<(Moment, Moment)>;

/// What the journal saw, of which zone, and from when to when.
fn journal(bundle: &Bundle) -> Result<(Comparer, Name, Span), Failure> {
    let view = bundle.view()?;
    let octets = |id: &BlobId| view.blob(id).ok().map(Arc::from);
    let mut comparer = Comparer::default();
    let mut zone = None;
    let mut span: Span = None;
    each_event(&view, &mut |_, _, event| {
        match event {
            Event::Servers(servers) => zone = Some(servers.topology.zone.clone()),
            Event::Sweep(sweep) => {
                comparer.journal(sweep, &octets);
                let from = span.map_or(sweep.started, |(from, _)| from);
                span = Some((from, sweep.ended));
            }
            _ => {}
        }
        Ok(())
    })?;
    match zone {
        Some(zone) => Ok((comparer, zone, span)),
        None => Err(Failure::usage(format!(
            "{}: its journal does not tell of any zone yet",
            bundle.path().display()
        ))),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let fail = |error: std::io::Error| Failure::usage(format!("{} cannot be read: {error}", path.display()));
    let file = File::open(path).map_err(fail)?;
    let mut octets = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut octets).map_err(fail)?;
    if octets.len() as u64 > LARGEST {
        return Err(Failure::usage(format!(
            "{} has more than {LARGEST} octets",
            path.display()
        )));
    }
    Ok(octets)
}

/// Reads a file of either form.
fn vantages(path: &Path, octets: &[u8]) -> Result<Vec<Vantage>, Failure> {
    let wrong = |said: String| {
        Failure::usage(format!("{}: {said}", path.display()))
            .hint("expected a file of `unbroken observe --into`, or DNS results of RIPE Atlas as JSON")
    };
    let text = std::str::from_utf8(octets).map_err(|_| wrong("it is no text".to_owned()))?;
    let found = if text.trim_start().starts_with('[') {
        read_atlas(text)
    } else {
        read_vantage(text).map(|vantage| vec![vantage])
    };
    found.map_err(|fault| wrong(fault.to_string()))
}

fn check(path: &Path, vantage: &Vantage, zone: &Name, names: &[String]) -> Result<(), Failure> {
    let wrong = |said: String| Failure::usage(format!("{}: {said}", path.display()));
    if let Some(other) = vantage.zone.as_ref().filter(|other| *other != zone) {
        return Err(wrong(format!("it is about {other}, and the bundle about {zone}")));
    }
    if names.contains(&vantage.name) {
        return Err(
            wrong(format!("the bundle has a vantage '{}' already", vantage.name))
                .hint("a vantage has one file: go on in it with `observe --append`, or look again under another --vantage"),
        );
    }
    Ok(())
}

/// How a file is called in the bundle.
fn name(path: &Path, octets: &[u8], found: &[Vantage]) -> String {
    if octets.trim_ascii_start().starts_with(b"[") {
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        let stem = if is_vantage_name(stem) { stem } else { "results" };
        return format!("{FOLDER}atlas-{}.json", stem.chars().take(50).collect::<String>());
    }
    let name = found.first().map_or("unknown", |vantage| vantage.name.as_str());
    format!("{FOLDER}{name}.ndjson")
}

/// Where a vantage looked at no time at which the journal did.
fn apart(vantage: &Vantage, span: Span) -> Option<String> {
    let (from, until) = span?;
    let first = vantage.sweeps.first()?.started;
    let last = vantage.sweeps.iter().map(|sweep| sweep.ended).max()?;
    (last < from || first > until).then(|| {
        format!(
            "{} looked from {first} to {last}, and the journal from {from} to {until}: they say nothing about each other",
            vantage.name
        )
    })
}

fn show(seen: &[Seen], context: &Context) {
    // A file of others says what program it is, and its answers hold any text.
    let line = |text: String| context.out.line(one_line(&text));
    for one in seen {
        let time = |moment: &Option<Moment>| moment.map_or_else(|| "never".to_owned(), |at| at.to_string());
        line(format!(
            "{} ({}): {} answers to {} questions, from {} to {}",
            one.vantage,
            one.program,
            one.answers,
            one.asked,
            time(&one.from),
            time(&one.until)
        ));
        if one.untold > 0 {
            line(format!(
                "  results beside these that do not tell what was asked, or what came: {} (a measurement keeps `qbuf` and `abuf` if asked to)",
                one.untold
            ));
        }
        if one.elsewhere > 0 {
            line(format!(
                "  {} questions went to addresses that the journal never asked",
                one.elsewhere
            ));
        }
        for stretch in &one.stretches {
            line(format!(
                "  {} {}: {} answers, at most {} s apart",
                stretch.server, stretch.address, stretch.answers, stretch.longest_gap
            ));
        }
        for unseen in &one.unseen {
            line(format!(
                "  no sweep of the journal saw: {} {} at {}, {}: {} (message {})",
                unseen.name, unseen.rtype, unseen.address, unseen.at, unseen.says, unseen.blob
            ));
        }
        for differs in &one.differs {
            line(format!(
                "  the journal was told otherwise from {} to {}: {} {} at {}, {}: {}; there: {} (message {})",
                differs.since,
                differs.until,
                differs.name,
                differs.rtype,
                differs.address,
                differs.at,
                differs.says,
                differs.journal_says,
                differs.blob
            ));
        }
        if one.compared == 0 {
            line("  nothing that it saw can be compared with the journal".to_owned());
        } else if one.unseen_count + one.differs_count == 0 {
            line("  it saw what the journal saw".to_owned());
        }
    }
}
