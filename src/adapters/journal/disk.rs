//! Files that are on the disk when a call returns, and errors that say what to do.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::evidence::{BlobId, Blobs};
use crate::ports::JournalError;

/// An error of the operating system, with what was tried on what.
pub(super) fn failed(what: &'static str, path: &Path, error: &io::Error) -> JournalError {
    let path = path.to_path_buf();
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => JournalError::DiskFull { path },
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            JournalError::Permission { what, path }
        }
        _ => JournalError::Io {
            what,
            path,
            said: error.to_string(),
        },
    }
}

/// Makes what a folder lists durable.
pub(super) fn sync_dir(dir: &Path) -> Result<(), JournalError> {
    File::open(dir)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| failed("write", dir, &error))
}

/// Makes a folder and those above it, durable, readable by the owner only.
pub(super) fn make_dir(dir: &Path) -> Result<(), JournalError> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(above) = dir.parent().filter(|above| !above.as_os_str().is_empty()) {
        make_dir(above)?;
    }
    let made = create_private(dir);
    match made {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists && dir.is_dir() => {}
        Err(error) => return Err(failed("make", dir, &error)),
    }
    match dir.parent() {
        Some(above) if !above.as_os_str().is_empty() => sync_dir(above),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn create_private(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(dir)
}

#[cfg(not(unix))]
fn create_private(dir: &Path) -> io::Result<()> {
    fs::create_dir(dir)
}

/// Octets by name in one folder.
#[derive(Debug)]
pub(super) struct BlobDir {
    dir: PathBuf,
    /// Whether the folder may list names that are not durable yet.
    unsynced: bool,
}

impl BlobDir {
    /// The folder `blobs` of a journal, which need not exist yet.
    pub(super) fn new(journal: &Path) -> BlobDir {
        BlobDir {
            dir: journal.join("blobs"),
            unsynced: true,
        }
    }

    /// The octets of that name.
    pub(super) fn get(&self, id: &BlobId) -> Result<Vec<u8>, JournalError> {
        let path = self.dir.join(id.to_string());
        match fs::read(&path) {
            Ok(octets) if BlobId::of(&octets) == *id => Ok(octets),
            Ok(_) => Err(JournalError::BlobAltered(id.clone())),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(JournalError::NoBlob(id.clone())),
            Err(error) => Err(failed("read", &path, &error)),
        }
    }

    /// Keeps all of them; each is whole on the disk before it gets its name.
    pub(super) fn put(&mut self, blobs: &Blobs) -> Result<(), JournalError> {
        make_dir(&self.dir)?;
        let mut ready = Vec::new();
        for (id, octets) in blobs.iter() {
            let path = self.dir.join(id.to_string());
            if path.exists() {
                continue;
            }
            let temporary = self.dir.join(format!("{id}.part"));
            write_whole(&temporary, octets)?;
            ready.push((temporary, path));
        }
        for (temporary, path) in &ready {
            fs::rename(temporary, path).map_err(|error| failed("write", path, &error))?;
        }
        if self.unsynced || !ready.is_empty() {
            self.unsynced = true;
            sync_dir(&self.dir)?;
            self.unsynced = false;
        }
        Ok(())
    }
}

/// Puts octets at a place at once: whoever reads sees what was there before, or all of it.
pub(super) fn replace(path: &Path, octets: &[u8]) -> Result<(), JournalError> {
    let mut part = path.as_os_str().to_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    write_whole(&part, octets)?;
    fs::rename(&part, path).map_err(|error| failed("write", path, &error))?;
    path.parent().map_or(Ok(()), sync_dir)
}

fn write_whole(path: &Path, octets: &[u8]) -> Result<(), JournalError> {
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
        .and_then(|mut file| {
            file.write_all(octets)?;
            file.sync_data()
        });
    written.map_err(|error| {
        // A part of a file is of no use to anybody; that it could not be taken away changes nothing.
        let _ = fs::remove_file(path);
        failed("write", path, &error)
    })
}
