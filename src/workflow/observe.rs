//! Observes the live state of a stack, for a plan or for a question.
//!
//! In: the configuration, the half of a provider that reads, and the secret stores. Out: an [`ObservedStack`], or a snapshot of the objects
//! that a plan is about. Nothing is written.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use leasehold_provider::{
    Address, Alias, Change, DeliveryIndex, Observe, ObserveRequest, OwnedObjects, Principal, Realizer, ResourceId,
    Snapshot,
};

use super::connection::Connection;
use super::error::WorkflowError;
use super::ownership::{ObservedOwnership, observe_owned_objects};
use super::stack::Stack;
use crate::config::{DeclaredStack, Sources};
use crate::lifecycle;
use crate::ownership::StackOwnership;
use crate::plan::Plan;
use crate::plan::settings::StackSettings;
use crate::realize::{self, ResourceMap};
use crate::secret_store::SecretStores;

/// The observed live state of a stack, and the shared objects that the stack declares.
#[derive(Clone)]
pub struct ObservedStack {
    /// The shared objects that the stack declares.
    pub shared: ResourceMap,
    /// The live objects.
    pub snapshot: Snapshot,
    /// Accounts in which the stack has objects and that the observation did not reach. Empty also where the store was not read.
    pub unreachable_accounts: BTreeMap<String, Option<Alias>>,
    /// What the observation shows about the objects that the stack owns.
    pub ownership: ObservedOwnership,
    /// The settings in the stack's store. `None`: they were not read, or the command does not change them.
    pub recorded_settings: Option<RecordedSettings>,
}

impl ObservedStack {
    /// The observed state, without what only the stack's store says.
    #[must_use]
    pub fn without_records(shared: ResourceMap, snapshot: Snapshot) -> Self {
        Self {
            shared,
            snapshot,
            unreachable_accounts: BTreeMap::new(),
            ownership: ObservedOwnership::default(),
            recorded_settings: None,
        }
    }
}

/// The settings that the last apply recorded in the stack's store.
#[derive(Debug, Clone)]
pub struct RecordedSettings(pub Option<StackSettings>);

/// What an observation reads.
pub struct ObserveInputs<'a> {
    /// The configuration.
    pub declared: &'a DeclaredStack,
    /// The files of the configuration, for errors.
    pub sources: &'a Sources,
    /// The half of the provider that reads.
    pub observe: &'a dyn Observe,
    /// The pure half of the provider.
    pub realize: &'a Realizer,
    /// The secret stores.
    pub stores: &'a SecretStores,
    /// The instant of the run.
    pub now: Timestamp,
    /// What the stack owns, according to its store.
    pub ownership: &'a StackOwnership,
}

/// Observes the live objects of the stack.
///
/// # Errors
/// The cloud or a secret store cannot be read.
pub async fn observe_stack(stack: &Stack, connection: &Connection) -> Result<ObservedStack, WorkflowError> {
    let stores = stack.open_secret_stores();
    observe_declared(&inputs_for_stack(stack, connection, &stores), &BTreeMap::new()).await
}

/// Observes what a plan for the stack needs, including the objects to import.
///
/// # Errors
/// The cloud or a secret store cannot be read.
pub async fn observe_for_plan(stack: &Stack, connection: &Connection) -> Result<ObservedStack, WorkflowError> {
    let stores = stack.open_secret_stores();
    observe_with_imports(&inputs_for_stack(stack, connection, &stores)).await
}

fn inputs_for_stack<'a>(stack: &'a Stack, connection: &'a Connection, stores: &'a SecretStores) -> ObserveInputs<'a> {
    ObserveInputs {
        declared: &stack.declared,
        sources: &stack.sources,
        observe: connection.observe.as_ref(),
        realize: &connection.realize,
        stores,
        now: stack.now(),
        ownership: &connection.ownership,
    }
}

/// Observes the live objects of a stack, and the objects that it imports.
///
/// # Errors
/// The cloud or a secret store cannot be read, or a shared object cannot be realized.
pub async fn observe_with_imports(inputs: &ObserveInputs<'_>) -> Result<ObservedStack, WorkflowError> {
    let imports = lifecycle::imports::list_import_candidates(inputs.declared, inputs.realize);
    observe_declared(inputs, &imports).await
}

