//! A decision that is said to stand is the one that would be made.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use unbroken::audit::Word;
use unbroken::dnssec::{Anchors, Memo};
use unbroken::evidence::{BlobId, Entry, Outcome, Sweep};
use unbroken::lab::{self, LabConfig, Ttls, VirtualClock, World, WorldTransport};
use unbroken::moment::Moment;
use unbroken::ports::{Clock, Transport};
use unbroken::runner::{Ending, Quiet, Runner, Until};
use unbroken::workflow::{
    Decision, Event, GateRules, Purpose, Standing, State, decide, decide_standing, plan,
};

use super::parts::{Parts, codes};
use super::stage::Kept;

/// Some 24 days, in seconds: longer than any wait and any signature of the stage.
const LONGEST: u64 = 1 << 21;

/// A move with the TTLs of the real world, a look every quarter of an hour and signatures of four days, renewed after a day.
fn long() -> Parts {
    static MADE: OnceLock<Parts> = OnceLock::new();
    let made = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(play())
    };
    MADE.get_or_init(made).clone()
}

async fn play() -> Parts {
    let start = Moment::from_seconds(1_790_000_000);
    let mut config = LabConfig::built_in(start).unwrap();
    config.ttls = Ttls::real();
    config.validity = Duration::from_secs(4 * 86_400);
    config.renewal = Some(Duration::from_secs(86_400));
    let world = Arc::new(World::new(&config).unwrap());
    let clock = Arc::new(VirtualClock::new(start));
    let transport: Arc<dyn Transport> = Arc::new(WorldTransport::new(world.clone(), clock.dial()));
    let clock: Arc<dyn Clock> = clock;
    let team = lab::team(&world, &transport, &clock, Duration::from_secs(900)).unwrap();
    let anchors = Anchors::parse(&world.anchors()).unwrap();
    let (kept, state) = (Kept::default(), State::new(anchors.clone()));
    let mut runner = Runner::open(team, state, Box::new(kept.clone()), Box::new(Quiet)).unwrap();
    runner.survey().await.unwrap();
    runner.sweep().await.unwrap();
    let rules = GateRules {
        ttl_floor: 60,
        margin: 5,
        stale: 0,
        patience: 60,
    };
    let purpose = Purpose::Migrate {
        from: "a".into(),
        to: "b".into(),
    };
    let wish = lab::wish(&world, purpose, &["a".to_owned()], rules, 86_400);
    let made = plan(&wish, &runner.state, clock.now());
    runner.adopt(made).unwrap();
    let ending = runner.run(Until::Complete).await.unwrap();
    assert!(matches!(ending, Ending::Complete(_)), "{ending:?}");
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("shop.test");
    kept.with(|journal| journal.write_to(&place)).unwrap();
    Parts::read(&place, &anchors)
}

struct Folded {
    state: State,
    blobs: BTreeMap<BlobId, Arc<[u8]>>,
}

impl Folded {
    fn take(&mut self, at: Moment, event: &Event) {
        self.state.apply(at, event, &|id| self.blobs.get(id).cloned());
    }

    /// The state after the same sweep once more, so much later.
    fn later(&self, sweep: &Sweep, by: Duration) -> State {
        let mut state = self.state.clone();
        let sweep = moved(sweep, by);
        let at = sweep.ended;
        state.apply(at, &Event::Sweep(sweep), &|id| self.blobs.get(id).cloned());
        state
    }
}

fn moved(sweep: &Sweep, by: Duration) -> Sweep {
    let mut sweep = sweep.clone();
    sweep.started = sweep.started + by;
    sweep.ended = sweep.ended + by;
    for one in &mut sweep.observations {
        one.sent = one.sent + by;
        one.done = one.done + by;
    }
    sweep
}

/// The last second of those to come in which it is said to stand.
fn last_second(folded: &Folded, sweep: &Sweep, standing: &Standing) -> u64 {
    let holds = |by| standing.holds(&folded.later(sweep, Duration::from_secs(by)));
    let (mut holding, mut over) = (0, LONGEST);
    while over - holding > 1 {
        let middle = holding.midpoint(over);
        if holds(middle) {
            holding = middle;
        } else {
            over = middle;
        }
    }
    holding
}

