//! Markdown of limited size that text from outside cannot break out of.
//!
//! In: a head, and blocks in the order of their risk, each in a long and a short form. Out: a document that is not longer than a limit in
//! bytes:
//!
//! ```text
//! warning                   only if a block of high risk does not fit even as one line
//! head                      at most half of the size; cut between paragraphs, with a note
//! block 1, full             one line of each block of high risk is reserved before anything else,
//! block 2, full             then full forms fill at most 3/4 of the size if not everything fits
//! block 3, one line         then short forms, while they fit
//! "97 of 100 changes are omitted here: 90 joins, 7 moves"
//! ```
//!
//! The dialect is CommonMark with `<details>`, as code hosts render it. Text from outside is placed in `<code>` with its punctuation as
//! character references: it cannot form structure there, and no code host looks for mentions and links there. Or it is placed in a fenced
//! code block whose fence is longer than any run of backticks in the text.

use std::borrow::Cow;
use std::collections::BTreeMap;

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

/// The longest text in the short form of a block, in characters, so that long names cannot fill a document.
pub const LONGEST_IN_LINE: usize = 300;

/// The text, cut to [`LONGEST_IN_LINE`].
#[must_use]
pub fn shorten_line(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST_IN_LINE) {
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

/// One item of a document, in a long and a short form.
#[derive(Debug, Clone)]
pub struct MarkdownBlock {
    /// The long form: markdown that ends in an empty line.
    pub full: String,
    /// The short form: one line, without its line break. Each text from outside in it is cut by [`shorten_line`].
    pub short: String,
    /// The kind, in a few words. Blocks that are left out are counted by it.
    pub kind: &'static str,
    /// Whether a reviewer must see it. Such blocks come first.
    pub is_risky: bool,
}

/// What the blocks of a document are, for the sentences about those that are left out.
#[derive(Debug, Clone, Copy)]
pub struct BlockNouns {
    /// The blocks: `changes`.
    pub blocks: &'static str,
    /// A sentence that says where all of them are.
    pub complete: &'static str,
}

/// A document of at most `max_bytes` bytes: the head, and as many blocks as fit. The blocks are in the order of their risk.
#[must_use]
pub fn render_document(
    head: &str,
    blocks: impl IntoIterator<Item = MarkdownBlock>,
    nouns: BlockNouns,
    max_bytes: usize,
) -> String {
    let mut blocks: Vec<MarkdownBlock> = blocks.into_iter().collect();
    blocks.sort_by_key(|block| !block.is_risky);
    let (warning, tail) = describe_omitted(&blocks, &[], nouns);
    // Without any block the sentences about omitted ones are the longest.
    let room = max_bytes.saturating_sub(warning.len()).saturating_sub(tail.len());
    let whole = blocks.iter().fold(head.len(), |sum, block| sum.saturating_add(block.full.len()));
    if whole <= max_bytes {
        return blocks.iter().fold(head.to_owned(), |text, block| text + &block.full);
    }
    let head = cut_paragraphs(head, room.min(max_bytes.saturating_div(2)));
    let forms = choose_forms(&blocks, room.saturating_sub(head.len()));
    let mut text = String::new();
    for (block, form) in blocks.iter().zip(&forms) {
        match form {
            BlockForm::Full => text.push_str(&block.full),
            BlockForm::Line => text.push_str(&format!("- {}\n", block.short)),
        }
    }
    let (warning, tail) = describe_omitted(&blocks, &forms, nouns);
    format!("{warning}{head}{text}{tail}")
}

/// How a block is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BlockForm {
    Full,
    Line,
}

/// The forms of the first blocks in `room` bytes. The blocks after them are left out.
fn choose_forms(blocks: &[MarkdownBlock], room: usize) -> Vec<BlockForm> {
    let line = |block: &MarkdownBlock| block.short.len().saturating_add("- \n".len());
    let mut size = 0usize;
    let mut fits = |bytes: usize, limit: usize| {
        let larger = size.saturating_add(bytes);
        let fits = larger <= limit;
        if fits {
            size = larger;
        }
        fits
    };
    let mut forms =
        vec![BlockForm::Line; blocks.iter().take_while(|block| block.is_risky && fits(line(block), room)).count()];
    let (part, of) = FULL;
    let full_room = room.saturating_mul(part).saturating_div(of.max(1));
    // Whether a full form does not fit depends on the block alone: one giant block does not take the details of those after it.
    for (block, form) in blocks.iter().zip(&mut forms) {
        if fits(block.full.len().saturating_sub(line(block)), full_room) {
            *form = BlockForm::Full;
        }
    }
    for block in blocks.iter().skip(forms.len()) {
        if fits(block.full.len(), full_room) {
            forms.push(BlockForm::Full);
        } else if fits(line(block), room) {
            forms.push(BlockForm::Line);
        } else {
            break;
        }
    }
    forms
}

