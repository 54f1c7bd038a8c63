//! The documentation says what the code says: settings that parse, codes that exist, links that lead somewhere.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where it fails"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use unbroken::cli::Exit;
use unbroken::cli::settings::Settings;
use unbroken::dnssec::offline::{LIMIT_NAMES, Limits};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The code of a source file: without its tests and comments.
fn code(path: &str) -> String {
    let text = read(path);
    let text = text.split("#[cfg(test)]").next().unwrap();
    text.lines()
        .map(|line| match line.trim_start() {
            comment if comment.starts_with("//") => "",
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// The source files below a folder that are no tests.
fn sources(folder: &str) -> Vec<String> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            if !path.ends_with("/tests") {
                out.extend(sources(&path));
            }
        } else if path.ends_with(".rs") && !path.ends_with("/tests.rs") && !path.ends_with("/testing.rs") {
            out.push(path);
        }
    }
    out
}

/// The string literals in `text`, escapes as they are written.
fn literals(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('"') {
        rest = &rest[start + 1..];
        let mut end = 0;
        let octets = rest.as_bytes();
        while octets.get(end).is_some_and(|octet| *octet != b'"') {
            end += if octets[end] == b'\\' { 2 } else { 1 };
        }
        out.push(rest.get(..end).unwrap_or_default().to_owned());
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    out
}

/// `a-code`: small letters, digits, single hyphens between.
fn is_code(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.split('-').all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit())
        })
}

/// The first literal after each `call`, where it is a code.
fn first_argument(text: &str, call: &str) -> BTreeSet<String> {
    text.split(call)
        .skip(1)
        .filter_map(|after| literals(after).into_iter().next())
        .filter(|literal| is_code(literal))
        .collect()
}

/// The part of a page under a heading, up to the next one of the same rank.
fn section(page: &str, heading: &str) -> String {
    let text = read(page);
    let (_, after) = text
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("{page} has no heading '{heading}'"));
    after.split("\n## ").next().unwrap().to_owned()
}

/// What stands in code quotes in the first column of the tables of a section.
fn documented(page: &str, heading: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for line in section(page, heading).lines() {
        let Some(code) = line
            .strip_prefix("| `")
            .and_then(|rest| rest.split_once('`'))
            .map(|(code, _)| code)
        else {
            continue;
        };
        assert!(
            out.insert(code.to_owned()),
            "{page}, {heading}: {code} stands there twice"
        );
    }
    out
}

/// Both ways: nothing is missing, and nothing is there that does not exist.
fn agree(heading: &str, code: &BTreeSet<String>) {
    assert!(!code.is_empty(), "no code was found for {heading}");
    let page = documented("docs/errors.md", heading);
    let missing: Vec<_> = code.difference(&page).collect();
    let invented: Vec<_> = page.difference(code).collect();
    assert!(
        missing.is_empty() && invented.is_empty(),
        "docs/errors.md, {heading}: missing {missing:?}; there and not in the code {invented:?}"
    );
}

#[test]
fn every_exit_status_is_documented() {
    let all = [
        Exit::Done,
        Exit::Fails,
        Exit::Usage,
        Exit::NotYet,
        Exit::Halted,
        Exit::Refused,
        Exit::Fault,
    ];
    let named = code("src/cli/failure.rs").matches("Exit::").count();
    assert!(named >= all.len());
    agree(
        "Exit status",
        &all.iter().map(|exit| exit.code().to_string()).collect(),
    );
}

#[test]
fn every_finding_of_a_plan_is_documented() {
    let paths = sources("src/workflow/preflight");
    let text = paths.iter().map(|path| code(path)).collect::<Vec<_>>().join("\n");
    let mut codes = first_argument(&text, "refuse(");
    codes.extend(first_argument(&text, "warn("));
    // Two are made from a word for the verdict.
    let made = "\"{word}-now\"";
    assert!(
        text.contains(made),
        "preflight makes no code from {made} any more"
    );
    codes.extend(["bogus-now".to_owned(), "insecure-now".to_owned()]);
    agree("Findings of a plan", &codes);
}

#[test]
fn every_finding_of_check_is_documented() {
    let mut codes = BTreeSet::new();
    for path in sources("src/cli/check") {
        codes.extend(first_argument(&code(&path), ".add("));
    }
    agree("Findings of check", &codes);
}

