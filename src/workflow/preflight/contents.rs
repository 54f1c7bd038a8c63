//! Whether the copies of the zone hold the same.

use super::{Finding, refuse, warn};
use crate::workflow::copies::Copies;
use crate::workflow::plan::Plan;
use crate::workflow::state::State;

/// Names, types and data must be the same at all signers; TTLs ought to be; what cannot be read is not known.
pub(super) fn contents(state: &State, plan: &Plan) -> Vec<Finding> {
    let Some(copies) = &state.copies else {
        return vec![unknown(plan, "the copies of the zone were not read")];
    };
    let mut out: Vec<Finding> = copies
        .differing(plan)
        .map(|(pair, _)| differ(&pair.words()))
        .collect();
    out.extend(ttls(copies, plan));
    let unread: Vec<String> = copies
        .unknown(plan)
        .into_iter()
        .map(|(name, why, _)| format!("{name}: {why}"))
        .collect();
    if !unread.is_empty() {
        out.push(unknown(plan, &unread.join("; ")));
    }
    out
}

/// A leave waits for the largest TTL that a leaver served; sampled answers alone would miss some.
pub(super) fn largest_ttls(state: &State, plan: &Plan) -> Vec<Finding> {
    plan.signers
        .iter()
        .filter(|signer| signer.max_ttl == 0 && !state.max_ttl.contains_key(&signer.name))
        .map(|signer| {
            refuse(
                "max-ttl-unknown",
                format!("the zone at {} could not be read, so the largest TTL in it is not known", signer.name),
                "give `max_ttl` in the zone's settings (seconds, the largest TTL of any record), or let the zone be transferred",
            )
        })
        .collect()
}

fn differ(words: &str) -> Finding {
    refuse(
        "contents-differ",
        format!("the copies of the zone differ: {words}"),
        "make them equal, and from then on make every change at both: resolvers will ask either (SOA, apex NS and what \
         DNSSEC adds do not count)",
    )
}

fn ttls(copies: &Copies, plan: &Plan) -> Vec<Finding> {
    copies
        .pairs(plan)
        .filter(|pair| pair.comparison.ttls > 0)
        .map(|pair| {
            warn(
                "ttls-differ",
                format!(
                    "{} records have other TTLs at {} than at {}",
                    pair.comparison.ttls, pair.left, pair.right
                ),
                "the larger one counts in every wait; make them equal if that matters",
            )
        })
        .collect()
}

fn unknown(plan: &Plan, why: &str) -> Finding {
    warn(
        "contents-unknown",
        format!("nobody can tell whether every copy of the zone holds the same: {why}"),
        &format!(
            "compare them by hand; `run` will wait before the first step that leads resolvers elsewhere for: unbroken approve \
             --zone {} contents",
            plan.zone
        ),
    )
}
