//! Arguments and output of the commands: one file a command.

pub mod continuity;
