//! Creates the instances of modules and evaluates their outputs. Input: `module` blocks. Output: one [`ModuleInstance`] for each key of
//! each call, and values for references such as `module.a["k"].x`.
//!
//! An instance is created on first use, and its outputs are evaluated on first use. The invariant: a call cannot lead back to a module
//! that contains it, so the number of instances is finite; a limit bounds it further.

use std::rc::Rc;
use std::sync::Arc;

use super::instances::BlockInstances;
use super::scope::ModuleId;
use super::{CalledModule, CellKey, EvalError, EvalScope, Evaluated, Evaluator};
use crate::hcl::catalog::BlockCatalog;
use crate::hcl::diagnostic::{Diagnostic, add_bounded_finding};
use crate::hcl::files::ROOT_DIRECTORY;
use crate::hcl::source::FileSpan;
use crate::hcl::suggest::{find_nearest, join_names};
use crate::hcl::syntax::{Block, ByteRange, TraversalStep, TraversalStepKind};
use crate::hcl::value::convert::to_text;
use crate::hcl::value::{
    BlockType, BlockVisibility, ConfigValue, Entries, InstanceKey, render_address, show::quote_text,
};

/// One instance of a module, or the root module.
#[derive(Debug)]
pub struct ModuleInstance<'a> {
    /// Its address, such as `module.a["k"].module.b`. `None`: the root module.
    pub path: Option<Arc<str>>,
    /// Its directory, relative to that of the root module.
    pub directory: &'a str,
    /// Its blocks.
    pub catalog: &'a BlockCatalog<'a>,
    /// The call that created it. `None`: the root module.
    pub call: Option<ModuleCall<'a>>,
}

/// One instance of a `module` block.
#[derive(Debug)]
pub struct ModuleCall<'a> {
    /// The module that contains the block.
    pub from: ModuleId,
    /// The block.
    pub block: &'a Block,
    /// The key of the instance. `None`: the block has neither `for_each` nor `count`.
    pub key: Option<InstanceKey>,
    /// The bindings for its arguments: `each` or `count`. Empty if the block has neither.
    pub bindings: Vec<(Arc<str>, ConfigValue)>,
}

/// The instances of one `module` block, sorted by key. The key is `None` if the block has neither `for_each` nor `count`.
pub type ModuleInstances = Vec<(Option<InstanceKey>, ModuleId)>;

