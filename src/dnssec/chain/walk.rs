//! From an anchor down to a zone.

use serde::Serialize;

use super::keys::decided_by_ds;
use super::{DsStatus, DsVerdict, Judge, KeysVerdict, Reason, Status};
use crate::dns::{Message, Name};
use crate::dnssec::{Anchors, Budget, Dnskey, DsSet};

/// A zone on the way with what was captured about it.
#[derive(Clone, Debug)]
pub struct WalkStep<'a> {
    /// The zone.
    pub zone: Name,
    /// The answer of a server of the zone above (the step before) to the question for DS; not needed at the anchor.
    pub ds: Option<&'a Message>,
    /// The answer of a server of the zone to the question for DNSKEY.
    pub dnskey: Option<&'a Message>,
}

/// A zone on the way with its verdicts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    /// The zone.
    pub zone: Name,
    /// Secure, or what ended the way here.
    pub status: Status,
    /// The DS records that its keys are judged under: the anchors' at the top.
    pub anchored: DsSet,
    /// On the parent's answer; none at the anchor or where it is missing.
    pub ds: Option<DsVerdict>,
    /// On the zone's answer; none where it is missing or was not needed.
    pub keys: Option<KeysVerdict>,
}

/// The end of the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WalkVerdict {
    /// The status of the last zone.
    pub status: Status,
    /// The zones from the anchor to the last one or to where the chain ended.
    pub zones: Vec<Link>,
    /// The keys of the last zone; empty unless secure.
    pub trusted: Vec<Dnskey>,
    /// Why, if not secure: the first break.
    pub reasons: Vec<Reason>,
}

/// Walks `steps`, which lead from a zone of the anchors (or above it) to the zone in question (RFC 4035 section 5).
///
/// The anchor closest to the last zone counts; steps above it are left out. A missing message is indeterminate.
pub fn walk(anchors: &Anchors, steps: &[WalkStep<'_>], at: i64, budget: &mut Budget) -> WalkVerdict {
    Judge::new(at, budget).walk(anchors, steps)
}

impl Judge<'_> {
    /// See [`walk`].
    pub fn walk(&mut self, anchors: &Anchors, steps: &[WalkStep<'_>]) -> WalkVerdict {
        let mut verdict = WalkVerdict {
            status: Status::Indeterminate,
            zones: Vec::new(),
            trusted: Vec::new(),
            reasons: Vec::new(),
        };
        let start = match start(anchors, steps) {
            Ok(start) => start,
            Err(reason) => {
                verdict.reasons.push(reason);
                return verdict;
            }
        };
        let (mut above, mut keys): (Option<&Name>, Vec<Dnskey>) = (None, Vec::new());
        for step in steps.iter().skip(start) {
            let (link, reasons) = match above {
                None => self.first_link(anchors, step),
                Some(parent) => self.next_link(step, parent, &keys),
            };
            let status = link.status;
            keys = link.keys.iter().flat_map(|found| found.trusted.clone()).collect();
            verdict.zones.push(link);
            verdict.status = status;
            if status != Status::Secure {
                verdict.reasons = reasons;
                return verdict;
            }
            above = Some(&step.zone);
        }
        verdict.trusted = keys;
        verdict
    }

    fn first_link(&mut self, anchors: &Anchors, step: &WalkStep<'_>) -> (Link, Vec<Reason>) {
        let set = anchors
            .closest(&step.zone)
            .map_or_else(DsSet::new, |(_, set)| set.clone());
        self.keys_link(step, set, None)
    }

    fn next_link(&mut self, step: &WalkStep<'_>, parent: &Name, keys: &[Dnskey]) -> (Link, Vec<Reason>) {
        let open = |status, ds| Link {
            zone: step.zone.clone(),
            status,
            anchored: DsSet::new(),
            ds,
            keys: None,
        };
        let Some(answer) = step.ds else {
            let text = format!("the answer of {parent} to {} DS is missing", step.zone);
            return (open(Status::Indeterminate, None), vec![missing(parent, text)]);
        };
        let found = self.ds(&step.zone, parent, keys, answer);
        let reasons = found.reasons.clone();
        let status = match &found.status {
            DsStatus::Secure(set) => return self.keys_link(step, set.clone(), Some(found)),
            DsStatus::ProvenAbsent => {
                let text = format!("{} is delegated without DS", step.zone);
                let mut reasons = reasons;
                reasons.push(Reason::new(
                    "insecure-delegation",
                    parent,
                    text,
                    "RFC 4035 section 5.2",
                ));
                return (open(Status::Insecure, Some(found)), reasons);
            }
            DsStatus::Bogus => Status::Bogus,
            DsStatus::Indeterminate => Status::Indeterminate,
        };
        (open(status, Some(found)), reasons)
    }

    /// The keys of a zone under a DS set that is established.
    fn keys_link(
        &mut self,
        step: &WalkStep<'_>,
        anchored: DsSet,
        ds: Option<DsVerdict>,
    ) -> (Link, Vec<Reason>) {
        let keys = step
            .dnskey
            .map(|answer| self.dnskey(&step.zone, &anchored, answer));
        let (status, reasons) = match &keys {
            Some(found) => (found.status, found.reasons.clone()),
            None => match decided_by_ds(&step.zone, &self.policy.sort_ds(&anchored)) {
                Some((status, reason)) => (status, vec![reason]),
                None => {
                    let text = format!("the answer to {} DNSKEY is missing", step.zone);
                    (Status::Indeterminate, vec![missing(&step.zone, text)])
                }
            },
        };
        let link = Link {
            zone: step.zone.clone(),
            status,
            anchored,
            ds,
            keys,
        };
        (link, reasons)
    }
}

/// The step at which the closest anchor stands, the order of the rest checked.
fn start(anchors: &Anchors, steps: &[WalkStep<'_>]) -> Result<usize, Reason> {
    let root = Name::root();
    let last = steps.last().map_or(&root, |step| &step.zone);
    let (anchor, _) = anchors
        .closest(last)
        .ok_or_else(|| missing(last, format!("no trust anchor at or above {last}")))?;
    let start = steps
        .iter()
        .position(|step| step.zone == *anchor)
        .ok_or_else(|| {
            missing(
                anchor,
                format!("nothing was captured about {anchor}, where the anchor is"),
            )
        })?;
    let in_order = steps
        .iter()
        .skip(start)
        .zip(steps.iter().skip(start + 1))
        .all(|(above, below)| above.zone != below.zone && below.zone.is_at_or_below(&above.zone));
    if in_order {
        Ok(start)
    } else {
        Err(missing(last, "the zones on the way are not in order".to_owned()))
    }
}

fn missing(zone: &Name, text: String) -> Reason {
    Reason::new("not-captured", zone, text, "RFC 4035 section 4.3")
}
