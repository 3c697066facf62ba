//! Evaluates `for_each` and `count`, and references to instances and attributes of blocks. Input: a block of the catalog. Output: its
//! instances by key, or the value of an attribute.
//!
//! Example: `team "web"` with `for_each = toset(["a", "b"])` has the instances `team.web["a"]` and `team.web["b"]`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::scope::bind_each;
use super::{AttributeRead, CellKey, EvalError, EvalScope, Evaluated, Evaluator, ModuleId, describe_value};
use crate::hcl::source::FileSpan;
use crate::hcl::suggest::{find_nearest, join_names};
use crate::hcl::syntax::{Block, Expr};
use crate::hcl::value::convert::to_text;
use crate::hcl::value::{BlockRef, ConfigValue, InstanceKey, ValueData, show::quote_text};
use crate::hidden_characters::find_hidden_char;

/// The longest key of an instance, in bytes. It is part of the address, which each reference to the instance writes.
const LONGEST_KEY: usize = 1_024;

/// The instances of a block.
#[derive(Debug)]
pub enum BlockInstances {
    /// The block has neither `for_each` nor `count`.
    One,
    /// One instance for each key.
    Keyed(KeyedInstances),
}

/// The instances by key, each with the binding of `each` or `count` for its expressions.
type KeyedInstances = BTreeMap<InstanceKey, (Arc<str>, ConfigValue)>;

