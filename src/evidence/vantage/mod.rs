//! What was seen from elsewhere: files of sweeps that another machine made, and results of RIPE Atlas probes; and what they
//! add to a journal.

mod atlas;
mod compare;
mod file;

use crate::dns::Name;
use crate::evidence::{Blobs, Sweep};

pub use atlas::read_atlas;
pub use compare::{Comparer, Differs, Seen, Stretch, Unseen};
pub use file::{VANTAGE_FORMAT, head_line, lines, read_vantage};

/// A place from where was looked, and what was seen there.
#[derive(Clone, Debug)]
pub struct Vantage {
    /// Its name.
    pub name: String,
    /// What looked.
    pub program: String,
    /// The zone that was looked at; none: any name may be among the questions.
    pub zone: Option<Name>,
    /// What was asked and came back, in order of time.
    pub sweeps: Vec<Sweep>,
    /// The messages, identifiers set to zero.
    pub blobs: Blobs,
    /// How many results told neither what was asked nor what came back, so that they are not among the sweeps.
    pub untold: usize,
}

/// Why octets are no file of a vantage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VantageFault {
    /// Another version wrote it.
    #[error("line {line}: it has format {format}, and this build reads format {VANTAGE_FORMAT} only")]
    Format {
        /// Counted from 1.
        line: usize,
        /// Its format.
        format: u64,
    },
    /// A line that does not belong there.
    #[error("line {line}: {said}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        said: String,
    },
    /// A result of RIPE Atlas that is none.
    #[error("result {number}: {said}")]
    Result {
        /// Counted from 1.
        number: usize,
        /// What is wrong.
        said: String,
    },
    /// It is something else.
    #[error("{0}")]
    Form(String),
}

/// Whether a text may be the name of a vantage: 1 to 64 of `a-z A-Z 0-9 - _ .`, and no dot in front.
pub fn is_vantage_name(text: &str) -> bool {
    let fits = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
    (1..=64).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(fits)
}
