//! How absence is proven: NSEC, NSEC3 and its parameters (RFC 9276), one signer beside another.

use std::collections::BTreeSet;

use super::{Found, Severity, answering, led_to, weigh};
use crate::cli::check::report::{Nsec3, Report};
use crate::cli::check::signers::signers;
use crate::dnssec::Status;
use crate::dnssec::policy::NSEC3_ITERATION_LIMIT;

/// Beyond this BIND fails (RFC 9276 leaves the number to validators).
const FAILS_ABOVE: u16 = 50;

impl Found {
    pub(super) fn denial(&mut self, report: &Report) {
        for server in answering(report) {
            for nsec3 in &server.nsec3 {
                if nsec3.iterations > FAILS_ABOVE {
                    self.add(
                        // Nobody reads the proofs of a zone that is not secured.
                        match report.chain.status {
                            Status::Insecure => Severity::Warning,
                            _ => weigh(server, Severity::Broken),
                        },
                        "nsec3-too-many-iterations",
                        [server.label()],
                        format!(
                            "NSEC3 with {} iterations: validators fail, or above {NSEC3_ITERATION_LIMIT} take the answer as insecure",
                            nsec3.iterations
                        ),
                        "iterations 0 and an empty salt, or NSEC (RFC 9276)",
                    );
                } else if nsec3.iterations > 0 {
                    self.add(
                        Severity::Warning,
                        "nsec3-iterations",
                        [server.label()],
                        format!("NSEC3 with {} iterations", nsec3.iterations),
                        "iterations 0 (RFC 9276): more costs servers and validators, and some will refuse it",
                    );
                }
                if !nsec3.salt.is_empty() {
                    self.add(
                        Severity::Remark,
                        "nsec3-salt",
                        [server.label()],
                        format!("NSEC3 with the salt {}", nsec3.salt),
                        "an empty salt (RFC 9276): it protects nothing",
                    );
                }
            }
            if server.nsec3.iter().any(|nsec3| nsec3.opt_out) {
                self.add(
                    Severity::Remark,
                    "nsec3-opt-out",
                    [server.label()],
                    "NSEC3 with opt-out: names can be put between without a signature",
                    "no opt-out, but for a zone of very many delegations (RFC 9276)",
                );
            }
        }
        self.within_a_signer(report);
        let kinds: BTreeSet<&str> = led_to(report).filter_map(|server| server.denial).collect();
        if kinds.len() > 1 {
            self.add(
                Severity::Remark,
                "denial-mixed",
                [],
                "some servers prove absence by NSEC and some by NSEC3: each validates",
                "one kind for all where that is possible (RFC 8901 section 5): NSEC gives away the names that NSEC3 hides",
            );
        }
    }

    /// The servers of one signer have one chain.
    fn within_a_signer(&mut self, report: &Report) {
        for signer in signers(&report.servers) {
            let mut chains: BTreeSet<(u16, &str)> = BTreeSet::new();
            let mut at: Vec<String> = Vec::new();
            for server in signer.iter().filter_map(|index| report.servers.get(*index)) {
                let own: BTreeSet<(u16, &str)> = server.nsec3.iter().map(parameters).collect();
                if !own.is_empty() {
                    at.push(server.label());
                    chains.extend(own);
                }
            }
            if chains.len() > 1 {
                let told: Vec<String> = chains
                    .iter()
                    .map(|(iterations, salt)| {
                        let salt = if salt.is_empty() { "-" } else { salt };
                        format!("{iterations} {salt}")
                    })
                    .collect();
                self.add(
                    Severity::Warning,
                    "nsec3-differs",
                    at,
                    format!(
                        "one signer shows NSEC3 of different parameters (iterations and salt): {}",
                        told.join(", ")
                    ),
                    "wait and run this again: the chain is being changed, or a server lags",
                );
            }
        }
    }
}

fn parameters(nsec3: &Nsec3) -> (u16, &str) {
    (nsec3.iterations, nsec3.salt.as_str())
}
