//! What stands against time without DS.

use super::{Finding, refuse, warn};
use crate::workflow::insecure::{dane_names, some_names};
use crate::workflow::plan::Plan;
use crate::workflow::state::State;

/// What needs DNSSEC does not work while the zone is insecure (RFC 6698 section 4.1).
pub(super) fn dane(state: &State, plan: &Plan) -> Option<Finding> {
    let names = dane_names(state, plan);
    (!names.is_empty()).then(|| {
        warn(
            "dane-while-insecure",
            format!(
                "TLSA and other records that are worth something only while they are signed: {}",
                some_names(&names)
            ),
            "whoever relies on them does without in the insecure time: mail servers may deliver to anybody, SSH clients ask; \
             take that into account, or stay with a multi-signer move",
        )
    })
}

/// The refusal of a plan with insecure time, where the settings forbid any.
pub fn never_insecure(plan: &Plan) -> Option<Finding> {
    (!plan.purpose.is_multi_signer()).then(|| {
        refuse(
            "never-insecure",
            format!("the settings say that {} is never to be insecure", plan.zone),
            "move it with unbroken plan migrate; or whoever decided that takes `never_insecure` out of the settings",
        )
    })
}
