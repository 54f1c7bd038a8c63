//! What people read of a move, so that a change of the words is seen in a diff. Keys are made anew each time, so tags,
//! fingerprints, digests and hashes stand as names.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod stage;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stage::{Exit, Kept, Scene, Stage, events};
use unbroken::audit::{Depth, Given, Verifier};
use unbroken::dns::{Name, Rcode, Record, Rtype};
use unbroken::dnssec::{Anchors, Memo};
use unbroken::evidence::BlobId;
use unbroken::lab::{Asked, Before, Habit, SigningKey, World};
use unbroken::moment::Moment;
use unbroken::ports::JournalView;
use unbroken::report::evidence::{Assurance, EvidenceReport, Gathered, evidence_report, evidence_text};
use unbroken::report::{PlanView, Progress, decision_text, plan_text, status_text, status_view};
use unbroken::runner::{Ending, Quiet, Reporter};
use unbroken::workflow::{Decision, Event, State, forecast};

/// Puts names in place of what is made by chance.
fn stable(stage: &Stage, text: &str) -> String {
    let mut text = text.to_owned();
    let mut tags = BTreeMap::new();
    for provider in stage.world.providers() {
        stage.world.read(provider, |zone| {
            for key in zone.keys() {
                let part = if key.signs_keys { "ksk" } else { "zsk" };
                let name = format!("{}-{part}", provider.to_uppercase());
                text = without_content(&text, &key.key, zone.apex(), &name);
                tags.insert(key.key.dnskey().tag().to_string(), name);
            }
        });
    }
    words(&text, |word| match tags.get(word) {
        Some(name) => name.clone(),
        None if word.len() == 64 && word.chars().all(|c| c.is_ascii_hexdigit()) => "SHA256".to_owned(),
        None if word.len() == 12 && word.chars().all(|c| c.is_ascii_hexdigit()) => "PLANHASH".to_owned(),
        None => word.to_owned(),
    })
    .lines()
    .map(in_order)
    .collect::<Vec<_>>()
    .join("\n")
}

fn without_content(text: &str, key: &SigningKey, apex: &unbroken::dns::Name, name: &str) -> String {
    let dnskey = key.dnskey();
    let public = data_encoding::BASE64.encode(&dnskey.public_key);
    let digest = key.ds(apex).unwrap();
    let cut = |text: &str| text.chars().take(16).collect::<String>();
    let whole = unbroken::evidence::BlobId::of(&dnskey.rdata()).to_string();
    let text = text
        .replace(&whole, &format!("SHA256-{name}"))
        .replace(&public, &format!("KEY-{name}"))
        .replace(&digest.digest, &format!("DIGEST-{name}"));
    text.replace(&cut(&public), &format!("KEY-{name}"))
        .replace(&cut(&digest.digest), &format!("DIGEST-{name}"))
        .replace(&dnskey.id().fingerprint(), &format!("FP-{name}"))
}

/// Letters, digits and `-` that stand together.
fn words(text: &str, each: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for char in text.chars() {
        if char.is_alphanumeric() || char == '-' {
            word.push(char);
            continue;
        }
        out.push_str(&each(&word));
        word.clear();
        out.push(char);
    }
    out + &each(&word)
}

/// Lists of keys are in the order of their octets: by name they are the same each time.
fn in_order(line: &str) -> String {
    let is_key = |at: usize| {
        line.get(at..at + 5)
            .is_some_and(|word| matches!(word, "A-ksk" | "A-zsk" | "B-ksk" | "B-zsk"))
    };
    let mut out = String::new();
    let mut at = 0;
    while let Some(char) = line.get(at..).and_then(|rest| rest.chars().next()) {
        if !is_key(at) {
            out.push(char);
            at += char.len_utf8();
            continue;
        }
        let mut keys = vec![&line[at..at + 5]];
        at += 5;
        while line[at..].starts_with(", ") && is_key(at + 2) {
            keys.push(&line[at + 2..at + 7]);
            at += 7;
        }
        keys.sort_unstable();
        out.push_str(&keys.join(", "));
    }
    out
}

/// Changes of one RRset come in the order of their octets: sorted, they are the same each time.
fn changes_in_order(text: &str) -> String {
    let is_change = |line: &str| line.contains("  + ") || line.contains("  - ");
    let mut lines: Vec<&str> = text.lines().collect();
    for part in lines.chunk_by_mut(|a, b| is_change(a) && is_change(b)) {
        part.sort_unstable();
    }
    lines.join("\n")
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<(Progress, Vec<String>)>>);

impl Reporter for Lines {
    fn recorded(&mut self, at: Moment, event: &Event, state: &State) {
        let (progress, lines) = &mut *self.0.lock().unwrap();
        lines.extend(
            progress
                .recorded(at, event, state)
                .iter()
                .map(|line| line.show(true)),
        );
    }
    fn decided(&mut self, at: Moment, decision: &Decision, state: &State) {
        let (progress, lines) = &mut *self.0.lock().unwrap();
        lines.extend(
            progress
                .decided(at, decision, state)
                .iter()
                .map(|line| line.show(true)),
        );
    }
    fn sleeping(&mut self, _: Moment, _: Moment, _: &Decision) {}
}

