//! Mixtures of cached answers that fail, as the checker names them: of what was seen, and of what a step would bring.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::gate::{effect, options, version_words};
use super::plan::{Signer, StepId};
use super::state::State;
use super::target::target;
use super::timeline::{Naming, certain_timeline, timeline};
use crate::continuity::{Conflict, Options, Rule, Timeline, Value, Version, check};
use crate::dnssec::KeyId;
use crate::moment::Moment;

/// One side of a mixture.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Side {
    /// In words.
    pub what: String,
    /// The provider; none: the parent.
    pub at: Option<String>,
    /// The tags of its keys: those named, held, or signing.
    pub tags: BTreeSet<u16>,
}

/// Two answers that do not validate together, and when a cache may hold both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mixture {
    /// The checker's rule.
    pub rule: String,
    /// For which resolvers; none: for all alike.
    pub class: Option<String>,
    /// The first second at which it fails, Unix time.
    pub from: i64,
    /// The first second after it; none: it does not end by itself.
    pub until: Option<i64>,
    /// The one answer.
    pub left: Side,
    /// The other.
    pub right: Side,
}

impl fmt::Display for Mixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.rule)?;
        if let Some(class) = &self.class {
            write!(f, " ({class})")?;
        }
        write!(f, " from {}", Moment::from_seconds(self.from))?;
        if let Some(until) = self.until {
            write!(f, " until {}", Moment::from_seconds(until))?;
        }
        write!(f, ": {} beside {}", self.left.what, self.right.what)
    }
}

/// What of the recorded time is failing at the beginning of the last sweep, or will, if nothing is changed.
pub fn failing(state: &State) -> Vec<Mixture> {
    let (Some(plan), Some(sweep)) = (state.plan_in_force(), &state.last_sweep) else {
        return Vec::new();
    };
    let now = sweep.started.floor_seconds();
    let traced = timeline(&plan, &state.ledger, &state.pool);
    conflicts(&traced.timeline, &options(&plan), now)
        .iter()
        .map(mixture)
        .collect()
}

/// What certainly fails, or will if nothing is changed, where no plan is under way: of what was seen at `since` or later and
/// what caches may hold beside it. A provider without a usable server is no mixture.
pub(super) fn certainly_failing(state: &State, signers: &[Signer], since: Moment) -> Vec<Mixture> {
    let Some(servers) = &state.servers else {
        return Vec::new();
    };
    let zone = &servers.topology.zone;
    let traced = certain_timeline(zone, signers, &state.ledger, &state.pool, since);
    conflicts(&traced.timeline, &Options::default(), since.floor_seconds())
        .iter()
        .filter(|conflict| conflict.rule != Rule::NoServer)
        .map(mixture)
        .collect()
}

/// What would fail if `step` were taken now, whatever its gate says, and does not fail without it.
pub fn foretell(state: &State, step: &StepId) -> Vec<Mixture> {
    let (Some(plan), Some(sweep)) = (state.plan_in_force(), &state.last_sweep) else {
        return Vec::new();
    };
    let Some(wanted) = plan
        .step(step)
        .and_then(|step| target(&plan, &step.intent, state.snapshot()).ok())
    else {
        return Vec::new();
    };
    let now = sweep.started.floor_seconds();
    let mut traced = timeline(&plan, &state.ledger, &state.pool);
    let before = conflicts(&traced.timeline, &options(&plan), now);
    let naming = Naming::new(&plan, &state.pool);
    let effect = effect(&wanted, &traced, &naming);
    // It shows server by server: the old versions stay beside the new ones.
    for (value, ttl) in effect.begin {
        traced.push(Version::new(value, now, None, ttl), None);
    }
    conflicts(&traced.timeline, &options(&plan), now)
        .iter()
        .filter(|conflict| !before.contains(conflict))
        .map(mixture)
        .collect()
}

/// What would fail if `provider` signed its data with `key` from the Unix second `from` on, and what it serves else stayed.
pub fn foretell_signing(state: &State, provider: &str, key: &KeyId, from: i64) -> Vec<Mixture> {
    let Some(plan) = state.plan_in_force() else {
        return Vec::new();
    };
    let mut traced = timeline(&plan, &state.ledger, &state.pool);
    let before = conflicts(&traced.timeline, &options(&plan), from);
    let served = traced.timeline.versions.iter().filter(|version| {
        matches!(&version.value, Value::Data { at, .. } if at == provider) && version.until.is_none()
    });
    let ttl = served.map(|version| version.ttl).max().unwrap_or(0);
    let value = Value::Data {
        at: provider.to_owned(),
        signed_by: vec![key.to_string()],
    };
    traced.push(Version::new(value, from, None, ttl), None);
    conflicts(&traced.timeline, &options(&plan), from)
        .iter()
        .filter(|conflict| !before.contains(conflict))
        .map(mixture)
        .collect()
}

/// Conflicts that are not over. What nobody was seen serving is unknown, and no mixture.
pub(super) fn conflicts(timeline: &Timeline, options: &Options, now: i64) -> Vec<Conflict> {
    let all = check(timeline, options).conflicts;
    all.into_iter()
        .filter(|conflict| conflict.rule != Rule::Gap && conflict.until.is_none_or(|until| until > now))
        .collect()
}

fn mixture(conflict: &Conflict) -> Mixture {
    Mixture {
        rule: conflict.rule.to_string(),
        class: conflict.class.map(|class| class.to_string()),
        from: conflict.from,
        until: conflict.until,
        left: side(&conflict.left),
        right: side(&conflict.right),
    }
}

fn side(version: &Option<Arc<Version>>) -> Side {
    let Some(version) = version else {
        return Side {
            what: "nothing".to_owned(),
            ..Side::default()
        };
    };
    let keys: Vec<&String> = match &version.value {
        Value::Ds { records } => records.iter().map(|record| &record.key).collect(),
        Value::Dnskey { keys, .. } => keys.iter().collect(),
        Value::Data { signed_by, .. } => signed_by.iter().collect(),
        Value::ParentNs { .. } | Value::ApexNs { .. } => Vec::new(),
    };
    Side {
        what: version_words(&version.value),
        at: version.value.at().map(str::to_owned),
        tags: keys
            .iter()
            .filter_map(|key| key.split('/').next()?.parse().ok())
            .collect(),
    }
}
