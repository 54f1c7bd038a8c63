//! The lines of a journal from wherever they are read, checked against the chain.

use std::fs::File;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::disk::failed;
use crate::evidence::{Line, LineHash, Reader, Repeated, Repeats, Sweep, Torn};
use crate::ports::{EachEntry, Entries, JournalError, Told, ToldBody};

/// A line of more octets than this is no entry: a sweep of ten thousand questions has about four million.
pub const LONGEST_LINE: u64 = 64 << 20;

/// The lines of a journal with one line of look-ahead.
pub(crate) struct Lines<R> {
    path: PathBuf,
    source: R,
    reader: Reader,
    ahead: Option<Vec<u8>>,
    failed: bool,
}

impl Lines<BufReader<File>> {
    /// Those of a file.
    pub(crate) fn open(path: &Path) -> Result<Self, JournalError> {
        let file = File::open(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => JournalError::Absent {
                dir: path.parent().unwrap_or(path).to_path_buf(),
            },
            _ => failed("read", path, &error),
        })?;
        Lines::new(path, BufReader::new(file))
    }
}

impl<R: BufRead> Lines<R> {
    /// Those of a source; `path` is what errors call it.
    pub(crate) fn new(path: &Path, source: R) -> Result<Self, JournalError> {
        let mut lines = Lines {
            path: path.to_path_buf(),
            source,
            reader: Reader::default(),
            ahead: None,
            failed: false,
        };
        lines.ahead = lines.read_line()?;
        Ok(lines)
    }

    fn read_line(&mut self) -> Result<Option<Vec<u8>>, JournalError> {
        let mut raw = Vec::new();
        let mut bounded = (&mut self.source).take(LONGEST_LINE + 1);
        match bounded.read_until(b'\n', &mut raw) {
            Ok(0) => Ok(None),
            Ok(_) if raw.len() as u64 > LONGEST_LINE => {
                let long = Error::other(format!("a line has more than {LONGEST_LINE} octets"));
                Err(failed("read", &self.path, &long))
            }
            Ok(_) => Ok(Some(raw)),
            Err(error) => Err(failed("read", &self.path, &error)),
        }
    }

    /// Shows each entry to `each` until it breaks off; gives where the chain stands then, and a torn last line.
    pub(crate) fn tell(mut self, each: EachEntry<'_>) -> Result<(Reader, Option<Torn>), JournalError> {
        let mut repeats = Repeats::default();
        while let Some(raw) = self.ahead.take() {
            self.ahead = self.read_line()?;
            match self.tell_one(&raw, &mut repeats, each)? {
                ControlFlow::Continue(()) => {}
                ControlFlow::Break(torn) => return Ok((self.reader, torn)),
            }
        }
        Ok((self.reader, None))
    }

    fn tell_one(
        &mut self,
        raw: &[u8],
        repeats: &mut Repeats,
        each: EachEntry<'_>,
    ) -> Result<ControlFlow<Option<Torn>>, JournalError> {
        let hash = LineHash::of(raw.strip_suffix(b"\n").unwrap_or(raw)).hex();
        let prev = self.reader.chain().head().to_owned();
        let repeated = raw
            .strip_suffix(b"\n")
            .and_then(|line| repeats.take(line, self.reader.chain()));
        if let Some(Repeated {
            seq,
            at,
            mut sweep,
            kind,
        }) = repeated
        {
            self.reader.follow(raw, &hash);
            let body = ToldBody::Sweep(&mut sweep);
            let prev = prev.as_str();
            let next = each(Told { seq, at, prev, body });
            repeats.put_back(sweep, kind);
            return Ok(next.map_break(|()| None));
        }
        let head = self
            .reader
            .take_head(raw, &hash, self.ahead.as_deref())
            .map_err(|fault| JournalError::Damaged {
                path: self.path.clone(),
                fault,
            })?;
        let Some(head) = head else {
            return Ok(ControlFlow::Break(Some(self.reader.torn(raw))));
        };
        let text = head.body.get();
        let mut sweep = (head.kind == "sweep")
            .then(|| serde_json::from_str::<Sweep>(text).ok())
            .flatten();
        if let Some(sweep) = &sweep {
            repeats.learn(text, sweep);
        }
        let body = match &mut sweep {
            Some(sweep) => ToldBody::Sweep(sweep),
            None => ToldBody::Text(&head.kind, text),
        };
        let told = Told {
            seq: head.seq,
            at: head.at,
            prev: &prev,
            body,
        };
        Ok(each(told).map_break(|()| None))
    }

    /// The next one.
    pub(crate) fn take(&mut self) -> Option<Result<Line, JournalError>> {
        if self.failed {
            return None;
        }
        let raw = self.ahead.take()?;
        let line = self.read_line().and_then(|next| {
            self.ahead = next;
            self.reader
                .take(&raw, self.ahead.as_deref())
                .map_err(|fault| JournalError::Damaged {
                    path: self.path.clone(),
                    fault,
                })
        });
        self.failed = line.is_err();
        Some(line)
    }
}

impl<R: BufRead + Send + 'static> Lines<R> {
    /// The entries; a torn last line is passed over.
    pub(crate) fn entries(mut self) -> Entries<'static> {
        Box::new(std::iter::from_fn(move || match self.take()? {
            Ok(Line::Entry(entry)) => Some(Ok(entry)),
            Ok(Line::Torn(_)) => None,
            Err(error) => Some(Err(error)),
        }))
    }
}
