//! Lists, tuples, maps and objects.

use std::sync::Arc;

use unicode_segmentation::UnicodeSegmentation as _;

use super::Takes::{Any, Elements, Entries as Map, List, Number, Texts};
use super::{Args, Function, Problem, nullable, param, pure};
use crate::config::eval::Budget;
use crate::config::value::convert::{convert, to_text, type_of, unify};
use crate::config::value::{Data, Entries, Number as Num, Type, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    pure("chunklist", &[param("list", List), param("size", Number)], chunklist).keeping_marks(),
    pure("coalesce", &[], coalesce).variadic(nullable("values", Any)).keeping_marks(),
    pure("coalescelist", &[], coalescelist).variadic(param("lists", Elements)).keeping_marks(),
    pure("compact", &[param("list", Texts)], |args| {
        let kept = |value: &&Value| value.as_str().is_some_and(|text| !text.is_empty());
        Ok(Value::list(args.elements(0)?.iter().filter(kept).cloned().collect()))
    })
    .keeping_marks(),
    pure("concat", &[], concat).variadic(param("lists", Elements)).keeping_marks(),
    pure("contains", &[param("list", Elements), param("value", Any)], |args| {
        let value = args.get(1)?;
        Ok(Value::bool(args.elements(0)?.iter().any(|element| element == value)))
    }),
    pure("distinct", &[param("list", List)], |args| {
        let mut seen = std::collections::BTreeSet::new();
        Ok(Value::list(args.elements(0)?.iter().filter(|element| seen.insert(*element)).cloned().collect()))
    })
    .keeping_marks(),
    pure("element", &[param("list", Elements), param("index", Number)], element).keeping_marks().cheap(),
    pure("flatten", &[param("list", Elements)], |args| {
        let mut flat = Vec::new();
        flatten(args.elements(0)?, false, &mut flat, args.budget)?;
        Ok(Value::tuple(flat))
    })
    .keeping_marks(),
    pure("index", &[param("list", Elements), param("value", Any)], |args| {
        let value = args.get(1)?;
        match args.elements(0)?.iter().position(|element| element == value) {
            Some(index) => Ok(Value::number(index)),
            None => Problem::argument(1, "the list does not hold it"),
        }
    }),
    pure("keys", &[param("map", Map)], |args| {
        let keys = args.entries(0)?.keys().map(|key| Value::string(key.clone())).collect();
        Ok(if matches!(args.get(0)?.data, Data::Map(_)) { Value::list(keys) } else { Value::tuple(keys) })
    })
    .keeping_marks(),
    pure("length", &[param("value", Any)], length).keeping_marks().cheap(),
    pure("lookup", &[param("map", Map), param("key", super::Takes::Text)], lookup)
        .variadic(nullable("default", Any))
        .keeping_marks()
        .cheap(),
    pure("merge", &[], merge).variadic(nullable("maps", Any)).keeping_marks(),
    pure("one", &[param("list", Elements)], |args| match args.elements(0)? {
        [] => Ok(Value::NULL),
        [one] => Ok(one.clone()),
        more => Problem::argument(0, format!("it must have no more than one element, not {}", more.len())),
    })
    .keeping_marks(),
    pure("range", &[], range).variadic(param("limits", Number)),
    pure("reverse", &[param("list", Elements)], |args| {
        let reversed: Vec<Value> = args.elements(0)?.iter().rev().cloned().collect();
        Ok(if matches!(args.get(0)?.data, Data::Tuple(_)) { Value::tuple(reversed) } else { Value::list(reversed) })
    })
    .keeping_marks(),
    pure("slice", &[param("list", Elements), param("start", Number), param("end", Number)], slice).keeping_marks(),
    pure("sort", &[param("list", Texts)], |args| {
        let mut texts = args.texts(0)?;
        texts.sort_unstable();
        Ok(Value::list(texts.into_iter().map(Value::string).collect()))
    }),
    pure("sum", &[param("list", Elements)], sum),
    pure("transpose", &[param("map", Map)], transpose),
    pure("values", &[param("map", Map)], |args| {
        let values: Vec<Value> = args.entries(0)?.values().cloned().collect();
        Ok(if matches!(args.get(0)?.data, Data::Map(_)) { Value::list(values) } else { Value::tuple(values) })
    })
    .keeping_marks(),
    pure("zipmap", &[param("keys", Texts), param("values", Elements)], zipmap).keeping_marks(),
];

fn chunklist(args: &Args<'_>) -> Result<Value, Problem> {
    let elements = args.elements(0)?;
    let size = usize::try_from(args.whole(1)?).or_else(|_| Problem::argument(1, "it must not be negative"))?;
    if elements.is_empty() {
        return Ok(Value::list(Vec::new()));
    }
    // A size of 0 stands for one chunk of all.
    let size = if size == 0 { elements.len() } else { size };
    Ok(Value::list(elements.chunks(size).map(|chunk| Value::list(chunk.to_vec())).collect()))
}

