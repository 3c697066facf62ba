//! Properties of the engine, on generated stacks and the embedded directory: after an apply the next plan is empty, equal inputs give equal
//! plans, no step runs before the steps it needs, and objects of others are never written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use leasehold::apply;
use leasehold::diff::Lifecycle;
use leasehold::plan::{Step, StepId};
use leasehold_provider::{Change, Enact, EnactError, Enacted, Principal, Snapshot, StackName};
use proptest::prelude::*;

use crate::at;
use crate::stacks::{split, stack};
use crate::world::World;

const START: &str = "2026-11-20T22:00:00Z";

/// Enacts changes, and records the order in which steps began and ended.
struct Recorder {
    inner: Arc<dyn Enact>,
    log: Mutex<Vec<(bool, Change)>>,
}

#[async_trait]
impl Enact for Recorder {
    async fn enact_change(&self, stack: &StackName, change: &Change) -> Result<Enacted, EnactError> {
        self.log.lock().unwrap().push((false, change.clone()));
        let result = self.inner.enact_change(stack, change).await;
        self.log.lock().unwrap().push((true, change.clone()));
        result
    }
}

fn began_after_needs(steps: &[Step], log: &[(bool, Change)]) -> bool {
    let place =
        |end: bool, step: &Step| log.iter().position(|(e, change)| *e == end && *change == step.change).unwrap();
    steps.iter().all(|step| {
        step.needs.keys().all(|need| {
            let need = steps.iter().find(|other| other.id == *need).unwrap();
            place(true, need) < place(false, step)
        })
    })
}

fn some() -> impl Strategy<Value = BTreeSet<usize>> {
    proptest::collection::btree_set(0..6usize, 0..6)
}

