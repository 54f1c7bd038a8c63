//! A zone that is not moving, watched in virtual time: each alarm begins once and is over once, and a zone that is run as it
//! should be raises none in a month.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod stage;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use stage::{Kept, START, events};
use unbroken::dns::{Name, Rcode, Record, Rtype};
use unbroken::dnssec::Anchors;
use unbroken::lab::{
    self, Asked, Before, ECDSA_P256, Habit, KSK_FLAGS, LabConfig, RoleKey, SigningKey, Steps, Ttls,
    VirtualClock, World, WorldTransport, ZSK_FLAGS,
};
use unbroken::moment::Moment;
use unbroken::ports::{Clock, Transport};
use unbroken::runner::{Memory, Quiet, Runner, WatchOrder, Watched, Works};
use unbroken::workflow::{Code, Event, Phase, State, WatchRules};

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

/// What happens to the world, and when.
type Deed = Box<dyn FnOnce(&World, Moment) + Send>;

struct Script {
    world: Arc<World>,
    deeds: Vec<(Moment, Deed)>,
}

#[async_trait]
impl Steps for Script {
    fn next_due(&self) -> Option<Moment> {
        self.deeds.first().map(|(at, _)| *at)
    }

    async fn step(&mut self, now: Moment) {
        while self.next_due().is_some_and(|at| at <= now) {
            let (_, deed) = self.deeds.remove(0);
            deed(&self.world, now);
        }
    }
}

/// A group of two signers that nothing happens to by itself.
struct Scene {
    world: Arc<World>,
    hands: Arc<VirtualClock>,
    kept: Kept,
    deeds: Vec<(Moment, Deed)>,
    interval: u64,
    settings: bool,
    contents: bool,
    rules: WatchRules,
    accepted: Vec<(u64, String)>,
}

impl Scene {
    fn new() -> Scene {
        Scene::with(|_| ())
    }

    fn with(change: impl FnOnce(&mut LabConfig)) -> Scene {
        let start = Moment::from_seconds(START);
        let mut config = LabConfig::built_in(start).unwrap();
        config.ttls = Ttls {
            data: Some(3_600),
            dnskey: 3_600,
            apex_ns: 3_600,
            parent_ns: 3_600,
            ds: 3_600,
            negative: 900,
            addresses: 3_600,
            above: 3_600,
        };
        config.delegated = vec!["a".to_owned(), "b".to_owned()];
        change(&mut config);
        Scene {
            world: Arc::new(World::new(&config).unwrap()),
            hands: Arc::new(VirtualClock::new(start)),
            kept: Kept::default(),
            deeds: Vec::new(),
            interval: 5 * MINUTE,
            settings: true,
            contents: false,
            rules: WatchRules {
                interval: 300_000,
                expires_within: None,
                resign_within: None,
                settle: HOUR,
                silent_for: 10 * MINUTE,
                every_key: false,
                ignore: BTreeSet::new(),
            },
            accepted: Vec::new(),
        }
    }

    /// Something that happens so many seconds after the beginning.
    fn at(&mut self, seconds: u64, deed: impl FnOnce(&World, Moment) + Send + 'static) -> &mut Scene {
        let at = Moment::from_seconds(START) + Duration::from_secs(seconds);
        self.deeds.push((at, Box::new(deed)));
        self
    }

    /// One process that watches until so many seconds after the beginning.
    async fn watch(&mut self, until: u64) -> Watched {
        self.watch_with(until, Box::new(Works::default)).await
    }

    /// A watch for eight hours, beside a plan that is driven from the second to the fifth.
    async fn watch_beside_a_plan(&mut self, insecure: bool) -> Watched {
        let hands = self.hands.clone();
        let works = move || {
            let passed = hands.now().since(Moment::from_seconds(START)).as_secs();
            let end = Moment::from_seconds(START) + Duration::from_secs(5 * HOUR);
            Works {
                busy: (2 * HOUR..5 * HOUR)
                    .contains(&passed)
                    .then(|| "`unbroken run`".to_owned()),
                moved: (passed >= 5 * HOUR).then(|| (end, "0123456789abcdef".to_owned())),
                insecure,
            }
        };
        self.watch_with(8 * HOUR, Box::new(works)).await
    }

