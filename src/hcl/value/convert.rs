//! Converts values between types by Terraform's rules: a conversion without loss is implicit, any other is an error. Input: a value and a
//! type. Output: a value of that type, with the same marks.

use std::fmt;
use std::sync::Arc;

use super::types::ObjectField;
use super::{ConfigValue, Entries, Type, ValueData};

/// The reason why a value does not convert to a type.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}{problem}", if path.is_empty() { String::new() } else { format!("{path}: ") })]
pub struct ConversionError {
    /// The path to the element that does not convert, such as `[2].name`. Empty: the value itself.
    pub path: String,
    /// The reason, as text for a diagnostic.
    pub problem: String,
}

impl ConversionError {
    fn new(problem: impl Into<String>) -> Self {
        Self { path: String::new(), problem: problem.into() }
    }

    fn prefix_path(mut self, step: impl fmt::Display) -> Self {
        self.path = format!("{step}{}", self.path);
        self
    }
}

/// Converts a value to a type. Marks are kept. `null` converts to every type.
///
/// # Errors
///
/// Returns the first element that does not convert.
pub fn convert_value(value: &ConfigValue, to: &Type) -> Result<ConfigValue, ConversionError> {
    let mark = value.sensitive;
    if value.is_null() || *to == Type::Any {
        return Ok(value.clone());
    }
    let converted = match (to, &value.data) {
        (Type::Bool, ValueData::Bool(_))
        | (Type::Number, ValueData::Number(_))
        | (Type::String, ValueData::String(_)) => {
            return Ok(value.clone());
        }
        (Type::Block(of), ValueData::Block(block)) if block.of == *of => return Ok(value.clone()),
        (Type::String, ValueData::Bool(flag)) => ConfigValue::new_string(if *flag { "true" } else { "false" }),
        (Type::String, ValueData::Number(number)) => ConfigValue::new_string(number.to_string()),
        (Type::Number, ValueData::String(text)) => match text.parse::<super::Number>() {
            Ok(number) => ConfigValue::new_number(number),
            Err(_) => return Err(ConversionError::new("a number is required, and this string is not a number")),
        },
        (Type::Bool, ValueData::String(text)) => match &**text {
            "true" | "1" => ConfigValue::new_bool(true),
            "false" | "0" => ConfigValue::new_bool(false),
            "True" | "TRUE" | "False" | "FALSE" => {
                return Err(ConversionError::new("a bool is required: write true or false in lowercase"));
            }
            _ => return Err(ConversionError::new("a bool is required")),
        },
        (Type::List(of), ValueData::List(elements) | ValueData::Set(elements) | ValueData::Tuple(elements)) => {
            ConfigValue::new_list(unify_elements(elements, of)?)
        }
        (Type::Set(of), ValueData::List(elements) | ValueData::Set(elements) | ValueData::Tuple(elements)) => {
            ConfigValue::new_set(unify_elements(elements, of)?)
        }
        (Type::Tuple(types), ValueData::List(elements) | ValueData::Tuple(elements)) => {
            if types.len() != elements.len() {
                let problem = format!("{} elements are required, not {}", types.len(), elements.len());
                return Err(ConversionError::new(problem));
            }
            let each = elements.iter().zip(types).enumerate();
            let each = each.map(|(index, (element, of))| {
                convert_value(element, of).map_err(|mismatch| mismatch.prefix_path(format!("[{index}]")))
            });
            ConfigValue::new_tuple(each.collect::<Result<_, _>>()?)
        }
        (Type::Map(of), ValueData::Map(entries) | ValueData::Object(entries)) => {
            ConfigValue::new_map(unify_entries(entries, of)?)
        }
        (Type::Object(fields), ValueData::Map(entries) | ValueData::Object(entries)) => {
            convert_object(entries, fields)?
        }
        _ => {
            return Err(ConversionError::new(format!(
                "{} is required, not {}",
                describe_required_type(to),
                value.describe_form()
            )));
        }
    };
    Ok(converted.with_mark(mark))
}

fn describe_required_type(to: &Type) -> String {
    match to {
        Type::Bool => "a bool".to_owned(),
        Type::Number => "a number".to_owned(),
        Type::String => "a string".to_owned(),
        Type::Object(_) => "an object".to_owned(),
        Type::Block(of) => of.phrase.to_owned(),
        other => format!("a {other}"),
    }
}

