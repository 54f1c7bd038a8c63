//! What everything that was recorded comes to.

use std::sync::Arc;

use super::event::Ended;
use super::gate::{options, version_words};
use super::state::State;
use super::timeline::timeline;
use crate::continuity::{Version, check};
use crate::moment::Moment;

/// Why there is no verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoVerdict {
    /// Nothing was planned.
    #[error("there is no plan")]
    NoPlan,
    /// The checker refuses the timeline.
    #[error("the timeline of what was seen is not valid: {0}")]
    Timeline(String),
}

/// The continuity of everything recorded, for what the plan's rules say.
///
/// # Errors
/// If there is no plan, or the checker refuses the timeline, which is a fault of this program.
pub fn ended(state: &State) -> Result<Ended, NoVerdict> {
    let plan = state.plan_in_force().ok_or(NoVerdict::NoPlan)?;
    let traced = timeline(&plan, &state.ledger, &state.pool);
    traced
        .timeline
        .validate()
        .map_err(|error| NoVerdict::Timeline(error.to_string()))?;
    let report = check(&traced.timeline, &options(&plan));
    let first = state.ledger.began().map_or(i64::MIN, Moment::ceil_seconds);
    let conflicts = report
        .conflicts
        .iter()
        .map(|conflict| {
            let side = |version: &Option<Arc<Version>>| {
                version
                    .as_ref()
                    .map(|v| version_words(&v.value))
                    .unwrap_or_default()
            };
            let from = Moment::from_seconds(conflict.from);
            let found = if conflict.from <= first {
                " (found at the first look)"
            } else {
                ""
            };
            format!(
                "{} from {from}{found}: {} against {}",
                conflict.rule,
                side(&conflict.left),
                side(&conflict.right)
            )
        })
        // The same pair fails for several classes of resolvers: it is told once.
        .fold(Vec::new(), |mut told: Vec<String>, one| {
            if !told.contains(&one) {
                told.push(one);
            }
            told
        });
    let mut not_checked = report.not_checked.clone();
    if !plan.assumed.is_empty() {
        not_checked.push("what was served before the first look: the move was begun by others".to_owned());
    }
    if plan.sticky_bounded {
        not_checked.push(
            "resolvers that ask a provider for as long as it names itself (--sticky bounded)".to_owned(),
        );
    }
    Ok(Ended {
        plan: state.plan_hash.clone().unwrap_or_default(),
        continuous: report.continuous,
        conflicts,
        not_checked,
    })
}
