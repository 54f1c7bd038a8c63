//! The shape of the program: which room may use which, and what the pure rooms keep out.
//!
//! One arrow goes against the others, on purpose: `dns/rrset.rs` holds the signatures of an RRset as `dnssec::Rrsig`, a
//! plain value without behaviour of that room. Apart they would be two halves of every answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Rooms without clock, socket, file, environment or randomness.
const PURE: [&str; 11] = [
    "audit",
    "capture",
    "dns",
    "dnssec",
    "continuity",
    "workflow",
    "zone",
    "evidence",
    "export",
    "report",
    "moment",
];

/// What a pure room must not name.
const IMPURE: [&str; 27] = [
    "std::time::Instant",
    "std::time::SystemTime",
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "std::net::ToSocketAddrs",
    "std::fs",
    "std::env",
    "std::process",
    "std::io",
    "std::thread",
    "std::os",
    "tokio",
    "rand",
    "reqwest",
    "ring::rand",
    "async_trait",
    "tracing",
    "println",
    "eprintln",
    "print",
    "eprint",
    "dbg",
];

/// Which rooms each room may name; a new room has to be put here.
const ARROWS: [(&str, &[&str]); 16] = [
    ("moment", &[]),
    ("dns", &[]),
    ("dnssec", &["dns"]),
    ("capture", &["dns", "dnssec", "moment"]),
    ("continuity", &[]),
    ("evidence", &["dns", "moment"]),
    ("zone", &["dns", "dnssec"]),
    ("ports", &["dns", "evidence", "moment", "zone"]),
    (
        "workflow",
        &[
            "continuity",
            "dns",
            "dnssec",
            "evidence",
            "moment",
            "ports",
            "zone",
        ],
    ),
    (
        "audit",
        &["continuity", "dns", "dnssec", "evidence", "moment", "workflow"],
    ),
    (
        "report",
        &[
            "audit",
            "continuity",
            "dns",
            "dnssec",
            "evidence",
            "moment",
            "ports",
            "workflow",
        ],
    ),
    (
        "export",
        &["continuity", "dns", "evidence", "moment", "ports", "workflow"],
    ),
    (
        "runner",
        &[
            "continuity",
            "dns",
            "dnssec",
            "evidence",
            "moment",
            "ports",
            "workflow",
            "zone",
        ],
    ),
    (
        "adapters",
        &["dns", "dnssec", "evidence", "moment", "ports", "zone"],
    ),
    (
        "lab",
        &[
            "adapters", "dns", "dnssec", "evidence", "moment", "ports", "runner", "workflow",
        ],
    ),
    (
        "cli",
        &[
            "adapters",
            "audit",
            "capture",
            "continuity",
            "dns",
            "dnssec",
            "evidence",
            "export",
            "lab",
            "moment",
            "ports",
            "report",
            "runner",
            "workflow",
            "zone",
        ],
    ),
];

/// File and room of the arrows that go against the others.
const AGAINST: [(&str, &str); 1] = [("dns/rrset.rs", "dnssec")];

/// Where the time is asked for, below `src`: the clock, deadlines of sockets, and how long a lab took.
const CLOCKS: [&str; 3] = ["adapters/clock.rs", "adapters/transport.rs", "cli/lab.rs"];

const LONGEST: usize = 800;

struct Source {
    /// Below the folder that was searched, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// The first part of its path, without `.rs`.
    fn room(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    fn is_test(&self) -> bool {
        self.path
            .split('/')
            .any(|part| matches!(part, "tests" | "tests.rs" | "testing.rs"))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &str) -> Vec<Source> {
    let base = root().join(folder);
    let mut out = Vec::new();
    let mut folders = vec![base.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                out.push(Source {
                    path: below(&base, &path),
                    text: std::fs::read_to_string(&path).unwrap(),
                });
            }
        }
    }
    assert!(!out.is_empty(), "nothing in {}", base.display());
    out.sort_by(|a, b| a.path.cmp(&b.path));
    out
}

