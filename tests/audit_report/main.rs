//! The report of a bundle: what it says of good, bad and hostile evidence, how large it gets, how it looks in a browser.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod browser;
mod command;
mod hostile;
mod made;
mod size;
#[path = "../stage/mod.rs"]
mod stage;
#[path = "../support/mod.rs"]
mod support;
mod verdicts;
