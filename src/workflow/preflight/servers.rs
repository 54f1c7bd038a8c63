//! Whether every server answers, with authority, over UDP and over TCP.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::{Finding, refuse, warn};
use crate::dns::Name;
use crate::evidence::{Place, Proto};
use crate::workflow::facts::Unclear;
use crate::workflow::ledger::{Stream, StreamKey};
use crate::workflow::state::State;

type Streams<'a> = Vec<(&'a StreamKey, &'a Stream)>;

/// One finding a server address that does not answer as it should.
pub(super) fn answers(state: &State) -> Vec<Finding> {
    if state.last_sweep.is_none() {
        return vec![refuse(
            "not-observed",
            "nothing was asked yet",
            "run it where the servers can be reached",
        )];
    }
    let mut by_server: BTreeMap<(&Place, &Name, SocketAddr), Streams<'_>> = BTreeMap::new();
    for (key, stream) in state.ledger.streams() {
        if !matches!(key.place, Place::Ancestor(_)) {
            by_server
                .entry((&key.place, &stream.server, key.address))
                .or_default()
                .push((key, stream));
        }
    }
    by_server
        .into_iter()
        .filter_map(|((place, server, address), streams)| {
            let whose = match place {
                Place::Provider(name) => format!("{server} ({address}) of {name}"),
                _ => format!("{server} ({address}) of the parent"),
            };
            judge(&whose, &streams)
        })
        .collect()
}

fn judge(whose: &str, streams: &Streams<'_>) -> Option<Finding> {
    let faults: Streams<'_> = streams
        .iter()
        .copied()
        .filter(|(_, stream)| {
            let why = stream.unclear.as_ref();
            why.is_some_and(|why| !matches!(why, Unclear::NoRoute(_)))
        })
        .collect();
    let first = faults.first()?;
    let mut list: Vec<String> = faults
        .iter()
        .filter_map(|(key, stream)| {
            Some(format!(
                "{} {}: {}",
                key.name,
                key.rtype,
                stream.unclear.as_ref()?
            ))
        })
        .collect();
    list.sort();
    list.dedup();
    let list = list.join("; ");
    if is_without_tcp(streams) {
        return Some(refuse(
            "no-tcp",
            format!("{whose} answers over UDP and not over TCP: {list}"),
            "open port 53 over TCP there (RFC 7766): an answer that is too large for UDP is lost otherwise",
        ));
    }
    let lame = |stream: &Stream| matches!(stream.unclear, Some(Unclear::Lame | Unclear::Rcode(_)));
    if faults.iter().all(|(_, stream)| lame(stream)) && lame(first.1) {
        return Some(refuse(
            "lame-server",
            format!("{whose} does not answer for the zone with authority: {list}"),
            "let it serve the zone, or take it out of the delegation and the settings",
        ));
    }
    Some(refuse(
        "no-answer",
        format!("{whose} did not answer as it should: {list}"),
        "mend the server, or take it out of the delegation and the settings",
    ))
}

/// Whether no question over TCP found an answer, and one over UDP did.
fn is_without_tcp(streams: &Streams<'_>) -> bool {
    let lost = |stream: &Stream| {
        matches!(
            stream.unclear,
            Some(Unclear::Timeout | Unclear::Failed(_) | Unclear::Truncated)
        )
    };
    let (tcp, udp): (Vec<_>, Vec<_>) = streams.iter().partition(|(key, _)| key.proto == Proto::Tcp);
    !tcp.is_empty()
        && tcp.iter().all(|(_, stream)| lost(stream))
        && udp.iter().any(|(_, stream)| stream.unclear.is_none())
}

/// What cannot be seen from here.
pub(super) fn blind_spots(state: &State) -> Option<Finding> {
    let sweep = state.last_sweep.as_ref()?;
    let mut blind: Vec<String> = sweep.blind.iter().map(|spot| spot.server.to_string()).collect();
    blind.sort();
    blind.dedup();
    if blind.is_empty() {
        return None;
    }
    Some(warn(
        "blind-spot",
        format!(
            "some addresses of {} cannot be reached from here",
            blind.join(", ")
        ),
        "run from a place with that address family, or waive it once: unbroken approve --zone ZONE blind-spots",
    ))
}
