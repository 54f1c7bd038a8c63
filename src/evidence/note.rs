//! Signed notes and their keys (c2sp.org/signed-note), Ed25519 only (signature type 0x01).

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE64, HEXLOWER};
use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

/// The signature type of Ed25519.
const ED25519_TYPE: u8 = 1;

/// More signatures of one note are not read; the specification wants at least 16.
const MOST_SIGNATURES: usize = 32;

/// Why a text is no note, or no key of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The key's name.
    #[error("the name of a key must not be empty and has no spaces, plus signs or control characters")]
    Name,
    /// The form of a key.
    #[error("it is no Ed25519 {0} key (expected {1})")]
    Key(&'static str, &'static str),
    /// The hash in a key is not that of the rest.
    #[error("the hash in the key does not belong to its name and octets: it was copied wrong")]
    KeyHash,
    /// The form of a note.
    #[error("it is no signed note: {0}")]
    Form(&'static str),
}

fn check_name(name: &str) -> Result<(), NoteError> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.chars().any(bad) {
        return Err(NoteError::Name);
    }
    Ok(())
}

/// A key with which seals are checked: `name+hash+base64(0x01 || 32 octets)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    public: [u8; 32],
}

impl VerifierKey {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The 32 octets.
    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// The same octets under another name.
    ///
    /// # Errors
    /// If it is no name.
    pub fn named(&self, name: &str) -> Result<VerifierKey, NoteError> {
        check_name(name)?;
        Ok(VerifierKey {
            name: name.to_owned(),
            public: self.public,
        })
    }

    /// The key ID: the first four octets of SHA-256(name, 0x0A, 0x01, public key).
    pub fn id(&self) -> [u8; 4] {
        key_id(&self.name, &self.public)
    }

    /// The SHA-256 of the 32 octets, for people to compare: it does not depend on the name.
    pub fn fingerprint(&self) -> String {
        HEXLOWER.encode(digest(&SHA256, &self.public).as_ref())
    }

    fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.public)
            .verify(text.as_bytes(), signature)
            .is_ok()
    }
}

fn key_id(name: &str, public: &[u8; 32]) -> [u8; 4] {
    let mut octets = name.as_bytes().to_vec();
    octets.extend_from_slice(&[b'\n', ED25519_TYPE]);
    octets.extend_from_slice(public);
    let mut id = [0; 4];
    for (to, from) in id.iter_mut().zip(digest(&SHA256, &octets).as_ref()) {
        *to = *from;
    }
    id
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octets = [&[ED25519_TYPE], self.public.as_slice()].concat();
        write!(
            f,
            "{}+{}+{}",
            self.name,
            HEXLOWER.encode(&self.id()),
            BASE64.encode(&octets)
        )
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<VerifierKey, NoteError> {
        let form = || NoteError::Key("verifier", "NAME+HASH+BASE64");
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(form());
        };
        check_name(name)?;
        let octets = BASE64.decode(key.as_bytes()).map_err(|_| form())?;
        let public = match octets.split_first() {
            Some((&ED25519_TYPE, rest)) => <[u8; 32]>::try_from(rest).map_err(|_| form())?,
            _ => return Err(form()),
        };
        if hash != HEXLOWER.encode(&key_id(name, &public)) {
            return Err(NoteError::KeyHash);
        }
        Ok(VerifierKey {
            name: name.to_owned(),
            public,
        })
    }
}

/// A key with which seals are made: `PRIVATE+KEY+name+hash+base64(0x01 || 32 octets of seed)`. It is never shown.
pub struct SignerKey {
    verifier: VerifierKey,
    pair: Ed25519KeyPair,
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignerKey({})", self.verifier)
    }
}

impl SignerKey {
    /// The key of a seed of 32 octets that nobody else knows.
    ///
    /// # Errors
    /// If the name is none.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<SignerKey, NoteError> {
        check_name(name)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(seed)
            .map_err(|_| NoteError::Key("signing", "32 octets of seed"))?;
        let public = <[u8; 32]>::try_from(pair.public_key().as_ref())
            .map_err(|_| NoteError::Key("signing", "32 octets"))?;
        Ok(SignerKey {
            verifier: VerifierKey {
                name: name.to_owned(),
                public,
            },
            pair,
        })
    }

    /// Reads the text of a key file.
    ///
    /// # Errors
    /// If it is no such key; the error does not hold the text.
    pub fn parse(text: &str) -> Result<SignerKey, NoteError> {
        let form = || {
            NoteError::Key(
                "signing",
                "PRIVATE+KEY+NAME+HASH+BASE64, as `unbroken audit keygen` writes it",
            )
        };
        let rest = text.trim().strip_prefix("PRIVATE+KEY+").ok_or_else(form)?;
        let mut parts = rest.splitn(3, '+');
        let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(form());
        };
        let octets = BASE64.decode(key.as_bytes()).map_err(|_| form())?;
        let seed = match octets.split_first() {
            Some((&ED25519_TYPE, rest)) => <[u8; 32]>::try_from(rest).map_err(|_| form())?,
            _ => return Err(form()),
        };
        let key = SignerKey::from_seed(name, &seed)?;
        if hash != HEXLOWER.encode(&key.verifier.id()) {
            return Err(NoteError::KeyHash);
        }
        Ok(key)
    }

    /// The text of a key file for a seed.
    ///
    /// # Errors
    /// If the name is none.
    pub fn file_text(name: &str, seed: &[u8; 32]) -> Result<String, NoteError> {
        let key = SignerKey::from_seed(name, seed)?;
        let octets = [&[ED25519_TYPE], seed.as_slice()].concat();
        let hash = HEXLOWER.encode(&key.verifier.id());
        Ok(format!("PRIVATE+KEY+{name}+{hash}+{}\n", BASE64.encode(&octets)))
    }

    /// The key with which its notes are checked.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The note of a text, which ends in a newline, signed under `name`.
    ///
    /// # Errors
    /// If the name is none.
    pub fn sign(&self, name: &str, text: &str) -> Result<String, NoteError> {
        let key = self.verifier.named(name)?;
        let signature = self.pair.sign(text.as_bytes());
        let octets = [key.id().as_slice(), signature.as_ref()].concat();
        Ok(format!("{text}\n\u{2014} {name} {}\n", BASE64.encode(&octets)))
    }
}