/// The same sweep again at moments up to the last at which the decision is said to stand: how many there were.
fn look_later(folded: &Folded, sweep: &Sweep, standing: &Standing, made: &Decision) -> usize {
    assert!(standing.holds(&folded.state));
    let last = last_second(folded, sweep, standing);
    let mut looked = 0;
    for by in [1, last / 2, last.saturating_sub(1), last] {
        let later = folded.later(sweep, Duration::from_secs(by));
        if !standing.holds(&later) {
            // A sweep that is seen for the second time stirs nothing, but for the time above the zone.
            continue;
        }
        let again = decide(&later);
        assert!(made.same_as(&again), "after {by} s: {made:?} became {again:?}");
        looked += 1;
    }
    looked
}

/// A wait that was found to stand.
struct Held {
    standing: Standing,
    wait: Decision,
    renewals: usize,
}

impl Held {
    fn new(standing: Standing, wait: Decision) -> Held {
        Held {
            standing,
            wait,
            renewals: 0,
        }
    }

    /// Whether it stands still; then it must be what is made.
    fn stands(&mut self, state: &State, made: &Decision) -> bool {
        if !self.standing.holds(state)
            && let Some(renewed) = self.standing.renewed(state)
        {
            self.standing = renewed;
            self.renewals += 1;
        }
        if !self.standing.holds(state) {
            return false;
        }
        let wait = &self.wait;
        assert!(wait.same_as(made), "{wait:?} stood, and {made:?} is made");
        // Of a wait for no gate every word stands.
        assert!(!matches!(wait, Decision::Wait { gate: None, .. }) || wait == made);
        true
    }
}

#[test]
fn what_stands_would_be_decided_again() {
    let parts = long();
    let mut folded = Folded {
        state: State::new(parts.anchors.clone()).with_memo(Memo::remembering()),
        blobs: parts
            .blobs
            .iter()
            .map(|(id, octets)| (id.clone(), Arc::from(octets.as_slice())))
            .collect(),
    };
    let mut held: Option<Held> = None;
    let (mut stood, mut turned, mut sweeps, mut compared, mut renewals) = (0, 0, 0, 0, 0);
    for entry in parts.entries() {
        let event = Event::read(&entry.kind, &entry.body).unwrap();
        folded.take(entry.at, &event);
        if folded.state.plan.is_none() || folded.state.ended {
            continue;
        }
        if let (Event::Contents(_), Some(held)) = (&event, &mut held) {
            compared += usize::from(held.stands(&folded.state, &decide(&folded.state)));
        }
        let Event::Sweep(sweep) = &event else { continue };
        sweeps += 1;
        let (made, found) = decide_standing(&folded.state);
        assert_eq!(made, decide(&folded.state));
        // Only a wait stands.
        assert!(
            found.is_none() || matches!(made, Decision::Wait { .. }),
            "{made:?}"
        );
        if let Some(standing) = found.as_ref().filter(|_| sweeps % 25 == 0) {
            turned += look_later(&folded, sweep, standing, &made);
        }
        if let Some(held) = &mut held {
            let before = held.renewals;
            if held.stands(&folded.state, &made) {
                renewals += held.renewals - before;
                stood += 1;
                continue;
            }
        }
        // That copies have to be compared does not end it.
        if !matches!(made, Decision::Compare { .. }) {
            held = found.map(|standing| Held::new(standing, made));
        }
    }
    assert!(
        stood * 2 > sweeps && renewals > 5 && turned > 20 && compared > 5,
        "{stood} of {sweeps} sweeps stood, {renewals} renewals, {compared} comparisons, {turned} later ones"
    );
}

