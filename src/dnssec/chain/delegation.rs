//! What a parent's server says about a delegation.

use serde::Serialize;

use super::form::{lame, unusable};
use super::negative::Evidence;
use super::{Form, Judge, Reason, Status, classify};
use crate::dns::{Message, Name, Rrset, Rtype, Ttl};
use crate::dnssec::{Budget, Dnskey, Ds, DsSet, Signers};

/// What is established about the DS RRset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DsStatus {
    /// The parent's signature on these records is good.
    Secure(DsSet),
    /// It is proven that the delegation has no DS record (or may be hidden by opt-out): insecure below.
    ProvenAbsent,
    /// Unsigned, wrongly signed, wrongly denied, or proven to be no delegation at all.
    Bogus,
    /// Something is missing, or this build cannot check it.
    Indeterminate,
}

/// The verdict on the answer of a parent's server to the question for DS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DsVerdict {
    /// What is established.
    pub status: DsStatus,
    /// The records as served, whatever the verdict.
    pub records: DsSet,
    /// Seconds: of the DS RRset, or the least of SOA TTL, SOA minimum and NSEC TTL of the negative proof.
    pub ttl: Ttl,
    /// The signatures of the DS RRset, or of all records of the negative proof together.
    #[serde(skip)]
    pub signers: Signers,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// Judges the answer of a server of `parent` to the question for the DS of `zone` (RFC 4035 section 5.2).
pub fn judge_ds(
    zone: &Name,
    parent: &Name,
    parent_keys: &[Dnskey],
    answer: &Message,
    at: i64,
    budget: &mut Budget,
) -> DsVerdict {
    Judge::new(at, budget).ds(zone, parent, parent_keys, answer)
}

impl DsVerdict {
    fn open() -> DsVerdict {
        DsVerdict {
            status: DsStatus::Indeterminate,
            records: DsSet::new(),
            ttl: 0,
            signers: Signers::default(),
            reasons: Vec::new(),
        }
    }

    fn settle(&mut self, status: Status, secure: DsStatus) {
        self.status = match status {
            Status::Secure => secure,
            Status::Insecure => DsStatus::ProvenAbsent,
            Status::Bogus => DsStatus::Bogus,
            Status::Indeterminate => DsStatus::Indeterminate,
        };
    }
}

