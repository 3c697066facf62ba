//! The file of a saved plan, after somebody edited it: what is applied is what the file shows, or the file is refused.
//!
//! Every node of the JSON is changed, removed, duplicated and swapped, with the old digest and with a new one. No edited step may ever be
//! applied: the plan is made again, so the file cannot add anything. `LEASEHOLD_PLAN_EDITS=all` tries every edit, otherwise a sample.
#![allow(clippy::disallowed_methods, reason = "a variable selects the number of cases")]

use std::collections::BTreeSet;

use leasehold::config::{DeclaredStack, Sources};
use leasehold::plan::Plan;
use leasehold::plan::compare::compare_plans;
use leasehold::plan::saved::{ReadPlanError, read_plan, write_plan};
use leasehold::plan::sealed::{
    SealKey, SealedValues, check_sealed_values, contains_secrets, digest_sensitive_values, redact_plan,
};
use leasehold::views::plan::render_plan_text;
use leasehold::workflow::ObservedStack;
use leasehold_test_harness::json_edits::{edit_node, list_node_paths};
use leasehold_test_harness::test_seed;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use secrecy::SecretBox;
use serde_json::Value;

use crate::at;
use crate::stacks::stack;
use crate::world::World;

const START: &str = "2026-11-20T22:00:00Z";
const LATER: &str = "2026-12-02T22:00:00Z";

/// One of so many edits is tried, unless `LEASEHOLD_PLAN_EDITS=all`.
const SAMPLE: u64 = 32;

/// What happened to an edited file.
enum Fate {
    /// It is refused.
    Refused,
    /// It is the same plan: the edit is lost when the file is read.
    Same,
    /// It is applied: the plan of the file, and the plan that is made now.
    Applied(Box<(Plan, Plan)>),
}

/// A stack that was applied, and the plan to another one.
struct Reviewed {
    world: World,
    declared: DeclaredStack,
    observed: ObservedStack,
    plan: Plan,
    /// The digests of its sensitive values. Who edits the file does not know their key.
    sealed: SealedValues,
}

fn key() -> SealKey {
    SecretBox::new(Box::new([7; 32]))
}

impl Reviewed {
    fn new(first: &DeclaredStack, second: DeclaredStack) -> Self {
        let world = World::new();
        world.apply(first, at(START));
        let plan = world.plan(&second, at(LATER));
        let sealed = SealedValues { key: "0".repeat(32), values: digest_sensitive_values(&plan, &key()) };
        let observed = world.observe_state(&second, &Sources::default()).unwrap();
        Self { world, declared: second, observed, plan, sealed }
    }

    /// The file of a plan that somebody edited. The sensitive values are proven as before.
    fn write(&self, plan: &Plan) -> Vec<u8> {
        write_plan(plan, Some(&self.sealed)).unwrap()
    }

    /// Applies the file as `apply FILE` does, up to the first write.
    fn apply_file(&self, bytes: &[u8]) -> Fate {
        let Ok(saved) = read_plan(bytes) else { return Fate::Refused };
        let sealed = contains_secrets(&self.plan).then_some(&self.sealed);
        if saved.plan == redact_plan(&self.plan) && saved.sealed.as_ref() == sealed {
            return Fate::Same;
        }
        let (now, selection) = (saved.plan.now, &saved.plan.selection);
        let stack = (&self.declared, &Sources::default());
        let Ok(made) = self.world.plan_part(stack, &self.observed, now, selection) else { return Fate::Refused };
        let same = compare_plans(&saved.plan, &made, &self.observed.snapshot).is_empty();
        // Another name leads to another key, or to none.
        let sealed = saved.sealed.as_ref().filter(|sealed| sealed.key == self.sealed.key);
        let proven = |plan| sealed.is_some_and(|sealed| check_sealed_values(plan, sealed, &key()).is_none());
        match same && (!contains_secrets(&made) || proven(&made)) {
            true => Fate::Applied(Box::new((saved.plan, made))),
            false => Fate::Refused,
        }
    }

    /// What a plan shows, without the name of the caller.
    fn show(&self, plan: &Plan) -> String {
        let mut plan = plan.clone();
        plan.realm.actor = String::new();
        render_plan_text(&plan, &[], self.world.realizer())
    }
}

/// Two stacks that are the same in each run.
fn some_stacks(number: usize) -> (DeclaredStack, DeclaredStack) {
    let mut runner = TestRunner::deterministic();
    let pairs = (0..=number).map(|_| (stack(), stack()).new_tree(&mut runner).unwrap().current());
    pairs.last().unwrap()
}

