//! What happens outside of the plan and is recorded: keys that change, a clock that jumps, mixtures that fail.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::mixture::Mixture;
use super::state::State;
use crate::dnssec::{DsSet, KeyId};
use crate::moment::Moment;

/// A provider's own keys are others than before. The plan goes on with the keys as they are now: every step that is about
/// keys is measured by them, those that are done included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Whose.
    pub provider: String,
    /// Keys that were not there.
    pub appeared: BTreeSet<KeyId>,
    /// Keys that no server shows any more.
    pub gone: BTreeSet<KeyId>,
    /// The hash of the plan that is measured by them from now on.
    pub plan: String,
}

/// The clock of this machine shows another time than has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jump {
    /// What it would show.
    pub from: Moment,
    /// What it shows.
    pub to: Moment,
}

/// Mixtures that a cache may hold and that fail, by what was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// Which; none: what failed is over.
    pub mixtures: Vec<Mixture>,
}

impl Jump {
    /// By how much, milliseconds.
    pub fn millis(&self) -> i64 {
        self.to.millis().saturating_sub(self.from.millis())
    }
}

impl Failing {
    /// Whether it names the same pairs.
    pub fn same_as(&self, other: &Failing) -> bool {
        let pairs = |failing: &Failing| -> BTreeSet<_> {
            failing
                .mixtures
                .iter()
                .map(|one| {
                    (
                        one.rule.clone(),
                        one.class.clone(),
                        one.left.clone(),
                        one.right.clone(),
                    )
                })
                .collect()
        };
        pairs(self) == pairs(other)
    }
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tags = |keys: &BTreeSet<KeyId>| {
            let tags: Vec<String> = keys.iter().map(|key| key.key().tag().to_string()).collect();
            tags.join(", ")
        };
        write!(f, "the keys of {} changed:", self.provider)?;
        if !self.appeared.is_empty() {
            write!(f, " {} appeared", tags(&self.appeared))?;
        }
        if !self.gone.is_empty() {
            let and = if self.appeared.is_empty() { "" } else { "," };
            write!(f, "{and} {} went", tags(&self.gone))?;
        }
        let short = self.plan.get(..12).unwrap_or(&self.plan);
        write!(f, "; plan {short} is measured by them from now on")
    }
}

impl fmt::Display for Jump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.millis();
        let way = if millis < 0 { "back" } else { "forward" };
        write!(
            f,
            "the clock jumped {way} by {} s, from {} to {}; no gate opens by that",
            millis.unsigned_abs() / 1_000,
            self.from,
            self.to
        )
    }
}

impl fmt::Display for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The same pair fails for several classes of resolvers: it is told once.
        let mut pairs = BTreeSet::new();
        let told: Vec<String> = self
            .mixtures
            .iter()
            .filter(|one| pairs.insert((&one.rule, &one.left.what, &one.right.what)))
            .map(ToString::to_string)
            .collect();
        if told.is_empty() {
            return f.write_str("no mixture of answers that a cache may hold fails any more");
        }
        write!(f, "resolvers fail that hold: {}", told.join("; "))
    }
}

/// A DS record that the parent has to get, since a signer rolls the key that the DS RRset names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwedDs {
    /// Whose key.
    pub provider: String,
    /// The tags of the keys that are not named yet.
    pub tags: BTreeSet<u16>,
    /// Those of its keys that are.
    pub named: BTreeSet<u16>,
}

impl fmt::Display for OwedDs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |tags: &BTreeSet<u16>| {
            let tags: Vec<String> = tags.iter().map(u16::to_string).collect();
            tags.join(", ")
        };
        write!(
            f,
            "the parent owes {} a DS for its new key {}: before it takes {} away. Nobody announces when that is; a signer \
             that follows RFC 7583 waits for the new DS, and for the old one to leave the caches",
            self.provider,
            list(&self.tags),
            list(&self.named)
        )
    }
}

/// What is owed to signers of the plan that the DS RRset names and that sign with a key which it does not name.
pub fn owed_ds(state: &State) -> Vec<OwedDs> {
    let Some(plan) = &state.plan else {
        return Vec::new();
    };
    let now = state.snapshot();
    let tags = |keys: &BTreeSet<KeyId>| keys.iter().map(|key| key.key().tag()).collect();
    let owed = |present: &DsSet| -> Vec<OwedDs> {
        plan.signers
            .iter()
            .filter_map(|signer| {
                let points = now.entry_points(&signer.name);
                let unnamed = now.unnamed(&plan.zone, &signer.name, present);
                let rolls = !unnamed.is_empty() && unnamed.len() < points.len();
                rolls.then(|| OwedDs {
                    provider: signer.name.clone(),
                    tags: tags(&unnamed),
                    named: tags(&points.difference(&unnamed).cloned().collect()),
                })
            })
            .collect()
    };
    now.ds.agreed().map(owed).unwrap_or_default()
}

/// The providers of the plan whose own keys are others than at the last record of them.
pub fn changed(state: &State) -> Vec<Changed> {
    let (Some(plan), Some(hash), false) = (&state.plan, &state.plan_hash, state.ended) else {
        return Vec::new();
    };
    let now = state.snapshot();
    plan.signers
        .iter()
        .filter_map(|signer| {
            let known = state.group_keys.get(&signer.name)?;
            let keys = now.own_keys(&signer.name);
            let changed = Changed {
                provider: signer.name.clone(),
                appeared: keys.difference(known).cloned().collect(),
                gone: known.difference(&keys).cloned().collect(),
                plan: hash.clone(),
            };
            (!changed.appeared.is_empty() || !changed.gone.is_empty()).then_some(changed)
        })
        .collect()
}
