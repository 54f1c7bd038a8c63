//! What an auditor is shown: begin and end of the insecure time, who approved it, and that all else held.

use std::sync::Arc;

use unbroken::adapters::bundle::{Bundle, write};
use unbroken::audit::{Depth, Given, Verdict, Verifier, Word};
use unbroken::dns::Rtype;
use unbroken::dnssec::{Anchors, Memo};
use unbroken::evidence::{BlobId, FilePart};
use unbroken::ports::JournalView;
use unbroken::report::evidence::{Assurance, EvidenceReport, Gathered, Standing, evidence_report};
use unbroken::workflow::{Event, State};

use crate::hasty::driven_to;
use crate::scene::{fallback, played};
use crate::stage::{Kept, Stage};

fn verified(kept: &Kept, anchors: &Anchors) -> Verdict {
    let dir = tempfile::tempdir().unwrap();
    let (folder, out) = (dir.path().join("shop.test"), dir.path().join("bundle"));
    kept.with(|journal| journal.write_to(&folder)).unwrap();
    write(
        &Bundle::open(&folder).unwrap(),
        &out,
        &std::collections::BTreeMap::new(),
    )
    .unwrap();
    let bundle = Bundle::open(&out).unwrap();
    let mut journal = Vec::new();
    std::io::Read::read_to_end(&mut bundle.journal().unwrap(), &mut journal).unwrap();
    let files: Vec<(String, Vec<u8>)> = bundle
        .files()
        .map(|(name, _)| (name.to_owned(), bundle.file(name).unwrap().unwrap()))
        .collect();
    let given = Given {
        anchors: anchors.clone(),
        anchors_given: true,
        seal_keys: Vec::new(),
        manifest: bundle.manifest_octets().map(<[u8]>::to_vec),
        files: files
            .iter()
            .map(|(name, octets)| (name.clone(), FilePart::of(octets)))
            .collect(),
        seals: Vec::new(),
        keys: None,
        blobs: bundle.blobs().map(|(id, size)| (id.clone(), size)).collect(),
        memo: Memo::remembering(),
    };
    let mut verifier = Verifier::new(given, Depth::Full);
    let lines: Vec<&[u8]> = journal.split_inclusive(|octet| *octet == b'\n').collect();
    for (index, line) in lines.iter().enumerate() {
        let next = lines.get(index + 1).copied();
        let octets = &mut |id: &BlobId| bundle.blob_octets(id).unwrap();
        if !verifier.take(line, next, octets).unwrap() {
            break;
        }
    }
    verifier.finish()
}

fn report(kept: &Kept, verdict: &Verdict) -> EvidenceReport {
    let (mut gathered, mut state) = (Gathered::new(), State::new(Anchors::iana_root()));
    for entry in kept.entries().unwrap() {
        let entry = entry.unwrap();
        let event = Event::read(&entry.kind, &entry.body).unwrap();
        let octets = |id: &BlobId| kept.blob(id).ok().map(Arc::from);
        state.apply(entry.at, &event, &octets);
        gathered.observe(entry.seq, entry.at, &event, &state);
    }
    gathered.state = state;
    evidence_report(&gathered, Assurance::of(verdict))
}

fn anchors(stage: &Stage) -> Anchors {
    Anchors::parse(&stage.world.anchors()).unwrap()
}

