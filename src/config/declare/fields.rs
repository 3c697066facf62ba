//! Reads the attributes of one block: evaluates them and converts them to the types of the model.
//!
//! Errors become findings. A read function then returns `None` or what it could read, and the caller continues.

use std::str::FromStr as _;
use std::sync::Arc;

use jiff::Timestamp;
use leasehold_provider::Span as Duration;

use super::instant::parse_instant;
use crate::config::naming::qualify_label;
use crate::config::origin::BlockOrigin;
use crate::config::schema::{BlockSchema, check::describe_block, find_part_name};
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::eval::reference;
use crate::hcl::eval::{EvalError, EvalScope, Evaluator, ModuleId, describe_value};
use crate::hcl::source::FileSpan;
use crate::hcl::suggest::{find_nearest, join_names};
use crate::hcl::syntax::{Block, BlockBody, Expr, ExprKind, TraversalStepKind};
use crate::hcl::value::convert::{convert_value, to_text};
use crate::hcl::value::show::quote_text;
use crate::hcl::value::show::render_value;
use crate::hcl::value::{BlockRef, BlockType, ConfigValue, InstanceKey, Type, ValueData};
use crate::hidden_characters::find_hidden_char;

/// The attributes of a block, or of one instance of it.
#[derive(Clone)]
pub struct BlockFields<'e, 'a> {
    /// The evaluator.
    pub eval: &'e Evaluator<'a>,
    /// The block.
    pub block: &'e Block,
    /// The module that contains the block.
    pub module: ModuleId,
    /// Its first label. For a block that `dynamic` generates: the computed label.
    pub label: Arc<str>,
    /// The key of the instance. `None`: the block has one instance only.
    pub key: Option<InstanceKey>,
    bindings: Vec<(Arc<str>, ConfigValue)>,
}

impl<'e, 'a> BlockFields<'e, 'a> {
    /// The attributes of a block with a single instance.
    pub fn new(eval: &'e Evaluator<'a>, module: ModuleId, block: &'e Block) -> Self {
        let label = block.labels.first().map_or_else(|| Arc::from(""), |label| label.text.clone());
        Self { eval, block, module, label, key: None, bindings: Vec::new() }
    }

    /// The attributes of one instance. Its expressions can refer to `bound`.
    #[must_use]
    pub fn for_instance(mut self, key: InstanceKey, bound: (Arc<str>, ConfigValue)) -> Self {
        self.key = Some(key);
        self.bindings.push(bound);
        self
    }

    /// The attributes of an inner block. Its expressions can refer to the bindings of the outer block and to `bound`.
    #[must_use]
    pub fn for_inner_block(&self, block: &'e Block, label: Arc<str>, bound: Option<(Arc<str>, ConfigValue)>) -> Self {
        let mut inner = Self { block, label, ..self.clone() };
        inner.bindings.extend(bound);
        inner
    }

    /// Sets the label that a `dynamic` block computes.
    #[must_use]
    pub fn with_block_label(self, label: Arc<str>) -> Self {
        Self { label, ..self }
    }

