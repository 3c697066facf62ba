//! Parses the instants of leases. It explains words that are no instants in terms of leases; RFC 3339 itself is part of the language.

use jiff::Timestamp;

use crate::hcl::instant::parse_rfc3339;

/// Parses an instant.
///
/// # Errors
///
/// What is wrong, and what to do.
pub fn parse_instant(text: &str) -> Result<Timestamp, (String, String)> {
    let problem = |label: &str, help: &str| Err((label.to_owned(), help.to_owned()));
    let word = text.trim().to_ascii_lowercase();
    if matches!(word.as_str(), "never" | "none" | "forever" | "infinity") {
        return problem(
            "every lease must expire",
            "set a time; for an account that must not expire, set kind = \"break_glass\" and remove this attribute",
        );
    }
    if word.starts_with("in ") || word.ends_with(" ago") || matches!(word.as_str(), "now" | "today" | "tomorrow") {
        return problem(
            "a relative time would change with each run",
            "write an absolute time, or use ttl = \"3d\", which counts from when the identity joins",
        );
    }
    parse_rfc3339(text)
}
