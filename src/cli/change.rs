//! What the commands that write share: their options, and the call of the workflow.

use std::path::Path;

use jiff::Timestamp;

use super::approval::TerminalPrompt;
use super::args::{AllowanceArgs, CarryOutArgs, CheckpointArgs};
use super::audit::CheckpointFiles;
use super::terminal::{FollowUp, RunOutput};
use super::{CommandError, CommandExit, invocation, origin, session};
use crate::rules::Allowance;
use crate::workflow::{
    Approver, AutoApprover, ChangeCaller, ChangePurpose, ChangeRequest, Connection, Interruption, RunPurpose,
    carry_out_change,
};

/// The options with which a plan is carried out.
pub struct ChangeTerms<'a> {
    pub allowance: &'a AllowanceArgs,
    /// The maximum number of writes in flight at the same time.
    pub parallelism: u16,
    /// How the plan is approved without a prompt, for the ledger. `None`: the user is asked.
    pub approved: Option<&'static str>,
    /// The command line that finishes the steps that were not done.
    pub again: FollowUp,
    /// The file that the plan is also written to as JSON.
    pub json_into: Option<&'a Path>,
    /// Whether the end of the ledger is signed afterwards, and with which key.
    pub checkpoint: &'a CheckpointArgs,
}

impl CarryOutArgs {
    /// Combines these arguments with those for the allowance and the JSON file. `again` are the words of the command that does the rest.
    pub fn change_terms<'a>(
        &'a self,
        allowance: &'a AllowanceArgs,
        json_into: Option<&'a Path>,
        again: &[String],
    ) -> ChangeTerms<'a> {
        let again: Vec<&str> = again.iter().map(String::as_str).collect();
        ChangeTerms {
            allowance,
            parallelism: self.parallelism,
            approved: self.auto_approve.then_some("--auto-approve"),
            again: FollowUp::Command(invocation::current_invocation().follow_up_command(&again)),
            json_into,
            checkpoint: &self.checkpoint,
        }
    }
}

impl AllowanceArgs {
    /// What the operator allows beyond the defaults.
    pub fn to_allowance(&self) -> Allowance {
        Allowance { max_leavers: self.max_leavers, approved: self.approve.clone() }
    }
}

impl ChangeTerms<'_> {
    /// Carries out the command.
    ///
    /// # Errors
    /// Another run has the lock, the plan is refused, not approved or stale, or it was not carried out completely.
    pub async fn carry_out(
        self,
        working_directory: &Path,
        (purpose, run): (ChangePurpose<'_>, RunPurpose<'_>),
        now: Timestamp,
        connection: &Connection,
        interruption: &Interruption,
    ) -> Result<CommandExit, CommandError> {
        let json_into = self.json_into.map(Path::to_owned);
        let context = session::changing_context(RunOutput {
            working_directory: working_directory.to_owned(),
            json_into,
            again: self.again,
        });
        let checkpoint = CheckpointFiles::from_args(self.checkpoint, working_directory);
        let auto = self.approved.map(|how| AutoApprover { how });
        let approver: &dyn Approver = auto.as_ref().map_or(&TerminalPrompt, |auto| auto);
        let origin = origin::read_origin(run.directory);
        let request = ChangeRequest {
            purpose,
            run,
            now,
            connection,
            allowance: self.allowance.to_allowance(),
            parallelism: usize::from(self.parallelism),
            checkpoint: checkpoint.as_ref().map(|files| files as _),
        };
        carry_out_change(&request, ChangeCaller { context: &context, approver, interruption, origin }).await?;
        Ok(CommandExit::Done)
    }
}
