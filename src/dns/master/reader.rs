//! The entries of a master file, one after another.

use std::collections::BTreeSet;

use super::rdata::{self, Words, record_type};
use super::scan::{Cursor, Next};
use super::{Fault, Include, LONGEST_ENTRY, MOST_GENERATED, MasterError, Progress, RawRecord, fields};
use crate::dns::{CLASS_IN, Name, OwnerHash, OwnerSet, Rtype, Ttl};

/// Types that are passed over undecoded.
#[derive(Clone, Debug)]
struct Skip {
    everywhere: Box<[bool; 65_536]>,
    at_apex: Box<[bool; 65_536]>,
    apex: Vec<u8>,
}

/// Reads one master file and those that it includes.
#[derive(Clone, Debug)]
pub struct MasterReader {
    pub(super) origin: Vec<u8>,
    owner: Vec<u8>,
    /// The owner as it was written, with the origin that completed it: most entries repeat it.
    pub(super) written: Vec<u8>,
    pub(super) default_ttl: Option<Ttl>,
    last_ttl: Option<Ttl>,
    line: u64,
    skip: Option<Skip>,
    only: Option<OwnerSet>,
    /// Whether `only` may hold the owner.
    wanted: bool,
    skipped: u64,
    pub(super) generates: bool,
    pub(super) most_generated: u64,
    pub(super) generated: u64,
    spans: Vec<(usize, usize)>,
    rdata: Vec<u8>,
}

/// What a file that includes another goes back to.
#[derive(Clone, Debug)]
pub struct Saved {
    origin: Vec<u8>,
    owner: Vec<u8>,
    line: u64,
}

impl MasterReader {
    /// `origin` completes relative names until the first `$ORIGIN`.
    pub fn new(origin: &Name) -> MasterReader {
        MasterReader {
            origin: origin.wire().to_vec(),
            owner: Vec::new(),
            written: Vec::new(),
            default_ttl: None,
            last_ttl: None,
            line: 1,
            skip: None,
            only: None,
            wanted: true,
            skipped: 0,
            generates: true,
            most_generated: MOST_GENERATED,
            generated: 0,
            spans: Vec::new(),
            rdata: Vec::new(),
        }
    }

    /// Without an origin: relative names are refused until the first `$ORIGIN`.
    pub fn without_origin() -> MasterReader {
        MasterReader {
            origin: Vec::new(),
            ..MasterReader::new(&Name::root())
        }
    }

    /// The TTL of records that have none, until the first `$TTL`.
    #[must_use]
    pub fn default_ttl(mut self, ttl: Ttl) -> MasterReader {
        self.default_ttl = Some(ttl);
        self
    }

    /// Passes over types undecoded: some everywhere, some at `apex`. A SOA is always read, for its TTL may count.
    #[must_use]
    pub fn skipping(
        mut self,
        everywhere: &BTreeSet<Rtype>,
        at_apex: &BTreeSet<Rtype>,
        apex: &Name,
    ) -> MasterReader {
        let table = |types: &BTreeSet<Rtype>| {
            let mut table = Box::new([false; 65_536]);
            for rtype in types.iter().filter(|rtype| **rtype != Rtype::SOA) {
                table[usize::from(rtype.0)] = true;
            }
            table
        };
        self.skip = Some(Skip {
            everywhere: table(everywhere),
            at_apex: table(at_apex),
            apex: apex.wire().to_vec(),
        });
        self
    }

    /// Passes over most records of other owners undecoded, and whatever is wrong with them; a few of those come all the same.
    #[must_use]
    pub fn only(mut self, owners: OwnerSet) -> MasterReader {
        self.only = Some(owners);
        self
    }

    /// At most so many records from `$GENERATE`; none: the directive is refused.
    #[must_use]
    pub fn generating(mut self, most: Option<u64>) -> MasterReader {
        self.generates = most.is_some();
        self.most_generated = most.unwrap_or(0);
        self
    }

