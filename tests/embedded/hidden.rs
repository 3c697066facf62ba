//! Characters that a reader does not see: refused in everything that grants or names, escaped in every view of everything else.

use std::collections::BTreeMap;

use leasehold_provider::Principal;
use leasehold_test_harness::{START, Stack, sarif};

const BASE: &str = r#"leasehold {
  stack = "hidden"
}
provider "local" {}
owner "jane" {
  name  = "Jane Doe"
  email = "jane@example.com"
}
service "s" {
  owner = owner.jane
}
scope "read" {
  description = "DESCRIPTION"
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::b/*"]
    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalTag/team"
      values   = ["payments"]
    }
  }
}
identity "bot" {
  kind        = "service"
  owner       = owner.jane
  service     = service.s
  environment = "prod"
  ttl         = "90d"
  purpose     = "PURPOSE"
  name        = "bot"
  tags        = { team = "payments" }
  scopes      = [scope.read]
}
"#;

/// One of each class, as a reader of the diagnostic sees it.
const HIDDEN: [(&str, &str); 6] = [
    ("\u{202e}", "U+202E (changes the direction of text)"),
    ("\u{200b}", "U+200B (shown as nothing)"),
    ("\u{e0041}", "U+E0041 (shown as nothing)"),
    ("\u{3164}", "U+3164 (shown as nothing)"),
    ("\u{a0}", "U+00A0 (looks like a blank)"),
    ("\u{9b}", "U+009B (a control character)"),
];

#[test]
fn what_grants_or_names_is_refused() {
    for (text, name) in [
        ("s3:GetObject", "actions"),
        ("arn:aws:s3:::b/*", "resources"),
        ("StringEquals", "test"),
        ("aws:PrincipalTag/team", "variable"),
        ("\"payments\"]", "values"),
        ("\"prod\"", "environment"),
        ("name        = \"bot\"", "name"),
        ("= \"payments\" }", "tags"),
        ("Jane Doe", "name"),
    ] {
        for (hidden, says) in HIDDEN {
            let at = text.rfind(|c: char| c.is_alphanumeric()).unwrap();
            let hostile = format!("{}{hidden}{}", &text[..at], &text[at..]);
            let ran = Stack::of(&BASE.replacen(text, &hostile, 1)).run(&["validate"]).expect(1);
            let ran = ran.says(&[&format!("`{name}` contains the hidden character {says}"), "stack.hcl:", "help: "]);
            assert!(!ran.stderr.contains(hidden), "{ran}");
        }
    }
}

#[test]
fn escapes_expressions_and_sensitive_values_are_refused_too() {
    let with = |resource: &str| BASE.replace("\"arn:aws:s3:::b/*\"", resource);
    for resource in ["\"b\\u202e/*\"", "join(\"\\u200b\", [\"b\", \"/*\"])", "sensitive(\"b\\U000e0041\")"] {
        let ran = Stack::of(&with(resource)).run(&["validate"]).expect(1);
        ran.says(&["`resources` contains the hidden character"]);
    }
    let secret = Stack::of(&format!("{}variable \"s\" {{\n  sensitive = true\n}}\n", with("var.s")));
    let ran = secret.run_with(&[("LEASEHOLD_VAR_s", "swordfish\u{200b}")], &["validate"]).expect(1);
    ran.says(&["U+200B", "a (sensitive value)"]).does_not_say(&["swordfish"]);
}

#[test]
fn keys_words_and_comments_are_refused() {
    for (from, to) in [
        ("identity \"bot\" {", "identity \"bot\" {\n  for_each = toset([\"a\\u200b\"])\n"),
        ("ttl         = ", "ttl\u{200b}         = "),
        ("provider \"local\" {}", "provider \"local\" {}\n# fine \u{202e} }\n"),
        ("provider \"local\" {}", "provider \"local\" {}\nlocals {\n  a\u{34f} = 1\n}\n"),
        ("owner       = owner.jane", "owner \u{a0}     = owner.jane"),
    ] {
        let ran = Stack::of(&BASE.replacen(from, to, 1)).run(&["validate"]).expect(1);
        ran.says(&["hidden character U+", "stack.hcl:"]);
    }
    // Other comments and letters are those of their writers.
    Stack::of(&BASE.replace("provider \"local\" {}", "provider \"local\" {} # für Zoë 👍\u{fe0f}")).ok(&["validate"]);
}

const PROSE: &str =
    "\u{202e}\u{200b}\u{e0041}<!-- --> `x` @everyone [a](http://b) ![i](c) </details> \\n## head ::error::x";

#[test]
fn prose_is_escaped_in_every_view() {
    let text = BASE.replace("PURPOSE", PROSE).replace("DESCRIPTION", PROSE);
    let stack = Stack::of(&text).at(START);
    for format in ["human", "markdown", "json", "github", "sarif", "junit"] {
        let ran = stack.ok(&["plan", "--format", format, "--json-into", "plan.json"]);
        let json = stack.read("plan.json");
        for c in ['\u{202e}', '\u{200b}', '\u{e0041}'] {
            assert!(!ran.stdout.contains(c) && !json.contains(c), "{format}: {c:?} in {ran}");
        }
        assert!(json.contains("\\u202e\\u200b\\udb40\\udc41"), "{json}");
        match format {
            "json" => assert_eq!(ran.json().to_string().matches('\u{202e}').count(), json.matches("\\u202e").count()),
            "sarif" => sarif::assert_valid(&ran.json()),
            "markdown" => {
                assert!(!ran.stdout.contains("<!--") && !ran.stdout.contains("\n## "), "{ran}");
                let fences: Vec<&str> = ran.stdout.split("```").collect();
                let outside: String = fences.iter().step_by(2).copied().collect();
                for c in ["@everyone", "](http", "`x`"] {
                    assert!(!outside.contains(c), "{c} in {ran}");
                }
            }
            _ => {}
        }
    }
    stack.apply();
    for command in [vec!["list", "--format", "json"], vec!["show", "identity.bot"], vec!["audit", "--format", "json"]] {
        let ran = stack.run(&command);
        assert!(!ran.stdout.contains(['\u{202e}', '\u{200b}', '\u{e0041}']), "{ran}");
    }
}

#[test]
fn names_from_outside_are_escaped() {
    let stack = Stack::of(&BASE.replace("PURPOSE", "p").replace("DESCRIPTION", "d")).at(START);
    stack.apply();
    stack.outside().create_principal(Principal::User, "od\u{202e}d", &BTreeMap::new()).unwrap();
    for format in ["human", "markdown", "json", "github", "sarif", "junit"] {
        let ran = stack.run(&["drift", "--format", format, "--unmanaged"]);
        assert!(ran.stdout.contains("202e") && !ran.stdout.contains('\u{202e}'), "{format}: {ran}");
    }
    stack.write("od\u{202e}d.hcl", "locals {\n  x = nothing\n}\n");
    for format in ["human", "json", "github", "sarif"] {
        let ran = stack.run(&["validate", "--format", format]).expect(1);
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!all.contains('\u{202e}'), "{format}: {ran}");
    }
}
