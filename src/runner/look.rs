//! Looking: where the zone hangs, what providers hold, one sweep.

use std::collections::BTreeMap;

use super::error::RunError;
use super::run::Runner;
use crate::dns::Name;
use crate::evidence::Proto;
use crate::ports::{NameServer, Observed, SweepRequest, Topology};
use crate::workflow::{Decision, Event, Inventoried, Ledger, Servers, StreamKey, Unclear};

/// Every that many sweeps everything is asked over TCP by itself, whatever happens.
const TCP_EVERY: u64 = 10;

impl Runner {
    /// Records what the run begins with and finds the servers; reads the zone where a provider lets us.
    ///
    /// # Errors
    /// If the zone or a name server is not found, or the journal cannot be written.
    pub async fn survey(&mut self) -> Result<(), RunError> {
        self.mind_the_clock()?;
        self.record(&Event::Begin(self.team.begin.clone()))?;
        let (positive, wildcard) = self.inventories().await?;
        if self.state.plan.is_none() || self.state.ended {
            // While a plan is under way, it says itself when they are compared.
            let all: Vec<String> = self.team.providers.keys().cloned().collect();
            self.compare(&all).await?;
        }
        let zone = self.team.zone.clone();
        let topology = self.team.observer.find(&zone).await.map_err(RunError::NotFound)?;
        let providers = self.hosts(&topology).await?;
        let probes = self.team.probes.complete(&zone, positive, wildcard);
        let servers = Servers {
            topology,
            providers,
            probes,
        };
        if self.state.servers.as_deref() != Some(&servers) {
            self.record(&Event::Servers(Box::new(servers)))?;
        }
        Ok(())
    }

    /// The servers of each provider of the settings, with their addresses.
    async fn hosts(&self, topology: &Topology) -> Result<BTreeMap<String, Vec<NameServer>>, RunError> {
        let mut providers = BTreeMap::new();
        for (name, hosts) in &self.team.name_servers {
            let mut found = Vec::new();
            for host in hosts {
                found.push(self.host(topology, name, host).await?);
            }
            providers.insert(name.clone(), found);
        }
        Ok(providers)
    }

    /// A host of a provider: at the addresses that are that provider's own, if the settings say so.
    pub(super) async fn host(
        &self,
        topology: &Topology,
        provider: &str,
        host: &Name,
    ) -> Result<NameServer, RunError> {
        let mut server = self.server(topology, host).await?;
        let own = self.team.own_addresses.get(provider);
        if let Some(addresses) = own.and_then(|own| own.get(host)) {
            server.addresses.clone_from(addresses);
        }
        Ok(server)
    }

    async fn server(&self, topology: &Topology, host: &Name) -> Result<NameServer, RunError> {
        if let Some(known) = topology
            .delegated
            .iter()
            .find(|server| server.name == *host && !server.addresses.is_empty())
        {
            return Ok(known.clone());
        }
        match self.team.observer.addresses(host).await {
            // A host within the zone that the zone does not have yet is told of when a plan is made.
            Err(_) if host.is_at_or_below(&topology.zone) => Ok(NameServer {
                name: host.clone(),
                addresses: Vec::new(),
                address_ttl: 0,
            }),
            found => found.map_err(RunError::NotFound),
        }
    }

    /// Reads each provider's zone for its largest TTL and for names worth asking.
    async fn inventories(&mut self) -> Result<(Option<(Name, crate::dns::Rtype)>, Option<Name>), RunError> {
        let (mut positive, mut wildcard) = (None, None);
        for (name, provider) in self.team.providers.clone() {
            if !provider.capabilities().inventory {
                continue;
            }
            match provider.inventory().await {
                Ok(inventory) => {
                    positive = positive.or_else(|| inventory.positive.clone());
                    wildcard = wildcard.or_else(|| inventory.wildcard.clone());
                    self.record(&Event::Inventory(Inventoried {
                        provider: name,
                        inventory,
                    }))?;
                }
                Err(error) => {
                    let note = serde_json::json!({ "inventory-failed": name, "error": error });
                    self.record(&Event::Note(note))?;
                }
            }
        }
        Ok((positive, wildcard))
    }

    /// One sweep, recorded.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub async fn sweep(&mut self) -> Result<(), RunError> {
        let Some(servers) = self.state.servers.clone() else {
            return Err(RunError::NotFound(
                "the servers were not looked for yet".to_owned(),
            ));
        };
        self.mind_the_clock()?;
        let request = SweepRequest {
            topology: servers.topology.clone(),
            providers: servers.providers.clone(),
            probes: servers.probes.clone(),
            ancestors: self.state.upstream.due(self.team.clock.now()),
            tcp: false,
        };
        let mut observed = self.team.observer.sweep(&request).await;
        if self.tcp_due() {
            let again = SweepRequest {
                ancestors: false,
                tcp: true,
                ..request
            };
            let more = self.team.observer.sweep(&again).await;
            join(&mut observed, more);
        }
        // Times of before and after a jump do not go together: such a sweep is made again.
        if self.mind_the_clock()? {
            return Box::pin(self.sweep()).await;
        }
        let Observed { sweep, blobs } = observed;
        self.record_with(&Event::Sweep(sweep), &blobs)
    }

    /// Over TCP too: at first, around every act, now and then, while TCP still says something else than UDP or nothing, and while a
    /// provider rolls a key: what was seen long ago counts as served until now, and would overlap with what comes next. (In a watch only what is certain counts, and nothing of long ago does.)
    fn tcp_due(&self) -> bool {
        let Some(last) = &self.state.last_sweep else {
            return true;
        };
        last.count.is_multiple_of(TCP_EVERY)
            || matches!(
                self.state.last_decision,
                Some(Decision::Look { .. } | Decision::Act { .. })
            )
            || self.state.trying()
            || (self.state.watch.is_none() && self.state.snapshot().is_rolling())
            || tcp_differs(&self.state.ledger)
    }
}

fn tcp_differs(ledger: &Ledger) -> bool {
    let udp: BTreeMap<&StreamKey, _> = ledger
        .streams()
        .filter(|(key, _)| key.proto == Proto::Udp)
        .collect();
    ledger
        .streams()
        .filter(|(key, _)| key.proto == Proto::Tcp)
        .any(|(key, tcp)| {
            // A server that was silent over TCP stands in the way until it is asked again.
            let silent = tcp.unclear.as_ref();
            if silent.is_some_and(|why| !matches!(why, Unclear::NoRoute(_))) {
                return true;
            }
            let twin = StreamKey {
                proto: Proto::Udp,
                ..key.clone()
            };
            udp.get(&twin)
                .is_some_and(|udp| match (udp.current(), tcp.current()) {
                    (Some(a), Some(b)) => a.facts != b.facts,
                    _ => true,
                })
        })
}

fn join(first: &mut Observed, second: Observed) {
    first.sweep.ended = first.sweep.ended.max(second.sweep.ended);
    first.sweep.observations.extend(second.sweep.observations);
    for spot in second.sweep.blind {
        if !first.sweep.blind.contains(&spot) {
            first.sweep.blind.push(spot);
        }
    }
    first.blobs.extend(second.blobs);
}
