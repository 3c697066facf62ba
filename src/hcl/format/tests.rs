use proptest::prelude::*;

use super::*;
use crate::hcl::source::SourceFile;

fn formatted(text: &str) -> Result<String, Vec<Diagnostic>> {
    let file = SourceFile { name: "a.hcl".to_owned(), bytes: text.as_bytes().into() };
    format_files(std::iter::once((FileId(0), &file))).map(|texts| texts.concat())
}

/// The declarations in a text, without ranges. Two texts that differ only in blanks give the same result.
fn meaning(text: &str) -> String {
    let file = SourceFile { name: "a.hcl".to_owned(), bytes: text.as_bytes().into() };
    let parsed = parse_files(std::iter::once((FileId(0), &file)), 1);
    assert!(parsed.findings.is_empty(), "{text}\n{:?}", parsed.findings);
    let shown = format!("{:?} {:?}", parsed.blocks, parsed.attributes);
    let place = regex::Regex::new(r"ByteRange \{ start: \d+, end: \d+ \}").unwrap();
    place.replace_all(&shown, "_").into_owned()
}

#[test]
fn a_file_that_cannot_be_read_is_a_finding() {
    assert!(formatted("a = \n").is_err());
    assert!(formatted("a {\n").is_err());
}

#[test]
fn columns_brackets_and_comments() {
    let before = "# head\nidentity   \"x\"{\n  kind=\"service\"   # why\nowner    =owner.jane// who\n\n\n   scopes=[scope.a,scope.b]\n  tags={\na=1\n   long_name=-2\n}\n  statement { effect=\"deny\" }\n}\n";
    let after = "# head\nidentity \"x\" {\n  kind  = \"service\"  # why\n  owner = owner.jane // who\n\n\n  scopes = [scope.a, scope.b]\n  tags = {\n    a         = 1\n    long_name = -2\n  }\n  statement { effect = \"deny\" }\n}\n";
    assert_eq!(formatted(before).unwrap(), after);
}

#[test]
fn strings_and_heredocs_stay() {
    let text = "locals {\n  a = \"x  ${  b  }  $${ c }\"\n  d = <<-EOT\n      ${ x }   y\n  EOT\n  e = 1\n}\n";
    assert_eq!(formatted(text).unwrap(), text.replace("${  b  }", "${b}"));
}

/// Generates bodies with random blanks wherever the language allows them.
fn configuration() -> impl Strategy<Value = String> {
    let blank = || prop_oneof![Just(""), Just(" "), Just("   "), Just("\t")];
    let atom = prop_oneof![
        Just("1".to_owned()),
        Just("-2.5e3".to_owned()),
        Just("\"a  b\"".to_owned()),
        Just("\"p ${ var.x } $${q} %{ if a }y%{ endif }\"".to_owned()),
        Just("local.a.b[0]".to_owned()),
        Just("null".to_owned()),
        Just("!true".to_owned()),
        Just("x[*].y".to_owned()),
        Just("\"é‍👩‍👧 ü\"".to_owned()),
    ];
    let expression = atom.prop_recursive(3, 24, 4, move |inner| {
        let many = proptest::collection::vec((inner.clone(), blank()), 0..4);
        prop_oneof![
            many.clone().prop_map(|items| {
                let items: Vec<String> =
                    items.into_iter().map(|(item, blank)| format!("{blank}{item}{blank}")).collect();
                format!("[{}]", items.join(","))
            }),
            many.clone().prop_map(|items| {
                let items: Vec<String> = items.into_iter().map(|(item, blank)| format!("{blank}{item},\n")).collect();
                format!("[ # why\n{}]", items.concat())
            }),
            many.clone().prop_map(|items| {
                let items = items.into_iter().enumerate();
                let items: Vec<String> =
                    items.map(|(index, (item, blank))| format!("{blank}key{index}{blank}={item}\n")).collect();
                format!("{{\n{}}}", items.concat())
            }),
            many.prop_map(|items| {
                let items: Vec<String> = items.into_iter().map(|(item, _)| item).collect();
                format!("merge( {} )", items.join(" , "))
            }),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}+{b}) *  -3")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}==1?{b}:{a}")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("{{for k,v in {a}:k=>{b}...if v!=-1}}")),
        ]
    });
    let line = (expression, blank(), "[a-z]{1,6}").prop_map(|(value, blank, name)| (name, blank, value));
    let body = proptest::collection::vec((line, 0..6_usize), 0..8).prop_map(|lines| {
        let mut text = String::new();
        for (index, ((name, blank, value), form)) in lines.into_iter().enumerate() {
            text.push_str(&match form {
                0 => format!("{blank}# a comment  here\n"),
                1 => "\n".to_owned(),
                2 => format!("{blank}{name}{index} {blank}= <<-EOT\n   {name}  ${{ x }}\n   EOT\n"),
                3 => format!("{blank}inner \"l\" {blank}{{\n {name}={value} // c\n}}\n"),
                4 => format!("/* a\n  b */ {name}{index}{blank}={blank}{value}  #c\n"),
                _ => format!("{blank}{name}{index}{blank}={blank}{value}{blank}\n"),
            });
        }
        text
    });
    proptest::collection::vec(body, 1..4)
        .prop_map(|bodies| bodies.into_iter().map(|body| format!("block \"x\"  {{\n{body}}}\n\n")).collect())
}

/// `LEASEHOLD_FORMAT_CASES` sets the number of cases, for a longer run.
fn cases() -> u32 {
    #[allow(clippy::disallowed_methods, reason = "a test's size")]
    std::env::var("LEASEHOLD_FORMAT_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn the_layout_declares_the_same_and_is_stable(text in configuration()) {
        let once = formatted(&text).unwrap();
        prop_assert_eq!(meaning(&once), meaning(&text), "{}", once);
        prop_assert_eq!(formatted(&once).unwrap(), once);
    }

    #[test]
    fn no_byte_but_blanks_is_lost(text in "[a-z0-9 \t\n\"${}\\[\\](),.=<>#/*!&|?:~%\\\\é-]{0,200}") {
        let laid_out = format_text(&text);
        let rest = |text: &str| text.chars().filter(|c| !matches!(c, ' ' | '\t')).collect::<String>();
        let (ours, given) = (rest(&laid_out), rest(&text));
        prop_assert_eq!(ours.trim_end_matches('\n'), given.trim_end_matches('\n'));
    }
}
