//! Every answer judged anew, under the chain that was served at that time: the latest answers above the zone, the DS RRset
//! of the same sweep, and the keys that the same server served.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

use super::context::{Asked, ChainNo, Court, Facts, Judged, Latest, MessageNo};
use super::findings::{Finding, Findings};
use super::limits::Gaps;
use super::verdict::{AnswersJudged, Odd};
use crate::dns::{Name, Rtype};
use crate::dnssec::{Anchors, Memo, Status};
use crate::evidence::{BlobId, Observation, Outcome, Place, Sweep};
use crate::moment::Moment;

/// Of one odd answer so many times are kept to be laid beside the stretches in which resolvers were led there.
const MOST_TIMES: usize = 100_000;

/// So many answers above the zone are held at a time; a chain has a handful. Every other answer is judged under all of them, so
/// that more would cost more than its square.
const MOST_ABOVE: usize = 256;

/// When a provider is reachable: `[from, until)`, Unix seconds.
pub(super) type Reach = BTreeMap<String, Vec<(i64, Option<i64>)>>;

/// What is not secure, by what it is.
#[derive(PartialEq, Eq, Hash)]
struct OddKey {
    place: Place,
    address: SocketAddr,
    name: Name,
    rtype: Rtype,
    message: MessageNo,
    status: Status,
    codes: Vec<String>,
    useless: bool,
}

struct OddSeen {
    server: Name,
    entry: u64,
    from: Moment,
    to: Moment,
    count: u64,
    times: Vec<Moment>,
}

/// All messages and the verdicts on them.
pub(super) struct Answers {
    numbers: HashMap<BlobId, Option<MessageNo>>,
    messages: Vec<Facts>,
    court: Court,
    ancestors: Latest<(Place, Name, Rtype)>,
    parent: Latest<SocketAddr>,
    /// More answers above the zone than are held.
    crowded: bool,
    keys: BTreeMap<SocketAddr, Latest<(Name, Rtype)>>,
    zone: Option<Name>,
    counts: AnswersJudged,
    odd: HashMap<OddKey, OddSeen>,
    pub(super) gaps: Gaps,
    /// The least time from an inception, and to an expiration.
    pub(super) clock: (Option<i64>, Option<i64>),
    /// The last sweep's beginning.
    pub(super) last: Option<Moment>,
    /// The first sweep's beginning.
    pub(super) first: Option<Moment>,
}

impl Answers {
    pub(super) fn new(anchors: Anchors, memo: Memo) -> Answers {
        Answers {
            numbers: HashMap::new(),
            messages: Vec::new(),
            court: Court::new(anchors, memo),
            ancestors: Latest::new(),
            parent: Latest::new(),
            crowded: false,
            keys: BTreeMap::new(),
            zone: None,
            counts: AnswersJudged::default(),
            odd: HashMap::new(),
            gaps: Gaps::default(),
            clock: (None, None),
            last: None,
            first: None,
        }
    }

    /// The octets of a message that was taken.
    pub(super) fn octets(&self, id: &BlobId) -> Option<Arc<[u8]>> {
        let number = self.numbers.get(id).copied().flatten()?;
        self.messages
            .get(number as usize)
            .map(|facts| facts.octets.clone())
    }

    /// The messages that were taken.
    pub(super) fn taken(&self) -> impl Iterator<Item = (&BlobId, usize)> {
        self.messages.iter().map(|facts| (&facts.id, facts.octets.len()))
    }

    /// Whether a message was asked for before.
    pub(super) fn knows(&self, id: &BlobId) -> bool {
        self.numbers.contains_key(id)
    }

    /// Takes the octets of a message; none: they are missing or others.
    pub(super) fn learn(&mut self, id: &BlobId, octets: Option<Arc<[u8]>>) {
        let number = octets.map(|octets| {
            self.messages.push(Facts::of(id.clone(), octets));
            MessageNo::try_from(self.messages.len() - 1).unwrap_or(MessageNo::MAX)
        });
        self.numbers.insert(id.clone(), number);
    }

    /// The zone that it is about.
    pub(super) fn set_zone(&mut self, zone: &Name) {
        self.zone = Some(zone.clone());
    }

    /// The clock was set.
    pub(super) fn shift(&mut self, by: i64) {
        self.gaps.shift(by);
    }

