//! The fuzz targets over their seeds and a fixed number of mutations, and messages that were made to harm: never a panic,
//! and never much work.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where it fails"
)]

#[path = "../fuzz/targets.rs"]
mod targets;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use unbroken::adapters::journal::MemoryJournal;
use unbroken::dnssec::Anchors;
use unbroken::lab::{self, LabConfig, SignerKind, Ttls, VirtualClock, World, WorldTransport};
use unbroken::moment::Moment;
use unbroken::ports::{Clock, Journal, JournalView, Transport};
use unbroken::runner::{Quiet, Runner};
use unbroken::workflow::{GateRules, Purpose, State, plan};

/// Mutations of each target; those that fold and decide cost more each.
const MUTATIONS: usize = 20_000;
const COSTLY: usize = 4_000;
/// No single input may take longer, in a debug build on a busy machine.
const SLOWEST: Duration = Duration::from_secs(3);

/// A small generator (xorshift64*), so that each run does the same.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 16) as usize % bound.max(1)
    }
}

/// Octets that mean much: pointers, labels, lengths, counts, ends of numbers, signs of the texts.
const TELLING: [u8; 20] = [
    0, 1, 2, 12, 15, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff, b'"', b'(', b')', b'{', b'}', b'\\', b'\n', b'-',
    b'9',
];

fn mutate(dice: &mut Dice, seed: &[u8], other: &[u8]) -> Vec<u8> {
    let mut out = seed.to_vec();
    for _ in 0..=dice.below(4) {
        let at = dice.below(out.len());
        match dice.below(8) {
            0 if !out.is_empty() => out[at] ^= 1 << dice.below(8),
            1 if !out.is_empty() => out[at] = TELLING[dice.below(TELLING.len())],
            2 if !out.is_empty() => out[at] = dice.next() as u8,
            3 => out.truncate(at),
            4 => {
                let copied = out[at..(at + dice.below(64)).min(out.len())].to_vec();
                out.splice(at..at, copied);
            }
            5 => {
                let from = dice.below(other.len());
                let part = other[from..(from + dice.below(128)).min(other.len())].to_vec();
                out.splice(at..at, part);
            }
            6 if out.len() > 1 => {
                let end = (at + dice.below(16)).min(out.len());
                out.drain(at..end);
            }
            // A compression pointer to anywhere.
            _ if out.len() > 2 => {
                let at = at.min(out.len() - 2);
                let to = dice.below(out.len()) as u16 | 0xc000;
                out[at..at + 2].copy_from_slice(&to.to_be_bytes());
            }
            _ => out.push(dice.next() as u8),
        }
    }
    out
}

fn seeds_of(name: &str) -> Vec<Vec<u8>> {
    let messages = || targets::base().messages().map(<[u8]>::to_vec);
    match name {
        "message" | "chain" | "offline" => messages().collect(),
        // The first octet says which question is answered.
        "facts" => messages()
            .enumerate()
            .flat_map(|(index, octets)| {
                (0..4).map(move |more| [&[(index * 5 + more * 61) as u8][..], &octets].concat())
            })
            .collect(),
        "journal" => vec![std::fs::read(targets::seeds().join("base/journal.ndjson")).unwrap()],
        _ => {
            let mut paths: Vec<_> = std::fs::read_dir(targets::seeds().join(name))
                .unwrap_or_else(|error| panic!("{name}: {error}"))
                .map(|entry| entry.unwrap().path())
                .collect();
            paths.sort();
            paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
        }
    }
}

/// Runs one target; gives the longest that one input took.
fn fuzz(name: &str, mutations: usize) -> Duration {
    let (_, target) = targets::TARGETS
        .into_iter()
        .find(|(known, _)| *known == name)
        .unwrap();
    let seeds = seeds_of(name);
    assert!(!seeds.is_empty());
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut slowest = Duration::ZERO;
    let mut once = |input: &[u8]| {
        let begun = Instant::now();
        target(input);
        slowest = slowest.max(begun.elapsed());
    };
    seeds.iter().for_each(|seed| once(seed));
    for round in 0..mutations {
        let other = dice.below(seeds.len());
        once(&mutate(&mut dice, &seeds[round % seeds.len()], &seeds[other]));
    }
    println!(
        "{name}: {} seeds, {mutations} mutations, the slowest input took {slowest:?}",
        seeds.len()
    );
    slowest
}

macro_rules! targets_of {
    ($($name:ident: $mutations:expr),* $(,)?) => {
        $(#[test]
        fn $name() {
            let slowest = fuzz(stringify!($name), $mutations);
            assert!(slowest < SLOWEST, "{slowest:?}");
        })*

        #[test]
        fn no_target_is_left_out() {
            let tested = [$(stringify!($name)),*];
            assert_eq!(tested.to_vec(), targets::TARGETS.map(|(name, _)| name).to_vec());
        }
    };
}

