//! Asking: the parent, every server that delegation, settings and the zone itself name, each address once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use futures::future::join_all;

use super::report::Report;
use super::seen::{Answers, glue};
use super::sizes::{PLAIN, Probe, SAFE, Sizes};
use super::{Rules, look};
use crate::adapters::DnsObserver;
use crate::cli::settings::Settings;
use crate::dns::{Name, Rtype};
use crate::dnssec::Anchors;
use crate::evidence::{BlindSpot, Blobs, Observation, Outcome, Place, Proto};
use crate::moment::Moment;
use crate::ports::{AskRequest, NameServer, Observer, SweepRequest, Topology};

/// That many names are looked up at most that only servers name: a hostile answer holds thousands.
const MOST_NAMES: usize = 64;

/// Whom to ask, and how.
pub(super) struct Asking<'a> {
    pub(super) observer: &'a DnsObserver,
    pub(super) settings: Option<&'a Settings>,
    /// Ask again over TCP.
    pub(super) tcp: bool,
}

/// What a look at everything gave.
pub(super) struct Looked {
    pub(super) request: SweepRequest,
    pub(super) observations: Vec<Observation>,
    pub(super) blobs: Blobs,
    pub(super) blind: Vec<BlindSpot>,
    /// How each address treats sizes.
    pub(super) sizes: BTreeMap<SocketAddr, Sizes>,
    /// What the servers of their own zones say of hosts outside this one for which the parent has glue.
    pub(super) outside: BTreeMap<Name, BTreeSet<IpAddr>>,
}

impl Asking<'_> {
    /// Asks everything; `note` hears what goes on.
    pub(super) async fn all(&self, topology: Topology, note: impl Fn(String)) -> Looked {
        let mut request = look::request(self.observer, self.settings, topology, false).await;
        distinct(&mut request.providers);
        let servers: usize = request.providers.values().map(Vec::len).sum();
        note(format!("Asking {servers} name servers and the parent's …"));
        let first = self.observer.sweep(&request).await;
        let mut looked = Looked {
            observations: first.sweep.observations,
            blobs: first.blobs,
            blind: first.sweep.blind,
            request,
            sizes: BTreeMap::new(),
            outside: BTreeMap::new(),
        };
        let more = self.only_at_the_apex(&mut looked).await;
        if !more.is_empty() {
            let names: Vec<&str> = more.keys().map(String::as_str).collect();
            note(format!("And {}, which only the zone names …", names.join(", ")));
            let mut request = narrow(&looked.request);
            request.providers = more;
            looked.add(self.observer, &request).await;
            looked.request.providers.extend(request.providers);
        }
        if self.tcp {
            note("And all of them over TCP …".to_owned());
            let mut request = narrow(&looked.request);
            request.providers = looked.request.providers.clone();
            request.topology.parent_servers = looked.request.topology.parent_servers.clone();
            request.tcp = true;
            looked.add(self.observer, &request).await;
        }
        looked.sizes = self.sizes(&looked).await;
        looked.outside = self.outside(&looked).await;
        looked
    }

    /// Servers that an apex NS RRset names and nobody else does, without the addresses that were asked already.
    async fn only_at_the_apex(&self, looked: &mut Looked) -> BTreeMap<String, Vec<NameServer>> {
        let zone = &looked.request.topology.zone;
        let known: BTreeSet<&Name> = looked
            .request
            .topology
            .delegated
            .iter()
            .chain(looked.request.providers.values().flatten())
            .map(|server| &server.name)
            .collect();
        let mut names = looked.answers().apex_ns(zone);
        names.retain(|name| !known.contains(name));
        let mut asked: BTreeSet<SocketAddr> = looked
            .request
            .providers
            .values()
            .flatten()
            .flat_map(|server| server.addresses.iter().copied())
            .collect();
        let mut more = BTreeMap::new();
        let left_out = names.len().saturating_sub(MOST_NAMES);
        if let Some(first) = names.iter().nth(MOST_NAMES) {
            looked.blind.push(BlindSpot {
                place: Place::Provider(first.to_string()),
                server: first.clone(),
                address: None,
                why: format!(
                    "only the zone names it: one of {left_out} names beyond the {MOST_NAMES} that are looked up"
                ),
            });
        }
        for name in names.into_iter().take(MOST_NAMES) {
            let mut server = self
                .observer
                .addresses(&name)
                .await
                .unwrap_or_else(|_| NameServer {
                    name: name.clone(),
                    addresses: Vec::new(),
                    address_ttl: 0,
                });
            let found = server.addresses.len();
            server.addresses.retain(|address| asked.insert(*address));
            if found == 0 || !server.addresses.is_empty() {
                more.insert(name.to_string(), vec![server]);
            }
        }
        more
    }

    /// Asks each address that serves something for the keys, over UDP alone, at two sizes.
    async fn sizes(&self, looked: &Looked) -> BTreeMap<SocketAddr, Sizes> {
        let zone = &looked.request.topology.zone;
        let answers = looked.answers();
        let alive: Vec<_> = answers
            .addresses(false)
            .filter(|address| matches!(answers.get(address, Proto::Udp, zone, Rtype::DNSKEY), Some(Ok(_))))
            .collect();
        let asked = alive.into_iter().map(|address| async {
            let request = AskRequest {
                place: address.place.clone(),
                server: address.server.clone(),
                address: address.address,
                proto: Proto::Udp,
                name: zone.clone(),
                rtype: Rtype::DNSKEY,
            };
            let at = |size| self.observer.over_udp(&request, size);
            let (safe, plain) = (at(SAFE).await, at(PLAIN).await);
            let whole = looked.octets(address, zone, Rtype::DNSKEY);
            let sizes = Sizes::new(
                Probe::read(zone, SAFE, &safe),
                Probe::read(zone, PLAIN, &plain),
                whole,
            );
            (address.address, sizes)
        });
        join_all(asked).await.into_iter().collect()
    }

    /// Looks up the first hosts outside the zone for which a server of the parent gave addresses.
    async fn outside(&self, looked: &Looked) -> BTreeMap<Name, BTreeSet<IpAddr>> {
        let zone = &looked.request.topology.zone;
        let answers = looked.answers();
        let hosts: BTreeSet<Name> = answers
            .addresses(true)
            .filter_map(|address| answers.get(address, Proto::Udp, zone, Rtype::NS)?.as_ref().ok())
            .flat_map(|message| glue(message, zone).into_keys())
            .filter(|host| !host.is_at_or_below(zone))
            .collect();
        let mut out = BTreeMap::new();
        for host in hosts.into_iter().take(MOST_NAMES) {
            if let Ok(found) = self.observer.addresses(&host).await {
                out.insert(host, found.addresses.iter().map(SocketAddr::ip).collect());
            }
        }
        out
    }
}

