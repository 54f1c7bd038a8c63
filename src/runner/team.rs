//! Everybody that a run works with.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::dns::{Name, Rtype};
use crate::dnssec::Dnskey;
use crate::ports::{Clock, Observer, Parent, ProbeNames, Provider};
use crate::workflow::Begin;

/// Gives the keys of a provider that a person has pinned so far: asked whenever they are needed, for a person may pin them
/// while a run waits.
pub type Pins = Arc<dyn Fn(&str) -> Vec<Dnskey> + Send + Sync>;

/// The zone and whoever has a part in it.
#[derive(Clone)]
pub struct Team {
    /// The zone.
    pub zone: Name,
    /// The drivers of the providers, by their names in the settings.
    pub providers: BTreeMap<String, Arc<dyn Provider>>,
    /// The name servers of each provider.
    pub name_servers: BTreeMap<String, Vec<Name>>,
    /// Where a host leads to several providers: which of its addresses are this provider's, by provider and host.
    pub own_addresses: BTreeMap<String, BTreeMap<Name, Vec<SocketAddr>>>,
    /// The parent's driver.
    pub parent: Arc<dyn Parent>,
    /// Who looks.
    pub observer: Arc<dyn Observer>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Gives the keys of a provider that a person has pinned so far.
    pub pinned: Pins,
    /// Between two sweeps while something is awaited.
    pub interval: Duration,
    /// Names to ask that the settings give; what is missing is found in an inventory.
    pub probes: PartialProbes,
    /// What the journal says at the beginning.
    pub begin: Begin,
}

/// The probe names that the settings give.
#[derive(Clone, Debug, Default)]
pub struct PartialProbes {
    /// A name and type with a positive answer.
    pub positive: Option<(Name, Rtype)>,
    /// A name that exists and a type that it does not have.
    pub no_data: Option<(Name, Rtype)>,
    /// A name that does not exist.
    pub no_name: Option<Name>,
    /// A name that only a wildcard answers.
    pub wildcard: Option<Name>,
}

/// HINFO: nobody has it at an apex.
const NO_DATA_TYPE: Rtype = Rtype(13);

impl PartialProbes {
    /// Completes them with what inventories found.
    pub fn complete(
        &self,
        zone: &Name,
        positive: Option<(Name, Rtype)>,
        wildcard_owner: Option<Name>,
    ) -> ProbeNames {
        let below =
            |name: &Name, label: &str| name.prepend(label.as_bytes()).unwrap_or_else(|_| name.clone());
        let expansion = wildcard_owner
            .and_then(|owner| owner.parent())
            .map(|parent| below(&parent, "unbroken-wildcard"));
        ProbeNames {
            positive: self.positive.clone().or(positive),
            no_data: self
                .no_data
                .clone()
                .unwrap_or_else(|| (zone.clone(), NO_DATA_TYPE)),
            no_name: self
                .no_name
                .clone()
                .unwrap_or_else(|| below(zone, "unbroken-does-not-exist")),
            wildcard: self.wildcard.clone().or(expansion),
        }
    }
}