impl<'a> Evaluator<'a> {
    /// The module with this id; the root module if there is none.
    pub fn module(&self, id: ModuleId) -> Rc<ModuleInstance<'a>> {
        let modules = self.modules.borrow();
        usize::try_from(id.0).ok().and_then(|index| modules.get(index)).unwrap_or(&self.root).clone()
    }

    /// The blocks of a module.
    pub fn catalog(&self, id: ModuleId) -> &'a BlockCatalog<'a> {
        self.module(id).catalog
    }

    /// The names that an expression in the module can write after the word of the type.
    pub fn list_names(&self, id: ModuleId, of: &BlockType) -> impl Iterator<Item = &'a str> + Clone {
        let id = if of.visibility == BlockVisibility::Everywhere { ModuleId::ROOT } else { id };
        self.catalog(id).named_blocks(of).keys().map(|name| &**name)
    }

    /// The module that a `module` block calls.
    ///
    /// # Errors
    ///
    /// What is wrong with the call. `None`: it is already reported.
    pub fn find_called_module(&self, from: ModuleId, call: &Block) -> CalledModule<'a> {
        self.model.find_called_module(self.module(from).directory, call)
    }

    /// The module with this address. `None` is the root module, which is also the result for an unknown address.
    pub fn find_module(&self, path: Option<&Arc<str>>) -> ModuleId {
        path.and_then(|path| self.paths.borrow().get(path).copied()).unwrap_or(ModuleId::ROOT)
    }

    /// Adds to a diagnostic the calls that lead to the module, innermost first.
    pub fn relate_calls(&self, module: ModuleId, mut finding: Diagnostic) -> Diagnostic {
        let mut at = self.module(module);
        while let (Some(call), Some(path)) = (&at.call, &at.path) {
            finding = finding.with_related(call.block.span(), format!("{path} is called here"));
            let outer = self.module(call.from);
            at = outer;
        }
        finding
    }

    /// The calls that lead to a module, innermost first, each with its range and a label.
    pub fn list_calls(&self, module: ModuleId) -> Vec<(FileSpan, String)> {
        let mut calls = Vec::new();
        let mut at = self.module(module);
        while let (Some(call), Some(path)) = (&at.call, &at.path) {
            calls.push((call.block.span(), format!("{path} is called here")));
            let outer = self.module(call.from);
            at = outer;
        }
        calls
    }

    /// Adds a diagnostic about a module. The same error in several instances of a module is added once.
    pub fn add_finding(&self, module: ModuleId, finding: Diagnostic) {
        let finding = if module == ModuleId::ROOT {
            finding
        } else {
            let place = finding.location.as_ref().map(|at| (at.span.file, at.span.bytes.start, at.span.bytes.end));
            if !self.reported.borrow_mut().insert((finding.code, place)) {
                return;
            }
            self.relate_calls(module, finding)
        };
        add_bounded_finding(&mut self.findings.borrow_mut(), finding);
    }

    /// The instances of a `module` block. `None`: they cannot be determined, and the error is already reported.
    pub fn instantiate_block(&self, from: ModuleId, block: &'a Block, asked: FileSpan) -> Option<Rc<ModuleInstances>> {
        let at = (from, block.labels.first()?.text.clone());
        if let Some(known) = self.called.borrow().get(&at) {
            return Some(Rc::clone(known));
        }
        let instances = self.evaluate_instances(from, block, asked)?;
        let called: Option<ModuleInstances> = match &*instances {
            BlockInstances::One => Some(vec![(None, self.instantiate_module(from, block, None, Vec::new())?)]),
            BlockInstances::Keyed(keyed) => keyed
                .iter()
                .map(|(key, bound)| {
                    Some((Some(key.clone()), self.instantiate_module(from, block, Some(key), vec![bound.clone()])?))
                })
                .collect(),
        };
        let called = Rc::new(called?);
        self.called.borrow_mut().insert(at, Rc::clone(&called));
        Some(called)
    }

    /// Creates an instance of a module, or returns the existing one. `None`: it cannot be created, and the error is already reported.
    fn instantiate_module(
        &self,
        from: ModuleId,
        block: &'a Block,
        key: Option<&InstanceKey>,
        bindings: Vec<(Arc<str>, ConfigValue)>,
    ) -> Option<ModuleId> {
        let label = block.labels.first()?.text.clone();
        let outer = self.module(from);
        let path: Arc<str> = render_address(outer.path.as_deref(), "module", &label, key).into();
        if let Some(known) = self.paths.borrow().get(&path) {
            return Some(*known);
        }
        let (directory, catalog) = match self.model.find_called_module(outer.directory, block) {
            Ok(found) => found,
            Err(finding) => {
                // All instances of one call refer to the same module, so its error is reported once.
                if let Some(finding) = finding.filter(|finding| !self.findings.borrow().contains(finding)) {
                    self.add_finding(from, *finding);
                }
                return None;
            }
        };
        if let Some(finding) = self.find_call_cycle(from, block, directory) {
            if !self.findings.borrow().contains(&finding) {
                self.add_finding(from, finding);
            }
            return None;
        }
        let mut modules = self.modules.borrow_mut();
        if modules.len() >= self.budget.limits.modules {
            drop(modules);
            self.report_error(
                from,
                EvalError::Exhausted(Box::new(explain_too_many(block, self.budget.limits.modules))),
            );
            return None;
        }
        let id = ModuleId(u32::try_from(modules.len()).ok()?);
        let call = Some(ModuleCall { from, block, key: key.cloned(), bindings });
        self.paths.borrow_mut().insert(path.clone(), id);
        modules.push(Rc::new(ModuleInstance { path: Some(path), directory, catalog, call }));
        Some(id)
    }

    /// The diagnostic for a call that leads back to a module that contains it. `None`: there is no cycle.
    fn find_call_cycle(&self, from: ModuleId, block: &Block, directory: &str) -> Option<Diagnostic> {
        let mut names = vec![describe_directory(directory)];
        let mut places = Vec::new();
        let mut at = self.module(from);
        loop {
            names.push(describe_directory(at.directory));
            if at.directory == directory {
                break;
            }
            let call = at.call.as_ref()?;
            places.push(call.block.span());
            let outer = self.module(call.from);
            at = outer;
        }
        names.reverse();
        let summary = match directory {
            ROOT_DIRECTORY => "the stack cannot call itself as a module".to_owned(),
            _ => format!("the module {} cannot call itself", describe_directory(directory)),
        };
        let finding = Diagnostic::error("config::module_cycle", summary)
            .with_location(block.span(), "leads back to it")
            .with_detail(names.join(" → "))
            .with_help("remove this call");
        Some(places.into_iter().fold(finding, |finding, place| finding.with_related(place, "through this call")))
    }

    /// Resolves `module.a.x`, `module.a["k"].x` and `module.a` as a whole. Returns the value and the remaining steps.
    pub(super) fn resolve_module_reference<'s>(
        &self,
        label: &Arc<str>,
        whole: ByteRange,
        rest: &'s [TraversalStep],
        scope: &EvalScope<'_>,
    ) -> Evaluated<(ConfigValue, &'s [TraversalStep])> {
        let catalog = self.catalog(scope.module);
        let Some(block) = catalog.modules.get(&**label).copied() else {
            if catalog.is_broken("module", label) {
                return Err(EvalError::AlreadyReported);
            }
            return Err(self.explain_undefined(
                "module",
                label,
                whole,
                catalog.modules.keys().map(|name| &**name),
                "module",
                scope,
            ));
        };
        let span = scope.make_span(whole);
        let called = self.instantiate_block(scope.module, block, span.clone()).ok_or(EvalError::AlreadyReported)?;
        match (called.as_slice(), rest) {
            ([(None, id)], [TraversalStep { kind: TraversalStepKind::Name(name), place }, rest @ ..]) => {
                Ok((self.evaluate_output(*id, name, scope.make_span(*place))?, rest))
            }
            ([(None, _)], _) => Ok((self.evaluate_module_value(block, label, &called, whole, scope)?, rest)),
            (
                keyed,
                [
                    TraversalStep { kind: TraversalStepKind::Index(index), place },
                    TraversalStep { kind: TraversalStepKind::Name(name), place: at },
                    rest @ ..,
                ],
            ) => {
                let id = self.select_module_instance(label, keyed, index, scope.make_span(*place), scope)?;
                Ok((self.evaluate_output(id, name, scope.make_span(*at))?, rest))
            }
            (_, [TraversalStep { kind: TraversalStepKind::Name(name), place }, ..]) => {
                let summary = format!("module.{label} has several instances");
                Err(EvalError::new(scope.make_span(*place), "config::undefined_reference", summary, "missing instance key")
                    .with_help(format!("add the key: module.{label}[\"key\"].{name}, or use all instances: [for m in module.{label} : m.{name}]")))
            }
            _ => Ok((self.evaluate_module_value(block, label, &called, whole, scope)?, rest)),
        }
    }

    /// The outputs of all instances of a module. The value is built once and then reused.
    fn evaluate_module_value(
        &self,
        block: &Block,
        label: &Arc<str>,
        called: &ModuleInstances,
        whole: ByteRange,
        scope: &EvalScope<'_>,
    ) -> Evaluated<ConfigValue> {
        let at = (scope.module, label.clone());
        if let Some(known) = self.wholes.borrow().get(&at) {
            return Ok(known.clone());
        }
        let span = scope.make_span(whole);
        let mut entries = Entries::new();
        let mut elements = Vec::new();
        let mut alone = None;
        for (key, id) in called {
            let outputs = self.evaluate_outputs(*id, &span)?;
            match key {
                None => alone = Some(outputs),
                Some(InstanceKey::Name(name)) => drop(entries.insert(name.clone(), outputs)),
                Some(InstanceKey::Index(_)) => elements.push(outputs),
            }
        }
        let counted = block.body.find_attribute("count").is_some();
        let value = match alone {
            Some(outputs) => outputs,
            None if counted => ConfigValue::new_tuple(elements),
            None => ConfigValue::new_object(entries),
        };
        let value = self.charge_result(value, whole, scope)?;
        self.wholes.borrow_mut().insert(at, value.clone());
        Ok(value)
    }

    fn select_module_instance(
        &self,
        label: &str,
        keyed: &[(Option<InstanceKey>, ModuleId)],
        index: &crate::hcl::syntax::Expr,
        span: FileSpan,
        scope: &EvalScope<'_>,
    ) -> Evaluated<ModuleId> {
        let key = self.evaluate_expr(index, scope)?;
        let Some(text) = to_text(&key).filter(|_| !key.sensitive) else {
            let label = format!("this is {}", super::describe_value(&key));
            return Err(EvalError::new(
                span,
                "config::type",
                "the key of an instance must be a string or a number",
                label,
            ));
        };
        // The instances are sorted by key.
        let of = |key: InstanceKey| keyed.binary_search_by(|(at, _)| at.as_ref().cmp(&Some(&key))).ok();
        let at = of(InstanceKey::Name(text.clone())).or_else(|| of(InstanceKey::Index(text.parse().ok()?)));
        if let Some((_, id)) = at.and_then(|at| keyed.get(at)) {
            return Ok(*id);
        }
        let names = || keyed.iter().filter_map(|(key, _)| Some(key.as_ref()?.key_text()));
        let summary = format!("module.{label}[{}] is not declared", quote_text(&text));
        let fault = EvalError::new(span, "config::undefined_reference", summary, "no such key");
        Err(match find_nearest(&text, names(), Some(&self.budget)) {
            Some(near) => fault.with_help(format!("did you mean module.{label}[{}]?", quote_text(&near))),
            None if names().next().is_none() => fault.with_help("it has no instances"),
            None => fault.with_help(format!("valid keys are {}", join_names(names()))),
        })
    }

    /// All outputs of a module, as an object.
    fn evaluate_outputs(&self, id: ModuleId, asked: &FileSpan) -> Evaluated<ConfigValue> {
        let names = self.catalog(id).outputs.keys();
        let each = names.map(|name| Ok((name.clone(), self.evaluate_output(id, name, asked.clone())?)));
        Ok(ConfigValue::new_object(each.collect::<Evaluated<Entries>>()?))
    }

    /// The value of one output of a module.
    ///
    /// # Errors
    ///
    /// Returns an error if the module has no such output, or [`EvalError::AlreadyReported`] if its error is already reported.
    pub fn evaluate_output(&self, id: ModuleId, name: &str, asked: FileSpan) -> Evaluated<ConfigValue> {
        let module = self.module(id);
        let Some(block) = module.catalog.outputs.get(name) else {
            if module.catalog.is_broken("output", name) {
                return Err(EvalError::AlreadyReported);
            }
            let path = module.path.as_deref().unwrap_or_default();
            let fault = EvalError::new(
                asked,
                "config::no_attribute",
                format!("{path} has no output `{name}`"),
                "unknown output",
            );
            let names = || module.catalog.outputs.keys().map(|name| &**name);
            return Err(match find_nearest(name, names(), Some(&self.budget)) {
                Some(near) => fault.with_help(format!("did you mean `{near}`?")),
                None if self.find_visible_type(name).is_some() => fault.with_help(
                    "objects in a module can only be read through outputs: add output \"x\" { value = … } to the module",
                ),
                None if names().next().is_none() => fault.with_help("the module has no `output` block"),
                None => fault.with_help(format!("its outputs are {}", join_names(names()))),
            });
        };
        let Some(value) = block.body.find_attribute("value") else { return Err(EvalError::AlreadyReported) };
        self.evaluate_once(id, CellKey::Output(Arc::from(name)), asked, || {
            let scope = EvalScope::for_file(id, block.file);
            let sensitive = self.evaluate_flag(block, "sensitive", false, &scope)?;
            Ok(self.evaluate_expr(&value.value, &scope)?.with_mark(sensitive))
        })
    }
}

fn describe_directory(directory: &str) -> String {
    match directory {
        ROOT_DIRECTORY => "the stack's directory".to_owned(),
        _ if directory.starts_with("..") => directory.to_owned(),
        _ => format!("./{directory}"),
    }
}

fn explain_too_many(block: &Block, most: usize) -> Diagnostic {
    Diagnostic::error("config::budget", format!("more than {most} instances of modules in one stack"))
        .with_location(block.span(), "stopped here")
        .with_help("use for_each on the blocks in the module instead")
}
