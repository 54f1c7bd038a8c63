//! Looks at the servers of a zone, of its parent and of the zones above: finds them from the root, and asks them all.

mod ask;
mod referral;
mod roots;
mod sweep;
mod walk;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::dns::Name;
use crate::evidence::{Blobs, Observation};
use crate::ports::{
    AskRequest, Clock, ExchangeError, NameServer, Observed, Observer, SweepRequest, Topology, Transport,
};
use ask::Asker;
use walk::Walk;

/// How to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObserverConfig {
    /// Where the walk begins; empty: the root's real addresses.
    pub roots: Vec<SocketAddr>,
    /// How long an answer may take; over UDP it is asked once more after that.
    pub timeout: Duration,
    /// The most questions a second to one address; 0: no limit (a lab's own servers).
    pub per_server_qps: u32,
    /// From where this looks, for the records ("fra1").
    pub vantage: String,
}

impl Default for ObserverConfig {
    fn default() -> Self {
        ObserverConfig {
            roots: Vec::new(),
            timeout: Duration::from_secs(2),
            per_server_qps: 5,
            vantage: "here".to_owned(),
        }
    }
}

/// Looks over DNS.
pub struct DnsObserver {
    asker: Asker,
    roots: Vec<NameServer>,
    vantage: String,
}

impl DnsObserver {
    /// An observer that asks over `transport` and paces itself by `clock`.
    pub fn new(config: ObserverConfig, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> DnsObserver {
        let roots = if config.roots.is_empty() {
            roots::root_servers()
        } else {
            config
                .roots
                .iter()
                .map(|address| NameServer {
                    name: Name::root(),
                    addresses: vec![*address],
                    address_ttl: 0,
                })
                .collect()
        };
        DnsObserver {
            asker: Asker::new(transport, clock, config.timeout, config.per_server_qps),
            roots,
            vantage: config.vantage,
        }
    }

    /// One question over UDP alone, offering a payload of `udp_size` octets; a truncated answer is not asked for again
    /// over TCP. For looking at how a server treats sizes.
    ///
    /// # Errors
    /// If nothing comes back, twice.
    pub async fn over_udp(&self, request: &AskRequest, udp_size: u16) -> Result<Vec<u8>, ExchangeError> {
        self.asker.over_udp(request, udp_size).await
    }

    /// From where it looks.
    pub fn vantage(&self) -> &str {
        &self.vantage
    }
}

#[async_trait]
impl Observer for DnsObserver {
    async fn find(&self, zone: &Name) -> Result<Topology, String> {
        Walk::new(&self.asker, &self.roots).topology(zone).await
    }

    async fn addresses(&self, host: &Name) -> Result<NameServer, String> {
        Walk::new(&self.asker, &self.roots).addresses(host).await
    }

    async fn sweep(&self, request: &SweepRequest) -> Observed {
        sweep::sweep(&self.asker, request).await
    }

    async fn ask(&self, request: AskRequest) -> (Observation, Blobs) {
        let mut blobs = Blobs::default();
        let observation = self.asker.ask(request).await.keep(&mut blobs);
        (observation, blobs)
    }
}

#[cfg(test)]
mod tests;
