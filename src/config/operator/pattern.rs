//! A pattern of the operator's file: a text, or the beginning of a text with `*` at its end.

/// A pattern for names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundPattern {
    /// The text without the `*`.
    text: String,
    is_prefix: bool,
}

impl BoundPattern {
    /// Parses a pattern. `names_owner` says whether the text before a `*` names the whole owner, such as a bucket or an account: a `*` within
    /// that name would also match the names of other owners.
    ///
    /// # Errors
    /// What is wrong with the pattern, as the label of a place.
    pub fn parse_pattern(text: &str, names_owner: impl Fn(&str) -> bool) -> Result<Self, &'static str> {
        let (name, is_prefix) = text.strip_suffix('*').map_or((text, false), |name| (name, true));
        match name {
            "" => Err("it would match everything; leave the list out to allow everything"),
            _ if name.contains('*') => Err("`*` is only allowed at the end"),
            _ if is_prefix && !names_owner(name) => Err("this `*` would also match the names of others"),
            _ => Ok(Self { text: name.to_owned(), is_prefix }),
        }
    }

    /// Whether a name matches. A path that goes up (`..`) matches only a pattern that writes it out.
    #[must_use]
    pub fn matches_name(&self, name: &str) -> bool {
        name == self.text
            || (self.is_prefix && name.starts_with(&self.text) && !name.split('/').any(|part| part == ".."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pattern_is_a_text_or_the_beginning_of_one() {
        for (pattern, name, matches) in [
            ("s3://acme/a", "s3://acme/a", true),
            ("s3://acme/a", "s3://acme/ab", false),
            ("s3://acme/a", "S3://acme/a", false),
            ("s3://acme/*", "s3://acme/a/b", true),
            ("s3://acme/*", "s3://acme-evil/a", false),
            ("s3://acme/*", "s3://acme", false),
            ("file:secrets/*", "file:secrets/../x", false),
            ("file:secrets/*", "file:secrets/..x", true),
            ("file:../secrets", "file:../secrets", true),
        ] {
            assert_eq!(
                BoundPattern::parse_pattern(pattern, |_| true).unwrap().matches_name(name),
                matches,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn star_that_matches_foreign_names_is_rejected() {
        for pattern in ["", "*", "a*b", "a**"] {
            assert!(BoundPattern::parse_pattern(pattern, |_| true).is_err(), "{pattern}");
        }
        let names_role = |text: &str| text.contains(":role/");
        assert!(BoundPattern::parse_pattern("arn:aws:iam::1111*", names_role).is_err());
        assert!(BoundPattern::parse_pattern("arn:aws:iam::111122223333:role/l-*", names_role).is_ok());
        assert!(BoundPattern::parse_pattern("arn:aws:iam::111122223333:user/x", names_role).is_ok());
    }
}
