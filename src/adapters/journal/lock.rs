//! One writer a zone: a file lock that says who holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::disk::failed;
use crate::moment::Moment;
use crate::ports::{Holder, JournalError};

/// Held until dropped, or until the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of the journal in `dir`.
    pub(super) fn take(dir: &Path, since: Moment, command: &str) -> Result<Lock, JournalError> {
        let path = dir.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| failed("open", &path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::Locked {
                    dir: dir.to_path_buf(),
                    holder: read_holder(&mut file),
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock", &path, &error)),
        }
        let holder = Holder {
            pid: std::process::id(),
            host: host_name(),
            since,
            command: command.to_owned(),
        };
        write_holder(&mut file, &holder).map_err(|error| failed("write", &path, &error))?;
        Ok(Lock { file })
    }
}

/// Who writes the journal in `dir` now, if anybody does; `Some(None)` where it does not say who. Nothing is locked or made.
///
/// For the moment of the question the lock is held shared, so that whoever begins to write at that very moment is refused and
/// has to be started again.
pub fn writer(dir: &Path) -> Option<Option<Holder>> {
    let mut file = File::open(dir.join("lock")).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(read_holder(&mut file)),
        Ok(()) => {
            // There is nothing that could be done about it; the file is closed here in any case.
            let _ = file.unlock();
            None
        }
        Err(TryLockError::Error(_)) => None,
    }
}

impl Drop for Lock {
    /// Closing alone is not enough: a child that was started (for a secret) holds the file too until it is another program.
    fn drop(&mut self) {
        // There is nothing that could be done about it; the end of the process lets go in any case.
        let _ = self.file.unlock();
    }
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write_holder(file: &mut File, holder: &Holder) -> std::io::Result<()> {
    let text = serde_json::to_string(holder)?;
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")
}

/// The machine's name where it is easy to have.
pub fn host_name() -> String {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .or_else(|| std::env::var("HOSTNAME").ok())
        .unwrap_or_else(|| "this host".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn let_go_though_a_child_has_the_file_too() {
        let dir = tempfile::tempdir().unwrap();
        let now = Moment::from_seconds(1_795_000_000);
        let lock = Lock::take(dir.path(), now, "run").unwrap();
        let inherited = lock.file.try_clone().unwrap();
        assert!(Lock::take(dir.path(), now, "run").is_err());
        drop(lock);
        Lock::take(dir.path(), now, "run").unwrap();
        drop(inherited);
    }
}
