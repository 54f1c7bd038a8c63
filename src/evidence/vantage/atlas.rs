//! DNS results of RIPE Atlas: a JSON array, each element what one probe got, with the answer's octets as `abuf`.
//!
//! Read by the field names of the vendor's documentation of result formats 4610 and later (`fw`, `prb_id`, `timestamp`,
//! `dst_addr`, `dst_name`, `dst_port`, `proto`, `result` with `abuf` and `rt`, `resultset`, `qbuf`, `error`). Six published results
//! that probes made (firmware 4610, 4650, 4660 and 4720) were read by hand, among them two with a `resultset` and one that timed out;
//! none of a newer probe.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use data_encoding::BASE64;
use serde::Deserialize;

use super::file::answer;
use super::{Vantage, VantageFault};
use crate::dns::{Message, Name, Rtype};
use crate::evidence::{Blobs, Observation, Outcome, Place, Proto, Sweep};
use crate::moment::Moment;

/// More results than this are not read.
const MOST_RESULTS: usize = 1_000_000;
const DNS: u16 = 53;

/// What one probe sent in.
#[derive(Deserialize)]
struct Report {
    #[serde(rename = "type")]
    kind: Option<String>,
    fw: Option<serde_json::Value>,
    prb_id: Option<u64>,
    timestamp: Option<i64>,
    #[serde(flatten)]
    one: Query,
    #[serde(default)]
    resultset: Vec<Query>,
}

/// One question and what came of it.
#[derive(Deserialize)]
struct Query {
    time: Option<i64>,
    dst_addr: Option<IpAddr>,
    dst_name: Option<String>,
    #[serde(default, deserialize_with = "number_or_text")]
    dst_port: Option<u16>,
    proto: Option<String>,
    qbuf: Option<String>,
    result: Option<Answer>,
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Answer {
    abuf: Option<String>,
    /// Milliseconds.
    rt: Option<f64>,
}

fn number_or_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    let value = Option::<serde_json::Value>::deserialize(deserializer)?;
    Ok(value.and_then(|value| match value {
        serde_json::Value::String(text) => text.parse().ok(),
        other => other.as_u64().and_then(|number| u16::try_from(number).ok()),
    }))
}

/// Reads the results of one or more DNS measurements: a vantage a probe, `atlas-` and its number. Results without the octets of
/// their answer, or, where none came, without those of their question (the probe keeps them only where it was asked to), are
/// counted and left out.
///
/// # Errors
/// If it is no such array, or an element is no DNS result.
pub fn read_atlas(text: &str) -> Result<Vec<Vantage>, VantageFault> {
    let reports: Vec<Report> = serde_json::from_str(text)
        .map_err(|error| VantageFault::Form(format!("no array of RIPE Atlas results: {error}")))?;
    if reports.len() > MOST_RESULTS {
        return Err(VantageFault::Form(format!("more than {MOST_RESULTS} results")));
    }
    let mut probes: BTreeMap<u64, Vantage> = BTreeMap::new();
    for (index, report) in reports.into_iter().enumerate() {
        let wrong = |said: &str| VantageFault::Result {
            number: index + 1,
            said: said.to_owned(),
        };
        if report.kind.as_deref().is_some_and(|kind| kind != "dns") {
            return Err(wrong("it is of another type than dns"));
        }
        let probe = report.prb_id.ok_or_else(|| wrong("it names no probe"))?;
        let firmware = report.fw.as_ref().map(ToString::to_string).unwrap_or_default();
        let vantage = probes.entry(probe).or_insert_with(|| Vantage {
            name: format!("atlas-{probe}"),
            program: format!("RIPE Atlas probe {probe}, firmware {firmware}"),
            zone: None,
            sweeps: Vec::new(),
            blobs: Blobs::default(),
            untold: 0,
        });
        let single = report.resultset.is_empty().then_some(report.one);
        for query in single.into_iter().chain(report.resultset) {
            let Some(at) = query.time.or(report.timestamp) else {
                return Err(wrong("it has no time"));
            };
            match observation(&query, at, &mut vantage.blobs) {
                Some(observation) => vantage.sweeps.push(Sweep {
                    started: observation.sent,
                    ended: observation.done,
                    observations: vec![observation],
                    blind: Vec::new(),
                }),
                None => vantage.untold += 1,
            }
        }
    }
    let mut out: Vec<Vantage> = probes.into_values().collect();
    for vantage in &mut out {
        vantage.sweeps.sort_by_key(|sweep| sweep.started);
    }
    Ok(out)
}

/// None where there is no address, no question that can be read, or where the octets of the answer were not kept: an answer
/// came then, and nobody knows which.
fn observation(query: &Query, at: i64, blobs: &mut Blobs) -> Option<Observation> {
    let address = SocketAddr::new(query.dst_addr?, query.dst_port.unwrap_or(DNS));
    let decoded = |text: &Option<String>| BASE64.decode(text.as_deref()?.as_bytes()).ok();
    let octets = query.result.as_ref().and_then(|result| decoded(&result.abuf));
    let asked = octets.clone().or_else(|| decoded(&query.qbuf))?;
    let (name, rtype) = question(&asked)?;
    let outcome = match (&octets, &query.error) {
        (Some(octets), _) => answer(octets, blobs),
        (None, Some(error)) if error.get("timeout").is_none() => Outcome::Failed {
            said: error.to_string().chars().take(200).collect(),
        },
        (None, Some(_)) => Outcome::Timeout,
        (None, None) => return None,
    };
    let millis = query.result.as_ref().and_then(|result| result.rt).unwrap_or(0.0);
    let took = Duration::try_from_secs_f64(millis.clamp(0.0, 60_000.0) / 1_000.0).unwrap_or_default();
    let server = query.dst_name.as_deref().and_then(|name| Name::parse(name).ok());
    let sent = Moment::from_seconds(at);
    Some(Observation {
        place: Place::Provider(address.to_string()),
        server: server.unwrap_or_else(Name::root),
        address,
        proto: match query.proto.as_deref() {
            Some(proto) if proto.eq_ignore_ascii_case("tcp") => Proto::Tcp,
            _ => Proto::Udp,
        },
        name,
        rtype,
        sent,
        done: sent + took,
        outcome,
    })
}

/// The question alone, of a message of which the rest may be damaged or cut off.
fn question(octets: &[u8]) -> Option<(Name, Rtype)> {
    let mut head = octets.get(..octets.len().min(512))?.to_vec();
    head.get_mut(4..12)?.copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
    let question = Message::parse(&head).ok()?.question?;
    Some((question.name, question.rtype))
}
