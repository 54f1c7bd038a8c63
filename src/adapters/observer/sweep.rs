//! One round: every address of the parent and of each provider, side by side.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use futures::StreamExt;
use futures::stream;

use super::ask::{Asked, Asker};
use crate::dns::{Name, Rtype};
use crate::evidence::{BlindSpot, Blobs, Observation, Outcome, Place, Proto, Sweep};
use crate::ports::{AskRequest, NameServer, Observed, SweepRequest};

/// Questions under way at once.
const AT_ONCE: usize = 256;
/// Addresses tried at a server of a zone above.
const ANCESTOR_TRIES: usize = 3;

/// Asks what `request` says. The order of the observations depends on the request only.
pub(super) async fn sweep(asker: &Asker, request: &SweepRequest) -> Observed {
    let mut blind: BTreeSet<BlindSpot> = request.topology.blind.iter().cloned().collect();
    let questions = questions(request, &mut blind);
    let above = if request.ancestors {
        above(request, &mut blind)
    } else {
        Vec::new()
    };
    let started = asker.now();
    let (asked, asked_above) = futures::join!(
        stream::iter(questions)
            .map(|question| asker.ask(question))
            .buffered(AT_ONCE)
            .collect::<Vec<Asked>>(),
        stream::iter(above)
            .map(|choices| first_answer(asker, choices))
            .buffered(AT_ONCE)
            .collect::<Vec<Vec<Asked>>>(),
    );
    let mut blobs = Blobs::default();
    let observations: Vec<Observation> = asked
        .into_iter()
        .chain(asked_above.into_iter().flatten())
        .map(|asked| asked.keep(&mut blobs))
        .collect();
    blind.extend(observations.iter().filter_map(blind_spot));
    Observed {
        sweep: Sweep {
            started,
            ended: asker.now(),
            observations,
            blind: blind.into_iter().collect(),
        },
        blobs,
    }
}

fn blind_spot(observation: &Observation) -> Option<BlindSpot> {
    match &observation.outcome {
        Outcome::NoRoute { said } => Some(BlindSpot {
            place: observation.place.clone(),
            server: observation.server.clone(),
            address: Some(observation.address),
            why: said.clone(),
        }),
        _ => None,
    }
}

/// All questions of the round but those about the zones above, the parent's servers first.
fn questions(request: &SweepRequest, blind: &mut BTreeSet<BlindSpot>) -> Vec<AskRequest> {
    let zone = &request.topology.zone;
    let delegation = [(zone.clone(), Rtype::DS), (zone.clone(), Rtype::NS)];
    let at_provider = provider_questions(request);
    let mut out = Vec::new();
    let proto = if request.tcp { Proto::Tcp } else { Proto::Udp };
    let mut add = |place: Place, servers: &[NameServer], asked: &[(Name, Rtype)]| {
        for (server, address) in targets(&place, servers, blind) {
            out.extend(asked.iter().map(|(name, rtype)| AskRequest {
                place: place.clone(),
                server: server.clone(),
                address,
                proto,
                name: name.clone(),
                rtype: *rtype,
            }));
        }
    };
    add(Place::Parent, &request.topology.parent_servers, &delegation);
    for (provider, servers) in &request.providers {
        add(Place::Provider(provider.clone()), servers, &at_provider);
    }
    out
}

fn provider_questions(request: &SweepRequest) -> Vec<(Name, Rtype)> {
    let zone = &request.topology.zone;
    let probes = &request.probes;
    let mut out: Vec<(Name, Rtype)> = [Rtype::SOA, Rtype::NS, Rtype::DNSKEY, Rtype::CDS, Rtype::CDNSKEY]
        .into_iter()
        .map(|rtype| (zone.clone(), rtype))
        .collect();
    out.extend(probes.positive.clone());
    out.push(probes.no_data.clone());
    out.push((probes.no_name.clone(), Rtype::A));
    out.extend(probes.wildcard.clone().map(|name| (name, Rtype::A)));
    for host in request.inner_hosts() {
        out.extend([(host.clone(), Rtype::A), (host, Rtype::AAAA)]);
    }
    let mut seen = BTreeSet::new();
    out.retain(|question| seen.insert(question.clone()));
    out
}

/// Each address once, under the first name that has it; a name without an address is a blind spot.
fn targets<'a>(
    place: &Place,
    servers: &'a [NameServer],
    blind: &mut BTreeSet<BlindSpot>,
) -> Vec<(&'a Name, SocketAddr)> {
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for server in servers {
        if server.addresses.is_empty() && !blind.iter().any(|spot| spot.server == server.name) {
            blind.insert(BlindSpot {
                place: place.clone(),
                server: server.name.clone(),
                address: None,
                why: "the name has no address".to_owned(),
            });
        }
        for address in &server.addresses {
            if seen.insert(*address) {
                out.push((&server.name, *address));
            }
        }
    }
    out
}

/// For each question about the zones above, the addresses to try one after the other: the keys of each zone, and at each
/// zone but the parent the DS of the next. (The parent's servers are asked for the DS of the zone anyway.)
fn above(request: &SweepRequest, blind: &mut BTreeSet<BlindSpot>) -> Vec<Vec<AskRequest>> {
    let ancestors = &request.topology.ancestors;
    let proto = if request.tcp { Proto::Tcp } else { Proto::Udp };
    let mut out = Vec::new();
    for (index, (zone, server)) in ancestors.iter().enumerate() {
        let place = Place::Ancestor(zone.clone());
        targets(&place, std::slice::from_ref(server), blind);
        let next = ancestors
            .get(index + 1)
            .map(|(next, _)| (next.clone(), Rtype::DS));
        for (name, rtype) in [Some((zone.clone(), Rtype::DNSKEY)), next].into_iter().flatten() {
            let ask = |address: &SocketAddr| AskRequest {
                place: place.clone(),
                server: server.name.clone(),
                address: *address,
                proto,
                name: name.clone(),
                rtype,
            };
            out.push(server.addresses.iter().take(ANCESTOR_TRIES).map(ask).collect());
        }
    }
    out
}

async fn first_answer(asker: &Asker, choices: Vec<AskRequest>) -> Vec<Asked> {
    let mut out = Vec::new();
    for choice in choices {
        let asked = asker.ask(choice).await;
        let answered = asked.answer().is_some();
        out.push(asked);
        if answered {
            break;
        }
    }
    out
}
