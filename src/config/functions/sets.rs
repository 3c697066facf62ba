//! Sets.

use super::Takes::{Elements, Set};
use super::{Args, Function, Problem, param, pure};
use crate::config::value::convert::{convert, type_of, unify};
use crate::config::value::{Data, Type, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    pure("setintersection", &[param("first", Set)], |args| combine(args, |a, b| a && b)).variadic(param("others", Set)),
    pure("setproduct", &[], setproduct).variadic(param("sets", Elements)),
    pure("setsubtract", &[param("a", Set), param("b", Set)], |args| combine(args, |a, b| a && !b)),
    pure("setunion", &[param("first", Set)], |args| combine(args, |a, b| a || b)).variadic(param("others", Set)),
];

/// Folds the sets by whether an element is in both, from the left.
fn combine(args: &Args<'_>, keep: fn(bool, bool) -> bool) -> Result<Value, Problem> {
    let Some(common) = unify(args.all().iter().map(type_of)) else {
        return Problem::call("the elements of all sets must have the same type");
    };
    let mut sets = Vec::new();
    for set in args.all() {
        let set = convert(set, &common).map_err(|mismatch| Problem::Call(mismatch.to_string()))?;
        sets.push(set.elements().unwrap_or_default().to_vec());
    }
    let mut sets = sets.into_iter();
    let mut result = sets.next().unwrap_or_default();
    for other in sets {
        let mut all = result.clone();
        all.extend(other.iter().cloned());
        all.sort();
        all.dedup();
        all.retain(|element| keep(result.binary_search(element).is_ok(), other.binary_search(element).is_ok()));
        args.budget.collection(all.len())?;
        result = all;
    }
    Ok(Value::set(result))
}

/// Every way to take one element of each.
fn setproduct(args: &Args<'_>) -> Result<Value, Problem> {
    if args.all().len() < 2 {
        return Problem::call("it takes at least two collections");
    }
    let mut lists = Vec::new();
    for (index, list) in args.all().iter().enumerate() {
        match convert(list, &Type::List(Box::new(Type::Any))) {
            Ok(list) => lists.push(list),
            Err(mismatch) => return Problem::argument(index, mismatch.to_string()),
        }
    }
    let mut count = 1_usize;
    for list in &lists {
        count = count.saturating_mul(list.elements().map_or(0, <[Value]>::len));
    }
    args.budget.collection(count.saturating_mul(args.all().len()))?;
    let mut tuples: Vec<Vec<Value>> = vec![Vec::new()];
    for list in &lists {
        let elements = list.elements().unwrap_or_default();
        tuples = tuples
            .iter()
            .flat_map(|tuple| {
                elements.iter().map(move |element| {
                    let mut longer = tuple.clone();
                    longer.push(element.clone());
                    longer
                })
            })
            .collect();
    }
    let tuples: Vec<Value> = tuples.into_iter().map(Value::tuple).collect();
    let sets = args.all().iter().all(|value| matches!(value.data, Data::Set(_)));
    let list = Value::list(tuples);
    Ok(if sets { convert(&list, &Type::Set(Box::new(Type::Any))).unwrap_or(list) } else { list })
}
