//! What pipelines run and read, told by the real program: plans and drift in every form, the scheduled jobs, the emergency stop, the ready
//! pieces under `examples/pipelines`, and a team's week.

mod comment;
mod cost;
mod drift;
mod hostile;
mod inert;
mod linters;
mod pieces;
mod rego;
mod revoke;
mod roles;
mod sweep;
mod unreadable;
mod week;

use leasehold_emulator::Emulator;

/// A stack of one user and one role that both hold a scope, on AWS.
fn payments() -> String {
    format!(
        r#"leasehold {{
  stack = "payments"
  defaults {{
    ttl = "90d"
  }}
}}

provider "aws" {{
  region              = "us-east-1"
  allowed_account_ids = ["{}"]
}}

owner "jane" {{
  email = "jane@example.com"
}}

scope "orders_read" {{
  statement {{
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::acme-orders/*"]
  }}
}}

identity "reporter" {{
  kind   = "service"
  owner  = owner.jane
  scopes = [scope.orders_read]
}}

identity "checkout_ci" {{
  kind   = "workload"
  owner  = owner.jane
  scopes = [scope.orders_read]
  trust "service" {{
    principals = ["lambda.amazonaws.com"]
  }}
}}
"#,
        Emulator::ACCOUNT
    )
}

/// A fresh account in which that stack is applied.
fn applied() -> (Emulator, leasehold_test_harness::Stack) {
    let aws = Emulator::moto();
    let stack = leasehold_test_harness::Stack::of(&payments()).with_env(aws.env());
    stack.apply();
    aws.clear_requests();
    (aws, stack)
}

/// How many calls wrote since they were last forgotten.
fn writes(aws: &Emulator) -> usize {
    aws.requests().iter().filter(|request| request.writes()).count()
}
