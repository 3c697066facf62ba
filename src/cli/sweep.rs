//! `leasehold sweep`: enforces expirations, such as ended leases and grace periods. This is the command for scheduled runs.
//!
//! It plans the whole stack and then keeps only the expirations. A deletion that other changes must precede waits for an apply, and is
//! reported.

use std::path::Path;

use super::args::{SelectionArgs, SweepArgs};
use super::connection::Connection;
use super::interruption::Interruption;
use super::run::LockedRun;
use super::session::{self, ObservedStack, Stack};
use super::{CommandError, CommandExit, apply, invocation, plan_view};
use crate::lifecycle::{self, due};
use crate::plan::sweep::{ExpirationPlan, select_expirations};
use crate::views;
use crate::views::inert::escape_steering;

/// Makes a plan for the whole stack, keeps only the expirations in it, and applies those.
///
/// # Errors
/// The stack is not valid, the plan is refused, or the apply did not complete.
pub async fn cmd_sweep(
    here: &Path,
    args: &SweepArgs,
    interruption: &Interruption,
) -> Result<CommandExit, CommandError> {
    let now = session::current_time(args.now);
    let stack = Stack::read_stack(here, args.dir.as_deref(), &args.variables, now)?;
    stack.print_warnings();
    let connection = stack.connect_to_write(args.now).await?;
    let run = LockedRun::begin_run(&stack.run_purpose("sweep"), &connection, interruption).await?;
    let again = [&["sweep".to_owned()][..], &args.allowance.to_arguments()].concat();
    let again =
        invocation::current_invocation().follow_up_command(&again.iter().map(String::as_str).collect::<Vec<_>>());
    let terms = args.carry_out.carry_out_terms(&args.allowance, args.json.json_into.as_deref(), again);
    apply::run_and_release_lock(run, async |run| {
        let observed = session::observe_stack(&stack, &connection).await?;
        run.resolve_unfinished_intents(&observed.snapshot).await?;
        let whole = session::plan_stack(&stack, &connection, &observed, now, &SelectionArgs::default())?;
        let ExpirationPlan { plan, waiting } =
            select_expirations(whole, &observed.snapshot).map_err(CommandError::Unsound)?;
        for address in &waiting {
            let line = format!("{address} is due, and others must let go of it first: run `leasehold apply`");
            super::print_message(&format!(
                "{}\n",
                invocation::current_invocation().complete_commands(&escape_steering(&line))
            ));
        }
        if plan.is_empty() {
            plan_view::write_json_into(here, terms.json_into, || views::plan::render_plan_json(&plan, &[]))?;
            super::print_result(&describe_nothing_due(&stack, &connection, &observed, now))?;
            return Ok(CommandExit::Done);
        }
        apply::review_and_apply_plan(here, run, plan, &observed.shared, &connection, &terms).await
    })
    .await
}

/// Says that nothing is due, and what is due next.
fn describe_nothing_due(
    stack: &Stack,
    connection: &Connection,
    observed: &ObservedStack,
    now: jiff::Timestamp,
) -> String {
    let principal_id = |principal, name: &str| connection.realize.ids.principal_id(principal, name);
    let (standings, _) = lifecycle::decide_phases(&stack.declared, &observed.snapshot, now, principal_id);
    let next = match due::find_next_due(&standings) {
        Some(due) => format!("Next: {}.", escape_steering(&due.to_string())),
        None => "Nothing is due later either.".to_owned(),
    };
    format!("No changes. No lease has ended, no grace is over and no key is due.\n{next}\n")
}
