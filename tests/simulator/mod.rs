//! Whole moves by the real runner, in a world that is only simulated: random, thousands in a minute, each given again by its
//! seed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod answers;
mod dice;
mod drivers;
mod earliest;
mod figures;
mod judge;
mod keys;
mod play;
mod resolvers;
mod scenario;
mod trial;
mod world;
mod wrong;
mod zones;

pub(crate) use figures::Figures;
pub(crate) use play::Workshop;
pub(crate) use scenario::Scenario;
pub(crate) use trial::trial;
pub(crate) use wrong::Wrong;
