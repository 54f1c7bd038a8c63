//! What `audit export` writes is read back: by this program, and by dnsviz and tcpdump.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod stage;
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use stage::{Scene, Stage};
use support::{Ran, unbroken};
use unbroken::adapters::journal::{FileJournal, FileView};
use unbroken::capture;
use unbroken::evidence::{Observation, Outcome, Sweep};
use unbroken::ports::JournalView;
use unbroken::runner::{Quiet, fold_view};
use unbroken::workflow::{Ended, Event, State, timeline};

/// Where the programs of others are not wanted.
const WITHOUT_PEERS: &str = "UNBROKEN_WITHOUT_PEERS";

/// The journal of a move, and the anchors of its world.
struct Moved {
    dir: tempfile::TempDir,
    events: Vec<Event>,
}

impl Moved {
    async fn new() -> Moved {
        let dir = tempfile::tempdir().unwrap();
        let stage = Stage::new(Scene::migrate()).await;
        std::fs::write(dir.path().join("anchors.ds"), stage.world.anchors()).unwrap();
        let journal = FileJournal::open(&dir.path().join("zone"), stage.clock.now(), "run").unwrap();
        let mut runner = stage.open(Box::new(journal), Box::new(Quiet));
        let exit = stage.go(&mut runner).await.unwrap();
        Stage::assert_complete(&exit, "the move");
        drop(runner);
        let view = FileView::open(&dir.path().join("zone")).unwrap();
        let events = view
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                Event::read(&entry.kind, &entry.body).unwrap()
            })
            .collect();
        Moved { dir, events }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn export(&self, form: &str, out: &str, more: &[&str]) -> Ran {
        let words = ["audit", "export", "zone", "--form", form, "--out", out];
        unbroken(self.dir.path(), &[&words[..], more].concat())
    }

    fn sweeps(&self) -> Vec<&Sweep> {
        let events = self.events.iter();
        events
            .filter_map(|event| match event {
                Event::Sweep(sweep) => Some(sweep),
                _ => None,
            })
            .collect()
    }

    /// A sweep while resolvers are led to both providers.
    fn middle(&self) -> &Sweep {
        let sweeps = self.sweeps();
        let at = sweeps[sweeps.len() / 2].started;
        // Of those that began at one moment of virtual time, the last.
        sweeps.into_iter().rfind(|sweep| sweep.started <= at).unwrap()
    }

    fn end(&self) -> &Ended {
        let end = self.events.iter().rev().find_map(|event| match event {
            Event::End(ended) => Some(ended),
            _ => None,
        });
        end.unwrap()
    }
}

fn answered<'a>(sweeps: impl IntoIterator<Item = &'a Sweep>) -> Vec<&'a Observation> {
    sweeps
        .into_iter()
        .flat_map(|sweep| &sweep.observations)
        .filter(|one| matches!(one.outcome, Outcome::Answer { .. }))
        .collect()
}

fn ok(ran: &Ran) -> &Ran {
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    ran
}

