//! Findings for machines, and for terminals of other sizes.

use leasehold::views::diagnostics::{
    DiagnosticStyle, render_diagnostics, render_diagnostics_github, render_diagnostics_json,
};

use super::stack::Stack;

fn stack() -> Stack {
    Stack::with("owner \"tom\" {\n  näme = \"\x1b[31m, 100%: x\"\n}\nowner \"jane\" {\n}\n")
}

#[test]
fn json_has_terraforms_keys() {
    let (loaded, sources) = (stack().load(), stack().sources());
    insta::assert_snapshot!(
        "json",
        serde_json::to_string_pretty(&render_diagnostics_json(&loaded.findings, &sources)).unwrap()
    );
}

#[test]
fn annotations_are_escaped() {
    let (loaded, sources) = (stack().load(), stack().sources());
    insta::assert_snapshot!(render_diagnostics_github(&loaded.findings, &sources), @r#"
    ::error file=main.hcl,line=2,endLine=2,col=3,title=owner "tom" has no attribute `näme`::unknown name%0Adid you mean `name`?
    ::error file=zz.hcl,line=2,endLine=2,col=1,title=owner "jane" is declared twice::declared again here%0Akeep one of them, or change the label of one
    "#);
}

#[test]
fn color_only_on_request() {
    let (loaded, sources) = (stack().load(), stack().sources());
    let drawn = |color| render_diagnostics(&loaded.findings, &sources, DiagnosticStyle { color, width: 60 });
    assert!(drawn(true).contains("\u{1b}["));
    assert!(!drawn(false).contains('\u{1b}'));
    // Without its colours it is the same drawing, and the escape in the file is in neither.
    assert!(!drawn(true).contains("\u{1b}[31m, 100%"));
}

#[test]
fn findings_come_in_the_order_of_files_and_places() {
    let loaded = Stack::default().file("b.hcl", b"a = 1\nb = 2\n").file("a.hcl", b"c = 3\n").load();
    let places: Vec<_> = loaded
        .findings
        .iter()
        .map(|finding| finding.location.as_ref().map(|at| (at.span.file.0, at.span.bytes.start)))
        .collect();
    assert_eq!(places, [None, Some((0, 0)), Some((1, 0)), Some((1, 6))]);
}
