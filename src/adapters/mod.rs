//! One file a system that is spoken to.

pub mod journal;