    async fn watch_with(&mut self, until: u64, works: Box<dyn FnMut() -> Works + Send>) -> Watched {
        let mut deeds = std::mem::take(&mut self.deeds);
        deeds.sort_by_key(|(at, _)| *at);
        let world = self.world.clone();
        self.hands.attach(Box::new(Script { world, deeds })).await;
        let transport: Arc<dyn Transport> =
            Arc::new(WorldTransport::new(self.world.clone(), self.hands.dial()));
        let clock: Arc<dyn Clock> = self.hands.clone();
        let mut team = lab::team(
            &self.world,
            &transport,
            &clock,
            Duration::from_secs(self.interval),
        )
        .unwrap();
        if !self.contents {
            team.providers.clear();
        }
        if !self.settings {
            team.name_servers.clear();
        }
        let anchors = Anchors::parse(&self.world.anchors()).unwrap();
        let journal = Box::new(self.kept.clone());
        let mut runner = Runner::open(team, State::new(anchors), journal, Box::new(Quiet)).unwrap();
        let mut words = self.accepted.clone();
        let now = self.hands.clone();
        let mut order = WatchOrder {
            rules: self.rules.clone(),
            contents: self.contents,
            once: false,
            until_alarm: false,
            deadline: Some(Moment::from_seconds(START) + Duration::from_secs(until)),
            works,
            accepted: Box::new(move || {
                let passed = now.now().since(Moment::from_seconds(START)).as_secs();
                let due = words.iter().position(|(at, _)| *at <= passed);
                due.map(|index| ("ann".to_owned(), words.remove(index).1))
                    .into_iter()
                    .collect()
            }),
        };
        let watched = runner.watch(&mut order, &mut Memory::default()).await.unwrap();
        if let Some(mut script) = self.hands.detach().await {
            // What is left happens under the next process.
            assert!(script.next_due().is_none_or(|at| at > self.hands.now()));
            script.step(Moment::from_seconds(0)).await;
        }
        watched
    }

    /// The alarms of the journal, with the minutes after the beginning at which they were written.
    fn alarms(&self) -> Vec<(Phase, Code, u64)> {
        use unbroken::ports::JournalView;
        let entries: Vec<_> = self.kept.entries().unwrap().map(Result::unwrap).collect();
        entries
            .iter()
            .zip(events(&self.kept))
            .filter_map(|(entry, event)| match event {
                Event::Alarm(alarm) => {
                    let passed = entry.at.since(Moment::from_seconds(START)).as_secs();
                    Some((alarm.phase, alarm.code, passed / MINUTE))
                }
                _ => None,
            })
            .collect()
    }

    fn words(&self, phase: Phase) -> Vec<&'static str> {
        let alarms = self.alarms().into_iter();
        alarms
            .filter(|(own, ..)| *own == phase)
            .map(|(_, code, _)| code.word())
            .collect()
    }

    /// These alarms began and are over, each as often as it is named, and nothing else was told.
    #[track_caller]
    fn assert_told(&self, watched: &Watched, codes: &[&str]) {
        let sorted = |mut words: Vec<&'static str>| {
            words.sort_unstable();
            words
        };
        let mut wanted = codes.to_vec();
        wanted.sort_unstable();
        assert_eq!(sorted(self.words(Phase::Begin)), wanted, "{:#?}", self.texts());
        assert_eq!(sorted(self.words(Phase::Over)), wanted, "{:#?}", self.texts());
        assert!(
            watched.standing.is_empty() && watched.pending.is_empty(),
            "{watched:#?}"
        );
        assert_eq!(watched.begun, codes.len() as u64);
    }

    fn texts(&self) -> Vec<String> {
        events(&self.kept)
            .into_iter()
            .filter_map(|event| match event {
                Event::Alarm(alarm) => Some(format!("{:?} {}: {}", alarm.phase, alarm.code, alarm.text)),
                Event::Accepted(baseline) => Some(format!("accepted: {}", baseline.why)),
                _ => None,
            })
            .collect()
    }

    fn first_of(&self, provider: &str) -> SocketAddr {
        self.world.addresses(provider)[0]
    }
}

fn key(flags: u16, signs_keys: bool, signs_data: bool) -> RoleKey {
    RoleKey {
        key: Arc::new(SigningKey::generate(flags, ECDSA_P256).unwrap()),
        signs_keys,
        signs_data,
        published: true,
    }
}

fn apex(world: &World) -> Name {
    world.zone().clone()
}

