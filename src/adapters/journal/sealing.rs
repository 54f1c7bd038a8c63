//! A journal whose head is sealed: at every step that is proven, at every end, and every hour.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use data_encoding::HEXLOWER;
use serde_json::Value;

use super::disk::{failed, make_dir, replace};
use crate::evidence::{
    BlobId, Blobs, Checkpoint, Entry, Hash, NO_PREVIOUS, Note, SignerKey, Tree, VerifierKey,
};
use crate::moment::Moment;
use crate::ports::{EachEntry, Entries, Journal, JournalError, JournalView};

/// Between two seals while nothing is proven.
const HOUR: Duration = Duration::from_secs(3600);

/// Is told of each seal: its file below the journal's folder, and its octets.
pub type OnSeal = Box<dyn FnMut(&str, &str) + Send>;

/// A journal that seals its head in `seals/` beside it.
pub struct SealingJournal<J> {
    inner: J,
    dir: PathBuf,
    key: SignerKey,
    verifier: VerifierKey,
    tree: Tree,
    /// When the last entry that a seal ends with was written, by this or another process; the first one, where there is none.
    sealed: Option<Moment>,
    on_seal: OnSeal,
}

impl<J: Journal> SealingJournal<J> {
    /// Reads what the journal in `dir` holds, once. `origin` is unique to it (see [`crate::evidence::origin`]). The public half of the key is put into `seals/keys`.
    ///
    /// # Errors
    /// If the journal or `seals/` cannot be read or written, or the key's name is none.
    pub fn open(
        inner: J,
        dir: &Path,
        origin: &str,
        key: SignerKey,
        on_seal: OnSeal,
    ) -> Result<Self, JournalError> {
        let (mut tree, mut sealed) = (Tree::default(), None);
        let mut fault = None;
        inner.tell(&mut |told| {
            if told.seq > 1 {
                match leaf(told.prev) {
                    Ok(leaf) => tree.push(&leaf),
                    Err(error) => fault = Some(error),
                }
            }
            if told.seq == 1 || dir.join(Checkpoint::file_name(told.seq)).exists() {
                sealed = Some(told.at);
            }
            match fault {
                None => ControlFlow::Continue(()),
                Some(_) => ControlFlow::Break(()),
            }
        })?;
        if let Some(error) = fault {
            return Err(error);
        }
        let head = inner.head();
        if head != NO_PREVIOUS {
            tree.push(&leaf(&head)?);
        }
        let verifier = key
            .verifier()
            .named(origin)
            .map_err(|error| unsealed(dir, &error))?;
        let journal = SealingJournal {
            dir: dir.to_path_buf(),
            tree,
            sealed,
            inner,
            key,
            verifier,
            on_seal,
        };
        journal.publish()?;
        Ok(journal)
    }

    /// Puts the verifying key into `seals/keys`, if it is not there yet.
    fn publish(&self) -> Result<(), JournalError> {
        let folder = self.dir.join("seals");
        make_dir(&folder)?;
        let path = folder.join("keys");
        let held = match std::fs::read_to_string(&path) {
            Ok(held) => held,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed("read", &path, &error)),
        };
        let line = self.verifier.to_string();
        if held.lines().any(|own| own == line) {
            return Ok(());
        }
        replace(&path, format!("{held}{line}\n").as_bytes())
    }

    fn seal(&mut self, at: Moment) -> Result<(), JournalError> {
        let checkpoint = Checkpoint::of(self.verifier.name(), &self.tree);
        let note = checkpoint
            .sign(&self.key)
            .map_err(|error| unsealed(&self.dir, &error))?;
        let file = Checkpoint::file_name(checkpoint.size);
        self.refuse_second(&file, &checkpoint)?;
        replace(&self.dir.join(&file), note.as_bytes())?;
        self.sealed = Some(at);
        (self.on_seal)(&file, &note);
        Ok(())
    }
}

/// Keeps a token over a seal beside it; `seal` is the seal's file below the journal's folder `dir`.
///
/// # Errors
/// If it cannot be written.
pub fn keep_token(dir: &Path, seal: &str, token: &[u8]) -> Result<(), JournalError> {
    let stem = seal.strip_suffix(".checkpoint").unwrap_or(seal);
    replace(&dir.join(format!("{stem}.tsr")), token)
}

/// The last seal of the journal in `dir`, if no token is beside it: its file and its octets.
pub fn unstamped(dir: &Path) -> Option<(String, Vec<u8>)> {
    let size = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        name.strip_suffix(".checkpoint")?.parse::<u64>().ok()
    };
    let last = std::fs::read_dir(dir.join("seals"))
        .ok()?
        .filter_map(size)
        .max()?;
    if dir.join(format!("seals/{last}.tsr")).exists() {
        return None;
    }
    let file = Checkpoint::file_name(last);
    let octets = std::fs::read(dir.join(&file)).ok()?;
    Some((file, octets))
}

/// What is wrong where a seal over other entries is there.
const SECOND: &str = "a seal over as many other entries is there: the journal was cut or an old copy of it was put back. \
     If that was meant, move `seals/` elsewhere and keep it";

/// A line's hash as the leaf of the tree.
fn leaf(hex: &str) -> Result<Hash, JournalError> {
    let octets = HEXLOWER.decode(hex.as_bytes()).ok();
    octets
        .and_then(|octets| Hash::try_from(octets).ok())
        .ok_or_else(|| JournalError::Entry(crate::evidence::EntryError::Form("a hash is none".to_owned())))
}

fn unsealed(dir: &Path, error: &crate::evidence::NoteError) -> JournalError {
    JournalError::Io {
        what: "seal",
        path: dir.to_path_buf(),
        said: error.to_string(),
    }
}