#[test]
fn a_sweep_stirs_nothing_only_where_each_server_says_what_it_said() {
    let parts = long();
    let mut state = State::new(parts.anchors.clone());
    let octets = |id: &BlobId| parts.blobs.get(id).map(|octets| Arc::from(octets.as_slice()));
    let mut said: BTreeMap<String, Outcome> = BTreeMap::new();
    let (mut still, mut former) = (0, None);
    for entry in parts.entries() {
        let event = Event::read(&entry.kind, &entry.body).unwrap();
        let before = (state.stirs(), state.renewals());
        state.apply(entry.at, &event, &octets);
        let stirred = (state.stirs(), state.renewals()) != before;
        let sweep = match event {
            Event::Sweep(sweep) => sweep,
            Event::Contents(compared) => {
                let again = former.replace(compared.clone()) == Some(compared);
                assert_eq!(stirred, !again, "entry {}", entry.seq);
                continue;
            }
            _ => {
                assert!(stirred || entry.kind == "decision", "{}", entry.kind);
                continue;
            }
        };
        still += u64::from(!stirred);
        for one in sweep.observations {
            let place = (&one.place, one.address, one.proto, &one.name, one.rtype);
            let mut outcome = one.outcome.clone();
            if let Outcome::Answer { id, .. } = &mut outcome {
                *id = 0;
            }
            let former = said.insert(format!("{place:?}"), outcome.clone());
            assert!(
                stirred || former == Some(outcome),
                "entry {}: {place:?}",
                entry.seq
            );
        }
    }
    assert!(still > 20, "{still}");
}

#[test]
fn copies_stir_unless_they_are_equal_and_as_they_were() {
    let parts = long();
    let entries = parts.entries();
    let body = |entry: &&Entry| (entry.kind == "contents").then(|| entry.body.clone());
    let equal = entries.iter().find_map(|entry| body(&entry)).unwrap();
    let mut differ = equal.clone();
    differ["pairs"][0]["only_left"] = 1.into();
    let mut longer = equal.clone();
    longer["copies"]["a"]["records"] = 12.into();
    let mut state = State::new(parts.anchors.clone());
    let mut stirs = |body: &serde_json::Value| {
        let before = state.stirs();
        let event = Event::read("contents", body).unwrap();
        state.apply(Moment::from_seconds(1_790_000_000), &event, &|_| None);
        state.stirs() > before
    };
    assert_eq!(
        [&equal, &equal, &longer, &longer, &differ, &differ, &equal, &equal].map(&mut stirs),
        [true, false, true, false, true, true, true, false]
    );
}

type Forging<'a> = &'a dyn Fn(&mut Vec<Entry>);

#[test]
fn what_is_forged_around_a_comparison_is_found_while_a_wait_stands() {
    let parts = long();
    assert_eq!(parts.judged().verdict, Word::Holds);
    let entries = parts.entries();
    let is = |at: usize, kind: &str, word: &str| {
        entries[at].kind == kind && (word.is_empty() || entries[at].body["decision"] == word)
    };
    // Long after the first wait for the same was recorded, so that it is known to stand.
    let contents = (2..entries.len() - 1)
        .filter(|at| is(*at, "contents", "") && is(at + 1, "decision", "wait"))
        .nth(10)
        .unwrap();
    assert!(is(contents - 1, "decision", "compare") && is(contents - 2, "sweep", ""));
    let wait = contents + 1;
    assert!(entries[wait].body["gate"].is_null());
    let cases: [(&str, Forging, &str); 7] = [
        ("no wait", &|all| drop(all.remove(wait)), "decision-missing"),
        (
            "no comparison",
            &|all| drop(all.drain(contents - 1..wait)),
            "decision-missing",
        ),
        (
            "no reason to compare",
            &|all| drop(all.remove(contents - 1)),
            "decision-missing",
        ),
        (
            "nothing compared",
            &|all| drop(all.remove(contents)),
            "decision-undue",
        ),
        (
            "the wait first",
            &|all| all.swap(contents - 1, wait),
            "decision-differs",
        ),
        (
            "another end",
            &|all| all[wait].body["until"] = 1_790_000_000.into(),
            "decision-differs",
        ),
        (
            "another reason",
            &|all| all[wait].body["why"] = "so".into(),
            "decision-differs",
        ),
    ];
    for (what, change, code) in cases {
        let mut forged = parts.clone();
        forged.forge(change);
        let found = codes(&forged.judged());
        assert!(found.contains(&code), "{what}: {found:?}");
    }
}
