//! Evidence bundles: a folder, a tar of it, or a folder of the state; opened within bounds, and made.
//!
//! Nothing of a tar is unpacked: its members are found by their headers and read in place. Nothing that a bundle says is
//! taken for a path.

mod dir;
mod error;
mod tarball;
mod write;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

pub use error::BundleError;
pub use write::{Made, write};

use super::journal::Lines;
use crate::evidence::{BlobId, Manifest, ManifestError};
use crate::ports::{EachEntry, Entries, JournalError, JournalView};

/// The largest blob that is read: a DNS message has at most 65,535 octets; a provider's words or a torn line may have more.
pub const LARGEST_BLOB: u64 = 16 << 20;
/// What is read of the journal at a time, octets: it is still at hand when it is hashed.
const BUFFER: usize = 1 << 17;

/// The largest manifest or seal that is read.
pub const LARGEST_NOTE: u64 = 1 << 20;

/// The largest other file (what another vantage saw) that is read.
pub const LARGEST_FILE: u64 = 1 << 30;

/// So many files may be in a bundle.
pub const MOST_FILES: usize = 4_000_000;

/// The form in which a bundle lies there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// A folder with a manifest.
    Folder,
    /// A tar of such a folder.
    Tar,
    /// A zone's folder of the state: a journal that may still grow, without a manifest.
    State,
}

/// Where a member's octets are.
#[derive(Clone, Debug)]
struct Member {
    /// The file.
    path: PathBuf,
    /// From where in it.
    offset: u64,
    /// How many octets.
    size: u64,
}

/// What was found in a folder or tar.
#[derive(Debug, Default)]
struct Found {
    blobs: BTreeMap<BlobId, Member>,
    files: BTreeMap<String, Member>,
}

impl Found {
    /// Puts a file in by its name in the bundle.
    fn put(&mut self, bundle: &Path, name: &str, member: Member) -> Result<(), BundleError> {
        if self.blobs.len() + self.files.len() >= MOST_FILES {
            return Err(BundleError::TooMany {
                bundle: bundle.to_path_buf(),
            });
        }
        let blob = name.strip_prefix("blobs/").map(BlobId::parse);
        let most = match (name, &blob) {
            ("journal.ndjson", _) => u64::MAX,
            (_, Some(_)) => LARGEST_BLOB,
            ("MANIFEST.json", _) => LARGEST_NOTE,
            _ if name.starts_with("seals/") => LARGEST_NOTE,
            _ => LARGEST_FILE,
        };
        if member.size > most {
            return Err(BundleError::TooLarge {
                bundle: bundle.to_path_buf(),
                name: name.to_owned(),
                size: member.size,
                most,
            });
        }
        let twice = match blob {
            Some(Ok(id)) => self.blobs.insert(id, member).is_some(),
            _ => self.files.insert(name.to_owned(), member).is_some(),
        };
        if twice {
            return Err(BundleError::Twice {
                bundle: bundle.to_path_buf(),
                name: name.to_owned(),
            });
        }
        Ok(())
    }
}

/// A bundle, open for reading.
#[derive(Debug)]
pub struct Bundle {
    path: PathBuf,
    form: Form,
    found: Found,
    manifest: Option<Vec<u8>>,
}

impl Bundle {
    /// Opens what lies at `path`: a folder with a manifest, a plain tar of one, or a zone's folder of the state. What it
    /// holds is listed and its sizes are bounded; nothing but the manifest's format number is judged yet.
    ///
    /// # Errors
    /// If it is none of these, is cut short, holds a link, a device, a path that leads outside or a file that is too large,
    /// or was written in another format.
    pub fn open(path: &Path) -> Result<Bundle, BundleError> {
        let kind = std::fs::metadata(path).map_err(|error| BundleError::io("read", path, &error))?;
        let (mut form, found) = if kind.is_dir() {
            (Form::Folder, dir::list(path)?)
        } else if kind.is_file() {
            (Form::Tar, tarball::list(path)?)
        } else {
            return Err(BundleError::NoBundle {
                path: path.to_path_buf(),
            });
        };
        if !found.files.contains_key("journal.ndjson") {
            return Err(BundleError::NoJournal {
                path: path.to_path_buf(),
            });
        }
        let manifest = match found.files.get("MANIFEST.json") {
            Some(member) => Some(read(member)?),
            None if form == Form::Folder => {
                form = Form::State;
                None
            }
            None => None,
        };
        if let Some(Err(ManifestError::Format(format))) = manifest.as_deref().map(Manifest::decode) {
            return Err(BundleError::Format {
                path: path.to_path_buf(),
                format,
            });
        }
        Ok(Bundle {
            path: path.to_path_buf(),
            form,
            found,
            manifest,
        })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The form in which it lies there.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The octets of `MANIFEST.json`, if there is one.
    pub fn manifest_octets(&self) -> Option<&[u8]> {
        self.manifest.as_deref()
    }

    /// The manifest, if there is one that can be read. It is not compared with the rest here.
    pub fn manifest(&self) -> Option<Manifest> {
        Manifest::decode(self.manifest.as_deref()?).ok()
    }

    /// How many octets the journal has.
    pub fn journal_octets(&self) -> u64 {
        self.found
            .files
            .get("journal.ndjson")
            .map_or(0, |member| member.size)
    }

    /// The journal from its beginning, unchecked.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn journal(&self) -> Result<Box<dyn BufRead + Send>, BundleError> {
        let Some(member) = self.found.files.get("journal.ndjson") else {
            return Err(BundleError::NoJournal {
                path: self.path.clone(),
            });
        };
        Ok(Box::new(BufReader::with_capacity(BUFFER, member.open()?)))
    }

