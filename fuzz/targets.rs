//! What is fuzzed: each target takes octets from an enemy and must come back, without a panic and soon. `cargo fuzz` runs
//! them one by one, `tests/fuzz_corpus.rs` all of them over the seeds and a fixed number of mutations.
#![allow(
    unreachable_pub,
    clippy::expect_used,
    reason = "included by the tests and by each fuzz target"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use unbroken::capture;
use unbroken::continuity::{Change, Options, Timeline, check};
use unbroken::dns::master::MasterReader;
use unbroken::dns::{Message, Name, OwnerHash, OwnerSet, Rtype, parse_records};
use unbroken::dnssec::{
    Anchors, Budget, Dnskey, Ds, DsSet, WalkStep, judge_answer, judge_dnskey, judge_ds, offline, walk,
};
use unbroken::evidence::{BlobId, Entry, Observation, Outcome, Place, Sweep, read_journal};
use unbroken::workflow::{Event, Plan, State, assess, decide, preflight};
use unbroken::zone::{Body, Collector, Findings, Leftover, Sink, Verifier, compare, to_name};

/// Takes octets from an enemy.
pub type Target = fn(&[u8]);

/// Every target by its name.
#[allow(dead_code, reason = "the tests run them all, a fuzzer one")]
pub const TARGETS: [(&str, Target); 10] = [
    ("message", message),
    ("facts", facts),
    ("chain", chain),
    ("zone_text", zone_text),
    ("timeline", timeline),
    ("journal", journal),
    ("anchors", anchors),
    ("capture", capture),
    ("offline", offline),
    ("key_text", key_text),
];

/// The largest input that a text target takes: a person's own files are not hostile, only possibly damaged.
const LONGEST_TEXT: usize = 64 * 1024;

/// The folder of the seeds, from the package's own folder or from `fuzz`.
pub fn seeds() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = here.join("seeds");
    if own.is_dir() {
        own
    } else {
        here.join("fuzz/seeds")
    }
}

/// One look at an honest world: what the answers of an enemy come on top of.
pub struct Base {
    state: State,
    plan: Plan,
    sweep: Sweep,
    messages: BTreeMap<BlobId, Vec<u8>>,
    zone: Name,
    anchors: Anchors,
    keys: Vec<Dnskey>,
    ds: DsSet,
}

impl Base {
    /// The seeds of the message targets, by the digest of their octets.
    #[allow(dead_code, reason = "used by the tests")]
    pub fn messages(&self) -> impl Iterator<Item = &[u8]> {
        self.messages.values().map(Vec::as_slice)
    }
}

/// Reads `seeds/base`, once.
pub fn base() -> &'static Base {
    static BASE: OnceLock<Base> = OnceLock::new();
    BASE.get_or_init(|| read_base(&seeds().join("base")).expect("the seeds in fuzz/seeds/base"))
}

/// Reads a folder like that.
pub fn read_base(folder: &Path) -> Option<Base> {
    let journal = read_journal(&std::fs::read(folder.join("journal.ndjson")).ok()?).ok()?;
    let mut messages = BTreeMap::new();
    for file in std::fs::read_dir(folder.join("messages")).ok()?.flatten() {
        let octets = std::fs::read(file.path()).ok()?;
        messages.insert(BlobId::of(&octets), octets);
    }
    let mut state = State::new(Anchors::iana_root());
    let (mut sweep, mut plan, mut anchors) = (None, None, None);
    let octets = |id: &BlobId| messages.get(id).map(|octets| Arc::from(octets.as_slice()));
    for entry in &journal.entries {
        let event = Event::read(&entry.kind, &entry.body).ok()?;
        state.apply(entry.at, &event, &octets);
        match event {
            Event::Sweep(seen) => sweep = Some(seen),
            Event::Plan(made) => plan = Some(*made),
            Event::Begin(begin) => anchors = Anchors::parse(&begin.anchors).ok(),
            _ => {}
        }
    }
    let zone = state.servers.as_ref()?.topology.zone.clone();
    let keys: Vec<Dnskey> = state.pool.values().cloned().collect();
    let ds = keys.iter().filter_map(|key| Ds::of(&zone, key, 2)).collect();
    Some(Base {
        state,
        plan: plan?,
        sweep: sweep?,
        zone,
        anchors: anchors?,
        keys,
        ds,
        messages,
    })
}

