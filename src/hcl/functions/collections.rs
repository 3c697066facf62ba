//! Functions on lists, tuples, maps and objects, with the behaviour of Terraform's functions of the same names.

use std::sync::Arc;

use unicode_segmentation::UnicodeSegmentation as _;

use super::ParamType::{Any, Elements, Entries as Map, List, Number, Texts};
use super::{Args, Function, FunctionError, declare_function, declare_nullable, declare_param};
use crate::hcl::budget::EvalBudget;
use crate::hcl::value::convert::{convert_value, infer_type, to_text, unify_types};
use crate::hcl::value::{ConfigValue, Entries, Number as Num, Type, ValueData, steps_for_text};

pub(super) const FUNCTIONS: &[Function] = &[
    declare_function("chunklist", &[declare_param("list", List), declare_param("size", Number)], chunk_list)
        .with_kept_marks(),
    declare_function("coalesce", &[], coalesce_values).with_variadic(declare_nullable("values", Any)).with_kept_marks(),
    declare_function("coalescelist", &[], coalesce_lists)
        .with_variadic(declare_param("lists", Elements))
        .with_kept_marks(),
    declare_function("compact", &[declare_param("list", Texts)], |args| {
        let kept = |value: &&ConfigValue| value.as_str().is_some_and(|text| !text.is_empty());
        Ok(ConfigValue::new_list(args.expect_elements(0)?.iter().filter(kept).cloned().collect()))
    })
    .with_kept_marks(),
    declare_function("concat", &[], concat_lists).with_variadic(declare_param("lists", Elements)).with_kept_marks(),
    declare_function("contains", &[declare_param("list", Elements), declare_param("value", Any)], |args| {
        let value = args.get(1)?;
        Ok(ConfigValue::new_bool(args.expect_elements(0)?.iter().any(|element| element == value)))
    }),
    declare_function("distinct", &[declare_param("list", List)], |args| {
        let mut seen = std::collections::BTreeSet::new();
        Ok(ConfigValue::new_list(
            args.expect_elements(0)?.iter().filter(|element| seen.insert(*element)).cloned().collect(),
        ))
    })
    .with_kept_marks(),
    declare_function("element", &[declare_param("list", Elements), declare_param("index", Number)], pick_element)
        .with_kept_marks()
        .with_constant_cost(),
    declare_function("flatten", &[declare_param("list", Elements)], |args| {
        let mut flat = Vec::new();
        flatten_elements(args.expect_elements(0)?, false, &mut flat, args.budget)?;
        Ok(ConfigValue::new_tuple(flat))
    })
    .with_kept_marks(),
    declare_function("index", &[declare_param("list", Elements), declare_param("value", Any)], |args| {
        let value = args.get(1)?;
        match args.expect_elements(0)?.iter().position(|element| element == value) {
            Some(index) => Ok(ConfigValue::new_number(index)),
            None => FunctionError::reject_argument(1, "the list does not contain it"),
        }
    }),
    declare_function("keys", &[declare_param("map", Map)], |args| {
        let keys = args.expect_entries(0)?.keys().map(|key| ConfigValue::new_string(key.clone())).collect();
        Ok(if matches!(args.get(0)?.data, ValueData::Map(_)) {
            ConfigValue::new_list(keys)
        } else {
            ConfigValue::new_tuple(keys)
        })
    })
    .with_kept_marks(),
    declare_function("length", &[declare_param("value", Any)], measure_length).with_kept_marks().with_constant_cost(),
    declare_function("lookup", &[declare_param("map", Map), declare_param("key", super::ParamType::Text)], look_up_key)
        .with_variadic(declare_nullable("default", Any))
        .with_kept_marks()
        .with_constant_cost(),
    declare_function("merge", &[], merge_maps).with_variadic(declare_nullable("maps", Any)).with_kept_marks(),
    declare_function("one", &[declare_param("list", Elements)], |args| match args.expect_elements(0)? {
        [] => Ok(ConfigValue::NULL),
        [one] => Ok(one.clone()),
        more => FunctionError::reject_argument(0, format!("it must have at most one element, not {}", more.len())),
    })
    .with_kept_marks(),
    declare_function("range", &[], build_range).with_variadic(declare_param("limits", Number)),
    declare_function("reverse", &[declare_param("list", Elements)], |args| {
        let reversed: Vec<ConfigValue> = args.expect_elements(0)?.iter().rev().cloned().collect();
        Ok(if matches!(args.get(0)?.data, ValueData::Tuple(_)) {
            ConfigValue::new_tuple(reversed)
        } else {
            ConfigValue::new_list(reversed)
        })
    })
    .with_kept_marks(),
    declare_function(
        "slice",
        &[declare_param("list", Elements), declare_param("start", Number), declare_param("end", Number)],
        slice_elements,
    )
    .with_kept_marks(),
    declare_function("sort", &[declare_param("list", Texts)], |args| {
        let mut texts = args.expect_texts(0)?;
        texts.sort_unstable();
        Ok(ConfigValue::new_list(texts.into_iter().map(ConfigValue::new_string).collect()))
    }),
    declare_function("sum", &[declare_param("list", Elements)], sum_elements),
    declare_function("transpose", &[declare_param("map", Map)], transpose_map),
    declare_function("values", &[declare_param("map", Map)], |args| {
        let values: Vec<ConfigValue> = args.expect_entries(0)?.values().cloned().collect();
        Ok(if matches!(args.get(0)?.data, ValueData::Map(_)) {
            ConfigValue::new_list(values)
        } else {
            ConfigValue::new_tuple(values)
        })
    })
    .with_kept_marks(),
    declare_function("zipmap", &[declare_param("keys", Texts), declare_param("values", Elements)], zip_map)
        .with_kept_marks(),
];