/// Puts a record into, or takes it out of, what `provider` holds of others.
fn place(world: &World, provider: &str, record: &Record, there: bool, now: Moment) {
    world.edit(provider, now, |zone| {
        if there {
            zone.add(record);
        } else {
            zone.remove(&record.name, record.rtype, &record.rdata);
        }
    });
}

/// An NS record of the zone.
fn names(world: &World, host: &Name) -> Record {
    Record {
        name: apex(world),
        rtype: Rtype::NS,
        class: 1,
        ttl: 3_600,
        rdata: host.wire().to_vec(),
    }
}

fn dnskey(world: &World, key: &RoleKey) -> Record {
    key.key.dnskey().record(&apex(world), 3_600)
}

/// CDS and CDNSKEY for a key.
fn announcement(world: &World, key: &RoleKey) -> [Record; 2] {
    let zone = apex(world);
    let mut cds = key.key.ds(&zone).unwrap().record(&zone, 3_600);
    cds.rtype = Rtype::CDS;
    let mut cdnskey = dnskey(world, key);
    cdnskey.rtype = Rtype::CDNSKEY;
    [cds, cdnskey]
}

fn ds(world: &World, key: &RoleKey) -> Record {
    let zone = apex(world);
    key.key.ds(&zone).unwrap().record(&zone, 3_600)
}

struct Says(Before);

impl Habit for Says {
    fn before(&self, _: &Asked<'_>) -> Before {
        self.0
    }
}

/// A ZSK roll of `a` as it should be: published, shared with `b`, in use when every cache has it, gone when no signature of it
/// is left.
fn roll_zsk(scene: &mut Scene, from: u64) {
    let new = key(ZSK_FLAGS, false, false);
    let (one, two, three) = (new.clone(), new.clone(), new);
    let old = |zone: &lab::Zone| zone.keys().iter().position(|key| key.signs_data).unwrap();
    scene.at(from, move |world, now| {
        world.edit("a", now, |zone| zone.keys_mut().push(one))
    });
    scene.at(from + 20 * MINUTE, move |world, now| {
        place(world, "b", &dnskey(world, &two), true, now)
    });
    scene.at(from + 4 * HOUR, move |world, now| {
        world.edit("a", now, |zone| {
            let index = old(zone);
            zone.keys_mut()[index].signs_data = false;
            for own in zone
                .keys_mut()
                .iter_mut()
                .filter(|own| own.key.dnskey() == three.key.dnskey())
            {
                own.signs_data = true;
            }
        });
    });
    scene.at(from + DAY, move |world, now| {
        let idle = |own: &RoleKey| !own.signs_data && !own.signs_keys;
        let gone = world
            .read("a", |zone| zone.keys().iter().find(|own| idle(own)).cloned())
            .unwrap()
            .unwrap();
        world.edit("a", now, |zone| zone.keys_mut().retain(|own| !idle(own)));
        place(world, "b", &dnskey(world, &gone), false, now);
    });
}

/// A KSK roll of `a` as it should be: both sign, CDS at every signer, the parent follows, and again for the old one.
fn roll_ksk(scene: &mut Scene, from: u64) {
    let new = key(KSK_FLAGS, true, false);
    let (one, two, three) = (new.clone(), new.clone(), new);
    scene.at(from, move |world, now| {
        world.edit("a", now, |zone| zone.keys_mut().push(one))
    });
    scene.at(from + 20 * MINUTE, move |world, now| {
        for record in announcement(world, &two) {
            place(world, "b", &record, true, now);
        }
    });
    scene.at(from + 4 * HOUR, move |world, now| {
        place(world, "registry", &ds(world, &three), true, now)
    });
    scene.at(from + DAY, move |world, now| {
        let old = world
            .read("a", |zone| zone.keys().iter().find(|own| own.signs_keys).cloned())
            .unwrap()
            .unwrap();
        world.edit("a", now, |zone| zone.keys_mut()[0].signs_keys = false);
        for record in announcement(world, &old) {
            place(world, "b", &record, false, now);
        }
    });
    scene.at(from + DAY + 4 * HOUR, move |world, now| {
        let old = world.read("a", |zone| zone.keys()[0].clone()).unwrap();
        assert!(!old.signs_keys && !old.signs_data);
        place(world, "registry", &ds(world, &old), false, now);
    });
    scene.at(from + 2 * DAY, move |world, now| {
        world.edit("a", now, |zone| {
            zone.keys_mut().remove(0);
        });
    });
}

