//! The second verifier, in Python, written from docs/evidence-format.md: it must say the same of good and damaged bundles.

use std::path::{Path, PathBuf};
use std::process::Command;

use unbroken::audit::Depth;

use super::made::{beginning, fallen_back, stamp, token, verifier_key, whole};
use super::parts::{Parts, position};

/// The Python of the system, which has what apt installs; any other that has the two packages.
fn python() -> PathBuf {
    let candidates = ["/usr/bin/python3", "python3"];
    let has = |python: &&&str| {
        let told = Command::new(**python)
            .args(["-c", "import cryptography, dns.version"])
            .output();
        told.is_ok_and(|told| told.status.success())
    };
    let found = candidates.iter().find(has);
    PathBuf::from(
        found.expect("python3 with cryptography and dnspython (apt: python3-cryptography python3-dnspython)"),
    )
}

/// Whether what stands outside may be used: as for the peers.
fn left_out() -> bool {
    std::env::var_os("UNBROKEN_WITHOUT_PEERS").is_some()
}

fn put(parts: &Parts, dir: &Path) {
    for folder in ["blobs", "seals"] {
        std::fs::create_dir_all(dir.join(folder)).unwrap();
    }
    std::fs::write(dir.join("MANIFEST.json"), parts.manifest.as_ref().unwrap()).unwrap();
    std::fs::write(dir.join("journal.ndjson"), &parts.journal).unwrap();
    for (id, octets) in &parts.blobs {
        std::fs::write(dir.join(format!("blobs/{id}")), octets).unwrap();
    }
    for (name, octets) in &parts.files {
        std::fs::write(dir.join(name), octets).unwrap();
    }
}

fn second(parts: &Parts, arguments: &[&str]) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().unwrap();
    let (bundle, anchors) = (dir.path().join("bundle"), dir.path().join("anchors.ds"));
    put(parts, &bundle);
    let lines: String = parts
        .anchors
        .iter()
        .flat_map(|(zone, set)| set.iter().map(move |ds| format!("{zone} IN DS {ds}\n")))
        .collect();
    std::fs::write(&anchors, lines).unwrap();
    let ran = Command::new(python())
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/audit/verify.py"))
        .arg(&bundle)
        .arg("--anchors")
        .arg(&anchors)
        .args(arguments)
        .output()
        .unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
    (ran.status.code(), said)
}

#[test]
fn it_says_the_same_of_a_good_bundle() {
    if left_out() {
        return;
    }
    let parts = whole();
    let key = verifier_key().to_string();
    let (code, said) = second(&parts, &["--seal-key", &key]);
    assert_eq!(code, Some(0), "{said}");
    let verdict = parts.judged();
    let head = format!(
        "{} entries, head {}, sealed up to {}, ended",
        verdict.journal.entries, verdict.journal.head, verdict.ending.sealed
    );
    assert!(said.contains(&head), "{said}");
    assert!(
        said.contains(&format!("{} secure, 0 no answers", verdict.answers.secure)),
        "{said}"
    );
    let mut reordered: Vec<u64> = said
        .split(['{', '}', ',', ' '])
        .filter_map(|word| word.parse().ok())
        .collect();
    reordered.reverse();
    let unproven = verdict.answers.bogus_unreached;
    assert!(
        reordered.iter().take(2).sum::<u64>() == unproven || reordered[0] == unproven,
        "{unproven}: {said}"
    );
}

/// Answers of a zone without DS are insecure to both, and nothing of it fails.
#[test]
fn it_says_the_same_of_a_zone_that_was_without_ds() {
    if left_out() {
        return;
    }
    let parts = fallen_back();
    let verdict = parts.judged();
    assert_eq!(
        verdict.verdict,
        unbroken::audit::Word::Holds,
        "{:#?}",
        verdict.findings
    );
    assert!(verdict.answers.insecure > 0, "{:?}", verdict.answers);
    assert_eq!(
        verdict.insecure[0].planned_by.as_deref(),
        Some("04-ds-remove-all")
    );
    let key = verifier_key().to_string();
    let (code, said) = second(&parts, &["--seal-key", &key]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains(&format!("{} secure, 0 no answers", verdict.answers.secure)),
        "{said}"
    );
}

