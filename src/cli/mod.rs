//! The command line: arguments and settings, one file a command.

pub mod settings;
