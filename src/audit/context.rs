//! Messages by number, and the chains that answers are judged under: each judged once in each stretch of time in which no
//! signature begins or ends.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::dns::{Message, Name, Rtype};
use crate::dnssec::offline::{Captured, Corpus, Options, Way, validate_below};
use crate::dnssec::{Anchors, Form, Memo, Rrsig, Status, classify};
use crate::evidence::BlobId;

/// The number of a message.
pub(super) type MessageNo = u32;
/// The number of a chain.
pub(super) type ChainNo = u32;

/// What is known of a message.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) id: BlobId,
    /// How many octets it has.
    pub(super) length: usize,
    /// None where it is undecodable.
    pub(super) message: Option<Arc<Message>>,
    /// The shortest TTL in answer and authority, seconds.
    pub(super) shortest_ttl: Option<u32>,
    /// The windows of its signatures, modulo 2^32: inception, expiration.
    signatures: Vec<Rrsig>,
}

impl Facts {
    pub(super) fn of(id: BlobId, octets: &[u8]) -> Facts {
        let message = Message::parse(octets).ok().map(Arc::new);
        let records = || {
            message
                .iter()
                .flat_map(|message| message.answer.iter().chain(&message.authority))
        };
        let signatures = records()
            .filter(|record| record.rtype == Rtype::RRSIG)
            .filter_map(|record| Rrsig::from_rdata(&record.rdata, record.ttl))
            .collect();
        let shortest_ttl = records().map(|record| record.ttl).min();
        Facts {
            id,
            length: octets.len(),
            shortest_ttl,
            signatures,
            message,
        }
    }

    /// The latest inception and the earliest expiration near that Unix time.
    pub(super) fn window(&self, near: i64) -> Option<(i64, i64)> {
        self.signatures
            .iter()
            .map(|one| one.window(near))
            .reduce(|a, b| (a.0.max(b.0), a.1.min(b.1)))
    }
}

/// A message as the answer to a question.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Asked {
    pub(super) name: Name,
    pub(super) rtype: Rtype,
    /// Who gave it; none: the server whose answer is judged. Which one that is does not matter: so servers that say the same
    /// have one verdict.
    pub(super) server: Option<SocketAddr>,
    pub(super) message: MessageNo,
}

/// A verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) status: Status,
    pub(super) codes: Vec<String>,
    /// Whether the message says no more than that there is no answer.
    pub(super) useless: bool,
}

/// A verdict and the stretch `[from, until)` in which it holds, Unix seconds.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    pub(super) from: i64,
    pub(super) until: i64,
    pub(super) judged: Arc<Judged>,
}

/// So many chains are remembered as they were walked; the servers of a zone have one each, until signatures are renewed.
const MOST_WALKED: usize = 64;

/// A chain as it was walked at a moment in `[from, until)`, in which none of its signatures begins or ends, Unix seconds.
struct Walked {
    from: i64,
    until: i64,
    way: Way,
}

/// Judges answers under chains.
pub(super) struct Court {
    anchors: Anchors,
    memo: Memo,
    chains: Vec<Vec<Asked>>,
    numbers: HashMap<Vec<Asked>, ChainNo>,
    questions: HashMap<(Name, Rtype), u32>,
    held: HashMap<(ChainNo, MessageNo, u32), Vec<Holding>>,
    walked: HashMap<ChainNo, Walked>,
    /// Verdicts worked out.
    pub(super) worked: u64,
}

impl Court {
    pub(super) fn new(anchors: Anchors, memo: Memo) -> Court {
        Court {
            anchors,
            memo,
            chains: Vec::new(),
            numbers: HashMap::new(),
            questions: HashMap::new(),
            held: HashMap::new(),
            walked: HashMap::new(),
            worked: 0,
        }
    }

    /// The number of a chain: the answers above the question, in any order.
    pub(super) fn chain(&mut self, mut answers: Vec<Asked>) -> ChainNo {
        answers.sort_unstable();
        answers.dedup();
        if let Some(number) = self.numbers.get(&answers) {
            return *number;
        }
        let number = ChainNo::try_from(self.chains.len()).unwrap_or(ChainNo::MAX);
        self.chains.push(answers.clone());
        self.numbers.insert(answers, number);
        number
    }

