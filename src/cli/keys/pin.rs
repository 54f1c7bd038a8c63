//! `unbroken keys pin`: a person takes keys for good.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use serde_json::json;

use super::PinArgs;
use super::sets::KeySet;
use super::show::{Seen, servers};
use crate::cli::settings::{PinnedKeys, Settings, pinned_path};
use crate::cli::{Context, Exit, Failure, look};

/// Pins keys.
pub(super) async fn run(args: &PinArgs, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    settings.provider(&args.provider)?;
    let (set, source) = keys(args, context, &settings).await?;
    let path = pinned_path(settings.folder(), &args.zone, &args.provider);
    let before = PinnedKeys::load(&path, &args.zone)?;
    if let Some(before) = &before {
        let gone = before.keys.difference(&set.keys).count();
        let new = set.keys.difference(&before.keys).count();
        context.out.note(format!(
            "{} is there already; {new} new, {gone} gone.",
            path.display()
        ));
    }
    let question = format!(
        "Compare these keys with what {} says over a way that you trust (its portal, a signed message, the telephone).\n\
         Pinned keys are taken into other providers' key sets without further proof.",
        args.provider
    );
    if !context.confirmed(args.yes, &question, "pin")? {
        return Err(Failure::usage("not pinned; nothing was written"));
    }
    let pinned = PinnedKeys {
        zone: args.zone.clone(),
        keys: set.keys.clone(),
        by: Some(args.by.clone().unwrap_or_else(user)),
        at: Some(context.now()),
        source: Some(source),
    };
    write(&path, &pinned.text())
        .map_err(|error| Failure::refused(format!("{} cannot be written: {error}", path.display())))?;
    if context.out.json() {
        context
            .out
            .document(&json!({"written": path, "keys": set.document()}))?;
    } else {
        context.out.line(format!("Wrote {}.", path.display()));
    }
    Ok(Exit::Done)
}

/// The keys to pin, and where they come from.
async fn keys(args: &PinArgs, context: &Context, settings: &Settings) -> Result<(KeySet, String), Failure> {
    if let Some(file) = &args.file {
        let set = KeySet::read(file)?;
        if set.zone != args.zone {
            return Err(Failure::usage(format!(
                "{}: keys of {}, not of {}",
                file.display(),
                set.zone,
                args.zone
            )));
        }
        set.print(context);
        return Ok((set, format!("the file {}", file.display())));
    }
    let observer = look::observer(&settings.observe);
    let servers = servers(
        observer.as_ref(),
        Some(settings),
        &args.zone,
        Some(&args.provider),
    )
    .await?;
    let seen = Seen::look(observer.as_ref(), &args.zone, &servers).await;
    seen.print(context);
    match seen.agreed() {
        Some(set) => Ok((set, seen.source())),
        None => Err(Failure::new(
            Exit::Fails,
            format!(
                "the servers of {} do not give one and the same key set",
                args.provider
            ),
        )
        .hint("wait until they agree, or give the keys with --file")),
    }
}

fn user() -> String {
    std::env::var("USER").unwrap_or_else(|_| "(not said)".to_owned())
}

/// Whole or not at all.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let part = path.with_extension("dnskey.part");
    let mut file = File::create(&part)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&part, path)
}
