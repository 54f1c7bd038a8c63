//! A fault, played from the beginning to the verdict.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;

use super::Fault;
use super::expect::Expected;
use super::ground::{Ground, Voice};
use super::judge::{Verdict, judge};
use super::rig::{Disk, Shared, WallClock, Wire, with_script};
use super::seen::Watcher;
use crate::adapters::journal::{FileJournal, zone_dir};
use crate::adapters::{NetTransport, SystemClock};
use crate::lab::play::{Kept, WARM, anchors, crowd, write_anchors};
use crate::lab::{
    CrowdReport, Driven, Play, PlayError, Served, Tally, VirtualClock, World, WorldTransport, team, wish,
};
use crate::moment::Moment;
use crate::ports::{Clock, Journal, Transport};
use crate::runner::{Ending, Reporter, RunError, Runner, Until};
use crate::workflow::{Decision, Finding, State, plan, preflight};

/// So often a person starts the program again after a halt or a stop.
const RESTARTS: usize = 4;

/// What came of a fault.
#[derive(Clone, Debug, Serialize)]
pub struct Played {
    /// The fault.
    pub fault: &'static str,
    /// Its story.
    pub story: &'static str,
    /// What was expected.
    pub expected: Expected,
    /// What was done to the world, and when.
    pub told: Vec<(Moment, String)>,
    /// Whether it was seen, point by point.
    pub verdict: Verdict,
    /// What the crowd saw.
    pub crowd: CrowdReport,
    /// How long it took in the lab's time, seconds.
    pub lab_seconds: u64,
    /// Where the journal lies.
    pub journal: PathBuf,
}

/// How one process of the program ended.
#[derive(Debug)]
pub(in crate::lab) enum End {
    /// By itself.
    Ended(Ending),
    /// The plan was refused.
    Refused,
    /// With an error.
    Failed,
    /// It went on for longer than any expectation.
    TooLong,
}

/// Plays a fault. Each process of the program gets a reporter of its own; `voice` is told what is done to the world.
///
/// # Errors
/// If the lab cannot be built, or the program fails in a way that is no matter of the fault.
pub async fn play_fault(
    fault: &Fault,
    play: &Play,
    tellers: &mut (dyn FnMut() -> Box<dyn Reporter> + Send),
    voice: Voice,
) -> Result<Played, PlayError> {
    let mut play = play.clone();
    (fault.prepare)(&mut play);
    let world = Arc::new(World::new(&play.config)?);
    write_anchors(&play, &world)?;
    let mut lab = if play.virtual_time {
        Lab::virtual_time(play, world, voice, fault)
    } else {
        Lab::on_sockets(play, world, voice, fault).await?
    };
    with_script(&lab.script, |script| script.before(&lab.ground));
    lab.gather().await?;
    let start = lab.ground.now();
    let mut ends = Vec::new();
    loop {
        let end = lab.process(tellers()).await?;
        let again = matches!(end, End::Ended(Ending::Halted(_)) | End::Failed);
        ends.push(end);
        if !again || ends.len() > RESTARTS {
            break;
        }
        with_script(&lab.script, |script| script.mend(&lab.ground));
        lab.pass(lab.ground.play.interval).await;
    }
    lab.finish(fault, &ends, start).await
}

struct Lab {
    ground: Arc<Ground>,
    script: Shared,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    hands: Option<Arc<VirtualClock>>,
    _served: Option<Served>,
    tally: Option<Tally>,
    driven: Option<Driven>,
    kept: Kept,
    dir: PathBuf,
}

impl Lab {
    fn virtual_time(play: Play, world: Arc<World>, voice: Voice, fault: &Fault) -> Lab {
        let hands = Arc::new(VirtualClock::new(play.config.now));
        let inner: Arc<dyn Transport> = Arc::new(WorldTransport::new(world.clone(), hands.dial()));
        Lab::over(
            inner,
            hands.clone(),
            Ground::new(world, hands.clone(), play, voice),
            fault,
        )
        .with(Some(hands), None)
    }