async fn observe_declared(
    inputs: &ObserveInputs<'_>,
    imports: &BTreeMap<ResourceId, Address>,
) -> Result<ObservedStack, WorkflowError> {
    let ObserveInputs { declared, sources, observe, realize, stores, now, ownership } = *inputs;
    let realm = observe.read_realm().await?;
    let (shared, findings) = realize::realize_shared_objects(declared, realize, &realm);
    if !findings.is_empty() {
        return Err(WorkflowError::Findings { findings, sources: sources.clone() });
    }
    let delivered = stores.read_deliveries(&declared.stack, &realm)?;
    let exact_keys = find_key_users(declared, &delivered, realize);
    let request =
        ObserveRequest { imports, exact_keys: &exact_keys, ..ObserveRequest::for_plan(&declared.stack, &shared) };
    let (mut snapshot, ownership) = observe_owned_objects(observe, request, ownership, now).await?;
    snapshot.restore_sensitive(&shared);
    snapshot.record_deliveries(&delivered);
    if observe.has_unread_details(&snapshot) {
        let principals = lifecycle::exact_reads::find_exact_read_principals(declared, &snapshot, now, realize);
        observe.read_exactly(&declared.stack, &mut snapshot, &principals).await?;
        snapshot.record_deliveries(&delivered);
    }
    Ok(ObservedStack { ownership, ..ObservedStack::without_records(shared, snapshot) })
}

/// The users that must have access keys, or to which keys were delivered. They are read exactly, because a credential report may be hours
/// old.
fn find_key_users(declared: &DeclaredStack, delivered: &DeliveryIndex, realize: &Realizer) -> BTreeSet<ResourceId> {
    let declared = declared.identities.values().filter(|identity| identity.access_key.is_some());
    let users = declared.map(|identity| {
        realize.ids.principal_id(Principal::User, &identity.spec.name).with_account(identity.spec.account.as_ref())
    });
    let delivered = delivered
        .keys()
        .map(|(account, name)| realize.ids.principal_id(Principal::User, name).with_account(account.as_ref()));
    users.chain(delivered).collect()
}

/// Observes the live objects that a plan is about, and adds what the secret stores say was delivered.
///
/// # Errors
/// The cloud or a secret store cannot be read.
pub async fn observe_with_deliveries(
    plan: &Plan,
    connection: &Connection,
    shared: &ResourceMap,
) -> Result<Snapshot, WorkflowError> {
    let delivered = connection.vault.read_deliveries(&plan.stack, &plan.realm)?;
    let mut snapshot = observe_plan_objects(plan, connection, shared, &connection.ownership).await?;
    snapshot.record_deliveries(&delivered);
    Ok(snapshot)
}

/// Observes the live objects that a plan is about and their credentials, without the secret stores. `owned` is what the stack owns after
/// the plan.
///
/// # Errors
/// The cloud cannot be read.
pub async fn observe_written_objects(
    plan: &Plan,
    connection: &Connection,
    shared: &ResourceMap,
    owned: OwnedObjects,
) -> Result<Snapshot, WorkflowError> {
    // The run has a ledger, and with it a lineage.
    let ownership = StackOwnership::Recorded { lineage: connection.realize.lineage.clone(), owned };
    observe_plan_objects(plan, connection, shared, &ownership).await
}

async fn observe_plan_objects(
    plan: &Plan,
    connection: &Connection,
    shared: &ResourceMap,
    ownership: &StackOwnership,
) -> Result<Snapshot, WorkflowError> {
    let exact = plan.identities.iter().map(|delta| delta.id.clone()).collect();
    let import_steps = plan.steps.iter().filter(|step| matches!(step.change, Change::Import { .. }));
    let imports = import_steps.map(|step| (step.change.id().clone(), step.subject.clone())).collect();
    let identities = plan.identities.iter().map(|delta| &delta.address);
    let reported: BTreeSet<&Address> = identities.chain(plan.shared.iter().map(|delta| &delta.address)).collect();
    let nobody_else = plan.steps.iter().all(|step| reported.contains(&step.subject));
    let plain = ObserveRequest::for_plan(&plan.stack, shared);
    let request = ObserveRequest { exact: &exact, imports: &imports, only_exact_credentials: nobody_else, ..plain };
    let (mut snapshot, _) = observe_owned_objects(connection.observe.as_ref(), request, ownership, plan.now).await?;
    snapshot.restore_sensitive(shared);
    Ok(snapshot)
}
