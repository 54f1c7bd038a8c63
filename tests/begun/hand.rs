//! What somebody does by hand, and what became of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use unbroken::continuity::{Rule, check};
use unbroken::dns::{Name, Record, Rtype};
use unbroken::lab::World;
use unbroken::moment::Moment;
use unbroken::runner::{Ending, Reporter, Runner};
use unbroken::workflow::{Decision, Event, Finding, State, options, timeline_with_assumed};

use crate::stage::{Exit, Kept, Scene, Stage, events};

/// One state of each thing that can be changed by hand, as providers are named in the lab.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hand {
    /// Whose DNSKEY RRset got the keys of whom.
    pub(crate) keys: Vec<(&'static str, &'static str)>,
    /// Whose keys the DS RRset names; none: untouched.
    pub(crate) ds: Option<Vec<&'static str>>,
    /// Whose servers the apex NS RRset at a provider names.
    pub(crate) apex: Vec<(&'static str, Vec<&'static str>)>,
    /// Whose servers the delegation names; none: untouched.
    pub(crate) parent: Option<Vec<&'static str>>,
    /// Who publishes the CDS and CDNSKEY of whom.
    pub(crate) cds: Vec<(&'static str, &'static str)>,
    /// For how long nobody plans, seconds, besides a moment.
    pub(crate) unnoticed: u64,
}

/// The keys of `name`, those that sign data alone where `data` says so.
fn keys_of(world: &World, name: &str, data: bool) -> Vec<Record> {
    let zone = world.zone().clone();
    world
        .read(name, |held| {
            held.keys()
                .iter()
                .filter(|key| !data || key.signs_data)
                .map(|key| key.key.dnskey().record(&zone, 300))
                .collect()
        })
        .unwrap()
}

fn hosts(world: &World, of: &[&str]) -> Vec<Record> {
    of.iter()
        .flat_map(|name| world.name_servers(name))
        .map(|host: Name| Record::new(world.zone().clone(), Rtype::NS, 600, host.wire().to_vec()))
        .collect()
}

fn announced(world: &World, of: &str) -> Vec<Record> {
    let zone = world.zone();
    let cds = world
        .own_ds(of)
        .into_iter()
        .map(|ds| Record::new(zone.clone(), Rtype::CDS, 300, ds.rdata()));
    let keys = world
        .read(of, |held| {
            let points = held.keys().iter().filter(|key| key.signs_keys);
            points.map(|key| key.key.dnskey().rdata()).collect::<Vec<_>>()
        })
        .unwrap();
    let cdnskey = keys
        .into_iter()
        .map(|rdata| Record::new(zone.clone(), Rtype::CDNSKEY, 300, rdata));
    cds.chain(cdnskey).collect()
}

impl Hand {
    /// Does it all at once.
    pub(crate) fn act(&self, world: &World, now: Moment) {
        let apex = world.zone().clone();
        let add = |operator: &str, records: Vec<Record>| {
            world.edit(operator, now, |zone| {
                for record in &records {
                    zone.add(record);
                }
            });
        };
        let set = |operator: &str, rtype: Rtype, records: Vec<Record>| {
            world.edit(operator, now, |zone| {
                zone.remove_rrset(&apex, rtype);
                for record in &records {
                    zone.add(record);
                }
            });
        };
        for (at, of) in &self.keys {
            add(at, keys_of(world, of, true));
        }
        for (at, of) in &self.cds {
            add(at, announced(world, of));
        }
        if let Some(of) = &self.ds {
            let records = of.iter().flat_map(|name| world.own_ds(name));
            set(
                "registry",
                Rtype::DS,
                records.map(|ds| ds.record(&apex, 600)).collect(),
            );
        }
        for (at, of) in &self.apex {
            set(at, Rtype::NS, hosts(world, of));
        }
        if let Some(of) = &self.parent {
            set("registry", Rtype::NS, hosts(world, of));
        }
    }
}

/// What a run said and how the crowd fared, from sleep to sleep.
#[derive(Clone, Default)]
pub(crate) struct Diary(Arc<Mutex<Told>>);

#[derive(Clone, Default)]
pub(crate) struct Told {
    /// When, and how many answers had failed by then in all.
    pub(crate) failed: Vec<(Moment, u64)>,
}

struct Watcher {
    diary: Diary,
    tally: unbroken::lab::Tally,
    over: Moment,
    what: String,
}

