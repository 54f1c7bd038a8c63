//! The hash chain of a journal: following it, continuing it, and saying where it is broken.
//!
//! What the chain alone cannot show: that entries were cut off at the end, or that the very last line was altered. That
//! takes a copy of [`Chain::head`] kept elsewhere.

use std::fmt;
use std::ops::RangeInclusive;

use serde_json::Value;

use super::entry::{Entry, EntryError, Head, NO_PREVIOUS, hash_line};
use crate::moment::Moment;

/// Where a journal stands: the next number and the hash of the last line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    next: u64,
    head: String,
}

impl Default for Chain {
    fn default() -> Self {
        Chain {
            next: 1,
            head: NO_PREVIOUS.to_owned(),
        }
    }
}

impl Chain {
    /// The hash of the last line; 64 zeros before the first.
    pub fn head(&self) -> &str {
        &self.head
    }

    /// The number of the next entry.
    pub fn next_seq(&self) -> u64 {
        self.next
    }

    /// The next entry and its line without newline. The chain does not move: call [`Chain::follow`] once the line is kept.
    ///
    /// # Errors
    /// As [`Entry::encode`].
    pub fn next_entry(&self, at: Moment, kind: &str, body: Value) -> Result<(Entry, String), EntryError> {
        let entry = Entry::new(self.next, at, self.head.clone(), kind, body);
        let line = entry.encode()?;
        Ok((entry, line))
    }

    /// Moves on over a line (without newline) that [`Chain::next_entry`] made.
    pub fn follow(&mut self, line: &[u8]) {
        self.next += 1;
        self.head = hash_line(line);
    }
}

/// A journal read whole.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadJournal {
    /// The entries in order.
    pub entries: Vec<Entry>,
    /// The hash of the last whole line.
    pub head: String,
    /// The last line, if its writing was interrupted.
    pub torn: Option<Torn>,
}

/// A last line whose writing was interrupted: it has no newline, or is no JSON. Nothing was done on its strength, since
/// an entry counts only after it is on the disk whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The line, counted from 1.
    pub line: usize,
    /// Where it begins, in octets from the start of the journal.
    pub offset: u64,
    /// What is there.
    pub octets: Vec<u8>,
}

/// Where and how a journal was changed by something else than this program's appending.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct JournalFault {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: FaultKind,
    /// The numbers of the entries that are missing before it.
    pub lost: Option<RangeInclusive<u64>>,
}

impl fmt::Display for JournalFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)?;
        match &self.lost {
            Some(lost) if lost.start() == lost.end() => write!(f, "; entry {} is missing", lost.start()),
            Some(lost) => write!(f, "; entries {} to {} are missing", lost.start(), lost.end()),
            None => Ok(()),
        }
    }
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// It is no entry, or one of another version.
    #[error("{0}")]
    Entry(EntryError),
    /// Its content is not what the next line's hash was made of.
    #[error("it was altered after it was written (the next line's hash is over other octets)")]
    Altered,
    /// It and the line before do not fit, and nothing tells which of them was altered.
    #[error("it was altered after it was written, or the hash in the line after it was")]
    AlteredOrNext,
    /// The number is higher than it must be: lines before it are missing.
    #[error("it is entry {found} where entry {expected} belongs")]
    Missing {
        /// What belongs here.
        expected: u64,
        /// What is here.
        found: u64,
    },
    /// The number is one that was there already, or its turn is later.
    #[error(
        "entry {found} stands where entry {expected} belongs: a line was inserted, or the order was changed"
    )]
    OutOfOrder {
        /// What belongs here.
        expected: u64,
        /// What is here.
        found: u64,
    },
}

/// What a line of a journal turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// An entry that the chain bears out so far.
    Entry(Entry),
    /// The rest of an interrupted write.
    Torn(Torn),
}

/// Reads a journal line by line.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    chain: Chain,
    line: usize,
    offset: u64,
}

