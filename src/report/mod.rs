//! What people see: text made of plain values. Nothing here prints.

pub mod evidence;
mod plan;
mod progress;
mod span;
mod status;

pub use plan::{PlanView, change_lines, plan_text};
pub use progress::{Line, Progress, chain_text, decision_text, off};
pub use span::{clock_time, spell};
pub use status::{StatusView, status_text, status_view};