    /// The names that its expressions can refer to.
    pub fn evaluation_scope(&self) -> EvalScope<'_> {
        EvalScope::for_file_with_bindings(self.module, self.block.file, &self.bindings)
    }

    /// Whether an expression may have different values in different instances of the block.
    pub fn is_instance_dependent(&self, expr: &Expr) -> bool {
        let mut is = false;
        reference::visit_references(expr, &mut |base, _| is |= self.bindings.iter().any(|(name, _)| **name == *base));
        is
    }

    /// The content of the block.
    pub fn body(&self) -> &'e BlockBody {
        &self.block.body
    }

    /// The expression of an attribute. `None`: the attribute is not written.
    pub fn find_expr(&self, name: &str) -> Option<&'e Expr> {
        self.block.body.find_attribute(name).map(|attribute| &attribute.value)
    }

    /// The place of an expression.
    pub fn expr_span(&self, expr: &Expr) -> FileSpan {
        expr.place.to_span(self.block.file)
    }

    /// The place of an attribute; the block's header if the attribute is not written.
    pub fn attribute_span(&self, name: &str) -> FileSpan {
        self.find_expr(name).map_or_else(|| self.block.span(), |expr| self.expr_span(expr))
    }

    /// Reports a finding. Several instances of one block with the same error at the same place give one finding.
    pub fn report_finding(&self, finding: Diagnostic) {
        let Some(key) = &self.key else {
            self.eval.add_finding(self.module, finding);
            return;
        };
        let span = |finding: &Diagnostic| finding.location.as_ref().map(|location| location.span.clone());
        let same = |known: &Diagnostic| known.code == finding.code && span(known) == span(&finding);
        if self.eval.findings.borrow().iter().rev().take(64).any(same) {
            return;
        }
        let note = format!("in the instance {}", quote_text(&key.key_text()));
        let detail = match &finding.detail {
            Some(detail) => format!("{detail}\n{note}"),
            None => note,
        };
        self.eval.add_finding(self.module, finding.with_detail(detail));
    }

    /// Reports why an attribute has no value.
    pub fn report_fault(&self, fault: EvalError) {
        match fault {
            EvalError::Invalid { finding, .. } => self.report_finding(*finding),
            other => self.eval.report_error(self.module, other),
        }
    }

    /// The value of an attribute. `None`: it is absent, null, or has an error, which is reported.
    pub fn read_value(&self, name: &str) -> Option<(ConfigValue, &'e Expr)> {
        let expr = self.find_expr(name)?;
        match self.eval.evaluate_expr(expr, &self.evaluation_scope()) {
            Ok(value) if value.is_null() => None,
            Ok(value) => Some((value, expr)),
            Err(fault) => {
                self.report_fault(fault);
                None
            }
        }
    }

    fn diagnose_wrong_type(&self, name: &str, desired: &str, value: &ConfigValue, expr: &Expr) -> Diagnostic {
        Diagnostic::error("config::type", format!("`{name}` must be {desired}"))
            .with_location(self.expr_span(expr), format!("this is {}", describe_value(value)))
    }

    /// Reports the first hidden character of a text that is written by `expr`. What a reviewer reads must be what is granted.
    pub fn check_visible(&self, name: &str, text: &str, expr: &Expr, sensitive: bool) -> bool {
        let Some((c, class)) = find_hidden_char(text) else { return true };
        let code = u32::from(c);
        let label =
            if sensitive { "a (sensitive value)".to_owned() } else { format!("this is {}", shorten_text(text)) };
        self.report_finding(
            Diagnostic::error(
                "config::hidden_character",
                format!("`{name}` contains the hidden character U+{code:04X} ({})", class.describe()),
            )
            .with_location(self.expr_span(expr), label)
            .with_detail("A reviewer would not see what the text says.")
            .with_help("remove the character, or write the text again by hand"),
        );
        false
    }

    fn check_not_sensitive(&self, name: &str, value: &ConfigValue, expr: &Expr) -> bool {
        if !value.contains_sensitive() {
            return true;
        }
        self.report_finding(
            Diagnostic::error("config::sensitive", format!("`{name}` must not be sensitive"))
                .with_location(self.expr_span(expr), "a (sensitive value)")
                .with_detail("The value would be visible in the cloud, in marks and in the plan.")
                .with_help("use a value that is not sensitive; in statements and tags, sensitive values are hidden"),
        );
        false
    }

    /// Reads a string that is not sensitive, without hidden characters.
    pub fn read_text(&self, name: &str) -> Option<String> {
        let text = self.read_prose(name)?;
        self.check_visible(name, &text, self.find_expr(name)?, false).then_some(text)
    }

    /// Reads a string that is not sensitive and that people read, such as a purpose. Views escape its hidden characters.
    pub fn read_prose(&self, name: &str) -> Option<String> {
        if let Some(ExprKind::String(text)) = self.find_expr(name).map(|expr| &expr.kind) {
            return Some(text.to_string());
        }
        let (value, expr) = self.read_value(name)?;
        self.check_not_sensitive(name, &value, expr).then_some(())?;
        match to_text(&value) {
            Some(text) => Some(text.to_string()),
            None => {
                self.report_finding(self.diagnose_wrong_type(name, "a string", &value, expr));
                None
            }
        }
    }

    /// Reads a string that is neither sensitive nor empty.
    pub fn read_filled_text(&self, name: &str) -> Option<String> {
        let text = self.read_text(name)?;
        if text.trim().is_empty() {
            let finding = Diagnostic::error("config::empty", format!("`{name}` is empty"))
                .with_location(self.attribute_span(name), "empty text")
                .with_help("set a value, or remove the attribute");
            self.report_finding(finding);
            return None;
        }
        Some(text)
    }

    /// Reads a boolean.
    pub fn read_flag(&self, name: &str) -> Option<bool> {
        let (value, expr) = self.read_value(name)?;
        self.check_not_sensitive(name, &value, expr).then_some(())?;
        match convert_value(&value, &Type::Bool) {
            Ok(ConfigValue { data: ValueData::Bool(flag), .. }) => Some(flag),
            _ => {
                self.report_finding(self.diagnose_wrong_type(name, "true or false", &value, expr));
                None
            }
        }
    }

    /// Reads a string that must be one of `words`.
    pub fn read_word<T: Copy>(&self, name: &str, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.read_text(name)?;
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*meaning);
        }
        let known = words.iter().map(|(word, _)| *word);
        let finding =
            Diagnostic::error("config::word", format!("{} is not a valid value of `{name}`", quote_text(&text)))
                .with_location(self.attribute_span(name), "invalid value");
        self.report_finding(match find_nearest(&text, known.clone(), Some(&self.eval.budget)) {
            Some(near) => finding.with_help(format!("did you mean {}?", quote_text(near))),
            None => finding.with_help(format!("valid values are {}", join_names(known))),
        });
        None
    }

    /// Reads a list or set of strings. The flag is true if any of them is sensitive. With `single`, one string counts as a list of one.
    pub fn read_marked_texts(&self, name: &str, single: bool) -> Option<(Vec<String>, bool)> {
        if let Some(ExprKind::Tuple(items)) = self.find_expr(name).map(|expr| &expr.kind) {
            let literal = |item: &Expr| match &item.kind {
                ExprKind::String(text) => Some(text.to_string()),
                _ => None,
            };
            if let Some(texts) = items.iter().map(literal).collect::<Option<Vec<String>>>() {
                let visible = texts.iter().zip(items).all(|(text, item)| self.check_visible(name, text, item, false));
                return visible.then_some((texts, false));
            }
        }
        let (value, expr) = self.read_value(name)?;
        let mark = value.contains_sensitive();
        if let Some(text) = to_text(&value).filter(|_| single) {
            self.check_visible(name, &text, expr, mark).then_some(())?;
            return Some((vec![text.to_string()], mark));
        }
        let Some(elements) = value.elements() else {
            let desired = if single { "a string or a list of strings" } else { "a list of strings" };
            let finding = self.diagnose_wrong_type(name, desired, &value, expr);
            let example = to_text(&value).filter(|_| !mark).map(|text| quote_text(&text));
            self.report_finding(match example {
                Some(example) => finding.with_help(format!("write [{example}]")),
                None => finding,
            });
            return None;
        };
        let mut texts = Vec::with_capacity(elements.len());
        for (index, element) in elements.iter().enumerate() {
            let place = match &expr.kind {
                ExprKind::Tuple(items) => items.get(index).unwrap_or(expr),
                _ => expr,
            };
            match to_text(element) {
                Some(text) => {
                    self.check_visible(name, &text, place, mark).then_some(())?;
                    texts.push(text.to_string());
                }
                None => {
                    self.report_finding(self.diagnose_wrong_type(name, "a list of strings", element, place));
                    return None;
                }
            }
        }
        Some((texts, mark))
    }

    /// Reads a list or set of strings that are not sensitive.
    pub fn read_texts(&self, name: &str) -> Option<Vec<String>> {
        let (texts, mark) = self.read_marked_texts(name, false)?;
        if mark {
            let expr = self.find_expr(name)?;
            self.check_not_sensitive(name, &ConfigValue::NULL.with_mark(true), expr);
            return None;
        }
        Some(texts)
    }

    /// Reads a duration, such as `"90d"`.
    pub fn read_duration(&self, name: &str) -> Option<Duration> {
        let text = self.read_text(name)?;
        match Duration::from_str(&text) {
            Ok(duration) => Some(duration),
            Err(invalid) => {
                let help =
                    invalid.hint.unwrap_or_else(|| "use a duration such as \"90d\", \"1d12h\" or \"45m\"".to_owned());
                self.report_finding(
                    Diagnostic::error("config::duration", format!("{} is not a duration", quote_text(&text)))
                        .with_location(self.attribute_span(name), invalid.problem)
                        .with_help(help),
                );
                None
            }
        }
    }

    /// Reads an instant, such as `"2027-02-01T00:00:00Z"`.
    pub fn read_instant(&self, name: &str) -> Option<Timestamp> {
        let text = self.read_text(name)?;
        match parse_instant(&text) {
            Ok(instant) => Some(instant),
            Err((label, help)) => {
                self.report_finding(
                    Diagnostic::error("config::instant", format!("{} is not a valid time", quote_text(&text)))
                        .with_location(self.attribute_span(name), label)
                        .with_help(help),
                );
                None
            }
        }
    }

    /// Reads a reference to a block of the type `of`.
    pub fn read_reference(&self, name: &str, of: &'static BlockType) -> Option<BlockRef> {
        let (value, expr) = self.read_value(name)?;
        self.expect_block_ref(name, of, &value, expr)
    }

    /// The qualified name of a referenced block: its label, with the path of its module.
    pub fn qualified_name(&self, block: &BlockRef) -> String {
        qualify_label(self.eval, self.eval.find_module(block.module.as_ref()), &block.label)
    }

    /// Reads references to blocks of the type `of`, each with its expression.
    pub fn read_references(&self, name: &str, of: &'static BlockType) -> Vec<(BlockRef, &'e Expr)> {
        let Some(expr) = self.find_expr(name) else { return Vec::new() };
        // Evaluates each element separately, so that an error is reported at its element.
        if let ExprKind::Tuple(items) = &expr.kind {
            let items = items.iter().filter(|item| name != "depends_on" || !is_module_reference(item));
            let each = items.filter_map(|item| match self.eval.evaluate_expr(item, &self.evaluation_scope()) {
                Ok(value) => self.expect_block_ref(name, of, &value, item).map(|block| (block, item)),
                Err(fault) => {
                    self.report_fault(fault);
                    None
                }
            });
            return each.collect();
        }
        let Some((value, expr)) = self.read_value(name) else { return Vec::new() };
        match value.elements() {
            Some(elements) => elements
                .iter()
                .filter_map(|element| self.expect_block_ref(name, of, element, expr).map(|block| (block, expr)))
                .collect(),
            None => {
                let finding =
                    self.diagnose_wrong_type(name, &format!("a list of {}", pluralize_word(of)), &value, expr);
                self.report_finding(match &value.data {
                    ValueData::Block(block) => finding.with_help(format!("write [{block}]")),
                    _ => finding.with_help(format!("write [{}.NAME]", of.word)),
                });
                Vec::new()
            }
        }
    }

    fn expect_block_ref(
        &self,
        name: &str,
        of: &'static BlockType,
        value: &ConfigValue,
        expr: &Expr,
    ) -> Option<BlockRef> {
        let (phrase, word) = (of.phrase, of.word);
        match &value.data {
            ValueData::Block(block) if block.of == of => return Some(block.clone()),
            ValueData::String(text) if !value.sensitive => {
                let finding = Diagnostic::error("config::type", format!("`{name}` names {phrase} block, not text"))
                    .with_location(self.expr_span(expr), format!("this is {}", describe_value(value)));
                let labels = || self.eval.list_names(self.module, of);
                let near = labels()
                    .find(|label| label.rsplit('.').next() == Some(&**text))
                    .or_else(|| find_nearest(text, labels(), Some(&self.eval.budget)));
                self.report_finding(match near {
                    Some(near) => finding.with_help(format!("write {word}.{near} without quotes")),
                    None => finding.with_help(format!("write {word}.NAME without quotes")),
                });
            }
            _ => {
                self.report_finding(
                    self.diagnose_wrong_type(name, phrase, value, expr).with_help(format!("write {word}.NAME")),
                );
            }
        }
        None
    }

    /// The description of the block for diagnostics, with the instance key if there is one.
    pub fn describe_block(&self) -> String {
        match &self.key {
            Some(key) => format!("{}{key}", describe_block(self.block)),
            None => describe_block(self.block),
        }
    }

    /// Where the block and its parts are written, with the `module` calls that lead to it.
    pub fn locate_block(&self, schema: &'static BlockSchema) -> BlockOrigin {
        BlockOrigin { calls: self.eval.list_calls(self.module).into(), ..locate_block_parts(self.block, schema) }
    }
}

