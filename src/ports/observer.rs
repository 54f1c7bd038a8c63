//! Looking: which servers there are, and one round of questions to all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::dns::{Name, Rtype};
use crate::evidence::{BlindSpot, Blobs, Observation, Sweep};

/// A name server with the addresses that the DNS gives for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NameServer {
    /// The host name.
    pub name: Name,
    /// IPv4 and IPv6, port 53 unless the settings map it.
    pub addresses: Vec<SocketAddr>,
    /// The largest TTL of the address records (glue or authoritative), seconds.
    pub address_ttl: u32,
}

/// Where the zone hangs: found by walking down from the root (or from where the settings say).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topology {
    /// The zone.
    pub zone: Name,
    /// The parent zone (the closest enclosing zone that delegates it).
    pub parent: Name,
    /// The parent's servers.
    pub parent_servers: Vec<NameServer>,
    /// The zones above from the root down to and with the parent, each with the server that answered.
    pub ancestors: Vec<(Name, NameServer)>,
    /// What the delegation names, with addresses.
    pub delegated: Vec<NameServer>,
    /// What could not be resolved.
    pub blind: Vec<BlindSpot>,
}

/// The names asked at each provider besides the apex.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProbeNames {
    /// A name and type with a positive answer.
    pub positive: Option<(Name, Rtype)>,
    /// A name that exists and a type that it does not have.
    pub no_data: (Name, Rtype),
    /// A name that does not exist.
    pub no_name: Name,
    /// A name that only a wildcard can answer.
    pub wildcard: Option<Name>,
}

/// What one round is to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepRequest {
    /// Where the zone hangs.
    pub topology: Topology,
    /// The servers of each provider, by the provider's name in the settings.
    pub providers: BTreeMap<String, Vec<NameServer>>,
    /// What to ask besides the apex.
    pub probes: ProbeNames,
    /// Also ask the servers of the zones above for DNSKEY and DS (when their TTL has passed).
    pub ancestors: bool,
    /// Ask everything over TCP by itself this time.
    pub tcp: bool,
}

impl SweepRequest {
    /// The name servers whose names lie within the zone: each provider's copy holds their addresses.
    pub fn inner_hosts(&self) -> BTreeSet<Name> {
        inner_hosts(&self.topology.zone, &self.providers)
    }
}

/// Of the providers' name servers those whose names lie within the zone.
pub fn inner_hosts(zone: &Name, providers: &BTreeMap<String, Vec<NameServer>>) -> BTreeSet<Name> {
    let hosts = providers.values().flatten().map(|server| &server.name);
    hosts.filter(|host| host.is_at_or_below(zone)).cloned().collect()
}

/// A round with the octets.
#[derive(Clone, Debug)]
pub struct Observed {
    /// What was asked and came back.
    pub sweep: Sweep,
    /// The messages, identifiers set to zero.
    pub blobs: Blobs,
}

/// Looks at the world; changes nothing.
#[async_trait]
pub trait Observer: Send + Sync {
    /// Walks down to the zone. `Err` holds a sentence for a person.
    async fn find(&self, zone: &Name) -> Result<Topology, String>;
    /// The addresses of a host name, by walking.
    async fn addresses(&self, host: &Name) -> Result<NameServer, String>;
    /// One round, the servers side by side, at most a few questions a second to each address.
    async fn sweep(&self, request: &SweepRequest) -> Observed;
    /// One question with everything kept.
    async fn ask(&self, observation: AskRequest) -> (Observation, Blobs);
}

/// One question to one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskRequest {
    /// Whose server.
    pub place: crate::evidence::Place,
    /// Its name.
    pub server: Name,
    /// Its address.
    pub address: SocketAddr,
    /// Over what.
    pub proto: crate::evidence::Proto,
    /// The name.
    pub name: Name,
    /// The type.
    pub rtype: Rtype,
}
