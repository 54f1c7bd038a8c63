//! What is wrong or remarkable, how bad it is, and what to do about it. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::inspect::{Problem, Report, Server};
use crate::dns::Name;
use crate::dnssec::{KeyId, Status};
use crate::ports::Topology;

/// How bad it is; the worst is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Severity {
    /// Worth knowing.
    Remark,
    /// Holds now, and may not for long or not for everybody.
    Warning,
    /// Cannot be told from here and now.
    Unknown,
    /// Does not hold: resolvers fail, or will as soon as they ask the wrong server.
    Broken,
}

/// One thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    /// A stable word to script against.
    pub(super) code: &'static str,
    pub(super) text: String,
    pub(super) remedy: &'static str,
}

/// Signatures that expire sooner than this are warned of, seconds.
const SOON: u64 = 24 * 3600;

/// Everything that is to be said.
pub(super) fn find(report: &Report, topology: &Topology) -> Vec<Finding> {
    let mut found = Found(Vec::new());
    found.chain(report);
    found.parent(report);
    found.servers(report);
    found.names(report, topology);
    found.keys(report);
    found.automation(report);
    found.0.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found.0
}

struct Found(Vec<Finding>);

impl Found {
    fn add(&mut self, severity: Severity, code: &'static str, text: String, remedy: &'static str) {
        self.0.push(Finding {
            severity,
            code,
            text,
            remedy,
        });
    }

    fn chain(&mut self, report: &Report) {
        let why: BTreeSet<String> = report
            .chain
            .reasons
            .iter()
            .map(|reason| format!("at {}: {}", reason.zone, reason.text))
            .collect();
        let why = joined(why);
        match report.chain.status {
            Status::Secure => {}
            Status::Insecure => self.add(
                Severity::Remark,
                "insecure",
                format!(
                    "{} is not secured: no chain of trust is meant to lead to it",
                    report.zone
                ),
                "if it is to be secured, give its DS records to the parent",
            ),
            Status::Bogus
                if report
                    .chain
                    .zones
                    .first()
                    .is_some_and(|link| link.1 == Status::Bogus) =>
            {
                self.add(
                    Severity::Broken,
                    "anchor",
                    format!("the trust anchor does not fit: {why}"),
                    "check the anchors: --anchors, or `anchors` in the settings",
                )
            }
            Status::Bogus => self.add(
                Severity::Broken,
                "chain-bogus",
                format!("the chain of trust to {} breaks: {why}", report.zone),
                "this is for whoever runs the zone named; changing yours cannot mend it",
            ),
            Status::Indeterminate => self.add(
                Severity::Unknown,
                "chain-unknown",
                format!("the chain of trust down to {} cannot be told: {why}", report.zone),
                "run this again; if it stays so, check that DNS over UDP and TCP gets out from here",
            ),
        }
    }

    fn parent(&mut self, report: &Report) {
        for server in &report.parent {
            if let Some(problem) = &server.problem {
                self.add(
                    Severity::Warning,
                    "parent-silent",
                    format!(
                        "the parent's server {} ({}): {problem}",
                        server.server, server.address
                    ),
                    "run this again; what one of the parent's servers says is not known",
                );
            }
        }
        let ds: BTreeSet<_> = report
            .parent
            .iter()
            .filter_map(|server| server.ds.as_ref())
            .collect();
        if ds.len() > 1 {
            self.add(
                Severity::Warning,
                "parent-ds-differs",
                "the parent's servers give different DS sets".to_owned(),
                "a change is on its way through the parent's servers: wait until they agree",
            );
        }
        let ns: BTreeSet<_> = report
            .parent
            .iter()
            .filter(|server| server.problem.is_none())
            .map(|server| &server.ns)
            .collect();
        if ns.len() > 1 {
            self.add(
                Severity::Warning,
                "parent-ns-differs",
                "the parent's servers give different delegations".to_owned(),
                "a change is on its way through the parent's servers: wait until they agree",
            );
        }
    }

    fn servers(&mut self, report: &Report) {
        for server in &report.servers {
            self.server(server, report);
        }
        if report.servers.is_empty() {
            self.add(
                Severity::Unknown,
                "no-server",
                "no server of the zone could be asked".to_owned(),
                "look at the delegation: its names have no address that can be found",
            );
        }
    }

