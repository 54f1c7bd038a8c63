//! What the journal holds: one kind of entry for each thing that happens. State is only ever the fold of these.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::alarm::{Alarm, Baseline, WatchRules};
use super::channel::ChannelRead;
use super::copies::Compared;
use super::decision::Decision;
use super::plan::{Plan, StepId};
use super::upset::{Changed, Failing, Jump};
use crate::dnssec::KeyId;
use crate::evidence::{BlobId, Exchange, Sweep};
use crate::moment::Moment;
use crate::ports::{Applied, DriverError, Inventory, NameServer, ProbeNames, RrsetChange, Topology};

/// The program and what it was told, without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// Name and version of the program.
    pub program: String,
    /// The trust anchors, presentation format.
    pub anchors: String,
    /// The settings, secrets only by reference.
    pub settings: Value,
    /// From where it looks: the machine's name, or what the settings call it.
    pub vantage: String,
    /// Who started it, as the operating system says; empty: nobody is recorded.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
}

/// Where the zone hangs and which servers are asked what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Servers {
    /// The parent, the zones above.
    pub topology: Topology,
    /// Each provider's servers.
    pub providers: BTreeMap<String, Vec<NameServer>>,
    /// The names asked besides the apex.
    pub probes: ProbeNames,
}

/// Keys that were authenticated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authenticated {
    /// Whose.
    pub provider: String,
    /// The keys.
    pub keys: Vec<KeyId>,
    /// How.
    pub channel: String,
}

/// What a provider holds, read over its authenticated channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventoried {
    /// Whose.
    pub provider: String,
    /// What.
    pub inventory: Inventory,
}

/// What is about to be done; written and synced before it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intended {
    /// For which step.
    pub step: StepId,
    /// Through which provider; none: the parent.
    pub provider: Option<String>,
    /// The changes.
    pub changes: Vec<RrsetChange>,
}

/// What the driver said. No proof of anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// For which step.
    pub step: StepId,
    /// Per change, in the order of the intent.
    pub results: Vec<Result<Applied, DriverError>>,
    /// What went over the driver's channel, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
}

/// A step's state was seen at every server that has to show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proven {
    /// Which step.
    pub step: StepId,
    /// The sweep that showed it began then.
    pub as_of: Moment,
}

/// A person's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// A step's name, `blind-spots`, `contents`, `resign`, `sticky`, `own-cds-at-` and a provider, or the plan's hash.
    pub what: String,
    /// The hash of the plan that it belongs to: an approval holds for one plan only.
    #[serde(default)]
    pub plan: String,
    /// Who.
    pub by: String,
    /// Why, if said.
    #[serde(default)]
    pub note: String,
}

/// The end of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The plan's hash.
    pub plan: String,
    /// Whether the whole recorded timeline is continuous.
    pub continuous: bool,
    /// The conflicts in words, if there are any.
    pub conflicts: Vec<String>,
    /// What was not checked.
    pub not_checked: Vec<String>,
}

/// An entry's kind and body.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A run begins.
    Begin(Begin),
    /// A plan is taken up.
    Plan(Box<Plan>),
    /// The servers to ask.
    Servers(Box<Servers>),
    /// One round of questions.
    Sweep(Sweep),
    /// What a provider's own channel said of its keys.
    Channel(ChannelRead),
    /// Keys of a provider were authenticated.
    Keys(Authenticated),
    /// A provider's zone was read.
    Inventory(Inventoried),
    /// The copies of the zone were read and compared.
    Contents(Compared),
    /// What was decided on the facts so far (only when it differs from the last).
    Decision(Box<Decision>),
    /// What is about to be done.
    Intent(Intended),
    /// What the driver said.
    Outcome(Done),
    /// A step is done and seen.
    Proven(Proven),
    /// A person's word.
    Approval(Approval),
    /// A provider's own keys changed: a recorded re-plan.
    Changed(Changed),
    /// This machine's clock jumped.
    Clock(Jump),
    /// Mixtures that fail, when they are others than before.
    Failing(Failing),
    /// How a zone that is not moving is watched.
    Watch(WatchRules),
    /// What is expected of it from here on.
    Accepted(Baseline),
    /// An alarm begins or is over.
    Alarm(Box<Alarm>),
    /// The plan is carried out.
    End(Ended),
    /// Anything else worth keeping; folded as nothing.
    Note(Value),
}

impl Event {
    /// What went over the channel of a driver, if it tells of that.
    pub fn exchanges(&self) -> &[Exchange] {
        match self {
            Event::Outcome(done) => &done.exchanges,
            Event::Channel(read) => &read.exchanges,
            _ => &[],
        }
    }

    /// The blobs that are named outside of sweeps and notes.
    pub fn bodies(&self) -> impl Iterator<Item = &BlobId> {
        self.exchanges().iter().flat_map(Exchange::named)
    }
}

macro_rules! kinds {
    ($($variant:ident = $kind:literal),* $(,)?) => {
        impl Event {
            /// The entry's kind.
            pub fn kind(&self) -> &'static str {
                match self { $(Event::$variant(_) => $kind),* }
            }

            /// The entry's body.
            ///
            /// # Errors
            /// Never for the types above (maps have string keys); the error is passed on all the same.
            pub fn body(&self) -> Result<Value, serde_json::Error> {
                match self { $(Event::$variant(body) => serde_json::to_value(body)),* }
            }

            /// Reads an entry. A kind that this version does not know is a note.
            ///
            /// # Errors
            /// If the body is not of its kind's form.
            pub fn read(kind: &str, body: &Value) -> Result<Event, serde_json::Error> {
                Ok(match kind {
                    $($kind => Event::$variant(serde_json::from_value(body.clone())?),)*
                    _ => Event::Note(body.clone()),
                })
            }

            /// The same from the JSON text of the body.
            ///
            /// # Errors
            /// As [`Event::read`].
            pub fn parse(kind: &str, body: &str) -> Result<Event, serde_json::Error> {
                Ok(match kind {
                    $($kind => Event::$variant(serde_json::from_str(body)?),)*
                    _ => Event::Note(serde_json::from_str(body)?),
                })
            }
        }
    };
}

kinds! {
    Begin = "begin", Plan = "plan", Servers = "servers", Sweep = "sweep", Channel = "channel",
    Keys = "keys", Inventory = "inventory",
    Contents = "contents", Decision = "decision", Intent = "intent", Outcome = "outcome", Proven = "proven",
    Approval = "approval", Changed = "changed", Clock = "clock", Failing = "failing", Watch = "watch",
    Accepted = "accepted", Alarm = "alarm", End = "end", Note = "note",
}
