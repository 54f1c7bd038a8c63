//! Signatures, made when they are first asked for and kept until they are due to be renewed.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::zone::{RoleKey, Zone};
use crate::dns::{Rrset, Rtype};
use crate::dnssec::Rrsig;
use crate::moment::Moment;

/// Signatures begin this long before they are made, for clocks that are behind.
const BACKDATED: Duration = Duration::from_secs(3600);
/// So many RRsets are kept; beyond that all are made again.
const SHELF_ROOM: usize = 65_536;

/// What is signed and by whom: the same content signed by the same keys has the same signatures on every copy.
#[derive(PartialEq, Eq, Hash)]
struct Place {
    rrset: Rrset,
    signers: Vec<Vec<u8>>,
}

struct Made {
    signatures: Vec<Rrsig>,
    good_until: Moment,
}

/// Signatures that were made, shared between all copies of a zone.
#[derive(Default)]
pub(super) struct Shelf(Mutex<HashMap<Place, Made>>);

impl Zone {
    /// The RRset with its signatures, and until when they are to be handed out.
    pub fn signed(&self, mut rrset: Rrset, now: Moment) -> (Rrset, Moment) {
        let place = Place {
            signers: self
                .signers(rrset.rtype)
                .map(|key| key.key.dnskey().rdata())
                .collect(),
            rrset: rrset.clone(),
        };
        let mut shelf = self.shelf.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = shelf.get(&place)
            && now < made.good_until
        {
            rrset.signatures.clone_from(&made.signatures);
            return (rrset, made.good_until);
        }
        let made = self.make(&rrset, now);
        rrset.signatures.clone_from(&made.signatures);
        let good_until = made.good_until;
        if shelf.len() >= SHELF_ROOM {
            shelf.clear();
        }
        shelf.insert(place, made);
        (rrset, good_until)
    }

    fn make(&self, rrset: &Rrset, now: Moment) -> Made {
        let validity = self.manner().validity;
        let inception = (now - BACKDATED).floor_seconds();
        let expiration = (now + validity).floor_seconds();
        Made {
            signatures: self
                .signers(rrset.rtype)
                .filter_map(|key| key.key.sign(rrset, self.apex(), inception, expiration).ok())
                .collect(),
            good_until: now + self.manner().renewal.min(validity),
        }
    }

    /// The keys that sign this type. CDS and CDNSKEY must be signed by a key that the DS names (RFC 7344 section 4.1);
    /// a ZSK signs them too, so that what holds for data holds for them.
    fn signers(&self, rtype: Rtype) -> impl Iterator<Item = &RoleKey> {
        self.keys().iter().filter(move |key| match rtype {
            Rtype::DNSKEY => key.signs_keys,
            Rtype::CDS | Rtype::CDNSKEY => key.signs_keys || key.signs_data,
            _ => key.signs_data,
        })
    }
}
