//! From a wish and what was seen to a frozen plan.

use std::collections::BTreeSet;

use super::assumed::{assumed, reachable};
use super::plan::{CdsPolicy, GateRules, Intent, Plan, Purpose, Signer, Step};
use super::playbook::{Steps, fallback, hold, join, leave, migrate};
use super::snapshot::Snapshot;
use super::state::State;
use crate::dns::Name;
use crate::moment::Moment;

/// The digest type of new DS records where none is there to go by (RFC 9904).
const SHA256: u8 = 2;

/// What is wanted, from the settings and the command line.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The zone.
    pub zone: Name,
    /// What for.
    pub purpose: Purpose,
    /// The group now.
    pub group: Vec<String>,
    /// The providers that the settings know.
    pub signers: Vec<Signer>,
    /// CDS and CDNSKEY.
    pub cds: CdsPolicy,
    /// How the gates are judged.
    pub rules: GateRules,
    /// The soak of a migration, seconds.
    pub soak: u64,
    /// Take a provider that names itself for as long as it serves to be forgotten one TTL after nothing else names it.
    pub sticky_bounded: bool,
    /// For how long a provider's next re-sign is awaited before a person is asked, seconds; none: it is not awaited.
    pub resign: Option<u64>,
    /// Kinds of steps that wait for a person: `ds`, `ns`, `parent`, `all`.
    pub approve: BTreeSet<String>,
}

/// The plan for `wish`, made at `made` from what is served: digest types are those of the parent's DS RRset, a leaver that is
/// not named any more is not named again, and what may have been served before is assumed.
pub fn plan(wish: &Wish, state: &State, made: Moment) -> Plan {
    let group = &wish.group;
    let after: Vec<String> = match &wish.purpose {
        Purpose::Join { signer } => group.iter().cloned().chain([signer.clone()]).collect(),
        Purpose::Leave { signer } => without(group, signer),
        Purpose::Migrate { from, to } => without(group, from).into_iter().chain([to.clone()]).collect(),
        Purpose::Fallback { to, .. } => vec![to.clone()],
    };
    let taking_part: Vec<Signer> = order(group, &after)
        .iter()
        .filter_map(|name| wish.signers.iter().find(|signer| signer.name == *name).cloned())
        .collect();
    let mut plan = Plan {
        format: 1,
        zone: wish.zone.clone(),
        parent: state
            .servers
            .as_ref()
            .map_or_else(Name::root, |servers| servers.topology.parent.clone()),
        purpose: wish.purpose.clone(),
        signers: taking_part,
        before: group.clone(),
        after,
        digest_types: digest_types(state, &wish.purpose),
        cds: cds_policy(wish, state.snapshot()),
        rules: wish.rules,
        sticky_bounded: wish.sticky_bounded,
        resign: wish.resign,
        made,
        replaces: None,
        assumed: Vec::new(),
        steps: Vec::new(),
    };
    plan.steps = steps(wish, &plan, state.snapshot());
    leave_out_fixed(&mut plan);
    leave_unnamed(&mut plan, state.snapshot());
    plan.assumed = assumed(&plan, state.snapshot());
    plan
}

fn steps(wish: &Wish, plan: &Plan, now: &Snapshot) -> Vec<Step> {
    let group = &wish.group;
    let mut steps = match &wish.purpose {
        Purpose::Join { signer } => {
            let mut steps = Steps::default();
            join(&mut steps, group, signer);
            steps.finish()
        }
        Purpose::Leave { signer } => {
            let mut steps = Steps::default();
            hold(&mut steps, &held(plan, signer, now));
            leave(&mut steps, group, signer, &BTreeSet::new());
            steps.finish()
        }
        Purpose::Migrate { from, to } => migrate(group, from, to, wish.soak),
        Purpose::Fallback { from, to } => fallback(from, to),
    };
    for step in &mut steps {
        step.approval |= needs_approval(&step.intent, &wish.approve);
    }
    steps
}

/// Takes out the steps that would edit an apex NS RRset which its provider lets nobody edit; what came after such a step
/// comes after whatever that came after.
fn leave_out_fixed(plan: &mut Plan) {
    let fixed: BTreeSet<String> = plan
        .signers
        .iter()
        .filter(|signer| signer.apex_ns_fixed)
        .map(|signer| signer.name.clone())
        .collect();
    let is_fixed = |step: &Step| matches!(&step.intent, Intent::SetApexNs { at, .. } if fixed.contains(at));
    while let Some(index) = plan.steps.iter().position(is_fixed) {
        let gone = plan.steps.remove(index);
        for step in &mut plan.steps {
            if step.after.remove(&gone.id) {
                step.after.extend(gone.after.iter().cloned());
            }
        }
    }
}

