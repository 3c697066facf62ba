//! Applies a saved plan exactly as it was reviewed, or not at all.
//!
//! In: a saved plan, the file that it was read from, and the values of the stack's variables. Out: the plan that is made now from the
//! configuration, for the instant of the saved plan, if it is the same plan. Invariant: nothing that is applied comes from the file. The
//! file gives the instant and the selection, and what the new plan must be equal to.
//!
//! ```text
//! file ─▶ age ─▶ files of the directory ─▶ configuration ─▶ account ─▶ live state ─▶ plan ─▶ compare ─▶ sensitive values ─▶ apply
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use leasehold_provider::{Digest, Span};
use secrecy::SecretBox;

use super::connection::Connection;
use super::error::WorkflowError;
use super::event::WorkflowContext;
use super::observe::ObservedStack;
use super::plan::plan_stack;
use super::run::LockedRun;
use super::stack::{self, Stack, VariableInputs};
use super::stack_directory::{StackDirectory, resolve_path};
use crate::plan::saved::SavedPlan;
use crate::plan::sealed::{self, SealedValues};
use crate::plan::stale::{self, Staleness};
use crate::plan::{Plan, PlanBasis, compare};
use crate::realize;

/// A saved plan, and its stack as it is configured now.
pub struct CurrentSavedPlan {
    /// The plan.
    pub saved: SavedPlan,
    /// The stack, read for the instant of the plan.
    pub stack: Stack,
    /// The present.
    now: Timestamp,
}

/// The present, and the age at which a saved plan is too old.
#[derive(Debug, Clone, Copy)]
pub struct PlanAge {
    /// The present.
    pub now: Timestamp,
    /// The maximum age.
    pub limit: Span,
}

impl CurrentSavedPlan {
    /// Checks the age of a saved plan that was read from `file`, finds its stack, compares the stack's files with those of the plan, and
    /// reads the configuration. Files in `variables` are relative to `working_directory`.
    ///
    /// # Errors
    /// The plan is too old or from the future, the directory cannot be read, its files or the variables are not those that the plan was
    /// made from, or the configuration has an error.
    pub fn find_stack(
        saved: SavedPlan,
        file: &Path,
        working_directory: &Path,
        variables: &VariableInputs,
        age: PlanAge,
        context: &WorkflowContext,
    ) -> Result<Self, WorkflowError> {
        let SavedPlan { plan, .. } = &saved;
        refuse_stale_plan(stale::check_plan_age(plan.now, age.now, age.limit).into_iter().collect())?;
        context.bounds.check_plan_age(plan.now, age.now).map_err(|too_old| WorkflowError::Refused {
            what: too_old.to_string(),
            help: "Make a new plan, review it, and apply that.".to_owned(),
        })?;
        let (directory, files) = find_saved_directory(file, &plan.basis)?;
        refuse_stale_plan(stale::check_basis_staleness(&plan.basis, stack::VERSION, &files))?;
        let files = variables.files.iter().map(|file| resolve_path(working_directory, file)).collect();
        let variables = VariableInputs { files, ..variables.clone() };
        let stack = Stack::read_stack(Path::new("."), Some(&directory), &variables, plan.now, context)?;
        refuse_stale_plan(stale::check_variable_staleness(&plan.basis, &stack.plan_basis()))?;
        Ok(Self { saved, stack, now: age.now })
    }

    /// Connects to the providers of the stack for writing, at the present.
    ///
    /// # Errors
    /// A provider cannot be reached, or leads to another account than that of the plan.
    pub async fn connect(&self, context: &WorkflowContext) -> Result<Connection, WorkflowError> {
        let connection = self.stack.connect_at(self.now, context).await?;
        let realm = connection.observe.read_realm().await?;
        refuse_stale_plan(stale::check_realm_staleness(&self.saved.plan.realm, &realm).into_iter().collect())?;
        Ok(connection)
    }