impl Reporter for Watcher {
    fn recorded(&mut self, _: Moment, _: &Event, _: &State) {}
    fn decided(&mut self, _: Moment, _: &Decision, _: &State) {}
    fn sleeping(&mut self, now: Moment, _: Moment, decision: &Decision) {
        assert!(now < self.over, "{}: it never ends: {decision:#?}", self.what);
        let failed = self.tally.report().failed();
        self.diary.0.lock().unwrap().failed.push((now, failed));
    }
}

/// A move that was begun by hand and then driven to its end.
pub(crate) struct Played {
    pub(crate) stage: Stage,
    pub(crate) exit: Exit,
    pub(crate) kept: Kept,
    pub(crate) findings: Vec<Finding>,
    pub(crate) told: Told,
    /// When the hand acted.
    pub(crate) acted: Moment,
    /// The end of the last conflict that the checker finds in all that was seen and assumed.
    pub(crate) over: Option<Moment>,
    /// Conflicts that began later than the hand's own.
    pub(crate) added: Vec<String>,
}

/// Lets the caches fill, acts by hand, and drives what follows to its end.
pub(crate) async fn play(scene: Scene, hand: &Hand, what: &str) -> Played {
    let stage = Stage::new(scene).await;
    if stage
        .scene
        .policies
        .as_ref()
        .is_none_or(|policies| !policies.is_empty())
    {
        stage.pass(WARM).await;
        stage.assert_crowd_is_well("before the hand acted");
    }
    let acted = stage.clock.now();
    hand.act(&stage.world, acted);
    // It takes a moment until somebody plans.
    stage.pass(2 + hand.unnoticed).await;
    let looked = stage.clock.now();
    let (kept, diary) = (Kept::default(), Diary::default());
    let watcher = Watcher {
        diary: diary.clone(),
        tally: stage.tally.clone(),
        over: acted + Duration::from_secs(60_000 + hand.unnoticed),
        what: what.to_owned(),
    };
    let mut runner = stage.open(Box::new(kept.clone()), Box::new(watcher));
    let exit = stage.go(&mut runner).await.unwrap();
    let (_, findings) = stage.plan(&runner);
    let ended = stage.clock.now();
    diary
        .0
        .lock()
        .unwrap()
        .failed
        .push((ended, stage.tally.report().failed()));
    stage.pass(2_000).await;
    let (over, added) = conflicts(&runner, acted, looked);
    let told = diary.0.lock().unwrap().clone();
    Played {
        stage,
        exit,
        kept,
        findings,
        told,
        acted,
        over,
        added,
    }
}

/// So long the crowd asks before anything happens, seconds: longer than every TTL of the zone.
pub(crate) const WARM: u64 = 7_200;

fn conflicts(runner: &Runner, acted: Moment, looked: Moment) -> (Option<Moment>, Vec<String>) {
    let Some(plan) = runner.state.plan_in_force() else {
        return (None, Vec::new());
    };
    let traced = timeline_with_assumed(&plan, &runner.state.ledger, &runner.state.pool);
    let report = check(&traced.timeline, &options(&plan));
    let of_chain = |rule: Rule| matches!(rule, Rule::DsDnskey | Rule::DnskeyData | Rule::DsData);
    let mut over = Some(acted);
    let mut added = Vec::new();
    for conflict in report.conflicts.iter().filter(|conflict| of_chain(conflict.rule)) {
        over = match (over, conflict.until) {
            (Some(over), Some(until)) => Some(over.max(Moment::from_seconds(until))),
            _ => None,
        };
        if conflict.from > looked.ceil_seconds() + 10 {
            added.push(format!("{conflict:?}"));
        }
    }
    (over, added)
}

impl Played {
    pub(crate) fn ending(&self, what: &str) -> &unbroken::workflow::Ended {
        match &self.exit {
            Exit::Ended(Ending::Complete(ended)) => ended,
            other => panic!("{what}: {other:#?}"),
        }
    }

    /// When the step was proven.
    pub(crate) fn proven(&self, step: &str) -> Moment {
        events(&self.kept)
            .into_iter()
            .find_map(|event| match event {
                Event::Proven(proven) if proven.step.0.ends_with(step) => Some(proven.as_of),
                _ => None,
            })
            .unwrap_or_else(|| panic!("{step} was never proven"))
    }

    /// The steps that were carried out, in order.
    pub(crate) fn taken(&self) -> Vec<String> {
        events(&self.kept)
            .into_iter()
            .filter_map(|event| match event {
                Event::Intent(intended) => Some(intended.step.0[3..].to_owned()),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn failing(&self) -> Vec<String> {
        let report = self.stage.tally.report();
        let failing = report.resolvers.into_iter().filter(|one| one.failed > 0);
        failing.map(|one| one.name).collect()
    }
}
