//! Half-open intervals of time, and what may be done with them.
//!
//! Inside the room time is counted in *ticks*, two to a second. A whole second is an even tick. The odd tick after it
//! stands for "a little later than that second", which is how [`super::earliest`] asks about all the moments between two
//! events at once: a moment that moves with the change is odd, a fixed one even, and plain comparison of numbers
//! gives the order that holds throughout.

/// A moment, in half seconds since 1970-01-01T00:00:00Z.
pub(super) type Tick = i64;

/// The end of what has no end. Even, like every fixed moment.
pub(super) const NEVER: Tick = i64::MAX - 1;

/// Times further away than this (36 thousand million years) are taken to be this far away.
const FARTHEST: i64 = 1 << 60;

/// A whole second as a tick.
pub(super) fn tick(seconds: i64) -> Tick {
    seconds.clamp(-FARTHEST, FARTHEST) * 2
}

/// A length in seconds as a length in ticks.
pub(super) fn length(seconds: u64) -> Tick {
    tick(i64::try_from(seconds).unwrap_or(FARTHEST))
}

/// The second in which a tick lies.
pub(super) fn second(at: Tick) -> i64 {
    at >> 1
}

/// The second of an end, or `None` for what has no end.
pub(super) fn end_second(at: Tick) -> Option<i64> {
    (at < NEVER).then(|| second(at))
}

/// `at` plus a length; [`NEVER`] stays [`NEVER`].
pub(super) fn later(at: Tick, by: Tick) -> Tick {
    if at >= NEVER {
        NEVER
    } else {
        at.saturating_add(by).min(NEVER)
    }
}

/// A half-open interval `[from, until)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) from: Tick,
    pub(super) until: Tick,
}

impl Span {
    /// The interval, unless it is empty.
    pub(super) fn new(from: Tick, until: Tick) -> Option<Span> {
        (from < until).then_some(Span { from, until })
    }

    /// What two intervals share.
    pub(super) fn meet(self, other: Span) -> Option<Span> {
        Span::new(self.from.max(other.from), self.until.min(other.until))
    }

    /// The interval with its end put off.
    pub(super) fn prolonged(self, by: Tick) -> Span {
        Span {
            from: self.from,
            until: later(self.until, by),
        }
    }

    pub(super) fn contains(self, at: Tick) -> bool {
        self.from <= at && at < self.until
    }
}

/// Sorts intervals and joins those that overlap or touch.
pub(super) fn merge(spans: &mut Vec<Span>) {
    spans.sort_unstable();
    let mut kept = 0;
    for at in 0..spans.len() {
        let span = spans[at];
        if kept > 0 && span.from <= spans[kept - 1].until {
            spans[kept - 1].until = spans[kept - 1].until.max(span.until);
        } else {
            spans[kept] = span;
            kept += 1;
        }
    }
    spans.truncate(kept);
}

/// The parts of `span` inside any of `within`, which are merged.
pub(super) fn inside<'a>(span: Span, within: &'a [Span]) -> impl Iterator<Item = Span> + 'a {
    let first = within.partition_point(|w| w.until <= span.from);
    within[first..].iter().map_while(move |w| w.meet(span))
}

/// The parts of `span` outside all of `without`, which are merged.
pub(super) fn outside(span: Span, without: &[Span], out: &mut Vec<Span>) {
    let mut from = span.from;
    for hole in inside(span, without) {
        out.extend(Span::new(from, hole.from));
        from = hole.until;
    }
    out.extend(Span::new(from, span.until));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(from: Tick, until: Tick) -> Span {
        Span { from, until }
    }

    #[test]
    fn touching_intervals_are_one() {
        let mut spans = vec![s(5, 6), s(0, 2), s(2, 4), s(1, 3)];
        merge(&mut spans);
        assert_eq!(spans, [s(0, 4), s(5, 6)]);
    }

    #[test]
    fn inside_and_outside_are_a_partition() {
        let holes = [s(0, 2), s(4, 6), s(8, NEVER)];
        assert_eq!(
            inside(s(1, 9), &holes).collect::<Vec<_>>(),
            [s(1, 2), s(4, 6), s(8, 9)]
        );
        let mut out = Vec::new();
        outside(s(1, 9), &holes, &mut out);
        assert_eq!(out, [s(2, 4), s(6, 8)]);
        out.clear();
        outside(s(2, 4), &holes, &mut out);
        assert_eq!(out, [s(2, 4)]);
        assert_eq!(inside(s(2, 4), &holes).count(), 0);
    }

    #[test]
    fn the_end_of_time_stays() {
        assert_eq!(later(NEVER, 10), NEVER);
        assert_eq!(end_second(NEVER), None);
        assert_eq!(end_second(later(tick(1000), length(300))), Some(1300));
        assert_eq!(second(tick(-3) + 1), -3);
        assert_eq!(Span::new(3, 3), None);
        assert!(tick(i64::MAX) < NEVER && tick(i64::MAX) % 2 == 0);
    }
}
