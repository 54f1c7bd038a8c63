//! Pairs of intervals that overlap, without looking at those that do not, nor at pairs of values that never clash.

use super::span::{Span, Tick};

/// An interval with a value: what matters about it, numbered from 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub(super) span: Span,
    pub(super) value: u32,
}

/// The items of one side that are open at the sweep's moment, by value.
struct Open {
    by_value: Vec<Vec<u32>>,
    /// Values with open items.
    present: Vec<u32>,
    place_of_item: Vec<u32>,
    place_of_value: Vec<u32>,
}

impl Open {
    fn new(items: &[Item]) -> Self {
        let values = items
            .iter()
            .map(|item| item.value as usize + 1)
            .max()
            .unwrap_or(0);
        Open {
            by_value: vec![Vec::new(); values],
            present: Vec::new(),
            place_of_item: vec![0; items.len()],
            place_of_value: vec![0; values],
        }
    }

    fn insert(&mut self, item: u32, value: u32) {
        let group = &mut self.by_value[value as usize];
        if group.is_empty() {
            self.place_of_value[value as usize] = self.present.len() as u32;
            self.present.push(value);
        }
        self.place_of_item[item as usize] = group.len() as u32;
        group.push(item);
    }

    fn remove(&mut self, item: u32, value: u32) {
        let group = &mut self.by_value[value as usize];
        let place = self.place_of_item[item as usize] as usize;
        group.swap_remove(place);
        if let Some(&moved) = group.get(place) {
            self.place_of_item[moved as usize] = place as u32;
        }
        if group.is_empty() {
            let place = self.place_of_value[value as usize] as usize;
            self.present.swap_remove(place);
            if let Some(&moved) = self.present.get(place) {
                self.place_of_value[moved as usize] = place as u32;
            }
        }
    }
}

/// Calls `found(l, r)` for each pair of a left and a right item that overlap and whose values `clash`.
///
/// Takes `n log n` for the sort, one look at each value open on the other side for each item, and one call for each pair.
pub(super) fn overlaps(
    left: &[Item],
    right: &[Item],
    mut clash: impl FnMut(u32, u32) -> bool,
    mut found: impl FnMut(usize, usize),
) {
    if left.is_empty() || right.is_empty() {
        return;
    }
    // At one moment ends come before beginnings: the intervals are half-open.
    let mut events: Vec<(Tick, bool, bool, u32)> = Vec::with_capacity(2 * (left.len() + right.len()));
    for (is_right, items) in [(false, left), (true, right)] {
        for (at, item) in items.iter().enumerate() {
            events.push((item.span.from, true, is_right, at as u32));
            events.push((item.span.until, false, is_right, at as u32));
        }
    }
    events.sort_unstable();
    let (mut open_left, mut open_right) = (Open::new(left), Open::new(right));
    for (_, begins, is_right, at) in events {
        let (items, own, other) = if is_right {
            (right, &mut open_right, &open_left)
        } else {
            (left, &mut open_left, &open_right)
        };
        let value = items[at as usize].value;
        if !begins {
            own.remove(at, value);
            continue;
        }
        own.insert(at, value);
        for &theirs in &other.present {
            let (l, r) = if is_right {
                (theirs, value)
            } else {
                (value, theirs)
            };
            if !clash(l, r) {
                continue;
            }
            for &partner in &other.by_value[theirs as usize] {
                let (l, r) = if is_right { (partner, at) } else { (at, partner) };
                found(l as usize, r as usize);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_pairs_as_by_looking_at_all() {
        let make = |seed: i64, n: i64| -> Vec<Item> {
            (0..n)
                .map(|i| {
                    let from = (i * 7919 + seed * 31) % 50;
                    let span = Span {
                        from,
                        until: from + 1 + (i * 13 + seed) % 9,
                    };
                    Item {
                        span,
                        value: ((i * 5 + seed) % 4) as u32,
                    }
                })
                .collect()
        };
        let clash = |l: u32, r: u32| !(l + r).is_multiple_of(3);
        for seed in 0..40 {
            let (left, right) = (make(seed, 30), make(seed + 100, 25));
            let mut fast = Vec::new();
            overlaps(&left, &right, clash, |l, r| fast.push((l, r)));
            fast.sort_unstable();
            let mut slow = Vec::new();
            for (l, a) in left.iter().enumerate() {
                for (r, b) in right.iter().enumerate() {
                    if a.span.meet(b.span).is_some() && clash(a.value, b.value) {
                        slow.push((l, r));
                    }
                }
            }
            assert_eq!(fast, slow, "seed {seed}");
        }
    }
}
