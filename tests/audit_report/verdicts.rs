//! The first screen: what it says of good evidence, of damaged, of what was cut, of what does not hold.

use unbroken::moment::Moment;
use unbroken::ports::JournalView;
use unbroken::report::evidence::{
    Assurance, EarlierPlan, EvidenceReport, MarkKind, Standing, evidence_html, evidence_report, evidence_text,
};

use crate::made;
use crate::stage::Kept;

/// All that is above the pictures.
fn first_screen(report: &EvidenceReport) -> String {
    let html = evidence_html(report);
    let (screen, _) = html.split_once("<main>").unwrap();
    screen.to_owned()
}

#[tokio::test]
async fn a_whole_move_holds_and_says_so_in_one_sentence() {
    let kept = made::moved().await;
    let report = made::report(&kept);
    assert_eq!(report.verdict.standing, Standing::Holds, "{:?}", report.verdict);
    let sentence = &report.verdict.sentence;
    let (from, until) = report.observed.unwrap();
    let second = |at: Moment| Moment::from_seconds(at.floor_seconds()).to_string();
    let begin = format!(
        "From {} to {} every mixture of answers that a cache could hold validated; longest unobserved stretch ",
        second(from),
        second(until)
    );
    assert!(sentence.starts_with(&begin), "{sentence}");
    assert!(sentence.ends_with("; no insecure time."), "{sentence}");
    let screen = first_screen(&report);
    for needed in [
        sentence.as_str(),
        "✔ Holds",
        "shop.test.: ",
        &"b".repeat(64),
        &"h".repeat(64),
        "not sealed, or no seal was verified",
        report.plan.as_deref().unwrap(),
    ] {
        assert!(screen.contains(needed), "{needed} is not on the first screen");
    }
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
}

#[tokio::test]
async fn every_step_and_wait_is_there_with_its_entries() {
    let kept = made::moved().await;
    let report = made::report(&kept);
    let entries: Vec<_> = kept.entries().unwrap().map(Result::unwrap).collect();
    let kind = |entry: u64| entries[usize::try_from(entry).unwrap() - 1].kind.as_str();
    assert!(report.steps.len() > 10);
    for step in &report.steps {
        let (_, entry) = step.proven.unwrap();
        assert_eq!(kind(entry), "proven", "{}", step.step);
        assert!(step.planned.is_some(), "{}: no forecast", step.step);
        for attempt in &step.attempts {
            assert_eq!(kind(attempt.intent.entry), "intent");
            assert_eq!(kind(attempt.outcome.as_ref().unwrap().entry), "outcome");
            assert!(!attempt.changes.is_empty() && !attempt.said.is_empty());
        }
    }
    let acted = report
        .steps
        .iter()
        .filter(|step| !step.attempts.is_empty())
        .count();
    assert_eq!(
        acted,
        entries.iter().filter(|entry| entry.kind == "intent").count()
    );
    assert!(!report.waits.is_empty());
    for wait in &report.waits {
        assert_eq!(kind(wait.first.entry), "decision");
        assert!(wait.taken.is_some(), "{}", wait.step);
        for sum in &wait.sums {
            assert_eq!(
                sum.fetched_until + i64::from(sum.ttl),
                sum.leaves,
                "{}",
                wait.step
            );
            assert!(sum.leaves <= wait.taken.unwrap().ceil_seconds(), "{}", wait.step);
        }
    }
}

#[tokio::test]
async fn every_version_names_the_message_that_showed_it_first() {
    let kept = made::moved().await;
    let report = made::report(&kept);
    let seen = report
        .picture
        .versions
        .iter()
        .filter(|version| version.last_seen.is_some());
    let mut count = 0;
    for version in seen {
        let source = version
            .source
            .as_ref()
            .unwrap_or_else(|| panic!("{}", version.words));
        let entry = kept
            .entries()
            .unwrap()
            .nth(usize::try_from(source.entry).unwrap() - 1);
        let entry = entry.unwrap().unwrap();
        assert_eq!(entry.kind, "sweep", "{}", version.words);
        assert!(entry.body.to_string().contains(&source.blob), "{}", version.words);
        count += 1;
    }
    assert!(count > 10, "{count} versions");
    let html = evidence_html(&report);
    for version in &report.picture.versions {
        assert!(
            html.contains(&format!("<title>{}: ", version.number)),
            "{} is not drawn",
            version.number
        );
    }
    assert!(
        report
            .keys
            .iter()
            .all(|key| key.authenticated.is_some() || key.used_by.is_empty())
    );
    assert_eq!((report.keys.len(), report.ds.len()), (4, 2));
}

#[tokio::test]
async fn a_damaged_bundle_is_named_on_the_first_screen() {
    let kept = made::moved().await;
    let gathered = made::gathered(&kept);
    let assurance = made::assurance(Standing::Fails, "entry 412 was altered after it was written");
    let report = evidence_report(&gathered, assurance);
    assert_eq!(report.verdict.standing, Standing::Fails);
    let screen = first_screen(&report);
    assert!(screen.contains("✘ Does not hold"));
    assert!(
        screen.contains(
            "This bundle does not verify (the journal: entry 412 was altered after it was written)"
        )
    );
    assert!(
        !screen.contains("every mixture of answers that a cache could hold validated"),
        "it says more than is proven"
    );
    assert!(evidence_text(&report).contains("DOES NOT HOLD: This bundle does not verify"));
}

