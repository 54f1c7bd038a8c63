//! How a command ends.

use std::fmt;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::settings::SettingsError;
use crate::evidence::{EntryError, FaultKind};
use crate::ports::JournalError;

/// The exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, or what was checked holds.
    Done,
    /// 1: what was checked does not hold.
    Fails,
    /// 2: wrong usage, settings or input file; nothing was touched.
    Usage,
    /// 3: not yet, or not to be told.
    NotYet,
    /// 4: a person must decide.
    Halted,
    /// 5: a provider, registrar, server or lock refused or failed; safe to run again.
    Refused,
    /// 70: a fault of the program itself.
    Fault,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Fails => 1,
            Exit::Usage => 2,
            Exit::NotYet => 3,
            Exit::Halted => 4,
            Exit::Refused => 5,
            Exit::Fault => 70,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// Why a command could not do its work, in words, with what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    exit: Exit,
    what: String,
    hints: Vec<String>,
}

impl Failure {
    /// A failure with its exit status.
    pub fn new(exit: Exit, what: impl Into<String>) -> Failure {
        Failure {
            exit,
            what: what.into(),
            hints: Vec::new(),
        }
    }

    /// Wrong usage, settings or input file: exit 2.
    pub fn usage(what: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, what)
    }

    /// Something outside refused or failed, and running it again is safe: exit 5.
    pub fn refused(what: impl Into<String>) -> Failure {
        Failure::new(Exit::Refused, what)
    }

    /// A person must decide: exit 4.
    pub fn halted(what: impl Into<String>) -> Failure {
        Failure::new(Exit::Halted, what)
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hints.push(hint.into());
        self
    }

    /// The exit status.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The form for `--json`.
    pub fn document(&self) -> Value {
        json!({"error": {"text": self.what, "hints": self.hints, "exit": self.exit.code()}})
    }

    /// What can be done about it.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Failure {
        let failure = Failure::usage(error.to_string());
        match error.advice() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Failure {
        let exit = match &error {
            JournalError::Damaged { fault, .. } => match fault.what {
                FaultKind::Entry(EntryError::Format(_)) => Exit::Usage,
                _ => Exit::Halted,
            },
            JournalError::NoBlob(_) | JournalError::BlobAltered(_) => Exit::Halted,
            JournalError::Absent { .. } => Exit::Usage,
            JournalError::Entry(_) => Exit::Fault,
            JournalError::Locked { .. }
            | JournalError::DiskFull { .. }
            | JournalError::Permission { .. }
            | JournalError::Io { .. }
            | JournalError::Unsure { .. } => Exit::Refused,
        };
        Failure::new(exit, error.to_string()).hint(error.hint())
    }
}
