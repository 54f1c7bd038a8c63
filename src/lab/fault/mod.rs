//! Faults on purpose: each is played against the whole program, and what was seen is compared with what is expected.
//!
//! A [`Fault`] is a value: its story, what is expected of the program, how the lab is built for it, and a [`Script`] that
//! does the harm. The program under test is told nothing of it.

mod expect;
mod ground;
mod judge;
mod keys;
mod machine;
mod people;
mod rig;
mod script;
mod seen;
mod servers;
mod stage;
mod updates;

pub use expect::{Expected, Reaction};
pub use judge::{Check, Verdict};
pub use seen::Foretold;
pub use stage::{Played, play_fault};

use super::Play;
use ground::Ground;
use script::Script;

/// One thing that goes wrong.
pub struct Fault {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What happens, in one line.
    pub story: &'static str,
    /// What the program has to do about it.
    pub expected: Expected,
    /// How the lab is built for it.
    pub(super) prepare: fn(&mut Play),
    /// Who does the harm.
    pub(super) script: fn(&Ground) -> Box<dyn Script>,
}

/// All faults, by family.
pub fn faults() -> Vec<Fault> {
    let mut all = servers::faults();
    all.extend(updates::faults());
    all.extend(keys::faults());
    all.extend(machine::faults());
    all.extend(people::faults());
    all
}

/// The fault of that name.
pub fn fault(name: &str) -> Option<Fault> {
    faults().into_iter().find(|fault| fault.name == name)
}