    /// Makes the plan again from the observed live state, and compares it with the saved one.
    ///
    /// # Errors
    /// The plan that is made now is another one, or a sensitive value in it is not the one that was reviewed.
    pub async fn plan_again(
        &self,
        observed: &ObservedStack,
        run: &LockedRun,
        connection: &Connection,
    ) -> Result<Plan, WorkflowError> {
        let SavedPlan { plan: saved, sealed } = &self.saved;
        let made = plan_stack(&self.stack, connection, observed, saved.now, &saved.selection)?;
        let compared = match run.ownership().lineage() {
            Some(_) => None,
            // The saved plan was made before the stack had a lineage, so its marks name none.
            None => Some(self.plan_without_lineage(observed, connection)?),
        };
        let mut reasons = compare::compare_plans(saved, compared.as_ref().unwrap_or(&made), &observed.snapshot);
        if sealed::contains_secrets(&made) {
            let changed = check_sensitive_values(&made, sealed.as_ref(), run).await?;
            // Other parts may differ only because a sensitive value does.
            reasons.retain(|reason| changed.is_none() || *reason != Staleness::Unexplained);
            reasons.splice(0..0, changed);
        }
        refuse_stale_plan(reasons)?;
        Ok(made)
    }
}

impl CurrentSavedPlan {
    /// The plan as it was before the stack had a lineage.
    fn plan_without_lineage(&self, observed: &ObservedStack, connection: &Connection) -> Result<Plan, WorkflowError> {
        let connection = Connection { realize: connection.realize.for_lineage(None), ..connection.clone() };
        let (declared, realm) = (&self.stack.declared, &observed.snapshot.realm);
        let (shared, _) = realize::realize_shared_objects(declared, &connection.realize, realm);
        let observed = ObservedStack { shared, ..observed.clone() };
        let SavedPlan { plan: saved, .. } = &self.saved;
        plan_stack(&self.stack, &connection, &observed, saved.now, &saved.selection)
    }
}

/// The stack's directory of a saved plan, and the directory's files. This is the directory that the plan names, relative to the working
/// directory. If its files are not those of the plan, it is that directory relative to the folder of the plan's file, or to a folder above,
/// provided that it has exactly the files that the plan was made from: the plan may have been saved in another place.
fn find_saved_directory(file: &Path, basis: &PlanBasis) -> Result<(PathBuf, BTreeMap<String, Digest>), WorkflowError> {
    let open = |path: &Path| {
        let directory = StackDirectory::open_directory(path, None)?;
        let files = stack::digest_current_files(&directory, &basis.files)?;
        Ok::<_, WorkflowError>((path.to_owned(), files))
    };
    let named = Path::new(&basis.directory);
    let from_here = open(named);
    if from_here.as_ref().is_ok_and(|(_, files)| *files == basis.files) {
        return from_here;
    }
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let from_file = file.ancestors().skip(1).map(|above| above.join(named)).filter(|path| path.is_dir());
    let mut fitting = from_file.filter_map(|path| open(&path).ok()).filter(|(_, files)| *files == basis.files);
    fitting.next().map_or(from_here, Ok)
}

/// Why the sensitive values of a plan are not those that were sealed when it was reviewed. `None`: they are. The key is in the stack's store.
async fn check_sensitive_values(
    plan: &Plan,
    sealed: Option<&SealedValues>,
    run: &LockedRun,
) -> Result<Option<Staleness>, WorkflowError> {
    // The file names the key. A name that Leasehold would not give could lead to another object of the store.
    let is_key_name = |name: &str| name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let Some(sealed) = sealed.filter(|sealed| is_key_name(&sealed.key)) else { return Ok(Some(Staleness::NotSealed)) };
    let key = run.open_store().read_object(&format!("keys/{}", sealed.key)).await?;
    let key: Option<[u8; 32]> = key.and_then(|key| key.bytes.try_into().ok());
    Ok(match key {
        Some(key) => sealed::check_sealed_values(plan, sealed, &SecretBox::new(Box::new(key))),
        None => Some(Staleness::NotSealed),
    })
}

/// Refuses a plan with a reason why it is stale.
///
/// # Errors
/// There is such a reason.
pub fn refuse_stale_plan(stale: Vec<Staleness>) -> Result<(), WorkflowError> {
    if stale.is_empty() { Ok(()) } else { Err(WorkflowError::Stale(stale)) }
}
