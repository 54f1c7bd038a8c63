//! From answers to a report: the chain above, the delegation, each server by its own answers, and who is led to. Pure.

use std::collections::BTreeSet;

use super::gather::Looked;
use super::report::{Chain, DsRow, ParentServer, Problem, Report, Server, label, worse};
use super::seen::Answers;
use super::server::Bench;
use super::{Rules, findings, waits};
use crate::dns::{Name, Rtype};
use crate::dnssec::offline::Captured;
use crate::dnssec::{Anchors, Ds, KeyId, Memo, Status};
use crate::moment::Moment;
use crate::ports::{SweepRequest, Topology};

impl Report {
    /// Judges everything at the moment `at`.
    pub(super) fn inspect(
        looked: Looked,
        answers: &Answers,
        anchors: &Anchors,
        rules: &Rules,
        at: Moment,
    ) -> Report {
        let topology = &looked.request.topology;
        let seconds = at.floor_seconds();
        let mut chain = Chain::above(topology, answers, anchors, seconds);
        let mut parent: Vec<ParentServer> = answers
            .addresses(true)
            .map(|address| ParentServer::inspect(address, topology, answers, &chain, seconds))
            .collect();
        let hosts: Vec<Name> = parent.iter().map(|server| server.server.clone()).collect();
        for server in &mut parent {
            server.label = label(&server.server, server.address, &hosts);
        }
        chain.reach(&topology.zone, &parent, anchors);
        let bench = Bench {
            zone: &topology.zone,
            answers,
            anchors,
            above: answers.captured_above(),
            delegations: delegations(topology, answers, &chain, &parent),
            chain: chain.status,
            has_ds: !chain.ds.is_empty(),
            at: seconds,
            memo: Memo::remembering(),
        };
        let mut servers: Vec<Server> = answers
            .addresses(false)
            .map(|address| bench.server(address))
            .collect();
        let hosts: Vec<Name> = servers.iter().map(|server| server.server.clone()).collect();
        let inner = looked.request.inner_hosts();
        for server in &mut servers {
            server.sizes = looked.sizes.get(&server.address).cloned();
            server.label = label(&server.server, server.address, &hosts);
            server.hosts.retain(|host, _| inner.contains(host));
        }
        let delegated = delegated(&parent, topology);
        lead(&mut servers, &delegated);
        let mut report = Report {
            zone: topology.zone.clone(),
            at,
            verdict: verdict(&servers),
            ds: ds_rows(&topology.zone, &chain, &servers),
            chain,
            parent,
            servers,
            findings: Vec::new(),
            changes: None,
            blind: looked.blind,
            not_checked: not_checked(&looked.request),
        };
        report.changes = waits::waits(&report, topology, &delegated, rules);
        report.findings = findings::find(&report, &delegated, &looked.outside);
        report
    }
}

/// The names of the delegation.
fn delegated(parent: &[ParentServer], topology: &Topology) -> BTreeSet<Name> {
    let named: BTreeSet<Name> = parent.iter().flat_map(|server| &server.ns).cloned().collect();
    if named.is_empty() {
        topology
            .delegated
            .iter()
            .map(|server| server.name.clone())
            .collect()
    } else {
        named
    }
}

/// One of the parent's answers for each DS set that the zone is judged under.
fn delegations(
    topology: &Topology,
    answers: &Answers,
    chain: &Chain,
    parent: &[ParentServer],
) -> Vec<Captured> {
    chain
        .ds
        .iter()
        .filter_map(|ds| {
            let server = parent.iter().find(|server| server.ds.as_ref() == Some(ds))?;
            let address = answers
                .addresses(true)
                .find(|address| address.address == server.address)?;
            answers.captured_one(address, &topology.zone, Rtype::DS)
        })
        .collect()
}

/// Marks the servers that resolvers are led to: by the delegation, and by the NS records of those.
fn lead(servers: &mut [Server], delegated: &BTreeSet<Name>) {
    let mut named = delegated.clone();
    loop {
        for server in servers.iter_mut() {
            server.reached |= named.contains(&server.server);
        }
        let before = named.len();
        let more = servers
            .iter()
            .filter(|server| server.reached)
            .flat_map(|server| server.ns.iter().flatten())
            .cloned();
        named.extend(more);
        if named.len() == before {
            return;
        }
    }
}

/// The worst of those that are led to and can be reached from here.
fn verdict(servers: &[Server]) -> Status {
    servers
        .iter()
        .filter(|server| server.reached && server.problem != Some(Problem::NoRoute))
        .map(|server| server.verdict)
        .reduce(worse)
        .unwrap_or(Status::Indeterminate)
}

/// Which server holds the key of which DS record, and where it signs.
fn ds_rows(zone: &Name, chain: &Chain, servers: &[Server]) -> Vec<DsRow> {
    let records: BTreeSet<&Ds> = chain.ds.iter().flatten().collect();
    records
        .into_iter()
        .map(|ds| {
            let key: Option<KeyId> = servers
                .iter()
                .flat_map(|server| &server.dnskeys)
                .find(|key| ds.matches(zone, key))
                .map(|key| key.id());
            let labels = |holds: &dyn Fn(&Server, &KeyId) -> bool| match &key {
                None => Vec::new(),
                Some(key) => servers
                    .iter()
                    .filter(|server| holds(server, key))
                    .map(Server::label)
                    .collect(),
            };
            DsRow {
                held_at: labels(&|server, key| server.keys.as_ref().is_some_and(|keys| keys.contains(key))),
                signs_at: labels(&|server, key| server.key_signers.contains(key)),
                ds: ds.clone(),
                key,
            }
        })
        .collect()
}

/// What this command does not look at, so that nobody takes silence for a yes.
fn not_checked(request: &SweepRequest) -> Vec<String> {
    let mut out = vec![
        "what the servers say elsewhere (anycast), and what was served before".to_owned(),
        "the records below the apex, and whether the copies are equal (`unbroken zone verify`, `zone compare`)"
            .to_owned(),
        "CSYNC, `_dsboot` names, and what the registrar holds".to_owned(),
    ];
    let probes = &request.probes;
    if probes.positive.is_none() || probes.wildcard.is_none() {
        let lacking = match (&probes.positive, &probes.wildcard) {
            (None, None) => "a name with data and a wildcard",
            (None, _) => "a name with data",
            _ => "a wildcard",
        };
        out.push(format!("{lacking}: none is given in `probes` of the settings"));
    }
    out
}
