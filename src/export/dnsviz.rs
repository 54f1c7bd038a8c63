//! One sweep as `dnsviz probe` writes it (its format 1.2): a document with an object a name, the answers by question, server and
//! client.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use data_encoding::BASE64;
use serde_json::{Map, Value, json};

use crate::dns::{Message, Name, Record, Rtype, with_id};
use crate::evidence::{BlobId, Observation, Outcome, Place, Proto, Sweep};
use crate::moment::Moment;
use crate::workflow::Servers;

/// What its questions offer, octets; as this program asks.
const OFFERED: usize = 1_232;
/// The DO bit among the EDNS flags.
const DNSSEC_OK: u32 = 0x8000;
/// Its word for this machine, where an address is wanted.
const CLIENTS: (&str, &str) = ("203.0.113.53", "2001:db8:ffff::53");

/// Why there is no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DnsvizFault {
    /// It has no ports.
    #[error("the server {0} listens on another port than 53, which the form of dnsviz cannot say")]
    Port(std::net::SocketAddr),
}

/// A document, and what did not go into it.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The document.
    pub document: Value,
    /// How many answers are in it, silences included.
    pub answers: usize,
    /// The servers that no NS record leads to: dnsviz knows servers by these alone.
    pub left_out: BTreeSet<Name>,
}

/// The answers of `sweep`, and those of `above` for the zones above (which are not asked in every sweep).
///
/// What the form cannot say, and what is not known, is left out: that a question of a sweep was asked again over TCP is only
/// told where the answer is too long for UDP; how long it took is whole milliseconds.
///
/// # Errors
/// If a server listens on another port than 53.
pub fn dnsviz(
    servers: &Servers,
    sweep: &Sweep,
    above: &[Observation],
    octets: &dyn Fn(&BlobId) -> Option<Arc<[u8]>>,
) -> Result<Probe, DnsvizFault> {
    let topology = &servers.topology;
    let named = named(&topology.zone, sweep, octets);
    let (mut answers, mut left_out) = (0, BTreeSet::new());
    let mut names: BTreeMap<Name, Vec<&Observation>> = BTreeMap::new();
    for observation in sweep.observations.iter().chain(above) {
        if observation.address.port() != 53 {
            return Err(DnsvizFault::Port(observation.address));
        }
        if matches!(observation.place, Place::Provider(_)) && !named.contains(&observation.server) {
            left_out.insert(observation.server.clone());
            continue;
        }
        answers += 1;
        names
            .entry(home(servers, observation))
            .or_default()
            .push(observation);
    }
    let mut document = Map::new();
    let mut parent: Option<&Name> = None;
    let zones = topology
        .ancestors
        .iter()
        .map(|(zone, _)| zone)
        .chain([&topology.zone]);
    for zone in zones {
        let asked = names.remove(zone).unwrap_or_default();
        let mut entry = entry(sweep, &asked, parent, octets);
        // Of the zones above nobody asked for the delegation itself.
        entry.insert("explicit_delegation".to_owned(), json!(*zone != topology.zone));
        entry.insert("auth_ns_ip_mapping".to_owned(), mapping(servers, zone));
        if *zone == topology.zone {
            probes(servers, &mut entry);
        }
        close(&mut entry, &asked, octets);
        document.insert(zone.to_string(), Value::Object(entry));
        parent = Some(zone);
    }
    for (name, asked) in &names {
        let mut entry = entry(sweep, asked, parent, octets);
        entry.insert("explicit_delegation".to_owned(), json!(false));
        close(&mut entry, asked, octets);
        document.insert(name.to_string(), Value::Object(entry));
    }
    let mut all: Vec<String> = vec![topology.zone.to_string()];
    all.extend(names.keys().map(Name::to_string));
    document.insert(
        "_meta._dnsviz.".to_owned(),
        json!({ "version": 1.2, "names": all }),
    );
    Ok(Probe {
        document: Value::Object(document),
        answers,
        left_out,
    })
}

