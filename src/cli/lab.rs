//! `unbroken lab`: the whole job in an embedded little internet.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Context, Exit, Failure, not_in_this_build};

/// Arguments of `lab`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken lab\n  unbroken lab --virtual --signers csk --nsec3\n  unbroken lab --fault ds-too-early"
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
    /// Break one thing on purpose, and see it found
    #[arg(long, value_name = "NAME")]
    pub fault: Option<String>,
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

/// Does it.
///
/// # Errors
/// If it cannot be done; see [`Failure`].
pub async fn run(_args: &LabArgs, _context: &Context) -> Result<Exit, Failure> {
    Err(not_in_this_build("lab"))
}
