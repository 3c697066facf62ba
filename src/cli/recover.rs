//! `leasehold recover`: begins a new record of what the stack owns, after its store was lost.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use async_trait::async_trait;
use clap::Args;
use jiff::Timestamp;

use super::args::VariableArgs;
use super::terminal::{FollowUp, RunOutput};
use super::{CommandError, CommandExit, invocation, origin, print_message, session};
use crate::views::inert::escape_steering;
use crate::views::style::{STRONG, paint_text};
use crate::workflow::{
    AutoApprover, ChangeCaller, Interruption, RecoverableObject, RecoveryApprover, RecoveryRequest, WorkflowError,
    recover_ownership,
};

/// `leasehold recover`
#[derive(Debug, Args)]
pub struct RecoverArgs {
    /// The stack's directory
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub variables: VariableArgs,
    /// Simulate a run at this time (RFC 3339); only with the embedded directory
    #[arg(long, value_name = "INSTANT")]
    pub now: Option<Timestamp>,
    /// Recover only this object: an address, or an id as the list shows it. May be given several times
    #[arg(long, value_name = "ADDRESS")]
    pub only: Vec<String>,
    /// Begin a record without any object: nothing that carries the marks belongs to this stack
    #[arg(long, conflicts_with = "only")]
    pub none: bool,
    /// Confirm without a prompt. The ledger records it
    #[arg(long)]
    pub auto_approve: bool,
}

/// Shows what carries the marks of the stack, and records what a person confirms as the stack's. Writes nothing to the cloud.
///
/// # Errors
/// The record of the stack is intact, the person does not confirm, or the store or the cloud cannot be used.
pub async fn cmd_recover(
    working_directory: &Path,
    args: &RecoverArgs,
    interruption: &Interruption,
) -> Result<CommandExit, CommandError> {
    let now = session::current_time(args.now);
    let stack = session::read_stack(working_directory, args.dir.as_deref(), &args.variables, now)?;
    session::print_warnings(&stack);
    let connection = stack.connect_to_write(args.now, &session::reading_context()).await?;
    let again = FollowUp::Command(invocation::current_invocation().follow_up_command(&["recover"]));
    let output = RunOutput { working_directory: working_directory.to_owned(), json_into: None, again };
    let context = session::changing_context(output);
    let origin = origin::read_origin(stack.directory.path());
    let auto = AutoApprover { how: "--auto-approve" };
    let caller = ChangeCaller { context: &context, approver: &auto, interruption, origin };
    let request = RecoveryRequest { stack: &stack, connection: &connection, only: &args.only, none: args.none, now };
    recover_ownership(&request, &TerminalConfirmation { auto_approve: args.auto_approve }, caller).await?;
    print_message("Recorded. Run `leasehold plan` to see what differs from the configuration.\n");
    Ok(CommandExit::Done)
}

/// Asks at the terminal.
struct TerminalConfirmation {
    auto_approve: bool,
}

#[async_trait(?Send)]
impl RecoveryApprover for TerminalConfirmation {
    async fn confirm_objects(&self, objects: &[RecoverableObject]) -> Result<String, WorkflowError> {
        print_message(&render_objects(objects));
        if self.auto_approve {
            return Ok("--auto-approve".to_owned());
        }
        let refused = |what: &str| WorkflowError::Refused {
            what: what.to_owned(),
            help: "Answer yes at a terminal, or pass --auto-approve. Nothing was changed.".to_owned(),
        };
        if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return Err(refused("cannot prompt for confirmation: stdin or stderr is not a terminal"));
        }
        let question = paint_text(STRONG, "Record these objects as this stack's, and no others?");
        print_message(&format!("\n{question} Only 'yes' confirms: "));
        std::io::stderr().flush().context("cannot write to stderr")?;
        let read = tokio::task::spawn_blocking(|| {
            let mut answer = String::new();
            std::io::stdin().read_line(&mut answer).map(|_| answer)
        });
        let answer = read.await.context("cannot read the answer")?.context("cannot read the answer")?;
        match answer.trim() {
            "yes" => Ok("at the terminal".to_owned()),
            _ => Err(refused("recovery canceled")),
        }
    }
}

fn render_objects(objects: &[RecoverableObject]) -> String {
    if objects.is_empty() {
        return "No object is recorded. What carries the marks of this stack will be reported and never changed.\n"
            .to_owned();
    }
    let mut text =
        "These objects carry the marks of this stack. Everybody who may tag can have written them:\n\n".to_owned();
    for RecoverableObject { unique_id, object } in objects {
        let marks = &object.marks;
        let mut facts = vec![unique_id.clone()];
        facts.extend(marks.owner.as_ref().map(|owner| format!("owner {owner}")));
        facts.extend(marks.created_at.map(|at| format!("created {at}")));
        facts.extend(
            marks
                .quarantine
                .as_ref()
                .map(|quarantine| format!("quarantined ({}); its grace period begins again now", quarantine.reason)),
        );
        facts.extend(marks.lineage.as_ref().map(|lineage| format!("lineage {lineage}")));
        let line = format!("{}  {}  {}", marks.address, object.resource, facts.join(" · "));
        text.push_str(&format!("  {}\n", escape_steering(&line)));
    }
    text
}
