//! What can end a run before its plan does.

use crate::ports::JournalError;
use crate::workflow::NoVerdict;

/// A run that could not go on. Everything up to here is in the journal, so it is safe to run again.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The journal could not be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// An entry of the journal is not of its kind's form.
    #[error("entry {seq} of the journal cannot be read: {said}")]
    Entry {
        /// Its number.
        seq: u64,
        /// What is wrong.
        said: String,
    },
    /// The zone or its servers were not found.
    #[error("{0}")]
    NotFound(String),
    /// The settings lack something that the plan needs.
    #[error("{0}")]
    Settings(String),
    /// The checker refused what this program asked.
    #[error("the checker refused the timeline: {0}")]
    Checker(String),
}

impl From<NoVerdict> for RunError {
    fn from(none: NoVerdict) -> RunError {
        match none {
            NoVerdict::NoPlan => RunError::Settings(none.to_string()),
            NoVerdict::Timeline(said) => RunError::Checker(said),
        }
    }
}
