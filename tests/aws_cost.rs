//! What the program costs on AWS, counted by the requests that reach the emulator: an account takes a few writes a second, and
//! a tool that reads object by object is throttled.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

mod support;

use leasehold_emulator::Emulator;
use support::Stack;

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

    aws.forget_requests();
    own.assert_converged();
    let (all, writes) = calls(&aws);
    assert!(all <= 15, "{all} calls for a converged plan: {:?}", aws.counts());
    assert_eq!(writes, 0);

    aws.reset();
    let sharing = Stack::of(&stack("sharing", "scopes   = [scope.read]")).with_env(aws.env());
    sharing.ok(&["apply", "--auto-approve", "--parallelism", "32"]);
    sharing.edit("stack.hcl", "\"s3:GetObject\"", "\"s3:GetObject\", \"s3:ListBucket\"");
    aws.forget_requests();
    let ran = sharing.ok(&["apply", "--auto-approve"]);
    let (all, writes) = calls(&aws);
    assert!(writes <= 10, "{writes} writes to change one shared scope: {:?}", aws.counts());
    assert!(all <= 40, "{all} calls to change one shared scope: {:?}", aws.counts());
    assert!(ran.stdout.contains("1000 movers (1000 expand)"), "{ran}");
    aws.forget_requests();
    sharing.assert_converged();
    let (all, _) = calls(&aws);
    assert!(all <= 15, "{all} calls for a converged plan: {:?}", aws.counts());
}
