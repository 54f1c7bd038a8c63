//! The whole way on a lab without sockets: found from the root, swept, judged.

mod automation;
mod delegation;
mod healthy;
mod keys;
mod servers;
mod shown;
mod waits;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::findings::{Finding, Severity};
use super::gather::Asking;
use super::report::Report;
use super::{Rules, look};
use crate::adapters::{DnsObserver, ObserverConfig};
use crate::cli::settings::Settings;
use crate::dns::{Name, Record, Rtype};
use crate::dnssec::{Anchors, Ds};
use crate::evidence::Proto;
use crate::lab::{LabConfig, SigningKey, Ttls, VirtualClock, World, WorldTransport, Zone};
use crate::moment::Moment;
use crate::ports::{Clock, ExchangeError, Transport};

const START: i64 = 1_790_000_000;

/// A lab to be looked at.
struct Scene {
    world: Arc<World>,
    clock: Arc<VirtualClock>,
    settings: Option<Settings>,
    rules: Rules,
    /// To these there is no way from here.
    out_of_reach: BTreeSet<SocketAddr>,
}

/// The world, but for what is out of reach.
struct Partly {
    world: WorldTransport,
    out_of_reach: BTreeSet<SocketAddr>,
}

#[async_trait]
impl Transport for Partly {
    async fn exchange(
        &self,
        server: SocketAddr,
        proto: Proto,
        message: &[u8],
        timeout: Duration,
    ) -> Result<Vec<u8>, ExchangeError> {
        if self.out_of_reach.contains(&server) {
            return Err(ExchangeError::NoRoute("Network is unreachable".to_owned()));
        }
        self.world.exchange(server, proto, message, timeout).await
    }

    async fn stream(
        &self,
        server: SocketAddr,
        message: &[u8],
        timeout: Duration,
        more: &mut (dyn for<'m> FnMut(&'m [u8]) -> bool + Send),
    ) -> Result<(), ExchangeError> {
        self.world.stream(server, message, timeout, more).await
    }
}

fn config(change: impl FnOnce(&mut LabConfig)) -> LabConfig {
    let mut config = LabConfig::built_in(Moment::from_seconds(START)).unwrap();
    config.ttls = Ttls::real();
    change(&mut config);
    config
}

/// Both providers serve and are delegated.
fn both(config: &mut LabConfig) {
    config.delegated = vec!["a".to_owned(), "b".to_owned()];
}

impl Scene {
    fn new(change: impl FnOnce(&mut LabConfig)) -> Scene {
        Scene::of(World::new(&config(change)).unwrap())
    }

    fn of(world: World) -> Scene {
        Scene {
            world: Arc::new(world),
            clock: Arc::new(VirtualClock::new(Moment::from_seconds(START))),
            settings: None,
            rules: Rules::default(),
            out_of_reach: BTreeSet::new(),
        }
    }

    fn apex(&self) -> Name {
        self.world.zone().clone()
    }

    fn edit(&self, operator: &str, change: impl FnOnce(&mut Zone)) {
        self.world.edit(operator, self.clock.now(), change);
    }

    /// Both signers.
    fn edit_both(&self, change: impl Fn(&mut Zone)) {
        self.edit("a", &change);
        self.edit("b", &change);
    }

    /// What one server alone serves.
    fn edit_server(&self, operator: &str, index: usize, change: impl FnOnce(&mut Zone)) {
        self.world
            .edit_server(self.world.addresses(operator)[index], change);
    }

    /// The DS RRset at the parent.
    fn set_ds(&self, records: impl IntoIterator<Item = Ds>) {
        let apex = self.apex();
        self.edit("registry", |zone| {
            zone.remove_rrset(&apex, Rtype::DS);
            for ds in records {
                zone.add(&ds.record(&apex, 86_400));
            }
        });
    }

    /// An own key of a provider: 0 its KSK or CSK, 1 its ZSK.
    fn key(&self, provider: &str, index: usize) -> Arc<SigningKey> {
        self.world
            .read(provider, |zone| zone.keys()[index].key.clone())
            .unwrap()
    }

    /// Settings for the zone, with these signers.
    fn settle(&mut self, text: &str) {
        self.settings = Some(Settings::parse(Path::new("unbroken.toml"), text).unwrap());
    }

    fn check(&self) -> Report {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(self.look())
    }

    async fn look(&self) -> Report {
        let transport = Partly {
            world: WorldTransport::new(self.world.clone(), self.clock.dial()),
            out_of_reach: self.out_of_reach.clone(),
        };
        let config = ObserverConfig {
            roots: self.world.roots().to_vec(),
            per_server_qps: 0,
            ..ObserverConfig::default()
        };
        let observer = DnsObserver::new(config, Arc::new(transport), self.clock.clone());
        let topology = look::find(&observer, self.world.zone()).await.unwrap();
        let asking = Asking {
            observer: &observer,
            settings: self.settings.as_ref(),
            tcp: true,
        };
        let looked = asking.all(topology, |_| {}).await;
        let anchors = Anchors::parse(&self.world.anchors()).unwrap();
        looked.report(&anchors, &self.rules, self.clock.now())
    }

    /// The codes that are found.
    fn codes(&self) -> BTreeSet<&'static str> {
        codes(&self.check())
    }

    /// Asserts that exactly these are found.
    #[track_caller]
    fn finds<const N: usize>(&self, codes_wanted: [(&'static str, Severity); N]) -> Report {
        let report = self.check();
        let found: BTreeSet<_> = report
            .findings
            .iter()
            .map(|finding| (finding.code, finding.severity))
            .collect();
        assert_eq!(found, BTreeSet::from(codes_wanted), "{:#?}", report.findings);
        report
    }
}

fn codes(report: &Report) -> BTreeSet<&'static str> {
    report.findings.iter().map(|finding| finding.code).collect()
}

fn finding<'a>(report: &'a Report, code: &str) -> &'a Finding {
    report
        .findings
        .iter()
        .find(|finding| finding.code == code)
        .unwrap_or_else(|| panic!("no {code} in {:#?}", report.findings))
}

fn record(name: &Name, rtype: Rtype, rdata: Vec<u8>) -> Record {
    Record::new(name.clone(), rtype, 3_600, rdata)
}
