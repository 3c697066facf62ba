//! Regular expressions, in the syntax of RE2. Matching takes time linear in the text.

use std::sync::Arc;

use regex::{Captures, Regex, RegexBuilder};

use super::Takes::Text;
use super::{Args, Function, Problem, param, pure};
use crate::config::value::{Entries, Value};

/// How large a compiled pattern may be, in bytes: `(a{1000}){1000}` is not.
const LARGEST_PATTERN: usize = 1024 * 1024;

pub(super) const FUNCTIONS: &[Function] = &[
    pure("regex", &[param("pattern", Text), param("string", Text)], |args| {
        let pattern = compile(args.text(0)?, 0)?;
        match pattern.captures(args.text(1)?) {
            Some(found) => Ok(matched(&pattern, &found)),
            None => Problem::argument(1, "the pattern matches nothing in it"),
        }
    }),
    pure("regexall", &[param("pattern", Text), param("string", Text)], |args| {
        let pattern = compile(args.text(0)?, 0)?;
        let found: Vec<Value> =
            pattern.captures_iter(args.text(1)?).map(|captures| matched(&pattern, &captures)).collect();
        args.budget.collection(found.len())?;
        Ok(Value::list(found))
    }),
    pure("replace", &[param("string", Text), param("substring", Text), param("replacement", Text)], replace),
];

fn compile(pattern: &str, index: usize) -> Result<Regex, Problem> {
    RegexBuilder::new(pattern)
        .size_limit(LARGEST_PATTERN)
        .dfa_size_limit(LARGEST_PATTERN)
        .nest_limit(100)
        .build()
        .or_else(|error| {
            let words = error.to_string();
            let last = words.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Problem::argument(index, format!("not a regular expression: {last}"))
        })
}

/// Without groups the matched text; with named groups an object of them; with others a tuple of them.
fn matched(pattern: &Regex, found: &Captures<'_>) -> Value {
    let group = |index: usize| found.get(index).map_or(Value::NULL, |group| Value::string(group.as_str()));
    if pattern.captures_len() == 1 {
        return group(0);
    }
    let named: Entries = pattern
        .capture_names()
        .enumerate()
        .filter_map(|(index, name)| name.map(|name| (Arc::from(name), group(index))))
        .collect();
    if named.is_empty() { Value::tuple((1..pattern.captures_len()).map(group).collect()) } else { Value::object(named) }
}

/// Text between slashes is a pattern, and `$1` or `${name}` in the replacement a group of it.
fn replace(args: &Args<'_>) -> Result<Value, Problem> {
    let (text, wanted, replacement) = (args.text(0)?, args.text(1)?, args.text(2)?);
    let as_pattern = wanted.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).filter(|_| wanted.len() > 1);
    let replaced = match as_pattern {
        Some(pattern) => {
            let pattern = compile(pattern, 1)?;
            let longest = replacement.len().saturating_add(text.len().saturating_mul(replacement.matches('$').count()));
            args.budget.string(text.len().saturating_add(pattern.find_iter(text).count().saturating_mul(longest)))?;
            pattern.replace_all(text, replacement).into_owned()
        }
        None => {
            let found = if wanted.is_empty() { text.len() + 1 } else { text.matches(wanted).count() };
            args.budget.string(text.len().saturating_add(found.saturating_mul(replacement.len())))?;
            text.replace(wanted, replacement)
        }
    };
    Ok(Value::string(replaced))
}
