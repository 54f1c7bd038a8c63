//! Plans that `unbroken plan` made and nobody carried out yet: files beside the journal, named by their hash.

use std::path::{Path, PathBuf};

use super::Failure;
use crate::workflow::Plan;

fn folder(journal: &Path) -> PathBuf {
    journal.join("plans")
}

/// Writes a plan and gives its file.
///
/// # Errors
/// If the folder cannot be written.
pub(super) fn save(journal: &Path, plan: &Plan) -> Result<PathBuf, Failure> {
    let folder = folder(journal);
    let path = folder.join(format!("{}.json", plan.hash()));
    let fail = |error: std::io::Error| Failure::refused(format!("{}: {error}", path.display()));
    std::fs::create_dir_all(&folder).map_err(fail)?;
    let text = serde_json::to_string_pretty(plan)
        .map_err(|error| Failure::refused(format!("the plan cannot be written: {error}")))?;
    std::fs::write(&path, text).map_err(fail)?;
    Ok(path)
}

/// The plan whose hash begins with `prefix`, or the newest where none is given.
///
/// # Errors
/// If there is none, or more than one fits.
pub(super) fn load(journal: &Path, prefix: Option<&str>) -> Result<Plan, Failure> {
    let none = || {
        Failure::usage("there is no plan to carry out")
            .hint("make one: unbroken plan migrate --from OLD --to NEW --zone ZONE")
    };
    let mut found: Vec<Plan> = std::fs::read_dir(folder(journal))
        .map_err(|_| none())?
        .flatten()
        .filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
        .filter_map(|text| serde_json::from_str::<Plan>(&text).ok())
        .filter(|plan| prefix.is_none_or(|prefix| plan.hash().starts_with(prefix)))
        .collect();
    if prefix.is_some() && found.len() > 1 {
        return Err(Failure::usage("more than one plan begins with these digits").hint("give more of them"));
    }
    found.sort_by_key(|plan| plan.made);
    found.pop().ok_or_else(none)
}
