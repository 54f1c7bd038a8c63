//! A whole move in a lab: the crowd asks, the runner moves the zone, and at the end both are judged.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    Crowd, CrowdConfig, CrowdReport, LabConfig, LabError, Policy, Served, Tally, VirtualClock, World,
    WorldTransport, team, wish,
};
use crate::adapters::journal::{FileJournal, MemoryJournal, SealingJournal, zone_dir};
use crate::adapters::{NetTransport, SystemClock};
use crate::dnssec::Anchors;
use crate::evidence::{BlobId, Blobs, Entry, SignerKey, origin};
use crate::moment::Moment;
use crate::ports::{Clock, Entries, Journal, JournalError, JournalView, Transport};
use crate::runner::{Ending, Reporter, RunError, Runner, Until};
use crate::workflow::{
    Approval, Finding, GateRules, Intent, Plan, Purpose, State, Step, forecast, own_cds_waiver, plan,
    preflight,
};

/// In virtual time the crowd asks for so long before the zone is looked at.
pub(in crate::lab) const WARM: Duration = Duration::from_secs(2 * 3_600);

/// How a lab is played.
#[derive(Clone, Debug)]
pub struct Play {
    /// The world.
    pub config: LabConfig,
    /// What for.
    pub purpose: Purpose,
    /// The group at the start.
    pub group: Vec<String>,
    /// The soak of a migration, seconds.
    pub soak: u64,
    /// For how long a provider's next re-sign is awaited, seconds; none: it is not.
    pub resign: Option<u64>,
    /// Who says yes to each step that waits for a person; none: nobody.
    pub approver: Option<String>,
    /// Between two sweeps.
    pub interval: Duration,
    /// Between two questions of a resolver.
    pub pace: Duration,
    /// How the gates are judged.
    pub rules: GateRules,
    /// Where the journal goes, into a folder of this one, and `anchors.ds`.
    pub out: PathBuf,
    /// In virtual time.
    pub virtual_time: bool,
    /// The dice's.
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// How the run ended, in one word.
    pub ended: &'static str,
    /// Whether every mixture of answers that a cache could hold validated.
    pub continuous: bool,
    /// The conflicts, in words.
    pub conflicts: Vec<String>,
    /// What the crowd saw.
    pub crowd: CrowdReport,
    /// How long it took in the lab's time, seconds.
    pub lab_seconds: u64,
    /// Sweeps made.
    pub sweeps: u64,
    /// Where the journal lies.
    pub journal: PathBuf,
    /// Where the lab's trust anchors lie, for whoever checks the journal.
    pub anchors: PathBuf,
    /// The public half of the key that sealed the journal. Nobody has the private one any more.
    pub seal_key: String,
}

impl Outcome {
    /// Whether it went as it should: complete, continuous, and no resolver failed.
    pub fn is_good(&self) -> bool {
        self.ended == "complete"
            && self.continuous
            && self.crowd.failed() == 0
            && self.crowd.unreachable() == 0
    }
}

/// Why a lab could not be played.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// It could not be built.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// The run failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The journal could not be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The anchors that the lab made do not parse.
    #[error("the lab's anchors: {0}")]
    Anchors(String),
    /// The journal cannot be sealed, or the anchors not be written.
    #[error("{0}")]
    Evidence(String),
    /// The plan was refused.
    #[error("the plan is refused: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Finding>),
}

/// What is told of a lab before it begins.
pub enum Opening<'a> {
    /// It is built, and nobody has looked yet.
    Built {
        /// The world.
        world: &'a World,
        /// Where each server really listens; none in virtual time.
        served: Option<&'a Served>,
        /// Where the journal lies.
        journal: &'a std::path::Path,
    },
    /// It was looked at, and nothing is done yet.
    Planned {
        /// The plan.
        plan: &'a Plan,
        /// Its calendar.
        calendar: &'a [crate::workflow::Forecast],
        /// From when the calendar counts.
        from: Moment,
    },
}

