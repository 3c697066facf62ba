//! Parses files into blocks, item by item. Input: source files. Output: [`ParsedFiles`]: blocks and attributes in source order, and a
//! diagnostic for everything that cannot be read. An error in one item does not affect the other items of the file.

use std::ops::Range;

use hcl_edit::structure::Structure;

use super::lower::LoweringContext;
use super::outline::{Outline, scan_outline};
use super::plain::{self, PlainItem, WordInterner};
use super::{Attribute, Block, ByteRange, Expr, ExprKind, TemplatePart};
use crate::hcl::deep_stack::STACK_SIZE;
use crate::hcl::diagnostic::Diagnostic;
use crate::hcl::source::{FileId, FileSpan, SourceFile};

/// The largest accepted file, in bytes: 64 MiB. A stack of 100,000 identities has about half of that.
pub const LARGEST_FILE: usize = 64 * 1024 * 1024;
/// The most errors that one thread reports. The items after them are not read.
const MOST_FINDINGS: usize = 1_000;
/// Bytes of input per thread below which another thread costs more time than it saves.
const PARALLEL_PARSE_THRESHOLD: usize = 128 * 1024;

/// The content of the files of one kind.
#[derive(Debug, Default)]
pub struct ParsedFiles {
    /// Top-level blocks, ordered by file and position.
    pub blocks: Vec<Block>,
    /// Attributes outside of blocks, each with its file.
    pub attributes: Vec<(FileId, Attribute)>,
    /// One diagnostic for each error.
    pub findings: Vec<Diagnostic>,
    /// Type and first label of the items that could not be read, if their first line contains them. References to such a block are not
    /// reported as undefined.
    pub broken: Vec<(String, String)>,
}

impl ParsedFiles {
    fn append_parsed(&mut self, mut other: Self) {
        self.blocks.append(&mut other.blocks);
        self.attributes.append(&mut other.attributes);
        self.findings.append(&mut other.findings);
        self.broken.append(&mut other.broken);
    }
}

/// The text of one top-level item, which begins at byte `start` of its file.
struct SourceItem<'a> {
    file: FileId,
    text: &'a str,
    start: usize,
}

/// Parses files on up to `threads` threads. The result does not depend on `threads`.
#[must_use]
pub fn parse_files<'a>(files: impl Iterator<Item = (FileId, &'a SourceFile)>, threads: usize) -> ParsedFiles {
    let mut parsed = ParsedFiles::default();
    let mut items = Vec::new();
    for (id, file) in files {
        if let Some((text, from)) = decode_text(id, file, &mut parsed.findings) {
            let Outline { items: ranges, broken, findings } = scan_outline(text, id, from);
            parsed.findings.extend(findings);
            parsed.broken.extend(broken.into_iter().filter_map(|start| parse_header(text.get(start..)?)));
            let item = |range: Range<usize>| {
                Some(SourceItem { file: id, start: range.start, text: text.get(range.start..range.end)? })
            };
            items.extend(ranges.into_iter().filter_map(item));
        }
    }
    let total: usize = items.iter().map(|item| item.text.len()).sum();
    let parts = threads.min(total / PARALLEL_PARSE_THRESHOLD).max(1);
    if parts == 1 {
        parsed.append_parsed(parse_items(&items));
        return parsed;
    }
    let chunks = chunk_items(&items, total / parts + 1);
    std::thread::scope(|scope| {
        let running: Vec<_> = chunks
            .iter()
            .map(|chunk| {
                let thread = std::thread::Builder::new().stack_size(STACK_SIZE);
                (chunk, thread.spawn_scoped(scope, move || parse_items(chunk)))
            })
            .collect();
        for (chunk, thread) in running {
            // If a thread could not be started or panicked, this thread parses its share.
            match thread.ok().and_then(|thread| thread.join().ok()) {
                Some(part) => parsed.append_parsed(part),
                None => parsed.append_parsed(parse_items(chunk)),
            }
        }
    });
    parsed
}

/// Splits items into runs of about `size` bytes.
fn chunk_items<'i, 'a>(items: &'i [SourceItem<'a>], size: usize) -> Vec<&'i [SourceItem<'a>]> {
    let mut sum = 0;
    items
        .chunk_by(|item, _| {
            sum += item.text.len();
            let goes_on = sum < size;
            if !goes_on {
                sum = 0;
            }
            goes_on
        })
        .collect()
}

