//! Whether a statement's conditions hold for a request's context.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>

use std::collections::BTreeMap;

use crate::document::Condition;
use crate::evaluate::text::{Piece, glob, resolve, split};
use crate::evaluate::truth::Truth;
use crate::operator::{Operator, Quantifier, Test};
use crate::parse::fold_bool;
use crate::pattern::Pattern;
use crate::value::{Decimal, Instant, Network};

type Context = BTreeMap<String, Vec<String>>;

/// Whether one condition holds.
pub(crate) fn holds(condition: &Condition, context: &Context) -> Truth {
    let present: &[String] = context.get(&condition.key).map_or(&[], Vec::as_slice);
    if condition.values.is_empty() {
        return Truth::Unknown;
    }
    match &condition.operator {
        Operator::Unknown(_) => Truth::Unknown,
        Operator::Null => {
            let wants = |value: &Pattern| fold_bool(value.text()) == Some(present.is_empty());
            condition.values.iter().any(wants).into()
        }
        Operator::Test { quantifier, test, negated, if_exists } => {
            let passes = |value: &String| {
                let matched =
                    Truth::any(condition.values.iter().map(|pattern| matches(*test, pattern, value, context)));
                if *negated { matched.not() } else { matched }
            };
            let truth = match (present, quantifier) {
                ([], Quantifier::One) => (*if_exists || *negated).into(),
                ([], Quantifier::All) => Truth::Yes,
                ([], Quantifier::Any) => (*if_exists).into(),
                ([one], Quantifier::One) => passes(one),
                // A key of several values asks for a quantifier; AWS does not say what happens without one.
                (_, Quantifier::One) => Truth::Unknown,
                // An empty string may count as no value at all.
                ([one], _) if one.is_empty() => Truth::Unknown,
                (many, Quantifier::All) => Truth::all(many.iter().map(passes)),
                (many, Quantifier::Any) => Truth::any(many.iter().map(passes)),
            };
            // Whether a variable that nothing resolves spoils only its own value or the whole statement is not
            // documented.
            let lost = condition.values.iter().any(|pattern| resolve(pattern, context).is_none());
            if lost { truth.and(Truth::Unknown) } else { truth }
        }
    }
}

/// Whether one value of the request matches one value of the policy, negation aside.
fn matches(test: Test, pattern: &Pattern, value: &str, context: &Context) -> Truth {
    match test {
        Test::NumericEquals => ordered(Decimal::read, pattern, value, |a, b| a == b),
        Test::NumericLessThan => ordered(Decimal::read, pattern, value, |a, b| a < b),
        Test::NumericLessThanEquals => ordered(Decimal::read, pattern, value, |a, b| a <= b),
        Test::NumericGreaterThan => ordered(Decimal::read, pattern, value, |a, b| a > b),
        Test::NumericGreaterThanEquals => ordered(Decimal::read, pattern, value, |a, b| a >= b),
        Test::DateEquals => ordered(Instant::read, pattern, value, |a, b| a == b),
        Test::DateLessThan => ordered(Instant::read, pattern, value, |a, b| a < b),
        Test::DateLessThanEquals => ordered(Instant::read, pattern, value, |a, b| a <= b),
        Test::DateGreaterThan => ordered(Instant::read, pattern, value, |a, b| a > b),
        Test::DateGreaterThanEquals => ordered(Instant::read, pattern, value, |a, b| a >= b),
        Test::Bool => ordered(fold_bool, pattern, value, |a, b| a == b),
        Test::IpAddress => ordered(Network::read, pattern, value, |a, b| b.contains(a)),
        Test::BinaryEquals => (pattern.text() == value).into(),
        Test::StringEquals | Test::StringLike => {
            let chars: Vec<char> = value.chars().collect();
            resolve(pattern, context).is_some_and(|pieces| glob(&pieces, &chars)).into()
        }
        Test::StringEqualsIgnoreCase => match resolve(pattern, context) {
            None => Truth::No,
            Some(pieces) => ignoring_case(&pieces, value),
        },
        Test::ArnEquals | Test::ArnLike => match resolve(pattern, context) {
            None => Truth::No,
            Some(pieces) => arn_like(&pieces, value),
        },
    }
}

/// Compares two typed values, the request's first. What is not of the type is not decided.
fn ordered<T>(read: fn(&str) -> Option<T>, pattern: &Pattern, value: &str, test: fn(&T, &T) -> bool) -> Truth {
    match (read(value), read(pattern.text())) {
        (Some(value), Some(wanted)) => test(&value, &wanted).into(),
        _ => Truth::Unknown,
    }
}

/// AWS does not say how case folds beyond ASCII.
fn ignoring_case(pieces: &[Piece], value: &str) -> Truth {
    let wanted = pieces.iter().map(|piece| if let Piece::Char(c) = piece { *c } else { '?' }).collect::<String>();
    if wanted == value {
        Truth::Yes
    } else if wanted.is_ascii() && value.is_ascii() {
        wanted.eq_ignore_ascii_case(value).into()
    } else {
        Truth::Unknown
    }
}

/// Segment by segment, so that no wildcard reaches past a colon before the sixth segment.
fn arn_like(pieces: &[Piece], value: &str) -> Truth {
    let chars: Vec<char> = value.chars().collect();
    let (pattern, text) = (split(pieces, |piece| *piece == Piece::Char(':')), split(&chars, |c| *c == ':'));
    if pattern.len() < 6 {
        return Truth::Unknown;
    }
    (text.len() == 6 && pattern.iter().zip(&text).all(|(pattern, text)| glob(pattern, text))).into()
}