    fn server(&mut self, server: &Server, report: &Report) {
        let who = label(server);
        match &server.problem {
            Some(Problem::NoRoute) => {
                return self.add(
                    Severity::Remark,
                    "no-route",
                    format!("{who}: there is no route to it from here; it was not seen"),
                    "run this from a machine that has IPv6 (or IPv4) too",
                );
            }
            Some(Problem::Timeout) => {
                return self.add(
                    Severity::Unknown,
                    "no-answer",
                    format!("{who}: no answer in time"),
                    "run this again; if it stays silent, take it out of the NS records or mend it",
                );
            }
            Some(Problem::Failed(said)) => {
                return self.add(
                    Severity::Unknown,
                    "no-answer",
                    format!("{who}: {said}"),
                    "see that the server runs, and that it can be reached on port 53",
                );
            }
            Some(Problem::Lame(how)) => {
                return self.add(
                    Severity::Broken,
                    "lame",
                    format!("{who} does not serve the zone: {how}"),
                    "let the server load the zone, or take it out of the NS records",
                );
            }
            None => {}
        }
        let why: Vec<&str> = server.reasons.iter().map(|reason| reason.text.as_str()).collect();
        match server.verdict {
            Status::Bogus if report.chain.status != Status::Bogus => self.add(
                Severity::Broken,
                "bogus",
                format!("{who} is bogus: {}", why.join("; ")),
                "resolvers that ask this server fail: mend what is named before anything else is changed",
            ),
            Status::Indeterminate if report.chain.status != Status::Indeterminate => self.add(
                Severity::Unknown,
                "server-unknown",
                format!(
                    "{who} cannot be told: {}",
                    or(&why, "not every question was answered")
                ),
                "run this again",
            ),
            _ => {}
        }
        if let Some(Err(how)) = &server.tcp {
            self.add(
                Severity::Warning,
                "tcp",
                format!("{who} over TCP: {how}"),
                "open TCP port 53 (RFC 7766): large answers, such as DNSKEY sets in a move, need it",
            );
        }
        if let Some(until) = server.expires {
            let left = until.since(report.at).as_secs();
            if left > 0 && left < SOON {
                self.add(
                    Severity::Warning,
                    "expires-soon",
                    format!("{who}: a signature expires at {until}"),
                    "see that the signer still signs",
                );
            }
        }
    }

    /// NS at the parent and at the apex.
    fn names(&mut self, report: &Report, topology: &Topology) {
        let delegated: BTreeSet<Name> = report
            .parent
            .iter()
            .flat_map(|server| &server.ns)
            .cloned()
            .collect();
        let delegated: BTreeSet<Name> = if delegated.is_empty() {
            topology
                .delegated
                .iter()
                .map(|server| server.name.clone())
                .collect()
        } else {
            delegated
        };
        for (ns, servers) in group(&report.servers, |server| server.ns.as_ref()) {
            let missing = joined(delegated.difference(ns));
            let more = joined(ns.difference(&delegated));
            let text = match (missing.is_empty(), more.is_empty()) {
                (true, true) => continue,
                (false, true) => format!("the delegation names {missing} too"),
                (true, false) => format!("they name {more}, and the delegation does not"),
                (false, false) => format!("the delegation names {missing}, and they name {more}"),
            };
            self.add(
                Severity::Warning,
                "ns-mismatch",
                format!(
                    "NS records differ from the parent's at {}: {text}",
                    servers.join(", ")
                ),
                "outside a move, make the NS records at the apex and at the parent the same",
            );
        }
        let serials: BTreeSet<u32> = report.servers.iter().filter_map(|server| server.serial).collect();
        if serials.len() > 1 {
            let serials: Vec<String> = serials.iter().map(u32::to_string).collect();
            self.add(
                Severity::Remark,
                "serials",
                format!("SOA serials differ: {}", serials.join(", ")),
                "several signers count by themselves; of one provider, a server may lag",
            );
        }
    }

