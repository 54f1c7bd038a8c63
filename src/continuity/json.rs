//! The file form of versions: reading one object, writing one object. Unknown fields are ignored.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::error::TimelineError;
use super::version::{DsRef, NewVersion, TimeForm, Value, Version};

/// The times that can be written as RFC 3339: the years -9999 to 9999.
const TIMES: std::ops::RangeInclusive<i64> = -377_705_023_201..=253_402_207_200;

/// Reads versions, and remembers how the first time that it met was written.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) form: Option<TimeForm>,
}

/// One version object, with or without a beginning.
struct Parts {
    value: Value,
    from: Option<i64>,
    until: Option<i64>,
    ttl: u32,
    valid: Option<(i64, i64)>,
}

impl Reader {
    /// A version of a timeline: `from` is needed.
    pub(super) fn version(&mut self, place: &str, json: Json) -> Result<Version, TimelineError> {
        let parts = self.parts(place, &json)?;
        let Some(from) = parts.from else {
            return Err(field(place, "from", "a time", None));
        };
        let Parts {
            value,
            until,
            ttl,
            valid,
            ..
        } = parts;
        Ok(Version {
            value,
            from,
            until,
            ttl,
            valid,
            raw: Some(Arc::new(json)),
        })
    }

    /// A version that a change begins: no `from` is allowed.
    pub(super) fn new_version(&mut self, place: &str, json: Json) -> Result<NewVersion, TimelineError> {
        let parts = self.parts(place, &json)?;
        if parts.from.is_some() {
            return Err(TimelineError::BeginHasFrom {
                place: place.to_owned(),
            });
        }
        let Parts {
            value,
            until,
            ttl,
            valid,
            ..
        } = parts;
        Ok(NewVersion {
            value,
            until,
            ttl,
            valid,
            raw: Some(Arc::new(json)),
        })
    }

    fn parts(&mut self, place: &str, json: &Json) -> Result<Parts, TimelineError> {
        let object = json
            .as_object()
            .ok_or_else(|| wrong(place, "a version object", Some(json)))?;
        let from = self.time(place, object, "from")?;
        let until = self.time(place, object, "until")?;
        Ok(Parts {
            value: value(place, object)?,
            from,
            until,
            ttl: ttl(place, object)?,
            valid: self.valid(place, object)?,
        })
    }

    fn time(
        &mut self,
        place: &str,
        of: &Map<String, Json>,
        name: &str,
    ) -> Result<Option<i64>, TimelineError> {
        match of.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(json) => self.moment(&format!("{place}.{name}"), json).map(Some),
        }
    }

    fn moment(&mut self, place: &str, json: &Json) -> Result<i64, TimelineError> {
        let (form, seconds) = match json {
            Json::Number(number) => (TimeForm::Unix, number.as_i64().filter(|s| TIMES.contains(s))),
            Json::String(text) => (TimeForm::Rfc3339, parse_rfc3339(text)),
            _ => return Err(wrong(place, "a time", Some(json))),
        };
        let seconds = seconds.ok_or_else(|| TimelineError::BadTime {
            place: place.to_owned(),
            found: json.to_string(),
        })?;
        self.form.get_or_insert(form);
        Ok(seconds)
    }

    fn valid(&mut self, place: &str, of: &Map<String, Json>) -> Result<Option<(i64, i64)>, TimelineError> {
        let json = match of.get("valid") {
            None | Some(Json::Null) => return Ok(None),
            Some(json) => json,
        };
        let place = format!("{place}.valid");
        let Some([from, until]) = json.as_array().map(Vec::as_slice) else {
            return Err(wrong(&place, "[from, until]", Some(json)));
        };
        let from = self.moment(&format!("{place}[0]"), from)?;
        let until = self.moment(&format!("{place}[1]"), until)?;
        Ok(Some((from, until)))
    }
}

/// Reads a time as a person or a file writes it: whole Unix seconds, or RFC 3339 with whole seconds.
pub(super) fn parse_time(text: &str) -> Option<i64> {
    match text.parse::<i64>() {
        Ok(seconds) => TIMES.contains(&seconds).then_some(seconds),
        Err(_) => parse_rfc3339(text),
    }
}

fn parse_rfc3339(text: &str) -> Option<i64> {
    let time: jiff::Timestamp = text.parse().ok()?;
    (time.subsec_nanosecond() == 0).then(|| time.as_second())
}

fn value(place: &str, object: &Map<String, Json>) -> Result<Value, TimelineError> {
    let kind = string(place, object, "kind")?;
    let at = || string(place, object, "at").map(str::to_owned);
    let names = |name| strings(place, object, name);
    Ok(match kind {
        "parent_ns" => Value::ParentNs {
            providers: names("providers")?,
        },
        "apex_ns" => Value::ApexNs {
            at: at()?,
            providers: names("providers")?,
        },
        "ds" => Value::Ds {
            records: ds_records(place, object)?,
        },
        "dnskey" => Value::Dnskey {
            at: at()?,
            keys: names("keys")?,
            signed_by: names("signed_by")?,
        },
        "data" => Value::Data {
            at: at()?,
            signed_by: names("signed_by")?,
        },
        _ => {
            return Err(TimelineError::UnknownKind {
                place: place.to_owned(),
                kind: kind.to_owned(),
            });
        }
    })
}

