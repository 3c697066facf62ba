//! Quotes words for commands that Leasehold prints for the user to run in a POSIX shell.

/// Returns the word with quotes where a POSIX shell needs them. Control characters stay unchanged: POSIX has no portable escape for them.
#[must_use]
pub fn quote_shell_word(word: &str) -> String {
    // Quoting fails only for NUL, and no process argument can contain NUL.
    shlex::try_quote(word).map_or_else(|_| String::new(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_shell_reads_back_what_was_quoted(word in "[^\0]*") {
            proptest::prop_assert_eq!(shlex::split(&quote_shell_word(&word)), Some(vec![word]));
        }
    }
}