impl Evaluator<'_> {
    /// The instances of a block. `None`: they cannot be determined, and the error is already reported.
    pub fn evaluate_instances(&self, module: ModuleId, block: &Block, asked: FileSpan) -> Option<Arc<BlockInstances>> {
        if block.body.find_attribute("for_each").is_none() && block.body.find_attribute("count").is_none() {
            return Some(Arc::new(BlockInstances::One));
        }
        let label = block.labels.first()?.text.clone();
        let keyword = block.keyword.text.clone();
        let at = (module, keyword.clone(), label.clone());
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
            .with_help("use a collection that is not sensitive: its keys would be visible in addresses"));
        }
        let wrong = |label: String| {
            EvalError::new(span.clone(), "config::for_each", "for_each must be a map or a set of strings", label)
        };
        let count = value.entries().map_or_else(|| value.elements().map_or(0, <[ConfigValue]>::len), BTreeMap::len);
        self.budget.take_instances(|| span.clone(), count)?;
        let instance = |key: &Arc<str>, value: &ConfigValue| match key.len() {
            _ if find_hidden_char(key).is_some() => Err(explain_hidden_key(key, span.clone())),
            0..=LONGEST_KEY => Ok((InstanceKey::Name(key.clone()), bind_each(key, value))),
            long => {
                let summary = format!("a key of for_each is longer than {LONGEST_KEY} bytes");
                Err(EvalError::new(span.clone(), "config::for_each", summary, format!("a key has {long} bytes"))
                    .with_help("use short keys: they are part of addresses"))
            }
        };
        match &value.data {
            ValueData::Map(entries) | ValueData::Object(entries) => {
                entries.iter().map(|(key, value)| instance(key, value)).collect()
            }
            ValueData::Set(elements) => {
                let key = |element: &ConfigValue| match &element.data {
                    ValueData::String(key) => instance(key, element),
                    _ => Err(wrong(format!("this set contains {}", describe_value(element)))),
                };
                elements.iter().map(key).collect()
            }
            ValueData::List(_) | ValueData::Tuple(_) => {
                Err(wrong(format!("this is {}", describe_value(&value))).with_help("convert it to a set: toset([…])"))
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
            return Err(EvalError::new(span, "config::count", "count must be a whole number from 0 to 100000", label));
        };
        self.budget.take_instances(|| span, usize::try_from(count).unwrap_or(usize::MAX))?;
        let instance = |index: u64| {
            let entries = [(Arc::from("index"), ConfigValue::new_number(index))].into();
            (InstanceKey::Index(index), (Arc::from("count"), ConfigValue::new_object(entries)))
        };
        Ok((0..count).map(instance).collect())
    }

    /// Resolves an index on a block, such as `team.web["a"]`.
    pub(super) fn select_instance(
        &self,
        block: &BlockRef,
        key: &ConfigValue,
        span: FileSpan,
    ) -> Evaluated<ConfigValue> {
        let module = self.find_module(block.module.as_ref());
        let declared = self.catalog(module).named_blocks(block.of).get(&*block.label);
        let (Some(declared), None, true) = (declared, &block.key, block.of.has_instances) else {
            return Err(EvalError::new(
                span,
                "config::type",
                format!("{block} has no elements"),
                "no index allowed here",
            ));
        };
        let Some(name) = to_text(key).filter(|_| !key.sensitive) else {
            let label = format!("this is {}", describe_value(key));
            return Err(EvalError::new(
                span,
                "config::type",
                "the key of an instance must be a string or a number",
                label,
            ));
        };
        let Some(instances) = self.evaluate_instances(module, declared, span.clone()) else {
            return Err(EvalError::AlreadyReported);
        };
        match &*instances {
            BlockInstances::One => Err(EvalError::new(
                span,
                "config::undefined_reference",
                format!("{block} has only one instance"),
                "no key allowed here",
            )
            .with_help(format!("write {block}"))),
            BlockInstances::Keyed(keyed) => {
                if let Some(key) = find_instance_key(keyed, &name) {
                    let block = BlockRef { key: Some(key), ..block.clone() };
                    return Ok(ValueData::Block(block).into());
                }
                let keys = || keyed.keys().map(InstanceKey::key_text);
                let summary = format!("{block}[{}] is not declared", quote_text(&name));
                let fault = EvalError::new(span, "config::undefined_reference", summary, "no such key");
                if self.is_quiet() {
                    return Err(fault);
                }
                Err(match find_nearest(&name, keys(), Some(&self.budget)) {
                    Some(near) => fault.with_help(format!("did you mean {block}[{}]?", quote_text(&near))),
                    None => fault.with_help(format!("valid keys are {}", join_names(keys()))),
                })
            }
        }
    }

    /// Reads an attribute of a block, such as `team.web.email`.
    ///
    /// # Errors
    ///
    /// Returns an error if the attribute cannot be read, or its expression fails.
    pub fn read_block_attribute(&self, block: &BlockRef, name: &str, span: FileSpan) -> Evaluated<ConfigValue> {
        let module = self.find_module(block.module.as_ref());
        let declared = self.catalog(module).named_blocks(block.of).get(&*block.label);
        let Some(declared) = declared.filter(|_| !block.of.readable.is_empty()) else {
            return Err(EvalError::new(
                span,
                "config::type",
                format!("{block} has no readable attributes"),
                "no attribute allowed here",
            ));
        };
        let readable = block.of.readable;
        if !readable.contains(&name) {
            let summary = format!("{} has no attribute `{name}`", block.of.word);
            let fault = EvalError::new(span, "config::no_attribute", summary, "unknown attribute");
            return Err(match find_nearest(name, readable.iter().copied(), Some(&self.budget)) {
                Some(near) => fault.with_help(format!("did you mean `{near}`?")),
                None => fault.with_help(format!("its attributes are {}", join_names(readable.iter().copied()))),
            });
        }
        let mut bound = Vec::new();
        if block.of.has_instances {
            let Some(instances) = self.evaluate_instances(module, declared, span.clone()) else {
                return Err(EvalError::AlreadyReported);
            };
            match (&*instances, &block.key) {
                (BlockInstances::One, _) => {}
                (BlockInstances::Keyed(keyed), Some(key)) => bound.extend(keyed.get(key).cloned()),
                (BlockInstances::Keyed(_), None) => {
                    let summary = format!("{block} has several instances");
                    return Err(EvalError::new(span, "config::undefined_reference", summary, "missing instance key")
                        .with_help(format!("add the key: {block}[\"key\"].{name}")));
                }
            }
        }
        let Some(attribute) = declared.body.find_attribute(name) else {
            let scope = EvalScope::for_file(module, declared.file);
            let scope = &scope.with_bindings(&bound);
            return self.model.read_unset_attribute(self, &AttributeRead { block, declared, name, span, scope });
        };
        self.evaluate_once(module, CellKey::Attribute(block.to_string(), Arc::from(name)), span, || {
            self.evaluate_expr(&attribute.value, &EvalScope::for_file(module, declared.file).with_bindings(&bound))
        })
    }
}

fn explain_hidden_key(key: &str, span: FileSpan) -> EvalError {
    let (code, words) = find_hidden_char(key).map_or((0, ""), |(c, class)| (u32::from(c), class.describe()));
    let summary = format!("a key of for_each contains the hidden character U+{code:04X} ({words})");
    EvalError::new(span, "config::hidden_character", summary, format!("the key is {}", quote_text(key)))
        .with_help("remove the character: keys are part of addresses")
}

/// The key that is written as `written`. A name takes precedence over an index. `None`: there is no such key.
fn find_instance_key(keyed: &KeyedInstances, written: &Arc<str>) -> Option<InstanceKey> {
    let index = written.parse().ok().map(InstanceKey::Index);
    [Some(InstanceKey::Name(written.clone())), index].into_iter().flatten().find(|key| keyed.contains_key(key))
}
