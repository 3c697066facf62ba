//! A set of small numbers, stored as bits.

/// Ordered by content, so that maps with set keys iterate in the same order in every run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NumberSet(Box<[u64]>);

impl NumberSet {
    /// The empty set, with room for the numbers below `size`. Inserting a larger number has no effect.
    pub fn new(size: usize) -> Self {
        Self(vec![0; size.div_ceil(64)].into_boxed_slice())
    }

    pub fn insert(&mut self, number: usize) {
        if let Some(word) = self.0.get_mut(number / 64) {
            *word |= 1 << (number % 64);
        }
    }

    pub fn contains(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }
}

impl FromIterator<bool> for NumberSet {
    fn from_iter<I: IntoIterator<Item = bool>>(items: I) -> Self {
        let mut words = Vec::new();
        for (index, truth) in items.into_iter().enumerate() {
            if index % 64 == 0 {
                words.push(0_u64);
            }
            if let Some(word) = words.last_mut().filter(|_| truth) {
                *word |= 1 << (index % 64);
            }
        }
        Self(words.into_boxed_slice())
    }
}
