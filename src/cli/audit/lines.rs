//! The lines of a bundle's journal, each with the one after it.

use std::io::{BufRead, ErrorKind};
use std::path::Path;

use super::super::Failure;
use crate::adapters::bundle::Bundle;
use crate::adapters::journal::LONGEST_LINE;

/// A line, and the one after it; both with their newlines.
pub(super) type WithNext<'a> = (&'a [u8], Option<&'a [u8]>);

/// The lines of the journal with one of look-ahead, in two buffers that are used in turn.
pub(super) struct Lines<'a> {
    bundle: &'a Bundle,
    source: Box<dyn BufRead + Send>,
    line: Vec<u8>,
    next: Vec<u8>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(bundle: &'a Bundle) -> Result<Lines<'a>, Failure> {
        let mut lines = Lines {
            bundle,
            source: bundle.journal()?,
            line: Vec::new(),
            next: Vec::new(),
        };
        lines.read()?;
        Ok(lines)
    }

    /// The bundle's place.
    pub(super) fn path(&self) -> &'a Path {
        self.bundle.path()
    }

    pub(super) fn take(&mut self) -> Result<Option<WithNext<'_>>, Failure> {
        if self.next.is_empty() {
            return Ok(None);
        }
        std::mem::swap(&mut self.line, &mut self.next);
        self.read()?;
        let next = (!self.next.is_empty()).then_some(self.next.as_slice());
        Ok(Some((&self.line, next)))
    }

    fn read(&mut self) -> Result<(), Failure> {
        self.next.clear();
        loop {
            let more = self.read_on()?;
            if self.next.len() as u64 > LONGEST_LINE {
                let path = self.path().display();
                return Err(Failure::usage(format!(
                    "{path}: a line of the journal has more than {LONGEST_LINE} octets"
                )));
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// Reads on, at most to the end of the line; whether it may go on.
    fn read_on(&mut self) -> Result<bool, Failure> {
        let here = match self.source.fill_buf() {
            Ok(here) => here,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(true),
            Err(error) => {
                let path = self.bundle.path().display();
                let text = format!("{path}: the journal cannot be read: {error}");
                return Err(Failure::refused(text));
            }
        };
        let newline = memchr::memchr(b'\n', here);
        let part = match newline {
            Some(at) => here.get(..=at).unwrap_or(here),
            None => here,
        };
        let read = part.len();
        self.next.extend_from_slice(part);
        self.source.consume(read);
        Ok(newline.is_none() && read > 0)
    }
}
