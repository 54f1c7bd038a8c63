//! `$ORIGIN`, `$TTL`, `$INCLUDE` and `$GENERATE`.

use super::generate::{self, Range};
use super::reader::MasterReader;
use super::scan::{Cursor, Next};
use super::{Fault, Include, RawRecord, fields};
use crate::dns::Name;

impl MasterReader {
    /// A directive. None: it is not complete. One to include a file is given back.
    pub(super) fn directive(
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
