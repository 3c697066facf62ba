//! `leasehold restore`: removes the revocation of an identity, and gives it back the access that its configuration declares.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::args::{AllowanceArgs, CarryOutArgs, JsonIntoArgs, VariableArgs};
use super::{CommandError, CommandExit, session};
use crate::workflow::{ChangePurpose, Interruption};

/// `leasehold restore`
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The revoked identity: its address, name or ARN
    #[arg(value_name = "ADDRESS|ARN")]
    pub what: String,
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

/// Plans the stack as if the identity were not revoked, limited to this identity, and applies the plan.
///
/// # Errors
/// The identity is not revoked or has no block, the plan is refused, or the apply did not complete.
pub async fn cmd_restore(
    working_directory: &Path,
    args: &RestoreArgs,
    interruption: &Interruption,
) -> Result<CommandExit, CommandError> {
    let now = session::current_time(args.now);
    let stack = session::read_stack(working_directory, args.dir.as_deref(), &args.variables, now)?;
    session::print_warnings(&stack);
    let connection = stack.connect_to_write(args.now, &session::reading_context()).await?;
    let again = [&["restore".to_owned(), args.what.clone()][..], &args.allowance.to_arguments()].concat();
    let terms = args.carry_out.change_terms(&args.allowance, args.json.json_into.as_deref(), &again);
    let change = (ChangePurpose::Restore(&stack, &args.what), stack.run_purpose("restore"));
    terms.carry_out(working_directory, change, now, &connection, interruption).await
}
