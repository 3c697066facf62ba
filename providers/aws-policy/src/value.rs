//! The typed values of conditions, parsed from text: numbers, instants, address ranges. A text that is not of the type
//! gives `None`, and its condition is then undecided.

use std::net::IpAddr;

/// An exact decimal number in units of 10⁻¹², with at most 18 digits before the point and 9 after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(pub i128);

impl Decimal {
    const DIGITS: u32 = 12;

    /// Parses `-12` or `0.5`. `None` for an exponent, for more digits than fit, and for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let digits = if negative { digits } else { digits.strip_prefix('+').unwrap_or(digits) };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let number = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !number(whole) || !number(fraction) || whole.len() > 18 || fraction.len() > 9 {
            return None;
        }
        let scale = 10_i128.pow(Self::DIGITS);
        let part = 10_i128.pow(Self::DIGITS - u32::try_from(fraction.len()).ok()?);
        let value = whole.parse::<i128>().ok()? * scale + fraction.parse::<i128>().ok()? * part;
        Some(Self(if negative { -value } else { value }))
    }

    /// The shortest decimal form, such as `-0.5`.
    pub fn to_text(self) -> String {
        let scale = 10_u128.pow(Self::DIGITS);
        let magnitude = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let fraction = format!("{:012}", magnitude % scale);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{sign}{}{point}{fraction}", magnitude / scale)
    }
}

/// An instant in nanoseconds since 1970-01-01T00:00:00Z; negative before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcInstant(pub i128);

const SECOND: i128 = 1_000_000_000;

impl UtcInstant {
    /// Parses the W3C profile of ISO 8601 (a year, a month, a day, or a time with its offset), or seconds since 1970.
    /// Four digits are a year, five to twelve digits are seconds.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > 4 && text.len() <= 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            return Some(Self(text.parse::<i128>().ok()? * SECOND));
        }
        let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
        let mut parts = date.split('-');
        let year = parse_fixed_digits(parts.next()?, 4)?;
        let month = parts.next().map_or(Some(1), |part| parse_fixed_digits(part, 2))?;
        let day = parts.next().map_or(Some(1), |part| parse_fixed_digits(part, 2))?;
        if parts.next().is_some() || !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
            return None;
        }
        let midnight = days_from_epoch(year, month, day) * 86_400 * SECOND;
        match time {
            None => Some(Self(midnight)),
            Some(_) if date.len() != 10 => None,
            Some(time) => Some(Self(midnight + parse_time_of_day(time)?)),
        }
    }

    /// `2026-01-31T12:00:00Z`, with a fraction of a second only if it is not zero.
    pub fn to_iso8601(self) -> String {
        let days = self.0.div_euclid(86_400 * SECOND);
        let in_day = self.0.rem_euclid(86_400 * SECOND);
        let (mut year, mut left) = (1970_i128, days);
        while left < 0 {
            year -= 1;
            left += days_in_year(year);
        }
        while left >= days_in_year(year) {
            left -= days_in_year(year);
            year += 1;
        }
        let mut month = 1;
        while left >= days_in_month(year, month) {
            left -= days_in_month(year, month);
            month += 1;
        }
        let (seconds, nanos) = (in_day / SECOND, in_day % SECOND);
        let fraction = format!("{nanos:09}");
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let day = left + 1;
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{point}{fraction}Z")
    }
}

