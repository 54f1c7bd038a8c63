//! RRsets in canonical form with the signatures that cover them.

use std::collections::BTreeMap;

use super::{CLASS_IN, Name, Record, Rtype, Ttl};
use crate::dnssec::Rrsig;

/// All records of one owner and type in a section of a message, with the RRSIGs that cover them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rrset {
    /// The owner name.
    pub name: Name,
    /// The type.
    pub rtype: Rtype,
    /// The largest TTL among the records, in seconds (they ought to be equal: RFC 2181 section 5.2).
    pub ttl: Ttl,
    /// RDATA in canonical form, sorted in canonical order, duplicates removed (RFC 4034 section 6.3).
    pub rdatas: Vec<Vec<u8>>,
    /// The signatures that cover this type at this owner.
    pub signatures: Vec<Rrsig>,
    /// RRSIG records that cover this type but could not be read.
    pub broken_signatures: usize,
}

impl Rrset {
    /// The records again, in canonical order.
    pub fn records(&self) -> impl Iterator<Item = Record> + '_ {
        self.rdatas
            .iter()
            .map(|rdata| Record::new(self.name.clone(), self.rtype, self.ttl, rdata.clone()))
    }
}

/// Groups the records of class IN of one section into RRsets, signatures with what they cover.
///
/// An RRSIG without a covered RRset in the section is an RRset of its own without records, so that it is not lost.
pub fn rrsets(records: &[Record]) -> Vec<Rrset> {
    let mut sets: BTreeMap<(Name, Rtype), Rrset> = BTreeMap::new();
    for record in records {
        if record.rtype == Rtype::OPT || record.rtype == Rtype::TSIG || record.class != CLASS_IN {
            continue;
        }
        let (covered, signature) = if record.rtype == Rtype::RRSIG {
            match Rrsig::from_rdata(&record.rdata, record.ttl) {
                Some(signature) => (signature.type_covered, Some(signature)),
                None => match record.rdata.get(..2) {
                    Some(octets) => (Rtype(u16::from_be_bytes([octets[0], octets[1]])), None),
                    None => continue,
                },
            }
        } else {
            (record.rtype, None)
        };
        let set = sets
            .entry((record.name.clone(), covered))
            .or_insert_with(|| Rrset {
                name: record.name.clone(),
                rtype: covered,
                ttl: 0,
                rdatas: Vec::new(),
                signatures: Vec::new(),
                broken_signatures: 0,
            });
        match (record.rtype == Rtype::RRSIG, signature) {
            (true, Some(signature)) => set.signatures.push(signature),
            (true, None) => set.broken_signatures += 1,
            (false, _) => {
                set.ttl = set.ttl.max(record.ttl);
                set.rdatas.push(record.rdata.clone());
            }
        }
    }
    let mut out: Vec<Rrset> = sets.into_values().collect();
    for set in &mut out {
        set.rdatas.sort();
        set.rdatas.dedup();
    }
    out
}
