//! A signer joins a group: keys, CDS, DS, then name servers.

use std::collections::BTreeSet;

use super::{Steps, others};
use crate::workflow::plan::{Intent, StepId};

/// `newcomer` joins `group`. Gives the last steps, which whatever follows must come after.
pub fn join(steps: &mut Steps, group: &[String], newcomer: &str) -> BTreeSet<StepId> {
    let all: Vec<String> = group.iter().cloned().chain([newcomer.to_owned()]).collect();
    let keys = exchange_keys(steps, group, newcomer, &all);
    let cds = publish_cds(steps, &all, &keys);
    let ds = steps.add(
        "ds-add",
        &cds,
        Intent::SetDs {
            of: all.clone(),
            without: Vec::new(),
            anew: false,
        },
        "resolvers must trust the newcomer's keys before they can meet them; adding breaks nothing",
        "remove the newcomer's DS again: safe at once, nobody is led to it yet",
    );
    name_servers(steps, group, newcomer, &all, &BTreeSet::from([ds]))
}

fn exchange_keys(steps: &mut Steps, group: &[String], newcomer: &str, all: &[String]) -> BTreeSet<StepId> {
    let mut done = BTreeSet::new();
    for member in group {
        done.insert(steps.add(
            &format!("keys-at-{member}"),
            &BTreeSet::new(),
            Intent::ShareKeys {
                at: member.clone(),
                of: others(all, member),
            },
            "a resolver that holds this DNSKEY RRset must be able to verify data from the newcomer; \
             this also proves that foreign keys can be placed here, while nothing depends on it",
            "remove the foreign keys: safe at once",
        ));
    }
    // The newcomer's own set comes second: had the first failed, nothing would have happened there.
    let after = done.clone();
    done.insert(steps.add(
        &format!("keys-at-{newcomer}"),
        &after,
        Intent::ShareKeys {
            at: newcomer.to_owned(),
            of: group.to_vec(),
        },
        "a resolver that holds the newcomer's DNSKEY RRset must be able to verify data of the others",
        "remove the foreign keys: safe at once, nobody is led to the newcomer yet",
    ));
    done
}

fn publish_cds(steps: &mut Steps, all: &[String], keys: &BTreeSet<StepId>) -> BTreeSet<StepId> {
    all.iter()
        .map(|member| {
            steps.add(
                &format!("cds-at-{member}"),
                keys,
                Intent::PublishCds { at: member.clone(), of: all.to_vec() },
                "a parent that follows CDS replaces the whole DS RRset: each signer must list all keys, or none any",
                "put the former CDS and CDNSKEY back",
            )
        })
        .collect()
}

/// `group` stays as it is: each holds the keys of the others, and each has its DS. It is so already, or it is repaired; and a key
/// that one of them rolls on the way is given to the others before it signs, a KSK to the parent before the old one goes.
pub fn hold(steps: &mut Steps, group: &[String]) {
    let mut keys = BTreeSet::new();
    for member in group.iter().filter(|_| group.len() > 1) {
        keys.insert(steps.add(
            &format!("keys-at-{member}"),
            &BTreeSet::new(),
            Intent::ShareKeys {
                at: member.clone(),
                of: others(group, member),
            },
            "a resolver that holds this DNSKEY RRset must be able to verify data of the others, as long as they are asked",
            "nothing: whoever is in the group needs them",
        ));
    }
    let cds = publish_cds(steps, group, &keys);
    steps.add(
        "ds-of-all",
        &cds,
        Intent::SetDs {
            of: group.to_vec(),
            without: Vec::new(),
            anew: false,
        },
        "whoever is asked must be trusted",
        "nothing: whoever is in the group needs it",
    );
}

fn name_servers(
    steps: &mut Steps,
    group: &[String],
    newcomer: &str,
    all: &[String],
    ds: &BTreeSet<StepId>,
) -> BTreeSet<StepId> {
    let own = steps.add(
        &format!("ns-at-{newcomer}"),
        ds,
        Intent::SetApexNs {
            at: newcomer.to_owned(),
            of: all.to_vec(),
        },
        "the newcomer names everybody before anybody is led to it",
        "name the former group only",
    );
    let mut done = BTreeSet::from([own]);
    let after = done.clone();
    for member in group {
        done.insert(steps.add(
            &format!("ns-at-{member}"),
            &after,
            Intent::SetApexNs { at: member.clone(), of: all.to_vec() },
            "from here resolvers that prefer the child's NS can reach the newcomer: every DS set and DNSKEY RRset \
             without its keys must have left the caches",
            "a leave of the newcomer, with its own waits",
        ));
    }
    let after = done.clone();
    done.insert(steps.add(
        "ns-at-parent",
        &after,
        Intent::SetParentNs { of: all.to_vec() },
        "from here every resolver can reach the newcomer",
        "a leave of the newcomer, with its own waits",
    ));
    done
}
