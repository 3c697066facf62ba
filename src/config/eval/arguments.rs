//! What a module is called with: each argument evaluated where the call stands, and brought to its variable's type.

use std::sync::Arc;

use super::module::ModuleId;
use super::{CellKey, Evaluated, Evaluator, Fault, Scope, types, with_value};
use crate::config::source::Span;
use crate::config::syntax::Block;
use crate::config::value::convert::convert;
use crate::config::value::{Data, Type, Value};

/// The parts of a `variable` block that are not values.
#[derive(Debug)]
pub struct Constraint {
    /// The type its values have.
    pub of: Type,
    /// Its values are not shown.
    pub sensitive: bool,
    /// Null is a value of it.
    pub nullable: bool,
}

impl Evaluator<'_> {
    /// What a `variable` block asks of its values.
    pub fn constraint(&self, block: &Block, scope: &Scope<'_>) -> Evaluated<Constraint> {
        let of = match block.body.attribute("type") {
            None => Type::Any,
            Some(attribute) => types::read(&attribute.value, self, scope)?,
        };
        let sensitive = self.flag(block, "sensitive", false, scope)?;
        let nullable = self.flag(block, "nullable", true, scope)?;
        Ok(Constraint { of, sensitive, nullable })
    }

    /// An attribute that is `true` or `false`.
    pub(super) fn flag(&self, block: &Block, name: &str, default: bool, scope: &Scope<'_>) -> Evaluated<bool> {
        let Some(attribute) = block.body.attribute(name) else { return Ok(default) };
        let value = self.eval(&attribute.value, scope)?;
        match convert(&value, &Type::Bool) {
            Ok(Value { data: Data::Null, .. }) => Ok(default),
            Ok(Value { data: Data::Bool(flag), sensitive: false, .. }) => Ok(flag),
            _ => Err(Fault::at(
                scope.span(attribute.value.place),
                "config::type",
                format!("`{name}` must be true or false"),
                format!("this is {}", with_value(&value)),
            )),
        }
    }

    /// The value that a module's variable has: that of the call's argument, or its default.
    pub fn argument(&self, module: ModuleId, name: &Arc<str>, asked: Span) -> Evaluated<Value> {
        let instance = self.module(module);
        let Some((call, block)) = instance.call.as_ref().zip(instance.catalog.variables.get(&**name)) else {
            return Err(Fault::Told);
        };
        self.once(module, CellKey::Variable(name.clone()), asked, || {
            let inner = Scope::of_file(module, block.file);
            let constraint = self.constraint(block, &inner)?;
            let outer = Scope::of_file(call.from, call.block.file);
            let outer = outer.within(&call.bindings);
            let default = block.body.attribute("default");
            let given = call.block.body.attribute(name);
            let mut found = match given {
                Some(attribute) => {
                    let value = self.eval(&attribute.value, &outer).map_err(|fault| self.told(call.from, fault))?;
                    Some((value, outer.span(attribute.value.place)))
                }
                None => None,
            };
            // A null stands for the default where null is no value.
            if found.as_ref().is_none_or(|(value, _)| value.is_null() && !constraint.nullable)
                && let Some(attribute) = default
            {
                let value = self.eval(&attribute.value, &Scope::closed(block.file))?;
                found = Some((value, inner.span(attribute.value.place)));
            }
            // An argument that is missing is reported at the call.
            let (value, span) = found.ok_or(Fault::Told)?;
            let value = value.marked(constraint.sensitive);
            let path = instance.path.as_deref().unwrap_or_default();
            let at_call = |fault: Fault| if given.is_some() { self.told(call.from, fault) } else { fault };
            if value.is_null() && !constraint.nullable {
                let fault = Fault::at(span, "config::variable", format!("`{name}` of {path} must not be null"), "null");
                return Err(at_call(fault));
            }
            convert(&value, &constraint.of).map_err(|mismatch| {
                let summary = format!("`{name}` of {path} must be {}", constraint.of);
                let fault = Fault::at(span, "config::type", summary, format!("this is {}", with_value(&value)));
                let fault = if value.any_sensitive() { fault } else { fault.help(mismatch.to_string()) };
                at_call(fault.related(block.span(), "the variable is declared here"))
            })
        })
    }

    /// Reports a fault where it belongs, so that whoever asked is only told.
    fn told(&self, module: ModuleId, fault: Fault) -> Fault {
        self.report(module, fault);
        Fault::Told
    }
}