    /// Takes a sweep; every message that it names must have been learnt.
    pub(super) fn take(&mut self, entry: u64, sweep: &Sweep) {
        self.counts.sweeps += 1;
        self.last = Some(sweep.started);
        self.first = self.first.or(Some(sweep.started));
        self.take_chain(sweep);
        let mut chains: HashMap<Option<SocketAddr>, ChainNo> = HashMap::new();
        for one in &sweep.observations {
            self.counts.observations += 1;
            let message = match &one.outcome {
                Outcome::Answer { blob, .. } => self.numbers.get(blob).copied().flatten(),
                _ => None,
            };
            let facts = message.and_then(|number| self.messages.get(number as usize));
            if !matches!(one.place, Place::Ancestor(_)) {
                self.gaps.take(one, facts);
            }
            let Some(message) = message else {
                self.unanswered(&one.outcome);
                continue;
            };
            if matches!(one.place, Place::Parent) && one.rtype != Rtype::DS {
                self.counts.unsigned += 1;
                continue;
            }
            let below = matches!(one.place, Place::Provider(_)).then_some(one.address);
            let chain = match chains.get(&below) {
                Some(chain) => *chain,
                None => {
                    let answers = self.above(below);
                    let chain = self.court.chain(answers);
                    chains.insert(below, chain);
                    chain
                }
            };
            let asked = asked(one, message);
            let at = one.done.floor_seconds();
            let judged = self.court.judge(chain, &asked, at, &self.messages);
            self.count(entry, one, message, &judged);
            if judged.status == Status::Secure
                && let Some((inception, expiration)) =
                    self.messages.get(message as usize).and_then(|f| f.window(at))
            {
                let least = |held: Option<i64>, new: i64| Some(held.map_or(new, |held| held.min(new)));
                self.clock.0 = least(self.clock.0, at - inception);
                self.clock.1 = least(self.clock.1, expiration - at);
            }
        }
    }

    /// The answers that others are judged under are the latest ones.
    fn take_chain(&mut self, sweep: &Sweep) {
        for one in &sweep.observations {
            let Outcome::Answer { blob, .. } = &one.outcome else {
                continue;
            };
            let Some(Some(message)) = self.numbers.get(blob).copied() else {
                continue;
            };
            match &one.place {
                Place::Ancestor(_) => {
                    let key = (one.place.clone(), one.name.clone(), one.rtype);
                    self.crowded |= !hold(&mut self.ancestors, key, asked(one, message));
                }
                Place::Parent if one.rtype == Rtype::DS => {
                    self.crowded |= !hold(&mut self.parent, one.address, asked(one, message));
                }
                Place::Provider(_) if one.rtype == Rtype::DNSKEY && Some(&one.name) == self.zone.as_ref() => {
                    let key = (one.name.clone(), one.rtype);
                    self.keys
                        .entry(one.address)
                        .or_default()
                        .insert(key, asked(one, message));
                }
                _ => {}
            }
        }
    }

    fn above(&self, below: Option<SocketAddr>) -> Vec<Asked> {
        let mut all: Vec<Asked> = self.ancestors.values().cloned().collect();
        if let Some(address) = below {
            all.extend(self.parent.values().cloned());
            all.extend(
                self.keys
                    .get(&address)
                    .into_iter()
                    .flat_map(|keys| keys.values().cloned()),
            );
        }
        all
    }

    fn unanswered(&mut self, outcome: &Outcome) {
        let counts = &mut self.counts;
        match outcome {
            Outcome::Answer { .. } => counts.unreadable += 1,
            Outcome::Timeout => counts.unanswered.timeout += 1,
            Outcome::NoRoute { .. } => counts.unanswered.no_route += 1,
            Outcome::Failed { .. } => counts.unanswered.failed += 1,
        }
    }

    fn count(&mut self, entry: u64, one: &Observation, message: MessageNo, judged: &Judged) {
        match judged.status {
            Status::Secure => {
                self.counts.secure += 1;
                return;
            }
            Status::Insecure => self.counts.insecure += 1,
            Status::Indeterminate if judged.useless => self.counts.unanswered.useless += 1,
            Status::Indeterminate => self.counts.indeterminate += 1,
            // Counted when it is known whether resolvers were led there.
            Status::Bogus => {}
        }
        let key = OddKey {
            place: one.place.clone(),
            address: one.address,
            name: one.name.clone(),
            rtype: one.rtype,
            message,
            status: judged.status,
            codes: judged.codes.clone(),
            useless: judged.useless,
        };
        let seen = self.odd.entry(key).or_insert_with(|| OddSeen {
            server: one.server.clone(),
            entry,
            from: one.done,
            to: one.done,
            count: 0,
            times: Vec::new(),
        });
        seen.to = one.done;
        seen.count += 1;
        if seen.times.len() < MOST_TIMES {
            seen.times.push(one.done);
        }
    }