/// The servers that the delegation names, and those that the apex NS RRsets of these name.
fn named(zone: &Name, sweep: &Sweep, octets: &dyn Fn(&BlobId) -> Option<Arc<[u8]>>) -> BTreeSet<Name> {
    let ns = |observation: &Observation| -> Vec<Name> {
        let message = message(observation, octets).and_then(|octets| Message::parse(&octets).ok());
        let Some(message) = message else {
            return Vec::new();
        };
        let records = message.answer.iter().chain(&message.authority);
        let own = records.filter(|record| record.rtype == Rtype::NS && record.name == *zone);
        own.filter_map(Record::target).collect()
    };
    let asked = || {
        sweep
            .observations
            .iter()
            .filter(|one| one.rtype == Rtype::NS && one.name == *zone)
    };
    let at_parent = asked().filter(|one| one.place == Place::Parent);
    let mut named: BTreeSet<Name> = at_parent.flat_map(ns).collect();
    loop {
        let led =
            asked().filter(|one| matches!(one.place, Place::Provider(_)) && named.contains(&one.server));
        let more: BTreeSet<Name> = led.flat_map(ns).filter(|name| !named.contains(name)).collect();
        if more.is_empty() {
            return named;
        }
        named.extend(more);
    }
}

/// Under which name a question stands: names that do not exist, and types that are absent, stand at their zone.
fn home(servers: &Servers, observation: &Observation) -> Name {
    let probes = &servers.probes;
    let absent = observation.name == probes.no_name || observation.name == probes.no_data.0;
    if absent {
        servers.topology.zone.clone()
    } else {
        observation.name.clone()
    }
}

fn entry(
    sweep: &Sweep,
    asked: &[&Observation],
    parent: Option<&Name>,
    octets: &dyn Fn(&BlobId) -> Option<Arc<[u8]>>,
) -> Map<String, Value> {
    let started = asked.iter().map(|one| one.sent).min().unwrap_or(sweep.started);
    let ended = asked.iter().map(|one| one.done).max().unwrap_or(sweep.ended);
    let answered = |v4: bool| {
        let mut seen = asked.iter().filter(|one| message(one, octets).is_some());
        seen.any(|one| one.address.is_ipv4() == v4)
    };
    let clients = |v4: bool, client: &str| {
        if answered(v4) {
            vec![client.to_owned()]
        } else {
            Vec::new()
        }
    };
    let mut out = Map::new();
    out.insert("type".to_owned(), json!("authoritative"));
    out.insert("stub".to_owned(), json!(false));
    out.insert("analysis_start".to_owned(), json!(time(started)));
    out.insert("analysis_end".to_owned(), json!(time(ended)));
    out.insert("clients_ipv4".to_owned(), json!(clients(true, CLIENTS.0)));
    out.insert("clients_ipv6".to_owned(), json!(clients(false, CLIENTS.1)));
    if let Some(parent) = parent {
        out.insert("parent".to_owned(), json!(parent.to_string()));
    }
    out
}

/// Host names to addresses: of the zone all that are asked, of a zone above those that are known.
fn mapping(servers: &Servers, zone: &Name) -> Value {
    let topology = &servers.topology;
    let mut out: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut add = |server: &crate::ports::NameServer| {
        let addresses = server.addresses.iter().map(|address| address.ip().to_string());
        out.entry(server.name.to_string()).or_default().extend(addresses);
    };
    if *zone == topology.zone {
        topology.delegated.iter().for_each(&mut add);
        servers.providers.values().flatten().for_each(&mut add);
    } else {
        let of_zone = topology.ancestors.iter().filter(|(own, _)| own == zone);
        of_zone.map(|(_, server)| server).for_each(&mut add);
        if *zone == topology.parent {
            topology.parent_servers.iter().for_each(&mut add);
        }
    }
    json!(out)
}

