//! Damage without a forger's care: every octet, every entry, every file.

use unbroken::audit::{Depth, Word};
use unbroken::evidence::{BlobId, VerifierKey};

use super::made::{beginning, seal, stamp, token, whole};
use super::parts::Parts;

/// A small bundle: begin to the first sweeps.
fn small() -> Parts {
    let mut parts = beginning(6);
    parts.forge(|entries| {
        entries[5].body["observations"]
            .as_array_mut()
            .unwrap()
            .truncate(7)
    });
    let named = super::made::named(&parts);
    parts.blobs.retain(|id, _| named.contains(id));
    parts.files.clear();
    seal(&mut parts);
    stamp(&mut parts);
    parts.make_manifest();
    let verdict = parts.verify(Depth::Hashes).unwrap();
    assert_eq!(verdict.verdict, Word::Holds);
    assert_eq!(verdict.stamps.len(), 1);
    parts
}

/// Whoever makes the manifest anew is still found out by the hash that a token is over, and by its form.
#[test]
fn a_token_over_something_else_fails_the_bundle() {
    let found = |change: &dyn Fn(&mut Parts)| {
        let mut parts = small();
        change(&mut parts);
        parts.make_manifest();
        parts.failing(Depth::Hashes)
    };
    let put = |name: &'static str, octets: Vec<u8>| {
        move |parts: &mut Parts| drop(parts.files.insert(name.to_owned(), octets.clone()))
    };
    assert_eq!(
        found(&put("seals/6.tsr", token(b"something else"))),
        ["stamp-imprint"]
    );
    assert_eq!(found(&put("seals/6.tsr", vec![0x30, 0x80, 0, 0])), ["stamp-form"]);
    assert_eq!(found(&put("seals/6.tsr", Vec::new())), ["stamp-form"]);
    assert_eq!(found(&put("seals/x; rm.tsr", token(b""))), ["stamp-form"]);
    assert_eq!(found(&put("seals/5.tsr", token(b""))), ["stamp-seal"]);
    let refusal = vec![0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02];
    assert_eq!(found(&put("seals/6.tsr", refusal)), ["stamp-form"]);
}

#[test]
fn every_octet_of_the_journal_counts() {
    let parts = small();
    let lines = parts.lines();
    let (mut line, mut start) = (0, 0);
    for at in 0..parts.journal.len() {
        if at - start >= lines[line].len() {
            start += lines[line].len();
            line += 1;
        }
        let mut damaged = parts.clone();
        damaged.journal[at] ^= 1 << (at % 8);
        match damaged.verify(Depth::Hashes) {
            Err(_) => {}
            Ok(verdict) => {
                assert_eq!(verdict.verdict, Word::Fails, "octet {at}");
                let named = verdict.findings.iter().any(|finding| match finding.entry {
                    Some(entry) => entry.abs_diff(line as u64 + 1) <= 1,
                    None => {
                        matches!(
                            finding.code,
                            "manifest-journal" | "cut" | "seal-root" | "line-torn"
                        ) && line + 1 == lines.len()
                    }
                });
                assert!(named, "octet {at} of line {}: {:#?}", line + 1, verdict.findings);
            }
        }
    }
}

#[test]
fn every_octet_of_manifest_seals_and_blobs_counts() {
    let parts = small();
    let manifest = parts.manifest.clone().unwrap();
    for at in 0..manifest.len() {
        let mut damaged = parts.clone();
        damaged.manifest.as_mut().unwrap()[at] ^= 1 << (at % 8);
        assert!(!damaged.failing(Depth::Hashes).is_empty(), "manifest, octet {at}");
    }
    for (name, octets) in &parts.files {
        for at in 0..octets.len() {
            let mut damaged = parts.clone();
            damaged.files.get_mut(name).unwrap()[at] ^= 1 << (at % 8);
            let verdict = damaged.verify(Depth::Hashes).unwrap();
            let named = verdict
                .findings
                .iter()
                .any(|finding| finding.code == "file-altered" && finding.file.as_deref() == Some(name));
            assert!(
                named && verdict.verdict == Word::Fails,
                "{name}, octet {at}: {:#?}",
                verdict.findings
            );
        }
    }
    for (id, octets) in &parts.blobs {
        for at in 0..octets.len() {
            let mut damaged = parts.clone();
            damaged.blobs.get_mut(id).unwrap()[at] ^= 1 << (at % 8);
            let verdict = damaged.verify(Depth::Hashes).unwrap();
            let named = verdict
                .findings
                .iter()
                .any(|finding| finding.code == "blob-altered" && finding.blob.as_ref() == Some(id));
            assert!(named && verdict.verdict == Word::Fails, "{id}, octet {at}");
        }
    }
}

