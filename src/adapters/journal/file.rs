//! A journal in a folder: `journal.ndjson`, `blobs/`, `lock`.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::disk::{BlobDir, failed, make_dir, sync_dir};
use super::lines::Lines;
use super::lock::Lock;
use crate::evidence::{BlobId, Blobs, Chain, Entry, Reader, Torn};
use crate::moment::Moment;
use crate::ports::{EachEntry, Entries, Journal, JournalError, JournalView};

/// The journal of a zone, open for writing and locked.
#[derive(Debug)]
pub struct FileJournal {
    path: PathBuf,
    file: File,
    chain: Chain,
    /// Octets of the whole lines.
    length: u64,
    /// Whether an earlier write left it open what is on the disk.
    unsure: bool,
    blobs: BlobDir,
    _lock: Lock,
}

impl FileJournal {
    /// Opens the journal in `dir` (see [`super::zone_dir`]), or begins one; `command` and `now` are told to whoever finds
    /// it locked. A last line whose writing was interrupted is cut off, and a `note` says what was cut.
    ///
    /// # Errors
    /// If another process has it, it is damaged (nothing is changed then), or the operating system refuses.
    pub fn open(dir: &Path, now: Moment, command: &str) -> Result<FileJournal, JournalError> {
        make_dir(dir)?;
        let lock = Lock::take(dir, now, command)?;
        let path = dir.join("journal.ndjson");
        let (reader, torn) = match check(&path) {
            Err(JournalError::Absent { .. }) => (Reader::default(), None),
            other => other?,
        };
        let fresh = !path.exists();
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&path)
            .map_err(|error| failed("open", &path, &error))?;
        if fresh {
            sync_dir(dir)?;
        }
        let mut journal = FileJournal {
            file,
            chain: reader.chain().clone(),
            length: reader.offset(),
            unsure: false,
            blobs: BlobDir::new(dir),
            _lock: lock,
            path,
        };
        if let Some(torn) = torn {
            journal.cut(&torn, now)?;
        }
        Ok(journal)
    }

    /// Takes off what an interrupted write left. Its octets are kept as a blob.
    fn cut(&mut self, torn: &Torn, now: Moment) -> Result<(), JournalError> {
        let blob = self.put_blob(&torn.octets)?;
        self.file
            .set_len(torn.offset)
            .map_err(|error| failed("write", &self.path, &error))?;
        let body = json!({
            "what": "torn-line",
            "text": "the writing of this line had been interrupted; nothing was done on its strength; it was cut off",
            "line": torn.line,
            "octets": torn.octets.len(),
            "blob": blob,
        });
        self.append(now, "note", body).map(|_| ())
    }

    fn write(&mut self, line: &str) -> Result<(), JournalError> {
        let mut octets = Vec::with_capacity(line.len() + 1);
        octets.extend_from_slice(line.as_bytes());
        octets.push(b'\n');
        if let Err(error) = self.file.write_all(&octets) {
            // Some of it may be there. Without it the journal is as it was.
            self.unsure = self.file.set_len(self.length).is_err();
            return Err(failed("write", &self.path, &error));
        }
        if let Err(error) = self.file.sync_data() {
            // After a failed sync nobody knows what is on the disk, and a second one may say yes without cause.
            self.unsure = true;
            return Err(failed("write", &self.path, &error));
        }
        self.length += octets.len() as u64;
        Ok(())
    }
}

impl JournalView for FileJournal {
    fn entries(&self) -> Result<Entries<'_>, JournalError> {
        read_entries(&self.path)
    }

    fn tell(&self, each: EachEntry<'_>) -> Result<(), JournalError> {
        Lines::open(&self.path)?.tell(each).map(|_| ())
    }

    fn blob(&self, id: &BlobId) -> Result<Vec<u8>, JournalError> {
        self.blobs.get(id)
    }

    fn head(&self) -> String {
        self.chain.head().to_owned()
    }
}

