//! Making a bundle of a zone's folder, or of another bundle.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::super::journal::LONGEST_LINE;
use super::{Bundle, BundleError};
use crate::evidence::{BUNDLE_FORMAT, BlobId, BlobsPart, Entry, FilePart, Manifest, Summary};

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The manifest.
    pub manifest: Manifest,
    /// The SHA-256 of the manifest's octets, in lower-case hexadecimal: it fixes everything else.
    pub hash: String,
}

/// Writes a bundle to `out`: a tar where the name ends in `.tar`, else a folder. Of the journal the whole lines are taken
/// as they stand now, of the blobs those that it names, and every seal and vantage; `more` are further files by their path
/// in the bundle, such as `vantages/b.ndjson`. Equal input gives equal octets.
///
/// # Errors
/// If `out` is there already, the journal's chain is broken or a blob is missing or altered, or the operating system
/// refuses; nothing is left behind then.
pub fn write(source: &Bundle, out: &Path, more: &BTreeMap<String, Vec<u8>>) -> Result<Made, BundleError> {
    if fs::symlink_metadata(out).is_ok() {
        return Err(BundleError::There {
            path: out.to_path_buf(),
        });
    }
    let (summary, last) = summarize(source)?;
    let unfit = |why: String| BundleError::Unfit {
        path: source.path().to_path_buf(),
        why,
    };
    let Some(zone) = summary.zone.clone() else {
        return Err(unfit(
            "its journal does not tell of any zone yet: nothing was looked at".to_owned(),
        ));
    };
    let mut files = BTreeMap::new();
    for (name, _) in source.files().filter(|(name, _)| !name.ends_with(".part")) {
        if let Some(octets) = source.file(name)? {
            files.insert(name.to_owned(), octets);
        }
    }
    files.extend(more.clone());
    let mut blobs = BlobsPart::default();
    for id in &summary.named {
        blobs.count += 1;
        blobs.octets += blob(source, id)?.len() as u64;
    }
    let manifest = Manifest {
        format: BUNDLE_FORMAT,
        zone,
        journal: summary.journal(),
        blobs,
        files: files
            .iter()
            .map(|(name, octets)| (name.clone(), FilePart::of(octets)))
            .collect(),
    };
    let octets = manifest.encode().map_err(|error| unfit(error.to_string()))?;
    let contents = Contents {
        source,
        summary: &summary,
        files: &files,
        manifest: &octets,
        journal: manifest.journal.octets,
        seconds: last,
    };
    let tar = out.extension().is_some_and(|extension| extension == "tar");
    let part = part_of(out);
    let written = if tar {
        contents.tar(&part)
    } else {
        contents.folder(&part)
    };
    let done =
        written.and_then(|()| fs::rename(&part, out).map_err(|error| BundleError::io("make", out, &error)));
    if let Err(error) = done {
        // Half a bundle is of no use to anybody; that it could not be taken away changes nothing.
        let _ = if tar {
            fs::remove_file(&part)
        } else {
            fs::remove_dir_all(&part)
        };
        return Err(error);
    }
    Ok(Made {
        manifest,
        hash: crate::evidence::hash_line(&octets),
    })
}

/// Beside the place where it shall be.
fn part_of(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.part", std::process::id()));
    out.with_file_name(name)
}

/// Reads the journal's whole lines, and when the last of them was written.
fn summarize(source: &Bundle) -> Result<(Summary, u64), BundleError> {
    let (mut summary, mut last) = (Summary::default(), 0);
    // The chain is checked here; the octets are taken below, since a line has to be taken as it is.
    let head = source
        .view()
        .map_err(|error| BundleError::Unfit {
            path: source.path().to_path_buf(),
            why: error.to_string(),
        })
        .map(|view| crate::ports::JournalView::head(&view))?;
    let mut journal = source.journal()?;
    let mut line = Vec::new();
    while summary.head() != head {
        line.clear();
        (&mut journal)
            .take(LONGEST_LINE + 1)
            .read_until(b'\n', &mut line)
            .map_err(|error| BundleError::io("read", source.path(), &error))?;
        let Some(bare) = line.strip_suffix(b"\n") else {
            break;
        };
        let entry = Entry::decode(bare).map_err(|error| BundleError::Unfit {
            path: source.path().to_path_buf(),
            why: error.to_string(),
        })?;
        last = u64::try_from(entry.at.floor_seconds()).unwrap_or(0);
        summary.take(&entry, bare);
    }
    Ok((summary, last))
}

