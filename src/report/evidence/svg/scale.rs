//! A time axis on which every change has room: between two changes the length grows with the root of the time.

/// So many sections at most; the shortest are drawn as one.
const MOST_SECTIONS: usize = 36;
/// No section is narrower, as long as there is room.
const NARROWEST: f64 = 15.0;

/// Seconds to pixels.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    cuts: Vec<(i64, f64)>,
}

/// A stretch between two cuts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section {
    pub(super) from: i64,
    pub(super) until: i64,
    pub(super) left: f64,
    pub(super) right: f64,
}

impl Scale {
    /// From `from` to `until` (Unix seconds) between the pixels `left` and `right`; `moments` are those of changes.
    pub(super) fn new(
        moments: impl Iterator<Item = i64>,
        (from, until): (i64, i64),
        (left, right): (f64, f64),
    ) -> Scale {
        let until = until.max(from.saturating_add(1));
        let mut all: Vec<i64> = moments.filter(|at| *at > from && *at < until).collect();
        all.extend([from, until]);
        all.sort_unstable();
        all.dedup();
        let cuts = fewer(&all);
        let lengths: Vec<f64> = cuts
            .windows(2)
            .map(|pair| ((pair[1] - pair[0]) as f64).sqrt())
            .collect();
        let sum: f64 = lengths.iter().sum::<f64>().max(1.0);
        let room = (right - left).max(1.0);
        let narrowest = NARROWEST.min(room / (2.0 * lengths.len().max(1) as f64));
        let shared = room - narrowest * lengths.len() as f64;
        let mut x = left;
        let mut out = Vec::with_capacity(cuts.len());
        for (at, cut) in cuts.iter().enumerate() {
            out.push((*cut, x));
            if let Some(length) = lengths.get(at) {
                x += narrowest + shared * length / sum;
            }
        }
        Scale { cuts: out }
    }

    /// The pixel of a moment; what lies outside is drawn at the edge.
    pub(super) fn x(&self, at: i64) -> f64 {
        let next = self.cuts.partition_point(|(cut, _)| *cut <= at);
        let (Some(after), Some(before)) = (
            self.cuts.get(next),
            next.checked_sub(1).and_then(|i| self.cuts.get(i)),
        ) else {
            let edge = if next == 0 {
                self.cuts.first()
            } else {
                self.cuts.last()
            };
            return edge.map_or(0.0, |(_, x)| *x);
        };
        let part = (at - before.0) as f64 / (after.0 - before.0) as f64;
        before.1 + part * (after.1 - before.1)
    }

    /// The sections from left to right.
    pub(super) fn sections(&self) -> impl Iterator<Item = Section> + '_ {
        self.cuts.windows(2).map(|pair| Section {
            from: pair[0].0,
            until: pair[1].0,
            left: pair[0].1,
            right: pair[1].1,
        })
    }
}

/// The ends of the longest stretches between changes.
fn fewer(all: &[i64]) -> Vec<i64> {
    if all.len() <= MOST_SECTIONS + 1 {
        return all.to_vec();
    }
    let mut gaps: Vec<(i64, i64)> = all.windows(2).map(|pair| (pair[0], pair[1])).collect();
    gaps.sort_by_key(|(from, until)| std::cmp::Reverse(until - from));
    // Each stretch that is kept may bring two cuts.
    gaps.truncate(MOST_SECTIONS / 2);
    let ends = all.first().into_iter().chain(all.last()).copied();
    let mut out: Vec<i64> = gaps
        .iter()
        .flat_map(|(from, until)| [*from, *until])
        .chain(ends)
        .collect();
    out.sort_unstable();
    out.dedup();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_every_change_has_room() {
        let scale = Scale::new([10, 11, 100_000].into_iter(), (0, 200_000), (100.0, 1_100.0));
        let xs: Vec<f64> = [-5, 0, 10, 11, 100_000, 150_000, 200_000, 300_000]
            .map(|at| scale.x(at))
            .to_vec();
        assert!(xs.windows(2).all(|pair| pair[0] <= pair[1]), "{xs:?}");
        assert_eq!((xs[0], xs[7]), (100.0, xs[6]));
        assert!((xs[6] - 1_100.0).abs() < 0.001);
        assert!(xs[3] - xs[2] >= NARROWEST);
    }

    #[test]
    fn thousands_of_changes_are_a_few_sections() {
        let scale = Scale::new((0..5_000).map(|at| at * at), (0, 25_000_000), (0.0, 900.0));
        assert!(scale.sections().count() <= MOST_SECTIONS + 2);
        assert!((scale.x(25_000_000) - 900.0).abs() < 0.001);
        let empty = Scale::new(std::iter::empty(), (5, 5), (0.0, 10.0));
        assert_eq!(empty.sections().count(), 1);
    }
}
