//! The whole story on the embedded directory, told by the real program: joiners, movers, leavers, drift, saved plans, refusals,
//! and runs that break off.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

mod support;

use std::collections::BTreeMap;

use leasehold_provider::{Document, Principal};
use serde_json::{Value, json};
use support::{Running, START, Stack, shape, wait_until};

/// The quickstart as it stands, at the start of the story.
fn quickstart() -> Stack {
    Stack::example("quickstart").at(START)
}

/// The quickstart, applied.
fn applied() -> Stack {
    let stack = quickstart();
    stack.apply();
    stack
}

fn lifecycles(plan: &Value) -> BTreeMap<String, String> {
    let changes = plan["identity_changes"].as_array().unwrap();
    changes
        .iter()
        .map(|change| {
            (change["address"].as_str().unwrap().to_owned(), change["lifecycle"].as_str().unwrap().to_owned())
        })
        .collect()
}

fn only(address: &str, lifecycle: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(address.to_owned(), lifecycle.to_owned())])
}

/// What `list` says of the phase of an identity; `None`: it does not list it.
fn phase(stack: &Stack, address: &str) -> Option<String> {
    let list = stack.ok(&["list", "--format", "json"]).json();
    let row = list["identities"].as_array().unwrap().iter().find(|row| row["address"] == address)?.clone();
    Some(row["phase"].as_str().unwrap().to_owned())
}

fn inline_policy(stack: &Stack, address: &str) -> Value {
    let shown = stack.ok(&["show", address, "--format", "json"]).json();
    let resources = shown["resources"].as_array().unwrap();
    let policy = resources.iter().find(|resource| resource["type"] == "directory_inline_policy").unwrap();
    policy["attributes"]["policy"].clone()
}

// Joiners.

#[test]
fn the_first_apply_creates_and_verifies_and_the_second_has_nothing_to_do() {
    let stack = quickstart();
    snapshot!("first_apply", stack.apply());
    snapshot!("second_apply", stack.apply());
    stack.assert_converged();
    snapshot!("list", stack.ok(&["list"]));
    snapshot!("show_identity", stack.ok(&["show", "identity.checkout_ci"]));
}

#[test]
fn every_example_applies_and_converges() {
    for name in ["quickstart", "github-actions", "agents"] {
        let stack = Stack::example(name).at(START);
        stack.apply().says(&["Apply complete!", "Read back and verified."]);
        stack.assert_converged();
    }
}

#[test]
fn plan_writes_nothing_at_all() {
    let stack = quickstart();
    let before = stack.files();
    stack.plan().says(&["4 joiners"]);
    stack.ok(&["validate"]);
    stack.ok(&["list"]);
    assert_eq!(stack.files(), before);
}

#[test]
fn detailed_exitcode_tells_changes_from_none() {
    let stack = quickstart();
    stack.run(&["plan", "--detailed-exitcode"]).expect(2);
    stack.apply();
    stack.run(&["plan", "--detailed-exitcode"]).expect(0);
    stack.edit("identities.hcl", "deploys the checkout service", "deploys checkout");
    stack.run(&["plan", "--detailed-exitcode"]).expect(2);
    stack.ok(&["plan"]);
}

// Movers.