/// Converts all elements to one type: `of`, or their common type if `of` contains [`Type::Any`].
fn unify_elements(elements: &[ConfigValue], of: &Type) -> Result<Vec<ConfigValue>, ConversionError> {
    let inferred;
    let of = if contains_any(of) {
        inferred = unify_types(elements.iter().map(infer_type))
            .ok_or_else(|| ConversionError::new("all elements must have the same type"))?;
        &inferred
    } else {
        of
    };
    let each = elements.iter().enumerate();
    each.map(|(index, element)| {
        convert_value(element, of).map_err(|mismatch| mismatch.prefix_path(format!("[{index}]")))
    })
    .collect()
}

/// Converts the values of all entries to one type: `of`, or their common type if `of` contains [`Type::Any`].
fn unify_entries(entries: &Entries, of: &Type) -> Result<Entries, ConversionError> {
    let inferred;
    let of = if contains_any(of) {
        inferred = unify_types(entries.values().map(infer_type))
            .ok_or_else(|| ConversionError::new("all elements must have the same type"))?;
        &inferred
    } else {
        of
    };
    entries
        .iter()
        .map(|(key, value)| match convert_value(value, of) {
            Ok(value) => Ok((key.clone(), value)),
            Err(mismatch) => Err(mismatch.prefix_path(format!("[{}]", super::show::quote_text(key)))),
        })
        .collect()
}

/// Converts to an object type: omitted optional attributes get their default or null, attributes without a field are dropped.
fn convert_object(
    entries: &Entries,
    fields: &std::collections::BTreeMap<Arc<str>, ObjectField>,
) -> Result<ConfigValue, ConversionError> {
    let mut converted = Entries::new();
    for (name, field) in fields {
        let given = entries.get(name).filter(|value| !(value.is_null() && field.default.is_some()));
        let value = match (given, &field.default) {
            (Some(value), _) => {
                convert_value(value, &field.of).map_err(|mismatch| mismatch.prefix_path(format!(".{name}")))?
            }
            (None, Some(default)) => {
                convert_value(default, &field.of).map_err(|mismatch| mismatch.prefix_path(format!(".{name}")))?
            }
            (None, None) if field.optional => ConfigValue::NULL,
            (None, None) => return Err(ConversionError::new(format!("attribute `{name}` is required"))),
        };
        converted.insert(name.clone(), value);
    }
    Ok(ConfigValue::new_object(converted))
}

fn contains_any(of: &Type) -> bool {
    match of {
        Type::Any => true,
        Type::List(of) | Type::Set(of) | Type::Map(of) => contains_any(of),
        _ => false,
    }
}

/// The type of a value. A part that the value does not determine is [`Type::Any`], such as the element type of an empty list.
#[must_use]
pub fn infer_type(value: &ConfigValue) -> Type {
    let element = |types: &mut dyn Iterator<Item = Type>| {
        let mut best = Type::Any;
        for each in types {
            let whole = !contains_any(&each);
            best = each;
            if whole {
                break;
            }
        }
        Box::new(best)
    };
    match &value.data {
        ValueData::Null => Type::Any,
        ValueData::Block(block) => Type::Block(block.of),
        ValueData::Bool(_) => Type::Bool,
        ValueData::Number(_) => Type::Number,
        ValueData::String(_) => Type::String,
        ValueData::List(elements) => Type::List(element(&mut elements.iter().map(infer_type))),
        ValueData::Set(elements) => Type::Set(element(&mut elements.iter().map(infer_type))),
        ValueData::Tuple(elements) => Type::Tuple(elements.iter().map(infer_type).collect()),
        ValueData::Map(entries) => Type::Map(element(&mut entries.values().map(infer_type))),
        ValueData::Object(entries) => {
            let field = |value| ObjectField { of: infer_type(value), optional: false, default: None };
            Type::Object(entries.iter().map(|(name, value)| (name.clone(), field(value))).collect())
        }
    }
}

/// The type that values of all these types convert to without loss. `None` if there is none. For example, `number` and `string` give
/// `string`.
pub fn unify_types(types: impl Iterator<Item = Type>) -> Option<Type> {
    let mut types = types.collect::<Vec<_>>();
    types.dedup();
    // If one of the types is a string, numbers and bools also become strings, in any order of the types.
    if types.contains(&Type::String) && types.iter().all(|each| each.is_primitive() || *each == Type::Any) {
        return Some(Type::String);
    }
    let mut types = types.into_iter();
    let first = types.next().unwrap_or(Type::Any);
    types.try_fold(first, unify_pair)
}