/// Plays a lab from its beginning to the verdict. `opening` is told what was built, and then what was planned, before anything is done.
///
/// # Errors
/// If the lab cannot be built, the plan is refused, or the journal cannot be written.
pub async fn play(
    play: &Play,
    reporter: Box<dyn Reporter>,
    opening: impl FnMut(Opening<'_>) + Send,
) -> Result<Outcome, PlayError> {
    let world = Arc::new(World::new(&play.config)?);
    if play.virtual_time {
        in_virtual_time(play, world, reporter, opening).await
    } else {
        on_sockets(play, world, reporter, opening).await
    }
}

async fn on_sockets(
    play: &Play,
    world: Arc<World>,
    reporter: Box<dyn Reporter>,
    opening: impl FnMut(Opening<'_>) + Send,
) -> Result<Outcome, PlayError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let served = Served::start(world.clone(), clock.clone()).await?;
    let transport: Arc<dyn Transport> = Arc::new(NetTransport::new(served.map.clone()));
    let crowd = crowd(play, &world, &transport, clock.now())?;
    let driven = crowd.drive(clock.clone());
    let dir = zone_dir(&play.out, world.zone());
    let journal = FileJournal::open(&dir, clock.now(), "lab")?;
    let (evidence, journal) = Evidence::sealing(play, &world, journal, &dir)?;
    let stage = Stage {
        play,
        world: &world,
        served: Some(&served),
        clock,
        transport,
        dir,
    };
    let (ending, sweeps, took) = stage.run(journal, reporter, opening).await?;
    let crowd = driven.stop().await;
    Ok(outcome(ending, crowd, sweeps, took, stage.dir, evidence))
}

async fn in_virtual_time(
    play: &Play,
    world: Arc<World>,
    reporter: Box<dyn Reporter>,
    opening: impl FnMut(Opening<'_>) + Send,
) -> Result<Outcome, PlayError> {
    let hands = Arc::new(VirtualClock::new(play.config.now));
    let transport: Arc<dyn Transport> = Arc::new(WorldTransport::new(world.clone(), hands.dial()));
    let crowd = crowd(play, &world, &transport, play.config.now)?;
    let tally: Tally = crowd.tally();
    hands.attach(Box::new(crowd)).await;
    // Their caches hold what was there before anybody looked, as caches do.
    hands.sleep_until(play.config.now + WARM).await;
    let dir = zone_dir(&play.out, world.zone());
    let kept = Kept::default();
    let clock: Arc<dyn Clock> = hands;
    let stage = Stage {
        play,
        world: &world,
        served: None,
        clock,
        transport,
        dir,
    };
    let (evidence, journal) = Evidence::sealing(play, &world, kept.clone(), &stage.dir)?;
    let (ending, sweeps, took) = stage.run(journal, reporter, opening).await?;
    kept.with(|journal| journal.write_to(&stage.dir))?;
    Ok(outcome(ending, tally.report(), sweeps, took, stage.dir, evidence))
}

pub(in crate::lab) fn crowd(
    play: &Play,
    world: &World,
    transport: &Arc<dyn Transport>,
    start: Moment,
) -> Result<Crowd, PlayError> {
    let config = CrowdConfig {
        policies: Policy::all(),
        roots: world.roots().to_vec(),
        anchors: anchors(world)?,
        questions: world.questions(),
        interval: play.pace,
        timeout: Duration::from_secs(2),
        seed: play.seed,
        start,
    };
    Ok(Crowd::new(transport.clone(), config))
}

pub(in crate::lab) fn anchors(world: &World) -> Result<Anchors, PlayError> {
    Anchors::parse(&world.anchors()).map_err(|error| PlayError::Anchors(error.to_string()))
}

struct Stage<'a> {
    play: &'a Play,
    world: &'a Arc<World>,
    served: Option<&'a Served>,
    clock: Arc<dyn Clock>,
    transport: Arc<dyn Transport>,
    dir: PathBuf,
}

impl Stage<'_> {
    async fn run(
        &self,
        journal: Box<dyn Journal>,
        reporter: Box<dyn Reporter>,
        mut opening: impl FnMut(Opening<'_>) + Send,
    ) -> Result<(Ending, u64, Duration), PlayError> {
        let start = self.clock.now();
        let team = team(self.world, &self.transport, &self.clock, self.play.interval)?;
        let mut runner = Runner::open(team, State::new(anchors(self.world)?), journal, reporter)?;
        opening(Opening::Built {
            world: self.world,
            served: self.served,
            journal: &self.dir,
        });
        runner.survey().await?;
        runner.sweep().await?;
        let mut wish = wish(
            self.world,
            self.play.purpose.clone(),
            &self.play.group,
            self.play.rules,
            self.play.soak,
        );
        wish.resign = self.play.resign;
        let made = plan(&wish, &runner.state, self.clock.now());
        let mut refusals: Vec<Finding> = preflight(&runner.state, &made);
        refusals.retain(Finding::refuses);
        if !refusals.is_empty() {
            return Err(PlayError::Refused(refusals));
        }
        let from = self.clock.now();
        opening(Opening::Planned {
            plan: &made,
            calendar: &forecast(&runner.state, &made, from.ceil_seconds()),
            from,
        });
        let words = self.approvals(&made);
        runner.adopt(made)?;
        runner.inbox = Box::new(move || words.clone());
        let ending = runner.run(Until::Complete).await?;
        let sweeps = runner.state.last_sweep.as_ref().map_or(0, |sweep| sweep.count);
        Ok((ending, sweeps, self.clock.now().since(start)))
    }
}

impl Stage<'_> {
    fn approvals(&self, plan: &Plan) -> Vec<Approval> {
        let asked = |step: &Step| match &step.intent {
            Intent::WithdrawCds { at } => Some((own_cds_waiver(at), "the lab's registry follows no CDS")),
            _ if step.approval => Some((step.id.0.clone(), "it is a lab")),
            _ => None,
        };
        let word = |by: &String, (what, note): (String, &str)| Approval {
            what,
            plan: plan.hash(),
            by: by.clone(),
            note: note.to_owned(),
        };
        let asked: Vec<_> = plan.steps.iter().filter_map(asked).collect();
        let by = self.play.approver.iter();
        by.flat_map(|by| asked.iter().map(move |one| word(by, one.clone())))
            .collect()
    }
}

