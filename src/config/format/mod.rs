//! Text → the same text laid out as `terraform fmt` lays it out. Comments, strings, heredocs and blank lines stay; nothing but
//! the blanks within lines changes, and the last line gets its end; so what is declared stays the same.

mod layout;
mod tokens;

use super::diagnostic::Diagnostic;
use super::source::Sources;
use super::syntax::parse_files;

/// The text of a file laid out anew, or what is wrong with it: what cannot be read is left as it is.
pub fn format_sources(sources: &Sources) -> Result<Vec<String>, Vec<Diagnostic>> {
    let parsed = super::load::run_on_deep_stack(|| parse_files(sources.stack_files(), 1)).unwrap_or_default();
    if !parsed.findings.is_empty() {
        return Err(parsed.findings);
    }
    let text = |bytes: &[u8]| format_text(std::str::from_utf8(bytes).unwrap_or_default());
    Ok(sources.stack_files().map(|(_, file)| text(&file.bytes)).collect())
}

fn format_text(text: &str) -> String {
    let (mark, text) = match text.strip_prefix('\u{feff}') {
        Some(text) => ("\u{feff}", text),
        None => ("", text),
    };
    let laid_out = layout::lay_out_tokens(tokens::tokenize_text(text));
    let end = if laid_out.is_empty() || laid_out.ends_with('\n') { "" } else { "\n" };
    format!("{mark}{laid_out}{end}")
}

#[cfg(test)]
mod tests;
