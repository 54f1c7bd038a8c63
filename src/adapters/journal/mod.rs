//! Journals: in a folder, and in memory.

mod disk;
mod file;
mod lines;
mod lock;
mod memory;
mod sealing;

use std::path::{Path, PathBuf};

pub use file::{FileJournal, FileView};
pub use lines::LONGEST_LINE;
pub(super) use lines::Lines;
pub use lock::{host_name, writer};
pub use memory::MemoryJournal;
pub use sealing::{OnSeal, SealingJournal, keep_token, unstamped};

use crate::dns::Name;

/// The longest folder name that is made of a zone's name; what is longer is cut and gets a hash.
const LONGEST: usize = 200;

/// The folder of a zone's journal: `STATE/<zone without the final dot>`, octets other than `a-z 0-9 - _ .` as `%XX`.
pub fn zone_dir(state: &Path, zone: &Name) -> PathBuf {
    let text = zone.to_string();
    let bare = text.strip_suffix('.').unwrap_or(&text);
    if bare.is_empty() {
        return state.join("%2E");
    }
    let mut folder = String::with_capacity(bare.len());
    for octet in bare.bytes() {
        match octet {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => folder.push(char::from(octet)),
            other => folder.push_str(&format!("%{other:02X}")),
        }
    }
    if folder.len() > LONGEST {
        let hash = crate::evidence::hash_line(zone.wire());
        folder.truncate(LONGEST);
        folder.push_str("%~");
        folder.push_str(hash.get(..16).unwrap_or(&hash));
    }
    state.join(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_has_a_safe_folder_of_its_own() {
        let dir = |zone: &str| {
            zone_dir(Path::new("s"), &Name::parse(zone).unwrap())
                .display()
                .to_string()
        };
        assert_eq!(dir("Shop.Test."), "s/shop.test");
        assert_eq!(dir("."), "s/%2E");
        assert_eq!(dir("a\\/b.test"), "s/a%2Fb.test");
        assert_eq!(dir("\\.\\.\\/x"), "s/%5C.%5C.%2Fx");
        let label = "\\001".repeat(60);
        let long = dir(&format!("{label}.a.test"));
        assert!(long.len() < 240, "{long}");
        assert_ne!(long, dir(&format!("{label}.b.test")));
    }
}
