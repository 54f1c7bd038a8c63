//! `unbroken continuity`: checks a timeline.

use std::path::PathBuf;

use clap::Args;

use super::{Context, Exit, Failure, not_in_this_build};

/// Arguments of `continuity`.
#[derive(Debug, Args)]
pub struct ContinuityArgs {
    /// The timeline
    pub file: PathBuf,
}

/// Does it.
///
/// # Errors
/// If it cannot be done; see [`Failure`].
pub async fn run(_args: &ContinuityArgs, _context: &Context) -> Result<Exit, Failure> {
    Err(not_in_this_build("continuity"))
}
