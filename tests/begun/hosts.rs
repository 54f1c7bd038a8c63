//! Name servers within the zone, hosts that lead to several providers, and servers of somebody else.

use std::sync::Arc;
use std::time::Duration;

use unbroken::dns::{Name, Record, Rtype};
use unbroken::dnssec::Anchors;
use unbroken::lab::{self, Habit, ProviderConfig};
use unbroken::moment::Moment;
use unbroken::runner::{Quiet, Runner};
use unbroken::workflow::{Event, Finding, Purpose, State, plan, preflight};

use crate::combinations::{assert_moved, scene};
use crate::stage::{Exit, Fate, Kept, Scene, Stage, events};

fn migration(change: impl Fn(&mut ProviderConfig)) -> Scene {
    let mut scene = scene();
    scene.config.providers = ["a", "b"]
        .map(|name| {
            let mut provider = ProviderConfig::new(name);
            change(&mut provider);
            provider
        })
        .to_vec();
    scene
}

fn refusals(exit: &Exit) -> Vec<String> {
    let Exit::Refused(findings) = exit else {
        panic!("{exit:#?}");
    };
    findings.iter().map(|finding| finding.code.clone()).collect()
}

/// Both providers' hosts lie within the zone: the glue comes before the name, and goes after it.
#[tokio::test]
async fn hosts_within_the_zone_move_with_their_glue() {
    let stage = Stage::new(migration(|provider| provider.in_zone = true)).await;
    stage.pass(7_200).await;
    let kept = Kept::default();
    let exit = stage.process(&kept, Fate::Lives).await;
    Stage::assert_complete(&exit, "glue");
    stage.pass(4_000).await;
    stage.assert_crowd_is_well("glue");
    assert_moved(&stage, "glue");
    let at_registry = |of: &str| -> Vec<bool> {
        let names = stage.world.name_servers(of);
        let glue = |name: &Name| {
            stage
                .world
                .read("registry", |zone| zone.rrset(name, Rtype::A).is_some())
        };
        names.iter().map(|name| glue(name).unwrap()).collect()
    };
    assert_eq!(at_registry("b"), [true, true]);
    assert_eq!(
        at_registry("a"),
        [false, false],
        "glue of hosts that nothing names stays behind"
    );
    // In one step: addresses first, then the names.
    let order: Vec<Vec<Rtype>> = events(&kept)
        .into_iter()
        .filter_map(|event| match event {
            Event::Intent(intended) if intended.step.0.contains("ns-at-parent") => {
                Some(intended.changes.iter().map(|change| change.rtype).collect())
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        order,
        [
            vec![Rtype::A, Rtype::A, Rtype::NS],
            vec![Rtype::NS, Rtype::A, Rtype::A]
        ]
    );
}

/// The addresses of such a host are kept for their own TTL, longer here than that of any NS RRset.
#[tokio::test]
async fn the_life_of_glue_and_addresses_counts() {
    let mut scene = migration(|provider| provider.in_zone = true);
    scene.config.ttls.addresses = 3_000;
    let stage = Stage::new(scene).await;
    stage.pass(7_200).await;
    let kept = Kept::default();
    let exit = stage.process(&kept, Fate::Lives).await;
    Stage::assert_complete(&exit, "addresses");
    stage.assert_crowd_is_well("addresses");
    let proven = |step: &str| {
        let of = |event: Event| match event {
            Event::Proven(proven) if proven.step.0.ends_with(step) => Some(proven.as_of),
            _ => None,
        };
        events(&kept).into_iter().find_map(of).unwrap()
    };
    let unnamed = proven("ns-at-a-without-a");
    assert!(proven("retire-a").since(unnamed).as_secs() >= 3_000);
}

#[tokio::test]
async fn a_host_within_the_zone_needs_its_address_in_every_copy() {
    for missing in ["a", "b"] {
        let stage = Stage::new(migration(|provider| provider.in_zone = true)).await;
        let host = stage.world.name_servers("b").remove(1);
        stage.world.edit(missing, stage.clock.now(), |zone| {
            assert!(zone.remove_rrset(&host, Rtype::A));
        });
        let exit = stage.process(&Kept::default(), Fate::Lives).await;
        assert!(
            refusals(&exit).contains(&"host-without-address".to_owned()),
            "{missing}: {exit:#?}"
        );
    }
}

#[tokio::test]
async fn addresses_that_differ_between_copies_or_from_the_glue_are_told() {
    let other = |host: &Name| Record::new(host.clone(), Rtype::A, 600, vec![192, 0, 2, 99]);
    let stage = Stage::new(migration(|provider| provider.in_zone = true)).await;
    let host = stage.world.name_servers("a").remove(0);
    stage.world.edit("b", stage.clock.now(), |zone| {
        zone.add(&other(&host));
    });
    let exit = stage.process(&Kept::default(), Fate::Lives).await;
    assert!(
        refusals(&exit).contains(&"host-addresses-differ".to_owned()),
        "{exit:#?}"
    );

    let stage = Stage::new(migration(|provider| provider.in_zone = true)).await;
    stage.world.edit("registry", stage.clock.now(), |zone| {
        zone.add(&other(&host));
    });
    let mut runner = stage.open(Box::new(Kept::default()), Box::new(Quiet));
    runner.survey().await.unwrap();
    runner.sweep().await.unwrap();
    let (_, findings) = stage.plan(&runner);
    let found = findings
        .iter()
        .find(|finding| finding.code == "glue-differs")
        .unwrap();
    assert!(found.text.contains("192.0.2.99") && !found.refuses(), "{found}");
}

/// A host of the customer's own with an address at either provider, in the settings of both.
struct Vanity {
    stage: Stage,
    host: Name,
}

impl Vanity {
    async fn new() -> Vanity {
        let stage = Stage::new(scene()).await;
        let host = Name::parse("ns.vanity.test.").unwrap();
        let addresses = ["a", "b"].map(|name| stage.world.primary(name).unwrap());
        stage.world.edit("registry", stage.clock.now(), |zone| {
            for address in addresses {
                let std::net::IpAddr::V4(v4) = address.ip() else {
                    panic!("{address}");
                };
                zone.add(&Record::new(host.clone(), Rtype::A, 600, v4.octets().to_vec()));
            }
        });
        Vanity { stage, host }
    }

    /// The delegation names it.
    fn name(&self) {
        let apex = self.stage.world.zone().clone();
        self.stage.world.edit("registry", self.stage.clock.now(), |zone| {
            zone.add(&Record::new(
                apex.clone(),
                Rtype::NS,
                600,
                self.host.wire().to_vec(),
            ));
        });
    }

    async fn findings(&self, purpose: Purpose, group: &[&str]) -> (Runner, Vec<Finding>) {
        let world = &self.stage.world;
        let mut team = self.stage.team();
        let group: Vec<String> = group.iter().map(|name| (*name).to_owned()).collect();
        let mut wish = lab::wish(world, purpose, &group, self.stage.scene.rules, 60);
        for name in ["a", "b"] {
            team.name_servers.get_mut(name).unwrap().push(self.host.clone());
            let own = team.own_addresses.entry(name.to_owned()).or_default();
            own.insert(self.host.clone(), vec![world.primary(name).unwrap()]);
            let signer = wish
                .signers
                .iter_mut()
                .find(|signer| signer.name == name)
                .unwrap();
            signer.name_servers.insert(self.host.clone());
        }
        let anchors = Anchors::parse(&world.anchors()).unwrap();
        let mut runner = Runner::open(
            team,
            State::new(anchors),
            Box::new(Kept::default()),
            Box::new(Quiet),
        )
        .unwrap();
        runner.survey().await.unwrap();
        runner.sweep().await.unwrap();
        let made = plan(&wish, &runner.state, self.stage.clock.now());
        let findings = preflight(&runner.state, &made);
        (runner, findings)
    }
}

/// Such a host leads to both: a delegation that names it leads to the newcomer already.
#[tokio::test]
async fn a_vanity_name_leads_to_both_providers() {
    let vanity = Vanity::new().await;
    let join = || Purpose::Join {
        signer: "b".to_owned(),
    };
    let (_, before) = vanity.findings(join(), &["a"]).await;
    assert!(
        before.iter().all(|finding| finding.code != "broken-now"),
        "{before:#?}"
    );
    vanity.name();
    let (runner, named) = vanity.findings(join(), &["a"]).await;
    let broken: Vec<&Finding> = named
        .iter()
        .filter(|finding| finding.code == "broken-now")
        .collect();
    assert!(
        broken
            .iter()
            .any(|finding| finding.text.contains("DNSKEY RRset at b")),
        "{named:#?}"
    );
    // Each provider was asked at its own address alone.
    let servers = runner.state.servers.clone().unwrap();
    for name in ["a", "b"] {
        let own = vanity.stage.world.addresses(name);
        let asked: Vec<_> = servers.providers[name]
            .iter()
            .flat_map(|server| &server.addresses)
            .collect();
        assert!(
            asked.iter().all(|address| own.contains(*address)),
            "{name}: {asked:?}"
        );
    }
}

#[tokio::test]
async fn a_vanity_name_is_taken_out_when_one_of_its_providers_leaves() {
    let vanity = Vanity::new().await;
    vanity.name();
    let migrate = Purpose::Migrate {
        from: "a".to_owned(),
        to: "b".to_owned(),
    };
    let (_, findings) = vanity.findings(migrate, &["a"]).await;
    let found = findings
        .iter()
        .find(|finding| finding.code == "shared-name-server")
        .unwrap();
    assert!(
        !found.refuses() && found.text.contains("ns.vanity.test."),
        "{found}"
    );
}

/// Serves what its operator decided much later.
struct Late(Duration);

impl Habit for Late {
    fn lag(&self, _: &Name, _: Moment) -> Duration {
        self.0
    }
}

/// A secondary that somebody else runs is fed by the old provider: as long as it shows the old keys, nothing opens.
#[tokio::test]
async fn a_third_partys_secondary_that_lags_holds_the_gates() {
    const LAG: u64 = 2_400;
    let stage = Stage::new(migration(|provider| provider.third_party = provider.name == "a")).await;
    let third = stage.world.name_servers("a").remove(2);
    assert!(third.to_string().starts_with("ns.thirda."), "{third}");
    stage.world.set_habit(
        stage.world.addresses("a")[2],
        Some(Arc::new(Late(Duration::from_secs(LAG)))),
    );
    stage.pass(7_200).await;
    let begun = stage.clock.now();
    let kept = Kept::default();
    let exit = stage.process(&kept, Fate::Lives).await;
    Stage::assert_complete(&exit, "a third party");
    stage.pass(4_000).await;
    stage.assert_crowd_is_well("a third party");
    assert_moved(&stage, "a third party");
    let proven = |step: &str| {
        let of = |event: Event| match event {
            Event::Proven(proven) if proven.step.0.ends_with(step) => Some(proven.as_of),
            _ => None,
        };
        events(&kept).into_iter().find_map(of).unwrap()
    };
    assert!(proven("keys-at-a").since(begun).as_secs() >= LAG);
    assert!(proven("ns-at-a").since(begun).as_secs() >= LAG + 300);
}
