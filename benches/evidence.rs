//! How fast a long bundle is verified, against reading and hashing the same octets, and against verifying every signature anew.
//!
//! cargo bench --bench evidence -- FOLDER SWEEPS
//!
//! Makes a move in virtual time with a sweep each minute and a soak of SWEEPS minutes, once, into FOLDER; then verifies it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark may stop where it fails"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ring::digest::{Context, SHA256};
use unbroken::adapters::bundle::Bundle;
use unbroken::adapters::journal::MemoryJournal;
use unbroken::audit::{Depth, Given, Verdict, Verifier};
use unbroken::dnssec::{Anchors, Memo};
use unbroken::evidence::{BlobId, Blobs, Entry};
use unbroken::lab::{self, LabConfig, Ttls, VirtualClock, World, WorldTransport};
use unbroken::moment::Moment;
use unbroken::ports::{Clock, Entries, Journal, JournalError, JournalView, Transport};
use unbroken::runner::{Ending, Quiet, Runner, Until};
use unbroken::workflow::{GateRules, Purpose, State, plan};

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|one| one != "--bench");
    let (Some(folder), Some(sweeps)) = (arguments.next(), arguments.next()) else {
        println!("left out: cargo bench --bench evidence -- FOLDER SWEEPS");
        return;
    };
    let folder = Path::new(&folder);
    let place = folder.join("shop.test");
    if !place.join("journal.ndjson").exists() {
        let begun = Instant::now();
        let anchors = make(&place, sweeps.parse().unwrap());
        std::fs::write(folder.join("anchors.ds"), anchors).unwrap();
        println!("made in {:.1} s", begun.elapsed().as_secs_f64());
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
        "reading and hashing: {octets} octets in {hashing:.3} s, {:.0} MB/s",
        rate(octets, hashing)
    );
    for depth in [Depth::Hashes, Depth::Full] {
        let begun = Instant::now();
        let verdict = verify(&bundle, &anchors, depth);
        let took = begun.elapsed().as_secs_f64();
        println!(
            "{depth:?}: {took:.3} s, {:.0} MB/s, {:.2} of hashing; {:?}; {} observations, {} distinct, {} judged, {} decisions, peak {} kB",
            rate(octets, took),
            hashing / took,
            verdict.verdict,
            verdict.answers.observations,
            verdict.answers.distinct,
            verdict.answers.judged,
            verdict.decisions.recorded + verdict.decisions.unchanged,
            peak(),
        );
    }
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
    let given = Given {
        anchors: anchors.clone(),
        anchors_given: true,
        seal_keys: Vec::new(),
        manifest: None,
        files: BTreeMap::new(),
        seals: Vec::new(),
        keys: None,
        blobs: bundle.blobs().map(|(id, size)| (id.clone(), size)).collect(),
        memo: Memo::remembering(),
    };
    let mut verifier = Verifier::new(given, depth);
    let mut source = BufReader::with_capacity(1 << 20, bundle.journal().unwrap());
    let (mut line, mut next) = (Vec::new(), Vec::new());
    source.read_until(b'\n', &mut next).unwrap();
    while !next.is_empty() {
        std::mem::swap(&mut line, &mut next);
        next.clear();
        source.read_until(b'\n', &mut next).unwrap();
        let after = (!next.is_empty()).then_some(next.as_slice());
        let more = verifier.take(&line, after, &mut |id| bundle.blob_octets(id).unwrap());
        assert!(more.unwrap(), "the chain is broken");
    }
    verifier.finish()
}

fn make(place: &Path, minutes: u64) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let start = Moment::from_seconds(1_790_000_000);
        let mut config = LabConfig::built_in(start).unwrap();
        config.ttls = Ttls::real();
        let world = Arc::new(World::new(&config).unwrap());
        let clock = Arc::new(VirtualClock::new(start));
        let transport: Arc<dyn Transport> = Arc::new(WorldTransport::new(world.clone(), clock.dial()));
        let clock: Arc<dyn Clock> = clock;
        let team = lab::team(&world, &transport, &clock, Duration::from_secs(60)).unwrap();
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
        let wish = lab::wish(&world, purpose, &["a".to_owned()], rules, minutes * 60);
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
