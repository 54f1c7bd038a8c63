//! What stands against a plan before anything is touched. `docs/errors.md` lists every code.

mod begun;
mod chain;
mod contents;
mod hosts;
mod insecure;
mod keys;
mod life;
mod membership;
mod parent;
mod servers;
mod signing;

use std::fmt;

pub use insecure::never_insecure;

use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::state::State;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The plan is refused.
    Refuse,
    /// A person should know.
    Warn,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// A stable code.
    pub code: String,
    /// What is so.
    pub text: String,
    /// What to do about it.
    pub remedy: String,
}

impl Finding {
    /// Whether the plan is refused for it.
    pub fn refuses(&self) -> bool {
        self.severity == Severity::Refuse
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Refuse => "refused",
            Severity::Warn => "warning",
        };
        write!(
            f,
            "{word} [{}]: {}\n    remedy: {}",
            self.code, self.text, self.remedy
        )
    }
}

fn refuse(code: &str, text: impl Into<String>, remedy: &str) -> Finding {
    Finding {
        severity: Severity::Refuse,
        code: code.to_owned(),
        text: text.into(),
        remedy: remedy.to_owned(),
    }
}

fn warn(code: &str, text: impl Into<String>, remedy: &str) -> Finding {
    Finding {
        severity: Severity::Warn,
        ..refuse(code, text, remedy)
    }
}

/// Everything found against `plan`, given what was seen; what refuses comes first.
pub fn preflight(state: &State, plan: &Plan) -> Vec<Finding> {
    let now = state.snapshot();
    let mut findings = Vec::new();
    findings.extend(membership::membership(plan));
    findings.extend(chain::above(state));
    findings.extend(begun::changed_since(plan, now));
    findings.extend(begun::sticky(plan));
    findings.extend(begun::begun(state, plan));
    findings.extend(begun::broken(state, plan));
    findings.extend(hosts::addresses(plan, now));
    findings.extend(hosts::shared(plan));
    findings.extend(servers::answers(state));
    findings.extend(servers::blind_spots(state));
    findings.extend(chain::members(state, plan));
    findings.extend(chain::newcomers(state, plan));
    findings.extend(signing::signing(plan, now));
    findings.extend(signing::hashing(state, plan));
    findings.extend(life::lives(state, plan));
    findings.extend(parent::delegation(plan, now));
    findings.extend(parent::digests(plan, now));
    // Keys that never stand in one DNSKEY RRset need not go together.
    if plan.purpose.is_multi_signer() {
        findings.extend(keys::algorithms(plan, now));
        findings.extend(keys::tags(plan, now));
        findings.extend(keys::sizes(state, plan));
    } else {
        findings.extend(insecure::dane(state, plan));
    }
    findings.extend(contents::largest_ttls(state, plan));
    findings.extend(contents::contents(state, plan));
    findings.sort_by_key(|finding| finding.severity);
    findings
}
