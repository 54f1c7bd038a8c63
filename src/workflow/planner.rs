//! From a wish and what was seen to a frozen plan.

use std::collections::BTreeSet;

use super::plan::{CdsPolicy, GateRules, Intent, Plan, Purpose, Signer, Step};
use super::playbook::{Steps, join, leave, migrate};
use super::state::State;
use crate::dns::Name;
use crate::moment::Moment;

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
    /// For how long a provider's next re-sign is awaited before a person is asked, seconds; none: it is not awaited.
    pub resign: Option<u64>,
    /// Kinds of steps that wait for a person: `ds`, `ns`, `parent`, `all`.
    pub approve: BTreeSet<String>,
}

/// The plan for `wish`, made at `made`, with digest types as the parent's DS RRset has them.
pub fn plan(wish: &Wish, state: &State, made: Moment) -> Plan {
    let group = &wish.group;
    let (mut steps, after): (Vec<Step>, Vec<String>) = match &wish.purpose {
        Purpose::Join { signer } => {
            let mut steps = Steps::default();
            join(&mut steps, group, signer);
            (
                steps.finish(),
                group.iter().cloned().chain([signer.clone()]).collect(),
            )
        }
        Purpose::Leave { signer } => {
            let mut steps = Steps::default();
            leave(&mut steps, group, signer, &BTreeSet::new());
            (steps.finish(), without(group, signer))
        }
        Purpose::Migrate { from, to } => {
            let after = without(group, from).into_iter().chain([to.clone()]).collect();
            (migrate(group, from, to, wish.soak), after)
        }
    };
    for step in &mut steps {
        step.approval = needs_approval(&step.intent, &wish.approve);
    }
    let taking_part: Vec<Signer> = order(group, &after)
        .iter()
        .filter_map(|name| wish.signers.iter().find(|signer| signer.name == *name).cloned())
        .collect();
    Plan {
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
        digest_types: digest_types(state),
        cds: wish.cds,
        rules: wish.rules,
        resign: wish.resign,
        made,
        replaces: None,
        steps,
    }
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
fn digest_types(state: &State) -> BTreeSet<u8> {
    let snapshot = state.snapshot();
    let present: BTreeSet<u8> = snapshot
        .ds
        .values
        .keys()
        .flatten()
        .map(|ds| ds.digest_type)
        .collect();
    present.into_iter().filter(|digest| *digest != 1).collect()
}

fn needs_approval(intent: &Intent, approve: &BTreeSet<String>) -> bool {
    let kind = match intent {
        Intent::SetDs { .. } => "ds",
        Intent::SetParentNs { .. } | Intent::SetApexNs { .. } => "ns",
        _ => "other",
    };
    approve.contains("all") || approve.contains(kind) || (intent.at_parent() && approve.contains("parent"))
}
