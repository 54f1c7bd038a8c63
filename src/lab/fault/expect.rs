//! What is expected of the program, as data.

use std::fmt;

use serde::Serialize;

/// What the program has to do about a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reaction {
    /// It waits and says for what, changes nothing in that time, and goes on to the end by itself.
    Waits,
    /// It takes a step again or takes up keys that changed, records that, and goes on to the end by itself.
    Replans,
    /// It halts with choices; when a person has mended it, it goes on to the end.
    Halts,
    /// It refuses before anything is changed.
    Refuses,
    /// It stops before it acts, with an error of the outside; run again afterwards, it goes on to the end.
    Stops,
    /// No program can prevent it: resolvers fail, but in no other mixture than the checker had named before.
    Foretells,
}

impl fmt::Display for Reaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Reaction::Waits => "waits",
            Reaction::Replans => "re-plans",
            Reaction::Halts => "halts",
            Reaction::Refuses => "refuses",
            Reaction::Stops => "stops",
            Reaction::Foretells => "foretells",
        })
    }
}

/// What has to be seen.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Expected {
    /// What the program does.
    pub reaction: Reaction,
    /// Words that it must say about it.
    pub says: &'static [&'static str],
}