targets_of! {
    message: MUTATIONS,
    facts: COSTLY,
    chain: MUTATIONS,
    zone_text: MUTATIONS,
    timeline: MUTATIONS,
    journal: COSTLY,
    anchors: MUTATIONS,
    capture: MUTATIONS,
    offline: COSTLY,
    key_text: MUTATIONS,
}

/// The same octets through every target that takes messages, to every question.
fn through_all(octets: &[u8]) -> Duration {
    let begun = Instant::now();
    targets::message(octets);
    targets::chain(octets);
    let mut slowest = begun.elapsed();
    for which in 0..targets::places().len() {
        let begun = Instant::now();
        targets::facts(&[&[which as u8][..], octets].concat());
        slowest = slowest.max(begun.elapsed());
    }
    println!("{} octets: at most {slowest:?}", octets.len());
    slowest
}

/// A header of an authoritative answer with these counts, and the question `shop.test. TYPE`.
fn answer(rtype: u16, counts: [u16; 3]) -> Vec<u8> {
    let mut out = vec![0, 0, 0x84, 0, 0, 1];
    out.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
    out.extend(b"\x04shop\x04test\0");
    out.extend(rtype.to_be_bytes());
    out.extend([0, 1]);
    out
}

/// A record at the question's name.
fn record(out: &mut Vec<u8>, rtype: u16, rdata: &[u8]) {
    out.extend([0xc0, 12]);
    out.extend(rtype.to_be_bytes());
    out.extend([0, 1, 0, 0, 14, 16]);
    out.extend((rdata.len() as u16).to_be_bytes());
    out.extend(rdata);
}

#[test]
fn compression_loops_and_chains_of_pointers() {
    // To itself, to each other, forward, and into the header.
    for pointers in [
        vec![0xc0u8, 12],
        vec![0xc0, 14, 0xc0, 12],
        vec![0xc0, 40],
        vec![0xc0, 0],
        vec![0x80, 1],
    ] {
        let mut octets = vec![0, 0, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0];
        octets.extend(&pointers);
        octets.resize(4096, 0xc0);
        assert!(through_all(&octets) < SLOWEST);
    }
    // Thousands of owners, each a pointer to the pointer before it.
    let mut octets = answer(1, [5_000, 0, 0]);
    let mut before = 12u16;
    while octets.len() + 16 < 16_000 {
        let here = octets.len() as u16;
        octets.extend((0xc000 | before).to_be_bytes());
        octets.extend([0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 192, 0, 2, 1]);
        before = here;
    }
    assert!(through_all(&octets) < SLOWEST);
}

