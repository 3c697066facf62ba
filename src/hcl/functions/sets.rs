//! Functions on sets, with the behaviour of Terraform's functions of the same names.

use super::ParamType::{Elements, Set};
use super::{Args, Function, FunctionError, declare_function, declare_param};
use crate::hcl::value::convert::{convert_value, infer_type, unify_types};
use crate::hcl::value::{ConfigValue, Type, ValueData};

pub(super) const FUNCTIONS: &[Function] = &[
    declare_function("setintersection", &[declare_param("first", Set)], |args| combine_sets(args, |a, b| a && b))
        .with_variadic(declare_param("others", Set)),
    declare_function("setproduct", &[], build_set_product).with_variadic(declare_param("sets", Elements)),
    declare_function("setsubtract", &[declare_param("a", Set), declare_param("b", Set)], |args| {
        combine_sets(args, |a, b| a && !b)
    }),
    declare_function("setunion", &[declare_param("first", Set)], |args| combine_sets(args, |a, b| a || b))
        .with_variadic(declare_param("others", Set)),
];

/// Combines the sets from the left. `keep` decides for each element, from whether it is in the result so far and whether it is in the
/// next set.
fn combine_sets(args: &Args<'_>, keep: fn(bool, bool) -> bool) -> Result<ConfigValue, FunctionError> {
    let Some(common) = unify_types(args.values.iter().map(infer_type)) else {
        return FunctionError::reject_call("the elements of all sets must have the same type");
    };
    let mut sets = Vec::new();
    for set in args.values {
        let set = convert_value(set, &common).map_err(|mismatch| FunctionError::Call(mismatch.to_string()))?;
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
        args.budget.check_collection_room(all.len())?;
        result = all;
    }
    Ok(ConfigValue::new_set(result))
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
    let mut tuples: Vec<Vec<ConfigValue>> = vec![Vec::new()];
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
