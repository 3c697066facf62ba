//! The file of a saved plan, edited by somebody who also computes its digest again: `show` and `apply` refuse it, and nothing is written.

use leasehold::plan::Plan;
use leasehold::plan::saved::write_plan;
use leasehold_provider::{Change, Document, Value as Attribute};
use leasehold_test_harness::Stack;
use leasehold_test_harness::json_edits::{edit_node, list_node_paths};
use leasehold_test_harness::snapshot;
use leasehold_test_harness::test_seed;
use serde_json::{Value, json};

use super::applied;

/// How many edits the program is run with.
const TRIED: usize = 30;

/// The quickstart with a wider scope in a saved plan.
fn saved() -> Stack {
    let stack = applied();
    stack.edit("stack.hcl", "\"s3:GetObject\"", "\"s3:GetObject\", \"s3:GetObjectVersion\"");
    stack.ok(&["plan", "--out", "review.plan"]);
    stack
}

fn read(stack: &Stack) -> Value {
    serde_json::from_str(&stack.read("review.plan")).unwrap()
}

/// Writes the plan as the program would, with a digest that fits.
fn save(stack: &Stack, plan: &Plan) {
    stack.write("review.plan", &String::from_utf8(write_plan(plan, None).unwrap()).unwrap());
}

/// Replaces the statements of every policy in the steps, and in the listed changes too if the attacker is thorough.
fn allow_everything(plan: &Value, thorough: bool) -> Plan {
    let widen = |change: &mut Change| {
        for resource in change.sides_mut().skip(1) {
            if resource.attributes.contains_key("policy") {
                let all = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": ["*"], "Resource": ["*"] }] });
                resource.attributes.insert("policy".into(), Attribute::Document(Document::new(all)));
            }
        }
    };
    let mut plan: Plan = serde_json::from_value(plan["plan"].clone()).unwrap();
    let mut steps = serde_json::to_value(&plan.steps).unwrap();
    for step in steps.as_array_mut().unwrap() {
        let mut change: Change = serde_json::from_value(step["change"].clone()).unwrap();
        widen(&mut change);
        step["change"] = serde_json::to_value(change).unwrap();
    }
    plan.steps = serde_json::from_value(steps).unwrap();
    if thorough {
        plan.shared.iter_mut().flat_map(|delta| &mut delta.changes).for_each(widen);
        plan.identities.iter_mut().flat_map(|delta| &mut delta.changes).for_each(widen);
    }
    plan
}

#[test]
fn steps_that_do_more_than_is_shown_are_refused() {
    let stack = saved();
    save(&stack, &allow_everything(&read(&stack), false));
    let before = stack.files();
    snapshot!(stack.run(&["apply", "review.plan", "--auto-approve"]).expect(3), @"
    $ leasehold apply review.plan --auto-approve
    exit 3
    ─── stderr
    error: review.plan: the plan was modified after it was made: the changes that it lists are not those that its steps make
      help: Make a new plan with `leasehold plan --out review.plan`, review it, and apply that.
    ");
    stack
        .run(&["show", "review.plan"])
        .expect(1)
        .says(&["the changes that it lists are not those that its steps make"]);
    assert_eq!(stack.files(), before);
}

#[test]
fn changes_that_the_configuration_does_not_give_are_refused() {
    let stack = saved();
    save(&stack, &allow_everything(&read(&stack), true));
    let before = stack.files();
    stack.ok(&["show", "review.plan"]).says(&["\"*\""]);
    snapshot!(stack.run(&["apply", "review.plan", "--auto-approve"]).expect(3), @"
    $ leasehold apply review.plan --auto-approve
    exit 3
    ─── stderr
    error: the saved plan is stale; nothing was changed
      - scope.orders_read would change differently now: changes
      - The configuration, the variables and the objects that the plan writes are as they were. Either other live objects of the stack have changed, or the file was edited
      help: Make a new plan, review it, and apply that.
    ");
    assert_eq!(stack.files(), before);
}

#[test]
fn edited_files_are_refused_by_the_program() {
    let stack = saved();
    let (file, seed) = (read(&stack), test_seed());
    let edits: Vec<(String, Value)> = list_node_paths(&file["plan"])
        .into_iter()
        .flat_map(|path| edit_node(&file["plan"], &path).into_iter().map(move |plan| (path.clone(), plan)))
        .collect();
    let readable =
        edits.into_iter().filter_map(|(path, plan)| Some((path, serde_json::from_value::<Plan>(plan).ok()?)));
    let original: Plan = serde_json::from_value(file["plan"].clone()).unwrap();
    // Who made the plan and where decides nothing.
    let harmless = ["/realm/actor", "/basis/directory"];
    let edits: Vec<_> =
        readable.filter(|(path, plan)| *plan != original && !harmless.contains(&path.as_str())).collect();
    let every = edits.len() / TRIED;
    let before = stack.files();
    for (path, plan) in edits.iter().skip(usize::try_from(seed).unwrap() % every).step_by(every) {
        save(&stack, plan);
        let ran = stack.run(&["apply", "review.plan", "--auto-approve"]);
        assert_eq!(ran.code, 3, "{path}: {ran}");
    }
    stack.write("review.plan", &String::from_utf8(write_plan(&original, None).unwrap()).unwrap());
    assert_eq!(stack.files(), before);
    stack.ok(&["apply", "review.plan", "--auto-approve"]);
    stack.assert_converged();
}