#[tokio::test]
async fn planned_time_is_told_with_begin_end_and_approval_and_all_else_holds() {
    let stage = Stage::new(fallback()).await;
    let (kept, diary) = played(&stage).await;
    let verdict = verified(&kept, &anchors(&stage));
    assert_eq!(verdict.verdict, Word::Holds, "{:#?}", verdict.findings);
    assert_eq!(
        (verdict.decisions.recorded, verdict.decisions.differ),
        (verdict.decisions.same, 0)
    );
    assert!(
        verdict.answers.insecure > 0 && verdict.answers.bogus == 0,
        "{:?}",
        verdict.answers
    );
    let [insecure] = &verdict.insecure[..] else {
        panic!("{:#?}", verdict.insecure);
    };
    assert_eq!(insecure.planned_by.as_deref(), Some("04-ds-remove-all"));
    assert_eq!(insecure.approved_by.as_deref(), Some("ann"));
    assert_eq!(insecure.note.as_deref(), Some("change 4711"));
    assert!(insecure.approved_at.is_some() && insecure.plan.as_ref().is_some_and(|plan| plan.len() == 64));
    assert!(insecure.from <= diary.line("intent 04-ds-remove-all").at);
    assert!(insecure.to.unwrap() >= diary.line("intent 07-ds-add").at);
    let finding = verdict
        .findings
        .iter()
        .find(|finding| finding.code == "insecure-time")
        .unwrap();
    assert!(
        finding.text.contains("as step 04-ds-remove-all of plan") && finding.text.contains("approved by ann")
    );

    let report = report(&kept, &verdict);
    assert_eq!(report.verdict.standing, Standing::Holds, "{:#?}", report.verdict);
    let sentence = &report.verdict.sentence;
    assert!(sentence.contains(": insecure as planned from "), "{sentence}");
    assert!(sentence.contains("(approved by ann at "), "{sentence}");
    assert!(
        sentence.contains("at all other times every mixture of answers that a cache could hold validated"),
        "{sentence}"
    );
    let [row] = &report.insecure[..] else {
        panic!("{:#?}", report.insecure);
    };
    let planned = row.planned.as_ref().unwrap();
    assert_eq!(
        (planned.step.as_str(), planned.by.as_str()),
        ("04-ds-remove-all", "ann")
    );
    let page = unbroken::report::evidence::evidence_html(&report);
    assert!(
        page.contains("wanted it; approved by"),
        "the page says who approved it"
    );
    let text = unbroken::report::evidence::evidence_text(&report);
    assert!(text.contains("insecure as planned"), "{text}");
}

/// The DS goes once more when the plan is done: that is nobody's plan, and the whole does not hold.
#[tokio::test]
async fn what_nobody_planned_is_not_covered_by_what_was() {
    let stage = Stage::new(fallback()).await;
    let kept = Kept::default();
    let mut runner = driven_to(&stage, &kept, "09-retire-a").await;
    let zone = stage.world.zone().clone();
    stage.world.edit("registry", stage.clock.now(), |parent| {
        parent.remove_rrset(&zone, Rtype::DS);
    });
    stage.pass(100).await;
    runner.sweep().await.unwrap();
    let verdict = verified(&kept, &anchors(&stage));
    let planned: Vec<bool> = verdict
        .insecure
        .iter()
        .map(|one| one.planned_by.is_some())
        .collect();
    assert_eq!(planned, [true, false], "{:#?}", verdict.insecure);
    let report = report(&kept, &verdict);
    assert_eq!(report.verdict.standing, Standing::Fails);
    assert!(
        report.verdict.sentence.contains("WITHOUT DNSSEC from"),
        "{}",
        report.verdict.sentence
    );
    assert!(
        report.verdict.sentence.contains("nobody planned it"),
        "{}",
        report.verdict.sentence
    );
}

/// Somebody took the DS away before a person had approved it.
#[tokio::test]
async fn a_ds_that_goes_before_the_approval_was_not_planned() {
    let mut scene = fallback();
    scene.approves = false;
    let stage = Stage::new(scene).await;
    let kept = Kept::default();
    let mut runner = stage.open(Box::new(kept.clone()), Box::new(unbroken::runner::Quiet));
    stage.prepare(&mut runner).await;
    let zone = stage.world.zone().clone();
    stage.world.edit("registry", stage.clock.now(), |parent| {
        parent.remove_rrset(&zone, Rtype::DS);
    });
    stage.pass(100).await;
    runner.run(unbroken::runner::Until::Act).await.unwrap();
    let verdict = verified(&kept, &anchors(&stage));
    assert!(
        verdict.insecure.iter().all(|one| one.planned_by.is_none()),
        "{:#?}",
        verdict.insecure
    );
    assert_eq!(report(&kept, &verdict).verdict.standing, Standing::Fails);
}
