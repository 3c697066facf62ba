//! Rules that teams wrote for Terraform's plans work on ours.

use regorus::{Engine, Value};

use leasehold_test_harness::Stack;

/// A rule as a team has it for Terraform: nobody gets `iam:*`, in whatever policy it stands.
const RULE: &str = r#"
package terraform.iam

import rego.v1

policy_types := {
	"aws_iam_policy",
	"aws_iam_role_policy",
	"aws_iam_user_policy",
	"aws_iam_group_policy",
}

as_list(x) := x if is_array(x)

as_list(x) := [x] if not is_array(x)

deny contains msg if {
	some rc in input.resource_changes
	rc.mode == "managed"
	rc.type in policy_types
	some action in rc.change.actions
	action in {"create", "update"}
	policy := json.unmarshal(rc.change.after.policy)
	some statement in as_list(policy.Statement)
	statement.Effect == "Allow"
	some allowed in as_list(statement.Action)
	allowed in {"iam:*", "*"}
	msg := sprintf("%s allows %s", [rc.address, allowed])
}
"#;

fn stack(actions: &str) -> Stack {
    Stack::of(&format!(
        r#"leasehold {{ stack = "rego" }}
provider "aws" {{ region = "us-east-1" }}
owner "jane" {{ email = "jane@example.com" }}
scope "wide" {{
  statement {{
    actions   = [{actions}]
    resources = ["*"]
  }}
}}
identity "person" {{
  kind   = "human"
  owner  = owner.jane
  ttl    = "90d"
  scopes = [scope.wide]
  statement {{
    actions   = [{actions}]
    resources = ["*"]
  }}
}}
identity "job" {{
  kind  = "workload"
  owner = owner.jane
  ttl   = "90d"
  statement {{
    actions   = [{actions}]
    resources = ["*"]
  }}
  trust "service" {{ principals = ["lambda.amazonaws.com"] }}
}}
"#
    ))
}

fn denials(plan: &str) -> Vec<String> {
    let mut engine = Engine::new();
    engine.add_policy("iam.rego".to_owned(), RULE.to_owned()).unwrap();
    engine.set_input(Value::from_json_str(plan).unwrap());
    let denied = engine.eval_rule("data.terraform.iam.deny".to_owned()).unwrap();
    denied.as_set().unwrap().iter().map(|message| message.as_string().unwrap().to_string()).collect()
}

#[test]
fn terraform_rego_rule_matches_each_policy_type() {
    let aws = leasehold_emulator::Emulator::moto();
    let wide = stack("\"iam:*\"").with_env(aws.env());
    let plan = wide.ok(&["plan", "--format", "json"]);
    assert_eq!(
        denials(&plan.stdout),
        [
            "aws_iam_policy.rego/wide allows iam:*",
            "aws_iam_role_policy.job/leasehold allows iam:*",
            "aws_iam_user_policy.person/leasehold allows iam:*"
        ]
    );
    let narrow = stack("\"s3:GetObject\"").with_env(aws.env());
    assert_eq!(denials(&narrow.ok(&["plan", "--format", "json"]).stdout), Vec::<String>::new());
}
