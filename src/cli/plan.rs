//! `leasehold plan`: shows what an apply would change. It only reads from the cloud.

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use leasehold_files::write_output;
use secrecy::SecretBox;

use super::args::{AllowanceArgs, JsonIntoArgs, SelectionArgs, StackArgs};
use super::plan_view::{PlanFormat, PlanViewArgs};
use super::{CommandError, CommandExit, generate, invocation, plan_view, session, signing};
use crate::plan::sealed::{self, SealedValues};
use crate::plan::{Plan, saved};
use crate::rules;
use crate::store;
use crate::views;
use crate::views::inert::escape_steering;
use crate::workflow::{self, Interruption, Stack, WorkflowError};

/// `leasehold plan`
#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    pub stack: StackArgs,
    #[command(flatten)]
    pub selection: SelectionArgs,
    #[command(flatten)]
    pub allowance: AllowanceArgs,
    /// Save the plan to a file for a later apply
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Sign the saved plan with this ed25519 key: a private key file, or a public key file whose private key is in ssh-agent. The
    /// signature is written next to the plan, with the extension .sig
    #[arg(long, value_name = "KEY", requires = "out")]
    pub signing_key: Option<PathBuf>,
    /// Generate blocks for imported objects that have no block yet, into a new file
    #[arg(long, value_name = "FILE")]
    pub generate: Option<PathBuf>,
    /// Exit with 2 if there are changes
    #[arg(long)]
    pub detailed_exitcode: bool,
    #[command(flatten)]
    pub view: PlanViewArgs,
    #[command(flatten)]
    pub json: JsonIntoArgs,
}

/// Makes a plan and prints it; optionally saves it to a file, signed if a key is given.
///
/// # Errors
/// The stack is not valid, the cloud cannot be read, a file cannot be written, or a rule refuses the plan that was saved.
pub async fn cmd_plan(
    working_directory: &Path,
    args: &PlanArgs,
    interruption: &Interruption,
) -> Result<CommandExit, CommandError> {
    let now = session::current_time(args.stack.now);
    let stack = session::read_stack(working_directory, args.stack.dir.as_deref(), &args.stack.variables, now)?;
    session::print_warnings(&stack);
    let connection = session::connect_to_read(&stack).await?;
    let stack = match &args.generate {
        Some(file) => {
            generate::generate_blocks(working_directory, file, &stack, &connection).await?;
            session::read_stack(working_directory, args.stack.dir.as_deref(), &args.stack.variables, now)?
        }
        None => stack,
    };
    // The process ends with this command. Freeing this memory piece by piece would take longer than much of the work.
    let stack = ManuallyDrop::new(stack);
    let mut observed = ManuallyDrop::new(workflow::observe_for_plan(&stack, &connection).await?);
    workflow::note_recorded_accounts(&stack, &mut observed, &session::reading_context()).await?;
    let plan =
        ManuallyDrop::new(workflow::plan_stack(&stack, &connection, &observed, now, &args.selection.to_selection())?);
    workflow::check_quotas(Some(&stack), &connection, &observed.snapshot, &plan).await?;
    let rulings = rules::evaluate_rules(&plan, &args.allowance.to_allowance());
    plan_view::write_json_into(working_directory, args.json.json_into.as_deref(), || {
        views::plan::render_plan_json(&plan, &rulings)
    })?;
    plan_view::show_plan_view(&plan, &rulings, &connection.realize, Some(&stack), &args.view)?;
    if let Some(path) = &args.out {
        let sealed = if sealed::contains_secrets(&plan) { Some(seal_plan(&plan, &stack).await?) } else { None };
        let bytes = saved::write_plan(&plan, sealed.as_ref())
            .map_err(|error| anyhow::anyhow!("the plan cannot be saved: {error}"))?;
        let file = super::resolve_path(working_directory, path);
        let _plan_and_signature = interruption.defer_first_signal("The saved plan may be incomplete.")?;
        write_plan_file(&file, &bytes)?;
        if let Some(key) = &args.signing_key {
            let signed =
                signing::sign_text(&super::resolve_path(working_directory, key), &String::from_utf8_lossy(&bytes))?;
            write_plan_file(&signing::signature_path(&file), signed.armoured.as_bytes())?;
        }
        if !rulings.is_empty() {
            super::print_message("\nSaved the plan. As it is, `apply` refuses it:\n");
            return Err(WorkflowError::Ruled(rulings).into());
        }
        if args.view.format == PlanFormat::Human {
            let allowed = args.allowance.to_arguments();
            let file = invocation::to_operand(&path.display().to_string());
            let words: Vec<&str> = ["apply", &file].into_iter().chain(allowed.iter().map(String::as_str)).collect();
            let command = invocation::current_invocation().follow_up_command(&words);
            super::print_message(&format!("\nSaved the plan. To apply it: {}\n", escape_steering(&command)));
        }
    }
    if args.detailed_exitcode && !plan.is_empty() { Ok(CommandExit::Changes) } else { Ok(CommandExit::Done) }
}

/// Computes keyed digests of the plan's sensitive values. The key is new, and is written into the stack's store.
async fn seal_plan(plan: &Plan, stack: &Stack) -> Result<SealedValues, CommandError> {
    let store = stack.open_store(&session::reading_context()).await?;
    let name = store::generate_random_id()?;
    let key = store::generate_random_bytes()?;
    store.create_object(&format!("keys/{name}"), &key).await?;
    let key = SecretBox::new(Box::new(key));
    Ok(SealedValues { key: name, values: sealed::digest_sensitive_values(plan, &key) })
}

fn write_plan_file(path: &Path, bytes: &[u8]) -> Result<(), CommandError> {
    write_output(path, bytes).with_context(|| format!("cannot write {}", path.display())).map_err(CommandError::from)
}
