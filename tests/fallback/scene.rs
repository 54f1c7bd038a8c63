//! The scene, and a diary of what the crowd had counted at each turn.

use std::sync::{Arc, Mutex};

use unbroken::lab::{ED25519, Tally};
use unbroken::moment::Moment;
use unbroken::runner::Reporter;
use unbroken::workflow::{Decision, Event, Purpose, State};

use crate::stage::{Exit, Kept, Scene, Stage};

/// Until the last proof that there is no DS has left the caches: the negative TTL of the registry of these labs, and a bit.
pub(crate) const FORGOTTEN: u64 = 3_700;

/// `a` signs with algorithm 13, `b` with 15: they cannot sign side by side.
pub(crate) fn fallback() -> Scene {
    let mut scene = Scene::migrate();
    scene.config.providers[1].algorithm = ED25519;
    scene.purpose = Purpose::Fallback {
        from: "a".to_owned(),
        to: "b".to_owned(),
    };
    scene.pace = std::time::Duration::from_secs(20);
    scene.approves = true;
    scene
}

/// When each step was intended and seen to be done, and how many insecure answers there had been by then.
#[derive(Clone)]
pub(crate) struct Diary {
    tally: Tally,
    lines: Arc<Mutex<Vec<Line>>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) at: Moment,
    pub(crate) what: String,
    pub(crate) insecure: u64,
}

impl Diary {
    pub(crate) fn of(stage: &Stage) -> Diary {
        Diary {
            tally: stage.tally.clone(),
            lines: Arc::default(),
        }
    }

    pub(crate) fn line(&self, what: &str) -> Line {
        let lines = self.lines.lock().unwrap();
        let found = lines.iter().find(|line| line.what == what);
        found.unwrap_or_else(|| panic!("no {what} in {lines:#?}")).clone()
    }
}

impl Reporter for Diary {
    fn recorded(&mut self, at: Moment, event: &Event, _: &State) {
        let what = match event {
            Event::Intent(intended) => format!("intent {}", intended.step),
            Event::Proven(proven) => format!("proven {}", proven.step),
            _ => return,
        };
        self.lines.lock().unwrap().push(Line {
            at,
            what,
            insecure: self.tally.report().insecure(),
        });
    }
    fn decided(&mut self, _: Moment, _: &Decision, _: &State) {}
    fn sleeping(&mut self, _: Moment, _: Moment, _: &Decision) {}
}

/// Plays it to its end; gives what the journal holds and the diary.
pub(crate) async fn played(stage: &Stage) -> (Kept, Diary) {
    let (kept, diary) = (Kept::default(), Diary::of(stage));
    let mut runner = stage.open(Box::new(kept.clone()), Box::new(diary.clone()));
    let exit: Exit = stage.go(&mut runner).await.unwrap();
    Stage::assert_complete(&exit, "the fallback");
    (kept, diary)
}

/// Nobody failed; insecure answers are no failure.
pub(crate) fn assert_nobody_failed(stage: &Stage, what: &str) {
    let report = stage.tally.report();
    assert!(report.validated() > 100, "{what}: {report:?}");
    let bad: Vec<_> = report
        .resolvers
        .iter()
        .filter(|one| one.failed + one.unreachable > 0)
        .map(|one| (&one.name, one.failed, one.unreachable, &one.failures))
        .collect();
    assert!(bad.is_empty(), "{what}: {bad:#?}");
}
