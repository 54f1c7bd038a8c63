//! Sweeps read by their likeness to one before. A sweep asks what another asked, so that its line has the same octets but for
//! times, identifiers and the names of messages. What is the same is compared with octets that were read as JSON once; what
//! may differ stands in known places and must have its strict form. A line that is otherwise is not read here at all.

use super::observation::{Outcome, Sweep};
use super::{BlobId, Chain};
use crate::moment::Moment;

/// So many sweeps of a kind are kept for the next ones: as many as whoever reads ahead has under way.
const MOST_SPARE: usize = 2_048;
/// So many kinds of sweep are remembered: over UDP, over both, with and without the zones above.
const MOST_SHAPES: usize = 8;
/// Longer lines are not remembered, octets.
const LONGEST_SHAPE: usize = 1 << 20;

/// What stands between the times of an observation, and around its message.
const DONE: &[u8] = br#"","done":""#;
const ANSWER: &[u8] = br#"","outcome":{"answer":{"blob":""#;
const ID: &[u8] = br#"","id":"#;
const ANSWERED: &[u8] = b"}}}";

/// A sweep that was read, with the rest of its entry.
#[derive(Debug)]
pub struct Repeated {
    /// The entry's number: the next one of the chain.
    pub seq: u64,
    /// When it was written.
    pub at: Moment,
    /// What it holds. Give it back with [`Repeats::put_back`], when it was looked at.
    pub sweep: Sweep,
    /// Of which kind it is.
    pub kind: SweepKind,
}

/// A kind of sweep that was learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SweepKind(u64);

/// The kinds of sweep that were read before, the latest first.
#[derive(Clone, Debug, Default)]
pub struct Repeats {
    shapes: Vec<Shape>,
    learnt: u64,
    minute: Minute,
}

#[derive(Clone, Debug)]
struct Shape {
    kind: SweepKind,
    parts: Vec<Part>,
    /// From the end of the last observation to the end of the body.
    tail: Vec<u8>,
    /// The one that it was learnt of.
    model: Sweep,
    /// Others of this kind, for the next to be read into.
    spare: Vec<Sweep>,
}

/// One observation's octets.
#[derive(Clone, Debug)]
struct Part {
    /// From the observation before to the moment at which the question left.
    before: Vec<u8>,
    /// From the moment at which it was over to the end, if it is no answer.
    after: Option<Vec<u8>>,
    /// The message of the latest: its name as text, and read.
    latest: Option<([u8; 64], BlobId)>,
}