/// The start of a text in quotes, with escapes.
fn shorten_text(text: &str) -> String {
    render_value(&ConfigValue::new_string(text))
}

/// Whether an expression refers to a whole module: `module.a`, `module.a["k"]`.
pub fn is_module_reference(expr: &Expr) -> bool {
    let ExprKind::Traverse(traverse) = &expr.kind else { return false };
    matches!(&traverse.base.kind, ExprKind::Variable(root) if &**root == "module")
        && matches!(
            traverse.steps.iter().map(|step| &step.kind).collect::<Vec<_>>().as_slice(),
            [TraversalStepKind::Name(_)] | [TraversalStepKind::Name(_), TraversalStepKind::Index(_)]
        )
}

fn pluralize_word(of: &BlockType) -> String {
    of.word.strip_suffix('y').map_or_else(|| format!("{}s", of.word), |stem| format!("{stem}ies"))
}

/// Where a block and its parts are written.
pub fn locate_block_parts(block: &Block, schema: &'static BlockSchema) -> BlockOrigin {
    let name = |name: &str| find_part_name(schema, block.label(0), name);
    let attributes = block
        .body
        .attributes
        .iter()
        .filter_map(|attribute| Some((name(&attribute.name.text)?, attribute.value.place.range())));
    let blocks = block.body.blocks.iter().filter_map(|inner| Some((name(&inner.keyword.text)?, inner.header.range())));
    BlockOrigin {
        file: block.file,
        header: block.header.range(),
        parts: attributes.chain(blocks).collect(),
        calls: Arc::from([]),
    }
}
