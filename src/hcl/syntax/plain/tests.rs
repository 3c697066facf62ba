use proptest::prelude::*;

use super::*;
use crate::hcl::syntax::lower::LoweringContext;

/// The item as `hcl-edit` reads it.
fn long_way(text: &str) -> Option<String> {
    let body = hcl_edit::parser::parse_body(text).ok()?;
    let lower = LoweringContext { text, offset: 7, file: FileId(1) };
    let mut items = body.into_iter().map(|structure| match structure {
        hcl_edit::structure::Structure::Block(block) => PlainItem::Block(lower.lower_block(block)),
        hcl_edit::structure::Structure::Attribute(attribute) => PlainItem::Attribute(lower.lower_attribute(attribute)),
    });
    let only = items.next()?;
    assert!(items.next().is_none(), "one item: {text:?}");
    Some(format!("{only:?}"))
}

fn short_way(text: &str) -> Option<String> {
    read_plain_item(text, 7, FileId(1), &mut WordInterner::default()).map(|item| format!("{item:?}"))
}

#[test]
fn reads_what_large_stacks_consist_of() {
    for text in [
        "owner \"jane\" { email = \"jane@example.com\" }\n",
        "a = 1.50 # words\n",
        "a = [\n  x.y-z, # one\n  \"b\",\n\n]\n",
        "identity \"x\" {\r\n  kind = \"human\" // a\r\n\r\n  tags = { a = \"b\", \"c d\" : null\n e = [true] }\r\n  t \"o\" {\r\n  }\r\n}\r\n",
        "b {}",
        "a = { x = 1, }\n",
        "a = {\n  x = \"${y}\" # c\n  z = f(1, [2]), w = a ? b : c\n}\n",
    ] {
        assert_eq!(short_way(text), long_way(text), "{text}");
        assert!(short_way(text).is_some(), "{text}");
    }
    for text in ["a = \"${x}\"\n", "a = 1 + 2\n", "a = f(1)\n", "a = [for x in y : x]\n", "a = \"\\n\"\n", "a = x[0]\n"]
    {
        assert_eq!(short_way(text), None, "{text}");
    }
}

fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "a = 1",
        "k = x.y",
        "e = f(1)",
        "e = \"${a}\"",
        "e = a + 1",
        "(",
        ")",
        " ? ",
        "!",
        "[*]",
        "${",
        "<<E\n",
        "\"q\" : \"v\"",
        "l = [",
        "o = {",
        "b {
",
        "b \"l\" {
",
        "}
",
        "]
",
        ", ",
        ",
",
        "
",
        "a",
        "b",
        "for",
        "null",
        "true",
        "x-y",
        "_",
        "\"s\"",
        "\"s t\"",
        "\"$x%\"",
        "\"${a}\"",
        "\"\\t\"",
        "1",
        "2.5",
        "1e3",
        ".",
        "=",
        "=",
        ":",
        ",",
        "{",
        "}",
        "{\n",
        "\n}",
        "[",
        "]",
        "\n",
        "\r\n",
        "\r",
        " ",
        "# c\n",
        "// c\n",
        "/* c */",
        "-",
        "+",
        "=>",
        "é",
    ]);
    prop::collection::vec(word, 0..14).prop_map(|words| words.concat())
}

/// Generates objects whose values are expressions.
fn objects() -> impl Strategy<Value = String> {
    let value = prop::sample::select(vec![
        "1",
        "\"a\"",
        "\"${a}\"",
        "\"x ${f(\"}\", { b = 1 })} y\"",
        "\"$${a}\"",
        "\"%{ if a }b%{ endif }\"",
        "f(1,\n 2)",
        "a + 1",
        "-a",
        "!a",
        "a ? b : c",
        "a[0].b",
        "a[*].b",
        "(a)",
        "( a\n )",
        "[for x in y : x]",
        "{ for k, v in m : k => v }",
        "[f(1), 2]",
        "\"\\t\"",
        "\"é\"",
        "{ z = f(1) }",
        "1e3",
        "a.b",
        "a == b",
        "a\n + 1",
        "<<E\nx\nE",
        "f(a...)",
        "a /* c */",
        "x # c",
    ]);
    let end = prop::sample::select(vec!["\n", ", ", ",\n", " \r\n", "# c\n", " // c\n", " ", ""]);
    let item = (prop::sample::select(vec!["a", "b", "\"c\"", "(d)", "e.f", "\"${g}\""]), value, end);
    let items = prop::collection::vec(item, 0..5);
    items.prop_map(|items| {
        let text = |(key, value, end): (&str, &str, &str)| format!("{key} = {value}{end}");
        format!("n = {{{}}}\n", items.into_iter().map(text).collect::<String>())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn reads_no_object_otherwise_than_hcl_edit(text in objects()) {
        if let Some(short) = short_way(&text) {
            prop_assert_eq!(Some(short), long_way(&text), "{:?}", text);
        }
    }

    #[test]
    fn reads_nothing_otherwise_than_hcl_edit(inner in words(), shape in 0..4) {
        let text = match shape {
            0 => format!("n = {inner}\n"),
            1 => format!("n {{\n{inner}\n}}\n"),
            2 => format!("n = [{inner}]\n"),
            _ => format!("n = {{{inner}}}\n"),
        };
        // The scan passes one item at a time, so this reader does not accept two items in one text.
        if let Some(short) = short_way(&text) {
            prop_assert_eq!(Some(short), long_way(&text), "{:?}", text);
        }
    }
}
