//! `yamldecode` and `yamlencode`.

use super::ParamType::{Any, Text};
use super::encoding::check_element_room;
use super::yaml_value::decode_yaml;
use super::{Function, FunctionError, declare_function, declare_nullable, declare_param};
use crate::hcl::budget::{LONGEST_STRING, TooLargeError};
use crate::hcl::value::{ConfigValue, ValueData};

pub(super) const FUNCTIONS: &[Function] = &[
    declare_function("yamldecode", &[declare_param("string", Text)], |args| {
        let text = args.expect_text(0)?;
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return FunctionError::reject_argument(0, "it contains no document");
        }
        check_element_room(args, b",[{\n-")?;
        decode_yaml(text, args)
    }),
    declare_function("yamlencode", &[declare_nullable("value", Any)], |args| {
        let mut out = String::new();
        write_yaml(args.get(0)?, 0, YamlPosition::Top, &mut out)?;
        args.budget.check_string_room(out.len())?;
        Ok(ConfigValue::new_string(out))
    }),
];

/// The position of a value in the document, which decides how its first line is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum YamlPosition {
    Top,
    InMapping,
    InSequence,
}

/// Writes YAML in block style, with strings in quotes (or as literal blocks) and two blanks for each level.
fn write_yaml(
    value: &ConfigValue,
    depth: usize,
    position: YamlPosition,
    out: &mut String,
) -> Result<(), FunctionError> {
    if out.len() > LONGEST_STRING {
        return Err(FunctionError::TooLarge(TooLargeError::String));
    }
    let gap = if position == YamlPosition::InMapping { " " } else { "" };
    let indent = "  ".repeat(depth);
    match &value.data {
        ValueData::Null => out.push_str(&format!("{gap}null\n")),
        ValueData::Bool(flag) => out.push_str(&format!("{gap}{flag}\n")),
        ValueData::Number(number) => out.push_str(&format!("{gap}{number}\n")),
        ValueData::String(text) => write_yaml_string(text, &indent, gap, out),
        ValueData::List(elements) | ValueData::Set(elements) | ValueData::Tuple(elements) if elements.is_empty() => {
            out.push_str(&format!("{gap}[]\n"));
        }
        ValueData::List(elements) | ValueData::Set(elements) | ValueData::Tuple(elements) => {
            if position == YamlPosition::InMapping {
                out.push('\n');
            }
            // As in Terraform, a sequence in a mapping is not indented further than the mapping.
            let depth = if position == YamlPosition::InMapping { depth.saturating_sub(1) } else { depth };
            for (index, element) in elements.iter().enumerate() {
                if index > 0 || position != YamlPosition::InSequence {
                    out.push_str(&"  ".repeat(depth));
                }
                out.push_str("- ");
                write_yaml(element, depth + 1, YamlPosition::InSequence, out)?;
            }
        }
        ValueData::Map(entries) | ValueData::Object(entries) if entries.is_empty() => {
            out.push_str(&format!("{gap}{{}}\n"));
        }
        ValueData::Map(entries) | ValueData::Object(entries) => {
            if position == YamlPosition::InMapping {
                out.push('\n');
            }
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 || position != YamlPosition::InSequence {
                    out.push_str(&indent);
                }
                out.push_str(&serde_json::Value::from(&**key).to_string());
                out.push(':');
                write_yaml(value, depth + 1, YamlPosition::InMapping, out)?;
            }
        }
        ValueData::Block(block) => {
            return FunctionError::reject_argument(0, format!("{block} is a block: use one of its attributes"));
        }
    }
    Ok(())
}

fn write_yaml_string(text: &str, indent: &str, gap: &str, out: &mut String) {
    let lines: Vec<&str> = text.split('\n').collect();
    let literal =
        lines.len() > 1 && text.chars().all(|c| c == '\n' || !c.is_control()) && !text.starts_with([' ', '\n']);
    if !literal {
        out.push_str(&format!("{gap}{}\n", serde_json::Value::from(text)));
        return;
    }
    let (mark, body) = match text.strip_suffix('\n') {
        Some(body) if body.ends_with('\n') => ("|+", body),
        Some(body) => ("|", body),
        None => ("|-", text),
    };
    out.push_str(&format!("{gap}{mark}\n"));
    for line in body.split('\n') {
        if line.is_empty() {
            out.push('\n');
        } else {
            out.push_str(&format!("{}{line}\n", if indent.is_empty() { "  " } else { indent }));
        }
    }
}