/// A message is read, and everything in it is shown.
pub fn message(data: &[u8]) {
    let Ok(message) = Message::parse(data) else { return };
    for record in message
        .answer
        .iter()
        .chain(&message.authority)
        .chain(&message.additional)
    {
        let _ = (record.to_string(), record.target());
    }
    let _ = (message.answer_rrsets(), message.authority_rrsets());
}

/// A message is the answer of some server to some question of a sweep: the first octet says to which.
pub fn facts(data: &[u8]) {
    let Some((which, octets)) = data.split_first() else {
        return;
    };
    let base = base();
    let observations = &base.sweep.observations;
    let Some(honest) = observations.get(usize::from(*which) % observations.len()) else {
        return;
    };
    let mut state = base.state.clone();
    fold(&mut state, &base.sweep, honest, octets);
    let _ = assess(&state, base.sweep.ended);
    let _ = decide(&state);
    if which % 8 == 0 {
        let _ = preflight(&state, &base.plan);
    }
}

fn fold(state: &mut State, former: &Sweep, honest: &Observation, octets: &[u8]) {
    let blob = BlobId::of(octets);
    let later = Duration::from_secs(60);
    let observation = Observation {
        outcome: Outcome::Answer {
            blob: blob.clone(),
            id: 0,
        },
        sent: former.ended + later,
        done: former.ended + later,
        ..honest.clone()
    };
    let sweep = Sweep {
        started: former.ended + later,
        ended: former.ended + later,
        observations: vec![observation],
        blind: Vec::new(),
    };
    let octets: Arc<[u8]> = Arc::from(octets);
    state.apply(sweep.ended, &Event::Sweep(sweep.clone()), &|id| {
        (*id == blob).then(|| octets.clone())
    });
}

/// A message is judged as DNSKEY answer, as DS answer, as data, and as a part of the chain from the anchors down.
pub fn chain(data: &[u8]) {
    let Ok(message) = Message::parse(data) else { return };
    let base = base();
    let (zone, at) = (&base.zone, base.sweep.ended.floor_seconds());
    let parent = zone.parent().unwrap_or_else(Name::root);
    judge_dnskey(zone, &base.ds, &message, at, &mut Budget::default());
    judge_ds(zone, &parent, &base.keys, &message, at, &mut Budget::default());
    let asked = message.question.as_ref().map_or(zone, |question| &question.name);
    for name in [asked, zone] {
        for rtype in [Rtype::A, Rtype::DS, Rtype::DNSKEY, Rtype::ANY] {
            judge_answer(
                name,
                rtype,
                zone,
                &base.keys,
                &message,
                at,
                &mut Budget::default(),
            );
        }
    }
    let step = |zone: &Name| WalkStep {
        zone: zone.clone(),
        ds: Some(&message),
        dnskey: Some(&message),
    };
    let steps = [step(&Name::root()), step(&parent), step(zone)];
    walk(&base.anchors, &steps, at, &mut Budget::default());
}

fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data.get(..LONGEST_TEXT.min(data.len()))?).ok()
}

