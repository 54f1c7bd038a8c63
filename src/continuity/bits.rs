//! Small sets of small numbers: keys, providers, classes.

/// A set of numbers below a bound that is fixed when it is made.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// The empty set of numbers below `bound`.
    pub(super) fn below(bound: usize) -> Self {
        Bits(vec![0; bound.div_ceil(64)])
    }

    /// The set of the given numbers, all below `bound`.
    pub(super) fn of(bound: usize, members: impl IntoIterator<Item = usize>) -> Self {
        let mut set = Self::below(bound);
        for member in members {
            set.insert(member);
        }
        set
    }

    pub(super) fn insert(&mut self, member: usize) {
        if let Some(word) = self.0.get_mut(member / 64) {
            *word |= 1 << (member % 64);
        }
    }

    pub(super) fn contains(&self, member: usize) -> bool {
        self.0
            .get(member / 64)
            .is_some_and(|word| word >> (member % 64) & 1 == 1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|&word| word == 0)
    }

    /// Adds all of `other`; says whether that added anything.
    pub(super) fn absorb(&mut self, other: &Bits) -> bool {
        let mut grew = false;
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            grew |= theirs & !*mine != 0;
            *mine |= theirs;
        }
        grew
    }

    pub(super) fn intersection(&self, other: &Bits) -> Bits {
        Bits(self.0.iter().zip(&other.0).map(|(a, b)| a & b).collect())
    }

    pub(super) fn meets(&self, other: &Bits) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(at, &word)| {
            std::iter::successors(Some(word), |w| Some(w & w.wrapping_sub(1)))
                .take_while(|&w| w != 0)
                .map(move |w| at * 64 + w.trailing_zeros() as usize)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_back_in_order() {
        let set = Bits::of(200, [0, 63, 64, 199, 64]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63, 64, 199]);
        assert!(set.contains(199) && !set.contains(198) && !set.contains(5000));
    }

    #[test]
    fn algebra() {
        let (a, b) = (Bits::of(70, [1, 65]), Bits::of(70, [65, 69]));
        assert!(a.meets(&b) && !a.meets(&Bits::of(70, [2])));
        assert_eq!(a.intersection(&b), Bits::of(70, [65]));
        let mut c = a.clone();
        assert!(c.absorb(&b) && !c.absorb(&b));
        assert!(Bits::below(0).is_empty() && !c.is_empty());
    }
}