/// What an auditor of the lab needs beside the journal.
struct Evidence {
    anchors: PathBuf,
    seal_key: String,
}

/// Writes the lab's anchors into the folder of its journal's folder: whoever checks the journal needs them.
pub(in crate::lab) fn write_anchors(play: &Play, world: &World) -> Result<PathBuf, PlayError> {
    let anchors = play.out.join("anchors.ds");
    std::fs::create_dir_all(&play.out)
        .and_then(|()| std::fs::write(&anchors, world.anchors()))
        .map_err(|error| PlayError::Evidence(format!("{}: {error}", anchors.display())))?;
    Ok(anchors)
}

/// The name of the key that seals a lab's journal.
const SEALER: &str = "lab.invalid/unbroken";

impl Evidence {
    /// Writes the anchors, and seals the journal in `dir` with a key that nobody keeps.
    fn sealing(
        play: &Play,
        world: &World,
        journal: impl Journal + 'static,
        dir: &Path,
    ) -> Result<(Evidence, Box<dyn Journal>), PlayError> {
        let fail =
            |what: &str, error: &dyn std::fmt::Display| PlayError::Evidence(format!("{what}: {error}"));
        let anchors = write_anchors(play, world)?;
        let mut seed = Zeroizing::new([0; 32]);
        SystemRandom::new()
            .fill(seed.as_mut_slice())
            .map_err(|error| fail("no random octets for the key that seals", &error))?;
        let key = SignerKey::from_seed(SEALER, &seed).map_err(|error| fail(SEALER, &error))?;
        let evidence = Evidence {
            anchors,
            seal_key: key.verifier().to_string(),
        };
        let origin = origin(SEALER, world.zone());
        let journal = SealingJournal::open(journal, dir, &origin, key, Box::new(|_, _| {}))?;
        Ok((evidence, Box::new(journal)))
    }
}

fn outcome(
    ending: Ending,
    crowd: CrowdReport,
    sweeps: u64,
    took: Duration,
    journal: PathBuf,
    evidence: Evidence,
) -> Outcome {
    let (ended, continuous, conflicts) = match ending {
        Ending::Complete(ended) => ("complete", ended.continuous, ended.conflicts),
        Ending::Halted(_) => ("halted", false, Vec::new()),
        Ending::Owed(_) | Ending::Stepped(_) => ("owed", false, Vec::new()),
    };
    Outcome {
        ended,
        continuous,
        conflicts,
        crowd,
        lab_seconds: took.as_secs(),
        sweeps,
        journal,
        anchors: evidence.anchors,
        seal_key: evidence.seal_key,
    }
}

/// A journal in memory that can still be read when the runner is done with it.
#[derive(Clone, Default)]
pub(in crate::lab) struct Kept(Arc<Mutex<MemoryJournal>>);

impl Kept {
    pub(in crate::lab) fn with<T>(&self, use_it: impl FnOnce(&mut MemoryJournal) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl JournalView for Kept {
    fn entries(&self) -> Result<Entries<'_>, JournalError> {
        let all: Vec<Result<Entry, JournalError>> =
            self.with(|journal| Ok::<_, JournalError>(journal.entries()?.collect()))?;
        Ok(Box::new(all.into_iter()))
    }

    fn blob(&self, id: &BlobId) -> Result<Vec<u8>, JournalError> {
        self.with(|journal| journal.blob(id))
    }

    fn head(&self) -> String {
        self.with(|journal| journal.head())
    }
}

impl Journal for Kept {
    fn append(&mut self, at: Moment, kind: &str, body: Value) -> Result<Entry, JournalError> {
        self.with(|journal| journal.append(at, kind, body))
    }

    fn put_blob(&mut self, octets: &[u8]) -> Result<BlobId, JournalError> {
        self.with(|journal| journal.put_blob(octets))
    }

    fn put_blobs(&mut self, blobs: &Blobs) -> Result<(), JournalError> {
        self.with(|journal| journal.put_blobs(blobs))
    }
}
