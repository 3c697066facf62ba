//! Expressions → values. In: syntax, the stack's index, inputs. Out: values, or faults with the exact range.
//!
//! Locals and attributes of blocks are evaluated when something asks for them, each once; what asks for itself is a cycle,
//! reported with its path. The work is bounded by [`Budget`]. Nothing is read but through [`StackFiles`].

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;
use leasehold_provider::Digest;

pub mod arguments;
pub mod budget;
mod collection;
pub mod fault;
pub mod instances;
pub mod module;
mod operators;
pub mod reference;
pub mod scope;
pub mod suggest;
mod template;
mod traversal;
pub mod types;

pub use budget::Budget;
pub use fault::{Evaluated, Fault};
pub use module::ModuleId;
pub use scope::Scope;

use super::diagnostic::Diagnostic;
use super::functions::Patterns;
use super::inputs::Limits;
use super::modules::{Library, STACK};
use super::source::{FileId, Span, StackFiles};
use super::syntax::{Expr, ExprKind, Place};
use super::value::number::InvalidNumber;
use super::value::{Data, Number, Value, show::render_value};
use instances::Instances;
use module::Module;

/// Evaluates the expressions of one stack.
pub struct Evaluator<'a> {
    /// The blocks of the stack and of its modules.
    pub library: &'a Library<'a>,
    stack: Rc<Module<'a>>,
    /// The stack and the instances of modules, by number.
    modules: RefCell<Vec<Rc<Module<'a>>>>,
    /// The numbers of modules by address.
    paths: RefCell<HashMap<Arc<str>, ModuleId>>,
    /// Files that functions read.
    pub files: &'a dyn StackFiles,
    /// `plantimestamp()`.
    pub now: Timestamp,
    /// What is left of time and room.
    pub budget: Budget,
    /// The values of the stack's variables. `None`: the variable has none, and that is reported.
    pub variables: BTreeMap<&'a str, Option<Value>>,
    /// Findings on what other expressions refer to; they are reported once, where it is written.
    pub findings: RefCell<Vec<Diagnostic>>,
    /// The files that were read, with the digest of their bytes.
    pub files_read: RefCell<BTreeMap<String, Digest>>,
    cells: RefCell<HashMap<(ModuleId, CellKey), Cell>>,
    running: RefCell<Vec<(ModuleId, CellKey, Span)>>,
    /// By module, type and label of the block.
    instances: RefCell<HashMap<BlockId, Option<Arc<Instances>>>>,
    /// The instances of `module` blocks.
    called: RefCell<ByCall<Rc<module::Called>>>,
    /// `module.a` as a whole.
    wholes: RefCell<ByCall<Value>>,
    /// What was found within modules, by code and place.
    told: RefCell<HashSet<Told>>,
    /// Identities, by block and key, whose name some expression reads although their block says none.
    pub default_names_read: RefCell<std::collections::BTreeSet<leasehold_provider::Address>>,
    /// How many `try` and `can` lie around what is evaluated: their faults are not shown, so they need no notes.
    pub quiet: std::cell::Cell<u32>,
    /// Compiled regular expressions.
    pub patterns: Patterns,
    /// A template's file is being rendered: it may not render another.
    pub in_template: std::cell::Cell<bool>,
}

