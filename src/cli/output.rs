//! What is printed where: people's output and documents on stdout, everything else on stderr.
//!
//! A reader that closed stdout (`| head`) is no error and stops nothing: a command that changes the world goes on.

use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::Mutex;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::{Exit, Failure};

/// What a piece of text means, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It holds.
    Good,
    /// It does not hold.
    Bad,
    /// Look here.
    Warn,
    /// Less important.
    Dim,
    /// More important.
    Strong,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
            Tone::Warn => AnsiColor::Yellow.on_default(),
            Tone::Dim => Style::new().dimmed(),
            Tone::Strong => Style::new().bold(),
        }
    }
}

/// Where output goes and in which form.
#[derive(Debug)]
pub struct Output {
    json: bool,
    quiet: bool,
    colour: bool,
    colour_err: bool,
    progress: bool,
    fault: Mutex<Option<io::Error>>,
}

impl Output {
    /// For the terminal or pipe that this process has.
    pub fn new(json: bool, quiet: bool) -> Output {
        Output {
            json,
            quiet,
            colour: !json && wants_colour(io::stdout().is_terminal()),
            colour_err: colour_on_stderr(),
            progress: !json && !quiet && io::stderr().is_terminal(),
            fault: Mutex::new(None),
        }
    }

    /// Whether documents are wanted instead of people's output.
    pub fn json(&self) -> bool {
        self.json
    }

    /// Whether bars and lines that are drawn over may be shown on stderr.
    pub fn progress(&self) -> bool {
        self.progress
    }

    /// A line for people on stdout; nothing with `--json`.
    pub fn line(&self, text: impl Display) {
        if !self.json {
            self.write(format!("{text}\n").as_bytes());
        }
    }

    /// One document on stdout, the only one.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn document(&self, value: &impl Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_vec_pretty(value).map_err(json_failure)?;
        text.push(b'\n');
        self.write(&text);
        Ok(())
    }

    /// One line of a stream of documents on stdout.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn stream(&self, value: &impl Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_vec(value).map_err(json_failure)?;
        text.push(b'\n');
        self.write(&text);
        Ok(())
    }

    /// Octets on stdout, as they are.
    pub fn write(&self, octets: &[u8]) {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(octets).and_then(|()| stdout.flush());
        if let (Err(error), Ok(mut fault)) = (written, self.fault.lock()) {
            fault.get_or_insert(error);
        }
    }

    /// A line on stderr that tells what goes on; not with `--quiet`.
    pub fn note(&self, text: impl Display) {
        if !self.quiet {
            eprint_line(&text.to_string());
        }
    }

    /// An error and what to do about it, on stderr; with `--json` a document on stdout too.
    pub fn failure(&self, failure: &Failure) {
        let mark = paint(self.colour_err, Tone::Bad, "error:");
        eprint_line(&format!("{mark} {failure}"));
        for hint in failure.hints() {
            let mark = paint(self.colour_err, Tone::Strong, "hint:");
            eprint_line(&format!("  {mark} {hint}"));
        }
        if self.json {
            // A failure's document is plain strings and a number.
            let _ = self.document(&failure.document());
        }
    }

    /// Text in the colour of its meaning, where stdout shows colours.
    pub fn paint(&self, tone: Tone, text: impl Display) -> String {
        paint(self.colour, tone, text)
    }

    /// What went wrong with stdout, other than that its reader went away.
    pub(super) fn fault(&self) -> Option<Failure> {
        let fault = self.fault.lock().ok()?.take()?;
        match fault.kind() {
            ErrorKind::BrokenPipe => None,
            _ => Some(Failure::refused(format!("stdout cannot be written: {fault}"))),
        }
    }
}

fn json_failure(error: serde_json::Error) -> Failure {
    Failure::new(Exit::Fault, format!("the document cannot be written: {error}"))
}

fn paint(colour: bool, tone: Tone, text: impl Display) -> String {
    if colour {
        let style = tone.style();
        format!("{style}{text}{style:#}")
    } else {
        text.to_string()
    }
}

/// A line on stderr; if that is closed, there is nobody to tell.
fn eprint_line(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether stderr shows colours.
pub fn colour_on_stderr() -> bool {
    wants_colour(io::stderr().is_terminal())
}

/// See <https://no-color.org>.
fn wants_colour(terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    terminal && !dumb && !set("NO_COLOR")
}
