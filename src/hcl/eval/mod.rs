//! Evaluates expressions. Input: syntax trees, the catalog of blocks, and the values of variables. Output: values, or errors with the
//! exact range.
//!
//! Locals, module variables, outputs and attributes of blocks are evaluated on first use, each once. One that needs itself is a cycle,
//! which is reported with its path. The work is bounded by [`EvalBudget`], and files are read only through [`ReadableFiles`]. The invariant:
//! each error is reported once, where it occurs; expressions that depend on it fail with [`EvalError::AlreadyReported`] and add no diagnostic.
//!
//! Example: with `a = local.b` and `b = local.a` in `locals`, evaluating `local.a` reports the cycle `local.a → local.b → local.a`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;

#[cfg(test)]
mod alone;
pub mod arguments;
mod attempt;
#[cfg(test)]
mod bounded_work;
mod call;
mod collection;
#[cfg(test)]
mod golden;
pub mod instances;
pub mod model;
pub mod module;
mod operators;
pub mod reference;
pub mod scope;
mod steps;
mod template;
mod template_file;
mod traversal;
pub mod types;

pub use model::{AttributeRead, BlockModel, CalledModule};
pub use scope::{EvalScope, ModuleId};

pub use super::eval_error::{EvalError, Evaluated};

use super::budget::{EvalBudget, EvalLimits, TooLargeError};
use super::diagnostic::Diagnostic;
use super::files::{ROOT_DIRECTORY, ReadableFiles};
use super::functions::PatternCache;
use super::source::{FileId, FileSpan};
use super::syntax::{ByteRange, Expr, ExprKind};
use super::value::number::NumberError;
use super::value::{ConfigValue, Number, ValueData, show::render_value};
use instances::BlockInstances;
use module::ModuleInstance;

/// Evaluates the expressions of a root module and of the modules that it calls.
pub struct Evaluator<'a> {
    /// What the model adds to the language.
    model: &'a dyn BlockModel<'a>,
    root: Rc<ModuleInstance<'a>>,
    /// The root module and the instances of modules, indexed by [`ModuleId`].
    modules: RefCell<Vec<Rc<ModuleInstance<'a>>>>,
    /// The id of each module instance, by its address.
    paths: RefCell<HashMap<Arc<str>, ModuleId>>,
    /// The files that functions may read.
    pub files: &'a dyn ReadableFiles,
    /// The time of the plan, which `plantimestamp()` returns.
    pub now: Timestamp,
    /// The remaining steps and memory.
    pub budget: EvalBudget,
    /// The values of the variables of the root module. `None`: the variable has no value, and the error is already reported.
    pub variables: BTreeMap<Arc<str>, Option<ConfigValue>>,
    /// The variables whose values diagnostics do not show, because they come from files that may hold secrets.
    pub unshown_variables: BTreeSet<Arc<str>>,
    /// The diagnostics of what other expressions refer to, such as locals. Each is added once, with the range where the error occurs.
    pub findings: RefCell<Vec<Diagnostic>>,
    cells: RefCell<HashMap<(ModuleId, CellKey), EvalCell>>,
    running: RefCell<Vec<(ModuleId, CellKey, FileSpan)>>,
    /// The instances of blocks, by module, type and label of the block. `None`: an error, already reported.
    instances: RefCell<HashMap<BlockId, Option<Arc<BlockInstances>>>>,
    /// The instances of `module` blocks.
    called: RefCell<ByModuleCall<Rc<module::ModuleInstances>>>,
    /// The values of references to a whole module, such as `module.a`.
    wholes: RefCell<ByModuleCall<ConfigValue>>,
    /// The diagnostics already reported inside modules, by code and range. The instances of a module share them.
    reported: RefCell<HashSet<FindingKey>>,
    /// The summaries of the diagnostics about exceeded budgets. Each is reported once.
    exhausted: RefCell<HashSet<String>>,
    /// The number of `try` and `can` calls around the current expression. Above 0, errors get no notes, because they are not shown.
    pub quiet: std::cell::Cell<u32>,
    /// Compiled regular expressions.
    pub patterns: PatternCache,
    /// Whether a template file is being rendered. It must not render another.
    pub in_template: std::cell::Cell<bool>,
}

