//! What a verification found.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::dns::{Name, Rtype};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Validators fail, or a rule is broken.
    Error,
    /// It could not be checked.
    Unknown,
    /// Look at it.
    Warning,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// A stable word.
    pub code: &'static str,
    /// Where.
    pub name: Name,
    /// Of which type, if it is about one.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub rtype: Option<Rtype>,
    /// What.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Unknown => "unknown",
            Severity::Warning => "warning",
        };
        write!(f, "{word} {} ", self.name)?;
        if let Some(rtype) = self.rtype {
            write!(f, "{rtype} ")?;
        }
        write!(f, "{}: {}", self.code, self.text)
    }
}

/// Findings: the first of them, and how many of each kind.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    list: Vec<Finding>,
    counts: BTreeMap<&'static str, (Severity, u64)>,
    most: usize,
    /// How many signatures were verified and found good.
    pub good_signatures: u64,
}

impl Findings {
    /// Keeps at most so many.
    pub fn new(most: usize) -> Findings {
        Findings {
            most,
            ..Findings::default()
        }
    }

    pub(super) fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        name: impl FnOnce() -> Name,
        rtype: Option<Rtype>,
        text: impl FnOnce() -> String,
    ) {
        self.counts.entry(code).or_insert((severity, 0)).1 += 1;
        if self.list.len() < self.most {
            self.list.push(Finding {
                severity,
                code,
                name: name(),
                rtype,
                text: text(),
            });
        }
    }

    /// Takes those of another part of the zone.
    pub fn merge(&mut self, other: Findings) {
        for (code, (severity, count)) in other.counts {
            self.counts.entry(code).or_insert((severity, 0)).1 += count;
        }
        self.good_signatures += other.good_signatures;
        self.list.extend(other.list);
    }

    /// The first of them in order: by name, type and code.
    pub fn sorted(&mut self) -> &[Finding] {
        self.list
            .sort_by(|a, b| (&a.name, a.rtype, a.code, &a.text).cmp(&(&b.name, b.rtype, b.code, &b.text)));
        self.list.truncate(self.most);
        &self.list
    }

    /// How many of each kind.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, Severity, u64)> {
        self.counts
            .iter()
            .map(|(code, (severity, count))| (*code, *severity, *count))
    }

    /// How many of a severity.
    pub fn count(&self, severity: Severity) -> u64 {
        self.counts()
            .filter(|(_, own, _)| *own == severity)
            .map(|(.., count)| count)
            .sum()
    }
}