impl Journal for FileJournal {
    fn append(&mut self, at: Moment, kind: &str, body: Value) -> Result<Entry, JournalError> {
        if self.unsure {
            return Err(JournalError::Unsure {
                path: self.path.clone(),
            });
        }
        let (entry, line) = self.chain.next_entry(at, kind, body)?;
        self.write(&line)?;
        self.chain.follow(line.as_bytes());
        Ok(entry)
    }

    fn put_blob(&mut self, octets: &[u8]) -> Result<BlobId, JournalError> {
        let mut blobs = Blobs::default();
        let id = blobs.insert(octets);
        self.blobs.put(&blobs)?;
        Ok(id)
    }

    fn put_blobs(&mut self, blobs: &Blobs) -> Result<(), JournalError> {
        self.blobs.put(blobs)
    }
}

/// A journal open for reading, without a lock: another process may be writing it.
#[derive(Debug)]
pub struct FileView {
    path: PathBuf,
    head: String,
    blobs: BlobDir,
}

impl FileView {
    /// Opens the journal in `dir`. A last line that is only half there is passed over: it is being written, or its
    /// writing was interrupted.
    ///
    /// # Errors
    /// If there is none, or it is damaged, or the operating system refuses.
    pub fn open(dir: &Path) -> Result<FileView, JournalError> {
        let path = dir.join("journal.ndjson");
        let (reader, _) = check(&path)?;
        Ok(FileView {
            head: reader.chain().head().to_owned(),
            blobs: BlobDir::new(dir),
            path,
        })
    }
}

impl JournalView for FileView {
    fn entries(&self) -> Result<Entries<'_>, JournalError> {
        read_entries(&self.path)
    }

    fn tell(&self, each: EachEntry<'_>) -> Result<(), JournalError> {
        Lines::open(&self.path)?.tell(each).map(|_| ())
    }

    fn blob(&self, id: &BlobId) -> Result<Vec<u8>, JournalError> {
        self.blobs.get(id)
    }

    fn head(&self) -> String {
        self.head.clone()
    }
}

/// Reads all of it and gives where the chain stands, and a torn last line.
fn check(path: &Path) -> Result<(Reader, Option<Torn>), JournalError> {
    Lines::open(path)?.tell(&mut |_| ControlFlow::Continue(()))
}

