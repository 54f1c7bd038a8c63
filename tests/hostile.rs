//! Captures made to cost as much as they can: messages of 65535 octets, from a zone whose owner is the enemy. The work is
//! counted, and stays within the limits; the time is shown (`cargo test --test hostile -- --nocapture`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test stops where it fails"
)]

use std::time::{Duration, Instant};

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use unbroken::dns::{Message, Name, Record, Rrset, Rtype, parse_records, rrsets};
use unbroken::dnssec::offline::{Captured, Corpus, Options, Verdict, validate};
use unbroken::dnssec::{Anchors, Dnskey, Ds, Rrsig, Status, signed_data};

const NOW: i64 = 1_795_000_000;
/// The largest message.
const MOST: usize = 65_535;
/// No verdict may take longer, in a debug build on a busy machine.
const SLOWEST: Duration = Duration::from_secs(3);

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

struct Enemy {
    pair: EcdsaKeyPair,
    key: Dnskey,
    zone: Name,
}

impl Enemy {
    fn new() -> Enemy {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
        let public_key = pair.public_key().as_ref()[1..].to_vec();
        let key = Dnskey {
            flags: 257,
            protocol: 3,
            algorithm: 13,
            public_key,
        };
        Enemy {
            pair,
            key,
            zone: name("evil.test."),
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
            algorithm: 13,
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

    /// Keys of the tag of its own key, as many as fit.
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

    fn keys(&self, keys: &[Dnskey]) -> Captured {
        let records = keys.iter().map(|key| key.record(&self.zone, 300)).collect();
        captured(&self.zone, Rtype::DNSKEY, 0, self.signed(records), vec![])
    }
}

fn record(owner: &Name, rtype: Rtype, rdata: Vec<u8>) -> Record {
    Record::new(owner.clone(), rtype, 300, rdata)
}

/// The message in octets and back, as from a capture: owners that are the question's name are pointers to it.
fn captured(
    qname: &Name,
    rtype: Rtype,
    server: usize,
    answer: Vec<Record>,
    authority: Vec<Record>,
) -> Captured {
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
    Captured {
        name: qname.clone(),
        rtype,
        server: format!("192.0.2.{server}:53"),
        transport: "tcp".to_owned(),
        at: Some(NOW),
        answer: Message::parse(&octets).map_err(|error| error.to_string()),
    }
}

/// Judges it; gives the verdict and shows the time.
fn judge(what: &str, enemy: &Enemy, qname: &Name, rtype: Rtype, captured: Vec<Captured>) -> Verdict {
    assert!(
        captured.iter().all(|one| one.answer.is_ok()),
        "{what}: {:?}",
        captured[0].answer
    );
    let options = Options::at(NOW);
    let begun = Instant::now();
    let corpus = Corpus::new(captured);
    let verdict = validate(&corpus, &enemy.anchors(), qname, rtype, &options);
    let took = begun.elapsed();
    println!(
        "{what}: {:?}, {} signatures checked, {} names hashed, {took:?}",
        verdict.status, verdict.spent.verifications, verdict.spent.nsec3_hashes
    );
    assert!(verdict.spent.verifications <= options.limits.total_verifications);
    assert!(verdict.spent.nsec3_hashes <= options.limits.total_nsec3_hashes);
    assert!(took < SLOWEST, "{what}: {took:?}");
    verdict
}

fn codes(verdict: &Verdict) -> Vec<&'static str> {
    verdict.reasons.iter().map(|said| said.reason.code).collect()
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

/// CVE-2023-50387: every key with every signature, from many servers.
#[test]
fn key_trap() {
    let enemy = Enemy::new();
    let www = name("www.evil.test.");
    let set =
        rrsets(&parse_records("www.evil.test. 300 A 192.0.2.1\n", &Name::root(), 300).unwrap()).remove(0);
    let mut all = vec![enemy.keys(&enemy.twins(780))];
    assert!(
        all[0]
            .answer
            .as_ref()
            .is_ok_and(|message| message.answer.len() > 700)
    );
    for server in 0..40 {
        all.push(captured(
            &www,
            Rtype::A,
            server,
            swarm(&enemy, &set, server),
            vec![],
        ));
    }
    let verdict = judge("keys and signatures of one tag", &enemy, &www, Rtype::A, all);
    assert_eq!(verdict.status, Status::Indeterminate);
    assert!(codes(&verdict).contains(&"work-limit"));
}

/// The same in the DNSKEY RRset itself, and more DS records than anybody needs.
#[test]
fn key_trap_in_the_key_set() {
    let enemy = Enemy::new();
    let records: Vec<Record> = enemy
        .twins(350)
        .iter()
        .map(|key| key.record(&enemy.zone, 300))
        .collect();
    let set = rrsets(&records).remove(0);
    let captured: Vec<Captured> = (0..20)
        .map(|server| {
            captured(
                &enemy.zone,
                Rtype::DNSKEY,
                server,
                swarm(&enemy, &set, server),
                vec![],
            )
        })
        .collect();
    let verdict = judge(
        "signatures on keys of one tag",
        &enemy,
        &enemy.zone,
        Rtype::DNSKEY,
        captured,
    );
    assert_eq!(verdict.status, Status::Indeterminate);
    let parent = Enemy {
        zone: name("test."),
        ..Enemy::new()
    };
    let ds: Vec<Record> = (0..1300u32)
        .map(|index| {
            let mut rdata = [&enemy.key.tag().to_be_bytes()[..], &[13, 2], &[0; 32]].concat();
            rdata[4..8].copy_from_slice(&index.to_be_bytes());
            record(&enemy.zone, Rtype::DS, rdata)
        })
        .collect();
    let answers = vec![
        parent.keys(std::slice::from_ref(&parent.key)),
        captured_ds(&parent, &enemy.zone, ds),
        enemy.keys(&enemy.twins(780)),
    ];
    let verdict = judge("1300 DS records", &parent, &enemy.zone, Rtype::SOA, answers);
    assert!(matches!(verdict.status, Status::Bogus | Status::Indeterminate));
    assert!(codes(&verdict).contains(&"work-limit"), "{:?}", codes(&verdict));
}

fn captured_ds(parent: &Enemy, zone: &Name, ds: Vec<Record>) -> Captured {
    let mut answer = parent.signed(ds);
    // The signature first, so that it surely fits.
    answer.rotate_right(1);
    captured(zone, Rtype::DS, 0, answer, vec![])
}

/// CVE-2023-50868: a name of many labels, and NSEC3 records that match none of the names above it.
#[test]
fn nsec3_of_deep_names() {
    let enemy = Enemy::new();
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
    let authority = enemy.signed(authority);
    let mut answer = captured(&deep, Rtype::A, 0, vec![], interleaved(authority));
    if let Ok(message) = &mut answer.answer {
        message.rcode = unbroken::dns::Rcode::NXDOMAIN;
    }
    let keys = enemy.keys(std::slice::from_ref(&enemy.key));
    let verdict = judge(
        "NSEC3 for a name of 123 labels",
        &enemy,
        &deep,
        Rtype::A,
        vec![keys, answer],
    );
    assert_eq!(verdict.status, Status::Indeterminate);
    assert!(codes(&verdict).contains(&"work-limit"), "{:?}", codes(&verdict));
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

/// Thousands of owners of 127 labels, each a pointer to the question.
#[test]
fn long_names_by_pointers() {
    let enemy = Enemy::new();
    let deep = name(&format!("{}evil.test.", "b.".repeat(121)));
    let records: Vec<Record> = (0..5000u16)
        .map(|index| record(&deep, Rtype(1000 + index % 4000), index.to_be_bytes().to_vec()))
        .collect();
    let keys = enemy.keys(std::slice::from_ref(&enemy.key));
    let answers = (0..16).map(|server| {
        let mut mine = records.clone();
        mine.rotate_left(server);
        captured(&deep, Rtype::ANY, server, mine.clone(), mine)
    });
    let verdict = judge(
        "5000 owners of 123 labels",
        &enemy,
        &deep,
        Rtype::ANY,
        std::iter::once(keys).chain(answers).collect(),
    );
    assert_ne!(verdict.status, Status::Secure);
}

/// Aliases one after another, each with its own bad signatures.
#[test]
fn aliases_with_bad_signatures() {
    let enemy = Enemy::new();
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
    let keys = enemy.keys(std::slice::from_ref(&enemy.key));
    let answer = captured(&first, Rtype::A, 0, answer, vec![]);
    let verdict = judge("200 aliases", &enemy, &first, Rtype::A, vec![keys, answer]);
    assert_eq!(verdict.status, Status::Indeterminate);
    assert!(codes(&verdict).contains(&"too-many-aliases"));
}
