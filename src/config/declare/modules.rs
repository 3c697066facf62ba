//! Reads `module`, `variable` and `output` blocks: the arguments of module calls and the results of modules.

use std::collections::BTreeSet;

use leasehold_provider::Address;

use super::fields::{BlockFields, is_module_reference};
use super::identity::has_for_each_and_count;
use super::read_addresses;
use super::variables::validate_variable;
use crate::config::schema;
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::eval::{Evaluator, ModuleId};
use crate::hcl::suggest::{find_nearest, join_names};
use crate::hcl::syntax::{Block, Expr, ExprKind, TraversalStepKind};
use crate::hcl::value::InstanceKey;

/// Evaluates the arguments of a module call, whether they are used or not.
pub fn evaluate_arguments(eval: &Evaluator<'_>, module: ModuleId) {
    if module == ModuleId::ROOT {
        return;
    }
    for (name, block) in &eval.catalog(module).variables {
        // An error is reported where the argument is written.
        if eval.evaluate_module_argument(module, name, block.span()).is_ok() {
            validate_variable(eval, module, name, block);
        }
    }
}

/// Evaluates the outputs of a module, whether they are used or not. Outputs in the stack itself are errors.
pub fn evaluate_outputs(eval: &Evaluator<'_>, module: ModuleId) {
    for (name, block) in &eval.catalog(module).outputs {
        if module == ModuleId::ROOT {
            eval.add_finding(
                module,
                Diagnostic::error(
                    "config::output",
                    format!("{}: outputs are only supported in modules", schema::check::describe_block(block)),
                )
                .with_location(block.span(), "not supported in the stack itself")
                .with_help("remove it, or move it into a module"),
            );
            continue;
        }
        // The evaluator reports the error.
        let _ = eval.evaluate_output(module, name, block.span());
    }
}

/// The modules that a module calls, each with the addresses that all identities in it depend on.
pub fn read_module_calls<'a>(
    eval: &Evaluator<'a>,
    module: ModuleId,
    waits_for: &BTreeSet<Address>,
) -> Vec<(ModuleId, BTreeSet<Address>)> {
    let mut called = Vec::new();
    for block in eval.catalog(module).modules.values().copied() {
        let fields = BlockFields::new(eval, module, block);
        if has_for_each_and_count(&fields) {
            continue;
        }
        check_arguments(&fields);
        let mut waits_for = waits_for.clone();
        waits_for.extend(read_addresses(&fields, "depends_on"));
        let instances = eval.instantiate_block(module, block, block.span()).unwrap_or_default();
        called.extend(instances.iter().map(|(_, id)| (*id, waits_for.clone())));
    }
    called
}

/// Reports arguments of a call that are not variables of the module, and variables without a default that have no argument.
fn check_arguments(fields: &BlockFields<'_, '_>) {
    let Ok((_, catalog)) = fields.eval.find_called_module(fields.module, fields.block) else { return };
    let known =
        || schema::find_block_schema("module").into_iter().flat_map(|schema| schema.attributes).map(|known| known.name);
    let names = || catalog.variables.keys().map(|name| &**name);
    for attribute in &fields.body().attributes {
        let name = &*attribute.name.text;
        if known().any(|known| known == name)
            || catalog.variables.contains_key(name)
            || catalog.is_broken("variable", name)
        {
            continue;
        }
        let finding = Diagnostic::error(
            "config::unknown_argument",
            format!("{} has no variable `{name}`", fields.describe_block()),
        )
        .with_location(attribute.name.place.to_span(fields.block.file), "not declared in the module");
        fields.report_finding(match find_nearest(name, names().chain(known()), Some(&fields.eval.budget)) {
            Some(near) => finding.with_help(format!("did you mean `{near}`?")),
            None if names().next().is_none() => finding.with_help("the module declares no variables"),
            None => finding.with_help(format!("valid variables are {}", join_names(names()))),
        });
    }
    for (name, variable) in &catalog.variables {
        if fields.find_expr(name).is_none() && variable.body.find_attribute("default").is_none() {
            fields.report_finding(diagnose_missing_argument(fields, name, variable));
        }
    }
}

fn diagnose_missing_argument(fields: &BlockFields<'_, '_>, name: &str, variable: &Block) -> Diagnostic {
    let finding =
        Diagnostic::error("config::missing_argument", format!("{} has no value for `{name}`", fields.describe_block()))
            .with_location(fields.block.span(), format!("`{name}` is missing"))
            .with_related(variable.span(), "the variable has no default")
            .with_help(format!("add a line such as: {name} = …"));
    match variable.body.find_attribute("description").map(|attribute| &attribute.value.kind) {
        Some(ExprKind::String(text)) => finding.with_detail(format!("{name}: {text}")),
        _ => finding,
    }
}

/// The addresses of the modules that an attribute such as `depends_on` refers to.
pub fn read_module_addresses(fields: &BlockFields<'_, '_>, name: &str) -> BTreeSet<Address> {
    let Some(ExprKind::Tuple(items)) = fields.find_expr(name).map(|expr| &expr.kind) else { return BTreeSet::new() };
    items.iter().filter(|item| is_module_reference(item)).flat_map(|item| find_module_instances(fields, item)).collect()
}

fn find_module_instances(fields: &BlockFields<'_, '_>, expr: &Expr) -> Vec<Address> {
    let ExprKind::Traverse(traverse) = &expr.kind else { return Vec::new() };
    let mut steps = traverse.steps.iter();
    let Some(TraversalStepKind::Name(label)) = steps.next().map(|step| &step.kind) else { return Vec::new() };
    // A reference to a module is checked like any other reference.
    if let Err(fault) = fields.eval.evaluate_expr(expr, &fields.evaluation_scope()) {
        fields.report_fault(fault);
        return Vec::new();
    }
    let Some(block) = fields.eval.catalog(fields.module).modules.get(&**label).copied() else { return Vec::new() };
    let called = fields.eval.instantiate_block(fields.module, block, fields.expr_span(expr)).unwrap_or_default();
    let desired = steps.next().and_then(|step| match &step.kind {
        TraversalStepKind::Index(index) => fields.eval.evaluate_expr(index, &fields.evaluation_scope()).ok(),
        _ => None,
    });
    let desired = desired.map(|value| crate::hcl::value::convert::to_text(&value));
    called
        .iter()
        .filter(|(key, _)| match &desired {
            None => true,
            Some(text) => key.as_ref().map(InstanceKey::key_text).as_deref() == text.as_deref(),
        })
        .filter_map(|(_, id)| Some(Address::from_text(&**fields.eval.module(*id).path.as_ref()?)))
        .collect()
}
