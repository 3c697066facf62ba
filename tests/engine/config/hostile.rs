//! Input made to break the program: it is refused with a diagnostic, soon, and within bounds.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::stack::Stack;

/// Loads a stack, and gives the codes of the findings.
#[allow(clippy::disallowed_methods)]
fn codes(text: &str) -> Vec<&'static str> {
    let start = Instant::now();
    let loaded = Stack::with(text).load();
    // Debug builds on busy machines are slow; a hang is not.
    assert!(start.elapsed() < Duration::from_secs(120), "took {:?}", start.elapsed());
    let mut codes: Vec<&str> = loaded.findings.into_iter().map(|finding| finding.code).collect();
    codes.dedup();
    assert_eq!(loaded.declared.is_none(), !codes.is_empty());
    codes
}

const NONE: [&str; 0] = [];

/// Loads a stack that must be refused, and gives the codes of the findings.
fn refused(text: &str) -> Vec<&'static str> {
    let codes = codes(text);
    assert_ne!(codes, NONE, "{}", &text[..text.len().min(200)]);
    codes
}

fn local_codes(expression: &str) -> Vec<&'static str> {
    codes(&format!("locals {{\n  x = {expression}\n}}\n"))
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
    // The references are too deep; and then the lists are, because each local that fails ends a chain.
    assert_eq!(refused(&text), ["config::too_deep", "config::budget"]);
}

#[test]
fn values_within_values() {
    let nested = |levels: usize| {
        let lines: String = (1..levels).map(|i| format!("  l{i:05} = [local.l{:05}]\n", i - 1)).collect();
        format!("locals {{\n  l00000 = [1]\n{lines}}}\n")
    };
    // A list of one number has two levels.
    assert_eq!(codes(&nested(199)), NONE);
    assert_eq!(codes(&nested(200)), ["config::budget"]);
    codes(&nested(40_000));
}

#[test]
fn forty_thousand_locals_of_every_kind() {
    let locals = |line: &dyn Fn(usize) -> String| {
        codes(&format!("locals {{\n{}}}\n", (0..40_000).map(|i| format!("  {}\n", line(i))).collect::<String>()))
    };
    assert_eq!(locals(&|i| format!("l{i} = {i}")), NONE);
    assert_eq!(locals(&|i| format!("l{i} = 1 + {i}")), NONE);
    assert_eq!(
        locals(&|i| format!("l{i:05} = {}", if i == 0 { "1".to_owned() } else { format!("local.l{:05}", i - 1) })),
        NONE
    );
    assert_eq!(locals(&|i| format!("l{i} = local.m{i}")), ["config::undefined_reference", "config::too_many"]);
}

#[test]
fn products_with_an_empty_side() {
    let stack = Stack::with("locals {\n  x = setproduct(range(1000), range(1000), range(1000), [])\n}\n");
    assert_eq!(stack.load().findings, []);
    assert_eq!(local_codes("setproduct(range(1000), range(126))"), ["config::budget"]);
    assert_eq!(local_codes("setproduct(range(1000), range(125))"), NONE);
}

/// Text of a million bytes, as a local.
const MILLION: &str = "join(\"\", [for i in range(1000) : format(\"%1000d\", i)])";

fn with_million(expression: &str) -> Vec<&'static str> {
    codes(&format!("locals {{\n  s = {MILLION}\n  x = {expression}\n}}\n"))
}

#[test]
fn texts_are_read_again_and_again() {
    for (call, few) in [
        ("length(local.s)", 20),
        ("substr(local.s, 0, 1)", 20),
        ("\"${local.s}1\" == \"${local.s}2\"", 10),
        ("can(\"${local.s}${[]}\")", 100),
        ("can({ a = 1 }[local.s])", 100),
        ("{ (local.s) = 1 }", 50),
    ] {
        assert_eq!(with_million(&format!("[for i in range({few}) : {call}]")), NONE, "{call}");
        let often = format!("[for i in range(1000) : [for j in range(1000) : {call}]]");
        assert_eq!(with_million(&often), ["config::budget"], "{call}");
    }
}

