//! Plan, step, gate, playbooks, decide, state. Pure: the time is an argument, the world is the journal's entries.

mod alarm;
mod assess;
mod assumed;
mod attempts;
mod channel;
mod copies;
mod dead_end;
mod decide;
mod decision;
mod ended;
mod event;
mod facts;
mod forecast;
mod gate;
mod insecure;
mod ledger;
mod mixture;
mod outlook;
mod plan;
mod planner;
pub mod playbook;
mod preflight;
mod repair;
mod resign;
mod snapshot;
mod standing;
mod state;
mod target;
mod timeline;
mod upset;
mod upstream;
mod watch;

pub use alarm::{
    Alarm, Baseline, Code, Condition, Held, Phase, Subject, Vigil, WatchRules, accept, explained,
    fresh_delegation, fresh_verdicts,
};
pub use assess::{ServerVerdict, assess};
pub use assumed::assumed_words;
pub use channel::{ChannelKeys, ChannelRead, PINNED, VALIDATED, vouch};
pub use copies::{CONTENTS_WAIVER, Compared, Copied, Copies, Pair};
pub use decide::{STICKY_WAIVER, decide, decide_standing, halt, next_look};
pub use decision::{By, Decision, wake};
pub use ended::{NoVerdict, ended};
pub use event::{Approval, Authenticated, Begin, Done, Ended, Event, Intended, Inventoried, Proven, Servers};
pub use facts::{Fact, Reading, Served, Shape, SignerId, Unclear};
pub use forecast::{Forecast, forecast};
pub use gate::{Gate, Owed, gate, options, version_words};
pub use insecure::{
    InsecureStretch, PlannedInsecure, dane_names, insecure_by, insecure_now, insecure_span,
    insecure_stretches, own_cds_waiver,
};
pub use ledger::{Ledger, Run, Stream, StreamKey, Stretch};
pub use mixture::{Mixture, Side, failing, foretell, foretell_signing};
pub use plan::{Assumed, CdsPolicy, GateRules, Intent, Plan, Purpose, Signer, Step, StepId};
pub use planner::{Wish, plan};
pub use preflight::{Finding, Severity, never_insecure, preflight};
pub use repair::{Break, Repairs, repairs};
pub use resign::RESIGN_WAIVER;
pub use snapshot::{Addresses, AtProvider, KeySet, Now, Snapshot};
pub use standing::Standing;
pub use state::{LastSweep, Octets, Progress, Said, State, Try};
pub use target::{NoTarget, Target, target};
pub use timeline::{Naming, Traced, timeline, timeline_of_watch, timeline_with_assumed};
pub use upset::{Changed, Failing, Jump, OwedDs, changed, owed_ds};
pub use upstream::Upstream;
