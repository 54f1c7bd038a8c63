//! A moment in UTC with millisecond resolution, as a plain value: nobody here asks a clock.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds since the Unix epoch. Written as RFC 3339 in UTC; read as that or as whole Unix seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

impl Moment {
    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Moment {
        Moment(millis)
    }

    /// From whole seconds since the Unix epoch.
    pub const fn from_seconds(seconds: i64) -> Moment {
        Moment(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// The second that contains this moment (rounded down).
    pub const fn floor_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The first whole second that is not before this moment.
    pub const fn ceil_seconds(self) -> i64 {
        -((-self.0).div_euclid(1000))
    }

    /// Moved by so many milliseconds, back if they are negative.
    pub fn moved(self, millis: i64) -> Moment {
        Moment::from_millis(self.millis().saturating_add(millis))
    }

    /// How long from `earlier` to here; zero if that is later.
    pub fn since(self, earlier: Moment) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;

    fn add(self, span: Duration) -> Moment {
        Moment(
            self.0
                .saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

impl Sub<Duration> for Moment {
    type Output = Moment;

    fn sub(self, span: Duration) -> Moment {
        Moment(
            self.0
                .saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(stamp) => write!(f, "{stamp}"),
            Err(_) => write!(f, "{}", self.0),
        }
    }
}

/// A text that is no moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a time (expected RFC 3339 in UTC, or whole Unix seconds)")]
pub struct MomentError(String);

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(seconds) = text.parse::<i64>() {
            return Ok(Moment::from_seconds(seconds));
        }
        text.parse::<jiff::Timestamp>()
            .map(|stamp| Moment(stamp.as_millisecond()))
            .map_err(|_| MomentError(text.to_owned()))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Seconds(i64),
            Text(String),
        }
        match Form::deserialize(deserializer)? {
            Form::Seconds(seconds) => Ok(Moment::from_seconds(seconds)),
            Form::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_outwards_and_reads_both_forms() {
        let moment = Moment::from_millis(1_500);
        assert_eq!((moment.floor_seconds(), moment.ceil_seconds()), (1, 2));
        assert_eq!(Moment::from_millis(-1).floor_seconds(), -1);
        assert_eq!("1970-01-01T00:00:01.5Z".parse::<Moment>().unwrap(), moment);
        assert_eq!("7".parse::<Moment>().unwrap(), Moment::from_seconds(7));
        assert!("noon".parse::<Moment>().is_err());
    }
}