impl Reader {
    /// Where the chain stands after the lines so far.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Octets of the whole lines so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes the next line, `raw` with its newline, and the line after it (`None` at the end).
    ///
    /// # Errors
    /// If the line cannot stand where it does. A fault may be that of the line before `raw`.
    pub fn take(&mut self, raw: &[u8], next: Option<&[u8]>) -> Result<Line, JournalFault> {
        self.line += 1;
        let Some(line) = raw.strip_suffix(b"\n") else {
            return Ok(Line::Torn(self.torn(raw)));
        };
        let entry = match Entry::decode(line) {
            Ok(entry) => entry,
            Err(EntryError::Form(_)) if next.is_none() => return Ok(Line::Torn(self.torn(raw))),
            Err(error) => return Err(self.fault(self.line, FaultKind::Entry(error))),
        };
        self.check(entry.seq, &entry.prev, line, next)?;
        self.chain.follow(line);
        self.offset += raw.len() as u64;
        Ok(Line::Entry(entry))
    }

    /// The same without reading the body, for whoever reads it otherwise and has hashed the line (without its newline)
    /// already. `None`: the line is torn.
    ///
    /// # Errors
    /// As [`Reader::take`].
    pub fn take_head<'a>(
        &mut self,
        raw: &'a [u8],
        hash: &str,
        next: Option<&[u8]>,
    ) -> Result<Option<Head<'a>>, JournalFault> {
        self.line += 1;
        let Some(line) = raw.strip_suffix(b"\n") else {
            return Ok(None);
        };
        let head = match Head::decode(line) {
            Ok(head) => head,
            Err(EntryError::Form(_)) if next.is_none() => return Ok(None),
            Err(error) => return Err(self.fault(self.line, FaultKind::Entry(error))),
        };
        self.check(head.seq, &head.prev, line, next)?;
        self.chain.next += 1;
        hash.clone_into(&mut self.chain.head);
        self.offset += raw.len() as u64;
        Ok(Some(head))
    }

    /// Takes a line (`raw` with its newline) of which it is known that it is the next one and names the last one's hash, as
    /// [`super::Repeats::take`] makes sure; `hash` is its own.
    pub fn follow(&mut self, raw: &[u8], hash: &str) {
        self.line += 1;
        self.chain.next += 1;
        hash.clone_into(&mut self.chain.head);
        self.offset += raw.len() as u64;
    }

    /// The line that was taken last, `raw`, as one whose writing was interrupted.
    pub fn torn(&self, raw: &[u8]) -> Torn {
        Torn {
            line: self.line,
            offset: self.offset,
            octets: raw.to_vec(),
        }
    }

    fn fault(&self, line: usize, what: FaultKind) -> JournalFault {
        JournalFault {
            line,
            what,
            lost: None,
        }
    }

    fn check(&self, found: u64, prev: &str, line: &[u8], next: Option<&[u8]>) -> Result<(), JournalFault> {
        let expected = self.chain.next;
        if found == expected && prev == self.chain.head {
            return Ok(());
        }
        let next = next.and_then(|raw| Entry::decode(raw.strip_suffix(b"\n").unwrap_or(raw)).ok());
        if found != expected {
            let swapped = next.is_some_and(|next| next.seq == expected);
            return Err(if found < expected || swapped {
                self.fault(self.line, FaultKind::OutOfOrder { expected, found })
            } else {
                JournalFault {
                    line: self.line,
                    what: FaultKind::Missing { expected, found },
                    lost: Some(expected..=found - 1),
                }
            });
        }
        // One of the two lines was altered. If the line after vouches for this one, it was the one before; if it vouches
        // for another, it was this one.
        Err(match next {
            _ if self.line == 1 => self.fault(1, FaultKind::Altered),
            Some(next) if next.prev == hash_line(line) => self.fault(self.line - 1, FaultKind::Altered),
            Some(_) => self.fault(self.line, FaultKind::Altered),
            None => self.fault(self.line - 1, FaultKind::AlteredOrNext),
        })
    }
}

