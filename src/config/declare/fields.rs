//! The attributes of one block, evaluated and brought to the types that the model has. Whatever is wrong becomes a finding;
//! the caller goes on with what there is.

use std::str::FromStr as _;
use std::sync::Arc;

use jiff::Timestamp;
use leasehold_provider::{Key, Span as Duration};

use crate::config::declared::Origin;
use crate::config::diagnostic::Diagnostic;
use crate::config::eval::reference;
use crate::config::eval::suggest::{listed, nearest};
use crate::config::eval::{Evaluator, Fault, ModuleId, Scope, with_value};
use crate::config::schema::{BlockSchema, check::title, part_name};
use crate::config::source::Span;
use crate::config::syntax::{Block, Body, Expr, ExprKind};
use crate::config::value::convert::{convert, to_text};
use crate::config::value::show::quoted;
use crate::config::value::{BlockRef, Data, Keyword, Type, Value};

/// The attributes of one block, or of one instance of it.
#[derive(Clone)]
pub struct Fields<'e, 'a> {
    /// What evaluates them.
    pub eval: &'e Evaluator<'a>,
    /// The block.
    pub block: &'e Block,
    /// The module it stands in.
    pub module: ModuleId,
    /// Its first label; for what a `dynamic` block makes, the one it computes.
    pub label: Arc<str>,
    /// The instance, where there are several.
    pub key: Option<Key>,
    bindings: Vec<(Arc<str>, Value)>,
}

impl<'e, 'a> Fields<'e, 'a> {
    /// The attributes of a block that stands once.
    pub fn new(eval: &'e Evaluator<'a>, module: ModuleId, block: &'e Block) -> Self {
        let label = block.labels.first().map_or_else(|| Arc::from(""), |label| label.text.clone());
        Self { eval, block, module, label, key: None, bindings: Vec::new() }
    }

    /// The same for one instance, which sees `bound`.
    #[must_use]
    pub fn instance(mut self, key: Key, bound: (Arc<str>, Value)) -> Self {
        self.key = Some(key);
        self.bindings.push(bound);
        self
    }

    /// An inner block, which sees what this one sees and `bound`.
    #[must_use]
    pub fn within(&self, block: &'e Block, label: Arc<str>, bound: Option<(Arc<str>, Value)>) -> Self {
        let mut inner = Self { block, label, ..self.clone() };
        inner.bindings.extend(bound);
        inner
    }

    /// The same with the label that a `dynamic` block computes for it.
    #[must_use]
    pub fn labelled(self, label: Arc<str>) -> Self {
        Self { label, ..self }
    }

