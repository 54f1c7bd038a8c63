//! An answer of an RFC with signatures by a key that this build can check: the same RRsets, the same Labels fields.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use unbroken::dns::{Message, Name, Record, Rtype, rrsets};
use unbroken::dnssec::{Dnskey, Rrsig, signed_data};

/// The key in the place of that of the RFC.
pub(crate) struct Signer {
    pair: EcdsaKeyPair,
    pub(crate) key: Dnskey,
}

impl Signer {
    pub(crate) fn new() -> Signer {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
        let key = Dnskey {
            flags: 256,
            protocol: 3,
            algorithm: 13,
            public_key: pair.public_key().as_ref()[1..].to_vec(),
        };
        Signer { pair, key }
    }

    /// `answer` with each signature made anew.
    pub(crate) fn resigned(&self, answer: &Message) -> Message {
        Message {
            answer: self.section(&answer.answer),
            authority: self.section(&answer.authority),
            ..answer.clone()
        }
    }

    fn section(&self, records: &[Record]) -> Vec<Record> {
        let is_data = |record: &&Record| record.rtype != Rtype::RRSIG;
        let mut out: Vec<Record> = records.iter().filter(is_data).cloned().collect();
        for set in rrsets(records) {
            for old in &set.signatures {
                let mut signature = Rrsig {
                    algorithm: 13,
                    tag: self.key.tag(),
                    ..old.clone()
                };
                let data = signed_data(&set, &signature).unwrap();
                let made = self.pair.sign(&SystemRandom::new(), &data).unwrap();
                signature.signature = made.as_ref().to_vec();
                let name: Name = set.name.clone();
                out.push(Record::new(name, Rtype::RRSIG, set.ttl, signature.rdata()));
            }
        }
        out
    }
}
