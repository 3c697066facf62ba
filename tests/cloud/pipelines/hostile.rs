//! Names and policies that try to break out of what shows them.

use std::collections::BTreeMap;

use leasehold_provider::{Document, Principal};
use serde_json::{Value, json};

use super::inert::{assert_annotations, assert_junit, assert_steers_nothing, assert_well_formed};
use leasehold_test_harness::{START, Stack, sarif};

/// What a hostile text is made of.
const HOSTILE: &str = "````\n</details></code><script>alert(1)</script>\u{1b}[31m\r\n::error file=x::pwned\u{202e}\u{2066}@everyone [x](javascript:1) ![i](http://e) |a|{0} ]]>&amp;";

/// A stack whose every text is hostile, applied.
fn stack() -> Stack {
    let text = serde_json::to_string(HOSTILE).unwrap().replace("${", "$${");
    // What grants access must not contain characters that a reviewer does not see.
    let is_hidden = |c: &char| c.is_control() || matches!(c, '\u{202e}' | '\u{2066}');
    let visible: String = HOSTILE.chars().filter(|c| !is_hidden(c)).collect();
    let visible = serde_json::to_string(&visible).unwrap().replace("${", "$${");
    let stack = Stack::of(&format!(
        r#"leasehold {{ stack = "hostile" }}
owner "jane" {{ email = "jane@example.com" }}
identity "victim" {{
  kind    = "service"
  owner   = owner.jane
  ttl     = "30d"
  purpose = {text}
  statement {{
    actions   = ["s3:GetObject"]
    resources = [{visible}]
  }}
}}
identity "leaver" {{
  kind    = "service"
  owner   = owner.jane
  ttl     = "30d"
  purpose = {text}
}}
"#
    ));
    stack.at(START)
}

fn every_string(value: &Value, check: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => check(text),
        Value::Array(items) => items.iter().for_each(|item| every_string(item, check)),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            check(key);
            every_string(value, check);
        }),
        _ => {}
    }
}

/// Asserts that a command's output is inert in every form.
fn assert_inert(stack: &Stack, command: &[&str], codes: &[i32], cases: usize, annotations: usize) {
    let run = |format: &str| {
        let args = [command, &["--format", format]].concat();
        let ran = stack.run(&args);
        assert!(codes.contains(&ran.code), "{ran}");
        assert_steers_nothing(&ran.stderr);
        ran.stdout
    };
    let human = run("human");
    assert_steers_nothing(&human);
    assert!(!human.lines().any(|line| line.trim_start().starts_with("::")), "{human}");
    let fenced = assert_well_formed(&run("markdown"));
    assert!(
        fenced.iter().flat_map(|text| text.lines()).all(|line| line.starts_with(['+', '-', '!', ' '])),
        "{fenced:?}"
    );
    assert_annotations(&run("github"), annotations);
    let log: Value = serde_json::from_str(&run("sarif")).unwrap();
    sarif::assert_valid(&log);
    every_string(&log, &mut |text| assert_steers_nothing(text));
    assert_junit(&run("junit"), cases);
}

#[test]
fn texts_of_identities_are_escaped() {
    let stack = stack();
    let fields = stack.ok(&["plan", "--format", "json"]).json();
    assert!(fields.to_string().contains("everyone"), "the text is in the plan");
    assert_inert(&stack, &["plan"], &[0], 2, 0);
    stack.apply();
    stack.edit("stack.hcl", "[\"s3:GetObject\"]", "[\"s3:GetObject\", \"iam:PassRole\", \"s3:PutObject\"]");
    stack.cut("stack.hcl", "identity \"leaver\"");
    let annotations = stack.ok(&["plan", "--format", "github"]).stdout.lines().count();
    assert!(annotations >= 2);
    assert_inert(&stack, &["plan"], &[0], 2, annotations);
}

#[test]
fn what_was_done_outside_is_inert() {
    let stack = stack();
    stack.apply();
    let policy = Document::new(json!({
        "Version": "2012-10-17",
        "Statement": [{"Sid": HOSTILE, "Effect": "Allow", "Action": HOSTILE, "Resource": HOSTILE}],
    }));
    let outside = stack.outside();
    outside.put_inline_policy("victim", HOSTILE, &policy).unwrap();
    outside.add_key("victim", HOSTILE).unwrap();
    outside.create_policy(HOSTILE, &policy, &BTreeMap::new()).unwrap();
    outside.attach_policy("victim", HOSTILE).unwrap();
    outside.create_principal(Principal::User, &HOSTILE.replace('/', ""), &BTreeMap::new()).unwrap();
    let annotations = stack.run(&["drift", "--unmanaged", "--format", "github"]).expect(2).stdout.lines().count();
    assert!(annotations >= 4, "{annotations}");
    assert_inert(&stack, &["drift", "--unmanaged"], &[2], 4, annotations);
    let annotations = stack.ok(&["plan", "--format", "github"]).stdout.lines().count();
    assert_inert(&stack, &["plan"], &[0], 1, annotations);
}
