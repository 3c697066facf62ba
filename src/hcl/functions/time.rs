//! Functions on instants. Every instant comes from an argument or, in `plantimestamp()`, from the plan; no function reads a clock.

use jiff::fmt::temporal::DateTimeParser;
use jiff::{SignedDuration, Timestamp, tz::Offset};

use super::ParamType::Text;
use super::{Args, Function, FunctionBody, FunctionError, MarkHandling, declare_function, declare_param};
use crate::hcl::instant::parse_rfc3339;
use crate::hcl::value::ConfigValue;

pub(super) const FUNCTIONS: &[Function] = &[
    declare_function("formatdate", &[declare_param("format", Text), declare_param("timestamp", Text)], format_date),
    Function {
        name: "plantimestamp",
        params: &[],
        variadic: None,
        marks: MarkHandling::Spread,
        cheap: true,
        body: FunctionBody::Direct(|args| Ok(ConfigValue::new_string(truncate_to_seconds(args.now).to_string()))),
    },
    declare_function("timeadd", &[declare_param("timestamp", Text), declare_param("duration", Text)], add_duration),
    declare_function("timecmp", &[declare_param("timestamp_a", Text), declare_param("timestamp_b", Text)], |args| {
        let order = expect_instant(args, 0)?.0.cmp(&expect_instant(args, 1)?.0);
        Ok(ConfigValue::new_number(order as i64))
    }),
];

fn truncate_to_seconds(instant: Timestamp) -> Timestamp {
    let second = instant.as_second() - i64::from(instant.subsec_nanosecond() < 0);
    Timestamp::from_second(second).unwrap_or(instant)
}

/// Parses an RFC 3339 timestamp. Also returns the UTC offset it is written with.
///
/// # Errors
///
/// Returns a message for the user if the text is not a valid timestamp.
pub fn parse_instant(text: &str) -> Result<(Timestamp, Offset), String> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() >= 20
        && bytes.get(10) == Some(&b'T')
        && bytes
            .iter()
            .take(10)
            .enumerate()
            .all(|(index, byte)| if matches!(index, 4 | 7) { *byte == b'-' } else { byte.is_ascii_digit() })
        && !text.contains('[');
    if !shaped {
        return Err("expected a time such as \"2027-02-28T12:00:00Z\"".to_owned());
    }
    if let Err((problem, _)) = parse_rfc3339(text) {
        return Err(problem);
    }
    let parser = DateTimeParser::new();
    let pieces = parser.parse_pieces(text).map_err(|error| extract_first_line(&error))?;
    let instant = parser.parse_timestamp(text).map_err(|error| extract_first_line(&error))?;
    let offset = match pieces.offset() {
        Some(jiff::fmt::temporal::PiecesOffset::Numeric(numeric)) => numeric.offset(),
        _ => Offset::UTC,
    };
    Ok((instant, offset))
}

fn extract_first_line(error: &jiff::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

fn expect_instant(args: &Args<'_>, index: usize) -> Result<(Timestamp, Offset), FunctionError> {
    parse_instant(args.expect_text(index)?).or_else(|problem| FunctionError::reject_argument(index, problem))
}

/// `timeadd`: adds a duration in Go's format, such as `1h30m`, `-10s`, `1.5h` or `100ms`.
fn add_duration(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let (start, offset) = expect_instant(args, 0)?;
    let Some(span) = parse_go_duration(args.expect_text(1)?) else {
        return FunctionError::reject_argument(
            1,
            "expected a duration with the units h, m, s, ms, us or ns, such as \"1h30m\" or \"-10m\"",
        );
    };
    let Ok(end) = start.checked_add(span) else {
        return FunctionError::reject_call("the time is out of range");
    };
    Ok(ConfigValue::new_string(render_rfc3339(truncate_to_seconds(end), offset)))
}

fn render_rfc3339(instant: Timestamp, offset: Offset) -> String {
    if offset == Offset::UTC { instant.to_string() } else { instant.display_with_offset(offset).to_string() }
}

fn parse_go_duration(text: &str) -> Option<SignedDuration> {
    const UNITS: [(&str, f64); 8] =
        [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 6e10), ("h", 3.6e12)];
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut nanoseconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (name, after) = tail.split_at(unit);
        let size = UNITS.iter().find(|(unit, _)| *unit == name)?.1;
        nanoseconds += number.parse::<f64>().ok()? * size;
        rest = after;
    }
    // Go stores a duration in 64 bits of nanoseconds, so Terraform also rejects more than 292 years.
    (nanoseconds < 9.2e18).then(|| SignedDuration::from_nanos((sign * nanoseconds) as i64))
}

