//! `unbroken zone verify`.
use super::VerifyArgs;
use crate::cli::{Context, Exit, Failure};

pub(super) async fn run(_args: &VerifyArgs, _context: &Context) -> Result<Exit, Failure> {
    Err(Failure::usage("later"))
}
