//! Master files on the disk, read in blocks; `$INCLUDE` only where it was asked for, and only below one directory.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::dns::master::{Include, MasterReader, RawRecord, Saved};

/// How much is read at a time, octets.
const BLOCK: usize = 256 * 1024;
/// The most octets of one zone, with all that it includes.
const LARGEST: u64 = 64 * 1024 * 1024 * 1024;
/// How deep files may include one another.
const DEEPEST: usize = 16;
/// How many files one zone may include.
const MOST_INCLUDES: usize = 1_000;

/// Why a file gives no zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZoneFileError {
    /// It cannot be read.
    #[error("{file}: {said}")]
    Io {
        /// Which.
        file: String,
        /// The operating system's words.
        said: String,
    },
    /// An entry is wrong.
    #[error("{file}:{line}: {reason}")]
    Entry {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// An `$INCLUDE` that is not followed.
    #[error("{file}:{line}: $INCLUDE {path}: {reason}")]
    Include {
        /// The file that has it.
        file: String,
        /// The line.
        line: u64,
        /// What is to be included.
        path: String,
        /// Why not.
        reason: String,
    },
    /// It is too large.
    #[error("{file}: more than {LARGEST} octets in all, which is the limit")]
    TooLarge {
        /// The file that went beyond it.
        file: String,
    },
}

/// A master file.
#[derive(Clone, Debug)]
pub struct ZoneFile {
    path: PathBuf,
    include: Option<PathBuf>,
}

/// A file that is being read.
struct Open {
    label: String,
    file: File,
    buffer: Vec<u8>,
    /// How much of the buffer holds text.
    filled: usize,
    /// How much of that is done with.
    used: usize,
    last: bool,
    saved: Option<Saved>,
}