/// A signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The key's name.
    pub name: String,
    /// The key's ID.
    pub id: [u8; 4],
    signature: Vec<u8>,
}

/// A note, its signatures not checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The text with its final newline.
    pub text: String,
    /// The signatures.
    pub signatures: Vec<Signed>,
}

impl Note {
    /// Reads a note. Exactly one octet form is read: what is signed is followed by nothing that is not a signature.
    ///
    /// # Errors
    /// If it has another form.
    pub fn parse(octets: &[u8]) -> Result<Note, NoteError> {
        let whole = std::str::from_utf8(octets).map_err(|_| NoteError::Form("it is no UTF-8"))?;
        if whole.chars().any(|c| c < ' ' && c != '\n') {
            return Err(NoteError::Form("it has control characters"));
        }
        let split = whole
            .rfind("\n\n")
            .ok_or(NoteError::Form("it has no empty line before signatures"))?;
        let (text, rest) = (&whole[..=split], &whole[split + 2..]);
        let rest = rest
            .strip_suffix('\n')
            .ok_or(NoteError::Form("its last line has no end"))?;
        let mut signatures = Vec::new();
        for line in rest.split('\n') {
            if signatures.len() >= MOST_SIGNATURES {
                return Err(NoteError::Form("it has too many signatures"));
            }
            signatures.push(signed(line)?);
        }
        Ok(Note {
            text: text.to_owned(),
            signatures,
        })
    }

    /// What a key says of the note: whether its signature is good, or `None` where there is none of its name and ID.
    pub fn signed_by(&self, key: &VerifierKey) -> Option<bool> {
        let own = |one: &&Signed| one.name == key.name && one.id == key.id();
        let mut own = self.signatures.iter().filter(own).peekable();
        own.peek()?;
        Some(own.all(|one| key.verifies(&self.text, &one.signature)))
    }
}

fn signed(line: &str) -> Result<Signed, NoteError> {
    let form = || NoteError::Form("a signature line has another form");
    let rest = line.strip_prefix("\u{2014} ").ok_or_else(form)?;
    let (name, base64) = rest.split_once(' ').ok_or_else(form)?;
    check_name(name)?;
    let octets = BASE64.decode(base64.as_bytes()).map_err(|_| form())?;
    let (id, signature) = octets.split_first_chunk::<4>().ok_or_else(form)?;
    Ok(Signed {
        name: name.to_owned(),
        id: *id,
        signature: signature.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SignerKey {
        SignerKey::from_seed("example.com/unbroken", &[7; 32]).unwrap()
    }

    #[test]
    fn a_note_is_signed_and_checked() {
        let note = key().sign("example.com/unbroken", "one\ntwo\n").unwrap();
        let read = Note::parse(note.as_bytes()).unwrap();
        assert_eq!(read.text, "one\ntwo\n");
        assert_eq!(read.signed_by(key().verifier()), Some(true));
        let other = SignerKey::from_seed("example.com/unbroken", &[8; 32]).unwrap();
        assert_eq!(read.signed_by(other.verifier()), None);
    }

    #[test]
    fn keys_are_read_as_they_are_written() {
        let text = SignerKey::file_text("example.com/unbroken", &[7; 32]).unwrap();
        assert_eq!(SignerKey::parse(&text).unwrap().verifier(), key().verifier());
        let verifier = key().verifier().to_string();
        assert_eq!(verifier.parse::<VerifierKey>().unwrap(), *key().verifier());
        let renamed = verifier.replace("example.com", "example.org");
        assert_eq!(renamed.parse::<VerifierKey>(), Err(NoteError::KeyHash));
        assert!(SignerKey::parse(&verifier).is_err());
        assert!(!format!("{:?}", key()).contains("PRIVATE"));
    }

    #[test]
    fn no_octet_of_a_note_can_change_unseen() {
        let whole = key()
            .sign("example.com/unbroken", "origin\n3\nAAAA\n")
            .unwrap()
            .into_bytes();
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut octets = whole.clone();
                octets[at] ^= 1 << bit;
                let seen = Note::parse(&octets)
                    .ok()
                    .and_then(|note| note.signed_by(key().verifier()));
                assert_ne!(seen, Some(true), "octet {at} bit {bit}");
            }
        }
    }
}
