//! What was seen and what was done, as data: observations, journal entries and their hash chain. Pure.

mod blob;
mod chain;
mod entry;
mod exchange;
mod manifest;
mod merkle;
mod note;
mod observation;
mod repeats;
mod seal;
mod stamp;
pub mod vantage;

pub use blob::{BlobId, Blobs, NoBlobId};
pub use chain::{Chain, FaultKind, JournalFault, Line, ReadJournal, Reader, Torn, read_journal};
pub use entry::{Entry, EntryError, Head, JOURNAL_FORMAT, NO_PREVIOUS, hash_line};
pub use exchange::{BodyForm, Exchange, Kept, LARGEST_KEPT, Trace};
pub use manifest::{
    BUNDLE_FORMAT, BlobsPart, Ends, FilePart, JournalPart, LineHash, Manifest, ManifestError, Summary,
    name_blobs, zone_of,
};
pub use merkle::{Hash, Tree, leaf_hash};
pub use note::{Note, NoteError, Signed, SignerKey, VerifierKey};
pub use observation::{BlindSpot, Observation, Outcome, Place, Proto, Sweep};
pub use repeats::{Repeated, Repeats, SweepKind};
pub use seal::{Checkpoint, origin, watch_origin};
pub use stamp::{LARGEST_TOKEN, StampError, Token, stamp_request};
