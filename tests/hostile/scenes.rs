//! Captures that cost as much as they can: messages of 65535 octets, from a zone whose owner is the enemy. The tests count
//! the work that they make (`tests/hostile`), a benchmark times it (`benches/hostile.rs`).
#![allow(unreachable_pub, reason = "included by a test and by a benchmark")]

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    KeyPair,
};
use unbroken::dns::{Message, Name, Rcode, Record, Rrset, Rtype, parse_records, rrsets};
use unbroken::dnssec::offline::{Captured, Corpus, Options, Verdict, validate};
use unbroken::dnssec::{Anchors, Dnskey, Ds, Rrsig, signed_data};

/// The moment of judgement.
pub const NOW: i64 = 1_795_000_000;
/// The largest message.
const MOST: usize = 65_535;

/// A question, and octets that were captured as answers.
pub struct Scene {
    pub what: &'static str,
    anchors: Anchors,
    qname: Name,
    rtype: Rtype,
    answers: Vec<Raw>,
}

/// One captured answer.
struct Raw {
    name: Name,
    rtype: Rtype,
    server: usize,
    octets: Vec<u8>,
}

impl Scene {
    fn new(what: &'static str, enemy: &Enemy, qname: &Name, rtype: Rtype, answers: Vec<Raw>) -> Scene {
        let anchors = enemy.anchors();
        let qname = qname.clone();
        Scene {
            what,
            anchors,
            qname,
            rtype,
            answers,
        }
    }

    /// The verdict, from the octets on.
    pub fn judge(&self) -> Verdict {
        let captured = self.answers.iter().map(|raw| Captured {
            name: raw.name.clone(),
            rtype: raw.rtype,
            server: format!("192.0.2.{}:53", raw.server),
            transport: "tcp".to_owned(),
            at: Some(NOW),
            answer: Message::parse(&raw.octets)
                .map(std::sync::Arc::new)
                .map_err(|error| error.to_string()),
        });
        let corpus = Corpus::new(captured);
        validate(&corpus, &self.anchors, &self.qname, self.rtype, &Options::at(NOW))
    }

    /// Messages and octets.
    #[allow(dead_code, reason = "used by the benchmark")]
    pub fn size(&self) -> (usize, usize) {
        let octets = self.answers.iter().map(|raw| raw.octets.len()).sum();
        (self.answers.len(), octets)
    }

    /// Whether every message reads.
    #[allow(dead_code, reason = "used by the tests")]
    pub fn reads(&self) -> bool {
        self.answers.iter().all(|raw| Message::parse(&raw.octets).is_ok())
    }
}

/// Every scene.
pub fn scenes() -> Vec<Scene> {
    vec![
        key_trap(),
        key_trap_with_whole_keys("keys and signatures of one tag, the keys whole", &P256),
        key_trap_with_whole_keys("the same with P-384", &P384),
        key_trap_in_the_key_set(),
        many_ds(),
        nsec3_of_deep_names(),
        long_names_by_pointers(),
        aliases_with_bad_signatures(),
    ]
}

const P256: Kind = Kind {
    algorithm: 13,
    signing: &ECDSA_P256_SHA256_FIXED_SIGNING,
};
const P384: Kind = Kind {
    algorithm: 14,
    signing: &ECDSA_P384_SHA384_FIXED_SIGNING,
};

/// What kind of keys the enemy has.
#[derive(Clone, Copy)]
struct Kind {
    algorithm: u8,
    signing: &'static EcdsaSigningAlgorithm,
}

struct Enemy {
    kind: Kind,
    pair: EcdsaKeyPair,
    key: Dnskey,
    zone: Name,
}

impl Enemy {
    fn new(zone: &str, kind: &Kind) -> Enemy {
        let (pair, public_key) = pair(kind.signing);
        let key = Dnskey {
            flags: 257,
            protocol: 3,
            algorithm: kind.algorithm,
            public_key,
        };
        Enemy {
            kind: *kind,
            pair,
            key,
            zone: name(zone),
        }
    }

    fn anchors(&self) -> Anchors {
        let ds = Ds::of(&self.zone, &self.key, 2).unwrap();
        Anchors::parse(&format!("{} IN DS {ds}\n", self.zone)).unwrap()
    }

    fn signature(&self, set: &Rrset) -> Rrsig {
        let mut signature = Rrsig {
            ttl: set.ttl,
            type_covered: set.rtype,
            algorithm: self.kind.algorithm,
            labels: set.name.label_count() as u8,
            original_ttl: set.ttl,
            expiration: (NOW + 1000) as u32,
            inception: (NOW - 1000) as u32,
            tag: self.key.tag(),
            signer: self.zone.clone(),
            signature: Vec::new(),
        };
        let data = signed_data(set, &signature).unwrap();
        signature.signature = self
            .pair
            .sign(&SystemRandom::new(), &data)
            .unwrap()
            .as_ref()
            .to_vec();
        signature
    }

    fn signed(&self, records: Vec<Record>) -> Vec<Record> {
        let mut out = records;
        for set in rrsets(&out) {
            out.push(record(&set.name, Rtype::RRSIG, self.signature(&set).rdata()));
        }
        out
    }