/// The first that is neither null nor an empty string, in the type all of them share.
fn coalesce(args: &Args<'_>) -> Result<Value, Problem> {
    let Some(common) = unify(args.all().iter().map(type_of)) else {
        return Problem::call("all arguments must have the same type");
    };
    let empty = |value: &&Value| value.is_null() || value.as_str() == Some("");
    match args.all().iter().find(|value| !empty(value)) {
        Some(value) => convert(value, &common).map_err(|mismatch| Problem::Call(mismatch.to_string())),
        None => Problem::call("every argument is null or an empty string"),
    }
}

fn coalescelist(args: &Args<'_>) -> Result<Value, Problem> {
    match args.all().iter().find(|value| value.elements().is_some_and(|elements| !elements.is_empty())) {
        Some(value) => Ok(value.clone()),
        None => Problem::call("every list is empty"),
    }
}

fn concat(args: &Args<'_>) -> Result<Value, Problem> {
    if args.all().is_empty() {
        return Problem::call("it takes at least one list");
    }
    if let Some(index) = args.all().iter().position(|value| matches!(value.data, Data::Set(_))) {
        return Problem::argument(index, "a set has no order: make a list of it with tolist() or sort()");
    }
    let count = args.all().iter().filter_map(Value::elements).map(<[Value]>::len).sum();
    args.budget.collection(count)?;
    let all: Vec<Value> = args.all().iter().filter_map(Value::elements).flatten().cloned().collect();
    let lists = args.all().iter().all(|value| matches!(value.data, Data::List(_)));
    let tuple = Value::tuple(all);
    // Lists give a list where their elements share a type; with a tuple among them, a tuple.
    let list = lists.then(|| convert(&tuple, &Type::List(Box::new(Type::Any))).ok()).flatten();
    Ok(list.unwrap_or(tuple))
}

fn element(args: &Args<'_>) -> Result<Value, Problem> {
    let elements = args.elements(0)?;
    if matches!(args.get(0)?.data, Data::Set(_)) {
        return Problem::argument(0, "a set has no order: make a list of it with tolist() or sort()");
    }
    let index = args.whole(1)?;
    if index < 0 {
        return Problem::argument(1, "it must not be negative");
    }
    let count = i64::try_from(elements.len()).unwrap_or(i64::MAX);
    if count == 0 {
        return Problem::argument(0, "it has no elements");
    }
    // Beyond the end it begins again.
    let wrapped = usize::try_from(index.rem_euclid(count)).ok().and_then(|index| elements.get(index));
    match wrapped {
        Some(element) => Ok(element.clone()),
        None => Problem::argument(1, "there is no such element"),
    }
}

/// A sensitive list inside taints what comes out of it.
fn flatten(elements: &[Value], mark: bool, flat: &mut Vec<Value>, budget: &Budget) -> Result<(), Problem> {
    budget.collection(flat.len() + elements.len())?;
    for element in elements {
        match element.elements() {
            Some(inner) => flatten(inner, mark || element.sensitive, flat, budget)?,
            None => flat.push(element.clone().marked(mark)),
        }
    }
    Ok(())
}

fn length(args: &Args<'_>) -> Result<Value, Problem> {
    let value = args.get(0)?;
    let count = match &value.data {
        Data::String(text) => text.graphemes(true).count(),
        _ => match (value.elements(), value.entries()) {
            (Some(elements), _) => elements.len(),
            (_, Some(entries)) => entries.len(),
            _ => return Problem::argument(0, "only strings, lists, sets, tuples, maps and objects have a length"),
        },
    };
    Ok(Value::number(count))
}

fn lookup(args: &Args<'_>) -> Result<Value, Problem> {
    let key = args.text(1)?;
    match (args.entries(0)?.get(key), args.rest(2)) {
        (_, [_, _, ..]) => Problem::call("it takes a map, a key and at most one default"),
        (Some(value), _) => Ok(value.clone()),
        (None, [default]) => match type_of(args.get(0)?) {
            // A map has elements of one type, and its default is one of them.
            Type::Map(of) => convert(default, &of).or_else(|mismatch| Problem::argument(2, mismatch.to_string())),
            _ => Ok(default.clone()),
        },
        (None, _) => Problem::argument(1, "the map has no such element, and no default is given"),
    }
}

fn merge(args: &Args<'_>) -> Result<Value, Problem> {
    let mut merged = Entries::new();
    let mut maps = !args.all().is_empty();
    for (index, value) in args.all().iter().enumerate() {
        if value.is_null() {
            continue;
        }
        match value.entries() {
            Some(entries) => merged.extend(entries.iter().map(|(key, value)| (key.clone(), value.clone()))),
            None => return Problem::argument(index, format!("a map or object is required, not {}", value.form())),
        }
        maps &= matches!(value.data, Data::Map(_));
    }
    args.budget.collection(merged.len())?;
    if !maps {
        return Ok(Value::object(merged));
    }
    let object = Value::object(merged);
    Ok(convert(&object, &Type::Map(Box::new(Type::Any))).unwrap_or(object))
}

