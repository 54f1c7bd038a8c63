//! The chain above, and the delegation as each of the parent's servers gives it. Pure.

use std::collections::BTreeSet;

use super::report::{Chain, ParentServer, worse};
use super::seen::{Address, Answers, glue, lame, targets};
use crate::dns::{Name, Rtype};
use crate::dnssec::{Anchors, Budget, DsStatus, Status, WalkStep, judge_ds, walk};
use crate::evidence::Proto;
use crate::ports::Topology;

impl Chain {
    /// From the anchor down to the parent.
    pub(super) fn above(topology: &Topology, answers: &Answers, anchors: &Anchors, at: i64) -> Chain {
        let start = anchors.closest(&topology.parent).map(|(zone, _)| zone);
        let steps: Vec<WalkStep<'_>> = topology
            .ancestors
            .iter()
            .map(|(zone, _)| zone)
            .filter(|zone| start.is_some_and(|start| zone.is_at_or_below(start)))
            .map(|zone| WalkStep {
                zone: zone.clone(),
                ds: answers.above(zone, Rtype::DS),
                dnskey: answers.above(zone, Rtype::DNSKEY),
            })
            .collect();
        let verdict = walk(anchors, &steps, at, &mut Budget::default());
        Chain {
            status: verdict.status,
            zones: verdict
                .zones
                .iter()
                .map(|link| (link.zone.clone(), link.status))
                .collect(),
            reasons: verdict.reasons,
            ds: Vec::new(),
            parent_keys: verdict.trusted,
        }
    }

    /// The last step: from the parent to the zone.
    pub(super) fn reach(&mut self, zone: &Name, parent: &[ParentServer], anchors: &Anchors) {
        if let Some((anchored, ds)) = anchors.closest(zone)
            && anchored == zone
        {
            // The zone itself is trusted: nothing above it counts.
            self.status = Status::Secure;
            self.reasons.clear();
            self.zones.clear();
            self.ds.push(ds.clone());
            return;
        }
        if self.status != Status::Secure {
            return;
        }
        let mut worst = None;
        for server in parent.iter().filter(|server| server.problem.is_none()) {
            worst = Some(worst.map_or(server.status, |worst| worse(worst, server.status)));
            if server.status == Status::Secure
                && let Some(ds) = &server.ds
                && !self.ds.contains(ds)
            {
                self.ds.push(ds.clone());
            }
            if server.status != Status::Secure {
                self.reasons.extend(server.reasons.iter().cloned());
            }
        }
        self.status = worst.unwrap_or(Status::Indeterminate);
    }
}

impl ParentServer {
    /// What one address says about the delegation.
    pub(super) fn inspect(
        address: &Address,
        topology: &Topology,
        answers: &Answers,
        chain: &Chain,
        at: i64,
    ) -> ParentServer {
        let zone = &topology.zone;
        let mut out = ParentServer {
            label: String::new(),
            server: address.server.clone(),
            address: address.address,
            ds: None,
            status: Status::Indeterminate,
            ttl: 0,
            ns: BTreeSet::new(),
            ns_ttl: 0,
            glue: None,
            reasons: Vec::new(),
            tcp: answers
                .get(address, Proto::Tcp, zone, Rtype::DS)
                .map(|answer| answer.as_ref().map(|_| ()).map_err(ToString::to_string)),
            problem: None,
        };
        if let Some(Ok(message)) = answers.get(address, Proto::Udp, zone, Rtype::NS) {
            out.ns = targets(message, zone, true);
            out.glue = message.answer.is_empty().then(|| glue(message, zone));
            out.ns_ttl = message
                .answer
                .iter()
                .chain(&message.authority)
                .chain(&message.additional)
                .filter(|record| {
                    (record.rtype == Rtype::NS && record.name == *zone) || out.ns.contains(&record.name)
                })
                .map(|record| record.ttl)
                .max()
                .unwrap_or(0);
        }
        let message = match answers.get(address, Proto::Udp, zone, Rtype::DS) {
            None => return out,
            Some(Err(silence)) => {
                out.problem = Some(silence.to_string());
                return out;
            }
            Some(Ok(message)) => message,
        };
        if let Some(words) = lame(zone, Rtype::DS, &topology.parent, message) {
            out.problem = Some(words);
            return out;
        }
        if chain.status == Status::Insecure {
            out.status = Status::Insecure;
        }
        let mut budget = Budget::default();
        let verdict = judge_ds(
            zone,
            &topology.parent,
            &chain.parent_keys,
            message,
            at,
            &mut budget,
        );
        out.ttl = verdict.ttl;
        out.ds = Some(verdict.records);
        if chain.status == Status::Secure {
            out.status = match verdict.status {
                DsStatus::Secure(_) => Status::Secure,
                DsStatus::ProvenAbsent => Status::Insecure,
                DsStatus::Bogus => Status::Bogus,
                DsStatus::Indeterminate => Status::Indeterminate,
            };
            out.reasons = verdict.reasons;
        }
        out
    }
}