impl Looked {
    async fn add(&mut self, observer: &dyn Observer, request: &SweepRequest) {
        let more = observer.sweep(request).await;
        self.observations.extend(more.sweep.observations);
        self.blobs.extend(more.blobs);
        for spot in more.sweep.blind {
            if !self.blind.contains(&spot) {
                self.blind.push(spot);
            }
        }
    }

    fn answers(&self) -> Answers {
        Answers::new(&self.observations, &self.blobs)
    }

    /// The size of the whole answer that an address gave, octets.
    fn octets(&self, address: &super::seen::Address, name: &Name, rtype: Rtype) -> Option<usize> {
        let observation = self.observations.iter().find(|one| {
            one.address == address.address
                && one.place == address.place
                && one.proto == Proto::Udp
                && one.name == *name
                && one.rtype == rtype
        })?;
        match &observation.outcome {
            Outcome::Answer { blob, .. } => self.blobs.get(blob).map(|octets| octets.len()),
            _ => None,
        }
    }

    /// Judges it all.
    pub(super) fn report(self, anchors: &Anchors, rules: &Rules, at: Moment) -> Report {
        let answers = self.answers();
        Report::inspect(self, &answers, anchors, rules, at)
    }
}

/// A request that asks neither the parent nor the zones above.
fn narrow(request: &SweepRequest) -> SweepRequest {
    let mut narrow = request.clone();
    narrow.topology.parent_servers.clear();
    narrow.ancestors = false;
    narrow
}

/// Leaves each address at one provider. A host that leads to several: an address belongs to the provider that has it at a
/// host of its own; where none has, or several have, it stands under the names of all.
fn distinct(providers: &mut BTreeMap<String, Vec<NameServer>>) {
    let mut owners: BTreeMap<SocketAddr, BTreeSet<String>> = BTreeMap::new();
    let mut by_own_host: BTreeMap<SocketAddr, BTreeSet<String>> = BTreeMap::new();
    let mut users: BTreeMap<Name, BTreeSet<String>> = BTreeMap::new();
    for (provider, servers) in providers.iter() {
        for server in servers {
            users
                .entry(server.name.clone())
                .or_default()
                .insert(provider.clone());
        }
    }
    for (provider, servers) in providers.iter() {
        for server in servers {
            for address in &server.addresses {
                owners.entry(*address).or_default().insert(provider.clone());
                if users.get(&server.name).is_some_and(|users| users.len() == 1) {
                    by_own_host.entry(*address).or_default().insert(provider.clone());
                }
            }
        }
    }
    let owner = |address: &SocketAddr| -> Option<String> {
        let own = by_own_host.get(address).filter(|own| own.len() == 1);
        let all = own.or_else(|| owners.get(address))?;
        Some(all.iter().cloned().collect::<Vec<_>>().join(" and "))
    };
    let mut out: BTreeMap<String, Vec<NameServer>> = BTreeMap::new();
    for (provider, servers) in std::mem::take(providers) {
        for server in servers {
            if server.addresses.is_empty() {
                out.entry(provider.clone()).or_default().push(server);
                continue;
            }
            for address in &server.addresses {
                let at = out
                    .entry(owner(address).unwrap_or_else(|| provider.clone()))
                    .or_default();
                let known = at.iter_mut().find(|known| known.name == server.name);
                match known {
                    Some(known) if known.addresses.contains(address) => {}
                    Some(known) => known.addresses.push(*address),
                    None => at.push(NameServer {
                        addresses: vec![*address],
                        ..server.clone()
                    }),
                }
            }
        }
    }
    *providers = out;
}
