//! Functions with regular expressions, in RE2 syntax. The time and memory are bounded whatever the pattern is: the compiled size is limited,
//! each pattern is compiled once, and each search for a match charges steps in proportion to the size of the pattern and of the text that it
//! reads.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use regex::{Captures, Regex, RegexBuilder};
use regex_syntax::hir::{Hir, HirKind};

use super::ParamType::Text;
use super::pattern_cache::CompiledPattern;
use super::rescan::RescanMeter;
use super::{Args, Function, FunctionError, declare_function, declare_param};
use crate::hcl::value::{ConfigValue, Entries, steps_for_text};

/// The largest compiled pattern, in bytes. `(a{1000}){1000}` exceeds it.
const LARGEST_PATTERN: usize = 512 * 1024;
/// The maximum number of positions in a pattern; see [`count_positions`].
const HEAVIEST_PATTERN: u64 = 5_000;
/// The bytes of text that one position of a pattern reads in one step.
const BYTES_IN_A_STEP: u64 = 10;

pub(super) const FUNCTIONS: &[Function] = &[
    declare_function("regex", &[declare_param("pattern", Text), declare_param("string", Text)], |args| {
        let text = args.expect_text(1)?;
        let pattern = compile_cached_pattern(args.expect_text(0)?, 0, args)?;
        charge_reading(&pattern, text.len(), args)?;
        match pattern.regex.captures(text) {
            Some(found) => convert_captures(&pattern.regex, &found, args),
            None => FunctionError::reject_argument(1, "the pattern matches nothing in it"),
        }
    }),
    declare_function("regexall", &[declare_param("pattern", Text), declare_param("string", Text)], |args| {
        let text = args.expect_text(1)?;
        let pattern = compile_cached_pattern(args.expect_text(0)?, 0, args)?;
        let mut matches = Vec::new();
        visit_matches(&pattern, text, args, &mut |found| {
            args.budget.check_collection_room(matches.len() + 1)?;
            matches.push(convert_captures(&pattern.regex, found, args)?);
            Ok(())
        })?;
        Ok(ConfigValue::new_list(matches))
    }),
    declare_function(
        "replace",
        &[declare_param("string", Text), declare_param("substring", Text), declare_param("replacement", Text)],
        replace_matches,
    ),
];

/// Compiles a pattern and charges that, or takes it from the cache. `index` is the argument that an error is reported for.
pub(super) fn compile_cached_pattern(
    pattern: &str,
    index: usize,
    args: &Args<'_>,
) -> Result<Rc<CompiledPattern>, FunctionError> {
    if let Some(kept) = args.patterns.find_pattern(pattern) {
        return Ok(kept);
    }
    let compiled = Rc::new(compile_pattern(pattern, index)?);
    args.take_steps(compiled.positions * 10 + 500)?;
    args.patterns.keep_pattern(pattern, &compiled);
    Ok(compiled)
}

/// Charges the steps of reading `bytes` bytes of text.
pub(super) fn charge_reading(pattern: &CompiledPattern, bytes: usize, args: &Args<'_>) -> Result<(), FunctionError> {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    let read = pattern.positions.saturating_mul(bytes).saturating_add(pattern.unpaid.get());
    pattern.unpaid.set(read % BYTES_IN_A_STEP);
    args.take_steps(read / BYTES_IN_A_STEP)
}

