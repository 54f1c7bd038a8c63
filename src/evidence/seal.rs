//! Seals: the head of a journal as a checkpoint (c2sp.org/tlog-checkpoint), signed.
//!
//! Three lines: the origin (`KEY NAME/ZONE`, or `KEY NAME/ZONE/watch`), how many entries, and the root of the Merkle tree over them in base64. It lies in
//! `seals/<entries>.checkpoint`.

use data_encoding::BASE64;

use super::merkle::{Hash, Tree};
use super::note::{Note, NoteError, SignerKey};
use crate::dns::Name;

/// What a seal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which journal: unique to it.
    pub origin: String,
    /// How many entries.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

impl Checkpoint {
    /// Of the tree over the entries of a journal.
    pub fn of(origin: &str, tree: &Tree) -> Checkpoint {
        Checkpoint {
            origin: origin.to_owned(),
            size: tree.size(),
            root: tree.root(),
        }
    }

    /// The text that is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(&self.root))
    }

    /// Reads the text of a note. Extension lines are passed over; they are signed too.
    ///
    /// # Errors
    /// If it is no checkpoint.
    pub fn parse(note: &Note) -> Result<Checkpoint, NoteError> {
        let mut lines = note.text.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(NoteError::Form("a checkpoint has three lines"));
        };
        if origin.is_empty()
            || (size.len() > 1 && size.starts_with('0'))
            || !size.bytes().all(|c| c.is_ascii_digit())
        {
            return Err(NoteError::Form(
                "its first lines are no origin and number of entries",
            ));
        }
        let root = BASE64
            .decode(root.as_bytes())
            .ok()
            .and_then(|octets| Hash::try_from(octets).ok());
        Ok(Checkpoint {
            origin: origin.to_owned(),
            size: size
                .parse()
                .map_err(|_| NoteError::Form("its number of entries is too large"))?,
            root: root.ok_or(NoteError::Form("its third line is no hash in base64"))?,
        })
    }

    /// The note that seals it.
    ///
    /// # Errors
    /// If the origin cannot be the name of a key.
    pub fn sign(&self, key: &SignerKey) -> Result<String, NoteError> {
        key.sign(&self.origin, &self.text())
    }

    /// The file that a seal over so many entries lies in.
    pub fn file_name(size: u64) -> String {
        format!("seals/{size}.checkpoint")
    }
}

/// The origin of a zone's journal: the name of the key, a slash, and the zone without its final dot; octets other than
/// `a-z 0-9 - _ .` as `%XX`, and `%2E` for the root.
pub fn origin(key_name: &str, zone: &Name) -> String {
    let text = zone.to_string();
    let bare = text.strip_suffix('.').unwrap_or(&text);
    let mut out = format!("{key_name}/");
    for octet in bare.bytes() {
        match octet {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => out.push(char::from(octet)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    if bare.is_empty() {
        out.push_str("%2E");
    }
    out
}

/// The origin of the journal of a zone that is watched: a log of its own.
pub fn watch_origin(key_name: &str, zone: &Name) -> String {
    format!("{}/watch", origin(key_name, zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_read_as_it_is_written() {
        let key = SignerKey::from_seed("example.com/unbroken", &[7; 32]).unwrap();
        let mut tree = Tree::default();
        tree.push(&[1; 32]);
        let zone = Name::parse("Shop+1.test.").unwrap();
        let made = Checkpoint::of(&origin("example.com/unbroken", &zone), &tree);
        assert_eq!(made.origin, "example.com/unbroken/shop%2B1.test");
        let note = Note::parse(made.sign(&key).unwrap().as_bytes()).unwrap();
        assert_eq!(Checkpoint::parse(&note).unwrap(), made);
        let named = key.verifier().named(&made.origin).unwrap();
        assert_eq!(note.signed_by(&named), Some(true));
        let odd = |text: &str| {
            Checkpoint::parse(&Note {
                text: text.to_owned(),
                signatures: Vec::new(),
            })
        };
        assert!(
            odd("a\n01\nAAAA\n").is_err()
                && odd("a\n1\n\n").is_err()
                && odd("\n1\nAAAA\n").is_err()
                && odd("a\n").is_err()
        );
    }
}
