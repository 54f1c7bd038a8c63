//! A small signer for tests.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

use super::{Dnskey, Ds, DsSet, Rrsig, signed_data};
use crate::dns::testing::{message, name, records};
use crate::dns::{Message, Name, Rcode, Record, Rrset, Rtype, rrsets};

/// The moment of the tests.
pub(crate) const NOW: i64 = 1_795_000_000;

/// A P-256 key pair.
pub(crate) struct Key {
    pair: EcdsaKeyPair,
    pub(crate) key: Dnskey,
}

impl Key {
    pub(crate) fn new(flags: u16) -> Key {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
        let key = Dnskey {
            flags,
            protocol: 3,
            algorithm: 13,
            public_key: pair.public_key().as_ref()[1..].to_vec(),
        };
        Key { pair, key }
    }

    /// The signature of `rrset`, changed by `change` before it is made.
    pub(crate) fn signature(&self, rrset: &Rrset, zone: &Name, change: impl FnOnce(&mut Rrsig)) -> Rrsig {
        let mut signature = Rrsig {
            ttl: rrset.ttl,
            type_covered: rrset.rtype,
            algorithm: self.key.algorithm,
            labels: u8::try_from(rrset.name.label_count()).unwrap() - u8::from(rrset.name.is_wildcard()),
            original_ttl: rrset.ttl,
            expiration: (NOW + 86_400) as u32,
            inception: (NOW - 3_600) as u32,
            tag: self.key.tag(),
            signer: zone.clone(),
            signature: Vec::new(),
        };
        change(&mut signature);
        // A Labels field that exceeds the owner's labels has no signed form; anything will do.
        let data = signed_data(rrset, &signature).unwrap_or_default();
        signature.signature = self
            .pair
            .sign(&SystemRandom::new(), &data)
            .unwrap()
            .as_ref()
            .to_vec();
        signature
    }

    pub(crate) fn sign(&self, rrset: &Rrset, zone: &Name, change: impl FnOnce(&mut Rrsig)) -> Record {
        let signature = self.signature(rrset, zone, change);
        Record::new(rrset.name.clone(), Rtype::RRSIG, rrset.ttl, signature.rdata())
    }
}

/// A zone with a KSK and a ZSK.
pub(crate) struct Zone {
    pub(crate) apex: Name,
    pub(crate) ksk: Key,
    pub(crate) zsk: Key,
}

impl Zone {
    pub(crate) fn new(apex: &str) -> Zone {
        Zone {
            apex: name(apex),
            ksk: Key::new(257),
            zsk: Key::new(256),
        }
    }

    pub(crate) fn keys(&self) -> Vec<Dnskey> {
        vec![self.ksk.key.clone(), self.zsk.key.clone()]
    }

    pub(crate) fn ds(&self) -> DsSet {
        Ds::of(&self.apex, &self.ksk.key, 2).into_iter().collect()
    }

    /// `records` with a ZSK signature (changed by `change`) for each RRset.
    pub(crate) fn signed_with(&self, records: Vec<Record>, change: impl Fn(&mut Rrsig)) -> Vec<Record> {
        let mut out = records;
        for rrset in rrsets(&out) {
            out.push(self.zsk.sign(&rrset, &self.apex, &change));
        }
        out
    }

    pub(crate) fn signed(&self, text: &str) -> Vec<Record> {
        self.signed_with(records(text), |_| {})
    }

    /// A signed positive answer for the owner and type of the first record.
    pub(crate) fn positive(&self, answer: &str) -> Message {
        let answer = self.signed(answer);
        let (qname, rtype) = (answer[0].name.to_string(), answer[0].rtype);
        message(&qname, rtype, answer, Vec::new())
    }

    /// A signed negative answer with an SOA and the given proof.
    pub(crate) fn negative(&self, qname: &str, rcode: Rcode, proof: &str) -> Message {
        let authority = self.signed(&format!("{}{proof}", self.soa()));
        Message {
            rcode,
            ..message(qname, Rtype::A, Vec::new(), authority)
        }
    }

    pub(crate) fn soa(&self) -> String {
        format!("{} 900 IN SOA ns.test. root.test. 1 2 3 4 60\n", self.apex)
    }

    /// Data signed at the wildcard and served at `owner`.
    pub(crate) fn expanded(&self, wildcard: &str, owner: &str) -> Vec<Record> {
        let mut records = self.signed(wildcard);
        for record in &mut records {
            record.name = name(owner);
        }
        records
    }

    /// The DNSKEY answer with these keys, signed by `signers`.
    pub(crate) fn dnskey_answer(&self, keys: &[Dnskey], signers: &[&Key]) -> Message {
        let mut answer: Vec<Record> = keys.iter().map(|key| key.record(&self.apex, 3600)).collect();
        let rrset = rrsets(&answer).remove(0);
        for signer in signers {
            answer.push(signer.sign(&rrset, &self.apex, |_| {}));
        }
        message(&self.apex.to_string(), Rtype::DNSKEY, answer, Vec::new())
    }

    pub(crate) fn good_dnskey_answer(&self) -> Message {
        self.dnskey_answer(&self.keys(), &[&self.ksk])
    }
}
