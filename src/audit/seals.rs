//! Seals against the journal.

use std::collections::BTreeMap;

use super::findings::{Finding, Findings};
use super::verdict::{SealKey, SealSeen};
use crate::dns::Name;
use crate::evidence::{Checkpoint, Hash, Note, VerifierKey, origin, watch_origin};
use crate::moment::Moment;

/// A seal, or a token over one, as it lies in the bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenSeal {
    /// The file.
    pub file: String,
    /// Its octets.
    pub octets: Vec<u8>,
}

/// What is known of the journal at the sizes that seals are over.
#[derive(Clone, Debug, Default)]
pub(super) struct Roots {
    /// The root and time at each size that a seal names, once the journal came there.
    pub(super) at: BTreeMap<u64, (Hash, Moment)>,
    /// How many entries there are.
    pub(super) entries: u64,
}

/// A seal whose form is good.
pub(super) struct Seal {
    pub(super) file: String,
    pub(super) note: Note,
    pub(super) checkpoint: Checkpoint,
}

/// Reads the seals.
pub(super) fn read(given: &[GivenSeal], findings: &mut Findings) -> Vec<Seal> {
    let mut seals = Vec::new();
    for seal in given.iter().filter(|seal| seal.file.ends_with(".checkpoint")) {
        let read = Note::parse(&seal.octets).and_then(|note| Ok((Checkpoint::parse(&note)?, note)));
        match read {
            Ok((checkpoint, note)) if Checkpoint::file_name(checkpoint.size) == seal.file => {
                seals.push(Seal {
                    file: seal.file.clone(),
                    note,
                    checkpoint,
                })
            }
            Ok((checkpoint, _)) => findings.push(
                Finding::fails(
                    "seal-form",
                    format!(
                        "it is over {} entries, and its name says otherwise",
                        checkpoint.size
                    ),
                )
                .of(&seal.file),
            ),
            Err(error) => findings.push(Finding::fails("seal-form", error.to_string()).of(&seal.file)),
        }
    }
    seals.sort_by_key(|seal| seal.checkpoint.size);
    seals
}

/// The keys that seals are checked with.
pub(super) struct Keys {
    given: Vec<VerifierKey>,
    came_along: Vec<VerifierKey>,
}

impl Keys {
    /// Those that were given, and those that lie in the bundle.
    pub(super) fn new(given: &[VerifierKey], file: Option<&[u8]>, findings: &mut Findings) -> Keys {
        let mut came_along = Vec::new();
        let text = file.map(String::from_utf8_lossy).unwrap_or_default();
        for line in text.lines() {
            match line.parse() {
                Ok(key) => came_along.push(key),
                Err(error) => findings
                    .push(Finding::fails("seal-key", format!("a line in it: {error}")).of("seals/keys")),
            }
        }
        Keys {
            given: given.to_vec(),
            came_along,
        }
    }

    /// Whether whoever verifies gave one.
    pub(super) fn any_given(&self) -> bool {
        !self.given.is_empty()
    }

    /// The keys under the name that the seals of the zone carry: a key may be given by its own name or by that of the zone's
    /// journal.
    fn of(&self, seal: &Seal, zone: Option<&Name>, given: bool) -> Vec<VerifierKey> {
        let list = if given { &self.given } else { &self.came_along };
        let fits = |key: &&VerifierKey| {
            let (sealed, name) = (&seal.checkpoint.origin, key.name());
            name == sealed
                || zone
                    .is_some_and(|zone| origin(name, zone) == *sealed || watch_origin(name, zone) == *sealed)
        };
        list.iter()
            .filter(fits)
            .filter_map(|key| key.named(&seal.checkpoint.origin).ok())
            .collect()
    }
}

/// What the seals come to: each, how far the entries are under a good seal of a given key, and of one that came along.
pub(super) fn check(
    seals: &[Seal],
    keys: &Keys,
    zone: Option<&Name>,
    roots: &Roots,
    findings: &mut Findings,
) -> (Vec<SealSeen>, u64, u64) {
    let (mut sealed, mut self_sealed) = (0, 0);
    let mut out = Vec::new();
    for seal in seals {
        let (file, size) = (&seal.file, seal.checkpoint.size);
        let held = roots.at.get(&size);
        let root = held.map(|(root, _)| *root == seal.checkpoint.root);
        match root {
            Some(true) => {}
            Some(false) => findings.push(
                Finding::fails(
                    "seal-root",
                    format!("it is over other entries than the first {size} of this journal"),
                )
                .of(file),
            ),
            None => findings.push(
                Finding::fails(
                    "cut",
                    format!(
                        "it is over {size} entries, and the journal has {}: the end was cut off",
                        roots.entries
                    ),
                )
                .of(file),
            ),
        }
        let mut good = Vec::new();
        for given in [true, false] {
            for key in keys.of(seal, zone, given) {
                match seal.note.signed_by(&key) {
                    Some(true) if good.iter().any(|one: &SealKey| one.key == key.to_string()) => {}
                    Some(true) => good.push(SealKey {
                        key: key.to_string(),
                        fingerprint: key.fingerprint(),
                        given,
                    }),
                    Some(false) => findings.push(
                        Finding::fails(
                            "seal-signature",
                            format!("the signature of {} on it is not good", key.name()),
                        )
                        .of(file),
                    ),
                    None => {}
                }
            }
        }
        if good.is_empty() {
            let text = format!(
                "no key that is known here signed it; it names {}",
                seal.checkpoint.origin
            );
            findings.push(Finding::fails("seal-unsigned", text).of(file));
        } else if root == Some(true) {
            self_sealed = self_sealed.max(size);
            if good.iter().any(|key| key.given) {
                sealed = sealed.max(size);
            }
        }
        out.push(SealSeen {
            file: file.clone(),
            origin: seal.checkpoint.origin.clone(),
            entries: size,
            at: held.map(|(_, at)| *at),
            root,
            keys: good,
        });
    }
    (out, sealed, self_sealed)
}
