//! Lowers templates and removes white space: what `~` trims, and the common indentation of a `<<-` heredoc. Input: a template of
//! `hcl-edit`. Output: [`TemplatePart`]s with final text.
//!
//! Both rules work on pieces of source text, across directives, as in Terraform. In a heredoc and in a file, each line is a piece; in a
//! quoted string, all text between two sequences is one. `~` trims only the piece next to it.
//!
//! Example: in a `<<-` heredoc, the lines `    a` and `      b` become `a` and `  b`: four blanks are common to both.

use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::template::{Directive, Element, Strip, Template};

use super::{Expr, TemplatePart, normalize_unicode};

/// Lowers an expression.
type LowerExpr<'l> = dyn Fn(hcl_edit::expr::Expression) -> Expr + 'l;

/// The source form of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TemplateForm {
    /// A quoted string, with escapes.
    Quoted,
    /// Lines of text: a heredoc, or a file.
    Lines,
    /// A `<<-` heredoc: lines whose common indentation is removed.
    Indented,
}

/// An intermediate [`TemplatePart`]: a piece of text is an index into [`TemplateLowerer::texts`], because later pieces may still
/// change it.
enum TemplatePiece {
    Text(usize),
    Interpolation(Expr),
    If { condition: Expr, yes: Vec<TemplatePiece>, no: Vec<TemplatePiece> },
    For { key: Option<Arc<str>>, value: Arc<str>, collection: Expr, body: Vec<TemplatePiece> },
}

/// The state of lowering one template. Text is kept in `texts` until all trimming is done.
struct TemplateLowerer<'l> {
    /// The source text.
    source: &'l str,
    lower_expr: &'l LowerExpr<'l>,
    form: TemplateForm,
    texts: Vec<String>,
    /// In source order: the index of each piece of text, and `None` for each sequence.
    order: Vec<Option<usize>>,
    trim_next: bool,
}

/// Lowers a template of `source` and applies its trimming. `lower_expr` lowers the expressions in it.
pub(super) fn lower_template_parts(
    source: &str,
    lower_expr: &LowerExpr<'_>,
    template: Template,
    form: TemplateForm,
) -> Vec<TemplatePart> {
    let mut weaver =
        TemplateLowerer { source, lower_expr, form, texts: Vec::new(), order: Vec::new(), trim_next: false };
    let pieces = weaver.lower_elements(template);
    if form == TemplateForm::Indented {
        weaver.dedent_lines();
    }
    weaver.merge_pieces(pieces)
}

impl TemplateLowerer<'_> {
    fn lower_elements(&mut self, template: Template) -> Vec<TemplatePiece> {
        let mut pieces = Vec::new();
        for element in template {
            match element {
                Element::Literal(literal) => {
                    let written = literal.span().and_then(|span| self.source.get(span));
                    match (self.form, written) {
                        (TemplateForm::Quoted, _) | (_, None) => pieces.push(self.add_text(literal.into_value())),
                        (_, Some(written)) => {
                            let plain = written.replace("\r\n", "\n").replace("$${", "${").replace("%%{", "%{");
                            pieces.extend(plain.split_inclusive('\n').map(|line| self.add_text(line.to_owned())));
                        }
                    }
                }
                Element::Interpolation(interpolation) => {
                    self.apply_strip(interpolation.strip);
                    pieces.push(TemplatePiece::Interpolation((self.lower_expr)(interpolation.expr)));
                }
                Element::Directive(directive) => pieces.push(self.lower_directive(*directive)),
            }
        }
        pieces
    }

    fn add_text(&mut self, mut text: String) -> TemplatePiece {
        if std::mem::take(&mut self.trim_next) {
            text = text.trim_start().to_owned();
        }
        let index = self.texts.len();
        self.texts.push(text);
        self.order.push(Some(index));
        TemplatePiece::Text(index)
    }

    /// Applies the `~` marks of a sequence: trims the end of the piece of text before it, and remembers whether to trim the start of the
    /// piece after it.
    fn apply_strip(&mut self, strip: Strip) {
        if let (true, Some(Some(last))) = (strip.strip_start(), self.order.last())
            && let Some(text) = self.texts.get_mut(*last)
        {
            text.truncate(text.trim_end().len());
        }
        self.order.push(None);
        self.trim_next = strip.strip_end();
    }

    fn lower_directive(&mut self, directive: Directive) -> TemplatePiece {
        match directive {
            Directive::If(each) => {
                self.apply_strip(each.if_expr.strip);
                let condition = (self.lower_expr)(each.if_expr.cond_expr);
                let yes = self.lower_elements(each.if_expr.template);
                let no = each.else_expr.map_or_else(Vec::new, |other| {
                    self.apply_strip(other.strip);
                    self.lower_elements(other.template)
                });
                self.apply_strip(each.endif_expr.strip);
                TemplatePiece::If { condition, yes, no }
            }
            Directive::For(each) => {
                let head = each.for_expr;
                self.apply_strip(head.strip);
                let collection = (self.lower_expr)(head.collection_expr);
                let body = self.lower_elements(head.template);
                self.apply_strip(each.endfor_expr.strip);
                let key = head.key_var.map(|word| word.as_str().into());
                TemplatePiece::For { key, value: head.value_var.as_str().into(), collection, body }
            }
        }
    }

    /// Removes from each line the indentation that is common to all lines. A line that begins with a sequence has an indentation of 0; a
    /// blank line does not count.
    fn dedent_lines(&mut self) {
        let mut least = usize::MAX;
        let mut lines = Vec::new();
        let mut at_start = true;
        for token in &self.order {
            let text = token.and_then(|index| self.texts.get(index));
            if std::mem::take(&mut at_start) {
                match (token, text) {
                    (Some(index), Some(text)) => {
                        let blank = text.trim_start().is_empty() && text.ends_with('\n');
                        if !blank {
                            let spaces = text.chars().take_while(|c| c.is_whitespace()).count();
                            least = least.min(spaces);
                            lines.push(*index);
                        }
                    }
                    _ => least = 0,
                }
            }
            at_start = text.is_some_and(|text| text.ends_with('\n'));
        }
        for index in lines {
            if let Some(text) = self.texts.get_mut(index) {
                *text = text.chars().skip(least).collect();
            }
        }
    }

    /// Merges adjacent pieces of text into one part.
    fn merge_pieces(&mut self, pieces: Vec<TemplatePiece>) -> Vec<TemplatePart> {
        let mut parts = Vec::new();
        let mut text = String::new();
        for piece in pieces {
            if let TemplatePiece::Text(index) = piece {
                text.push_str(self.texts.get(index).map_or("", String::as_str));
                continue;
            }
            if !text.is_empty() {
                parts.push(TemplatePart::Text(normalize_unicode(std::mem::take(&mut text))));
            }
            match piece {
                TemplatePiece::Text(_) => {}
                TemplatePiece::Interpolation(expr) => parts.push(TemplatePart::Interpolation(expr)),
                TemplatePiece::If { condition, yes, no } => {
                    parts.push(TemplatePart::If {
                        condition,
                        yes: self.merge_pieces(yes).into(),
                        no: self.merge_pieces(no).into(),
                    });
                }
                TemplatePiece::For { key, value, collection, body } => {
                    parts.push(TemplatePart::For { key, value, collection, body: self.merge_pieces(body).into() });
                }
            }
        }
        if !text.is_empty() {
            parts.push(TemplatePart::Text(normalize_unicode(text)));
        }
        parts
    }
}
