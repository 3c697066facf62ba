//! Begins a new record of what a stack owns, after its store was lost, or its inventory no longer matches its ledger.
//!
//! In: a stack, and a person who confirms the objects. Out: an entry of the ledger with these objects, and an inventory. Nothing is written
//! to the cloud. Invariant: marks in the cloud decide nothing by themselves. A person sees each object that carries them and confirms it.

use jiff::Timestamp;
use leasehold_provider::{Address, ObserveRequest, OwnedObject};

use super::change::ChangeCaller;
use super::connection::Connection;
use super::error::WorkflowError;
use super::run::LockedRun;
use super::run_purpose::RECOVER;
use super::stack::Stack;
use crate::ownership::{self, OwnershipChange, OwnershipEvent, StackOwnership};
use crate::realize::ResourceMap;

/// An object that carries the marks of the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoverableObject {
    /// The unique id that the cloud assigned to it.
    pub unique_id: String,
    /// Its id and the marks that would count.
    pub object: OwnedObject,
}

impl RecoverableObject {
    /// The address that its marks name.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.object.marks.address
    }
}

/// Asks a person which objects belong to the stack.
#[async_trait::async_trait(?Send)]
pub trait RecoveryApprover {
    /// Shows the objects, and returns how the person confirmed them, for the ledger.
    ///
    /// # Errors
    /// They are not confirmed, or no person can be asked.
    async fn confirm_objects(&self, objects: &[RecoverableObject]) -> Result<String, WorkflowError>;
}

/// A run of `leasehold recover`.
pub struct RecoveryRequest<'a> {
    /// The stack.
    pub stack: &'a Stack,
    /// The connection to its providers.
    pub connection: &'a Connection,
    /// The addresses to recover. Empty: all.
    pub only: &'a [String],
    /// Whether no object is recovered: what carries the marks is left to others.
    pub none: bool,
    /// The instant of the command.
    pub now: Timestamp,
}

/// Records the objects that a person confirms as the stack's.
///
/// # Errors
/// The record of the stack is intact, an address names no object, the person does not confirm, or the store or the cloud cannot be used.
pub async fn recover_ownership(
    request: &RecoveryRequest<'_>,
    approver: &dyn RecoveryApprover,
    caller: ChangeCaller<'_>,
) -> Result<(), WorkflowError> {
    let ChangeCaller { context, interruption, origin, .. } = caller;
    let purpose = request.stack.run_purpose(RECOVER);
    let run = LockedRun::begin_run(&purpose, request.connection, interruption, origin, context).await?;
    run.run_and_release_lock(async |run| {
        refuse_intact_record(run.ownership())?;
        let objects = request.select_objects(request.read_marked_objects().await?)?;
        let how = approver.confirm_objects(&objects).await?;
        run.record_recovery(how, objects.into_iter().map(to_ownership_change).collect()).await
    })
    .await
}

impl RecoveryRequest<'_> {
    async fn read_marked_objects(&self) -> Result<Vec<RecoverableObject>, WorkflowError> {
        let stack = &self.stack.declared.stack;
        let nothing_shared = ResourceMap::new();
        let request = ObserveRequest::for_plan(stack, &nothing_shared);
        let snapshot = self.connection.observe.observe_stack(request).await?;
        let marked = ownership::list_marked_objects(stack, &snapshot, self.now).into_iter();
        Ok(marked.map(|(unique_id, object)| RecoverableObject { unique_id, object }).collect())
    }

    /// The objects that the command names.
    fn select_objects(&self, mut objects: Vec<RecoverableObject>) -> Result<Vec<RecoverableObject>, WorkflowError> {
        if self.none {
            objects.clear();
        }
        if let Some(unknown) = self.only.iter().find(|name| !objects.iter().any(|object| object.is_named(name))) {
            return Err(WorkflowError::Refused {
                what: format!("no object carries the marks of {unknown}"),
                help: "Run `leasehold recover` without --only to see the objects. Nothing was changed.".to_owned(),
            });
        }
        objects.retain(|object| self.only.is_empty() || self.only.iter().any(|name| object.is_named(name)));
        objects.sort_by(|a, b| (a.address(), &a.object.resource).cmp(&(b.address(), &b.object.resource)));
        Ok(objects)
    }
}

impl RecoverableObject {
    fn is_named(&self, name: &str) -> bool {
        self.address().as_str() == name || self.object.resource.to_string() == name
    }
}

fn to_ownership_change(object: RecoverableObject) -> OwnershipChange {
    let RecoverableObject { unique_id, object: OwnedObject { resource, marks, .. } } = object;
    OwnershipChange { event: OwnershipEvent::Recovered, unique_id, resource, marks }
}

/// Refuses to replace a record that is intact: it knows more than the marks.
fn refuse_intact_record(ownership: &StackOwnership) -> Result<(), WorkflowError> {
    let what = match ownership {
        StackOwnership::Recorded { lineage: Some(_), .. } => {
            "the record of this stack is intact: there is nothing to recover"
        }
        StackOwnership::Earlier { .. } => {
            "an earlier version of Leasehold applied this stack: its ledger says which objects it created"
        }
        StackOwnership::Recorded { lineage: None, .. } | StackOwnership::NotVerified { .. } => return Ok(()),
    };
    Err(WorkflowError::Refused {
        what: what.to_owned(),
        help: "Run `leasehold plan`. To manage an object that somebody else created, import it. Nothing was changed."
            .to_owned(),
    })
}