    /// The line that is read next, counted from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// How many records were passed over undecoded.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Begins an included file.
    pub fn enter(&mut self, origin: Option<&Name>) -> Saved {
        let saved = Saved {
            origin: self.origin.clone(),
            owner: self.owner.clone(),
            line: self.line,
        };
        if let Some(origin) = origin {
            self.origin = origin.wire().to_vec();
        }
        self.written.clear();
        self.line = 1;
        saved
    }

    /// Goes back to the file that included it: its origin and owner hold again (RFC 1035 section 5.1).
    pub fn leave(&mut self, saved: Saved) {
        self.origin = saved.origin;
        self.owner = saved.owner;
        self.look_for_owner();
        self.written.clear();
        self.line = saved.line;
    }

    /// Reads the entries at the front of `text`; `last` says that nothing follows it. Every record goes to `each`.
    ///
    /// # Errors
    /// The first entry that is refused. Records before it have gone to `each`.
    pub fn read(
        &mut self,
        text: &[u8],
        last: bool,
        mut each: impl FnMut(RawRecord<'_>),
    ) -> Result<Progress, MasterError> {
        let mut progress = Progress::default();
        while progress.used < text.len() {
            let mut cursor = Cursor::new(text, progress.used, self.line, last);
            let done = self.entry(&mut cursor, &mut each);
            let include = match done {
                Ok(Some(done)) => done,
                Ok(None) if text.len() - progress.used > LONGEST_ENTRY => {
                    return Err(MasterError {
                        line: self.line,
                        fault: Fault::LongEntry,
                    });
                }
                Ok(None) => return Ok(progress),
                Err(fault) => {
                    let line = match fault {
                        Fault::Unclosed(line) => line,
                        Fault::Missing(_) => self.line,
                        _ => cursor.line,
                    };
                    return Err(MasterError { line, fault });
                }
            };
            progress.used = cursor.at;
            self.line = cursor.line;
            if include.is_some() {
                progress.include = include;
                return Ok(progress);
            }
        }
        Ok(progress)
    }

    /// One entry. None: it is not complete. A directive to include is given back.
    fn entry(
        &mut self,
        cursor: &mut Cursor<'_>,
        each: &mut impl FnMut(RawRecord<'_>),
    ) -> Result<Option<Option<Include>>, Fault> {
        if cursor.peek() == Some(b'$') {
            return self.directive(cursor, each);
        }
        Ok(self.plain_entry(cursor, each)?.then_some(None))
    }

    /// An entry that is a record or nothing. False: it is not complete.
    pub(super) fn plain_entry(
        &mut self,
        cursor: &mut Cursor<'_>,
        each: &mut impl FnMut(RawRecord<'_>),
    ) -> Result<bool, Fault> {
        let inherits = matches!(cursor.peek(), Some(b' ' | b'\t' | b'\r'));
        let line = cursor.line;
        let (from, to) = match cursor.next()? {
            Next::Word(from, to) => (from, to),
            Next::End => return Ok(true),
            Next::Short => return Ok(false),
        };
        let mut word = cursor.word(from, to);
        if inherits {
            if self.owner.is_empty() {
                return Err(Fault::NoOwner);
            }
        } else {
            self.set_owner(word)?;
            match cursor.next()? {
                Next::Word(from, to) => word = cursor.word(from, to),
                Next::End => return Err(Fault::Missing("type")),
                Next::Short => return Ok(false),
            }
        }
        if !self.wanted && self.passes_over(cursor, word)? {
            let whole = cursor.skip()?;
            self.skipped += u64::from(whole);
            return Ok(whole);
        }
        self.record(cursor, word, line, each)
    }

    /// Reads no more of an entry whose owner is not wanted than its TTL, which later entries may inherit. False: the TTL is
    /// somewhere else in it. `first` is the word after the owner; a text that ends early is found by whoever goes on.
    fn passes_over(&mut self, cursor: &Cursor<'_>, first: &[u8]) -> Result<bool, Fault> {
        if self.default_ttl.is_some() {
            return Ok(true);
        }
        let mut ahead = *cursor;
        let mut word = first;
        if !word.first().is_some_and(u8::is_ascii_digit) && is_class(word)? {
            match ahead.next()? {
                Next::Word(from, to) => word = ahead.word(from, to),
                Next::End | Next::Short => return Ok(false),
            }
        }
        if word.first().is_some_and(u8::is_ascii_digit) {
            self.last_ttl = Some(fields::ttl(word)?);
            return Ok(true);
        }
        // A SOA without a TTL gives its own.
        Ok(self.last_ttl.is_some())
    }

    fn look_for_owner(&mut self) {
        if let Some(only) = &self.only {
            self.wanted = only.may_hold(OwnerHash::of(&self.owner));
        }
    }

    fn set_owner(&mut self, word: &[u8]) -> Result<(), Fault> {
        if self.written == word {
            return Ok(());
        }
        self.owner.clear();
        self.written.clear();
        fields::name(word, &self.origin, true, &mut self.owner)?;
        self.written.extend_from_slice(word);
        self.look_for_owner();
        Ok(())
    }

    /// A record from its TTL, class or type on. False: it is not complete.
    fn record(
        &mut self,
        cursor: &mut Cursor<'_>,
        first: &[u8],
        line: u64,
        each: &mut impl FnMut(RawRecord<'_>),
    ) -> Result<bool, Fault> {
        let mut word = first;
        let (mut ttl, mut class) = (None, false);
        let rtype = loop {
            if ttl.is_none() && word.first().is_some_and(u8::is_ascii_digit) {
                ttl = Some(fields::ttl(word)?);
            } else if !class && is_class(word)? {
                class = true;
            } else {
                break record_type(word)?;
            }
            match cursor.next()? {
                Next::Word(from, to) => word = cursor.word(from, to),
                Next::End => return Err(Fault::Missing("type")),
                Next::Short => return Ok(false),
            }
        };
        if let Some(skip) = &self.skip {
            let index = usize::from(rtype.0);
            if skip.everywhere[index] || (skip.at_apex[index] && self.owner == skip.apex) {
                if !cursor.skip()? {
                    return Ok(false);
                }
                self.last_ttl = ttl.or(self.last_ttl);
                self.skipped += 1;
                return Ok(true);
            }
        }
        self.spans.clear();
        // What the words of the record say is wrong at the line where it begins, not after its last one.
        let mut end = *cursor;
        loop {
            match end.next() {
                Ok(Next::Word(from, to)) => self.spans.push((from, to)),
                Ok(Next::End) => break,
                Ok(Next::Short) => return Ok(false),
                Err(fault) => {
                    *cursor = end;
                    return Err(fault);
                }
            }
        }
        let mut words = Words::new(cursor.text, &self.spans, &self.origin);
        rdata::rdata(rtype, &mut words, &mut self.rdata)?;
        let ttl = match ttl.or(self.default_ttl).or(self.last_ttl) {
            Some(ttl) => ttl,
            None if rtype == Rtype::SOA => soa_minimum(&self.rdata).ok_or(Fault::NoTtl)?,
            None => return Err(Fault::NoTtl),
        };
        self.last_ttl = Some(ttl);
        *cursor = end;
        each(RawRecord {
            owner: &self.owner,
            rtype,
            ttl,
            rdata: &self.rdata,
            line,
        });
        Ok(true)
    }
}

fn is_class(word: &[u8]) -> Result<bool, Fault> {
    if word.eq_ignore_ascii_case(b"IN") {
        return Ok(true);
    }
    let number = word
        .get(..5)
        .filter(|head| head.eq_ignore_ascii_case(b"CLASS"))
        .and_then(|_| fields::number::<u16>(word.get(5..)?, "class").ok());
    let other = ["CH", "HS", "CS"]
        .iter()
        .any(|class| word.eq_ignore_ascii_case(class.as_bytes()));
    match number {
        Some(CLASS_IN) => Ok(true),
        None if !other => Ok(false),
        _ => Err(Fault::Class(fields::shown(word))),
    }
}

fn soa_minimum(rdata: &[u8]) -> Option<Ttl> {
    let octets = rdata.last_chunk::<4>()?;
    Some(u32::from_be_bytes(*octets))
}
