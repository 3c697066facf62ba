//! `leasehold sweep`: carries out what time alone brought. The scheduled write.

use std::path::Path;

use super::args::{SelectionArgs, SweepArgs};
use super::connection::Connection;
use super::interruption::Interruption;
use super::run::Run;
use super::session::{self, Observed, Stack};
use super::{Exit, Failure, apply, invocation, plan_view};
use crate::lifecycle::{self, due};
use crate::plan::sweep::{Swept, sweep};
use crate::views;
use crate::views::inert::inert;

pub async fn cmd_sweep(here: &Path, args: &SweepArgs, interruption: &Interruption) -> Result<Exit, Failure> {
    let now = session::now(args.now);
    let stack = Stack::read(here, args.dir.as_deref(), &args.variables, now)?;
    stack.warn();
    let connection = stack.connect_to_write(args.now).await?;
    let run = Run::begin(&stack.purpose("sweep"), &connection, interruption).await?;
    let again = [&["sweep".to_owned()][..], &args.allowance.words()].concat();
    let again = invocation::current().follow_up(&again.iter().map(String::as_str).collect::<Vec<_>>());
    let terms = args.carry_out.terms(&args.allowance, args.json.json_into.as_deref(), again);
    apply::locked(run, async |run| {
        let observed = session::observe(&stack, &connection).await?;
        run.settle(&observed.snapshot).await?;
        let whole = session::plan(&stack, &connection, &observed, now, &SelectionArgs::default())?;
        let Swept { plan, waiting } = sweep(whole, &observed.snapshot).map_err(Failure::Unsound)?;
        for address in &waiting {
            let line = format!("{address} is due, and others must let go of it first: run `leasehold apply`");
            super::say(&format!("{}\n", invocation::current().complete(&inert(&line))));
        }
        if plan.is_empty() {
            plan_view::json_into(here, terms.json_into, || views::plan::json(&plan, &[]))?;
            super::print(&nothing(&stack, &connection, &observed, now))?;
            return Ok(Exit::Done);
        }
        apply::settle_plan(here, run, plan, &observed.shared, &connection, &terms).await
    })
    .await
}

/// That nothing is due, and what will be.
fn nothing(stack: &Stack, connection: &Connection, observed: &Observed, now: jiff::Timestamp) -> String {
    let principal_id = |principal, name: &str| connection.realize.principal_id(principal, name);
    let (standings, _) = lifecycle::decide(&stack.declared, &observed.snapshot, now, principal_id);
    let next = match due::next(&standings) {
        Some(due) => format!("Next: {}.", inert(&due.to_string())),
        None => "Nothing is due later either.".to_owned(),
    };
    format!("No changes. No lease has ended, no grace is over and no key is due.\n{next}\n")
}
