//! Attributes of blocks that expressions name, and the instances of blocks with `for_each` or `count`.

use std::collections::BTreeMap;
use std::sync::Arc;

use leasehold_provider::{Address, Key};

use super::scope::each;
use super::suggest::{listed, nearest};
use super::{CellKey, Evaluated, Evaluator, Fault, ModuleId, Scope, with_value};
use crate::config::schema;
use crate::config::source::Span;
use crate::config::syntax::{Block, Expr};
use crate::config::value::convert::to_text;
use crate::config::value::{BlockRef, Data, Keyword, Value, show::quoted};

/// The instances of a block.
#[derive(Debug)]
pub enum Instances {
    /// It has neither `for_each` nor `count`.
    One,
    /// One for each key, with the names its expressions see.
    Keyed(Keyed),
}

/// Instances by key, each with the name and value that its expressions see.
type Keyed = BTreeMap<Key, (Arc<str>, Value)>;

impl Evaluator<'_> {
    /// The instances of an identity or module block. `None`: they cannot be known, and that is reported.
    pub fn instances(&self, module: ModuleId, block: &Block, asked: Span) -> Option<Arc<Instances>> {
        if block.body.attribute("for_each").is_none() && block.body.attribute("count").is_none() {
            return Some(Arc::new(Instances::One));
        }
        let label = block.labels.first()?.text.clone();
        let keyword = schema::top(&block.keyword.text)?.keyword;
        let at = (module, keyword, label.clone());
        if let Some(known) = self.instances.borrow().get(&at) {
            return known.clone();
        }
        let mut found = None;
        let outcome = self.once(module, CellKey::ForEach(keyword, label), asked, || {
            found = Some(Arc::new(self.spread(module, block)?));
            Ok(Value::NULL)
        });
        if let Err(fault) = outcome {
            self.report(module, fault);
            found = None;
        }
        self.instances.borrow_mut().insert(at, found.clone());
        found
    }

    fn spread(&self, module: ModuleId, block: &Block) -> Evaluated<Instances> {
        let scope = Scope::of_file(module, block.file);
        if let Some(attribute) = block.body.attribute("for_each") {
            return self.for_each(&attribute.value, &scope).map(Instances::Keyed);
        }
        if let Some(attribute) = block.body.attribute("count") {
            return self.count(&attribute.value, &scope).map(Instances::Keyed);
        }
        Ok(Instances::One)
    }

    fn for_each(&self, expr: &Expr, scope: &Scope<'_>) -> Evaluated<Keyed> {
        let value = self.eval(expr, scope)?;
        let span = scope.span(expr.place);
        if value.sensitive {
            return Err(Fault::at(span, "config::sensitive", "for_each depends on a sensitive value", "sensitive")
                .help("its keys would be readable in addresses; go through a collection that is not sensitive"));
        }
        let wrong = |label: String| {
            Fault::at(span.clone(), "config::for_each", "for_each goes through a map or a set of strings", label)
        };
        let count = value.entries().map_or_else(|| value.elements().map_or(0, <[Value]>::len), BTreeMap::len);
        self.budget.instances(|| span.clone(), count)?;
        match &value.data {
            Data::Map(entries) | Data::Object(entries) => {
                Ok(entries.iter().map(|(key, value)| (Key::Name(key.clone()), each(key, value))).collect())
            }
            Data::Set(elements) => {
                let key = |element: &Value| match &element.data {
                    Data::String(key) => Ok((Key::Name(key.clone()), each(key, element))),
                    _ => Err(wrong(format!("this set holds {}", with_value(element)))),
                };
                elements.iter().map(key).collect()
            }
            Data::List(_) | Data::Tuple(_) => {
                Err(wrong(format!("this is {}", with_value(&value))).help("make a set of it: toset([…])"))
            }
            _ => Err(wrong(format!("this is {}", with_value(&value)))),
        }
    }

    fn count(&self, expr: &Expr, scope: &Scope<'_>) -> Evaluated<Keyed> {
        let value = self.eval(expr, scope)?;
        let span = scope.span(expr.place);
        let number = match (&value.data, value.sensitive) {
            (Data::Number(number), false) => {
                number.to_i64().and_then(|count| u64::try_from(count).ok()).filter(|count| *count <= 100_000)
            }
            _ => None,
        };
        let Some(count) = number else {
            let label = format!("this is {}", with_value(&value));
            return Err(Fault::at(span, "config::count", "count is a whole number from 0 to 100000", label));
        };
        self.budget.instances(|| span, usize::try_from(count).unwrap_or(usize::MAX))?;
        let instance = |index: u64| {
            let entries = [(Arc::from("index"), Value::number(index))].into();
            (Key::Index(index), (Arc::from("count"), Value::object(entries)))
        };
        Ok((0..count).map(instance).collect())
    }

    /// `identity.agent["triage"]`.
    pub(super) fn instance_of(&self, block: &BlockRef, key: &Value, span: Span) -> Evaluated<Value> {
        let module = self.module_at(block.module.as_ref());
        let declared = self.catalog(module).blocks(block.keyword).get(&*block.label);
        let (Some(declared), None, Keyword::Identity) = (declared, &block.key, block.keyword) else {
            return Err(Fault::at(span, "config::type", format!("{block} has no elements"), "no index here"));
        };
        let Some(name) = to_text(key).filter(|_| !key.sensitive) else {
            let label = format!("this is {}", with_value(key));
            return Err(Fault::at(span, "config::type", "the key of an instance is a string or a number", label));
        };
        let Some(instances) = self.instances(module, declared, span.clone()) else { return Err(Fault::Told) };
        match &*instances {
            Instances::One => Err(Fault::at(
                span,
                "config::undefined_reference",
                format!("{block} has one instance only"),
                "no key here",
            )
            .help(format!("write {block}"))),
            Instances::Keyed(keyed) => {
                if let Some(key) = instance(keyed, &name) {
                    let block = BlockRef { key: Some(key), ..block.clone() };
                    return Ok(Data::Block(block).into());
                }
                let keys: Vec<String> = keyed.keys().map(Key::text).collect();
                let keys = || keys.iter().map(String::as_str);
                let summary = format!("{block}[{}] is not declared", quoted(&name));
                let fault = Fault::at(span, "config::undefined_reference", summary, "no such key");
                Err(match nearest(&name, keys(), Some(&self.budget)) {
                    Some(near) => fault.help(format!("did you mean {block}[{}]?", quoted(near))),
                    None => fault.help(format!("its keys are {}", listed(keys()))),
                })
            }
        }
    }

    /// `owner.jane.email`.
    pub(super) fn block_attribute(&self, block: &BlockRef, name: &str, span: Span) -> Evaluated<Value> {
        let module = self.module_at(block.module.as_ref());
        let declared = self.catalog(module).blocks(block.keyword).get(&*block.label);
        let Some(declared) = declared else {
            return Err(Fault::at(
                span,
                "config::type",
                format!("nothing can be read from {block}"),
                "no attribute here",
            ));
        };
        let readable = schema::readable(block.keyword);
        if !readable.contains(&name) {
            let summary = format!("{} has no attribute `{name}`", block.keyword.as_str());
            let fault = Fault::at(span, "config::no_attribute", summary, "not there");
            return Err(match nearest(name, readable.iter().copied(), Some(&self.budget)) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault.help(format!("it has {}", listed(readable.iter().copied()))),
            });
        }
        let mut bound = Vec::new();
        if block.keyword == Keyword::Identity {
            let Some(instances) = self.instances(module, declared, span.clone()) else { return Err(Fault::Told) };
            match (&*instances, &block.key) {
                (Instances::One, _) => {}
                (Instances::Keyed(keyed), Some(key)) => bound.extend(keyed.get(key).cloned()),
                (Instances::Keyed(_), None) => {
                    let summary = format!("{block} has several instances");
                    return Err(Fault::at(span, "config::undefined_reference", summary, "of which one?")
                        .help(format!("name its key: {block}[\"key\"].{name}")));
                }
            }
        }
        let Some(attribute) = declared.body.attribute(name) else {
            if name == "name" && block.keyword == Keyword::Identity {
                let path = self.module(module).path.clone();
                let address = Address::block(path.as_deref(), "identity", &block.label, block.key.as_ref());
                self.default_names_read.borrow_mut().insert(address);
                let prefix = &self.module(module).prefix;
                return Ok(Value::string(default_name(prefix, &block.label, block.key.as_ref())));
            }
            let scope = Scope::of_file(module, declared.file);
            return self.template_attribute(declared, name, span, &scope.within(&bound));
        };
        self.once(module, CellKey::Attribute(block.to_string(), Arc::from(name)), span, || {
            self.eval(&attribute.value, &Scope::of_file(module, declared.file).within(&bound))
        })
    }
}

impl Evaluator<'_> {
    /// An attribute that a block does not have itself: its template's, or null.
    fn template_attribute(&self, declared: &Block, name: &str, span: Span, scope: &Scope<'_>) -> Evaluated<Value> {
        let Some(template) = declared.body.attribute("template") else { return Ok(Value::NULL) };
        match self.eval(&template.value, scope)?.data {
            Data::Block(template) if template.keyword == Keyword::Template => {
                self.block_attribute(&template, name, span)
            }
            _ => Ok(Value::NULL),
        }
    }
}

/// The key among those of a block that is written so.
fn instance(keyed: &Keyed, written: &Arc<str>) -> Option<Key> {
    let index = written.parse().ok().map(Key::Index);
    [Some(Key::Name(written.clone())), index].into_iter().flatten().find(|key| keyed.contains_key(key))
}

/// What a block is called in the cloud unless it says otherwise: its label, or label-key; in a module behind that module's own
/// label and key.
#[must_use]
pub fn default_name(prefix: &str, label: &str, key: Option<&Key>) -> String {
    key.map_or_else(|| format!("{prefix}{label}"), |key| format!("{prefix}{label}-{}", key.text()))
}
