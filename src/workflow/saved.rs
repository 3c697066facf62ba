//! Applies a saved plan exactly as it was reviewed, or not at all.
//!
//! In: a saved plan, and the file that it was read from. Out: the same plan, after the files of the stack, the account and the live objects
//! were compared with those that it was made from, and its sensitive values were read again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use leasehold_provider::Digest;
use secrecy::SecretBox;

use super::bounds;
use super::connection::Connection;
use super::error::WorkflowError;
use super::event::WorkflowContext;
use super::observe::{self, CredentialSelection, ObservedStack};
use super::plan::plan_stack;
use super::run::LockedRun;
use super::run_purpose::RunPurpose;
use super::stack::{self, Stack, VariableInputs};
use super::stack_directory::StackDirectory;
use crate::plan::saved::SavedPlan;
use crate::plan::sealed::{self, SealedValues};
use crate::plan::select::PlanSelection;
use crate::plan::{Plan, PlanBasis, stale};

/// A saved plan whose stack has not changed since.
pub struct CurrentSavedPlan {
    /// The plan.
    pub saved: SavedPlan,
    /// The stack's directory.
    pub directory: StackDirectory,
    /// The values of the stack's variables, if the plan has sensitive values.
    variables: VariableInputs,
    /// The directory that the files of `variables` are relative to.
    working_directory: PathBuf,
}

impl CurrentSavedPlan {
    /// Finds the stack of a saved plan that was read from `file`, and compares the stack's files with those of the plan. Files in `variables`
    /// are relative to `here`.
    ///
    /// # Errors
    /// The directory cannot be read, or its files are not those that the plan was made from.
    pub fn find_stack(
        saved: SavedPlan,
        file: &Path,
        working_directory: &Path,
        variables: VariableInputs,
    ) -> Result<Self, WorkflowError> {
        let (directory, files) = find_saved_directory(file, &saved.plan.basis)?;
        refuse_stale_plan(stale::check_basis_staleness(&saved.plan.basis, stack::VERSION, &files))?;
        Ok(Self { saved, directory, variables, working_directory: working_directory.to_owned() })
    }

    /// Connects to the providers of the plan, at the instant that the plan was made at: the embedded directory takes it for the present
    /// moment.
    ///
    /// # Errors
    /// A provider cannot be reached, or leads to another account than that of the plan.
    pub async fn connect(&self, context: &WorkflowContext) -> Result<Connection, WorkflowError> {
        let plan = &self.saved.plan;
        let (path, PlanBasis { provider, stores, .. }) = (self.directory.path(), &plan.basis);
        let providers = plan.basis.basis_providers();
        bounds::check_secret_stores(stores, context)?;
        let connection = Connection::connect_to_providers(&providers, path, plan.now, context).await?;
        let connection = connection.with_secret_stores(stores, provider, path, plan.now);
        let realm = connection.observe.read_realm().await?;
        refuse_stale_plan(stale::check_realm_staleness(&plan.realm, &realm).into_iter().collect())?;
        Ok(connection)
    }

    /// The purpose of a run that applies the plan.
    pub fn run_purpose(&self) -> RunPurpose<'_> {
        let plan = &self.saved.plan;
        RunPurpose {
            command: "apply",
            reason: None,
            stack: &plan.stack,
            backend: &plan.basis.backend,
            providers: plan.basis.basis_providers(),
            directory: self.directory.path(),
        }
    }

    /// Observes the live objects that the plan is about, and the other objects of its stack.
    ///
    /// # Errors
    /// The cloud or a secret store cannot be read.
    pub async fn observe_objects(&self, connection: &Connection) -> Result<ObservedStack, WorkflowError> {
        let plan = &self.saved.plan;
        let shared = observe::collect_shared_objects(plan);
        let all = CredentialSelection::OfStack;
        let snapshot = observe::observe_with_deliveries(plan, connection, &shared, all).await?;
        Ok(ObservedStack { shared, snapshot, unreachable_accounts: BTreeMap::new() })
    }

    /// The plan, with its sensitive values.
    ///
    /// # Errors
    /// A live object has changed since the plan was made, or a sensitive value is not the one that was reviewed.
    pub async fn restore_plan(
        &self,
        observed: &ObservedStack,
        (run, connection, context): (&LockedRun, &Connection, &WorkflowContext),
    ) -> Result<Plan, WorkflowError> {
        let SavedPlan { plan, sealed } = &self.saved;
        refuse_stale_plan(stale::check_object_staleness(plan, &observed.snapshot))?;
        let plan = plan.clone();
        let plan = match sealed {
            Some(sealed) => {
                let path = self.directory.path().canonicalize().context("cannot find the stack's directory")?;
                let stack =
                    Stack::read_stack(&self.working_directory, Some(&path), &self.variables, plan.now, context)?;
                restore_sensitive_values(&stack, run, plan, connection, sealed).await?
            }
            None => plan,
        };
        Ok(Plan { unreachable_accounts: observed.unreachable_accounts.clone(), ..plan })
    }
}

/// The stack's directory of a saved plan, and the directory's files. This is the directory that the plan names, relative to the working
/// directory. If its files are not those of the plan, it is that directory relative to the folder of the plan's file, or to a folder above,
/// provided that it has exactly the files that the plan was made from: the plan may have been saved in another place.
fn find_saved_directory(
    file: &Path,
    basis: &PlanBasis,
) -> Result<(StackDirectory, BTreeMap<String, Digest>), WorkflowError> {
    let open = |path: &Path| {
        let directory = StackDirectory::open_directory(path, None)?;
        let files = stack::digest_current_files(&directory, &basis.files)?;
        Ok::<_, WorkflowError>((directory, files))
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

/// Puts the sensitive values back into a saved plan. The values are read again from the configuration and compared with the digests in the
/// plan that was reviewed.
async fn restore_sensitive_values(
    stack: &Stack,
    run: &LockedRun,
    plan: Plan,
    connection: &Connection,
    sealed: &SealedValues,
) -> Result<Plan, WorkflowError> {
    let refused = |what: String| WorkflowError::Refused {
        what,
        help: "Pass the same variables as to `leasehold plan`, or make a new plan, review it, and apply that."
            .to_owned(),
    };
    let place = run.open_store().place();
    let Some(key) = run.open_store().read_object(&format!("keys/{}", sealed.key)).await? else {
        return Err(refused(format!("the key for the plan's sensitive values is missing in {place}")));
    };
    let key: [u8; 32] = key
        .bytes
        .try_into()
        .map_err(|_| refused(format!("the key for the plan's sensitive values in {place} is not valid")))?;
    let observed = observe::observe_stack(stack, connection).await?;
    let rebuilt = plan_stack(stack, connection, &observed, plan.now, &PlanSelection::default())?;
    sealed::refill_sensitive_values(plan, &rebuilt, sealed, &SecretBox::new(Box::new(key)))
        .map_err(|why| refused(why.to_string()))
}

/// Refuses a plan with a reason why it is stale.
///
/// # Errors
/// There is such a reason.
pub fn refuse_stale_plan(stale: Vec<stale::Staleness>) -> Result<(), WorkflowError> {
    if stale.is_empty() { Ok(()) } else { Err(WorkflowError::Stale(stale)) }
}
