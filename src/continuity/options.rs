//! How a timeline is judged.

use std::fmt;
use std::str::FromStr;

use super::class::Class;

/// Which mixtures of answers a resolver is taken to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// Anything that may be in a cache beside anything else. Exact, and what every gate uses.
    #[default]
    AnyMixture,
    /// Only what a resolver meets that validates an answer when it fetches it and never again. Weaker: at the moment of
    /// a conflict at least one side must still be served. Allowed to change in later versions.
    FetchTime,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mode::AnyMixture => "any-mixture",
            Mode::FetchTime => "fetch-time",
        })
    }
}

/// The text names no mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no mode is called {0:?}; there are any-mixture and fetch-time")]
pub struct UnknownMode(pub String);

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Mode::AnyMixture, Mode::FetchTime]
            .into_iter()
            .find(|mode| mode.to_string() == text)
            .ok_or_else(|| UnknownMode(text.to_owned()))
    }
}

/// How a timeline is judged. The default judges for every class of the timeline, with the TTLs as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Only these classes; `None`: all of [`super::Timeline::classes`]. What concerns no class is always reported.
    pub classes: Option<Vec<Class>>,
    /// Every TTL counts as at least this many seconds (resolvers with a minimum TTL).
    pub ttl_floor: u32,
    /// NS and data live this many seconds longer (serve-stale, RFC 8767).
    pub stale: u32,
    /// A provider that names itself in its own apex NS is taken to be forgotten one TTL of that NS RRset after no live NS
    /// version elsewhere names it any more, and its own copy to demand no server after that.
    pub sticky_bounded: bool,
    /// Which mixtures count.
    pub mode: Mode,
}