#[test]
fn a_mover_that_gains_access_says_so_with_an_example() {
    let stack = applied();
    stack.edit("identities.hcl", r#"["s3:PutObject"]"#, r#"["s3:PutObject", "s3:DeleteObject"]"#);
    let plan = stack.plan_json();
    let mover = &plan["identity_changes"][0];
    assert_eq!(mover["address"], "identity.checkout_ci");
    assert_eq!(mover["lifecycle"], "mover");
    assert_eq!(mover["access_verdict"], "expands");
    assert!(mover["witness"].as_str().unwrap().to_lowercase().contains("s3:deleteobject"), "{mover}");
    snapshot!("mover_expands", stack.plan());
    stack.apply().says(&["1 changed"]);
    stack.assert_converged();

    stack.edit("identities.hcl", r#"["s3:PutObject", "s3:DeleteObject"]"#, r#"["s3:DeleteObject"]"#);
    assert_eq!(stack.plan_json()["identity_changes"][0]["access_verdict"], "narrows");
}

#[test]
fn a_new_owner_and_a_longer_lease_are_told() {
    let stack = applied();
    stack.append("stack.hcl", "owner \"omar\" {\n  email = \"omar@example.com\"\n}\n");
    stack.edit(
        "identities.hcl",
        "kind    = \"human\"\n  name    = \"jane.doe\"\n  owner   = owner.jane",
        "kind    = \"human\"\n  name    = \"jane.doe\"\n  owner   = owner.omar",
    );
    stack.edit("identities.hcl", "\"180d\"", "\"200d\"");
    snapshot!("mover_owner_and_lease", stack.plan().says(&["owner jane → omar", "longer lease"]));
    let plan = stack.plan_json();
    assert_eq!(lifecycles(&plan).len(), 2);
    stack.apply();
    stack.assert_converged();
}

#[test]
fn a_changed_scope_moves_its_holders_by_one_write() {
    let stack = applied();
    stack.edit("stack.hcl", r#""s3:ListBucket""#, r#""s3:PutObject""#);
    let plan = stack.plan_json();
    assert_eq!(plan["summary"]["movers"], 3);
    assert_eq!(plan["shared_changes"][0]["holders"], 3);
    assert_eq!(plan["resource_changes"].as_array().unwrap().len(), 1, "{plan:#}");
    snapshot!("scope_moves_its_holders", stack.plan());
    stack.apply();
    stack.assert_converged();
}

#[test]
fn many_holders_of_a_changed_scope_are_told_in_one_line() {
    let stack = Stack::of(&crowd(12)).at(START);
    stack.apply();
    stack.edit("stack.hcl", "\"s3:ListBucket\"", "\"s3:PutObject\"");
    snapshot!("scope_moves_a_crowd", stack.plan());
}

// Leavers.

#[test]
fn a_leaver_is_quarantined_and_restored_when_put_back() {
    let mut stack = applied();
    let block = stack.cut("identities.hcl", "identity \"triage_agent\"");
    snapshot!("leaver_quarantine", stack.plan());
    stack.apply();
    stack.assert_converged();
    snapshot!("leaver_waits", stack.plan());
    assert_eq!(phase(&stack, "identity.triage_agent").as_deref(), Some("quarantined"));
    let policy = inline_policy(&stack, "identity.triage_agent");
    assert_eq!(policy["Statement"].as_array().unwrap().len(), 1);
    assert_eq!(policy["Statement"][0]["Effect"], "Deny");
    assert_eq!(policy["Statement"][0]["Action"], json!(["*"]));

    stack.pass_days(6);
    stack.append("identities.hcl", &block);
    snapshot!("leaver_restored", stack.plan());
    stack.apply();
    stack.assert_converged();
    assert_eq!(phase(&stack, "identity.triage_agent").as_deref(), Some("active"));
    let list = stack.ok(&["list", "--format", "json"]).json();
    let row = list["identities"].as_array().unwrap().iter().find(|row| row["name"] == "triage_agent").unwrap().clone();
    assert_eq!(row["deadline"], "2026-12-20T22:00:00Z", "its lease counts from its joining, not from its return");
}

#[test]
fn a_leaver_is_deleted_after_its_grace_and_not_before() {
    let mut stack = applied();
    stack.cut("identities.hcl", "identity \"triage_agent\"");
    stack.apply();
    stack.pass_days(6);
    stack.assert_converged();
    stack.pass_days(1);
    snapshot!("leaver_deleted", stack.plan());
    stack.apply().says(&["3 destroyed"]);
    stack.assert_converged();
    assert_eq!(phase(&stack, "identity.triage_agent"), None);
}

#[test]
fn a_leaver_that_is_still_used_is_kept_and_said_to_be() {
    let mut stack = applied();
    stack.cut("identities.hcl", "identity \"triage_agent\"");
    stack.apply();
    stack.outside().record_use("triage_agent", "2026-11-25T10:00:00Z".parse().unwrap()).unwrap();
    stack.pass_days(30);
    stack.assert_converged();
    snapshot!("leaver_kept_by_use", stack.plan());
}

#[test]
fn a_lease_that_ends_quarantines_without_any_change_of_configuration() {
    let mut stack = applied();
    stack.pass_days(31);
    snapshot!("lease_ended", stack.plan().says(&["lease ended 2026-12-20T22:00:00Z"]));
    stack.apply();
    stack.pass_days(30);
    stack.assert_converged();
    assert_eq!(phase(&stack, "identity.triage_agent").as_deref(), Some("quarantined"), "its block stands");
    stack.edit(
        "identities.hcl",
        "ttl                  = \"30d\"",
        "ttl                  = \"30d\"\n  renewed_at = \"2027-01-20T00:00:00Z\"",
    );
    stack.apply();
    assert_eq!(phase(&stack, "identity.triage_agent").as_deref(), Some("active"), "renewed by a line");
    stack.cut("identities.hcl", "identity \"triage_agent\"");
    stack.apply();
    stack.pass_days(8);
    stack.apply();
    assert_eq!(phase(&stack, "identity.triage_agent"), None);
}

#[test]
fn more_leavers_than_the_budget_need_their_count() {
    let stack = Stack::of(&crowd(8)).at(START);
    stack.apply();
    stack.edit("stack.hcl", "range(8)", "range(1)");
    let before = stack.files();
    snapshot!("delete_budget", stack.run(&["apply", "--auto-approve"]).expect(3).says(&["--max-leavers 7"]));
    stack.run(&["apply", "--auto-approve", "--max-leavers", "6"]).expect(3);
    assert_eq!(stack.files(), before);
    stack.ok(&["apply", "--auto-approve", "--max-leavers", "7"]);
    stack.assert_converged();
}

#[test]
fn a_break_glass_account_leaves_only_with_its_approval() {
    let stack = quickstart();
    stack.append("identities.hcl", "identity \"firefighter\" {\n  kind = \"break_glass\"\n  owner = owner.jane\n  purpose = \"when all else fails\"\n}\n");
    stack.apply();
    stack.cut("identities.hcl", "identity \"firefighter\"");
    let before = stack.files();
    snapshot!("break_glass", stack.run(&["apply", "--auto-approve"]).expect(3));
    stack.run(&["apply", "--auto-approve", "--approve", "identity.jane_doe"]).expect(3);
    assert_eq!(stack.files(), before);
    stack.ok(&["apply", "--auto-approve", "--approve", "identity.firefighter"]);
    assert_eq!(phase(&stack, "identity.firefighter").as_deref(), Some("quarantined"));
}

#[test]
fn a_break_glass_account_outlives_every_lease() {
    let mut stack = quickstart();
    stack.append("identities.hcl", "identity \"firefighter\" {\n  kind = \"break_glass\"\n  owner = owner.jane\n  purpose = \"when all else fails\"\n}\n");
    stack.apply();
    stack.pass_days(4000);
    assert!(!lifecycles(&stack.plan_json()).contains_key("identity.firefighter"));
}

// Drift.

#[test]
fn what_a_stranger_does_is_shown_and_undone() {
    let stack = applied();
    let stranger = stack.outside();
    let anybody = Document::new(json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "AWS": ["*"] }, "Action": ["sts:AssumeRole"] }],
    }));
    stranger.attach("nightly_report", "arn:aws:iam::aws:policy/AdministratorAccess").unwrap();
    stranger.add_key("nightly_report", "AKIASTRANGER").unwrap();
    stranger.add_login("jane.doe").unwrap();
    stranger.set_trust("checkout_ci", &anybody).unwrap();
    let everything =
        json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
    stranger.put_inline_policy("triage_agent", "backdoor", &Document::new(everything)).unwrap();

    let plan = stack.plan_json();
    let drift = ["checkout_ci", "jane_doe", "nightly_report", "triage_agent"];
    assert_eq!(
        lifecycles(&plan),
        drift.iter().map(|label| (format!("identity.{label}"), "drift".to_owned())).collect::<BTreeMap<_, _>>()
    );
    stack.run(&["plan", "--detailed-exitcode"]).expect(2);
    snapshot!("drift", stack.plan());
    stack.apply();
    stack.assert_converged();
    let rows = stranger.rows_of(&["nightly_report", "jane.doe", "triage_agent"]).unwrap();
    assert_eq!(rows["attachment nightly_report"].as_array().unwrap().len(), 1);
    for gone in ["key nightly_report", "login jane.doe"] {
        assert_eq!(rows[gone], json!([]), "{gone}");
    }
    assert_eq!(rows["inline triage_agent"].as_array().unwrap().len(), 1);
}

