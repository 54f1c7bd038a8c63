//! Plan, step, gate, playbooks, decide, state. Pure: the time is an argument, the world is the journal's entries.

mod assess;
mod copies;
mod decide;
mod event;
mod facts;
mod forecast;
mod gate;
mod ledger;
mod plan;
mod planner;
pub mod playbook;
mod preflight;
mod resign;
mod snapshot;
mod state;
mod target;
mod timeline;
mod upstream;
mod watch;

pub use assess::{ServerVerdict, assess};
pub use copies::{CONTENTS_WAIVER, Compared, Copied, Copies, Pair};
pub use decide::{Decision, decide, wake};
pub use event::{Approval, Authenticated, Begin, Done, Ended, Event, Intended, Inventoried, Proven, Servers};
pub use facts::{Fact, Reading, Served, Shape, SignerId, Unclear};
pub use forecast::{Forecast, forecast};
pub use gate::{Gate, Owed, gate, options, version_words};
pub use ledger::{Ledger, Run, Stream, StreamKey, Stretch};
pub use plan::{CdsPolicy, GateRules, Intent, Plan, Purpose, Signer, Step, StepId};
pub use planner::{Wish, plan};
pub use preflight::{Finding, Severity, preflight};
pub use resign::RESIGN_WAIVER;
pub use snapshot::{AtProvider, KeySet, Now, Snapshot};
pub use state::{LastSweep, Octets, Progress, Said, State, Try};
pub use target::{NoTarget, Target, target};
pub use timeline::{Naming, Traced, timeline};
pub use upstream::Upstream;
