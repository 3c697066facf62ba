//! `leasehold sweep`: enforces expirations, such as ended leases and grace periods. This is the command for scheduled runs.
//!
//! It plans the whole stack and then keeps only the expirations. A deletion that other changes must precede waits for an apply, and is
//! reported.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::args::{AllowanceArgs, CarryOutArgs, JsonIntoArgs, VariableArgs};
use super::{CommandError, CommandExit, session};
use crate::workflow::{ChangePurpose, Interruption};

/// `leasehold sweep`
#[derive(Debug, Args)]
pub struct SweepArgs {
    /// The stack's directory
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub variables: VariableArgs,
    /// Simulate a run at this time (RFC 3339); only with the embedded directory
    #[arg(long, value_name = "INSTANT")]
    pub now: Option<Timestamp>,
    #[command(flatten)]
    pub allowance: AllowanceArgs,
    #[command(flatten)]
    pub carry_out: CarryOutArgs,
    #[command(flatten)]
    pub json: JsonIntoArgs,
}

/// Makes a plan for the whole stack, keeps only the expirations in it, and applies those.
///
/// # Errors
/// The stack is not valid, the plan is refused, or the apply did not complete.
pub async fn cmd_sweep(
    working_directory: &Path,
    args: &SweepArgs,
    interruption: &Interruption,
) -> Result<CommandExit, CommandError> {
    let now = session::current_time(args.now);
    let stack = session::read_stack_without_requirements(working_directory, args.dir.as_deref(), &args.variables, now)?;
    session::print_warnings(&stack);
    let connection = stack.connect_to_write(args.now, &session::reading_context()).await?;
    let again = [&["sweep".to_owned()][..], &args.allowance.to_arguments()].concat();
    let terms = args.carry_out.change_terms(&args.allowance, args.json.json_into.as_deref(), &again);
    let change = (ChangePurpose::Sweep(&stack), stack.run_purpose("sweep"));
    terms.carry_out(working_directory, change, now, &connection, interruption).await
}
