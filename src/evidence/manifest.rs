//! What a bundle says of itself: `MANIFEST.json`.
//!
//! Everything in it follows from the rest of the bundle, and its octets have exactly one form. So a reader makes it again and
//! compares: nothing can be changed in it that is not found. Whoever changes the rest can make it anew: it shows accidents,
//! and the seals show the rest.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::blob::BlobId;
use super::entry::{Entry, NO_PREVIOUS};
use super::merkle::{Hash, Tree, digest_octets};
use crate::dns::Name;

/// The version of a bundle's form that this build writes, and the only one that it reads.
pub const BUNDLE_FORMAT: u64 = 1;

/// What a bundle says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`BUNDLE_FORMAT`].
    pub format: u64,
    /// The zone that the journal is about.
    pub zone: Name,
    /// The journal.
    pub journal: JournalPart,
    /// The blobs that the journal names.
    pub blobs: BlobsPart,
    /// Every other file by its path in the bundle: seals, and what other vantages saw.
    pub files: BTreeMap<String, FilePart>,
}

/// The journal of a bundle in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalPart {
    /// How many entries.
    pub entries: u64,
    /// How many octets.
    pub octets: u64,
    /// The SHA-256 of the last line, in lower-case hexadecimal.
    pub head: String,
    /// The Merkle tree hash over all entries, in lower-case hexadecimal; see [`Tree`].
    pub root: String,
    /// How it ends.
    pub ends: Ends,
}

/// How a journal ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ends {
    /// The latest plan was carried out: there is an `end` after it.
    Ended,
    /// There is a plan without an end: it was under way when the bundle was made.
    UnderWay,
    /// There is no plan: nothing was moved, or nothing yet.
    NoPlan,
}

/// The blobs of a bundle in short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlobsPart {
    /// How many.
    pub count: u64,
    /// How many octets together.
    pub octets: u64,
}

/// One more file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilePart {
    /// How many octets.
    pub octets: u64,
    /// Their SHA-256, in lower-case hexadecimal.
    pub sha256: String,
}

impl FilePart {
    /// Of these octets.
    pub fn of(octets: &[u8]) -> FilePart {
        FilePart {
            octets: octets.len() as u64,
            sha256: super::hash_line(octets),
        }
    }
}

/// Why octets are no manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Another version wrote it.
    #[error("it has format {0}, and this build reads format {BUNDLE_FORMAT} only")]
    Format(u64),
    /// It is something else.
    #[error("it is no manifest: {0}")]
    Form(String),
}

impl Manifest {
    /// Reads one.
    ///
    /// # Errors
    /// If it is of another format or no manifest.
    pub fn decode(octets: &[u8]) -> Result<Manifest, ManifestError> {
        let form = |error: serde_json::Error| ManifestError::Form(error.to_string());
        let value: Value = serde_json::from_slice(octets).map_err(form)?;
        match value.get("format").and_then(Value::as_u64) {
            Some(BUNDLE_FORMAT) => serde_json::from_value(value).map_err(form),
            Some(other) => Err(ManifestError::Format(other)),
            None => Err(ManifestError::Form("it has no format number".to_owned())),
        }
    }

    /// The one form that its octets have: JSON, two spaces a level, members in the order of this type, a newline at the end.
    ///
    /// # Errors
    /// Never for this type; the codec's words otherwise.
    pub fn encode(&self) -> Result<Vec<u8>, ManifestError> {
        let mut octets = serde_json::to_vec_pretty(self).map_err(|e| ManifestError::Form(e.to_string()))?;
        octets.push(b'\n');
        Ok(octets)
    }
}

/// The SHA-256 of a line without its newline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineHash(pub Hash);

impl LineHash {
    /// Of that line.
    pub fn of(line: &[u8]) -> LineHash {
        LineHash(digest_octets(
            ring::digest::digest(&ring::digest::SHA256, line).as_ref(),
        ))
    }

    /// In lower-case hexadecimal.
    pub fn hex(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }
}

/// What a manifest says of a journal, gathered line by line, and the blobs that it names.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The zone, from the first entry that tells where it hangs, or the first plan.
    pub zone: Option<Name>,
    /// The blobs that entries name.
    pub named: BTreeSet<BlobId>,
    /// The tree over the lines so far.
    pub tree: Tree,
    octets: u64,
    head: String,
    ends: Ends,
}

