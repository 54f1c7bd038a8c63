//! A move that somebody began by hand: the plan starts from what is observed, in every combination of what can have been done
//! already, safe or not yet safe; it repairs first, and waits for what it cannot know.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod combinations;
mod hand;
mod hosts;
mod repairs;
mod signers;
#[path = "../stage/mod.rs"]
mod stage;
mod sticky;
