//! Reads `variable` blocks and the values given for them.
//!
//! A value from a file is never quoted: a file of values may hold secrets, also of variables that are not declared as sensitive. A finding
//! about it has the name of the variable and the line.

use std::collections::BTreeMap;

use leasehold_provider::Digest;

use super::fields::BlockFields;
use crate::config::inputs::VariableAssignment;
use crate::config::sources::Sources;
use crate::hcl::catalog::BlockCatalog;
use crate::hcl::diagnostic::{Diagnostic, DiagnosticSeverity};
use crate::hcl::eval::arguments::VariableConstraint;
use crate::hcl::eval::{EvalScope, Evaluator, ModuleId, describe_value};
use crate::hcl::functions::write_json;
use crate::hcl::source::{FileId, FileSpan};
use crate::hcl::suggest::find_nearest;
use crate::hcl::syntax::{self, Attribute, Block, ExprKind};
use crate::hcl::value::convert::convert_value;
use crate::hcl::value::show::quote_text;
use crate::hcl::value::{ConfigValue, Type};

/// The attributes of variable files, by file name.
pub type VariableFiles<'a> = BTreeMap<&'a str, Vec<(FileId, &'a Attribute)>>;

/// The source of a value.
#[derive(Clone, Copy)]
enum GivenValue<'a> {
    Environment(&'a str),
    CommandLine(&'a str),
    File(FileId, &'a Attribute),
}

/// Evaluates all variables of a stack.
pub fn resolve_variables<'a>(
    eval: &mut Evaluator<'a>,
    catalog: &'a BlockCatalog<'a>,
    assignments: &'a [VariableAssignment],
    files: &VariableFiles<'a>,
    sources: &Sources,
) {
    assign_variables(eval, catalog, assignments, files, sources);
    for (name, block) in &catalog.variables {
        if eval.variables.get(name).is_some_and(Option::is_some) {
            validate_variable(eval, ModuleId::ROOT, name, block);
        }
    }
}

/// Evaluates the values of all variables of a stack, without their `validation` blocks.
pub fn assign_variables<'a>(
    eval: &mut Evaluator<'a>,
    catalog: &'a BlockCatalog<'a>,
    assignments: &'a [VariableAssignment],
    files: &VariableFiles<'a>,
    sources: &Sources,
) {
    let given = gather_assignments(eval, catalog, assignments, files, sources);
    let mut values = BTreeMap::new();
    for (name, block) in &catalog.variables {
        let fields = BlockFields::new(eval, ModuleId::ROOT, block);
        values.insert(name.clone(), resolve_variable(&fields, name, given.get(&**name).copied()));
    }
    eval.variables = values;
    let from_file = |value: &GivenValue<'_>| matches!(value, GivenValue::File(..));
    eval.unshown_variables =
        given.iter().filter(|(_, value)| from_file(value)).map(|(name, _)| (*name).into()).collect();
}

/// The digest of the value of each variable of the stack, so that a saved plan can name the one that changed. `None`: the value contains
/// sensitive content, whose plain digest would allow to test a guess, or it has no value.
pub fn digest_variables(eval: &Evaluator<'_>) -> BTreeMap<String, Option<Digest>> {
    let digest = |value: &ConfigValue| {
        let mut text = String::new();
        let written = !value.contains_sensitive() && write_json(value, &mut text).is_ok();
        written.then(|| Digest::from_bytes(text.as_bytes()))
    };
    eval.variables.iter().map(|(name, value)| (name.to_string(), value.as_ref().and_then(digest))).collect()
}

/// The last value given for each declared variable.
fn gather_assignments<'a>(
    eval: &Evaluator<'_>,
    catalog: &BlockCatalog<'a>,
    assignments: &'a [VariableAssignment],
    files: &VariableFiles<'a>,
    sources: &Sources,
) -> BTreeMap<&'a str, GivenValue<'a>> {
    let mut given = BTreeMap::new();
    let declared = |name: &str| catalog.variables.contains_key(name);
    for assignment in assignments {
        match assignment {
            VariableAssignment::Environment { name, value } => {
                if declared(name) {
                    given.insert(name.as_str(), GivenValue::Environment(value));
                }
            }
            VariableAssignment::CommandLine { name, value } => {
                if declared(name) {
                    given.insert(name.as_str(), GivenValue::CommandLine(value));
                } else {
                    let how = format!("--var sets {}", quote_text(name));
                    report_undeclared_variable(eval, catalog, name, &how, None);
                }
            }
            VariableAssignment::File(file) => {
                if !sources.variable_files().any(|(_, source)| source.name == *file) {
                    let summary = format!("variable file {} was not provided", quote_text(file));
                    eval.findings.borrow_mut().push(Diagnostic::error("config::variable_file", summary));
                }
                for (id, attribute) in files.get(file.as_str()).into_iter().flatten() {
                    let name = &*attribute.name.text;
                    if declared(name) {
                        given.insert(name, GivenValue::File(*id, attribute));
                    } else {
                        let how = format!("this file sets {}", quote_text(name));
                        report_undeclared_variable(eval, catalog, name, &how, Some(attribute.name.place.to_span(*id)));
                    }
                }
            }
        }
    }
    given
}

