//! The order of changes, as data. Each playbook gives steps and what each must come after; the waits are not here.
//!
//! The order is that of a Model 2 group (RFC 8901) with three rules that draft-ietf-dnsop-dnssec-automation lacks: data
//! signed by a leaver keeps its key until the last copy is gone, the DS of a leaver stays until its DNSKEY RRset is gone,
//! and the leaver's own apex NS RRset is changed too. The gates enforce the first two whatever stands here.

mod fallback;
mod join;
mod leave;
mod migrate;

use std::collections::BTreeSet;

pub use fallback::fallback;
pub use join::{hold, join};
pub use leave::leave;
pub use migrate::migrate;

use super::plan::{Intent, Step, StepId};

/// Collects steps; each follows all of the given ones.
#[derive(Debug, Default)]
pub struct Steps(Vec<Step>);

impl Steps {
    /// Adds a step and gives its name.
    pub fn add(
        &mut self,
        name: &str,
        after: &BTreeSet<StepId>,
        intent: Intent,
        why: &str,
        undo: &str,
    ) -> StepId {
        let id = StepId(format!("{:02}-{name}", self.0.len() + 1));
        self.0.push(Step {
            id: id.clone(),
            intent,
            why: why.to_owned(),
            undo: undo.to_owned(),
            after: after.clone(),
            approval: false,
        });
        id
    }

    /// The same for a step that a person must approve, whatever the settings say.
    pub fn add_approved(
        &mut self,
        name: &str,
        after: &BTreeSet<StepId>,
        intent: Intent,
        why: &str,
        undo: &str,
    ) -> StepId {
        let id = self.add(name, after, intent, why, undo);
        if let Some(step) = self.0.last_mut() {
            step.approval = true;
        }
        id
    }

    /// The steps in order.
    pub fn finish(self) -> Vec<Step> {
        self.0
    }
}

/// The names that `group` has besides `one`.
fn others(group: &[String], one: &str) -> Vec<String> {
    group.iter().filter(|name| *name != one).cloned().collect()
}
