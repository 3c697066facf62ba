//! What the program costs on AWS, counted by the requests that reach the emulator: an account takes a few writes a second, and
//! a tool that reads object by object is throttled.

use leasehold_emulator::Emulator;
use leasehold_test_harness::Stack;

const CROWD: usize = 1000;

fn stack(name: &str, inner: &str) -> String {
    format!(
        r#"leasehold {{
  stack = "{name}"
  defaults {{
    ttl = "90d"
  }}
}}

provider "aws" {{
  region = "us-east-1"
}}

owner "jane" {{
  email = "jane@example.com"
}}

scope "read" {{
  statement {{
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::orders/*"]
  }}
}}

identity "bot" {{
  for_each = toset([for n in range({CROWD}) : format("%04d", n)])
  name     = "{name}-${{each.key}}"
  kind     = "workload"
  owner    = owner.jane
  purpose  = "one of many"
  {inner}
  trust "service" {{
    principals = ["lambda.amazonaws.com"]
  }}
}}
"#
    )
}

/// The calls since they were last forgotten: all of them, and those that write.
fn calls(aws: &Emulator) -> (usize, usize) {
    let requests = aws.requests();
    (requests.len(), requests.iter().filter(|request| request.writes()).count())
}

/// One story, since a thousand roles take a while to make.
#[test]
fn a_thousand_identities_cost_what_was_promised() {
    let aws = Emulator::moto();

    let own = Stack::of(&stack(
        "own",
        "statement {\n    actions   = [\"s3:PutObject\"]\n    resources = [\"arn:aws:s3:::orders/${each.key}/*\"]\n  }",
    ))
    .with_env(aws.env());
    own.ok(&["apply", "--auto-approve", "--parallelism", "32"]);
    let (all, writes) = calls(&aws);
    assert!(all * 10 <= CROWD * 21 + 200, "{all} calls for {CROWD} joiners: {:?}", aws.counts());
    assert!(writes >= 2 * CROWD, "{writes} writes: a role and its inline policy each");

    aws.clear_requests();
    own.assert_converged();
    let (all, writes) = calls(&aws);
    assert!(all <= 15, "{all} calls for a converged plan: {:?}", aws.counts());
    assert_eq!(writes, 0);

    aws.reset();
    let sharing = Stack::of(&stack("sharing", "scopes   = [scope.read]")).with_env(aws.env());
    sharing.ok(&["apply", "--auto-approve", "--parallelism", "32"]);
    sharing.edit("stack.hcl", "\"s3:GetObject\"", "\"s3:GetObject\", \"s3:ListBucket\"");
    aws.clear_requests();
    let ran = sharing.ok(&["apply", "--auto-approve"]);
    let (all, writes) = calls(&aws);
    assert!(writes <= 10, "{writes} writes to change one shared scope: {:?}", aws.counts());
    assert!(all <= 40, "{all} calls to change one shared scope: {:?}", aws.counts());
    assert!(ran.stdout.contains("1000 movers (1000 expand)"), "{ran}");
    aws.clear_requests();
    sharing.assert_converged();
    let (all, _) = calls(&aws);
    assert!(all <= 15, "{all} calls for a converged plan: {:?}", aws.counts());
}

/// Users of a small stack are asked one by one for what no list tells of all: five calls each, and of those that a run changes again
/// when it is read back.
#[test]
fn a_small_stack_of_users_costs_what_was_promised() {
    const USERS: usize = 40;
    let user = |label: &str, range: &str| {
        format!(
            "identity \"{label}\" {{\n  for_each = toset([for n in range({range}) : format(\"%03d\", n)])\n  \
             name     = \"{label}-${{each.key}}\"\n  kind     = \"service\"\n  owner    = owner.jane\n}}\n"
        )
    };
    let aws = Emulator::moto();
    let stack = Stack::of(
        "leasehold {\n  stack = \"small\"\n  defaults {\n    ttl = \"90d\"\n  }\n}\nprovider \"aws\" {\n  region = \"us-east-1\"\n}\n\
         owner \"jane\" {\n  email = \"jane@example.com\"\n}\n",
    )
    .with_env(aws.env());
    stack.append("stack.hcl", &user("bot", &USERS.to_string()));
    stack.apply();

    aws.clear_requests();
    stack.assert_converged();
    let (plan, _) = calls(&aws);
    assert!(plan <= 5 * USERS + 10, "{plan} calls for a converged plan: {:?}", aws.counts());

    stack.append("stack.hcl", &user("late", "1"));
    aws.clear_requests();
    stack.apply();
    let (join, _) = calls(&aws);
    assert!(join <= 5 * USERS + 25, "{join} calls to make one more user: {:?}", aws.counts());

    stack.cut("stack.hcl", "identity \"late\"");
    aws.clear_requests();
    stack.apply();
    let (leave, _) = calls(&aws);
    assert!(leave <= 5 * USERS + 40, "{leave} calls to shut one user: {:?}", aws.counts());

    // What was told of all at once is told of each.
    aws.boto3("iam.create_service_specific_credential(UserName='bot-007', ServiceName='codecommit.amazonaws.com')");
    stack.run(&["plan", "--detailed-exitcode"]).expect(2).says(&["identity.bot[\"007\"]", "1 drift"]);
}
