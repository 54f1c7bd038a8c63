//! What a vantage saw against what the journal saw: versions that no sweep of the journal met, and one address that said
//! different things at one time in two places (anycast, or a server that answers each as it likes).

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use serde::Serialize;

use super::Vantage;
use crate::dns::{Message, Name, Record, Rtype};
use crate::evidence::{BlobId, Observation, Outcome, Sweep};
use crate::moment::Moment;

/// So many findings of a kind are listed; all are counted.
const MOST_LISTED: usize = 100;

/// Gives the octets of a blob.
type Octets<'a> = &'a dyn Fn(&BlobId) -> Option<Arc<[u8]>>;

/// What an answer says: its code and the records that were asked for. TTLs, signatures and the serial of a SOA are no part of it:
/// they change without anything else changing.
type Content = Arc<str>;

/// One question to one address.
type Key = (SocketAddr, Name, Rtype);

/// A stretch of the journal in which one address said one thing.
#[derive(Clone, Debug)]
struct Run {
    first: Moment,
    last: Moment,
    content: Content,
}

/// What the journal saw, boiled down to its changes.
#[derive(Debug, Default)]
pub struct Comparer {
    runs: BTreeMap<Key, Vec<Run>>,
    known: BTreeMap<(Name, Rtype), BTreeSet<Content>>,
    addresses: BTreeSet<SocketAddr>,
    read: BTreeMap<(BlobId, Name, Rtype), Content>,
}

/// What one vantage saw.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    /// Its name.
    pub vantage: String,
    /// What looked.
    pub program: String,
    /// When it first asked.
    pub from: Option<Moment>,
    /// When its last answer was there.
    pub until: Option<Moment>,
    /// How many sweeps.
    pub sweeps: usize,
    /// How many questions.
    pub asked: usize,
    /// How many were answered.
    pub answers: usize,
    /// How many more of its results told neither what was asked nor what came back.
    pub untold: usize,
    /// How many were asked of addresses that the journal never asked.
    pub elsewhere: usize,
    /// What it covers, by address.
    pub stretches: Vec<Stretch>,
    /// How many answers are to questions that the journal asked too, so that they can be compared.
    pub compared: usize,
    /// How many answers say what no sweep of the journal was told by any server.
    pub unseen_count: usize,
    /// The first of them, each content once an address.
    pub unseen: Vec<Unseen>,
    /// How many answers say something else than the journal was told by the same address before and after.
    pub differs_count: usize,
    /// The first of them, each content once an address.
    pub differs: Vec<Differs>,
}

/// What of an address was covered.
#[derive(Clone, Debug, Serialize)]
pub struct Stretch {
    /// The address.
    pub address: SocketAddr,
    /// The server's name.
    pub server: Name,
    /// The first answer.
    pub from: Moment,
    /// The last.
    pub until: Moment,
    /// How many answers.
    pub answers: usize,
    /// The longest time between two answers to one question, seconds.
    pub longest_gap: u64,
}

/// An answer that no sweep of the journal was given.
#[derive(Clone, Debug, Serialize)]
pub struct Unseen {
    /// The server's address.
    pub address: SocketAddr,
    /// The name asked for.
    pub name: Name,
    /// The type.
    #[serde(rename = "type")]
    pub rtype: Rtype,
    /// When it was seen first.
    pub at: Moment,
    /// The message, identifier set to zero.
    pub blob: BlobId,
    /// What it says.
    pub says: String,
}

/// An answer other than the journal was given by the same address before and after.
#[derive(Clone, Debug, Serialize)]
pub struct Differs {
    /// The server's address.
    pub address: SocketAddr,
    /// The name asked for.
    pub name: Name,
    /// The type.
    #[serde(rename = "type")]
    pub rtype: Rtype,
    /// When.
    pub at: Moment,
    /// The message, identifier set to zero.
    pub blob: BlobId,
    /// What it says here.
    pub says: String,
    /// What the journal was told from `since` to `until`.
    pub journal_says: String,
    /// The journal's first such answer.
    pub since: Moment,
    /// Its last.
    pub until: Moment,
}

impl Comparer {
    /// Takes in a sweep of the journal; they come in order of time.
    pub fn journal(&mut self, sweep: &Sweep, octets: Octets<'_>) {
        for observation in &sweep.observations {
            self.addresses.insert(observation.address);
            let Some(content) = self.content(observation, octets) else {
                continue;
            };
            let question = (observation.name.clone(), observation.rtype);
            self.known.entry(question).or_default().insert(content.clone());
            let runs = self.runs.entry(key(observation)).or_default();
            match runs.last_mut() {
                Some(run) if run.content == content => run.last = run.last.max(observation.done),
                _ => runs.push(Run {
                    first: observation.sent,
                    last: observation.done,
                    content,
                }),
            }
        }
    }

    fn content(&mut self, observation: &Observation, octets: Octets<'_>) -> Option<Content> {
        let Outcome::Answer { blob, .. } = &observation.outcome else {
            return None;
        };
        let key = (blob.clone(), observation.name.clone(), observation.rtype);
        if let Some(content) = self.read.get(&key) {
            return Some(content.clone());
        }
        let content = says(&octets(blob)?, observation.rtype);
        self.read.insert(key, content.clone());
        Some(content)
    }