/// Reports a value for an undeclared variable: a warning for files, which several stacks may share, and an error on the command line.
fn report_undeclared_variable(
    eval: &Evaluator<'_>,
    catalog: &BlockCatalog<'_>,
    name: &str,
    how: &str,
    in_file: Option<FileSpan>,
) {
    let summary = format!("{how}, but no variable with this name is declared");
    let mut finding = Diagnostic::error("config::undeclared_variable", summary);
    if let Some(span) = in_file {
        finding.severity = DiagnosticSeverity::Warning;
        finding = finding.with_location(span, "not declared");
    }
    let near = find_nearest(name, catalog.variables.keys().map(|name| &**name), Some(&eval.budget));
    eval.findings.borrow_mut().push(match near {
        Some(near) => finding.with_help(format!("did you mean {}?", quote_text(near))),
        None => finding.with_help(format!("declare it: variable {} {{}}", quote_text(name))),
    });
}

/// The value of one variable. `None`: it has no value, which is reported.
fn resolve_variable(fields: &BlockFields<'_, '_>, name: &str, given: Option<GivenValue<'_>>) -> Option<ConfigValue> {
    let constraint = read_constraint(fields)?;
    let (value, span, how) = match given {
        Some(given) => evaluate_supplied_value(fields, name, given, &constraint)?,
        None => read_default(fields, name)?,
    };
    let value = value.with_mark(constraint.sensitive);
    let withheld = matches!(given, Some(GivenValue::File(..)));
    if value.is_null() && !constraint.nullable {
        // If the variable is not nullable, a null means the default.
        if given.is_some() && fields.find_expr("default").is_some() {
            let (value, span, how) = read_default(fields, name)?;
            return convert_variable_value(
                fields,
                name,
                &value.with_mark(constraint.sensitive),
                &constraint,
                (span, &how),
                false,
            );
        }
        fields.report_finding(
            Diagnostic::error("config::variable", format!("var.{name} must not be null")).with_location(span, how),
        );
        return None;
    }
    convert_variable_value(fields, name, &value, &constraint, (span, &how), withheld)
}

fn read_constraint(fields: &BlockFields<'_, '_>) -> Option<VariableConstraint> {
    match fields.eval.evaluate_constraint(fields.block, &fields.evaluation_scope()) {
        Ok(constraint) => Some(constraint),
        Err(fault) => {
            fields.report_fault(fault);
            None
        }
    }
}

type SourcedValue = (ConfigValue, FileSpan, String);

fn read_default(fields: &BlockFields<'_, '_>, name: &str) -> Option<SourcedValue> {
    let Some(expr) = fields.find_expr("default") else {
        fields.report_finding(
            Diagnostic::error("config::variable", format!("var.{name} has no value"))
                .with_location(fields.block.span(), "no default and no value")
                .with_help(format!(
                    "set it with --var {name}=…, in a *.auto.hclvars file, in LEASEHOLD_VAR_{name}, or add a default"
                )),
        );
        return None;
    };
    let span = fields.expr_span(expr);
    match fields.eval.evaluate_expr(expr, &EvalScope::for_literals(fields.block.file)) {
        Ok(value) => Some((value, span, "its default".to_owned())),
        Err(fault) => {
            fields.report_fault(fault);
            None
        }
    }
}

