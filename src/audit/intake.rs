//! Lines taken in: each hashed, placed in the chain and in the tree, and read. Nothing is judged here.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::findings::{Finding, Findings};
use super::seals::Roots;
use crate::evidence::{
    BlobId, EntryError, FaultKind, JournalFault, JournalPart, LineHash, Reader, Repeated, Repeats, Summary,
    SweepKind,
};
use crate::moment::Moment;
use crate::workflow::Event;

/// An entry whose place in the chain is borne out.
#[derive(Debug)]
pub struct Dated {
    /// Its number.
    pub seq: u64,
    /// When it was written, as it says.
    pub at: Moment,
    /// What it says.
    pub event: Event,
    /// The octets of messages that no entry before it names, once it was judged.
    pub(super) learnt: Vec<(BlobId, Arc<[u8]>)>,
    /// The kind of sweep that it was read as.
    pub(super) kind: Option<SweepKind>,
}

/// What a line came to.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every line is an entry, and it is taken out at once"
)]
pub enum Taken {
    /// An entry. Give it back with [`Intake::put_back`] when it was judged, to save the next one's memory.
    Entry(Dated),
    /// It has its place, and its body is not that of its kind.
    Unread,
    /// Nothing more can be taken: the chain is broken, or the last line is torn.
    End,
}

/// The part of a verification that reads.
#[derive(Default)]
pub struct Intake {
    reader: Reader,
    repeats: Repeats,
    pub(super) summary: Summary,
    /// The roots of the tree at these sizes are kept: seals are over them.
    sizes: BTreeSet<u64>,
    pub(super) roots: Roots,
    pub(super) findings: Findings,
    pub(super) first: Option<Moment>,
    pub(super) last: Option<Moment>,
    /// Entries that were written earlier than the one before, without a recorded jump.
    pub(super) backwards: u64,
    pub(super) torn: bool,
    pub(super) broken: bool,
}

impl Intake {
    pub(super) fn new(sizes: BTreeSet<u64>) -> Intake {
        Intake {
            sizes,
            ..Intake::default()
        }
    }

    /// Takes the next line with its newline, and the line after it (`None` at the end).
    ///
    /// # Errors
    /// If the line is of another format: the bundle has to be read by another version.
    pub fn take(&mut self, raw: &[u8], next: Option<&[u8]>) -> Result<Taken, EntryError> {
        if self.broken || self.torn {
            return Ok(Taken::End);
        }
        let line = raw.strip_suffix(b"\n").unwrap_or(raw);
        let hash = LineHash::of(line);
        let hex = hash.hex();
        if line.len() < raw.len()
            && let Some(Repeated { seq, at, sweep, kind }) = self.repeats.take(line, self.reader.chain())
        {
            self.reader.follow(raw, &hex);
            self.place(&hash, line.len(), "sweep", seq, at);
            return Ok(Taken::Entry(Dated {
                seq,
                at,
                event: Event::Sweep(sweep),
                learnt: Vec::new(),
                kind: Some(kind),
            }));
        }
        let head = match self.reader.take_head(raw, &hex, next) {
            Ok(Some(head)) => head,
            Ok(None) => {
                self.torn = true;
                return Ok(Taken::End);
            }
            Err(fault) => {
                if let FaultKind::Entry(EntryError::Format(format)) = fault.what {
                    return Err(EntryError::Format(format));
                }
                self.break_at(&fault);
                return Ok(Taken::End);
            }
        };
        let (seq, at) = (head.seq, head.at);
        self.place(&hash, line.len(), &head.kind, seq, at);
        match Event::parse(&head.kind, head.body.get()) {
            Ok(event) => {
                if let Event::Sweep(sweep) = &event {
                    self.repeats.learn(head.body.get(), sweep);
                }
                Ok(Taken::Entry(Dated {
                    seq,
                    at,
                    event,
                    learnt: Vec::new(),
                    kind: None,
                }))
            }
            Err(error) => {
                let text = format!("its body is not that of a {}: {error}", head.kind);
                self.findings.push(Finding::fails("entry-form", text).at(seq));
                Ok(Taken::Unread)
            }
        }
    }

    /// Takes back an entry that was judged.
    pub fn put_back(&mut self, entry: Dated) {
        if let (Event::Sweep(sweep), Some(kind)) = (entry.event, entry.kind) {
            self.repeats.put_back(sweep, kind);
        }
    }

    /// What the journal comes to.
    pub(super) fn finish(&mut self) -> JournalPart {
        let part = self.summary.journal();
        self.roots.entries = part.entries;
        part
    }

    /// The line has its place in the chain: it counts in the tree, and its time among the others.
    fn place(&mut self, hash: &LineHash, length: usize, kind: &str, seq: u64, at: Moment) {
        self.summary.line(hash, length);
        self.summary.kind(kind);
        if self.sizes.contains(&seq) {
            self.roots.at.insert(seq, (self.summary.tree.root(), at));
        }
        self.first = self.first.or(Some(at));
        if kind != "clock" && self.last.is_some_and(|last| at < last) {
            self.backwards += 1;
        }
        self.last = Some(at);
    }

    fn break_at(&mut self, fault: &JournalFault) {
        self.broken = true;
        let code = match fault.what {
            FaultKind::Entry(_) => "line-form",
            FaultKind::Altered | FaultKind::AlteredOrNext => "line-altered",
            FaultKind::Missing { .. } => "line-missing",
            FaultKind::OutOfOrder { .. } => "line-order",
        };
        let text = format!("{fault}; nothing after it was judged");
        let finding = Finding::fails(code, text).of("journal.ndjson");
        self.findings.push(finding.at(fault.line as u64));
    }
}