/// The text of a file, and the position of its first byte after a byte order mark (0 or 3). `None`: the file is too large or not
/// UTF-8, which is added to `findings`.
fn decode_text<'a>(id: FileId, file: &'a SourceFile, findings: &mut Vec<Diagnostic>) -> Option<(&'a str, usize)> {
    let span = |start: usize, end: usize| FileSpan { file: id, bytes: start..end };
    if file.bytes.len() > LARGEST_FILE {
        findings.push(
            Diagnostic::error("config::too_large", format!("{} is {} bytes long", file.name, file.bytes.len()))
                .with_help(format!(
                    "files must not be larger than {LARGEST_FILE} bytes; split the blocks into several files"
                )),
        );
        return None;
    }
    match std::str::from_utf8(&file.bytes) {
        Ok(text) => Some((text, if text.starts_with('\u{feff}') { 3 } else { 0 })),
        Err(error) => {
            let at = error.valid_up_to();
            let utf16 = file.bytes.starts_with(&[0xff, 0xfe]) || file.bytes.starts_with(&[0xfe, 0xff]);
            let byte = file.bytes.get(at).copied().unwrap_or(0);
            findings.push(
                Diagnostic::error("config::not_utf8", format!("{} is not UTF-8 text", file.name))
                    .with_location(
                        span(at, at + error.error_len().unwrap_or(1)),
                        format!("byte 0x{byte:02x} at offset {at}"),
                    )
                    .with_help(if utf16 {
                        "the file seems to be UTF-16: save it as UTF-8"
                    } else {
                        "save the file as UTF-8; it may be Latin-1 or Windows-1252"
                    }),
            );
            None
        }
    }
}

