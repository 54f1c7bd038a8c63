//! Listing a tar: headers are read, contents are passed over.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use tar::{Archive, EntryType};

use super::dir::FOLDERS;
use super::{BundleError, Found, Member};

/// An extended header of more octets than this is none that a tar of a bundle has.
const LARGEST_EXTENSION: u64 = 64 << 10;

/// A block of a tar.
const BLOCK: u64 = 512;

/// So many octets may follow the last member: programs fill the last of their larger blocks.
const LONGEST_END: u64 = 1 << 20;

/// Extended headers that would make another member of the one that follows.
const REFUSED: [&str; 4] = ["path", "linkpath", "size", "GNU.sparse"];

pub(super) fn list(path: &Path) -> Result<Found, BundleError> {
    let fail = |error: std::io::Error| BundleError::io("read", path, &error);
    let mut file = File::open(path).map_err(fail)?;
    let length = file.metadata().map_err(fail)?.len();
    refuse_compressed(path, &mut file)?;
    let torn = |said: String| BundleError::Tar {
        path: path.to_path_buf(),
        said,
    };
    let mut archive = Archive::new(BufReader::new(File::open(path).map_err(fail)?));
    let mut members: Vec<(String, Member)> = Vec::new();
    let mut end = 0;
    let entries = archive
        .entries_with_seek()
        .map_err(|error| torn(error.to_string()))?;
    for entry in entries.raw(true) {
        let mut entry = entry.map_err(|error| torn(error.to_string()))?;
        let (offset, size) = (entry.raw_file_position(), entry.size());
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let next = offset
            .checked_add(size)
            .and_then(|at| at.checked_next_multiple_of(BLOCK));
        end = match next {
            Some(next) if next <= length => next,
            _ => {
                return Err(torn(format!(
                    "{name} has {size} octets, and the file ends before them"
                )));
            }
        };
        if !is_zero(&mut file, offset + size, end).map_err(fail)? {
            return Err(torn(format!(
                "something stands between {name} and the next member"
            )));
        }
        match entry.header().entry_type() {
            EntryType::Regular => {
                let member = Member {
                    path: path.to_path_buf(),
                    offset,
                    size,
                };
                if members.len() >= super::MOST_FILES {
                    return Err(BundleError::TooMany {
                        bundle: path.to_path_buf(),
                    });
                }
                members.push((inside(path, &name)?, member));
            }
            EntryType::Directory => {
                inside(path, &name)?;
            }
            EntryType::XHeader | EntryType::XGlobalHeader => {
                if size > LARGEST_EXTENSION {
                    return Err(torn(format!("an extended header has {size} octets")));
                }
                let mut text = Vec::new();
                entry.read_to_end(&mut text).map_err(fail)?;
                refuse_extension(path, &String::from_utf8_lossy(&text))?;
            }
            kind => return Err(not_plain(path, &name, kind)),
        }
    }
    // Two blocks of zeros end a tar; where they are missing, nobody knows what came after.
    if length < end + 2 * BLOCK {
        return Err(torn("it has no end mark, so something may be missing".to_owned()));
    }
    if length > end + LONGEST_END || !is_zero(&mut file, end, length).map_err(fail)? {
        return Err(torn("something stands behind its end".to_owned()));
    }
    let strip = top_folder(&members);
    let mut found = Found::default();
    for (name, member) in members {
        let name = name.strip_prefix(strip.as_str()).unwrap_or(&name).to_owned();
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", &name));
        if !(folder.is_empty() || FOLDERS.contains(&folder)) || file.is_empty() {
            return Err(outside(path, &name));
        }
        found.put(path, &name, member)?;
    }
    Ok(found)
}

/// Whether nothing but zeros stands there: what is in no member is under no hash.
fn is_zero(file: &mut File, from: u64, until: u64) -> std::io::Result<bool> {
    if from == until {
        return Ok(true);
    }
    file.seek(SeekFrom::Start(from))?;
    let mut octets = Vec::new();
    file.take(until - from).read_to_end(&mut octets)?;
    Ok(octets.iter().all(|octet| *octet == 0))
}

/// The path without `./` before and `/` behind it, if it stays inside.
fn inside(path: &Path, name: &str) -> Result<String, BundleError> {
    let bare = name.strip_prefix("./").unwrap_or(name);
    let bare = bare.strip_suffix('/').unwrap_or(bare);
    let plain = |part: &str| {
        !matches!(part, "" | "." | "..") && !part.contains('\\') && !part.chars().any(char::is_control)
    };
    let root = matches!(name, "." | "./");
    if root || bare.split('/').all(plain) {
        Ok(bare.to_owned())
    } else {
        Err(outside(path, name))
    }
}

/// The one folder that all is in, with its `/`, where somebody packed the folder itself.
fn top_folder(members: &[(String, Member)]) -> String {
    let journal = members
        .iter()
        .find_map(|(name, _)| name.strip_suffix("journal.ndjson"));
    match journal {
        Some(top) if !top.is_empty() && members.iter().all(|(name, _)| name.starts_with(top)) => {
            top.to_owned()
        }
        _ => String::new(),
    }
}

fn refuse_compressed(path: &Path, file: &mut File) -> Result<(), BundleError> {
    let mut start = Vec::new();
    file.take(6)
        .read_to_end(&mut start)
        .map_err(|error| BundleError::io("read", path, &error))?;
    let magics: [(&[u8], &'static str); 5] = [
        (b"\x1f\x8b", "gzip"),
        (b"BZh", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"PK\x03\x04", "zip"),
    ];
    match magics.into_iter().find(|(magic, _)| start.starts_with(magic)) {
        Some((_, how)) => Err(BundleError::Compressed {
            path: path.to_path_buf(),
            how,
        }),
        None => Ok(()),
    }
}

fn refuse_extension(path: &Path, text: &str) -> Result<(), BundleError> {
    // Records are "LENGTH KEY=VALUE\n"; a value may hold anything, so a refused key inside one is refused as well.
    let refused = REFUSED.into_iter().find(|key| {
        text.lines().any(|line| {
            let record = line.split_once(' ').map_or(line, |(_, record)| record);
            record.starts_with(key)
        })
    });
    match refused {
        Some(key) => Err(BundleError::NotPlain {
            bundle: path.to_path_buf(),
            name: format!("an extended header with {key}"),
            what: "another name or size for a member",
        }),
        None => Ok(()),
    }
}

fn outside(path: &Path, name: &str) -> BundleError {
    BundleError::Path {
        bundle: path.to_path_buf(),
        name: name.chars().take(300).collect(),
    }
}

fn not_plain(path: &Path, name: &str, kind: EntryType) -> BundleError {
    let what = match kind {
        EntryType::Symlink | EntryType::Link => "a link",
        EntryType::Char | EntryType::Block => "a device",
        EntryType::Fifo => "a pipe",
        EntryType::GNUSparse => "a sparse file",
        EntryType::GNULongName | EntryType::GNULongLink => "a name longer than any in a bundle",
        _ => "something else",
    };
    BundleError::NotPlain {
        bundle: path.to_path_buf(),
        name: name.chars().take(300).collect(),
        what,
    }
}
