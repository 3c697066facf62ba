//! `leasehold restore`: removes the revocation of an identity, and gives it back the access that its configuration declares.
//!
//! The command plans as if the identity were quarantined for a reason that has no effect, so that only the configuration and the lease
//! decide. The plan must not make the identity leave: otherwise the command is refused.

use std::path::Path;

use leasehold_provider::Quarantine;

use super::args::{RestoreArgs, SelectionArgs};
use super::connection::Connection;
use super::interruption::Interruption;
use super::run::LockedRun;
use super::session::{self, ObservedStack, Stack};
use super::{CommandError, CommandExit, apply, invocation, named};
use crate::lifecycle::LeaveReason;
use crate::plan::Plan;

/// The quarantine reason that replaces the mark of the revocation while the plan is made. It has no effect on the plan.
const RESTORED: &str = "restored";

/// Plans the stack as if the identity were not revoked, limited to this identity, and applies the plan.
///
/// # Errors
/// The identity is not revoked or has no block, the plan is refused, or the apply did not complete.
pub async fn cmd_restore(
    here: &Path,
    args: &RestoreArgs,
    interruption: &Interruption,
) -> Result<CommandExit, CommandError> {
    let now = session::current_time(args.now);
    let stack = Stack::read_stack(here, args.dir.as_deref(), &args.variables, now)?;
    stack.print_warnings();
    let connection = stack.connect_to_write(args.now).await?;
    let run = LockedRun::begin_run(&stack.run_purpose("restore"), &connection, interruption).await?;
    let again = [&["restore".to_owned(), args.what.clone()][..], &args.allowance.to_arguments()].concat();
    let again =
        invocation::current_invocation().follow_up_command(&again.iter().map(String::as_str).collect::<Vec<_>>());
    let terms = args.carry_out.carry_out_terms(&args.allowance, args.json.json_into.as_deref(), again);
    apply::run_and_release_lock(run, async |run| {
        let mut observed = session::observe_stack(&stack, &connection).await?;
        run.resolve_unfinished_intents(&observed.snapshot).await?;
        let address = lift_revocation(&args.what, &stack, &connection, &mut observed)?;
        let selection = SelectionArgs { target: vec![address.clone()], exclude: Vec::new() };
        let plan = session::plan_stack(&stack, &connection, &observed, now, &selection)?;
        refuse_unless_restored(&plan, &address)?;
        apply::review_and_apply_plan(here, run, plan, &observed.shared, &connection, &terms).await
    })
    .await
}

/// Removes the revocation from the observed identity, so that its configuration applies again. Returns its address.
fn lift_revocation(
    what: &str,
    stack: &Stack,
    connection: &Connection,
    observed: &mut ObservedStack,
) -> Result<String, CommandError> {
    let name = &stack.declared.stack;
    let live = named::find_identity(what, name, &observed.snapshot, &connection.realize)?;
    let (id, address) = (live.id.clone(), live.address().clone());
    let quarantine = live.marks.quarantine.clone();
    match quarantine {
        Some(Quarantine { at, reason }) if LeaveReason::from_mark(&reason).is_some() => {
            if !stack.declared.identities.contains_key(&address) {
                return Err(CommandError::Refused {
                    what: format!("no block declares {address} any more, so there is nothing to give back"),
                    help: "Put its block back first; without it, the identity is deleted after its grace.".to_owned(),
                });
            }
            if let Some(live) = observed.snapshot.identities.get_mut(&id) {
                live.marks.quarantine = Some(Quarantine { at, reason: RESTORED.to_owned() });
            }
            Ok(address.to_string())
        }
        Some(Quarantine { reason, .. }) => Err(CommandError::Refused {
            what: format!("{address} was not revoked: it is quarantined because of {reason:?}"),
            help: "What its configuration and its lease say decides; change that, and run `leasehold apply`."
                .to_owned(),
        }),
        None => Err(CommandError::Refused {
            what: format!("{address} is not revoked"),
            help: "`leasehold list` says how each identity stands.".to_owned(),
        }),
    }
}

/// Even without the revocation, the configuration may require that the identity leaves.
fn refuse_unless_restored(plan: &Plan, address: &str) -> Result<(), CommandError> {
    let delta = plan.identities.iter().find(|delta| delta.address.as_str() == address);
    if delta.is_some_and(|delta| delta.leaving.is_none()) {
        return Ok(());
    }
    Err(CommandError::Refused {
        what: format!(
            "{address} would stay shut without the revocation too: its lease is over, or its service is retired"
        ),
        help: "Renew its lease with `renewed_at`, or correct its service; then restore it.".to_owned(),
    })
}
