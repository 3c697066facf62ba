//! Functions with regular expressions, in RE2 syntax. The time and memory are bounded whatever the pattern is: matching takes linear time
//! in the text, the compiled size is limited, each pattern is compiled once, and a match charges steps in proportion to the size of
//! the pattern and of the text.

use std::sync::Arc;

use regex::{Captures, Regex, RegexBuilder};
use regex_syntax::hir::{Hir, HirKind};

use super::ParamType::Text;
use super::{Args, Function, FunctionError, declare_function, declare_param};
use crate::hcl::value::{ConfigValue, Entries};

/// The largest compiled pattern, in bytes. `(a{1000}){1000}` exceeds it.
const LARGEST_PATTERN: usize = 512 * 1024;
/// The maximum number of positions in a pattern; see [`count_positions`].
const HEAVIEST_PATTERN: u64 = 5_000;

pub(super) const FUNCTIONS: &[Function] = &[
    declare_function("regex", &[declare_param("pattern", Text), declare_param("string", Text)], |args| {
        let text = args.expect_text(1)?;
        let pattern = compile_cached_pattern(args.expect_text(0)?, 0, text.len(), args)?;
        match pattern.captures(text) {
            Some(found) => Ok(convert_captures(&pattern, &found)),
            None => FunctionError::reject_argument(1, "the pattern matches nothing in it"),
        }
    }),
    declare_function("regexall", &[declare_param("pattern", Text), declare_param("string", Text)], |args| {
        let text = args.expect_text(1)?;
        let pattern = compile_cached_pattern(args.expect_text(0)?, 0, text.len(), args)?;
        args.budget.check_collection_room(pattern.find_iter(text).count().saturating_mul(pattern.captures_len()))?;
        Ok(ConfigValue::new_list(
            pattern.captures_iter(text).map(|captures| convert_captures(&pattern, &captures)).collect(),
        ))
    }),
    declare_function(
        "replace",
        &[declare_param("string", Text), declare_param("substring", Text), declare_param("replacement", Text)],
        replace_matches,
    ),
];

/// Compiles a pattern, or takes it from the cache, and charges the steps of matching it against `length` bytes. `index` is the argument
/// that an error is reported for.
pub(super) fn compile_cached_pattern(
    pattern: &str,
    index: usize,
    length: usize,
    args: &Args<'_>,
) -> Result<Arc<Regex>, FunctionError> {
    let kept = args.patterns.find_pattern(pattern);
    let (regex, weight) = match kept {
        Some(kept) => kept,
        None => {
            let (regex, weight) = compile_pattern(pattern, index)?;
            args.take_steps(weight * 10 + 500)?;
            args.patterns.keep_pattern(pattern, &regex, weight);
            (regex, weight)
        }
    };
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    args.take_steps(weight.saturating_mul(length) / 10)?;
    Ok(regex)
}

fn compile_pattern(pattern: &str, index: usize) -> Result<(Arc<Regex>, u64), FunctionError> {
    let wrong = |words: String| {
        let last = words.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        FunctionError::Argument(index, format!("not a regular expression: {last}"))
    };
    let hir = regex_syntax::ParserBuilder::new()
        .nest_limit(100)
        .build()
        .parse(pattern)
        .map_err(|error| wrong(error.to_string()))?;
    let weight = count_positions(&hir);
    if weight > HEAVIEST_PATTERN {
        return FunctionError::reject_argument(
            index,
            format!("the pattern is too complex: {weight} positions, at most {HEAVIEST_PATTERN} are allowed"),
        );
    }
    let regex = RegexBuilder::new(pattern).size_limit(LARGEST_PATTERN).dfa_size_limit(LARGEST_PATTERN).build();
    regex.map(|regex| (Arc::new(regex), weight)).map_err(|error| wrong(error.to_string()))
}

/// The number of character positions in a pattern, with repetitions multiplied out: `a{3}b` has about four. It estimates the size of the
/// automaton.
fn count_positions(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => u64::try_from(literal.0.len()).unwrap_or(u64::MAX),
        HirKind::Class(_) => 2,
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min.saturating_add(1)).max(1);
            count_positions(&repetition.sub).saturating_mul(u64::from(times))
        }
        HirKind::Capture(capture) => count_positions(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().fold(1, |sum, part| sum.saturating_add(count_positions(part)))
        }
    }
}

/// The result of a match: the matched text if the pattern has no groups, an object if it has named groups, otherwise a tuple of its
/// groups. A group that did not match is null.
fn convert_captures(pattern: &Regex, found: &Captures<'_>) -> ConfigValue {
    let group =
        |index: usize| found.get(index).map_or(ConfigValue::NULL, |group| ConfigValue::new_string(group.as_str()));
    if pattern.captures_len() == 1 {
        return group(0);
    }
    let named: Entries = pattern
        .capture_names()
        .enumerate()
        .filter_map(|(index, name)| name.map(|name| (Arc::from(name), group(index))))
        .collect();
    if named.is_empty() {
        ConfigValue::new_tuple((1..pattern.captures_len()).map(group).collect())
    } else {
        ConfigValue::new_object(named)
    }
}

/// `replace`: if the second argument is between slashes it is a pattern, and `$1` or `${name}` in the replacement refers to a group.
fn replace_matches(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let (text, desired, replacement) = (args.expect_text(0)?, args.expect_text(1)?, args.expect_text(2)?);
    let as_pattern = desired.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).filter(|_| desired.len() > 1);
    let replaced = match as_pattern {
        Some(pattern) => {
            let pattern = compile_cached_pattern(pattern, 1, text.len(), args)?;
            let longest = replacement.len().saturating_add(text.len().saturating_mul(replacement.matches('$').count()));
            let most = pattern.find_iter(text).count().saturating_mul(longest);
            args.budget.check_string_room(text.len().saturating_add(most))?;
            pattern.replace_all(text, replacement).into_owned()
        }
        None => {
            let found = if desired.is_empty() { text.len() + 1 } else { text.matches(desired).count() };
            args.budget.check_string_room(text.len().saturating_add(found.saturating_mul(replacement.len())))?;
            text.replace(desired, replacement)
        }
    };
    Ok(ConfigValue::new_string(replaced))
}