#[test]
fn it_finds_the_same_damage() {
    if left_out() {
        return;
    }
    let mut parts = beginning(6);
    stamp(&mut parts);
    parts.make_manifest();
    type Damage = Box<dyn Fn(&mut Parts)>;
    let flip = |octets: &mut Vec<u8>, at: usize| octets[at] ^= 1;
    let mut cases: Vec<(String, Damage)> = vec![
        (
            "cut".into(),
            Box::new(|parts| parts.set_lines(&parts.lines()[..5])),
        ),
        (
            "torn".into(),
            Box::new(|parts| parts.journal.truncate(parts.journal.len() - 3)),
        ),
        (
            "swapped".into(),
            Box::new(|parts| {
                let mut lines = parts.lines();
                lines.swap(2, 3);
                parts.set_lines(&lines);
            }),
        ),
        (
            "a blob gone".into(),
            Box::new(|parts| drop(parts.blobs.pop_first())),
        ),
        (
            "a blob added".into(),
            Box::new(|parts| {
                parts
                    .blobs
                    .insert(unbroken::evidence::BlobId::of(b"more"), b"more".to_vec());
            }),
        ),
        (
            "a blob changed".into(),
            Box::new(move |parts| flip(parts.blobs.first_entry().unwrap().get_mut(), 40)),
        ),
        (
            "no key".into(),
            Box::new(|parts| drop(parts.files.remove("seals/keys"))),
        ),
        (
            "cut with care".into(),
            Box::new(|parts| {
                parts.set_lines(&parts.lines()[..5]);
                let named = super::made::named(parts);
                parts.blobs.retain(|id, _| named.contains(id));
                parts.make_manifest();
            }),
        ),
        (
            "a token over something else".into(),
            Box::new(|parts| {
                parts
                    .files
                    .insert("seals/6.tsr".to_owned(), token(b"something else"));
                parts.make_manifest();
            }),
        ),
        (
            "a token that is cut".into(),
            Box::new(|parts| {
                parts.files.get_mut("seals/6.tsr").unwrap().truncate(60);
                parts.make_manifest();
            }),
        ),
        (
            "a token without its seal".into(),
            Box::new(|parts| {
                parts.files.insert("seals/5.tsr".to_owned(), token(b""));
                parts.make_manifest();
            }),
        ),
        (
            "forged".into(),
            Box::new(|parts| parts.forge(|entries| entries[0].body["vantage"] = serde_json::json!("x"))),
        ),
    ];
    for share in 0..8 {
        let place = move |length: usize| length * share / 8;
        cases.push((
            format!("journal {share}/8"),
            Box::new(move |parts| {
                let at = place(parts.journal.len());
                flip(&mut parts.journal, at);
            }),
        ));
        cases.push((
            format!("manifest {share}/8"),
            Box::new(move |parts| {
                let manifest = parts.manifest.as_mut().unwrap();
                let at = place(manifest.len());
                flip(manifest, at);
            }),
        ));
        cases.push((
            format!("seal {share}/8"),
            Box::new(move |parts| {
                let seal = parts.files.get_mut("seals/6.checkpoint").unwrap();
                let at = place(seal.len());
                flip(seal, at);
            }),
        ));
    }
    let (code, said) = second(&parts, &[]);
    assert_eq!(code, Some(0), "{said}");
    for (what, damage) in cases {
        let mut damaged = parts.clone();
        damage(&mut damaged);
        let ours = damaged.failing(Depth::Hashes);
        assert!(!ours.is_empty(), "{what}: not found here");
        let (code, said) = second(&damaged, &["--hashes"]);
        let expected = if ours == ["format"] { Some(2) } else { Some(1) };
        assert_eq!(code, expected, "{what}: {ours:?}, and there: {said}");
    }
}

/// The keys of a channel, the body that they came in, and both of them.
#[test]
fn it_holds_the_keys_of_a_channel_against_its_messages() {
    if left_out() {
        return;
    }
    let mut parts = whole();
    parts.files.clear();
    parts.keys.clear();
    parts.make_manifest();
    let (code, said) = second(&parts, &[]);
    assert_eq!(code, Some(0), "{said}");
    let at = position(&parts.entries(), "channel", |_| true);
    parts.forge(|entries| {
        let keys = entries[at].body["read"]["Ok"]["keys"].as_array_mut().unwrap();
        keys.truncate(1);
    });
    assert!(parts.failing(Depth::Full).contains(&"channel-differs"));
    let (code, said) = second(&parts, &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains(&format!("FAILS channel-differs: entry {}", at + 1)),
        "{said}"
    );
}
