//! Text that is not valid HCL.

use crate::config::stack::Stack;

#[test]
fn syntax_error() {
    insta::assert_snapshot!(
        "syntax_error",
        Stack::with("identity \"bot\" {\n  kind = = \"service\"\n}\nscope \"x\" {\n  descripton = \"y\"\n}\n").drawn()
    );
}

#[test]
fn missing_comma() {
    insta::assert_snapshot!(Stack::with("locals {\n  list = [\n    \"a\"\n    \"b\",\n  ]\n}\n").drawn(), @r#"
    config::syntax

      × syntax error
       ╭─[main.hcl:4:5]
     3 │     "a"
     4 │     "b",
       ·     ┬
       ·     ╰── expected `]`
     5 │   ]
       ╰────
      help: is a comma missing before it?
    "#);
}

#[test]
fn two_attributes_on_one_line() {
    insta::assert_snapshot!(Stack::with("service \"x\" { owner = owner.jane status = \"retired\" }\n").drawn(), @r#"
    config::syntax

      × syntax error: invalid block body
       ╭─[main.hcl:1:34]
     1 │ service "x" { owner = owner.jane status = "retired" }
       ·                                  ───┬──
       ·                                     ╰── expected `}`, newline or identifier
       ╰────
      help: a block on one line can have only one attribute: write each attribute on its own line
    "#);
}

#[test]
fn single_quotes() {
    insta::assert_snapshot!(Stack::with("locals {\n  a = 'text'\n}\n").drawn(), @"
    config::syntax

      × a value is missing or not valid
       ╭─[main.hcl:2:7]
     1 │ locals {
     2 │   a = 'text'
       ·       ┬
       ·       ╰── expected a value
     3 │ }
       ╰────
      help: strings must be in double quotes
    ");
}

#[test]
fn unclosed_brace() {
    insta::assert_snapshot!(Stack::with("owner \"tom\" {\n  name = \"Tom\"\n\nowner \"ann\" {\n  nme = \"Ann\"\n}\n").drawn(), @r#"
    config::syntax

      × this `{` is never closed
       ╭─[main.hcl:1:13]
     1 │ owner "tom" {
       ·             ┬
       ·             ╰── opened here
     2 │   name = "Tom"
       ╰────
      help: close it with `}`

    config::unknown_attribute

      × owner "ann" has no attribute `nme`
       ╭─[main.hcl:5:3]
     4 │ owner "ann" {
     5 │   nme = "Ann"
       ·   ─┬─
       ·    ╰── unknown name
     6 │ }
       ╰────
      help: did you mean `name`?
    "#);
}

#[test]
fn unclosed_string() {
    insta::assert_snapshot!(Stack::with("owner \"tom\" {\n  name = \"Tom\n}\nowner \"ann\" {\n  nme = \"Ann\"\n}\n").drawn(), @r#"
    config::syntax

      × this string is not closed on its line
       ╭─[main.hcl:2:10]
     1 │ owner "tom" {
     2 │   name = "Tom
       ·          ──┬─
       ·            ╰── begins here
     3 │ }
       ╰────
      help: close it with ", or use a heredoc for several lines: <<EOT … EOT

    config::unknown_attribute

      × owner "ann" has no attribute `nme`
       ╭─[main.hcl:5:3]
     4 │ owner "ann" {
     5 │   nme = "Ann"
       ·   ─┬─
       ·    ╰── unknown name
     6 │ }
       ╰────
      help: did you mean `name`?
    "#);
}

#[test]
fn unclosed_heredoc() {
    insta::assert_snapshot!(Stack::with("locals {\n  text = <<EOT\n    words\n}\n").drawn(), @"
    config::syntax

      × this heredoc is never closed
       ╭─[main.hcl:2:10]
     1 │ locals {
     2 │   text = <<EOT
       ·          ──┬──
       ·            ╰── opened here
     3 │     words
       ╰────
      help: end it with a line that contains only EOT
    ");
}

#[test]
fn mismatched_bracket() {
    insta::assert_snapshot!(Stack::with("locals {\n  list = [1, 2)\n}\n").drawn(), @"
    config::syntax

      × unexpected `)`
       ╭─[main.hcl:2:15]
     1 │ locals {
     2 │   list = [1, 2)
       ·          ┬    ┬
       ·          │    ╰── unexpected
       ·          ╰── this `[` is still open here
     3 │ }
       ╰────
      help: close this `[` with `]` first, or remove this `)`
    ");
}

#[test]
fn attribute_twice() {
    insta::assert_snapshot!(Stack::with("owner \"tom\" {\n  name = \"Tom\"\n  name = \"Thomas\"\n}\n").drawn(), @r#"
    config::duplicate_attribute

      × attribute `name` is set twice
       ╭─[main.hcl:3:3]
     2 │   name = "Tom"
     3 │   name = "Thomas"
       ·   ──┬─
       ·     ╰── set again here
     4 │ }
       ╰────
      help: keep one of them
    "#);
}

#[test]
fn not_utf8() {
    insta::assert_snapshot!(Stack::with("").file("latin.hcl", b"owner \"tom\" {\n  name = \"J\xf6rg\"\n}\n").drawn(), @r#"
    config::not_utf8

      × latin.hcl is not UTF-8 text
       ╭─[latin.hcl:2:12]
     1 │ owner "tom" {
     2 │   name = "J�rg"
       ·            ┬
       ·            ╰── byte 0xf6 at offset 25
     3 │ }
       ╰────
      help: save the file as UTF-8; it may be Latin-1 or Windows-1252
    "#);
}

#[test]
fn utf16() {
    insta::assert_snapshot!(Stack::with("").file("wide.hcl", b"\xff\xfeo\0w\0").drawn(), @"
    config::not_utf8

      × wide.hcl is not UTF-8 text
       ╭─[wide.hcl:1:1]
     1 │ ��o␀w␀
       · ┬
       · ╰── byte 0xff at offset 0
       ╰────
      help: the file seems to be UTF-16: save it as UTF-8
    ");
}

#[test]
fn seventy_levels() {
    insta::assert_snapshot!(Stack::with(&format!("locals {{\n  deep = {}1{}\n}}\nlocals {{\n  x = nope.y\n}}\n", "[".repeat(70), "]".repeat(70))).drawn(), @"
    config::too_deep

      × nested more than 60 levels deep
       ╭─[main.hcl:2:69]
     1 │ locals {
     2 │   deep = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
       ·                                                                     ┬
       ·                                                                     ╰── level 61
     3 │ }
       ╰────
      help: move inner parts to a `locals` block

    config::undefined_reference

      × `nope` is not defined
       ╭─[main.hcl:5:7]
     4 │ locals {
     5 │   x = nope.y
       ·       ──┬─
       ·         ╰── unknown name
     6 │ }
       ╰────
      help: did you mean `scope`?
    ");
}

#[test]
fn terminal_escapes() {
    insta::assert_snapshot!(Stack::with("owner \"tom\" {\n  nme = \"\x1b[31mred\x1b[0m \u{202e}txt\"\n}\nowner \"t\x1bm\" {\n}\n").drawn(), @r#"
    config::unknown_attribute

      × owner "tom" has no attribute `nme`
       ╭─[main.hcl:2:3]
     1 │ owner "tom" {
     2 │   nme = "␛[31mred␛[0m �txt"
       ·   ─┬─
       ·    ╰── unknown name
     3 │ }
       ╰────
      help: did you mean `name`?

    config::label

      × "t\u001bm" is not a valid label
       ╭─[main.hcl:4:7]
     3 │ }
     4 │ owner "t␛m" {
       ·       ──┬──
       ·         ╰── not a name
     5 │ }
       ╰────
      help: use letters, digits, `_` and `-`, starting with a letter or `_`; to set another name in
            the cloud, write name = "…"
    "#);
}

#[test]
fn several_files_at_once() {
    insta::assert_snapshot!("several_files_at_once", Stack::with("owner \"tom\" {\n  name = \n}\n").file("b.hcl", b"owner \"ann\" {\n  nme = \"Ann\"\n}\nidentity \"bot\" {\n  kind  = \"service\"\n  owner = owner.tom\n  ttl   = \"never\"\n}\n").drawn());
}