#[test]
fn a_part_that_was_taken_away_comes_back() {
    let stack = applied();
    stack.outside().delete_inline_policy("checkout_ci", "leasehold").unwrap();
    snapshot!("part_missing", stack.plan());
    stack.apply();
    stack.assert_converged();
}

#[test]
fn a_principal_of_the_same_name_that_is_not_ours_is_named_and_untouched() {
    let stack = quickstart();
    std::fs::create_dir(stack.path(".leasehold")).unwrap();
    let stranger = stack.outside();
    stranger.create_principal(Principal::Role, "checkout_ci", &BTreeMap::new()).unwrap();
    let before = stranger.rows_of(&["checkout_ci"]).unwrap();
    snapshot!("same_name_not_ours", stack.run(&["apply", "--auto-approve"]).expect(1).says(&["checkout_ci"]));
    assert_eq!(stranger.rows_of(&["checkout_ci"]).unwrap(), before);
}

// Saved plans.

/// The quickstart with a mover in a saved plan.
fn saved() -> Stack {
    let stack = applied();
    stack.edit("identities.hcl", "\"180d\"", "\"200d\"");
    snapshot!("plan_out", stack.ok(&["plan", "--out", "review.plan"]));
    stack
}

/// Asserts that the saved plan is refused for this reason, and that nothing was written.
fn assert_stale(stack: &Stack, why: &str) -> support::Ran {
    let before = stack.files();
    let ran = stack.run(&["apply", "review.plan", "--auto-approve"]).expect(3).says(&[why]);
    assert_eq!(stack.files(), before);
    ran
}

