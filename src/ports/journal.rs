//! The journal: entries that are appended and never changed, and the octets that they name.

use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::evidence::{BlobId, Blobs, Entry, EntryError, FaultKind, JournalFault, Sweep};
use crate::moment::Moment;

/// Entries one by one, each checked against the chain as it is read.
pub type Entries<'a> = Box<dyn Iterator<Item = Result<Entry, JournalError>> + Send + 'a>;

/// An entry as it is told to a fold: read as far as it had to be.
#[derive(Debug)]
pub struct Told<'a> {
    /// Its number.
    pub seq: u64,
    /// When it was written.
    pub at: Moment,
    /// The hash of the line before it.
    pub prev: &'a str,
    /// What it says.
    pub body: ToldBody<'a>,
}

/// What an entry says.
#[derive(Debug)]
pub enum ToldBody<'a> {
    /// A sweep. Whoever takes it out need not put it back, but the next one is read faster then.
    Sweep(&'a mut Sweep),
    /// Anything else: its kind, and JSON.
    Text(&'a str, &'a str),
    /// Anything, read already: its kind, and what it holds.
    Value(&'a str, &'a Value),
}

/// Is shown entry after entry, and may break off.
pub type EachEntry<'a> = &'a mut dyn FnMut(Told<'_>) -> ControlFlow<()>;

/// Reading a journal.
pub trait JournalView: Send {
    /// All entries from the first, without holding more than one of them.
    ///
    /// # Errors
    /// If the journal cannot be read; an item is an error where the chain is broken, and the last one then.
    fn entries(&self) -> Result<Entries<'_>, JournalError>;
    /// Shows each of them to `each`, until it breaks off: for whoever folds a long journal.
    ///
    /// # Errors
    /// As [`JournalView::entries`].
    fn tell(&self, each: EachEntry<'_>) -> Result<(), JournalError> {
        for entry in self.entries()? {
            let entry = entry?;
            let told = Told {
                seq: entry.seq,
                at: entry.at,
                prev: &entry.prev,
                body: ToldBody::Value(&entry.kind, &entry.body),
            };
            if each(told).is_break() {
                break;
            }
        }
        Ok(())
    }
    /// The octets of that name, checked against it.
    ///
    /// # Errors
    /// If there are none, or others.
    fn blob(&self, id: &BlobId) -> Result<Vec<u8>, JournalError>;
    /// The hash of the last line.
    fn head(&self) -> String;
}

/// Writing a journal. There is one writer a zone.
pub trait Journal: JournalView {
    /// Appends an entry; when this returns, it is on the disk.
    ///
    /// # Errors
    /// If it is not certain that the entry is kept: then nothing may be done on its strength.
    fn append(&mut self, at: Moment, kind: &str, body: Value) -> Result<Entry, JournalError>;
    /// Keeps octets; call this before appending the entry that names them.
    ///
    /// # Errors
    /// As [`Journal::append`].
    fn put_blob(&mut self, octets: &[u8]) -> Result<BlobId, JournalError>;
    /// Keeps all of them at once; cheaper than one by one.
    ///
    /// # Errors
    /// As [`Journal::append`].
    fn put_blobs(&mut self, blobs: &Blobs) -> Result<(), JournalError>;
}

/// Who writes a zone's journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// The machine.
    pub host: String,
    /// Since when.
    pub since: Moment,
    /// What it was started for ("run").
    pub command: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`unbroken {}`, process {} on {}, since {}",
            self.command, self.pid, self.host, self.since
        )
    }
}

/// Why a journal could not be opened, read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// Another process writes it.
    #[error("another process has the journal in {}: {}", dir.display(), holder_text(holder.as_ref()))]
    Locked {
        /// The journal's folder.
        dir: PathBuf,
        /// Who, if it could be read.
        holder: Option<Holder>,
    },
    /// There is none.
    #[error("there is no journal in {}", dir.display())]
    Absent {
        /// The folder that was looked in.
        dir: PathBuf,
    },
    /// It was changed by something else than this program's appending.
    #[error("the journal {} is damaged: {fault}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where and how.
        fault: JournalFault,
    },
    /// No space, or a quota is used up.
    #[error("no space left for {}", path.display())]
    DiskFull {
        /// The file or folder.
        path: PathBuf,
    },
    /// Not allowed.
    #[error("not allowed to {what} {}", path.display())]
    Permission {
        /// What was tried.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
    },
    /// Anything else that the operating system said.
    #[error("cannot {what} {}: {said}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's words.
        said: String,
    },
    /// An earlier write failed in a way that leaves it open what is on the disk.
    #[error("{} takes no more entries: an earlier write to it failed", path.display())]
    Unsure {
        /// The file.
        path: PathBuf,
    },
    /// A message that an entry names is not there.
    #[error("there is no blob {0}")]
    NoBlob(BlobId),
    /// A message is not what its name says.
    #[error("the octets of blob {0} were altered")]
    BlobAltered(BlobId),
    /// The entry cannot be written as JSON.
    #[error("{0}")]
    Entry(#[from] EntryError),
}

fn holder_text(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "who, it did not say".to_owned(), Holder::to_string)
}

impl JournalError {
    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            JournalError::Locked { .. } => {
                "wait for it, or stop it, and run this again; `unbroken status` needs no lock"
            }
            JournalError::Absent { .. } => {
                "check --state and the name of the zone; `unbroken run` begins a journal"
            }
            JournalError::Damaged { fault, .. } if is_other_format(fault) => {
                "use the version of unbroken that wrote it"
            }
            JournalError::Damaged { .. } => {
                "nothing is repaired by itself: put back a copy that was not altered, or keep this one as evidence and \
                 begin anew with another --state"
            }
            JournalError::DiskFull { .. } => "make room there and run this again: it goes on where it was",
            JournalError::Permission { .. } => {
                "run this as the user who owns the folder, or name another with --state"
            }
            JournalError::Io { .. } | JournalError::Unsure { .. } => {
                "look at the disk, then run this again: it reads back what was kept and goes on from there"
            }
            JournalError::NoBlob(_) | JournalError::BlobAltered(_) => {
                "put back the `blobs` folder from a copy that was not altered"
            }
            JournalError::Entry(_) => "this is a fault of the program: please report it",
        }
    }
}

/// Whether the fault is only that another version wrote it.
fn is_other_format(fault: &JournalFault) -> bool {
    matches!(fault.what, FaultKind::Entry(EntryError::Format(_)))
}