    /// Keys of the tag of its own key, as many as fit; they are on no curve, which costs a verifier less.
    fn twins(&self, count: usize) -> Vec<Dnskey> {
        (0..count)
            .map(|index| {
                let mut twin = self.key.clone();
                let (a, b) = (2 * (index % 32), 2 * (index / 32 % 32));
                twin.public_key.swap(a, b);
                twin.public_key.swap(a + 1, b + 1);
                twin
            })
            .collect()
    }

    /// Whole keys of that tag: of the flags, all but two bits are free.
    fn whole_twins(&self, count: usize) -> Vec<Dnskey> {
        let mut twins = vec![self.key.clone()];
        while twins.len() < count {
            let (_, public_key) = pair(self.kind.signing);
            let mut twin = Dnskey {
                public_key,
                ..self.key.clone()
            };
            let fits = (0..=u16::MAX).find(|flags| {
                twin.flags = *flags;
                flags & 0x0180 == 0x0100 && twin.tag() == self.key.tag()
            });
            twins.extend(fits.map(|_| twin));
        }
        twins
    }

    fn keys(&self, keys: &[Dnskey]) -> Raw {
        let records = keys.iter().map(|key| key.record(&self.zone, 300)).collect();
        captured(&self.zone, Rtype::DNSKEY, 0, self.signed(records), vec![])
    }

    /// Its own key alone.
    fn own_key(&self) -> Raw {
        self.keys(std::slice::from_ref(&self.key))
    }
}

