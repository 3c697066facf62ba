//! Observes a stack with the record of what it owns.
//!
//! In: a request, and what the stack's store says. Out: a snapshot whose objects belong to the stack according to the record, and what the
//! snapshot shows about it. Invariant: without a record nothing counts as the stack's that a person has not confirmed, except where nothing
//! can be written.

use jiff::Timestamp;
use leasehold_provider::{Observe, ObserveRequest, OwnedObjects, Snapshot, StackName};

use super::error::WorkflowError;
use super::event::{WorkflowContext, WorkflowEvent};
use crate::ledger::stored_inventory::read_stored_inventory;
use crate::ownership::{self, OwnershipChange, OwnershipEvent, OwnershipFinding, StackOwnership};
use crate::plan::Plan;
use crate::store::Store;

/// The number of objects that a message lists.
const LISTED: usize = 10;

/// What an observation shows about the objects that the stack owns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObservedOwnership {
    /// Marks that somebody else edited.
    pub findings: Vec<OwnershipFinding>,
    /// The changes of the record. The next entry of the ledger contains them.
    pub changes: Vec<OwnershipChange>,
    /// Why the record could not be read: marks decided. `None`: it was read.
    pub not_verified: Option<String>,
}

impl ObservedOwnership {
    /// The plan, with what its reviewer must know about the objects that the stack owns.
    #[must_use]
    pub fn add_to_plan(&self, plan: Plan) -> Plan {
        let taken_over = self.changes.iter().filter(|change| change.event == OwnershipEvent::TakenOver);
        let taken_over = taken_over.map(|change| change.marks.address.clone()).collect();
        Plan { ownership: self.findings.clone(), taken_over, not_verified: self.not_verified.clone(), ..plan }
    }
}

/// Reads what the stack owns, for a command that only reads. A store that does not answer is reported, and marks decide.
///
/// # Errors
/// The inventory exists and cannot be used.
pub async fn read_ownership(
    store: Result<Store, WorkflowError>,
    stack: &StackName,
    context: &WorkflowContext,
) -> Result<StackOwnership, WorkflowError> {
    let read = async { read_stored_inventory(&store?, stack).await.map_err(WorkflowError::from) };
    match read.await {
        Ok(stored) => Ok(stored.ownership),
        Err(WorkflowError::Store(error)) => {
            context.notify(WorkflowEvent::OwnershipNotVerified(&error));
            Ok(StackOwnership::NotVerified { why: error.to_string() })
        }
        Err(failure) => Err(failure),
    }
}

/// Observes the cloud, with the record of what the stack owns. `now` is the instant at which objects of an earlier version are taken over.
///
/// # Errors
/// The cloud cannot be read, or objects carry the stack's marks and the stack's store has no record of any object.
pub async fn observe_owned_objects(
    observe: &dyn Observe,
    request: ObserveRequest<'_>,
    ownership: &StackOwnership,
    now: Timestamp,
) -> Result<(Snapshot, ObservedOwnership), WorkflowError> {
    match ownership {
        StackOwnership::Recorded { lineage, owned } => {
            let snapshot = observe.observe_stack(ObserveRequest { owned: Some(owned), ..request }).await?;
            if lineage.is_none() {
                refuse_lost_record(request.stack, &snapshot)?;
            }
            Ok(describe_ownership(request.stack, snapshot, owned, false))
        }
        StackOwnership::Earlier { written, .. } => {
            let by_marks = observe.observe_stack(ObserveRequest { owned: None, ..request }).await?;
            let owned = ownership::take_over_objects(request.stack, &by_marks, written, now);
            let snapshot = observe.observe_stack(ObserveRequest { owned: Some(&owned), ..request }).await?;
            Ok(describe_ownership(request.stack, snapshot, &owned, true))
        }
        StackOwnership::NotVerified { why } => {
            let snapshot = observe.observe_stack(ObserveRequest { owned: None, ..request }).await?;
            Ok((snapshot, ObservedOwnership { not_verified: Some(why.clone()), ..ObservedOwnership::default() }))
        }
    }
}

fn describe_ownership(
    stack: &StackName,
    snapshot: Snapshot,
    owned: &OwnedObjects,
    taken_over: bool,
) -> (Snapshot, ObservedOwnership) {
    let findings = ownership::find_ownership_problems(stack, &snapshot, owned);
    let changes = ownership::list_ownership_changes(&snapshot, owned, taken_over);
    (snapshot, ObservedOwnership { findings, changes, not_verified: None })
}

/// Refuses to begin a new record while objects carry the stack's marks: the store was lost or moved, or another stack has this name.
fn refuse_lost_record(stack: &StackName, snapshot: &Snapshot) -> Result<(), WorkflowError> {
    let marked: Vec<_> =
        snapshot.unmanaged_objects.values().filter(|object| object.stack.as_ref() == Some(stack)).collect();
    if marked.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = marked
        .iter()
        .take(LISTED)
        .map(|object| match &object.lineage {
            Some(lineage) => format!("{} (lineage {lineage})", object.arn),
            None => object.arn.clone(),
        })
        .collect();
    let more = marked.len().saturating_sub(names.len());
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    Err(WorkflowError::Refused {
        what: format!(
            "the store of stack {stack} has no record of any object, but {} in the account {} marks of stack {stack}: {}{more}",
            if marked.len() == 1 { "1 object".to_owned() } else { format!("{} objects", marked.len()) },
            if marked.len() == 1 { "carries" } else { "carry" },
            names.join(", ")
        ),
        help: "If this is another stack, choose another name. If the store was moved, point the `backend` block to it; a pipeline needs a \
               bucket, because a folder does not outlive a job. If the store was lost, `leasehold recover` shows these objects and begins a \
               new record. Nothing was changed."
            .to_owned(),
    })
}
