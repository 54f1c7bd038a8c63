//! The command line: help, errors and their exit status, starter settings, journals that another has or that are damaged.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod support;

use std::path::Path;

use support::{Ran, unbroken, unbroken_with};
use unbroken::adapters::journal::{FileJournal, zone_dir};
use unbroken::moment::Moment;
use unbroken::ports::Journal;

const COMMANDS: [&[&str]; 38] = [
    &[],
    &["lab"],
    &["check"],
    &["init"],
    &["plan"],
    &["plan", "migrate"],
    &["plan", "join"],
    &["plan", "leave"],
    &["run"],
    &["step"],
    &["status"],
    &["approve"],
    &["observe"],
    &["chain"],
    &["keys"],
    &["keys", "show"],
    &["keys", "fingerprint"],
    &["keys", "pin"],
    &["keys", "combine"],
    &["keys", "ds"],
    &["zone"],
    &["zone", "compare"],
    &["zone", "verify"],
    &["continuity"],
    &["watch"],
    &["fallback"],
    &["audit"],
    &["audit", "keygen"],
    &["audit", "bundle"],
    &["audit", "verify"],
    &["audit", "report"],
    &["audit", "export"],
    &["audit", "merge"],
    &["audit", "vantages"],
    &["completions"],
    &["man"],
    &["help"],
    &["keys", "help"],
];

fn empty() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn every_command_has_help_with_an_example() {
    let dir = empty();
    for command in COMMANDS {
        if command.last() == Some(&"help") {
            continue;
        }
        let ran = unbroken(dir.path(), &[command, &["--help"]].concat());
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{command:?}");
        assert!(ran.out.contains("Example"), "{command:?}: {}", ran.out);
        assert!(
            ran.out.lines().all(|line| line.chars().count() <= 100),
            "{command:?}: {}",
            ran.out
        );
    }
    assert!(std::fs::read_dir(dir.path()).unwrap().next().is_none());
}

#[test]
fn what_the_lab_tells_an_auditor_to_do_works() {
    let dir = empty();
    let lab = ["lab", "--virtual", "--out", "lab"];
    let played = unbroken(dir.path(), &lab);
    assert_eq!(played.code, Some(0), "{}", played.err);
    let printed: Vec<Vec<String>> = played
        .out
        .lines()
        .filter_map(|line| line.trim().split_once("unbroken audit ").map(|(_, words)| words))
        .map(|line| {
            line.split(' ')
                .map(|word| word.trim_matches('\'').to_owned())
                .collect()
        })
        .collect();
    assert_eq!(printed.len(), 2, "{}", played.out);
    for words in &printed {
        let words: Vec<&str> = std::iter::once("audit")
            .chain(words.iter().map(String::as_str))
            .collect();
        let ran = unbroken(dir.path(), &words);
        assert_eq!(ran.code, Some(0), "{words:?}: {}{}", ran.out, ran.err);
    }
    let page = std::fs::read_to_string(dir.path().join("lab/shop.test.html")).unwrap();
    assert!(page.contains("every mixture of answers that a cache could hold validated"));
    // Without the lab's anchors all is bogus, and why is said before everything else.
    let ran = unbroken(dir.path(), &["audit", "verify", "lab/shop.test.tar"]);
    assert_eq!(ran.code, Some(1));
    let first = ran.out.lines().find(|line| line.starts_with("first ")).unwrap();
    let fails = ran.out.find("FAILS ").unwrap();
    assert!(first.contains("anchors-differ") && ran.out.find(first).unwrap() < fails);
    // A journal is not written over.
    let again = unbroken(dir.path(), &lab);
    assert_eq!(again.code, Some(2), "{}", again.out);
    assert!(
        again.err.contains("played in lab/shop.test already"),
        "{}",
        again.err
    );
}

#[test]
fn help_as_people_see_it() {
    let dir = empty();
    let shown = |arguments: &[&str]| unbroken(dir.path(), arguments).shown(dir.path());
    insta::assert_snapshot!("help", shown(&["--help"]));
    insta::assert_snapshot!("help_run", shown(&["run", "--help"]));
    insta::assert_snapshot!("help_keys_pin", shown(&["keys", "pin", "--help"]));
    insta::assert_snapshot!("no_command", shown(&[]));
}

#[test]
fn wrong_usage_is_exit_2() {
    let dir = empty();
    let wrong: [&[&str]; 11] = [
        &[],
        &["nosuch"],
        &["check"],
        &["check", "a..b"],
        &["check", "shop.test", "--anchors", "nosuch.ds"],
        &["run", "--plan", "abc", "--yes"],
        &["plan", "migrate", "--from", "a"],
        &["init", "--zone", "shop.test", "--provider", "a"],
        &["keys", "ds", "nosuch.dnskey"],
        &["status", "--quiet", "--verbose"],
        &["check", "shop.test", "--settings", "nosuch.toml"],
    ];
    for arguments in wrong {
        let ran = unbroken(dir.path(), arguments);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (Some(2), ""),
            "{arguments:?}: {}",
            ran.err
        );
        assert!(!ran.err.is_empty(), "{arguments:?}");
    }
}

#[test]
fn init_writes_what_can_be_read_and_overwrites_nothing() {
    let dir = empty();
    let init = [
        "init",
        "--zone",
        "shop.test",
        "--provider",
        "a=rfc2136",
        "--provider",
        "b=powerdns",
    ];
    let mut shown = unbroken(dir.path(), &init).shown(dir.path());
    shown.push_str(&unbroken(dir.path(), &init).shown(dir.path()));
    shown.push_str(&unbroken(dir.path(), &["init", "--settings", "other.toml"]).shown(dir.path()));
    shown.push_str("--- unbroken.toml\n");
    shown.push_str(&std::fs::read_to_string(dir.path().join("unbroken.toml")).unwrap());
    insta::assert_snapshot!(shown);

    let schema = unbroken(dir.path(), &["init", "--schema"]).json();
    assert_eq!(schema["title"], "unbroken.toml");
}

