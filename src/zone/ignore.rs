//! What two good copies of a zone need not share.

use std::collections::BTreeSet;

use crate::dns::{Name, Record, Rtype};

/// Where BIND keeps notes about its own signing, at the apex.
const SIGNING_STATE: Rtype = Rtype(65_534);

/// Which records do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignore {
    /// Types left out at every name.
    pub everywhere: BTreeSet<Rtype>,
    /// Types left out at the apex.
    pub at_apex: BTreeSet<Rtype>,
}

impl Ignore {
    /// Nothing.
    pub fn nothing() -> Ignore {
        Ignore {
            everywhere: BTreeSet::new(),
            at_apex: BTreeSet::new(),
        }
    }

    /// What each signer makes by itself: SOA, apex NS, DNSKEY, CDS, CDNSKEY, RRSIG, NSEC, NSEC3, NSEC3PARAM, ZONEMD, and
    /// BIND's notes about its signing.
    pub fn made_by_signers() -> Ignore {
        Ignore {
            // An NSEC3 owner is no name of the zone.
            everywhere: BTreeSet::from([Rtype::RRSIG, Rtype::NSEC, Rtype::NSEC3]),
            at_apex: BTreeSet::from([
                Rtype::SOA,
                Rtype::NS,
                Rtype::DNSKEY,
                Rtype::CDS,
                Rtype::CDNSKEY,
                Rtype::NSEC3PARAM,
                Rtype::ZONEMD,
                SIGNING_STATE,
            ]),
        }
    }

    /// Whether records of a type do not count, at the apex or elsewhere.
    pub fn passes(&self, rtype: Rtype, at_apex: bool) -> bool {
        self.everywhere.contains(&rtype) || (at_apex && self.at_apex.contains(&rtype))
    }

    /// Whether a record does not count in the zone `apex`.
    pub fn passes_over(&self, apex: &Name, record: &Record) -> bool {
        self.passes(record.rtype, record.name == *apex)
    }

    /// Lets a type count after all, wherever it stands.
    pub fn take_back(&mut self, rtype: Rtype) {
        self.everywhere.remove(&rtype);
        self.at_apex.remove(&rtype);
    }
}

impl Default for Ignore {
    fn default() -> Ignore {
        Ignore::made_by_signers()
    }
}