#[test]
fn entries_that_are_gone_doubled_or_moved_are_named() {
    let parts = beginning(30);
    let lines = parts.lines();
    for at in 0..lines.len() {
        let mut gone = lines.clone();
        gone.remove(at);
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at].clone());
        let mut moved = lines.clone();
        moved.swap(at, (at + 1) % lines.len());
        for (what, lines) in [("gone", gone), ("doubled", doubled), ("moved", moved)] {
            let mut damaged = parts.clone();
            damaged.set_lines(&lines);
            let verdict = damaged.verify(Depth::Hashes).unwrap();
            assert_eq!(verdict.verdict, Word::Fails, "{what} {at}");
            let near = |entry: u64| {
                entry.abs_diff(at as u64 + 1) <= 1 || (what == "moved" && at + 1 == parts.lines().len())
            };
            let named = verdict.findings.iter().any(|finding| match finding.entry {
                Some(entry) => near(entry),
                None => finding.code == "cut" && at + 1 == parts.lines().len(),
            });
            assert!(named, "{what} {at}: {:#?}", verdict.findings);
        }
    }
}

#[test]
fn blobs_that_are_gone_added_or_changed_about_are_named() {
    let parts = small();
    let ids: Vec<BlobId> = parts.blobs.keys().cloned().collect();
    for (index, id) in ids.iter().enumerate() {
        let mut gone = parts.clone();
        gone.blobs.remove(id);
        let verdict = gone.verify(Depth::Hashes).unwrap();
        let named = |code: &str, id: &BlobId| {
            verdict
                .findings
                .iter()
                .any(|finding| finding.code == code && finding.blob.as_ref() == Some(id))
        };
        assert!(named("blob-missing", id));
        let other = &ids[(index + 1) % ids.len()];
        let mut about = parts.clone();
        let (mine, theirs) = (parts.blobs[id].clone(), parts.blobs[other].clone());
        about.blobs.insert(id.clone(), theirs);
        about.blobs.insert(other.clone(), mine);
        assert!(
            about
                .failing(Depth::Hashes)
                .iter()
                .filter(|code| **code == "blob-altered")
                .count()
                == 2
        );
    }
    let mut added = parts.clone();
    added.blobs.insert(BlobId::of(b"more"), b"more".to_vec());
    assert_eq!(added.failing(Depth::Hashes), ["blob-unnamed"]);
    let mut added = parts.clone();
    added.files.insert("seals/notes".to_owned(), b"more".to_vec());
    assert_eq!(added.failing(Depth::Hashes), ["file-added"]);
    let mut gone = parts;
    gone.files.remove("seals/keys");
    assert!(gone.failing(Depth::Hashes).contains(&"file-missing"));
}

#[test]
fn a_cut_end_is_told_from_a_complete_one() {
    let parts = whole();
    let lines = parts.lines();
    for left in [lines.len() - 1, lines.len() - 2, lines.len() / 2, 1] {
        // By accident: the manifest still tells.
        let mut cut = parts.clone();
        cut.set_lines(&lines[..left]);
        let verdict = cut.verify(Depth::Hashes).unwrap();
        assert!(
            verdict.ending.cut && verdict.verdict == Word::Fails,
            "{left} lines"
        );
    }
    // On purpose, with a manifest made anew: the later seals tell.
    let mut cut = parts.clone();
    cut.set_lines(&lines[..lines.len() - 1]);
    cut.make_manifest();
    let verdict = cut.verify(Depth::Hashes).unwrap();
    assert!(verdict.ending.cut && verdict.verdict == Word::Fails);
    assert!(verdict.findings.iter().any(|finding| {
        finding.code == "cut"
            && finding
                .file
                .as_deref()
                .is_some_and(|file| file.starts_with("seals/"))
    }));
    // With those taken away too: only somebody who has a later seal knows. It is not taken for complete all the same.
    let later = format!("seals/{}.checkpoint", lines.len());
    assert!(cut.files.remove(&later).is_some());
    let named = super::made::named(&cut);
    cut.blobs.retain(|id, _| named.contains(id));
    cut.make_manifest();
    let verdict = cut.judged();
    assert_eq!(
        (verdict.verdict, verdict.ending.cut),
        (Word::Open, false),
        "{:#?}",
        verdict.findings
    );
    assert!(verdict.counts.contains_key("not-ended"));
    // A last line that is torn.
    let mut torn = parts;
    torn.journal.truncate(torn.journal.len() - 7);
    assert!(torn.failing(Depth::Hashes).contains(&"line-torn"));
}

