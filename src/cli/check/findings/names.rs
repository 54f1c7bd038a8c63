//! NS records at the parent and at the apex, and the addresses of the hosts that they name.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{Found, Severity, answering, group, joined, led_to};
use crate::cli::check::report::Report;
use crate::dns::Name;

impl Found {
    pub(super) fn names(&mut self, report: &Report, delegated: &BTreeSet<Name>) {
        for (ns, servers) in group(led_to(report), |server| server.ns.as_ref()) {
            let missing: Vec<_> = delegated.difference(ns).collect();
            let more: Vec<_> = ns.difference(delegated).collect();
            let text = match (missing.is_empty(), more.is_empty()) {
                (true, true) => continue,
                (false, true) => format!("its NS records lack {} of the delegation", joined(missing)),
                (true, false) => format!(
                    "its NS records name {}, and the delegation does not",
                    joined(more)
                ),
                (false, false) => format!(
                    "its NS records lack {} of the delegation, and name {} beside it",
                    joined(missing),
                    joined(more)
                ),
            };
            self.add(
                Severity::Warning,
                "ns-mismatch",
                servers,
                text,
                "outside a move, make the NS records at the apex and at the parent the same",
            );
        }
    }

    /// The parent's addresses against those of whoever has authority for the host.
    pub(super) fn glue(
        &mut self,
        report: &Report,
        delegated: &BTreeSet<Name>,
        outside: &BTreeMap<Name, BTreeSet<IpAddr>>,
    ) {
        for host in delegated.iter().filter(|host| host.is_at_or_below(&report.zone)) {
            self.copies(report, host);
        }
        for server in report.parent.iter().filter(|server| server.problem.is_none()) {
            let Some(glue) = &server.glue else { continue };
            for host in server.ns.iter().filter(|host| host.is_at_or_below(&report.zone)) {
                if !glue.contains_key(host) {
                    self.add(
                        Severity::Warning,
                        "glue-missing",
                        [server.label()],
                        format!("the parent gives no address for {host}, whose name lies within the zone (RFC 9471)"),
                        "give the registrar its addresses: resolvers cannot find this server",
                    );
                }
            }
            for (host, given) in glue {
                // Of a host outside the zone the parent may give a part only (RFC 9471).
                let (own, part) = match outside.get(host) {
                    Some(own) => (own.clone(), true),
                    None => (held(report, host), false),
                };
                if !own.is_empty() && own != *given && !(part && given.is_subset(&own)) {
                    self.add(
                        Severity::Warning,
                        "glue-differs",
                        [server.label()],
                        format!(
                            "the parent's addresses for {host} are {}, and its zone says {}",
                            joined(given),
                            joined(&own)
                        ),
                        "make them the same: give the registrar the addresses that the zone has",
                    );
                }
            }
        }
    }

    /// The addresses of a host within the zone, at each server.
    fn copies(&mut self, report: &Report, host: &Name) {
        let copies = group(answering(report), |server| server.hosts.get(host));
        for (_, servers) in copies.iter().filter(|(addresses, _)| addresses.is_empty()) {
            self.add(
                Severity::Warning,
                "host-without-address",
                servers.iter().cloned(),
                format!("it has no address of {host}, a server of the zone whose name lies within it"),
                "put its A and AAAA records into the zone at every signer",
            );
        }
        let told: Vec<String> = copies
            .iter()
            .filter(|(addresses, _)| !addresses.is_empty())
            .map(|(addresses, at)| format!("{} at {}", joined(*addresses), at.join(", ")))
            .collect();
        if told.len() > 1 {
            self.add(
                Severity::Warning,
                "host-addresses-differ",
                [],
                format!(
                    "the servers give different addresses for {host}: {}",
                    told.join("; ")
                ),
                "make them equal: a resolver goes where either leads it",
            );
        }
    }
}

fn held(report: &Report, host: &Name) -> BTreeSet<IpAddr> {
    answering(report)
        .filter_map(|server| server.hosts.get(host))
        .flatten()
        .copied()
        .collect()
}
