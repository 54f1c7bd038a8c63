//! The chain of trust as it is now.

use super::{Finding, refuse, warn};
use crate::dnssec::Status;
use crate::workflow::assess::{alone, assess};
use crate::workflow::plan::Plan;
use crate::workflow::repair::heals;
use crate::workflow::state::State;
use crate::workflow::timeline::timeline_with_assumed;

/// Nothing can be proven below a chain that does not hold above.
pub(super) fn above(state: &State) -> Option<Finding> {
    let fault = state.upstream.fault()?;
    Some(refuse(
        "chain-above",
        fault,
        "check the trust anchors and the zones above; nothing can be proven below them",
    ))
}

/// Every server of every member must be secure.
pub(super) fn members(state: &State, plan: &Plan) -> Vec<Finding> {
    let Some(sweep) = &state.last_sweep else {
        return Vec::new();
    };
    let traced = timeline_with_assumed(plan, &state.ledger, &state.pool);
    let verdicts = assess(state, sweep.ended);
    let healed = verdicts.iter().any(|verdict| verdict.status == Status::Bogus)
        && heals(state, plan, &traced, sweep.ended);
    verdicts
        .into_iter()
        .filter(|verdict| plan.before.contains(&verdict.provider))
        // To a leaver that is not named any more no DS has to lead; where resolvers can still hold something of it, that is
        // told of as a mixture.
        .filter(|verdict| verdict.delegated || plan.after.contains(&verdict.provider))
        .filter(|verdict| matches!(verdict.status, Status::Bogus | Status::Insecure))
        .map(|verdict| {
            let word = if verdict.status == Status::Bogus {
                "bogus"
            } else {
                "insecure"
            };
            let text = format!(
                "{} ({}) at {}: {}",
                verdict.server, verdict.address, verdict.provider, verdict.why
            );
            if healed && verdict.status == Status::Bogus {
                return warn(
                    "bogus-now",
                    text,
                    "the plan repairs it with its first steps, which need no wait: carry it out now",
                );
            }
            if verdict.status == Status::Insecure && !plan.purpose.is_multi_signer() {
                return warn(
                    "insecure-now",
                    text,
                    "nothing: the plan goes on from there. Since when it is so nobody can tell, and what may have been in \
                     caches before is counted; no record will show that this part of the insecure time was approved",
                );
            }
            refuse(
                &format!("{word}-now"),
                text,
                "a move starts from a zone that validates at every server: repair it first",
            )
        })
        .collect()
}

/// No DS names a newcomer's keys yet; apart from that, what its servers say must validate.
pub(super) fn newcomers(state: &State, plan: &Plan) -> Vec<Finding> {
    let Some(sweep) = &state.last_sweep else {
        return Vec::new();
    };
    plan.signers
        .iter()
        .filter(|signer| !plan.before.contains(&signer.name))
        .flat_map(|signer| {
            alone(state, &signer.name, sweep.ended)
                .into_iter()
                .map(|(server, address, why)| {
                    refuse(
                        "newcomer-bogus",
                        format!("{server} ({address}) at {}: {why}", signer.name),
                        "let it sign the whole zone afresh before anybody is led to it",
                    )
                })
        })
        .collect()
}
