//! How long the report of a long move takes, and how large it gets: ten days, a sweep each minute, ten servers.
//!
//! cargo bench --bench report -- FOLDER
//!
//! FOLDER is the journal of a move of two providers, as `unbroken lab --virtual --out DIR` leaves it in DIR/shop.test. Its last
//! sweep is made to that of ten servers, and repeated once a minute for ten days: folded, gathered, and the page made of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark may stop where it fails"
)]

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use unbroken::adapters::journal::FileView;
use unbroken::dns::Name;
use unbroken::dnssec::Anchors;
use unbroken::evidence::{BlobId, Observation, Place, Sweep};
use unbroken::moment::Moment;
use unbroken::ports::JournalView;
use unbroken::report::evidence::{Assurance, Gathered, evidence_html, evidence_report};
use unbroken::workflow::{Event, State};

/// Ten days of minutes.
const SWEEPS: u64 = 10 * 24 * 60;
/// Of the parent and of two providers together.
const SERVERS: usize = 10;

fn main() {
    let arguments: Vec<String> = std::env::args().filter(|word| word != "--bench").collect();
    let [_, folder] = arguments.as_slice() else {
        // `cargo bench` and `cargo test` run every target; without a journal there is nothing to measure.
        println!("usage: cargo bench --bench report -- FOLDER");
        return;
    };
    let view = FileView::open(Path::new(folder)).unwrap();
    let mut state = State::new(Anchors::iana_root());
    let mut gathered = Gathered::new();
    let mut blobs: HashMap<BlobId, Arc<[u8]>> = HashMap::new();
    let mut last: Option<Sweep> = None;
    let mut entries = 0;
    for entry in view.entries().unwrap() {
        let entry = entry.unwrap();
        let event = Event::read(&entry.kind, &entry.body).unwrap();
        let octets = |id: &BlobId| view.blob(id).ok().map(Arc::from);
        state.apply(entry.at, &event, &octets);
        gathered.observe(entry.seq, entry.at, &event, &state);
        entries = entry.seq;
        if let Event::Sweep(sweep) = event {
            last = Some(sweep);
        }
    }
    let sweep = ten_servers(last.expect("a journal with a sweep"));
    for one in &sweep.observations {
        if let unbroken::evidence::Outcome::Answer { blob, .. } = &one.outcome {
            let octets = view.blob(blob).unwrap();
            blobs.insert(blob.clone(), Arc::from(octets));
        }
    }
    let (mut folding, mut gathering) = (Duration::ZERO, Duration::ZERO);
    for minute in 1..=SWEEPS {
        let moved = later(&sweep, Duration::from_secs(60 * minute));
        let at = moved.ended;
        let event = Event::Sweep(moved);
        let begun = Instant::now();
        state.apply(at, &event, &|id| blobs.get(id).cloned());
        folding += begun.elapsed();
        let begun = Instant::now();
        gathered.observe(entries + minute, at, &event, &state);
        gathering += begun.elapsed();
    }
    gathered.state = state;
    let begun = Instant::now();
    let report = evidence_report(&gathered, Assurance::default());
    let modelled = begun.elapsed();
    let html = evidence_html(&report);
    let built = begun.elapsed();
    let questions = sweep.observations.len() as u64 * SWEEPS;
    println!("{SWEEPS} sweeps of {SERVERS} servers, {questions} questions");
    println!("fold, as every command does it   {:8.3} s", folding.as_secs_f64());
    println!(
        "gathered beside it               {:8.3} s",
        gathering.as_secs_f64()
    );
    println!(
        "report made of it                {:8.3} s",
        modelled.as_secs_f64()
    );
    println!("with the page                    {:8.3} s", built.as_secs_f64());
    println!("the page                         {:8} octets", html.len());
}

/// The same sweep with so many servers: addresses and names are new, the answers are those of the first ones.
fn ten_servers(sweep: Sweep) -> Sweep {
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for one in &sweep.observations {
        if !matches!(one.place, Place::Ancestor(_)) && !addresses.contains(&one.address) {
            addresses.push(one.address);
        }
    }
    let mut observations: Vec<Observation> = sweep.observations.clone();
    for number in addresses.len()..SERVERS {
        let like = addresses[number % addresses.len()];
        let address = IpAddr::V4(Ipv4Addr::new(203, 0, 113, u8::try_from(number).unwrap()));
        let name = Name::parse(&format!("ns{number}.more.test.")).unwrap();
        let own = sweep.observations.iter().filter(|one| one.address == like);
        observations.extend(own.map(|one| Observation {
            server: name.clone(),
            address: SocketAddr::new(address, 53),
            ..one.clone()
        }));
    }
    Sweep {
        observations,
        ..sweep
    }
}

fn later(sweep: &Sweep, by: Duration) -> Sweep {
    let moved = |at: Moment| at + by;
    let mut out = sweep.clone();
    out.started = moved(out.started);
    out.ended = moved(out.ended);
    for one in &mut out.observations {
        one.sent = moved(one.sent);
        one.done = moved(one.done);
    }
    out
}
