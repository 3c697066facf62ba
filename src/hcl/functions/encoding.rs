//! Functions that encode and decode base64, CSV, JSON and URL escapes.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::ParamType::{Any, Text};
use super::{Args, Function, FunctionError, declare_function, declare_nullable, declare_param};
use crate::hcl::value::{ConfigValue, Entries, Number, ValueData};

pub(super) const FUNCTIONS: &[Function] = &[
    declare_function("base64decode", &[declare_param("string", Text)], |args| {
        let decoded =
            STANDARD.decode(args.expect_text(0)?).or_else(|_| FunctionError::reject_argument(0, "not base64"))?;
        String::from_utf8(decoded)
            .map(ConfigValue::new_string)
            .or_else(|_| FunctionError::reject_argument(0, "the decoded value is not UTF-8 text"))
    }),
    declare_function("base64encode", &[declare_param("string", Text)], |args| {
        Ok(ConfigValue::new_string(STANDARD.encode(args.expect_text(0)?)))
    }),
    declare_function("csvdecode", &[declare_param("string", Text)], decode_csv),
    declare_function("jsondecode", &[declare_param("string", Text)], |args| {
        let elements = check_element_room(args, b",[{")?;
        args.budget.charge_parts(elements, args.expect_text(0)?.len())?;
        let json: serde_json::Value = serde_json::from_str(args.expect_text(0)?).or_else(|error| {
            FunctionError::reject_argument(0, format!("not JSON: line {}, column {}", error.line(), error.column()))
        })?;
        from_json(json).ok_or_else(|| FunctionError::Argument(0, "a number has more than a thousand digits".to_owned()))
    }),
    declare_function("jsonencode", &[declare_nullable("value", Any)], |args| {
        let mut out = String::new();
        write_json(args.get(0)?, &mut out)?;
        args.budget.check_string_room(out.len())?;
        Ok(ConfigValue::new_string(out))
    }),
    declare_function("urlencode", &[declare_param("string", Text)], |args| {
        Ok(ConfigValue::new_string(utf8_percent_encode(args.expect_text(0)?, QUERY).to_string().replace("%20", "+")))
    }),
];

/// The characters that are escaped in a URL query: all but letters, digits and `-_.~`.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Checks that the decoded value fits the budget, before decoding. The number of elements is estimated by the bytes in `marks` that
/// precede elements, such as `,` and `[` in JSON. Returns that number.
pub(super) fn check_element_room(args: &Args<'_>, marks: &[u8]) -> Result<usize, FunctionError> {
    let most = args.expect_text(0)?.bytes().filter(|byte| marks.contains(byte)).count();
    args.budget.check_collection_room(most)?;
    Ok(most)
}

fn from_json(json: serde_json::Value) -> Option<ConfigValue> {
    Some(match json {
        serde_json::Value::Null => ConfigValue::NULL,
        serde_json::Value::Bool(flag) => ConfigValue::new_bool(flag),
        serde_json::Value::Number(number) => ConfigValue::new_number(number.to_string().parse::<Number>().ok()?),
        serde_json::Value::String(text) => ConfigValue::new_string(text),
        serde_json::Value::Array(items) => {
            ConfigValue::new_tuple(items.into_iter().map(from_json).collect::<Option<_>>()?)
        }
        serde_json::Value::Object(fields) => {
            let entry = |(key, value)| Some((Arc::from(key), from_json(value)?));
            ConfigValue::new_object(fields.into_iter().map(entry).collect::<Option<Entries>>()?)
        }
    })
}

/// Writes JSON as Terraform does: sorted keys, no blanks, and `<`, `>`, `&`, U+2028 and U+2029 escaped.
pub fn write_json(value: &ConfigValue, out: &mut String) -> Result<(), FunctionError> {
    if out.len() > crate::hcl::budget::LONGEST_STRING {
        return Err(FunctionError::TooLarge(crate::hcl::budget::TooLargeError::String));
    }
    match &value.data {
        ValueData::Null => out.push_str("null"),
        ValueData::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        ValueData::Number(number) => out.push_str(&number.to_string()),
        ValueData::String(text) => write_json_string(text, out),
        ValueData::List(elements) | ValueData::Set(elements) | ValueData::Tuple(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json(element, out)?;
            }
            out.push(']');
        }
        ValueData::Map(entries) | ValueData::Object(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json_string(key, out);
                out.push(':');
                write_json(value, out)?;
            }
            out.push('}');
        }
        ValueData::Block(block) => {
            return FunctionError::reject_argument(0, format!("{block} is a block: use one of its attributes"));
        }
    }
    Ok(())
}

fn write_json_string(text: &str, out: &mut String) {
    let plain = serde_json::Value::from(text).to_string();
    for c in plain.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
}

/// The cost, in steps, of creating a CSV reader: it builds its tables anew, which takes more time than fifty other calls.
const CSV_READER: u64 = 200;

/// `csvdecode`: the rows below the header line, each as an object of strings.
fn decode_csv(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    args.take_steps(CSV_READER)?;
    let mut reader = csv::ReaderBuilder::new().has_headers(true).from_reader(args.expect_text(0)?.as_bytes());
    let header = match reader.headers() {
        Ok(header) if !header.is_empty() => header.clone(),
        _ => return FunctionError::reject_argument(0, "the first line must be a header with the column names"),
    };
    // The rows share the names of the columns.
    let columns: Vec<Arc<str>> = header.iter().map(Arc::from).collect();
    let mut names = std::collections::BTreeSet::new();
    for name in &columns {
        if !names.insert(name) {
            return FunctionError::reject_argument(0, format!("column {name:?} is duplicated"));
        }
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.or_else(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            FunctionError::reject_argument(
                0,
                format!("line {line} does not have the same number of columns as the first"),
            )
        })?;
        let row = columns.iter().zip(record.iter()).map(|(name, value)| (name.clone(), ConfigValue::new_string(value)));
        let row = ConfigValue::new_object(row.collect());
        args.budget.charge_value(&row)?;
        args.budget.charge_parts(0, record.as_slice().len())?;
        rows.push(row);
    }
    Ok(ConfigValue::new_list(rows))
}
