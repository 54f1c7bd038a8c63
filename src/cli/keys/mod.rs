//! `unbroken keys`: DNSKEY sets: show, fingerprint, pin, combine, ds.

mod pin;
mod sets;
mod show;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::settings::ServerAddress;
use super::{Context, Exit, Failure};
use crate::dns::Name;
use crate::dnssec::Ds;
use sets::KeySet;

/// Arguments of `keys`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken keys show shop.test\n  unbroken keys pin shop.test --provider b\n  \
    unbroken keys ds ksk.dnskey"
)]
pub struct KeysArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: KeysAction,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum KeysAction {
    /// The DNSKEY set that servers give, or a file holds
    Show(ShowArgs),
    /// Short names of keys and of the whole set, for comparing by eye or by telephone
    Fingerprint(FilesArgs),
    /// Take a provider's keys for good, after you compared them with what the provider says
    Pin(PinArgs),
    /// The union of several sets, as records
    Combine(FilesArgs),
    /// The DS records of keys
    Ds(DsArgs),
}

/// Arguments of `keys show`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken keys show shop.test\n  unbroken keys show shop.test --server 192.0.2.11\n  \
    unbroken keys show shop.test --file shop.dnskey\n\n\
    What is seen over plain DNS is not authenticated: anybody on the way could have made it."
)]
pub struct ShowArgs {
    /// The zone
    #[arg(value_name = "ZONE")]
    pub zone: Name,
    /// From where.
    #[command(flatten)]
    pub source: KeySource,
}

/// Where keys come from.
#[derive(Debug, Args)]
pub struct KeySource {
    /// The servers of a provider in the settings [default: those of the delegation]
    #[arg(long, value_name = "NAME", conflicts_with_all = ["server", "file"])]
    pub provider: Option<String>,
    /// One server, by address
    #[arg(long, value_name = "ADDRESS", value_parser = parse_server, conflicts_with = "file")]
    pub server: Vec<SocketAddr>,
    /// A file with DNSKEY records; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// Arguments of `keys pin`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  unbroken keys pin shop.test --provider b\n  \
    unbroken keys pin shop.test --provider b --file portal.dnskey --by \"ann, by phone\" --yes\n\n\
    Writes keys/<zone>/<provider>.dnskey beside the settings.")]
pub struct PinArgs {
    /// The zone
    #[arg(value_name = "ZONE")]
    pub zone: Name,
    /// The provider in the settings whose keys they are
    #[arg(long, value_name = "NAME")]
    pub provider: String,
    /// Take the keys of this file instead of those that the provider's servers give; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Who vouches for them, for the file and the journal [default: $USER]
    #[arg(long, value_name = "TEXT")]
    pub by: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// Arguments that are files.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  unbroken keys combine a.dnskey b.dnskey > both.dnskey")]
pub struct FilesArgs {
    /// Files with DNSKEY records of one zone; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
}

/// Arguments of `keys ds`.
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  unbroken keys ds ksk.dnskey\n\n\
    Without --all: the keys with the SEP flag; all of them where none has it.")]
pub struct DsArgs {
    /// Files with DNSKEY records of one zone; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The digest type: 1 (SHA-1), 2 (SHA-256) or 4 (SHA-384)
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = parse_digest)]
    pub digest: u8,
    /// Of all keys, not only of those with the SEP flag
    #[arg(long)]
    pub all: bool,
}

fn parse_server(text: &str) -> Result<SocketAddr, String> {
    text.parse::<ServerAddress>().map(|address| address.0)
}

fn parse_digest(text: &str) -> Result<u8, String> {
    match text {
        "1" => Ok(1),
        "2" => Ok(2),
        "4" => Ok(4),
        other => Err(format!(
            "'{other}' is not a digest type that this build can make (expected 1, 2 or 4)"
        )),
    }
}

/// Does it.
///
/// # Errors
/// If a file or a server does not give what is needed; see [`Failure`].
pub async fn run(args: &KeysArgs, context: &Context) -> Result<Exit, Failure> {
    match &args.action {
        KeysAction::Show(args) => show::run(args, context).await,
        KeysAction::Pin(args) => pin::run(args, context).await,
        KeysAction::Fingerprint(args) => fingerprint(args, context),
        KeysAction::Combine(args) => combine(args, context),
        KeysAction::Ds(args) => ds(args, context),
    }
}

fn fingerprint(args: &FilesArgs, context: &Context) -> Result<Exit, Failure> {
    let set = KeySet::read_all(&args.files)?;
    if context.out.json() {
        context.out.document(&set.document())?;
    } else {
        set.print(context);
    }
    Ok(Exit::Done)
}

fn combine(args: &FilesArgs, context: &Context) -> Result<Exit, Failure> {
    let set = KeySet::read_all(&args.files)?;
    if context.out.json() {
        context.out.document(&set.document())?;
    } else {
        for key in &set.keys {
            context.out.line(format!("{} IN DNSKEY {key}", set.zone));
        }
    }
    Ok(Exit::Done)
}

fn ds(args: &DsArgs, context: &Context) -> Result<Exit, Failure> {
    let set = KeySet::read_all(&args.files)?;
    let any_sep = set.keys.iter().any(|key| key.is_sep());
    let records: Vec<String> = set
        .keys
        .iter()
        .filter(|key| args.all || !any_sep || key.is_sep())
        .filter_map(|key| Ds::of(&set.zone, key, args.digest))
        .map(|ds| format!("{} IN DS {ds}", set.zone))
        .collect();
    if context.out.json() {
        context.out.document(&json!({"zone": set.zone, "ds": records}))?;
    } else {
        records.iter().for_each(|record| context.out.line(record));
    }
    Ok(Exit::Done)
}