/// Module, type and label of a block.
type BlockId = (ModuleId, Arc<str>, Arc<str>);

/// A map by the module that contains a `module` block and the label of that block.
type ByModuleCall<T> = HashMap<(ModuleId, Arc<str>), T>;

/// Code and range of a diagnostic.
type FindingKey = (&'static str, Option<(FileId, usize, usize)>);

/// The key of something that is evaluated once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum CellKey {
    /// `local.NAME`.
    Local(Arc<str>),
    /// An attribute of a block: the address of the block and the name of the attribute.
    Attribute(String, Arc<str>),
    /// The `for_each` or `count` of a block: its type and label.
    ForEach(Arc<str>, Arc<str>),
    /// `var.NAME` of a module.
    Variable(Arc<str>),
    /// An output of a module.
    Output(Arc<str>),
}

/// The state of something that is evaluated once. A reference to a `Running` cell is a cycle.
#[derive(Debug, Clone)]
enum EvalCell {
    Running,
    Known(ConfigValue),
    Failed,
}

impl<'a> Evaluator<'a> {
    /// An evaluator whose variables are not set yet.
    #[must_use]
    pub fn new(
        model: &'a dyn BlockModel<'a>,
        files: &'a dyn ReadableFiles,
        now: Timestamp,
        limits: EvalLimits,
    ) -> Self {
        let catalog = model.root_catalog();
        let root = Rc::new(ModuleInstance { path: None, directory: ROOT_DIRECTORY, catalog, call: None });
        Self {
            model,
            modules: RefCell::new(vec![root.clone()]),
            root,
            paths: RefCell::default(),
            reported: RefCell::default(),
            exhausted: RefCell::default(),
            files,
            now,
            budget: EvalBudget::from_limits(limits),
            variables: BTreeMap::new(),
            unshown_variables: BTreeSet::new(),
            findings: RefCell::default(),
            cells: RefCell::default(),
            running: RefCell::default(),
            instances: RefCell::default(),
            called: RefCell::default(),
            wholes: RefCell::default(),
            quiet: std::cell::Cell::new(0),
            patterns: PatternCache::default(),
            in_template: std::cell::Cell::new(false),
        }
    }

    /// Evaluates an expression.
    ///
    /// # Errors
    ///
    /// Returns an error if the expression is wrong, depends on a failed expression, or exceeds the budget.
    pub fn evaluate_expr(&self, expr: &Expr, scope: &EvalScope<'_>) -> Evaluated<ConfigValue> {
        let result = match &expr.kind {
            ExprKind::Null => return Ok(ConfigValue::NULL),
            ExprKind::Bool(value) => return Ok(ConfigValue::new_bool(*value)),
            ExprKind::String(text) => return Ok(ValueData::String(text.clone()).into()),
            _ => self.budget.take_steps(|| scope.make_span(expr.place), 1).and_then(|()| {
                self.budget.run_nested(|| scope.make_span(expr.place), || self.compute_expr(expr, scope))
            }),
        };
        match result {
            Err(EvalError::Invalid { finding, noted: false }) if self.quiet.get() == 0 => {
                Err(self.note_references(expr, scope, finding))
            }
            other => other,
        }
    }

    fn compute_expr(&self, expr: &Expr, scope: &EvalScope<'_>) -> Evaluated<ConfigValue> {
        match &expr.kind {
            ExprKind::Null | ExprKind::Bool(_) | ExprKind::String(_) => self.evaluate_expr(expr, scope),
            ExprKind::Number(written) => match written.parse::<Number>() {
                Ok(number) => {
                    self.budget.take_steps(|| scope.make_span(expr.place), u64::from(number.extra_steps()))?;
                    Ok(ConfigValue::new_number(number))
                }
                Err(problem) => Err(self.explain_number(problem, expr, scope)),
            },
            ExprKind::Template(parts) => self.evaluate_template(parts, expr.place, scope),
            ExprKind::Tuple(items) => {
                let elements =
                    items.iter().map(|item| self.evaluate_expr(item, scope)).collect::<Evaluated<Vec<_>>>()?;
                self.charge_result(ConfigValue::new_tuple(elements), expr.place, scope)
            }
            ExprKind::Object(items) => self.evaluate_object(items, expr, scope),
            ExprKind::Variable(_) => self.evaluate_traversal(expr, &[], scope),
            ExprKind::Traverse(traverse) => self.evaluate_traversal(&traverse.base, &traverse.steps, scope),
            ExprKind::Conditional(parts) => {
                let [condition, yes, no] = &**parts;
                let (decided, mark) = self.evaluate_condition(condition, scope)?;
                Ok(self.evaluate_expr(if decided { yes } else { no }, scope)?.with_mark(mark))
            }
            ExprKind::Call(call) => self.call_function(call, expr.place, scope),
            ExprKind::Unary(unary) => self.evaluate_unary(unary.0, &unary.1, scope),
            ExprKind::Binary(binary) => self.evaluate_binary(binary, expr, scope),
            ExprKind::For(each) => self.evaluate_for(each, expr, scope),
        }
    }

