//! Refusals, parts of a plan, other commands and other forms.

use serde_json::Value;

use super::support::{self, START, Stack, shape};
use super::{applied, lifecycles, only, quickstart};
use crate::snapshot;

#[test]
fn nobody_is_asked_where_there_is_no_terminal() {
    let stack = quickstart();
    let before = stack.files();
    let ran = stack.run(&["apply"]).expect(3).says(&["--auto-approve"]);
    assert_eq!(stack.files(), before);
    snapshot!("no_terminal", support::Ran { stdout: String::new(), ..ran });
}

#[test]
fn a_target_brings_what_it_needs_and_nothing_else() {
    let stack = quickstart();
    snapshot!("target", stack.ok(&["plan", "--target", "identity.jane_doe"]));
    stack.ok(&["apply", "--auto-approve", "--target", "identity.jane_doe"]);
    let lifecycles = lifecycles(&stack.plan_json());
    assert_eq!(
        lifecycles.keys().collect::<Vec<_>>(),
        ["identity.checkout_ci", "identity.nightly_report", "identity.triage_agent"]
    );
}

#[test]
fn an_exclusion_takes_along_what_needs_it() {
    let stack = quickstart();
    let plan = stack.ok(&["plan", "--exclude", "scope.orders_read", "--format", "json"]).json();
    assert_eq!(lifecycles(&plan), only("identity.checkout_ci", "joiner"));
}

#[test]
fn a_misspelt_address_is_an_error_with_a_guess() {
    let stack = quickstart();
    snapshot!("misspelt_target", stack.run(&["plan", "--target", "identity.jane_do"]).expect(1));
    snapshot!("misspelt_exclude", stack.run(&["plan", "--exclude", "scope.order_read"]).expect(1));
    snapshot!("misspelt_show", stack.run(&["show", "identity.checkut_ci"]).expect(1));
}

#[test]
fn graph_in_both_forms() {
    let stack = quickstart();
    snapshot!("graph_dot", stack.ok(&["graph"]));
    snapshot!("graph_mermaid", stack.ok(&["graph", "--format", "mermaid"]));
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
    snapshot!("init", stack.ok(&["init"]));
    stack.ok(&["validate"]);
    stack.plan().says(&["joiner"]);
    stack.apply();
    stack.assert_converged();
    let before = stack.files();
    snapshot!("init_again", stack.run(&["init"]).expect(3));
    assert_eq!(stack.files(), before);
}

#[test]
fn a_directory_may_be_given_in_two_ways() {
    let stack = Stack::empty();
    stack.ok(&["init", "inner"]).says(&["leasehold plan inner"]);
    let by_argument = stack.ok(&["plan", "inner", "--now", START]);
    let by_option = stack.ok(&["-C", "inner", "plan", "--now", START]);
    assert_eq!(by_argument.stdout, by_option.stdout);
    snapshot!("no_such_directory", stack.run(&["plan", "nowhere"]).expect(1));
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
    support::settings().bind(|| insta::assert_json_snapshot!("plan_json", plan));
    stack.ok(&["plan", "--json-into", "plan.json"]).says(&["Plan: "]);
    assert_eq!(serde_json::from_str::<Value>(&stack.read("plan.json")).unwrap(), plan);
    let listed = stack.ok(&["list", "--format", "json"]).json();
    insta::assert_json_snapshot!("list_json_shape", shape(&listed));
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