#[tokio::test]
async fn a_month_of_model_2_with_rolls_and_re_signs_raises_no_alarm() {
    let mut scene = Scene::new();
    scene.interval = HOUR;
    roll_zsk(&mut scene, 5 * DAY);
    roll_ksk(&mut scene, 12 * DAY);
    let watched = scene.watch(30 * DAY).await;
    scene.assert_told(&watched, &[]);
    let accepted = scene.texts();
    let has = |words: &str| accepted.iter().any(|text| text.contains(words));
    assert!(has("published before it signs anything"), "{accepted:#?}");
    assert!(has("announced in CDS or CDNSKEY"), "{accepted:#?}");
    assert!(has("as every signer announced in CDS"), "{accepted:#?}");
    assert_eq!(accepted.len(), 1 + 3 + 4, "{accepted:#?}");
}

/// One KSK for all, held by `a`: every DNSKEY RRset is the same and signed by it alone (RFC 8901 section 2.1.1).
fn share_the_ksk(world: &World, now: Moment) {
    let common = world
        .read("a", |zone| zone.keys().iter().find(|own| own.signs_keys).cloned())
        .unwrap()
        .unwrap();
    let own = world
        .read("b", |zone| zone.keys().iter().find(|own| own.signs_keys).cloned())
        .unwrap()
        .unwrap();
    for record in announcement(world, &own) {
        place(world, "a", &record, false, now);
    }
    for record in announcement(world, &common) {
        place(world, "b", &record, false, now);
    }
    world.edit("b", now, |zone| {
        zone.keys_mut().retain(|key| !key.signs_keys);
        zone.keys_mut().push(common);
    });
    place(world, "registry", &ds(world, &own), false, now);
}

#[tokio::test]
async fn a_month_of_model_1_with_a_roll_raises_no_alarm() {
    let mut scene = Scene::new();
    scene.interval = HOUR;
    share_the_ksk(&scene.world.clone(), Moment::from_seconds(START));
    roll_zsk(&mut scene, 5 * DAY);
    let watched = scene.watch(30 * DAY).await;
    scene.assert_told(&watched, &[]);
}

#[tokio::test]
async fn without_settings_each_server_stands_for_itself_and_a_roll_raises_no_alarm() {
    let mut scene = Scene::new();
    scene.settings = false;
    scene.interval = 30 * MINUTE;
    roll_zsk(&mut scene, DAY);
    roll_ksk(&mut scene, 3 * DAY);
    let watched = scene.watch(8 * DAY).await;
    scene.assert_told(&watched, &[]);
}

#[tokio::test]
async fn a_server_that_is_bogus() {
    let mut scene = Scene::new();
    let broken = scene.first_of("a");
    scene.at(HOUR, move |world, _| {
        world.edit_server(broken, |zone| {
            for own in zone.keys_mut().iter_mut().filter(|own| own.signs_data) {
                own.key = key(ZSK_FLAGS, false, true).key;
                own.published = false;
            }
        });
    });
    // The next change of its operator reaches it.
    scene.at(3 * HOUR, |world, now| world.edit("a", now, |_| ()));
    let watched = scene.watch(12 * HOUR).await;
    let told = scene.words(Phase::Begin);
    assert!(
        told.contains(&"bogus") && told.contains(&"mixture"),
        "{:#?}",
        scene.texts()
    );
    // The key that it lacks is one that the group needs.
    assert!(
        told.iter()
            .all(|word| ["bogus", "mixture", "keys-drift"].contains(word)),
        "{told:?}"
    );
    assert_eq!(told.iter().filter(|word| **word == "bogus").count(), 1);
    assert_eq!(scene.words(Phase::Over).len(), told.len());
    assert!(watched.standing.is_empty(), "{watched:#?}");
}