    /// Whether diagnostics do not show the value of a reference to a variable of the root module. `rest` begins with its name.
    fn is_unshown_variable(&self, rest: &str, scope: &EvalScope<'_>) -> bool {
        let name = rest.split(['.', '[']).next().unwrap_or(rest);
        scope.module == ModuleId::ROOT && self.unshown_variables.contains(name)
    }

    /// Adds the values of the references in `expr` to a diagnostic. Only the smallest expression around an error does this; larger ones
    /// find the diagnostic marked as noted.
    fn note_references(&self, expr: &Expr, scope: &EvalScope<'_>, finding: Box<Diagnostic>) -> EvalError {
        let mut notes = Vec::new();
        reference::visit_references(expr, &mut |base, steps| {
            if let Some((name, value)) = self.find_known_value(base, steps, scope)
                && !notes.iter().any(|(known, _)| *known == name)
                && notes.len() < 6
            {
                let unshown = name.strip_prefix("var.").is_some_and(|rest| self.is_unshown_variable(rest, scope));
                let shown = if unshown { "set in a file of values".to_owned() } else { render_value(&value) };
                notes.push((name, shown));
            }
        });
        let mut finding = finding;
        finding.values = notes.into_iter().map(|(name, value)| (name, format!("is {value}"))).collect();
        EvalError::Invalid { finding, noted: true }
    }

    /// Evaluates a condition. Returns its value and whether it is sensitive.
    ///
    /// # Errors
    ///
    /// Returns an error if the evaluation fails or the value is neither true nor false.
    pub fn evaluate_condition(&self, expr: &Expr, scope: &EvalScope<'_>) -> Evaluated<(bool, bool)> {
        let value = self.evaluate_expr(expr, scope)?;
        match super::value::convert::convert_value(&value, &super::value::Type::Bool) {
            Ok(ConfigValue { data: ValueData::Bool(flag), sensitive, .. }) => Ok((flag, sensitive)),
            _ => Err(EvalError::new(
                scope.make_span(expr.place),
                "config::type",
                "a condition must be true or false",
                format!("this is {}", describe_value(&value)),
            )),
        }
    }

    /// Charges the memory of a value that an expression built.
    fn charge_result(&self, value: ConfigValue, place: ByteRange, scope: &EvalScope<'_>) -> Evaluated<ConfigValue> {
        match self.budget.charge_value(&value) {
            Ok(()) => Ok(value),
            Err(large) => Err(explain_too_large(large, scope.make_span(place))),
        }
    }

    fn explain_number(&self, problem: NumberError, expr: &Expr, scope: &EvalScope<'_>) -> EvalError {
        EvalError::new(scope.make_span(expr.place), "config::number", problem.to_string(), "here")
    }
}

/// The error for a value that exceeds a limit. `try` does not catch it.
pub fn explain_too_large(large: TooLargeError, span: FileSpan) -> EvalError {
    EvalError::Exhausted(Box::new(
        Diagnostic::error("config::budget", large.to_string())
            .with_location(span, "stopped here")
            .with_help("use smaller values; create large values outside the stack"),
    ))
}

/// Type and value for labels, such as `a string: "x"`.
#[must_use]
pub fn describe_value(value: &ConfigValue) -> String {
    if value.is_null() { "null".to_owned() } else { format!("{}: {}", value.describe_form(), render_value(value)) }
}