#[tokio::test]
async fn what_was_not_verified_or_was_cut_is_never_said_to_hold() {
    let kept = made::moved().await;
    let gathered = made::gathered(&kept);
    let unverified = evidence_report(
        &gathered,
        made::assurance(Standing::Unknown, "it was not verified"),
    );
    assert_eq!(unverified.verdict.standing, Standing::Unknown);
    assert!(first_screen(&unverified).contains("Not to be told: the journal."));
    let unchecked = evidence_report(&gathered, Assurance::default());
    assert_eq!(
        unchecked.verdict.standing,
        Standing::Unknown,
        "without any check nothing is known"
    );

    let length = kept.len() as u64;
    let mut judged = 0;
    made::folded_with(&kept, |entry, fold| {
        if entry == length || entry % 7 != length % 7 {
            return;
        }
        judged += 1;
        let report = evidence_report(fold.gathered(), made::verified());
        assert_ne!(
            report.verdict.standing,
            Standing::Holds,
            "cut after entry {entry}"
        );
        assert!(
            !first_screen(&report).contains("✔ Holds"),
            "cut after entry {entry}"
        );
    });
    assert!(judged > 10, "{judged} cuts");
    let killed = made::cut_at(usize::try_from(length).unwrap() * 2 / 3).await;
    let report = made::report(&killed);
    let all = report.steps.len();
    assert!(
        report
            .verdict
            .sentence
            .contains(&format!("of {all} steps are proven")),
        "{}",
        report.verdict.sentence
    );
}

#[tokio::test]
async fn an_empty_journal_says_that_nothing_was_seen() {
    let report = evidence_report(&made::gathered(&Kept::default()), made::verified());
    assert_eq!(report.verdict.standing, Standing::Unknown);
    assert_eq!(
        report.verdict.sentence,
        "Nothing was observed, so nothing can be said."
    );
    assert!(evidence_html(&report).contains("There is nothing to draw"));
}

#[tokio::test]
async fn plans_that_others_followed_are_shown_with_what_came_of_them() {
    let kept = made::planned_thrice().await;
    let report = made::report(&kept);
    assert_eq!(report.verdict.standing, Standing::Holds, "{:?}", report.verdict);
    assert_eq!(report.purpose.as_deref(), Some("join a"));
    assert!(report.steps.iter().all(|step| step.proven.is_some()));
    let [given_up, moved] = report.earlier.as_slice() else {
        panic!("{:#?}", report.earlier);
    };
    let entries: Vec<_> = kept.entries().unwrap().map(Result::unwrap).collect();
    for (one, ended) in [(given_up, false), (moved, true)] {
        assert_eq!((one.purpose.as_str(), one.ended), ("migrate from a to b", ended));
        for held in [&one.adopted, &one.replaced] {
            let entry = &entries[usize::try_from(held.entry).unwrap() - 1];
            assert_eq!((entry.kind.as_str(), entry.at), ("plan", held.at));
        }
        // What came of it is told of its own time alone.
        let own = one.adopted.entry..one.replaced.entry;
        for step in &one.steps {
            assert_eq!(step.proven.is_some(), ended || step.number < 7, "{}", step.step);
            assert!(step.proven.is_none_or(|(_, entry)| own.contains(&entry)));
            let attempts = step.attempts.iter().map(|attempt| &attempt.intent);
            assert!(attempts.clone().all(|intent| own.contains(&intent.entry)));
        }
        assert!(one.waits.iter().all(|wait| own.contains(&wait.last.entry)));
    }
    let last = given_up.waits.last().unwrap();
    assert_eq!((last.taken, last.dropped), (None, Some(given_up.replaced.at)));
    assert!(
        moved.waits.len() > 2
            && moved
                .waits
                .iter()
                .all(|wait| wait.taken.is_some() && wait.dropped.is_none())
    );
    // In the picture it ends with its plan.
    let over = given_up.replaced.at.ceil_seconds();
    let gate = report
        .picture
        .marks
        .iter()
        .find(|mark| mark.entry == last.first.entry)
        .unwrap();
    assert_eq!(gate.until, over);
    // The chain names each plan once where its steps stand together.
    let of = |plan: &EarlierPlan| format!(" of the plan in entry {}", plan.adopted.entry);
    let both = report.chain.iter().find(|at| {
        let title = &at.title;
        title.matches(&of(given_up)).count() == 1 && title.matches(&of(moved)).count() == 1
    });
    assert!(
        both.is_some(),
        "{:?}",
        report.chain.iter().map(|at| &at.title).collect::<Vec<_>>()
    );
    // Steps of two plans that one second saw are not counted as one row.
    let steps = report
        .picture
        .marks
        .iter()
        .filter(|mark| mark.kind == MarkKind::Step);
    let labels: Vec<&str> = steps.map(|mark| mark.label.as_str()).collect();
    assert_eq!(labels[..2], ["1–6", "1–6"], "{labels:?}");
    let (html, text) = (evidence_html(&report), evidence_text(&report));
    let way = format!("Waits of the plan in entry {}", given_up.adopted.entry);
    for needed in [
        given_up.plan.as_str(),
        &moved.plan,
        "An earlier plan: ",
        &way,
        "given up ",
        "It was carried out.",
    ] {
        assert!(html.contains(needed), "{needed}");
    }
    for needed in [
        &given_up.plan,
        "not carried out to its end",
        "carried out\n",
        "another plan took its place",
    ] {
        assert!(text.contains(needed), "{needed}");
    }
}