#[tokio::test]
async fn a_key_that_signs_as_soon_as_it_is_there() {
    let mut scene = Scene::new();
    scene.at(HOUR, |world, now| {
        let new = key(ZSK_FLAGS, false, true);
        let record = dnskey(world, &new);
        world.edit("a", now, |zone| {
            for own in zone.keys_mut().iter_mut() {
                own.signs_data = false;
            }
            zone.keys_mut().push(new);
        });
        place(world, "b", &record, true, now);
    });
    scene.accepted = vec![(20 * HOUR, "it was us".to_owned())];
    let watched = scene.watch(DAY).await;
    let told = scene.words(Phase::Begin);
    // At `a` and, as a key that is new in the group, at `b`.
    assert_eq!(
        told.iter().filter(|word| **word == "new-key").count(),
        2,
        "{:#?}",
        scene.texts()
    );
    assert!(told.contains(&"mixture"), "{:#?}", scene.texts());
    assert_eq!(scene.words(Phase::Over).len(), told.len(), "{:#?}", scene.texts());
    assert!(watched.standing.is_empty(), "{watched:#?}");
    let over: Vec<u64> = scene
        .alarms()
        .into_iter()
        .filter(|(phase, code, _)| (*phase, *code) == (Phase::Over, Code::NewKey))
        .map(|(.., minutes)| minutes)
        .collect();
    assert_eq!(over, [20 * 60, 20 * 60]);
    assert!(scene.texts().contains(&"accepted: it was us".to_owned()));
}

#[tokio::test]
async fn every_new_key_where_that_is_asked_for() {
    let mut scene = Scene::new();
    scene.rules.every_key = true;
    let standby = key(KSK_FLAGS, false, false);
    scene.at(HOUR, move |world, now| {
        world.edit("a", now, |zone| zone.keys_mut().push(standby))
    });
    scene.at(2 * HOUR, |world, now| {
        world.edit("a", now, |zone| {
            zone.keys_mut().pop();
        });
    });
    let watched = scene.watch(6 * HOUR).await;
    scene.assert_told(&watched, &["new-key"]);
}

#[tokio::test]
async fn a_ds_that_nobody_announced_and_one_that_is_gone() {
    let mut scene = Scene::new();
    let foreign = key(KSK_FLAGS, false, false);
    let again = foreign.clone();
    scene.at(HOUR, move |world, now| {
        place(world, "registry", &ds(world, &foreign), true, now)
    });
    scene.at(2 * HOUR, move |world, now| {
        place(world, "registry", &ds(world, &again), false, now)
    });
    scene.at(8 * HOUR, |world, now| {
        let zone = apex(world);
        world.edit("registry", now, |registry| {
            registry.remove_rrset(&zone, Rtype::DS);
        });
    });
    let watched = scene.watch(DAY).await;
    assert_eq!(scene.words(Phase::Begin), ["ds-changed", "ds-changed"]);
    assert_eq!(scene.words(Phase::Over), ["ds-changed"]);
    assert_eq!(watched.standing.len(), 1);
    assert!(
        watched.standing[0].text.contains("the zone is insecure"),
        "{watched:#?}"
    );
}

#[tokio::test]
async fn a_delegation_and_an_apex_that_nobody_planned() {
    let mut scene = Scene::new();
    let host = Name::parse("ns.elsewhere.test").unwrap();
    for (provider, hours) in [("registry", 1), ("a", 9)] {
        let (one, two) = (host.clone(), host.clone());
        scene.at(hours * HOUR, move |world, now| {
            place(world, provider, &names(world, &one), true, now)
        });
        scene.at((hours + 2) * HOUR, move |world, now| {
            place(world, provider, &names(world, &two), false, now)
        });
    }
    let watched = scene.watch(DAY).await;
    scene.assert_told(&watched, &["ns-changed", "ns-changed"]);
}

/// While the parent says nothing, nobody knows to whom resolvers are led: nothing is over by that.
#[tokio::test]
async fn a_parent_that_is_silent_ends_no_alarm() {
    let mut scene = Scene::new();
    let host = Name::parse("ns.elsewhere.test").unwrap();
    let (one, two) = (host.clone(), host);
    scene.at(HOUR, move |world, now| {
        place(world, "a", &names(world, &one), true, now)
    });
    for address in scene.world.addresses("registry").to_vec() {
        scene.at(4 * HOUR, move |world, _| {
            world.set_habit(address, Some(Arc::new(Says(Before::Drop))));
        });
        scene.at(6 * HOUR, move |world, _| world.set_habit(address, None));
    }
    scene.at(5 * HOUR, move |world, now| {
        place(world, "a", &names(world, &two), false, now)
    });
    scene.watch(DAY).await;
    let over: Vec<u64> = scene
        .alarms()
        .into_iter()
        .filter(|(phase, code, _)| (*phase, *code) == (Phase::Over, Code::NsChanged))
        .map(|(.., minutes)| minutes)
        .collect();
    assert_eq!(over, [360], "{:#?}", scene.texts());
}

