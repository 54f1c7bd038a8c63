//! Right and wrong orders of a move, driven by hand in virtual time under the eyes of the crowd.

use std::time::Duration;

use super::*;
use crate::dns::Record;
use crate::lab::{
    Crowd, CrowdConfig, CrowdReport, LabConfig, Policy, SignerKind, Tally, Ttls, VirtualClock, WorldTransport,
};
use crate::ports::Clock;

/// TTLs of some minutes, so that a few hours show everything.
const MINUTES: Ttls = Ttls {
    data: Some(300),
    dnskey: 600,
    apex_ns: 900,
    parent_ns: 1_200,
    ds: 600,
    negative: 200,
    addresses: 1_200,
    above: 3_600,
};

struct Stage {
    world: Arc<World>,
    clock: VirtualClock,
    tally: Tally,
    ttls: Ttls,
}

impl Stage {
    async fn new(config: &LabConfig, interval: Duration) -> Stage {
        let world = world(config);
        let clock = VirtualClock::new(START);
        let transport = Arc::new(WorldTransport::new(world.clone(), clock.dial()));
        let settings = CrowdConfig {
            interval,
            seed: 42,
            ..CrowdConfig::for_world(&world, START).unwrap()
        };
        let crowd = Crowd::new(transport, settings);
        let tally = crowd.tally();
        clock.attach(Box::new(crowd)).await;
        Stage {
            world,
            clock,
            tally,
            ttls: config.ttls,
        }
    }

    async fn wait(&self, seconds: u32) {
        let until = self.clock.now() + Duration::from_secs(u64::from(seconds));
        self.clock.sleep_until(until).await;
    }

    /// Keys and CDS of `from` into the zone of `to`.
    fn share_keys(&self, from: &str, to: &str) {
        let zone = self.world.zone().clone();
        let records = self
            .world
            .read(from, |other| {
                [Rtype::DNSKEY, Rtype::CDS, Rtype::CDNSKEY]
                    .into_iter()
                    .filter_map(|rtype| other.rrset(&zone, rtype))
                    .flat_map(|set| set.records().collect::<Vec<_>>())
                    .collect::<Vec<_>>()
            })
            .unwrap();
        self.world.edit(to, self.clock.now(), |own| {
            for record in &records {
                own.add(record);
            }
        });
    }

    /// Takes keys and CDS of `from` out of the zone of `to`.
    fn drop_keys(&self, from: &str, to: &str) {
        let zone = self.world.zone().clone();
        let keys: Vec<Vec<u8>> = self
            .world
            .read(from, |other| {
                other.keys().iter().map(|key| key.key.dnskey().rdata()).collect()
            })
            .unwrap();
        self.world.edit(to, self.clock.now(), |own| {
            for rdata in &keys {
                own.remove(&zone, Rtype::DNSKEY, rdata);
            }
        });
    }

    fn ds(&self, of: &str, add: bool) {
        let zone = self.world.zone().clone();
        let set = self.world.own_ds(of);
        self.world.edit("registry", self.clock.now(), |parent| {
            for ds in &set {
                if add {
                    parent.add(&ds.record(&zone, 0));
                } else {
                    parent.remove(&zone, Rtype::DS, &ds.rdata());
                }
            }
        });
    }

    /// The name servers of these providers, at the parent and in these providers' zones.
    fn delegate(&self, to: &[&str], at: &[&str]) {
        let zone = self.world.zone().clone();
        let hosts: Vec<Name> = to
            .iter()
            .flat_map(|provider| self.world.name_servers(provider))
            .collect();
        for operator in at {
            let ttl = self.ttls.apex_ns;
            self.world.edit(operator, self.clock.now(), |own| {
                own.remove_rrset(&zone, Rtype::NS);
                for host in &hosts {
                    own.add(&Record::new(zone.clone(), Rtype::NS, ttl, host.wire().to_vec()));
                }
            });
        }
    }

    fn report(&self) -> CrowdReport {
        self.tally.report()
    }

