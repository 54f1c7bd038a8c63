//! `unbroken continuity`: check a timeline; ask what a change now would break, and from when on it would not.

mod text;

use std::fmt::Display;
use std::io::Read;
use std::path::Path;

use clap::{Args, Subcommand, ValueEnum};

use super::{Context, Exit, Failure};
use crate::continuity::{Change, Class, Mode, Options, Timeline, check, earliest, parse_time};

/// Check a timeline of DNS versions for moments at which some validating resolver fails.
#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  unbroken continuity check timeline.json\n  unbroken continuity earliest timeline.json change.json --now 2026-11-24T10:00:00Z"
)]
pub struct ContinuityArgs {
    /// What to ask.
    #[command(subcommand)]
    pub question: Question,
}

/// What can be asked of a timeline.
#[derive(Debug, Subcommand)]
pub enum Question {
    /// Find every conflict in a timeline, each with a resolver that fails.
    ///
    /// Exit status: 0 continuous, 1 not, 2 the file cannot be used.
    #[command(
        after_help = "Example:\n  unbroken continuity check timeline.json --class all-lenient --ttl-floor 60"
    )]
    Check {
        /// The timeline, JSON; `-` for standard input.
        file: String,
        /// How to judge.
        #[command(flatten)]
        judge: Judge,
    },
    /// Find the first second at which a change breaks nothing.
    ///
    /// CHANGE is a file, or the JSON itself: {"end":[versions as in FILE],"begin":[versions without "from"]}.
    /// Exit status: 0 there is such a second, 1 there is none, 2 the input cannot be used.
    #[command(
        after_help = "Example:\n  unbroken continuity earliest timeline.json change.json --now 2026-11-24T10:00:00Z"
    )]
    Earliest {
        /// The timeline, JSON; `-` for standard input.
        file: String,
        /// The change: a file, `-`, or JSON that begins with `{`.
        change: String,
        /// The first moment at which the change could be made: Unix seconds or RFC 3339.
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        now: String,
        /// How to judge.
        #[command(flatten)]
        judge: Judge,
    },
}

/// How to judge.
#[derive(Debug, Args)]
pub struct Judge {
    /// Look at this class of resolvers only: all-lenient, all-strict, only-N, no-sha1, no-digest-4. May be repeated.
    #[arg(long = "class", value_name = "NAME")]
    pub classes: Vec<String>,
    /// Count every TTL as at least this many seconds (resolvers with a minimum TTL).
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub ttl_floor: u32,
    /// Let NS and data live this many seconds longer (serve-stale, RFC 8767).
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub stale: u32,
    /// `bounded`: a provider that names itself is forgotten one TTL of its apex NS after nobody else names it.
    #[arg(long, value_name = "HOW")]
    pub sticky: Option<Sticky>,
    /// Which mixtures of answers count: any-mixture, or fetch-time (weaker, and not yet a stable definition).
    #[arg(long, value_name = "MODE", default_value_t = Mode::AnyMixture)]
    pub mode: Mode,
}

/// How a provider that names itself is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sticky {
    /// It is forgotten in the end; what holds only so is marked.
    Bounded,
}

/// What a command has to say: everything that it prints, and its exit status.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    out: String,
    error: Option<String>,
    exit: Exit,
}

/// Answers a question about a timeline, as text or as one JSON document.
///
/// # Errors
/// If the input cannot be used.
pub async fn run(args: &ContinuityArgs, context: &Context) -> Result<Exit, Failure> {
    let answer = answer(args, context.out.json(), &mut std::io::stdin());
    if let Some(error) = answer.error {
        return Err(Failure::usage(error));
    }
    context.out.write(answer.out.as_bytes());
    Ok(answer.exit)
}

fn answer(args: &ContinuityArgs, json: bool, stdin: &mut dyn Read) -> Answer {
    let result = match &args.question {
        Question::Check { file, judge } => answer_check(file, judge, json, stdin),
        Question::Earliest {
            file,
            change,
            now,
            judge,
        } => answer_earliest(file, change, now, judge, json, stdin),
    };
    result.unwrap_or_else(|error| Answer {
        out: String::new(),
        error: Some(error),
        exit: Exit::Usage,
    })
}

