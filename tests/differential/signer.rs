//! BIND's private keys of algorithm 13, to sign anew what was changed.

use std::path::Path;

use data_encoding::BASE64;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use unbroken::dns::{Name, Record, Rrset, Rtype, parse_records};
use unbroken::dnssec::{Dnskey, Rrsig, signed_data};

pub(crate) struct Signer {
    pair: EcdsaKeyPair,
    pub(crate) key: Dnskey,
    pub(crate) zone: Name,
}

impl Signer {
    pub(crate) fn read_all(dir: &Path, names: &[String]) -> Vec<Signer> {
        names.iter().map(|name| Signer::read(dir, name)).collect()
    }

    fn read(dir: &Path, name: &str) -> Signer {
        let text = std::fs::read_to_string(dir.join(format!("{name}.key"))).unwrap();
        let record = parse_records(&text, &Name::root(), 300).unwrap().remove(0);
        let key = Dnskey::from_rdata(&record.rdata).unwrap();
        let private = std::fs::read_to_string(dir.join(format!("{name}.private"))).unwrap();
        let secret = private
            .lines()
            .find_map(|line| line.strip_prefix("PrivateKey: "))
            .unwrap();
        let secret = thirty_two_octets(&BASE64.decode(secret.trim().as_bytes()).unwrap());
        let public = [&[4u8][..], &key.public_key].concat();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &secret,
            &public,
            &SystemRandom::new(),
        )
        .unwrap();
        Signer {
            pair,
            key,
            zone: record.name,
        }
    }

    /// A good signature of now, changed by `change` before it is made.
    pub(crate) fn sign(&self, rrset: &Rrset, now: i64, change: impl FnOnce(&mut Rrsig)) -> Record {
        let mut signature = Rrsig {
            ttl: rrset.ttl,
            type_covered: rrset.rtype,
            algorithm: 13,
            labels: u8::try_from(rrset.name.label_count()).unwrap() - u8::from(rrset.name.is_wildcard()),
            original_ttl: rrset.ttl,
            expiration: (now + 864_000) as u32,
            inception: (now - 7_200) as u32,
            tag: self.key.tag(),
            signer: self.zone.clone(),
            signature: Vec::new(),
        };
        change(&mut signature);
        let data = signed_data(rrset, &signature).unwrap_or_default();
        signature.signature = self
            .pair
            .sign(&SystemRandom::new(), &data)
            .unwrap()
            .as_ref()
            .to_vec();
        Record::new(rrset.name.clone(), Rtype::RRSIG, rrset.ttl, signature.rdata())
    }
}

/// BIND writes a scalar without its leading zeros, which one key of 256 has.
fn thirty_two_octets(scalar: &[u8]) -> [u8; 32] {
    let mut whole = [0; 32];
    whole[32 - scalar.len()..].copy_from_slice(scalar);
    whole
}
