//! Programs that do what a bad one would: they show that the simulator finds it.

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Each TTL counts for a second less than it is.
    CountsASecondLess,
    /// Only the first server of each operator is looked at.
    IgnoresSecondaries,
    /// What the registry said yes to counts as published at once.
    BelievesRegistry,
    /// It sleeps for two more intervals than it wanted.
    Oversleeps,
    /// After a start it takes back the last change, as if an interrupted move were a transaction.
    RollsBack,
}
