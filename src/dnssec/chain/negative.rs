//! The signed records of an authority section that a proof of absence is made of.

use super::{Judge, Reason, Status};
use crate::dns::{Message, Name, Rrset, Rtype, Ttl};
use crate::dnssec::denial::{Denial, Fact, Proof};
use crate::dnssec::{Dnskey, Signers};

/// No honest answer needs more NSEC and NSEC3 RRsets; further ones are left out.
const MOST_DENIALS: usize = 16;

/// What an authority section offers as proof, validated.
#[derive(Debug)]
pub(super) struct Evidence {
    pub(super) denial: Denial,
    /// SOA, NSEC and NSEC3 RRsets with what their signatures came to.
    pub(super) rrsets: Vec<(Rrset, Signers)>,
    /// TTL and MINIMUM of the zone's SOA.
    pub(super) soa: Option<(Ttl, Ttl)>,
    pub(super) soa_status: Option<Status>,
    /// Why records were left out of the proof.
    faults: Vec<Reason>,
    /// Whether a record was left out that another validator might accept.
    undecided: bool,
}

impl Judge<'_> {
    /// Validates SOA, NSEC and NSEC3 of `zone` in the authority section.
    pub(super) fn evidence(&mut self, zone: &Name, keys: &[Dnskey], answer: &Message) -> Evidence {
        let mut good: Vec<Rrset> = Vec::new();
        let mut evidence = Evidence {
            denial: Denial::new(zone, []),
            rrsets: Vec::new(),
            soa: None,
            soa_status: None,
            faults: Vec::new(),
            undecided: false,
        };
        for rrset in answer.authority_rrsets() {
            let apex_soa = rrset.rtype == Rtype::SOA && rrset.name == *zone;
            let denies = matches!(rrset.rtype, Rtype::NSEC | Rtype::NSEC3);
            if !(apex_soa || denies) || rrset.rdatas.is_empty() || !rrset.name.is_at_or_below(zone) {
                continue;
            }
            if denies && evidence.rrsets.len() >= MOST_DENIALS {
                evidence.leave_out_rest(zone);
                break;
            }
            let mut verdict = self.set(&rrset, keys, zone);
            if apex_soa {
                evidence.soa = Some((rrset.ttl, soa_minimum(&rrset)));
                evidence.soa_status = Some(verdict.status);
            }
            if verdict.status != Status::Secure {
                evidence.undecided |= verdict.status == Status::Indeterminate;
                evidence.faults.append(&mut verdict.reasons);
            } else if denies && verdict.expanded.is_some() {
                evidence.faults.push(Reason::new(
                    "denial-expanded",
                    zone,
                    format!(
                        "{} {} is expanded from a wildcard, so it proves nothing",
                        rrset.name, rrset.rtype
                    ),
                    "RFC 4035 section 5.4",
                ));
            } else if denies {
                good.push(rrset.clone());
            }
            evidence.rrsets.push((rrset, verdict.signers));
        }
        evidence.denial = Denial::new(zone, &good).allowing_iterations(self.budget.nsec3_iterations);
        evidence
    }
}

impl Evidence {
    fn leave_out_rest(&mut self, zone: &Name) {
        self.undecided = true;
        let text = format!("more than {MOST_DENIALS} NSEC and NSEC3 RRsets");
        self.faults
            .push(Reason::new("work-limit", zone, text, "CVE-2023-50387"));
    }

    /// The status that a proof gives, with its reasons.
    pub(super) fn conclude(&self, zone: &Name, proof: &Proof) -> (Status, Vec<Reason>) {
        match proof {
            Ok(Fact::Proven | Fact::NxName) => (Status::Secure, Vec::new()),
            Ok(Fact::OptOut) => {
                let text = "the proof rests on an opt-out span: an unsigned delegation may be there";
                let reason = Reason::new("denial-opt-out", zone, text, "RFC 5155 section 9.2");
                (Status::Insecure, vec![reason])
            }
            Err(fault) => {
                let mut reasons = vec![fault.reason(zone)];
                reasons.extend(self.faults.iter().cloned());
                let status = match fault.status {
                    Status::Bogus if self.undecided => Status::Indeterminate,
                    status => status,
                };
                (status, reasons)
            }
        }
    }

    /// How long a cache may keep the negative answer (RFC 2308 section 5): zero without an SOA.
    pub(super) fn negative_ttl(&self) -> Ttl {
        self.soa.map_or(0, |(ttl, minimum)| ttl.min(minimum))
    }

    /// What was wrong with records that were left out.
    pub(super) fn faults(&self) -> &[Reason] {
        &self.faults
    }

    /// The smallest TTL of the NSEC and NSEC3 RRsets.
    pub(super) fn denial_ttl(&self) -> Option<Ttl> {
        self.rrsets
            .iter()
            .filter(|(rrset, _)| rrset.rtype != Rtype::SOA)
            .map(|(rrset, _)| rrset.ttl)
            .min()
    }
}

/// The last field of the SOA.
fn soa_minimum(rrset: &Rrset) -> Ttl {
    rrset
        .rdatas
        .first()
        .and_then(|rdata| rdata.last_chunk::<4>())
        .map_or(0, |octets| u32::from_be_bytes(*octets))
}
