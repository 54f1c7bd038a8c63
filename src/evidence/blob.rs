//! Messages by the SHA-256 of their octets.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

/// The SHA-256 of a blob, 64 lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BlobId(String);

/// A text that is no name of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a blob's name is 64 lower-case hexadecimal digits")]
pub struct NoBlobId;

impl TryFrom<String> for BlobId {
    type Error = NoBlobId;

    fn try_from(text: String) -> Result<BlobId, NoBlobId> {
        let digits = |octet: u8| matches!(octet, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == 64 && text.bytes().all(digits) {
            Ok(BlobId(text))
        } else {
            Err(NoBlobId)
        }
    }
}

impl From<BlobId> for String {
    fn from(id: BlobId) -> String {
        id.0
    }
}

impl BlobId {
    /// Reads a name: exactly 64 lower-case hexadecimal digits, so that it is a file name and never a path.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn parse(text: &str) -> Result<BlobId, NoBlobId> {
        BlobId::try_from(text.to_owned())
    }

    /// The name of these octets.
    pub fn of(octets: &[u8]) -> BlobId {
        BlobId(data_encoding::HEXLOWER.encode(digest(&SHA256, octets).as_ref()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get(..12).unwrap_or(&self.0))
    }
}

/// Octets by name; equal ones are held once. Messages are stored with their identifier set to zero.
#[derive(Clone, Debug, Default)]
pub struct Blobs(BTreeMap<BlobId, Arc<[u8]>>);

impl Blobs {
    /// Holds `octets` and gives their name.
    pub fn insert(&mut self, octets: &[u8]) -> BlobId {
        let id = BlobId::of(octets);
        self.0.entry(id.clone()).or_insert_with(|| Arc::from(octets));
        id
    }

    /// The octets of that name.
    pub fn get(&self, id: &BlobId) -> Option<&Arc<[u8]>> {
        self.0.get(id)
    }

    /// All of them in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&BlobId, &Arc<[u8]>)> {
        self.0.iter()
    }

    /// Takes over what `other` holds.
    pub fn extend(&mut self, other: Blobs) {
        self.0.extend(other.0);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
