//! The file that `unbroken observe --into` writes: a head a sweep, then one answer a line, each with its message.

use std::net::SocketAddr;

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Vantage, VantageFault, is_vantage_name};
use crate::dns::{Name, Rtype, with_id, without_id};
use crate::evidence::{BlindSpot, Blobs, Observation, Outcome, Place, Proto, Sweep};
use crate::moment::Moment;

/// The version of the file's form that this build writes, and the only one that it reads.
pub const VANTAGE_FORMAT: u64 = 1;

/// A line of more octets than this is none that such a file has: a message has 65,535 at most, four thirds of that in base64.
const LONGEST_LINE: usize = 128 << 10;

/// At the head of each sweep.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    format: u64,
    vantage: String,
    program: String,
    zone: Name,
    started: Moment,
    ended: Moment,
    /// So many lines follow that belong to it.
    asked: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    blind: Vec<BlindSpot>,
}

/// An answer, or that there was none.
#[derive(Deserialize)]
struct Line {
    sent: Moment,
    at: Moment,
    server: SocketAddr,
    transport: Proto,
    query: Query,
    response: Option<String>,
    error: Option<String>,
    host: Name,
    place: Place,
}

#[derive(Deserialize)]
struct Query {
    name: Name,
    #[serde(rename = "type")]
    rtype: Rtype,
}

/// The head of a sweep.
pub fn head_line(vantage: &str, program: &str, zone: &Name, sweep: &Sweep) -> Value {
    json!(Head {
        format: VANTAGE_FORMAT,
        vantage: vantage.to_owned(),
        program: program.to_owned(),
        zone: zone.clone(),
        started: sweep.started,
        ended: sweep.ended,
        asked: sweep.observations.len(),
        blind: sweep.blind.clone(),
    })
}

/// The answers of a sweep, one each; captured answers as `unbroken chain` reads them.
pub fn lines(sweep: &Sweep, blobs: &Blobs) -> Vec<Value> {
    sweep.observations.iter().map(|one| line(one, blobs)).collect()
}

fn line(observation: &Observation, blobs: &Blobs) -> Value {
    let mut line = json!({
        "at": observation.done,
        "server": observation.address,
        "transport": observation.proto,
        "query": {"name": observation.name, "type": observation.rtype},
        "response": Value::Null,
        "host": observation.server,
        "place": observation.place,
        "sent": observation.sent,
    });
    let (response, error) = match &observation.outcome {
        Outcome::Answer { blob, id } => match blobs.get(blob) {
            Some(octets) => (Some(BASE64.encode(&with_id(octets, *id))), None),
            None => (None, Some("lost".to_owned())),
        },
        Outcome::Timeout => (None, Some("timeout".to_owned())),
        Outcome::NoRoute { said } => (None, Some(format!("no route: {said}"))),
        Outcome::Failed { said } => (None, Some(said.clone())),
    };
    if let Some(response) = response {
        line["response"] = Value::String(response);
    }
    if let Some(error) = error {
        line["error"] = Value::String(error);
    }
    line
}

/// Reads such a file. Members that this build does not know are passed over.
///
/// # Errors
/// The first line that is damaged, of another format, or missing: each head says how many answers follow it.
pub fn read_vantage(text: &str) -> Result<Vantage, VantageFault> {
    let mut lines = text.lines().enumerate().map(|(index, text)| (index + 1, text));
    let mut vantage: Option<Vantage> = None;
    while let Some((number, text)) = lines.next() {
        let head = head(number, text)?;
        let vantage = match &mut vantage {
            None => vantage.insert(Vantage {
                name: head.vantage.clone(),
                program: head.program.clone(),
                zone: Some(head.zone.clone()),
                sweeps: Vec::new(),
                blobs: Blobs::default(),
                untold: 0,
            }),
            Some(vantage) => vantage,
        };
        belongs(number, &head, vantage)?;
        let mut observations = Vec::new();
        for _ in 0..head.asked {
            let Some((number, text)) = lines.next() else {
                return Err(VantageFault::Line {
                    line: number,
                    said: format!(
                        "the sweep has {} answers, and the file ends after {}",
                        head.asked,
                        observations.len()
                    ),
                });
            };
            let said = |said| VantageFault::Line { line: number, said };
            observations.push(observation(text, &mut vantage.blobs).map_err(said)?);
        }
        vantage.sweeps.push(Sweep {
            started: head.started,
            ended: head.ended,
            observations,
            blind: head.blind,
        });
    }
    vantage.ok_or_else(|| VantageFault::Form("there is nothing in it".to_owned()))
}

fn head(line: usize, text: &str) -> Result<Head, VantageFault> {
    let wrong = |said: String| VantageFault::Line { line, said };
    if text.len() > LONGEST_LINE {
        return Err(wrong(format!("more than {LONGEST_LINE} octets")));
    }
    let value: Value = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    match value.get("format").and_then(Value::as_u64) {
        Some(VANTAGE_FORMAT) => serde_json::from_value(value).map_err(|error| wrong(error.to_string())),
        Some(format) => Err(VantageFault::Format { line, format }),
        None => Err(wrong(
            "no head of a sweep, where one should be: `unbroken observe --into` writes such files".to_owned(),
        )),
    }
}

/// Whether a head continues what was read so far.
fn belongs(line: usize, head: &Head, vantage: &Vantage) -> Result<(), VantageFault> {
    let wrong = |said: &str| {
        Err(VantageFault::Line {
            line,
            said: said.to_owned(),
        })
    };
    if !is_vantage_name(&head.vantage) {
        return wrong("the vantage has no name that can be used");
    }
    if head.vantage != vantage.name || Some(&head.zone) != vantage.zone.as_ref() {
        return wrong("another vantage or zone than above");
    }
    let before = vantage.sweeps.last().map(|sweep| sweep.started);
    if head.ended < head.started || before.is_some_and(|before| head.started < before) {
        return wrong("the times run backwards");
    }
    Ok(())
}

fn observation(text: &str, blobs: &mut Blobs) -> Result<Observation, String> {
    if text.len() > LONGEST_LINE {
        return Err(format!("more than {LONGEST_LINE} octets"));
    }
    let line: Line = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let outcome = match (line.response, line.error) {
        (Some(response), _) => {
            let octets = BASE64
                .decode(response.as_bytes())
                .map_err(|error| format!("the response is no base64: {error}"))?;
            answer(&octets, blobs)
        }
        (None, Some(error)) if error == "timeout" => Outcome::Timeout,
        (None, Some(error)) => match error.strip_prefix("no route: ") {
            Some(said) => Outcome::NoRoute {
                said: said.to_owned(),
            },
            None => Outcome::Failed { said: error },
        },
        (None, None) => return Err("neither a response nor an error".to_owned()),
    };
    Ok(Observation {
        place: line.place,
        server: line.host,
        address: line.server,
        proto: line.transport,
        name: line.query.name,
        rtype: line.query.rtype,
        sent: line.sent,
        done: line.at,
        outcome,
    })
}

/// An answer of these octets.
pub(super) fn answer(octets: &[u8], blobs: &mut Blobs) -> Outcome {
    let id = octets.first_chunk::<2>().map_or(0, |id| u16::from_be_bytes(*id));
    Outcome::Answer {
        blob: blobs.insert(&without_id(octets)),
        id,
    }
}
