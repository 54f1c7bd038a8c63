//! A journal in memory, for a lab in virtual time; it can be written to a folder afterwards.

use std::path::Path;

use serde_json::Value;

use super::disk::{BlobDir, failed, make_dir, sync_dir};
use crate::evidence::{BlobId, Blobs, Chain, Entry};
use crate::moment::Moment;
use crate::ports::{Entries, Journal, JournalError, JournalView};

/// A journal that is gone when it is dropped.
#[derive(Clone, Debug, Default)]
pub struct MemoryJournal {
    chain: Chain,
    lines: Vec<String>,
    blobs: Blobs,
}

impl MemoryJournal {
    /// The octets that `journal.ndjson` would have.
    pub fn octets(&self) -> Vec<u8> {
        self.lines.concat().into_bytes()
    }

    /// Writes all of it to `dir`, in the form of a file journal.
    ///
    /// # Errors
    /// If there is one already, or the operating system refuses.
    pub fn write_to(&self, dir: &Path) -> Result<(), JournalError> {
        make_dir(dir)?;
        BlobDir::new(dir).put(&self.blobs)?;
        let path = dir.join("journal.ndjson");
        let mut file = std::fs::File::create_new(&path).map_err(|error| failed("make", &path, &error))?;
        std::io::Write::write_all(&mut file, &self.octets())
            .and_then(|()| file.sync_all())
            .map_err(|error| failed("write", &path, &error))?;
        sync_dir(dir)
    }
}

impl JournalView for MemoryJournal {
    fn entries(&self) -> Result<Entries<'_>, JournalError> {
        Ok(Box::new(self.lines.iter().map(|line| {
            Entry::decode(line.trim_end().as_bytes()).map_err(JournalError::Entry)
        })))
    }

    fn blob(&self, id: &BlobId) -> Result<Vec<u8>, JournalError> {
        match self.blobs.get(id) {
            Some(octets) => Ok(octets.to_vec()),
            None => Err(JournalError::NoBlob(id.clone())),
        }
    }

    fn head(&self) -> String {
        self.chain.head().to_owned()
    }
}

impl Journal for MemoryJournal {
    fn append(&mut self, at: Moment, kind: &str, body: Value) -> Result<Entry, JournalError> {
        let (entry, mut line) = self.chain.next_entry(at, kind, body)?;
        self.chain.follow(line.as_bytes());
        line.push('\n');
        self.lines.push(line);
        Ok(entry)
    }

    fn put_blob(&mut self, octets: &[u8]) -> Result<BlobId, JournalError> {
        Ok(self.blobs.insert(octets))
    }

    fn put_blobs(&mut self, blobs: &Blobs) -> Result<(), JournalError> {
        self.blobs.extend(blobs.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FileJournal, FileView};
    use super::*;

    #[test]
    fn written_out_it_is_a_file_journal() {
        let now = Moment::from_seconds(1_795_000_000);
        let mut memory = MemoryJournal::default();
        let id = memory.put_blob(b"message").unwrap();
        for index in 0..3 {
            memory
                .append(now, "note", serde_json::json!({ "n": index }))
                .unwrap();
        }
        let dir = tempfile::tempdir().unwrap();
        memory.write_to(dir.path()).unwrap();
        assert!(memory.write_to(dir.path()).is_err());
        let view = FileView::open(dir.path()).unwrap();
        let entries = |view: &dyn JournalView| -> Vec<Entry> {
            view.entries().unwrap().collect::<Result<_, _>>().unwrap()
        };
        assert_eq!(entries(&view), entries(&memory));
        assert_eq!(view.blob(&id).unwrap(), b"message");
        let mut file = FileJournal::open(dir.path(), now, "run").unwrap();
        assert_eq!(file.append(now, "note", Value::Null).unwrap().seq, 4);
    }
}