fn chunk_list(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let elements = args.expect_elements(0)?;
    let size = usize::try_from(args.expect_integer(1)?)
        .or_else(|_| FunctionError::reject_argument(1, "it must not be negative"))?;
    if elements.is_empty() {
        return Ok(ConfigValue::new_list(Vec::new()));
    }
    // As in Terraform, a size of 0 gives one chunk with all elements.
    let size = if size == 0 { elements.len() } else { size };
    Ok(ConfigValue::new_list(elements.chunks(size).map(|chunk| ConfigValue::new_list(chunk.to_vec())).collect()))
}

/// The first argument that is neither null nor an empty string, converted to the common type of all arguments.
fn coalesce_values(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let Some(common) = unify_types(args.values.iter().map(infer_type)) else {
        return FunctionError::reject_call("all arguments must have the same type");
    };
    let empty = |value: &&ConfigValue| value.is_null() || value.as_str() == Some("");
    match args.values.iter().find(|value| !empty(value)) {
        Some(value) => convert_value(value, &common).map_err(|mismatch| FunctionError::Call(mismatch.to_string())),
        None => FunctionError::reject_call("every argument is null or an empty string"),
    }
}

fn coalesce_lists(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    match args.values.iter().find(|value| value.elements().is_some_and(|elements| !elements.is_empty())) {
        Some(value) => Ok(value.clone()),
        None => FunctionError::reject_call("every list is empty"),
    }
}

fn concat_lists(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    if args.values.is_empty() {
        return FunctionError::reject_call("at least one list is required");
    }
    if let Some(index) = args.values.iter().position(|value| matches!(value.data, ValueData::Set(_))) {
        return FunctionError::reject_argument(
            index,
            "a set has no order: convert it to a list with tolist() or sort()",
        );
    }
    let count = args.values.iter().filter_map(ConfigValue::elements).map(<[ConfigValue]>::len).sum();
    args.budget.check_collection_room(count)?;
    let all: Vec<ConfigValue> = args.values.iter().filter_map(ConfigValue::elements).flatten().cloned().collect();
    let lists = args.values.iter().all(|value| matches!(value.data, ValueData::List(_)));
    let tuple = ConfigValue::new_tuple(all);
    // Lists give a list if their elements have a common type. If an argument is a tuple, the result is a tuple.
    let list = lists.then(|| convert_value(&tuple, &Type::List(Box::new(Type::Any))).ok()).flatten();
    Ok(list.unwrap_or(tuple))
}

