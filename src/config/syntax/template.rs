//! Templates: white space that `~` takes, and the indentation that `<<-` takes.
//!
//! Both work on pieces of text as they are written, and do so across directives, as in Terraform: in a heredoc and in a file
//! each line is a piece, in a quoted string all text between two sequences. `~` trims the one piece beside it.

use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::template::{Directive, Element, Strip, Template};

use super::TemplatePart;
use super::lower::{LoweringContext, normalize_unicode};

/// How the text of a template is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TemplateForm {
    /// Between quotes, with escapes.
    Quoted,
    /// In lines: a heredoc, or a file.
    Lines,
    /// In lines whose common indentation goes: `<<-`.
    Indented,
}

/// A template on its way: as [`TemplatePart`], with pieces of text by number.
enum TemplatePiece {
    Text(usize),
    Interpolation(super::Expr),
    If { condition: super::Expr, yes: Vec<TemplatePiece>, no: Vec<TemplatePiece> },
    For { key: Option<Arc<str>>, value: Arc<str>, collection: super::Expr, body: Vec<TemplatePiece> },
}

struct TemplateLowerer<'l, 'a> {
    lower: &'l LoweringContext<'a>,
    form: TemplateForm,
    texts: Vec<String>,
    /// Pieces of text, and `None` for each sequence, in the order they are written.
    order: Vec<Option<usize>>,
    trim_next: bool,
}

/// Lowers a template.
pub(super) fn lower_template_parts(
    lower: &LoweringContext<'_>,
    template: Template,
    form: TemplateForm,
) -> Vec<TemplatePart> {
    let mut weaver = TemplateLowerer { lower, form, texts: Vec::new(), order: Vec::new(), trim_next: false };
    let pieces = weaver.lower_elements(template);
    if form == TemplateForm::Indented {
        weaver.dedent_lines();
    }
    weaver.merge_pieces(pieces)
}

impl TemplateLowerer<'_, '_> {
    fn lower_elements(&mut self, template: Template) -> Vec<TemplatePiece> {
        let mut pieces = Vec::new();
        for element in template {
            match element {
                Element::Literal(literal) => {
                    let written = literal.span().and_then(|span| self.lower.text.get(span));
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
                    pieces.push(TemplatePiece::Interpolation(self.lower.lower_expr(interpolation.expr)));
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

    /// A sequence: the text before it, and what follows, may be trimmed.
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
                let condition = self.lower.lower_expr(each.if_expr.cond_expr);
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
                let collection = self.lower.lower_expr(head.collection_expr);
                let body = self.lower_elements(head.template);
                self.apply_strip(each.endfor_expr.strip);
                let key = head.key_var.map(|word| word.as_str().into());
                TemplatePiece::For { key, value: head.value_var.as_str().into(), collection, body }
            }
        }
    }

    /// Takes from each line the white space that all lines begin with. A sequence at the start of a line has none; a line of
    /// nothing but blanks does not count.
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

    /// Pieces of text that lie side by side are one part.
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
