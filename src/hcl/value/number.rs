//! Decimal numbers without rounding errors: `0.1 + 0.2` is `0.3`. The number of digits is bounded, so that no expression can build a number
//! that takes much memory or time.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive as _, Zero as _};

/// The maximum number of digits before the decimal point, and the largest exponent in a literal. Twice as many digits are allowed after
/// the point and in total.
const MOST_DIGITS: i64 = 1_000;
/// The maximum number of digits of a quotient, which may have infinitely many.
const QUOTIENT_DIGITS: i64 = 100;

/// A decimal number.
#[derive(Debug, Clone)]
pub struct Number(BigDecimal);

/// The reason why an operation or a text gives no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// The text is not a decimal number with an optional exponent.
    #[error("not a number")]
    Shape,
    /// The number has more digits than are allowed.
    #[error("the number has more than {MOST_DIGITS} digits")]
    Digits,
    /// A division by zero.
    #[error("division by zero")]
    DivisionByZero,
}

impl Number {
    fn check_digits(value: BigDecimal) -> Result<Self, NumberError> {
        if value.is_zero() {
            return Ok(Self(BigDecimal::zero()));
        }
        let (_, scale) = value.as_bigint_and_exponent();
        let digits = i64::try_from(value.digits()).unwrap_or(i64::MAX);
        if scale > MOST_DIGITS * 2 || digits.saturating_sub(scale) > MOST_DIGITS || digits > MOST_DIGITS * 2 {
            return Err(NumberError::Digits);
        }
        Ok(Self(value))
    }

    /// Adds two numbers.
    ///
    /// # Errors
    ///
    /// Returns [`NumberError::Digits`] if the sum has too many digits.
    pub fn try_add(&self, other: &Self) -> Result<Self, NumberError> {
        if let (Some(a), Some(b)) = (self.to_small_i64(), other.to_small_i64())
            && let Some(sum) = a.checked_add(b)
        {
            return Ok(Self(sum.into()));
        }
        Self::check_digits(&self.0 + &other.0)
    }

    /// The number as `i64` if it has no decimals and fits. Most numbers do, and then need no arbitrary-precision arithmetic.
    fn to_small_i64(&self) -> Option<i64> {
        let (digits, scale) = self.0.as_bigint_and_scale();
        if scale == 0 { digits.to_i64() } else { None }
    }

    /// The steps that an operation takes in addition to its fixed cost. Long numbers take time with the square of their length.
    #[must_use]
    pub fn extra_steps(&self) -> u32 {
        let words = self.0.as_bigint_and_scale().0.bits() / 64;
        u32::try_from(words.saturating_mul(words) / 16).unwrap_or(u32::MAX)
    }

    /// Subtracts `other`.
    ///
    /// # Errors
    ///
    /// Returns [`NumberError::Digits`] if the difference has too many digits.
    pub fn try_subtract(&self, other: &Self) -> Result<Self, NumberError> {
        Self::check_digits(&self.0 - &other.0)
    }

    /// Multiplies two numbers.
    ///
    /// # Errors
    ///
    /// Returns [`NumberError::Digits`] if the product has too many digits.
    pub fn try_multiply(&self, other: &Self) -> Result<Self, NumberError> {
        Self::check_digits(&self.0 * &other.0)
    }

    /// Divides by `other`. The quotient is rounded half to even to 100 digits, integer digits and decimals together.
    ///
    /// # Errors
    ///
    /// Returns [`NumberError::DivisionByZero`], or [`NumberError::Digits`] if the quotient has too many digits.
    pub fn try_divide(&self, other: &Self) -> Result<Self, NumberError> {
        if other.0.is_zero() {
            return Err(NumberError::DivisionByZero);
        }
        let quotient = &self.0 / &other.0;
        let whole = i64::try_from(quotient.digits()).unwrap_or(i64::MAX) - quotient.as_bigint_and_exponent().1;
        Self::check_digits(
            quotient.with_scale_round(QUOTIENT_DIGITS - whole.max(0), RoundingMode::HalfEven).normalized(),
        )
    }

    /// The remainder of a division truncated towards zero. It has the sign of `self`.
    ///
    /// # Errors
    ///
    /// Returns [`NumberError::DivisionByZero`], or [`NumberError::Digits`] if the remainder has too many digits.
    pub fn try_remainder(&self, other: &Self) -> Result<Self, NumberError> {
        if other.0.is_zero() {
            return Err(NumberError::DivisionByZero);
        }
        Self::check_digits(&self.0 % &other.0)
    }

    /// The number with the opposite sign.
    #[must_use]
    pub fn to_negated(&self) -> Self {
        Self(-&self.0)
    }