fn below(base: &Path, path: &Path) -> String {
    let parts: Vec<_> = path
        .strip_prefix(base)
        .unwrap()
        .iter()
        .map(|part| part.to_string_lossy())
        .collect();
    parts.join("/")
}

/// The text without comments and without what stands in quotation marks.
fn code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    let starts = |at: usize, what: &str| {
        what.chars()
            .enumerate()
            .all(|(i, c)| chars.get(at + i) == Some(&c))
    };
    while let Some(&char) = chars.get(at) {
        if starts(at, "//") {
            while chars.get(at).is_some_and(|c| *c != '\n') {
                at += 1;
            }
        } else if starts(at, "/*") {
            while at < chars.len() && !starts(at, "*/") {
                at += 1;
            }
            at += 2;
        } else if char == 'r' && raw_marks(&chars, at).is_some() && !continues_a_word(&out) {
            let marks = raw_marks(&chars, at).unwrap();
            let end: String = std::iter::once('"').chain((0..marks).map(|_| '#')).collect();
            at += 2 + marks;
            while at < chars.len() && !starts(at, &end) {
                at += 1;
            }
            at += end.len();
        } else if char == '"' {
            at += 1;
            while chars.get(at).is_some_and(|c| *c != '"') {
                at += if chars.get(at) == Some(&'\\') { 2 } else { 1 };
            }
            at += 1;
        } else if char == '\'' && chars.get(at + 1) == Some(&'\\') {
            at += 3;
            while chars.get(at).is_some_and(|c| *c != '\'') {
                at += 1;
            }
            at += 1;
        } else if char == '\'' && chars.get(at + 2) == Some(&'\'') {
            at += 3;
        } else {
            out.push(char);
            at += 1;
        }
    }
    out
}

/// How many `#` stand before the quotation mark of a raw string that begins at `at`.
fn raw_marks(chars: &[char], at: usize) -> Option<usize> {
    let marks = chars.get(at + 1..)?.iter().take_while(|c| **c == '#').count();
    (chars.get(at + 1 + marks) == Some(&'"')).then_some(marks)
}

fn continues_a_word(out: &str) -> bool {
    out.chars()
        .last()
        .is_some_and(|c| c.is_alphanumeric() || c == '_')
        && !out.ends_with('b')
}

/// The code without what is compiled for tests only: what follows `#[cfg(test)]` up to its `;` or its closing brace.
fn shipped(text: &str) -> String {
    let mut rest = code(text);
    let mark = "#[cfg(test)]";
    while let Some(start) = rest.find(mark) {
        let mut depth = 0usize;
        let mut end = rest.len();
        for (index, char) in rest
            .char_indices()
            .skip_while(|(index, _)| *index < start + mark.len())
        {
            match char {
                '{' => depth += 1,
                '}' if depth == 1 => {
                    end = index + 1;
                    break;
                }
                '}' => depth = depth.saturating_sub(1),
                ';' if depth == 0 => {
                    end = index + 1;
                    break;
                }
                _ => {}
            }
        }
        rest.replace_range(start..end, "");
    }
    rest
}

/// Whether the path stands in the code as a whole word.
fn names(code: &str, path: &str) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(path).any(|(at, found)| {
        !is_word(code[..at].chars().last()) && !is_word(code[at + found.len()..].chars().next())
    })
}

/// What a pure room's code names and must not. Grouped imports of `std` would hide it, so they are not written here.
fn impurities(code: &str) -> Vec<&'static str> {
    let grouped = ["std::{", "use std::net::*", "use std::*"];
    IMPURE
        .into_iter()
        .filter(|path| names(code, path))
        .chain(grouped.into_iter().filter(|form| code.contains(form)))
        .collect()
}

/// The rooms that the code names.
fn rooms_named(code: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for part in code.split("crate::").skip(1) {
        let word: String = part
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        out.insert(if word.is_empty() { "{".to_owned() } else { word });
    }
    out
}

