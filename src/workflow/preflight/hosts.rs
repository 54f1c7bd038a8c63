//! Name servers whose names lie within the zone, and those that lead to several providers.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Finding, refuse, warn};
use crate::dns::Name;
use crate::workflow::facts::ADDRESS_TYPES;
use crate::workflow::plan::Plan;
use crate::workflow::snapshot::{Addresses, Snapshot};

/// The addresses of a name server within the zone must be in every copy, the same in each, and the same as the glue.
pub(super) fn addresses(plan: &Plan, now: &Snapshot) -> Vec<Finding> {
    let hosts: BTreeSet<&Name> = plan
        .signers
        .iter()
        .flat_map(|signer| &signer.name_servers)
        .filter(|host| host.is_at_or_below(&plan.zone))
        .collect();
    hosts
        .into_iter()
        .flat_map(|host| of_host(plan, now, host))
        .collect()
}

fn of_host(plan: &Plan, now: &Snapshot, host: &Name) -> Vec<Finding> {
    let copies: Vec<(&str, BTreeSet<IpAddr>)> = plan
        .signers
        .iter()
        .filter_map(|signer| Some((signer.name.as_str(), now.providers.get(&signer.name)?)))
        .filter(|(_, at)| !at.addresses.is_empty())
        .map(|(name, at)| (name, held(&at.addresses, host)))
        .collect();
    let mut out: Vec<Finding> = copies
        .iter()
        .filter(|(_, addresses)| addresses.is_empty())
        .map(|(name, _)| {
            refuse(
                "host-without-address",
                format!("the name server {host} lies within the zone, and the copy at {name} holds no address of it"),
                "put its A and AAAA records into the zone at every provider, the same at each",
            )
        })
        .collect();
    let Some((first, wanted)) = copies.iter().find(|(_, addresses)| !addresses.is_empty()) else {
        return out;
    };
    if let Some((other, found)) = copies
        .iter()
        .find(|(_, found)| !found.is_empty() && found != wanted)
    {
        out.push(refuse(
            "host-addresses-differ",
            format!(
                "the name server {host} has the addresses {} at {first} and {} at {other}",
                list(wanted),
                list(found)
            ),
            "make them equal: a resolver goes where either copy leads it",
        ));
    }
    let named = now.parent_ns.values.keys().flatten().any(|name| name == host);
    let glue = held(&now.glue, host);
    if named && glue != *wanted {
        out.push(warn(
            "glue-differs",
            format!(
                "the parent's glue for {host} is {}, and the zone says {}",
                list(&glue),
                list(wanted)
            ),
            "give the registrar the addresses that the zone has; the plan does so where it names that host",
        ));
    }
    out
}

/// A host that leads to a leaver and to one who stays cannot go on being named.
pub(super) fn shared(plan: &Plan) -> Vec<Finding> {
    let Some(leaver) = plan.purpose.leaver().and_then(|name| plan.signer(name)) else {
        return Vec::new();
    };
    let own = plan.hosts_for(&plan.after);
    let mut out = Vec::new();
    for signer in plan
        .signers
        .iter()
        .filter(|signer| plan.after.contains(&signer.name))
    {
        let shared: Vec<&Name> = signer.name_servers.intersection(&leaver.name_servers).collect();
        let Some(host) = shared.first() else {
            continue;
        };
        let text = format!(
            "the name server {host} leads to {} and to {}",
            leaver.name, signer.name
        );
        if signer.name_servers.is_disjoint(&own) {
            out.push(refuse(
                "shared-name-server",
                format!("{text}, and {} has no other", signer.name),
                "give it a name server of its own, or first change the addresses of that host and take it out of the \
                 `name_servers` of the one who leaves",
            ));
        } else {
            out.push(warn(
                "shared-name-server",
                text,
                "the plan takes it out of the NS RRsets; to keep it, change its addresses first and take it out of the \
                 `name_servers` of the one who leaves",
            ));
        }
    }
    out
}

fn held(addresses: &Addresses, host: &Name) -> BTreeSet<IpAddr> {
    ADDRESS_TYPES
        .iter()
        .filter_map(|rtype| addresses.get(&(host.clone(), *rtype)))
        .flat_map(|now| now.values.keys())
        .flatten()
        .copied()
        .collect()
}

fn list(addresses: &BTreeSet<IpAddr>) -> String {
    if addresses.is_empty() {
        return "none".to_owned();
    }
    addresses
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