/// The module, type and label of a block.
type BlockId = (ModuleId, &'static str, Arc<str>);

/// By the module that a `module` block stands in, and its label.
type ByCall<T> = HashMap<(ModuleId, Arc<str>), T>;

/// The code and place of a finding.
type Told = (&'static str, Option<(FileId, usize, usize)>);

/// What is evaluated once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum CellKey {
    /// `local.NAME`.
    Local(Arc<str>),
    /// An attribute of a block: its address and the attribute's name.
    Attribute(String, Arc<str>),
    /// The `for_each` of a block: its type and label.
    ForEach(&'static str, Arc<str>),
    /// `var.NAME` of a module.
    Variable(Arc<str>),
    /// An output of a module.
    Output(Arc<str>),
}

#[derive(Debug, Clone)]
enum Cell {
    Running,
    Known(Value),
    Failed,
}

impl<'a> Evaluator<'a> {
    /// An evaluator with no variables yet.
    #[must_use]
    pub fn new(library: &'a Library<'a>, files: &'a dyn StackFiles, now: Timestamp, limits: Limits) -> Self {
        let catalog = library.stack_catalog();
        let prefix = String::new();
        let stack = Rc::new(Module { path: None, qualifier: None, prefix, directory: STACK, catalog, call: None });
        Self {
            library,
            modules: RefCell::new(vec![stack.clone()]),
            stack,
            paths: RefCell::default(),
            told: RefCell::default(),
            files,
            now,
            budget: Budget::from_limits(limits),
            variables: BTreeMap::new(),
            findings: RefCell::default(),
            files_read: RefCell::default(),
            default_names_read: RefCell::default(),
            cells: RefCell::default(),
            running: RefCell::default(),
            instances: RefCell::default(),
            called: RefCell::default(),
            wholes: RefCell::default(),
            quiet: std::cell::Cell::new(0),
            patterns: Patterns::default(),
            in_template: std::cell::Cell::new(false),
        }
    }

    /// The value of an expression.
    pub fn evaluate_expr(&self, expr: &Expr, scope: &Scope<'_>) -> Evaluated<Value> {
        let result = match &expr.kind {
            ExprKind::Null => return Ok(Value::NULL),
            ExprKind::Bool(value) => return Ok(Value::new_bool(*value)),
            ExprKind::String(text) => return Ok(Data::String(text.clone()).into()),
            _ => self.budget.take_steps(|| scope.make_span(expr.place), 1).and_then(|()| {
                self.budget.run_nested(|| scope.make_span(expr.place), || self.compute_expr(expr, scope))
            }),
        };
        match result {
            Err(Fault::Wrong { finding, noted: false }) if self.quiet.get() == 0 => {
                Err(self.note_references(expr, scope, finding))
            }
            other => other,
        }
    }

    fn compute_expr(&self, expr: &Expr, scope: &Scope<'_>) -> Evaluated<Value> {
        match &expr.kind {
            ExprKind::Null | ExprKind::Bool(_) | ExprKind::String(_) => self.evaluate_expr(expr, scope),
            ExprKind::Number(written) => match written.parse::<Number>() {
                Ok(number) => Ok(Value::new_number(number)),
                Err(problem) => Err(self.explain_number(problem, expr, scope)),
            },
            ExprKind::Template(parts) => self.evaluate_template(parts, expr.place, scope),
            ExprKind::Tuple(items) => {
                let elements =
                    items.iter().map(|item| self.evaluate_expr(item, scope)).collect::<Evaluated<Vec<_>>>()?;
                self.charge_result(Value::new_tuple(elements), expr.place, scope)
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

    /// Adds the values of the references in `expr` to a finding: the smallest expression around a fault does it.
    fn note_references(&self, expr: &Expr, scope: &Scope<'_>, finding: Box<Diagnostic>) -> Fault {
        let mut notes = Vec::new();
        reference::visit_references(expr, &mut |base, steps| {
            if let Some((name, value)) = self.find_known_value(base, steps, scope)
                && !notes.iter().any(|(known, _)| *known == name)
                && notes.len() < 6
            {
                notes.push((name, render_value(&value)));
            }
        });
        let mut finding = finding;
        finding.values = notes.into_iter().map(|(name, value)| (name, format!("is {value}"))).collect();
        Fault::Wrong { finding, noted: true }
    }

    /// The value of a condition, and whether it is sensitive.
    pub fn evaluate_condition(&self, expr: &Expr, scope: &Scope<'_>) -> Evaluated<(bool, bool)> {
        let value = self.evaluate_expr(expr, scope)?;
        match super::value::convert::convert_value(&value, &super::value::Type::Bool) {
            Ok(Value { data: Data::Bool(flag), sensitive, .. }) => Ok((flag, sensitive)),
            _ => Err(Fault::new(
                scope.make_span(expr.place),
                "config::type",
                "a condition must be true or false",
                format!("this is {}", describe_value(&value)),
            )),
        }
    }

    /// Takes the room of a value that an expression made.
    fn charge_result(&self, value: Value, place: Place, scope: &Scope<'_>) -> Evaluated<Value> {
        match self.budget.charge_value(&value) {
            Ok(()) => Ok(value),
            Err(large) => Err(explain_too_large(large, scope.make_span(place))),
        }
    }

    fn explain_number(&self, problem: InvalidNumber, expr: &Expr, scope: &Scope<'_>) -> Fault {
        Fault::new(scope.make_span(expr.place), "config::number", problem.to_string(), "here")
    }
}

/// A fault for a value that would be too large. `try` does not help.
pub fn explain_too_large(large: budget::TooLarge, span: Span) -> Fault {
    Fault::Exhausted(Box::new(
        Diagnostic::error("config::budget", large.to_string())
            .with_location(span, "stopped here")
            .with_help("a stack's values are small; build large ones outside of it"),
    ))
}

/// `a string, "x"`: the form and the value, for labels.
#[must_use]
pub fn describe_value(value: &Value) -> String {
    if value.is_null() { "null".to_owned() } else { format!("{}: {}", value.describe_form(), render_value(value)) }
}
