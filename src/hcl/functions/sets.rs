//! Functions on sets, with the behaviour of Terraform's functions of the same names.

use super::ParamType::{Elements, Set};
use super::{Args, Function, FunctionError, declare_function, declare_param};
use crate::hcl::value::convert::{convert_value, infer_type, unify_types};
use crate::hcl::value::{ConfigValue, Type, ValueData};

pub(super) const FUNCTIONS: &[Function] = &[
    declare_function("setintersection", &[declare_param("first", Set)], |args| {
        let mut sets = list_common_sets(args)?.into_iter();
        let first = sets.next().unwrap_or_default();
        Ok(ConfigValue::new_set(sets.fold(first, |result, other| select_elements(result, &other, true))))
    })
    .with_variadic(declare_param("others", Set)),
    declare_function("setproduct", &[], build_set_product).with_variadic(declare_param("sets", Elements)),
    declare_function("setsubtract", &[declare_param("a", Set), declare_param("b", Set)], |args| {
        let mut sets = list_common_sets(args)?.into_iter();
        let first = sets.next().unwrap_or_default();
        Ok(ConfigValue::new_set(sets.fold(first, |result, other| select_elements(result, &other, false))))
    }),
    declare_function("setunion", &[declare_param("first", Set)], |args| {
        let sets = list_common_sets(args)?;
        args.budget.check_collection_room(sets.iter().map(Vec::len).sum())?;
        Ok(ConfigValue::new_set(sets.concat()))
    })
    .with_variadic(declare_param("others", Set)),
];

/// The elements of each argument, sorted, converted to the common type of all.
fn list_common_sets(args: &Args<'_>) -> Result<Vec<Vec<ConfigValue>>, FunctionError> {
    let Some(common) = unify_types(args.values.iter().map(infer_type)) else {
        return FunctionError::reject_call("the elements of all sets must have the same type");
    };
    let elements = |set: &ConfigValue| {
        let set = convert_value(set, &common).map_err(|mismatch| FunctionError::Call(mismatch.to_string()))?;
        Ok(set.elements().unwrap_or_default().to_vec())
    };
    args.values.iter().map(elements).collect()
}

/// The elements that are in the other set, or those that are not.
fn select_elements(mut result: Vec<ConfigValue>, other: &[ConfigValue], within: bool) -> Vec<ConfigValue> {
    result.retain(|element| other.binary_search(element).is_ok() == within);
    result
}

/// The Cartesian product: every tuple with one element of each argument.
fn build_set_product(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    if args.values.len() < 2 {
        return FunctionError::reject_call("at least two collections are required");
    }
    let mut lists = Vec::new();
    for (index, list) in args.values.iter().enumerate() {
        match convert_value(list, &Type::List(Box::new(Type::Any))) {
            Ok(list) => lists.push(list),
            Err(mismatch) => return FunctionError::reject_argument(index, mismatch.to_string()),
        }
    }
    let mut count = 1_usize;
    for list in &lists {
        count = count.saturating_mul(list.elements().map_or(0, <[ConfigValue]>::len));
    }
    args.budget.check_collection_room(count.saturating_mul(args.values.len()))?;
    // A product that begins empty stays empty, however large the lists before the empty one are.
    let mut tuples: Vec<Vec<ConfigValue>> = if count == 0 { Vec::new() } else { vec![Vec::new()] };
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
    let tuples: Vec<ConfigValue> = tuples.into_iter().map(ConfigValue::new_tuple).collect();
    let sets = args.values.iter().all(|value| matches!(value.data, ValueData::Set(_)));
    let list = ConfigValue::new_list(tuples);
    Ok(if sets { convert_value(&list, &Type::Set(Box::new(Type::Any))).unwrap_or(list) } else { list })
}
