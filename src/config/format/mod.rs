//! `leasehold fmt`: formats files as `terraform fmt` does. Input: the text of a file. Output: the same text with other blanks.
//!
//! Only blanks within lines change, and the last line gets a line ending if it has none. Comments, strings, heredocs and blank lines
//! stay, so the invariant is that the formatted file declares the same as before.
//!
//! ```text
//! kind="service"     becomes     kind  = "service"
//! owner=owner.jane               owner = owner.jane
//! ```

mod layout;
mod tokens;

use super::diagnostic::Diagnostic;
use super::source::Sources;
use super::syntax::parse_files;

/// The formatted text of each file of the stack, in the order of the sources.
///
/// # Errors
///
/// Returns the syntax errors if any file cannot be read. Then no file is formatted.
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
