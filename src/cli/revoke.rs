//! `leasehold revoke`: quarantines one identity at once, in an emergency.
//!
//! It needs only the stack's name, provider and backend from the configuration: an error or a change anywhere else does not prevent the
//! quarantine. Naming the identity on the command line is the approval. `restore` undoes the revocation.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::args::{AllowanceArgs, CheckpointArgs, JsonIntoArgs, VariableArgs};
use super::change::ChangeTerms;
use super::terminal::FollowUp;
use super::{CommandError, CommandExit, session};
use crate::lifecycle::LeaveReason;
use crate::workflow::{ChangePurpose, Connection, Interruption, RevocationTarget, WorkflowError, refuse_rehearsal};

/// `leasehold revoke`
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// The identity: its address, name or ARN, the ARN of a session of its role, or the ID of one of its access keys
    #[arg(value_name = "ADDRESS|ARN")]
    pub what: String,
    /// The stack's directory
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// The reason; stored as a mark on the identity, without characters that tags do not allow
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    #[command(flatten)]
    pub variables: VariableArgs,
    /// Simulate a run at this time (RFC 3339); only with the embedded directory
    #[arg(long, value_name = "INSTANT")]
    pub now: Option<Timestamp>,
    #[command(flatten)]
    pub checkpoint: CheckpointArgs,
    #[command(flatten)]
    pub json: JsonIntoArgs,
}

/// The maximum number of writes to the identity that are in flight at the same time.
const AT_A_TIME: u16 = 10;

/// Plans the quarantine of the named identity and applies the plan without a prompt.
///
/// # Errors
/// No such identity exists, another run has the lock, or the writes did not complete.
pub async fn cmd_revoke(
    working_directory: &Path,
    args: &RevokeArgs,
    interruption: &Interruption,
) -> Result<CommandExit, CommandError> {
    let now = session::current_time(args.now);
    let reason = LeaveReason::from_revocation(&args.reason);
    if reason == LeaveReason::from_revocation("") {
        return Err(WorkflowError::Refused {
            what: "the reason has no letter or digit that can be stored in a mark".to_owned(),
            help: "Pass a short reason with --reason.".to_owned(),
        }
        .into());
    }
    let (variables, context) = (session::read_variables(&args.variables)?, session::reading_context());
    let target = RevocationTarget::read_target(working_directory, args.dir.as_deref(), &variables, now, &context)?;
    refuse_rehearsal(args.now, &target.providers)?;
    let connection =
        Connection::connect_to_providers(&target.providers, target.directory.path(), now, &context).await?;
    let terms = ChangeTerms {
        allowance: &AllowanceArgs::default(),
        parallelism: AT_A_TIME,
        approved: Some("--auto-approve"),
        again: FollowUp::Revocation { reason: args.reason.clone() },
        json_into: args.json.json_into.as_deref(),
        checkpoint: &args.checkpoint,
    };
    let change = (ChangePurpose::Revoke(&target, &args.what, reason), target.run_purpose(&args.reason));
    terms.carry_out(working_directory, change, now, &connection, interruption).await
}
