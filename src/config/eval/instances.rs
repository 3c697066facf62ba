//! Evaluates `for_each` and `count`, and references to instances and attributes of blocks. Input: a block of the catalog. Output: its
//! instances by key, or the value of an attribute.
//!
//! Example: `identity "agent"` with `for_each = toset(["a", "b"])` has the instances `identity.agent["a"]` and `identity.agent["b"]`,
//! whose default names are `agent-a` and `agent-b`.

use std::collections::BTreeMap;
use std::sync::Arc;

use leasehold_provider::{Address, Key};

use super::scope::bind_each;
use super::suggest::{find_nearest, join_names};
use super::{CellKey, EvalError, EvalScope, Evaluated, Evaluator, ModuleId, describe_value};
use crate::config::schema;
use crate::config::source::FileSpan;
use crate::config::syntax::{Block, Expr};
use crate::config::value::convert::to_text;
use crate::config::value::{BlockRef, ConfigValue, Keyword, ValueData, show::quote_text};

/// The instances of a block.
#[derive(Debug)]
pub enum BlockInstances {
    /// The block has neither `for_each` nor `count`.
    One,
    /// One instance for each key.
    Keyed(KeyedInstances),
}

/// The instances by key, each with the binding of `each` or `count` for its expressions.
type KeyedInstances = BTreeMap<Key, (Arc<str>, ConfigValue)>;

