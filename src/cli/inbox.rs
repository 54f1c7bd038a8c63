//! Approvals on their way to whoever runs the zone: files that the runner reads and never has to delete.

use std::path::Path;

use super::Failure;
use crate::moment::Moment;
use crate::workflow::Approval;

/// Leaves an approval in the journal's folder.
///
/// # Errors
/// If it cannot be written.
pub(super) fn put(dir: &Path, approval: &Approval, now: Moment) -> Result<(), Failure> {
    let folder = dir.join("approvals");
    let path = folder.join(format!("{}.json", now.millis()));
    let fail = |error: std::io::Error| Failure::refused(format!("{}: {error}", path.display()));
    std::fs::create_dir_all(&folder).map_err(fail)?;
    let text = serde_json::to_string(approval)
        .map_err(|error| Failure::refused(format!("the approval cannot be written: {error}")))?;
    // Written whole under another name first, so that a runner never reads half of it.
    let draft = path.with_extension("draft");
    std::fs::write(&draft, text).map_err(fail)?;
    std::fs::rename(&draft, &path).map_err(fail)
}

/// All that lie there, in order.
pub(super) fn all(dir: &Path) -> Vec<Approval> {
    let Ok(entries) = std::fs::read_dir(dir.join("approvals")) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    paths.sort();
    paths
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .filter_map(|text| serde_json::from_str(&text).ok())
        .collect()
}