#[test]
fn an_edited_plan_is_refused_or_applied_as_it_is_shown() {
    let (all, seed) = (std::env::var("LEASEHOLD_PLAN_EDITS").is_ok_and(|text| text == "all"), test_seed());
    let (mut number_of_edit, mut edited, mut applied) = (0, 0, BTreeSet::new());
    for number in 0..3 {
        let (first, second) = some_stacks(number);
        let reviewed = Reviewed::new(&first, second);
        assert!(!reviewed.plan.is_empty(), "the plan of pair {number} has steps");
        let bytes = reviewed.write(&reviewed.plan);
        assert!(matches!(reviewed.apply_file(&bytes), Fate::Same));
        let file: Value = serde_json::from_slice(&bytes).unwrap();
        for path in list_node_paths(&file) {
            for file in edit_node(&file, &path) {
                number_of_edit += 1;
                if !all && number_of_edit % SAMPLE != seed % SAMPLE {
                    continue;
                }
                edited += 1;
                // The digest is the old one.
                let kept = read_plan(format!("{file}\n").as_bytes());
                assert!(kept.is_err(), "{path} with the old digest");
                // The digest is computed again.
                let Ok(plan) = serde_json::from_value::<Plan>(file["plan"].clone()) else { continue };
                let Ok(sealed) = serde_json::from_value::<Option<SealedValues>>(file["sealed"].clone()) else {
                    continue;
                };
                let Ok(bytes) = write_plan(&plan, sealed.as_ref()) else { continue };
                match reviewed.apply_file(&bytes) {
                    Fate::Refused | Fate::Same => {}
                    Fate::Applied(plans) => {
                        let (saved, made) = *plans;
                        assert_eq!(saved.steps, redact_plan(&made).steps, "{path}");
                        assert_eq!(reviewed.show(&saved), reviewed.show(&made), "{path}");
                        applied.insert(path.clone());
                    }
                }
            }
        }
    }
    println!("{edited} edits");
    assert!(edited > 400, "{edited} edits");
    // Who made the plan and the path of the directory decide nothing. All that an editor can do is to choose another instant within the
    // maximum age at which the plan is the same.
    let harmless =
        BTreeSet::from(["/plan/basis/directory".to_owned(), "/plan/now".to_owned(), "/plan/realm/actor".to_owned()]);
    assert!(applied.is_subset(&harmless), "{applied:?}");
}

#[test]
fn a_file_has_one_spelling() {
    let (first, second) = some_stacks(0);
    let reviewed = Reviewed::new(&first, second);
    let text = String::from_utf8(reviewed.write(&reviewed.plan)).unwrap();
    assert!(read_plan(text.as_bytes()).is_ok());
    let stack = "\"stack\":\"laws\"";
    let version = format!("\"version\":\"{}\"", reviewed.plan.basis.version);
    assert_eq!((text.matches(stack).count() > 0, text.matches(&version).count()), (true, 2));
    for edited in [
        text.trim_end().to_owned(),
        format!("{text} "),
        text.replacen(stack, "\"stack\": \"laws\"", 1),
        text.replacen(stack, "\"more\":1,\"stack\":\"laws\"", 1),
        text.replacen(stack, "\"stack\":\"other\",\"stack\":\"laws\"", 1),
        text.replacen(stack, "\"stack\":\"la\\u0077s\"", 1),
        text.replacen(&version, "\"version\":\"9.9.9\"", 1),
        text.replacen("{\"leasehold_plan\"", "{\"more\":1,\"leasehold_plan\"", 1),
    ] {
        assert_ne!(edited, text);
        assert!(matches!(read_plan(edited.as_bytes()), Err(ReadPlanError::Altered)), "{edited}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// A file gives back the plan, and the plan lists the changes that its steps make.
    #[test]
    fn a_plan_reads_back_from_its_file(first in stack(), second in stack()) {
        let reviewed = Reviewed::new(&first, second);
        let read = read_plan(&reviewed.write(&reviewed.plan)).unwrap();
        prop_assert_eq!(read.plan, redact_plan(&reviewed.plan));
        prop_assert_eq!(read.sealed, contains_secrets(&reviewed.plan).then_some(reviewed.sealed));
    }

    /// A plan lists what it does: one with the steps of another is not read.
    #[test]
    fn a_plan_with_the_steps_of_another_is_refused(first in stack(), second in stack(), third in stack()) {
        let (one, other) = (Reviewed::new(&first, second), Reviewed::new(&first, third));
        let mixed = Plan { steps: other.plan.steps.clone(), ..one.plan.clone() };
        let read = read_plan(&one.write(&mixed));
        match read {
            Err(ReadPlanError::Misleading) => {}
            other => prop_assert!(other.is_ok_and(|_| one.show(&mixed) == one.show(&one.plan))),
        }
        let same = redact_plan(&mixed).steps == redact_plan(&one.plan).steps;
        prop_assert_eq!(compare_plans(&mixed, &one.plan, &one.observed.snapshot).is_empty(), same);
    }
}