#[test]
fn failures_that_are_caught_again_and_again() {
    let often = |call: &str| {
        let list = "flatten([for i in range(100) : range(1000)])";
        let map = "merge([for i in range(50) : { for j in range(1000) : \"k${i} ${j}\" => null }]...)";
        let x = format!("[for i in range(1000) : [for j in range(100) : {call}]]");
        codes(&format!("locals {{\n  l = {list}\n  m = {map}\n  n = tomap(local.m)\n  x = {x}\n}}\n"))
    };
    for call in [
        "can([for x in local.l : x.y])",
        "can(length(local.l...))",
        "can(local.l[*].y)",
        "lookup(local.n, \"a\", \"\")",
    ] {
        assert_eq!(often(call), ["config::budget"], "{call}");
    }
    // The names of what there is are not collected for a message that nobody reads.
    assert_eq!(often("can(local.m.nothing)"), NONE);
}

#[test]
fn results_larger_than_what_they_are_made_of() {
    for bomb in [
        "formatlist(\"%1000[1]d%1000[1]d%1000[1]d%1000[1]d\", flatten([for i in range(200) : range(1000)]))",
        "csvdecode(join(\"\", [local.s, \"\\n\", join(\"\\n\", flatten([for i in range(100) : [for j in range(1000) : \"a\"]]))]))",
        "[for i in range(50) : regexall(\"((((((((((((((((((.*))))))))))))))))))\", local.s)]",
        "[for i in range(1000) : jsondecode(\"[[${join(\",\", range(1000))}], [${join(\",\", range(1000))}]]\")]",
        "replace(local.s, \"/./\", \"$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0\")",
        "setunion([for i in range(1000) : [local.s]]..., [for i in range(1000) : [for j in range(300) : i * 1000 + j]]...)",
    ] {
        let codes = with_million(bomb);
        assert!(codes.contains(&"config::budget") || codes.contains(&"config::syntax"), "{bomb}: {codes:?}");
    }
}

#[test]
fn aliases_that_multiply() {
    let yaml = |inner: usize, outer: usize| {
        let list = |word: &str, count: usize| vec![word; count].join(",");
        let (a, b, c) = (list("1", inner), list("*a", inner), list("*b", outer));
        local_codes(&format!("yamldecode(\"a: &a [{a}]\\nb: &b [{b}]\\nc: [{c}]\\n\")"))
    };
    assert_eq!(yaml(100, 10), NONE);
    assert_eq!(yaml(1000, 200), ["config::budget"]);
}

#[test]
fn patterns_that_read_the_same_text_again() {
    let text = "join(\"\", [for i in range(1000) : join(\"\", [for j in range(240) : \"a\"])])";
    for call in [
        "regexall(\"a.*b|a\", @)",
        "regexall(\"(a.*b)?\", @)",
        "replace(@, \"/a.*b|a/\", \"\")",
        "regexall(\"a.*b|c\", replace(@, \"aa\", \"ac\"))",
    ] {
        assert_eq!(local_codes(&call.replace('@', text)), ["config::budget"], "{call}");
    }
    for call in ["regexall(\"a+\", @)", "replace(@, \"/a.*b|b/\", \"\")", "regexall(\"a{50}\", @)"] {
        assert_eq!(local_codes(&call.replace('@', text)), NONE, "{call}");
    }
}

#[test]
fn numbers_with_many_digits() {
    let often = |a: usize, b: usize| {
        let number = |count: usize| format!("tonumber(\"1{}\")", "7".repeat(count - 1));
        let x = "[for i in range(1000) : [for j in range(300) : local.a % local.b]]";
        codes(&format!("locals {{\n  a = {}\n  b = {}\n  x = {x}\n}}\n", number(a), number(b)))
    };
    assert_eq!(often(15, 2), NONE);
    assert_eq!(often(900, 500), ["config::budget"]);
    let digits = |count: usize| local_codes(&format!("tonumber(\"{}\")", "7".repeat(count)));
    assert_eq!(digits(1000), NONE);
    assert_eq!(digits(1001), ["config::function"]);
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
