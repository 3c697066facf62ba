//! Refusals, parts of a plan, other commands and other forms.

use serde_json::Value;

use super::{applied, lifecycles, only, quickstart};
use leasehold_test_harness::snapshot;
use leasehold_test_harness::{START, Stack, shape};

#[test]
fn no_prompt_without_a_terminal() {
    let stack = quickstart();
    let before = stack.files();
    let ran = stack.run(&["apply"]).expect(3).says(&["--auto-approve"]);
    assert_eq!(stack.files(), before);
    snapshot!(leasehold_test_harness::Ran { stdout: String::new(), ..ran }, @"
    $ leasehold apply
    exit 3
    ─── stderr
    error: cannot prompt for approval: stdin or stderr is not a terminal
      help: Answer yes at a terminal, or pass --auto-approve.
    ");
}

#[test]
fn a_target_brings_what_it_needs_and_nothing_else() {
    let stack = quickstart();
    snapshot!(stack.ok(&["plan", "--target", "identity.jane_doe"]), @"
    $ leasehold plan --target identity.jane_doe
    exit 0
    ─── stdout
    Leasehold plan  ·  stack quickstart  ·  local embedded as tester  ·  now 2026-11-20T22:00:00Z  ·  a part of the plan: --target identity.jane_doe

      + scope   scope.orders_read  attached to 3 identities
          + directory_policy                orders_read

      + joiner   identity.jane_doe  human · owner jane · expires 2027-02-18 (90d) · read access
          + directory_user                  jane.doe
          + directory_inline_policy         jane.doe/leasehold    lease deny
          + directory_attachment            jane.doe/orders_read

    Plan: 4 to add, 0 to change, 0 to destroy.  1 joiner, 1 shared scope.
    ");
    stack.ok(&["apply", "--auto-approve", "--target", "identity.jane_doe"]);
    let lifecycles = lifecycles(&stack.plan_json());
    assert_eq!(
        lifecycles.keys().collect::<Vec<_>>(),
        ["identity.checkout_ci", "identity.nightly_report", "identity.triage_agent"]
    );
}

#[test]
fn exclude_includes_dependents() {
    let stack = quickstart();
    let plan = stack.ok(&["plan", "--exclude", "scope.orders_read", "--format", "json"]).json();
    assert_eq!(lifecycles(&plan), only("identity.checkout_ci", "joiner"));
}

#[test]
fn a_misspelt_address_is_an_error_with_a_guess() {
    let stack = quickstart();
    snapshot!(stack.run(&["plan", "--target", "identity.jane_do"]).expect(1), @"
    $ leasehold plan --target identity.jane_do
    exit 1
    ─── stderr
    error: no address in stack quickstart matches identity.jane_do; did you mean identity.jane_doe?
    ");
    snapshot!(stack.run(&["plan", "--exclude", "scope.order_read"]).expect(1), @"
    $ leasehold plan --exclude scope.order_read
    exit 1
    ─── stderr
    error: no address in stack quickstart matches scope.order_read; did you mean scope.orders_read?
    ");
    snapshot!(stack.run(&["show", "identity.checkut_ci"]).expect(1), @"
    $ leasehold show identity.checkut_ci
    exit 1
    ─── stderr
    error: no plan file and no identity in stack quickstart has the name identity.checkut_ci; did you mean identity.checkout_ci?
    ");
}

#[test]
fn graph_in_both_forms() {
    let stack = quickstart();
    snapshot!(stack.ok(&["graph"]), @r#"
    $ leasehold graph
    exit 0
    ─── stdout
    digraph leasehold {
      rankdir = LR;
      node [shape = box];
      "identity.checkout_ci";
      "identity.jane_doe";
      "identity.nightly_report";
      "identity.triage_agent";
      "owner.jane";
      "scope.orders_read";
      "service.checkout";
      "identity.checkout_ci" -> "owner.jane" [label = "is owned by"];
      "identity.checkout_ci" -> "service.checkout" [label = "works for"];
      "identity.jane_doe" -> "owner.jane" [label = "is owned by"];
      "identity.jane_doe" -> "scope.orders_read" [label = "has"];
      "identity.nightly_report" -> "owner.jane" [label = "is owned by"];
      "identity.nightly_report" -> "scope.orders_read" [label = "has"];
      "identity.nightly_report" -> "service.checkout" [label = "works for"];
      "identity.triage_agent" -> "owner.jane" [label = "is owned by"];
      "identity.triage_agent" -> "scope.orders_read" [label = "has"];
      "service.checkout" -> "owner.jane" [label = "is owned by"];
    }
    "#);
    snapshot!(stack.ok(&["graph", "--format", "mermaid"]), @r#"
    $ leasehold graph --format mermaid
    exit 0
    ─── stdout
    flowchart LR
      n0["identity.checkout_ci"]
      n1["identity.jane_doe"]
      n2["identity.nightly_report"]
      n3["identity.triage_agent"]
      n4["owner.jane"]
      n5["scope.orders_read"]
      n6["service.checkout"]
      n0 -->|is owned by| n4
      n0 -->|works for| n6
      n1 -->|is owned by| n4
      n1 -->|has| n5
      n2 -->|is owned by| n4
      n2 -->|has| n5
      n2 -->|works for| n6
      n3 -->|is owned by| n4
      n3 -->|has| n5
      n6 -->|is owned by| n4
    "#);
}

#[test]
fn completions_for_the_usual_shells() {
    let stack = Stack::empty();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = stack.ok(&["completions", shell]);
        assert!(ran.stdout.contains("leasehold") && ran.stdout.contains("auto-approve"), "{shell}");
    }
}

#[test]
fn init_gives_a_stack_that_plans_and_applies() {
    let stack = Stack::empty();
    snapshot!(stack.ok(&["init"]), @"
    $ leasehold init
    exit 0
    ─── stdout
    Wrote ./stack.hcl

    Next:
      leasehold plan
      leasehold apply
    ");
    stack.ok(&["validate"]);
    stack.plan().says(&["joiner"]);
    stack.apply();
    stack.assert_converged();
    let before = stack.files();
    snapshot!(stack.run(&["init"]).expect(3), @"
    $ leasehold init
    exit 3
    ─── stderr
    error: ./stack.hcl already exists; init does not change an existing stack
      help: Choose an empty directory.
    ");
    assert_eq!(stack.files(), before);
}

#[test]
fn a_directory_may_be_given_in_two_ways() {
    let stack = Stack::empty();
    stack.ok(&["init", "inner"]).says(&["leasehold plan inner"]);
    let by_argument = stack.ok(&["plan", "inner", "--now", START]);
    let by_option = stack.ok(&["-C", "inner", "plan", "--now", START]);
    assert_eq!(by_argument.stdout, by_option.stdout);
    snapshot!(stack.run(&["plan", "nowhere"]).expect(1), @"
    $ leasehold plan nowhere
    exit 1
    ─── stderr
    error: nowhere does not exist; a stack is a directory with *.hcl files
    ");
}

#[test]
fn the_json_plan_keeps_its_keys() {
    let mut stack = applied();
    stack.cut("identities.hcl", "identity \"jane_doe\"");
    stack.apply();
    stack.pass_days(1);
    stack.cut("identities.hcl", "identity \"triage_agent\"");
    stack.edit("identities.hcl", r#"["s3:PutObject"]"#, r#"["s3:PutObject", "s3:DeleteObject"]"#);
    stack.edit("identities.hcl", "\"180d\"", "\"200d\"");
    stack.append("identities.hcl", "identity \"newcomer\" {\n  kind = \"human\"\n  owner = owner.jane\n  purpose = \"new\"\n  scopes = [scope.orders_read]\n}\n");
    let plan = stack.plan_json();
    leasehold_test_harness::settings().bind(|| insta::assert_json_snapshot!("plan_json", plan));
    stack.ok(&["plan", "--json-into", "plan.json"]).says(&["Plan: "]);
    assert_eq!(serde_json::from_str::<Value>(&stack.read("plan.json")).unwrap(), plan);
    let listed = stack.ok(&["list", "--format", "json"]).json();
    insta::assert_json_snapshot!(shape(&listed), @r#"
    {
      "format_version": "string",
      "identities": [
        {
          "address": "string",
          "deadline": "string",
          "kind": "string",
          "last_used": null,
          "live": "bool",
          "name": "string",
          "owner": "string",
          "phase": "string",
          "service": "string"
        }
      ],
      "stack": "string",
      "timestamp": "string"
    }
    "#);
    let shown = stack.ok(&["show", "identity.checkout_ci", "--format", "json"]).json();
    insta::assert_json_snapshot!("show_json_shape", shape(&shown));
}

/// `scope.orders_read` gets another action, and the agent detaches it: the scope is widened after that.
#[test]
fn explain_order_says_what_each_write_waits_for() {
    let stack = applied();
    stack.edit("stack.hcl", r#""s3:ListBucket""#, r#""s3:PutObject""#);
    stack.edit("identities.hcl", "scopes               = [scope.orders_read]", "scopes               = []");
    stack.ok(&["plan", "--out", "p"]);
    let order = stack.ok(&["plan", "--explain-order"]).says(&["widen a shared object only after"]);
    snapshot!("explain_order", order);
    assert_eq!(stack.ok(&["show", "p", "--explain-order"]).stdout, order.stdout);
    stack.run(&["plan", "--explain-order", "--format", "json"]).expect(1);
}

#[test]
fn a_plan_is_the_same_bytes_every_time() {
    let stack = quickstart();
    let plan = || {
        stack.ok(&["plan", "--out", "p"]);
        std::fs::read(stack.path("p")).unwrap()
    };
    assert_eq!(plan(), plan());
}

#[test]
fn variables_come_from_everywhere_and_the_last_word_wins() {
    let stack = quickstart().with_env([("LEASEHOLD_VAR_environment".to_owned(), "from-env".to_owned())]);
    let environment = |args: &[&str]| {
        let plan = stack.ok(&[&["plan", "--format", "json"], args].concat()).json();
        plan["identity_changes"][0]["environment"].as_str().unwrap().to_owned()
    };
    assert_eq!(environment(&[]), "from-env");
    stack.write("some.auto.hclvars", "environment = \"from-auto\"\n");
    assert_eq!(environment(&[]), "from-auto");
    stack.write("given.hclvars", "environment = \"from-file\"\n");
    assert_eq!(environment(&["--var-file", "given.hclvars"]), "from-file");
    assert_eq!(environment(&["--var-file", "given.hclvars", "--var", "environment=from-line"]), "from-line");
}
