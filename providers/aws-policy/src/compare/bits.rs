//! A set of small numbers.

/// Sorted by content, so that maps over sets iterate in one order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Bits(Box<[u64]>);

impl Bits {
    /// The empty set, with room for numbers below `size`.
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

impl FromIterator<bool> for Bits {
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