#[test]
fn an_error_in_the_settings_has_its_place() {
    let dir = empty();
    std::fs::write(
        dir.path().join("unbroken.toml"),
        "\n[zone.\"a.test\"]\nsigners = [\"x\"]\nparent = \"y\"\n",
    )
    .unwrap();
    let ran = unbroken(dir.path(), &["keys", "show", "a.test"]);
    insta::assert_snapshot!(ran.shown(dir.path()));
    let ran = unbroken(dir.path(), &["keys", "show", "a.test", "--json"]);
    assert_eq!(ran.code, Some(2));
    assert_eq!(ran.json()["error"]["exit"], 2);
}

#[test]
fn keys_of_files() {
    let dir = empty();
    let root = "; from dig\n. 3600 IN DNSKEY 257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU=\n";
    std::fs::write(dir.path().join("root.dnskey"), root).unwrap();
    std::fs::write(dir.path().join("other.dnskey"), "test. IN DNSKEY 256 3 13 AAAA\n").unwrap();
    let ds = unbroken(dir.path(), &["keys", "ds", "root.dnskey"]);
    assert_eq!(
        ds.out,
        ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"
    );
    let mut shown = String::new();
    let runs: [&[&str]; 5] = [
        &["keys", "fingerprint", "root.dnskey"],
        &["keys", "fingerprint", "root.dnskey", "--json"],
        &["keys", "combine", "root.dnskey", "other.dnskey"],
        &["keys", "ds", "root.dnskey", "--digest", "3"],
        &["keys", "show", "test", "--file", "root.dnskey"],
    ];
    for arguments in runs {
        let ran = unbroken(dir.path(), arguments);
        shown.push_str(&format!(
            "$ unbroken {}\n{}",
            arguments.join(" "),
            ran.shown(dir.path())
        ));
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn completions_and_pages_are_made() {
    let dir = empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = unbroken(dir.path(), &["completions", shell]);
        assert_eq!(ran.code, Some(0));
        assert!(ran.out.contains("unbroken"), "{shell}");
    }
    assert!(unbroken(dir.path(), &["man"]).out.contains(".TH unbroken 1"));
    let ran = unbroken(dir.path(), &["man", "--dir", "pages"]);
    assert_eq!(
        ran.out.lines().count(),
        std::fs::read_dir(dir.path().join("pages")).unwrap().count()
    );
    assert!(dir.path().join("pages/unbroken-keys-pin.1").exists());
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let dir = empty();
    let script = format!(
        "{} completions bash | head -c 1; exit ${{PIPESTATUS[0]}}",
        env!("CARGO_BIN_EXE_unbroken")
    );
    let output = std::process::Command::new("bash")
        .arg("-c")
        .arg(script)
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_exit_5() {
    let dir = empty();
    let script = format!("{} completions bash > /dev/full", env!("CARGO_BIN_EXE_unbroken"));
    let output = std::process::Command::new("bash")
        .arg("-c")
        .arg(script)
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: stdout cannot be written"));
}

#[test]
fn no_colour_where_there_is_no_terminal() {
    let dir = empty();
    let ran: Ran = unbroken_with(dir.path(), &["keys", "ds", "nosuch"], &[("CLICOLOR_FORCE", "0")]);
    assert!(!ran.err.contains('\u{1b}') && !ran.out.contains('\u{1b}'));
    let help = unbroken(Path::new(dir.path()), &["--help"]);
    assert!(!help.out.contains('\u{1b}'));
}

/// Settings and a journal of a few entries for shop.test.
fn with_journal(dir: &Path) -> std::path::PathBuf {
    let init = [
        "init",
        "--zone",
        "shop.test",
        "--provider",
        "a=manual",
        "--provider",
        "b=manual",
    ];
    assert_eq!(unbroken(dir, &init).code, Some(0));
    let journal = zone_dir(
        &dir.join("state/unbroken"),
        &"shop.test".parse::<unbroken::dns::Name>().unwrap(),
    );
    let mut file = FileJournal::open(&journal, Moment::from_seconds(1_795_000_000), "run").unwrap();
    for text in ["one", "two", "three"] {
        file.append(
            Moment::from_seconds(1_795_000_000),
            "note",
            serde_json::json!({ "text": text }),
        )
        .unwrap();
    }
    journal
}

#[test]
fn a_damaged_journal_halts_with_the_line() {
    let dir = empty();
    let path = with_journal(dir.path()).join("journal.ndjson");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"one\"", "\"eins\"")).unwrap();
    let before = std::fs::read(&path).unwrap();
    for command in ["status", "step", "run"] {
        let ran = unbroken(dir.path(), &[command, "--zone", "shop.test"]);
        assert_eq!(ran.code, Some(4), "{command}: {}{}", ran.out, ran.err);
        assert!(
            ran.err.contains("line 1: it was altered"),
            "{command}: {}",
            ran.err
        );
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_second_runner_is_told_who_has_the_journal() {
    let dir = empty();
    let journal = with_journal(dir.path());
    let held = FileJournal::open(&journal, Moment::from_seconds(1_795_000_000), "run").unwrap();
    let ran = unbroken(dir.path(), &["step", "--zone", "shop.test", "--yes"]);
    drop(held);
    assert_eq!(ran.code, Some(5), "{}{}", ran.out, ran.err);
    let who = format!("`unbroken run`, process {} on ", std::process::id());
    assert!(ran.err.contains(&who), "{}", ran.err);
}