    /// Every key that signs data anywhere must be in every server's DNSKEY RRset.
    fn keys(&mut self, report: &Report) {
        let mut lacking: BTreeMap<&KeyId, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
        for signs in &report.servers {
            for key in &signs.data_signers {
                for holds in &report.servers {
                    if holds.keys.as_ref().is_some_and(|keys| !keys.contains(key)) {
                        let (at, not_at) = lacking.entry(key).or_default();
                        at.insert(label(signs));
                        not_at.insert(label(holds));
                    }
                }
            }
        }
        let secured = report.chain.status == Status::Secure;
        for (key, (at, not_at)) in lacking {
            let (at, not_at) = (joined(&at), joined(&not_at));
            self.add(
                if secured {
                    Severity::Broken
                } else {
                    Severity::Warning
                },
                "key-not-shared",
                format!("key {key} signs data at {at}, and is not in the DNSKEY RRset at {not_at}"),
                "add the key to every signer's DNSKEY RRset before both are asked (RFC 8901 section 4.2)",
            );
        }
        if secured {
            self.algorithms(report);
        }
    }

    /// A strict validator wants a path for every algorithm in the DS RRset (RFC 4035 section 2.2).
    fn algorithms(&mut self, report: &Report) {
        let wanted: BTreeSet<u8> = report.chain.ds.iter().flatten().map(|ds| ds.algorithm).collect();
        for server in report.servers.iter().filter(|server| server.problem.is_none()) {
            for algorithm in &wanted {
                let has = |keys: &BTreeSet<KeyId>| keys.iter().any(|key| key.key().algorithm == *algorithm);
                if !has(&server.key_signers) || !has(&server.data_signers) {
                    self.add(
                        Severity::Warning,
                        "algorithm",
                        format!(
                            "{} does not sign with algorithm {algorithm}, which the DS RRset names",
                            label(server)
                        ),
                        "validators that insist on every algorithm fail: let all signers use the same",
                    );
                }
            }
        }
    }

    /// CDS and CDNSKEY: what a parent that polls would do.
    fn automation(&mut self, report: &Report) {
        let sets = group(&report.servers, |server| server.cds.as_ref());
        if sets.len() > 1 {
            let servers: Vec<String> = sets.values().map(|servers| servers.join(", ")).collect();
            self.add(
                Severity::Warning,
                "cds-differs",
                format!("CDS sets differ between {}", servers.join(" and ")),
                "publish the union of all signers' CDS at every signer, or none: a parent that polls could drop a DS",
            );
        }
        for (cds, servers) in &sets {
            if cds.is_empty() || report.chain.ds.is_empty() || report.chain.ds.contains(cds) {
                continue;
            }
            let tags: BTreeSet<String> = cds.iter().map(|ds| ds.tag.to_string()).collect();
            self.add(
                Severity::Warning,
                "cds-not-ds",
                format!(
                    "the CDS set at {} (keys {}) is not the DS set: a parent that polls would change it",
                    servers.join(", "),
                    joined(&tags)
                ),
                "if no rollover is under way, make the CDS set the DS set, at every signer",
            );
        }
    }
}

/// Servers by what they say.
fn group<'a, T: Ord>(
    servers: &'a [Server],
    say: impl Fn(&'a Server) -> Option<&'a T>,
) -> BTreeMap<&'a T, Vec<String>> {
    let mut groups: BTreeMap<&T, Vec<String>> = BTreeMap::new();
    for server in servers {
        if let Some(said) = say(server) {
            groups.entry(said).or_default().push(label(server));
        }
    }
    groups
}

/// A server for people.
pub(super) fn label(server: &Server) -> String {
    format!("{} {}", server.server, short(server.address))
}

/// An address without the port that everybody expects.
pub(super) fn short(address: std::net::SocketAddr) -> String {
    if address.port() == 53 {
        address.ip().to_string()
    } else {
        address.to_string()
    }
}

fn joined<T: ToString>(names: impl IntoIterator<Item = T>) -> String {
    names
        .into_iter()
        .map(|name| name.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

fn or(words: &[&str], instead: &str) -> String {
    if words.is_empty() {
        instead.to_owned()
    } else {
        words.join("; ")
    }
}
