//! [`Observe`], the part of a provider that reads the system, and cannot write.
//!
//! In: a stack and what to read of it. Out: a complete [`Snapshot`], or an error: what could not be read never counts
//! as absent.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    Address, Marks, ObjectOwner, OwnedObjects, Quota, Realm, Resource, ResourceId, Snapshot, StackName, UnmanagedObject,
};

/// What to read, and how exactly.
#[derive(Debug, Clone, Copy)]
pub struct ObserveRequest<'a> {
    /// The stack whose objects are read completely.
    pub stack: &'a StackName,
    /// The objects that the stack owns. They are read completely, whatever marks they carry, and no other object counts as the
    /// stack's. `None`: the caller has no record of them, so marks decide, and nothing may be written.
    pub owned: Option<&'a OwnedObjects>,
    /// The shared objects that the stack declares. If a live object differs from its entry, its marks are read too.
    pub shared: &'a BTreeMap<ResourceId, Resource>,
    /// Principals whose credentials must be read one by one, even if a bulk report already covers them.
    pub exact: &'a BTreeSet<ResourceId>,
    /// Principals whose access keys must be read one by one. For their other credentials, reports are enough.
    pub exact_keys: &'a BTreeSet<ResourceId>,
    /// Principals and groups that the stack does not own, to read completely for an import, with the address that each will have.
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
        Self {
            stack,
            owned: None,
            shared,
            exact: NONE,
            exact_keys: NONE,
            imports: NO_IMPORTS,
            only_exact_credentials: false,
        }
    }
}

impl<'a> ObserveRequest<'a> {
    /// Decides who owns a live object: the record of the stack, by unique id. If the caller has no record, the marks in the
    /// object's tags decide instead, and the caller must not write anything.
    #[must_use]
    pub fn find_owner(
        &self,
        id: &ResourceId,
        unique_id: &str,
        created_at: Option<Timestamp>,
        tags: &BTreeMap<String, String>,
    ) -> ObjectOwner {
        match self.owned {
            Some(owned) => match owned.find_marks(id, unique_id, created_at) {
                Some(marks) => ObjectOwner::Stack(Box::new(marks.clone())),
                None => ObjectOwner::from_foreign_tags(tags),
            },
            None => match Marks::from_tags(tags) {
                Ok(Some(marks)) if marks.stack == *self.stack => ObjectOwner::Stack(Box::new(marks)),
                _ => ObjectOwner::from_foreign_tags(tags),
            },
        }
    }

    /// The address under which the request imports an object. `None`: it is not imported, because the request does not name it or
    /// because it belongs to another stack. Marks of this stack on an object that the stack does not own are no obstacle: somebody
    /// else wrote them.
    #[must_use]
    pub fn find_import(&self, id: &ResourceId, found: &UnmanagedObject) -> Option<&'a Address> {
        let is_free = match (&found.stack, &found.unreadable) {
            (_, Some(_)) => false,
            (Some(stack), None) => stack == self.stack,
            (None, None) => true,
        };
        self.imports.get(id).filter(|_| is_free)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ForeignMarks, OwnedObject, Principal, ResourceKind, UnconfirmedCreation};

    fn marks(stack: &str) -> Marks {
        Marks::new(StackName::new(stack).unwrap(), Address::for_identity("bot", None))
    }

    fn id(name: &str) -> ResourceId {
        ResourceId::new(ResourceKind::new(Principal::User.as_str()), name)
    }

    fn find(owned: Option<&OwnedObjects>, unique_id: &str, created_at: Option<&str>, tags: &Marks) -> ObjectOwner {
        let stack = StackName::new("s").unwrap();
        let nothing_shared = BTreeMap::new();
        let request = ObserveRequest { owned, ..ObserveRequest::for_plan(&stack, &nothing_shared) };
        request.find_owner(&id("bot"), unique_id, created_at.map(|at| at.parse().unwrap()), &tags.to_tags())
    }

    fn is_ours(owner: &ObjectOwner) -> bool {
        matches!(owner, ObjectOwner::Stack(_))
    }

    #[test]
    fn unique_id_decides_and_copied_marks_do_not() {
        let bot = OwnedObject { resource: id("bot"), marks: marks("s"), unsettled: None };
        let owned = OwnedObjects { objects: BTreeMap::from([("A1".to_owned(), bot)]), ..OwnedObjects::default() };
        assert!(is_ours(&find(Some(&owned), "A1", None, &marks("other"))));
        let copied = find(Some(&owned), "A2", None, &marks("s"));
        let ObjectOwner::Other(found) = copied else { panic!("{copied:?}") };
        assert_eq!(found.address, Some(Address::for_identity("bot", None)));
    }

    #[test]
    fn without_a_record_marks_decide() {
        assert!(is_ours(&find(None, "A2", None, &marks("s"))));
        assert!(!is_ours(&find(None, "A2", None, &marks("other"))));
    }

    #[test]
    fn unconfirmed_creation_is_ours_only_if_it_is_as_new_as_its_intent() {
        let creation = UnconfirmedCreation { marks: marks("s"), since: "2026-11-20T10:00:00Z".parse().unwrap() };
        let owned = OwnedObjects { unconfirmed: BTreeMap::from([(id("bot"), creation)]), ..OwnedObjects::default() };
        let at = |at: Option<&str>| is_ours(&find(Some(&owned), "A9", at, &marks("s")));
        assert!(at(Some("2026-11-20T10:00:03Z")) && at(Some("2026-11-20T09:59:00Z")));
        assert!(!at(Some("2026-11-20T09:00:00Z")) && !at(Some("2026-11-20T11:00:00Z")) && !at(None));
    }

    #[test]
    fn forged_marks_do_not_prevent_an_import_and_marks_of_another_stack_do() {
        let stack = StackName::new("s").unwrap();
        let imports = BTreeMap::from([(id("bot"), Address::for_identity("bot", None))]);
        let nothing_shared = BTreeMap::new();
        let request = ObserveRequest { imports: &imports, ..ObserveRequest::for_plan(&stack, &nothing_shared) };
        let found = |stack: &str| {
            let stack = Some(StackName::new(stack).unwrap());
            ForeignMarks { stack, ..ForeignMarks::default() }.into_unmanaged_object("arn".to_owned())
        };
        assert!(request.find_import(&id("bot"), &found("s")).is_some());
        assert!(
            request.find_import(&id("bot"), &ForeignMarks::default().into_unmanaged_object(String::new())).is_some()
        );
        assert!(request.find_import(&id("bot"), &found("other")).is_none());
        assert!(request.find_import(&id("eve"), &found("s")).is_none());
    }
}
