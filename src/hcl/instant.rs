//! Parses instants: RFC 3339 with an offset. A missing offset or time is an error; nothing is guessed.

use jiff::Timestamp;
use jiff::civil::Date;

const SHAPE: &str = "use a time such as \"2027-02-28T12:00:00Z\" or \"2027-02-28T12:00:00+01:00\"";

/// Parses an instant.
///
/// # Errors
///
/// What is wrong, and what to do.
pub fn parse_rfc3339(text: &str) -> Result<Timestamp, (String, String)> {
    let problem = |label: &str, help: &str| Err((label.to_owned(), help.to_owned()));
    let Some(date) = text.get(..10).filter(|date| is_date_shaped(date)) else {
        return problem("expected a time in RFC 3339 format", SHAPE);
    };
    if date.parse::<Date>().is_err() {
        return Err((describe_missing_day(date), describe_last_day(date).unwrap_or_else(|| SHAPE.to_owned())));
    }
    let time = text.get(10..).unwrap_or_default();
    if time.is_empty() {
        return Err((
            "the time of day and the UTC offset are missing".to_owned(),
            format!("write \"{date}T00:00:00Z\""),
        ));
    }
    let offset = time.ends_with(['Z', 'z']) || time.get(1..).is_some_and(|rest| rest.contains(['+', '-']));
    if !offset {
        return Err((
            "the UTC offset is missing".to_owned(),
            format!("write \"{text}Z\" for UTC, or an offset such as +01:00"),
        ));
    }
    if !(time.starts_with('T') && time.len() >= 9) || time.contains('[') {
        return problem("expected a time in RFC 3339 format", SHAPE);
    }
    text.parse::<Timestamp>().map_err(|_| ("the time of day or the offset does not exist".to_owned(), SHAPE.to_owned()))
}

fn is_date_shaped(date: &str) -> bool {
    date.bytes()
        .enumerate()
        .all(|(index, byte)| if matches!(index, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() })
}

fn describe_missing_day(date: &str) -> String {
    format!("the day {date} does not exist")
}

/// A description of the last day of the month in `date`, for a day that does not exist. `None`: the month does not exist either.
fn describe_last_day(date: &str) -> Option<String> {
    let first = format!("{}-01", date.get(..7)?).parse::<Date>().ok()?;
    let last = first.last_of_month();
    Some(format!(
        "{} ends on the {}: write \"{last}T00:00:00Z\" or another valid day",
        first.strftime("%B %Y"),
        render_ordinal(last.day())
    ))
}

fn render_ordinal(day: i8) -> String {
    let ending = match day {
        31 => "st",
        _ => "th",
    };
    format!("{day}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rfc_3339_and_nothing_else() {
        let instant: Timestamp = "2027-02-01T00:00:00Z".parse().unwrap();
        for text in ["2027-02-01T00:00:00Z", "2027-02-01T01:00:00+01:00", "2027-01-31T18:30:00-05:30"] {
            assert_eq!(parse_rfc3339(text), Ok(instant), "{text}");
        }
        for bad in [
            "",
            "never",
            "tomorrow",
            "2027",
            "2027-02-01",
            "2027-02-30T00:00:00Z",
            "2027-13-01T00:00:00Z",
            "2027-02-01T00:00:00",
            "2027-02-01 00:00:00Z",
            "2027-02-01T25:00:00Z",
            "2027-02-01T00:00:00+99:00",
            "2027-02-01T00:00:00Z[UTC]",
            "01.02.2027",
            "1801440000",
            "2027-02-01T00Z",
            "２０２７-02-01T00:00:00Z",
        ] {
            assert!(parse_rfc3339(bad).is_err(), "{bad}");
        }
        assert_eq!(
            parse_rfc3339("2027-02-30T00:00:00Z").unwrap_err().1,
            "February 2027 ends on the 28th: write \"2027-02-28T00:00:00Z\" or another valid day"
        );
    }
}
