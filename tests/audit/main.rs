//! Evidence that somebody else checks: a good bundle holds, and every kind of damage is found and named.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod channel;
mod forged;
mod good;
mod hostile;
mod made;
mod parts;
mod python;
mod secrets;
#[path = "../stage/mod.rs"]
mod stage;
mod standing;
#[path = "../support/mod.rs"]
mod support;
mod tampered;