#[test]
fn a_seal_under_another_key_or_over_another_journal_fails() {
    let mut parts = small();
    parts.keys = vec![super::made::verifier_key()];
    let other = unbroken::evidence::SignerKey::from_seed("lab.example/dns", &[1; 32]).unwrap();
    let name = "seals/6.checkpoint";
    let note = unbroken::evidence::Note::parse(&parts.files[name]).unwrap();
    let forged = other.sign("lab.example/dns/shop.test", &note.text).unwrap();
    parts.files.insert(name.to_owned(), forged.into_bytes());
    let key: VerifierKey = other.verifier().named("lab.example/dns/shop.test").unwrap();
    parts
        .files
        .insert("seals/keys".to_owned(), format!("{key}\n").into_bytes());
    parts.make_manifest();
    assert_eq!(parts.failing(Depth::Hashes), ["stamp-imprint", "seal-missing"]);

    let mut other = beginning(7);
    let lines = other.lines();
    let mut swapped = lines.clone();
    swapped.truncate(6);
    other.set_lines(&swapped);
    seal(&mut other);
    let stolen = other.files["seals/6.checkpoint"].clone();
    let mut parts = beginning(7);
    parts.files.insert("seals/7.checkpoint".to_owned(), stolen);
    parts.make_manifest();
    assert!(parts.failing(Depth::Hashes).contains(&"seal-form"));
}

/// The program verifies with three threads; the library, by itself, one line after the other.
#[test]
fn threads_side_by_side_say_what_one_says() {
    let last = whole().lines().len() - 1;
    let line = |at: usize| {
        move |parts: &mut Parts| {
            let mut lines = parts.lines();
            lines[at][40] ^= 1;
            parts.set_lines(&lines);
        }
    };
    let blob = |parts: &mut Parts| {
        let id = parts.blobs.keys().next().unwrap().clone();
        parts.blobs.get_mut(&id).unwrap()[20] ^= 1;
    };
    let unread = |parts: &mut Parts| {
        parts.forge(|entries| {
            for at in [70, 71, 100] {
                entries[at].body = serde_json::json!("nothing of its kind");
            }
        });
    };
    let cut = |parts: &mut Parts| {
        let lines = parts.lines();
        parts.set_lines(&lines[..last / 2]);
    };
    let torn = |parts: &mut Parts| {
        parts.journal.pop();
    };
    let empty = |parts: &mut Parts| parts.journal.clear();
    type Change<'a> = (&'a str, &'a dyn Fn(&mut Parts));
    let changes: [Change<'_>; 9] = [
        ("good", &|_| ()),
        ("first line", &line(0)),
        ("a line", &line(65)),
        ("last line", &line(last)),
        ("a blob", &blob),
        ("unread", &unread),
        ("cut", &cut),
        ("torn", &torn),
        ("empty", &empty),
    ];
    let dir = tempfile::tempdir().unwrap();
    for (label, change) in changes {
        let mut parts = whole();
        change(&mut parts);
        let place = dir.path().join(label.replace(' ', "-"));
        parts.write(&place);
        for depth in [Depth::Hashes, Depth::Full] {
            let alone = parts.verify(depth).unwrap();
            let bundle = unbroken::adapters::bundle::Bundle::open(&place).unwrap();
            let anchors = Some(parts.anchors.clone());
            let keys = parts.keys.clone();
            let beside = unbroken::cli::audit::verify(&bundle, anchors, keys, depth).unwrap();
            assert_eq!(
                serde_json::to_value(&beside).unwrap(),
                serde_json::to_value(&alone).unwrap(),
                "{label}, {depth:?}"
            );
            assert_eq!(
                alone.verdict == Word::Holds,
                label == "good",
                "{label}, {depth:?}"
            );
        }
    }
}
