//! A journal that outlives the processes that write it, and one that ends its process at an entry.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use unbroken::adapters::journal::MemoryJournal;
use unbroken::evidence::{BlobId, Blobs, Entry};
use unbroken::moment::Moment;
use unbroken::ports::{Entries, Journal, JournalError, JournalView};

/// The journal as it lies on the disk.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<MemoryJournal>>);

impl Kept {
    pub(crate) fn with<T>(&self, use_it: impl FnOnce(&mut MemoryJournal) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn len(&self) -> usize {
        self.entries().unwrap().count()
    }

    pub(crate) fn kinds(&self) -> Vec<String> {
        self.entries().unwrap().map(|entry| entry.unwrap().kind).collect()
    }

    /// How many entries moved the work on.
    pub(crate) fn work(&self) -> usize {
        self.kinds().iter().filter(|kind| !is_looking(kind)).count()
    }
}

impl JournalView for Kept {
    fn entries(&self) -> Result<Entries<'_>, JournalError> {
        let all: Vec<Result<Entry, JournalError>> =
            self.with(|journal| Ok::<_, JournalError>(journal.entries()?.collect()))?;
        Ok(Box::new(all.into_iter()))
    }

    fn blob(&self, id: &BlobId) -> Result<Vec<u8>, JournalError> {
        self.with(|journal| journal.blob(id))
    }

    fn head(&self) -> String {
        self.with(|journal| journal.head())
    }
}

impl Journal for Kept {
    fn append(&mut self, at: Moment, kind: &str, body: Value) -> Result<Entry, JournalError> {
        self.with(|journal| journal.append(at, kind, body))
    }

    fn put_blob(&mut self, octets: &[u8]) -> Result<BlobId, JournalError> {
        self.with(|journal| journal.put_blob(octets))
    }

    fn put_blobs(&mut self, blobs: &Blobs) -> Result<(), JournalError> {
        self.with(|journal| journal.put_blobs(blobs))
    }
}

/// When a process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Never.
    Lives,
    /// As soon as its entry of that number (from 1) is on the disk: what it was written for is not done.
    After(usize),
    /// When it is about to write that entry: what was done since the one before is done, and not written down.
    Before(usize),
    /// As `After`, counting only what moves the work on.
    AfterWork(usize),
    /// As `Before`, counting only what moves the work on.
    BeforeWork(usize),
    /// As soon as an intent is on the disk.
    AfterIntent,
}

/// What a killed process unwinds with. Nothing in the product catches it.
pub(crate) struct Killed;

/// A journal whose writer is killed at an entry: it unwinds through everything, as nothing after a kill is carried out.
pub(crate) struct Mortal {
    kept: Kept,
    fate: Fate,
    written: usize,
    worked: usize,
}

impl Mortal {
    pub(crate) fn new(kept: Kept, fate: Fate) -> Mortal {
        Mortal {
            kept,
            fate,
            written: 0,
            worked: 0,
        }
    }
}

/// What every process writes before it does anything; decisions too, for they name the moment of the latest sweep.
fn is_looking(kind: &str) -> bool {
    matches!(
        kind,
        "begin" | "inventory" | "contents" | "servers" | "sweep" | "channel" | "note" | "decision"
    )
}

impl JournalView for Mortal {
    fn entries(&self) -> Result<Entries<'_>, JournalError> {
        self.kept.entries()
    }

    fn blob(&self, id: &BlobId) -> Result<Vec<u8>, JournalError> {
        self.kept.blob(id)
    }

    fn head(&self) -> String {
        self.kept.head()
    }
}

impl Journal for Mortal {
    fn append(&mut self, at: Moment, kind: &str, body: Value) -> Result<Entry, JournalError> {
        let work = !is_looking(kind);
        let (written, worked) = (self.written + 1, self.worked + usize::from(work));
        let dies_before = match self.fate {
            Fate::Before(entry) => written == entry,
            Fate::BeforeWork(entry) => work && worked == entry,
            _ => false,
        };
        if dies_before {
            resume_unwind(Box::new(Killed));
        }
        let entry = self.kept.append(at, kind, body)?;
        (self.written, self.worked) = (written, worked);
        let dies_after = match self.fate {
            Fate::After(entry) => written == entry,
            Fate::AfterWork(entry) => work && worked == entry,
            Fate::AfterIntent => kind == "intent",
            _ => false,
        };
        if dies_after {
            resume_unwind(Box::new(Killed));
        }
        Ok(entry)
    }

    fn put_blob(&mut self, octets: &[u8]) -> Result<BlobId, JournalError> {
        self.kept.put_blob(octets)
    }

    fn put_blobs(&mut self, blobs: &Blobs) -> Result<(), JournalError> {
        self.kept.put_blobs(blobs)
    }
}