    /// Names of the resolvers that failed.
    fn failing(&self) -> Vec<String> {
        self.report()
            .resolvers
            .into_iter()
            .filter(|resolver| resolver.failed > 0)
            .map(|resolver| resolver.name)
            .collect()
    }
}

const INTERVAL: Duration = Duration::from_secs(10);

fn group(ttls: Ttls) -> LabConfig {
    LabConfig {
        delegated: vec!["a".to_owned(), "b".to_owned()],
        ttls,
        ..config()
    }
}

fn alone(ttls: Ttls) -> LabConfig {
    LabConfig { ttls, ..config() }
}

fn all_names() -> Vec<String> {
    Policy::all()
        .into_iter()
        .map(|policy| policy.name.to_owned())
        .collect()
}

/// The whole of a migration in the right order, each wait as long as it must be.
async fn migrate(stage: &Stage) {
    let ttls = stage.ttls;
    stage.wait(ttls.parent_ns).await;
    stage.share_keys("a", "b");
    stage.share_keys("b", "a");
    stage.ds("b", true);
    stage.wait(ttls.ds.max(ttls.dnskey)).await;
    stage.delegate(&["a", "b"], &["a", "b", "registry"]);
    stage.wait(ttls.parent_ns + ttls.addresses).await;
    stage.delegate(&["b"], &["a", "b", "registry"]);
    stage
        .wait(ttls.parent_ns.max(ttls.apex_ns).max(ttls.addresses))
        .await;
    // What A answered lives on in caches for so long.
    stage
        .wait(ttls.data.unwrap_or(0).max(ttls.negative).max(ttls.apex_ns))
        .await;
    stage.drop_keys("a", "b");
    stage.wait(ttls.dnskey).await;
    stage.ds("a", false);
    stage.wait(ttls.ds + ttls.parent_ns).await;
}

#[tokio::test]
async fn nobody_fails_when_the_order_and_the_waits_are_right() {
    use SignerKind::{Csk, KskZsk};
    for (a, b, nsec3) in [(KskZsk, KskZsk, false), (Csk, KskZsk, true), (Csk, Csk, false)] {
        let mut config = alone(MINUTES);
        config.providers[0].signer = a;
        config.providers[1].signer = b;
        config.providers[1].nsec3 = nsec3;
        let stage = Stage::new(&config, INTERVAL).await;
        migrate(&stage).await;
        let report = stage.report();
        let failures: Vec<String> = report
            .resolvers
            .iter()
            .flat_map(|resolver| resolver.failures.iter().map(ToString::to_string))
            .collect();
        assert_eq!(failures, Vec::<String>::new());
        assert_eq!(
            (report.failed(), report.unreachable(), report.insecure()),
            (0, 0, 0)
        );
        assert!(report.asked() > 5_000, "{} questions", report.asked());
        assert_eq!(report.asked(), report.validated());
    }
}

#[tokio::test]
async fn name_servers_before_keys_and_ds_break_everybody() {
    let stage = Stage::new(&alone(MINUTES), INTERVAL).await;
    stage.wait(600).await;
    assert!(stage.failing().is_empty());
    stage.delegate(&["a", "b"], &["a", "b", "registry"]);
    stage.wait(14_400).await;
    assert_eq!(stage.failing(), all_names());
}

#[tokio::test]
async fn a_missing_ds_breaks_everybody() {
    let stage = Stage::new(&alone(MINUTES), INTERVAL).await;
    stage.share_keys("a", "b");
    stage.share_keys("b", "a");
    stage.wait(MINUTES.dnskey).await;
    stage.delegate(&["a", "b"], &["a", "b", "registry"]);
    stage.wait(14_400).await;
    assert_eq!(stage.failing(), all_names());
    let report = stage.report();
    let first = &report.resolvers[0].failures[0];
    assert!(first.why.contains("not signed by a key that the DS"), "{first}");
    assert!(first.ds.is_some() && first.dnskey.is_some());
}