fn pair(signing: &'static EcdsaSigningAlgorithm) -> (EcdsaKeyPair, Vec<u8>) {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(signing, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(signing, document.as_ref(), &random).unwrap();
    let public_key = pair.public_key().as_ref()[1..].to_vec();
    (pair, public_key)
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn record(owner: &Name, rtype: Rtype, rdata: Vec<u8>) -> Record {
    Record::new(owner.clone(), rtype, 300, rdata)
}

/// The message in octets: owners that are the question's name are pointers to it.
fn captured(qname: &Name, rtype: Rtype, server: usize, answer: Vec<Record>, authority: Vec<Record>) -> Raw {
    let mut octets = vec![0, 0, 0x84, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    octets.extend(qname.wire());
    octets.extend(rtype.0.to_be_bytes());
    octets.extend([0, 1]);
    let mut counts = [0u16; 2];
    for (section, count) in [&answer, &authority].into_iter().zip(&mut counts) {
        for record in section {
            let owner = if record.name == *qname {
                vec![0xc0, 12]
            } else {
                record.name.wire().to_vec()
            };
            let length = owner.len() + 10 + record.rdata.len();
            if octets.len() + length > MOST {
                break;
            }
            octets.extend(owner);
            octets.extend(record.rtype.0.to_be_bytes());
            octets.extend([0, 1, 0, 0, 1, 44]);
            octets.extend((record.rdata.len() as u16).to_be_bytes());
            octets.extend(&record.rdata);
            *count += 1;
        }
    }
    octets[6..8].copy_from_slice(&counts[0].to_be_bytes());
    octets[8..10].copy_from_slice(&counts[1].to_be_bytes());
    Raw {
        name: qname.clone(),
        rtype,
        server,
        octets,
    }
}

/// Many bad signatures that all mean the one tag.
fn swarm(enemy: &Enemy, set: &Rrset, first: usize) -> Vec<Record> {
    let good = enemy.signature(set);
    let mut out: Vec<Record> = set.records().collect();
    for index in 0..700usize {
        let mut bad = good.clone();
        bad.signature[..8].copy_from_slice(&(first * 1000 + index).to_be_bytes());
        bad.labels = (set.name.label_count() - index % 2) as u8;
        out.push(record(&set.name, Rtype::RRSIG, bad.rdata()));
    }
    out
}

/// The answers of 40 servers about `www`, all signed badly.
fn swarms(enemy: &Enemy, www: &Name) -> impl Iterator<Item = Raw> {
    let text = format!("{www} 300 A 192.0.2.1\n");
    let set = rrsets(&parse_records(&text, &Name::root(), 300).unwrap()).remove(0);
    (0..40).map(move |server| captured(www, Rtype::A, server, swarm(enemy, &set, server), vec![]))
}

/// CVE-2023-50387: every key with every signature, from many servers.
pub fn key_trap() -> Scene {
    let enemy = Enemy::new("evil.test.", &P256);
    let www = name("www.evil.test.");
    let answers = std::iter::once(enemy.keys(&enemy.twins(780))).chain(swarms(&enemy, &www));
    let answers = answers.collect();
    Scene::new("keys and signatures of one tag", &enemy, &www, Rtype::A, answers)
}

/// The same with keys that are whole, as many as are tried: each verification costs what one can cost.
fn key_trap_with_whole_keys(what: &'static str, kind: &Kind) -> Scene {
    let enemy = Enemy::new("evil.test.", kind);
    let www = name("www.evil.test.");
    let answers = std::iter::once(enemy.keys(&enemy.whole_twins(4))).chain(swarms(&enemy, &www));
    let answers = answers.collect();
    Scene::new(what, &enemy, &www, Rtype::A, answers)
}

/// The same in the DNSKEY RRset itself.
pub fn key_trap_in_the_key_set() -> Scene {
    let enemy = Enemy::new("evil.test.", &P256);
    let keys = enemy.twins(350);
    let records: Vec<Record> = keys.iter().map(|key| key.record(&enemy.zone, 300)).collect();
    let set = rrsets(&records).remove(0);
    let of = |server| {
        captured(
            &enemy.zone,
            Rtype::DNSKEY,
            server,
            swarm(&enemy, &set, server),
            vec![],
        )
    };
    let answers = (0..20).map(of).collect();
    let what = "keys of one tag and signatures over them";
    Scene::new(what, &enemy, &enemy.zone, Rtype::DNSKEY, answers)
}

/// More DS records than anybody needs.
pub fn many_ds() -> Scene {
    let enemy = Enemy::new("evil.test.", &P256);
    let parent = Enemy::new("test.", &P256);
    let ds: Vec<Record> = (0..1300u32)
        .map(|index| {
            let mut rdata = [&enemy.key.tag().to_be_bytes()[..], &[13, 2], &[0; 32]].concat();
            rdata[4..8].copy_from_slice(&index.to_be_bytes());
            record(&enemy.zone, Rtype::DS, rdata)
        })
        .collect();
    let mut ds = parent.signed(ds);
    // The signature first, so that it surely fits.
    ds.rotate_right(1);
    let answers = vec![
        parent.own_key(),
        captured(&enemy.zone, Rtype::DS, 0, ds, vec![]),
        enemy.keys(&enemy.twins(780)),
    ];
    Scene::new("1300 DS records", &parent, &enemy.zone, Rtype::SOA, answers)
}

/// CVE-2023-50868: a name of many labels, and NSEC3 records that match none of the names above it.
pub fn nsec3_of_deep_names() -> Scene {
    let enemy = Enemy::new("evil.test.", &P256);
    let deep = name(&format!("{}evil.test.", "a.".repeat(121)));
    let mut authority = Vec::new();
    for index in 0..200u8 {
        let owner = format!(
            "{}.evil.test.",
            data_encoding::BASE32HEX_NOPAD.encode(&[index; 20]).to_lowercase()
        );
        let mut rdata = vec![1, 0, 0, 100, 255];
        rdata.extend([7; 255]);
        rdata.push(20);
        rdata.extend([index; 20]);
        authority.push(record(&name(&owner), Rtype::NSEC3, rdata));
    }
    let authority = interleaved(enemy.signed(authority));
    let mut answer = captured(&deep, Rtype::A, 0, vec![], authority);
    answer.octets[3] |= Rcode::NXDOMAIN.0 as u8;
    let answers = vec![enemy.own_key(), answer];
    Scene::new("NSEC3 for a name of 123 labels", &enemy, &deep, Rtype::A, answers)
}

/// Each record with its signature, so that a message that is cut holds pairs.
fn interleaved(records: Vec<Record>) -> Vec<Record> {
    let (signatures, mut data): (Vec<Record>, Vec<Record>) = records
        .into_iter()
        .partition(|record| record.rtype == Rtype::RRSIG);
    data.sort();
    let mut out = Vec::new();
    for record in data {
        out.extend(
            signatures
                .iter()
                .filter(|signature| signature.name == record.name)
                .cloned(),
        );
        out.push(record);
    }
    out
}

/// Thousands of owners of 123 labels, each a pointer to the question.
pub fn long_names_by_pointers() -> Scene {
    let enemy = Enemy::new("evil.test.", &P256);
    let deep = name(&format!("{}evil.test.", "b.".repeat(121)));
    let records: Vec<Record> = (0..5000u16)
        .map(|index| record(&deep, Rtype(1000 + index % 4000), index.to_be_bytes().to_vec()))
        .collect();
    let mut answers = vec![enemy.own_key()];
    answers.extend((0..16).map(|server| {
        let mut mine = records.clone();
        mine.rotate_left(server);
        captured(&deep, Rtype::ANY, server, mine.clone(), mine)
    }));
    let what = "5000 records at a name of 123 labels";
    Scene::new(what, &enemy, &deep, Rtype::ANY, answers)
}

/// Aliases one after another, each with its own bad signatures.
pub fn aliases_with_bad_signatures() -> Scene {
    let enemy = Enemy::new("evil.test.", &P256);
    let mut answer = Vec::new();
    for index in 0..200u32 {
        let owner = name(&format!("n{index}.evil.test."));
        let target = name(&format!("n{}.evil.test.", index + 1));
        let alias = record(&owner, Rtype::CNAME, target.wire().to_vec());
        let set = rrsets(std::slice::from_ref(&alias)).remove(0);
        answer.push(alias);
        answer.push(record(&owner, Rtype::RRSIG, enemy.signature(&set).rdata()));
    }
    let first = name("n0.evil.test.");
    let answers = vec![enemy.own_key(), captured(&first, Rtype::A, 0, answer, vec![])];
    Scene::new("200 aliases", &enemy, &first, Rtype::A, answers)
}