#[test]
fn a_saved_plan_is_shown_and_applied_as_it_is() {
    let stack = saved();
    let shown = stack.ok(&["show", "review.plan"]);
    assert_eq!(shown.stdout, stack.plan().stdout);
    let json = stack.ok(&["show", "review.plan", "--format", "json"]).json();
    assert_eq!(json, stack.plan_json());
    stack.run(&["apply", "review.plan"]).expect(3);
    stack.ok(&["apply", "review.plan", "--auto-approve"]).says(&["Apply complete!"]);
    stack.assert_converged();
    snapshot!("stale_applied_twice", assert_stale(&stack, "has changed in the cloud"));
}

#[test]
fn a_saved_plan_is_stale_once_a_file_changed() {
    let stack = saved();
    stack.edit("stack.hcl", "read the orders of the shop", "read orders");
    snapshot!("stale_file", assert_stale(&stack, "stack.hcl has changed"));
}

#[test]
fn a_saved_plan_is_stale_once_a_file_appeared_or_went() {
    let stack = saved();
    stack.write("more.hcl", "locals {\n  x = 1\n}\n");
    assert_stale(&stack, "more.hcl is new");
    std::fs::remove_file(stack.path("more.hcl")).unwrap();
    std::fs::rename(stack.path("identities.hcl"), stack.path("others.hcl")).unwrap();
    assert_stale(&stack, "identities.hcl is gone").says(&["others.hcl is new"]);
}

#[test]
fn a_saved_plan_is_stale_once_a_live_object_it_touches_changed() {
    let stack = saved();
    let other = Document::new(json!({ "Version": "2012-10-17", "Statement": [] }));
    stack.outside().put_inline_policy("nightly_report", "leasehold", &other).unwrap();
    snapshot!("stale_object", assert_stale(&stack, "nightly_report/leasehold has changed in the cloud"));
}

#[test]
fn a_saved_plan_is_refused_once_its_bytes_changed() {
    let stack = saved();
    let text = stack.read("review.plan");
    let altered = text.replacen("\"owner\":\"jane\"", "\"owner\":\"mallory\"", 1);
    assert_ne!(text, altered);
    stack.write("review.plan", &altered);
    snapshot!("stale_bytes", assert_stale(&stack, "was changed after it was made"));
    stack.write("review.plan", "not a plan at all");
    assert_stale(&stack, "not a leasehold plan");
}

