//! Captured answers, ordered by their questions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ring::digest::{Context, SHA256};

use crate::dns::{Message, Name, Record, Rtype};
use crate::dnssec::{Memo, Rrsig};

/// So many answers are compared by where they lie in memory.
const MOST_COMPARED: usize = 16;

/// One question to one server and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// The name asked for.
    pub name: Name,
    /// The type asked for.
    pub rtype: Rtype,
    /// The server, as the capture names it.
    pub server: String,
    /// `udp`, `tcp`, or another word of the capture.
    pub transport: String,
    /// When the answer was there, Unix seconds; none where the capture does not say.
    pub at: Option<i64>,
    /// The message, or why there is none to be judged.
    pub answer: Result<Arc<Message>, String>,
}

/// Answers of the same content to one question.
#[derive(Clone, Debug)]
pub(super) struct Same {
    /// One of them.
    pub(super) first: usize,
    /// All of them.
    pub(super) all: Vec<usize>,
}

/// All that was captured.
#[derive(Clone, Debug, Default)]
pub struct Corpus {
    captured: Vec<Captured>,
    asked: BTreeMap<(Name, Rtype), Vec<Same>>,
    /// By the digest of the content: where its like stands.
    digests: BTreeMap<[u8; 32], usize>,
    /// Pointers to a zone below, by the name of the cut.
    referrals: BTreeMap<Name, Vec<usize>>,
    /// Names at which something says that a zone begins there.
    hints: BTreeSet<Name>,
    /// The zones of which a server, not a resolver, gave signed answers.
    authority: BTreeSet<(String, Name)>,
    silent: BTreeMap<(Name, Rtype), Vec<usize>>,
    memo: Memo,
}

impl Corpus {
    /// Takes answers in any order.
    pub fn new(captured: impl IntoIterator<Item = Captured>) -> Corpus {
        let mut corpus = Corpus::default();
        for one in captured {
            corpus.add(one);
        }
        corpus
    }

    /// The same, with a memory of verifications that others share: for whoever judges many corpora of the same few answers.
    #[must_use]
    pub fn with_memo(self, memo: Memo) -> Corpus {
        Corpus { memo, ..self }
    }

    pub(super) fn memo(&self) -> &Memo {
        &self.memo
    }

    /// Everything in the order in which it came.
    pub fn captured(&self) -> &[Captured] {
        &self.captured
    }

    /// When the last answer was captured, Unix seconds; none where no capture says.
    pub fn latest(&self) -> Option<i64> {
        self.captured.iter().filter_map(|one| one.at).max()
    }

    fn add(&mut self, one: Captured) {
        let index = self.captured.len();
        match &one.answer {
            Err(_) => {
                let question = (one.name.clone(), one.rtype);
                self.silent.entry(question).or_default().push(index);
            }
            Ok(message) => {
                self.note(&one, message, index);
                self.file(&one, message, index);
            }
        }
        self.captured.push(one);
    }

    /// Puts an answer beside those to the same question that say the same.
    fn file(&mut self, one: &Captured, message: &Arc<Message>, index: usize) {
        let like = self.asked.entry((one.name.clone(), one.rtype)).or_default();
        let own = |same: &Same| self.captured.get(same.first)?.answer.as_ref().ok();
        // Most questions have one answer, or one message from several servers: then nothing is hashed.
        let held = |same: &Same| own(same).is_some_and(|first| Arc::ptr_eq(first, message));
        if let Some(at) = like.iter().take(MOST_COMPARED).position(held) {
            if let Some(same) = like.get_mut(at) {
                same.all.push(index);
            }
            return;
        }
        let mut place = None;
        if !like.is_empty() {
            if let [only] = &like[..]
                && let Some(first) = own(only)
            {
                self.digests.entry(content(one, first)).or_insert(0);
            }
            place = Some(*self.digests.entry(content(one, message)).or_insert(like.len()));
        }
        match place.and_then(|at| like.get_mut(at)) {
            Some(same) => same.all.push(index),
            None => like.push(Same {
                first: index,
                all: vec![index],
            }),
        }
    }

    /// What a message tells about cuts and about its server.
    fn note(&mut self, one: &Captured, message: &Message, index: usize) {
        let soa = message.authority.iter().any(|record| record.rtype == Rtype::SOA);
        for record in &message.authority {
            if record.rtype == Rtype::NS && message.answer.is_empty() && !soa {
                let known = self.referrals.entry(record.name.clone()).or_default();
                if known.last() != Some(&index) {
                    known.push(index);
                }
            }
        }
        for record in message.answer.iter().chain(&message.authority) {
            if matches!(record.rtype, Rtype::NS | Rtype::SOA | Rtype::DNSKEY | Rtype::DS) {
                self.hints.insert(record.name.clone());
            }
            if record.rtype == Rtype::RRSIG
                && let Some(signature) = Rrsig::from_rdata(&record.rdata, record.ttl)
            {
                if message.flags.authoritative || !message.flags.recursion_available {
                    self.authority
                        .insert((one.server.clone(), signature.signer.clone()));
                }
                self.hints.insert(signature.signer);
            }
        }
    }

    /// The answers to a question that hold a message, equal ones together.
    pub(super) fn to(&self, name: &Name, rtype: Rtype) -> &[Same] {
        self.asked.get(&(name.clone(), rtype)).map_or(&[], Vec::as_slice)
    }

    /// Those without one.
    pub(super) fn silent(&self, name: &Name, rtype: Rtype) -> &[usize] {
        self.silent.get(&(name.clone(), rtype)).map_or(&[], Vec::as_slice)
    }

    /// Answers that point to the zone `cut`.
    pub(super) fn referrals(&self, cut: &Name) -> &[usize] {
        self.referrals.get(cut).map_or(&[], Vec::as_slice)
    }

    pub(super) fn hints_at_cut(&self, name: &Name) -> bool {
        self.hints.contains(name)
    }

    /// Whether that server, not a resolver, gave signed answers of `zone`.
    pub(super) fn serves(&self, server: &str, zone: &Name) -> bool {
        self.authority.contains(&(server.to_owned(), zone.clone()))
    }

    pub(super) fn get(&self, index: usize) -> Option<&Captured> {
        self.captured.get(index)
    }
}

/// A digest of what an answer says: without its identifier, the order of its records and their TTLs.
fn content(one: &Captured, message: &Message) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(one.name.wire());
    context.update(&one.rtype.0.to_be_bytes());
    context.update(&message.rcode.0.to_be_bytes());
    let flags = message.flags;
    context.update(&[
        u8::from(flags.authoritative),
        u8::from(flags.truncated),
        u8::from(flags.response),
        u8::from(flags.recursion_available),
    ]);
    for (mark, section) in [(1u8, &message.answer), (2, &message.authority)] {
        let mut records: Vec<&Record> = section.iter().collect();
        records.sort_by(|a, b| key(a).cmp(&key(b)));
        context.update(&[mark]);
        for record in records {
            context.update(record.name.wire());
            context.update(&record.rtype.0.to_be_bytes());
            context.update(&record.class.to_be_bytes());
            context.update(&record.rdata.len().to_be_bytes());
            context.update(&record.rdata);
        }
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

fn key(record: &Record) -> (&[u8], u16, u16, &[u8]) {
    (record.name.wire(), record.rtype.0, record.class, &record.rdata)
}
