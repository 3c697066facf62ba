//! The plan of a restoration: the identity is planned as if it were quarantined for a reason that has no effect, so that only the
//! configuration and the lease decide. A plan in which the identity leaves is refused.

use jiff::Timestamp;
use leasehold_provider::Quarantine;

use super::connection::Connection;
use super::error::WorkflowError;
use super::named;
use super::observe::ObservedStack;
use super::plan::plan_stack;
use super::stack::Stack;
use crate::lifecycle::LeaveReason;
use crate::plan::Plan;
use crate::plan::select::PlanSelection;

/// The quarantine reason that replaces the mark of the revocation while the plan is made. It has no effect on the plan.
const RESTORED: &str = "restored";

/// Plans the stack as if the identity were not revoked, limited to this identity.
///
/// # Errors
/// The identity is not revoked or has no block, or would leave also without the revocation.
pub fn plan_restoration(
    what: &str,
    stack: &Stack,
    connection: &Connection,
    observed: &mut ObservedStack,
    now: Timestamp,
) -> Result<Plan, WorkflowError> {
    let address = lift_revocation(what, stack, connection, observed)?;
    let selection = PlanSelection { targets: vec![address.clone()], excludes: Vec::new() };
    let plan = plan_stack(stack, connection, observed, now, &selection)?;
    refuse_unless_restored(&plan, &address)?;
    Ok(plan)
}

/// Removes the revocation from the observed identity, so that its configuration applies again. Returns its address.
fn lift_revocation(
    what: &str,
    stack: &Stack,
    connection: &Connection,
    observed: &mut ObservedStack,
) -> Result<String, WorkflowError> {
    let name = &stack.declared.stack;
    let live = named::find_identity(what, name, &observed.snapshot, &connection.realize)?;
    let (id, address) = (live.id.clone(), live.address().clone());
    let quarantine = live.marks.quarantine.clone();
    match quarantine {
        Some(Quarantine { at, reason }) if LeaveReason::from_mark(&reason).is_some() => {
            if !stack.declared.identities.contains_key(&address) {
                return Err(WorkflowError::Refused {
                    what: format!("{address} is no longer declared, so it cannot be restored"),
                    help: "Declare it again first; otherwise the identity is deleted after its grace period."
                        .to_owned(),
                });
            }
            if let Some(live) = observed.snapshot.identities.get_mut(&id) {
                live.marks.quarantine = Some(Quarantine { at, reason: RESTORED.to_owned() });
            }
            Ok(address.to_string())
        }
        Some(Quarantine { reason, .. }) => Err(WorkflowError::Refused {
            what: format!("{address} was not revoked: it is quarantined because of {reason:?}"),
            help: "Change its configuration or renew its lease, then run `leasehold apply`.".to_owned(),
        }),
        None => Err(WorkflowError::Refused {
            what: format!("{address} is not revoked"),
            help: "Run `leasehold list` to see the status of each identity.".to_owned(),
        }),
    }
}

/// Even without the revocation, the configuration may require that the identity leaves.
fn refuse_unless_restored(plan: &Plan, address: &str) -> Result<(), WorkflowError> {
    let delta = plan.identities.iter().find(|delta| delta.address.as_str() == address);
    if delta.is_some_and(|delta| delta.leaving.is_none()) {
        return Ok(());
    }
    Err(WorkflowError::Refused {
        what: format!(
            "{address} would stay quarantined without the revocation: its lease has expired, or its service is retired"
        ),
        help: "Renew its lease with `renewed_at`, or change its service; then restore it.".to_owned(),
    })
}
