//! Trust anchors: DS or DNSKEY records of any zone, in presentation format.

use std::collections::BTreeMap;
use std::fmt;

use super::{Dnskey, Ds, DsSet};
use crate::dns::{Name, Rtype, ZoneTextError, parse_records};

/// The IANA root anchors, compiled in.
pub const IANA_ROOT_ANCHORS: &str = include_str!("../../keys/root-anchors.ds");

/// What is trusted without proof, by zone. A DNSKEY anchor stands as its SHA-256 DS, which binds the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchors(BTreeMap<Name, DsSet>);

/// Why a text gives no anchors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    /// It does not parse.
    #[error("{0}")]
    Text(#[from] ZoneTextError),
    /// A record of another type.
    #[error("{name} {rtype}: a trust anchor is a DS or a DNSKEY record")]
    Type {
        /// The owner.
        name: Name,
        /// The type found.
        rtype: Rtype,
    },
    /// No record at all.
    #[error("no DS or DNSKEY record in it")]
    Empty,
}

impl Anchors {
    /// Reads DS and DNSKEY records, one a line.
    ///
    /// # Errors
    /// If the text does not parse, holds another type, or no record.
    pub fn parse(text: &str) -> Result<Anchors, AnchorError> {
        let mut zones: BTreeMap<Name, DsSet> = BTreeMap::new();
        for record in parse_records(text, &Name::root(), 0)? {
            let ds = match record.rtype {
                Rtype::DS => Ds::from_rdata(&record.rdata),
                Rtype::DNSKEY => {
                    Dnskey::from_rdata(&record.rdata).and_then(|key| Ds::of(&record.name, &key, 2))
                }
                rtype => {
                    return Err(AnchorError::Type {
                        name: record.name,
                        rtype,
                    });
                }
            };
            zones.entry(record.name).or_default().extend(ds);
        }
        if zones.values().all(DsSet::is_empty) {
            Err(AnchorError::Empty)
        } else {
            Ok(Anchors(zones))
        }
    }

    /// The IANA root anchors of `keys/`.
    pub fn iana_root() -> Anchors {
        // The compiled-in text is parsed in a test, so the fallback is never taken.
        Self::parse(IANA_ROOT_ANCHORS).unwrap_or_else(|_| Anchors(BTreeMap::new()))
    }

    /// The anchors of the zone that is closest to `name` from above, if any.
    pub fn closest(&self, name: &Name) -> Option<(&Name, &DsSet)> {
        self.0
            .iter()
            .filter(|(zone, _)| name.is_at_or_below(zone))
            .max_by_key(|(zone, _)| zone.label_count())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &DsSet)> {
        self.0.iter()
    }
}

/// DS records in presentation format, one a line: what [`Anchors::parse`] reads.
impl fmt::Display for Anchors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (zone, set) in &self.0 {
            for ds in set {
                writeln!(f, "{zone} IN DS {ds}")?;
            }
        }
        Ok(())
    }
}
