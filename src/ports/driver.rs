//! Providers and parents: what can be read over an authenticated channel, and what can be changed.
//!
//! No driver's success is believed: the caller observes the servers afterwards.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::dns::{Name, Record, Rtype, Ttl};
use crate::evidence::Trace;
use crate::zone::Sink;

/// A change of one RRset, as a difference, with what the caller believes to be there now.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RrsetChange {
    /// The owner.
    pub name: Name,
    /// The type.
    #[serde(rename = "type")]
    pub rtype: Rtype,
    /// The TTL wanted, seconds. A server may serve another (PowerDNS does): only what is observed counts.
    pub ttl: Ttl,
    /// RDATA to add, canonical wire form.
    pub add: Vec<Record>,
    /// RDATA to take away.
    pub remove: Vec<Record>,
    /// The whole RRset as it was observed when this was decided. A driver that can, refuses if it has changed since.
    pub expect: Vec<Record>,
}

/// What a driver did. None of these says that the change is served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Applied {
    /// The other side said yes.
    Accepted {
        /// Its words.
        said: String,
    },
    /// A person has to do it; these are the exact records and where they go.
    Manual {
        /// For the person.
        instructions: String,
    },
}

/// The kind of a failure, which decides what may be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// Credentials were refused.
    Auth,
    /// The set is not what was expected: somebody else changed it. Look again before anything else.
    Conflict,
    /// The other side understood and refused.
    Refused,
    /// The driver cannot do this at all.
    Unsupported,
    /// Unreachable or overloaded: later, it may work.
    Transient,
    /// It is not known whether it happened (a time-out after sending). Only an observation can tell.
    Unknown,
}

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{who}: {what}: {said}")]
pub struct DriverError {
    /// The provider or parent.
    pub who: String,
    /// What was tried.
    pub what: String,
    /// The other side's words, secrets removed.
    pub said: String,
    /// The kind.
    pub class: FailureClass,
}

/// Records read over a channel that proves who answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthenticRead {
    /// The records.
    pub records: Vec<Record>,
    /// What makes the channel authentic, for the journal ("TSIG lab. hmac-sha256, MAC checked").
    pub channel: String,
}

/// All of a zone as a provider holds it, reduced to what decisions need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// The largest TTL of any record, seconds.
    pub max_ttl: Ttl,
    /// How many records.
    pub records: usize,
    /// The owner of a wildcard, if there is one.
    pub wildcard: Option<Name>,
    /// A name with a positive answer, and its type (never the apex SOA).
    pub positive: Option<(Name, Rtype)>,
}

/// What a driver can do; `false` means that a person has to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Foreign DNSKEY, CDS and CDNSKEY records can be placed.
    pub foreign_keys: bool,
    /// The apex NS RRset can be edited.
    pub apex_ns: bool,
    /// Keys can be read over an authenticated channel.
    pub authentic_read: bool,
    /// The whole zone can be read.
    pub inventory: bool,
    /// Steps wait for a person.
    pub manual: bool,
}

/// A DNS provider that signs and serves the zone.
#[async_trait]
pub trait Provider: Send + Sync {
    /// The name in the settings.
    fn name(&self) -> &str;
    /// What it can do.
    fn capabilities(&self) -> Capabilities;
    /// The apex RRset of that type over the authenticated channel. What went over it is put into `trace`.
    async fn read(&self, rtype: Rtype, trace: &mut Trace) -> Result<AuthenticRead, DriverError>;
    /// The whole zone over the authenticated channel.
    async fn inventory(&self) -> Result<Inventory, DriverError>;
    /// What the zone contains, as the provider holds it, record by record. Nothing of it counts unless this returns `Ok`.
    ///
    /// A driver that cannot read the zone leaves this as it is.
    async fn contents(&self, sink: &mut (dyn Sink + Send)) -> Result<(), DriverError> {
        let _ = sink;
        Err(DriverError {
            who: self.name().to_owned(),
            what: "contents of the zone".to_owned(),
            said: "this driver cannot read the zone".to_owned(),
            class: FailureClass::Unsupported,
        })
    }
    /// Changes an apex RRset. What went over the channel is put into `trace`.
    async fn change(&self, change: &RrsetChange, trace: &mut Trace) -> Result<Applied, DriverError>;
}

/// The parent's side: a registrar, a registry, or a parent zone that is run by the same people.
#[async_trait]
pub trait Parent: Send + Sync {
    /// The name in the settings.
    fn name(&self) -> &str;
    /// Whether a person does it.
    fn manual(&self) -> bool;
    /// Changes the DS or NS RRset of the delegation, or the A or AAAA RRset of a name server within the zone (its glue); refuses
    /// if the set is not `expect` any more, where it can. What went over the channel is put into `trace`.
    async fn change(&self, change: &RrsetChange, trace: &mut Trace) -> Result<Applied, DriverError>;
}
