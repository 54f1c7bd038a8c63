//! The small types of the settings file: periods, addresses, secrets by reference, and where a value stands.

use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::adapters::{SecretRef, parse_address};

/// A value with the octets of the file that it stands in.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(transparent)]
pub(super) struct Located<T>(toml::Spanned<T>);

impl<T> Located<T> {
    pub(super) fn get(&self) -> &T {
        self.0.get_ref()
    }

    pub(super) fn into_inner(self) -> T {
        self.0.into_inner()
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.0.span()
    }
}

impl<T: JsonSchema> JsonSchema for Located<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }

    fn inline_schema() -> bool {
        T::inline_schema()
    }
}

/// A length of time, written as `200ms`, `60s`, `5m`, `1h30m`, `2d` or `1w`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(Duration);

const UNITS: [(&str, u64); 5] = [
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
];

impl Period {
    /// That many seconds.
    pub const fn seconds(seconds: u64) -> Period {
        Period(Duration::from_secs(seconds))
    }

    /// As the standard library's type.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl From<Duration> for Period {
    fn from(span: Duration) -> Period {
        Period(span)
    }
}

/// A text that is no period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a length of time (expected a number and a unit: 200ms, 60s, 5m, 1h30m, 2d, 1w)")]
pub struct PeriodError(String);

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Period, PeriodError> {
        let wrong = || PeriodError(text.to_owned());
        let mut rest = text;
        let mut total: u64 = 0;
        while !rest.is_empty() || text.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, after) = rest.split_at(digits);
            let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (unit, after) = after.split_at(letters);
            let scale = match unit {
                "ms" => 1,
                unit => UNITS.iter().find(|(word, _)| *word == unit).ok_or_else(wrong)?.1,
            };
            let number: u64 = number.parse().map_err(|_| wrong())?;
            total = number
                .checked_mul(scale)
                .and_then(|part| total.checked_add(part))
                .ok_or_else(wrong)?;
            rest = after;
        }
        Ok(Period(Duration::from_millis(total)))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if left == 0 {
            return f.write_str("0s");
        }
        for (word, scale) in UNITS {
            if left >= scale {
                write!(f, "{}{word}", left / scale)?;
                left %= scale;
            }
        }
        if left > 0 {
            write!(f, "{left}ms")?;
        }
        Ok(())
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(
            deserializer,
            "a length of time in quotes: \"200ms\", \"60s\", \"5m\", \"1h30m\", \"2d\"",
        )
    }
}

impl JsonSchema for Period {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Period".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^([0-9]+(ms|s|m|h|d|w))+$",
            "description": "A length of time: 200ms, 60s, 5m, 1h30m, 2d, 1w."
        })
    }
}

/// An address with a port, 53 where none is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ServerAddress(pub SocketAddr);

impl FromStr for ServerAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<ServerAddress, String> {
        parse_address(text).map(ServerAddress).map_err(|_| {
            format!("'{text}' is not an address (expected 192.0.2.1, 192.0.2.1:53 or [2001:db8::1]:53)")
        })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for ServerAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer, "an address in quotes: \"192.0.2.1:53\"")
    }
}

/// Reads a string and parses it; the error says what was expected.
fn parsed<'de, D, T>(deserializer: D, expected: &'static str) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: fmt::Display,
{
    struct Text<T>(&'static str, std::marker::PhantomData<T>);
    impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Text<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }
    deserializer.deserialize_str(Text(expected, std::marker::PhantomData))
}

/// Where a secret is to be had, as it is read from the file: an error never repeats what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ByReference(pub(super) SecretRef);

impl JsonSchema for ByReference {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        SecretRef::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        SecretRef::json_schema(generator)
    }
}

const BY_REFERENCE: &str = "a secret stands here by reference only: { env = \"NAME\" }, { file = \"PATH\" } or { command = [\"PROGRAM\", ..] }";

impl<'de> Deserialize<'de> for ByReference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            env: Option<String>,
            file: Option<PathBuf>,
            command: Option<Vec<String>>,
        }
        let fields: Fields = table(deserializer, BY_REFERENCE)?;
        match (fields.env, fields.file, fields.command) {
            (Some(name), None, None) if !name.is_empty() => Ok(ByReference(SecretRef::Env(name))),
            (None, Some(path), None) if !path.as_os_str().is_empty() => {
                Ok(ByReference(SecretRef::File(path)))
            }
            (None, None, Some(words)) if !words.is_empty() => Ok(ByReference(SecretRef::Command(words))),
            _ => Err(D::Error::custom(format!(
                "{BY_REFERENCE} (exactly one of them, not empty)"
            ))),
        }
    }
}

/// Reads a table, and refuses anything else with `instead` and without repeating the value: it may be a secret.
pub(super) fn table<'de, D, T>(deserializer: D, instead: &'static str) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Table<T>(&'static str, std::marker::PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Table<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
        fn visit_str<E: Error>(self, _: &str) -> Result<T, E> {
            Err(E::custom(self.0))
        }
        fn visit_i64<E: Error>(self, _: i64) -> Result<T, E> {
            Err(E::custom(self.0))
        }
        fn visit_f64<E: Error>(self, _: f64) -> Result<T, E> {
            Err(E::custom(self.0))
        }
        fn visit_bool<E: Error>(self, _: bool) -> Result<T, E> {
            Err(E::custom(self.0))
        }
        fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<T, A::Error> {
            Err(A::Error::custom(self.0))
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }
    deserializer.deserialize_any(Table(instead, std::marker::PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_read_and_write() {
        for (text, seconds) in [
            ("60s", 60),
            ("5m", 300),
            ("1h30m", 5400),
            ("2d", 172_800),
            ("0s", 0),
        ] {
            let period: Period = text.parse().unwrap();
            assert_eq!(period, Period::seconds(seconds));
            assert_eq!(period.to_string().parse::<Period>().unwrap(), period);
        }
        assert_eq!("200ms".parse::<Period>().unwrap().to_string(), "200ms");
        assert_eq!(Period::seconds(90_061).to_string(), "1d1h1m1s");
        for text in [
            "",
            "60",
            "s",
            "1x",
            "-1s",
            "1.5h",
            "1h 2m",
            "99999999999999999999w",
        ] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_have_port_53_unless_they_say_otherwise() {
        let read = |text: &str| text.parse::<ServerAddress>().map(|address| address.to_string());
        assert_eq!(read("192.0.2.1").unwrap(), "192.0.2.1:53");
        assert_eq!(read("192.0.2.1:5301").unwrap(), "192.0.2.1:5301");
        assert_eq!(read("2001:db8::1").unwrap(), "[2001:db8::1]:53");
        assert_eq!(read("[2001:db8::1]:54").unwrap(), "[2001:db8::1]:54");
        assert!(read("ns1.example").is_err());
    }
}
