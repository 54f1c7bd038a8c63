//! The validator against others, on zones that BIND, Knot DNS and ldns sign and that are then damaged in named ways.
//!
//! `UNBROKEN_ROUNDS=20 cargo test --test differential -- --nocapture` looks longer: every damage at every zone, with other
//! dice each round.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "tests stop where they fail"
)]

mod damages;
mod known;
mod libraries;
mod oracles;
mod process;
mod proxy;
mod signer;
mod wire;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use unbroken::dns::{Message, Name, Rtype};
use unbroken::dnssec::offline::{Captured, Corpus, Options, Verdict, validate};
use unbroken::dnssec::{Anchors, Status};

use damages::{Ask, Case, Damage, QUESTIONS};
use oracles::{Says, Unbound, delv, drill};
use proxy::{Proxy, Scene};
use world::{CHILDREN, World};

/// Set by a person (through `tests/run --without-peers`) to leave out what needs other programs.
const WITHOUT_PEERS: &str = "UNBROKEN_WITHOUT_PEERS";

const PROGRAMS: [(&str, &str); 11] = [
    ("delv", "bind9-dnsutils"),
    ("dig", "bind9-dnsutils"),
    ("dnssec-keygen", "bind9-utils"),
    ("dnssec-signzone", "bind9-utils"),
    ("drill", "ldnsutils"),
    ("keymgr", "knot"),
    ("knotd", "knot"),
    ("ldns-keygen", "ldnsutils"),
    ("ldns-signzone", "ldnsutils"),
    ("nsd", "nsd"),
    ("unbound", "unbound"),
];

const VALIDATORS: [&str; 5] = ["delv", "unbound", "ldns", "hickory", "domain"];

fn word(status: Status) -> &'static str {
    match status {
        Status::Secure => "secure",
        Status::Insecure => "insecure",
        Status::Bogus => "bogus",
        Status::Indeterminate => "indeterminate",
    }
}

fn now() -> i64 {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    i64::try_from(seconds).unwrap()
}

/// What a validator would ask for about a name: DS and DNSKEY of each name on the way, and the question; the same again for
/// the target of an alias.
fn capture(scene: &Scene, name: &Name, rtype: Rtype) -> Corpus {
    let mut asked: Vec<(Name, Rtype)> = Vec::new();
    let mut ends = vec![name.clone()];
    while let Some(end) = ends.pop() {
        for labels in 0..=end.label_count() {
            let place = end.suffix(labels);
            asked.extend([(place.clone(), Rtype::DNSKEY), (place, Rtype::DS)]);
        }
        asked.push((end.clone(), rtype));
        let message = scene.answer(&end, rtype);
        for target in message
            .answer
            .iter()
            .filter(|record| record.rtype == Rtype::CNAME)
            .filter_map(unbroken::dns::Record::target)
        {
            if !asked.contains(&(target.clone(), rtype)) {
                ends.push(target);
            }
        }
    }
    asked.sort();
    asked.dedup();
    let captured = asked.into_iter().map(|(name, rtype)| {
        let octets = wire::encode(&scene.answer(&name, rtype));
        Captured {
            answer: Message::parse(&octets)
                .map(std::sync::Arc::new)
                .map_err(|error| error.to_string()),
            name,
            rtype,
            server: "127.0.0.1:53".to_owned(),
            transport: "udp".to_owned(),
            at: Some(scene.now),
        }
    });
    Corpus::new(captured)
}

fn ours(scene: &Scene, anchors: &Anchors, name: &Name, rtype: Rtype) -> Verdict {
    validate(
        &capture(scene, name, rtype),
        anchors,
        name,
        rtype,
        &Options::at(scene.now),
    )
}

fn says(status: Status) -> Says {
    match status {
        Status::Secure => Says::Secure,
        Status::Insecure => Says::Insecure,
        Status::Bogus | Status::Indeterminate => Says::Fails,
    }
}

/// One verdict beside the others.
struct Compared {
    what: String,
    ours: Verdict,
    others: BTreeMap<&'static str, (Says, String)>,
}

