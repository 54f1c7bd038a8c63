//! The keys that all simulated moves share. They are made from numbers, so that a seed means the same everywhere; they sign
//! nothing outside of tests.

use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use unbroken::dns::{Name, Record, Rrset, Rtype};
use unbroken::dnssec::{Dnskey, Ds, Rrsig, signed_data};

/// Ed25519 (RFC 8080).
const ALGORITHM: u8 = 15;
const SEP: u16 = 257;
const NO_SEP: u16 = 256;

/// Providers that can take part.
pub(crate) const PROVIDERS: usize = 4;
/// Keys of each.
pub(crate) const PER_PROVIDER: usize = 8;
/// The parent's only key.
pub(crate) const PARENT: usize = PROVIDERS * PER_PROVIDER;

/// A set of keys, a bit each.
pub(crate) type Keys = u64;

pub(crate) fn bit(key: usize) -> Keys {
    1 << key
}

pub(crate) fn members(keys: Keys) -> impl Iterator<Item = usize> {
    (0..64).filter(move |key| keys >> key & 1 == 1)
}

/// A provider's key that signs keys.
pub(crate) fn ksk(provider: usize) -> usize {
    provider * PER_PROVIDER
}

/// The first, second... of a provider's keys that sign data.
pub(crate) fn zsk(provider: usize, number: usize) -> usize {
    provider * PER_PROVIDER + 1 + number
}

/// A provider's key that signs both.
pub(crate) fn csk(provider: usize) -> usize {
    provider * PER_PROVIDER + 6
}

pub(crate) struct Key {
    pair: Ed25519KeyPair,
    pub(crate) dnskey: Dnskey,
    tag: u16,
}

pub(crate) struct Bunch {
    pub(crate) zone: Name,
    pub(crate) parent: Name,
    keys: Vec<Key>,
    by_dnskey: HashMap<Vec<u8>, usize>,
    by_ds: HashMap<Vec<u8>, (usize, u8)>,
    ds: HashMap<(usize, u8), Vec<u8>>,
}

/// All keys.
pub(crate) fn bunch() -> &'static Bunch {
    static BUNCH: OnceLock<Bunch> = OnceLock::new();
    BUNCH.get_or_init(Bunch::new)
}

impl Bunch {
    fn new() -> Bunch {
        let zone = Name::parse("shop.test.").unwrap();
        let parent = Name::parse("test.").unwrap();
        let mut tags = BTreeSet::new();
        let keys: Vec<Key> = (0..=PARENT).map(|number| key(number, &mut tags)).collect();
        let mut bunch = Bunch {
            by_dnskey: keys
                .iter()
                .enumerate()
                .map(|(number, key)| (key.dnskey.rdata(), number))
                .collect(),
            by_ds: HashMap::new(),
            ds: HashMap::new(),
            zone,
            parent,
            keys,
        };
        for number in 0..bunch.keys.len() {
            for digest in [2, 4] {
                let rdata = bunch.make_ds(number, digest).rdata();
                bunch.by_ds.insert(rdata.clone(), (number, digest));
                bunch.ds.insert((number, digest), rdata);
            }
        }
        bunch
    }

    fn make_ds(&self, key: usize, digest: u8) -> Ds {
        let owner = if key == PARENT { &self.parent } else { &self.zone };
        Ds::of(owner, &self.keys[key].dnskey, digest).unwrap()
    }

    pub(crate) fn key(&self, number: usize) -> &Key {
        &self.keys[number]
    }

    pub(crate) fn dnskeys(&self, keys: Keys) -> Vec<Vec<u8>> {
        members(keys).map(|key| self.keys[key].dnskey.rdata()).collect()
    }

    pub(crate) fn ds(&self, key: usize, digest: u8) -> Vec<u8> {
        self.ds[&(key, digest)].clone()
    }

    pub(crate) fn of_dnskey(&self, rdata: &[u8]) -> usize {
        self.by_dnskey[rdata]
    }

    pub(crate) fn of_ds(&self, rdata: &[u8]) -> (usize, u8) {
        self.by_ds[rdata]
    }

    /// The trust anchor of the parent zone, as text.
    pub(crate) fn anchor(&self) -> String {
        format!("{}\n", self.make_ds(PARENT, 2).record(&self.parent, 0))
    }
}

fn key(number: usize, tags: &mut BTreeSet<u16>) -> Key {
    let flags = match number % PER_PROVIDER {
        0 | 6 => SEP,
        _ => NO_SEP,
    };
    let mut attempt = 0;
    loop {
        let seed = digest(
            &SHA256,
            format!("simulated key {number}, attempt {attempt}").as_bytes(),
        );
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).unwrap();
        let dnskey = Dnskey {
            flags,
            protocol: 3,
            algorithm: ALGORITHM,
            public_key: pair.public_key().as_ref().to_vec(),
        };
        let tag = dnskey.tag();
        if tags.insert(tag) {
            return Key { pair, dnskey, tag };
        }
        attempt += 1;
    }
}

impl Key {
    /// The RRSIG record over `rrset`.
    pub(crate) fn sign(&self, rrset: &Rrset, zone: &Name, window: (i64, i64)) -> Record {
        let mut rrsig = Rrsig {
            ttl: rrset.ttl,
            type_covered: rrset.rtype,
            algorithm: ALGORITHM,
            labels: u8::try_from(rrset.name.label_count()).unwrap(),
            original_ttl: rrset.ttl,
            expiration: window.1 as u32,
            inception: window.0 as u32,
            tag: self.tag,
            signer: zone.clone(),
            signature: Vec::new(),
        };
        let data = signed_data(rrset, &rrsig).unwrap();
        rrsig.signature = self.pair.sign(&data).as_ref().to_vec();
        Record::new(rrset.name.clone(), Rtype::RRSIG, rrset.ttl, rrsig.rdata())
    }
}