/// `range(limit)`, `range(start, limit)`, `range(start, limit, step)`; at most 1024 numbers, as Terraform has it.
fn range(args: &Args<'_>) -> Result<Value, Problem> {
    let zero = Num::from(0_i64);
    let one = Num::from(1_i64);
    let (start, limit, step) = match args.all().len() {
        1 => (zero.clone(), args.number(0)?.clone(), None),
        2 => (args.number(0)?.clone(), args.number(1)?.clone(), None),
        3 => (args.number(0)?.clone(), args.number(1)?.clone(), Some(args.number(2)?.clone())),
        _ => return Problem::call("it takes one, two or three numbers"),
    };
    let step = step.unwrap_or_else(|| if limit < start { one.negate() } else { one });
    if step.is_zero() {
        return Problem::argument(2, "it must not be zero");
    }
    let down = step.is_negative();
    if args.all().len() == 3 && ((down && limit > start) || (!down && limit < start)) {
        return Problem::argument(2, "it leads away from the limit");
    }
    let mut numbers = Vec::new();
    let mut at = start;
    while if down { at > limit } else { at < limit } {
        if numbers.len() >= MOST_IN_RANGE {
            return Problem::call(format!(
                "more than {MOST_IN_RANGE} numbers: build large collections from data of your own"
            ));
        }
        let next = at.add(&step).map_err(|problem| Problem::Call(problem.to_string()))?;
        numbers.push(Value::number(std::mem::replace(&mut at, next)));
    }
    Ok(Value::list(numbers))
}

const MOST_IN_RANGE: usize = 1024;

fn slice(args: &Args<'_>) -> Result<Value, Problem> {
    let elements = args.elements(0)?;
    if matches!(args.get(0)?.data, Data::Set(_)) {
        return Problem::argument(0, "a set has no order: make a list of it with tolist() or sort()");
    }
    let bound = |index: usize| -> Result<usize, Problem> {
        let bound =
            usize::try_from(args.whole(index)?).or_else(|_| Problem::argument(index, "it must not be negative"))?;
        if bound > elements.len() {
            return Problem::argument(
                index,
                format!("it must not be above {}, the number of elements", elements.len()),
            );
        }
        Ok(bound)
    };
    let (start, end) = (bound(1)?, bound(2)?);
    let Some(cut) = elements.get(start..end) else { return Problem::argument(1, "the start lies behind the end") };
    let cut = cut.to_vec();
    Ok(if matches!(args.get(0)?.data, Data::Tuple(_)) { Value::tuple(cut) } else { Value::list(cut) })
}

fn sum(args: &Args<'_>) -> Result<Value, Problem> {
    let elements = args.elements(0)?;
    if elements.is_empty() {
        return Problem::argument(0, "it has no elements");
    }
    let mut total = Num::from(0_i64);
    for element in elements {
        match convert(element, &Type::Number) {
            Ok(Value { data: Data::Number(number), .. }) => {
                total = total.add(&number).map_err(|problem| Problem::Call(problem.to_string()))?;
            }
            _ => return Problem::argument(0, format!("it holds {}, not only numbers", element.form())),
        }
    }
    Ok(Value::number(total))
}

/// `{a = [x, y]}` → `{x = [a], y = [a]}`.
fn transpose(args: &Args<'_>) -> Result<Value, Problem> {
    let mut turned: std::collections::BTreeMap<Arc<str>, Vec<Value>> = std::collections::BTreeMap::new();
    for (key, value) in args.entries(0)? {
        let Some(elements) = value.elements() else {
            return Problem::argument(0, "a map of lists of strings is required");
        };
        for element in elements {
            match to_text(element) {
                Some(text) => turned.entry(text).or_default().push(Value::string(key.clone())),
                None => return Problem::argument(0, "a map of lists of strings is required"),
            }
        }
    }
    Ok(Value::map(turned.into_iter().map(|(key, keys)| (key, Value::list(keys))).collect()))
}

fn zipmap(args: &Args<'_>) -> Result<Value, Problem> {
    let (keys, values) = (args.texts(0)?, args.elements(1)?);
    if keys.len() != values.len() {
        return Problem::call(format!("{} keys and {} values: there must be as many", keys.len(), values.len()));
    }
    let entries: Entries = keys.into_iter().map(Arc::from).zip(values.iter().cloned()).collect();
    Ok(if matches!(args.get(1)?.data, Data::Tuple(_)) { Value::object(entries) } else { Value::map(entries) })
}
