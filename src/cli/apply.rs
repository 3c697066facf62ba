//! `leasehold apply`: makes a plan, asks for approval, carries the plan out and verifies the result. With a saved plan, it makes the plan
//! again and carries it out only if it is the saved one.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;
use leasehold_files::{PathError, read_argument, read_argument_text};
use leasehold_provider::Span;

use super::args::{AllowanceArgs, CarryOutArgs, JsonIntoArgs, SelectionArgs, VariableArgs};
use super::change::ChangeTerms;
use super::{CommandError, CommandExit, invocation, operator, session, signing};
use crate::ledger::checkpoint::{self, Signers};
use crate::plan::saved;
use crate::shell::quote_shell_word;
use crate::workflow::{ChangePurpose, CurrentSavedPlan, Interruption, PlanAge, WorkflowError, refuse_rehearsal};

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
    /// The maximum age of a saved plan
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    pub max_plan_age: Span,
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
    let bytes =
        read_argument(file, session::LARGEST_PLAN).with_context(|| format!("cannot read {}", file.display()))?;
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
    if !args.selection.target.is_empty() || !args.selection.exclude.is_empty() {
        return Err(WorkflowError::Refused {
            what: "--target and --exclude cannot be used with a saved plan".to_owned(),
            help: format!("Pass them to `leasehold plan --out {}` instead.", quote_plan_path(args)),
        }
        .into());
    }
    let variables = session::read_variables(&args.variables)?;
    let age = PlanAge { now: session::current_time(args.now), limit: args.max_plan_age };
    let context = session::reading_context();
    let saved = CurrentSavedPlan::find_stack(saved, file, working_directory, &variables, age, &context)?;
    refuse_rehearsal(args.now, &saved.stack.providers())?;
    invocation::current_invocation().note_directory(saved.stack.directory.path());
    let connection = saved.connect(&context).await?;
    let terms = args.change_terms(&["apply".to_owned()]);
    let terms = ChangeTerms { approved: terms.approved.map(|_| "saved plan, --auto-approve"), ..terms };
    let change = (ChangePurpose::ApplySaved(&saved), saved.stack.run_purpose("apply"));
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
    let known = read_argument_text(signers, signing::LARGEST_KEY_FILE)
        .with_context(|| format!("cannot read {}", signers.display()))?;
    let known = Signers::parse_signers(&known).map_err(|why| anyhow::anyhow!("{}: {why}", signers.display()))?;
    let signature = match read_argument_text(&signing::signature_path(file), signing::LARGEST_KEY_FILE) {
        Ok(signature) => signature,
        Err(PathError::Missing) => return Err(refused("the signature file is missing").into()),
        Err(why) => return Err(refused(&format!("the signature file {why}")).into()),
    };
    let text = std::str::from_utf8(bytes).map_err(|_| refused("the plan is not UTF-8 text"))?;
    checkpoint::verify_signature(text, &signature, Some(&known))
        .map(|_| ())
        .map_err(|why| refused(&why.to_string()).into())
}
