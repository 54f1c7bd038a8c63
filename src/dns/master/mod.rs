//! Reading master files (RFC 1035 section 5, with RFC 2308, RFC 3597 and the DNSSEC types), entry by entry.
//!
//! Text comes in pieces of any size and records go out in canonical form, so a zone is never in memory as text. Types that
//! are not wanted are passed over undecoded. `$INCLUDE` is handed back to the caller, who alone can open files; `$GENERATE`
//! is carried out here, up to a limit.

mod fault;
mod fields;
mod generate;
mod rdata;
mod scan;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::{CLASS_IN, Name, Rtype, Ttl};
pub use fault::{Fault, MasterError};
use generate::Range;
use rdata::{Words, record_type};
use scan::{Cursor, Next};

/// The longest entry in octets of text; RDATA of 65,535 octets in escapes is 262,140.
pub const LONGEST_ENTRY: usize = 1024 * 1024;

/// So many records may come from `$GENERATE` unless another limit is set.
pub const MOST_GENERATED: u64 = 1_000_000;

/// One record as read: canonical, borrowed for as long as it is looked at.
#[derive(Clone, Copy, Debug)]
pub struct RawRecord<'a> {
    /// The owner in wire form, letters folded.
    pub owner: &'a [u8],
    /// The type.
    pub rtype: Rtype,
    /// Seconds.
    pub ttl: Ttl,
    /// RDATA in canonical form.
    pub rdata: &'a [u8],
    /// The line of the first octet of its entry.
    pub line: u64,
}

/// An `$INCLUDE` that was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// The file, as written.
    pub path: String,
    /// The origin for it, where one was given.
    pub origin: Option<Name>,
    /// The line of the directive.
    pub line: u64,
}

/// How far a reading came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Octets of the text that are done with. What is left is the beginning of an entry that needs more text.
    pub used: usize,
    /// What to read before going on after `used`, if anything.
    pub include: Option<Include>,
}

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
    origin: Vec<u8>,
    owner: Vec<u8>,
    /// The owner as it was written, with the origin that completed it: most entries repeat it.
    written: Vec<u8>,
    default_ttl: Option<Ttl>,
    last_ttl: Option<Ttl>,
    line: u64,
    skip: Option<Skip>,
    skipped: u64,
    generates: bool,
    most_generated: u64,
    generated: u64,
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
    fn plain_entry(
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
        self.record(cursor, word, line, each)
    }

    fn set_owner(&mut self, word: &[u8]) -> Result<(), Fault> {
        if self.written == word {
            return Ok(());
        }
        self.owner.clear();
        self.written.clear();
        fields::name(word, &self.origin, true, &mut self.owner)?;
        self.written.extend_from_slice(word);
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

    fn directive(
        &mut self,
        cursor: &mut Cursor<'_>,
        each: &mut impl FnMut(RawRecord<'_>),
    ) -> Result<Option<Option<Include>>, Fault> {
        let line = cursor.line;
        let mut words: Vec<&[u8]> = Vec::new();
        let mut end = *cursor;
        loop {
            match end.next()? {
                Next::Word(from, to) => words.push(end.word(from, to)),
                Next::End => break,
                Next::Short => return Ok(None),
            }
        }
        let mut include = None;
        match words.as_slice() {
            [word, name] if word.eq_ignore_ascii_case(b"$ORIGIN") => {
                let mut origin = Vec::new();
                fields::name(name, &self.origin, false, &mut origin)?;
                self.origin = origin;
                self.written.clear();
            }
            [word, ttl] if word.eq_ignore_ascii_case(b"$TTL") => {
                self.default_ttl = Some(fields::ttl(ttl)?);
            }
            [word, path, rest @ ..] if word.eq_ignore_ascii_case(b"$INCLUDE") && rest.len() < 2 => {
                let mut text = Vec::new();
                fields::string(path, &mut text)?;
                let path = String::from_utf8_lossy(text.get(1..).unwrap_or_default()).into_owned();
                let origin = match rest.first() {
                    Some(word) => Some(self.absolute(word)?),
                    None => None,
                };
                include = Some(Include { path, origin, line });
            }
            [word, rest @ ..] if word.eq_ignore_ascii_case(b"$GENERATE") => {
                self.generate(rest, line, each)?;
            }
            [word, ..] => return Err(Fault::Directive(fields::shown(word))),
            [] => {}
        }
        *cursor = end;
        Ok(Some(include))
    }

    fn absolute(&self, word: &[u8]) -> Result<Name, Fault> {
        let mut wire = Vec::new();
        fields::name(word, &self.origin, true, &mut wire)?;
        Name::from_wire(&wire).map_err(|_| Fault::Field {
            what: "domain name",
            text: fields::shown(word),
        })
    }

    fn generate(
        &mut self,
        words: &[&[u8]],
        line: u64,
        each: &mut impl FnMut(RawRecord<'_>),
    ) -> Result<(), Fault> {
        if !self.generates {
            return Err(Fault::NoGenerate);
        }
        let [range, template @ ..] = words else {
            return Err(Fault::Missing("range"));
        };
        let range = Range::parse(range)?;
        if template.len() < 3 {
            return Err(Fault::Missing("owner, type and data of what is generated"));
        }
        self.generated = self.generated.saturating_add(range.size());
        if self.generated > self.most_generated {
            return Err(Fault::Generated(self.most_generated));
        }
        let mut text = Vec::new();
        for value in range {
            text.clear();
            for word in template {
                generate::expand(word, value, &mut text)?;
                text.push(b' ');
            }
            text.push(b'\n');
            // What comes out is one record: a directive or a second line cannot be in it.
            let mut cursor = Cursor::new(&text, 0, line, true);
            self.plain_entry(&mut cursor, each)?;
        }
        Ok(())
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