    /// The absolute value.
    #[must_use]
    pub fn abs(&self) -> Self {
        Self(self.0.abs())
    }

    /// The smallest whole number that is not less.
    #[must_use]
    pub fn ceil(&self) -> Self {
        Self(self.0.with_scale_round(0, RoundingMode::Ceiling))
    }

    /// The largest whole number that is not greater.
    #[must_use]
    pub fn floor(&self) -> Self {
        Self(self.0.with_scale_round(0, RoundingMode::Floor))
    }

    /// Whether it is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    /// Whether it is less than zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.0 < BigDecimal::zero()
    }

    /// The number as `i64`. `None` if it is not whole or does not fit.
    #[must_use]
    pub fn to_i64(&self) -> Option<i64> {
        self.to_integer()?.to_i64()
    }

    /// The number as an integer. `None` if it is not whole.
    #[must_use]
    pub fn to_integer(&self) -> Option<BigInt> {
        self.0.is_integer().then(|| self.0.with_scale(0).into_bigint_and_exponent().0)
    }

    /// The significant digits, without a sign and trailing zeros, and the power of ten of the first digit. For 0.012: `12` and -2.
    #[must_use]
    pub fn significant_digits(&self) -> (String, i64) {
        let (digits, scale) = self.0.abs().normalized().into_bigint_and_exponent();
        let digits = digits.to_string();
        let power = i64::try_from(digits.len()).unwrap_or(i64::MAX) - 1 - scale;
        (digits, power)
    }

    /// The nearest 64-bit float; infinity if the number is too large.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        self.0.to_f64().unwrap_or(f64::INFINITY)
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(BigDecimal::from(value))
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self::from(usize::try_from(value).unwrap_or(usize::MAX))
    }
}

impl From<usize> for Number {
    fn from(value: usize) -> Self {
        Self(BigDecimal::from(u64::try_from(value).unwrap_or(u64::MAX)))
    }
}

impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        // Most numbers are short and whole, and need no arbitrary-precision arithmetic.
        if text.len() < 19
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && let Ok(whole) = text.parse::<i64>()
        {
            return Ok(whole.into());
        }
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let shaped = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
            && digits.chars().any(|c| c.is_ascii_digit())
            && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
        if !shaped {
            return Err(NumberError::Shape);
        }
        // This check comes before the number is expanded, because `1e999999999` must not be.
        if text.len() > 4 * usize::try_from(MOST_DIGITS).unwrap_or(usize::MAX) {
            return Err(NumberError::Digits);
        }
        if let Some((_, exponent)) = text.split_once(['e', 'E']) {
            let exponent: i64 = exponent.parse().map_err(|_| NumberError::Shape)?;
            if exponent.abs() > MOST_DIGITS {
                return Err(NumberError::Digits);
            }
        }
        Self::check_digits(BigDecimal::from_str(text).map_err(|_| NumberError::Shape)?.normalized())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(whole) = self.to_small_i64() {
            return write!(f, "{whole}");
        }
        f.write_str(&self.0.normalized().to_plain_string())
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap()
    }

    #[test]
    fn arithmetic_is_decimal() {
        assert_eq!(number("0.1").try_add(&number("0.2")).unwrap().to_string(), "0.3");
        assert_eq!(number("7").try_remainder(&number("-3")).unwrap().to_string(), "1");
        assert_eq!(number("-7").try_remainder(&number("3")).unwrap().to_string(), "-1");
        assert_eq!(number("1").try_divide(&number("3")).unwrap().to_string(), format!("0.{}", "3".repeat(100)));
        assert_eq!(number("10").try_divide(&number("4")).unwrap().to_string(), "2.5");
        assert_eq!(number("1e3").to_string(), "1000");
        assert_eq!(number("-1.50").floor().to_string(), "-2");
        assert_eq!(number("1.0").to_i64(), Some(1));
        assert_eq!(number("1").try_divide(&number("0")), Err(NumberError::DivisionByZero));
    }

    #[test]
    fn size_is_bounded() {
        assert_eq!("1e1001".parse::<Number>(), Err(NumberError::Digits));
        assert_eq!("1e99999999999999999999".parse::<Number>(), Err(NumberError::Shape));
        let large = number(&"9".repeat(900));
        assert_eq!(large.try_multiply(&large), Err(NumberError::Digits));
        for bad in ["", "x", "0x1", "1_000", "e1", "-", ".", "1e", "Inf", "NaN"] {
            assert_eq!(bad.parse::<Number>(), Err(NumberError::Shape), "{bad}");
        }
    }
}