#[tokio::test]
async fn signatures_that_are_not_renewed() {
    let mut scene = Scene::with(|config| config.renewal = Some(Duration::from_secs(13 * DAY + 12 * HOUR)));
    scene.interval = HOUR;
    scene.rules.resign_within = Some(9 * DAY);
    scene.rules.ignore = BTreeSet::from([Code::SoaDrift]);
    scene.watch(16 * DAY).await;
    let begin = |code| {
        let mut alarms = scene.alarms().into_iter();
        alarms
            .find(|(phase, own, _)| (*phase, *own) == (Phase::Begin, code))
            .map(|(.., minutes)| minutes / (24 * 60))
    };
    // Made an hour before the beginning for fourteen days, and a fifth of that is the least that may be left.
    assert_eq!(begin(Code::ExpiresSoon), Some(11), "{:#?}", scene.texts());
    assert_eq!(begin(Code::NotResigned), Some(9), "{:#?}", scene.texts());
    assert_eq!(scene.words(Phase::Begin).len(), 8);
    assert_eq!(scene.words(Phase::Over).len(), 8, "{:#?}", scene.texts());
}

#[tokio::test]
async fn signers_that_drift_apart() {
    let mut scene = Scene::new();
    scene.contents = true;
    let standby = key(ZSK_FLAGS, false, false);
    scene.at(HOUR, move |world, now| {
        world.edit("a", now, |zone| zone.keys_mut().push(standby))
    });
    scene.at(4 * HOUR, |world, now| {
        world.edit("a", now, |zone| {
            zone.keys_mut().pop();
        });
    });
    let own = |world: &World| world.read("a", |zone| zone.keys().iter().find(|own| own.signs_keys).cloned());
    scene.at(6 * HOUR, move |world, now| {
        let own = own(world).unwrap().unwrap();
        for record in announcement(world, &own) {
            place(world, "b", &record, false, now);
        }
    });
    scene.at(9 * HOUR, move |world, now| {
        let own = own(world).unwrap().unwrap();
        for record in announcement(world, &own) {
            place(world, "b", &record, true, now);
        }
    });
    let more = |world: &World| Record {
        name: apex(world).prepend(b"more").unwrap(),
        rtype: Rtype::A,
        class: 1,
        ttl: 300,
        rdata: vec![192, 0, 2, 1],
    };
    scene.at(12 * HOUR, move |world, now| {
        place(world, "b", &more(world), true, now)
    });
    scene.at(16 * HOUR, move |world, now| {
        place(world, "b", &more(world), false, now)
    });
    let behind = scene.world.addresses("a")[1];
    scene.at(20 * HOUR, move |world, _| {
        world.edit_server(behind, |zone| {
            zone.bump_serial();
        });
    });
    scene.at(23 * HOUR, |world, now| world.edit("a", now, |_| ()));
    let watched = scene.watch(30 * HOUR).await;
    scene.assert_told(
        &watched,
        &[
            "keys-drift",
            "cds-drift",
            "cds-drift",
            "contents-drift",
            "soa-drift",
        ],
    );
}

#[tokio::test]
async fn a_server_that_is_lame_and_one_that_is_silent() {
    let mut scene = Scene::new();
    let (lame, silent) = (scene.first_of("a"), scene.first_of("b"));
    scene.at(HOUR, move |world, _| {
        world.set_habit(lame, Some(Arc::new(Says(Before::Code(Rcode::REFUSED)))));
    });
    scene.at(2 * HOUR, move |world, _| world.set_habit(lame, None));
    scene.at(4 * HOUR, move |world, _| {
        world.set_habit(silent, Some(Arc::new(Says(Before::Drop))))
    });
    // So short a silence is none.
    scene.at(4 * HOUR + 6 * MINUTE, move |world, _| {
        world.set_habit(silent, None)
    });
    scene.at(5 * HOUR, move |world, _| {
        world.set_habit(silent, Some(Arc::new(Says(Before::Drop))))
    });
    scene.at(6 * HOUR, move |world, _| world.set_habit(silent, None));
    let watched = scene.watch(DAY).await;
    scene.assert_told(&watched, &["lame", "no-answer"]);
    let minutes: Vec<u64> = scene.alarms().into_iter().map(|(.., minutes)| minutes).collect();
    assert_eq!(minutes, [70, 120, 310, 360]);
}

