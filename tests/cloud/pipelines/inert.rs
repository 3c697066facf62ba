//! Whether a text can do nothing but be read.

use pulldown_cmark::{Event, Options, Parser, Tag};

/// The markup that our markdown is made of; nothing else may stand in it.
const MARKUP: [&str; 6] = ["<details>", "</details>", "<summary>", "</summary>", "<code>", "</code>"];

/// Asserts that a text steers no terminal and turns no reading direction.
#[track_caller]
pub fn assert_steers_nothing(text: &str) {
    let steers = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert_eq!(text.chars().find(steers), None, "{text:?}");
}

/// Asserts that markdown is whole, in the eyes of a CommonMark library: folds and fences closed, and no markup, link, image or further
/// heading in it but our own. Gives its fenced blocks.
#[track_caller]
pub fn assert_well_formed(text: &str) -> Vec<String> {
    assert_steers_nothing(text);
    let mut depth = 0i32;
    let mut headings = 0;
    let mut fenced: Vec<String> = Vec::new();
    let mut in_fence = false;
    for event in
        Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES)
    {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => {
                for tag in tags(&html) {
                    assert!(MARKUP.contains(&tag.as_str()), "{tag} in:\n{text}");
                    depth += i32::from(tag == "<details>") - i32::from(tag == "</details>");
                    assert!(depth >= 0, "a fold is closed that was not open:\n{text}");
                }
                let bare = html.replace("&#64;", "");
                assert!(!bare.contains('@'), "somebody is mentioned: {html}");
            }
            Event::Start(Tag::Heading { .. }) => headings += 1,
            Event::Start(tag @ (Tag::Link { .. } | Tag::Image { .. } | Tag::Table(_) | Tag::BlockQuote(_))) => {
                panic!("{tag:?} in:\n{text}")
            }
            Event::Start(Tag::CodeBlock(_)) => {
                in_fence = true;
                fenced.push(String::new());
            }
            Event::End(pulldown_cmark::TagEnd::CodeBlock) => in_fence = false,
            Event::Text(content) if in_fence => fenced.last_mut().unwrap().push_str(&content),
            _ => {}
        }
    }
    assert_eq!(depth, 0, "a fold stays open:\n{text}");
    assert_eq!(headings, 1, "{text}");
    // The library closes what stays open at the end: count the fences ourselves.
    assert_eq!(closed_fences(text), fenced.len(), "a fence stays open:\n{text}");
    fenced
}

fn tags(html: &str) -> Vec<String> {
    let starts = html.match_indices('<').map(|(at, _)| at);
    starts.map(|at| html[at..].split_inclusive('>').next().unwrap().to_owned()).collect()
}

fn closed_fences(text: &str) -> usize {
    let mut open: Option<usize> = None;
    let mut closed = 0;
    for line in text.lines() {
        let ticks = line.chars().take_while(|c| *c == '`').count();
        match open {
            None if ticks >= 3 => open = Some(ticks),
            Some(length) if ticks >= length && line.chars().all(|c| c == '`') => {
                open = None;
                closed += 1;
            }
            _ => {}
        }
    }
    assert_eq!(open, None, "{text}");
    closed
}

/// Asserts that annotations are so many lines, each one command and no second one.
#[track_caller]
pub fn assert_annotations(text: &str, count: usize) {
    assert_steers_nothing(text);
    assert_eq!(text.lines().count(), count, "{text}");
    for line in text.lines() {
        let (head, body) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
        assert!(["error ", "warning ", "notice "].iter().any(|level| head.starts_with(level)), "{line}");
        assert!(!body.is_empty(), "{line}");
    }
}

/// Asserts that a text is JUnit's XML with so many tests, and gives the names of those that failed.
#[track_caller]
pub fn assert_junit(text: &str, tests: usize) -> Vec<String> {
    use quick_xml::events::Event as Xml;
    assert_steers_nothing(text);
    let mut reader = quick_xml::Reader::from_str(text);
    let (mut names, mut failed, mut depth) = (Vec::new(), Vec::new(), 0);
    loop {
        match reader.read_event().unwrap() {
            Xml::Start(start) | Xml::Empty(start) if start.name().as_ref() == b"testcase" => {
                let name = start.attributes().map(Result::unwrap).find(|a| a.key.as_ref() == b"name").unwrap();
                names.push(name.unescape_value().unwrap().into_owned());
                depth += 0;
            }
            Xml::Start(start) if start.name().as_ref() == b"failure" => failed.push(names.last().unwrap().clone()),
            Xml::Start(_) => depth += 1,
            Xml::Eof => break,
            _ => {}
        }
    }
    assert!(depth >= 2, "{text}");
    assert_eq!(names.len(), tests, "{text}");
    failed.dedup();
    failed
}
