//! Whether signatures are renewed in time.

use super::{Finding, refuse, warn};
use crate::evidence::Place;
use crate::workflow::forecast::forecast;
use crate::workflow::ledger::{Stream, StreamKey};
use crate::workflow::plan::Plan;
use crate::workflow::state::State;

/// Of its whole life a signature must have this part left: signers renew at a third (BIND) or a tenth (Knot DNS) at the
/// latest, so less says that nobody renews any more.
const LEAST_PART: i64 = 12;

/// The signatures of one signer that expire first.
struct Life {
    what: String,
    whole: i64,
    left: i64,
}

/// Signatures that will expire before the plan can be done must be renewed on the way: told of; and where so little of
/// their life is left that a signer which renews would have done so, refused.
pub(super) fn lives(state: &State, plan: &Plan) -> Vec<Finding> {
    let Some(sweep) = &state.last_sweep else {
        return Vec::new();
    };
    let now = sweep.ended.floor_seconds();
    let needed = length(state, plan, now);
    plan.signers
        .iter()
        .filter_map(|signer| {
            let life = shortest(state, &signer.name, now)?;
            judge(&signer.name, &life, needed)
        })
        .collect()
}

fn judge(name: &str, life: &Life, needed: i64) -> Option<Finding> {
    let text = format!(
        "{} at {name} is valid for another {}, of {} in all; the plan takes at least {}",
        life.what,
        words(life.left),
        words(life.whole),
        words(needed)
    );
    if life.left > needed {
        None
    } else if life.left < life.whole / LEAST_PART {
        Some(refuse(
            "signatures-not-renewed",
            text,
            "a signer that renews would have done so by now: mend its signing, or sign the zone afresh with a window that \
             outlasts the plan",
        ))
    } else {
        Some(warn(
            "signatures-expire-on-the-way",
            text,
            "nothing, if the provider renews signatures by itself; else sign afresh with a longer window",
        ))
    }
}

/// From now to the last step that can be dated, in seconds.
fn length(state: &State, plan: &Plan, now: i64) -> i64 {
    forecast(state, plan, now)
        .iter()
        .filter_map(|step| step.at)
        .map(|at| at.ceil_seconds().saturating_sub(now))
        .max()
        .unwrap_or(0)
}

fn shortest(state: &State, name: &str, now: i64) -> Option<Life> {
    let of_signer = |key: &StreamKey| matches!(&key.place, Place::Provider(provider) if provider == name);
    let life = |(key, stream): (&StreamKey, &Stream)| {
        let (from, until) = stream.window?;
        Some(Life {
            what: format!("a signature in the answer to {} {}", key.name, key.rtype),
            whole: until.saturating_sub(from),
            left: until.saturating_sub(now),
        })
    };
    state
        .ledger
        .streams()
        .filter(|(key, _)| of_signer(key))
        .filter_map(life)
        .filter(|life| life.left >= 0)
        .min_by_key(|life| life.left)
}

/// In the two largest units.
fn words(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60) {
        (0, 0, minutes) if minutes > 0 => format!("{minutes} min"),
        (0, 0, _) => format!("{seconds} s"),
        (0, hours, _) => format!("{hours} h"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}
