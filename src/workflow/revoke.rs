//! The plan of a revocation: one identity is quarantined at once.
//!
//! It needs only the stack's name, provider and backend from the configuration: an error or a change anywhere else does not prevent the
//! quarantine. The stack's lock does, because two runs must not write at the same time.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use leasehold_provider::{LiveIdentity, ObserveRequest, Realizer, Snapshot, StackName};

use super::connection::Connection;
use super::error::WorkflowError;
use super::event::{PlanSubject, WorkflowContext, WorkflowEvent};
use super::named;
use super::observe::ObservedStack;
use super::ownership::observe_owned_objects;
use super::run_purpose::RunPurpose;
use super::stack::{self, Stack, VariableInputs};
use super::stack_directory::StackDirectory;
use crate::config::declared::{Backend, Providers};
use crate::config::essentials::StackEssentials;
use crate::lifecycle::LeaveReason;
use crate::plan::revoke::{Revocation, build_revocation_plan};
use crate::plan::{Plan, PlanBasis};
use crate::realize::{self, ResourceMap};

/// The part of a stack that a revocation needs.
pub struct RevocationTarget {
    /// The stack.
    pub stack: StackName,
    /// Its providers.
    pub providers: Providers,
    /// The place of its records.
    pub backend: Backend,
    /// Its directory.
    pub directory: StackDirectory,
    /// The whole stack. `None`: a part of it is not valid.
    pub whole: Option<Stack>,
}

impl RevocationTarget {
    /// Reads the whole stack if it is valid, otherwise only its name, provider and backend.
    ///
    /// # Errors
    /// One of these three is not valid, or a file cannot be read.
    pub fn read_target(
        working_directory: &Path,
        dir: Option<&Path>,
        variables: &VariableInputs,
        now: Timestamp,
        context: &WorkflowContext,
    ) -> Result<Self, WorkflowError> {
        match Stack::read_stack(working_directory, dir, variables, now, context) {
            Ok(stack) => Ok(Self {
                stack: stack.declared.stack.clone(),
                providers: stack.providers(),
                backend: stack.declared.backend.clone(),
                directory: stack.directory.clone(),
                whole: Some(stack),
            }),
            Err(WorkflowError::Findings { findings, .. }) => {
                let essentials = Stack::load_essentials(working_directory, dir, variables, now, context);
                let (directory, essentials) =
                    essentials.inspect_err(|_| context.notify(WorkflowEvent::EssentialsUnreadable))?;
                context.notify(WorkflowEvent::ConfigurationSkipped(findings.len()));
                let StackEssentials { stack, backend, providers } = essentials;
                Ok(Self { stack, providers, backend, directory, whole: None })
            }
            Err(other) => Err(other),
        }
    }

    /// The purpose of a run that revokes, for the lock and the ledger of the stack.
    pub fn run_purpose<'a>(&'a self, reason: &'a str) -> RunPurpose<'a> {
        RunPurpose {
            command: "revoke",
            reason: Some(reason),
            stack: &self.stack,
            backend: &self.backend,
            providers: self.providers.clone(),
            directory: self.directory.path(),
        }
    }

    /// Observes the live identities of the stack. A secret store that cannot be read is only reported.
    ///
    /// # Errors
    /// The cloud cannot be read.
    pub async fn observe_identities(
        &self,
        connection: &Connection,
        now: Timestamp,
        context: &WorkflowContext,
    ) -> Result<ObservedStack, WorkflowError> {
        let realm = connection.observe.read_realm().await?;
        let shared = match &self.whole {
            Some(stack) => realize::realize_shared_objects(&stack.declared, &connection.realize, &realm).0,
            None => ResourceMap::new(),
        };
        let request = ObserveRequest::for_plan(&self.stack, &shared);
        let (mut snapshot, ownership) =
            observe_owned_objects(connection.observe.as_ref(), request, &connection.ownership, now).await?;
        snapshot.restore_sensitive(&shared);
        if let Some(stack) = &self.whole {
            match stack.open_secret_stores().read_deliveries(&self.stack, &realm) {
                Ok(delivered) => snapshot.record_deliveries(&delivered),
                Err(error) => context.notify(WorkflowEvent::SecretStoreSkipped(&error)),
            }
        }
        Ok(ObservedStack { ownership, ..ObservedStack::without_records(shared, snapshot) })
    }

    /// Plans the quarantine of the identity that `what` names. The plan is empty if it is revoked already, for the same reason.
    ///
    /// # Errors
    /// No such identity exists, the cloud cannot be read, or the plan failed its own check.
    pub async fn plan_revocation(
        &self,
        what: &str,
        reason: LeaveReason,
        observed: &mut ObservedStack,
        now: Timestamp,
        connection: &Connection,
    ) -> Result<(Plan, PlanSubject), WorkflowError> {
        let (snapshot, realize) = (&mut observed.snapshot, &connection.realize);
        if connection.observe.has_unread_details(snapshot) {
            let live = named::find_identity(what, &self.stack, snapshot, realize)?;
            let principals = [live.id.clone()].into();
            connection.observe.read_exactly(&self.stack, snapshot, &principals).await?;
        }
        let live = named::find_identity(what, &self.stack, snapshot, realize)?;
        let subject = PlanSubject::Revocation(live.address().clone());
        let plan = self.build_plan(live, snapshot, reason, now, realize)?;
        Ok((observed.ownership.add_to_plan(plan), subject))
    }

    fn build_plan(
        &self,
        live: &LiveIdentity,
        snapshot: &Snapshot,
        reason: LeaveReason,
        now: Timestamp,
        realize: &Realizer,
    ) -> Result<Plan, WorkflowError> {
        let Providers { first, alias, others } = self.providers.clone();
        let basis = PlanBasis {
            version: stack::VERSION.to_owned(),
            directory: self.directory.path().display().to_string(),
            files: BTreeMap::new(),
            variables: BTreeMap::new(),
            provider: first,
            alias,
            others,
            backend: self.backend.clone(),
            stores: BTreeMap::new(),
        };
        let declared = self.whole.as_ref().and_then(|stack| stack.declared.identities.get(live.address()));
        let revocation = Revocation { stack: &self.stack, live, declared, snapshot, reason, now, realize, basis };
        build_revocation_plan(revocation).map_err(WorkflowError::Unsound)
    }
}
