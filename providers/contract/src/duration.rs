//! Durations in the configuration language, such as `90d` or `1d12h`.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A duration in whole seconds, from 0 to 100 years of 365 days. Written as whole numbers with units, the largest
/// unit first: `90d`, `1d12h`, `2w`, `45m`, `30s`. A day is 24 hours and a week is seven days. There are no months
/// and years, because their length varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(u32);

/// Text that is not a duration, with the reason and a suggestion.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a duration: {problem}")]
pub struct InvalidSpanError {
    /// The rejected text.
    pub text: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to write instead. `None`: there is no suggestion.
    pub hint: Option<String>,
}

/// The units and their lengths in seconds, largest first.
const UNITS: [(char, u32); 5] = [('w', 604_800), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
/// The longest duration in seconds: 36,500 days.
const LONGEST: u32 = 100 * 365 * 86_400;

impl Span {
    /// A duration of whole seconds. `None`: it is longer than 100 years.
    #[must_use]
    pub fn from_seconds(seconds: u32) -> Option<Self> {
        (seconds <= LONGEST).then_some(Self(seconds))
    }

    /// A duration of whole days. More than 100 years becomes 100 years.
    #[must_use]
    pub fn from_days(days: u16) -> Self {
        Self(u32::from(days).saturating_mul(86_400).min(LONGEST))
    }

    /// The length in seconds.
    #[must_use]
    pub fn as_seconds(self) -> u32 {
        self.0
    }

    /// The instant that is this long after `start`. If it cannot be represented, the last instant that can.
    #[must_use]
    pub fn instant_after(self, start: Timestamp) -> Timestamp {
        start.checked_add(SignedDuration::from_secs(i64::from(self.0))).unwrap_or(Timestamp::MAX)
    }
}

impl std::str::FromStr for Span {
    type Err = InvalidSpanError;

    fn from_str(text: &str) -> Result<Self, InvalidSpanError> {
        let fail =
            |problem: String, hint: Option<String>| Err(InvalidSpanError { text: text.to_owned(), problem, hint });
        if let Some(hint) = suggest_days(text) {
            return fail("months and years have no fixed length".to_owned(), Some(hint));
        }
        let shape = "write whole numbers with units, largest first, such as \"90d\", \"1d12h\" or \"45m\"";
        let mut total: u32 = 0;
        let mut smallest_yet = u32::MAX;
        let mut rest = text;
        if rest.is_empty() {
            return fail("it is empty".to_owned(), Some(shape.to_owned()));
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (number, tail) = rest.split_at(digits);
            let Some(unit) = tail.chars().next() else {
                return fail(format!("{number} has no unit"), Some(shape.to_owned()));
            };
            if number.is_empty() {
                return fail(format!("there is no whole number before {unit:?}"), Some(shape.to_owned()));
            }
            let Some(&(_, size)) = UNITS.iter().find(|(name, _)| *name == unit) else {
                return fail(
                    format!("{unit:?} is not a unit"),
                    Some("units are w, d, h, m (minutes) and s".to_owned()),
                );
            };
            if size >= smallest_yet {
                return fail("units must be in descending order, each at most once".to_owned(), Some(shape.to_owned()));
            }
            smallest_yet = size;
            let seconds = number.parse::<u32>().ok().and_then(|n| n.checked_mul(size));
            match seconds.and_then(|s| total.checked_add(s)).filter(|sum| *sum <= LONGEST) {
                Some(sum) => total = sum,
                None => return fail("it is longer than 100 years (36500d)".to_owned(), None),
            }
            rest = tail.strip_prefix(unit).unwrap_or("");
        }
        Ok(Self(total))
    }
}

/// A suggestion in days for text in months or years. `None`: the text has another unit, or no unit.
fn suggest_days(text: &str) -> Option<String> {
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = trimmed.split_at(digits);
    let days = match unit.trim().to_ascii_lowercase().as_str() {
        "mo" | "mon" | "month" | "months" => 30,
        "y" | "yr" | "year" | "years" => 365,
        _ => return None,
    };
    let days = number.parse::<u32>().ok()?.checked_mul(days)?;
    Some(format!("write the number of days, for example \"{days}d\""))
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        // Weeks are accepted as input but never written: 90d is easier to read than 12w6d.
        for (name, size) in UNITS.iter().filter(|(name, _)| *name != 'w') {
            let count = rest / size;
            rest %= size;
            if count > 0 {
                write!(f, "{count}{name}")?;
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Span {
    type Error = InvalidSpanError;
    fn try_from(text: String) -> Result<Self, InvalidSpanError> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_units_largest_first() {
        for (text, seconds) in [("90d", 7_776_000), ("1d12h", 129_600), ("2w", 1_209_600), ("45m", 2_700), ("30s", 30)]
        {
            assert_eq!(text.parse::<Span>().unwrap().as_seconds(), seconds, "{text}");
        }
    }

    #[test]
    fn guesses_nothing() {
        for bad in
            ["", "90", "d", "12h1d", "1d1d", "in 3 days", "never", "1.5h", "-1d", " 1d", "1D", "99999999999d", "36501d"]
        {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
        let error = "3 months".parse::<Span>().unwrap_err();
        assert_eq!(error.hint.as_deref(), Some("write the number of days, for example \"90d\""));
    }

    proptest! {
        #[test]
        fn prints_what_it_reads(seconds in 0..LONGEST) {
            let span = Span::from_seconds(seconds).unwrap();
            prop_assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
        }
    }
}
