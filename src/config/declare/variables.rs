//! `variable` blocks and the values that are given for them.

use std::collections::BTreeMap;

use super::fields::Fields;
use crate::config::catalog::Catalog;
use crate::config::diagnostic::{Diagnostic, Severity};
use crate::config::eval::arguments::Constraint;
use crate::config::eval::suggest::nearest;
use crate::config::eval::{Evaluator, ModuleId, Scope, with_value};
use crate::config::inputs::Assignment;
use crate::config::source::{FileId, Sources, Span};
use crate::config::syntax::{self, Attribute, Block, ExprKind};
use crate::config::value::convert::convert;
use crate::config::value::show::quoted;
use crate::config::value::{Type, Value};

/// Attributes of variable files, by file name.
pub type VariableFiles<'a> = BTreeMap<&'a str, Vec<(FileId, &'a Attribute)>>;

/// Where a value comes from.
#[derive(Clone, Copy)]
enum Given<'a> {
    Environment(&'a str),
    CommandLine(&'a str),
    File(FileId, &'a Attribute),
}

/// Evaluates all variables of a stack.
pub fn resolve<'a>(
    eval: &mut Evaluator<'a>,
    catalog: &'a Catalog<'a>,
    assignments: &'a [Assignment],
    files: &VariableFiles<'a>,
    sources: &Sources,
) {
    let given = gather(eval, catalog, assignments, files, sources);
    let mut values = BTreeMap::new();
    for (name, block) in &catalog.variables {
        let fields = Fields::new(eval, ModuleId::STACK, block);
        values.insert(*name, variable(&fields, name, given.get(name).copied()));
    }
    eval.variables = values;
    for (name, block) in &catalog.variables {
        if eval.variables.get(name).is_some_and(Option::is_some) {
            validate(eval, ModuleId::STACK, name, block);
        }
    }
}

/// The last value given for each declared variable.
fn gather<'a>(
    eval: &Evaluator<'_>,
    catalog: &Catalog<'a>,
    assignments: &'a [Assignment],
    files: &VariableFiles<'a>,
    sources: &Sources,
) -> BTreeMap<&'a str, Given<'a>> {
    let mut given = BTreeMap::new();
    let declared = |name: &str| catalog.variables.contains_key(name);
    for assignment in assignments {
        match assignment {
            Assignment::Environment { name, value } => {
                if declared(name) {
                    given.insert(name.as_str(), Given::Environment(value));
                }
            }
            Assignment::CommandLine { name, value } => {
                if declared(name) {
                    given.insert(name.as_str(), Given::CommandLine(value));
                } else {
                    let how = format!("--var gives a value for {}", quoted(name));
                    undeclared(eval, catalog, name, &how, None);
                }
            }
            Assignment::File(file) => {
                if !sources.variable_files().any(|(_, source)| source.name == *file) {
                    let summary = format!("variable file {} was not handed over", quoted(file));
                    eval.findings.borrow_mut().push(Diagnostic::error("config::variable_file", summary));
                }
                for (id, attribute) in files.get(file.as_str()).into_iter().flatten() {
                    let name = &*attribute.name.text;
                    if declared(name) {
                        given.insert(name, Given::File(*id, attribute));
                    } else {
                        let how = format!("this file gives a value for {}", quoted(name));
                        undeclared(eval, catalog, name, &how, Some(attribute.name.place.in_file(*id)));
                    }
                }
            }
        }
    }
    given
}

/// A value for a variable that is not declared: a warning in a file, which may serve several stacks, an error on the command line.
fn undeclared(eval: &Evaluator<'_>, catalog: &Catalog<'_>, name: &str, how: &str, in_file: Option<Span>) {
    let summary = format!("{how}, and no variable of that name is declared");
    let mut finding = Diagnostic::error("config::undeclared_variable", summary);
    if let Some(span) = in_file {
        finding.severity = Severity::Warning;
        finding = finding.at(span, "not declared");
    }
    let near = nearest(name, catalog.variables.keys().copied(), Some(&eval.budget));
    eval.findings.borrow_mut().push(match near {
        Some(near) => finding.help(format!("did you mean {}?", quoted(near))),
        None => finding.help(format!("declare it: variable {} {{}}", quoted(name))),
    });
}

/// The value of one variable. `None`: it has none, which is reported.
fn variable(fields: &Fields<'_, '_>, name: &str, given: Option<Given<'_>>) -> Option<Value> {
    let constraint = constraint(fields)?;
    let (value, span, how) = match given {
        Some(given) => value_of(fields, name, given, &constraint)?,
        None => default(fields, name)?,
    };
    let value = value.marked(constraint.sensitive);
    if value.is_null() && !constraint.nullable {
        // A null stands for the default where null is no value.
        if given.is_some() && fields.expr("default").is_some() {
            let (value, span, how) = default(fields, name)?;
            return converted(fields, name, &value.marked(constraint.sensitive), &constraint, span, &how);
        }
        fields.find(Diagnostic::error("config::variable", format!("var.{name} must not be null")).at(span, how));
        return None;
    }
    converted(fields, name, &value, &constraint, span, &how)
}

fn constraint(fields: &Fields<'_, '_>) -> Option<Constraint> {
    match fields.eval.constraint(fields.block, &fields.scope()) {
        Ok(constraint) => Some(constraint),
        Err(fault) => {
            fields.fault(fault);
            None
        }
    }
}

type Found = (Value, Span, String);

fn default(fields: &Fields<'_, '_>, name: &str) -> Option<Found> {
    let Some(expr) = fields.expr("default") else {
        fields.find(
            Diagnostic::error("config::variable", format!("var.{name} has no value"))
                .at(fields.block.span(), "no default, and none is given")
                .help(format!(
                    "give one with --var {name}=…, in a *.auto.hclvars file, in LEASEHOLD_VAR_{name}, or as its default"
                )),
        );
        return None;
    };
    let span = fields.span(expr);
    match fields.eval.eval(expr, &Scope::closed(fields.block.file)) {
        Ok(value) => Some((value, span, "its default".to_owned())),
        Err(fault) => {
            fields.fault(fault);
            None
        }
    }
}

fn value_of(fields: &Fields<'_, '_>, name: &str, given: Given<'_>, constraint: &Constraint) -> Option<Found> {
    let (text, how) = match given {
        Given::Environment(text) => (text, format!("LEASEHOLD_VAR_{name}")),
        Given::CommandLine(text) => (text, "--var".to_owned()),
        Given::File(file, attribute) => {
            let span = attribute.value.place.in_file(file);
            return match fields.eval.eval(&attribute.value, &Scope::closed(file)) {
                Ok(value) => Some((value, span, "given here".to_owned())),
                Err(fault) => {
                    fields.fault(fault);
                    None
                }
            };
        }
    };
    let span = fields.block.span();
    let how = format!("its value comes from {how}");
    if constraint.of.is_primitive() || (constraint.of == Type::Any && fields.expr("type").is_none()) {
        return Some((Value::string(text), span, how));
    }
    let nowhere = FileId(u32::MAX);
    let evaluated = match syntax::parse_expression(text, nowhere) {
        // A bare word where anything is taken is text, as on Terraform's command line it is not; but it is never a reference.
        Ok(expr) if constraint.of == Type::Any && matches!(expr.kind, ExprKind::Variable(_)) => Ok(Value::string(text)),
        Ok(expr) => fields.eval.eval(&expr, &Scope::closed(nowhere)).map_err(|fault| match fault {
            crate::config::eval::Fault::Wrong { finding, .. } | crate::config::eval::Fault::Exhausted(finding) => {
                finding
            }
            crate::config::eval::Fault::Told => Box::new(Diagnostic::error("config::variable", "no value")),
        }),
        Err(finding) => Err(finding),
    };
    match evaluated {
        Ok(value) => Some((value, span, how)),
        Err(finding) => {
            let shown = if constraint.sensitive { "(sensitive value)".to_owned() } else { quoted(text) };
            let reason = if constraint.sensitive { "cannot be read".to_owned() } else { finding.summary };
            fields.find(
                Diagnostic::error("config::variable", format!("the value for var.{name} is no expression"))
                    .at(span, how)
                    .detail(format!("{shown}: {reason}"))
                    .help(format!(
                        "it must be {}, written as in a file; mind the quotes that the shell takes away",
                        constraint.of
                    )),
            );
            None
        }
    }
}

fn converted(
    fields: &Fields<'_, '_>,
    name: &str,
    value: &Value,
    constraint: &Constraint,
    span: Span,
    how: &str,
) -> Option<Value> {
    match convert(value, &constraint.of) {
        Ok(value) => Some(value),
        Err(mismatch) => {
            let finding = Diagnostic::error("config::type", format!("var.{name} must be {}", constraint.of))
                .at(span, how)
                .detail(format!("it is {}", with_value(value)));
            fields.find(if value.any_sensitive() { finding } else { finding.help(mismatch.to_string()) });
            None
        }
    }
}

/// The `validation` blocks of a variable, in order.
pub fn validate(eval: &Evaluator<'_>, module: ModuleId, name: &str, block: &Block) {
    let fields = Fields::new(eval, module, block);
    for validation in block.body.blocks_of("validation") {
        let fields = fields.within(validation, "".into(), None);
        let Some(condition) = fields.expr("condition") else { continue };
        let holds = match eval.condition(condition, &fields.scope()) {
            Ok((holds, _)) => holds,
            Err(fault) => {
                fields.fault(fault);
                continue;
            }
        };
        if holds {
            continue;
        }
        let message = fields.text("error_message").unwrap_or_else(|| "the condition does not hold".to_owned());
        let value = match module {
            ModuleId::STACK => eval.variables.get(name).cloned().flatten(),
            _ => eval.argument(module, &name.into(), block.span()).ok(),
        };
        let value = value.unwrap_or(Value::NULL);
        let finding = Diagnostic::error("config::validation", format!("var.{name} has no valid value"))
            .detail(format!("{message}\nvar.{name} is {}", crate::config::value::show::show(&value)));
        let instance = eval.module(module);
        let given = instance.call.as_ref().and_then(|call| Some((call, call.block.body.attribute(name)?)));
        match given {
            // What is wrong is the argument: it stands where the module is called.
            Some((call, argument)) => eval.find(
                call.from,
                finding
                    .at(argument.value.place.in_file(call.block.file), "this value")
                    .related(fields.span(condition), "the condition that does not hold"),
            ),
            None => {
                fields.find(finding.at(fields.span(condition), "does not hold").related(block.span(), "the variable"));
            }
        }
    }
}
