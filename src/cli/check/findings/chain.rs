//! The chain above, and the parent's servers side by side.

use std::collections::BTreeSet;

use super::{Found, Severity, joined};
use crate::cli::check::report::Report;
use crate::dnssec::Status;

impl Found {
    pub(super) fn chain(&mut self, report: &Report) {
        let why: BTreeSet<String> = report
            .chain
            .reasons
            .iter()
            .map(|reason| format!("at {}: {} [{}]", reason.zone, reason.text, reason.code))
            .collect();
        let why = joined(why);
        match report.chain.status {
            Status::Secure => {}
            // Some of the parent's servers have a DS RRset and others none: told where they are compared.
            Status::Insecure if !report.chain.ds.is_empty() => {}
            Status::Insecure => self.add(
                Severity::Remark,
                "insecure",
                [],
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
                    [],
                    format!("the trust anchor does not fit: {why}"),
                    "check the anchors: --anchors, or `anchors` in the settings",
                )
            }
            Status::Bogus => self.add(
                Severity::Broken,
                "chain-bogus",
                [],
                format!("the chain of trust to {} breaks: {why}", report.zone),
                "this is for whoever runs the zone named; changing yours cannot mend it",
            ),
            Status::Indeterminate => self.add(
                Severity::Unknown,
                "chain-unknown",
                [],
                format!("the chain of trust down to {} cannot be told: {why}", report.zone),
                "run this again; if it stays so, check that DNS over UDP and TCP gets out from here",
            ),
        }
    }

    pub(super) fn parent(&mut self, report: &Report) {
        for server in &report.parent {
            if let Some(problem) = &server.problem {
                self.add(
                    Severity::Warning,
                    "parent-silent",
                    [server.label()],
                    format!("a server of the parent: {problem}"),
                    "run this again; what it says of the zone is not known",
                );
            } else if let Some(Err(how)) = &server.tcp {
                self.add(
                    Severity::Warning,
                    "parent-tcp",
                    [server.label()],
                    format!("a server of the parent over TCP: {how}"),
                    "tell whoever runs it (RFC 7766); see that TCP to port 53 gets out from here",
                );
            }
        }
        let agree = "a change is on its way through the parent's servers: wait until they agree";
        let ds: BTreeSet<_> = report
            .parent
            .iter()
            .filter_map(|server| server.ds.as_ref())
            .collect();
        if ds.len() > 1 {
            let sets: Vec<String> = ds
                .iter()
                .map(|set| format!("({})", joined(set.iter().map(|ds| ds.tag))))
                .collect();
            let text = format!(
                "the parent's servers give different DS sets: {}",
                sets.join(" and ")
            );
            self.add(Severity::Warning, "parent-ds-differs", [], text, agree);
        }
        let ns: BTreeSet<_> = report
            .parent
            .iter()
            .filter(|server| server.problem.is_none())
            .map(|server| &server.ns)
            .collect();
        if ns.len() > 1 {
            let sets: Vec<String> = ns.iter().map(|set| format!("({})", joined(*set))).collect();
            let text = format!(
                "the parent's servers give different delegations: {}",
                sets.join(" and ")
            );
            self.add(Severity::Warning, "parent-ns-differs", [], text, agree);
        }
    }
}