    /// What they come to, given when resolvers were led to each provider.
    pub(super) fn finish(mut self, reach: Option<&Reach>, findings: &mut Findings) -> (AnswersJudged, Gaps) {
        let mut odd: Vec<Odd> = Vec::new();
        for (key, seen) in std::mem::take(&mut self.odd) {
            let reached = reached(&key.place, &seen, reach);
            let Some(facts) = self.messages.get(key.message as usize) else {
                continue;
            };
            odd.push(Odd {
                place: key.place,
                server: seen.server,
                address: key.address,
                name: key.name,
                rtype: key.rtype,
                blob: facts.id.clone(),
                verdict: key.status,
                codes: key.codes,
                useless: key.useless,
                entry: seen.entry,
                from: seen.from,
                to: seen.to,
                times: seen.count,
                reached,
            });
        }
        odd.sort_by(|a, b| {
            (a.entry, a.address, &a.name, a.rtype).cmp(&(b.entry, b.address, &b.name, b.rtype))
        });
        let mut unreached: BTreeMap<&Place, (usize, u64)> = BTreeMap::new();
        for one in &odd {
            tell(one, &mut self.counts, findings);
            if one.verdict == Status::Bogus && one.reached < one.times {
                let seen = unreached.entry(&one.place).or_default();
                *seen = (seen.0 + 1, seen.1 + one.times - one.reached);
            }
        }
        for (place, (messages, times)) in unreached {
            let text = format!(
                "{times} answers ({messages} kinds) of {} were bogus while no resolver was led there: it was being prepared, or was left",
                whose(place)
            );
            findings.push(Finding::remark("answer-bogus-unreached", text));
        }
        if self.crowded {
            let text = format!(
                "more than {MOST_ABOVE} answers above the zone: what came after them was not judged under them"
            );
            findings.push(Finding::open("chain-crowded", text));
        }
        self.counts.odd = odd;
        self.counts.judged = self.court.worked;
        self.counts.distinct = self.messages.len();
        (self.counts, self.gaps)
    }
}

/// Puts it in unless there are too many of others.
fn hold<K: Ord>(latest: &mut Latest<K>, key: K, answer: Asked) -> bool {
    let fits = latest.len() < MOST_ABOVE || latest.contains_key(&key);
    if fits {
        latest.insert(key, answer);
    }
    fits
}

fn asked(one: &Observation, message: MessageNo) -> Asked {
    Asked {
        name: one.name.clone(),
        rtype: one.rtype,
        server: one.address.to_string(),
        message,
    }
}

/// How many of the times resolvers were led there. The parent and the zones above are always asked; where no timeline could
/// be made, everybody is taken to have been led everywhere.
fn reached(place: &Place, seen: &OddSeen, reach: Option<&Reach>) -> u64 {
    let (Place::Provider(provider), Some(reach)) = (place, reach) else {
        return seen.count;
    };
    let spans = reach.get(provider).map_or(&[][..], Vec::as_slice);
    let led = |at: &&Moment| {
        let (floor, ceil) = (at.floor_seconds(), at.ceil_seconds());
        spans
            .iter()
            .any(|(from, until)| *from <= ceil && until.is_none_or(|until| floor < until))
    };
    let told = seen.times.iter().filter(led).count() as u64;
    // What was not kept counts as the worst.
    told + seen.count - seen.times.len() as u64
}

fn whose(place: &Place) -> String {
    match place {
        Place::Parent => "the parent".to_owned(),
        Place::Provider(name) => name.clone(),
        Place::Ancestor(zone) => format!("the servers of {zone}"),
    }
}

fn tell(one: &Odd, counts: &mut AnswersJudged, findings: &mut Findings) {
    let what = format!(
        "{} {} from {} {} ({}), {} time{} from {} to {}: {}",
        one.name,
        one.rtype,
        one.server,
        one.address,
        whose(&one.place),
        one.times,
        if one.times == 1 { "" } else { "s" },
        one.from,
        one.to,
        one.codes.join(", ")
    );
    let finding = match one.verdict {
        Status::Bogus => {
            counts.bogus += one.reached;
            counts.bogus_unreached += one.times - one.reached;
            if one.reached == 0 {
                return;
            }
            Finding::fails("answer-bogus", format!("bogus where resolvers were led: {what}"))
        }
        Status::Indeterminate if one.useless => {
            Finding::remark("answer-useless", format!("no answer that says anything: {what}"))
        }
        Status::Indeterminate => Finding::open("answer-indeterminate", format!("cannot be judged: {what}")),
        Status::Insecure | Status::Secure => return,
    };
    findings.push(finding.at(one.entry).on(one.blob.clone()));
}

/// The messages that a sweep names.
pub(super) fn named(sweep: &Sweep) -> BTreeSet<&BlobId> {
    sweep
        .observations
        .iter()
        .filter_map(|one| match &one.outcome {
            Outcome::Answer { blob, .. } => Some(blob),
            _ => None,
        })
        .collect()
}