#[test]
fn a_saved_plan_of_another_version_is_refused() {
    let stack = saved();
    let text = stack.read("review.plan");
    stack.write("review.plan", &text.replacen("\"leasehold_plan\":1", "\"leasehold_plan\":2", 1));
    snapshot!("stale_version", assert_stale(&stack, "format 2"));
}

#[test]
fn a_saved_plan_of_an_older_program_is_refused() {
    let stack = saved();
    let text = stack.read("review.plan");
    // As the older program would have written it: its digest fits.
    let version = env!("CARGO_PKG_VERSION");
    let mut envelope: Value = serde_json::from_str(&text).unwrap();
    envelope["plan"]["basis"]["version"] = "0.0.9".into();
    envelope["version"] = "0.0.9".into();
    let plan: leasehold::plan::Plan = serde_json::from_value(envelope["plan"].clone()).unwrap();
    let bytes = leasehold::plan::saved::write(&plan).unwrap();
    std::fs::write(stack.path("review.plan"), bytes).unwrap();
    assert_stale(&stack, &format!("made by leasehold 0.0.9, this is {version}"));
}

// Refusals.

#[test]
fn nobody_is_asked_where_there_is_no_terminal() {
    let stack = quickstart();
    let before = stack.files();
    let ran = stack.run(&["apply"]).expect(3).says(&["--auto-approve"]);
    assert_eq!(stack.files(), before);
    snapshot!("no_terminal", support::Ran { stdout: String::new(), ..ran });
}

// A part of a plan.

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

// Other commands and forms.

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

// Runs that break off.

/// A stack of so many roles that share a scope.
fn crowd(size: usize) -> String {
    format!(
        r#"leasehold {{
  stack = "crowd"
  defaults {{
    ttl = "90d"
  }}
}}

owner "jane" {{
  email = "jane@example.com"
}}

scope "read" {{
  statement {{
    actions   = ["s3:GetObject", "s3:ListBucket"]
    resources = ["arn:aws:s3:::orders", "arn:aws:s3:::orders/*"]
  }}
}}

identity "bot" {{
  for_each = toset([for n in range({size}) : format("%03d", n)])
  kind     = "workload"
  owner    = owner.jane
  purpose  = "one of many"
  scopes   = [scope.read]
  trust "service" {{
    principals = ["lambda.amazonaws.com"]
  }}
}}
"#
    )
}

/// A slow apply of a crowd that has begun to write.
fn apply_underway() -> (Stack, Running) {
    let stack = Stack::of(&crowd(300)).at(START);
    let running = stack.start(&["apply", "--auto-approve", "--parallelism", "2"]);
    wait_until("the first writes", || {
        let list = stack.ok(&["list", "--format", "json"]).json();
        list["identities"].as_array().unwrap().iter().any(|row| row["live"] == true)
    });
    (stack, running)
}

#[test]
fn an_interrupt_finishes_what_is_in_flight_and_names_the_rest() {
    let (stack, running) = apply_underway();
    running.signal("INT");
    let ran = running.wait().expect(1);
    assert!(ran.stderr.contains("Stopping: finishing what is in flight"), "{ran}");
    let not_done = ran.stderr.lines().filter(|line| line.starts_with("not done: ")).count();
    let tally = ran.stderr.lines().find(|line| line.contains("steps done")).unwrap();
    assert!(not_done > 0 && tally.contains(&format!(" 0 failed, {not_done} not done.")), "{tally}");
    assert!(ran.stderr.contains("bot[\"299\"]") && ran.stderr.contains("Run `leasehold apply` again"), "{ran}");
    stack.ok(&["apply", "--auto-approve", "--parallelism", "256"]);
    stack.assert_converged();
}

#[test]
fn a_killed_run_is_finished_by_the_next() {
    let (stack, running) = apply_underway();
    running.signal("KILL");
    assert_eq!(running.wait().code, -1);
    let plan = stack.plan_json();
    assert!(plan["summary"]["add"].as_u64().unwrap() > 0, "it was killed before its end");
    stack.ok(&["apply", "--auto-approve", "--parallelism", "256"]);
    stack.assert_converged();
    let list = stack.ok(&["list", "--format", "json"]).json();
    assert_eq!(list["identities"].as_array().unwrap().len(), 300);
}
