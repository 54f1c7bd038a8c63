//! The chain of trust at every server, from its own latest answers: secure, insecure, bogus, or not to be told.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::facts::{Fact, SignerId};
use super::ledger::{Stream, StreamKey};
use super::state::State;
use crate::dns::{Name, Rtype};
use crate::dnssec::{DsSet, KeyId, Status};
use crate::evidence::Place;
use crate::moment::Moment;

/// The verdict for one address of one provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerVerdict {
    /// The provider.
    pub provider: String,
    /// The host name.
    pub server: Name,
    /// The address.
    pub address: SocketAddr,
    /// What a validator would say that asks only this server.
    pub status: Status,
    /// Why, unless it is secure.
    pub why: String,
    /// When the first of its signatures expires, Unix seconds.
    pub expires: Option<i64>,
    /// Whether the delegation leads to it now.
    pub delegated: bool,
}

/// Judges every address of every provider at the moment `at`.
pub fn assess(state: &State, at: Moment) -> Vec<ServerVerdict> {
    let sets: Vec<&DsSet> = state.snapshot().ds.values.keys().collect();
    assess_under(state, at, &sets)
}

/// The same as if the parent served these DS RRsets.
pub(super) fn assess_under(state: &State, at: Moment, ds_sets: &[&DsSet]) -> Vec<ServerVerdict> {
    let delegated = state
        .snapshot()
        .parent_ns
        .values
        .keys()
        .flatten()
        .cloned()
        .collect();
    assess_streams(state, at, ds_sets, &delegated, |_| true)
}

/// The same by those streams alone that `counts` takes, under a delegation to `delegated`.
pub(super) fn assess_streams(
    state: &State,
    at: Moment,
    ds_sets: &[&DsSet],
    delegated: &BTreeSet<Name>,
    counts: impl Fn(&Stream) -> bool,
) -> Vec<ServerVerdict> {
    let Some(servers) = &state.servers else {
        return Vec::new();
    };
    let mut by_address: BTreeMap<(&str, SocketAddr), Vec<(&StreamKey, &Stream)>> = BTreeMap::new();
    for (key, stream) in state.ledger.streams() {
        if let Place::Provider(name) = &key.place
            && counts(stream)
        {
            by_address
                .entry((name, key.address))
                .or_default()
                .push((key, stream));
        }
    }
    by_address
        .into_iter()
        .map(|((provider, address), streams)| {
            let server = streams
                .first()
                .map_or_else(Name::root, |(_, stream)| stream.server.clone());
            let (status, why) = match state.upstream.fault() {
                Some(fault) => (Status::Indeterminate, fault.to_owned()),
                None => judge(&servers.topology.zone, ds_sets, &streams, at.floor_seconds()),
            };
            ServerVerdict {
                provider: provider.to_owned(),
                delegated: delegated.contains(&server),
                server,
                address,
                status,
                why,
                expires: streams
                    .iter()
                    .filter_map(|(_, stream)| stream.window)
                    .map(|window| window.1)
                    .min(),
            }
        })
        .collect()
}

/// What is wrong at the addresses of a provider to which no DS leads yet, judged by its own keys alone.
pub(super) fn alone(state: &State, provider: &str, at: Moment) -> Vec<(Name, SocketAddr, String)> {
    let Some(servers) = &state.servers else {
        return Vec::new();
    };
    let mut by_address: BTreeMap<SocketAddr, Vec<(&StreamKey, &Stream)>> = BTreeMap::new();
    for (key, stream) in state.ledger.streams() {
        if matches!(&key.place, Place::Provider(name) if name == provider) && stream.unclear.is_none() {
            by_address.entry(key.address).or_default().push((key, stream));
        }
    }
    by_address
        .into_iter()
        .filter_map(|(address, streams)| {
            let key_sets = key_sets(&servers.topology.zone, &streams)?;
            let (status, why) = data_verdict(&streams, &key_sets, at.floor_seconds());
            let server = streams.first().map(|(_, stream)| stream.server.clone())?;
            (status == Status::Bogus).then_some((server, address, why))
        })
        .collect()
}