/// In a migration that somebody began, the old provider may not be named any more here or there: then it is not named there
/// again only to be taken out later. The newcomer names it as long as the delegation does. A DS of it that is gone is put
/// back only while resolvers are led to it.
fn leave_unnamed(plan: &mut Plan, now: &Snapshot) {
    let Purpose::Migrate { from, to } = plan.purpose.clone() else {
        return;
    };
    let at_parent = plan.led_to(now.parent_ns.values.keys().flatten());
    let at_apex = |name: &str| {
        let provider = now.providers.get(name);
        plan.led_to(
            provider
                .into_iter()
                .flat_map(|at| at.apex_ns.values.keys())
                .flatten(),
        )
    };
    if at_parent.is_empty() {
        return;
    }
    let reachable = reachable(plan, now);
    let ds_gone = !now
        .ds
        .values
        .keys()
        .flatten()
        .any(|ds| now.names_key_of(&plan.zone, ds, &from));
    let unnamed_at = |at: &str| {
        let named = if at == to { at_parent.clone() } else { at_apex(at) };
        !named.is_empty() && !named.contains(&from)
    };
    let changes: Vec<bool> = plan
        .steps
        .iter()
        .map(|step| match &step.intent {
            Intent::SetParentNs { .. } => !at_parent.contains(&from),
            Intent::SetApexNs { at, .. } => unnamed_at(at),
            Intent::SetDs { without, .. } => without.is_empty() && ds_gone && !reachable.contains(&from),
            _ => false,
        })
        .collect();
    for (step, change) in plan.steps.iter_mut().zip(changes) {
        if !change {
            continue;
        }
        if let Intent::SetParentNs { of } | Intent::SetApexNs { of, .. } | Intent::SetDs { of, .. } =
            &mut step.intent
        {
            of.retain(|name| *name != from);
        }
    }
}

/// Who has to be kept as they are while `leaver` leaves: it too, as long as resolvers are led to it and it serves what can be
/// kept. What somebody took from it after that is not put back.
fn held(plan: &Plan, leaver: &str, now: &Snapshot) -> Vec<String> {
    if now.data_signers(leaver).is_empty() || !reachable(plan, now).contains(leaver) {
        return plan.after.clone();
    }
    plan.before.clone()
}

fn without(group: &[String], leaver: &str) -> Vec<String> {
    group.iter().filter(|name| *name != leaver).cloned().collect()
}

/// The old group first, then whoever is new.
fn order(before: &[String], after: &[String]) -> Vec<String> {
    let new = after.iter().filter(|name| !before.contains(name));
    before.iter().chain(new).cloned().collect()
}

/// The digest types of the present DS records without SHA-1, which validators ignore beside another (RFC 4509 section 3).
/// Where the DS RRset goes as a whole none of it is left to go with: SHA-256, if it was of nothing better or is gone already.
fn digest_types(state: &State, purpose: &Purpose) -> BTreeSet<u8> {
    let snapshot = state.snapshot();
    let present: BTreeSet<u8> = snapshot
        .ds
        .values
        .keys()
        .flatten()
        .map(|ds| ds.digest_type)
        .collect();
    let mut types: BTreeSet<u8> = present.into_iter().filter(|digest| *digest != 1).collect();
    if types.is_empty() && !purpose.is_multi_signer() {
        types.insert(SHA256);
    }
    types
}

/// A fallback takes all CDS away, so that nobody can tell afterwards whether some were published: it is frozen in the plan.
fn cds_policy(wish: &Wish, now: &Snapshot) -> CdsPolicy {
    if wish.cds != CdsPolicy::Auto || wish.purpose.is_multi_signer() {
        return wish.cds;
    }
    let published = now.providers.values().any(|at| {
        at.cds.values.keys().any(|set| !set.is_empty()) || at.cdnskey.values.keys().any(|set| !set.is_empty())
    });
    if published {
        CdsPolicy::Union
    } else {
        CdsPolicy::None
    }
}

fn needs_approval(intent: &Intent, approve: &BTreeSet<String>) -> bool {
    let kind = match intent {
        Intent::SetDs { .. } | Intent::RemoveDs { .. } => "ds",
        Intent::SetParentNs { .. } | Intent::SetApexNs { .. } => "ns",
        _ => "other",
    };
    approve.contains("all") || approve.contains(kind) || (intent.at_parent() && approve.contains("parent"))
}