fn probes(servers: &Servers, entry: &mut Map<String, Value>) {
    let probes = &servers.probes;
    entry.insert("nxdomain_name".to_owned(), json!(probes.no_name.to_string()));
    entry.insert("nxdomain_rdtype".to_owned(), json!(Rtype::A.to_string()));
    entry.insert("nxrrset_name".to_owned(), json!(probes.no_data.0.to_string()));
    entry.insert("nxrrset_rdtype".to_owned(), json!(probes.no_data.1.to_string()));
}

/// The questions of a name, each with its answers.
fn close(
    entry: &mut Map<String, Value>,
    asked: &[&Observation],
    octets: &dyn Fn(&BlobId) -> Option<Arc<[u8]>>,
) {
    let mut queries: BTreeMap<(&Name, Rtype, bool), Vec<&Observation>> = BTreeMap::new();
    for observation in asked {
        let key = (
            &observation.name,
            observation.rtype,
            observation.proto == Proto::Tcp,
        );
        queries.entry(key).or_default().push(observation);
    }
    let queries: Vec<Value> = queries
        .into_iter()
        .map(|((name, rtype, tcp), asked)| {
            let mut responses: BTreeMap<String, Value> = BTreeMap::new();
            for one in asked {
                let client = if one.address.is_ipv4() {
                    CLIENTS.0
                } else {
                    CLIENTS.1
                };
                let mut by_client = Map::new();
                by_client.insert(client.to_owned(), response(one, octets));
                responses.insert(one.address.ip().to_string(), Value::Object(by_client));
            }
            json!({
                "qname": name.to_string(),
                "qclass": "IN",
                "qtype": rtype.to_string(),
                "options": {
                    "flags": 0,
                    "edns_version": 0,
                    "edns_max_udp_payload": OFFERED,
                    "edns_flags": DNSSEC_OK,
                    "edns_options": [],
                    "tcp": tcp,
                },
                "responses": responses,
            })
        })
        .collect();
    entry.insert("queries".to_owned(), Value::Array(queries));
}

fn message(observation: &Observation, octets: &dyn Fn(&BlobId) -> Option<Arc<[u8]>>) -> Option<Vec<u8>> {
    match &observation.outcome {
        Outcome::Answer { blob, id } => Some(with_id(&octets(blob)?, *id)),
        _ => None,
    }
}

fn response(observation: &Observation, octets: &dyn Fn(&BlobId) -> Option<Arc<[u8]>>) -> Value {
    let millis = u64::try_from(observation.done.since(observation.sent).as_millis()).unwrap_or(u64::MAX);
    if let Some(message) = message(observation, octets) {
        let over_tcp = observation.proto == Proto::Udp && message.len() > OFFERED;
        let history = if over_tcp {
            vec![json!({ "time_elapsed": 0, "cause": "TC", "action": "USE_TCP" })]
        } else {
            Vec::new()
        };
        return json!({
            "message": BASE64.encode(&message),
            "msg_size": message.len(),
            "time_elapsed": millis,
            "history": history,
        });
    }
    let mut out = json!({ "message": Value::Null, "time_elapsed": millis, "history": [] });
    match &observation.outcome {
        Outcome::NoRoute { .. } => {
            out["error"] = json!("NETWORK_ERROR");
            out["errno"] = json!("ENETUNREACH");
        }
        Outcome::Failed { .. } => {
            out["error"] = json!("NETWORK_ERROR");
            out["errno"] = json!("ECONNREFUSED");
        }
        // A message whose octets are lost is none either.
        Outcome::Timeout | Outcome::Answer { .. } => out["error"] = json!("TIMEOUT"),
    }
    out
}

/// `2026-11-24 08:11:43 UTC`.
fn time(moment: Moment) -> String {
    let text = Moment::from_seconds(moment.floor_seconds()).to_string();
    text.replace('T', " ").replace('Z', " UTC")
}

/// Whether the observation is of a zone above, whose answers a sweep may lack.
pub fn is_above(observation: &Observation) -> bool {
    matches!(observation.place, Place::Ancestor(_))
}
