//! Copies of a zone: read, verified and compared, beside what the tools of BIND, ldns and Knot DNS say of the same files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod compare;
mod made;
mod transfer;
mod verify;
