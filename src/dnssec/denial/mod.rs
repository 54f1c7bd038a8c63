//! Proofs that a name or a type does not exist: NSEC (RFC 4035 section 5.4), NSEC3 (RFC 5155 section 8), compact denial
//! (RFC 9824). Only records whose signatures were found good may come in here.

mod bitmap;
mod nsec;
mod nsec3;
#[cfg(test)]
mod tests;

use super::chain::{Reason, Status};
use crate::dns::{Name, Rrset, Rtype};
use nsec::Nsec;
use nsec3::Nsec3Set;

/// Whether the RDATA of an NSEC or NSEC3 record shows NXNAME (RFC 9824 section 3.4): its signer denies compactly. What cannot be
/// read shows nothing; nothing of the record is believed by that.
pub fn shows_nxname(rtype: Rtype, rdata: &[u8]) -> bool {
    let types = match rtype {
        Rtype::NSEC => nsec::types(rdata),
        Rtype::NSEC3 => nsec3::types(rdata),
        _ => None,
    };
    types.is_some_and(|types| types.has(Rtype::NXNAME))
}

/// The proof is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    /// As asked.
    Proven,
    /// Compact denial says that the name itself does not exist (RFC 9824 section 3).
    NxName,
    /// Only under opt-out: an insecure delegation may hide in the span (RFC 5155 section 9.2).
    OptOut,
}

/// The proof fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Bogus, insecure (too many iterations), or indeterminate (out of work).
    pub(super) status: Status,
    pub(super) code: &'static str,
    pub(super) text: String,
    pub(super) rfc: &'static str,
}

impl Fault {
    fn bogus(code: &'static str, text: impl Into<String>, rfc: &'static str) -> Fault {
        Fault {
            status: Status::Bogus,
            code,
            text: text.into(),
            rfc,
        }
    }

    pub(super) fn reason(&self, zone: &Name) -> Reason {
        Reason::new(self.code, zone, self.text.clone(), self.rfc)
    }
}

pub(super) type Proof = Result<Fact, Fault>;

/// The denial records of one answer.
#[derive(Debug)]
pub(super) struct Denial {
    zone: Name,
    nsecs: Vec<Nsec>,
    nsec3s: Nsec3Set,
}

impl Denial {
    /// Takes NSEC and NSEC3 RRsets of `zone`; others are left out.
    pub(super) fn new<'a>(zone: &Name, rrsets: impl IntoIterator<Item = &'a Rrset>) -> Denial {
        let mut denial = Denial {
            zone: zone.clone(),
            nsecs: Vec::new(),
            nsec3s: Nsec3Set::new(zone),
        };
        for rrset in rrsets {
            match rrset.rtype {
                Rtype::NSEC => denial.nsecs.extend(Nsec::read(rrset)),
                Rtype::NSEC3 => denial.nsec3s.add(rrset),
                _ => {}
            }
        }
        denial
    }

    /// With another limit of NSEC3 iterations than [`NSEC3_ITERATION_LIMIT`](super::policy::NSEC3_ITERATION_LIMIT).
    pub(super) fn allowing_iterations(mut self, most: u32) -> Denial {
        self.nsec3s.allow_iterations(most);
        self
    }

    /// `qname` does not exist, nor a wildcard that would answer for it.
    pub(super) fn no_name(&self, qname: &Name, hashes: &mut u32) -> Proof {
        self.either(
            || nsec::no_name(&self.nsecs, &self.zone, qname),
            |hashes| self.nsec3s.no_name(qname, hashes),
            hashes,
        )
    }

    /// `qname` exists or is covered by a wildcard, and neither has `qtype` or a CNAME.
    pub(super) fn no_data(&self, qname: &Name, qtype: Rtype, hashes: &mut u32) -> Proof {
        self.either(
            || nsec::no_data(&self.nsecs, &self.zone, qname, qtype),
            |hashes| self.nsec3s.no_data(qname, qtype, hashes),
            hashes,
        )
    }

    /// Nothing closer than the wildcard below the name of `labels` labels answers for `qname` (RFC 4035 section 5.3.4).
    pub(super) fn no_closer(&self, qname: &Name, labels: usize, hashes: &mut u32) -> Proof {
        self.either(
            || nsec::no_closer(&self.nsecs, &self.zone, qname, labels),
            |hashes| self.nsec3s.no_closer(qname, labels, hashes),
            hashes,
        )
    }

    /// `cut` is delegated and has no DS record (RFC 4035 section 5.2, RFC 5155 section 8.9).
    pub(super) fn no_ds(&self, cut: &Name, hashes: &mut u32) -> Proof {
        self.either(
            || nsec::no_ds(&self.nsecs, cut),
            |hashes| self.nsec3s.no_ds(cut, hashes),
            hashes,
        )
    }

    fn either(
        &self,
        by_nsec: impl FnOnce() -> Proof,
        by_nsec3: impl FnOnce(&mut u32) -> Proof,
        hashes: &mut u32,
    ) -> Proof {
        let first = (!self.nsecs.is_empty()).then(by_nsec);
        match first {
            Some(Ok(fact)) => Ok(fact),
            Some(Err(fault)) if self.nsec3s.is_empty() => Err(fault),
            None if self.nsec3s.is_empty() => Err(Fault::bogus(
                "denial-missing",
                "no NSEC or NSEC3 record with a good signature proves it",
                "RFC 4035 section 5.4",
            )),
            _ => by_nsec3(hashes),
        }
    }
}