impl Evaluator<'_> {
    /// The instances of an identity or module block. `None`: they cannot be determined, and the error is already reported.
    pub fn evaluate_instances(&self, module: ModuleId, block: &Block, asked: FileSpan) -> Option<Arc<BlockInstances>> {
        if block.body.find_attribute("for_each").is_none() && block.body.find_attribute("count").is_none() {
            return Some(Arc::new(BlockInstances::One));
        }
        let label = block.labels.first()?.text.clone();
        let keyword = schema::find_block_schema(&block.keyword.text)?.keyword;
        let at = (module, keyword, label.clone());
        if let Some(known) = self.instances.borrow().get(&at) {
            return known.clone();
        }
        let mut found = None;
        let outcome = self.evaluate_once(module, CellKey::ForEach(keyword, label), asked, || {
            found = Some(Arc::new(self.expand_instances(module, block)?));
            Ok(ConfigValue::NULL)
        });
        if let Err(fault) = outcome {
            self.report_error(module, fault);
            found = None;
        }
        self.instances.borrow_mut().insert(at, found.clone());
        found
    }

    fn expand_instances(&self, module: ModuleId, block: &Block) -> Evaluated<BlockInstances> {
        let scope = EvalScope::for_file(module, block.file);
        if let Some(attribute) = block.body.find_attribute("for_each") {
            return self.expand_for_each(&attribute.value, &scope).map(BlockInstances::Keyed);
        }
        if let Some(attribute) = block.body.find_attribute("count") {
            return self.expand_count(&attribute.value, &scope).map(BlockInstances::Keyed);
        }
        Ok(BlockInstances::One)
    }

    fn expand_for_each(&self, expr: &Expr, scope: &EvalScope<'_>) -> Evaluated<KeyedInstances> {
        let value = self.evaluate_expr(expr, scope)?;
        let span = scope.make_span(expr.place);
        if value.sensitive {
            return Err(EvalError::new(
                span,
                "config::sensitive",
                "for_each depends on a sensitive value",
                "sensitive",
            )
            .with_help("its keys would be readable in addresses; go through a collection that is not sensitive"));
        }
        let wrong = |label: String| {
            EvalError::new(span.clone(), "config::for_each", "for_each goes through a map or a set of strings", label)
        };
        let count = value.entries().map_or_else(|| value.elements().map_or(0, <[ConfigValue]>::len), BTreeMap::len);
        self.budget.take_instances(|| span.clone(), count)?;
        match &value.data {
            ValueData::Map(entries) | ValueData::Object(entries) => {
                Ok(entries.iter().map(|(key, value)| (Key::Name(key.clone()), bind_each(key, value))).collect())
            }
            ValueData::Set(elements) => {
                let key = |element: &ConfigValue| match &element.data {
                    ValueData::String(key) => Ok((Key::Name(key.clone()), bind_each(key, element))),
                    _ => Err(wrong(format!("this set holds {}", describe_value(element)))),
                };
                elements.iter().map(key).collect()
            }
            ValueData::List(_) | ValueData::Tuple(_) => {
                Err(wrong(format!("this is {}", describe_value(&value))).with_help("make a set of it: toset([…])"))
            }
            _ => Err(wrong(format!("this is {}", describe_value(&value)))),
        }
    }

    fn expand_count(&self, expr: &Expr, scope: &EvalScope<'_>) -> Evaluated<KeyedInstances> {
        let value = self.evaluate_expr(expr, scope)?;
        let span = scope.make_span(expr.place);
        let number = match (&value.data, value.sensitive) {
            (ValueData::Number(number), false) => {
                number.to_i64().and_then(|count| u64::try_from(count).ok()).filter(|count| *count <= 100_000)
            }
            _ => None,
        };
        let Some(count) = number else {
            let label = format!("this is {}", describe_value(&value));
            return Err(EvalError::new(span, "config::count", "count is a whole number from 0 to 100000", label));
        };
        self.budget.take_instances(|| span, usize::try_from(count).unwrap_or(usize::MAX))?;
        let instance = |index: u64| {
            let entries = [(Arc::from("index"), ConfigValue::new_number(index))].into();
            (Key::Index(index), (Arc::from("count"), ConfigValue::new_object(entries)))
        };
        Ok((0..count).map(instance).collect())
    }

    /// Resolves an index on a block, such as `identity.agent["triage"]`.
    pub(super) fn select_instance(
        &self,
        block: &BlockRef,
        key: &ConfigValue,
        span: FileSpan,
    ) -> Evaluated<ConfigValue> {
        let module = self.find_module(block.module.as_ref());
        let declared = self.catalog(module).blocks_by_label(block.keyword).get(&*block.label);
        let (Some(declared), None, Keyword::Identity) = (declared, &block.key, block.keyword) else {
            return Err(EvalError::new(span, "config::type", format!("{block} has no elements"), "no index here"));
        };
        let Some(name) = to_text(key).filter(|_| !key.sensitive) else {
            let label = format!("this is {}", describe_value(key));
            return Err(EvalError::new(span, "config::type", "the key of an instance is a string or a number", label));
        };
        let Some(instances) = self.evaluate_instances(module, declared, span.clone()) else {
            return Err(EvalError::Told);
        };
        match &*instances {
            BlockInstances::One => Err(EvalError::new(
                span,
                "config::undefined_reference",
                format!("{block} has one instance only"),
                "no key here",
            )
            .with_help(format!("write {block}"))),
            BlockInstances::Keyed(keyed) => {
                if let Some(key) = find_instance_key(keyed, &name) {
                    let block = BlockRef { key: Some(key), ..block.clone() };
                    return Ok(ValueData::Block(block).into());
                }
                let keys: Vec<String> = keyed.keys().map(Key::key_text).collect();
                let keys = || keys.iter().map(String::as_str);
                let summary = format!("{block}[{}] is not declared", quote_text(&name));
                let fault = EvalError::new(span, "config::undefined_reference", summary, "no such key");
                Err(match find_nearest(&name, keys(), Some(&self.budget)) {
                    Some(near) => fault.with_help(format!("did you mean {block}[{}]?", quote_text(near))),
                    None => fault.with_help(format!("its keys are {}", join_names(keys()))),
                })
            }
        }
    }

    /// Reads an attribute of a block, such as `owner.jane.email`.
    pub(super) fn read_block_attribute(&self, block: &BlockRef, name: &str, span: FileSpan) -> Evaluated<ConfigValue> {
        let module = self.find_module(block.module.as_ref());
        let declared = self.catalog(module).blocks_by_label(block.keyword).get(&*block.label);
        let Some(declared) = declared else {
            return Err(EvalError::new(
                span,
                "config::type",
                format!("nothing can be read from {block}"),
                "no attribute here",
            ));
        };
        let readable = schema::list_readable_attributes(block.keyword);
        if !readable.contains(&name) {
            let summary = format!("{} has no attribute `{name}`", block.keyword.as_str());
            let fault = EvalError::new(span, "config::no_attribute", summary, "not there");
            return Err(match find_nearest(name, readable.iter().copied(), Some(&self.budget)) {
                Some(near) => fault.with_help(format!("did you mean `{near}`?")),
                None => fault.with_help(format!("it has {}", join_names(readable.iter().copied()))),
            });
        }
        let mut bound = Vec::new();
        if block.keyword == Keyword::Identity {
            let Some(instances) = self.evaluate_instances(module, declared, span.clone()) else {
                return Err(EvalError::Told);
            };
            match (&*instances, &block.key) {
                (BlockInstances::One, _) => {}
                (BlockInstances::Keyed(keyed), Some(key)) => bound.extend(keyed.get(key).cloned()),
                (BlockInstances::Keyed(_), None) => {
                    let summary = format!("{block} has several instances");
                    return Err(EvalError::new(span, "config::undefined_reference", summary, "of which one?")
                        .with_help(format!("name its key: {block}[\"key\"].{name}")));
                }
            }
        }
        let Some(attribute) = declared.body.find_attribute(name) else {
            if name == "name" && block.keyword == Keyword::Identity {
                let path = self.module(module).path.clone();
                let address = Address::for_block(path.as_deref(), "identity", &block.label, block.key.as_ref());
                self.default_names_read.borrow_mut().insert(address);
                let prefix = &self.module(module).prefix;
                return Ok(ConfigValue::new_string(derive_default_name(prefix, &block.label, block.key.as_ref())));
            }
            let scope = EvalScope::for_file(module, declared.file);
            return self.read_template_attribute(declared, name, span, &scope.with_bindings(&bound));
        };
        self.evaluate_once(module, CellKey::Attribute(block.to_string(), Arc::from(name)), span, || {
            self.evaluate_expr(&attribute.value, &EvalScope::for_file(module, declared.file).with_bindings(&bound))
        })
    }
}

