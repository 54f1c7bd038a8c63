//! `unbroken zone`: copies of a zone: compare, verify.

mod compare;
mod meter;
mod source;
mod verify;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Context, Exit, Failure};
use crate::dns::{Name, Ttl};
use source::Source;

/// Arguments of `zone`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken zone compare old.zone axfr://192.0.2.11/shop.test\n  \
    unbroken zone compare a:shop.test b:shop.test\n  unbroken zone verify signed.zone\n\n\
    A copy is a master file, axfr://SERVER[:PORT]/ZONE, or PROVIDER:ZONE of the settings."
)]
pub struct ZoneArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: ZoneAction,
}

/// What to do with copies of a zone.
#[derive(Debug, Subcommand)]
pub enum ZoneAction {
    /// What two copies do not share: names, types, data, TTLs
    ///
    /// One difference a line, `- name ttl type rdata` for what the first copy alone has, `+` for the second, `~` with both
    /// TTLs where only they differ; `!` before a warning, `#` before what was counted.
    /// Exit status: 0 equal, 1 different, 2 a file or a setting is wrong, 5 a server refused.
    Compare(CompareArgs),
    /// Every signature, the denial of existence, the apex, glue and delegations, ZONEMD
    ///
    /// One finding a line. Exit status: 0 it holds, 1 it does not, 2 a file or a setting is wrong, 3 something could not be
    /// checked, 5 a server refused.
    Verify(VerifyArgs),
}

/// How a copy is read.
#[derive(Clone, Debug, Args)]
pub struct Reading {
    /// The zone [default: that of the address, or the owner of the SOA in the file]
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<Name>,
    /// Follow $INCLUDE, to files below this directory only [default: refuse it]
    #[arg(long, value_name = "DIR")]
    pub include: Option<PathBuf>,
    /// The most records that $GENERATE may make in a file
    #[arg(long, value_name = "N", default_value_t = crate::dns::master::MOST_GENERATED)]
    pub most_generated: u64,
    /// The TSIG key of axfr:// addresses, NAME or ALGORITHM:NAME [algorithm: hmac-sha256]
    #[arg(long, value_name = "KEY", requires = "tsig_secret", value_parser = source::parse_key)]
    pub tsig: Option<source::KeyName>,
    /// Where its secret is to be had: env:NAME or file:PATH
    #[arg(long, value_name = "WHERE", requires = "tsig", value_parser = source::parse_secret)]
    pub tsig_secret: Option<crate::adapters::SecretRef>,
}

/// Arguments of `zone compare`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  unbroken zone compare old.zone new.zone\n  \
    unbroken zone compare old.zone axfr://192.0.2.11/shop.test --max-ttl 3600\n  \
    unbroken zone compare axfr://192.0.2.11/shop.test axfr://[2001:db8::1]:5300/shop.test \\\n    \
    --tsig hmac-sha512:transfer. --tsig-secret env:KEY\n  \
    unbroken zone compare a:shop.test b:shop.test --all")]
pub struct CompareArgs {
    /// The first copy: FILE, axfr://SERVER[:PORT]/ZONE, or PROVIDER:ZONE
    #[arg(value_name = "LEFT")]
    pub left: Source,
    /// The second copy
    #[arg(value_name = "RIGHT")]
    pub right: Source,
    /// How they are read.
    #[command(flatten)]
    pub reading: Reading,
    /// What counts although each signer makes it for itself.
    #[command(flatten)]
    pub with: With,
    /// Warn of TTLs above this, which the plan takes as the largest [default: `max_ttl` of the settings]
    #[arg(long, value_name = "SECONDS")]
    pub max_ttl: Option<Ttl>,
    /// Name at most so many differences of each kind; all are counted
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub limit: usize,
}

/// What counts although each signer makes it for itself.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "What each signer makes for itself, and is not compared unless asked for")]
pub struct With {
    /// Everything
    #[arg(long)]
    pub all: bool,
    /// The SOA
    #[arg(long)]
    pub soa: bool,
    /// NS records at the apex
    #[arg(long)]
    pub apex_ns: bool,
    /// DNSKEY records
    #[arg(long)]
    pub dnskey: bool,
    /// CDS records
    #[arg(long)]
    pub cds: bool,
    /// CDNSKEY records
    #[arg(long)]
    pub cdnskey: bool,
    /// Signatures
    #[arg(long)]
    pub rrsig: bool,
    /// NSEC records
    #[arg(long)]
    pub nsec: bool,
    /// NSEC3 records
    #[arg(long)]
    pub nsec3: bool,
    /// NSEC3PARAM records
    #[arg(long)]
    pub nsec3param: bool,
    /// ZONEMD records
    #[arg(long)]
    pub zonemd: bool,
}

/// Arguments of `zone verify`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  unbroken zone verify signed.zone\n  \
    unbroken zone verify signed.zone --at 2026-12-24T00:00:00Z --anchors shop.ds\n  \
    unbroken zone verify axfr://192.0.2.11/shop.test --tsig transfer. --tsig-secret file:transfer.key")]
pub struct VerifyArgs {
    /// The copy: FILE, axfr://SERVER[:PORT]/ZONE, or PROVIDER:ZONE (a provider with transfers)
    #[arg(value_name = "FILE")]
    pub copy: Source,
    /// How it is read.
    #[command(flatten)]
    pub reading: Reading,
    /// Judge as of this moment: Unix seconds or RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<String>,
    /// DS or DNSKEY records of the zone: its keys have to match them
    #[arg(long, value_name = "FILE")]
    pub anchors: Option<PathBuf>,
    /// Name at most so many findings; all are counted
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub limit: usize,
    /// Verify on so many threads [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

/// Does it.
///
/// # Errors
/// If a copy cannot be read; see [`Failure`].
pub async fn run(args: &ZoneArgs, context: &Context) -> Result<Exit, Failure> {
    match &args.action {
        ZoneAction::Compare(args) => compare::run(args, context).await,
        ZoneAction::Verify(args) => verify::run(args, context).await,
    }
}