impl ZoneFile {
    /// The file at `path`; `include` is the directory below which files may be included, if any may.
    pub fn new(path: impl Into<PathBuf>, include: Option<PathBuf>) -> ZoneFile {
        ZoneFile {
            path: path.into(),
            include,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size in octets, without what it includes.
    ///
    /// # Errors
    /// If it is no regular file: it is read more than once, which a pipe cannot be.
    pub fn size(&self) -> Result<u64, ZoneFileError> {
        let label = self.path.display().to_string();
        let meta = std::fs::metadata(&self.path).map_err(|error| io(&label, &error))?;
        if meta.is_file() {
            Ok(meta.len())
        } else {
            Err(ZoneFileError::Io {
                file: label,
                said: "no regular file (it is read more than once)".to_owned(),
            })
        }
    }

    /// Reads it with `reader` to its end, or until `each` says false. `progress` is told now and then how many octets were
    /// read. Gives the reader back, for its counts.
    ///
    /// # Errors
    /// The first thing that is wrong, with file and line. Records before it have gone to `each`.
    pub fn read(
        &self,
        mut reader: MasterReader,
        mut each: impl FnMut(RawRecord<'_>) -> bool,
        progress: impl Fn(u64),
    ) -> Result<MasterReader, ZoneFileError> {
        self.size()?;
        let mut stack = vec![open(&self.path, None)?];
        let (mut octets, mut includes) = (0u64, 0usize);
        let mut wanted = true;
        loop {
            let depth = stack.len();
            let Some(top) = stack.last_mut() else {
                break;
            };
            if top.used == top.filled || !top.last {
                octets += fill(top)?;
                if octets > LARGEST {
                    return Err(ZoneFileError::TooLarge {
                        file: top.label.clone(),
                    });
                }
                progress(octets);
            }
            let text = top.buffer.get(top.used..top.filled).unwrap_or_default();
            let step = reader
                .read(text, top.last, |record| {
                    if wanted {
                        wanted = each(record);
                    }
                })
                .map_err(|error| ZoneFileError::Entry {
                    file: top.label.clone(),
                    line: error.line,
                    reason: error.fault.to_string(),
                })?;
            if !wanted {
                break;
            }
            top.used += step.used;
            if let Some(include) = step.include {
                includes += 1;
                let path = self.included(&top.label, &include, depth, includes)?;
                let saved = reader.enter(include.origin.as_ref());
                stack.push(open(&path, Some(saved))?);
            } else if top.last && top.used == top.filled {
                let done = stack.pop();
                if let Some(saved) = done.and_then(|done| done.saved) {
                    reader.leave(saved);
                }
            }
        }
        Ok(reader)
    }

    /// The file that is meant, if it may be read.
    fn included(
        &self,
        label: &str,
        include: &Include,
        depth: usize,
        count: usize,
    ) -> Result<PathBuf, ZoneFileError> {
        let refuse = |reason: String| ZoneFileError::Include {
            file: label.to_owned(),
            line: include.line,
            path: include.path.clone(),
            reason,
        };
        let Some(folder) = &self.include else {
            return Err(refuse(
                "files are included only with --include DIR, and only from below it".to_owned(),
            ));
        };
        if depth >= DEEPEST {
            return Err(refuse(format!(
                "files include one another more than {DEEPEST} deep"
            )));
        }
        if count > MOST_INCLUDES {
            return Err(refuse(format!("more than {MOST_INCLUDES} files are included")));
        }
        let real = |path: &Path| {
            path.canonicalize()
                .map_err(|error| refuse(format!("{}: {error}", path.display())))
        };
        let folder = real(folder)?;
        let path = real(&folder.join(&include.path))?;
        if !path.starts_with(&folder) {
            return Err(refuse(format!("it is not below {}", folder.display())));
        }
        if !path.is_file() {
            return Err(refuse("no regular file".to_owned()));
        }
        Ok(path)
    }
}

fn io(label: &str, error: &std::io::Error) -> ZoneFileError {
    ZoneFileError::Io {
        file: label.to_owned(),
        said: error.to_string(),
    }
}

fn open(path: &Path, saved: Option<Saved>) -> Result<Open, ZoneFileError> {
    let label = path.display().to_string();
    let file = File::open(path).map_err(|error| io(&label, &error))?;
    Ok(Open {
        label,
        file,
        buffer: vec![0; BLOCK],
        filled: 0,
        used: 0,
        last: false,
        saved,
    })
}

/// Puts a block after what is left in the buffer; gives how many octets came.
fn fill(open: &mut Open) -> Result<u64, ZoneFileError> {
    open.buffer.copy_within(open.used..open.filled, 0);
    open.filled -= open.used;
    open.used = 0;
    // An entry may be longer than a block; the reader says when it is too long.
    if open.buffer.len() - open.filled < BLOCK / 2 {
        open.buffer.resize(open.buffer.len() + BLOCK, 0);
    }
    let room = open.buffer.get_mut(open.filled..).unwrap_or_default();
    let mut came = 0;
    // Filled to the brim, so that few entries are begun twice.
    while came < room.len() {
        match open.file.read(room.get_mut(came..).unwrap_or_default()) {
            Ok(0) => {
                open.last = true;
                break;
            }
            Ok(count) => came += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(io(&open.label, &error)),
        }
    }
    open.filled += came;
    Ok(came as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Name;

    fn read(path: &Path, include: Option<&Path>) -> Result<Vec<String>, String> {
        let mut out = Vec::new();
        let reader = MasterReader::new(&Name::parse("shop.test").unwrap()).default_ttl(60);
        ZoneFile::new(path, include.map(Path::to_path_buf))
            .read(
                reader,
                |raw| {
                    let name = Name::from_wire(raw.owner).unwrap();
                    out.push(format!("{} {name} {}", raw.line, raw.rtype));
                    true
                },
                |_| (),
            )
            .map_err(|error| error.to_string())?;
        Ok(out)
    }

    #[test]
    fn includes_stay_below_their_directory() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("zones");
        std::fs::create_dir(&below).unwrap();
        let main = below.join("main.zone");
        std::fs::write(
            &main,
            "a A 192.0.2.1\n$INCLUDE part sub\n A 192.0.2.3\nb A 192.0.2.4",
        )
        .unwrap();
        std::fs::write(below.join("part"), "c A 192.0.2.2\n").unwrap();
        let label = main.display().to_string();
        let refused = read(&main, None).unwrap_err();
        assert!(
            refused.starts_with(&format!("{label}:2: $INCLUDE part: files are included only with")),
            "{refused}"
        );
        assert_eq!(
            read(&main, Some(&below)).unwrap(),
            [
                "1 a.shop.test. A",
                "1 c.sub.shop.test. A",
                "3 a.shop.test. A",
                "4 b.shop.test. A"
            ]
        );
        std::fs::write(dir.path().join("secret"), "x\n").unwrap();
        for outside in ["../secret", dir.path().join("secret").to_str().unwrap()] {
            std::fs::write(&main, format!("$INCLUDE {outside}\n")).unwrap();
            let refused = read(&main, Some(&below)).unwrap_err();
            assert!(
                refused.contains(":1: ") && refused.contains("is not below"),
                "{refused}"
            );
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path().join("secret"), below.join("link")).unwrap();
            std::fs::write(&main, "$INCLUDE link\n").unwrap();
            assert!(read(&main, Some(&below)).unwrap_err().contains("is not below"));
        }
        std::fs::write(&main, "$INCLUDE main.zone\n").unwrap();
        assert!(
            read(&main, Some(&below))
                .unwrap_err()
                .contains("more than 16 deep")
        );
        std::fs::write(&main, "\n$INCLUDE part\n").unwrap();
        std::fs::write(below.join("part"), "\n\nc A nonsense\n").unwrap();
        let wrong = read(&main, Some(&below)).unwrap_err();
        assert!(
            wrong.ends_with("part:3: 'nonsense' is no IPv4 address"),
            "{wrong}"
        );
    }

    #[test]
    fn entries_that_cross_blocks_are_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large.zone");
        let word = "x".repeat(250);
        let text: String = (0..2_000)
            .map(|n| format!("h{n} TXT ( {word} ; {n}\n {word} )\n"))
            .collect();
        assert!(text.len() > 3 * BLOCK);
        std::fs::write(&path, &text).unwrap();
        let found = read(&path, None).unwrap();
        assert_eq!(
            (found.len(), found[1_999].as_str()),
            (2_000, "3999 h1999.shop.test. TXT")
        );
    }
}
