//! `module`, `variable` and `output` blocks: what a module is called with, and what it gives.

use std::collections::BTreeSet;

use leasehold_provider::Address;

use super::addresses;
use super::fields::Fields;
use super::identity::both_for_each_and_count;
use super::variables::validate;
use crate::config::diagnostic::Diagnostic;
use crate::config::eval::suggest::{listed, nearest};
use crate::config::eval::{Evaluator, ModuleId};
use crate::config::schema;
use crate::config::syntax::{Block, Expr, ExprKind, StepKind};

/// Evaluates what a module is called with, whether anything asks for it or not.
pub fn arguments(eval: &Evaluator<'_>, module: ModuleId) {
    if module == ModuleId::STACK {
        return;
    }
    for (name, block) in &eval.catalog(module).variables {
        // Its fault is reported where the value is made.
        if eval.argument(module, &(*name).into(), block.span()).is_ok() {
            validate(eval, module, name, block);
        }
    }
}

/// Evaluates the outputs of a module, whether anything asks for them or not.
pub fn outputs(eval: &Evaluator<'_>, module: ModuleId) {
    for (name, block) in &eval.catalog(module).outputs {
        if module == ModuleId::STACK {
            eval.find(
                module,
                Diagnostic::error(
                    "config::output",
                    format!("{} stands in the stack itself", schema::check::title(block)),
                )
                .at(block.span(), "nobody reads it")
                .help("outputs are what a module gives to those who call it: take it out, or move it into a module"),
            );
            continue;
        }
        // Its fault is reported by the evaluator.
        let _ = eval.output(module, name, block.span());
    }
}

/// The modules that a module calls, each with what all identities in it wait for.
pub fn calls<'a>(
    eval: &Evaluator<'a>,
    module: ModuleId,
    waits_for: &BTreeSet<Address>,
) -> Vec<(ModuleId, BTreeSet<Address>)> {
    let mut called = Vec::new();
    for block in eval.catalog(module).modules.values().copied() {
        let fields = Fields::new(eval, module, block);
        if both_for_each_and_count(&fields) {
            continue;
        }
        fits(&fields);
        let mut waits_for = waits_for.clone();
        waits_for.extend(addresses(&fields, "depends_on"));
        let instances = eval.called(module, block, block.span()).unwrap_or_default();
        called.extend(instances.iter().map(|(_, id)| (*id, waits_for.clone())));
    }
    called
}

/// Whether the arguments of a call are the module's variables, and all that have no default are there.
fn fits(fields: &Fields<'_, '_>) {
    let directory = fields.eval.module(fields.module).directory;
    let Ok((_, catalog)) = fields.eval.library.called(directory, fields.block) else { return };
    let known = || schema::top("module").into_iter().flat_map(|schema| schema.attributes).map(|known| known.name);
    let names = || catalog.variables.keys().copied();
    for attribute in &fields.body().attributes {
        let name = &*attribute.name.text;
        if known().any(|known| known == name)
            || catalog.variables.contains_key(name)
            || catalog.is_broken("variable", name)
        {
            continue;
        }
        let finding =
            Diagnostic::error("config::unknown_argument", format!("{} has no variable `{name}`", fields.title()))
                .at(attribute.name.place.in_file(fields.block.file), "not known to the module");
        fields.find(match nearest(name, names().chain(known()), Some(&fields.eval.budget)) {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None if names().next().is_none() => finding.help("the module declares no variables"),
            None => finding.help(format!("its variables are {}", listed(names()))),
        });
    }
    for (name, variable) in &catalog.variables {
        if fields.expr(name).is_none() && variable.body.attribute("default").is_none() {
            fields.find(missing(fields, name, variable));
        }
    }
}

fn missing(fields: &Fields<'_, '_>, name: &str, variable: &Block) -> Diagnostic {
    let finding =
        Diagnostic::error("config::missing_argument", format!("{} has no value for `{name}`", fields.title()))
            .at(fields.block.span(), format!("`{name}` is missing"))
            .related(variable.span(), "the variable has no default")
            .help(format!("add a line such as: {name} = …"));
    match variable.body.attribute("description").map(|attribute| &attribute.value.kind) {
        Some(ExprKind::String(text)) => finding.detail(format!("{name}: {text}")),
        _ => finding,
    }
}

/// The modules that an attribute such as `depends_on` names, by their addresses.
pub fn named(fields: &Fields<'_, '_>, name: &str) -> BTreeSet<Address> {
    let Some(ExprKind::Tuple(items)) = fields.expr(name).map(|expr| &expr.kind) else { return BTreeSet::new() };
    items.iter().filter(|item| is_module(item)).flat_map(|item| instances(fields, item)).collect()
}

/// Whether an expression names a module as a whole: `module.a`, `module.a["k"]`.
pub fn is_module(expr: &Expr) -> bool {
    let ExprKind::Traverse(traverse) = &expr.kind else { return false };
    matches!(&traverse.base.kind, ExprKind::Variable(root) if &**root == "module")
        && matches!(
            traverse.steps.iter().map(|step| &step.kind).collect::<Vec<_>>().as_slice(),
            [StepKind::Name(_)] | [StepKind::Name(_), StepKind::Index(_)]
        )
}

fn instances(fields: &Fields<'_, '_>, expr: &Expr) -> Vec<Address> {
    let ExprKind::Traverse(traverse) = &expr.kind else { return Vec::new() };
    let mut steps = traverse.steps.iter();
    let Some(StepKind::Name(label)) = steps.next().map(|step| &step.kind) else { return Vec::new() };
    // The reference itself is checked as any other is.
    if let Err(fault) = fields.eval.eval(expr, &fields.scope()) {
        fields.fault(fault);
        return Vec::new();
    }
    let Some(block) = fields.eval.catalog(fields.module).modules.get(&**label).copied() else { return Vec::new() };
    let called = fields.eval.called(fields.module, block, fields.span(expr)).unwrap_or_default();
    let wanted = steps.next().and_then(|step| match &step.kind {
        StepKind::Index(index) => fields.eval.eval(index, &fields.scope()).ok(),
        _ => None,
    });
    let wanted = wanted.map(|value| crate::config::value::convert::to_text(&value));
    called
        .iter()
        .filter(|(key, _)| match &wanted {
            None => true,
            Some(text) => key.as_ref().map(leasehold_provider::Key::text).as_deref() == text.as_deref(),
        })
        .filter_map(|(_, id)| Some(Address::from_text(&**fields.eval.module(*id).path.as_ref()?)))
        .collect()
}