#[test]
fn every_alarm_of_watch_is_documented() {
    let codes = unbroken::workflow::Code::ALL.map(|code| code.word().to_owned());
    agree("Alarms of watch", &codes.into_iter().collect());
}

#[test]
fn every_finding_of_zone_verify_is_documented() {
    let mut codes = BTreeSet::new();
    for path in sources("src/zone/verify") {
        codes.extend(
            literals(&code(&path))
                .into_iter()
                .filter(|literal| is_code(literal) && literal.contains('-')),
        );
    }
    agree("Findings of zone verify", &codes);
}

/// What `audit verify` finds, in the page from which a second verifier is written.
#[test]
fn every_finding_of_audit_verify_is_documented() {
    let mut codes = BTreeSet::new();
    for path in sources("src/audit") {
        codes.extend(
            literals(&code(&path))
                .into_iter()
                .filter(|literal| is_code(literal) && literal.contains('-')),
        );
    }
    // A form of serde's, a reason of the chain, a member of a note.
    codes.retain(|code| !["kebab-case", "ds-answer-from-child", "ntp-failed"].contains(&code.as_str()));
    assert!(codes.len() > 40, "{codes:?}");
    let page = section("docs/evidence-format.md", "The result");
    let missing: Vec<_> = codes
        .iter()
        .filter(|code| !page.contains(&format!("`{code}`")))
        .collect();
    assert!(missing.is_empty(), "docs/evidence-format.md lacks {missing:?}");
}

#[test]
fn every_warning_of_zone_compare_is_documented() {
    // The function's own head is no call.
    let text = code("src/zone/warn.rs").replace("fn warning(", "");
    agree("Warnings of zone compare", &first_argument(&text, "warning("));
}

#[test]
fn every_reason_is_documented() {
    let mut codes = BTreeSet::new();
    for path in sources("src/dnssec/chain")
        .into_iter()
        .chain(sources("src/dnssec/denial"))
    {
        let text: Vec<String> = code(&path)
            .lines()
            .filter(|line| !line.trim_start().starts_with("#["))
            .map(str::to_owned)
            .collect();
        codes.extend(
            literals(&text.join("\n"))
                .into_iter()
                .filter(|literal| is_code(literal)),
        );
    }
    let offline: Vec<String> = sources("src/dnssec/offline")
        .iter()
        .map(|path| code(path))
        .collect();
    codes.extend(first_argument(&offline.join("\n"), "Reason::new("));
    agree("Reasons", &codes);
}

/// The limits of `chain` and what they are by default.
#[test]
fn every_limit_is_documented() {
    let limits = serde_json::to_value(Limits::default()).unwrap();
    let page = read("docs/chain.md");
    for name in LIMIT_NAMES {
        let value = &limits[name.replace('-', "_")];
        assert!(
            page.contains(&format!("| `{name}` | {value} |")),
            "docs/chain.md lacks {name} = {value}"
        );
    }
    assert_eq!(limits.as_object().unwrap().len(), LIMIT_NAMES.len());
}

/// What an Extended DNS Error is given for is a reason.
#[test]
fn every_extended_error_is_of_a_reason() {
    let reasons = documented("docs/errors.md", "Reasons");
    let text = code("src/dnssec/offline/extended_error.rs");
    let (_, body) = text.split_once("match code {").unwrap();
    let codes: Vec<String> = literals(body)
        .into_iter()
        .filter(|literal| is_code(literal))
        .collect();
    assert!(codes.len() > 20);
    for code in codes {
        assert!(reasons.contains(&code), "{code} is no reason");
    }
}

#[test]
fn every_class_of_failure_is_documented() {
    let text = code("src/ports/driver.rs");
    let (_, body) = text.split_once("pub enum FailureClass {").unwrap();
    let classes = body
        .split_once('}')
        .unwrap()
        .0
        .lines()
        .map(|line| line.trim().trim_end_matches(',').to_lowercase())
        .filter(|word| !word.is_empty())
        .collect();
    agree("What a driver says", &classes);
}

