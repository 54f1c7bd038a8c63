//! Private keys of the lab, made anew for each world and never written anywhere.

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, Signature,
};

use super::LabError;
use crate::dns::{Name, Rrset};
use crate::dnssec::{Dnskey, Ds, Rrsig, signed_data};

/// ECDSA P-256 with SHA-256 (RFC 6605).
pub const ECDSA_P256: u8 = 13;
/// Ed25519 (RFC 8080).
pub const ED25519: u8 = 15;
/// Flags of a key that signs data.
pub const ZSK_FLAGS: u16 = 256;
/// Flags of a key that the parent's DS names.
pub const KSK_FLAGS: u16 = 257;

enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A DNSKEY with its private half.
pub struct SigningKey {
    dnskey: Dnskey,
    tag: u16,
    pair: Pair,
    random: SystemRandom,
}

impl SigningKey {
    /// Makes a key with these flags for algorithm 13 or 15.
    ///
    /// # Errors
    /// For another algorithm, or if the system gives no randomness.
    pub fn generate(flags: u16, algorithm: u8) -> Result<SigningKey, LabError> {
        let random = SystemRandom::new();
        let (pair, public_key) = match algorithm {
            ECDSA_P256 => p256(&random)?,
            ED25519 => ed25519(&random)?,
            other => return Err(LabError::Algorithm(other)),
        };
        let dnskey = Dnskey {
            flags,
            protocol: 3,
            algorithm,
            public_key,
        };
        let tag = dnskey.tag();
        Ok(SigningKey {
            dnskey,
            tag,
            pair,
            random,
        })
    }

    /// The public half.
    pub fn dnskey(&self) -> &Dnskey {
        &self.dnskey
    }

    /// The SHA-256 DS of this key at `zone`.
    pub fn ds(&self, zone: &Name) -> Option<Ds> {
        Ds::of(zone, &self.dnskey, 2)
    }

    /// Signs `rrset` as a key of `zone`; the window is `[inception, expiration]` in Unix seconds.
    ///
    /// # Errors
    /// If the RRset cannot be put into signed form, or the signature fails.
    pub fn sign(
        &self,
        rrset: &Rrset,
        zone: &Name,
        inception: i64,
        expiration: i64,
    ) -> Result<Rrsig, LabError> {
        let labels = rrset.name.label_count() - usize::from(rrset.name.is_wildcard());
        let mut rrsig = Rrsig {
            ttl: rrset.ttl,
            type_covered: rrset.rtype,
            algorithm: self.dnskey.algorithm,
            labels: u8::try_from(labels).unwrap_or(u8::MAX),
            original_ttl: rrset.ttl,
            // The fields are seconds modulo 2^32 (RFC 4034 section 3.1.5).
            expiration: expiration as u32,
            inception: inception as u32,
            tag: self.tag,
            signer: zone.clone(),
            signature: Vec::new(),
        };
        let data = signed_data(rrset, &rrsig).ok_or(LabError::Signing)?;
        rrsig.signature = self.signature(&data)?.as_ref().to_vec();
        Ok(rrsig)
    }

    fn signature(&self, data: &[u8]) -> Result<Signature, LabError> {
        match &self.pair {
            Pair::P256(pair) => pair.sign(&self.random, data).map_err(|_| LabError::Signing),
            Pair::Ed25519(pair) => Ok(pair.sign(data)),
        }
    }
}

/// Shows the public half only.
impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({:?})", self.dnskey)
    }
}

fn p256(random: &SystemRandom) -> Result<(Pair, Vec<u8>), LabError> {
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, random)
        .map_err(|_| LabError::Randomness)?;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), random)
        .map_err(|_| LabError::Randomness)?;
    // A DNSKEY holds the bare point, without the octet that marks it as uncompressed (RFC 6605 section 4).
    let point = pair.public_key().as_ref().iter().skip(1).copied().collect();
    Ok((Pair::P256(pair), point))
}

fn ed25519(random: &SystemRandom) -> Result<(Pair, Vec<u8>), LabError> {
    let document = Ed25519KeyPair::generate_pkcs8(random).map_err(|_| LabError::Randomness)?;
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).map_err(|_| LabError::Randomness)?;
    let public = pair.public_key().as_ref().to_vec();
    Ok((Pair::Ed25519(pair), public))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Rtype;
    use crate::dnssec::verify_rrset;

    #[test]
    fn what_is_signed_verifies_and_what_was_changed_does_not() {
        let zone = Name::parse("shop.test").unwrap();
        for algorithm in [ECDSA_P256, ED25519] {
            let key = SigningKey::generate(ZSK_FLAGS, algorithm).unwrap();
            let mut rrset = Rrset {
                name: Name::parse("*.wild.shop.test").unwrap(),
                rtype: Rtype::A,
                ttl: 300,
                rdatas: vec![vec![192, 0, 2, 1]],
                signatures: Vec::new(),
                broken_signatures: 0,
            };
            let rrsig = key.sign(&rrset, &zone, 1_000, 2_000).unwrap();
            assert_eq!(rrsig.labels, 3);
            assert_eq!(verify_rrset(&rrset, &rrsig, key.dnskey(), &zone, 1_500), Ok(()));
            rrset.name = Name::parse("x.y.wild.shop.test").unwrap();
            assert_eq!(verify_rrset(&rrset, &rrsig, key.dnskey(), &zone, 1_500), Ok(()));
            rrset.rdatas = vec![vec![192, 0, 2, 2]];
            assert!(verify_rrset(&rrset, &rrsig, key.dnskey(), &zone, 1_500).is_err());
        }
        assert!(SigningKey::generate(ZSK_FLAGS, 8).is_err());
    }
}
