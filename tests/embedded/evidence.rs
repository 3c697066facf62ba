//! Evidence: what is archived before an identity is quarantined or deleted.

use leasehold_provider::Document;
use leasehold_test_harness::Stack;
use serde_json::{Value, json};

const STACK: &str = r#"leasehold {
  stack = "payments"
}
owner "jane" {
  email = "jane@example.com"
}
identity "ci" {
  kind  = "service"
  owner = owner.jane
  ttl   = "90d"
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::orders/*"]
  }
}
"#;

fn archived(stack: &Stack) -> Vec<Value> {
    let files = stack.files();
    let evidence = files.iter().filter(|(path, _)| path.starts_with(".leasehold/evidence"));
    evidence.map(|(_, bytes)| serde_json::from_slice(bytes).unwrap()).collect()
}

#[test]
fn forged_sensitive_mark_does_not_shorten_evidence() {
    let stack = Stack::of(STACK).at("2026-11-30T12:00:00Z");
    stack.apply();
    let backdoor =
        json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "iam:*", "Resource": "*" }] });
    let outside = stack.outside();
    outside.put_inline_policy("ci", "backdoor", &Document::new(backdoor.clone())).unwrap();
    let forged = ["policy", "tags", "description", "name"].join(" ");
    let mut tags = outside.principal_tags("ci").unwrap();
    tags.insert("leasehold:sensitive".to_owned(), forged);
    outside.set_tags("ci", &tags).unwrap();
    stack.cut("stack.hcl", "identity \"ci\"");
    stack.apply();
    let evidence = archived(&stack);
    assert_eq!(evidence.len(), 1);
    assert_eq!(evidence[0]["schema"], 3);
    let text = evidence[0].to_string();
    assert!(text.contains(&backdoor.to_string()) || text.contains("iam:*"), "{text}");
    assert!(!text.contains("(sensitive value)"), "{text}");
}
