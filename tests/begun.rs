//! A migration that somebody began by hand: the plan starts from what is observed, in every combination of what can have been
//! done already, safe or not yet safe; it repairs first, and waits for what it cannot know.

mod stage;

use std::collections::BTreeSet;

use stage::{Exit, Fate, Kept, Scene, Stage};
use unbroken::dns::{Name, Record, Rtype};
use unbroken::lab::World;
use unbroken::moment::Moment;
use unbroken::workflow::Event;

/// What can have been done by hand, one bit each.
const DONE: [&str; 6] = [
    "keys-at-a",
    "keys-at-b",
    "ds",
    "ns-at-a",
    "ns-at-b",
    "ns-at-parent",
];

fn keys_of(world: &World, name: &str) -> Vec<Record> {
    let zone = world.zone().clone();
    world
        .read(name, |held| {
            held.keys()
                .iter()
                .map(|key| key.key.dnskey().record(&zone, 300))
                .collect()
        })
        .unwrap()
}

fn name_servers(world: &World, of: &str) -> Vec<Record> {
    let owner = world.zone().clone();
    world
        .name_servers(of)
        .iter()
        .map(|host: &Name| Record::new(owner.clone(), Rtype::NS, 600, host.wire().to_vec()))
        .collect()
}

fn by_hand(world: &World, what: &str, now: Moment) {
    let (operator, records) = match what {
        "keys-at-a" => ("a", keys_of(world, "b")),
        "keys-at-b" => ("b", keys_of(world, "a")),
        "ns-at-a" => ("a", name_servers(world, "b")),
        "ns-at-b" => ("b", name_servers(world, "a")),
        "ns-at-parent" => ("registry", name_servers(world, "b")),
        _ => {
            let zone = world.zone().clone();
            (
                "registry",
                world.own_ds("b").iter().map(|ds| ds.record(&zone, 600)).collect(),
            )
        }
    };
    world.edit(operator, now, |zone| {
        for record in &records {
            zone.add(record);
        }
    });
}

async fn finish(stage: &Stage, what: &str) -> Kept {
    let kept = Kept::default();
    let exit = stage.process(&kept, Fate::Lives).await;
    let Exit::Ended(unbroken::runner::Ending::Complete(_)) = &exit else {
        panic!("{what}: {exit:#?}");
    };
    let left: BTreeSet<Name> = stage
        .world
        .read("registry", |zone| zone.rrset(stage.world.zone(), Rtype::NS))
        .flatten()
        .map(|set| {
            set.rdatas
                .iter()
                .map(|rdata| Name::from_wire(rdata).unwrap())
                .collect()
        })
        .unwrap_or_default();
    assert_eq!(
        left,
        stage.world.name_servers("b").into_iter().collect(),
        "{what}"
    );
    kept
}

#[tokio::test]
async fn every_combination_ends_well_and_the_safe_ones_without_a_failure() {
    for mask in 0u32..64 {
        let done: Vec<&str> = DONE
            .iter()
            .enumerate()
            .filter(|(bit, _)| mask & (1 << bit) != 0)
            .map(|(_, name)| *name)
            .collect();
        let what = format!("done by hand: {done:?}");
        let stage = Stage::new(Scene::migrate()).await;
        stage.pass(900).await;
        for step in &done {
            by_hand(&stage.world, step, stage.clock.now());
        }
        stage.pass(5).await;
        finish(&stage, &what).await;
        // Nobody is led to the newcomer by these; what leads there at once is the hand's fault, and is repaired first.
        if !done.contains(&"ns-at-a") && !done.contains(&"ns-at-parent") {
            stage.assert_crowd_is_well(&what);
        }
    }
}

#[tokio::test]
async fn what_was_broken_is_repaired_first_and_stays_whole() {
    let stage = Stage::new(Scene::migrate()).await;
    stage.pass(900).await;
    by_hand(&stage.world, "ns-at-parent", stage.clock.now());
    stage.pass(120).await;
    let broken = stage.tally.report().failed();
    assert!(
        broken > 0,
        "the crowd saw nothing of a delegation to keys that no DS names"
    );
    let begun = stage.clock.now();
    let kept = finish(&stage, "a delegation ahead of its keys").await;
    let repaired = stage::events(&kept)
        .iter()
        .any(|event| matches!(event, Event::Intent(intended) if intended.step.0.ends_with("ds-add")));
    assert!(repaired);
    // The last that a cache holds of the broken state is gone one largest TTL after the repair.
    let end = begun + std::time::Duration::from_secs(600 + 5);
    for one in stage.tally.report().resolvers {
        assert!(
            one.failures.iter().all(|failure| failure.at <= end),
            "{:#?}",
            one.failures
        );
    }
}

#[tokio::test]
async fn a_wait_is_owed_for_what_may_have_been_served_before_the_first_look() {
    let stage = Stage::new(Scene::migrate()).await;
    stage.pass(900).await;
    // Everything but the name servers was done a moment ago: nobody can know how long the old DS set has been gone.
    for step in ["keys-at-a", "keys-at-b", "ds"] {
        by_hand(&stage.world, step, stage.clock.now());
    }
    let begun = stage.clock.now();
    let kept = finish(&stage, "keys and DS done by hand").await;
    let first_ns = stage::events(&kept)
        .into_iter()
        .find_map(|event| match event {
            Event::Proven(proven) if proven.step.0.ends_with("ns-at-a") => Some(proven.as_of),
            _ => None,
        })
        .unwrap();
    assert!(first_ns.since(begun).as_secs() >= 600, "{first_ns} after {begun}");
    stage.assert_crowd_is_well("keys and DS done by hand");
}