fn blob(source: &Bundle, id: &BlobId) -> Result<Vec<u8>, BundleError> {
    let unfit = |why: String| BundleError::Unfit {
        path: source.path().to_path_buf(),
        why,
    };
    match source.blob_octets(id)? {
        Some(octets) if BlobId::of(&octets) == *id => Ok(octets),
        Some(_) => Err(unfit(format!("the octets of blob {id} were altered"))),
        None => Err(unfit(format!("blob {id} is missing"))),
    }
}

/// What goes into a bundle.
struct Contents<'a> {
    source: &'a Bundle,
    summary: &'a Summary,
    files: &'a BTreeMap<String, Vec<u8>>,
    manifest: &'a [u8],
    journal: u64,
    /// When the last entry was written, Unix seconds: the time of every member of a tar.
    seconds: u64,
}

impl Contents<'_> {
    fn tar(&self, path: &Path) -> Result<(), BundleError> {
        let fail = |error: std::io::Error| BundleError::io("write", path, &error);
        let file = create(path)?;
        let mut builder = tar::Builder::new(BufWriter::new(file));
        builder
            .append_data(
                &mut self.header(self.manifest.len() as u64),
                "MANIFEST.json",
                self.manifest,
            )
            .map_err(fail)?;
        let journal = self.source.journal()?.take(self.journal);
        builder
            .append_data(&mut self.header(self.journal), "journal.ndjson", journal)
            .map_err(fail)?;
        for id in &self.summary.named {
            let octets = blob(self.source, id)?;
            let name = format!("blobs/{id}");
            builder
                .append_data(&mut self.header(octets.len() as u64), name, octets.as_slice())
                .map_err(fail)?;
        }
        for (name, octets) in self.files {
            builder
                .append_data(&mut self.header(octets.len() as u64), name, octets.as_slice())
                .map_err(fail)?;
        }
        let file = builder
            .into_inner()
            .and_then(|buffer| buffer.into_inner().map_err(std::io::IntoInnerError::into_error));
        file.and_then(|file| file.sync_all()).map_err(fail)
    }

    fn header(&self, size: u64) -> tar::Header {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o644);
        header.set_mtime(self.seconds);
        header.set_size(size);
        header
    }

    fn folder(&self, path: &Path) -> Result<(), BundleError> {
        fs::create_dir(path).map_err(|error| BundleError::io("make", path, &error))?;
        let make = |name: &str, octets: &[u8]| {
            let path = path.join(name);
            if let Some(above) = path.parent() {
                fs::create_dir_all(above).map_err(|error| BundleError::io("make", above, &error))?;
            }
            create(&path)?
                .write_all(octets)
                .map_err(|error| BundleError::io("write", &path, &error))
        };
        make("MANIFEST.json", self.manifest)?;
        let journal = path.join("journal.ndjson");
        std::io::copy(
            &mut self.source.journal()?.take(self.journal),
            &mut create(&journal)?,
        )
        .map_err(|error| BundleError::io("write", &journal, &error))?;
        for id in &self.summary.named {
            make(&format!("blobs/{id}"), &blob(self.source, id)?)?;
        }
        self.files
            .iter()
            .try_for_each(|(name, octets)| make(name, octets))
    }
}

fn create(path: &Path) -> Result<File, BundleError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(|error| BundleError::io("make", path, &error))
}
