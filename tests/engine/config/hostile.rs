//! Input made to break the program: it is refused with a diagnostic, soon, and within bounds.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::stack::Stack;

/// Loads a stack that must be refused, and gives the codes of the findings.
#[allow(clippy::disallowed_methods)]
fn refused(text: &str) -> Vec<&'static str> {
    let start = Instant::now();
    let loaded = Stack::with(text).load();
    // Debug builds on busy machines are slow; a hang is not.
    assert!(start.elapsed() < Duration::from_secs(20), "took {:?}", start.elapsed());
    assert!(loaded.declared.is_none(), "{}", &text[..text.len().min(200)]);
    let mut codes: Vec<&str> = loaded.findings.into_iter().map(|finding| finding.code).collect();
    codes.dedup();
    codes
}

fn local(expression: &str) -> Vec<&'static str> {
    refused(&format!("locals {{\n  x = {expression}\n}}\n"))
}

#[test]
fn nesting_of_every_kind() {
    let many = 50_000;
    for (open, inner, close) in [
        ("[", "1", "]"),
        ("(", "1", ")"),
        ("{ a = ", "1", " }"),
        ("\"${", "1", "}\""),
        ("f(", "1", ")"),
        ("[for x in ", "[]", " : x]"),
        ("x[", "0", "]"),
        ("!", "true", ""),
        ("-", "1", ""),
        ("true ? 1 : ", "1", ""),
        ("\"%{ if true }", "", "%{ endif }\""),
    ] {
        let deep = format!("{}{inner}{}", open.repeat(many), close.repeat(many));
        assert!(!local(&deep).is_empty(), "{open}");
        let unclosed = open.repeat(many);
        assert!(!local(&unclosed).is_empty(), "{open}");
    }
    refused(&format!("{}{}", "a {\n".repeat(many), "}\n".repeat(many)));
    local(&format!("1{}", " + 1".repeat(many)));
    local(&format!("a{}", ".b".repeat(many)));
}

#[test]
fn long_chains_of_locals() {
    let chain: String = (0..20_000).map(|i| format!("  l{i} = [local.l{}]\n", i + 1)).collect();
    let text = format!("locals {{\n{chain}  l20000 = 1\n}}\n");
    assert_eq!(refused(&text), ["config::too_deep"]);
}

#[test]
fn values_that_double() {
    let doubling = |first: &str, next: &str| {
        let lines: String =
            (1..64).map(|i| format!("  l{i} = {}\n", next.replace('@', &format!("local.l{}", i - 1)))).collect();
        refused(&format!("locals {{\n  l0 = {first}\n{lines}}}\nowner \"o\" {{\n  name = jsonencode(local.l63)\n}}\n"))
    };
    assert_eq!(doubling("\"x\"", "\"${@}${@}\""), ["config::budget"]);
    assert_eq!(doubling("[1]", "[@, @]"), ["config::budget"]);
    assert_eq!(doubling("[1]", "concat(@, @)"), ["config::budget"]);
    assert_eq!(doubling("{ a = 1 }", "{ a = @, b = @ }"), ["config::budget"]);
    assert_eq!(doubling("[1]", "setproduct(@, @)"), ["config::budget"]);
    assert_eq!(doubling("2", "@ * @"), ["config::operation"]);
}

#[test]
fn work_without_end() {
    let loops = "[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : a]]]";
    assert_eq!(local(loops), ["config::budget"]);
    assert_eq!(local(&format!("try({loops}, 1)")), ["config::budget"]);
    assert_eq!(local("range(1e9)"), ["config::function"]);
    assert_eq!(local("1e999999999"), ["config::syntax"]);
    assert_eq!(local("tonumber(\"1e999999999\")"), ["config::function"]);
    assert_eq!(local("format(\"%999999999d\", 1)"), ["config::function"]);
    assert_eq!(local("indent(1e9, \"\\n\")"), ["config::budget"]);
    assert_eq!(
        local("join(\"\", [for a in range(1000) : join(\"\", [for b in range(1000) : \"xxxxxxxxxxxxxxxxxxxx\"])])"),
        ["config::budget"]
    );
}

