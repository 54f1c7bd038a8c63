//! Killed after and before each entry that moves the work on: whoever starts it again gets to the same end.

use unbroken::workflow::Event;

use crate::scene::{FORGOTTEN, assert_nobody_failed, fallback};
use crate::stage::{Exit, Fate, Kept, Scene, Stage, events};

fn scene(seed: usize) -> Scene {
    Scene {
        seed: seed as u64 + 1,
        pace: std::time::Duration::from_secs(60),
        ..fallback()
    }
}

#[tokio::test]
async fn whoever_resumes_gets_to_the_same_end() {
    let stage = Stage::new(scene(0)).await;
    let kept = Kept::default();
    let exit = stage.process(&kept, Fate::Lives).await;
    Stage::assert_complete(&exit, "undisturbed");
    stage.pass(FORGOTTEN).await;
    let model = stage.shown();
    let work = kept.work();
    assert!(work > 20, "{work}");
    for number in 1..=work {
        for fate in [Fate::AfterWork(number), Fate::BeforeWork(number)] {
            let what = format!("{fate:?}");
            let stage = Stage::new(scene(number)).await;
            let kept = Kept::default();
            let exit = stage.process(&kept, fate).await;
            assert!(matches!(exit, Exit::Killed), "{what}: {exit:?}");
            stage.pass([0, 20, 900, 4_000][number % 4]).await;
            let exit = stage.process(&kept, Fate::Lives).await;
            Stage::assert_complete(&exit, &what);
            stage.pass(FORGOTTEN).await;
            assert_nobody_failed(&stage, &what);
            assert_eq!(stage.shown(), model, "{what}");
            let removed = events(&kept).into_iter().filter(
                |event| matches!(event, Event::Intent(intent) if intent.step.0 == "04-ds-remove-all"),
            );
            assert!(removed.count() <= 2, "{what}");
        }
    }
}
