//! A version: one value of one RRset at one place, and the time in which it was served.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::json;

/// A DS record: which key it names, and by which digest type (RFC 4034 section 5; 1 SHA-1, 2 SHA-256, 4 SHA-384).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DsRef {
    /// The name of the key in the timeline's `keys`.
    pub key: String,
    /// The digest type.
    pub digest: u8,
}

/// What was served, and where. Providers and keys are called by their names in the timeline.
///
/// Lists are sets: order and repetition do not matter.
#[derive(Debug, Clone)]
pub enum Value {
    /// The delegation at the parent, with the providers that its name servers lead to.
    ParentNs {
        /// The providers named.
        providers: Vec<String>,
    },
    /// The zone's own NS RRset, as one provider serves it.
    ApexNs {
        /// The provider that serves it.
        at: String,
        /// The providers named.
        providers: Vec<String>,
    },
    /// The DS RRset at the parent. No records: a proven absence.
    Ds {
        /// The records.
        records: Vec<DsRef>,
    },
    /// The DNSKEY RRset of one provider. No keys: an answer that there is none.
    Dnskey {
        /// The provider that serves it.
        at: String,
        /// The keys in it.
        keys: Vec<String>,
        /// Those of them that sign it.
        signed_by: Vec<String>,
    },
    /// Everything else that a provider answers: positive answers, delegations and denials.
    Data {
        /// The provider that serves it.
        at: String,
        /// The keys with which *every* RRset and denial of this version is signed. None: unsigned.
        signed_by: Vec<String>,
    },
}

/// The kind of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// NS at the parent.
    ParentNs,
    /// NS at the apex.
    ApexNs,
    /// DS at the parent.
    Ds,
    /// DNSKEY at a provider.
    Dnskey,
    /// Everything else at a provider.
    Data,
}

impl Kind {
    /// The name in a file.
    pub fn name(self) -> &'static str {
        match self {
            Kind::ParentNs => "parent_ns",
            Kind::ApexNs => "apex_ns",
            Kind::Ds => "ds",
            Kind::Dnskey => "dnskey",
            Kind::Data => "data",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl Value {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Value::ParentNs { .. } => Kind::ParentNs,
            Value::ApexNs { .. } => Kind::ApexNs,
            Value::Ds { .. } => Kind::Ds,
            Value::Dnskey { .. } => Kind::Dnskey,
            Value::Data { .. } => Kind::Data,
        }
    }

    /// The provider that serves it; `None` for what the parent serves.
    pub fn at(&self) -> Option<&str> {
        match self {
            Value::ParentNs { .. } | Value::Ds { .. } => None,
            Value::ApexNs { at, .. } | Value::Dnskey { at, .. } | Value::Data { at, .. } => Some(at),
        }
    }

    /// Whether signatures are expected with it, so that their window can be asked for.
    pub fn is_signed(&self) -> bool {
        match self {
            Value::ParentNs { .. } | Value::ApexNs { .. } => false,
            Value::Ds { .. } => true,
            Value::Dnskey { signed_by, .. } | Value::Data { signed_by, .. } => !signed_by.is_empty(),
        }
    }
}

fn same_set<T: Ord>(a: &[T], b: &[T]) -> bool {
    let sorted = |list: &[T]| -> bool { list.windows(2).all(|w| w[0] < w[1]) };
    if sorted(a) && sorted(b) {
        return a == b;
    }
    a.iter().all(|x| b.contains(x)) && b.iter().all(|x| a.contains(x))
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::ParentNs { providers: a }, Value::ParentNs { providers: b }) => same_set(a, b),
            (Value::ApexNs { at: p, providers: a }, Value::ApexNs { at: q, providers: b }) => {
                p == q && same_set(a, b)
            }
            (Value::Ds { records: a }, Value::Ds { records: b }) => same_set(a, b),
            (
                Value::Dnskey {
                    at: p,
                    keys: a,
                    signed_by: s,
                },
                Value::Dnskey {
                    at: q,
                    keys: b,
                    signed_by: t,
                },
            ) => p == q && same_set(a, b) && same_set(s, t),
            (Value::Data { at: p, signed_by: a }, Value::Data { at: q, signed_by: b }) => {
                p == q && same_set(a, b)
            }
            _ => false,
        }
    }
}

impl Eq for Value {}

/// One version: a value, and when it was served. Two are equal if all but their text in a file is.
#[derive(Debug, Clone)]
pub struct Version {
    /// What was served, and where.
    pub value: Value,
    /// The first moment at which it was served, Unix seconds.
    pub from: i64,
    /// The first moment at which it was served no more, Unix seconds; `None`: it still is.
    pub until: Option<i64>,
    /// The largest TTL, in seconds, that any RRset or negative answer of it can have in a cache. For NS that is the
    /// largest of the NS RRset, its glue and the addresses of the named servers.
    pub ttl: u32,
    /// The window in which its signatures are valid, half-open, Unix seconds. `None`: not known, not checked.
    pub valid: Option<(i64, i64)>,
    pub(super) raw: Option<Arc<serde_json::Value>>,
}

