//! Dice that fall the same way again from the same seed (SplitMix64).

#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        let mut dice = Dice(seed ^ 0x5851_f42d_4c95_7f2d);
        dice.next();
        dice
    }

    /// Other dice, which fall otherwise: what one of them decides does not depend on how often another was thrown.
    pub(crate) fn fork(&mut self) -> Dice {
        Dice(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// From 0 up to and without `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next() % bound }
    }

    /// Both ends included.
    pub(crate) fn between(&mut self, least: i64, most: i64) -> i64 {
        least + self.below(u64::try_from(most - least).unwrap() + 1) as i64
    }

    /// Both ends included, each power of two as likely as the next.
    pub(crate) fn spread(&mut self, least: i64, most: i64) -> i64 {
        let (low, high) = (least.max(1).ilog2(), most.max(1).ilog2());
        let power = self.between(i64::from(low), i64::from(high));
        self.between(1 << power, (2 << power) - 1).clamp(least, most)
    }

    /// Once in `of` times.
    pub(crate) fn once_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}
