//! Listing a folder.

use std::fs;
use std::path::Path;

use super::{BundleError, Found, Member};

/// The folders of a bundle; each holds files only.
pub(super) const FOLDERS: [&str; 3] = ["blobs", "seals", "vantages"];

/// What a folder of the state has besides, and is no part of the record; `watch` is a journal of its own.
const NOT_RECORD: [&str; 4] = ["lock", "plans", "approvals", "watch"];

pub(super) fn list(path: &Path) -> Result<Found, BundleError> {
    let mut found = Found::default();
    let state = !path.join("MANIFEST.json").exists();
    let mut all = names(path, path)?;
    // A run may be under way: seals before the journal that they are over, the journal before the blobs that it names.
    all.sort_by_key(|(name, _)| match name.as_str() {
        "seals" => 0,
        "journal.ndjson" => 1,
        _ => 2,
    });
    for (name, entry) in all {
        if state && NOT_RECORD.contains(&name.as_str()) {
            continue;
        }
        if FOLDERS.contains(&name.as_str()) {
            let kind = entry.file_type().map_err(|e| BundleError::io("read", path, &e))?;
            if !kind.is_dir() {
                return Err(not_plain(path, name, "no folder"));
            }
            for (file, entry) in names(path, &entry.path())? {
                // What a crash left of a write that was never acted on.
                if !(state && file.ends_with(".part")) {
                    put(&mut found, path, &format!("{name}/{file}"), &entry)?;
                }
            }
        } else {
            put(&mut found, path, &name, &entry)?;
        }
    }
    Ok(found)
}

fn names(bundle: &Path, folder: &Path) -> Result<Vec<(String, fs::DirEntry)>, BundleError> {
    let fail = |error| BundleError::io("read", folder, &error);
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|name| BundleError::Path {
                bundle: bundle.to_path_buf(),
                name: name.to_string_lossy().into_owned(),
            })?;
        if out.len() >= super::MOST_FILES {
            return Err(BundleError::TooMany {
                bundle: bundle.to_path_buf(),
            });
        }
        out.push((name, entry));
    }
    Ok(out)
}

fn put(found: &mut Found, bundle: &Path, name: &str, entry: &fs::DirEntry) -> Result<(), BundleError> {
    let path = entry.path();
    // Of the entry itself: a link is not followed.
    let kind = fs::symlink_metadata(&path).map_err(|error| BundleError::io("read", &path, &error))?;
    if kind.is_symlink() {
        return Err(not_plain(bundle, name.to_owned(), "a link"));
    }
    if kind.is_dir() {
        return Err(not_plain(
            bundle,
            name.to_owned(),
            "a folder that a bundle does not have",
        ));
    }
    if !kind.is_file() {
        return Err(not_plain(bundle, name.to_owned(), "a device, pipe or socket"));
    }
    let member = Member {
        path,
        offset: 0,
        size: kind.len(),
    };
    found.put(bundle, name, member)
}

fn not_plain(bundle: &Path, name: String, what: &'static str) -> BundleError {
    BundleError::NotPlain {
        bundle: bundle.to_path_buf(),
        name,
        what,
    }
}