/// The steps that a step waits for, directly and indirectly.
fn all_needs(steps: &[Step], step: &Step) -> BTreeSet<StepId> {
    let mut found: BTreeSet<StepId> = BTreeSet::new();
    let mut waiting = vec![step];
    while let Some(step) = waiting.pop() {
        let needs = step.needs.keys().filter(|need| found.insert(**need)).collect::<Vec<_>>();
        waiting.extend(steps.iter().filter(|other| needs.contains(&&other.id)));
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// After a change from any stack to any other, at any later time, an apply leaves nothing to do.
    #[test]
    fn after_an_apply_the_next_plan_is_empty(first in stack(), second in stack(), days in 0u32..40) {
        let world = World::new();
        let start = at(START);
        world.apply(&first, start);
        prop_assert!(world.plan(&first, start).is_empty());
        let later = start.checked_add(jiff::SignedDuration::from_hours(i64::from(days) * 24)).unwrap();
        world.apply(&second, later);
        let plan = world.plan(&second, later);
        prop_assert!(plan.is_empty(), "{:#?}", plan.steps);
        prop_assert!(plan.identities.is_empty());
    }

    /// The same with two accounts, and identities that move from one account to the other.
    #[test]
    fn after_an_apply_to_two_accounts_the_next_plan_is_empty(
        first in stack(), second in stack(), there in some(), then in some(), days in 0u32..20,
    ) {
        let world = World::with_two_accounts();
        let (first, second) = (split(first, &there), split(second, &then));
        world.apply(&first, at(START));
        prop_assert!(world.plan(&first, at(START)).is_empty());
        let later = at(START).checked_add(jiff::SignedDuration::from_hours(i64::from(days) * 24)).unwrap();
        world.apply(&second, later);
        let plan = world.plan(&second, later);
        prop_assert!(plan.is_empty(), "{:#?}", plan.steps);
        prop_assert!(plan.identities.is_empty());
        let active = |live: &&leasehold_provider::LiveIdentity| live.marks.quarantine.is_none();
        for live in world.observe(&second).identities.values().filter(active) {
            prop_assert_eq!(&live.id.account, &second.identities[live.address()].spec.account, "each identity is in its account");
        }
    }

    #[test]
    fn equal_inputs_give_equal_plans(first in stack(), second in stack()) {
        let world = World::new();
        world.apply(&first, at(START));
        let plan = world.plan(&second, at("2026-11-22T00:00:00Z"));
        let again = world.plan(&second, at("2026-11-22T00:00:00Z"));
        prop_assert_eq!(serde_json::to_vec(&plan).unwrap(), serde_json::to_vec(&again).unwrap());
    }

    #[test]
    fn no_step_runs_before_what_it_needs(first in stack(), second in stack()) {
        let world = World::new();
        for (stack, now) in [(&first, at(START)), (&second, at("2026-11-22T00:00:00Z"))] {
            let plan = world.plan(stack, now);
            let recorder = Arc::new(Recorder { inner: world.directory.clone(), log: Mutex::default() });
            let outcome = world.execute_with(&plan, recorder.clone());
            prop_assert!(outcome.is_complete());
            prop_assert!(began_after_needs(&plan.steps, &recorder.log.lock().unwrap()));
        }
    }

    /// Any two applies leave the principals of others unchanged.
    #[test]
    fn unmanaged_objects_are_never_written(first in stack(), second in stack()) {
        let world = World::new();
        let outside = world.directory.external_admin();
        for (form, name) in [(Principal::User, "their_user"), (Principal::Role, "their_role")] {
            outside.create_principal(form, name, &BTreeMap::new()).unwrap();
        }
        let theirs = ["their_user", "their_role"];
        let before = outside.rows_of(&theirs).unwrap();
        prop_assert_eq!(world.observe(&first).unmanaged_objects.len(), 2);
        world.apply(&first, at(START));
        world.apply(&second, at("2026-12-22T00:00:00Z"));
        prop_assert_eq!(world.observe(&first).unmanaged_objects.len(), 2);
        prop_assert_eq!(outside.rows_of(&theirs).unwrap(), before);
    }

    /// An identity is quarantined before it is deleted.
    #[test]
    fn nothing_is_deleted_without_a_quarantine(first in stack(), second in stack()) {
        let world = World::new();
        world.apply(&first, at(START));
        let plan = world.plan(&second, at("2026-11-22T00:00:00Z"));
        for delta in plan.identities.iter().filter(|delta| delta.lifecycle == Lifecycle::Leaver) {
            let deletes_principal = delta.changes.iter().any(|c| matches!(c, Change::Delete { before } if before.id == delta.id));
            prop_assert!(!deletes_principal);
        }
    }

    /// A joiner with `depends_on` waits for all steps of the identity that it names.
    #[test]
    fn joiners_wait_for_those_they_depend_on(first in stack(), second in stack()) {
        let world = World::new();
        for (stack, now) in [(&first, START), (&second, "2026-11-22T00:00:00Z")] {
            let plan = world.plan(stack, at(now));
            for joiner in plan.identities.iter().filter(|delta| delta.lifecycle == Lifecycle::Joiner) {
                let on = &stack.identities[&joiner.address].depends_on;
                let steps_of = |address| plan.steps.iter().filter(move |step| step.subject == address);
                for other in plan.identities.iter().filter(|delta| on.contains(&delta.address)) {
                    if matches!(other.lifecycle, Lifecycle::Joiner | Lifecycle::Mover | Lifecycle::Drift) {
                        let awaited: BTreeSet<_> = steps_of(other.address.clone()).map(|step| step.id).collect();
                        for step in steps_of(joiner.address.clone()) {
                            prop_assert!(all_needs(&plan.steps, step).is_superset(&awaited), "{plan:#?}");
                        }
                    }
                }
            }
            world.apply(stack, at(now));
        }
    }

    /// If any write fails, the rest of the plan continues, the steps that depend on the write are reported, and another run reaches the
    /// same state.
    #[test]
    fn a_failed_run_is_finished_by_the_next(first in stack(), second in stack(), seed in any::<u64>()) {
        let faulty = World::with_faults(seed, 0.3);
        let calm = World::new();
        let (start, later) = (at(START), at("2026-11-22T00:00:00Z"));
        calm.apply(&first, start);
        calm.apply(&second, later);
        for (stack, now) in [(&first, start), (&second, later)] {
            for _ in 0..200 {
                let plan = faulty.plan(stack, now);
                if plan.is_empty() {
                    break;
                }
                let outcome = faulty.execute_with(&plan, faulty.directory.clone());
                prop_assert_eq!(outcome.done.len() + outcome.failed.len() + outcome.not_done.len(), plan.steps.len());
                for (_, why) in &outcome.not_done {
                    prop_assert!(matches!(why, apply::UntriedReason::Needs(_)));
                }
            }
        }
        prop_assert!(faulty.plan(&second, later).is_empty());
        prop_assert_eq!(without_unique_ids(faulty.observe(&second)), without_unique_ids(calm.observe(&second)));
    }
}

/// A snapshot in which objects of two directories can be equal.
fn without_unique_ids(mut snapshot: Snapshot) -> Snapshot {
    snapshot.identities.values_mut().for_each(|live| live.unique_id.clear());
    snapshot.shared.values_mut().for_each(|live| live.unique_id = None);
    snapshot
}
