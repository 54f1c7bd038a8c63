//! Each server by itself: does it answer, with authority, over UDP and TCP, and does it validate.

use std::time::Duration;

use super::{Found, Severity, weigh};
use crate::cli::check::report::{Problem, Report, Server};
use crate::cli::check::sizes::SAFE;
use crate::dnssec::Status;
use crate::evidence::Place;
use crate::report::spell;

/// Of its whole life a signature must have this part left: signers renew at a third (BIND) or a tenth (Knot DNS) at the
/// latest, so less says that nobody renews any more.
const LEAST_PART: u64 = 12;

impl Found {
    pub(super) fn servers(&mut self, report: &Report) {
        for server in &report.servers {
            match &server.problem {
                Some(problem) => self.problem(server, problem),
                None => {
                    self.verdict(server, report);
                    self.transport(server, report);
                    self.signatures(server, report);
                }
            }
            if !server.reached {
                self.add(
                    Severity::Remark,
                    "not-delegated",
                    [server.label()],
                    "no resolver is led to it: neither the delegation nor the zone's NS records name it",
                    "nothing, before it joins; what is wrong with it is only warned of",
                );
            }
        }
        for spot in &report.blind {
            if spot.address.is_none() && matches!(spot.place, Place::Provider(_)) {
                self.add(
                    Severity::Warning,
                    "no-address",
                    [spot.server.to_string()],
                    format!("it was not asked: {}", spot.why),
                    "give the name an address, or take it out of the NS records",
                );
            }
        }
        let seen = |server: &Server| server.reached && server.problem != Some(Problem::NoRoute);
        if !report.servers.iter().any(seen) {
            self.add(
                Severity::Unknown,
                "no-server",
                [],
                "no server of the delegation could be asked",
                "look at the delegation: its names have no address that can be found, or none with a route from here",
            );
        }
    }

    fn problem(&mut self, server: &Server, problem: &Problem) {
        match problem {
            Problem::NoRoute => self.add(
                Severity::Remark,
                "no-route",
                [server.label()],
                "there is no route to it from here; it was not seen",
                "run this from a machine that has IPv6 (or IPv4) too",
            ),
            Problem::Timeout => self.add(
                weigh(server, Severity::Unknown),
                "no-answer",
                [server.label()],
                "no answer in time",
                "run this again; if it stays silent, take it out of the NS records or mend it",
            ),
            Problem::Failed(said) => self.add(
                weigh(server, Severity::Unknown),
                "no-answer",
                [server.label()],
                said.clone(),
                "see that the server runs, and that it can be reached on port 53",
            ),
            Problem::Lame(how) => self.add(
                weigh(server, Severity::Broken),
                "lame",
                [server.label()],
                format!("it does not serve the zone: {how}"),
                "let the server load the zone, or take it out of the NS records",
            ),
        }
    }

    fn verdict(&mut self, server: &Server, report: &Report) {
        let why: Vec<String> = server
            .reasons
            .iter()
            .map(|said| format!("{} [{}]", said.reason.text, said.reason.code))
            .take(3)
            .collect();
        let why = if why.is_empty() {
            "not every question was answered".to_owned()
        } else {
            why.join("; ")
        };
        match server.verdict {
            Status::Bogus if report.chain.status != Status::Bogus => self.add(
                weigh(server, Severity::Broken),
                "bogus",
                [server.label()],
                format!("what it serves does not validate: {why}"),
                "resolvers that ask it fail: mend what is named before anything else is changed",
            ),
            Status::Indeterminate if report.chain.status != Status::Indeterminate => self.add(
                weigh(server, Severity::Unknown),
                "server-unknown",
                [server.label()],
                format!("it cannot be told whether what it serves validates: {why}"),
                "run this again",
            ),
            _ => {}
        }
    }

