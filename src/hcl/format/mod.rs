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

use super::deep_stack::run_on_deep_stack;
use super::diagnostic::Diagnostic;
use super::source::{FileId, SourceFile};
use super::syntax::parse_files;

/// The formatted text of each file, in the order of the files.
///
/// # Errors
///
/// Returns the syntax errors if any file cannot be read. Then no file is formatted.
pub fn format_files<'a>(
    files: impl Iterator<Item = (FileId, &'a SourceFile)> + Clone + Send,
) -> Result<Vec<String>, Vec<Diagnostic>> {
    let read = files.clone();
    let parsed = run_on_deep_stack(move || parse_files(read, 1)).map_err(|finding| vec![*finding])?;
    if !parsed.findings.is_empty() {
        return Err(parsed.findings);
    }
    let text = |bytes: &[u8]| format_text(std::str::from_utf8(bytes).unwrap_or_default());
    Ok(files.map(|(_, file)| text(&file.bytes)).collect())
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
