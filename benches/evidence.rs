//! How fast a long bundle is verified, against reading and hashing the same octets, and against verifying every signature anew.
//!
//! cargo bench --bench evidence -- FOLDER SOAK INTERVAL RENEWAL
//!
//! The first time it makes a move in virtual time, with a soak of SOAK minutes, a sweep each INTERVAL seconds and signatures made
//! anew each RENEWAL minutes, and writes it to FOLDER. Run it again to measure: so the memory is that of verifying alone.
//! Other intervals with the same soak and renewal give other numbers of observations with as many distinct answers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark may stop where it fails"
)]

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ring::digest::{Context, SHA256};
use unbroken::adapters::bundle::Bundle;
use unbroken::adapters::journal::MemoryJournal;
use unbroken::audit::{Depth, Verdict};
use unbroken::dns::{Message, Rtype, rrsets};
use unbroken::dnssec::{Anchors, Budget, Dnskey, judge_rrset};
use unbroken::evidence::{BlobId, Blobs, Entry, Outcome};
use unbroken::lab::{self, LabConfig, Ttls, VirtualClock, World, WorldTransport};
use unbroken::moment::Moment;
use unbroken::ports::{Clock, Entries, Journal, JournalError, JournalView, Transport};
use unbroken::runner::{Ending, Quiet, Runner, Until};
use unbroken::workflow::{Event, GateRules, Purpose, State, plan};

/// So many sweeps, evenly spread, are taken for the price of verifying every signature anew.
const SAMPLED: u64 = 40;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|one| one != "--bench").collect();
    let [folder, soak, interval, renewal] = words.as_slice() else {
        println!("left out: cargo bench --bench evidence -- FOLDER SOAK INTERVAL RENEWAL");
        return;
    };
    let folder = Path::new(&folder);
    let place = folder.join("shop.test");
    if !place.join("journal.ndjson").exists() {
        let begun = Instant::now();
        let number = |word: &String| word.parse().expect("a number");
        let anchors = make(&place, number(soak), number(interval), number(renewal));
        std::fs::write(folder.join("anchors.ds"), anchors).unwrap();
        println!(
            "made in {:.1} s; run it again to measure",
            begun.elapsed().as_secs_f64()
        );
        return;
    }
    let anchors = Anchors::parse(&std::fs::read_to_string(folder.join("anchors.ds")).unwrap()).unwrap();
    let bundle = Bundle::open(&place).unwrap();
    let (mut octets, mut hashing) = (0, f64::MAX);
    for _ in 0..3 {
        let begun = Instant::now();
        octets = hash_all(&bundle);
        hashing = hashing.min(begun.elapsed().as_secs_f64());
    }
    println!(
        "reading and hashing {octets} octets: {hashing:.3} s, {:.0} MB/s",
        rate(octets, hashing)
    );
    let mut full = f64::MAX;
    let mut observations = 0;
    for depth in [Depth::Hashes, Depth::Full] {
        let mut least = f64::MAX;
        let mut verdict = None;
        for _ in 0..3 {
            let begun = Instant::now();
            verdict = Some(verify(&bundle, &anchors, depth));
            least = least.min(begun.elapsed().as_secs_f64());
        }
        let verdict = verdict.unwrap();
        println!(
            "{depth:?}: {least:.3} s, {:.0} MB/s, {:.3} of the speed of hashing; {:?}; peak {} kB",
            rate(octets, least),
            hashing / least,
            verdict.verdict,
            peak(),
        );
        if depth == Depth::Full {
            full = least;
            observations = verdict.answers.observations;
            println!(
                "      {} sweeps, {observations} observations, {} distinct answers, {} verdicts worked out, {} decisions made again",
                verdict.answers.sweeps,
                verdict.answers.distinct,
                verdict.answers.judged,
                verdict.decisions.recorded + verdict.decisions.unchanged,
            );
        }
    }
    let (seconds, answers, signatures) = anew(&bundle);
    let all = seconds / answers as f64 * observations as f64;
    println!(
        "every signature anew: {answers} answers with {signatures} signatures in {seconds:.3} s, so {all:.1} s for all: {:.0} times as long",
        all / full
    );
}

