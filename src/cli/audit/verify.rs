//! `unbroken audit verify`: what a bundle proves.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use super::super::{Context, Exit, Failure};
use super::{pipeline, text};
use crate::adapters::bundle::Bundle;
use crate::audit::{Depth, Given, GivenSeal, Seen, Verdict, Verifier, Word};
use crate::dnssec::{Anchors, Memo};
use crate::evidence::{FilePart, VerifierKey};
use crate::workflow::State;

/// Arguments of `audit verify`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  unbroken audit verify shop.tar\n  \
    unbroken audit verify shop.tar --seal-key 'example.com/dns+1a2b3c4d+AQ…' --json\n  \
    unbroken audit verify lab/shop.test --anchors lab.ds\n\n\
    Nothing is asked of the network. Anchors and keys that lie in the bundle prove nothing about who made it.\n\
    Exit status: 0 it holds, 1 it does not, 2 it cannot be read, 3 nothing fails, but something cannot be told (such as a plan \
    that has no end).")]
pub struct VerifyArgs {
    /// The bundle: a folder, a plain tar of it, or a zone's folder of the state
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
    /// DS or DNSKEY records to trust, in presentation format, one a line [default: the IANA root]
    #[arg(long, value_name = "FILE")]
    pub anchors: Option<PathBuf>,
    /// A key with which the seals must be good, as `audit keygen` printed it; may be repeated
    #[arg(long = "seal-key", value_name = "KEY")]
    pub seal_keys: Vec<VerifierKey>,
    /// Check hashes, the chain, seals and blobs only
    #[arg(long)]
    pub hashes: bool,
}

/// Verifies.
///
/// # Errors
/// If the bundle or the anchors cannot be read.
pub(super) fn run(args: &VerifyArgs, context: &Context) -> Result<Exit, Failure> {
    let anchors = match &args.anchors {
        Some(path) => Some(super::anchors(path)?),
        None => None,
    };
    let depth = if args.hashes { Depth::Hashes } else { Depth::Full };
    let bundle = super::open(&args.bundle)?;
    let verdict = verify(&bundle, anchors, args.seal_keys.clone(), depth)?;
    if context.out.json() {
        context.out.document(&verdict)?;
    } else {
        text::print(&verdict, &args.bundle, context);
    }
    Ok(match verdict.verdict {
        Word::Holds => Exit::Done,
        Word::Open => Exit::NotYet,
        Word::Fails => Exit::Fails,
    })
}

/// Verifies a bundle; without anchors, from the IANA root.
///
/// # Errors
/// If it cannot be read, or is of another format: exit 2.
pub fn verify(
    bundle: &Bundle,
    anchors: Option<Anchors>,
    seal_keys: Vec<VerifierKey>,
    depth: Depth,
) -> Result<Verdict, Failure> {
    verify_seen(bundle, anchors, seal_keys, depth, &mut |_, _, _, _| ()).map(|(verdict, _)| verdict)
}

/// The same; `seen` is shown each event that was verified. Gives the state that the journal comes to as well.
///
/// # Errors
/// As [`verify`].
pub(super) fn verify_seen(
    bundle: &Bundle,
    anchors: Option<Anchors>,
    seal_keys: Vec<VerifierKey>,
    depth: Depth,
    seen: Seen<'_>,
) -> Result<(Verdict, State), Failure> {
    let mut files = BTreeMap::new();
    let mut seals = Vec::new();
    for (name, _) in bundle.files() {
        let octets = bundle.file(name)?.unwrap_or_default();
        files.insert(name.to_owned(), FilePart::of(&octets));
        if name.starts_with("seals/") && (name.ends_with(".checkpoint") || name.ends_with(".tsr")) {
            seals.push(GivenSeal {
                file: name.to_owned(),
                octets,
            });
        }
    }
    let given = Given {
        anchors_given: anchors.is_some(),
        anchors: anchors.unwrap_or_else(Anchors::iana_root),
        seal_keys,
        manifest: bundle.manifest_octets().map(<[u8]>::to_vec),
        files,
        seals,
        keys: bundle.file("seals/keys")?,
        blobs: bundle.blobs().map(|(id, size)| (id.clone(), size)).collect(),
        memo: Memo::remembering(),
    };
    let mut verifier = Verifier::new(given, depth);
    let mut fault = None;
    let mut octets = |id: &_| match bundle.blob_octets(id) {
        Ok(octets) => octets,
        Err(error) => {
            fault = Some(error);
            None
        }
    };
    pipeline::run(bundle, &mut verifier, &mut octets, seen)?;
    if let Some(error) = fault {
        return Err(error.into());
    }
    Ok(verifier.finish_with_state())
}
