//! Condition operators such as `StringEquals` or `ForAnyValue:ArnNotLikeIfExists`, parsed into their parts.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

use std::fmt;

/// The test of one value of the request against one value of the policy, in its positive form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionTest {
    /// Case-sensitive equality of strings.
    StringEquals,
    /// Case-insensitive equality of strings.
    StringEqualsIgnoreCase,
    /// Strings that match a pattern with `*` and `?`.
    StringLike,
    /// Equality of integers or decimal numbers.
    NumericEquals,
    /// The request's number is less.
    NumericLessThan,
    /// The request's number is less or equal.
    NumericLessThanEquals,
    /// The request's number is greater.
    NumericGreaterThan,
    /// The request's number is greater or equal.
    NumericGreaterThanEquals,
    /// Equality of instants, in ISO 8601 or epoch seconds.
    DateEquals,
    /// The request's instant is earlier.
    DateLessThan,
    /// The request's instant is earlier or equal.
    DateLessThanEquals,
    /// The request's instant is later.
    DateGreaterThan,
    /// The request's instant is later or equal.
    DateGreaterThanEquals,
    /// Equality of `true` or `false`, in any case.
    Bool,
    /// Equality of bytes, written in base64.
    BinaryEquals,
    /// An IPv4 or IPv6 address within a CIDR range.
    IpAddress,
    /// ARNs that match a pattern segment by segment, each with `*` and `?`.
    ArnLike,
    /// The same as [`ConditionTest::ArnLike`]; AWS documents both names with the same behaviour.
    ArnEquals,
}

/// How the results for the single values of a multivalued key are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantifier {
    /// No prefix: the key has one value.
    One,
    /// `ForAllValues:`, every value of the request passes the test; true when there are no values.
    All,
    /// `ForAnyValue:`, at least one value of the request passes the test; false when there are no values.
    Any,
}

/// A condition operator without its case, which AWS ignores.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionOperator {
    /// `Null`: tests whether the key is absent from the request.
    Null,
    /// A test on values.
    Test {
        /// How the results for several values are combined.
        quantifier: Quantifier,
        /// The test, in its positive form.
        test: ConditionTest,
        /// `…Not…`: the test must fail for every value of the policy.
        negated: bool,
        /// `…IfExists`: an absent key passes.
        if_exists: bool,
    },
    /// An operator that this crate does not know. Conditions with it are undecided.
    Unknown(String),
}

/// Each test with its operator name and, if it has a negation, the name of that.
const NAMES: &[(ConditionTest, &str, Option<&str>)] = &[
    (ConditionTest::StringEquals, "StringEquals", Some("StringNotEquals")),
    (ConditionTest::StringEqualsIgnoreCase, "StringEqualsIgnoreCase", Some("StringNotEqualsIgnoreCase")),
    (ConditionTest::StringLike, "StringLike", Some("StringNotLike")),
    (ConditionTest::NumericEquals, "NumericEquals", Some("NumericNotEquals")),
    (ConditionTest::NumericLessThan, "NumericLessThan", None),
    (ConditionTest::NumericLessThanEquals, "NumericLessThanEquals", None),
    (ConditionTest::NumericGreaterThan, "NumericGreaterThan", None),
    (ConditionTest::NumericGreaterThanEquals, "NumericGreaterThanEquals", None),
    (ConditionTest::DateEquals, "DateEquals", Some("DateNotEquals")),
    (ConditionTest::DateLessThan, "DateLessThan", None),
    (ConditionTest::DateLessThanEquals, "DateLessThanEquals", None),
    (ConditionTest::DateGreaterThan, "DateGreaterThan", None),
    (ConditionTest::DateGreaterThanEquals, "DateGreaterThanEquals", None),
    (ConditionTest::Bool, "Bool", None),
    (ConditionTest::BinaryEquals, "BinaryEquals", None),
    (ConditionTest::IpAddress, "IpAddress", Some("NotIpAddress")),
    (ConditionTest::ArnLike, "ArnLike", Some("ArnNotLike")),
    (ConditionTest::ArnEquals, "ArnEquals", Some("ArnNotEquals")),
];

impl ConditionOperator {
    /// Parses the name of an operator in any case. An unknown name becomes [`Self::Unknown`], so this cannot fail.
    pub fn parse(text: &str) -> Self {
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

    /// Whether `*` and `?` are wildcards in values of this operator.
    pub fn supports_wildcards(&self) -> bool {
        matches!(
            self,
            Self::Test { test: ConditionTest::StringLike | ConditionTest::ArnLike | ConditionTest::ArnEquals, .. }
        )
    }
}

impl fmt::Display for ConditionOperator {
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
    fn known_names_round_trip_in_any_case() {
        for (_, positive, negative) in NAMES {
            for name in [Some(*positive), *negative].into_iter().flatten() {
                for prefix in ["", "ForAllValues:", "ForAnyValue:"] {
                    for suffix in ["", "IfExists"] {
                        let full = format!("{prefix}{name}{suffix}");
                        assert_eq!(ConditionOperator::parse(&full.to_uppercase()).to_string(), full);
                    }
                }
            }
        }
        assert_eq!(ConditionOperator::parse("null"), ConditionOperator::Null);
    }

    #[test]
    fn unknown_names_are_kept() {
        for name in ["StringMatches", "NullIfExists", "ForAnyValue:Null", "NotBool", ""] {
            assert_eq!(ConditionOperator::parse(name), ConditionOperator::Unknown(name.to_owned()));
        }
    }
}