/// The words of each halt up to its variable parts.
#[test]
fn every_decision_that_halts_is_documented() {
    let page = section("docs/errors.md", "Decisions that halt");
    let mut found = 0;
    for path in sources("src/workflow").into_iter().chain(sources("src/runner")) {
        let text = code(&path);
        let decided = text
            .split("Decision::Halt {")
            .skip(1)
            .filter_map(|after| after.trim_start().strip_prefix("what: ")?.split_once("choices:"));
        let met = text.split("halt(\n").skip(1).filter_map(|after| {
            after
                .trim_start()
                .strip_prefix("&self.state,")?
                .split_once("vec![")
        });
        for (what, _) in decided.chain(met) {
            let words = literals(what).into_iter().next().unwrap_or_default();
            for part in words.split(['{', '}']) {
                let part = part.trim_matches([' ', ':', ',']);
                if part.len() > 8 && part.contains(' ') {
                    assert!(
                        page.contains(part),
                        "{path} halts with '{words}'; docs/errors.md lacks '{part}'"
                    );
                    found += 1;
                }
            }
        }
    }
    assert!(found >= 12, "only {found} halts were found in the code");
}

fn pages() -> Vec<String> {
    let mut out = vec!["README.md".to_owned(), "CHANGELOG.md".to_owned()];
    for entry in std::fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name();
        let name = name.to_str().unwrap();
        if name.ends_with(".md") {
            out.push(format!("docs/{name}"));
        }
    }
    out
}

/// The blocks of a page in the language `kind`.
fn blocks(page: &str, kind: &str) -> Vec<String> {
    let text = read(page);
    text.split(&format!("```{kind}\n"))
        .skip(1)
        .map(|after| after.split("```").next().unwrap().to_owned())
        .collect()
}

#[test]
fn every_settings_file_in_the_pages_parses() {
    let folder = tempfile::tempdir().unwrap();
    // A lab's own root, which an example refers to.
    let anchor = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n";
    std::fs::write(folder.path().join("anchors.ds"), anchor).unwrap();
    let path = folder.path().join("unbroken.toml");
    let mut parsed = 0;
    for page in pages() {
        for block in blocks(&page, "toml") {
            if let Err(error) = Settings::parse(&path, &block) {
                panic!("{page}: {error}\n{block}");
            }
            parsed += 1;
        }
    }
    assert!(parsed >= 2, "only {parsed} settings were found in the pages");
}

/// The example has every key that the schema has, and the tables name each.
#[test]
fn the_example_has_every_key() {
    let schema = Settings::schema();
    let example = blocks("docs/settings.md", "toml").concat();
    let page = read("docs/settings.md");
    let tables = [
        "ZoneTable",
        "ProviderTable",
        "ParentTable",
        "ObserveTable",
        "ProbesTable",
        "WatchTable",
    ];
    for table in tables {
        let keys = schema["$defs"][table]["properties"]
            .as_object()
            .unwrap_or_else(|| panic!("the schema has no {table}"));
        for key in keys.keys() {
            // One is a way out that the example does not need, for it has a default of its own.
            let in_example = example.contains(&format!("{key} ")) || key == "anchors";
            assert!(
                in_example,
                "the example in docs/settings.md lacks {key} of {table}"
            );
            assert!(
                page.contains(&format!("`{key}`")),
                "docs/settings.md does not explain {key} of {table}"
            );
        }
    }
}

/// The names that GitHub gives to the headings of a page.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut fenced = false;
    let mut out = BTreeSet::new();
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        }
        if fenced || !line.starts_with('#') {
            continue;
        }
        let title = line.trim_start_matches('#').trim();
        out.insert(
            title
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect(),
        );
    }
    out
}

#[test]
fn every_link_leads_somewhere() {
    let mut links = 0;
    for page in pages() {
        let text = read(&page);
        let folder = Path::new(&page).parent().unwrap();
        for after in text.split("](").skip(1) {
            let target = after.split(')').next().unwrap();
            if target.contains("://") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if path.is_empty() {
                root().join(&page)
            } else {
                root().join(folder).join(path)
            };
            assert!(file.is_file(), "{page} links to {target}, which is not there");
            if !anchor.is_empty() {
                let there = std::fs::read_to_string(&file).unwrap();
                assert!(
                    anchors(&there).contains(anchor),
                    "{page} links to {target}: there is no such heading"
                );
            }
            links += 1;
        }
    }
    assert!(links > 10, "only {links} links were found");
}