#[tokio::test]
async fn what_is_ignored_is_no_alarm_and_an_alarm_is_told_once_over_restarts() {
    let mut scene = Scene::new();
    scene.rules.ignore = BTreeSet::from([Code::Lame]);
    let (lame, silent) = (scene.first_of("a"), scene.first_of("b"));
    scene.at(HOUR, move |world, _| {
        world.set_habit(lame, Some(Arc::new(Says(Before::Code(Rcode::SERVFAIL)))));
        world.set_habit(silent, Some(Arc::new(Says(Before::Drop))));
    });
    let watched = scene.watch(2 * HOUR).await;
    assert_eq!(watched.standing.len(), 1, "{watched:#?}");
    // Another process, with nothing but the journal.
    let watched = scene.watch(4 * HOUR).await;
    assert_eq!((watched.standing.len(), watched.begun), (1, 0), "{watched:#?}");
    assert_eq!(scene.words(Phase::Begin), ["no-answer"]);
    let rules = events(&scene.kept)
        .iter()
        .filter(|event| matches!(event, Event::Watch(_)))
        .count();
    assert_eq!(rules, 1, "unchanged rules are written once");
}

#[tokio::test]
async fn what_changed_while_nobody_watched_is_an_alarm() {
    let mut scene = Scene::new();
    scene.watch(HOUR).await;
    let foreign = key(KSK_FLAGS, false, false);
    place(
        &scene.world,
        "registry",
        &ds(&scene.world, &foreign),
        true,
        scene.hands.now(),
    );
    let watched = scene.watch(2 * HOUR).await;
    assert_eq!(scene.words(Phase::Begin), ["ds-changed"]);
    assert_eq!(watched.standing.len(), 1);
}

#[tokio::test]
async fn while_a_plan_is_driven_the_watch_rests_and_takes_its_end_as_meant() {
    let mut scene = Scene::new();
    let foreign = key(KSK_FLAGS, false, false);
    scene.at(3 * HOUR, move |world, now| {
        place(world, "registry", &ds(world, &foreign), true, now)
    });
    let watched = scene.watch_beside_a_plan(false).await;
    scene.assert_told(&watched, &[]);
    let texts = scene.texts();
    assert_eq!(texts.len(), 2, "{texts:#?}");
    assert!(
        texts[1].contains("plan 0123456789ab was carried out"),
        "{texts:#?}"
    );
    let notes = events(&scene.kept)
        .iter()
        .filter(|event| matches!(event, Event::Note(note) if note.get("watch-paused").is_some()))
        .count();
    assert_eq!(notes, 1);
}

/// A plan that was stopped on its way explains a zone without DS only if it wanted it so.
#[tokio::test]
async fn an_absent_ds_is_meant_only_where_a_plan_wants_none() {
    for wanted in [true, false] {
        let mut scene = Scene::new();
        scene.at(3 * HOUR, |world, now| {
            let zone = world.zone().clone();
            world.edit("registry", now, |parent| {
                parent.remove_rrset(&zone, Rtype::DS);
            });
        });
        let watched = scene.watch_beside_a_plan(wanted).await;
        let begun = scene.words(Phase::Begin);
        if wanted {
            scene.assert_told(&watched, &[]);
        } else {
            assert_eq!(begun, ["ds-changed"], "{:#?}", scene.texts());
        }
    }
}

#[tokio::test]
async fn the_chain_above() {
    let mut scene = Scene::new();
    scene.at(HOUR, |world, now| {
        world.edit("registry", now, |zone| {
            for own in zone.keys_mut().iter_mut().filter(|own| own.signs_data) {
                own.key = key(ZSK_FLAGS, false, true).key;
                own.published = false;
            }
        });
    });
    let watched = scene.watch(6 * HOUR).await;
    assert!(
        scene.words(Phase::Begin).contains(&"chain-above"),
        "{:#?}",
        scene.texts()
    );
    assert!(
        scene
            .words(Phase::Begin)
            .iter()
            .all(|word| *word == "chain-above"),
        "{:#?}",
        scene.texts()
    );
    assert!(!watched.standing.is_empty());
}