    /// What its expressions see.
    pub fn scope(&self) -> Scope<'_> {
        Scope::of_file_with(self.module, self.block.file, &self.bindings)
    }

    /// Whether an expression may have another value in another instance of the block.
    pub fn is_of_instance(&self, expr: &Expr) -> bool {
        let mut is = false;
        reference::visit(expr, &mut |base, _| is |= self.bindings.iter().any(|(name, _)| **name == *base));
        is
    }

    /// The block's content.
    pub fn body(&self) -> &'e Body {
        &self.block.body
    }

    /// The expression of an attribute.
    pub fn expr(&self, name: &str) -> Option<&'e Expr> {
        self.block.body.attribute(name).map(|attribute| &attribute.value)
    }

    /// Where an expression stands.
    pub fn span(&self, expr: &Expr) -> Span {
        expr.place.in_file(self.block.file)
    }

    /// Where an attribute stands; the block's header where it has none of that name.
    pub fn place(&self, name: &str) -> Span {
        self.expr(name).map_or_else(|| self.block.span(), |expr| self.span(expr))
    }

    /// Puts a finding among the findings. Instances of one block that are wrong at one place are one finding.
    pub fn find(&self, finding: Diagnostic) {
        let Some(key) = &self.key else {
            self.eval.find(self.module, finding);
            return;
        };
        let span = |finding: &Diagnostic| finding.location.as_ref().map(|location| location.span.clone());
        let same = |known: &Diagnostic| known.code == finding.code && span(known) == span(&finding);
        if self.eval.findings.borrow().iter().rev().take(64).any(same) {
            return;
        }
        let note = format!("in the instance {}", quoted(&key.text()));
        let detail = match &finding.detail {
            Some(detail) => format!("{detail}\n{note}"),
            None => note,
        };
        self.eval.find(self.module, finding.detail(detail));
    }

    /// Reports why an attribute has no value.
    pub fn fault(&self, fault: Fault) {
        match fault {
            Fault::Wrong { finding, .. } => self.find(*finding),
            other => self.eval.report(self.module, other),
        }
    }

    /// The value of an attribute. `None`: it is not there, is null, or has none, which is reported.
    pub fn value(&self, name: &str) -> Option<(Value, &'e Expr)> {
        let expr = self.expr(name)?;
        match self.eval.eval(expr, &self.scope()) {
            Ok(value) if value.is_null() => None,
            Ok(value) => Some((value, expr)),
            Err(fault) => {
                self.fault(fault);
                None
            }
        }
    }

    fn wrong_type(&self, name: &str, wanted: &str, value: &Value, expr: &Expr) -> Diagnostic {
        Diagnostic::error("config::type", format!("`{name}` must be {wanted}"))
            .at(self.span(expr), format!("this is {}", with_value(value)))
    }

    fn open(&self, name: &str, value: &Value, expr: &Expr) -> bool {
        if !value.any_sensitive() {
            return true;
        }
        self.find(
            Diagnostic::error("config::sensitive", format!("`{name}` takes no sensitive value"))
                .at(self.span(expr), "a (sensitive value)")
                .detail("It would be readable in the cloud, in its marks and in the plan.")
                .help("use a value that may be seen; statements and tags are hidden when they hold sensitive values"),
        );
        false
    }

    /// Text that may be seen.
    pub fn text(&self, name: &str) -> Option<String> {
        if let Some(ExprKind::String(text)) = self.expr(name).map(|expr| &expr.kind) {
            return Some(text.to_string());
        }
        let (value, expr) = self.value(name)?;
        self.open(name, &value, expr).then_some(())?;
        match to_text(&value) {
            Some(text) => Some(text.to_string()),
            None => {
                self.find(self.wrong_type(name, "a string", &value, expr));
                None
            }
        }
    }

    /// Text that may be seen and is not empty.
    pub fn filled_text(&self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        if text.trim().is_empty() {
            let finding = Diagnostic::error("config::empty", format!("`{name}` is empty"))
                .at(self.place(name), "no text")
                .help("fill it in, or leave the attribute out");
            self.find(finding);
            return None;
        }
        Some(text)
    }

    /// `true` or `false`.
    pub fn flag(&self, name: &str) -> Option<bool> {
        let (value, expr) = self.value(name)?;
        self.open(name, &value, expr).then_some(())?;
        match convert(&value, &Type::Bool) {
            Ok(Value { data: Data::Bool(flag), .. }) => Some(flag),
            _ => {
                self.find(self.wrong_type(name, "true or false", &value, expr));
                None
            }
        }
    }

    /// One of a few words.
    pub fn word<T: Copy>(&self, name: &str, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.text(name)?;
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*meaning);
        }
        let known = words.iter().map(|(word, _)| *word);
        let finding = Diagnostic::error("config::word", format!("{} is not a value of `{name}`", quoted(&text)))
            .at(self.place(name), "not known");
        self.find(match nearest(&text, known.clone(), Some(&self.eval.budget)) {
            Some(near) => finding.help(format!("did you mean {}?", quoted(near))),
            None => finding.help(format!("it is one of {}", listed(known))),
        });
        None
    }

    /// A list or set of texts, and whether any of them is sensitive. Where `single`, one text stands for a list of it.
    pub fn marked_texts(&self, name: &str, single: bool) -> Option<(Vec<String>, bool)> {
        if let Some(ExprKind::Tuple(items)) = self.expr(name).map(|expr| &expr.kind) {
            let literal = |item: &Expr| match &item.kind {
                ExprKind::String(text) => Some(text.to_string()),
                _ => None,
            };
            if let Some(texts) = items.iter().map(literal).collect() {
                return Some((texts, false));
            }
        }
        let (value, expr) = self.value(name)?;
        let mark = value.any_sensitive();
        if let Some(text) = to_text(&value).filter(|_| single) {
            return Some((vec![text.to_string()], mark));
        }
        let Some(elements) = value.elements() else {
            let wanted = if single { "a string or a list of strings" } else { "a list of strings" };
            let finding = self.wrong_type(name, wanted, &value, expr);
            let example = to_text(&value).filter(|_| !mark).map(|text| quoted(&text));
            self.find(match example {
                Some(example) => finding.help(format!("write [{example}]")),
                None => finding,
            });
            return None;
        };
        let mut texts = Vec::with_capacity(elements.len());
        for (index, element) in elements.iter().enumerate() {
            match to_text(element) {
                Some(text) => texts.push(text.to_string()),
                None => {
                    let place = match &expr.kind {
                        ExprKind::Tuple(items) => items.get(index).unwrap_or(expr),
                        _ => expr,
                    };
                    self.find(self.wrong_type(name, "a list of strings", element, place));
                    return None;
                }
            }
        }
        Some((texts, mark))
    }

    /// A list or set of texts that may be seen.
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        let (texts, mark) = self.marked_texts(name, false)?;
        if mark {
            let expr = self.expr(name)?;
            self.open(name, &Value::NULL.marked(true), expr);
            return None;
        }
        Some(texts)
    }

    /// A length of time.
    pub fn duration(&self, name: &str) -> Option<Duration> {
        let text = self.text(name)?;
        match Duration::from_str(&text) {
            Ok(duration) => Some(duration),
            Err(invalid) => {
                let help = invalid.hint.unwrap_or_else(|| "write it as in \"90d\", \"1d12h\" or \"45m\"".to_owned());
                self.find(
                    Diagnostic::error("config::duration", format!("{} is not a duration", quoted(&text)))
                        .at(self.place(name), invalid.problem)
                        .help(help),
                );
                None
            }
        }
    }

    /// An instant.
    pub fn instant(&self, name: &str) -> Option<Timestamp> {
        let text = self.text(name)?;
        match super::instant::read(&text) {
            Ok(instant) => Some(instant),
            Err((label, help)) => {
                self.find(
                    Diagnostic::error("config::instant", format!("{} is not an instant", quoted(&text)))
                        .at(self.place(name), label)
                        .help(help),
                );
                None
            }
        }
    }

    /// A reference to a block of that type.
    pub fn reference(&self, name: &str, keyword: Keyword) -> Option<BlockRef> {
        let (value, expr) = self.value(name)?;
        self.block_ref(name, keyword, &value, expr)
    }

    /// The name by which the model knows the block of a reference.
    pub fn known_as(&self, block: &BlockRef) -> String {
        self.eval.qualified(self.eval.module_at(block.module.as_ref()), &block.label)
    }

    /// References to blocks of that type, each with its expression.
    pub fn references(&self, name: &str, keyword: Keyword) -> Vec<(BlockRef, &'e Expr)> {
        let Some(expr) = self.expr(name) else { return Vec::new() };
        // Each element by itself, so that what is wrong with one has its own place.
        if let ExprKind::Tuple(items) = &expr.kind {
            let items = items.iter().filter(|item| name != "depends_on" || !super::modules::is_module(item));
            let each = items.filter_map(|item| match self.eval.eval(item, &self.scope()) {
                Ok(value) => self.block_ref(name, keyword, &value, item).map(|block| (block, item)),
                Err(fault) => {
                    self.fault(fault);
                    None
                }
            });
            return each.collect();
        }
        let Some((value, expr)) = self.value(name) else { return Vec::new() };
        match value.elements() {
            Some(elements) => elements
                .iter()
                .filter_map(|element| self.block_ref(name, keyword, element, expr).map(|block| (block, expr)))
                .collect(),
            None => {
                let finding = self.wrong_type(name, &format!("a list of {}s", plural(keyword)), &value, expr);
                self.find(match &value.data {
                    Data::Block(block) => finding.help(format!("write [{block}]")),
                    _ => finding.help(format!("write [{}.NAME]", keyword.as_str())),
                });
                Vec::new()
            }
        }
    }

    fn block_ref(&self, name: &str, keyword: Keyword, value: &Value, expr: &Expr) -> Option<BlockRef> {
        let (article, word) = (keyword.article(), keyword.as_str());
        match &value.data {
            Data::Block(block) if block.keyword == keyword => return Some(block.clone()),
            Data::String(text) if !value.sensitive => {
                let finding =
                    Diagnostic::error("config::type", format!("`{name}` names {article} {word} block, not text"))
                        .at(self.span(expr), format!("this is {}", with_value(value)));
                let names = self.eval.labels(self.module, keyword);
                let labels = || names.iter().map(String::as_str);
                let near = labels()
                    .find(|label| label.rsplit('.').next() == Some(&**text))
                    .or_else(|| nearest(text, labels(), Some(&self.eval.budget)));
                self.find(match near {
                    Some(near) => finding.help(format!("write {word}.{near} without quotes")),
                    None => finding.help(format!("write {word}.NAME without quotes")),
                });
            }
            _ => {
                let wanted = format!("{article} {word}");
                self.find(self.wrong_type(name, &wanted, value, expr).help(format!("write {word}.NAME")));
            }
        }
        None
    }

    /// The block's title, with its key where it has one.
    pub fn title(&self) -> String {
        match &self.key {
            Some(key) => format!("{}{key}", title(self.block)),
            None => title(self.block),
        }
    }

    /// Where the block and its parts stand.
    pub fn origin(&self, schema: &'static BlockSchema) -> Origin {
        Origin { calls: self.eval.calls_to(self.module).into(), ..origin(self.block, schema) }
    }
}

fn plural(keyword: Keyword) -> &'static str {
    match keyword {
        Keyword::Identity => "identitie",
        other => other.as_str(),
    }
}

/// Where a block and its parts stand.
pub fn origin(block: &Block, schema: &'static BlockSchema) -> Origin {
    let name = |name: &str| part_name(schema, block.label(0), name);
    let attributes = block
        .body
        .attributes
        .iter()
        .filter_map(|attribute| Some((name(&attribute.name.text)?, attribute.value.place.range())));
    let blocks = block.body.blocks.iter().filter_map(|inner| Some((name(&inner.keyword.text)?, inner.header.range())));
    Origin {
        file: block.file,
        header: block.header.range(),
        parts: attributes.chain(blocks).collect(),
        calls: Arc::from([]),
    }
}
