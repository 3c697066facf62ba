//! The operator's file itself: where it is, and what it must contain.

use leasehold_test_harness::snapshot;

use super::{bounded, stack_with};

#[test]
fn wrong_file_is_an_error_of_every_command() {
    let stack =
        bounded(stack_with("", ""), "allow {\n  account = [\"111122223333\"]\n  backends = [\"s3://acme*\"]\n}\n");
    snapshot!(stack.run(&["plan"]).expect(1), @r#"
    $ leasehold plan
    exit 1
    ─── stderr
    config::unknown_attribute

      × allow has no attribute `account`
       ╭─[../operator.hcl:2:3]
     1 │ allow {
     2 │   account = ["111122223333"]
       ·   ───┬───
       ·      ╰── unknown name
     3 │   backends = ["s3://acme*"]
       ╰────
      help: did you mean `accounts`?
    "#);
    for text in
        ["", "allow {\n  accounts = null\n}\n", "forbid {}\n", "allow {\n  accounts = [file(\"stack.hcl\")]\n}\n"]
    {
        bounded(stack_with("", ""), text).run(&["sweep", "--auto-approve"]).expect(1).says(&["operator"]);
    }
}

#[test]
fn missing_file_is_an_error() {
    let stack = stack_with("", "");
    stack.run(&["plan", "--operator", "../nowhere.hcl"]).expect(1).says(&["the operator's file ../nowhere.hcl"]);
    stack.run(&["plan", "--operator", ".."]).expect(1).says(&["is not a file"]);
    stack.run_with(&[("LEASEHOLD_OPERATOR", "/dev/zero")], &["plan"]).expect(1).says(&["is not a file"]);
}

#[test]
fn file_in_the_repository_is_refused() {
    let stack = stack_with("", "");
    stack.write("operator.hcl", "allow {}\n");
    for command in [&["validate"][..], &["plan"], &["sweep", "--auto-approve"], &["audit", "verify"], &["lock", "show"]]
    {
        let mut arguments = command.to_vec();
        arguments.extend(["--operator", "operator.hcl"]);
        stack.run(&arguments).expect(3).says(&["a pull request could change it"]);
    }
    std::fs::remove_file(stack.path("operator.hcl")).unwrap();
    stack.write("../operator.hcl", "allow {}\n");
    stack.ok(&["plan", "--operator", "../operator.hcl"]);
    std::fs::create_dir(stack.path("../.git")).unwrap();
    stack.run(&["plan", "--operator", "../operator.hcl"]).expect(3).says(&["a pull request could change it"]);
}

#[test]
fn option_overrides_the_variable_and_is_repeated_in_follow_up_commands() {
    let stack = bounded(stack_with("", ""), "allow {\n  backends = [\"local:other\"]\n}\n");
    stack.run(&["plan"]).expect(1).says(&["operator.hcl:2"]);
    stack.write("../second.hcl", "allow {}\n");
    let plan = stack.ok(&["plan", "--out", "x.plan", "--operator", "../second.hcl"]);
    plan.says(&["leasehold --operator ../second.hcl apply x.plan"]);
}

#[test]
fn empty_variable_does_not_remove_the_bounds() {
    let stack = stack_with("", "");
    stack.run_with(&[("LEASEHOLD_OPERATOR", "")], &["plan"]).expect(1).says(&["LEASEHOLD_OPERATOR is empty"]);
}