fn unify_pair(a: Type, b: Type) -> Option<Type> {
    Some(match (a, b) {
        (a, b) if a == b => a,
        (Type::Any, other) | (other, Type::Any) => other,
        (Type::String, b) if b.is_primitive() => Type::String,
        (a, Type::String) if a.is_primitive() => Type::String,
        (Type::List(a), Type::List(b)) => Type::List(Box::new(unify_pair(*a, *b)?)),
        (Type::Set(a), Type::Set(b)) => Type::Set(Box::new(unify_pair(*a, *b)?)),
        (Type::List(a), Type::Set(b)) | (Type::Set(a), Type::List(b)) => Type::List(Box::new(unify_pair(*a, *b)?)),
        (Type::Map(a), Type::Map(b)) => Type::Map(Box::new(unify_pair(*a, *b)?)),
        (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => {
            Type::Tuple(a.into_iter().zip(b).map(|(a, b)| unify_pair(a, b)).collect::<Option<_>>()?)
        }
        (Type::Tuple(a), Type::Tuple(b)) => Type::List(Box::new(unify_types(a.into_iter().chain(b))?)),
        (Type::Tuple(a), Type::List(b)) | (Type::List(b), Type::Tuple(a)) => {
            Type::List(Box::new(unify_types(a.into_iter().chain([*b]))?))
        }
        (Type::Tuple(a), Type::Set(b)) | (Type::Set(b), Type::Tuple(a)) => {
            Type::Set(Box::new(unify_types(a.into_iter().chain([*b]))?))
        }
        (Type::Object(a), Type::Object(b)) if a.keys().eq(b.keys()) => {
            let fields = a.into_iter().zip(b.into_values()).map(|((name, a), b)| {
                Some((name, ObjectField { of: unify_pair(a.of, b.of)?, optional: false, default: None }))
            });
            Type::Object(fields.collect::<Option<_>>()?)
        }
        (Type::Object(a), Type::Object(b)) => {
            Type::Map(Box::new(unify_types(a.into_values().chain(b.into_values()).map(|field| field.of))?))
        }
        (Type::Object(a), Type::Map(b)) | (Type::Map(b), Type::Object(a)) => {
            Type::Map(Box::new(unify_types(a.into_values().map(|field| field.of).chain([*b]))?))
        }
        _ => return None,
    })
}

/// The text of a string, number or bool in a template. `None` for other types.
#[must_use]
pub fn to_text(value: &ConfigValue) -> Option<Arc<str>> {
    match &value.data {
        ValueData::String(text) => Some(text.clone()),
        ValueData::Bool(_) | ValueData::Number(_) => convert_value(value, &Type::String).ok()?.as_str().map(Arc::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_bools_convert_to_string() {
        let tuple = ConfigValue::new_tuple(vec![
            ConfigValue::new_number(1_i64),
            ConfigValue::new_string("a"),
            ConfigValue::new_bool(true),
        ]);
        let list = convert_value(&tuple, &Type::List(Box::new(Type::Any))).unwrap();
        assert_eq!(
            list,
            ConfigValue::new_list(vec![
                ConfigValue::new_string("1"),
                ConfigValue::new_string("a"),
                ConfigValue::new_string("true")
            ])
        );
        let mixed = ConfigValue::new_tuple(vec![ConfigValue::new_number(1_i64), ConfigValue::new_tuple(vec![])]);
        assert!(convert_value(&mixed, &Type::List(Box::new(Type::Any))).is_err());
    }

    #[test]
    fn a_mismatch_names_the_way() {
        let field = |of| ObjectField { of, optional: false, default: None };
        let object = Type::Object([(Arc::from("port"), field(Type::Number))].into());
        let value = ConfigValue::new_tuple(vec![ConfigValue::new_object(
            [(Arc::from("port"), ConfigValue::new_string("http"))].into(),
        )]);
        let mismatch = convert_value(&value, &Type::List(Box::new(object))).unwrap_err();
        assert_eq!(mismatch.to_string(), "[0].port: a number is required, and this string is not a number");
    }

    #[test]
    fn marks_survive_conversion() {
        let value = ConfigValue::new_tuple(vec![
            ConfigValue::new_number(1_i64).with_mark(true),
            ConfigValue::new_number(2_i64),
        ]);
        let list = convert_value(&value, &Type::List(Box::new(Type::String))).unwrap();
        let marks: Vec<bool> = list.elements().unwrap().iter().map(|value| value.sensitive).collect();
        assert_eq!((list.sensitive, marks), (false, vec![true, false]));
        assert!(convert_value(&value, &Type::Set(Box::new(Type::String))).unwrap().sensitive);
    }
}