impl Repeats {
    /// Reads a line (without its newline) that is the next one of `chain` and like one that was learnt. None: it is something
    /// else, or nothing is known of its kind; read it as JSON.
    pub fn take(&mut self, line: &[u8], chain: &Chain) -> Option<Repeated> {
        let mut rest = Cursor(line);
        rest.literal(br#"{"format":1,"seq":"#)?;
        let seq = rest.number()?;
        rest.literal(br#","at":""#)?;
        let at = rest.moment(&mut self.minute)?;
        rest.literal(br#"","prev":""#)?;
        rest.literal(chain.head().as_bytes())?;
        rest.literal(br#"","kind":"sweep","body":"#)?;
        if seq != chain.next_seq() {
            return None;
        }
        let body = rest.0.strip_suffix(b"}")?;
        let minute = &mut self.minute;
        let (found, sweep) = self.shapes.iter_mut().enumerate().find_map(|(at, shape)| {
            let mut sweep = shape.spare.pop().unwrap_or_else(|| shape.model.clone());
            if shape.read(Cursor(body), minute, &mut sweep).is_some() {
                return Some((at, sweep));
            }
            shape.spare.push(sweep);
            None
        })?;
        let shape = self.shapes.get_mut(..=found)?;
        shape.rotate_right(1);
        let kind = shape.first()?.kind;
        Some(Repeated { seq, at, sweep, kind })
    }

    /// Takes back the sweep of a [`Repeats::take`], for another of its kind.
    pub fn put_back(&mut self, sweep: Sweep, kind: SweepKind) {
        let of_kind = |shape: &&mut Shape| shape.kind == kind && shape.spare.len() < MOST_SPARE;
        if let Some(shape) = self.shapes.iter_mut().find(of_kind) {
            shape.spare.push(sweep);
        }
    }

    /// Learns the kind of a sweep that was read as JSON from `body`, if it is in the form that this program writes.
    pub fn learn(&mut self, body: &str, sweep: &Sweep) {
        if body.len() > LONGEST_SHAPE {
            return;
        }
        let kind = SweepKind(self.learnt);
        if let Some(shape) = Shape::of(body, sweep, kind) {
            self.learnt += 1;
            self.shapes.truncate(MOST_SHAPES - 1);
            self.shapes.insert(0, shape);
        }
    }
}

impl Shape {
    fn of(body: &str, sweep: &Sweep, kind: SweepKind) -> Option<Shape> {
        if serde_json::to_string(sweep).ok()? != body {
            return None;
        }
        let mut parts = Vec::with_capacity(sweep.observations.len());
        let mut length = 0;
        for one in &sweep.observations {
            let text = serde_json::to_string(one).ok()?;
            let sent = r#","sent":""#;
            // A quote inside a text has a backslash before it: the first is the member.
            let at = text.find(sent)? + sent.len();
            let (before, rest) = text.split_at(at);
            let rest = rest.strip_prefix(&one.sent.to_string())?.as_bytes();
            let rest = rest.strip_prefix(DONE)?;
            let rest = rest.strip_prefix(one.done.to_string().as_bytes())?;
            let comma = if parts.is_empty() { "" } else { "," };
            length += text.len() + comma.len();
            parts.push(Part {
                before: [comma, before].concat().into_bytes(),
                after: (!matches!(one.outcome, Outcome::Answer { .. })).then(|| rest.to_vec()),
                latest: None,
            });
        }
        let begin = body.find('[')? + 1;
        let tail = body.as_bytes().get(begin + length..)?.to_vec();
        Some(Shape {
            kind,
            parts,
            tail,
            model: sweep.clone(),
            spare: Vec::new(),
        })
    }

    /// Reads a body into a sweep of this kind; after a failure its times, identifiers and messages are of no use.
    fn read(&mut self, mut rest: Cursor<'_>, minute: &mut Minute, sweep: &mut Sweep) -> Option<()> {
        rest.literal(br#"{"started":""#)?;
        sweep.started = rest.moment(minute)?;
        rest.literal(br#"","ended":""#)?;
        sweep.ended = rest.moment(minute)?;
        rest.literal(br#"","observations":["#)?;
        if sweep.observations.len() != self.parts.len() {
            return None;
        }
        for (part, one) in self.parts.iter_mut().zip(&mut sweep.observations) {
            rest.literal(&part.before)?;
            one.sent = rest.moment(minute)?;
            rest.literal(DONE)?;
            one.done = rest.moment(minute)?;
            if let Some(after) = &part.after {
                rest.literal(after)?;
                continue;
            }
            let Outcome::Answer { blob, id } = &mut one.outcome else {
                return None;
            };
            rest.literal(ANSWER)?;
            rest.blob(&mut part.latest)?.clone_into(blob);
            rest.literal(ID)?;
            *id = u16::try_from(rest.number()?).ok()?;
            rest.literal(ANSWERED)?;
        }
        (rest.0 == self.tail).then_some(())
    }
}

/// A minute that was read before: `2026-11-18T11:06:`, and when it began, milliseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Minute {
    text: [u8; 17],
    begins: i64,
}

impl Minute {
    /// The minute of a moment, `text`, that is so many milliseconds into it.
    fn of(head: &[u8; 17], text: &[u8], millis: i64) -> Option<Minute> {
        let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
        let in_form = marks.iter().all(|(at, mark)| head.get(*at) == Some(mark));
        // On the last day that there is not every hour is one.
        let year = head.first_chunk::<4>().filter(|year| *year != b"9999")?;
        if !in_form || !year.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let read: Moment = std::str::from_utf8(text).ok()?.parse().ok()?;
        Some(Minute {
            text: *head,
            begins: read.millis() - millis,
        })
    }
}

/// What is left of a line.
#[derive(Clone, Copy)]
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn literal(&mut self, octets: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(octets)?;
        Some(())
    }

    /// A number as JSON has it, below 10^18.
    fn number(&mut self) -> Option<u64> {
        let digits = self.0.iter().take_while(|octet| octet.is_ascii_digit()).count();
        let (text, rest) = self.0.split_at_checked(digits)?;
        if digits == 0 || digits > 18 || (digits > 1 && text.first() == Some(&b'0')) {
            return None;
        }
        self.0 = rest;
        Some(
            text.iter()
                .fold(0, |number, digit| number * 10 + u64::from(digit - b'0')),
        )
    }

    /// A message's name, which is often the latest one.
    fn blob<'b>(&mut self, latest: &'b mut Option<([u8; 64], BlobId)>) -> Option<&'b BlobId> {
        let (text, rest) = self.0.split_first_chunk::<64>()?;
        if latest.as_ref().is_none_or(|(known, _)| known != text) {
            *latest = Some((*text, BlobId::read(text).ok()?));
        }
        self.0 = rest;
        latest.as_ref().map(|(_, id)| id)
    }

    /// `2026-11-18T11:06:40Z`, or with one to three digits of a fraction.
    fn moment(&mut self, minute: &mut Minute) -> Option<Moment> {
        let (text, mut rest) = self.0.split_first_chunk::<20>()?;
        let (head, [tens, ones, mark]) = text.split_first_chunk::<17>()? else {
            return None;
        };
        if !tens.is_ascii_digit() || *tens > b'5' || !ones.is_ascii_digit() {
            return None;
        }
        let mut millis = (i64::from(tens - b'0') * 10 + i64::from(ones - b'0')) * 1000;
        if *mark == b'.' {
            let digits = rest
                .iter()
                .take(3)
                .take_while(|octet| octet.is_ascii_digit())
                .count();
            let (fraction, end) = rest.split_at_checked(digits)?;
            let mut unit = 100;
            for digit in fraction {
                millis += i64::from(digit - b'0') * unit;
                unit /= 10;
            }
            rest = end.strip_prefix(b"Z").filter(|_| digits > 0)?;
        } else if *mark != b'Z' {
            return None;
        }
        if minute.text != *head {
            let whole = self.0.get(..self.0.len() - rest.len())?;
            *minute = Minute::of(head, whole, millis)?;
        }
        self.0 = rest;
        Some(Moment::from_millis(minute.begins + millis))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::evidence::Entry;

    fn observation(rtype: &str, at: &str, octet: u8) -> serde_json::Value {
        json!({
            "place": {"provider": "a \",\"sent\":\""}, "server": "ns1.a.test.", "address": "192.0.2.1:53", "proto": "udp",
            "name": "shop.test.", "type": rtype, "sent": at, "done": at,
            "outcome": {"answer": {"blob": BlobId::of(&[octet]), "id": u16::from(octet) * 200}},
        })
    }

    fn body(at: &str, octet: u8) -> serde_json::Value {
        let mut silent = observation("NS", at, octet);
        silent["outcome"] = json!("timeout");
        let observations = [observation("SOA", at, octet), silent, observation("A", at, 7)];
        let blind = json!({"place": "parent", "server": "ns.test.", "address": null, "why": "no route"});
        json!({"started": at, "ended": at, "observations": observations, "blind": [blind]})
    }

    /// What a line is as JSON, if it is the next sweep.
    fn decoded(line: &[u8], chain: &Chain) -> Option<(u64, Moment, Sweep)> {
        let entry = Entry::decode(line).ok()?;
        let next = entry.seq == chain.next_seq() && entry.prev == chain.head() && entry.kind == "sweep";
        let sweep = serde_json::from_value(entry.body).ok().filter(|_| next)?;
        Some((entry.seq, entry.at, sweep))
    }

    fn taken(repeats: &mut Repeats, line: &[u8], chain: &Chain) -> Option<(u64, Moment, Sweep)> {
        let found = repeats.take(line, chain)?;
        repeats.put_back(found.sweep.clone(), found.kind);
        Some((found.seq, found.at, found.sweep))
    }

    /// A chain with one sweep in it, which was learnt, and a line that follows.
    fn learnt(at: &str, octet: u8) -> (Repeats, Chain, String) {
        let (mut repeats, mut chain) = (Repeats::default(), Chain::default());
        let first = body("2026-11-18T11:06:40Z", 1);
        let sweep: Sweep = serde_json::from_value(first.clone()).unwrap();
        let text = serde_json::to_string(&sweep).unwrap();
        repeats.learn(&text, &sweep);
        let (_, line) = chain.next_entry(Moment::from_seconds(1), "sweep", first).unwrap();
        chain.follow(line.as_bytes());
        let next = serde_json::from_value::<Sweep>(body(at, octet)).unwrap();
        let next = serde_json::to_value(next).unwrap();
        let at: Moment = at.parse().unwrap();
        let (_, line) = chain.next_entry(at, "sweep", next).unwrap();
        (repeats, chain, line)
    }

    #[test]
    fn a_sweep_like_one_before_is_read_as_json_would() {
        let times = [
            "2026-11-18T11:06:40Z",
            "2026-11-18T23:59:59.999Z",
            "2026-11-19T00:00:00.1Z",
            "2027-02-28T07:08:09.01Z",
            "2028-02-29T00:00:00Z",
            "0000-01-01T00:00:00Z",
        ];
        for (octet, at) in times.into_iter().enumerate() {
            let (mut repeats, chain, line) = learnt(at, u8::try_from(octet).unwrap());
            let read = taken(&mut repeats, line.as_bytes(), &chain);
            assert!(read.is_some(), "{line}");
            assert_eq!(read, decoded(line.as_bytes(), &chain));
        }
    }

    #[test]
    fn whatever_octet_is_another_it_says_what_json_says_or_nothing() {
        let (mut repeats, chain, line) = learnt("2026-11-19T10:20:30.45Z", 2);
        let mut read = 0;
        for at in 0..line.len() {
            for octet in *b"0159a:.Z\"}{,- \\" {
                let mut other = line.clone().into_bytes();
                other[at] = octet;
                if let Some(found) = taken(&mut repeats, &other, &chain) {
                    assert_eq!(
                        Some(found),
                        decoded(&other, &chain),
                        "{}",
                        String::from_utf8_lossy(&other)
                    );
                    read += 1;
                }
            }
            for cut in [&line[..at], &line[at..]] {
                assert!(taken(&mut repeats, cut.as_bytes(), &chain).is_none() || cut == line);
            }
        }
        assert!(read > 500, "{read}");
    }

    #[test]
    fn another_kind_another_form_and_another_place_are_left_to_json() {
        let (mut repeats, chain, line) = learnt("2026-11-19T10:20:30Z", 3);
        for (from, to) in [
            ("\"kind\":\"sweep\"", "\"kind\":\"other\""),
            ("\"seq\":2", "\"seq\":3"),
            ("\"type\":\"SOA\"", "\"type\":\"TXT\""),
            ("\"id\":600", "\"id\":0600"),
            ("\"id\":600", "\"id\":70000"),
            ("\"timeout\"", "\"timeouts\""),
            ("T10:20:30Z", "T10:20:60Z"),
            ("T10:20:30Z", "T10:20:30+00"),
            ("T10:20:30Z", "T10:20:30.Z"),
            ("2026-11-19", "9999-12-31"),
            ("2026-11-19", "2026-11-31"),
        ] {
            let other = line.replace(from, to);
            assert_ne!(other, line, "{from}");
            assert_eq!(taken(&mut repeats, other.as_bytes(), &chain), None, "{to}");
        }
        assert_eq!(taken(&mut repeats, line.as_bytes(), &Chain::default()), None);
        assert!(taken(&mut repeats, line.as_bytes(), &chain).is_some());
        // What is not in the form of this program is not learnt.
        let sweep: Sweep = serde_json::from_value(body("2026-11-18T11:06:40Z", 1)).unwrap();
        let mut repeats = Repeats::default();
        repeats.learn(&serde_json::to_string_pretty(&sweep).unwrap(), &sweep);
        assert_eq!(taken(&mut repeats, line.as_bytes(), &chain), None);
    }
}