/// Calls `visit` for each match in a text, from left to right, and charges what the search for it has read. At the end it charges the
/// search that finds no further match.
fn visit_matches(
    pattern: &CompiledPattern,
    text: &str,
    args: &Args<'_>,
    visit: &mut dyn FnMut(&Captures<'_>) -> Result<(), FunctionError>,
) -> Result<(), FunctionError> {
    let mut from = 0;
    for found in pattern.regex.captures_iter(text) {
        charge_reading(pattern, pattern.meter.count_read_bytes(text, from), args)?;
        from = found.get(0).map_or(text.len(), |whole| whole.end());
        visit(&found)?;
    }
    charge_reading(pattern, text.len() - from, args)
}

fn compile_pattern(pattern: &str, index: usize) -> Result<CompiledPattern, FunctionError> {
    let wrong = |words: String| {
        let last = words.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        FunctionError::Argument(index, format!("not a regular expression: {last}"))
    };
    let hir = regex_syntax::ParserBuilder::new()
        .nest_limit(100)
        .build()
        .parse(pattern)
        .map_err(|error| wrong(error.to_string()))?;
    let positions = count_positions(&hir);
    if positions > HEAVIEST_PATTERN {
        return FunctionError::reject_argument(
            index,
            format!("the pattern is too complex: {positions} positions, at most {HEAVIEST_PATTERN} are allowed"),
        );
    }
    let regex = RegexBuilder::new(pattern).size_limit(LARGEST_PATTERN).dfa_size_limit(LARGEST_PATTERN).build();
    let regex = regex.map_err(|error| wrong(error.to_string()))?;
    let meter = RescanMeter::new(pattern, LARGEST_PATTERN).map_err(wrong)?;
    Ok(CompiledPattern { regex, positions, meter, unpaid: Cell::new(0) })
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
        // Each group of a match is a text of its own.
        HirKind::Capture(capture) => count_positions(&capture.sub).saturating_add(1),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().fold(1, |sum, part| sum.saturating_add(count_positions(part)))
        }
    }
}

/// The result of a match: the matched text if the pattern has no groups, an object if it has named groups, otherwise a tuple of its
/// groups. A group that did not match is null.
fn convert_captures(pattern: &Regex, found: &Captures<'_>, args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let text = found.iter().flatten().map(|group| group.len()).sum();
    args.budget.charge_parts(found.len(), text)?;
    let group =
        |index: usize| found.get(index).map_or(ConfigValue::NULL, |group| ConfigValue::new_string(group.as_str()));
    if pattern.captures_len() == 1 {
        return Ok(group(0));
    }
    let named: Entries = pattern
        .capture_names()
        .enumerate()
        .filter_map(|(index, name)| name.map(|name| (Arc::from(name), group(index))))
        .collect();
    Ok(if named.is_empty() {
        ConfigValue::new_tuple((1..pattern.captures_len()).map(group).collect())
    } else {
        ConfigValue::new_object(named)
    })
}

/// `replace`: if the second argument is between slashes it is a pattern, and `$1` or `${name}` in the replacement refers to a group.
fn replace_matches(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let (text, desired, replacement) = (args.expect_text(0)?, args.expect_text(1)?, args.expect_text(2)?);
    let as_pattern = desired.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).filter(|_| desired.len() > 1);
    let replaced = match as_pattern {
        Some(pattern) => {
            let pattern = compile_cached_pattern(pattern, 1, args)?;
            replace_pattern(&pattern, text, replacement, args)?
        }
        None => {
            let found = if desired.is_empty() { text.len() + 1 } else { text.matches(desired).count() };
            args.budget.check_string_room(text.len().saturating_add(found.saturating_mul(replacement.len())))?;
            text.replace(desired, replacement)
        }
    };
    Ok(ConfigValue::new_string(replaced))
}

/// Replaces each match. The room is checked before a replacement is written: `$0$0$0…` can be long.
fn replace_pattern(
    pattern: &CompiledPattern,
    text: &str,
    replacement: &str,
    args: &Args<'_>,
) -> Result<String, FunctionError> {
    let references = replacement.matches('$').count();
    let mut out = String::new();
    let mut copied = 0;
    visit_matches(pattern, text, args, &mut |found| {
        let Some(whole) = found.get(0) else { return Ok(()) };
        args.take_steps(steps_for_text(replacement.len()))?;
        out.push_str(text.get(copied..whole.start()).unwrap_or_default());
        copied = whole.end();
        let longest = replacement.len().saturating_add(whole.len().saturating_mul(references));
        args.budget.check_string_room(out.len().saturating_add(longest))?;
        found.expand(replacement, &mut out);
        Ok(())
    })?;
    out.push_str(text.get(copied..).unwrap_or_default());
    args.budget.check_string_room(out.len())?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_is_a_position() {
        let positions = |pattern| compile_pattern(pattern, 0).unwrap().positions;
        assert_eq!(positions("((((a))))"), positions("a") + 4);
    }
}
