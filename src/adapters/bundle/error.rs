//! Why a bundle cannot be opened or made.

use std::io;
use std::path::{Path, PathBuf};

/// Why a bundle cannot be opened or made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// It is neither folder nor file.
    #[error("{} is no evidence bundle: neither a folder nor a tar", path.display())]
    NoBundle {
        /// What was named.
        path: PathBuf,
    },
    /// No journal is in it.
    #[error("{} is no evidence bundle: there is no journal.ndjson in it", path.display())]
    NoJournal {
        /// What was named.
        path: PathBuf,
    },
    /// It is packed.
    #[error("{} is compressed ({how}); only a plain tar is read", path.display())]
    Compressed {
        /// The file.
        path: PathBuf,
        /// With what.
        how: &'static str,
    },
    /// It is no tar, or ends too early.
    #[error("{} is no whole tar: {said}", path.display())]
    Tar {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        said: String,
    },
    /// A member is no plain file or folder.
    #[error("{}: {name} is {what}, and a bundle holds plain files only", bundle.display())]
    NotPlain {
        /// The bundle.
        bundle: PathBuf,
        /// The member.
        name: String,
        /// What it is.
        what: &'static str,
    },
    /// A member's path is not one of a bundle.
    #[error("{}: the path {name:?} leads outside or is none that a bundle has", bundle.display())]
    Path {
        /// The bundle.
        bundle: PathBuf,
        /// The path as it stands there.
        name: String,
    },
    /// A member is there twice.
    #[error("{}: {name} is there twice", bundle.display())]
    Twice {
        /// The bundle.
        bundle: PathBuf,
        /// The member.
        name: String,
    },
    /// A member is larger than it can be.
    #[error("{}: {name} has {size} octets, and at most {most} are read", bundle.display())]
    TooLarge {
        /// The bundle.
        bundle: PathBuf,
        /// The member.
        name: String,
        /// Its size.
        size: u64,
        /// The largest.
        most: u64,
    },
    /// It has too many members.
    #[error("{} holds more than {} files", bundle.display(), super::MOST_FILES)]
    TooMany {
        /// The bundle.
        bundle: PathBuf,
    },
    /// Another version wrote it.
    #[error("{} has format {format}, and this build reads format {} only", path.display(), crate::evidence::BUNDLE_FORMAT)]
    Format {
        /// The bundle.
        path: PathBuf,
        /// Its format.
        format: u64,
    },
    /// What was to be made is there already.
    #[error("{} is there already, and nothing is overwritten", path.display())]
    There {
        /// The path.
        path: PathBuf,
    },
    /// The journal cannot become a bundle.
    #[error("{}: {why}", path.display())]
    Unfit {
        /// The journal's folder.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The operating system refused.
    #[error("cannot {what} {}: {said}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Its words.
        said: String,
        /// Whether it is a matter of the input: there is no such file.
        absent: bool,
    },
}

impl BundleError {
    pub(super) fn io(what: &'static str, path: &Path, error: &io::Error) -> BundleError {
        BundleError::Io {
            what,
            path: path.to_path_buf(),
            said: error.to_string(),
            absent: error.kind() == io::ErrorKind::NotFound,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            BundleError::NoBundle { .. } | BundleError::NoJournal { .. } => {
                "`unbroken audit bundle --zone ZONE --out FILE.tar` makes one from a zone's journal"
            }
            BundleError::Compressed { .. } => {
                "unpack it first: nothing is unpacked here, so that nothing can swell"
            }
            BundleError::Tar { .. } => "get it again from where it came from, and compare sizes and hashes",
            BundleError::NotPlain { .. }
            | BundleError::Path { .. }
            | BundleError::Twice { .. }
            | BundleError::TooLarge { .. }
            | BundleError::TooMany { .. } => "unbroken never makes such a bundle: ask whoever gave it to you",
            BundleError::Format { .. } => "use the version of unbroken that wrote it",
            BundleError::There { .. } => "name another place with --out",
            BundleError::Unfit { .. } => "`unbroken audit verify` on that folder says more",
            BundleError::Io { .. } => "check the path and the rights of this user",
        }
    }
}
