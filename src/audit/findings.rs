//! What is wrong, missing, or worth knowing, each with a stable code and where it is.

use serde::Serialize;

use crate::evidence::BlobId;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gravity {
    /// Good to know.
    Remark,
    /// Something cannot be told from this evidence.
    Open,
    /// Something does not hold.
    Fails,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is; the codes are listed in the documentation and stay.
    pub code: &'static str,
    /// How much it weighs.
    pub gravity: Gravity,
    /// The entry's number, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
    /// The file in the bundle, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The message, by its hash, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob: Option<BlobId>,
    /// In words.
    pub text: String,
}

impl Finding {
    fn new(gravity: Gravity, code: &'static str, text: impl Into<String>) -> Finding {
        Finding {
            code,
            gravity,
            entry: None,
            file: None,
            blob: None,
            text: text.into(),
        }
    }

    /// Something does not hold.
    pub fn fails(code: &'static str, text: impl Into<String>) -> Finding {
        Finding::new(Gravity::Fails, code, text)
    }

    /// Something cannot be told.
    pub fn open(code: &'static str, text: impl Into<String>) -> Finding {
        Finding::new(Gravity::Open, code, text)
    }

    /// Good to know.
    pub fn remark(code: &'static str, text: impl Into<String>) -> Finding {
        Finding::new(Gravity::Remark, code, text)
    }

    /// It is about that entry.
    #[must_use]
    pub fn at(self, entry: u64) -> Finding {
        Finding {
            entry: Some(entry),
            ..self
        }
    }

    /// It is about that file.
    #[must_use]
    pub fn of(self, file: impl Into<String>) -> Finding {
        Finding {
            file: Some(file.into()),
            ..self
        }
    }

    /// It is about that message.
    #[must_use]
    pub fn on(self, blob: BlobId) -> Finding {
        Finding {
            blob: Some(blob),
            ..self
        }
    }
}

/// So many findings of one code are kept; all are counted.
const MOST_OF_A_CODE: usize = 100;

/// The findings so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings {
    kept: Vec<Finding>,
    counts: std::collections::BTreeMap<&'static str, usize>,
    worst: Option<Gravity>,
}

impl Findings {
    pub(super) fn push(&mut self, finding: Finding) {
        self.worst = self.worst.max(Some(finding.gravity));
        let count = self.counts.entry(finding.code).or_insert(0);
        *count += 1;
        if *count <= MOST_OF_A_CODE {
            self.kept.push(finding);
        }
    }

    /// Takes in those that were found elsewhere.
    pub(super) fn absorb(&mut self, other: Findings) {
        self.worst = self.worst.max(other.worst);
        for (code, count) in &other.counts {
            *self.counts.entry(code).or_insert(0) += count;
        }
        for finding in other.kept {
            let held = self.kept.iter().filter(|known| known.code == finding.code);
            if held.count() < MOST_OF_A_CODE {
                self.kept.push(finding);
            }
        }
    }

    /// Whether there is one of that code.
    pub(super) fn has(&self, code: &str) -> bool {
        self.counts.contains_key(code)
    }

    pub(super) fn worst(&self) -> Option<Gravity> {
        self.worst
    }

    /// All that were kept, and how many there are of each code.
    pub(super) fn into_parts(self) -> (Vec<Finding>, std::collections::BTreeMap<&'static str, usize>) {
        let mut kept = self.kept;
        kept.sort_by_key(|finding| std::cmp::Reverse(finding.gravity));
        (kept, self.counts)
    }
}
