//! Converts the syntax tree of `hcl-edit` to the smaller tree of [`super`]. Input: a parsed item and its text. Output: a block,
//! attribute, expression or template whose ranges count from the start of the file.

use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::{self as edit, ObjectKey, TraversalOperator};
use hcl_edit::structure::{BlockLabel, Structure};
use hcl_edit::template;

use super::template::{TemplateForm, lower_template_parts};
use super::{
    Attribute, BinaryExpr, Block, BlockBody, ByteRange, Expr, ExprKind, ForExpr, FunctionCall, SpannedName,
    TemplatePart, Traversal, TraversalStep, TraversalStepKind, UnaryOperator, normalize_unicode,
};
use crate::hcl::source::FileId;

/// Converts trees that were parsed from `text`, which begins at byte `offset` of `file`.
pub(super) struct LoweringContext<'a> {
    pub text: &'a str,
    pub offset: usize,
    pub file: FileId,
}

impl LoweringContext<'_> {
    fn lower_range(&self, span: Option<Range<usize>>) -> ByteRange {
        span.map_or(ByteRange::default(), |span| ByteRange::new(self.offset + span.start, self.offset + span.end))
    }

    /// Converts a block with its labels and its body.
    pub fn lower_block(&self, block: hcl_edit::structure::Block) -> Block {
        let keyword = SpannedName { place: self.lower_range(block.ident.span()), text: block.ident.as_str().into() };
        let labels: Vec<SpannedName> = block
            .labels
            .into_iter()
            .map(|label| match label {
                BlockLabel::Ident(word) => {
                    SpannedName { place: self.lower_range(word.span()), text: word.as_str().into() }
                }
                BlockLabel::String(word) => {
                    SpannedName { place: self.lower_range(word.span()), text: normalize_unicode(word.into_value()) }
                }
            })
            .collect();
        let end = labels.last().map_or(keyword.place.end, |label| label.place.end);
        let header = ByteRange { start: keyword.place.start, end };
        Block { file: self.file, keyword, labels, header, body: self.lower_body(block.body) }
    }

    fn lower_body(&self, body: hcl_edit::structure::Body) -> BlockBody {
        let mut lowered = BlockBody::default();
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => lowered.attributes.push(self.lower_attribute(attribute)),
                Structure::Block(block) => lowered.blocks.push(self.lower_block(block)),
            }
        }
        lowered
    }

    /// Converts an attribute.
    pub fn lower_attribute(&self, attribute: hcl_edit::structure::Attribute) -> Attribute {
        let name = SpannedName { place: self.lower_range(attribute.key.span()), text: attribute.key.as_str().into() };
        Attribute { name, value: self.lower_expr(attribute.value) }
    }

    /// Converts an expression. Numbers and heredocs are read again from the source text, because the tree of `hcl-edit` has lost
    /// details of them.
    pub fn lower_expr(&self, expr: edit::Expression) -> Expr {
        let place = self.lower_range(expr.span());
        let kind = match expr {
            edit::Expression::Null(_) => ExprKind::Null,
            edit::Expression::Bool(value) => ExprKind::Bool(value.into_value()),
            edit::Expression::Number(number) => ExprKind::Number(self.lower_number(&number, place)),
            edit::Expression::String(value) => ExprKind::String(normalize_unicode(value.into_value())),
            edit::Expression::Array(array) => {
                ExprKind::Tuple(array.into_iter().map(|item| self.lower_expr(item)).collect())
            }
            edit::Expression::Object(object) => {
                let item = |(key, value): (ObjectKey, edit::ObjectValue)| {
                    (self.lower_key(key), self.lower_expr(value.into_expr()))
                };
                ExprKind::Object(object.into_iter().map(item).collect())
            }
            edit::Expression::StringTemplate(template) => return self.lower_string_template(template, place),
            edit::Expression::HeredocTemplate(heredoc) => {
                // `hcl-edit` removes the indentation line by line. The text is read again from the source to apply Terraform's
                // rules, which differ across directives.
                let written = place.start as usize - self.offset;
                let indented = self.text.get(written..).is_some_and(|text| text.starts_with("<<-"));
                let form = if indented { TemplateForm::Indented } else { TemplateForm::Lines };
                let parts = self.lower_parts(heredoc.template, form);
                match <[TemplatePart; 1]>::try_from(parts) {
                    Ok([TemplatePart::Text(text)]) => ExprKind::String(text),
                    Ok(parts) => ExprKind::Template(Box::new(parts)),
                    Err(parts) if parts.is_empty() => ExprKind::String("".into()),
                    Err(parts) => ExprKind::Template(parts.into()),
                }
            }
            // The range includes the parentheses, so that a diagnostic underlines them too.
            edit::Expression::Parenthesis(inner) => self.lower_expr(inner.into_inner()).kind,
            edit::Expression::Variable(name) => ExprKind::Variable(name.as_str().into()),
            edit::Expression::Conditional(conditional) => {
                let edit::Conditional { cond_expr, true_expr, false_expr, .. } = *conditional;
                ExprKind::Conditional(Box::new([
                    self.lower_expr(cond_expr),
                    self.lower_expr(true_expr),
                    self.lower_expr(false_expr),
                ]))
            }
            edit::Expression::FuncCall(call) => self.lower_call(*call),
            edit::Expression::Traversal(traversal) => self.lower_traversal(*traversal),
            edit::Expression::UnaryOp(unary) => {
                let operator = match unary.operator.value() {
                    edit::UnaryOperator::Neg => UnaryOperator::Negate,
                    edit::UnaryOperator::Not => UnaryOperator::Not,
                };
                ExprKind::Unary(Box::new((operator, self.lower_expr(unary.expr))))
            }
            edit::Expression::BinaryOp(binary) => {
                let operator = *binary.operator.value();
                let (left, right) = (self.lower_expr(binary.lhs_expr), self.lower_expr(binary.rhs_expr));
                ExprKind::Binary(Box::new(BinaryExpr { left, operator, right }))
            }
            edit::Expression::ForExpr(each) => self.lower_for_expr(*each),
        };
        Expr { kind, place }
    }

    /// The number as written, without blanks between its sign and its digits.
    fn lower_number(&self, number: &hcl_edit::Formatted<hcl_edit::Number>, place: ByteRange) -> Box<str> {
        let range = (place.start as usize).wrapping_sub(self.offset)..(place.end as usize).wrapping_sub(self.offset);
        match self.text.get(range) {
            Some(written) if !written.is_empty() => {
                written.chars().filter(|c| c.is_ascii_alphanumeric() || "+-.".contains(*c)).collect()
            }
            _ => number.value().to_string().into(),
        }
    }

    /// A bare word as an object key is a string. In parentheses it is a reference.
    fn lower_key(&self, key: ObjectKey) -> Expr {
        match key {
            ObjectKey::Ident(word) => {
                Expr { place: self.lower_range(word.span()), kind: ExprKind::String(word.as_str().into()) }
            }
            ObjectKey::Expression(expr) => self.lower_expr(expr),
        }
    }

    fn lower_string_template(&self, template: template::StringTemplate, place: ByteRange) -> Expr {
        let parts = self.lower_parts(template.into_iter().collect(), TemplateForm::Quoted);
        match <[TemplatePart; 1]>::try_from(parts) {
            // As in Terraform, `"${x}"` is `x` itself, whatever its type.
            Ok([TemplatePart::Interpolation(expr)]) => Expr { kind: expr.kind, place: expr.place },
            Ok([TemplatePart::Text(text)]) => Expr { kind: ExprKind::String(text), place },
            Ok(parts) => Expr { kind: ExprKind::Template(Box::new(parts)), place },
            Err(parts) => Expr { kind: ExprKind::Template(parts.into()), place },
        }
    }

    fn lower_parts(&self, template: template::Template, form: TemplateForm) -> Vec<TemplatePart> {
        lower_template_parts(self.text, &|expr| self.lower_expr(expr), template, form)
    }

    /// Converts the template of a file, as for `templatefile`.
    pub fn lower_template(&self, template: template::Template) -> Box<[TemplatePart]> {
        self.lower_parts(template, TemplateForm::Lines).into()
    }

    fn lower_call(&self, call: edit::FuncCall) -> ExprKind {
        let mut words: Vec<&str> = call.name.namespace.iter().map(|word| word.as_str()).collect();
        words.push(call.name.name.as_str());
        let name = SpannedName { text: words.join("::").into(), place: self.lower_range(call.name.name.span()) };
        let spread = call.args.expand_final();
        let arguments = call.args.into_iter().map(|argument| self.lower_expr(argument)).collect();
        ExprKind::Call(Box::new(FunctionCall { name, arguments, spread }))
    }

    fn lower_traversal(&self, traversal: edit::Traversal) -> ExprKind {
        let base = self.lower_expr(traversal.expr);
        let steps = traversal.operators.into_iter().map(|operator| {
            let place = self.lower_range(operator.span());
            let kind = match operator.into_value() {
                TraversalOperator::GetAttr(name) => TraversalStepKind::Name(name.as_str().into()),
                TraversalOperator::Index(index) => TraversalStepKind::Index(self.lower_expr(index)),
                TraversalOperator::LegacyIndex(index) => {
                    let kind = ExprKind::Number(index.value().to_string().into());
                    TraversalStepKind::Index(Expr { kind, place })
                }
                TraversalOperator::AttrSplat(_) => TraversalStepKind::AttributeSplat,
                TraversalOperator::FullSplat(_) => TraversalStepKind::FullSplat,
            };
            TraversalStep { kind, place }
        });
        ExprKind::Traverse(Box::new(Traversal { base, steps: steps.collect() }))
    }

    fn lower_for_expr(&self, each: edit::ForExpr) -> ExprKind {
        ExprKind::For(Box::new(ForExpr {
            key: each.intro.key_var.map(|word| word.as_str().into()),
            value: each.intro.value_var.as_str().into(),
            collection: self.lower_expr(each.intro.collection_expr),
            result_key: each.key_expr.map(|key| self.lower_expr(key)),
            result: self.lower_expr(each.value_expr),
            group: each.grouping,
            condition: each.cond.map(|condition| self.lower_expr(condition.expr)),
        }))
    }
}
