//! A change that matters among hundreds that do not: the text for a pull request names it whatever the others are.

use leasehold_test_harness::{Stack, sarif};

const HEAD: &str = r#"leasehold {
  stack = "crowd"
}
provider "local" {}
owner "jane" {
  name  = "Jane Doe"
  email = "jane@example.com"
}
service "s" {
  owner = owner.jane
}
"#;

fn identity(name: &str, purpose: &str, action: &str, resource: &str) -> String {
    format!(
        r#"identity "{name}" {{
  kind        = "service"
  owner       = owner.jane
  service     = service.s
  environment = "prod"
  ttl         = "90d"
  purpose     = "{purpose}"
  statement {{
    actions   = ["{action}"]
    resources = ["{resource}"]
  }}
}}
"#
    )
}

fn crowd(count: usize, purpose: &str, action: &str) -> String {
    (0..count).map(|at| identity(&format!("a{at:03}"), purpose, action, "arn:aws:s3:::b/*")).collect()
}

fn markdown(stack: &Stack) -> String {
    let text = stack.ok(&["plan", "--format", "markdown", "--max-bytes", "65000"]).stdout;
    assert!(text.len() <= 65_000, "{}", text.len());
    text
}

#[test]
fn one_that_may_do_everything_among_four_hundred_joiners() {
    for crowd in [crowd(400, "reads a bucket", "s3:GetObject"), crowd(400, &"long ".repeat(190), "s3:PutObject")] {
        let text = markdown(&Stack::of(&format!("{HEAD}{crowd}{}", identity("zzz", "all", "*", "*"))));
        let first = text.find("<details>").unwrap();
        assert!(
            text[first..].starts_with("<details><summary><code>&#43;</code> joiner <code>identity.zzz"),
            "{}",
            &text[first..][..200]
        );
        assert!(text.contains("changes are omitted here**, those with the lowest risk:") && text.contains(" joins"));
        assert!(!text.contains("**Warning:"));
    }
}

#[test]
fn more_risky_changes_than_fit_are_announced_in_the_first_line() {
    let crowd: String = (0..900).map(|at| identity(&format!("b{at:03}"), "all", "iam:*", "*")).collect();
    let text = markdown(&Stack::of(&format!("{HEAD}{crowd}{}", identity("zzz", "all", "*", "*"))));
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("**Warning: ") && first.contains("access grows to permissions management"), "{first}");
    assert!(first.contains("Do not approve by this text alone."), "{first}");
}

#[test]
fn annotations_and_sarif_begin_with_the_worst() {
    let stack = Stack::of(&format!("{HEAD}{}{}", crowd(200, "x", "s3:*"), identity("zzz", "all", "*", "*")));
    let text = stack.ok(&["plan", "--format", "github"]).stdout;
    assert!(text.lines().count() <= 51, "{text}");
    assert!(text.starts_with("::error"), "{text}");
    assert!(text.contains("identity.zzz"), "{text}");
    let log = stack.ok(&["plan", "--format", "sarif"]).json();
    sarif::assert_valid(&log);
    assert_eq!(log["runs"][0]["results"][0]["level"], "error");
}