#[tokio::test]
async fn taking_the_old_zsk_out_too_early_breaks_everybody() {
    let stage = Stage::new(&group(MINUTES), INTERVAL).await;
    stage.wait(1_800).await;
    assert!(stage.failing().is_empty(), "{:?}", stage.report());
    stage.drop_keys("a", "b");
    stage.wait(3_600).await;
    assert_eq!(stage.failing(), all_names());
    let report = stage.report();
    let first = &report.resolvers[0].failures[0];
    assert!(first.why.contains("no key of the DNSKEY RRset"), "{first}");
    assert!(first.data.is_some());
}

#[tokio::test]
async fn withdrawing_the_old_ds_too_early_breaks_everybody() {
    let stage = Stage::new(&group(MINUTES), INTERVAL).await;
    stage.wait(1_800).await;
    stage.ds("a", false);
    stage.wait(14_400).await;
    assert_eq!(stage.failing(), all_names());
}

#[tokio::test]
async fn a_wait_for_the_ds_alone_breaks_those_whose_keys_outlive_it() {
    let ttls = Ttls {
        data: Some(5),
        dnskey: 60,
        apex_ns: 5,
        parent_ns: 5,
        ds: 8,
        negative: 5,
        addresses: 600,
        above: 600,
    };
    let run = async |wait: u32| {
        let stage = Stage::new(&alone(ttls), Duration::from_millis(300)).await;
        stage.wait(100).await;
        stage.ds("a", false);
        stage.wait(wait).await;
        stage.delegate(&["b"], &["a", "b", "registry"]);
        stage.wait(120).await;
        let report = stage.report();
        assert!(report.insecure() > 100);
        (stage.failing(), report)
    };
    let (failing, report) = run(ttls.ds).await;
    assert_eq!(failing, ["key-cache", "key-cache-child-centric"], "{report:?}");
    let (failing, report) = run(ttls.ds + ttls.dnskey).await;
    assert!(failing.is_empty(), "{report:?}");
}

#[tokio::test]
async fn a_newcomer_of_another_algorithm_breaks_the_strict_alone() {
    let mut config = group(MINUTES);
    config.providers[1].algorithm = super::super::ED25519;
    let stage = Stage::new(&config, INTERVAL).await;
    stage.wait(3_600).await;
    assert_eq!(stage.failing(), ["strict-algorithms"]);
}

#[tokio::test]
async fn a_provider_that_falls_silent_is_unreachable_and_no_validation_failure() {
    struct Silent;
    impl crate::lab::Habit for Silent {
        fn before(&self, _: &crate::lab::Asked<'_>) -> crate::lab::Before {
            crate::lab::Before::Drop
        }
    }
    let stage = Stage::new(&group(MINUTES), INTERVAL).await;
    stage.wait(900).await;
    assert_eq!(stage.report().unreachable(), 0);
    for address in stage.world.addresses("b").to_vec() {
        stage.world.set_habit(address, Some(Arc::new(Silent)));
    }
    stage.wait(900).await;
    let report = stage.report();
    assert_eq!(report.failed(), 0, "{report:?}");
    assert!(report.unreachable() > 10);
}

#[tokio::test]
async fn days_of_real_ttls() {
    let config = alone(Ttls::real());
    // Without optimisation a question costs ten times as much.
    let interval = if cfg!(debug_assertions) { 900 } else { 300 };
    let stage = Stage::new(&config, Duration::from_secs(interval)).await;
    let begun = std::time::Instant::now();
    migrate(&stage).await;
    let report = stage.report();
    let days = stage.clock.now().since(START).as_secs_f64() / 86_400.0;
    let queries: u64 = report.resolvers.iter().map(|resolver| resolver.queries).sum();
    eprintln!(
        "{days:.1} days, {} questions, {queries} queries, {:?}",
        report.asked(),
        begun.elapsed()
    );
    assert!(days > 9.0);
    assert_eq!(report.failed() + report.unreachable(), 0, "{report:?}");
    assert!(report.asked() > 9_000);
}