fn answer_check(file: &str, judge: &Judge, json: bool, stdin: &mut dyn Read) -> Result<Answer, String> {
    let timeline = read_timeline(file, stdin)?;
    let report = check(&timeline, &judge.options(&timeline)?);
    let exit = if report.continuous {
        Exit::Done
    } else {
        Exit::Fails
    };
    let out = if json {
        document(&report.to_json())
    } else {
        text::report(&timeline, &report)
    };
    Ok(Answer {
        out,
        error: None,
        exit,
    })
}

fn answer_earliest(
    file: &str,
    change: &str,
    now: &str,
    judge: &Judge,
    json: bool,
    stdin: &mut dyn Read,
) -> Result<Answer, String> {
    if file == "-" && change == "-" {
        return Err("only one of FILE and CHANGE can be standard input".into());
    }
    let timeline = read_timeline(file, stdin)?;
    let text = if change.trim_start().starts_with('{') {
        change.to_owned()
    } else {
        read(change, stdin)?
    };
    let label = if text == change { "the change" } else { change };
    let change = Change::from_json(&text).map_err(|error| in_file(label, error))?;
    let now = parse_time(now).ok_or_else(|| {
        format!("--now {now}: no time; use whole Unix seconds or RFC 3339, such as 2026-11-24T10:00:00Z")
    })?;
    let found = earliest(&timeline, &change, now, &judge.options(&timeline)?)
        .map_err(|error| in_file(label, error))?;
    let exit = if found.earliest.is_some() {
        Exit::Done
    } else {
        Exit::Fails
    };
    let out = if json {
        document(&found.to_json())
    } else {
        text::earliest(&timeline, &found, now)
    };
    Ok(Answer {
        out,
        error: None,
        exit,
    })
}

impl Judge {
    fn options(&self, timeline: &Timeline) -> Result<Options, String> {
        let classes: Result<Vec<Class>, _> = self
            .classes
            .iter()
            .map(|name| timeline.class(name).map_err(|e| format!("--class: {e}")))
            .collect();
        Ok(Options {
            classes: Some(classes?).filter(|classes| !classes.is_empty()),
            ttl_floor: self.ttl_floor,
            stale: self.stale,
            sticky_bounded: self.sticky == Some(Sticky::Bounded),
            mode: self.mode,
        })
    }
}

fn read_timeline(file: &str, stdin: &mut dyn Read) -> Result<Timeline, String> {
    let text = read(file, stdin)?;
    Timeline::from_json(&text).map_err(|error| in_file(file, error))
}

fn in_file(file: &str, error: impl Display) -> String {
    let file = if file == "-" { "standard input" } else { file };
    format!("{file}: {error}")
}

fn read(file: &str, stdin: &mut dyn Read) -> Result<String, String> {
    if file != "-" {
        return std::fs::read_to_string(Path::new(file)).map_err(|error| {
            format!("{file}: cannot be read: {error}; give a file, or - for standard input")
        });
    }
    let mut text = String::new();
    stdin
        .read_to_string(&mut text)
        .map_err(|error| format!("standard input cannot be read: {error}"))?;
    Ok(text)
}