#[test]
fn patterns_that_explode() {
    for pattern in ["(a{1000}){1000}", "((((a{50}){50}){50}){50})", "(a?){3000}a{3000}", "[", "(?P<a>"] {
        assert_eq!(local(&format!("regex(\"{pattern}\", \"aaaaaaaaaaaaaaaa\")")), ["config::function"], "{pattern}");
    }
    let long =
        "[for a in range(1000) : regexall(\"(a|aa|b)+$\", join(\"\", [for b in range(1000) : \"aaaaaaaaaaaaaaaa\"]))]";
    assert_eq!(local(long), ["config::budget"]);
}

#[test]
fn files_outside_of_the_stack() {
    for path in
        ["/etc/passwd", "../secret", "a/../../secret", "..", "C:\\x", "a\\..\\..\\b", "//x", "file:///etc/passwd"]
    {
        for call in ["file(\"@\")", "fileexists(\"@\")", "templatefile(\"@\", {})", "fileset(\"@\", \"*\")"] {
            let path = path.replace('\\', "\\\\");
            assert_eq!(local(&call.replace('@', &path)), ["config::function"], "{call} {path}");
        }
    }
}

#[test]
fn a_template_that_renders_itself() {
    let stack = Stack::with("locals {\n  x = templatefile(\"t\", {})\n}\n").beside("t", b"${templatefile(\"t\", {})}");
    let codes: Vec<_> = stack.load().findings.into_iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["config::function"]);
}

#[test]
fn large_files_of_nothing_in_particular() {
    refused(&"x".repeat(3_000_000));
    refused(&"\"".repeat(300_000));
    refused(&"a {\n".repeat(100_000));
    refused(&"}\n".repeat(20_000));
    refused(&"<<E\n".repeat(100_000));
    refused(&"a = 1\n".repeat(2_000));
    let wrong: String = (0..2_000).map(|i| format!("identity \"b{i}\" {{\n  ownr = 1\n}}\n")).collect();
    refused(&wrong);
}

/// Words of the language in any order.
fn soup() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "identity",
        "\"x\"",
        "owner",
        "scope",
        "locals",
        "leasehold",
        "variable",
        "statement",
        "dynamic",
        "content",
        "for_each",
        "kind",
        "=",
        "=",
        "=",
        "{",
        "}",
        "{\n",
        "\n}\n",
        "\n",
        "\n",
        "[",
        "]",
        "(",
        ")",
        ",",
        ".",
        "...",
        "?",
        ":",
        "=>",
        "for",
        "in",
        "if",
        "\"",
        "${",
        "%{",
        "}",
        "~}",
        "<<EOT\n",
        "\nEOT\n",
        "<<-E\n",
        "var",
        "local",
        "each",
        "key",
        "a",
        "1",
        "-",
        "!",
        "+",
        "*",
        "[*]",
        "try(",
        "merge(",
        "toset(",
        "null",
        "true",
        "#",
        "//",
        "/*",
        "*/",
        "é",
        "\u{1f600}",
        "\r\n",
        "\t",
        "\\",
        "\\u00e9",
        "$${",
        "1e5",
        "0.5",
        "==",
        "&&",
    ]);
    prop::collection::vec(words, 0..60).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_words_in_any_order_break_it(text in soup()) {
        Stack::with(&text).drawn();
        Stack::with(&format!("locals {{\n  x = {text}\n}}\n")).drawn();
        Stack::with(&format!("identity \"x\" {{\n  {text}\n}}\n")).drawn();
    }

    #[test]
    fn no_bytes_break_it(bytes: Vec<u8>) {
        Stack::default().file("x.hcl", &bytes).drawn();
    }

    #[test]
    fn no_cut_of_a_good_file_breaks_it(at in 0usize..3000) {
        let text = include_str!("reference.hcl");
        let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        Stack::of(&text[..at]).drawn();
    }
}
