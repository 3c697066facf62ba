//! [`Observe`], the part of a provider that reads the system, and cannot write.
//!
//! In: a stack and what to read of it. Out: a complete [`Snapshot`], or an error: what could not be read never counts
//! as absent.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::{Address, Quota, Realm, Resource, ResourceId, Snapshot, StackName};

/// What to read, and how exactly.
#[derive(Debug, Clone, Copy)]
pub struct ObserveRequest<'a> {
    /// The stack whose objects are read completely.
    pub stack: &'a StackName,
    /// The shared objects that the stack declares. If a live object differs from its entry, its marks are read too.
    pub shared: &'a BTreeMap<ResourceId, Resource>,
    /// Principals whose credentials must be read one by one, even if a bulk report already covers them.
    pub exact: &'a BTreeSet<ResourceId>,
    /// Principals whose access keys must be read one by one. For their other credentials, reports are enough.
    pub exact_keys: &'a BTreeSet<ResourceId>,
    /// Principals and groups without marks to read completely, for an import, with the address that each will have.
    pub imports: &'a BTreeMap<ResourceId, Address>,
    /// Whether only the credentials of `exact` are needed, for example when written objects are read back. The
    /// snapshot may then contain no credentials for other principals, even if they have some.
    pub only_exact_credentials: bool,
}

impl<'a> ObserveRequest<'a> {
    /// The request for a plan that imports nothing and needs no exact reads.
    #[must_use]
    pub fn for_plan(stack: &'a StackName, shared: &'a BTreeMap<ResourceId, Resource>) -> Self {
        const NONE: &BTreeSet<ResourceId> = &BTreeSet::new();
        const NO_IMPORTS: &BTreeMap<ResourceId, Address> = &BTreeMap::new();
        Self { stack, shared, exact: NONE, exact_keys: NONE, imports: NO_IMPORTS, only_exact_credentials: false }
    }
}

/// Reads the cloud. It cannot write.
#[async_trait]
pub trait Observe: Send + Sync {
    /// The account this provider works in, and the caller it works as.
    ///
    /// # Errors
    /// The account is not one that the configuration allows ([`ObserveErrorKind::WrongAccount`]), or the cloud cannot
    /// be read.
    async fn read_realm(&self) -> Result<Realm, ObserveError>;

    /// Reads everything that a plan for the stack needs.
    ///
    /// # Errors
    /// Any part cannot be read. There is no partial snapshot.
    async fn observe_stack(&self, request: ObserveRequest<'_>) -> Result<Snapshot, ObserveError>;

    /// The cloud's limits on numbers of objects, and how many objects exist. Read when a plan creates something. A
    /// limit that is not listed is not checked in advance; the cloud enforces it.
    ///
    /// # Errors
    /// The limits cannot be read.
    async fn read_quotas(&self) -> Result<Vec<Quota>, ObserveError>;

    /// Whether the snapshot may lack details of principals that were not read exactly, such as credentials that no
    /// report includes.
    fn has_unread_details(&self, snapshot: &Snapshot) -> bool;

    /// Reads the missing details of these principals and adds them to the snapshot.
    ///
    /// # Errors
    /// A principal cannot be read.
    async fn read_exactly(
        &self,
        stack: &StackName,
        snapshot: &mut Snapshot,
        principals: &BTreeSet<ResourceId>,
    ) -> Result<(), ObserveError>;
}

/// Why the cloud could not be read. There is no snapshot in this case, not even a partial one.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{operation}: {message}")]
pub struct ObserveError {
    /// The kind of failure.
    pub kind: ObserveErrorKind,
    /// The operation, as the cloud names it: `iam:ListRoles`.
    pub operation: String,
    /// What happened, as reported by the cloud.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Kinds of read failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObserveErrorKind {
    /// There are no credentials, or the cloud rejects them.
    Unauthenticated,
    /// The caller is not allowed to read this.
    Denied,
    /// The account is not one that the configuration allows.
    WrongAccount,
    /// The service does not answer.
    Unreachable,
    /// The service throttles the caller.
    Throttled,
    /// The response does not have the documented form.
    Malformed,
    /// Anything else.
    Other,
}