#[test]
fn pure_rooms_are_pure() {
    let mut bad = Vec::new();
    for source in sources("src") {
        if PURE.contains(&source.room()) && !source.is_test() {
            for word in impurities(&shipped(&source.text)) {
                bad.push(format!("{}: {word}", source.path));
            }
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn arrows_go_one_way() {
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.into_iter().collect();
    let mut bad = Vec::new();
    let mut against = BTreeSet::new();
    for source in sources("src") {
        let room = source.room();
        if source.is_test() || matches!(room, "lib" | "main") {
            continue;
        }
        let Some(allowed) = arrows.get(room) else {
            bad.push(format!("{}: a room without arrows", source.path));
            continue;
        };
        for named in rooms_named(&shipped(&source.text)) {
            if AGAINST.contains(&(source.path.as_str(), named.as_str())) {
                against.insert(source.path.clone());
            } else if named != room && !allowed.contains(&named.as_str()) {
                bad.push(format!("{} names {named}", source.path));
            }
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
    // An exception that is not needed any more goes.
    assert_eq!(against.len(), AGAINST.len());
}

/// Follows the arrows: no way leads back.
#[test]
fn no_arrow_leads_back() {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for (room, uses) in ARROWS {
        if room == "workflow" {
            assert!(!uses.contains(&"runner") && !uses.contains(&"report"));
        }
        done.insert(room);
        // Each room stands below all that it uses, but for `ports`, which stands before what is pure by choice.
        for used in uses {
            assert!(done.contains(used), "{room} uses {used}, which stands after it");
        }
    }
}

#[test]
fn the_map_of_the_rooms_is_true() {
    let lib = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let modules: BTreeSet<&str> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let mapped: BTreeSet<&str> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("//! | [`")?.split('`').next())
        .collect();
    let unmapped: Vec<_> = mapped.difference(&modules).collect();
    assert!(unmapped.is_empty(), "in the map and not there: {unmapped:?}");
    let missing: Vec<_> = modules
        .difference(&mapped)
        .filter(|name| **name != "moment")
        .collect();
    assert!(missing.is_empty(), "there and not in the map: {missing:?}");
    let arrows: BTreeSet<&str> = ARROWS.into_iter().map(|(room, _)| room).collect();
    assert_eq!(arrows, modules);
}

#[test]
fn hickory_stays_inside() {
    for source in sources("src") {
        let inside = matches!(source.room(), "dns" | "dnssec");
        let code = code(&source.text);
        let named = [
            "hickory_proto",
            "hickory_net",
            "hickory_server",
            "hickory_resolver",
        ]
        .into_iter()
        .find(|word| names(&code, word));
        assert!(inside || named.is_none(), "{}: {named:?}", source.path);
        // Not even there in what others see.
        for line in code.lines().filter(|line| line.trim_start().starts_with("pub ")) {
            assert!(!line.contains("hickory"), "{}: {line}", source.path);
        }
    }
}

#[test]
fn the_time_is_asked_for_in_few_places() {
    for source in sources("src").iter().filter(|source| !source.is_test()) {
        let code = shipped(&source.text);
        let asks = ["Instant::now", "SystemTime::now", "Timestamp::now", "Zoned::now"];
        let asks = asks.into_iter().find(|word| names(&code, word));
        assert!(
            asks.is_none() || CLOCKS.contains(&source.path.as_str()),
            "{}: {asks:?}; take the time as an argument, or a Clock",
            source.path
        );
    }
}

#[test]
fn nothing_unsafe_unfinished_or_left_out() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("unsafe_code = \"forbid\""));
    for folder in ["src", "tests", "benches"] {
        for source in sources(folder) {
            let code = code(&source.text);
            assert!(!names(&code, "unsafe"), "{folder}/{}: unsafe", source.path);
            assert!(
                !code.contains("#[ignore"),
                "{folder}/{}: an ignored test",
                source.path
            );
            for word in ["todo!", "unimplemented!"] {
                assert!(!code.contains(word), "{folder}/{}: {word}", source.path);
            }
        }
    }
}

#[test]
fn no_file_is_too_long() {
    for source in sources("src") {
        let lines = source.text.lines().count();
        assert!(lines <= LONGEST, "src/{}: {lines} lines", source.path);
    }
    let main = std::fs::read_to_string(root().join("src/main.rs")).unwrap();
    assert!(main.lines().count() < 60);
}

/// What is compiled for tests only is marked so where it is declared.
#[test]
fn test_modules_are_marked() {
    for source in sources("src").iter().filter(|source| !source.is_test()) {
        let code = shipped(&source.text);
        for line in code.lines().map(str::trim) {
            let declares = line.trim_start_matches("pub(crate) ");
            assert!(
                !matches!(declares, "mod tests;" | "mod testing;"),
                "{}: {line} without #[cfg(test)]",
                source.path
            );
        }
    }
}

/// No private key in any form that a file could have; the marks are put together here, so that this file has none.
#[test]
fn no_private_keys() {
    let marks = [
        ["BEGIN", " PRIVATE KEY"].concat(),
        ["BEGIN", " EC PRIVATE KEY"].concat(),
        ["BEGIN", " RSA PRIVATE KEY"].concat(),
        ["BEGIN", " OPENSSH PRIVATE KEY"].concat(),
        ["Private-key", "-format:"].concat(),
    ];
    let mut folders = vec![root().to_path_buf()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_symlink() || name == "target" || name == ".git" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let octets = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&octets);
            seen += 1;
            for mark in &marks {
                assert!(!text.contains(mark.as_str()), "{}: {mark}", path.display());
            }
        }
    }
    assert!(seen > 200, "{seen} files");
}

