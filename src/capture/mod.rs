//! Captured answers in the forms in which they come: NDJSON, pcap, pcapng, and what `dnsviz probe` writes, told apart by
//! content. Pure: octets in, answers out; each form is bounded by the size of what it is given.

mod dnsviz;
mod ndjson;
mod pcap;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::dns::{Message, Name, Rtype};
use crate::dnssec::offline::Captured;

/// The form of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// One answer a line, as `unbroken observe` writes it.
    Ndjson,
    /// The classic format of libpcap.
    Pcap,
    /// Its successor.
    Pcapng,
    /// The JSON of `dnsviz probe`.
    Dnsviz,
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Capture {
    /// The form that it had.
    pub form: Form,
    /// The answers, in the order of the capture.
    pub answers: Vec<Captured>,
    /// What was left out, in words.
    pub notes: Vec<String>,
}

/// Why octets are no capture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// None of the known forms.
    #[error("neither NDJSON, pcap, pcapng nor the JSON of `dnsviz probe`")]
    Unknown,
    /// A line that is no captured answer.
    #[error("line {line}: {reason}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What was wrong.
        reason: String,
    },
    /// A document that is not what it seems to be.
    #[error("{0}")]
    Document(String),
}

/// Reads a capture of any of the forms.
///
/// # Errors
/// If it is none, or is damaged in its frame. What is damaged inside an answer is a part of that answer.
pub fn read(octets: &[u8]) -> Result<Capture, CaptureError> {
    if let Some(capture) = pcap::read(octets)? {
        return Ok(capture);
    }
    let text = std::str::from_utf8(octets).map_err(|_| CaptureError::Unknown)?;
    if !text.trim_start().starts_with('{') {
        return Err(CaptureError::Unknown);
    }
    if let Some(capture) = dnsviz::read(text)? {
        return Ok(capture);
    }
    ndjson::read(text)
}

/// The message in octets that answered a question, or why there is none that can be judged.
fn answer(octets: &[u8], name: &Name, rtype: Rtype) -> Result<Message, String> {
    let message = Message::parse(octets).map_err(|error| format!("undecodable: {error}"))?;
    match &message.question {
        Some(asked) if asked.name != *name || asked.rtype != rtype => Err(format!(
            "the message answers {} {}, not this question",
            asked.name, asked.rtype
        )),
        _ => Ok(message),
    }
}
