//! What is wrong or remarkable, how bad it is, and what to do about it. Pure.

mod automation;
mod chain;
mod denial;
mod ds;
mod keys;
mod names;
mod servers;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::Serialize;

use super::report::{Report, Server};
use crate::dns::Name;

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
    /// The servers that it is about; none: about the zone or its parent as a whole.
    pub(super) at: Vec<String>,
    pub(super) text: String,
    pub(super) remedy: &'static str,
}

/// Everything that is to be said, the worst first; `outside` holds the addresses of hosts outside the zone.
pub(super) fn find(
    report: &Report,
    delegated: &BTreeSet<Name>,
    outside: &BTreeMap<Name, BTreeSet<IpAddr>>,
) -> Vec<Finding> {
    let mut found = Found(Vec::new());
    found.chain(report);
    found.parent(report);
    found.servers(report);
    found.keys(report);
    found.delegation_signer(report);
    found.names(report, delegated);
    found.glue(report, delegated, outside);
    found.automation(report);
    found.denial(report);
    found.0.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found.0
}

struct Found(Vec<Finding>);

impl Found {
    /// Adds a finding; the same at another server becomes one with both.
    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        at: impl IntoIterator<Item = String>,
        text: impl Into<String>,
        remedy: &'static str,
    ) {
        let text = text.into();
        let same = self
            .0
            .iter_mut()
            .find(|one| (one.severity, one.code, &one.text, one.remedy) == (severity, code, &text, remedy));
        match same {
            Some(one) => {
                for label in at {
                    if !one.at.contains(&label) {
                        one.at.push(label);
                    }
                }
            }
            None => self.0.push(Finding {
                severity,
                code,
                at: at.into_iter().collect(),
                text,
                remedy,
            }),
        }
    }
}

/// A server to which nobody is led breaks nothing yet.
fn weigh(server: &Server, severity: Severity) -> Severity {
    if server.reached {
        severity
    } else {
        severity.min(Severity::Warning)
    }
}

/// The servers that answered.
fn answering(report: &Report) -> impl Iterator<Item = &Server> {
    report.servers.iter().filter(|server| server.problem.is_none())
}

/// Those of them to which resolvers are led.
fn led_to(report: &Report) -> impl Iterator<Item = &Server> {
    answering(report).filter(|server| server.reached)
}

/// Servers by what they say.
fn group<'a, T: Ord>(
    servers: impl Iterator<Item = &'a Server>,
    say: impl Fn(&'a Server) -> Option<T>,
) -> BTreeMap<T, Vec<String>> {
    let mut groups: BTreeMap<T, Vec<String>> = BTreeMap::new();
    for server in servers {
        if let Some(said) = say(server) {
            groups.entry(said).or_default().push(server.label());
        }
    }
    groups
}

fn joined<T: ToString>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