fn compare(scene: &Arc<Scene>, anchors: &Anchors, asks: &[Ask], label: &str) -> Vec<Compared> {
    let proxy = Proxy::start(scene.clone());
    let unbound = Unbound::start(&scene.world, proxy.port);
    let case = Case {
        world: &scene.world,
        child: scene.child.clone(),
        now: scene.now,
    };
    let mut out = Vec::new();
    for ask in asks {
        let (name, rtype) = (case.name(ask.0), ask.1);
        let mut others = BTreeMap::new();
        others.insert("delv", delv(&scene.world, proxy.port, &name, rtype));
        others.insert("unbound", unbound.ask(&name, rtype));
        others.insert(
            "hickory",
            libraries::hickory(&scene.world.anchor, proxy.port, &name, rtype),
        );
        // The domain crate knows neither algorithm 14 nor 15.
        let unknown = ["kn.test.", "ld.test."].contains(&scene.child.to_string().as_str());
        if !(unknown || ask.0 == "far" && scene.child.to_string() == "b3.test.") {
            let found = libraries::domain(&scene.world.anchor, proxy.port, &name, rtype);
            others.insert("domain", found);
        }
        if ask.0 == "www" && rtype == Rtype::A {
            others.insert("ldns", drill(&scene.world, proxy.port, &name, rtype));
        }
        out.push(Compared {
            what: format!("{label} {} {name} {rtype}", scene.child),
            ours: ours(scene, anchors, &name, rtype),
            others,
        });
    }
    out
}

/// Where to look: each damage at one zone, or at all with other dice each round.
fn scenes(world: &Arc<World>, rounds: u64) -> Vec<(Arc<Scene>, Vec<Ask>, String)> {
    let now = now();
    let mut out = Vec::new();
    for child in CHILDREN {
        let scene = Scene {
            world: world.clone(),
            damage: None,
            child: Name::parse(child).unwrap(),
            seed: 0,
            now,
        };
        out.push((Arc::new(scene), QUESTIONS.to_vec(), "nothing".to_owned()));
    }
    let damages: Vec<Arc<Damage>> = damages::all().into_iter().map(Arc::new).collect();
    for round in 0..rounds.max(1) {
        for (index, damage) in damages.iter().enumerate() {
            let children: Vec<&str> = match (damage.needs_keys, rounds) {
                (true, _) => vec![CHILDREN[0]],
                (false, 0) => vec![CHILDREN[index % CHILDREN.len()]],
                (false, _) => CHILDREN.to_vec(),
            };
            for child in children {
                let scene = Scene {
                    world: world.clone(),
                    damage: Some(damage.clone()),
                    child: Name::parse(child).unwrap(),
                    seed: round,
                    now,
                };
                out.push((Arc::new(scene), damage.asks.clone(), damage.name.to_owned()));
            }
        }
    }
    out
}

#[test]
fn others_come_to_the_same_verdicts() {
    if std::env::var(WITHOUT_PEERS).is_ok_and(|value| value == "1") {
        println!("left out, {WITHOUT_PEERS}=1");
        return;
    }
    let missing: Vec<_> = PROGRAMS
        .iter()
        .filter(|(program, _)| !process::is_installed(program))
        .collect();
    assert!(
        missing.is_empty(),
        "missing: {missing:?}. tests/run installs them; tests/run --without-peers leaves this test out"
    );
    let rounds: u64 = std::env::var("UNBROKEN_ROUNDS").map_or(0, |rounds| rounds.parse().unwrap());
    let world = Arc::new(World::start());
    let anchors = Anchors::parse(&world.anchor).unwrap();
    let scenes = scenes(&world, rounds);
    let only = std::env::var("UNBROKEN_ONLY").unwrap_or_default();
    let names: Vec<&str> = scenes.iter().map(|(_, _, label)| label.as_str()).collect();
    let known = known::read(&names, &VALIDATORS);
    let (mut verdicts, mut listed, mut wrong) = (0, BTreeMap::new(), Vec::new());
    let mut tally: BTreeMap<&'static str, usize> = BTreeMap::new();
    for (scene, asks, label) in scenes
        .iter()
        .filter(|(_, _, label)| only.is_empty() || *label == only)
    {
        for compared in compare(scene, &anchors, asks, label) {
            verdicts += 1;
            let ours = word(compared.ours.status);
            *tally.entry(ours).or_default() += 1;
            let codes: Vec<&str> = compared
                .ours
                .reasons
                .iter()
                .map(|said| said.reason.code)
                .collect();
            for (who, (other, said)) in &compared.others {
                if *other == says(compared.ours.status) {
                    continue;
                }
                match known
                    .iter()
                    .find(|row| row.covers(label, &codes, who, ours, *other))
                {
                    Some(_) => *listed.entry(format!("{label} {who}")).or_insert(0) += 1,
                    None => {
                        let said: String = said.lines().take(3).collect::<Vec<_>>().join(" / ");
                        wrong.push(format!(
                            "{}: ours {ours} {codes:?}, {who} {other}: {said}",
                            compared.what
                        ));
                    }
                }
            }
        }
    }
    println!(
        "{} scenes, {verdicts} verdicts of ours {tally:?}, each beside {} others; {} listed disagreements",
        scenes.len(),
        VALIDATORS.len(),
        listed.values().sum::<usize>()
    );
    println!("{listed:?}");
    assert!(
        wrong.is_empty(),
        "{} disagreements are not listed:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
