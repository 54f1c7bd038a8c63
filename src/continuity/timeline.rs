//! A timeline: all that was served, or will be, and when.

use std::collections::{BTreeMap, HashSet};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value as Json, json};

use super::class::Class;
use super::error::TimelineError;
use super::json::{self, Reader};
use super::version::{NewVersion, TimeForm, Value, Version};

/// What is known of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its algorithm, by the IANA number.
    pub algorithm: u8,
}

/// The versions of a zone's RRsets over time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    /// The zone's name; only shown.
    pub zone: String,
    /// The names of the providers.
    pub providers: Vec<String>,
    /// The keys, by the names that the versions use.
    pub keys: BTreeMap<String, KeyInfo>,
    /// The versions, in any order. Versions that are equal count as one.
    pub versions: Vec<Version>,
    /// How times are written.
    pub form: TimeForm,
}

impl Timeline {
    /// A timeline without versions. `keys` gives the algorithm number of each key.
    pub fn new<'a>(
        zone: &str,
        providers: impl IntoIterator<Item = &'a str>,
        keys: impl IntoIterator<Item = (&'a str, u8)>,
    ) -> Self {
        Timeline {
            zone: zone.to_owned(),
            providers: providers.into_iter().map(str::to_owned).collect(),
            keys: keys
                .into_iter()
                .map(|(name, algorithm)| (name.to_owned(), KeyInfo { algorithm }))
                .collect(),
            ..Timeline::default()
        }
    }

    /// Reads and validates the JSON form. Unknown fields are ignored.
    ///
    /// # Errors
    /// [`TimelineError`] for what is not JSON, lacks a field, or fails [`Timeline::validate`].
    pub fn from_json(text: &str) -> Result<Self, TimelineError> {
        let mut file = parse_object(text, "a timeline object")?;
        let mut reader = Reader::default();
        let mut timeline = Timeline {
            zone: json::string("", &file, "zone")?.to_owned(),
            providers: json::strings("", &file, "providers")?,
            keys: read_keys(&file)?,
            ..Timeline::default()
        };
        for (at, json) in take_list(&mut file, "versions")?.into_iter().enumerate() {
            timeline
                .versions
                .push(reader.version(&format!("versions[{at}]"), json)?);
        }
        timeline.form = reader.form.unwrap_or_default();
        timeline.validate()?;
        Ok(timeline)
    }

    /// Checks what the format demands of every version.
    ///
    /// # Errors
    /// [`TimelineError`] for an unknown key or provider, an interval that ends before it begins, or a DNSKEY RRset
    /// that is signed by a key outside it.
    pub fn validate(&self) -> Result<(), TimelineError> {
        let names = Names::of(self);
        for (at, version) in self.versions.iter().enumerate() {
            let place = || format!("versions[{at}]");
            names.check(&version.value, place)?;
            check_order(version.from, version.until, place)?;
            check_valid(version.valid, place)?;
        }
        Ok(())
    }

    /// The JSON form. Versions that were read are written as they stood.
    pub fn to_json(&self) -> Json {
        let keys: Map<String, Json> = self
            .keys
            .iter()
            .map(|(name, key)| (name.clone(), json!({ "algorithm": key.algorithm })))
            .collect();
        let versions: Vec<Json> = self.versions.iter().map(|v| v.to_json(self.form)).collect();
        json!({ "zone": self.zone, "providers": self.providers, "keys": keys, "versions": versions })
    }

    /// The classes of resolvers that this timeline is judged for: see [`Class::family`].
    pub fn classes(&self) -> Vec<Class> {
        Class::family(self.keys.values().map(|key| key.algorithm))
    }

    /// Reads a class by its name and makes sure that this timeline has it.
    ///
    /// # Errors
    /// [`TimelineError::UnknownClass`] with the names that would do.
    pub fn class(&self, name: &str) -> Result<Class, TimelineError> {
        let known = self.classes();
        name.parse()
            .ok()
            .filter(|class| known.contains(class))
            .ok_or_else(|| TimelineError::UnknownClass {
                name: name.to_owned(),
                known: known.iter().map(Class::to_string).collect::<Vec<_>>().join(", "),
            })
    }
}

impl Serialize for Timeline {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(to)
    }
}

/// What is proposed: some versions end, others begin, all at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Versions of the timeline that end, found by equality.
    pub end: Vec<Version>,
    /// Versions that begin.
    pub begin: Vec<NewVersion>,
}