    /// Compares what a vantage saw with the journal.
    pub fn compare(&self, vantage: &Vantage) -> Seen {
        let mut seen = Seen {
            vantage: vantage.name.clone(),
            program: vantage.program.clone(),
            from: vantage.sweeps.first().map(|sweep| sweep.started),
            until: vantage.sweeps.iter().map(|sweep| sweep.ended).max(),
            sweeps: vantage.sweeps.len(),
            asked: 0,
            answers: 0,
            untold: vantage.untold,
            elsewhere: 0,
            stretches: Vec::new(),
            compared: 0,
            unseen_count: 0,
            unseen: Vec::new(),
            differs_count: 0,
            differs: Vec::new(),
        };
        let mut covered: BTreeMap<SocketAddr, Stretch> = BTreeMap::new();
        let mut last: BTreeMap<Key, Moment> = BTreeMap::new();
        let mut told: BTreeSet<(Key, Content)> = BTreeSet::new();
        for observation in vantage.sweeps.iter().flat_map(|sweep| &sweep.observations) {
            seen.asked += 1;
            seen.elsewhere += usize::from(!self.addresses.contains(&observation.address));
            let Outcome::Answer { blob, .. } = &observation.outcome else {
                continue;
            };
            seen.answers += 1;
            let gap = last
                .insert(key(observation), observation.done)
                .map_or(0, |before| observation.done.since(before).as_secs());
            let stretch = covered.entry(observation.address).or_insert_with(|| Stretch {
                address: observation.address,
                server: observation.server.clone(),
                from: observation.sent,
                until: observation.done,
                answers: 0,
                longest_gap: 0,
            });
            stretch.answers += 1;
            stretch.until = stretch.until.max(observation.done);
            stretch.longest_gap = stretch.longest_gap.max(gap);
            if let Some(octets) = vantage.blobs.get(blob) {
                let content = says(octets, observation.rtype);
                let first = told.insert((key(observation), content.clone()));
                self.judge(&mut seen, observation, blob, &content, first);
            }
        }
        seen.stretches = covered.into_values().collect();
        seen
    }

    fn judge(
        &self,
        seen: &mut Seen,
        observation: &Observation,
        blob: &BlobId,
        content: &Content,
        first: bool,
    ) {
        let question = (observation.name.clone(), observation.rtype);
        // What the journal never asked, it cannot have been told.
        let Some(known) = self.known.get(&question) else {
            return;
        };
        seen.compared += 1;
        if !known.contains(content) {
            seen.unseen_count += 1;
            if first && seen.unseen.len() < MOST_LISTED {
                seen.unseen.push(Unseen {
                    address: observation.address,
                    name: observation.name.clone(),
                    rtype: observation.rtype,
                    at: observation.done,
                    blob: blob.clone(),
                    says: content.to_string(),
                });
            }
        }
        let runs = self
            .runs
            .get(&key(observation))
            .map(Vec::as_slice)
            .unwrap_or_default();
        // Runs follow each other in time.
        let begun = runs.partition_point(|run| run.first <= observation.sent);
        let during = runs
            .get(..begun)
            .and_then(<[Run]>::last)
            .filter(|run| observation.done <= run.last && run.content != *content);
        if let Some(run) = during {
            seen.differs_count += 1;
            if first && seen.differs.len() < MOST_LISTED {
                seen.differs.push(Differs {
                    address: observation.address,
                    name: observation.name.clone(),
                    rtype: observation.rtype,
                    at: observation.done,
                    blob: blob.clone(),
                    says: content.to_string(),
                    journal_says: run.content.to_string(),
                    since: run.first,
                    until: run.last,
                });
            }
        }
    }
}

fn key(observation: &Observation) -> Key {
    (observation.address, observation.name.clone(), observation.rtype)
}

fn says(octets: &[u8], rtype: Rtype) -> Content {
    let message = match Message::parse(octets) {
        Ok(message) => message,
        Err(_) => return Arc::from(format!("undecodable, {}", BlobId::of(octets))),
    };
    let counts = |record: &&Record| !matches!(record.rtype, Rtype::RRSIG | Rtype::SOA);
    let mut records: BTreeSet<String> = message.answer.iter().filter(counts).map(words).collect();
    // A referral says what it says in the authority section.
    if rtype == Rtype::NS && records.is_empty() {
        let ns = message
            .authority
            .iter()
            .filter(|record| record.rtype == Rtype::NS);
        records = ns.map(words).collect();
    }
    if message.flags.truncated {
        records.insert("truncated".to_owned());
    }
    let records: Vec<String> = records.into_iter().collect();
    Arc::from(format!("{}: {}", message.rcode, records.join(", ")))
}

fn words(record: &Record) -> String {
    let value = record.target().map_or_else(
        || data_encoding::HEXLOWER.encode(&record.rdata),
        |name| name.to_string(),
    );
    format!("{} {} {value}", record.name, record.rtype)
}