/// Runs a program of others; none where they are left out.
fn outside(dir: &Path, program: &str, arguments: &[&str]) -> Option<String> {
    if std::env::var(WITHOUT_PEERS).is_ok_and(|value| value == "1") {
        println!("{program}: left out, {WITHOUT_PEERS}=1");
        return None;
    }
    let done = Command::new(program)
        .args(arguments)
        .current_dir(dir)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; tests/run installs it"));
    assert!(
        done.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    Some(String::from_utf8(done.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_in_the_forms_of_others() {
    let moved = Moved::new().await;
    timelines(&moved);
    packets(&moved);
    probe(&moved);
    what_is_not_there(&moved);
}

/// `continuity check` on the timeline comes to the verdict of the journal's end, and the table has the same versions.
fn timelines(moved: &Moved) {
    let told = moved.export("timeline", "timeline.json", &[]);
    let words = ok(&told)
        .out
        .split("unbroken ")
        .nth(1)
        .unwrap()
        .split_whitespace();
    let checked = unbroken(moved.dir.path(), &words.collect::<Vec<_>>());
    assert!(moved.end().continuous);
    assert_eq!(checked.code, Some(0), "{}{}", checked.out, checked.err);

    let view = FileView::open(&moved.path("zone")).unwrap();
    let state = fold_view(&view, State::new(unbroken::dnssec::Anchors::iana_root())).unwrap();
    let traced = timeline(&state.plan_in_force().unwrap(), &state.ledger, &state.pool);
    let text = std::fs::read_to_string(moved.path("timeline.json")).unwrap();
    let read = unbroken::continuity::Timeline::from_json(&text).unwrap();
    assert_eq!(read.versions.len(), traced.timeline.versions.len());

    // With SHA-1 for one of two providers: resolvers pass over it, and the same move fails.
    let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let versions = document["versions"].as_array_mut().unwrap();
    let both = versions
        .iter_mut()
        .find(|one| one["ds"].as_array().is_some_and(|ds| ds.len() == 2));
    both.unwrap()["ds"][0]["digest"] = 1.into();
    std::fs::write(moved.path("broken.json"), document.to_string()).unwrap();
    let broken = unbroken(moved.dir.path(), &["continuity", "check", "broken.json"]);
    assert_eq!(broken.code, Some(1), "{}{}", broken.out, broken.err);

    ok(&moved.export("csv", "timeline.csv", &[]));
    let table = std::fs::read_to_string(moved.path("timeline.csv")).unwrap();
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows.len(), 1 + traced.timeline.versions.len());
    let columns = rows[0].split(',').count();
    assert!(
        rows.iter().all(|row| row.split(',').count() == columns),
        "{table}"
    );
    assert!(
        rows[1..].iter().any(|row| row.starts_with("ds,parent,")),
        "{table}"
    );
}

/// Every message with its time, its identifier and its server.
fn packets(moved: &Moved) {
    ok(&moved.export("pcap", "all.pcap", &[]));
    let octets = std::fs::read(moved.path("all.pcap")).unwrap();
    let read = capture::read(&octets).unwrap();
    assert_eq!(
        (read.form, read.notes.len()),
        (capture::Form::Pcap, 0),
        "{:?}",
        read.notes
    );
    let wanted = answered(moved.sweeps());
    assert_eq!(read.answers.len(), wanted.len());
    let key = |server: &str, name: String, rtype, at: i64, id: u16| (server.to_owned(), name, rtype, at, id);
    let mut got: Vec<_> = read
        .answers
        .iter()
        .map(|one| {
            let id = one.answer.as_ref().unwrap().id;
            key(&one.server, one.name.to_string(), one.rtype, one.at.unwrap(), id)
        })
        .collect();
    let mut recorded: Vec<_> = wanted
        .iter()
        .map(|one| {
            let Outcome::Answer { id, .. } = one.outcome else {
                unreachable!()
            };
            let at = one.done.floor_seconds();
            key(&one.address.to_string(), one.name.to_string(), one.rtype, at, id)
        })
        .collect();
    got.sort();
    recorded.sort();
    assert_eq!(got, recorded);
    assert!(read.answers.iter().any(|one| one.transport == "tcp"));

    if let Some(lines) = outside(moved.dir.path(), "tcpdump", &["-nr", "all.pcap", "udp"]) {
        let udp = read.answers.iter().filter(|one| one.transport == "udp").count();
        assert_eq!(lines.lines().count(), udp);
        assert!(lines.contains("DNSKEY"), "{lines}");
    }

    // One sweep, with the latest answers of the zones above: enough for a verdict offline.
    let middle = moved.middle();
    ok(&moved.export("pcap", "one.pcap", &["--at", &middle.started.to_string()]));
    let one = capture::read(&std::fs::read(moved.path("one.pcap")).unwrap()).unwrap();
    let of_the_zone = |name: &unbroken::dns::Name| name.to_string().ends_with("shop.test.");
    assert_eq!(
        one.answers.iter().filter(|one| of_the_zone(&one.name)).count(),
        answered([middle])
            .iter()
            .filter(|one| of_the_zone(&one.name))
            .count()
    );
    let judged = unbroken(
        moved.dir.path(),
        &[
            "chain",
            "--anchors",
            "anchors.ds",
            "--name",
            "shop.test",
            "--type",
            "SOA",
            "one.pcap",
        ],
    );
    assert!(ok(&judged).out.contains("secure"), "{}", judged.out);
}

/// dnsviz takes it for its own.
fn probe(moved: &Moved) {
    let at = moved.middle().started.to_string();
    ok(&moved.export("dnsviz", "probe.json", &["--at", &at]));
    let read = capture::read(&std::fs::read(moved.path("probe.json")).unwrap()).unwrap();
    assert_eq!(read.form, capture::Form::Dnsviz);
    assert!(read.notes.is_empty(), "{:?}", read.notes);
    let judged = unbroken(
        moved.dir.path(),
        &[
            "chain",
            "--anchors",
            "anchors.ds",
            "--name",
            "shop.test",
            "--type",
            "SOA",
            "probe.json",
        ],
    );
    assert!(ok(&judged).out.contains("secure"), "{}", judged.out);

    let words = ["grok", "-t", "anchors.ds", "-r", "probe.json", "-o", "grok.json"];
    if outside(moved.dir.path(), "dnsviz", &words).is_some() {
        let text = std::fs::read_to_string(moved.path("grok.json")).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["shop.test."]["status"], "NOERROR");
        let delegation = &document["shop.test."]["delegation"]["status"];
        assert_eq!(delegation, "SECURE", "{text}");
    }
    if let Some(text) = outside(
        moved.dir.path(),
        "dnsviz",
        &["print", "-t", "anchors.ds", "-r", "probe.json"],
    ) {
        let line = text
            .lines()
            .find(|line| line.starts_with("shop.test "))
            .unwrap_or_default();
        assert!(line.ends_with("[.]"), "{text}");
        assert!(text.contains("DS: 13/"), "{text}");
    }
}

fn what_is_not_there(moved: &Moved) {
    for (form, more) in [
        ("dnsviz", ["--at", "2001-01-01T00:00:00Z"]),
        ("pcap", ["--at", "2001-01-01T00:00:00Z"]),
        ("csv", ["--at", "2030-01-01T00:00:00Z"]),
    ] {
        let ran = moved.export(form, "nothing", &more);
        assert_eq!(ran.code, Some(2), "{form}: {}{}", ran.out, ran.err);
        assert!(!moved.path("nothing").exists(), "{form}");
    }
    let again = moved.export("csv", "timeline.csv", &[]);
    assert_eq!(again.code, Some(2), "{}{}", again.out, again.err);
    assert!(
        std::fs::read_to_string(moved.path("timeline.csv"))
            .unwrap()
            .starts_with("kind,")
    );
}
