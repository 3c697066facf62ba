//! Computes the blanks between tokens as `terraform fmt` does: indentation, spaces and aligned columns. Input: tokens. Output: the
//! formatted text. Tokens are neither added, removed nor reordered.

use unicode_segmentation::UnicodeSegmentation as _;

use super::tokens::FormatToken;
use crate::hcl::syntax::lexer::TokenKind;

/// One line in three cells: the tokens before `=`, those from `=` on, and a comment at the end. Each cell may be empty.
#[derive(Default)]
struct LayoutLine<'t> {
    lead: Vec<FormatToken<'t>>,
    assign: Vec<FormatToken<'t>>,
    comment: Option<FormatToken<'t>>,
}

/// Renders tokens with their new indentation, spaces and columns.
#[must_use]
pub fn lay_out_tokens(tokens: Vec<FormatToken<'_>>) -> String {
    let mut lines = split_lines(tokens);
    indent_lines(&mut lines);
    for line in &mut lines {
        space_tokens(line);
    }
    align_lines(&mut lines);
    let mut text = String::new();
    for line in lines {
        for token in line.lead.iter().chain(&line.assign).chain(&line.comment) {
            text.extend(std::iter::repeat_n(' ', token.spaces));
            text.push_str(token.text);
        }
    }
    text
}

fn split_lines(tokens: Vec<FormatToken<'_>>) -> Vec<LayoutLine<'_>> {
    let mut lines = Vec::new();
    let mut line = Vec::new();
    for token in tokens {
        let ends = token.ends_line();
        line.push(token);
        if ends {
            lines.push(split_cells(std::mem::take(&mut line)));
        }
    }
    if !line.is_empty() {
        lines.push(split_cells(line));
    }
    lines
}

fn split_cells(mut lead: Vec<FormatToken<'_>>) -> LayoutLine<'_> {
    let comment = if lead.len() > 1 { lead.pop_if(|token| token.kind == TokenKind::Comment) } else { None };
    let mut assign = Vec::new();
    if let Some(at) = lead.iter().skip(1).position(|token| token.kind == TokenKind::Equal) {
        // A value that continues on the next lines is not aligned.
        let open: i64 = lead.iter().skip(at + 1).map(FormatToken::bracket_balance).sum();
        if open == 0 {
            assign = lead.split_off(at + 1);
        }
    }
    LayoutLine { lead, assign, comment }
}

/// Indents each line by two blanks for each earlier line that opened more brackets than it closed and is still open.
fn indent_lines(lines: &mut [LayoutLine<'_>]) {
    let mut open: Vec<i64> = Vec::new();
    for line in lines {
        let net: i64 = line.lead.iter().chain(&line.assign).map(FormatToken::bracket_balance).sum();
        let Some(first) = line.lead.first_mut() else { continue };
        if first.kind == TokenKind::Newline {
            first.spaces = 0;
            continue;
        }
        let mut closed = -net;
        while closed > 0 {
            match open.last_mut() {
                Some(last) if closed < *last => {
                    *last -= closed;
                    closed = 0;
                }
                Some(last) => {
                    closed -= *last;
                    open.pop();
                }
                None => closed = 0,
            }
        }
        first.spaces = open.len().saturating_mul(2);
        if net > 0 {
            open.push(net);
        }
    }
}

/// Puts one blank or none between the tokens of a line.
fn space_tokens(line: &mut LayoutLine<'_>) {
    for cell in [&mut line.lead, &mut line.assign] {
        let mut before = None;
        let mut index = 0;
        while let Some([subject, after]) = cell.get_mut(index..index + 2) {
            after.spaces = usize::from(needs_space(subject.kind, subject.text, before, after.kind));
            before = Some(subject.kind);
            index += 1;
        }
    }
    if let Some(first) = line.assign.first_mut() {
        first.spaces = 1;
    }
}

/// Whether a blank separates a token from the next one.
fn needs_space(subject: TokenKind, text: &str, before: Option<TokenKind>, after: TokenKind) -> bool {
    use TokenKind::{
        Bang, CloseBrace, CloseBracket, CloseParen, CloseQuote, CloseTemplate, Comma, Dot, DoubleColon, Ellipsis,
        Equal, Minus, Newline, Number, OpenBrace, OpenBracket, OpenParen, OpenQuote, OpenTemplate, Operator, Text,
        Word,
    };
    let closes = matches!(subject, CloseBrace | CloseBracket | CloseParen | CloseTemplate);
    match (subject, after) {
        (_, Newline) | (Word, OpenParen | DoubleColon) | (DoubleColon, Word) => false,
        (Dot, _) | (_, Dot | Comma | Ellipsis) => false,
        (Comma, _) => true,
        (Text | OpenQuote, _) | (_, Text | CloseQuote) => false,
        // `in` of a for expression is not a name, so the bracket after it begins a list, not an index.
        (Word, _) if text == "in" && before == Some(Word) => true,
        (Word | Number, OpenBracket) => false,
        (_, OpenBracket) if closes => false,
        (Bang, _) => false,
        (Minus, _) => !matches!(
            before,
            None | Some(OpenParen | OpenBrace | OpenBracket | Equal | Comma | Operator | Minus | Bang)
        ),
        (OpenBrace, CloseBrace) => false,
        (OpenBrace, _) | (_, CloseBrace) => true,
        (OpenTemplate, OpenBrace) | (CloseBrace, CloseTemplate) => true,
        (OpenTemplate | OpenBracket | OpenParen, _) | (_, CloseTemplate | CloseBracket | CloseParen) => false,
        (CloseTemplate, OpenTemplate) => false,
        _ => true,
    }
}

/// Aligns `=` and the comments of consecutive lines, each in one column.
fn align_lines(lines: &mut [LayoutLine<'_>]) {
    align_column(lines, |line| line.assign.first_mut(), |line| measure_width(&line.lead));
    align_column(
        lines,
        |line| line.comment.as_mut(),
        |line| measure_width(&line.lead).saturating_add(measure_width(&line.assign)),
    );
}

/// Aligns one cell over each run of consecutive lines that have it. `width` is the width of the cells before it.
fn align_column<'l, 't: 'l>(
    lines: &'l mut [LayoutLine<'t>],
    cell: impl for<'x> Fn(&'x mut LayoutLine<'t>) -> Option<&'x mut FormatToken<'t>>,
    width: impl Fn(&LayoutLine<'t>) -> usize,
) {
    let mut rest = lines;
    while !rest.is_empty() {
        let apart = rest.iter_mut().position(|line| cell(line).is_none()).unwrap_or(rest.len());
        let (run, after) = rest.split_at_mut(apart);
        let widest = run.iter().map(&width).max().unwrap_or(0);
        for line in run {
            let spaces = widest.saturating_sub(width(line)).saturating_add(1);
            if let Some(token) = cell(line) {
                token.spaces = spaces;
            }
        }
        rest = after.get_mut(1..).unwrap_or_default();
    }
}

fn measure_width(cell: &[FormatToken<'_>]) -> usize {
    cell.iter().map(|token| token.spaces.saturating_add(token.text.graphemes(true).count())).sum()
}
