//! `leasehold apply`: makes a plan, asks for approval, carries the plan out and verifies the result; or carries out a saved plan exactly as
//! it was reviewed.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;

use super::args::{AllowanceArgs, CarryOutArgs, JsonIntoArgs, SelectionArgs, VariableArgs};
use super::change::ChangeTerms;
use super::{CommandError, CommandExit, invocation, operator, session, signing};
use crate::ledger::checkpoint::{self, Signers};
use crate::plan::saved;
use crate::shell::quote_shell_word;
use crate::workflow::{ChangePurpose, CurrentSavedPlan, Interruption, WorkflowError};

/// `leasehold apply`
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// The stack's directory, or a saved plan
    #[arg(value_name = "DIR|PLAN")]
    pub what: Option<PathBuf>,
    #[command(flatten)]
    pub variables: VariableArgs,
    /// Simulate a run at this time (RFC 3339); only with the embedded directory
    #[arg(long, value_name = "INSTANT")]
    pub now: Option<Timestamp>,
    #[command(flatten)]
    pub selection: SelectionArgs,
    #[command(flatten)]
    pub allowance: AllowanceArgs,
    /// Require a signature on the saved plan by one of the signers in this allowed_signers file (format of ssh-keygen)
    #[arg(long, value_name = "FILE")]
    pub signers: Option<PathBuf>,
    #[command(flatten)]
    pub carry_out: CarryOutArgs,
    #[command(flatten)]
    pub json: JsonIntoArgs,
}

/// Applies a saved plan if the argument is a file, otherwise makes a plan and applies it.
///
/// # Errors
/// The plan is refused, not approved or stale, or the apply did not complete.
pub async fn cmd_apply(
    working_directory: &Path,
    args: &ApplyArgs,
    interruption: &Interruption,
) -> Result<CommandExit, CommandError> {
    let what = args.what.as_ref().map(|what| super::resolve_path(working_directory, what));
    match what.filter(|path| path.is_file()) {
        Some(file) => apply_saved_plan(working_directory, &file, args, interruption).await,
        None => apply_stack(working_directory, args, interruption).await,
    }
}

async fn apply_stack(
    working_directory: &Path,
    args: &ApplyArgs,
    interruption: &Interruption,
) -> Result<CommandExit, CommandError> {
    let now = session::current_time(args.now);
    let stack = session::read_stack(working_directory, args.what.as_deref(), &args.variables, now)?;
    session::print_warnings(&stack);
    let connection = stack.connect_to_write(args.now, &session::reading_context()).await?;
    let again = [&["apply".to_owned()][..], &args.selection.to_arguments(), &args.allowance.to_arguments()].concat();
    let change = (ChangePurpose::Apply(&stack, args.selection.to_selection()), stack.run_purpose("apply"));
    args.change_terms(&again).carry_out(working_directory, change, now, &connection, interruption).await
}

async fn apply_saved_plan(
    working_directory: &Path,
    file: &Path,
    args: &ApplyArgs,
    interruption: &Interruption,
) -> Result<CommandExit, CommandError> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    if let Some(signers) = operator::find_required_signers(working_directory, args.signers.as_ref())? {
        check_plan_signature(file, &bytes, &signers)?;
    }
    let saved = saved::read_plan(&bytes).map_err(|error| WorkflowError::Refused {
        what: format!("{}: {error}", file.display()),
        help: format!(
            "Make a new plan with `leasehold plan --out {}`, review it, and apply that.",
            quote_plan_path(args)
        ),
    })?;
    operator::current_bounds().check_plan_age(saved.plan.now, session::current_time(None)).map_err(|error| {
        WorkflowError::Refused {
            what: error.to_string(),
            help: "Make a new plan, review it, and apply that.".to_owned(),
        }
    })?;
    if args.now.is_some() || !args.selection.target.is_empty() || !args.selection.exclude.is_empty() {
        return Err(WorkflowError::Refused {
            what: "--now, --target and --exclude cannot be used with a saved plan".to_owned(),
            help: format!("Pass them to `leasehold plan --out {}` instead.", quote_plan_path(args)),
        }
        .into());
    }
    let saved =
        CurrentSavedPlan::find_stack(saved, file, working_directory, session::read_variables(&args.variables)?)?;
    invocation::current_invocation().note_directory(saved.directory.path());
    let connection = saved.connect(&session::reading_context()).await?;
    let terms = args.change_terms(&["apply".to_owned()]);
    let terms = ChangeTerms { approved: terms.approved.map(|_| "saved plan, --auto-approve"), ..terms };
    let change = (ChangePurpose::ApplySaved(&saved), saved.run_purpose());
    terms.carry_out(working_directory, change, saved.saved.plan.now, &connection, interruption).await
}

impl ApplyArgs {
    fn change_terms(&self, again: &[String]) -> ChangeTerms<'_> {
        self.carry_out.change_terms(&self.allowance, self.json.json_into.as_deref(), again)
    }
}

/// The path of the plan's file as the user typed it, quoted for a shell.
fn quote_plan_path(args: &ApplyArgs) -> String {
    args.what.as_ref().map_or_else(String::new, |file| quote_shell_word(&file.display().to_string()))
}

/// Refuses a plan that none of the given signers has signed.
fn check_plan_signature(file: &Path, bytes: &[u8], signers: &Path) -> Result<(), CommandError> {
    let refused = |why: &str| {
        WorkflowError::Refused {
        what: format!("{} has no valid signature: {why}", file.display()),
        help: "Ask one of the allowed signers to review the plan and to sign it: leasehold plan --out FILE --signing-key KEY."
            .to_owned(),
    }
    };
    let known = std::fs::read_to_string(signers).with_context(|| format!("cannot read {}", signers.display()))?;
    let known = Signers::parse_signers(&known).map_err(|why| anyhow::anyhow!("{}: {why}", signers.display()))?;
    let Ok(signature) = std::fs::read_to_string(signing::signature_path(file)) else {
        return Err(refused("the signature file is missing").into());
    };
    let text = std::str::from_utf8(bytes).map_err(|_| refused("the plan is not UTF-8 text"))?;
    checkpoint::verify_signature(text, &signature, Some(&known))
        .map(|_| ())
        .map_err(|why| refused(&why.to_string()).into())
}
