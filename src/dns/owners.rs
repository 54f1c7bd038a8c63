//! Owner names by short hashes: enough to pass over most names that are not wanted.

/// 32 bits of an owner name in wire form: equal names have equal ones, and few others do. Nothing is proven by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerHash(u32);

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl OwnerHash {
    /// Of a name whose letters are folded.
    pub fn of(owner: &[u8]) -> OwnerHash {
        let mix = |state: u64, word: u64| (state.rotate_left(23) ^ word).wrapping_mul(FACTOR);
        let mut words = owner.chunks_exact(8);
        let mut state = owner.len() as u64;
        for word in &mut words {
            // A piece of eight octets.
            state = mix(state, word.try_into().map_or(0, u64::from_le_bytes));
        }
        let mut rest = [0; 8];
        for (to, from) in rest.iter_mut().zip(words.remainder()) {
            *to = *from;
        }
        state = mix(state, u64::from_le_bytes(rest));
        OwnerHash((state ^ (state >> 32)) as u32)
    }
}

/// Names that are wanted. It lets a few others through, so whoever needs to be sure looks again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerSet {
    /// A power of two of bits.
    bits: Vec<u64>,
}

impl OwnerSet {
    /// The set of these; it takes eight to sixteen octets a name, at least 8 KiB and at most 2 MiB.
    pub fn new(owners: impl IntoIterator<Item = OwnerHash>) -> OwnerSet {
        let owners: Vec<OwnerHash> = owners.into_iter().collect();
        let words = owners.len().next_power_of_two().clamp(1 << 10, 1 << 18);
        let mut set = OwnerSet { bits: vec![0; words] };
        for owner in owners {
            let (word, bit) = set.place(owner);
            if let Some(word) = set.bits.get_mut(word) {
                *word |= bit;
            }
        }
        set
    }

    /// Whether a name of that hash may be wanted.
    pub fn may_hold(&self, owner: OwnerHash) -> bool {
        let (word, bit) = self.place(owner);
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }

    fn place(&self, owner: OwnerHash) -> (usize, u64) {
        let index = owner.0 as usize & (self.bits.len() * 64 - 1);
        (index / 64, 1 << (index % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Name;

    #[test]
    fn wanted_names_are_let_through_and_few_others() {
        let hash = |n: usize| OwnerHash::of(Name::parse(&format!("h{n}.bench.test")).unwrap().wire());
        for count in [0, 1, 1_000, 50_000] {
            let set = OwnerSet::new((0..count).map(hash));
            assert!((0..count).all(|n| set.may_hold(hash(n))), "{count}");
            let others = (count..count + 10_000).filter(|n| set.may_hold(hash(*n))).count();
            assert!(others < 500, "{others} others beside {count}");
        }
        let mut seen: Vec<OwnerHash> = (0..100_000).map(hash).collect();
        seen.sort_unstable();
        seen.dedup();
        // By chance one pair would be alike.
        assert!(seen.len() > 99_980, "{}", seen.len());
    }

    #[test]
    fn every_octet_counts() {
        let name = b"\x04shop\x04test\0".to_vec();
        for at in 0..name.len() {
            let mut other = name.clone();
            other[at] ^= 1;
            assert_ne!(OwnerHash::of(&other), OwnerHash::of(&name), "{at}");
        }
        assert_ne!(OwnerHash::of(&[]), OwnerHash::of(&[0]));
    }
}
