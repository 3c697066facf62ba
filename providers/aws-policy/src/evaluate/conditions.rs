//! Whether the conditions of a statement hold for the context of a request.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>

use std::collections::BTreeMap;

use crate::document::StatementCondition;
use crate::evaluate::glob::{ResolvedToken, glob_matches, resolve_variables, split_segments};
use crate::evaluate::truth::Truth;
use crate::operator::{ConditionOperator, ConditionTest, Quantifier};
use crate::parse::parse_bool;
use crate::pattern::Pattern;
use crate::value::{AddressRange, Decimal, UtcInstant};

type RequestContext = BTreeMap<String, Vec<String>>;

/// Whether one condition holds. Unknown where AWS does not document the result.
pub(crate) fn condition_matches(condition: &StatementCondition, context: &RequestContext) -> Truth {
    let present: &[String] = context.get(&condition.key).map_or(&[], Vec::as_slice);
    if condition.values.is_empty() {
        return Truth::Unknown;
    }
    match &condition.operator {
        ConditionOperator::Unknown(_) => Truth::Unknown,
        ConditionOperator::Null => {
            let wants = |value: &Pattern| parse_bool(value.text()) == Some(present.is_empty());
            condition.values.iter().any(wants).into()
        }
        ConditionOperator::Test { quantifier, test, negated, if_exists } => {
            let passes = |value: &String| {
                let matched =
                    Truth::any(condition.values.iter().map(|pattern| value_matches(*test, pattern, value, context)));
                if *negated { matched.not() } else { matched }
            };
            let truth = match (present, quantifier) {
                ([], Quantifier::One) => (*if_exists || *negated).into(),
                ([], Quantifier::All) => Truth::Yes,
                ([], Quantifier::Any) => (*if_exists).into(),
                ([one], Quantifier::One) => passes(one),
                // AWS documents that a key with several values requires a quantifier, but not what happens without one.
                (_, Quantifier::One) => Truth::Unknown,
                // AWS does not document whether an empty string counts as a value.
                ([one], _) if one.is_empty() => Truth::Unknown,
                (many, Quantifier::All) => Truth::all(many.iter().map(passes)),
                (many, Quantifier::Any) => Truth::any(many.iter().map(passes)),
            };
            // AWS does not document whether an unresolved variable invalidates only its own value or the whole
            // statement.
            let has_unresolved = condition.values.iter().any(|pattern| resolve_variables(pattern, context).is_none());
            if has_unresolved { truth.and(Truth::Unknown) } else { truth }
        }
    }
}

/// Whether one value of the request matches one value of the policy, before negation.
fn value_matches(test: ConditionTest, pattern: &Pattern, value: &str, context: &RequestContext) -> Truth {
    match test {
        ConditionTest::NumericEquals => compare_typed(Decimal::parse, pattern, value, |a, b| a == b),
        ConditionTest::NumericLessThan => compare_typed(Decimal::parse, pattern, value, |a, b| a < b),
        ConditionTest::NumericLessThanEquals => compare_typed(Decimal::parse, pattern, value, |a, b| a <= b),
        ConditionTest::NumericGreaterThan => compare_typed(Decimal::parse, pattern, value, |a, b| a > b),
        ConditionTest::NumericGreaterThanEquals => compare_typed(Decimal::parse, pattern, value, |a, b| a >= b),
        ConditionTest::DateEquals => compare_typed(UtcInstant::parse, pattern, value, |a, b| a == b),
        ConditionTest::DateLessThan => compare_typed(UtcInstant::parse, pattern, value, |a, b| a < b),
        ConditionTest::DateLessThanEquals => compare_typed(UtcInstant::parse, pattern, value, |a, b| a <= b),
        ConditionTest::DateGreaterThan => compare_typed(UtcInstant::parse, pattern, value, |a, b| a > b),
        ConditionTest::DateGreaterThanEquals => compare_typed(UtcInstant::parse, pattern, value, |a, b| a >= b),
        ConditionTest::Bool => compare_typed(parse_bool, pattern, value, |a, b| a == b),
        ConditionTest::IpAddress => compare_typed(AddressRange::parse, pattern, value, |a, b| b.contains(a)),
        ConditionTest::BinaryEquals => (pattern.text() == value).into(),
        ConditionTest::StringEquals | ConditionTest::StringLike => {
            let chars: Vec<char> = value.chars().collect();
            resolve_variables(pattern, context).is_some_and(|pieces| glob_matches(&pieces, &chars)).into()
        }
        ConditionTest::StringEqualsIgnoreCase => match resolve_variables(pattern, context) {
            None => Truth::No,
            Some(pieces) => equals_ignoring_case(&pieces, value),
        },
        ConditionTest::ArnEquals | ConditionTest::ArnLike => match resolve_variables(pattern, context) {
            None => Truth::No,
            Some(pieces) => matches_arn_like(&pieces, value),
        },
    }
}

/// Compares two values of a type, the request's first. Unknown if one of the texts is not of the type.
fn compare_typed<T>(read: fn(&str) -> Option<T>, pattern: &Pattern, value: &str, test: fn(&T, &T) -> bool) -> Truth {
    match (read(value), read(pattern.text())) {
        (Some(value), Some(desired)) => test(&value, &desired).into(),
        _ => Truth::Unknown,
    }
}

/// Compares without case. Unknown for other than ASCII texts: AWS does not document how it folds their case.
fn equals_ignoring_case(pieces: &[ResolvedToken], value: &str) -> Truth {
    let desired =
        pieces.iter().map(|piece| if let ResolvedToken::Char(c) = piece { *c } else { '?' }).collect::<String>();
    if desired == value {
        Truth::Yes
    } else if desired.is_ascii() && value.is_ascii() {
        desired.eq_ignore_ascii_case(value).into()
    } else {
        Truth::Unknown
    }
}

/// Matches segment by segment: no wildcard in the first five segments matches a colon. Unknown if the pattern has fewer
/// than six segments.
fn matches_arn_like(pieces: &[ResolvedToken], value: &str) -> Truth {
    let chars: Vec<char> = value.chars().collect();
    let (pattern, text) =
        (split_segments(pieces, |piece| *piece == ResolvedToken::Char(':')), split_segments(&chars, |c| *c == ':'));
    if pattern.len() < 6 {
        return Truth::Unknown;
    }
    (text.len() == 6 && pattern.iter().zip(&text).all(|(pattern, text)| glob_matches(pattern, text))).into()
}
