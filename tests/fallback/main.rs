//! A move without DS in between: no resolver fails at any time, none is insecure before the approved step or after the last
//! proof of an absent DS has left the caches, and what goes wrong on the way is noticed before resolvers are led on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod command;
mod crash;
mod evidence;
mod hasty;
mod moves;
mod refused;
mod scene;
#[path = "../stage/mod.rs"]
mod stage;
#[path = "../support/mod.rs"]
mod support;