/// A master file is read, in pieces as well, and for one owner alone; its zone is compared with itself, and verified.
pub fn zone_text(data: &[u8]) {
    let data = data.get(..LONGEST_TEXT.min(data.len())).unwrap_or_default();
    let zone = Name::root();
    let copy = |piece: usize| {
        let (mut collector, mut body) = (Collector::new(zone.clone()), Body::new(zone.clone()));
        let mut reader = MasterReader::new(&zone).default_ttl(60).generating(Some(300));
        let (mut buffer, mut rest) = (Vec::new(), data);
        loop {
            let (next, after) = rest.split_at(piece.min(rest.len()));
            buffer.extend_from_slice(next);
            rest = after;
            let progress = reader
                .read(&buffer, rest.is_empty(), |raw| {
                    collector.record(raw.owner, raw.rtype, raw.ttl, raw.rdata);
                    body.record(raw.owner, raw.rtype, raw.ttl, raw.rdata);
                })
                .ok()?;
            // Nothing is included here.
            if rest.is_empty() || progress.include.is_some() {
                return Some((collector.finish(), body));
            }
            buffer.drain(..progress.used);
        }
    };
    let (whole, pieces) = (copy(data.len().max(1)), copy(997));
    let Some((whole, mut body)) = whole else { return };
    if let Some((pieces, _)) = pieces {
        let found = compare(&whole, &pieces);
        assert!(found.is_equal() && to_name(&found).is_empty());
    }
    if let Some(owner) = of_owner(data, &zone, None).and_then(|mut records| records.pop()) {
        let wanted = OwnerSet::new([OwnerHash::of(&owner.0)]);
        let of = |records: Option<Vec<Seen>>| {
            let records = records.into_iter().flatten();
            records.filter(|seen| seen.0 == owner.0).collect::<Vec<_>>()
        };
        assert_eq!(
            of(of_owner(data, &zone, Some(wanted))),
            of(of_owner(data, &zone, None))
        );
    }
    body.sort();
    let verifier = Verifier::new(&body, 1_700_000_000, None);
    let (mut findings, mut left) = (Findings::new(100), Leftover::default());
    verifier.part(0..body.nodes(), &mut left, &mut findings);
    verifier.finish(left, &mut findings);
    findings
        .sorted()
        .iter()
        .for_each(|finding| drop(finding.to_string()));
    let text = std::str::from_utf8(data);
    for record in text
        .ok()
        .and_then(|text| parse_records(text, &zone, 60).ok())
        .unwrap_or_default()
    {
        let _ = record.to_string();
    }
}

/// Owner, type, TTL, RDATA and line.
type Seen = (Vec<u8>, Rtype, u32, Vec<u8>, u64);

/// The records of a master file without `$INCLUDE`; all others than the wanted owners may be passed over.
fn of_owner(data: &[u8], zone: &Name, only: Option<OwnerSet>) -> Option<Vec<Seen>> {
    // Without a TTL by default, so that TTLs are inherited.
    let mut reader = MasterReader::new(zone).generating(Some(300));
    if let Some(only) = only {
        reader = reader.only(only);
    }
    let mut records = Vec::new();
    let progress = reader.read(data, true, |raw| {
        records.push((
            raw.owner.to_vec(),
            raw.rtype,
            raw.ttl,
            raw.rdata.to_vec(),
            raw.line,
        ));
    });
    progress.ok()?.include.is_none().then_some(records)
}

/// A timeline or a change is read, checked and written again.
pub fn timeline(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let _ = Change::from_json(text);
    let Ok(timeline) = Timeline::from_json(text) else {
        return;
    };
    let again = Timeline::from_json(&timeline.to_json().to_string());
    assert_eq!(
        again.as_ref().map(|again| again.versions.len()),
        Ok(timeline.versions.len())
    );
    if timeline.versions.len() <= 32 {
        check(&timeline, &Options::default());
    }
}

/// A journal is read, and what it says is folded, without a single message.
pub fn journal(data: &[u8]) {
    let _ = Entry::decode(data);
    let Ok(journal) = read_journal(data) else { return };
    let mut state = base().state.clone();
    for entry in &journal.entries {
        if let Ok(event) = Event::read(&entry.kind, &entry.body) {
            state.apply(entry.at, &event, &|_| None);
        }
    }
    let _ = decide(&state);
}

