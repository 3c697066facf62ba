//! `leasehold plan`: shows what an apply would change. It only reads from the cloud.

use std::mem::ManuallyDrop;
use std::path::Path;

use anyhow::Context as _;
use secrecy::SecretBox;

use super::args::{AllowanceArgs, PlanArgs, PlanFormat};
use super::connection::Connection;
use super::generate;
use super::interruption::Interruption;
use super::session::{self, Stack};
use super::{CommandError, CommandExit, accounts, invocation, plan_view, quotas, signing};
use crate::plan::sealed::{self, SealedValues};
use crate::plan::{Plan, saved};
use crate::rules::{self, Allowance};
use crate::store;
use crate::views;
use crate::views::inert::escape_steering;

/// Makes a plan and prints it; optionally saves it to a file, signed if a key is given.
///
/// # Errors
/// The stack is not valid, the cloud cannot be read, or a file cannot be written.
pub async fn cmd_plan(here: &Path, args: &PlanArgs, interruption: &Interruption) -> Result<CommandExit, CommandError> {
    let now = session::current_time(args.stack.now);
    let stack = Stack::read_stack(here, args.stack.dir.as_deref(), &args.stack.variables, now)?;
    stack.print_warnings();
    let connection = Connection::connect_to_providers(&stack.providers(), stack.directory.path(), now).await?;
    let stack = match &args.generate {
        Some(file) => {
            generate::generate_blocks(here, file, &stack, &connection).await?;
            Stack::read_stack(here, args.stack.dir.as_deref(), &args.stack.variables, now)?
        }
        None => stack,
    };
    // The process ends with this command. Freeing this memory piece by piece would take longer than much of the work.
    let stack = ManuallyDrop::new(stack);
    let mut observed = ManuallyDrop::new(session::observe_for_plan(&stack, &connection).await?);
    accounts::note_unreachable_accounts(&stack, &mut observed).await?;
    let plan = ManuallyDrop::new(session::plan_stack(&stack, &connection, &observed, now, &args.selection)?);
    quotas::check_quotas(&stack, &connection, &observed.snapshot, &plan).await?;
    let rulings = rules::evaluate_rules(&plan, &to_allowance(&args.allowance));
    plan_view::write_json_into(here, args.json.json_into.as_deref(), || {
        views::plan::render_plan_json(&plan, &rulings)
    })?;
    plan_view::show_plan_view(&plan, &rulings, &connection.realize, Some(&stack), &args.view)?;
    if let Some(path) = &args.out {
        let sealed = if sealed::holds_secrets(&plan) { Some(seal_plan(&plan, &stack).await?) } else { None };
        let bytes = saved::write_plan(&plan, sealed.as_ref())
            .map_err(|error| anyhow::anyhow!("the plan cannot be saved: {error}"))?;
        let file = super::resolve_path(here, path);
        let _plan_and_signature = interruption.defer_first_signal("The saved plan may be incomplete.")?;
        write_plan_file(&file, &bytes)?;
        if let Some(key) = &args.signing_key {
            let signed = signing::sign_text(&super::resolve_path(here, key), &String::from_utf8_lossy(&bytes))?;
            write_plan_file(&signing::signature_path(&file), signed.armoured.as_bytes())?;
        }
        if args.view.format == PlanFormat::Human {
            let words = ["apply", &invocation::to_operand(&path.display().to_string())];
            // An apply of this plan needs the variables only if it has to read sensitive values again.
            let command = match &sealed {
                Some(_) => invocation::current_invocation().follow_up_command(&words),
                None => invocation::current_invocation().follow_up_command_without_variables(&words),
            };
            super::print_message(&format!("\nSaved. To apply exactly this: {}\n", escape_steering(&command)));
        }
    }
    if args.detailed_exitcode && !plan.is_empty() { Ok(CommandExit::Changes) } else { Ok(CommandExit::Done) }
}

/// Computes keyed digests of the plan's sensitive values. The key is new, and is written into the stack's store.
async fn seal_plan(plan: &Plan, stack: &Stack) -> Result<SealedValues, CommandError> {
    let store = stack.open_store().await?;
    let name = store::generate_random_id()?;
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("the system gives no randomness: {error}"))?;
    store.create_object(&format!("keys/{name}"), &key).await?;
    let key = SecretBox::new(Box::new(key));
    Ok(SealedValues { key: name, values: sealed::digest_sensitive_values(plan, &key) })
}

/// What the operator allows in addition to the defaults.
pub fn to_allowance(args: &AllowanceArgs) -> Allowance {
    Allowance { max_leavers: args.max_leavers, approved: args.approve.clone() }
}

fn write_plan_file(path: &Path, bytes: &[u8]) -> Result<(), CommandError> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display())).map_err(CommandError::from)
}
