//! The chain from the anchor down to the parent's keys, kept fresh from the ancestors' answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::dns::{Message, Name, Rtype};
use crate::dnssec::{Anchors, Budget, Dnskey, Status, WalkStep, walk};
use crate::evidence::{BlobId, Observation, Outcome, Place, Sweep};
use crate::moment::Moment;
use crate::ports::Topology;

/// An answer and its name.
type Held = (BlobId, Arc<[u8]>);

/// What a sweep tells of the chain above the zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// What was known.
    Same,
    /// It was judged anew, and comes to the same keys of the parent.
    Judged,
    /// The parent's keys are others.
    OtherKeys,
}

/// The latest answers above the zone and what they come to.
#[derive(Clone, Debug)]
pub struct Upstream {
    anchors: Anchors,
    answers: BTreeMap<(Name, Rtype), Held>,
    parent_keys: Vec<Dnskey>,
    fault: Option<String>,
    expires: Option<i64>,
    asked: Option<Moment>,
    life: u32,
}

impl Upstream {
    /// Nothing known but the anchors.
    pub fn new(anchors: Anchors) -> Upstream {
        Upstream {
            anchors,
            answers: BTreeMap::new(),
            parent_keys: Vec::new(),
            fault: Some("the chain above the zone was not asked for yet".to_owned()),
            expires: None,
            asked: None,
            life: 0,
        }
    }

    /// Other anchors.
    pub fn set_anchors(&mut self, anchors: Anchors) {
        self.anchors = anchors;
    }

    /// The parent's keys as validated; empty if they are not.
    pub fn parent_keys(&self) -> &[Dnskey] {
        &self.parent_keys
    }

    /// Why the parent's keys are not validated, if they are not.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Whether it should be asked for again: never asked, faulty, or the shortest TTL has passed.
    pub fn due(&self, now: Moment) -> bool {
        self.fault.is_some()
            || self
                .asked
                .is_none_or(|at| now.since(at).as_secs() >= u64::from(self.life.clamp(1, 3600)))
            || self.expires.is_some_and(|at| at <= now.floor_seconds())
    }

    /// The clock was set by so much, milliseconds.
    pub(super) fn shift(&mut self, millis: i64) {
        self.asked = self.asked.map(|at| at.moved(millis));
    }

    /// Takes the ancestors' answers out of a sweep; says what came of it.
    pub(super) fn take(
        &mut self,
        sweep: &Sweep,
        topology: &Topology,
        at: i64,
        get: &dyn Fn(&Observation) -> Option<Arc<[u8]>>,
    ) -> Taken {
        let mut any = false;
        let mut changed = false;
        for observation in &sweep.observations {
            let (Place::Ancestor(_), Outcome::Answer { blob, .. }) =
                (&observation.place, &observation.outcome)
            else {
                continue;
            };
            let Some(octets) = get(observation) else {
                continue;
            };
            any = true;
            let key = (observation.name.clone(), observation.rtype);
            let old = self.answers.insert(key, (blob.clone(), octets));
            changed |= old.is_none_or(|(held, _)| held != *blob);
        }
        if any {
            self.asked = Some(sweep.started);
        }
        if !changed && self.fault.is_none() && self.expires.is_none_or(|until| at < until) {
            return Taken::Same;
        }
        let before = std::mem::take(&mut self.parent_keys);
        self.judge(topology, at);
        if before == self.parent_keys {
            Taken::Judged
        } else {
            Taken::OtherKeys
        }
    }

    fn judge(&mut self, topology: &Topology, at: i64) {
        let message = |name: &Name, rtype: Rtype| {
            self.answers
                .get(&(name.clone(), rtype))
                .and_then(|(_, octets)| Message::parse(octets).ok())
        };
        let start = self
            .anchors
            .closest(&topology.parent)
            .map(|(zone, _)| zone.clone());
        let messages: Vec<(&Name, Option<Message>, Option<Message>)> = topology
            .ancestors
            .iter()
            .map(|(zone, _)| zone)
            .filter(|zone| start.as_ref().is_some_and(|start| zone.is_at_or_below(start)))
            .map(|zone| (zone, message(zone, Rtype::DS), message(zone, Rtype::DNSKEY)))
            .collect();
        let steps: Vec<WalkStep<'_>> = messages
            .iter()
            .map(|(zone, ds, dnskey)| WalkStep {
                zone: (*zone).clone(),
                ds: ds.as_ref(),
                dnskey: dnskey.as_ref(),
            })
            .collect();
        self.life = self
            .answers
            .values()
            .filter_map(|(_, octets)| shortest_ttl(octets))
            .min()
            .unwrap_or(0);
        let verdict = walk(&self.anchors, &steps, at, &mut Budget::default());
        let last = verdict.zones.last().filter(|link| link.zone == topology.parent);
        match (verdict.status, last.and_then(|link| link.keys.as_ref())) {
            (Status::Secure, Some(keys)) => {
                self.parent_keys = keys.trusted.clone();
                let windows = verdict
                    .zones
                    .iter()
                    .filter_map(|link| link.keys.as_ref()?.signers.window());
                self.expires = windows.map(|window| window.1).min();
                self.fault = None;
            }
            (status, _) => {
                let why: Vec<&str> = verdict
                    .reasons
                    .iter()
                    .map(|reason| reason.text.as_str())
                    .collect();
                let word = format!("{status:?}").to_lowercase();
                self.expires = None;
                self.fault = Some(format!(
                    "the chain to {} is {word}: {}",
                    topology.parent,
                    why.join("; ")
                ));
            }
        }
    }
}

fn shortest_ttl(octets: &[u8]) -> Option<u32> {
    let message = Message::parse(octets).ok()?;
    message.answer.iter().map(|record| record.ttl).min()
}
