//! What people should know about the states between the steps of a plan.

use std::collections::BTreeMap;

use leasehold_provider::{Address, Alias};

use crate::plan::{InterimState, Plan, Step};
use crate::views::inert::escape_steering;

/// For each subject and account, the steps after which a policy denies something that it denies neither before nor after the change.
pub type InterimSteps<'a> = BTreeMap<(&'a Address, Option<&'a Alias>), Vec<&'a Step>>;

/// The interim steps that are worth reporting. A policy that is only narrowed during the change is expected, and is left out.
#[must_use]
pub fn collect_interim_steps(plan: &Plan) -> InterimSteps<'_> {
    let mut interim = InterimSteps::new();
    for step in plan.steps.iter().filter(|step| step.interim_state.is_some_and(|it| it != InterimState::Narrowed)) {
        interim.entry((&step.subject, step.change.id().account.as_ref())).or_default().push(step);
    }
    interim
}

/// The line about one interim step.
#[must_use]
pub fn describe_interim_step(step: &Step) -> String {
    let words = step.interim_state.map_or_else(String::new, |interim_state| interim_state.to_string());
    escape_steering(&format!("during the change, {} {words}", step.change.id())).into_owned()
}