fn read_entries(path: &Path) -> Result<Entries<'static>, JournalError> {
    Ok(Lines::open(path)?.entries())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::ErrorKind;

    fn now() -> Moment {
        Moment::from_seconds(1_795_000_000)
    }

    fn open(dir: &Path) -> Result<FileJournal, JournalError> {
        FileJournal::open(dir, now(), "run")
    }

    fn seqs(journal: &dyn JournalView) -> Vec<u64> {
        journal
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().seq)
            .collect()
    }

    fn written(dir: &Path, entries: u64) -> Vec<u8> {
        let mut journal = open(dir).unwrap();
        for index in 0..entries {
            journal
                .append(now(), "note", json!({ "text": index.to_string() }))
                .unwrap();
        }
        fs::read(dir.join("journal.ndjson")).unwrap()
    }

    #[test]
    fn goes_on_where_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let zone = dir.path().join("state/shop.test");
        written(&zone, 2);
        written(&zone, 1);
        let view = FileView::open(&zone).unwrap();
        assert_eq!(seqs(&view), [1, 2, 3]);
        assert_eq!(view.head(), open(&zone).unwrap().head());
    }

    #[test]
    fn a_second_writer_is_told_who_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let first = open(dir.path()).unwrap();
        let error = FileJournal::open(dir.path(), now(), "step").unwrap_err();
        let JournalError::Locked {
            holder: Some(holder), ..
        } = &error
        else {
            panic!("{error}");
        };
        assert_eq!((holder.pid, holder.command.as_str()), (std::process::id(), "run"));
        assert!(error.to_string().contains("`unbroken run`, process"), "{error}");
        drop(first);
        FileJournal::open(dir.path(), now(), "step").unwrap();
    }

    #[test]
    fn a_crash_at_any_octet_loses_only_the_line_that_was_being_written() {
        let source = tempfile::tempdir().unwrap();
        let whole = written(source.path(), 2);
        for length in 0..=whole.len() {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("journal.ndjson");
            fs::write(&path, &whole[..length]).unwrap();
            let complete = whole[..length].iter().filter(|octet| **octet == b'\n').count() as u64;
            let torn = length > 0 && whole[length - 1] != b'\n';

            let mut journal = open(dir.path()).unwrap();
            let found: Vec<Entry> = journal.entries().unwrap().map(Result::unwrap).collect();
            assert_eq!(found.len() as u64, complete + u64::from(torn), "at {length}");
            if torn {
                let note = found.last().unwrap();
                assert_eq!(
                    (note.kind.as_str(), note.body["what"].as_str()),
                    ("note", Some("torn-line"))
                );
                let id: BlobId = serde_json::from_value(note.body["blob"].clone()).unwrap();
                assert!(whole[..length].ends_with(&journal.blob(&id).unwrap()));
            }
            journal.append(now(), "note", json!({"text": "after"})).unwrap();
            drop(journal);
            let again = open(dir.path()).unwrap();
            assert_eq!(seqs(&again).len() as u64, complete + u64::from(torn) + 1);
        }
    }

    #[test]
    fn a_damaged_journal_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let whole = String::from_utf8(written(dir.path(), 3)).unwrap();
        let path = dir.path().join("journal.ndjson");
        let altered = whole.replacen("\"text\":\"0\"", "\"text\":\"9\"", 1);
        fs::write(&path, &altered).unwrap();
        let error = open(dir.path()).unwrap_err();
        assert!(
            matches!(&error, JournalError::Damaged { fault, .. } if fault.line == 1),
            "{error}"
        );
        assert!(matches!(
            FileView::open(dir.path()),
            Err(JournalError::Damaged { .. })
        ));
        assert_eq!(fs::read_to_string(&path).unwrap(), altered);
    }

    #[test]
    fn blobs_are_kept_under_their_hash_and_checked() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = open(dir.path()).unwrap();
        let mut blobs = Blobs::default();
        let id = blobs.insert(b"one");
        blobs.insert(b"two");
        journal.put_blobs(&blobs).unwrap();
        journal.put_blobs(&blobs).unwrap();
        assert_eq!(journal.blob(&id).unwrap(), b"one");
        assert_eq!(fs::read_dir(dir.path().join("blobs")).unwrap().count(), 2);
        let other = BlobId::of(b"three");
        assert_eq!(journal.blob(&other), Err(JournalError::NoBlob(other)));
        fs::write(dir.path().join("blobs").join(id.to_string()), b"x").unwrap();
        assert_eq!(journal.blob(&id), Err(JournalError::BlobAltered(id.clone())));
    }

    #[test]
    fn a_full_disk_has_its_own_error() {
        let full = std::io::Error::from(ErrorKind::StorageFull);
        let error = failed("write", Path::new("j"), &full);
        assert_eq!(error, JournalError::DiskFull { path: "j".into() });
        assert!(error.hint().contains("make room"));
    }

    #[test]
    fn a_write_that_fails_takes_nothing_for_kept() {
        // A file that is open for reading only refuses every write, as a failing disk would.
        let dir = tempfile::tempdir().unwrap();
        let whole = written(dir.path(), 2);
        let mut journal = open(dir.path()).unwrap();
        journal.file = File::open(dir.path().join("journal.ndjson")).unwrap();
        let head = journal.head();
        assert!(journal.append(now(), "note", json!({})).is_err());
        assert!(matches!(
            journal.append(now(), "note", json!({})),
            Err(JournalError::Unsure { .. })
        ));
        assert_eq!(journal.head(), head);
        assert_eq!(fs::read(dir.path().join("journal.ndjson")).unwrap(), whole);
    }
}
