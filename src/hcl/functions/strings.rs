//! Functions on strings. A character is a grapheme cluster, which is what a reader sees as one character; offsets and lengths count
//! grapheme clusters.

use unicode_segmentation::UnicodeSegmentation as _;

use super::ParamType::{Number, Text, Texts};
use super::{Args, Function, FunctionError, declare_function, declare_nullable, declare_param};
use crate::hcl::value::{ConfigValue, steps_for_text};

pub(super) const FUNCTIONS: &[Function] = &[
    declare_function("chomp", &[declare_param("string", Text)], |args| {
        Ok(ConfigValue::new_string(args.expect_text(0)?.trim_end_matches(['\r', '\n'])))
    }),
    declare_function("endswith", &[declare_param("string", Text), declare_param("suffix", Text)], |args| {
        Ok(ConfigValue::new_bool(args.expect_text(0)?.ends_with(args.expect_text(1)?)))
    }),
    declare_function("indent", &[declare_param("spaces", Number), declare_param("string", Text)], indent_text),
    declare_function("join", &[declare_param("separator", Text)], join_lists)
        .with_variadic(declare_nullable("lists", Texts)),
    declare_function("lower", &[declare_param("string", Text)], |args| {
        Ok(ConfigValue::new_string(args.expect_text(0)?.chars().map(lowercase_char).collect::<String>()))
    }),
    declare_function("split", &[declare_param("separator", Text), declare_param("string", Text)], split_text),
    declare_function("startswith", &[declare_param("string", Text), declare_param("prefix", Text)], |args| {
        Ok(ConfigValue::new_bool(args.expect_text(0)?.starts_with(args.expect_text(1)?)))
    }),
    declare_function("strcontains", &[declare_param("string", Text), declare_param("substring", Text)], |args| {
        Ok(ConfigValue::new_bool(args.expect_text(0)?.contains(args.expect_text(1)?)))
    }),
    declare_function(
        "substr",
        &[declare_param("string", Text), declare_param("offset", Number), declare_param("length", Number)],
        take_substring,
    ),
    declare_function("title", &[declare_param("string", Text)], |args| {
        Ok(ConfigValue::new_string(capitalize_words(args.expect_text(0)?)))
    }),
    declare_function("trim", &[declare_param("string", Text), declare_param("characters", Text)], |args| {
        let cut: Vec<char> = args.expect_text(1)?.chars().collect();
        Ok(ConfigValue::new_string(args.expect_text(0)?.trim_matches(cut.as_slice())))
    }),
    declare_function("trimprefix", &[declare_param("string", Text), declare_param("prefix", Text)], |args| {
        let text = args.expect_text(0)?;
        Ok(ConfigValue::new_string(text.strip_prefix(args.expect_text(1)?).unwrap_or(text)))
    }),
    declare_function("trimspace", &[declare_param("string", Text)], |args| {
        Ok(ConfigValue::new_string(args.expect_text(0)?.trim()))
    }),
    declare_function("trimsuffix", &[declare_param("string", Text), declare_param("suffix", Text)], |args| {
        let text = args.expect_text(0)?;
        Ok(ConfigValue::new_string(text.strip_suffix(args.expect_text(1)?).unwrap_or(text)))
    }),
    declare_function("upper", &[declare_param("string", Text)], |args| {
        Ok(ConfigValue::new_string(args.expect_text(0)?.chars().map(uppercase_char).collect::<String>()))
    }),
];

fn indent_text(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let spaces = usize::try_from(args.expect_integer(0)?)
        .or_else(|_| FunctionError::reject_argument(0, "it must not be negative"))?;
    let text = args.expect_text(1)?;
    let lines = text.matches('\n').count();
    args.budget.check_string_room(text.len().saturating_add(lines.saturating_mul(spaces)))?;
    Ok(ConfigValue::new_string(text.replace('\n', &format!("\n{}", " ".repeat(if lines == 0 { 0 } else { spaces })))))
}

fn join_lists(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let separator = args.expect_text(0)?;
    if args.values.len() < 2 {
        return FunctionError::reject_call("it takes a separator and at least one list");
    }
    let mut texts = Vec::new();
    for (index, list) in args.values.iter().enumerate().skip(1) {
        if list.is_null() {
            return FunctionError::reject_argument(index, "it must not be null");
        }
        texts.extend(args.expect_texts(index)?);
    }
    let length = texts.iter().map(|text| text.len() + separator.len()).sum();
    args.budget.check_string_room(length)?;
    Ok(ConfigValue::new_string(texts.join(separator)))
}

fn split_text(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let (separator, text) = (args.expect_text(0)?, args.expect_text(1)?);
    let count = if separator.is_empty() { text.len() } else { text.matches(separator).count() + 1 };
    args.budget.check_collection_room(count)?;
    let parts: Vec<ConfigValue> = if separator.is_empty() {
        text.chars().map(|c| ConfigValue::new_string(c.to_string())).collect()
    } else {
        text.split(separator).map(ConfigValue::new_string).collect()
    };
    Ok(ConfigValue::new_list(parts))
}

fn take_substring(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let (text, offset, length) = (args.expect_text(0)?, args.expect_integer(1)?, args.expect_integer(2)?);
    args.take_steps(4 * steps_for_text(text.len()))?;
    let count = i64::try_from(text.graphemes(true).count()).unwrap_or(i64::MAX);
    let start = if offset < 0 { (count + offset).max(0) } else { offset.min(count) };
    let taken = if length < 0 { count } else { length };
    let skip = usize::try_from(start).unwrap_or(0);
    Ok(ConfigValue::new_string(
        text.graphemes(true).skip(skip).take(usize::try_from(taken).unwrap_or(0)).collect::<String>(),
    ))
}

/// The lower case of a character, as one character: that of `İ` is `i`.
fn lowercase_char(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// The upper case of a character, if it is one character. `ß` stays as written.
fn uppercase_char(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

/// Converts the first letter of each word to upper case.
fn capitalize_words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        if is_separator(before) {
            out.push(uppercase_char(c));
        } else {
            out.push(c);
        }
        before = c;
    }
    out
}

fn is_separator(c: char) -> bool {
    if c.is_ascii() { !(c.is_ascii_alphanumeric() || c == '_') } else { c.is_whitespace() }
}
