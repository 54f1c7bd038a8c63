//! Messages by the SHA-256 of their octets.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

/// The SHA-256 of a blob; in texts, 64 lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BlobId([u8; 32]);

/// A text that is no name of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a blob's name is 64 lower-case hexadecimal digits")]
pub struct NoBlobId;

impl TryFrom<String> for BlobId {
    type Error = NoBlobId;

    fn try_from(text: String) -> Result<BlobId, NoBlobId> {
        BlobId::read(text.as_bytes())
    }
}

impl From<BlobId> for String {
    fn from(id: BlobId) -> String {
        id.to_string()
    }
}

impl BlobId {
    /// Reads a name: exactly 64 lower-case hexadecimal digits, so that it is a file name and never a path.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn parse(text: &str) -> Result<BlobId, NoBlobId> {
        BlobId::read(text.as_bytes())
    }

    /// The same from octets.
    pub(super) fn read(text: &[u8]) -> Result<BlobId, NoBlobId> {
        let mut id = [0; 32];
        if text.len() != 64 {
            return Err(NoBlobId);
        }
        match HEXLOWER.decode_mut(text, &mut id) {
            Ok(_) => Ok(BlobId(id)),
            Err(_) => Err(NoBlobId),
        }
    }

    /// The name of these octets.
    pub fn of(octets: &[u8]) -> BlobId {
        let mut id = [0; 32];
        id.copy_from_slice(digest(&SHA256, octets).as_ref());
        BlobId(id)
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:.12}")
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
