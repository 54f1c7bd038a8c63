//! `unbroken audit keygen`: a key that seals journals.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use zeroize::{Zeroize, Zeroizing};

use super::super::{Context, Exit, Failure};
use crate::dns::Name;
use crate::evidence::{SignerKey, origin};

/// Arguments of `audit keygen`.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken audit keygen --name example.com/dns --out seal.key\n  \
    unbroken audit keygen --name example.com/dns --out seal.key --zone shop.test\n\n\
    The file is the private key (Ed25519); put it into the settings: [seal] key = { file = \"seal.key\" }. What is printed is \
    public: give it to whoever will check bundles, by another way than the bundle goes. Never overwrites a file."
)]
pub struct KeygenArgs {
    /// The key's name: who seals, such as a host and a path without a scheme
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// The new file for the private key
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Print the key under the name that its seals for this zone carry, too (for other programs that read such notes)
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<Name>,
}

/// Makes it.
///
/// # Errors
/// If the name is none, the file is there already, or cannot be written.
pub(super) fn run(args: &KeygenArgs, context: &Context) -> Result<Exit, Failure> {
    let mut seed = Zeroizing::new([0u8; 32]);
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), seed.as_mut_slice())
        .map_err(|_| Failure::refused("the operating system gives no random octets"))?;
    let wrong = |error: crate::evidence::NoteError| {
        Failure::usage(format!("--name {:?}: {error}", args.name)).hint("such as example.com/dns")
    };
    let key = SignerKey::from_seed(&args.name, &seed).map_err(wrong)?;
    let mut text = SignerKey::file_text(&args.name, &seed).map_err(wrong)?;
    let written = write(&args.out, text.as_bytes());
    text.zeroize();
    written?;
    let verifier = key.verifier();
    let of_zone = match &args.zone {
        Some(zone) => Some(verifier.named(&origin(verifier.name(), zone)).map_err(wrong)?),
        None => None,
    };
    if context.out.json() {
        context.out.document(&json!({
            "out": args.out,
            "key": verifier.to_string(),
            "fingerprint": verifier.fingerprint(),
            "zone_key": of_zone.as_ref().map(ToString::to_string),
        }))?;
        return Ok(Exit::Done);
    }
    context.out.line(format!(
        "{} holds the private key; keep it off every bundle and backup that others read.\nkey         {verifier}\nfingerprint {}",
        args.out.display(),
        verifier.fingerprint()
    ));
    if let Some(key) = of_zone {
        context.out.line(format!("zone's key  {key}"));
    }
    Ok(Exit::Done)
}

/// A new file that its owner alone can read.
fn write(path: &Path, octets: &[u8]) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let shown = path.display();
    let mut file = options.open(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::usage(format!("{shown} is there already, and no key is overwritten"))
                .hint("name another file with --out")
        }
        ErrorKind::NotFound => Failure::usage(format!("{shown} cannot be made: {error}")),
        _ => Failure::refused(format!("{shown} cannot be made: {error}")),
    })?;
    file.write_all(octets)
        .and_then(|()| file.sync_all())
        .map_err(|error| Failure::refused(format!("{shown} cannot be written: {error}")))
}
