//! `--target` and `--exclude`: select a part of a plan that is still a valid plan.
//!
//! In: a whole plan and a [`PlanSelection`]. Out: the plan with some of its subjects. The invariant: no kept step
//! needs a step that is left out.
//!
//! # Example
//!
//! `identity.api` needs `scope.orders`. `--target identity.api` keeps both; `--exclude scope.orders` leaves out both.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Address, Alias};

use super::{Plan, Step, StepId};

/// The subjects of a plan to keep.
#[derive(Debug, Clone, Default)]
pub struct PlanSelection {
    /// Addresses to keep, together with what they need. Empty: all.
    pub targets: Vec<String>,
    /// Addresses to leave out, together with what needs them.
    pub excludes: Vec<String>,
}

impl PlanSelection {
    /// Whether nothing is selected: the plan stays whole.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.targets.is_empty() && self.excludes.is_empty()
    }
}

/// Whether `pattern` names `address`: it is the address itself, or the address of a block with `for_each` or of a
/// module that contains it.
#[must_use]
pub fn is_named_by(pattern: &str, address: &Address) -> bool {
    let text = address.as_str();
    text == pattern || text.strip_prefix(pattern).is_some_and(|rest| rest.starts_with('[') || rest.starts_with('.'))
}

/// The selected part of `plan`. A subject is kept or left out as a whole, so that its marks stay true. A target also
/// keeps every subject that its steps need; an exclusion also leaves out every subject whose steps need it.
#[must_use]
pub fn select_steps(plan: Plan, selection: &PlanSelection) -> Plan {
    if selection.is_everything() {
        return plan;
    }
    let any = |patterns: &[String], (address, _): &SelectedSubject| {
        patterns.iter().any(|pattern| is_named_by(pattern, address))
    };
    let subjects: BTreeSet<SelectedSubject> = plan_subjects(&plan);
    let needs = subject_edges(&plan.steps);
    let chosen = if selection.targets.is_empty() {
        subjects.clone()
    } else {
        let start = subjects.iter().filter(|subject| any(&selection.targets, subject)).cloned().collect();
        transitive_closure(start, &needs)
    };
    let dropped = transitive_closure(
        subjects.iter().filter(|subject| any(&selection.excludes, subject)).cloned().collect(),
        &reverse_edges(&needs),
    );
    keep_subjects(plan, &chosen.difference(&dropped).cloned().collect())
}

/// What is kept or left out as a whole. A scope that exists in several accounts is one subject in each.
type SelectedSubject = (Address, Option<Alias>);

fn plan_subjects(plan: &Plan) -> BTreeSet<SelectedSubject> {
    let identities = plan.identities.iter().map(|delta| (delta.address.clone(), delta.id.account.clone()));
    identities.chain(plan.shared.iter().map(|delta| (delta.address.clone(), delta.id.account.clone()))).collect()
}

fn step_subject(step: &Step) -> SelectedSubject {
    (step.subject.clone(), step.change.id().account.clone())
}

type SubjectEdges = BTreeMap<SelectedSubject, BTreeSet<SelectedSubject>>;

fn subject_edges(steps: &[Step]) -> SubjectEdges {
    let subject_of: BTreeMap<StepId, SelectedSubject> =
        steps.iter().map(|step| (step.id, step_subject(step))).collect();
    let mut needs = SubjectEdges::new();
    for step in steps {
        let own = step_subject(step);
        let others: Vec<SelectedSubject> =
            step.needs.iter().filter_map(|id| subject_of.get(id)).filter(|subject| **subject != own).cloned().collect();
        needs.entry(own).or_default().extend(others);
    }
    needs
}

fn reverse_edges(needs: &SubjectEdges) -> SubjectEdges {
    let mut reversed = SubjectEdges::new();
    for (subject, others) in needs {
        for other in others {
            reversed.entry(other.clone()).or_default().insert(subject.clone());
        }
    }
    reversed
}

fn transitive_closure(start: BTreeSet<SelectedSubject>, edges: &SubjectEdges) -> BTreeSet<SelectedSubject> {
    let mut reached = start.clone();
    let mut frontier: Vec<SelectedSubject> = start.into_iter().collect();
    while let Some(subject) = frontier.pop() {
        for next in edges.get(&subject).into_iter().flatten() {
            if reached.insert(next.clone()) {
                frontier.push(next.clone());
            }
        }
    }
    reached
}

fn keep_subjects(mut plan: Plan, subjects: &BTreeSet<SelectedSubject>) -> Plan {
    plan.identities.retain(|delta| subjects.contains(&(delta.address.clone(), delta.id.account.clone())));
    plan.shared.retain(|delta| subjects.contains(&(delta.address.clone(), delta.id.account.clone())));
    keep_steps(plan, |step| subjects.contains(&step_subject(step)))
}

/// The plan with some of its steps, numbered again. A needed step that is not kept is removed from `needs`.
pub(super) fn keep_steps(mut plan: Plan, wanted: impl Fn(&Step) -> bool) -> Plan {
    let kept: Vec<Step> = std::mem::take(&mut plan.steps).into_iter().filter(wanted).collect();
    let numbers: BTreeMap<StepId, StepId> = kept.iter().zip(0u32..).map(|(step, n)| (step.id, StepId(n))).collect();
    plan.steps = kept
        .into_iter()
        .filter_map(|step| {
            let needs = step.needs.iter().filter_map(|id| numbers.get(id).copied()).collect();
            Some(Step { id: *numbers.get(&step.id)?, needs, ..step })
        })
        .collect();
    plan
}