impl Evaluator<'_> {
    /// An attribute that the block does not set: that of its template, or null.
    fn read_template_attribute(
        &self,
        declared: &Block,
        name: &str,
        span: FileSpan,
        scope: &EvalScope<'_>,
    ) -> Evaluated<ConfigValue> {
        let Some(template) = declared.body.find_attribute("template") else { return Ok(ConfigValue::NULL) };
        match self.evaluate_expr(&template.value, scope)?.data {
            ValueData::Block(template) if template.keyword == Keyword::Template => {
                self.read_block_attribute(&template, name, span)
            }
            _ => Ok(ConfigValue::NULL),
        }
    }
}

/// The key that is written as `written`. A name takes precedence over an index. `None`: there is no such key.
fn find_instance_key(keyed: &KeyedInstances, written: &Arc<str>) -> Option<Key> {
    let index = written.parse().ok().map(Key::Index);
    [Some(Key::Name(written.clone())), index].into_iter().flatten().find(|key| keyed.contains_key(key))
}

/// The name in the cloud of a block that sets no `name`: `label` or `label-key`. In a module, `prefix` contains the label and key of
/// each enclosing module: `a-k-label`.
#[must_use]
pub fn derive_default_name(prefix: &str, label: &str, key: Option<&Key>) -> String {
    key.map_or_else(|| format!("{prefix}{label}"), |key| format!("{prefix}{label}-{}", key.key_text()))
}
