//! The size of a value: what it takes to read it once. It is kept in each value, so that it is known without reading the value.
//!
//! A shared value counts once for each occurrence: sharing saves memory, but not the time to process each occurrence. For example, with
//! `a = ["x"]`, the value `[a, a]` has 5 values and 3 levels.

use super::{ConfigValue, Entries, Number};

/// The bytes of text that count as one unit.
const UNIT: usize = 64;

/// The size of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueSize {
    /// The number of values in it, including itself.
    pub values: u32,
    /// Its text, in units of 64 bytes, and the digits of its long numbers. A short one counts as nothing: its value counts.
    text: u32,
    /// The number of levels: 1 for a value without elements.
    pub depth: u16,
}

impl ValueSize {
    /// The size of a value without elements and text.
    pub const ONE: Self = Self { values: 1, text: 0, depth: 1 };

    pub(super) fn of_text(text: &str) -> Self {
        Self { text: count_units(text), ..Self::ONE }
    }

    pub(super) fn of_number(number: &Number) -> Self {
        Self { text: number.extra_steps(), ..Self::ONE }
    }

    pub(super) fn of_elements(elements: &[ConfigValue]) -> Self {
        elements.iter().fold(Self::ONE, |whole, element| whole.with_element(element.size))
    }

    pub(super) fn of_entries(entries: &Entries) -> Self {
        entries.iter().fold(Self::ONE, |whole, (key, value)| {
            let whole = whole.with_element(value.size);
            Self { text: whole.text.saturating_add(count_units(key)), ..whole }
        })
    }

    fn with_element(self, element: Self) -> Self {
        Self {
            values: self.values.saturating_add(element.values),
            text: self.text.saturating_add(element.text),
            depth: self.depth.max(element.depth.saturating_add(1)),
        }
    }

    /// The steps to read the value once.
    #[must_use]
    pub fn steps_to_read(self) -> u64 {
        u64::from(self.values / 4).saturating_add(u64::from(self.text))
    }
}

fn count_units(text: &str) -> u32 {
    u32::try_from(text.len() / UNIT).unwrap_or(u32::MAX)
}

/// The steps to read a text of `bytes` bytes once.
#[must_use]
pub fn steps_for_text(bytes: usize) -> u64 {
    u64::try_from(bytes / UNIT).unwrap_or(u64::MAX)
}
