//! The RDATA of a signature.

use serde::{Deserialize, Serialize};

use crate::dns::{Name, Rtype, Ttl};

/// An RRSIG (RFC 4034 section 3).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rrsig {
    /// The TTL of the RRSIG record itself, in seconds.
    pub ttl: Ttl,
    /// The type that is signed.
    pub type_covered: Rtype,
    /// The algorithm of the key.
    pub algorithm: u8,
    /// Labels of the owner, neither the root nor an asterisk counted.
    pub labels: u8,
    /// The TTL that was signed, in seconds.
    pub original_ttl: Ttl,
    /// Not valid after this, seconds modulo 2^32 (RFC 1982 arithmetic).
    pub expiration: u32,
    /// Not valid before this, seconds modulo 2^32.
    pub inception: u32,
    /// The tag of the key: a hint.
    pub tag: u16,
    /// The apex of the zone that signed.
    pub signer: Name,
    /// The signature in the form of its algorithm.
    pub signature: Vec<u8>,
}

impl Rrsig {
    /// Reads RDATA.
    pub fn from_rdata(rdata: &[u8], ttl: Ttl) -> Option<Rrsig> {
        let (head, rest) = rdata.split_first_chunk::<18>()?;
        let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let name_length = wire_name_length(rest)?;
        Some(Rrsig {
            ttl,
            type_covered: Rtype(u16::from_be_bytes([head[0], head[1]])),
            algorithm: head[2],
            labels: head[3],
            original_ttl: word(4),
            expiration: word(8),
            inception: word(12),
            tag: u16::from_be_bytes([head[16], head[17]]),
            signer: Name::from_wire(rest.get(..name_length)?).ok()?,
            signature: rest.get(name_length..)?.to_vec(),
        })
    }

    /// RDATA up to and without the signature: what is hashed first (RFC 4034 section 3.1.8.1).
    pub fn prefix(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(18 + self.signer.wire().len());
        out.extend_from_slice(&self.type_covered.0.to_be_bytes());
        out.push(self.algorithm);
        out.push(self.labels);
        out.extend_from_slice(&self.original_ttl.to_be_bytes());
        out.extend_from_slice(&self.expiration.to_be_bytes());
        out.extend_from_slice(&self.inception.to_be_bytes());
        out.extend_from_slice(&self.tag.to_be_bytes());
        out.extend_from_slice(self.signer.wire());
        out
    }

    /// Wire form.
    pub fn rdata(&self) -> Vec<u8> {
        let mut out = self.prefix();
        out.extend_from_slice(&self.signature);
        out
    }

    /// The window in Unix seconds, `[inception, expiration]`, both taken as the moment nearest to `near` that fits
    /// (RFC 4034 section 3.1.5, RFC 1982).
    pub fn window(&self, near: i64) -> (i64, i64) {
        (nearest(self.inception, near), nearest(self.expiration, near))
    }
}

/// The moment that has `stamp` as its low 32 bits and lies nearest to `near` (which is cut to a range without overflow).
fn nearest(stamp: u32, near: i64) -> i64 {
    let near = near.clamp(i64::MIN / 2, i64::MAX / 2);
    let delta = stamp.wrapping_sub(near as u32) as i32;
    near + i64::from(delta)
}

fn wire_name_length(octets: &[u8]) -> Option<usize> {
    let mut at = 0usize;
    loop {
        let length = usize::from(*octets.get(at)?);
        at += 1 + length;
        if length > 63 || at > 255 {
            return None;
        }
        if length == 0 {
            return Some(at);
        }
    }
}