fn ttl(place: &str, object: &Map<String, Json>) -> Result<u32, TimelineError> {
    match object.get("ttl") {
        Some(Json::Number(number)) => number
            .as_u64()
            .and_then(|ttl| u32::try_from(ttl).ok())
            .ok_or_else(|| TimelineError::BadTtl {
                place: format!("{place}.ttl"),
                found: number.to_string(),
            }),
        other => Err(field(place, "ttl", "a number of seconds", other)),
    }
}

fn ds_records(place: &str, object: &Map<String, Json>) -> Result<Vec<DsRef>, TimelineError> {
    list(place, object, "ds")?
        .iter()
        .enumerate()
        .map(|(at, json)| {
            let place = format!("{place}.ds[{at}]");
            let record = json
                .as_object()
                .ok_or_else(|| wrong(&place, "a DS object", Some(json)))?;
            Ok(DsRef {
                key: string(&place, record, "key")?.to_owned(),
                digest: small(&place, record, "digest")?,
            })
        })
        .collect()
}

/// A number from 0 to 255: an algorithm or a digest type.
pub(super) fn small(place: &str, object: &Map<String, Json>, name: &str) -> Result<u8, TimelineError> {
    object
        .get(name)
        .and_then(Json::as_u64)
        .and_then(|n| u8::try_from(n).ok())
        .ok_or_else(|| field(place, name, "a number from 0 to 255", object.get(name)))
}

pub(super) fn string<'a>(
    place: &str,
    object: &'a Map<String, Json>,
    name: &str,
) -> Result<&'a str, TimelineError> {
    object
        .get(name)
        .and_then(Json::as_str)
        .ok_or_else(|| field(place, name, "a string", object.get(name)))
}

pub(super) fn list<'a>(
    place: &str,
    object: &'a Map<String, Json>,
    name: &str,
) -> Result<&'a [Json], TimelineError> {
    object
        .get(name)
        .and_then(Json::as_array)
        .map(Vec::as_slice)
        .ok_or_else(|| field(place, name, "a list", object.get(name)))
}

pub(super) fn strings(
    place: &str,
    object: &Map<String, Json>,
    name: &str,
) -> Result<Vec<String>, TimelineError> {
    list(place, object, name)?
        .iter()
        .enumerate()
        .map(|(at, json)| match json {
            Json::String(text) => Ok(text.clone()),
            _ => Err(wrong(
                &format!("{}[{at}]", path(place, name)),
                "a string",
                Some(json),
            )),
        })
        .collect()
}

fn path(place: &str, name: &str) -> String {
    if place.is_empty() {
        name.to_owned()
    } else {
        format!("{place}.{name}")
    }
}

pub(super) fn field(place: &str, name: &str, expected: &'static str, found: Option<&Json>) -> TimelineError {
    wrong(&path(place, name), expected, found)
}

pub(super) fn wrong(place: &str, expected: &'static str, found: Option<&Json>) -> TimelineError {
    let found = match found {
        None => "nothing".to_owned(),
        Some(Json::Object(_)) => "an object".to_owned(),
        Some(Json::Array(_)) => "a list".to_owned(),
        Some(json) => json.to_string(),
    };
    TimelineError::Field {
        place: place.to_owned(),
        expected,
        found,
    }
}

/// Whether an object as it was read still says what the version says now.
pub(super) fn still_says(raw: &Json, version: &Version) -> bool {
    let Ok(parts) = Reader::default().parts("", raw) else {
        return false;
    };
    parts.from.is_none_or(|from| from == version.from)
        && (parts.until, parts.ttl, parts.valid) == (version.until, version.ttl, version.valid)
        && parts.value == version.value
}

/// Writes a version object; without a beginning for what a change begins.
pub(super) fn version(
    value: &Value,
    from: Option<i64>,
    until: Option<i64>,
    ttl: u32,
    valid: Option<(i64, i64)>,
    form: TimeForm,
) -> Json {
    let mut object = Map::new();
    object.insert("kind".into(), value.kind().name().into());
    if let Some(at) = value.at() {
        object.insert("at".into(), at.into());
    }
    if let Some(from) = from {
        object.insert("from".into(), form.json(from));
    }
    object.insert("until".into(), until.map_or(Json::Null, |until| form.json(until)));
    object.insert("ttl".into(), ttl.into());
    match value {
        Value::ParentNs { providers } | Value::ApexNs { providers, .. } => {
            object.insert("providers".into(), json!(providers));
        }
        Value::Ds { records } => {
            let records: Vec<Json> = records
                .iter()
                .map(|ds| json!({ "key": ds.key, "digest": ds.digest }))
                .collect();
            object.insert("ds".into(), records.into());
        }
        Value::Dnskey { keys, signed_by, .. } => {
            object.insert("keys".into(), json!(keys));
            object.insert("signed_by".into(), json!(signed_by));
        }
        Value::Data { signed_by, .. } => {
            object.insert("signed_by".into(), json!(signed_by));
        }
    }
    if let Some((from, until)) = valid {
        object.insert("valid".into(), json!([form.json(from), form.json(until)]));
    }
    object.into()
}
