//! YAML.

use std::sync::Arc;

use serde_yaml_ng::Value as Yaml;

use super::Takes::{Any, Text};
use super::encoding::check_element_room;
use super::{Args, Function, Problem, declare_function, declare_nullable, declare_param};
use crate::config::eval::budget::{LONGEST_STRING, TooLarge};
use crate::config::value::{Data, Entries, Number, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    declare_function("yamldecode", &[declare_param("string", Text)], |args| {
        let text = args.expect_text(0)?;
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return Problem::reject_argument(0, "it holds no document");
        }
        check_element_room(args, b",[{\n-")?;
        let decoded: Yaml = serde_yaml_ng::from_str(text).or_else(|error| {
            let line = error.location().map_or(1, |location| location.line());
            Problem::reject_argument(0, format!("not YAML: line {line}"))
        })?;
        from_yaml(decoded, args)
    }),
    declare_function("yamlencode", &[declare_nullable("value", Any)], |args| {
        let mut out = String::new();
        write_yaml(args.get(0)?, 0, Position::Top, &mut out)?;
        args.budget.check_string_room(out.len())?;
        Ok(Value::new_string(out))
    }),
];

fn from_yaml(yaml: Yaml, args: &Args<'_>) -> Result<Value, Problem> {
    Ok(match yaml {
        Yaml::Null => Value::NULL,
        Yaml::Bool(flag) => Value::new_bool(flag),
        Yaml::Number(number) => match number.to_string().parse::<Number>() {
            Ok(number) => Value::new_number(number),
            Err(_) => return Problem::reject_argument(0, format!("{number} is no number of this language")),
        },
        Yaml::String(text) => {
            args.budget.check_string_room(text.len())?;
            Value::new_string(text)
        }
        Yaml::Sequence(items) => {
            args.budget.check_collection_room(items.len())?;
            Value::new_tuple(items.into_iter().map(|item| from_yaml(item, args)).collect::<Result<_, _>>()?)
        }
        Yaml::Mapping(fields) => {
            args.budget.check_collection_room(fields.len())?;
            let mut entries = Entries::new();
            for (key, value) in fields {
                let key = match key {
                    Yaml::String(text) => text,
                    Yaml::Bool(flag) => flag.to_string(),
                    Yaml::Number(number) => number.to_string(),
                    _ => return Problem::reject_argument(0, "a key is not a string"),
                };
                entries.insert(Arc::from(key), from_yaml(value, args)?);
            }
            Value::new_object(entries)
        }
        Yaml::Tagged(_) => return Problem::reject_argument(0, "tags are not supported"),
    })
}

/// Where a value stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Top,
    InMapping,
    InSequence,
}

/// Block style, strings always in quotes, two blanks for each level.
fn write_yaml(value: &Value, depth: usize, position: Position, out: &mut String) -> Result<(), Problem> {
    if out.len() > LONGEST_STRING {
        return Err(Problem::TooLarge(TooLarge::String));
    }
    let gap = if position == Position::InMapping { " " } else { "" };
    let indent = "  ".repeat(depth);
    match &value.data {
        Data::Null => out.push_str(&format!("{gap}null\n")),
        Data::Bool(flag) => out.push_str(&format!("{gap}{flag}\n")),
        Data::Number(number) => out.push_str(&format!("{gap}{number}\n")),
        Data::String(text) => write_yaml_string(text, &indent, gap, out),
        Data::List(elements) | Data::Set(elements) | Data::Tuple(elements) if elements.is_empty() => {
            out.push_str(&format!("{gap}[]\n"));
        }
        Data::List(elements) | Data::Set(elements) | Data::Tuple(elements) => {
            if position == Position::InMapping {
                out.push('\n');
            }
            // A sequence within a mapping stands at the mapping's own depth.
            let depth = if position == Position::InMapping { depth.saturating_sub(1) } else { depth };
            for (index, element) in elements.iter().enumerate() {
                if index > 0 || position != Position::InSequence {
                    out.push_str(&"  ".repeat(depth));
                }
                out.push_str("- ");
                write_yaml(element, depth + 1, Position::InSequence, out)?;
            }
        }
        Data::Map(entries) | Data::Object(entries) if entries.is_empty() => out.push_str(&format!("{gap}{{}}\n")),
        Data::Map(entries) | Data::Object(entries) => {
            if position == Position::InMapping {
                out.push('\n');
            }
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 || position != Position::InSequence {
                    out.push_str(&indent);
                }
                out.push_str(&serde_json::Value::from(&**key).to_string());
                out.push(':');
                write_yaml(value, depth + 1, Position::InMapping, out)?;
            }
        }
        Data::Block(block) => {
            return Problem::reject_argument(0, format!("{block} is a block: name one of its attributes"));
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