fn evaluate_supplied_value(
    fields: &BlockFields<'_, '_>,
    name: &str,
    given: GivenValue<'_>,
    constraint: &VariableConstraint,
) -> Option<SourcedValue> {
    let (text, how) = match given {
        GivenValue::Environment(text) => (text, format!("LEASEHOLD_VAR_{name}")),
        GivenValue::CommandLine(text) => (text, "--var".to_owned()),
        GivenValue::File(file, attribute) => {
            let span = attribute.value.place.to_span(file);
            return match fields.eval.evaluate_expr(&attribute.value, &EvalScope::for_literals(file)) {
                Ok(value) => Some((value, span, "set here".to_owned())),
                Err(_) => {
                    fields.report_finding(
                        Diagnostic::error("config::variable", format!("the value of var.{name} cannot be evaluated"))
                            .with_location(span, "set here")
                            .with_help(
                                "a variable file has literal values: texts in quotes, numbers, lists and objects",
                            ),
                    );
                    None
                }
            };
        }
    };
    let span = fields.block.span();
    let how = format!("its value comes from {how}");
    if constraint.of.is_primitive() || (constraint.of == Type::Any && fields.find_expr("type").is_none()) {
        return Some((ConfigValue::new_string(text), span, how));
    }
    let nowhere = FileId(u32::MAX);
    let evaluated = match syntax::parse_expression(text, nowhere) {
        // With `type = any`, a bare word is text, unlike on Terraform's command line. It is never a reference.
        Ok(expr) if constraint.of == Type::Any && matches!(expr.kind, ExprKind::Variable(_)) => {
            Ok(ConfigValue::new_string(text))
        }
        Ok(expr) => fields.eval.evaluate_expr(&expr, &EvalScope::for_literals(nowhere)).map_err(|fault| match fault {
            crate::hcl::eval::EvalError::Invalid { finding, .. } | crate::hcl::eval::EvalError::Exhausted(finding) => {
                finding
            }
            crate::hcl::eval::EvalError::AlreadyReported => Box::new(Diagnostic::error("config::variable", "no value")),
        }),
        Err(finding) => Err(finding),
    };
    match evaluated {
        Ok(value) => Some((value, span, how)),
        Err(finding) => {
            let shown = if constraint.sensitive { "(sensitive value)".to_owned() } else { quote_text(text) };
            let reason = if constraint.sensitive { "cannot be read".to_owned() } else { finding.summary };
            fields.report_finding(
                Diagnostic::error("config::variable", format!("the value of var.{name} is not a valid expression"))
                    .with_location(span, how)
                    .with_detail(format!("{shown}: {reason}"))
                    .with_help(format!(
                        "it must be {}, with the syntax of a variable file; note that the shell removes quotes",
                        constraint.of
                    )),
            );
            None
        }
    }
}

fn convert_variable_value(
    fields: &BlockFields<'_, '_>,
    name: &str,
    value: &ConfigValue,
    constraint: &VariableConstraint,
    (span, how): (FileSpan, &str),
    withheld: bool,
) -> Option<ConfigValue> {
    match convert_value(value, &constraint.of) {
        Ok(value) => Some(value),
        Err(mismatch) => {
            let finding = Diagnostic::error("config::type", format!("var.{name} must be {}", constraint.of))
                .with_location(span, how);
            fields.report_finding(match (withheld, value.contains_sensitive()) {
                (true, _) => finding.with_detail(format!("it is {}", value.describe_form())),
                (false, true) => finding.with_detail(format!("it is {}", describe_value(value))),
                (false, false) => {
                    finding.with_detail(format!("it is {}", describe_value(value))).with_help(mismatch.to_string())
                }
            });
            None
        }
    }
}

/// Evaluates the `validation` blocks of a variable, in order.
pub fn validate_variable(eval: &Evaluator<'_>, module: ModuleId, name: &str, block: &Block) {
    let fields = BlockFields::new(eval, module, block);
    for validation in block.body.find_blocks("validation") {
        let fields = fields.for_inner_block(validation, "".into(), None);
        let Some(condition) = fields.find_expr("condition") else { continue };
        let holds = match eval.evaluate_condition(condition, &fields.evaluation_scope()) {
            Ok((holds, _)) => holds,
            Err(fault) => {
                fields.report_fault(fault);
                continue;
            }
        };
        if holds {
            continue;
        }
        let message = fields.read_prose("error_message").unwrap_or_else(|| "the condition is false".to_owned());
        let value = match module {
            ModuleId::ROOT => eval.variables.get(name).cloned().flatten(),
            _ => eval.evaluate_module_argument(module, &name.into(), block.span()).ok(),
        };
        let value = value.unwrap_or(ConfigValue::NULL);
        let shown = match module == ModuleId::ROOT && eval.unshown_variables.contains(name) {
            true => message,
            false => format!("{message}\nvar.{name} is {}", crate::hcl::value::show::render_value(&value)),
        };
        let finding =
            Diagnostic::error("config::validation", format!("the value of var.{name} is not valid")).with_detail(shown);
        let instance = eval.module(module);
        let given = instance.call.as_ref().and_then(|call| Some((call, call.block.body.find_attribute(name)?)));
        match given {
            // The error is in the argument, so it is reported at the module call.
            Some((call, argument)) => eval.add_finding(
                call.from,
                finding
                    .with_location(argument.value.place.to_span(call.block.file), "this value")
                    .with_related(fields.expr_span(condition), "this condition is false"),
            ),
            None => {
                fields.report_finding(
                    finding
                        .with_location(fields.expr_span(condition), "this condition is false")
                        .with_related(block.span(), "the variable"),
                );
            }
        }
    }
}
