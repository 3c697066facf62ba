//! Condition operators.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

use std::fmt;

/// How one value of the request is tested against the values of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Test {
    /// Case-sensitive equality of strings.
    StringEquals,
    /// Equality of strings without regard to case.
    StringEqualsIgnoreCase,
    /// Strings with `*` and `?`.
    StringLike,
    /// Numbers, whole or decimal.
    NumericEquals,
    /// The request's number is smaller.
    NumericLessThan,
    /// The request's number is smaller or the same.
    NumericLessThanEquals,
    /// The request's number is larger.
    NumericGreaterThan,
    /// The request's number is larger or the same.
    NumericGreaterThanEquals,
    /// Instants, ISO 8601 or epoch seconds.
    DateEquals,
    /// The request's instant is earlier.
    DateLessThan,
    /// The request's instant is earlier or the same.
    DateLessThanEquals,
    /// The request's instant is later.
    DateGreaterThan,
    /// The request's instant is later or the same.
    DateGreaterThanEquals,
    /// `true` or `false`.
    Bool,
    /// Bytes, written in base64.
    BinaryEquals,
    /// An address within a CIDR range, v4 or v6.
    IpAddress,
    /// ARNs, segment by segment, each with `*` and `?`.
    ArnLike,
    /// The same as [`Test::ArnLike`]; AWS gives both names one meaning.
    ArnEquals,
}

/// How a test reads a key that holds several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantifier {
    /// No prefix: the key holds one value.
    One,
    /// `ForAllValues:`, every value of the request passes; true when there is none.
    All,
    /// `ForAnyValue:`, at least one value of the request passes; false when there is none.
    Any,
}

/// A condition operator as written, with the case folded away.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// `Null`: whether the key is absent from the request.
    Null,
    /// A test on values.
    Test {
        /// How a key of several values is read.
        quantifier: Quantifier,
        /// The test, in its positive form.
        test: Test,
        /// `…Not…`: the test must fail for every value of the policy.
        negated: bool,
        /// `…IfExists`: an absent key passes.
        if_exists: bool,
    },
    /// An operator that this crate does not know. It is kept, shown, and never decided.
    Unknown(String),
}

/// The name of a test, of its negation where there is one.
const NAMES: &[(Test, &str, Option<&str>)] = &[
    (Test::StringEquals, "StringEquals", Some("StringNotEquals")),
    (Test::StringEqualsIgnoreCase, "StringEqualsIgnoreCase", Some("StringNotEqualsIgnoreCase")),
    (Test::StringLike, "StringLike", Some("StringNotLike")),
    (Test::NumericEquals, "NumericEquals", Some("NumericNotEquals")),
    (Test::NumericLessThan, "NumericLessThan", None),
    (Test::NumericLessThanEquals, "NumericLessThanEquals", None),
    (Test::NumericGreaterThan, "NumericGreaterThan", None),
    (Test::NumericGreaterThanEquals, "NumericGreaterThanEquals", None),
    (Test::DateEquals, "DateEquals", Some("DateNotEquals")),
    (Test::DateLessThan, "DateLessThan", None),
    (Test::DateLessThanEquals, "DateLessThanEquals", None),
    (Test::DateGreaterThan, "DateGreaterThan", None),
    (Test::DateGreaterThanEquals, "DateGreaterThanEquals", None),
    (Test::Bool, "Bool", None),
    (Test::BinaryEquals, "BinaryEquals", None),
    (Test::IpAddress, "IpAddress", Some("NotIpAddress")),
    (Test::ArnLike, "ArnLike", Some("ArnNotLike")),
    (Test::ArnEquals, "ArnEquals", Some("ArnNotEquals")),
];

impl Operator {
    /// Reads an operator's name in any case. A name that is not known is kept as it stands.
    pub fn read(text: &str) -> Self {
        let folded = text.to_ascii_lowercase();
        let (quantifier, rest) = if let Some(rest) = folded.strip_prefix("forallvalues:") {
            (Quantifier::All, rest)
        } else if let Some(rest) = folded.strip_prefix("foranyvalue:") {
            (Quantifier::Any, rest)
        } else {
            (Quantifier::One, folded.as_str())
        };
        if rest == "null" && quantifier == Quantifier::One {
            return Self::Null;
        }
        let (name, if_exists) = rest.strip_suffix("ifexists").map_or((rest, false), |name| (name, true));
        for &(test, positive, negative) in NAMES {
            if name.eq_ignore_ascii_case(positive) {
                return Self::Test { quantifier, test, negated: false, if_exists };
            }
            if negative.is_some_and(|negative| name.eq_ignore_ascii_case(negative)) {
                return Self::Test { quantifier, test, negated: true, if_exists };
            }
        }
        Self::Unknown(text.to_owned())
    }

    /// Whether values of this operator may hold `*` and `?` that match.
    pub fn takes_wildcards(&self) -> bool {
        matches!(self, Self::Test { test: Test::StringLike | Test::ArnLike | Test::ArnEquals, .. })
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Unknown(name) => f.write_str(name),
            Self::Test { quantifier, test, negated, if_exists } => {
                f.write_str(match quantifier {
                    Quantifier::One => "",
                    Quantifier::All => "ForAllValues:",
                    Quantifier::Any => "ForAnyValue:",
                })?;
                let row = NAMES.iter().find(|(candidate, ..)| candidate == test);
                let name =
                    row.map(|(_, positive, negative)| if *negated { negative.unwrap_or(positive) } else { positive });
                f.write_str(name.unwrap_or_default())?;
                f.write_str(if *if_exists { "IfExists" } else { "" })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_the_round_trip_in_any_case() {
        for (_, positive, negative) in NAMES {
            for name in [Some(*positive), *negative].into_iter().flatten() {
                for prefix in ["", "ForAllValues:", "ForAnyValue:"] {
                    for suffix in ["", "IfExists"] {
                        let full = format!("{prefix}{name}{suffix}");
                        assert_eq!(Operator::read(&full.to_uppercase()).to_string(), full);
                    }
                }
            }
        }
        assert_eq!(Operator::read("null"), Operator::Null);
    }

    #[test]
    fn what_is_not_known_is_kept() {
        for name in ["StringMatches", "NullIfExists", "ForAnyValue:Null", "NotBool", ""] {
            assert_eq!(Operator::read(name), Operator::Unknown(name.to_owned()));
        }
    }
}
