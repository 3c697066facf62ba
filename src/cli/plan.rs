//! `leasehold plan`: what would change. It is handed the read half of a provider.

use std::mem::ManuallyDrop;
use std::path::Path;

use anyhow::Context as _;
use secrecy::SecretBox;

use super::args::{AllowanceArgs, PlanArgs, PlanFormat};
use super::connection::Connection;
use super::generate;
use super::interruption::Interruption;
use super::session::{self, Stack};
use super::{Exit, Failure, accounts, invocation, plan_view, quotas, signing};
use crate::plan::sealed::{self, Sealed};
use crate::plan::{Plan, saved};
use crate::rules::{self, Allowance};
use crate::store;
use crate::views;
use crate::views::inert::inert;

pub async fn cmd_plan(here: &Path, args: &PlanArgs, interruption: &Interruption) -> Result<Exit, Failure> {
    let now = session::now(args.stack.now);
    let stack = Stack::read(here, args.stack.dir.as_deref(), &args.stack.variables, now)?;
    stack.warn();
    let connection = Connection::to(&stack.providers(), stack.directory.path(), now).await?;
    let stack = match &args.generate {
        Some(file) => {
            generate::generate(here, file, &stack, &connection).await?;
            Stack::read(here, args.stack.dir.as_deref(), &args.stack.variables, now)?
        }
        None => stack,
    };
    // The process ends with this command: freeing it all piece by piece would take longer than much of the work.
    let stack = ManuallyDrop::new(stack);
    let mut observed = ManuallyDrop::new(session::observe_to_plan(&stack, &connection).await?);
    accounts::note_if_readable(&stack, &mut observed).await?;
    let plan = ManuallyDrop::new(session::plan(&stack, &connection, &observed, now, &args.selection)?);
    quotas::check(&stack, &connection, &observed.snapshot, &plan).await?;
    let rulings = rules::decide(&plan, &allowance(&args.allowance));
    plan_view::json_into(here, args.json.json_into.as_deref(), || views::plan::json(&plan, &rulings))?;
    plan_view::show(&plan, &rulings, connection.realize.as_ref(), Some(&stack), &args.view)?;
    if let Some(path) = &args.out {
        let sealed = if sealed::holds_secrets(&plan) { Some(seal(&plan, &stack).await?) } else { None };
        let bytes = saved::write(&plan, sealed.as_ref())
            .map_err(|error| anyhow::anyhow!("the plan cannot be saved: {error}"))?;
        let file = super::below(here, path);
        let _plan_and_signature = interruption.defer("The saved plan may be incomplete.")?;
        write(&file, &bytes)?;
        if let Some(key) = &args.signing_key {
            let signed = signing::sign(&super::below(here, key), &String::from_utf8_lossy(&bytes))?;
            write(&signing::beside(&file), signed.armoured.as_bytes())?;
        }
        if args.view.format == PlanFormat::Human {
            let words = ["apply", &invocation::as_operand(&path.display().to_string())];
            // Only sensitive values are read again.
            let command = match &sealed {
                Some(_) => invocation::current().follow_up(&words),
                None => invocation::current().follow_up_without_variables(&words),
            };
            super::say(&format!("\nSaved. To apply exactly this: {}\n", inert(&command)));
        }
    }
    if args.detailed_exitcode && !plan.is_empty() { Ok(Exit::Changes) } else { Ok(Exit::Done) }
}

/// Digests the plan's sensitive values under a new key, which goes into the stack's store.
async fn seal(plan: &Plan, stack: &Stack) -> Result<Sealed, Failure> {
    let store = stack.store().await?;
    let name = store::random_id()?;
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("the system gives no randomness: {error}"))?;
    store.create(&format!("keys/{name}"), &key).await?;
    let key = SecretBox::new(Box::new(key));
    Ok(Sealed { key: name, values: sealed::digests(plan, &key) })
}

/// What the operator allows beyond the defaults.
pub fn allowance(args: &AllowanceArgs) -> Allowance {
    Allowance { max_leavers: args.max_leavers, approved: args.approve.clone() }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display())).map_err(Failure::from)
}