impl Judge<'_> {
    /// See [`judge_ds`].
    pub fn ds(&mut self, zone: &Name, parent: &Name, keys: &[Dnskey], answer: &Message) -> DsVerdict {
        let mut verdict = DsVerdict::open();
        let form = classify(zone, Rtype::DS, parent, answer);
        let rrset = answer
            .answer_rrsets()
            .into_iter()
            .find(|set| set.name == *zone && set.rtype == Rtype::DS && !set.rdatas.is_empty());
        if let Some(rrset) = &rrset {
            verdict.records = ds_of(rrset);
            verdict.ttl = rrset.ttl;
        }
        if let Some(reason) = unusable(form, parent, answer) {
            verdict.reasons.push(reason);
        } else if keys.is_empty() {
            verdict.reasons.push(no_keys(parent));
        } else if zone == parent || !zone.is_at_or_below(parent) {
            verdict.reasons.push(Reason::new(
                "not-the-parent",
                parent,
                format!("{parent} cannot delegate {zone}"),
                "RFC 4035 section 5.2",
            ));
        } else if let Some(rrset) = rrset {
            self.positive_ds(&mut verdict, &rrset, parent, keys);
        } else {
            self.negative_ds(&mut verdict, zone, parent, keys, answer, form);
        }
        if form == Form::Lame {
            verdict.reasons.push(lame(parent));
            if verdict.status == DsStatus::Bogus && !self.counts(answer) {
                verdict.status = DsStatus::Indeterminate;
            }
        }
        verdict
    }

    /// A DS RRset under the parent's keys.
    pub(super) fn positive_ds(
        &mut self,
        verdict: &mut DsVerdict,
        rrset: &Rrset,
        parent: &Name,
        keys: &[Dnskey],
    ) {
        let found = self.set(rrset, keys, parent);
        verdict.signers = found.signers;
        verdict.reasons.extend(found.reasons);
        if found.expanded.is_some() {
            verdict.status = DsStatus::Bogus;
            verdict.reasons.push(Reason::new(
                "ds-from-wildcard",
                parent,
                format!("the DS of {} is expanded from a wildcard", rrset.name),
                "RFC 4592 section 4.6",
            ));
        } else {
            verdict.settle(found.status, DsStatus::Secure(ds_of(rrset)));
        }
    }

    fn negative_ds(
        &mut self,
        verdict: &mut DsVerdict,
        zone: &Name,
        parent: &Name,
        keys: &[Dnskey],
        answer: &Message,
        form: Form,
    ) {
        match form {
            Form::Referral => verdict.reasons.push(Reason::new(
                "referral",
                parent,
                "the server points to a zone below instead of answering",
                "RFC 4035 section 3.1.4.1",
            )),
            Form::Positive => {
                verdict.status = DsStatus::Bogus;
                verdict.reasons.push(Reason::new(
                    "ds-alias",
                    parent,
                    format!("the parent answers with an alias at {zone}"),
                    "RFC 1034 section 3.6.2",
                ));
            }
            _ if from_child(zone, answer) => verdict.reasons.push(Reason::new(
                "ds-answer-from-child",
                parent,
                format!("{zone} itself answered, not its parent"),
                "RFC 4035 section 3.1.4.1",
            )),
            _ => {
                let evidence = self.evidence(parent, keys, answer);
                self.absent_ds(verdict, zone, parent, evidence);
            }
        }
    }

    /// The proof that `zone` is delegated without DS.
    pub(super) fn absent_ds(
        &mut self,
        verdict: &mut DsVerdict,
        zone: &Name,
        parent: &Name,
        evidence: Evidence,
    ) {
        let proof = evidence.denial.no_ds(zone, &mut self.budget.nsec3_hashes);
        let (mut status, reasons) = evidence.conclude(parent, &proof);
        verdict.reasons.extend(reasons);
        if let (Status::Secure | Status::Insecure, Some(soa @ (Status::Bogus | Status::Indeterminate))) =
            (status, evidence.soa_status)
        {
            status = soa;
            verdict.reasons.extend(evidence.faults().iter().cloned());
        }
        verdict.settle(status, DsStatus::ProvenAbsent);
        let soa = evidence.soa.map(|(ttl, minimum)| ttl.min(minimum));
        verdict.ttl = soa.into_iter().chain(evidence.denial_ttl()).min().unwrap_or(0);
        for (_, signers) in evidence.rrsets {
            verdict.signers.attempts.extend(signers.attempts);
            verdict.signers.orphans.extend(signers.orphans);
            verdict.signers.untried += signers.untried;
        }
    }

    /// The DS of `cut` as it stands in the authority section of a referral from `parent`.
    pub(in crate::dnssec) fn referred_ds(
        &mut self,
        cut: &Name,
        parent: &Name,
        keys: &[Dnskey],
        answer: &Message,
    ) -> DsVerdict {
        let mut verdict = DsVerdict::open();
        let rrset = answer
            .authority_rrsets()
            .into_iter()
            .find(|set| set.name == *cut && set.rtype == Rtype::DS && !set.rdatas.is_empty());
        match rrset {
            Some(rrset) => {
                verdict.records = ds_of(&rrset);
                verdict.ttl = rrset.ttl;
                self.positive_ds(&mut verdict, &rrset, parent, keys);
            }
            None => {
                let evidence = self.evidence(parent, keys, answer);
                self.absent_ds(&mut verdict, cut, parent, evidence);
            }
        }
        verdict
    }
}

/// No keys to judge with.
pub(super) fn no_keys(zone: &Name) -> Reason {
    Reason::new(
        "no-trusted-keys",
        zone,
        "no trusted key of this zone is known",
        "RFC 4035 section 4.3",
    )
}

fn ds_of(rrset: &Rrset) -> DsSet {
    rrset
        .rdatas
        .iter()
        .filter_map(|rdata| Ds::from_rdata(rdata))
        .collect()
}

fn from_child(zone: &Name, answer: &Message) -> bool {
    answer
        .authority
        .iter()
        .any(|record| record.rtype == Rtype::SOA && record.name == *zone)
}
