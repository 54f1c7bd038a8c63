//! What a good bundle comes to.

use unbroken::adapters::journal::FileView;
use unbroken::audit::{Depth, Word};
use unbroken::dnssec::Anchors;
use unbroken::evidence::Ends;
use unbroken::ports::{JournalError, JournalView};
use unbroken::runner::{RunError, each_event};
use unbroken::workflow::Event;

use super::made::{folder, whole};
use super::parts::{Parts, codes, position};
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

/// What a fold is told, by likeness of sweeps, is what the lines say, read one by one; and what is wrong is told alike.
#[test]
fn a_fold_is_told_what_the_lines_say() {
    let parts = whole();
    let dir = tempfile::tempdir().unwrap();
    parts.write(dir.path());
    let mut said = Vec::new();
    for entry in FileView::open(dir.path()).unwrap().entries().unwrap() {
        let entry = entry.unwrap();
        let event = Event::read(&entry.kind, &entry.body).unwrap();
        said.push((entry.seq, entry.at, event));
    }
    let mut told = Vec::new();
    let view = FileView::open(dir.path()).unwrap();
    each_event(&view, &mut |seq, at, event| {
        told.push((seq, at, event.clone()));
        Ok(())
    })
    .unwrap();
    assert_eq!(told.len(), said.len());
    assert!(told == said);
    // Breaking off, and an error of whoever is told.
    let mut first = 0;
    let stopped = each_event(&view, &mut |seq, _, _| {
        first = seq;
        Err(RunError::NotFound("enough".to_owned()))
    });
    assert_eq!(
        (first, stopped.unwrap_err().to_string().contains("enough")),
        (1, true)
    );

    let path = dir.path().join("journal.ndjson");
    let sweep = position(&parts.entries(), "sweep", |body| {
        body["observations"].as_array().unwrap().len() > 20
    });
    for at in [0, sweep, sweep + 9, said.len() - 2] {
        for octet in [3, 40, 200, 700] {
            let mut lines = parts.lines();
            let line = &mut lines[at];
            let place = octet.min(line.len() - 2);
            line[place] ^= 4;
            std::fs::write(&path, lines.concat()).unwrap();
            let one_by_one = OneByOne(&path).first_fault();
            let told = FileView::open(dir.path()).map(|_| ()).unwrap_err();
            assert_eq!(told.to_string(), one_by_one, "line {at}, octet {octet}");
        }
    }
    // Half a line at the end is passed over by both.
    std::fs::write(&path, [&parts.journal[..], b"{\"format\":1,\"seq\""].concat()).unwrap();
    let view = FileView::open(dir.path()).unwrap();
    let mut count = 0;
    each_event(&view, &mut |_, _, _| {
        count += 1;
        Ok(())
    })
    .unwrap();
    assert_eq!((count, view.entries().unwrap().count()), (said.len(), said.len()));
}

/// A journal's lines, read as JSON one by one.
struct OneByOne<'a>(&'a std::path::Path);

impl OneByOne<'_> {
    fn first_fault(&self) -> String {
        let octets = std::fs::read(self.0).unwrap();
        let lines: Vec<&[u8]> = octets.split_inclusive(|octet| *octet == b'\n').collect();
        let mut reader = unbroken::evidence::Reader::default();
        for (at, line) in lines.iter().enumerate() {
            if let Err(fault) = reader.take(line, lines.get(at + 1).copied()) {
                let path = self.0.to_path_buf();
                return JournalError::Damaged { path, fault }.to_string();
            }
        }
        panic!("no fault")
    }
}
