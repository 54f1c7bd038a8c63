//! A zone moves from one provider to another: the new one joins, a soak, the old one leaves.

use std::collections::BTreeSet;

use super::{Steps, join, leave};
use crate::workflow::plan::{Intent, Step};

/// `to` joins `group`, serves beside it for `soak` seconds, and `from` leaves.
pub fn migrate(group: &[String], from: &str, to: &str, soak: u64) -> Vec<Step> {
    let mut steps = Steps::default();
    let joined = join(&mut steps, group, to, Some(from));
    let soaked = steps.add(
        "soak",
        &joined,
        Intent::Soak { seconds: soak },
        "both serve the zone; a fault is found here while the way back is still short",
        "a leave of the newcomer, with its own waits",
    );
    let all: Vec<String> = group.iter().cloned().chain([to.to_owned()]).collect();
    leave(&mut steps, &all, from, &BTreeSet::from([soaked]));
    steps.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(steps: &[Step], name: &str) -> usize {
        steps
            .iter()
            .position(|step| step.id.0.ends_with(name))
            .unwrap_or_else(|| panic!("no step {name}"))
    }

    #[test]
    fn the_order_of_a_migration() {
        let steps = migrate(&["a".into()], "a", "b", 60);
        let order = [
            "keys-at-a",
            "keys-at-b",
            "cds-at-a",
            "ds-add",
            "ns-at-b",
            "ns-at-a",
            "ns-at-parent",
            "soak",
            "ns-at-parent-remove",
            "ns-at-b-without-a",
            "ns-at-a-without-a",
            "ds-remove",
            "keys-at-b-without-a",
            "retire-a",
        ];
        let places: Vec<usize> = order.iter().map(|name| position(&steps, name)).collect();
        assert!(places.is_sorted(), "{places:?}");
    }

    #[test]
    fn every_step_waits_only_for_earlier_ones() {
        let steps = migrate(&["a".into(), "c".into()], "a", "b", 60);
        for (index, step) in steps.iter().enumerate() {
            for before in &step.after {
                assert!(
                    steps[..index].iter().any(|other| other.id == *before),
                    "{} after {before}",
                    step.id
                );
            }
        }
    }
}