/// The sentences about the blocks without a form: a warning above everything if a risky one is among them, and the numbers at the end.
fn describe_omitted(blocks: &[MarkdownBlock], forms: &[BlockForm], nouns: BlockNouns) -> (String, String) {
    let omitted = blocks.get(forms.len()..).unwrap_or_default();
    if omitted.is_empty() {
        return (String::new(), String::new());
    }
    let count = |risky: bool| {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for block in omitted.iter().filter(|block| !risky || block.is_risky) {
            *kinds.entry(block.kind).or_default() += 1;
        }
        let words: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        (kinds.values().sum::<usize>(), words.join(", "))
    };
    let BlockNouns { blocks: noun, complete } = nouns;
    let warning = match count(true) {
        (0, _) => String::new(),
        (risky, kinds) => format!(
            "**Warning: {risky} {noun} of high risk do not fit here** ({kinds}). Do not approve by this text alone. {complete}\n\n"
        ),
    };
    let (all, kinds) = count(false);
    let tail = format!(
        "\n**{all} of {} {noun} are omitted here**, those with the lowest risk: {kinds}. {complete}\n",
        blocks.len()
    );
    (warning, tail)
}

/// The longest prefix of whole paragraphs that fits, with a note if it is not the whole.
fn cut_paragraphs(text: &str, max_bytes: usize) -> String {
    const NOTE: &str = "(The summary is cut here.)\n\n";
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    let mut out = String::new();
    for paragraph in text.split_inclusive("\n\n") {
        if out.len().saturating_add(paragraph.len()).saturating_add(NOTE.len()) > max_bytes {
            break;
        }
        out.push_str(paragraph);
    }
    if out.len().saturating_add(NOTE.len()) <= max_bytes { out + NOTE } else { out }
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

    const NOUNS: BlockNouns = BlockNouns { blocks: "changes", complete: "The job has all." };

    fn block(name: &str, size: usize, is_risky: bool) -> MarkdownBlock {
        let kind = if is_risky { "access grows" } else { "joins" };
        MarkdownBlock { full: format!("{}\n\n", name.repeat(size)), short: name.to_owned(), kind, is_risky }
    }

    #[test]
    fn risky_blocks_that_do_not_fit_are_announced_first() {
        let risky = (0..400).map(|at| block(&format!("risky {at:03}"), 9, true));
        let blocks: Vec<MarkdownBlock> = risky.chain([block("harmless", 1, false)]).collect();
        let text = render_document("head\n\n", blocks, NOUNS, 2_000);
        let first = text.lines().next().unwrap();
        let count: usize = first.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(first.starts_with("**Warning: ") && first.contains(&format!("({count} access grows)")), "{first}");
        assert_eq!(text.matches("risky").count(), 400 - count + text.matches("high risk").count() - 1, "{text}");
        assert!(text.ends_with(&format!("lowest risk: {count} access grows, 1 joins. The job has all.\n")), "{text}");
    }

    #[test]
    fn a_giant_takes_nothing_from_those_after_it() {
        let blocks = [block("giant", 10_000, true), block("second", 20, true), block("third", 1_000, false)];
        let text = render_document("head\n\n", blocks, NOUNS, 2_000);
        assert!(
            text.contains("- giant\n") && text.contains(&"second".repeat(20)) && text.contains("- third\n"),
            "{text}"
        );
        assert!(!text.contains("omitted") && !text.contains("Warning"));
    }

    #[test]
    fn a_long_head_leaves_half_of_the_room() {
        let head = format!("title\n\n{}\n\nend\n\n", "x".repeat(5_000));
        let text = render_document(&head, [block("risky", 1, true)], NOUNS, 1_024);
        assert!(text.starts_with("title\n\n(The summary is cut here.)") && text.contains("risky"), "{text}");
    }

    proptest::proptest! {
        #[test]
        fn document_respects_max_bytes(
            blocks in proptest::collection::vec((1usize..200, proptest::bool::ANY), 0..60),
            head in 0usize..5_000,
            max in 1024usize..8192,
        ) {
            let mut blocks: Vec<MarkdownBlock> = blocks.iter().map(|(size, risky)| block("x", *size, *risky)).collect();
            blocks.sort_by_key(|block| !block.is_risky);
            let text = render_document(&"h\n\n".repeat(head), blocks, NOUNS, max);
            proptest::prop_assert!(text.len() <= max, "{} > {max}", text.len());
        }

        #[test]
        fn every_risky_block_is_shown_before_any_other(
            risky in proptest::collection::vec(1usize..3_000, 0..60),
            others in proptest::collection::vec(1usize..3_000, 0..400),
        ) {
            let blocks = risky.iter().map(|size| block("R", *size, true));
            let blocks = blocks.chain(others.iter().map(|size| block("o", *size, false)));
            let text = render_document("head\n\n", blocks, NOUNS, 4_096);
            proptest::prop_assert!(!text.contains("Warning"));
            let shown = text.lines().filter(|line| line.trim_start_matches("- ").starts_with('R')).count();
            proptest::prop_assert_eq!(shown, risky.len());
        }
    }
}