impl Default for Summary {
    fn default() -> Self {
        Summary {
            zone: None,
            named: BTreeSet::new(),
            tree: Tree::default(),
            octets: 0,
            head: NO_PREVIOUS.to_owned(),
            ends: Ends::NoPlan,
        }
    }
}

impl Summary {
    /// Takes the next entry and its line without the newline.
    pub fn take(&mut self, entry: &Entry, line: &[u8]) {
        self.line(&LineHash::of(line), line.len());
        self.kind(&entry.kind);
        if self.zone.is_none() {
            self.zone = zone_of(&entry.kind, &entry.body);
        }
        name_blobs(&entry.body, &mut self.named);
    }

    /// Takes the hash and length of a line alone.
    pub fn line(&mut self, hash: &LineHash, length: usize) {
        self.tree.push(&hash.0);
        self.octets += length as u64 + 1;
        self.head = hash.hex();
    }

    /// Takes an entry's kind alone.
    pub fn kind(&mut self, kind: &str) {
        match kind {
            "plan" => self.ends = Ends::UnderWay,
            "end" => self.ends = Ends::Ended,
            _ => {}
        }
    }

    /// The SHA-256 of the last line; 64 zeros before the first.
    pub fn head(&self) -> &str {
        &self.head
    }

    /// The journal's part of a manifest.
    pub fn journal(&self) -> JournalPart {
        JournalPart {
            entries: self.tree.size(),
            octets: self.octets,
            head: self.head.clone(),
            root: data_encoding::HEXLOWER.encode(&self.tree.root()),
            ends: self.ends,
        }
    }
}

/// The zone that an entry tells of.
pub fn zone_of(kind: &str, body: &Value) -> Option<Name> {
    let zone = match kind {
        "servers" => body.get("topology")?.get("zone")?,
        "plan" => body.get("zone")?,
        _ => return None,
    };
    Name::parse(zone.as_str()?).ok()
}

/// Every value of a member called `blob` that is a blob's name, wherever it stands. Not deeper than JSON is read.
pub fn name_blobs(value: &Value, into: &mut BTreeSet<BlobId>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(text) if name == "blob" => {
                        into.extend(BlobId::parse(text).ok());
                    }
                    _ => name_blobs(value, into),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| name_blobs(item, into)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::evidence::Chain;
    use crate::moment::Moment;

    fn summary(bodies: &[(&str, Value)]) -> Summary {
        let (mut chain, mut summary) = (Chain::default(), Summary::default());
        for (kind, body) in bodies {
            let (entry, line) = chain
                .next_entry(Moment::from_seconds(1_795_000_000), kind, body.clone())
                .unwrap();
            chain.follow(line.as_bytes());
            summary.take(&entry, line.as_bytes());
        }
        assert_eq!(summary.journal().head, chain.head());
        summary
    }

    #[test]
    fn tells_how_a_journal_ends_and_what_it_names() {
        let blob = "ab".repeat(32);
        let found = summary(&[
            ("servers", json!({"topology": {"zone": "shop.test."}})),
            ("plan", json!({"zone": "other.test."})),
            (
                "sweep",
                json!({"observations": [{"outcome": {"answer": {"blob": blob, "id": 7}}}]}),
            ),
            ("note", json!({"blob": "../../etc/passwd"})),
        ]);
        assert_eq!(found.zone, Name::parse("shop.test.").ok());
        assert_eq!(
            found.named.iter().map(BlobId::to_string).collect::<Vec<_>>(),
            [blob]
        );
        assert_eq!(found.journal().ends, Ends::UnderWay);
        assert_eq!(found.journal().entries, 4);
        assert_eq!(
            summary(&[("plan", json!({})), ("end", json!({}))]).journal().ends,
            Ends::Ended
        );
        assert_eq!(summary(&[("note", json!({}))]).journal().ends, Ends::NoPlan);
    }

    #[test]
    fn another_format_is_named_even_if_nothing_else_fits() {
        assert_eq!(Manifest::decode(b"{\"format\":2}"), Err(ManifestError::Format(2)));
        assert!(matches!(Manifest::decode(b"{}"), Err(ManifestError::Form(_))));
        assert!(matches!(
            Manifest::decode(b"{\"format\":1,\"zone\":\"a.\"}"),
            Err(ManifestError::Form(_))
        ));
    }
}
