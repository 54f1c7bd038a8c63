//! A zone leaves one provider for another that cannot sign beside it: without DS in between.
//!
//! All that can be prepared comes first, so that the insecure time holds nothing but waits. The DS RRset goes as a whole; a
//! validated DNSKEY RRset outlives it in caches, so that what its keys signed must be served until the gate of the
//! delegation opens. The new DS comes when no answer is cached any more that the newcomer did not sign.

use std::collections::BTreeSet;

use super::Steps;
use crate::workflow::plan::{Intent, Step};

/// `from`, the only signer, is left for `to`.
pub fn fallback(from: &str, to: &str) -> Vec<Step> {
    let mut steps = Steps::default();
    let none = BTreeSet::new();
    let newcomer = [to.to_owned()];
    let mut ready = BTreeSet::new();
    ready.insert(steps.add(
        &format!("no-cds-at-{to}"),
        &none,
        Intent::WithdrawCds { at: to.to_owned() },
        "once resolvers are led to the newcomer, a parent that follows CDS would add its DS before its time",
        "put the newcomer's CDS and CDNSKEY back: safe at once, nobody is led to it yet",
    ));
    ready.insert(steps.add(
        &format!("ns-at-{to}"),
        &none,
        Intent::SetApexNs {
            at: to.to_owned(),
            of: newcomer.to_vec(),
        },
        "the newcomer names itself alone, before anybody is led to it",
        "nothing: nobody is led to it yet",
    ));
    let quiet = steps.add(
        &format!("no-cds-at-{from}"),
        &ready,
        Intent::WithdrawCds { at: from.to_owned() },
        "a parent that follows CDS would put the DS back. It waits for the approval of the next step: a signer that rolls \
         its KSK needs its CDS as long as there is a DS",
        "put the old provider's CDS and CDNSKEY back: safe at once",
    );
    let gone = steps.add_approved(
        "ds-remove-all",
        &BTreeSet::from([quiet]),
        Intent::RemoveDs { next: newcomer.to_vec() },
        "the newcomer's keys chain to no DS beside the old ones; without any, nothing has to chain. Nothing waits for this, \
         but much for what it leaves in caches: the old provider goes on signing with the same keys",
        "put the same DS records back: safe at once, as long as the delegation is as it was and the old provider signs with \
         the same keys",
    );
    let delegated = steps.add(
        "ns-at-parent",
        &BTreeSet::from([gone]),
        Intent::SetParentNs { of: newcomer.to_vec() },
        "the old DS RRset, and every DNSKEY RRset that was validated by it, must have left the caches: whoever still trusts \
         the old keys takes the newcomer's answers for forged",
        "name the old provider again: safe at once while it still serves; without DS nothing has to chain",
    );
    let unnamed = steps.add(
        &format!("ns-at-{from}"),
        &BTreeSet::from([delegated]),
        Intent::SetApexNs {
            at: from.to_owned(),
            of: newcomer.to_vec(),
        },
        "resolvers that prefer the child's NS would learn the old provider from itself again and again",
        "name the old provider again: safe at once while it still serves",
    );
    let secured = steps.add(
        "ds-add",
        &BTreeSet::from([unnamed]),
        Intent::SetDs { of: newcomer.to_vec(), without: vec![from.to_owned()], anew: true },
        "from here the zone is secure again: every answer of the old provider must have left the caches, its keys too, for \
         no key that this DS names vouches for them",
        "remove the DS again, as a whole",
    );
    let announced = steps.add(
        &format!("cds-at-{to}"),
        &BTreeSet::from([secured]),
        Intent::PublishCds {
            at: to.to_owned(),
            of: newcomer.to_vec(),
        },
        "a parent that follows CDS finds what it has",
        "put the former CDS and CDNSKEY back",
    );
    steps.add(
        &format!("retire-{from}"),
        &BTreeSet::from([announced]),
        Intent::Retire {
            provider: from.to_owned(),
        },
        "no cache may still name its servers",
        "from here, coming back is a full join",
    );
    steps.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_and_the_one_approval() {
        let steps = fallback("a", "b");
        let names: Vec<&str> = steps.iter().map(|step| step.id.0.as_str()).collect();
        assert_eq!(
            names,
            [
                "01-no-cds-at-b",
                "02-ns-at-b",
                "03-no-cds-at-a",
                "04-ds-remove-all",
                "05-ns-at-parent",
                "06-ns-at-a",
                "07-ds-add",
                "08-cds-at-b",
                "09-retire-a"
            ]
        );
        let asking: Vec<&str> = steps
            .iter()
            .filter(|step| step.approval)
            .map(|step| step.id.0.as_str())
            .collect();
        assert_eq!(asking, ["04-ds-remove-all"]);
        for pair in steps.windows(2).skip(2) {
            assert!(pair[1].after.contains(&pair[0].id), "{}", pair[1].id);
        }
    }
}