impl Change {
    /// Reads the JSON form, `{"end":[..],"begin":[..]}`; either may be missing.
    ///
    /// # Errors
    /// [`TimelineError`] as for a timeline. Names are checked against a timeline only when it is used.
    pub fn from_json(text: &str) -> Result<Self, TimelineError> {
        let mut file = parse_object(text, "a change object")?;
        let mut reader = Reader::default();
        let mut change = Change::default();
        if file.contains_key("end") {
            for (at, json) in take_list(&mut file, "end")?.into_iter().enumerate() {
                change.end.push(reader.version(&format!("end[{at}]"), json)?);
            }
        }
        if file.contains_key("begin") {
            for (at, json) in take_list(&mut file, "begin")?.into_iter().enumerate() {
                change
                    .begin
                    .push(reader.new_version(&format!("begin[{at}]"), json)?);
            }
        }
        Ok(change)
    }

    /// Checks the names in it against a timeline.
    pub(super) fn validate(&self, timeline: &Timeline) -> Result<(), TimelineError> {
        let names = Names::of(timeline);
        for (at, version) in self.end.iter().enumerate() {
            names.check(&version.value, || format!("end[{at}]"))?;
        }
        for (at, version) in self.begin.iter().enumerate() {
            names.check(&version.value, || format!("begin[{at}]"))?;
            check_valid(version.valid, || format!("begin[{at}]"))?;
        }
        Ok(())
    }
}

/// The names that versions may use.
struct Names<'a> {
    timeline: &'a Timeline,
    providers: HashSet<&'a str>,
}

impl<'a> Names<'a> {
    fn of(timeline: &'a Timeline) -> Self {
        Names {
            timeline,
            providers: timeline.providers.iter().map(String::as_str).collect(),
        }
    }

    fn check(&self, value: &Value, place: impl Fn() -> String) -> Result<(), TimelineError> {
        if let Some(at) = value.at() {
            self.provider(at, &place)?;
        }
        match value {
            Value::ParentNs { providers } | Value::ApexNs { providers, .. } => {
                providers.iter().try_for_each(|p| self.provider(p, &place))
            }
            Value::Ds { records } => records.iter().try_for_each(|ds| self.key(&ds.key, &place)),
            Value::Data { signed_by, .. } => signed_by.iter().try_for_each(|key| self.key(key, &place)),
            Value::Dnskey { keys, signed_by, .. } => {
                keys.iter().try_for_each(|key| self.key(key, &place))?;
                signed_by.iter().try_for_each(|key| self.key(key, &place))?;
                match signed_by.iter().find(|key| !keys.contains(key)) {
                    Some(key) => Err(TimelineError::ForeignSigner {
                        place: place(),
                        key: key.clone(),
                    }),
                    None => Ok(()),
                }
            }
        }
    }

    fn provider(&self, name: &str, place: &impl Fn() -> String) -> Result<(), TimelineError> {
        if self.providers.contains(name) {
            return Ok(());
        }
        Err(TimelineError::UnknownProvider {
            place: place(),
            provider: name.to_owned(),
        })
    }

    fn key(&self, name: &str, place: &impl Fn() -> String) -> Result<(), TimelineError> {
        if self.timeline.keys.contains_key(name) {
            return Ok(());
        }
        Err(TimelineError::UnknownKey {
            place: place(),
            key: name.to_owned(),
        })
    }
}

fn check_order(from: i64, until: Option<i64>, place: impl Fn() -> String) -> Result<(), TimelineError> {
    match until {
        Some(until) if until < from => Err(TimelineError::EndsBeforeItBegins {
            place: place(),
            from,
            until,
        }),
        _ => Ok(()),
    }
}

fn check_valid(valid: Option<(i64, i64)>, place: impl Fn() -> String) -> Result<(), TimelineError> {
    match valid {
        Some((from, until)) => check_order(from, Some(until), || format!("{}.valid", place())),
        None => Ok(()),
    }
}

fn parse_object(text: &str, expected: &'static str) -> Result<Map<String, Json>, TimelineError> {
    match serde_json::from_str(text) {
        Ok(Json::Object(object)) => Ok(object),
        Ok(other) => Err(json::wrong("top level", expected, Some(&other))),
        Err(error) => Err(TimelineError::Json(error.to_string())),
    }
}

fn take_list(file: &mut Map<String, Json>, name: &str) -> Result<Vec<Json>, TimelineError> {
    match file.get_mut(name).map(Json::take) {
        Some(Json::Array(list)) => Ok(list),
        other => Err(json::field("", name, "a list", other.as_ref())),
    }
}

fn read_keys(file: &Map<String, Json>) -> Result<BTreeMap<String, KeyInfo>, TimelineError> {
    let Some(Json::Object(keys)) = file.get("keys") else {
        return Err(json::field("", "keys", "an object", file.get("keys")));
    };
    keys.iter()
        .map(|(name, json)| {
            let place = format!("keys.{name}");
            let key = json
                .as_object()
                .ok_or_else(|| json::wrong(&place, "a key object", Some(json)))?;
            Ok((
                name.clone(),
                KeyInfo {
                    algorithm: json::small(&place, key, "algorithm")?,
                },
            ))
        })
        .collect()
}
