//! One move, from its plan to its end, by the real runner.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use unbroken::dnssec::{Anchors, Memo};
use unbroken::runner::{Ending, RunError, Runner, Until};
use unbroken::workflow::{CdsPolicy, Decision, Ended, Event, Severity, Signer, State, Wish, plan, preflight};

use super::answers::Desk;
use super::drivers::{Disk, Endless, Hand, Killed, Stage, Witness};
use super::keys::bunch;
use super::scenario::Scenario;
use super::world::{Blank, World};
use super::wrong::Wrong;
use super::zones::{SERVERS, host_name, provider_name};

/// More entries than any move needs, and than a day has that leads nowhere.
const MOST_ENTRIES: usize = 12_000;

/// What moves of one thread share: nothing but work that was done before.
pub(crate) struct Workshop {
    pub(crate) desk: Arc<Mutex<Desk>>,
    memo: Memo,
    /// Prints what the program does.
    tells: bool,
}

impl Workshop {
    pub(crate) fn new(tells: bool) -> Workshop {
        Workshop {
            desk: Arc::default(),
            memo: Memo::remembering(),
            tells,
        }
    }
}

/// How a move ended.
#[derive(Clone, Debug)]
pub(crate) enum Exit {
    Complete(Ended),
    /// What happened.
    Halted(String),
    Refused(String),
    /// It waits for ever.
    Endless,
    /// With a failure of the program itself.
    Failed(String),
}

/// A move that was played.
pub(crate) struct Played {
    pub(crate) exit: Exit,
    pub(crate) world: World,
    pub(crate) processes: usize,
    pub(crate) entries: usize,
    /// When the program was done.
    pub(crate) ended: i64,
}

pub(crate) fn play(scenario: &Scenario, workshop: &Workshop, wrong: Option<Wrong>) -> Played {
    let stage = Stage::new(World::new(scenario.clone()), workshop.desk.clone(), wrong);
    let disk = Disk::default();
    let mut kills = scenario.kills.clone();
    kills.sort_by_key(|kill| kill.entry);
    let mut processes = 0;
    let mut coming = kills.iter().peekable();
    let exit = loop {
        processes += 1;
        while coming.next_if(|kill| kill.entry <= disk.len()).is_some() {}
        let next = coming.peek().copied();
        let hand = Hand {
            disk: disk.clone(),
            dies: next.map(|kill| (kill.entry, kill.before)),
            most: MOST_ENTRIES,
            keeps: !kills.is_empty(),
        };
        let life = catch_unwind(AssertUnwindSafe(|| process(&stage, hand, workshop)));
        match life {
            Ok(Ok(exit)) => break exit,
            Ok(Err(error)) => break Exit::Failed(error.to_string()),
            Err(cause) if cause.is::<Killed>() => {
                coming.next();
            }
            Err(cause) if cause.is::<Endless>() => break Exit::Endless,
            Err(cause) => resume_unwind(cause),
        }
        let mut world = stage.world();
        if next.is_some_and(|kill| !kill.before)
            && let Some(last) = disk.last()
        {
            // It is written, and whoever watches the program was not told any more.
            let event = Event::read(&last.kind, &last.body).unwrap();
            world.noticed(last.at, &event);
        }
        let from = world.now;
        let until = from + 1_000 * next.map_or(0, |kill| kill.pause);
        world.blanks.push(Blank {
            server: None,
            from,
            until,
        });
        world.run_until(until);
        if wrong == Some(Wrong::RollsBack) {
            world.take_back();
        }
    };
    let entries = disk.len();
    let mut world = std::mem::replace(&mut *stage.world(), World::new(scenario.clone()));
    let ended = world.now;
    world.settle();
    Played {
        exit,
        world,
        processes,
        entries,
        ended,
    }
}

/// One process, from its start until it ends by itself. Nothing in it ever waits for anything but the simulated clock.
fn process(stage: &Stage, hand: Hand, workshop: &Workshop) -> Result<Exit, RunError> {
    let life = async {
        let anchors = Anchors::parse(&bunch().anchor()).unwrap();
        let state = State::new(anchors).with_memo(workshop.memo.clone());
        let witness = Box::new(Witness {
            stage: stage.clone(),
            tells: workshop.tells,
        });
        let mut runner = Runner::open(stage.team(), state, Box::new(hand), witness)?;
        let inbox = stage.clone();
        runner.inbox = Box::new(move || inbox.inbox());
        go(&mut runner, stage).await
    };
    life.now_or_never().expect("nothing in a simulation waits")
}

/// What `unbroken run` does.
async fn go(runner: &mut Runner, stage: &Stage) -> Result<Exit, RunError> {
    runner.survey().await?;
    if runner.state.plan.is_none() {
        runner.sweep().await?;
        let wish = wish(&stage.world().scenario);
        let made = plan(&wish, &runner.state, runner.team.clock.now());
        let mut findings = preflight(&runner.state, &made);
        findings.retain(|finding| finding.severity == Severity::Refuse);
        if !findings.is_empty() {
            return Ok(Exit::Refused(format!("{findings:?}")));
        }
        runner.adopt(made)?;
    }
    Ok(match runner.run(Until::Complete).await? {
        Ending::Complete(ended) => Exit::Complete(ended),
        Ending::Halted(Decision::Halt { what, .. }) => Exit::Halted(what),
        other => Exit::Failed(format!("{other:?}")),
    })
}

fn wish(scenario: &Scenario) -> Wish {
    let signer = |number: usize| Signer {
        name: provider_name(number),
        name_servers: (0..scenario.providers[number].servers)
            .map(|server| host_name(number * SERVERS + server))
            .collect(),
        max_ttl: 0,
        manual: scenario.providers[number].operator.person.is_some(),
        signs_live: true,
        apex_ns_fixed: false,
    };
    Wish {
        zone: bunch().zone.clone(),
        purpose: scenario.purpose.clone(),
        group: scenario
            .group
            .iter()
            .map(|number| provider_name(*number))
            .collect(),
        signers: (0..scenario.providers.len()).map(signer).collect(),
        cds: CdsPolicy::Auto,
        rules: scenario.rules,
        soak: scenario.soak,
        approve: scenario.approve.clone(),
        resign: None,
        sticky_bounded: false,
    }
}