    /// The blobs that are there with their sizes, in the order of their names.
    pub fn blobs(&self) -> impl Iterator<Item = (&BlobId, u64)> {
        self.found.blobs.iter().map(|(id, member)| (id, member.size))
    }

    /// The octets that lie under that name, not compared with it. `None`: there is no such file.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn blob_octets(&self, id: &BlobId) -> Result<Option<Vec<u8>>, BundleError> {
        self.found.blobs.get(id).map(read).transpose()
    }

    /// Every other file but journal and manifest, with its size, by its name in the bundle: `seals/12.checkpoint`.
    pub fn files(&self) -> impl Iterator<Item = (&str, u64)> {
        self.found
            .files
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "journal.ndjson" | "MANIFEST.json"))
            .map(|(name, member)| (name.as_str(), member.size))
    }

    /// The octets of one of [`Bundle::files`]. `None`: there is no such file.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn file(&self, name: &str) -> Result<Option<Vec<u8>>, BundleError> {
        self.found.files.get(name).map(read).transpose()
    }

    /// The entries one by one, each checked against the chain as it is read.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn entries(&self) -> Result<Entries<'static>, JournalError> {
        Ok(self.lines()?.entries())
    }

    fn lines(&self) -> Result<Lines<Box<dyn BufRead + Send>>, JournalError> {
        let source = self.journal().map_err(|error| JournalError::Io {
            what: "read",
            path: self.path.clone(),
            said: error.to_string(),
        })?;
        Lines::new(&self.path.join("journal.ndjson"), source)
    }

    /// The bundle as a journal to fold, after its chain was checked once from end to end.
    ///
    /// # Errors
    /// If the chain is broken or the journal cannot be read.
    pub fn view(&self) -> Result<BundleView<'_>, JournalError> {
        let (reader, _) = self.lines()?.tell(&mut |_| ControlFlow::Continue(()))?;
        Ok(BundleView {
            bundle: self,
            head: reader.chain().head().to_owned(),
        })
    }
}

/// The journal of a bundle whose chain holds.
#[derive(Debug)]
pub struct BundleView<'a> {
    bundle: &'a Bundle,
    head: String,
}

impl JournalView for BundleView<'_> {
    fn entries(&self) -> Result<Entries<'_>, JournalError> {
        self.bundle.entries()
    }

    fn tell(&self, each: EachEntry<'_>) -> Result<(), JournalError> {
        self.bundle.lines()?.tell(each).map(|_| ())
    }

    fn blob(&self, id: &BlobId) -> Result<Vec<u8>, JournalError> {
        match self.bundle.blob_octets(id) {
            Ok(Some(octets)) if BlobId::of(&octets) == *id => Ok(octets),
            Ok(Some(_)) => Err(JournalError::BlobAltered(id.clone())),
            Ok(None) => Err(JournalError::NoBlob(id.clone())),
            Err(error) => Err(JournalError::Io {
                what: "read",
                path: self.bundle.path.clone(),
                said: error.to_string(),
            }),
        }
    }

    fn head(&self) -> String {
        self.head.clone()
    }
}

impl Member {
    fn open(&self) -> Result<std::io::Take<File>, BundleError> {
        let fail = |error| BundleError::io("read", &self.path, &error);
        let mut file = File::open(&self.path).map_err(fail)?;
        file.seek(SeekFrom::Start(self.offset)).map_err(fail)?;
        Ok(file.take(self.size))
    }
}

/// All of a member; its size was bounded when it was listed.
fn read(member: &Member) -> Result<Vec<u8>, BundleError> {
    let mut octets = Vec::new();
    member
        .open()?
        .read_to_end(&mut octets)
        .map_err(|error| BundleError::io("read", &member.path, &error))?;
    Ok(octets)
}
