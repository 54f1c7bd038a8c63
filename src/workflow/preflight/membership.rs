//! Whether the plan fits the group.

use super::{Finding, refuse};
use crate::workflow::plan::{Plan, Purpose};

/// The leaver must be a member, the newcomer must not, and somebody must be left.
pub(super) fn membership(plan: &Plan) -> Option<Finding> {
    let (member, stranger) = match &plan.purpose {
        Purpose::Join { signer } => (None, Some(signer)),
        Purpose::Leave { signer } => (Some(signer), None),
        Purpose::Migrate { from, to } | Purpose::Fallback { from, to } => (Some(from), Some(to)),
    };
    if let Some(name) = member.filter(|name| !plan.before.contains(name)) {
        let text = format!("{name} is not a signer of {} in the settings", plan.zone);
        return Some(refuse("not-a-member", text, "name a provider of `signers`"));
    }
    if let Some(name) = stranger.filter(|name| plan.before.contains(name)) {
        let text = format!("{name} is a signer of {} already", plan.zone);
        return Some(refuse(
            "already-a-member",
            text,
            "name a provider that is not in `signers`",
        ));
    }
    if let Purpose::Fallback { from, .. } = &plan.purpose
        && plan.before.len() > 1
    {
        let text = format!(
            "{} sign {} together, and a fallback leaves one provider for another",
            plan.before.join(" and "),
            plan.zone
        );
        return Some(refuse(
            "group-of-several",
            text,
            &format!("let the others leave first (unbroken plan leave), until {from} signs alone"),
        ));
    }
    if plan.after.is_empty() {
        return Some(refuse(
            "last-signer",
            "no signer would be left",
            "join another signer first, or migrate",
        ));
    }
    None
}
