//! What a good bundle comes to.

use unbroken::audit::{Depth, Word};
use unbroken::dnssec::Anchors;
use unbroken::evidence::Ends;

use super::made::{folder, whole};
use super::parts::{Parts, codes};
use super::stage::{Exit, Fate, Kept, Scene, Stage};

#[test]
fn a_whole_move_holds_under_its_seals() {
    let parts = whole();
    let verdict = parts.judged();
    assert_eq!(verdict.verdict, Word::Holds, "{:#?}", verdict.findings);
    assert_eq!((verdict.ending.ends, verdict.ending.cut), (Ends::Ended, false));
    assert_eq!(verdict.ending.sealed, verdict.journal.entries);
    assert!(verdict.seals.len() > 10, "{}", verdict.seals.len());
    assert!(verdict.seals.iter().all(|seal| seal.root == Some(true)));
    assert_eq!(verdict.continuity.continuous, Some(true));
    assert_eq!(verdict.continuity.claimed, Some(true));
    let made = &verdict.decisions;
    assert_eq!((made.recorded, made.differ), (made.same, 0));
    assert!(made.same > 30 && made.acts > 10, "{made:?}");
    let answers = &verdict.answers;
    assert_eq!(
        (answers.bogus, answers.indeterminate, answers.unreadable),
        (0, 0, 0)
    );
    assert!(
        answers.secure > 1_000 && answers.bogus_unreached > 0,
        "{answers:?}"
    );
    // Judged by what they are, not as often as they were seen.
    assert!(
        answers.judged * 3 < answers.secure,
        "{} of {}",
        answers.judged,
        answers.secure
    );
    assert_eq!(verdict.servers.len(), 6);
    assert!(verdict.servers.iter().all(|server| server.longest_unobserved > 0));
    assert!(verdict.insecure.is_empty());
}

#[test]
fn anchors_that_came_along_prove_nothing() {
    let mut parts = whole();
    parts.anchors = Anchors::iana_root();
    let verdict = parts.judged();
    assert_eq!(verdict.verdict, Word::Fails);
    assert!(codes(&verdict).iter().all(|code| *code == "answer-bogus"));
    assert!(verdict.counts.contains_key("anchors-differ"));
    assert_eq!((verdict.answers.secure, verdict.continuity.continuous), (0, None));
}

#[test]
fn without_the_key_the_seals_prove_less() {
    let mut parts = whole();
    parts.keys.clear();
    let verdict = parts.judged();
    assert_eq!(verdict.verdict, Word::Holds);
    assert_eq!(
        (verdict.ending.sealed, verdict.ending.self_sealed),
        (0, verdict.journal.entries)
    );
    assert!(verdict.counts.contains_key("seal-key-unknown"));
    let other = unbroken::evidence::SignerKey::from_seed("lab.example/dns", &[9; 32]).unwrap();
    parts.keys = vec![other.verifier().clone()];
    assert_eq!(parts.failing(Depth::Hashes), ["seal-missing"]);
}

#[test]
fn a_move_under_way_is_open() {
    let dir = tempfile::tempdir().unwrap();
    let anchors = folder(dir.path(), false);
    let mut parts = Parts::bundled(&dir.path().join("shop.test"), &anchors);
    assert!(parts.judged().counts.contains_key("not-sealed"));
    let lines = parts.lines();
    parts.set_lines(&lines[..lines.len() - 20]);
    let named = super::made::named(&parts);
    parts.blobs.retain(|id, _| named.contains(id));
    parts.make_manifest();
    let verdict = parts.judged();
    assert_eq!(verdict.verdict, Word::Open, "{:#?}", verdict.findings);
    assert_eq!(verdict.ending.ends, Ends::UnderWay);
    assert_eq!(verdict.continuity.continuous, Some(true));
}

/// Whatever a kill leaves behind is no forgery.
#[tokio::test]
async fn journals_of_killed_runs_hold() {
    let scene = Scene::migrate();
    let (mut killed, mut entry) = (0, 5);
    loop {
        let stage = Stage::new(scene.clone()).await;
        let kept = Kept::default();
        let fate = if entry % 2 == 0 {
            Fate::After(entry)
        } else {
            Fate::Before(entry)
        };
        if !matches!(stage.process(&kept, fate).await, Exit::Killed) {
            break;
        }
        killed += 1;
        stage.pass(7).await;
        Stage::assert_complete(&stage.process(&kept, Fate::Lives).await, "resumed");
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("shop.test");
        kept.with(|journal| journal.write_to(&place)).unwrap();
        super::made::expect_no_secret(&place, &stage);
        let parts = Parts::bundled(&place, &Anchors::parse(&stage.world.anchors()).unwrap());
        let verdict = parts.judged();
        assert_eq!(
            verdict.verdict,
            Word::Holds,
            "killed at {entry}: {:#?}",
            verdict.findings
        );
        entry += 37;
    }
    assert!(killed > 3, "{killed}");
}