impl<J: Journal> SealingJournal<J> {
    /// The seal that shows that a journal was cut is never overwritten by one over what came instead.
    fn refuse_second(&self, file: &str, ours: &Checkpoint) -> Result<(), JournalError> {
        let path = self.dir.join(file);
        let octets = match std::fs::read(&path) {
            Ok(octets) => octets,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed("read", &path, &error)),
        };
        let held = Note::parse(&octets).and_then(|note| Checkpoint::parse(&note));
        match held {
            Ok(held) if held.root == ours.root => Ok(()),
            _ => Err(JournalError::Io {
                what: "seal",
                path,
                said: SECOND.to_owned(),
            }),
        }
    }
}

impl<J: Journal> JournalView for SealingJournal<J> {
    fn entries(&self) -> Result<Entries<'_>, JournalError> {
        self.inner.entries()
    }

    fn tell(&self, each: EachEntry<'_>) -> Result<(), JournalError> {
        self.inner.tell(each)
    }

    fn blob(&self, id: &BlobId) -> Result<Vec<u8>, JournalError> {
        self.inner.blob(id)
    }

    fn head(&self) -> String {
        self.inner.head()
    }
}

impl<J: Journal> Journal for SealingJournal<J> {
    fn append(&mut self, at: Moment, kind: &str, body: Value) -> Result<Entry, JournalError> {
        let entry = self.inner.append(at, kind, body)?;
        self.tree.push(&leaf(&self.inner.head())?);
        let sealed = *self.sealed.get_or_insert(at);
        // Where the clock was set back, the hour begins anew.
        let due = at.since(sealed) >= HOUR || at < sealed;
        if due || matches!(kind, "proven" | "end") {
            self.seal(at)?;
        }
        Ok(entry)
    }

    fn put_blob(&mut self, octets: &[u8]) -> Result<BlobId, JournalError> {
        self.inner.put_blob(octets)
    }

    fn put_blobs(&mut self, blobs: &Blobs) -> Result<(), JournalError> {
        self.inner.put_blobs(blobs)
    }
}

#[cfg(test)]
mod tests {
    use super::super::FileJournal;
    use super::*;
    use crate::evidence::Note;

    fn open(dir: &Path, at: Moment) -> SealingJournal<FileJournal> {
        let journal = FileJournal::open(dir, at, "run").unwrap();
        let key = SignerKey::from_seed("example.com/dns", &[7; 32]).unwrap();
        SealingJournal::open(
            journal,
            dir,
            "example.com/dns/shop.test",
            key,
            Box::new(|_, _| {}),
        )
        .unwrap()
    }

    #[test]
    fn steps_and_hours_are_sealed_and_a_second_process_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let start = Moment::from_seconds(1_795_000_000);
        let body = || serde_json::json!({});
        let mut journal = open(dir.path(), start);
        journal.append(start, "note", body()).unwrap();
        journal.append(start, "proven", body()).unwrap();
        drop(journal);
        let mut journal = open(dir.path(), start);
        journal.append(start, "note", body()).unwrap();
        journal.append(start + HOUR, "note", body()).unwrap();
        journal.append(start + HOUR, "note", body()).unwrap();
        let lines = std::fs::read(dir.path().join("journal.ndjson")).unwrap();
        let mut tree = Tree::default();
        let mut roots = vec![tree.root()];
        for line in lines
            .split(|octet| *octet == b'\n')
            .filter(|line| !line.is_empty())
        {
            tree.push(&crate::evidence::LineHash::of(line).0);
            roots.push(tree.root());
        }
        let keys = std::fs::read_to_string(dir.path().join("seals/keys")).unwrap();
        let verifier: VerifierKey = keys.trim_end().parse().unwrap();
        assert_eq!(verifier.name(), "example.com/dns/shop.test");
        for size in [2, 4] {
            let octets = std::fs::read(dir.path().join(Checkpoint::file_name(size))).unwrap();
            let note = Note::parse(&octets).unwrap();
            assert_eq!(note.signed_by(&verifier), Some(true));
            assert_eq!(Checkpoint::parse(&note).unwrap().root, roots[size as usize]);
        }
        assert_eq!(std::fs::read_dir(dir.path().join("seals")).unwrap().count(), 3);
    }

    /// Processes that end soon, as those of a timer do, reach the hour together.
    #[test]
    fn the_hour_goes_on_over_processes() {
        let dir = tempfile::tempdir().unwrap();
        let start = Moment::from_seconds(1_795_000_000);
        for half in 0..5_u32 {
            let at = start + HOUR / 2 * half;
            open(dir.path(), at)
                .append(at, "sweep", serde_json::json!({}))
                .unwrap();
        }
        let sealed = |size| dir.path().join(Checkpoint::file_name(size)).exists();
        assert_eq!([1, 2, 3, 4, 5].map(sealed), [false, false, true, false, true]);
    }

    #[test]
    fn a_second_history_is_not_sealed_over_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let start = Moment::from_seconds(1_795_000_000);
        let body = |text: &str| serde_json::json!({ "said": text });
        open(dir.path(), start)
            .append(start, "proven", body("one"))
            .unwrap();
        let seal = std::fs::read(dir.path().join(Checkpoint::file_name(1))).unwrap();
        std::fs::remove_file(dir.path().join("journal.ndjson")).unwrap();
        let error = open(dir.path(), start).append(start, "proven", body("another"));
        assert!(error.unwrap_err().to_string().contains("cut or an old copy"));
        assert_eq!(
            std::fs::read(dir.path().join(Checkpoint::file_name(1))).unwrap(),
            seal
        );
    }
}
