//! No secret may be in a bundle: neither as it is, nor in base64 or hexadecimal.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use data_encoding::{BASE64, BASE64URL, HEXLOWER, HEXUPPER};
use memchr::memmem;

/// Every form of some octets that a careless program could write.
pub(crate) fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let texts = [
        BASE64.encode(secret),
        BASE64URL.encode(secret),
        HEXLOWER.encode(secret),
        HEXUPPER.encode(secret),
    ];
    let texts = texts
        .iter()
        .map(|text| text.trim_end_matches('=').as_bytes().to_vec());
    std::iter::once(secret.to_vec()).chain(texts).collect()
}

/// A secret as its users write it, and what it decodes to.
pub(crate) fn both(text: &str) -> Vec<Vec<u8>> {
    let decoded = BASE64.decode(text.as_bytes()).ok();
    std::iter::once(text.as_bytes().to_vec()).chain(decoded).collect()
}

/// The first file, at or below `path`, with a form of a secret in it.
pub(crate) fn holder(path: &Path, secrets: &[Vec<u8>]) -> Option<PathBuf> {
    let forms: Vec<Vec<u8>> = secrets.iter().flat_map(|secret| forms(secret)).collect();
    assert!(
        forms.iter().all(|form| form.len() >= 8),
        "a secret that is everywhere"
    );
    let mut left = vec![path.to_path_buf()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
            continue;
        }
        let octets = std::fs::read(&path).unwrap();
        if forms.iter().any(|form| memmem::find(&octets, form).is_some()) {
            return Some(path);
        }
    }
    None
}