fn pick_element(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let elements = args.expect_elements(0)?;
    if matches!(args.get(0)?.data, ValueData::Set(_)) {
        return FunctionError::reject_argument(0, "a set has no order: convert it to a list with tolist() or sort()");
    }
    let index = args.expect_integer(1)?;
    if index < 0 {
        return FunctionError::reject_argument(1, "it must not be negative");
    }
    let count = i64::try_from(elements.len()).unwrap_or(i64::MAX);
    if count == 0 {
        return FunctionError::reject_argument(0, "it has no elements");
    }
    // An index past the end wraps around, as in Terraform.
    let wrapped = usize::try_from(index.rem_euclid(count)).ok().and_then(|index| elements.get(index));
    match wrapped {
        Some(element) => Ok(element.clone()),
        None => FunctionError::reject_argument(1, "there is no such element"),
    }
}

/// Appends the elements to `flat`, and those of inner collections. Elements of a sensitive inner collection become sensitive.
fn flatten_elements(
    elements: &[ConfigValue],
    mark: bool,
    flat: &mut Vec<ConfigValue>,
    budget: &EvalBudget,
) -> Result<(), FunctionError> {
    budget.check_collection_room(flat.len() + elements.len())?;
    for element in elements {
        match element.elements() {
            Some(inner) => flatten_elements(inner, mark || element.sensitive, flat, budget)?,
            None => flat.push(element.clone().with_mark(mark)),
        }
    }
    Ok(())
}

fn measure_length(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let value = args.get(0)?;
    let count = match &value.data {
        ValueData::String(text) => {
            // Finding the boundaries of characters takes several times as long as reading.
            args.take_steps(4 * steps_for_text(text.len()))?;
            text.graphemes(true).count()
        }
        _ => match (value.elements(), value.entries()) {
            (Some(elements), _) => elements.len(),
            (_, Some(entries)) => entries.len(),
            _ => {
                return FunctionError::reject_argument(
                    0,
                    "only strings, lists, sets, tuples, maps and objects have a length",
                );
            }
        },
    };
    Ok(ConfigValue::new_number(count))
}

fn look_up_key(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let key = args.expect_text(1)?;
    match (args.expect_entries(0)?.get(key), args.remaining_values(2)) {
        (_, [_, _, ..]) => FunctionError::reject_call("it takes a map, a key and an optional default"),
        (Some(value), _) => Ok(value.clone()),
        (None, [default]) => {
            // To find the type of a map's elements, elements are read until one has a whole type.
            args.take_steps(args.get(0)?.size().steps_to_read())?;
            match infer_type(args.get(0)?) {
                // All elements of a map have one type, so the default is converted to it.
                Type::Map(of) => convert_value(default, &of)
                    .or_else(|mismatch| FunctionError::reject_argument(2, mismatch.to_string())),
                _ => Ok(default.clone()),
            }
        }
        (None, _) => FunctionError::reject_argument(1, "the map has no such element, and no default is given"),
    }
}

fn merge_maps(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let mut merged = Entries::new();
    let mut maps = !args.values.is_empty();
    for (index, value) in args.values.iter().enumerate() {
        if value.is_null() {
            continue;
        }
        match value.entries() {
            Some(entries) => merged.extend(entries.iter().map(|(key, value)| (key.clone(), value.clone()))),
            None => {
                return FunctionError::reject_argument(
                    index,
                    format!("a map or object is required, not {}", value.describe_form()),
                );
            }
        }
        maps &= matches!(value.data, ValueData::Map(_));
    }
    args.budget.check_collection_room(merged.len())?;
    if !maps {
        return Ok(ConfigValue::new_object(merged));
    }
    let object = ConfigValue::new_object(merged);
    Ok(convert_value(&object, &Type::Map(Box::new(Type::Any))).unwrap_or(object))
}

