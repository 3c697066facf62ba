//! Finds the references in an expression, without evaluating it.

use super::{CellKey, EvalCell, EvalScope, Evaluator, ModuleId};
use crate::hcl::syntax::{Expr, ExprKind, TemplatePart, TraversalStep, TraversalStepKind};
use crate::hcl::value::ConfigValue;

/// Calls `found` for each reference in an expression, in source order, with its first name and its steps.
pub fn visit_references<'e>(expr: &'e Expr, found: &mut dyn FnMut(&'e str, &'e [TraversalStep])) {
    match &expr.kind {
        ExprKind::Null | ExprKind::Bool(_) | ExprKind::Number(_) | ExprKind::String(_) => {}
        ExprKind::Variable(name) => found(name, &[]),
        ExprKind::Traverse(traverse) => {
            match &traverse.base.kind {
                ExprKind::Variable(name) => found(name, &traverse.steps),
                _ => visit_references(&traverse.base, found),
            }
            for step in &traverse.steps {
                if let TraversalStepKind::Index(index) = &step.kind {
                    visit_references(index, found);
                }
            }
        }
        ExprKind::Template(parts) => visit_part_references(parts, found),
        ExprKind::Tuple(items) => items.iter().for_each(|item| visit_references(item, found)),
        ExprKind::Object(items) => items.iter().for_each(|(key, value)| {
            visit_references(key, found);
            visit_references(value, found);
        }),
        ExprKind::Conditional(parts) => parts.iter().for_each(|part| visit_references(part, found)),
        ExprKind::Call(call) => call.arguments.iter().for_each(|argument| visit_references(argument, found)),
        ExprKind::Unary(unary) => visit_references(&unary.1, found),
        ExprKind::Binary(binary) => {
            visit_references(&binary.left, found);
            visit_references(&binary.right, found);
        }
        ExprKind::For(each) => {
            visit_references(&each.collection, found);
            for inner in [each.result_key.as_ref(), Some(&each.result), each.condition.as_ref()].into_iter().flatten() {
                visit_references(inner, found);
            }
        }
    }
}

fn visit_part_references<'e>(parts: &'e [TemplatePart], found: &mut dyn FnMut(&'e str, &'e [TraversalStep])) {
    for part in parts {
        match part {
            TemplatePart::Text(_) => {}
            TemplatePart::Interpolation(expr) => visit_references(expr, found),
            TemplatePart::If { condition, yes, no } => {
                visit_references(condition, found);
                visit_part_references(yes, found);
                visit_part_references(no, found);
            }
            TemplatePart::For { collection, body, .. } => {
                visit_references(collection, found);
                visit_part_references(body, found);
            }
        }
    }
}

impl Evaluator<'_> {
    fn find_known_cell(&self, module: ModuleId, key: CellKey) -> Option<ConfigValue> {
        match self.cells.borrow().get(&(module, key))? {
            EvalCell::Known(value) => Some(value.clone()),
            _ => None,
        }
    }

    /// The name and value of a reference, if the value is known without evaluation. Otherwise `None`.
    pub(super) fn find_known_value(
        &self,
        base: &str,
        steps: &[TraversalStep],
        scope: &EvalScope<'_>,
    ) -> Option<(String, ConfigValue)> {
        let mut steps = steps.iter();
        let mut name = base.to_owned();
        let mut value = match scope.get(base) {
            Some(value) => value.clone(),
            None if !scope.sees_blocks => return None,
            None => {
                let TraversalStepKind::Name(label) = &steps.next()?.kind else { return None };
                name.push('.');
                name.push_str(label);
                match base {
                    "var" if scope.module == ModuleId::ROOT => self.variables.get(&**label)?.clone()?,
                    "var" => self.find_known_cell(scope.module, CellKey::Variable(label.clone()))?,
                    "local" => self.find_known_cell(scope.module, CellKey::Local(label.clone()))?,
                    _ => return None,
                }
            }
        };
        for step in steps {
            let TraversalStepKind::Name(key) = &step.kind else { break };
            let Some(inner) = value.entries().and_then(|entries| entries.get(key)).cloned() else { break };
            name.push('.');
            name.push_str(key);
            value = inner.with_mark(value.sensitive);
        }
        Some((name, value))
    }
}
