//! Journals to report on, made by moves in virtual time.

use std::path::Path;
use std::sync::Arc;

use unbroken::dnssec::Anchors;
use unbroken::evidence::BlobId;
use unbroken::moment::Moment;
use unbroken::ports::JournalView;
use unbroken::report::evidence::{
    About, Assurance, Check, EvidenceReport, Gathered, Standing, evidence_report,
};
use unbroken::runner::{Ending, Quiet, Until};
use unbroken::workflow::{Event, Purpose, State};

use crate::stage::{Exit, Fate, Kept, Scene, Stage};
use crate::support::secrets::{both, holder};

/// A whole move from `a` to `b`.
pub(crate) async fn moved() -> Kept {
    moved_in(Scene::migrate()).await
}

pub(crate) async fn moved_in(scene: Scene) -> Kept {
    let stage = Stage::new(scene).await;
    let kept = Kept::default();
    let exit = stage.process(&kept, Fate::Lives).await;
    Stage::assert_complete(&exit, "the move of the report");
    expect_no_secret(&kept, &stage);
    kept
}

/// A move that is killed after so many entries.
pub(crate) async fn cut_at(entries: usize) -> Kept {
    let stage = Stage::new(Scene::migrate()).await;
    let kept = Kept::default();
    stage.process(&kept, Fate::After(entries)).await;
    expect_no_secret(&kept, &stage);
    kept
}

/// Three plans: a move that is given up while it waits, the same planned anew and carried out, and one to take `a` in again.
pub(crate) async fn planned_thrice() -> Kept {
    let mut stage = Stage::new(Scene::migrate()).await;
    let kept = Kept::default();
    let mut runner = stage.open(Box::new(kept.clone()), Box::new(Quiet));
    stage.prepare(&mut runner).await;
    // Step by step, until a gate is shut.
    while !matches!(runner.run(Until::Act).await.unwrap(), Ending::Owed(_)) {}
    drop(runner);
    let join = Purpose::Join {
        signer: "a".to_owned(),
    };
    for (purpose, group) in [(stage.scene.purpose.clone(), "a"), (join, "b")] {
        (stage.scene.purpose, stage.scene.group) = (purpose, vec![group.to_owned()]);
        let mut runner = stage.open(Box::new(kept.clone()), Box::new(Quiet));
        runner.survey().await.unwrap();
        runner.sweep().await.unwrap();
        let (plan, _) = stage.plan(&runner);
        runner.adopt(plan).unwrap();
        let ending = runner.run(Until::Complete).await.unwrap();
        Stage::assert_complete(&Exit::Ended(ending), "a plan that followed another");
    }
    expect_no_secret(&kept, &stage);
    kept
}

/// No secret that the providers and the registry of a stage use may be in a journal that bundles are made of.
fn expect_no_secret(kept: &Kept, stage: &Stage) {
    let dir = tempfile::tempdir().unwrap();
    write(kept, dir.path());
    let keys = stage
        .world
        .operators()
        .filter_map(|operator| stage.world.tsig(operator));
    let secrets: Vec<Vec<u8>> = keys.flat_map(|key| both(&key.secret)).collect();
    assert!(secrets.len() >= 6, "{}", secrets.len());
    assert_eq!(holder(dir.path(), &secrets), None);
}

/// What a journal comes to, folded without verifying it.
pub(crate) struct Fold {
    pub(crate) gathered: Gathered,
    state: State,
}

impl Fold {
    pub(crate) fn new() -> Fold {
        Fold {
            gathered: Gathered::new(),
            state: State::new(Anchors::iana_root()),
        }
    }

    pub(crate) fn take(&mut self, entry: u64, at: Moment, event: &Event, kept: &Kept) {
        let octets = |id: &BlobId| kept.blob(id).ok().map(Arc::from);
        self.state.apply(at, event, &octets);
        self.gathered.observe(entry, at, event, &self.state);
    }

    /// As if the journal ended here.
    pub(crate) fn gathered(&mut self) -> &Gathered {
        self.gathered.state = self.state.clone();
        &self.gathered
    }
}

/// Folds a journal; `each` sees it after every entry.
pub(crate) fn folded_with(kept: &Kept, mut each: impl FnMut(u64, &mut Fold)) -> Fold {
    let mut fold = Fold::new();
    for entry in kept.entries().unwrap() {
        let entry = entry.unwrap();
        let event = Event::read(&entry.kind, &entry.body).unwrap();
        fold.take(entry.seq, entry.at, &event, kept);
        each(entry.seq, &mut fold);
    }
    fold
}

pub(crate) fn folded(kept: &Kept) -> Fold {
    folded_with(kept, |_, _| ())
}

pub(crate) fn gathered(kept: &Kept) -> Gathered {
    let mut fold = folded(kept);
    fold.gathered();
    fold.gathered
}

/// As if everything had been verified.
pub(crate) fn verified() -> Assurance {
    assurance(Standing::Holds, "all hashes are right")
}

pub(crate) fn assurance(standing: Standing, detail: &str) -> Assurance {
    Assurance {
        bundle: Some("b".repeat(64)),
        head: "h".repeat(64),
        checks: vec![Check {
            what: "the journal".to_owned(),
            about: About::Evidence,
            standing,
            detail: detail.to_owned(),
            entry: None,
            blob: None,
        }],
        ..Assurance::default()
    }
}

/// The report of a journal that was verified.
pub(crate) fn report(kept: &Kept) -> EvidenceReport {
    evidence_report(&gathered(kept), verified())
}

/// Writes the journal as it lies on a disk.
pub(crate) fn write(kept: &Kept, dir: &Path) {
    kept.with(|journal| journal.write_to(dir)).unwrap();
}

/// The time of the last entry.
pub(crate) fn last_moment(kept: &Kept) -> Moment {
    kept.entries().unwrap().last().unwrap().unwrap().at
}