/// Trust anchors are read.
pub fn anchors(data: &[u8]) {
    if let Some(text) = text(data) {
        let _ = Anchors::parse(text);
    }
}

/// A capture of any form is read, and its first questions are judged.
pub fn capture(data: &[u8]) {
    let Ok(found) = capture::read(data) else { return };
    let questions: Vec<_> = found
        .answers
        .iter()
        .take(4)
        .map(|one| (one.name.clone(), one.rtype))
        .collect();
    judge(found.answers, &questions);
}

fn judge(answers: Vec<offline::Captured>, questions: &[(Name, Rtype)]) {
    let base = base();
    let corpus = offline::Corpus::new(answers);
    let options = offline::Options::at(base.sweep.ended.floor_seconds());
    for (name, rtype) in questions {
        let verdict = offline::validate(&corpus, &base.anchors, name, *rtype, &options);
        assert!(verdict.spent.verifications <= options.limits.total_verifications);
        assert!(verdict.spent.nsec3_hashes <= options.limits.total_nsec3_hashes);
    }
}

/// A message is one more answer to every question of an honest capture.
pub fn offline(data: &[u8]) {
    let Ok(message) = Message::parse(data) else { return };
    let base = base();
    let captured = |name: &Name, rtype, answer: Message| offline::Captured {
        name: name.clone(),
        rtype,
        server: "192.0.2.1:53".to_owned(),
        transport: "udp".to_owned(),
        at: None,
        answer: Ok(std::sync::Arc::new(answer)),
    };
    let mut answers = Vec::new();
    for observation in &base.sweep.observations {
        answers.push(captured(&observation.name, observation.rtype, message.clone()));
        let Outcome::Answer { blob, .. } = &observation.outcome else {
            continue;
        };
        let honest = base
            .messages
            .get(blob)
            .and_then(|octets| Message::parse(octets).ok());
        answers.extend(honest.map(|honest| captured(&observation.name, observation.rtype, honest)));
    }
    let asked = message
        .question
        .map_or((base.zone.clone(), Rtype::A), |question| {
            (question.name, question.rtype)
        });
    judge(answers, &[asked, (base.zone.clone(), Rtype::SOA)]);
}

/// DS and DNSKEY records in presentation format are read, shown and read again.
pub fn key_text(data: &[u8]) {
    let Some(records) = text(data).and_then(|text| parse_records(text, &Name::root(), 60).ok()) else {
        return;
    };
    for record in records {
        if let Some(ds) = Ds::from_rdata(&record.rdata) {
            assert_eq!(Ds::from_rdata(&ds.rdata()).as_ref(), Some(&ds));
        }
        if let Some(key) = Dnskey::from_rdata(&record.rdata) {
            let _ = (key.tag(), key.id().to_string(), Ds::of(&record.name, &key, 2));
            assert_eq!(key.rdata(), record.rdata);
        }
    }
}

/// Sweeps in which a server shows new keys each time; gives how many keys are remembered.
#[allow(dead_code, reason = "used by the tests")]
pub fn flood(rounds: usize, answer: impl Fn(usize) -> Vec<u8>) -> usize {
    let base = base();
    let is_keys = |o: &&Observation| o.rtype == Rtype::DNSKEY && matches!(o.place, Place::Provider(_));
    let mut state = base.state.clone();
    if let Some(honest) = base.sweep.observations.iter().find(is_keys) {
        for round in 0..rounds {
            fold(&mut state, &base.sweep, honest, &answer(round));
        }
    }
    state.pool.len()
}

/// Which places the base was asked at, for a test that wants all of them.
#[allow(dead_code, reason = "used by the tests")]
pub fn places() -> Vec<(Place, Rtype)> {
    let sweep = &base().sweep;
    sweep
        .observations
        .iter()
        .map(|o| (o.place.clone(), o.rtype))
        .collect()
}