/// The scanner finds what it is there for, and nothing else.
mod scanner {
    use super::*;

    #[test]
    fn finds_what_is_not_pure() {
        let found = |text: &str| impurities(&shipped(text));
        assert_eq!(found("use std::time::SystemTime;"), ["std::time::SystemTime"]);
        assert_eq!(found("fn f() { let t = Instant::now(); }"), ["Instant::now"]);
        assert_eq!(found("let s = std::fs::read(\"x\");"), ["std::fs"]);
        assert_eq!(found("use tokio::net::UdpSocket;"), ["tokio"]);
        assert_eq!(found("println!(\"x\");"), ["println"]);
        assert_eq!(found("use std::{fs, env};"), ["std::{"]);
        assert_eq!(found("let r: u8 = rand::random();"), ["rand"]);
        assert_eq!(found("use std::net::UdpSocket;"), ["std::net::UdpSocket"]);
    }

    #[test]
    fn passes_over_what_is_pure() {
        let found = |text: &str| impurities(&shipped(text));
        assert!(found("use std::net::SocketAddr; use std::time::Duration;").is_empty());
        assert!(found("// std::fs\n/* tokio */ let a = \"std::env \\\" tokio\"; let b = '\"';").is_empty());
        assert!(found("let a = r#\"tokio \" std::fs\"#; let operand = 1; my_println();").is_empty());
        assert!(found("fn f<'a>(x: &'a str) {}").is_empty());
    }

    #[test]
    fn leaves_tests_out_and_nothing_after_them() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { if x { std::fs::read(y); } } }\nfn c() { tokio::spawn(); }";
        assert_eq!(impurities(&shipped(text)), ["tokio"]);
        let text = "#[cfg(test)]\nmod tests;\nuse std::fs;";
        assert_eq!(impurities(&shipped(text)), ["std::fs"]);
    }

    #[test]
    fn finds_the_rooms() {
        let rooms = |text: &str| rooms_named(&shipped(text)).into_iter().collect::<Vec<_>>();
        assert_eq!(
            rooms("use crate::runner::Runner; let x = crate::lab::team();"),
            ["lab", "runner"]
        );
        assert_eq!(rooms("use crate::{cli, lab};"), ["{"]);
        assert!(rooms("// crate::cli").is_empty());
    }
}
