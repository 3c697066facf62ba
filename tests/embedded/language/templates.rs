//! Templates, from the real program's point of view.

use leasehold_test_harness::{START, Stack};

const STACK: &str = r#"
leasehold { stack = "payments" }
owner "jane" {}
template "ci" {
  kind  = "workload"
  owner = owner.jane
  ttl   = "30d"
  statement {
    actions   = ["s3:GetObject"]
    resources = ["*"]
  }
  trust "service" { principals = ["codebuild.amazonaws.com"] }
}
identity "build" {
  for_each = toset(["a", "b"])
  template = template.ci
}
identity "own" {
  template = template.ci
  statement {
    actions   = ["sqs:SendMessage"]
    resources = ["*"]
  }
}
identity "apart" {
  kind  = "human"
  owner = owner.jane
  ttl   = "30d"
}
"#;

#[test]
fn a_change_of_a_template_is_the_reason_of_each_mover() {
    let stack = Stack::of(STACK).at(START);
    stack.ok(&["apply", "--auto-approve"]);
    stack.run(&["plan", "--detailed-exitcode"]).expect(0);

    stack.edit("stack.hcl", "\"s3:GetObject\"", "\"s3:GetObject\", \"s3:PutObject\"");
    let plan = stack.run(&["plan", "--detailed-exitcode"]).expect(2);
    let movers: Vec<&str> = plan.stdout.lines().filter(|line| line.contains("~ mover")).collect();
    assert_eq!(movers.len(), 3, "{}", plan.stdout);
    assert_eq!(plan.stdout.matches("template.ci changed").count(), 3, "{}", plan.stdout);
    assert_eq!(plan.stdout.matches("EXPANDS access").count(), 2, "{}", plan.stdout);
    let json = stack.ok(&["plan", "--format", "json"]).stdout;
    assert!(json.contains(r#""code": "template""#) || json.contains(r#""code":"template""#), "{json}");
    stack.ok(&["apply", "--auto-approve"]);
    stack.run(&["plan", "--detailed-exitcode"]).expect(0);

    // Words of its own instead of the template's: that is another reason.
    stack.edit("stack.hcl", "identity \"own\" {\n  template = template.ci\n", "identity \"own\" {\n  kind = \"agent\"\n  owner = owner.jane\n  ttl = \"30d\"\n  trust \"service\" { principals = [\"codebuild.amazonaws.com\"] }\n");
    let plan = stack.run(&["plan", "--detailed-exitcode"]).expect(2);
    assert!(plan.stdout.contains("template template.ci → none"), "{}", plan.stdout);
    assert!(!plan.stdout.contains("template.ci changed"), "{}", plan.stdout);
}
