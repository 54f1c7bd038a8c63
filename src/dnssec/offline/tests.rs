//! Small worlds, captured and damaged.