fn parse_fixed_digits(text: &str, width: usize) -> Option<i128> {
    (text.len() == width && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn is_leap_year(year: i128) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

fn days_in_year(year: i128) -> i128 {
    if is_leap_year(year) { 366 } else { 365 }
}

fn days_in_month(year: i128, month: i128) -> i128 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap_year(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the date: 365 for each year, plus the leap days of the years before.
fn days_from_epoch(year: i128, month: i128, day: i128) -> i128 {
    let leaps = |y: i128| y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400);
    let years = (year - 1970) * 365 + leaps(year - 1) - leaps(1969);
    years + (1..month).map(|m| days_in_month(year, m)).sum::<i128>() + day - 1
}

/// Parses `12:30Z` or `12:30:15.25+02:00` as nanoseconds after midnight UTC; negative if the offset leads to the day
/// before.
fn parse_time_of_day(text: &str) -> Option<i128> {
    let (clock, offset) = if let Some(clock) = text.strip_suffix(['Z', 'z']) {
        (clock, 0)
    } else {
        let at = text.rfind(['+', '-'])?;
        let (clock, offset) = text.split_at_checked(at)?;
        let sign = if offset.starts_with('-') { -1 } else { 1 };
        let (hours, minutes) = offset.get(1..)?.split_once(':')?;
        let (hours, minutes) = (parse_fixed_digits(hours, 2)?, parse_fixed_digits(minutes, 2)?);
        if hours > 23 || minutes > 59 {
            return None;
        }
        (clock, sign * (hours * 3600 + minutes * 60))
    };
    let mut parts = clock.split(':');
    let (hour, minute) = (parse_fixed_digits(parts.next()?, 2)?, parse_fixed_digits(parts.next()?, 2)?);
    let (second, fraction) = match parts.next() {
        None => (0, 0),
        Some(seconds) => match seconds.split_once('.') {
            None => (parse_fixed_digits(seconds, 2)?, 0),
            Some((whole, digits)) if digits.len() <= 6 => {
                let scale = 10_i128.pow(9 - u32::try_from(digits.len()).ok()?);
                (parse_fixed_digits(whole, 2)?, parse_fixed_digits(digits, digits.len())? * scale)
            }
            Some(_) => return None,
        },
    };
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some((hour * 3600 + minute * 60 + second - offset) * SECOND + fraction)
}

/// A range of IP addresses of one family, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    /// True for IPv6. A range of one family never contains an address of the other.
    pub v6: bool,
    /// The lowest address as a number.
    pub first: u128,
    /// The highest address as a number.
    pub last: u128,
}

impl AddressRange {
    /// Parses a CIDR range or a single address. Host bits after the prefix are ignored, as AWS does.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let (v6, bits, width) = match address.parse::<IpAddr>().ok()? {
            IpAddr::V4(v4) => (false, u128::from(u32::from(v4)), 32),
            IpAddr::V6(v6) => (true, u128::from(v6), 128),
        };
        let prefix = match prefix {
            None => width,
            Some(p) if p.len() <= 3 && p.bytes().all(|b| b.is_ascii_digit()) => p.parse::<u32>().ok()?,
            Some(_) => return None,
        };
        let host = width.checked_sub(prefix)?;
        let mask = if host == 128 { u128::MAX } else { (1_u128 << host) - 1 };
        Some(Self { v6, first: bits & !mask, last: bits | mask })
    }

    /// Whether every address of `other` is in this range.
    pub fn contains(&self, other: &Self) -> bool {
        self.v6 == other.v6 && self.first <= other.first && other.last <= self.last
    }

    /// Formats one address. `None`: the number exceeds the family's width.
    pub fn format_address(v6: bool, bits: u128) -> Option<String> {
        Some(if v6 {
            std::net::Ipv6Addr::from(bits).to_string()
        } else {
            std::net::Ipv4Addr::from(u32::try_from(bits).ok()?).to_string()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_round_trip_and_reject_other_texts() {
        for (text, written) in
            [("10", "10"), ("-0.50", "-0.5"), ("007", "7"), ("+1", "1"), ("0.000000001", "0.000000001")]
        {
            assert_eq!(Decimal::parse(text).unwrap().to_text(), written);
        }
        for text in ["", "-", "1e3", ".5", "1.", "--1", "0x1", " 1", "1234567890123456789", "0.1234567890", "-+1"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        assert!(Decimal::parse("9.9") < Decimal::parse("10"));
    }

    #[test]
    fn instants_round_trip_and_reject_other_texts() {
        for (text, written) in [
            ("1970", "1970-01-01T00:00:00Z"),
            ("2024-02", "2024-02-01T00:00:00Z"),
            ("2024-02-29", "2024-02-29T00:00:00Z"),
            ("2026-01-01T00:00+01:00", "2025-12-31T23:00:00Z"),
            ("2026-01-01T12:30:15.25Z", "2026-01-01T12:30:15.25Z"),
            ("1767225600", "2026-01-01T00:00:00Z"),
            ("0001-01-01", "0001-01-01T00:00:00Z"),
            ("2000-12-31T23:59:59Z", "2000-12-31T23:59:59Z"),
            ("1969-12-31T23:59:59-00:30", "1970-01-01T00:29:59Z"),
        ] {
            assert_eq!(UtcInstant::parse(text).unwrap().to_iso8601(), written, "{text}");
        }
        for text in [
            "",
            "2023-02-29",
            "2024-13",
            "2024-1-1",
            "20240101T000000Z",
            "2024-01-01T00:00",
            "2024-01T00:00Z",
            "2024-01-01T24:00Z",
            "tomorrow",
            "2024-01-01T00:00:00.1234567Z",
            "2024-01-01-01",
        ] {
            assert_eq!(UtcInstant::parse(text), None, "{text}");
        }
    }

    #[test]
    fn ranges_contain_ranges_of_their_family() {
        let within = |a: &str, b: &str| AddressRange::parse(a).unwrap().contains(&AddressRange::parse(b).unwrap());
        assert!(within("10.0.0.0/8", "10.200.1.1"));
        assert!(within("10.9.9.9/8", "10.0.0.0"));
        assert!(!within("10.0.0.0/8", "11.0.0.0"));
        assert!(within("0.0.0.0/0", "255.255.255.255"));
        assert!(!within("0.0.0.0/0", "::1"));
        assert!(within("::/0", "ffff::1"));
        assert!(within("2001:db8::/32", "2001:db8:1::/48"));
        for text in ["", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "::/129", "010.0.0.1"] {
            assert_eq!(AddressRange::parse(text), None, "{text}");
        }
    }
}
