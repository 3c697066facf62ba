//! References within an expression.

use super::{Cell, CellKey, Evaluator, ModuleId, Scope};
use crate::config::syntax::{Expr, ExprKind, Part, Step, StepKind};
use crate::config::value::Value;

/// Calls `found` with the first word and the steps of each reference in an expression, in order.
pub fn visit<'e>(expr: &'e Expr, found: &mut dyn FnMut(&'e str, &'e [Step])) {
    match &expr.kind {
        ExprKind::Null | ExprKind::Bool(_) | ExprKind::Number(_) | ExprKind::String(_) => {}
        ExprKind::Variable(name) => found(name, &[]),
        ExprKind::Traverse(traverse) => {
            match &traverse.base.kind {
                ExprKind::Variable(name) => found(name, &traverse.steps),
                _ => visit(&traverse.base, found),
            }
            for step in &traverse.steps {
                if let StepKind::Index(index) = &step.kind {
                    visit(index, found);
                }
            }
        }
        ExprKind::Template(parts) => visit_parts(parts, found),
        ExprKind::Tuple(items) => items.iter().for_each(|item| visit(item, found)),
        ExprKind::Object(items) => items.iter().for_each(|(key, value)| {
            visit(key, found);
            visit(value, found);
        }),
        ExprKind::Conditional(parts) => parts.iter().for_each(|part| visit(part, found)),
        ExprKind::Call(call) => call.arguments.iter().for_each(|argument| visit(argument, found)),
        ExprKind::Unary(unary) => visit(&unary.1, found),
        ExprKind::Binary(binary) => {
            visit(&binary.left, found);
            visit(&binary.right, found);
        }
        ExprKind::For(each) => {
            visit(&each.collection, found);
            for inner in [each.result_key.as_ref(), Some(&each.result), each.condition.as_ref()].into_iter().flatten() {
                visit(inner, found);
            }
        }
    }
}

fn visit_parts<'e>(parts: &'e [Part], found: &mut dyn FnMut(&'e str, &'e [Step])) {
    for part in parts {
        match part {
            Part::Text(_) => {}
            Part::Interpolation(expr) => visit(expr, found),
            Part::If { condition, yes, no } => {
                visit(condition, found);
                visit_parts(yes, found);
                visit_parts(no, found);
            }
            Part::For { collection, body, .. } => {
                visit(collection, found);
                visit_parts(body, found);
            }
        }
    }
}

impl Evaluator<'_> {
    fn known_cell(&self, module: ModuleId, key: CellKey) -> Option<Value> {
        match self.cells.borrow().get(&(module, key))? {
            Cell::Known(value) => Some(value.clone()),
            _ => None,
        }
    }

    /// A reference's name and value, when it is known without evaluating anything.
    pub(super) fn known(&self, base: &str, steps: &[Step], scope: &Scope<'_>) -> Option<(String, Value)> {
        let mut steps = steps.iter();
        let mut name = base.to_owned();
        let mut value = match scope.get(base) {
            Some(value) => value.clone(),
            None if !scope.sees_stack => return None,
            None => {
                let StepKind::Name(label) = &steps.next()?.kind else { return None };
                name.push('.');
                name.push_str(label);
                match base {
                    "var" if scope.module == ModuleId::STACK => self.variables.get(&**label)?.clone()?,
                    "var" => self.known_cell(scope.module, CellKey::Variable(label.clone()))?,
                    "local" => self.known_cell(scope.module, CellKey::Local(label.clone()))?,
                    _ => return None,
                }
            }
        };
        for step in steps {
            let StepKind::Name(key) = &step.kind else { break };
            let Some(inner) = value.entries().and_then(|entries| entries.get(key)).cloned() else { break };
            name.push('.');
            name.push_str(key);
            value = inner.marked(value.sensitive);
        }
        Some((name, value))
    }
}