/// Parses items one by one: with the fast reader if it accepts the item, otherwise with `hcl-edit`.
fn parse_items(items: &[SourceItem<'_>]) -> ParsedFiles {
    let mut parsed = ParsedFiles::default();
    let mut words = WordInterner::default();
    for item in items {
        if parsed.findings.len() >= MOST_FINDINGS {
            parsed.findings.push(explain_too_many(item));
            break;
        }
        match plain::read_plain_item(item.text, item.start, item.file, &mut words) {
            Some(PlainItem::Block(block)) => {
                parsed.blocks.push(block);
                continue;
            }
            Some(PlainItem::Attribute(attribute)) => {
                parsed.attributes.push((item.file, attribute));
                continue;
            }
            None => {}
        }
        match hcl_edit::parser::parse_body(item.text) {
            Ok(body) => {
                let lower = LoweringContext { text: item.text, offset: item.start, file: item.file };
                for structure in body {
                    match structure {
                        Structure::Block(block) => parsed.blocks.push(lower.lower_block(block)),
                        Structure::Attribute(attribute) => {
                            parsed.attributes.push((item.file, lower.lower_attribute(attribute)));
                        }
                    }
                }
            }
            Err(error) => {
                parsed.findings.push(explain_parser_error(&error, item.text, item.file, item.start));
                parsed.broken.extend(parse_header(item.text));
            }
        }
    }
    parsed
}

fn explain_too_many(item: &SourceItem<'_>) -> Diagnostic {
    Diagnostic::error("config::too_many", format!("more than {MOST_FINDINGS} blocks that cannot be read"))
        .with_location(ByteRange::new(item.start, item.start).to_span(item.file), "reading stopped here")
        .with_help("correct the first errors, and run the command again")
}

/// The `source` attributes of the `module` blocks in a file. Blocks that cannot be read are skipped: their errors are reported when the
/// file is parsed.
#[must_use]
pub fn parse_module_sources(file: &SourceFile) -> Vec<String> {
    let nowhere = FileId(u32::MAX);
    let Some((text, from)) = decode_text(nowhere, file, &mut Vec::new()).filter(|(text, _)| text.contains("module"))
    else {
        return Vec::new();
    };
    let modules = scan_outline(text, nowhere, from).items.into_iter().filter_map(|range| {
        let text = text.get(range.clone())?;
        text.starts_with("module").then_some(SourceItem { file: nowhere, start: range.start, text })
    });
    let parsed = parse_items(&modules.collect::<Vec<_>>());
    let source = |block: &Block| match &block.body.find_attribute("source")?.value.kind {
        ExprKind::String(source) => Some(source.to_string()),
        _ => None,
    };
    parsed.blocks.iter().filter(|block| &*block.keyword.text == "module").filter_map(source).collect()
}

/// The first word of an item and its first quoted label, both from the first line of the item. The label is empty if there is none.
fn parse_header(item: &str) -> Option<(String, String)> {
    let line = item.lines().next()?;
    let word = line.split(|c: char| !(c.is_alphanumeric() || c == '_')).next()?;
    let label = line.split('"').nth(1).unwrap_or_default();
    Some((word.to_owned(), label.to_owned()))
}

/// Parses a single expression, such as the value of a variable given on the command line. Its ranges count from the start of `text`.
///
/// # Errors
///
/// Returns the first syntax error.
pub fn parse_expression(text: &str, file: FileId) -> Result<Expr, Box<Diagnostic>> {
    let bounded = scan_outline(text, file, 0);
    if let Some(finding) = bounded.findings.into_iter().next() {
        return Err(Box::new(finding));
    }
    match hcl_edit::parser::parse_expr(text) {
        Ok(expr) => Ok(LoweringContext { text, offset: 0, file }.lower_expr(expr)),
        Err(error) => Err(Box::new(explain_parser_error(&error, text, file, 0))),
    }
}

/// Parses a single template, such as the content of a file for `templatefile`. Its ranges count from the start of `text`.
///
/// # Errors
///
/// Returns the first syntax error.
pub fn parse_template(text: &str, file: FileId) -> Result<Box<[TemplatePart]>, Box<Diagnostic>> {
    let as_heredoc = format!("x = <<LEASEHOLD\n{text}\nLEASEHOLD\n");
    if let Some(finding) = scan_outline(&as_heredoc, file, 0).findings.into_iter().next() {
        return Err(Box::new(finding));
    }
    match hcl_edit::parser::parse_template(text) {
        Ok(template) => Ok(LoweringContext { text, offset: 0, file }.lower_template(template)),
        Err(error) => Err(Box::new(explain_parser_error(&error, text, file, 0))),
    }
}

/// Converts an error of `hcl-edit` to a diagnostic in the terms of this program.
fn explain_parser_error(error: &hcl_edit::parser::Error, text: &str, file: FileId, offset: usize) -> Diagnostic {
    let at = error.location().offset().min(text.len());
    let rest = text.get(at..).unwrap_or_default();
    let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let width = word.max(rest.chars().next().map_or(0, char::len_utf8));
    let span = ByteRange::new(offset + at, offset + at + width).to_span(file);
    let message = error.message();
    let before = text.get(..at).unwrap_or_default();
    let line = before.get(before.rfind('\n').map_or(0, |end| end + 1)..).unwrap_or_default();
    let name = rest.get(..word).unwrap_or_default();
    if message.contains("redefined attribute") {
        return Diagnostic::error("config::duplicate_attribute", format!("attribute `{name}` is set twice"))
            .with_location(span, "set again here")
            .with_help("keep one of them");
    }
    if message.contains("redefined object key") {
        return Diagnostic::error("config::duplicate_key", format!("key `{name}` is duplicated in the object"))
            .with_location(span, "again here")
            .with_help("keep one of them");
    }
    if message.contains("nesting depth") || message.contains("chained binary") {
        return Diagnostic::error("config::too_deep", "nested too deeply")
            .with_location(span, "here")
            .with_detail(message.to_owned())
            .with_help("move inner parts to a `locals` block");
    }
    let (summary, expected) = match message.split_once("; ") {
        Some((what, expected)) => (format!("syntax error: {what}"), expected.to_owned()),
        None => ("syntax error".to_owned(), message.to_owned()),
    };
    if summary.ends_with("invalid expression") {
        let finding = Diagnostic::error("config::syntax", "a value is missing or not valid")
            .with_location(span, "expected a value");
        return if rest.starts_with('\'') { finding.with_help("strings must be in double quotes") } else { finding };
    }
    let expected = expected.replace("`\n`", "a new line").replace("'\\n'", "a new line").replace("`\\n`", "a new line");
    let finding = Diagnostic::error("config::syntax", summary).with_location(span, expected);
    if line.contains('{') && line.contains('=') && name.chars().next().is_some_and(char::is_alphabetic) {
        return finding
            .with_help("a block on one line can have only one attribute: write each attribute on its own line");
    }
    if rest.trim_start().starts_with('"') || rest.trim_start().starts_with("=>") {
        return finding.with_help("is a comma missing before it?");
    }
    finding
}