    /// The verdict on an answer under a chain at the Unix time `at`.
    pub(super) fn judge(&mut self, chain: ChainNo, asked: &Asked, at: i64, messages: &[Facts]) -> Holding {
        let next = u32::try_from(self.questions.len()).unwrap_or(u32::MAX);
        let question = (asked.name.clone(), asked.rtype);
        let question = *self.questions.entry(question).or_insert(next);
        let key = (chain, asked.message, question);
        if let Some(holding) = self
            .held
            .get(&key)
            .and_then(|held| held.iter().find(|one| one.from <= at && at < one.until))
        {
            return holding.clone();
        }
        let above = self.chains.get(chain as usize).map_or(&[][..], Vec::as_slice);
        let (from, until) = steady(above.iter().chain([asked]), at, messages);
        let way = walked(&mut self.walked, chain, above, at, messages);
        let corpus = corpus(above, asked, messages).with_memo(self.memo.clone());
        let judged = Arc::new(work(&corpus, asked, at, messages, &self.anchors, way));
        self.worked += 1;
        let holding = Holding { from, until, judged };
        self.held.entry(key).or_default().push(holding.clone());
        holding
    }
}

/// The stretch around `at` in which no signature of these messages begins or ends to be valid.
fn steady<'a>(answers: impl Iterator<Item = &'a Asked>, at: i64, messages: &[Facts]) -> (i64, i64) {
    let (mut from, mut until) = (i64::MIN, i64::MAX);
    let signatures = answers
        .filter_map(|one| messages.get(one.message as usize))
        .flat_map(|facts| &facts.signatures);
    for signature in signatures {
        let (inception, expiration) = signature.window(at);
        // Both ends are inside the window; the arithmetic modulo 2^32 turns at half of it.
        for change in [
            inception,
            expiration + 1,
            inception + (1 << 31),
            expiration + (1 << 31),
            inception - (1 << 31),
            expiration - (1 << 31),
        ] {
            if change <= at {
                from = from.max(change);
            } else {
                until = until.min(change);
            }
        }
    }
    (from, until)
}

/// The way that others walked to answers below the same chain, as far as it holds at `at`.
fn walked<'a>(
    all: &'a mut HashMap<ChainNo, Walked>,
    chain: ChainNo,
    above: &[Asked],
    at: i64,
    messages: &[Facts],
) -> &'a mut Way {
    let fresh = || {
        let (from, until) = steady(above.iter(), at, messages);
        let way = Way::default();
        Walked { from, until, way }
    };
    if all.len() >= MOST_WALKED && !all.contains_key(&chain) {
        all.clear();
    }
    let one = all.entry(chain).or_insert_with(fresh);
    if at < one.from || one.until <= at {
        *one = fresh();
    }
    &mut one.way
}

/// The answers above, and at the end the one that is judged.
fn corpus(above: &[Asked], asked: &Asked, messages: &[Facts]) -> Corpus {
    let captured = |one: &Asked| Captured {
        name: one.name.clone(),
        rtype: one.rtype,
        server: one.server.map_or_else(String::new, |address| address.to_string()),
        transport: String::new(),
        at: None,
        answer: match messages
            .get(one.message as usize)
            .and_then(|facts| facts.message.clone())
        {
            Some(message) => Ok(message),
            None => Err("undecodable".to_owned()),
        },
    };
    Corpus::new(above.iter().chain([asked]).map(captured))
}

/// The verdict on the last answer of the corpus.
fn work(
    corpus: &Corpus,
    asked: &Asked,
    at: i64,
    messages: &[Facts],
    anchors: &Anchors,
    way: &mut Way,
) -> Judged {
    let last = corpus.captured().len().saturating_sub(1);
    let Some((status, reasons)) = validate_below(corpus, anchors, last, &Options::at(at), way) else {
        return Judged {
            status: Status::Indeterminate,
            codes: vec!["undecodable".to_owned()],
            useless: true,
        };
    };
    let mut codes: Vec<String> = reasons.iter().map(|said| said.reason.code.to_owned()).collect();
    codes.dedup();
    let message = messages
        .get(asked.message as usize)
        .and_then(|facts| facts.message.as_deref());
    let useless =
        status == Status::Indeterminate && message.is_none_or(|message| says_nothing(asked, message, &codes));
    Judged {
        status,
        codes,
        useless,
    }
}

/// Whether the message by itself says no more than that there is no answer. What is wrong above it does not make it so.
fn says_nothing(asked: &Asked, message: &Message, codes: &[String]) -> bool {
    if !message.flags.response || message.flags.truncated {
        return true;
    }
    match classify(&asked.name, asked.rtype, &Name::root(), message) {
        Form::ServFail | Form::Refused | Form::OtherError(_) | Form::Referral => true,
        // Data without authority is judged all the same.
        Form::Lame => message.answer.is_empty(),
        Form::Positive | Form::NoData | Form::NxDomain => {
            asked.rtype == Rtype::DS && codes.iter().any(|code| code == "ds-answer-from-child")
        }
    }
}

/// Answers by the question and server, the latest of each.
pub(super) type Latest<K> = BTreeMap<K, Asked>;
