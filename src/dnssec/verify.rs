//! One RRset, one signature, one key: does it verify, and if not, why not.
//!
//! The signed octets are built here and not by hickory's verifier, which sorts whole records (so a set with differing
//! TTLs, mixed letter case or a duplicate fails there).

use hickory_proto::dnssec::{Algorithm, PublicKey, PublicKeyBuf};
use serde::{Deserialize, Serialize};

use super::policy::{can_check, rsa_bits};
use super::{Dnskey, Memo, Rrsig};
use crate::dns::{CLASS_IN, Name, Rrset};

/// Why a signature does not verify with a key (RFC 4035 section 5.3.1 unless another is named).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureFault {
    /// The signature covers another type.
    #[error("the signature covers {0}")]
    TypeCovered(String),
    /// The signer is not the apex of the zone.
    #[error("signed by {0}, not by the zone")]
    WrongSigner(String),
    /// More labels than the owner has.
    #[error("{labels} labels signed, the owner has {owner}")]
    WrongLabels {
        /// The Labels field.
        labels: u8,
        /// The owner's labels.
        owner: usize,
    },
    /// The algorithms differ.
    #[error("the signature's algorithm {signature} is not the key's {key}")]
    AlgorithmMismatch {
        /// The signature's.
        signature: u8,
        /// The key's.
        key: u8,
    },
    /// The tags differ.
    #[error("the signature's key tag {signature} is not the key's {key}")]
    TagMismatch {
        /// The signature's.
        signature: u16,
        /// The key's.
        key: u16,
    },
    /// The key has no zone bit.
    #[error("the key has no zone bit")]
    NoZoneKey,
    /// The key's protocol is not 3.
    #[error("the key's protocol is {0}, not 3")]
    Protocol(u8),
    /// The key is revoked (RFC 5011 section 2.1).
    #[error("the key is revoked")]
    Revoked,
    /// Outside the window, late.
    #[error("expired {0} s ago")]
    Expired(i64),
    /// Outside the window, early.
    #[error("not valid before {0} s from now")]
    NotYetValid(i64),
    /// This build cannot check the algorithm.
    #[error("this build cannot check algorithm {0}")]
    CannotCheck(u8),
    /// This build cannot check RSA keys of this size.
    #[error("this build cannot check an RSA key with a modulus of {0} bits, or with its exponent")]
    KeySize(usize),
    /// The RRset has no records.
    #[error("nothing is signed")]
    Empty,
    /// The cryptographic check failed.
    #[error("the signature does not match the data")]
    BadSignature,
}

/// The octets that a signature covers (RFC 4034 section 3.1.8.1), a wildcard's owner put back (RFC 4035 section 5.3.2).
///
/// None if the Labels field exceeds the owner's labels.
pub fn signed_data(rrset: &Rrset, signature: &Rrsig) -> Option<Vec<u8>> {
    let owner_labels = counted_labels(&rrset.name);
    let labels = usize::from(signature.labels);
    let owner = if labels > owner_labels {
        return None;
    } else if labels < owner_labels {
        rrset.name.suffix(labels).prepend(b"*").ok()?
    } else {
        rrset.name.clone()
    };
    let mut out = signature.prefix();
    for rdata in &rrset.rdatas {
        out.extend_from_slice(owner.wire());
        out.extend_from_slice(&rrset.rtype.0.to_be_bytes());
        out.extend_from_slice(&CLASS_IN.to_be_bytes());
        out.extend_from_slice(&signature.original_ttl.to_be_bytes());
        out.extend_from_slice(&u16::try_from(rdata.len()).ok()?.to_be_bytes());
        out.extend_from_slice(rdata);
    }
    Some(out)
}

/// The owner's labels as the Labels field counts them: without the root and without a leading asterisk.
fn counted_labels(owner: &Name) -> usize {
    owner.label_count() - usize::from(owner.is_wildcard())
}

/// Verifies `rrset` with one signature and one key of `zone` at the Unix time `at`.
///
/// # Errors
/// The first fault found; cheap checks come first, so a wrong tag costs no cryptography. Not checked: whether the key
/// itself is trusted, whether a wildcard expansion is proven, whether the TTL exceeds the signed one.
pub fn verify_rrset(
    rrset: &Rrset,
    signature: &Rrsig,
    key: &Dnskey,
    zone: &Name,
    at: i64,
) -> Result<(), SignatureFault> {
    verify_remembering(rrset, signature, key, zone, at, &Memo::default())
}

/// As [`verify_rrset`], with a memory for the cryptographic check.
pub(super) fn verify_remembering(
    rrset: &Rrset,
    signature: &Rrsig,
    key: &Dnskey,
    zone: &Name,
    at: i64,
    memo: &Memo,
) -> Result<(), SignatureFault> {
    if signature.algorithm != key.algorithm {
        return Err(SignatureFault::AlgorithmMismatch {
            signature: signature.algorithm,
            key: key.algorithm,
        });
    }
    if signature.tag != key.tag() {
        return Err(SignatureFault::TagMismatch {
            signature: signature.tag,
            key: key.tag(),
        });
    }
    check_form(rrset, signature, zone)?;
    check_key(key)?;
    check_window(signature, at)?;
    check_octets(rrset, signature, key, memo)
}

fn check_form(rrset: &Rrset, signature: &Rrsig, zone: &Name) -> Result<(), SignatureFault> {
    if rrset.rdatas.is_empty() {
        return Err(SignatureFault::Empty);
    }
    if signature.type_covered != rrset.rtype {
        return Err(SignatureFault::TypeCovered(signature.type_covered.to_string()));
    }
    if signature.signer != *zone || !rrset.name.is_at_or_below(zone) {
        return Err(SignatureFault::WrongSigner(signature.signer.to_string()));
    }
    let owner = counted_labels(&rrset.name);
    if usize::from(signature.labels) > owner || usize::from(signature.labels) < zone.label_count() {
        return Err(SignatureFault::WrongLabels {
            labels: signature.labels,
            owner,
        });
    }
    Ok(())
}

fn check_key(key: &Dnskey) -> Result<(), SignatureFault> {
    if !key.is_zone_key() {
        return Err(SignatureFault::NoZoneKey);
    }
    if key.protocol != 3 {
        return Err(SignatureFault::Protocol(key.protocol));
    }
    if key.is_revoked() {
        return Err(SignatureFault::Revoked);
    }
    Ok(())
}

fn check_window(signature: &Rrsig, at: i64) -> Result<(), SignatureFault> {
    let (inception, expiration) = signature.window(at);
    if at > expiration {
        return Err(SignatureFault::Expired(at - expiration));
    }
    if at < inception {
        return Err(SignatureFault::NotYetValid(inception - at));
    }
    Ok(())
}

fn check_octets(rrset: &Rrset, signature: &Rrsig, key: &Dnskey, memo: &Memo) -> Result<(), SignatureFault> {
    let algorithm = Algorithm::from_u8(key.algorithm);
    if !algorithm.is_supported() {
        return Err(SignatureFault::CannotCheck(key.algorithm));
    }
    if !can_check(key) {
        return Err(SignatureFault::KeySize(rsa_bits(key).unwrap_or(0)));
    }
    let data = signed_data(rrset, signature).ok_or(SignatureFault::BadSignature)?;
    let verifies = || {
        PublicKeyBuf::new(key.public_key.clone(), algorithm)
            .verify(&data, &signature.signature)
            .is_ok()
    };
    if memo.answer(key, &data, &signature.signature, verifies) {
        Ok(())
    } else {
        Err(SignatureFault::BadSignature)
    }
}
