//! DS records and sets of them.

use std::collections::BTreeSet;
use std::fmt;

use data_encoding::HEXUPPER;
use ring::digest;
use serde::{Deserialize, Serialize};

use super::Dnskey;
use crate::dns::{Name, Record, Rtype, Ttl};

/// The RDATA of a DS (RFC 4034 section 5) or CDS (RFC 7344).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ds {
    /// The key's tag.
    pub tag: u16,
    /// The key's algorithm.
    pub algorithm: u8,
    /// 1 SHA-1, 2 SHA-256, 4 SHA-384.
    pub digest_type: u8,
    /// The digest of owner name and DNSKEY RDATA, upper-case hexadecimal.
    pub digest: String,
}

/// A DS RRset without its order.
pub type DsSet = BTreeSet<Ds>;

impl Ds {
    /// Reads RDATA; none where it has fewer than four octets.
    pub fn from_rdata(rdata: &[u8]) -> Option<Ds> {
        let (head, digest) = rdata.split_first_chunk::<4>()?;
        Some(Ds {
            tag: u16::from_be_bytes([head[0], head[1]]),
            algorithm: head[2],
            digest_type: head[3],
            digest: HEXUPPER.encode(digest),
        })
    }

    /// Wire form. A digest that is no even-length hexadecimal gives an empty one.
    pub fn rdata(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&self.tag.to_be_bytes());
        out.push(self.algorithm);
        out.push(self.digest_type);
        out.extend(
            data_encoding::HEXLOWER_PERMISSIVE
                .decode(self.digest.as_bytes())
                .unwrap_or_default(),
        );
        out
    }

    /// The DS of `key` at `zone` (RFC 4034 section 5.1.4); none for a digest type that this build does not know.
    pub fn of(zone: &Name, key: &Dnskey, digest_type: u8) -> Option<Ds> {
        let algorithm = match digest_type {
            1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            2 => &digest::SHA256,
            4 => &digest::SHA384,
            _ => return None,
        };
        let mut context = digest::Context::new(algorithm);
        context.update(zone.wire());
        context.update(&key.rdata());
        Some(Ds {
            tag: key.tag(),
            algorithm: key.algorithm,
            digest_type,
            digest: HEXUPPER.encode(context.finish().as_ref()),
        })
    }

    /// Whether this record names `key` at `zone`: tag, algorithm and digest.
    pub fn matches(&self, zone: &Name, key: &Dnskey) -> bool {
        self.algorithm == key.algorithm
            && self.tag == key.tag()
            && Ds::of(zone, key, self.digest_type)
                .is_some_and(|own| own.digest.eq_ignore_ascii_case(&self.digest))
    }

    /// The DS record of `zone`.
    pub fn record(&self, zone: &Name, ttl: Ttl) -> Record {
        Record::new(zone.clone(), Rtype::DS, ttl, self.rdata())
    }
}

/// Presentation format of the RDATA.
impl fmt::Display for Ds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {}",
            self.tag, self.algorithm, self.digest_type, self.digest
        )
    }
}

impl fmt::Debug for Ds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ds({self})")
    }
}
