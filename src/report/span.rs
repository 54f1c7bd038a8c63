//! Times and spans for people.

use std::time::Duration;

use crate::moment::Moment;

/// A span in its two largest units: `9 d 4 h`, `3 min 20 s`, `0 s`.
pub fn spell(span: Duration) -> String {
    let seconds = span.as_secs();
    let (days, hours, minutes, rest) = (
        seconds / 86_400,
        seconds / 3_600 % 24,
        seconds / 60 % 60,
        seconds % 60,
    );
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest} s"),
        (0, 0, m) => format!("{m} min {rest} s"),
        (0, h, m) => format!("{h} h {m} min"),
        (d, h, _) => format!("{d} d {h} h"),
    }
}

/// The time of day in UTC with seconds: `14:13:20Z`; with `date`, the whole of it.
pub fn clock_time(at: Moment, date: bool) -> String {
    let whole = Moment::from_seconds(at.floor_seconds()).to_string();
    match whole.split_once('T') {
        Some((_, time)) if !date => time.to_owned(),
        _ => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_units_at_most() {
        let spelled = |seconds| spell(Duration::from_secs(seconds));
        assert_eq!(spelled(0), "0 s");
        assert_eq!(spelled(200), "3 min 20 s");
        assert_eq!(spelled(7_260), "2 h 1 min");
        assert_eq!(spelled(86_400 * 9 + 3_600 * 4 + 59), "9 d 4 h");
    }

    #[test]
    fn times_of_day() {
        let at = Moment::from_millis(1_790_000_000_250);
        assert_eq!(clock_time(at, false), "14:13:20Z");
        assert_eq!(clock_time(at, true), "2026-09-21T14:13:20Z");
    }
}
