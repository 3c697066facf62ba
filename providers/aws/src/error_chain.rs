//! An error with the errors that caused it.

use std::error::Error;
use std::fmt::Write as _;

/// An error and its sources, outermost first.
pub fn error_chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn Error + 'static) = *error;
        error.source()
    })
}

/// Whether the error or one of its sources has this type.
pub fn has_source<T: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    error_chain(error).any(|error| error.downcast_ref::<T>().is_some())
}

/// The messages of the error and all its sources, outermost first.
pub fn describe_chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut last = String::new();
    for error in error_chain(error) {
        let words = error.to_string();
        if words != last && !text.contains(&words) {
            let _ = write!(text, "{}{words}", if text.is_empty() { "" } else { ": " });
        }
        last = words;
    }
    text
}

/// The message of the innermost source: the operating system's or the service's own words.
pub fn describe_innermost(error: &(dyn Error + 'static)) -> String {
    error_chain(error).last().map(ToString::to_string).unwrap_or_default()
}
