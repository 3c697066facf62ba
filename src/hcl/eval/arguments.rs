//! Evaluates the arguments of a module call. Input: a `module` block and the `variable` blocks of the module. Output: for each variable,
//! the argument evaluated in the scope of the call, or the default, converted to the type of the variable.

use std::sync::Arc;

use super::{CellKey, EvalError, EvalScope, Evaluated, Evaluator, ModuleId, describe_value, types};
use crate::hcl::source::FileSpan;
use crate::hcl::syntax::Block;
use crate::hcl::value::convert::convert_value;
use crate::hcl::value::{ConfigValue, Type, ValueData};

/// The constraints that a `variable` block sets on its value.
#[derive(Debug)]
pub struct VariableConstraint {
    /// The type that the value is converted to.
    pub of: Type,
    /// Whether the value is marked as sensitive.
    pub sensitive: bool,
    /// Whether null is accepted. If not, the default replaces null.
    pub nullable: bool,
}

impl Evaluator<'_> {
    /// Evaluates the constraints of a `variable` block.
    ///
    /// # Errors
    ///
    /// Returns an error if the type is not a type, or a flag is neither true nor false.
    pub fn evaluate_constraint(&self, block: &Block, scope: &EvalScope<'_>) -> Evaluated<VariableConstraint> {
        let of = match block.body.find_attribute("type") {
            None => Type::Any,
            Some(attribute) => types::read_type(&attribute.value, self, scope)?,
        };
        let sensitive = self.evaluate_flag(block, "sensitive", false, scope)?;
        let nullable = self.evaluate_flag(block, "nullable", true, scope)?;
        Ok(VariableConstraint { of, sensitive, nullable })
    }

    /// Evaluates an attribute that must be true or false. It has the value `default` if it is missing or null.
    pub(super) fn evaluate_flag(
        &self,
        block: &Block,
        name: &str,
        default: bool,
        scope: &EvalScope<'_>,
    ) -> Evaluated<bool> {
        let Some(attribute) = block.body.find_attribute(name) else { return Ok(default) };
        let value = self.evaluate_expr(&attribute.value, scope)?;
        match convert_value(&value, &Type::Bool) {
            Ok(ConfigValue { data: ValueData::Null, .. }) => Ok(default),
            Ok(ConfigValue { data: ValueData::Bool(flag), sensitive: false, .. }) => Ok(flag),
            _ => Err(EvalError::new(
                scope.make_span(attribute.value.place),
                "config::type",
                format!("`{name}` must be true or false"),
                format!("this is {}", describe_value(&value)),
            )),
        }
    }

    /// The value of a variable of a module: the argument of the call, or the default.
    ///
    /// # Errors
    ///
    /// Returns [`EvalError::AlreadyReported`] if the value is missing or wrong; the error is already reported. Also returns an error if the variable
    /// needs itself.
    pub fn evaluate_module_argument(
        &self,
        module: ModuleId,
        name: &Arc<str>,
        asked: FileSpan,
    ) -> Evaluated<ConfigValue> {
        let instance = self.module(module);
        let Some((call, block)) = instance.call.as_ref().zip(instance.catalog.variables.get(&**name)) else {
            return Err(EvalError::AlreadyReported);
        };
        self.evaluate_once(module, CellKey::Variable(name.clone()), asked, || {
            let inner = EvalScope::for_file(module, block.file);
            let constraint = self.evaluate_constraint(block, &inner)?;
            let outer = EvalScope::for_file(call.from, call.block.file);
            let outer = outer.with_bindings(&call.bindings);
            let default = block.body.find_attribute("default");
            let given = call.block.body.find_attribute(name);
            let mut found = match given {
                Some(attribute) => {
                    let value = self
                        .evaluate_expr(&attribute.value, &outer)
                        .map_err(|fault| self.mark_reported(call.from, fault))?;
                    Some((value, outer.make_span(attribute.value.place)))
                }
                None => None,
            };
            // If the variable is not nullable, null selects the default.
            if found.as_ref().is_none_or(|(value, _)| value.is_null() && !constraint.nullable)
                && let Some(attribute) = default
            {
                let value = self.evaluate_expr(&attribute.value, &EvalScope::for_literals(block.file))?;
                found = Some((value, inner.make_span(attribute.value.place)));
            }
            // A missing argument is reported at the call.
            let (value, span) = found.ok_or(EvalError::AlreadyReported)?;
            let value = value.with_mark(constraint.sensitive);
            let path = instance.path.as_deref().unwrap_or_default();
            let at_call = |fault: EvalError| if given.is_some() { self.mark_reported(call.from, fault) } else { fault };
            if value.is_null() && !constraint.nullable {
                let fault =
                    EvalError::new(span, "config::variable", format!("`{name}` of {path} must not be null"), "null");
                return Err(at_call(fault));
            }
            convert_value(&value, &constraint.of).map_err(|mismatch| {
                let summary = format!("`{name}` of {path} must be {}", constraint.of);
                let fault =
                    EvalError::new(span, "config::type", summary, format!("this is {}", describe_value(&value)));
                let fault = if value.contains_sensitive() { fault } else { fault.with_help(mismatch.to_string()) };
                at_call(fault.with_related(block.span(), "the variable is declared here"))
            })
        })
    }

    /// Reports an error in the module that it belongs to, and returns [`EvalError::AlreadyReported`] for the caller.
    fn mark_reported(&self, module: ModuleId, fault: EvalError) -> EvalError {
        self.report_error(module, fault);
        EvalError::AlreadyReported
    }
}
