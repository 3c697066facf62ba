//! Resolves references: `var.x`, `local.x`, `module.a.x`, `team.web`. Input: a base expression and its steps. Output: the value of the
//! reference; `steps` applies the remaining steps. Locals, arguments, outputs and attributes are evaluated on first use, each once.

use std::sync::Arc;

use super::{CellKey, EvalCell, EvalError, EvalScope, Evaluated, Evaluator, ModuleId};
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::source::FileSpan;
use crate::hcl::suggest::{find_nearest, join_names};
use crate::hcl::syntax::{ByteRange, Expr, ExprKind, TraversalStep, TraversalStepKind};
use crate::hcl::value::{BlockNaming, BlockRef, BlockType, BlockVisibility, ConfigValue, ValueData, show::quote_text};

/// The names that a reference to a part of the language itself begins with. The model's types of blocks add theirs.
const LANGUAGE_ROOTS: [&str; 3] = ["var", "local", "module"];

impl Evaluator<'_> {
    pub(super) fn evaluate_traversal(
        &self,
        base: &Expr,
        steps: &[TraversalStep],
        scope: &EvalScope<'_>,
    ) -> Evaluated<ConfigValue> {
        let (value, rest) = match &base.kind {
            ExprKind::Variable(name) => match scope.get(name) {
                Some(value) => (value.clone(), steps),
                None => self.resolve_root(name, base.place, steps, scope)?,
            },
            _ => (self.evaluate_expr(base, scope)?, steps),
        };
        self.walk_steps(value, rest, scope)
    }

    /// The names that a reference can begin with.
    fn root_names(&self) -> impl Iterator<Item = &'static str> + Clone {
        LANGUAGE_ROOTS.into_iter().chain(self.visible_types().map(|of| of.word))
    }

    /// Resolves the first name of a reference and the steps that belong to it. Returns the value and the remaining steps.
    fn resolve_root<'s>(
        &self,
        name: &str,
        place: ByteRange,
        steps: &'s [TraversalStep],
        scope: &EvalScope<'_>,
    ) -> Evaluated<(ConfigValue, &'s [TraversalStep])> {
        if !scope.sees_blocks || !self.root_names().any(|root| root == name) {
            return Err(self.explain_unknown_word(name, place, steps, scope));
        }
        let Some((TraversalStep { kind: TraversalStepKind::Name(label), place: at }, rest)) = steps.split_first()
        else {
            return Err(EvalError::new(
                scope.make_span(place),
                "config::undefined_reference",
                format!("`{name}` alone is not a value"),
                "incomplete reference",
            )
            .with_help(format!("write {name}.NAME")));
        };
        let whole = ByteRange { start: place.start, end: at.end };
        match name {
            "var" => Ok((self.evaluate_variable(label, whole, scope)?, rest)),
            "local" => Ok((self.evaluate_local(label, whole, scope)?, rest)),
            "module" => self.resolve_module_reference(label, whole, rest, scope),
            _ => match self.find_visible_type(name) {
                Some(of) => self.resolve_block(of, label, whole, rest, scope),
                None => Err(EvalError::AlreadyReported),
            },
        }
    }

    /// Resolves a reference to a block, such as `team.web`. The name of a type with aliases may have two parts, as in `cloud.a.b`.
    fn resolve_block<'s>(
        &self,
        of: &'static BlockType,
        label: &Arc<str>,
        place: ByteRange,
        rest: &'s [TraversalStep],
        scope: &EvalScope<'_>,
    ) -> Evaluated<(ConfigValue, &'s [TraversalStep])> {
        let (name, place, rest) = match rest {
            [TraversalStep { kind: TraversalStepKind::Name(alias), place: at }, rest @ ..]
                if of.naming == BlockNaming::Alias =>
            {
                (format!("{label}.{alias}").into(), ByteRange { start: place.start, end: at.end }, rest)
            }
            _ => (label.clone(), place, rest),
        };
        let everywhere = of.visibility == BlockVisibility::Everywhere;
        let module = self.module(if everywhere { ModuleId::ROOT } else { scope.module });
        let blocks = module.catalog.named_blocks(of);
        if blocks.contains_key(&*name) {
            let block = BlockRef { module: module.path.clone(), of, label: name, key: None };
            return Ok((ValueData::Block(block).into(), rest));
        }
        if module.catalog.is_broken(of.word, label) {
            return Err(EvalError::AlreadyReported);
        }
        Err(self.explain_undefined(of.word, &name, place, blocks.keys().map(|name| &**name), of.word, scope))
    }

    fn explain_unknown_word(
        &self,
        name: &str,
        place: ByteRange,
        steps: &[TraversalStep],
        scope: &EvalScope<'_>,
    ) -> EvalError {
        let span = scope.make_span(place);
        let code = "config::undefined_reference";
        if !scope.sees_blocks && self.root_names().any(|root| root == name) {
            return EvalError::new(span, code, format!("`{name}` cannot be used here"), "not available here")
                .with_help("only literal values and functions are allowed here");
        }
        match name {
            "each" => {
                return EvalError::new(
                    span,
                    code,
                    "`each` is only available in a block with `for_each`",
                    "not available here",
                )
                .with_help("add for_each to the block, or write the value");
            }
            "count" => {
                return EvalError::new(
                    span,
                    code,
                    "`count` is only available in a block with `count`",
                    "not available here",
                );
            }
            "path" | "terraform" | "self" | "data" => {
                return EvalError::new(span, code, format!("there is no `{name}` in this language"), "unknown name")
                    .with_help("paths given to file() are relative to the stack's directory");
            }
            _ => {}
        }
        let fault = EvalError::new(span, code, format!("`{name}` is not defined"), "unknown name");
        // A word without steps is not a misspelt root, because every root needs a step after it.
        let roots = (!steps.is_empty()).then(|| self.root_names());
        let known = scope.bound_names().into_iter().chain(roots.into_iter().flatten().map(|root| -> &str { root }));
        if let Some(near) = find_nearest(name, known, Some(&self.budget)) {
            return fault.with_help(format!("did you mean `{near}`?"));
        }
        if steps.is_empty() {
            return fault.with_help(format!("for text, use quotes: {}", quote_text(name)));
        }
        fault.with_help(format!("references start with {}", join_names(self.root_names())))
    }

    pub(super) fn explain_undefined<'n>(
        &self,
        root: &str,
        label: &str,
        place: ByteRange,
        names: impl Iterator<Item = &'n str> + Clone,
        what: &str,
        scope: &EvalScope<'_>,
    ) -> EvalError {
        let summary = format!("{root}.{label} is not declared");
        let fault = EvalError::new(scope.make_span(place), "config::undefined_reference", summary, "not declared");
        if self.is_quiet() {
            return fault;
        }
        match find_nearest(label, names.clone(), Some(&self.budget)) {
            Some(near) => fault.with_help(format!("did you mean {root}.{near}?")),
            None if scope.module != ModuleId::ROOT && self.is_declared_in_stack(root, label) => fault.with_help(format!(
                "a module can only use its own blocks: pass {root}.{label} to it through a variable, as in {what} = var.{what}"
            )),
            None if names.clone().next().is_none() => {
                let working_directory = if scope.module == ModuleId::ROOT { "stack" } else { "module" };
                fault.with_help(format!("this {working_directory} declares no {what}"))
            }
            None => fault.with_help(format!("valid names are {}", join_names(names))),
        }
    }

    /// Whether the root module declares a block of this type and label.
    fn is_declared_in_stack(&self, root: &str, label: &str) -> bool {
        self.find_visible_type(root).is_some_and(|of| self.catalog(ModuleId::ROOT).named_blocks(of).contains_key(label))
    }

    fn evaluate_variable(&self, label: &Arc<str>, place: ByteRange, scope: &EvalScope<'_>) -> Evaluated<ConfigValue> {
        let catalog = self.catalog(scope.module);
        if !catalog.variables.contains_key(&**label) {
            if catalog.is_broken("variable", label) {
                return Err(EvalError::AlreadyReported);
            }
            return Err(self.explain_undefined(
                "var",
                label,
                place,
                catalog.variables.keys().map(|name| &**name),
                "variable",
                scope,
            ));
        }
        if scope.module == ModuleId::ROOT {
            return self.variables.get(&**label).cloned().flatten().ok_or(EvalError::AlreadyReported);
        }
        self.evaluate_module_argument(scope.module, label, scope.make_span(place))
    }

    fn evaluate_local(&self, label: &Arc<str>, place: ByteRange, scope: &EvalScope<'_>) -> Evaluated<ConfigValue> {
        let catalog = self.catalog(scope.module);
        let Some((file, attribute)) = catalog.locals.get(&**label) else {
            if catalog.is_broken("locals", "") {
                return Err(EvalError::AlreadyReported);
            }
            return Err(self.explain_undefined("local", label, place, catalog.locals.keys().copied(), "local", scope));
        };
        self.evaluate_once(scope.module, CellKey::Local(label.clone()), scope.make_span(place), || {
            self.evaluate_expr(&attribute.value, &EvalScope::for_file(scope.module, *file))
        })
    }

    /// Evaluates a local so that its errors are reported, even if nothing refers to it.
    pub fn check_local(&self, module: ModuleId, name: &str, asked: FileSpan) {
        if let Some((file, attribute)) = self.catalog(module).locals.get(name) {
            let scope = EvalScope::for_file(module, *file);
            // `evaluate_once` reports the error.
            let _ = self.evaluate_once(module, CellKey::Local(Arc::from(name)), asked, || {
                self.evaluate_expr(&attribute.value, &scope)
            });
        }
    }

    /// Evaluates something on first use and keeps the value. An error is reported here, once; the caller gets [`EvalError::AlreadyReported`].
    pub(super) fn evaluate_once(
        &self,
        module: ModuleId,
        key: CellKey,
        asked: FileSpan,
        compute: impl FnOnce() -> Evaluated<ConfigValue>,
    ) -> Evaluated<ConfigValue> {
        let at = (module, key);
        let cell = self.cells.borrow().get(&at).cloned();
        match cell {
            Some(EvalCell::Known(value)) => return Ok(value),
            Some(EvalCell::Failed) => return Err(EvalError::AlreadyReported),
            Some(EvalCell::Running) => return Err(self.explain_cycle(at.0, &at.1, asked)),
            None => {}
        }
        self.cells.borrow_mut().insert(at.clone(), EvalCell::Running);
        self.running.borrow_mut().push((at.0, at.1.clone(), asked));
        let quiet = self.quiet.replace(0);
        let result = compute();
        self.quiet.set(quiet);
        self.running.borrow_mut().pop();
        let (cell, result) = match result {
            Ok(value) => (EvalCell::Known(value.clone()), Ok(value)),
            Err(fault) => {
                self.report_error(module, fault);
                (EvalCell::Failed, Err(EvalError::AlreadyReported))
            }
        };
        self.cells.borrow_mut().insert(at, cell);
        result
    }

    /// Adds the diagnostic of an error in a module to the findings, unless it is already reported.
    pub fn report_error(&self, module: ModuleId, fault: EvalError) {
        let finding = match fault {
            EvalError::AlreadyReported => return,
            EvalError::Invalid { finding, .. } | EvalError::Exhausted(finding) => *finding,
        };
        // Once a budget is spent, everything evaluated later fails for the same reason. One diagnostic is enough.
        if finding.code == "config::budget" && !self.exhausted.borrow_mut().insert(finding.summary.clone()) {
            return;
        }
        self.add_finding(module, finding);
    }

    fn explain_cycle(&self, module: ModuleId, key: &CellKey, asked: FileSpan) -> EvalError {
        let running = self.running.borrow();
        let from = running.iter().position(|(at, each, _)| *at == module && each == key).unwrap_or(0);
        let path: Vec<(String, &FileSpan)> =
            running.iter().skip(from).map(|(at, each, span)| (self.describe_cell(*at, each), span)).collect();
        let key = self.describe_cell(module, key);
        let mut names: Vec<&str> = path.iter().map(|(each, _)| each.as_str()).collect();
        names.push(&key);
        let mut places: Vec<(FileSpan, String)> = vec![(asked, format!("needs {key}"))];
        places.extend(path.iter().skip(1).map(|(each, span)| ((*span).clone(), format!("needs {each}"))));
        // In a cycle through modules, the most useful primary location is a call.
        let outputs = running.iter().skip(from + 1).map(|(_, each, _)| matches!(each, CellKey::Output(_)));
        if let Some(call) = outputs.enumerate().find(|(_, is)| *is).map(|(index, _)| index) {
            places.rotate_left(call + 1);
        }
        let mut finding = Diagnostic::error("config::cycle", format!("{key} depends on itself"))
            .with_detail(names.join(" → "))
            .with_help("remove one of these references");
        for (index, (span, label)) in places.into_iter().enumerate() {
            finding = if index == 0 { finding.with_location(span, label) } else { finding.with_related(span, label) };
        }
        EvalError::Invalid { finding: Box::new(finding), noted: true }
    }

    fn describe_cell(&self, module: ModuleId, key: &CellKey) -> String {
        let path = self.module(module).path.as_ref().map_or_else(String::new, |path| format!("{path}."));
        match key {
            CellKey::Local(name) => format!("{path}local.{name}"),
            CellKey::Variable(name) => format!("{path}var.{name}"),
            CellKey::Output(name) => format!("{path}{name}"),
            CellKey::ForEach(keyword, label) => format!("{path}{keyword}.{label} (for_each)"),
            // The address of the block already contains the module.
            CellKey::Attribute(block, name) => format!("{block}.{name}"),
        }
    }
}
