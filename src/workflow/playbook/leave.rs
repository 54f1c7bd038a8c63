//! A signer leaves a group: name servers first, then its DS, its keys, and at last itself.

use std::collections::BTreeSet;

use super::{Steps, others};
use crate::workflow::plan::{Intent, StepId};

/// `leaver` leaves `group`, after the steps in `start`.
pub fn leave(steps: &mut Steps, group: &[String], leaver: &str, start: &BTreeSet<StepId>) {
    let rest = others(group, leaver);
    let unnamed = unname(steps, group, leaver, &rest, start);
    let mut cds = BTreeSet::new();
    for member in &rest {
        cds.insert(steps.add(
            &format!("cds-at-{member}-without-{leaver}"),
            &unnamed,
            Intent::PublishCds { at: member.clone(), of: rest.clone() },
            "a parent that follows CDS may act on it at once, so this waits for what the removal of the DS waits for",
            "put the former CDS and CDNSKEY back: safe at once",
        ));
    }
    steps.add(
        "ds-remove",
        &cds,
        Intent::SetDs { of: rest.clone(), without: vec![leaver.to_owned()], anew: false },
        "the leaver's DNSKEY RRset may be held until its TTL has passed after the last moment at which anybody could ask it",
        "add the DS again: safe at once",
    );
    for member in &rest {
        steps.add(
            &format!("keys-at-{member}-without-{leaver}"),
            &unnamed,
            Intent::DropKeys { at: member.clone(), of: leaver.to_owned() },
            "data signed by the leaver may be held until its largest TTL has passed after the last moment at which anybody \
             could ask it",
            "put the keys back: safe at once",
        );
    }
    let last: BTreeSet<StepId> = steps.0.iter().map(|step| step.id.clone()).collect();
    steps.add(
        &format!("retire-{leaver}"),
        &last,
        Intent::Retire {
            provider: leaver.to_owned(),
        },
        "no cache may still name its servers",
        "from here, coming back is a full join",
    );
}

fn unname(
    steps: &mut Steps,
    group: &[String],
    leaver: &str,
    rest: &[String],
    start: &BTreeSet<StepId>,
) -> BTreeSet<StepId> {
    let why = "a resolver must be able to forget the leaver; it goes on serving signed, fresh data until the last one has";
    let undo = "name the leaver again: safe at once while it still serves";
    let parent = steps.add(
        "ns-at-parent-remove",
        start,
        Intent::SetParentNs { of: rest.to_vec() },
        why,
        undo,
    );
    let mut done = BTreeSet::from([parent]);
    let after = done.clone();
    // The leaver's own copy counts too: resolvers that prefer the child's NS would learn it again and again.
    for member in rest.iter().chain(group.iter().filter(|name| *name == leaver)) {
        done.insert(steps.add(
            &format!("ns-at-{member}-without-{leaver}"),
            &after,
            Intent::SetApexNs {
                at: member.clone(),
                of: rest.to_vec(),
            },
            why,
            undo,
        ));
    }
    done
}
