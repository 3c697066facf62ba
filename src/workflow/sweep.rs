//! The plan of a sweep: the whole stack is planned, and only the expirations in the plan are kept.

use jiff::Timestamp;

use super::connection::Connection;
use super::error::WorkflowError;
use super::event::{PlanSubject, WorkflowContext, WorkflowEvent};
use super::observe::ObservedStack;
use super::plan::plan_stack;
use super::stack::Stack;
use crate::lifecycle::due_events::DueEvent;
use crate::lifecycle::{self, due_events};
use crate::plan::Plan;
use crate::plan::select::PlanSelection;
use crate::plan::sweep::{ExpirationPlan, select_expirations};

/// Plans the expirations that are due. Reports the identities that are due and wait for an apply.
///
/// # Errors
/// The configuration cannot be realized, or the plan failed its own check.
pub fn plan_expirations(
    stack: &Stack,
    connection: &Connection,
    observed: &ObservedStack,
    now: Timestamp,
    context: &WorkflowContext,
) -> Result<(Plan, PlanSubject), WorkflowError> {
    let whole = plan_stack(stack, connection, observed, now, &PlanSelection::default())?;
    let ExpirationPlan { plan, waiting } =
        select_expirations(whole, &observed.snapshot).map_err(WorkflowError::Unsound)?;
    for address in &waiting {
        context.notify(WorkflowEvent::DueIdentityWaits(address));
    }
    let next = if plan.is_empty() { find_next_expiration(stack, connection, observed, now) } else { None };
    Ok((plan, PlanSubject::Expirations(next)))
}

fn find_next_expiration(
    stack: &Stack,
    connection: &Connection,
    observed: &ObservedStack,
    now: Timestamp,
) -> Option<DueEvent> {
    let principal_id = |principal, name: &str| connection.realize.ids.principal_id(principal, name);
    let (statuses, _) = lifecycle::decide_phases(&stack.declared, &observed.snapshot, now, principal_id);
    due_events::find_next_due(&statuses)
}
