//! What every command is given.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::settings::{ObserveSettings, Settings, default_state};
use super::{Failure, Global, Output};
use crate::adapters::SystemClock;
use crate::adapters::journal::zone_dir;
use crate::dns::Name;
use crate::moment::Moment;
use crate::ports::Clock;

/// The output, and the ways to settings and state. Settings are read when a command asks for them.
#[derive(Debug)]
pub struct Context {
    /// Where output goes.
    pub out: Output,
    settings: Option<PathBuf>,
    state: Option<PathBuf>,
}

impl Context {
    /// From the flags that every command takes.
    pub fn new(global: &Global) -> Context {
        Context {
            out: Output::new(global.json, global.quiet),
            settings: global.settings.clone(),
            state: global.state.clone(),
        }
    }

    /// The settings file that was named, if one was.
    pub fn named_settings(&self) -> Option<&Path> {
        self.settings.as_deref()
    }

    /// The settings.
    ///
    /// # Errors
    /// If there are none, or they are wrong.
    pub fn settings(&self) -> Result<Settings, Failure> {
        match self.settings_if_any()? {
            Some(settings) => Ok(settings),
            None => Err(Failure::usage(
                "there is no settings file (looked for unbroken.toml here and in $XDG_CONFIG_HOME/unbroken/)",
            )
            .hint("`unbroken init` writes a first one; --settings names one elsewhere")),
        }
    }

    /// The settings, or none where no file was named and none is where one is looked for.
    ///
    /// # Errors
    /// If a file was named and cannot be read, or is wrong.
    pub fn settings_if_any(&self) -> Result<Option<Settings>, Failure> {
        match Settings::find(self.settings.as_deref()) {
            Some(path) => Ok(Some(Settings::load(&path)?)),
            None => Ok(None),
        }
    }

    /// How to look: from the settings, or the defaults where there are none.
    ///
    /// # Errors
    /// As [`Context::settings_if_any`].
    pub fn observe_settings(&self) -> Result<ObserveSettings, Failure> {
        Ok(self
            .settings_if_any()?
            .map(|settings| settings.observe)
            .unwrap_or_default())
    }

    /// The folder of all journals.
    ///
    /// # Errors
    /// If none was named and there is no home directory.
    pub fn state(&self) -> Result<PathBuf, Failure> {
        self.state.clone().or_else(default_state).ok_or_else(|| {
            Failure::usage("there is no folder for journals: neither XDG_STATE_HOME nor HOME is set")
                .hint("name one with --state DIR")
        })
    }

    /// The folder of a zone's journal.
    ///
    /// # Errors
    /// As [`Context::state`].
    pub fn journal_dir(&self, zone: &Name) -> Result<PathBuf, Failure> {
        Ok(zone_dir(&self.state()?, zone))
    }

    /// The zone that is meant: the one given, or the only one in the settings.
    ///
    /// # Errors
    /// If it is not in the settings, or none was given and there is not exactly one.
    pub fn zone(&self, settings: &Settings, given: Option<&Name>) -> Result<Name, Failure> {
        if let Some(zone) = given {
            settings.zone(zone)?;
            return Ok(zone.clone());
        }
        let mut zones = settings.zones.keys();
        match (zones.next(), zones.next()) {
            (Some(only), None) => Ok(only.clone()),
            _ => Err(Failure::usage(format!(
                "which zone? {} holds {} of them",
                settings.path.display(),
                settings.zones.len()
            ))
            .hint("name it with --zone ZONE")),
        }
    }

    /// The time now.
    pub fn now(&self) -> Moment {
        SystemClock.now()
    }

    /// Whether a person can be asked.
    pub fn can_ask(&self) -> bool {
        !self.out.json() && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks on stderr and reads a line; none at the end of input.
    pub fn ask(&self, question: &str) -> Option<String> {
        let mut stderr = io::stderr().lock();
        write!(stderr, "{question} ").and_then(|()| stderr.flush()).ok()?;
        let mut line = String::new();
        match io::stdin().lock().read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim().to_owned()),
        }
    }

    /// Whether a person types `word`, or said `--yes`.
    ///
    /// # Errors
    /// If nobody can be asked and `yes` was not said.
    pub fn confirmed(&self, yes: bool, question: &str, word: &str) -> Result<bool, Failure> {
        if yes {
            return Ok(true);
        }
        if !self.can_ask() {
            return Err(
                Failure::usage("this needs a confirmation, and there is nobody to ask here")
                    .hint("say --yes if you mean it"),
            );
        }
        let answer = self.ask(&format!("{question}\nType {word} to go on:"));
        Ok(answer.as_deref() == Some(word))
    }
}