/// `range(limit)`, `range(start, limit)`, `range(start, limit, step)`: at most 1024 numbers, as in Terraform.
fn build_range(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let zero = Num::from(0_i64);
    let one = Num::from(1_i64);
    let (start, limit, step) = match args.values.len() {
        1 => (zero.clone(), args.expect_number(0)?.clone(), None),
        2 => (args.expect_number(0)?.clone(), args.expect_number(1)?.clone(), None),
        3 => (args.expect_number(0)?.clone(), args.expect_number(1)?.clone(), Some(args.expect_number(2)?.clone())),
        _ => return FunctionError::reject_call("it takes one, two or three numbers"),
    };
    let step = step.unwrap_or_else(|| if limit < start { one.to_negated() } else { one });
    if step.is_zero() {
        return FunctionError::reject_argument(2, "it must not be zero");
    }
    let down = step.is_negative();
    if args.values.len() == 3 && ((down && limit > start) || (!down && limit < start)) {
        return FunctionError::reject_argument(2, "it has the wrong sign for this limit");
    }
    let mut numbers = Vec::new();
    let mut at = start;
    while if down { at > limit } else { at < limit } {
        if numbers.len() >= MOST_IN_RANGE {
            return FunctionError::reject_call(format!(
                "more than {MOST_IN_RANGE} numbers; range() is limited to this number"
            ));
        }
        let next = at.try_add(&step).map_err(|problem| FunctionError::Call(problem.to_string()))?;
        numbers.push(ConfigValue::new_number(std::mem::replace(&mut at, next)));
    }
    Ok(ConfigValue::new_list(numbers))
}

const MOST_IN_RANGE: usize = 1024;

fn slice_elements(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let elements = args.expect_elements(0)?;
    if matches!(args.get(0)?.data, ValueData::Set(_)) {
        return FunctionError::reject_argument(0, "a set has no order: convert it to a list with tolist() or sort()");
    }
    let bound = |index: usize| -> Result<usize, FunctionError> {
        let bound = usize::try_from(args.expect_integer(index)?)
            .or_else(|_| FunctionError::reject_argument(index, "it must not be negative"))?;
        if bound > elements.len() {
            return FunctionError::reject_argument(
                index,
                format!("it must be at most {}, the number of elements", elements.len()),
            );
        }
        Ok(bound)
    };
    let (start, end) = (bound(1)?, bound(2)?);
    let Some(cut) = elements.get(start..end) else {
        return FunctionError::reject_argument(1, "the start is after the end");
    };
    let cut = cut.to_vec();
    Ok(if matches!(args.get(0)?.data, ValueData::Tuple(_)) {
        ConfigValue::new_tuple(cut)
    } else {
        ConfigValue::new_list(cut)
    })
}

fn sum_elements(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let elements = args.expect_elements(0)?;
    if elements.is_empty() {
        return FunctionError::reject_argument(0, "it has no elements");
    }
    let mut total = Num::from(0_i64);
    for element in elements {
        match convert_value(element, &Type::Number) {
            Ok(ConfigValue { data: ValueData::Number(number), .. }) => {
                total = total.try_add(&number).map_err(|problem| FunctionError::Call(problem.to_string()))?;
            }
            _ => {
                return FunctionError::reject_argument(
                    0,
                    format!("it contains {}, not only numbers", element.describe_form()),
                );
            }
        }
    }
    Ok(ConfigValue::new_number(total))
}

/// Exchanges keys and elements: `{a = [x, y]}` becomes `{x = [a], y = [a]}`.
fn transpose_map(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let mut turned: std::collections::BTreeMap<Arc<str>, Vec<ConfigValue>> = std::collections::BTreeMap::new();
    for (key, value) in args.expect_entries(0)? {
        let Some(elements) = value.elements() else {
            return FunctionError::reject_argument(0, "a map of lists of strings is required");
        };
        for element in elements {
            match to_text(element) {
                Some(text) => turned.entry(text).or_default().push(ConfigValue::new_string(key.clone())),
                None => return FunctionError::reject_argument(0, "a map of lists of strings is required"),
            }
        }
    }
    Ok(ConfigValue::new_map(turned.into_iter().map(|(key, keys)| (key, ConfigValue::new_list(keys))).collect()))
}

fn zip_map(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let (keys, values) = (args.expect_texts(0)?, args.expect_elements(1)?);
    if keys.len() != values.len() {
        return FunctionError::reject_call(format!(
            "{} keys and {} values: the numbers must be equal",
            keys.len(),
            values.len()
        ));
    }
    let entries: Entries = keys.into_iter().map(Arc::from).zip(values.iter().cloned()).collect();
    Ok(if matches!(args.get(1)?.data, ValueData::Tuple(_)) {
        ConfigValue::new_object(entries)
    } else {
        ConfigValue::new_map(entries)
    })
}