/// Reads a whole journal and checks its chain.
///
/// # Errors
/// The first line that is altered, missing, inserted or out of order. A torn last line is no fault.
pub fn read_journal(octets: &[u8]) -> Result<ReadJournal, JournalFault> {
    let mut reader = Reader::default();
    let mut entries = Vec::new();
    let mut torn = None;
    let mut lines = octets.split_inclusive(|octet| *octet == b'\n').peekable();
    while let Some(raw) = lines.next() {
        match reader.take(raw, lines.peek().copied())? {
            Line::Entry(entry) => entries.push(entry),
            Line::Torn(rest) => torn = Some(rest),
        }
    }
    Ok(ReadJournal {
        entries,
        head: reader.chain.head,
        torn,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(count: u64) -> Vec<String> {
        let mut chain = Chain::default();
        (0..count)
            .map(|index| {
                let at = Moment::from_seconds(1_795_000_000 + index as i64);
                let (_, line) = chain.next_entry(at, "note", json!({"text": index})).unwrap();
                chain.follow(line.as_bytes());
                format!("{line}\n")
            })
            .collect()
    }

    fn read(lines: &[String]) -> Result<ReadJournal, JournalFault> {
        read_journal(lines.concat().as_bytes())
    }

    #[test]
    fn reads_what_was_written() {
        let journal = read(&lines(4)).unwrap();
        assert_eq!(
            journal.entries.iter().map(|e| e.seq).collect::<Vec<_>>(),
            [1, 2, 3, 4]
        );
        assert_eq!(journal.torn, None);
        assert_eq!(read(&[]).unwrap().head, NO_PREVIOUS);
    }

    #[test]
    fn an_altered_line_is_named() {
        for altered in 0..3 {
            let mut all = lines(5);
            all[altered] = all[altered].replace("\"text\":", "\"text\":9");
            let fault = read(&all).unwrap_err();
            assert_eq!((fault.line, fault.what), (altered + 1, FaultKind::Altered));
        }
        let mut all = lines(5);
        all[3] = all[3].replace("\"text\":", "\"text\":9");
        assert_eq!(read(&all).unwrap_err().what, FaultKind::AlteredOrNext);
    }

    #[test]
    fn a_missing_line_is_named_with_its_number() {
        let mut all = lines(5);
        all.drain(1..3);
        let fault = read(&all).unwrap_err();
        assert_eq!((fault.line, fault.lost.clone()), (2, Some(2..=3)));
        assert_eq!(
            fault.to_string(),
            "line 2: it is entry 4 where entry 2 belongs; entries 2 to 3 are missing"
        );
        let mut all = lines(3);
        all.remove(0);
        assert_eq!(read(&all).unwrap_err().lost, Some(1..=1));
    }

    #[test]
    fn reordered_and_inserted_lines_are_named() {
        let mut all = lines(5);
        all.swap(1, 2);
        let fault = read(&all).unwrap_err();
        assert_eq!(fault.line, 2);
        assert!(matches!(fault.what, FaultKind::OutOfOrder { .. }));

        let mut all = lines(5);
        all.insert(2, all[1].clone());
        let fault = read(&all).unwrap_err();
        assert_eq!(fault.line, 3);
        assert!(matches!(fault.what, FaultKind::OutOfOrder { .. }));
    }

    #[test]
    fn a_renumbered_forgery_breaks_the_chain() {
        let mut all = lines(5);
        all.remove(2);
        all[2] = all[2].replace("\"seq\":4", "\"seq\":3");
        all[3] = all[3].replace("\"seq\":5", "\"seq\":4");
        assert_eq!(read(&all).unwrap_err().line, 3);
    }

    #[test]
    fn every_octet_counts_except_in_the_last_line() {
        let all = lines(4).concat();
        let before_last = all.trim_end().rfind('\n').unwrap();
        for at in 0..before_last {
            let mut octets = all.clone().into_bytes();
            octets[at] ^= 1;
            let line = 1 + all[..at].matches('\n').count();
            let fault = read_journal(&octets).expect_err(&format!("octet {at}"));
            assert!(fault.line.abs_diff(line) <= 1, "octet {at}: {fault}");
        }
    }

    #[test]
    fn a_torn_end_is_told_from_tampering() {
        let all = lines(3).concat();
        let whole: Vec<usize> = all.match_indices('\n').map(|(at, _)| at + 1).collect();
        for length in 0..all.len() {
            let journal = read_journal(&all.as_bytes()[..length]).unwrap();
            let complete = whole.iter().filter(|end| **end <= length).count();
            assert_eq!(journal.entries.len(), complete);
            let rest = length - complete.checked_sub(1).map_or(0, |at| whole[at]);
            assert_eq!(journal.torn.map_or(0, |torn| torn.octets.len()), rest);
        }
        let zeros = format!("{all}\0\0\0\0\n");
        assert_eq!(read_journal(zeros.as_bytes()).unwrap().torn.unwrap().line, 4);
        let inside = all.replacen("\"kind\"", "\"kin", 1);
        assert!(matches!(
            read_journal(inside.as_bytes()).unwrap_err().what,
            FaultKind::Entry(EntryError::Form(_))
        ));
    }
}
