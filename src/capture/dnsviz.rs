//! What `dnsviz probe` writes: one document, the answers by name, question, server and client.

use std::str::FromStr;
use std::sync::Arc;

use data_encoding::BASE64;
use serde_json::{Map, Value};

use super::{Capture, CaptureError, Form, answer};
use crate::dns::{Name, Rtype};
use crate::dnssec::offline::Captured;

/// The key under which it says its version.
const META: &str = "_meta._dnsviz.";

/// None where the text is no such document.
pub(super) fn read(text: &str) -> Result<Option<Capture>, CaptureError> {
    // An NDJSON capture's first line is a document by itself, and a long one is not read twice.
    if !text.contains(META) {
        return Ok(None);
    }
    let Ok(Value::Object(document)) = serde_json::from_str::<Value>(text) else {
        return Ok(None);
    };
    if !document.contains_key(META) {
        return Ok(None);
    }
    let version = document
        .get(META)
        .and_then(|meta| meta.get("version"))
        .and_then(Value::as_f64)
        .unwrap_or(0.0);
    if !(1.0..2.0).contains(&version) {
        return Err(CaptureError::Document(format!(
            "dnsviz format {version} is not known here, only 1.x"
        )));
    }
    let mut capture = Capture {
        form: Form::Dnsviz,
        answers: Vec::new(),
        notes: Vec::new(),
    };
    for (name, analysis) in &document {
        let at = analysis
            .get("analysis_end")
            .and_then(Value::as_str)
            .and_then(time);
        for query in analysis
            .get("queries")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            match question(query) {
                Some((qname, qtype)) => responses(query, &qname, qtype, at, &mut capture.answers),
                None => capture.notes.push(format!("a query of {name} cannot be read")),
            }
        }
    }
    capture.notes.dedup();
    Ok(Some(capture))
}

fn question(query: &Value) -> Option<(Name, Rtype)> {
    let word = |key: &str| query.get(key).and_then(Value::as_str);
    if word("qclass").is_some_and(|class| class != "IN") {
        return None;
    }
    Some((
        Name::parse(word("qname")?).ok()?,
        Rtype::from_str(word("qtype")?).ok()?,
    ))
}

fn responses(query: &Value, name: &Name, rtype: Rtype, at: Option<i64>, out: &mut Vec<Captured>) {
    let empty = Map::new();
    let servers = query
        .get("responses")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let tcp = query
        .get("options")
        .and_then(|options| options.get("tcp"))
        .and_then(Value::as_bool)
        .unwrap_or(false);
    for (server, clients) in servers {
        for response in clients.as_object().unwrap_or(&empty).values() {
            out.push(Captured {
                name: name.clone(),
                rtype,
                server: server.clone(),
                transport: if tcp || went_to_tcp(response) {
                    "tcp"
                } else {
                    "udp"
                }
                .to_owned(),
                at,
                answer: message(response, name, rtype).map(Arc::new),
            });
        }
    }
}

/// Whether its history says that the question was asked again over TCP.
fn went_to_tcp(response: &Value) -> bool {
    response
        .get("history")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|step| step.get("action").and_then(Value::as_str))
        .any(|action| action.eq_ignore_ascii_case("use_tcp"))
}

fn message(response: &Value, name: &Name, rtype: Rtype) -> Result<crate::dns::Message, String> {
    let Some(text) = response.get("message").and_then(Value::as_str) else {
        let said = response
            .get("error")
            .and_then(Value::as_str)
            .unwrap_or("no answer");
        return Err(said.to_lowercase());
    };
    match BASE64.decode(text.as_bytes()) {
        Ok(octets) => answer(&octets, name, rtype),
        Err(error) => Err(format!("undecodable: {error}")),
    }
}

/// `2026-11-24 08:11:43 UTC`.
fn time(text: &str) -> Option<i64> {
    let (date, rest) = text.trim().split_once(' ')?;
    let clock = rest.strip_suffix(" UTC").unwrap_or(rest);
    let stamp: jiff::Timestamp = format!("{date}T{clock}Z").parse().ok()?;
    Some(stamp.as_second())
}