    async fn on_sockets(
        play: Play,
        world: Arc<World>,
        voice: Voice,
        fault: &Fault,
    ) -> Result<Lab, PlayError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let served = Served::start(world.clone(), clock.clone()).await?;
        let inner: Arc<dyn Transport> = Arc::new(NetTransport::new(served.map.clone()));
        let ground = Ground::new(world, clock.clone(), play, voice);
        Ok(Lab::over(inner, clock, ground, fault).with(None, Some(served)))
    }

    fn over(inner: Arc<dyn Transport>, _: Arc<dyn Clock>, ground: Ground, fault: &Fault) -> Lab {
        let script: Shared = Arc::new(Mutex::new((fault.script)(&ground)));
        let ground = Arc::new(ground);
        let transport: Arc<dyn Transport> = Arc::new(Wire {
            inner,
            ground: ground.clone(),
            script: script.clone(),
        });
        Lab {
            dir: zone_dir(&ground.play.out, ground.world.zone()),
            clock: Arc::new(WallClock(ground.clone())),
            ground,
            script,
            transport,
            hands: None,
            _served: None,
            tally: None,
            driven: None,
            kept: Kept::default(),
        }
    }

    fn with(mut self, hands: Option<Arc<VirtualClock>>, served: Option<Served>) -> Lab {
        self.hands = hands;
        self._served = served;
        self
    }

    /// The crowd begins to ask.
    async fn gather(&mut self) -> Result<(), PlayError> {
        let crowd = crowd(
            &self.ground.play,
            &self.ground.world,
            &self.transport,
            self.ground.now(),
        )?;
        self.tally = Some(crowd.tally());
        if let Some(hands) = &self.hands {
            hands.attach(Box::new(crowd)).await;
            self.pass(WARM).await;
        } else {
            self.driven = Some(crowd.drive(self.ground.clock.clone()));
        }
        Ok(())
    }

    async fn pass(&self, span: Duration) {
        self.ground.clock.sleep_until(self.ground.now() + span).await;
    }

    /// One process of the program, from its start to its end.
    async fn process(&self, teller: Box<dyn Reporter>) -> Result<End, PlayError> {
        self.ground.wind_up();
        let inner: Box<dyn Journal> = if self.hands.is_some() {
            Box::new(self.kept.clone())
        } else {
            Box::new(FileJournal::open(&self.dir, self.ground.now(), "lab")?)
        };
        let journal = Box::new(Disk {
            inner,
            ground: self.ground.clone(),
            path: self.dir.join("journal.ndjson"),
        });
        let watcher = Box::new(Watcher {
            ground: self.ground.clone(),
            script: self.script.clone(),
            teller,
        });
        let team = team(
            &self.ground.world,
            &self.transport,
            &self.clock,
            self.ground.play.interval,
        )?;
        let state = State::new(anchors(&self.ground.world)?);
        let life = async {
            let mut runner = Runner::open(team, state, journal, watcher)?;
            self.go(&mut runner).await
        };
        let end = tokio::select! {
            end = life => end,
            () = self.ground.too_long() => Ok(End::TooLong),
        };
        match end {
            Ok(end) => Ok(end),
            Err(RunError::Journal(error)) => {
                let words = format!("{error} ({})", error.hint());
                self.ground.with(|seen| seen.errors.push(words));
                Ok(End::Failed)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What `unbroken run` does.
    async fn go(&self, runner: &mut Runner) -> Result<End, RunError> {
        runner.survey().await?;
        let play = &self.ground.play;
        if runner.state.plan.is_none() {
            runner.sweep().await?;
            let wish = wish(
                &self.ground.world,
                play.purpose.clone(),
                &play.group,
                play.rules,
                play.soak,
            );
            let made = plan(&wish, &runner.state, self.clock.now());
            let refusals: Vec<String> = preflight(&runner.state, &made)
                .iter()
                .filter(|finding| finding.refuses())
                .map(Finding::to_string)
                .collect();
            if !refusals.is_empty() {
                self.ground.with(|seen| seen.refusals.extend(refusals));
                return Ok(End::Refused);
            }
            runner.adopt(made)?;
        }
        let ending = runner.run(Until::Complete).await?;
        if let Ending::Halted(Decision::Halt {
            what,
            safe,
            by,
            choices,
        }) = &ending
        {
            let words = format!("{what}; {}; safe: {safe}; by: {}", choices.join("; "), by.why);
            self.ground.with(|seen| seen.halts.push(words));
        }
        Ok(End::Ended(ending))
    }

    /// Lets the crowd go on until whatever is old has left its caches, and judges.
    async fn finish(self, fault: &Fault, ends: &[End], start: Moment) -> Result<Played, PlayError> {
        let took = self.ground.now().since(start);
        let rest = if self.hands.is_some() {
            WARM
        } else {
            Duration::from_millis(500)
        };
        self.pass(rest).await;
        let crowd = match (self.driven, &self.tally) {
            (Some(driven), _) => driven.stop().await,
            (None, Some(tally)) => tally.report(),
            (None, None) => CrowdReport::default(),
        };
        if self.hands.is_some() {
            self.kept.with(|journal| journal.write_to(&self.dir))?;
        }
        let verdict = judge(&fault.expected, &self.ground, ends, &crowd);
        let told = self.ground.with(|seen| seen.told.clone());
        Ok(Played {
            fault: fault.name,
            story: fault.story,
            expected: fault.expected,
            told,
            verdict,
            crowd,
            lab_seconds: took.as_secs(),
            journal: self.dir,
        })
    }
}