/// `formatdate`: renders `YYYY`, `MM`, `DD`, `hh`, `mm`, `ss`, `ZZZZZ` and the other sequences of Terraform. Text in single quotes is
/// literal.
fn format_date(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let (moment, offset) = expect_instant(args, 1)?;
    let at = offset.to_datetime(moment);
    let mut out = String::new();
    let mut rest = args.expect_text(0)?;
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            let (quoted, after) =
                parse_quoted(rest).ok_or_else(|| FunctionError::Argument(0, "a quote is not closed".to_owned()))?;
            out.push_str(&quoted);
            rest = after;
            continue;
        }
        let run = rest.find(|c: char| c != first).unwrap_or(rest.len());
        let (letters, after) = rest.split_at(run);
        rest = after;
        if !first.is_ascii_alphabetic() {
            out.push_str(letters);
            continue;
        }
        match render_date_part(letters, at, offset) {
            Some(text) => out.push_str(&text),
            None => {
                return FunctionError::reject_argument(
                    0,
                    format!("{letters:?} is not part of a date format; put text in single quotes"),
                );
            }
        }
    }
    Ok(ConfigValue::new_string(out))
}

/// The content of a quoted text, and the rest of the format after it. `''` inside it is one quote. `None`: the quote is not closed.
fn parse_quoted(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut rest = text.strip_prefix('\'')?;
    loop {
        let end = rest.find('\'')?;
        let (inside, tail) = rest.split_at(end);
        out.push_str(inside);
        rest = tail.strip_prefix('\'')?;
        match rest.strip_prefix('\'') {
            Some(after) => {
                out.push('\'');
                rest = after;
            }
            None => return Some((out, rest)),
        }
    }
}

fn render_date_part(letters: &str, at: jiff::civil::DateTime, offset: Offset) -> Option<String> {
    let twelve = match at.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    let seconds = offset.seconds();
    let (sign, hours, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.abs() / 3600, seconds.abs() / 60 % 60);
    let format = |pattern: &str| at.strftime(pattern).to_string();
    Some(match letters {
        "YYYY" => format!("{:04}", at.year()),
        "YY" => format!("{:02}", at.year().rem_euclid(100)),
        "MMMM" => format("%B"),
        "MMM" => format("%b"),
        "MM" => format!("{:02}", at.month()),
        "M" => at.month().to_string(),
        "DD" => format!("{:02}", at.day()),
        "D" => at.day().to_string(),
        "EEEE" => format("%A"),
        "EEE" => format("%a"),
        "hh" => format!("{:02}", at.hour()),
        "h" => at.hour().to_string(),
        "HH" => format!("{twelve:02}"),
        "H" => twelve.to_string(),
        "AA" => if at.hour() < 12 { "AM" } else { "PM" }.to_owned(),
        "aa" => if at.hour() < 12 { "am" } else { "pm" }.to_owned(),
        "mm" => format!("{:02}", at.minute()),
        "m" => at.minute().to_string(),
        "ss" => format!("{:02}", at.second()),
        "s" => at.second().to_string(),
        "ZZZZZ" => format!("{sign}{hours:02}:{minutes:02}"),
        "ZZZZ" => format!("{sign}{hours:02}{minutes:02}"),
        "ZZZ" if seconds == 0 => "UTC".to_owned(),
        "ZZZ" => format!("{sign}{hours:02}{minutes:02}"),
        "Z" if seconds == 0 => "Z".to_owned(),
        "Z" => format!("{sign}{hours:02}:{minutes:02}"),
        _ => return None,
    })
}