impl Version {
    /// A version without a known signature window. `ttl` in seconds, times in Unix seconds, `until` exclusive.
    pub fn new(value: Value, from: i64, until: Option<i64>, ttl: u32) -> Self {
        Version {
            value,
            from,
            until,
            ttl,
            valid: None,
            raw: None,
        }
    }

    /// The same with the window `[from, until)` of its signatures.
    #[must_use]
    pub fn with_valid(mut self, from: i64, until: i64) -> Self {
        self.valid = Some((from, until));
        self
    }

    /// Whether it is served at the moment `at`.
    pub fn is_served(&self, at: i64) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }

    /// The object in a file: as it was read, or newly written in the given form of time.
    pub fn to_json(&self, form: TimeForm) -> serde_json::Value {
        match &self.raw {
            Some(raw) if json::still_says(raw, self) => (**raw).clone(),
            _ => json::version(
                &self.value,
                Some(self.from),
                self.until,
                self.ttl,
                self.valid,
                form,
            ),
        }
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        (self.from, self.until, self.ttl, self.valid) == (other.from, other.until, other.ttl, other.valid)
            && self.value == other.value
    }
}

impl Eq for Version {}

/// A version that a change begins: it has no beginning yet.
#[derive(Debug, Clone)]
pub struct NewVersion {
    /// What will be served, and where.
    pub value: Value,
    /// When it will end, Unix seconds; `None`: not foreseen.
    pub until: Option<i64>,
    /// The largest TTL of it, in seconds.
    pub ttl: u32,
    /// The window of its signatures, half-open, Unix seconds.
    pub valid: Option<(i64, i64)>,
    pub(super) raw: Option<Arc<serde_json::Value>>,
}

impl NewVersion {
    /// A version that will be served until further notice, with a TTL in seconds.
    pub fn new(value: Value, ttl: u32) -> Self {
        NewVersion {
            value,
            until: None,
            ttl,
            valid: None,
            raw: None,
        }
    }

    /// The version that it becomes when it begins at `from` (Unix seconds).
    pub fn beginning(&self, from: i64) -> Version {
        Version {
            value: self.value.clone(),
            from,
            until: self.until,
            ttl: self.ttl,
            valid: self.valid,
            raw: self.raw.clone(),
        }
    }
}

impl PartialEq for NewVersion {
    fn eq(&self, other: &Self) -> bool {
        (self.until, self.ttl, self.valid) == (other.until, other.ttl, other.valid)
            && self.value == other.value
    }
}

impl Eq for NewVersion {}

/// How a file writes times. Output follows the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeForm {
    /// Integer Unix seconds.
    #[default]
    Unix,
    /// RFC 3339, UTC.
    Rfc3339,
}

impl TimeForm {
    /// A time as a JSON value. What RFC 3339 cannot say (years beyond 9999) stays an integer.
    pub fn json(self, seconds: i64) -> serde_json::Value {
        match self {
            TimeForm::Unix => seconds.into(),
            TimeForm::Rfc3339 => match jiff::Timestamp::from_second(seconds) {
                Ok(time) => time.to_string().into(),
                Err(_) => seconds.into(),
            },
        }
    }

    /// A time as text.
    pub fn text(self, seconds: i64) -> String {
        match self.json(seconds) {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sets() {
        let ns = |names: &[&str]| Value::ParentNs {
            providers: names.iter().map(|&n| n.into()).collect(),
        };
        assert_eq!(ns(&["a", "b"]), ns(&["b", "a", "a"]));
        assert_ne!(ns(&["a", "b"]), ns(&["a"]));
        assert_ne!(ns(&["a"]), ns(&["a", "b"]));
        assert_ne!(ns(&[]), Value::Ds { records: vec![] });
    }

    #[test]
    fn served_is_half_open() {
        let version = Version::new(Value::Ds { records: vec![] }, 10, Some(20), 5);
        assert!(!version.is_served(9) && version.is_served(10) && version.is_served(19));
        assert!(!version.is_served(20));
    }

    #[test]
    fn times_take_the_form_of_the_file() {
        assert_eq!(TimeForm::Rfc3339.text(0), "1970-01-01T00:00:00Z");
        assert_eq!(TimeForm::Unix.text(-5), "-5");
        assert_eq!(TimeForm::Rfc3339.text(i64::MAX), i64::MAX.to_string());
    }
}
