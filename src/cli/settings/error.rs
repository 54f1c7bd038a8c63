//! Errors of the settings: file, line, column, what was expected, and what to do.

use std::fmt;
use std::path::{Path, PathBuf};

/// Why there are no settings to work with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    place: Place,
    what: String,
    hint: Option<String>,
}

/// A place in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// Line and column, both counted from 1; none where the whole file is meant.
    pub position: Option<(usize, usize)>,
}

impl Place {
    /// The place of an octet in `text`, the content of `file`.
    pub(super) fn at(file: &Path, text: &str, octet: usize) -> Place {
        let before = text.get(..octet).unwrap_or(text);
        let line = 1 + before.matches('\n').count();
        let column = 1 + before.rsplit('\n').next().unwrap_or("").chars().count();
        Place {
            file: file.to_path_buf(),
            position: Some((line, column)),
        }
    }

    /// A whole file.
    pub(super) fn whole(file: &Path) -> Place {
        Place {
            file: file.to_path_buf(),
            position: None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        match self.position {
            Some((line, column)) => write!(f, ":{line}:{column}"),
            None => Ok(()),
        }
    }
}

impl SettingsError {
    pub(super) fn new(place: Place, what: impl Into<String>) -> SettingsError {
        SettingsError {
            place,
            what: what.into(),
            hint: None,
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> SettingsError {
        self.hint = Some(hint.into());
        self
    }

    /// The file, line and column.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What a person can do about it.
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

impl std::error::Error for SettingsError {}