    /// TCP, EDNS, and whether it keeps to the size that it was offered.
    fn transport(&mut self, server: &Server, report: &Report) {
        let needed = server.sizes.as_ref().is_some_and(|sizes| sizes.safe.truncated);
        match &server.tcp {
            Some(Err(how)) if needed => self.add(
                weigh(server, Severity::Broken),
                "tcp-needed",
                [server.label()],
                format!("its DNSKEY answer does not fit into {SAFE} octets, and over TCP: {how}"),
                "open TCP port 53 (RFC 7766): resolvers cannot get the keys; fewer or smaller keys help too",
            ),
            Some(Err(how)) => self.add(
                Severity::Warning,
                "tcp",
                [server.label()],
                format!("over TCP: {how}"),
                "open TCP port 53 (RFC 7766): large answers, such as DNSKEY sets in a move, need it",
            ),
            _ => {}
        }
        let Some(sizes) = &server.sizes else { return };
        if sizes.safe.octets.is_some() && sizes.safe.edns.is_none() {
            self.add(
                // Where nothing is secured, nobody misses the signatures.
                match report.chain.status {
                    Status::Insecure => Severity::Warning,
                    _ => weigh(server, Severity::Broken),
                },
                "no-edns",
                [server.label()],
                "it answers without EDNS, so it gives no signatures (RFC 6891, RFC 4035 section 3)",
                "let it speak EDNS, or the firewall before it let EDNS through",
            );
        }
        if let Some(failure) = &sizes.safe.failure {
            self.add(
                Severity::Warning,
                "udp-lost",
                [server.label()],
                format!("the DNSKEY answer does not come over UDP with {SAFE} octets offered: {failure}"),
                "see what drops it on the way: a firewall, or fragments",
            );
        }
        for probe in [&sizes.safe, &sizes.plain] {
            if probe.is_oversize() {
                self.add(
                    Severity::Warning,
                    "udp-oversize",
                    [server.label()],
                    format!(
                        "it sends {} octets over UDP where {} were offered",
                        probe.octets.unwrap_or_default(),
                        probe.offered
                    ),
                    "let it keep to the payload of the question (RFC 6891 section 6.2.3): fragments are lost",
                );
            } else if !probe.truncated && probe.octets.is_some() && probe.keys < server.dnskeys.len() {
                self.add(
                    Severity::Warning,
                    "udp-cut",
                    [server.label()],
                    format!(
                        "with {} octets offered it leaves keys out and does not set TC",
                        probe.offered
                    ),
                    "let it set TC (RFC 2181 section 9): resolvers take the part for the whole and fail",
                );
            }
        }
        if let Some(octets) = sizes.dnskey_answer.filter(|octets| *octets > usize::from(SAFE)) {
            self.add(
                Severity::Remark,
                "dnskey-answer-large",
                [server.label()],
                format!("its DNSKEY answer has {octets} octets, so resolvers ask for it over TCP"),
                "fewer or smaller keys (algorithm 13) avoid that",
            );
        }
    }

    fn signatures(&mut self, server: &Server, report: &Report) {
        if let (Some(until), Some(life)) = (server.expires, server.life) {
            let left = until.since(report.at).as_secs();
            if left > 0 && left < life / LEAST_PART {
                self.add(
                    Severity::Warning,
                    "expires-soon",
                    [server.label()],
                    format!(
                        "a signature expires at {until}: {} are left of {}",
                        spell(Duration::from_secs(left)),
                        spell(Duration::from_secs(life))
                    ),
                    "see that the signer still signs: one that renews would have done so by now",
                );
            }
        }
        if !server.data_signers.is_empty() && !server.unknown_signers.is_empty() {
            let tags: Vec<String> = server
                .unknown_signers
                .iter()
                .map(|(tag, algorithm)| format!("{tag} (algorithm {algorithm})"))
                .collect();
            self.add(
                Severity::Remark,
                "signature-without-key",
                [server.label()],
                format!(
                    "beside good signatures there are some of a key that is not in its DNSKEY RRset: {}",
                    tags.join(", ")
                ),
                "nothing in an algorithm roll (RFC 6781 section 4.1.4); else a key was taken out too early",
            );
        }
    }
}
