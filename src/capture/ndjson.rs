//! One answer a line.

use std::str::FromStr;
use std::sync::Arc;

use data_encoding::BASE64;
use serde::Deserialize;

use super::{Capture, CaptureError, Form, answer};
use crate::dns::{Name, Rtype};
use crate::dnssec::offline::Captured;
use crate::moment::Moment;

/// A line. Other fields are left alone.
#[derive(Deserialize)]
struct Line {
    at: Option<Moment>,
    #[serde(default)]
    server: String,
    #[serde(default)]
    transport: String,
    query: Option<Query>,
    /// At the head of a sweep of another vantage.
    vantage: Option<serde::de::IgnoredAny>,
    response: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Query {
    name: Name,
    #[serde(rename = "type")]
    rtype: TypeWord,
}

/// A mnemonic or a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum TypeWord {
    Number(u16),
    Word(String),
}

pub(super) fn read(text: &str) -> Result<Capture, CaptureError> {
    let mut answers = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let answer = one(line).map_err(|reason| CaptureError::Line {
            line: index + 1,
            reason,
        })?;
        answers.extend(answer);
    }
    Ok(Capture {
        form: Form::Ndjson,
        answers,
        notes: Vec::new(),
    })
}

/// None for the head of a sweep.
fn one(text: &str) -> Result<Option<Captured>, String> {
    let line: Line = serde_json::from_str(text).map_err(|error| format!("no captured answer: {error}"))?;
    let query = match (line.query, line.vantage) {
        (Some(query), _) => query,
        (None, Some(_)) => return Ok(None),
        (None, None) => return Err("no captured answer: missing field `query`".to_owned()),
    };
    let name = query.name;
    let rtype = match query.rtype {
        TypeWord::Number(number) => Rtype(number),
        TypeWord::Word(word) => Rtype::from_str(&word).map_err(|error| error.to_string())?,
    };
    let answer = match line.response {
        Some(response) => {
            let octets = BASE64
                .decode(response.trim().as_bytes())
                .map_err(|error| format!("the response is no base64: {error}"))?;
            answer(&octets, &name, rtype)
        }
        None => Err(line.error.unwrap_or_else(|| "no answer".to_owned())),
    };
    Ok(Some(Captured {
        name,
        rtype,
        server: line.server,
        transport: line.transport,
        at: line.at.map(Moment::floor_seconds),
        answer: answer.map(Arc::new),
    }))
}