/// Verifies the signatures in the answers of some sweeps, each anew and with nothing else: seconds, answers, signatures.
fn anew(bundle: &Bundle) -> (f64, u64, u64) {
    let lines = || BufReader::with_capacity(1 << 20, bundle.journal().unwrap()).split(b'\n');
    let every = lines().count() as u64 / SAMPLED;
    let mut keys: Vec<Dnskey> = Vec::new();
    for (id, _) in bundle.blobs() {
        let message = Message::parse(&bundle.blob_octets(id).unwrap().unwrap()).unwrap();
        let found = message
            .answer
            .iter()
            .filter(|record| record.rtype == Rtype::DNSKEY)
            .filter_map(|record| Dnskey::from_rdata(&record.rdata));
        for key in found {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    let (mut took, mut answers, mut signatures) = (0.0, 0, 0);
    for line in lines().step_by(usize::try_from(every.max(1)).unwrap()) {
        let entry = Entry::decode(&line.unwrap()).unwrap();
        let Ok(Event::Sweep(sweep)) = Event::read(&entry.kind, &entry.body) else {
            continue;
        };
        for one in &sweep.observations {
            let Outcome::Answer { blob, .. } = &one.outcome else {
                continue;
            };
            let octets = bundle.blob_octets(blob).unwrap().unwrap();
            let begun = Instant::now();
            let message = Message::parse(&octets).unwrap();
            let sets = rrsets(&message.answer)
                .into_iter()
                .chain(rrsets(&message.authority));
            for set in sets {
                let Some(signer) = set.signatures.first().map(|one| one.signer.clone()) else {
                    continue;
                };
                let at = one.done.floor_seconds();
                let judged = judge_rrset(&set, &keys, &signer, at, &mut Budget::default());
                signatures += judged.attempts.len() as u64;
            }
            took += begun.elapsed().as_secs_f64();
            answers += 1;
        }
    }
    (took, answers, signatures)
}

fn rate(octets: u64, seconds: f64) -> f64 {
    octets as f64 / seconds / 1e6
}

/// The most memory that this process had, kB (Linux).
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap_or("?").trim().trim_end_matches(" kB").to_owned()
}

fn hash_all(bundle: &Bundle) -> u64 {
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 1 << 20];
    let mut octets = 0;
    let mut journal = bundle.journal().unwrap();
    loop {
        let read = journal.read(&mut buffer).unwrap();
        if read == 0 {
            break;
        }
        context.update(&buffer[..read]);
        octets += read as u64;
    }
    for (id, size) in bundle.blobs() {
        context.update(&bundle.blob_octets(id).unwrap().unwrap());
        octets += size;
    }
    std::hint::black_box(context.finish());
    octets
}

fn verify(bundle: &Bundle, anchors: &Anchors, depth: Depth) -> Verdict {
    unbroken::cli::audit::verify(bundle, Some(anchors.clone()), Vec::new(), depth).unwrap()
}

fn make(place: &Path, soak: u64, interval: u64, renewal: u64) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let start = Moment::from_seconds(1_790_000_000);
        let mut config = LabConfig::built_in(start).unwrap();
        config.ttls = Ttls::real();
        config.renewal = Some(Duration::from_secs(renewal * 60));
        let world = Arc::new(World::new(&config).unwrap());
        let clock = Arc::new(VirtualClock::new(start));
        let transport: Arc<dyn Transport> = Arc::new(WorldTransport::new(world.clone(), clock.dial()));
        let clock: Arc<dyn Clock> = clock;
        let team = lab::team(&world, &transport, &clock, Duration::from_secs(interval)).unwrap();
        let (kept, state) = (
            Kept::default(),
            State::new(Anchors::parse(&world.anchors()).unwrap()),
        );
        let mut runner = Runner::open(team, state, Box::new(kept.clone()), Box::new(Quiet)).unwrap();
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
        let wish = lab::wish(&world, purpose, &["a".to_owned()], rules, soak * 60);
        let made = plan(&wish, &runner.state, clock.now());
        runner.adopt(made).unwrap();
        let ending = runner.run(Until::Complete).await.unwrap();
        assert!(matches!(ending, Ending::Complete(_)), "{ending:?}");
        kept.0.lock().unwrap().write_to(place).unwrap();
        world.anchors()
    })
}

/// A journal in memory that is still there when its runner has ended.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<MemoryJournal>>);

impl JournalView for Kept {
    fn entries(&self) -> Result<Entries<'_>, JournalError> {
        let all: Vec<Result<Entry, JournalError>> = self.0.lock().unwrap().entries()?.collect();
        Ok(Box::new(all.into_iter()))
    }

    fn blob(&self, id: &BlobId) -> Result<Vec<u8>, JournalError> {
        self.0.lock().unwrap().blob(id)
    }

    fn head(&self) -> String {
        self.0.lock().unwrap().head()
    }
}

impl Journal for Kept {
    fn append(&mut self, at: Moment, kind: &str, body: serde_json::Value) -> Result<Entry, JournalError> {
        self.0.lock().unwrap().append(at, kind, body)
    }

    fn put_blob(&mut self, octets: &[u8]) -> Result<BlobId, JournalError> {
        self.0.lock().unwrap().put_blob(octets)
    }

    fn put_blobs(&mut self, blobs: &Blobs) -> Result<(), JournalError> {
        self.0.lock().unwrap().put_blobs(blobs)
    }
}
