//! Every answer judged anew, under the chain that was served at that time: the latest answers above the zone, the DS RRset
//! of the same sweep, and the keys that the same server served.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;

use super::context::{Asked, ChainNo, Court, Facts, Judged, Latest, MessageNo};
use super::findings::{Finding, Findings};
use super::limits::Gaps;
use super::slots::{Known, Ruling, SlotNo, Slots};
use super::verdict::{AnswersJudged, Odd};
use crate::dns::{Name, Rtype};
use crate::dnssec::{Anchors, Memo, Status};
use crate::evidence::{BlobId, Observation, Outcome, Place, Sweep, SweepKind};
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

/// An answer that others are judged under, by what it tells and of whom it was asked.
#[derive(PartialEq, Eq, Hash)]
enum Above {
    Ancestor(Place, Name, Rtype),
    Parent(SocketAddr),
    Keys(SocketAddr, Name, Rtype),
}

/// The chains above the answers of each server of a sweep, about what is below the cut (true) or above it.
type Chains = HashMap<(SocketAddr, bool), ChainNo>;

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
    /// What is held of those now, by number.
    places: HashMap<Above, usize>,
    current: Vec<Option<(MessageNo, SocketAddr)>>,
    /// Counts up with whatever is held anew of them.
    turn: u64,
    slots: Slots,
    /// The numbers of the sweep that is taken.
    found: Vec<SlotNo>,
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
            places: HashMap::new(),
            current: Vec::new(),
            turn: 0,
            slots: Slots::default(),
            found: Vec::new(),
            zone: None,
            counts: AnswersJudged::default(),
            odd: HashMap::new(),
            gaps: Gaps::default(),
            clock: (None, None),
            last: None,
            first: None,
        }
    }

    /// The messages that were taken.
    pub(super) fn taken(&self) -> impl Iterator<Item = (&BlobId, usize)> {
        self.messages.iter().map(|facts| (&facts.id, facts.length))
    }

    /// Whether a message was asked for before.
    pub(super) fn knows(&self, id: &BlobId) -> bool {
        self.numbers.contains_key(id)
    }

    /// Takes the octets of a message; none: they are missing or others.
    pub(super) fn learn(&mut self, id: &BlobId, octets: Option<&[u8]>) {
        let number = octets.map(|octets| {
            self.messages.push(Facts::of(id.clone(), octets));
            MessageNo::try_from(self.messages.len() - 1).unwrap_or(MessageNo::MAX)
        });
        self.numbers.insert(id.clone(), number);
    }

    /// The zone that it is about.
    pub(super) fn set_zone(&mut self, zone: &Name) {
        if self.zone.as_ref() != Some(zone) {
            self.zone = Some(zone.clone());
            self.slots.forget();
        }
    }

    /// The clock was set.
    pub(super) fn shift(&mut self, by: i64) {
        self.gaps.shift(by);
    }

    /// The messages of a sweep that were not asked for before. [`Answers::take`] takes the same sweep after they were learnt.
    pub(super) fn unknown<'a>(&mut self, sweep: &'a Sweep, kind: Option<SweepKind>) -> BTreeSet<&'a BlobId> {
        self.slots.find(sweep, kind, &mut self.found);
        let mut unknown = BTreeSet::new();
        for (one, number) in sweep.observations.iter().zip(&self.found) {
            if self.slots.get(*number).is_some_and(|slot| slot.known.is_some()) {
                continue;
            }
            if let Outcome::Answer { blob, .. } = &one.outcome
                && !self.numbers.contains_key(blob)
            {
                unknown.insert(blob);
            }
        }
        unknown
    }

    /// Takes a sweep; every message that is [`Answers::unknown`] in it must have been learnt.
    pub(super) fn take(&mut self, entry: u64, sweep: &Sweep) {
        self.counts.sweeps += 1;
        self.last = Some(sweep.started);
        self.first = self.first.or(Some(sweep.started));
        let found = std::mem::take(&mut self.found);
        // The answers that others are judged under are the latest ones.
        for (one, number) in sweep.observations.iter().zip(&found) {
            let known = self.know(*number, one);
            if let (Some(above), Some(message)) = (known.above, known.message) {
                self.hold_above(above, one, message);
            }
        }
        let mut chains = Chains::new();
        for (one, number) in sweep.observations.iter().zip(&found) {
            self.take_one(entry, *number, one, &mut chains);
        }
        self.found = found;
    }

    /// What is known of an observation; it is looked at where that was not done yet.
    fn know(&mut self, number: SlotNo, one: &Observation) -> Known {
        if let Some(known) = self.slots.get(number).and_then(|slot| slot.known) {
            return known;
        }
        let message = match &one.outcome {
            Outcome::Answer { blob, .. } => self.numbers.get(blob).copied().flatten(),
            _ => None,
        };
        let facts = message.and_then(|message| self.messages.get(message as usize));
        let known = Known {
            message,
            shortest_ttl: facts.and_then(|facts| facts.shortest_ttl),
            spot: (!matches!(one.place, Place::Ancestor(_))).then(|| self.gaps.spot(one)),
            above: self.place_above(one),
        };
        if let Some(slot) = self.slots.get_mut(number) {
            slot.known = Some(known);
        }
        known
    }

    /// The place of an answer among those that others are judged under, if it is one.
    fn place_above(&mut self, one: &Observation) -> Option<usize> {
        let above = match &one.place {
            Place::Ancestor(_) => Above::Ancestor(one.place.clone(), one.name.clone(), one.rtype),
            Place::Parent if one.rtype == Rtype::DS => Above::Parent(one.address),
            Place::Provider(_) if one.rtype == Rtype::DNSKEY && Some(&one.name) == self.zone.as_ref() => {
                Above::Keys(one.address, one.name.clone(), one.rtype)
            }
            _ => return None,
        };
        let next = self.current.len();
        let place = *self.places.entry(above).or_insert(next);
        if place == next {
            self.current.push(None);
        }
        Some(place)
    }

    fn hold_above(&mut self, place: usize, one: &Observation, message: MessageNo) {
        let now = Some((message, one.address));
        let Some(held) = self.current.get_mut(place).filter(|held| **held != now) else {
            return;
        };
        let answer = asked(one, message);
        let fits = match &one.place {
            Place::Ancestor(_) => {
                let key = (one.place.clone(), one.name.clone(), one.rtype);
                hold(&mut self.ancestors, key, answer)
            }
            Place::Parent => hold(&mut self.parent, one.address, answer),
            Place::Provider(_) => {
                let key = (one.name.clone(), one.rtype);
                self.keys.entry(one.address).or_default().insert(key, answer);
                true
            }
        };
        if fits {
            *held = now;
        }
        self.crowded |= !fits;
        self.turn += 1;
    }

    fn take_one(&mut self, entry: u64, number: SlotNo, one: &Observation, chains: &mut Chains) {
        self.counts.observations += 1;
        let Some(known) = self.slots.get(number).and_then(|slot| slot.known) else {
            return;
        };
        if let Some(spot) = known.spot {
            let answer = known.message.map(|_| known.shortest_ttl);
            self.gaps.take(spot, one, answer);
        }
        let Some(message) = known.message else {
            self.unanswered(&one.outcome);
            return;
        };
        if matches!(one.place, Place::Parent) && one.rtype != Rtype::DS {
            self.counts.unsigned += 1;
            return;
        }
        let at = one.done.floor_seconds();
        let ruling = self.slots.get(number).and_then(|slot| slot.ruling.as_ref());
        let (secure, window) = match ruling {
            Some(ruling) if ruling.holds(self.turn, at) => {
                (ruling.judged.status == Status::Secure, ruling.window)
            }
            _ => self.rule(number, one, message, chains),
        };
        if !secure {
            let ruling = self.slots.get(number).and_then(|slot| slot.ruling.as_ref());
            if let Some(judged) = ruling.map(|ruling| ruling.judged.clone()) {
                self.count(entry, one, message, &judged);
            }
            return;
        }
        self.counts.secure += 1;
        if let Some((inception, expiration)) = window {
            let least = |held: Option<i64>, new: i64| Some(held.map_or(new, |held| held.min(new)));
            self.clock.0 = least(self.clock.0, at - inception);
            self.clock.1 = least(self.clock.1, expiration - at);
        }
    }

    /// Judges an answer under the chain that is above it now: whether it is secure, and the window of its signatures.
    fn rule(
        &mut self,
        number: SlotNo,
        one: &Observation,
        message: MessageNo,
        chains: &mut Chains,
    ) -> (bool, Option<(i64, i64)>) {
        let below = matches!(one.place, Place::Provider(_));
        let chain = match chains.get(&(one.address, below)) {
            Some(chain) => *chain,
            None => {
                let chain = self.court.chain(self.above(one.address, below));
                chains.insert((one.address, below), chain);
                chain
            }
        };
        let at = one.done.floor_seconds();
        let asked = Asked {
            server: None,
            ..asked(one, message)
        };
        let held = self.court.judge(chain, &asked, at, &self.messages);
        let ruling = Ruling {
            turn: self.turn,
            from: held.from,
            until: held.until,
            judged: held.judged,
            window: self
                .messages
                .get(message as usize)
                .and_then(|facts| facts.window(at)),
        };
        let out = (ruling.judged.status == Status::Secure, ruling.window);
        if let Some(slot) = self.slots.get_mut(number) {
            slot.ruling = Some(ruling);
        }
        out
    }

    /// The answers above those of the server at `address`, which is asked about what is below the cut or above it.
    fn above(&self, address: SocketAddr, below: bool) -> Vec<Asked> {
        let keys = self.keys.get(&address).into_iter().flat_map(Latest::values);
        let beside = self.parent.values().chain(keys).filter(|_| below);
        let all = self.ancestors.values().chain(beside).cloned();
        all.map(|one| Asked {
            server: one.server.filter(|server| *server != address),
            ..one
        })
        .collect()
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
            Status::Secure => return,
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
        server: Some(one.address),
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