fn document(json: &serde_json::Value) -> String {
    format!("{json:#}\n")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Main {
        #[command(flatten)]
        args: ContinuityArgs,
    }

    const BROKEN: &str = r#"{"zone":"shop.test.","providers":["a"],"keys":{"k":{"algorithm":13}},"versions":[
        {"kind":"parent_ns","from":0,"until":null,"ttl":300,"providers":["a"]},
        {"kind":"apex_ns","at":"a","from":0,"until":null,"ttl":300,"providers":["a"]},
        {"kind":"ds","from":0,"until":null,"ttl":300,"ds":[{"key":"k","digest":2}]},
        {"kind":"dnskey","at":"a","from":0,"until":null,"ttl":300,"keys":["k"],"signed_by":["k"]},
        {"kind":"data","at":"a","from":0,"until":1000,"ttl":300,"signed_by":["k"]},
        {"kind":"data","at":"a","from":1000,"until":null,"ttl":300,"signed_by":[]}]}"#;
    const REPAIR: &str = r#"{"end":[{"kind":"data","at":"a","from":1000,"until":null,"ttl":300,"signed_by":[]}],
        "begin":[{"kind":"data","at":"a","ttl":300,"signed_by":["k"]}]}"#;

    fn ask(words: &[&str], json: bool, stdin: &str) -> Answer {
        let args = Main::try_parse_from([&["continuity"], words].concat())
            .unwrap()
            .args;
        answer(&args, json, &mut stdin.as_bytes())
    }

    fn json(answer: &Answer) -> serde_json::Value {
        serde_json::from_str(&answer.out).unwrap()
    }

    #[test]
    fn check_says_what_does_not_hold() {
        let found = ask(&["check", "-"], true, BROKEN);
        assert_eq!((found.exit.code(), &found.error), (1, &None));
        assert_eq!(json(&found)["conflicts"][0]["rule"], "dnskey-data");
        let one = ask(
            &["check", "-", "--class", "only-13", "--ttl-floor", "60"],
            true,
            BROKEN,
        );
        assert_eq!(json(&one)["conflicts"].as_array().unwrap().len(), 2);
        assert_eq!(json(&one)["ttl_floor"], 60);
        let whole = BROKEN.replace(r#""signed_by":[]"#, r#""signed_by":["k"]"#);
        let fine = ask(
            &["check", "-", "--sticky", "bounded", "--mode", "fetch-time"],
            true,
            &whole,
        );
        assert_eq!((fine.exit.code(), &json(&fine)["continuous"]), (0, &true.into()));
    }

    #[test]
    fn earliest_says_when() {
        let found = ask(&["earliest", "-", REPAIR, "--now", "2000"], true, BROKEN);
        assert_eq!(found.exit.code(), 0);
        assert_eq!(
            (&json(&found)["earliest"], &json(&found)["clean_from"]),
            (&2000.into(), &2300.into())
        );
        let never =
            r#"{"end":[{"kind":"ds","from":0,"until":null,"ttl":300,"ds":[{"key":"k","digest":2}]}]}"#;
        let found = ask(
            &["earliest", "-", never, "--now", "1970-01-01T00:00:09Z"],
            true,
            BROKEN,
        );
        assert_eq!(
            (found.exit.code(), &json(&found)["earliest"]),
            (1, &serde_json::Value::Null)
        );
    }

    #[test]
    fn wrong_input_is_said_on_the_other_stream() {
        let wrong = |words: &[&str], stdin: &str| {
            let answer = ask(words, true, stdin);
            assert_eq!((answer.exit.code(), answer.out.as_str()), (2, ""));
            answer.error.unwrap()
        };
        assert!(wrong(&["check", "-"], "{").starts_with("standard input: not JSON"));
        assert!(wrong(&["check", "/nowhere/at-all"], "").contains("cannot be read"));
        let class = wrong(&["check", "-", "--class", "only-8"], BROKEN);
        assert!(
            class.starts_with("--class: unknown class \"only-8\"; for this file there are"),
            "{class}"
        );
        assert!(wrong(&["earliest", "-", "-", "--now", "0"], BROKEN).starts_with("only one of"));
        assert!(
            wrong(&["earliest", "-", REPAIR, "--now", "soon"], BROKEN).starts_with("--now soon: no time")
        );
        let early = wrong(
            &[
                "earliest",
                "-",
                REPAIR.replace("1000", "7").as_str(),
                "--now",
                "0",
            ],
            BROKEN,
        );
        assert!(
            early.starts_with("the change: end[0]: the timeline has no such version"),
            "{early}"
        );
        assert!(Main::try_parse_from(["continuity", "check", "-", "--sticky", "forever"]).is_err());
        assert!(Main::try_parse_from(["continuity", "earliest", "-", REPAIR]).is_err());
        assert!(Main::try_parse_from(["continuity", "earliest", "-", REPAIR, "--now", "-5"]).is_ok());
    }

    /// The guide shows real output: each block that begins with `$ unbroken continuity` is run.
    #[test]
    fn the_guide_shows_what_the_commands_say() {
        let guide = include_str!("../../docs/continuity.md");
        let mut run = 0;
        for block in guide
            .split("```")
            .filter_map(|block| block.trim().strip_prefix("$ unbroken continuity "))
        {
            let (command, shown) = block.split_once('\n').unwrap();
            let command = command.replace("docs/", concat!(env!("CARGO_MANIFEST_DIR"), "/docs/"));
            let words: Vec<&str> = command
                .split_whitespace()
                .filter(|word| *word != "--json")
                .collect();
            let found = ask(&words, words.len() < command.split_whitespace().count(), "");
            assert_eq!(found.out.trim(), shown.trim(), "{command}");
            run += 1;
        }
        assert_eq!(run, 3);
    }
}