#[test]
fn sixty_four_kibibytes_of_junk() {
    let mut dice = Dice(7);
    for fill in 0..6 {
        let mut octets: Vec<u8> = (0..65_535)
            .map(|_| match fill {
                0 => dice.next() as u8,
                1 => 0,
                2 => 0xff,
                3 => 0xc0,
                4 => TELLING[dice.below(TELLING.len())],
                _ => (dice.next() & 3) as u8,
            })
            .collect();
        assert!(through_all(&octets) < SLOWEST, "{fill}");
        octets[..12].copy_from_slice(&[0, 0, 0x84, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        assert!(through_all(&octets) < SLOWEST, "{fill}");
    }
}

#[test]
fn thousands_of_keys_and_signatures() {
    let mut dice = Dice(9);
    // 1,800 keys, of which many have the tag of an honest one.
    let mut keys = answer(48, [0, 0, 0]);
    let mut count = 0u16;
    while keys.len() + 40 < 65_000 {
        let mut rdata = vec![1, (count % 2) as u8, 3, 13];
        rdata.extend((0..20).map(|_| dice.next() as u8));
        record(&mut keys, 48, &rdata);
        count += 1;
    }
    keys[6..8].copy_from_slice(&count.to_be_bytes());
    assert!(through_all(&keys) < SLOWEST);
    // Sweep after sweep of new ones: what is remembered of them stays bounded.
    let begun = Instant::now();
    let pool = targets::flood(300, |round| {
        let mut octets = answer(48, [60, 0, 0]);
        for key in 0..60u8 {
            let [high, low] = (round as u16).to_be_bytes();
            record(&mut octets, 48, &[1, key % 2, 3, 13, high, low, key, 1, 2, 3]);
        }
        octets
    });
    assert!(pool <= 1_024 + 64, "{pool}");
    println!("300 sweeps of new keys took {:?}", begun.elapsed());
    // Signatures over the DNSKEY RRset by each honest tag, hundreds of them, all wrong.
    for rtype in [48u16, 1, 6, 2] {
        let mut signed = answer(rtype, [0, 0, 0]);
        let rdata: &[u8] = if rtype == 48 {
            &[1, 1, 3, 13, 9, 9]
        } else {
            &[192, 0, 2, 1]
        };
        record(&mut signed, rtype, rdata);
        let mut count = 1u16;
        while signed.len() + 130 < 65_000 {
            let mut rrsig = rtype.to_be_bytes().to_vec();
            rrsig.extend([13, 2, 0, 0, 14, 16, 0xff, 0, 0, 0, 0x60, 0, 0, 0]);
            rrsig.extend((dice.next() as u16 & 0x00ff).to_be_bytes());
            rrsig.extend(b"\x04shop\x04test\0");
            rrsig.extend((0..64).map(|_| dice.next() as u8));
            record(&mut signed, 46, &rrsig);
            count += 1;
        }
        signed[6..8].copy_from_slice(&count.to_be_bytes());
        assert!(through_all(&signed) < SLOWEST);
    }
    // Thousands of RRsets.
    let mut many = answer(1, [0, 0, 0]);
    let mut count = 0u16;
    while many.len() + 30 < 65_000 {
        many.extend([
            2,
            b'a' + (count % 26) as u8,
            b'0' + (count / 26 % 64) as u8,
            0xc0,
            12,
        ]);
        many.extend((1 + count / 1_664).to_be_bytes());
        many.extend([0, 1, 0, 0, 0, 1, 0, 4, 192, 0, 2, 1]);
        count += 1;
    }
    many[6..8].copy_from_slice(&count.to_be_bytes());
    assert!(through_all(&many) < SLOWEST);
}

/// The seeds in `fuzz/seeds/base` are a look at a lab with NSEC at one provider and NSEC3 with one key at the other. This
/// makes such a look anew and holds it to what the targets need; with `UNBROKEN_SEEDS` it is kept in that folder.
#[tokio::test]
async fn seeds_are_a_look_at_a_lab() {
    let start = Moment::from_seconds(1_790_000_000);
    let mut config = LabConfig::built_in(start).unwrap();
    config.ttls = Ttls::real();
    config.providers[1].nsec3 = true;
    config.providers[1].signer = SignerKind::Csk;
    let world = Arc::new(World::new(&config).unwrap());
    let hands = Arc::new(VirtualClock::new(start));
    let transport: Arc<dyn Transport> = Arc::new(WorldTransport::new(world.clone(), hands.dial()));
    let clock: Arc<dyn Clock> = hands;
    let team = lab::team(&world, &transport, &clock, Duration::from_secs(600)).unwrap();
    let state = State::new(Anchors::parse(&world.anchors()).unwrap());
    let journal: Box<dyn Journal> = Box::new(MemoryJournal::default());
    let mut runner = Runner::open(team, state, journal, Box::new(Quiet)).unwrap();
    runner.survey().await.unwrap();
    runner.sweep().await.unwrap();
    let rules = GateRules {
        ttl_floor: 60,
        margin: 5,
        stale: 0,
        patience: 60,
    };
    let purpose = Purpose::Migrate {
        from: "a".into(),
        to: "b".into(),
    };
    let wish = lab::wish(&world, purpose, &["a".into()], rules, 86_400);
    let made = plan(&wish, &runner.state, clock.now());
    runner.adopt(made).unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("UNBROKEN_SEEDS").map_or(temporary.path().to_path_buf(), Into::into);
    write_seeds(runner.journal(), &folder);
    let fresh = targets::read_base(&folder).unwrap();
    assert_eq!(fresh.messages().count(), targets::base().messages().count());
}

fn write_seeds(journal: &dyn JournalView, folder: &Path) {
    let messages = folder.join("messages");
    let _ = std::fs::remove_dir_all(&messages);
    std::fs::create_dir_all(&messages).unwrap();
    let mut lines = String::new();
    for entry in journal.entries().unwrap() {
        let entry = entry.unwrap();
        lines.push_str(&entry.encode().unwrap());
        lines.push('\n');
        let observations = entry.body["observations"].as_array().cloned().unwrap_or_default();
        for observation in observations {
            if let Ok(blob) = serde_json::from_value(observation["outcome"]["answer"]["blob"].clone()) {
                let octets = journal.blob(&blob).unwrap();
                let name = format!("{blob:.16}");
                std::fs::write(messages.join(format!("{name}.bin")), octets).unwrap();
            }
        }
    }
    std::fs::write(folder.join("journal.ndjson"), lines).unwrap();
}
