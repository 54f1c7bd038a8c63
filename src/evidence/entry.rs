//! A journal entry and its one line of JSON.

use std::borrow::Cow;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::moment::Moment;

/// The version of the entry's form that this build writes, and the only one that it reads.
pub const JOURNAL_FORMAT: u64 = 1;

/// What stands in `prev` of the first entry.
pub const NO_PREVIOUS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One entry of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// [`JOURNAL_FORMAT`].
    format: u64,
    /// Counted from 1, without gaps, so that it is the number of the line too.
    pub seq: u64,
    /// When it was written.
    pub at: Moment,
    /// The SHA-256 of the previous line's octets without its newline, in lower-case hexadecimal.
    pub prev: String,
    /// What `body` is: `sweep`, `plan`, `intent`, `outcome`, `decision`, `approval`, `waiver`, `note`, `settings`, …
    pub kind: String,
    /// Everything else.
    pub body: Value,
}

/// An entry whose body is still text: what has to be known of every line, without reading it all.
#[derive(Clone, Debug, Deserialize)]
pub struct Head<'a> {
    format: u64,
    /// As [`Entry::seq`].
    pub seq: u64,
    /// As [`Entry::at`].
    pub at: Moment,
    /// As [`Entry::prev`].
    #[serde(borrow)]
    pub prev: Cow<'a, str>,
    /// As [`Entry::kind`].
    #[serde(borrow)]
    pub kind: Cow<'a, str>,
    /// The JSON text of the body.
    #[serde(borrow)]
    pub body: &'a RawValue,
}

impl<'a> Head<'a> {
    /// Reads a line without its newline.
    ///
    /// # Errors
    /// As [`Entry::decode`], but for a body that is JSON in form only.
    pub fn decode(line: &'a [u8]) -> Result<Head<'a>, EntryError> {
        match serde_json::from_slice::<Head<'a>>(line) {
            Ok(head) if head.format == JOURNAL_FORMAT => Ok(head),
            Ok(head) => Err(EntryError::Format(head.format)),
            Err(error) => Err(match Entry::decode(line) {
                Err(format @ EntryError::Format(_)) => format,
                _ => EntryError::Form(error.to_string()),
            }),
        }
    }
}

/// Why a line is no entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Not JSON, or not an entry's JSON.
    #[error("it is no journal entry: {0}")]
    Form(String),
    /// Written by another version of the program.
    #[error("it has format {0}, and this build reads format {JOURNAL_FORMAT} only")]
    Format(u64),
}

impl Entry {
    /// An entry of the form that this build writes.
    pub fn new(seq: u64, at: Moment, prev: String, kind: &str, body: Value) -> Entry {
        Entry {
            format: JOURNAL_FORMAT,
            seq,
            at,
            prev,
            kind: kind.to_owned(),
            body,
        }
    }

    /// Reads a line without its newline.
    ///
    /// # Errors
    /// If it is no entry, or one of another format. Members that this build does not know are passed over; they are
    /// still under the hash.
    pub fn decode(line: &[u8]) -> Result<Entry, EntryError> {
        let form = |error: serde_json::Error| EntryError::Form(error.to_string());
        match serde_json::from_slice::<Entry>(line) {
            Ok(entry) if entry.format == JOURNAL_FORMAT => Ok(entry),
            Ok(entry) => Err(EntryError::Format(entry.format)),
            Err(error) => match serde_json::from_slice::<Value>(line) {
                // Another version may have other members: the version is the better thing to say.
                Ok(value) => match value.get("format").and_then(Value::as_u64) {
                    Some(format) if format != JOURNAL_FORMAT => Err(EntryError::Format(format)),
                    _ => Err(form(error)),
                },
                Err(_) => Err(form(error)),
            },
        }
    }

    /// The line without its newline.
    ///
    /// # Errors
    /// Never for a body that came from JSON; the codec's words otherwise.
    pub fn encode(&self) -> Result<String, EntryError> {
        serde_json::to_string(self).map_err(|error| EntryError::Form(error.to_string()))
    }
}

/// The SHA-256 of a line's octets without its newline, in lower-case hexadecimal.
pub fn hash_line(line: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(digest(&SHA256, line).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_documented_form() {
        let entry = Entry::new(
            1,
            Moment::from_seconds(1_795_000_000),
            NO_PREVIOUS.to_owned(),
            "note",
            serde_json::json!({"z": 1, "a": "é\n"}),
        );
        let line = entry.encode().unwrap();
        assert_eq!(
            line,
            format!(
                r#"{{"format":1,"seq":1,"at":"2026-11-18T11:06:40Z","prev":"{NO_PREVIOUS}","kind":"note","body":{{"z":1,"a":"é\n"}}}}"#
            )
        );
        assert_eq!(Entry::decode(line.as_bytes()).unwrap(), entry);
    }

    #[test]
    fn another_format_is_named_even_if_nothing_else_fits() {
        assert_eq!(
            Entry::decode(br#"{"format":2,"n":1}"#),
            Err(EntryError::Format(2))
        );
        assert!(matches!(
            Entry::decode(b"{\"format\":1"),
            Err(EntryError::Form(_))
        ));
        assert!(matches!(Entry::decode(b"\0\0\0"), Err(EntryError::Form(_))));
    }
}
