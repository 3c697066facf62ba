//! Words of commands that are printed for a POSIX shell.

/// The word as a shell reads it back, with quotes only where it needs them. Control characters stay, for no portable form of them exists.
#[must_use]
pub fn quote_shell_word(word: &str) -> String {
    // Only NUL has no quoted form, and no argument of a process can hold one.
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
