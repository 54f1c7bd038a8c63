//! What one look comes to: a decision, which the journal holds and the runner carries out.

use serde::{Deserialize, Serialize};

use super::gate::Gate;
use super::plan::StepId;
use crate::moment::Moment;
use crate::ports::RrsetChange;

/// Until when something has to be done, from what was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// The moment, Unix seconds; none: none is known.
    pub at: Option<i64>,
    /// What happens then, or why there is no hurry.
    pub why: String,
}

/// What to do now, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "decision")]
pub enum Decision {
    /// Nothing was seen yet, or not enough: look.
    Look {
        /// What is missing.
        why: String,
    },
    /// Keys of this provider must be authenticated before they go anywhere.
    Authenticate {
        /// Whose.
        provider: String,
        /// Which keys, `tag/algorithm/fingerprint`.
        keys: Vec<String>,
    },
    /// The copies of the zone must be read and compared.
    Compare {
        /// At these providers.
        providers: Vec<String>,
        /// Why now.
        why: String,
    },
    /// Take this step.
    Act {
        /// Which.
        step: StepId,
        /// Through which provider; none: the parent.
        provider: Option<String>,
        /// The changes.
        changes: Vec<RrsetChange>,
        /// The gate, open.
        gate: Gate,
    },
    /// This step is seen to be done.
    Proven {
        /// Which.
        step: StepId,
    },
    /// Not yet.
    Wait {
        /// For which step.
        step: StepId,
        /// The first second at which it may be taken, Unix time; none: not known, it depends on what is seen.
        until: Option<i64>,
        /// Why, in words.
        why: String,
        /// The gate, if that is what it waits for.
        gate: Option<Gate>,
    },
    /// A person has to do something, or say yes.
    Person {
        /// A step's name, `blind-spots`, `contents`, `resign`, `sticky`, or `own-cds-at-` and a provider.
        what: String,
        /// What, in words that can be pasted.
        text: String,
        /// Whether `approve` is what is asked for; else it is seen by itself.
        approve: bool,
    },
    /// A person must decide.
    Halt {
        /// What happened.
        what: String,
        /// What is safe now, and what must not be touched.
        #[serde(default)]
        safe: String,
        /// Until when it has to be done.
        #[serde(default)]
        by: By,
        /// What can be done.
        choices: Vec<String>,
    },
    /// Every step is proven.
    Complete,
}

impl Decision {
    /// Whether it says the same as another, details aside that change with every sweep.
    pub fn same_as(&self, other: &Decision) -> bool {
        match (self, other) {
            (
                Decision::Wait {
                    step: a,
                    until: t,
                    why: x,
                    gate: g,
                },
                Decision::Wait {
                    step: b,
                    until: u,
                    why: y,
                    gate: h,
                },
            ) => a == b && t == u && g.is_some() == h.is_some() && (g.is_some() || x == y),
            (Decision::Halt { what: a, .. }, Decision::Halt { what: b, .. }) => a == b,
            (a, b) => a == b,
        }
    }
}

/// What is done first when several steps are ready.
pub(super) fn urgency(decision: &Decision) -> (u8, i64) {
    match decision {
        Decision::Proven { .. } => (0, 0),
        Decision::Look { .. } | Decision::Authenticate { .. } | Decision::Compare { .. } => (1, 0),
        Decision::Act { .. } => (2, 0),
        Decision::Halt { .. } => (3, 0),
        Decision::Person { .. } => (4, 0),
        Decision::Wait { until, .. } => (5, until.unwrap_or(i64::MAX)),
        Decision::Complete => (6, 0),
    }
}

/// For a decision of `Wait`, the moment at which looking again is worth it.
pub fn wake(decision: &Decision) -> Option<Moment> {
    match decision {
        Decision::Wait {
            until: Some(until), ..
        } => Some(Moment::from_seconds(*until)),
        _ => None,
    }
}
