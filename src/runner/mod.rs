//! The one loop that turns decisions into effects: look, record, decide, record, act, record, look again.

mod act;
mod copies;
mod error;
mod fold;
mod look;
mod reporter;
mod run;
mod team;
mod watch;

pub use error::RunError;
pub use fold::{EachEvent, each_event, fold_view};
pub use reporter::{Quiet, Reporter};
pub use run::{Ending, Runner};
pub use run::{Until, at_rest};
pub use team::{PartialProbes, Pins, Team};
pub use watch::{Memory, WatchOrder, Watched, Works};