async fn planned() -> (Stage, Kept, String) {
    let stage = Stage::new(Scene::migrate()).await;
    let kept = Kept::default();
    let mut runner = stage.open(Box::new(kept.clone()), Box::new(Quiet));
    runner.survey().await.unwrap();
    runner.sweep().await.unwrap();
    let (plan, findings) = stage.plan(&runner);
    let from = stage.clock.now();
    let view = PlanView {
        hash: plan.hash(),
        steps: forecast(&runner.state, &plan, from.ceil_seconds()),
        plan,
        findings,
        from,
    };
    let text = changes_in_order(&stable(&stage, &plan_text(&view)));
    (stage, kept, text)
}

#[tokio::test]
async fn a_plan() {
    let (_, _, text) = planned().await;
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn a_run_line_by_line() {
    let stage = Stage::new(Scene::migrate()).await;
    let lines = Lines::default();
    let mut runner = stage.open(Box::new(Kept::default()), Box::new(lines.clone()));
    let exit = stage.go(&mut runner).await.unwrap();
    Stage::assert_complete(&exit, "lines");
    let text = lines.0.lock().unwrap().1.join("\n");
    insta::assert_snapshot!(changes_in_order(&stable(&stage, &text)));
}

/// In the middle of a wait, two minutes after the last look, and at the end.
#[tokio::test]
async fn the_status() {
    let stage = Stage::new(Scene::migrate()).await;
    let kept = Kept::default();
    let model = Kept::default();
    let other = Stage::new(Scene::migrate()).await;
    other.process(&model, stage::Fate::Lives).await;
    let waits = events(&model).iter().position(|event| {
        matches!(event, Event::Decision(decision)
            if matches!(&**decision, Decision::Wait { step, .. } if step.0.ends_with("cds-at-b-without-a")))
    });
    let waits = waits.unwrap();
    let exit = stage.process(&kept, stage::Fate::After(waits + 1)).await;
    assert!(matches!(exit, Exit::Killed));
    stage.pass(120).await;
    let shown = |runner: &unbroken::runner::Runner| {
        let now = stage.clock.now();
        let view = status_view(stage.world.zone(), &runner.state, now);
        stable(&stage, &status_text(&view, now))
    };
    let runner = stage.open(Box::new(kept.clone()), Box::new(Quiet));
    insta::assert_snapshot!("status_in_the_middle", shown(&runner));
    drop(runner);
    let exit = stage.process(&kept, stage::Fate::Lives).await;
    Stage::assert_complete(&exit, "status");
    stage
        .clock
        .sleep_until(stage.clock.now() + Duration::from_secs(60))
        .await;
    let runner = stage.open(Box::new(kept), Box::new(Quiet));
    insta::assert_snapshot!("status_at_the_end", shown(&runner));
}

type Hook = Box<dyn FnMut(Moment, &Decision) + Send>;

/// Does to the world what the test wants to happen after a decision.
struct Watcher(Hook);

impl Reporter for Watcher {
    fn recorded(&mut self, _: Moment, _: &Event, _: &State) {}
    fn decided(&mut self, at: Moment, decision: &Decision, _: &State) {
        (self.0)(at, decision);
    }
    fn sleeping(&mut self, _: Moment, _: Moment, _: &Decision) {}
}

/// Says yes to an update and does nothing, or refuses it for want of authority.
struct Deaf(Before);

impl Habit for Deaf {
    fn before(&self, asked: &Asked<'_>) -> Before {
        match asked.message.opcode {
            5 => self.0,
            _ => Before::Answer,
        }
    }
    fn heed(&self, _: &Name, _: Vec<Record>) -> Vec<Record> {
        Vec::new()
    }
}

/// The halt that comes of something that is done to the world at the first decision about a step.
async fn halt(step: &'static str, mut what: impl FnMut(&World, Moment) + Send + 'static) -> String {
    let stage = Stage::new(Scene::migrate()).await;
    let world = stage.world.clone();
    let mut done = false;
    let hook: Hook = Box::new(move |at, decision| {
        let about = match decision {
            Decision::Wait { step, .. } | Decision::Act { step, .. } => &step.0,
            _ => return,
        };
        if !done && about.ends_with(step) {
            done = true;
            what(&world, at);
        }
    });
    let mut runner = stage.open(Box::new(Kept::default()), Box::new(Watcher(hook)));
    let Exit::Ended(Ending::Halted(decision)) = stage.go(&mut runner).await.unwrap() else {
        panic!("{step}: it did not halt");
    };
    stable(&stage, &decision_text(&decision, stage.clock.now()))
}

fn delegate(world: &World, now: Moment, host: &Name) {
    world.edit("registry", now, |registry| {
        registry.add(&Record::new(
            world.zone().clone(),
            Rtype::NS,
            600,
            host.wire().to_vec(),
        ));
    });
}

/// What somebody reads who was woken by it: what happened, what is safe, until when, what to do.
#[tokio::test]
async fn halts() {
    let mut texts = Vec::new();
    for answer in [Before::Answer, Before::Code(Rcode::NOTAUTH)] {
        texts.push(
            halt("ds-add", move |world, _| {
                world.set_habit(world.primary("registry").unwrap(), Some(Arc::new(Deaf(answer))));
            })
            .await,
        );
    }
    texts.push(
        halt("ns-at-a", |world, now| {
            let of_b = world.own_ds("b");
            world.edit("registry", now, |registry| {
                for ds in &of_b {
                    registry.remove(world.zone(), Rtype::DS, &ds.rdata());
                }
            });
        })
        .await,
    );
    texts.push(
        halt("soak", |world, now| {
            let of_a = world.own_ds("a");
            world.edit("registry", now, |registry| {
                for ds in &of_a {
                    registry.remove(world.zone(), Rtype::DS, &ds.rdata());
                }
            });
        })
        .await,
    );
    texts.push(
        halt("ns-at-a", |world, now| {
            delegate(world, now, &world.name_servers("registry")[0]);
        })
        .await,
    );
    texts.push(
        halt("ds-add", |world, now| {
            world.edit("a", now, |zone| {
                let name = world.zone().prepend(b"new").unwrap();
                zone.add(&Record::new(name, Rtype::A, 300, vec![192, 0, 2, 9]));
            });
        })
        .await,
    );
    insta::assert_snapshot!(texts.join("\n\n"));
}

/// A stage whose key tags are larger than every other number in a report, so that none is taken for a tag.
async fn large_tags() -> Stage {
    loop {
        let stage = Stage::new(Scene::migrate()).await;
        let large = stage.world.providers().all(|provider| {
            let mut large = true;
            stage.world.read(provider, |zone| {
                large = zone.keys().iter().all(|key| key.key.dnskey().tag() > 30_000);
            });
            large
        });
        if large {
            return stage;
        }
    }
}

/// What an auditor reads of a move, verified as its bundle would be.
async fn evidence() -> (Stage, EvidenceReport) {
    let stage = large_tags().await;
    let kept = Kept::default();
    let exit = stage.process(&kept, stage::Fate::Lives).await;
    Stage::assert_complete(&exit, "evidence");
    let given = Given {
        anchors: Anchors::parse(&stage.world.anchors()).unwrap(),
        anchors_given: true,
        seal_keys: Vec::new(),
        manifest: None,
        files: BTreeMap::new(),
        seals: Vec::new(),
        keys: None,
        blobs: BTreeMap::new(),
        memo: Memo::remembering(),
    };
    let octets = kept.with(|journal| journal.octets());
    let mut lines = octets.split_inclusive(|octet| *octet == b'\n').peekable();
    let mut gathered = Gathered::new();
    let mut verifier = Verifier::new(given, Depth::Full);
    while let Some(line) = lines.next() {
        let mut blob = |id: &BlobId| kept.blob(id).ok();
        let mut seen = |entry, at, event: &Event, state: &State| gathered.observe(entry, at, event, state);
        assert!(
            verifier
                .take_seen(line, lines.peek().copied(), &mut blob, &mut seen)
                .unwrap()
        );
    }
    let (verdict, state) = verifier.finish_with_state();
    gathered.state = state;
    let report = evidence_report(&gathered, Assurance::of(&verdict));
    (stage, report)
}

#[tokio::test]
async fn an_auditors_report_as_text() {
    let (stage, report) = evidence().await;
    insta::assert_snapshot!(changes_in_order(&stable(&stage, &evidence_text(&report))));
}

/// Tags as words, so that names can stand in their place.
fn quote_tags(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Array(list) => list.iter_mut().for_each(quote_tags),
        serde_json::Value::Object(object) => {
            for (name, member) in object.iter_mut() {
                if name == "tag" {
                    *member = member.to_string().into();
                }
                quote_tags(member);
            }
        }
        _ => {}
    }
}

/// Lists whose order is that of octets which are made by chance.
fn sort_lists(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Array(list) => list.iter_mut().for_each(sort_lists),
        serde_json::Value::Object(object) => {
            for (name, member) in object.iter_mut() {
                sort_lists(member);
                match (name.as_str(), member) {
                    ("changes" | "ds", serde_json::Value::Array(list)) => {
                        list.sort_by_key(ToString::to_string);
                    }
                    ("label", serde_json::Value::String(label)) => {
                        let mut words: Vec<&str> = label.split(' ').collect();
                        words.sort_unstable();
                        *label = words.join(" ");
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn an_auditors_report_as_json() {
    let (stage, report) = evidence().await;
    let mut json = serde_json::to_value(&report).unwrap();
    quote_tags(&mut json);
    let text = stable(&stage, &json.to_string());
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    sort_lists(&mut json);
    // Words that are the same for every move, and in the text.
    for name in ["controls", "limits"] {
        assert!(
            json.as_object_mut()
                .unwrap()
                .remove(name)
                .is_some_and(|list| !list.as_array().unwrap().is_empty())
        );
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap());
}
