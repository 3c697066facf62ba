//! Markdown of limited size that text from outside cannot break out of.
//!
//! In: a head and blocks, each in a long and a short form. Out: a document that is not longer than a limit in bytes:
//!
//! ```text
//! head                      always; cut between paragraphs if it is too long itself
//! block 1, full             if not all blocks fit, the full ones fill at most 3/4 of the size
//! block 2, full
//! block 3, one line         then short forms, while they fit
//! "97 of 100 changes are omitted here"
//! ```
//!
//! The dialect is CommonMark with `<details>`, as code hosts render it. Text from outside is placed in `<code>` with its punctuation as
//! character references: it cannot form structure there, and no code host looks for mentions and links there. Or it is placed in a fenced
//! code block whose fence is longer than any run of backticks in the text.

use leasehold_provider::Realm;

use super::inert::escape_steering;

/// The maximum size of one GitHub comment, in bytes.
pub const DEFAULT_MAX_BYTES: usize = 65_536;

/// The fraction of the size that full blocks may fill. The rest is for the blocks that are shortened to one line.
const FULL: (usize, usize) = (3, 4);

/// Text from outside as inline code. It has no effect as markdown or as HTML.
#[must_use]
pub fn format_code(text: &str) -> String {
    let mut out = String::from("<code>");
    for c in escape_steering(text).chars() {
        if c.is_alphanumeric() || " -./,:=·→…".contains(c) {
            out.push(c);
        } else {
            out.push_str(&format!("&#{};", u32::from(c)));
        }
    }
    out.push_str("</code>");
    out
}

/// Lines in a fenced code block of the given language. The lines must not contain line breaks.
#[must_use]
pub fn format_fence(language: &str, lines: &[String]) -> String {
    let longest = lines.iter().map(|line| longest_backtick_run(line)).max().unwrap_or(0);
    let ticks = "`".repeat(longest.saturating_add(1).max(3));
    let mut out = format!("{ticks}{language}\n");
    for line in lines {
        out.push_str(line);
        out.push('\n');
    }
    out.push_str(&format!("{ticks}\n"));
    out
}

fn longest_backtick_run(line: &str) -> usize {
    let (mut longest, mut run) = (0usize, 0usize);
    for c in line.chars() {
        run = if c == '`' { run.saturating_add(1) } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// A section that is collapsed until the reader opens it. `summary` is HTML; `body` is markdown that ends in a line break.
#[must_use]
pub fn format_details(summary: &str, body: &str) -> String {
    format!("<details><summary>{summary}</summary>\n\n{body}\n</details>\n\n")
}

/// One item of a document, in a long and a short form.
#[derive(Debug, Clone)]
pub struct MarkdownBlock {
    /// The long form: markdown that ends in an empty line.
    pub full: String,
    /// The short form: one line, without its line break.
    pub short: String,
}

/// A document of at most `max_bytes` bytes: the head, then as many blocks as fit, the first ones in full, then some as one line each, then
/// the number of blocks that are left out. `what` names the blocks: `changes`.
#[must_use]
pub fn render_document(
    head: &str,
    blocks: impl IntoIterator<Item = MarkdownBlock>,
    what: &str,
    max_bytes: usize,
) -> String {
    let blocks: Vec<MarkdownBlock> = blocks.into_iter().collect();
    let total = blocks.len();
    let tail = |left: usize| match left {
        0 => String::new(),
        left => format!(
            "\n**{left} of {total} {what} are omitted here**, those with the lowest risk. The job's log has the full output.\n"
        ),
    };
    let mut out = cut_paragraphs(head, max_bytes);
    let reserve = tail(total).len().saturating_add("\n\n".len());
    let room = max_bytes.saturating_sub(reserve);
    let whole: usize = blocks.iter().map(|block| block.full.len()).sum();
    let (part, of) = FULL;
    let full_room = if out.len().saturating_add(whole) <= room {
        room
    } else {
        room.saturating_mul(part).saturating_div(of.max(1))
    };
    let mut rest = blocks.iter().peekable();
    while let Some(block) = rest.next_if(|block| out.len().saturating_add(block.full.len()) <= full_room) {
        out.push_str(&block.full);
    }
    while let Some(block) = rest.next_if(|block| out.len().saturating_add(block.short.len()).saturating_add(3) <= room)
    {
        out.push_str(&format!("- {}\n", block.short));
    }
    out.push_str(&tail(rest.count()));
    out
}

/// The longest prefix of whole paragraphs that fits.
fn cut_paragraphs(text: &str, max_bytes: usize) -> String {
    let mut out = String::new();
    for paragraph in text.split_inclusive("\n\n") {
        if out.len().saturating_add(paragraph.len()).saturating_add(200) > max_bytes && !out.is_empty() {
            break;
        }
        out.push_str(paragraph);
    }
    out
}

/// The place of a stack: the provider and the account, and the stack's names for its other accounts.
pub fn describe_realm(realm: &Realm) -> String {
    let first = format!("{} {}", format_code(&realm.provider), format_code(&realm.account));
    let others = realm
        .others
        .iter()
        .map(|(alias, realm)| format!(", {} {}", format_code(alias.as_str()), format_code(&realm.account)));
    std::iter::once(first).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_spans_escape_markup() {
        let shown = format_code("`</code>*_[x](y)\n\u{202e}@all #1 ::error|");
        let inner = shown.strip_prefix("<code>").unwrap().strip_suffix("</code>").unwrap();
        let plain = inner.replace("&#", "").replace(';', "");
        assert!(!plain.contains(['`', '<', '>', '*', '_', '[', ']', '(', ')', '\n', '@', '#', '|', '\\']), "{shown}");
    }

    #[test]
    fn code_fence_is_longer_than_fences_in_content() {
        assert!(format_fence("diff", &["a ```` b".to_owned()]).starts_with("`````diff\n"));
        assert!(format_fence("diff", &["plain".to_owned()]).starts_with("```diff\n"));
    }

    proptest::proptest! {
        #[test]
        fn document_respects_max_bytes(sizes in proptest::collection::vec(1usize..400, 0..60), max in 1024usize..8192) {
            let block = |size: &usize| MarkdownBlock { full: "f".repeat(*size), short: "s".to_owned() };
            let blocks: Vec<MarkdownBlock> = sizes.iter().map(block).collect();
            let text = render_document("head\n\n", blocks, "changes", max);
            proptest::prop_assert!(text.len() <= max, "{} > {max}", text.len());
        }
    }
}
