//! Text. Characters are what people see as one: offsets and lengths count grapheme clusters.

use unicode_segmentation::UnicodeSegmentation as _;

use super::Takes::{Number, Text, Texts};
use super::{Args, Function, Problem, nullable, param, pure};
use crate::config::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    pure("chomp", &[param("string", Text)], |args| Ok(Value::string(args.text(0)?.trim_end_matches(['\r', '\n'])))),
    pure("endswith", &[param("string", Text), param("suffix", Text)], |args| {
        Ok(Value::bool(args.text(0)?.ends_with(args.text(1)?)))
    }),
    pure("indent", &[param("spaces", Number), param("string", Text)], indent),
    pure("join", &[param("separator", Text)], join).variadic(nullable("lists", Texts)),
    pure("lower", &[param("string", Text)], |args| {
        Ok(Value::string(args.text(0)?.chars().map(lower).collect::<String>()))
    }),
    pure("split", &[param("separator", Text), param("string", Text)], split),
    pure("startswith", &[param("string", Text), param("prefix", Text)], |args| {
        Ok(Value::bool(args.text(0)?.starts_with(args.text(1)?)))
    }),
    pure("strcontains", &[param("string", Text), param("substring", Text)], |args| {
        Ok(Value::bool(args.text(0)?.contains(args.text(1)?)))
    }),
    pure("substr", &[param("string", Text), param("offset", Number), param("length", Number)], substr),
    pure("title", &[param("string", Text)], |args| Ok(Value::string(title(args.text(0)?)))),
    pure("trim", &[param("string", Text), param("characters", Text)], |args| {
        let cut: Vec<char> = args.text(1)?.chars().collect();
        Ok(Value::string(args.text(0)?.trim_matches(cut.as_slice())))
    }),
    pure("trimprefix", &[param("string", Text), param("prefix", Text)], |args| {
        let text = args.text(0)?;
        Ok(Value::string(text.strip_prefix(args.text(1)?).unwrap_or(text)))
    }),
    pure("trimspace", &[param("string", Text)], |args| Ok(Value::string(args.text(0)?.trim()))),
    pure("trimsuffix", &[param("string", Text), param("suffix", Text)], |args| {
        let text = args.text(0)?;
        Ok(Value::string(text.strip_suffix(args.text(1)?).unwrap_or(text)))
    }),
    pure("upper", &[param("string", Text)], |args| {
        Ok(Value::string(args.text(0)?.chars().map(upper).collect::<String>()))
    }),
];

fn indent(args: &Args<'_>) -> Result<Value, Problem> {
    let spaces = usize::try_from(args.whole(0)?).or_else(|_| Problem::argument(0, "it must not be negative"))?;
    let text = args.text(1)?;
    let lines = text.matches('\n').count();
    args.budget.string(text.len().saturating_add(lines.saturating_mul(spaces)))?;
    Ok(Value::string(text.replace('\n', &format!("\n{}", " ".repeat(if lines == 0 { 0 } else { spaces })))))
}

fn join(args: &Args<'_>) -> Result<Value, Problem> {
    let separator = args.text(0)?;
    if args.all().len() < 2 {
        return Problem::call("it takes a separator and at least one list");
    }
    let mut texts = Vec::new();
    for (index, list) in args.all().iter().enumerate().skip(1) {
        if list.is_null() {
            return Problem::argument(index, "it must not be null");
        }
        texts.extend(args.texts(index)?);
    }
    let length = texts.iter().map(|text| text.len() + separator.len()).sum();
    args.budget.string(length)?;
    Ok(Value::string(texts.join(separator)))
}

fn split(args: &Args<'_>) -> Result<Value, Problem> {
    let (separator, text) = (args.text(0)?, args.text(1)?);
    let count = if separator.is_empty() { text.len() } else { text.matches(separator).count() + 1 };
    args.budget.collection(count)?;
    let parts: Vec<Value> = if separator.is_empty() {
        text.chars().map(|c| Value::string(c.to_string())).collect()
    } else {
        text.split(separator).map(Value::string).collect()
    };
    Ok(Value::list(parts))
}

fn substr(args: &Args<'_>) -> Result<Value, Problem> {
    let (text, offset, length) = (args.text(0)?, args.whole(1)?, args.whole(2)?);
    let count = i64::try_from(text.graphemes(true).count()).unwrap_or(i64::MAX);
    let start = if offset < 0 { (count + offset).max(0) } else { offset.min(count) };
    let taken = if length < 0 { count } else { length };
    let skip = usize::try_from(start).unwrap_or(0);
    Ok(Value::string(text.graphemes(true).skip(skip).take(usize::try_from(taken).unwrap_or(0)).collect::<String>()))
}

/// The one character of lower case: `İ` is `i`.
fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// The one character of upper case; `ß` has none.
fn upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

/// Upper case for each letter that begins a word.
fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        if is_separator(before) {
            out.push(upper(c));
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