fn judge(zone: &Name, ds_sets: &[&DsSet], streams: &[(&StreamKey, &Stream)], at: i64) -> (Status, String) {
    if let Some((key, why)) = streams
        .iter()
        .find_map(|(key, stream)| Some((key, stream.unclear.as_ref()?)))
    {
        return (
            Status::Indeterminate,
            format!("{} {}: {why}", key.name, key.rtype),
        );
    }
    if ds_sets.is_empty() {
        return (
            Status::Indeterminate,
            "no DS answer that verifies was seen at the parent".to_owned(),
        );
    }
    if ds_sets.iter().all(|set| set.is_empty()) {
        return (
            Status::Insecure,
            "the parent proves that there is no DS".to_owned(),
        );
    }
    let Some(key_sets) = key_sets(zone, streams) else {
        return (Status::Indeterminate, "no DNSKEY answer was seen".to_owned());
    };
    // Where one server of the parent proves an absence and another still has a DS, what is proven absent demands nothing.
    for ds in ds_sets.iter().filter(|set| !set.is_empty()) {
        for (keys, signed_by) in &key_sets {
            let linked = signed_by
                .iter()
                .any(|key| ds.iter().any(|record| record.matches(zone, key.key())));
            if !linked {
                let tags: Vec<String> = keys.iter().map(|key| key.key().tag().to_string()).collect();
                let why = format!(
                    "no DS record names a key that signs its DNSKEY RRset ({})",
                    tags.join(", ")
                );
                return (Status::Bogus, why);
            }
        }
    }
    data_verdict(streams, &key_sets, at)
}

type KeySets = Vec<(BTreeSet<KeyId>, BTreeSet<KeyId>)>;

fn key_sets(zone: &Name, streams: &[(&StreamKey, &Stream)]) -> Option<KeySets> {
    let sets: KeySets = streams
        .iter()
        .filter(|(key, _)| key.rtype == Rtype::DNSKEY && key.name == *zone)
        .filter_map(|(_, stream)| stream.current())
        .flat_map(|run| run.facts.iter())
        .filter_map(|served| match &served.fact {
            Fact::Dnskey { keys, signed_by } => Some((keys.clone(), signed_by.clone())),
            _ => None,
        })
        .collect();
    if sets.is_empty() { None } else { Some(sets) }
}

fn data_verdict(streams: &[(&StreamKey, &Stream)], key_sets: &KeySets, at: i64) -> (Status, String) {
    for (key, stream) in streams {
        let Some(run) = stream.current() else {
            continue;
        };
        let question = || format!("{} {}", key.name, key.rtype);
        for served in run.facts.iter() {
            let Fact::Data { signed_by } = &served.fact else {
                continue;
            };
            if signed_by.is_empty() {
                return (
                    Status::Bogus,
                    format!("{}: an RRset without a signature", question()),
                );
            }
            let covered = |keys: &BTreeSet<KeyId>| {
                signed_by
                    .iter()
                    .any(|signer| matches!(signer, SignerId::Key(key) if keys.contains(key)))
            };
            if !key_sets.iter().all(|(keys, _)| covered(keys)) {
                return (
                    Status::Bogus,
                    format!("{}: no key of its DNSKEY RRset made the signature", question()),
                );
            }
        }
        if let Some((from, until)) = stream.window {
            if at > until {
                return (
                    Status::Bogus,
                    format!("{}: a signature expired {} s ago", question(), at - until),
                );
            }
            if at < from {
                return (
                    Status::Bogus,
                    format!(
                        "{}: a signature is not valid for another {} s",
                        question(),
                        from - at
                    ),
                );
            }
        }
    }
    (Status::Secure, String::new())
}
