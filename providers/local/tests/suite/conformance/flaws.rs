//! A directory with one flaw, which delegates to the real one except for what the flaw changes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use leasehold_local::{KEY_ACTIVE, LocalDirectory, kinds};
use leasehold_provider::{
    Access, Change, Compare, Comparison, Credential, DenyExtent, DepositError, DesiredIdentity, Document, Enact,
    EnactError, EnactErrorKind, Enacted, Group, InterimDeny, LiveIdentity, Marks, NarrowedPrincipal, Observe,
    ObserveError, ObserveErrorKind, ObserveRequest, Principal, Quarantine, Realize, Realm, Resource, ResourceId, Scope,
    Snapshot, StackName, Value, Vault, Violation,
};
use secrecy::SecretString;
use serde_json::json;

/// What the flawed directory does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    RandomRealization,
    DropsMarks,
    DropsIdentity,
    DependencyCycle,
    OmitsLeaseDeny,
    AttachesBeforeLeaseDeny,
    TrustWithoutDeadline,
    InterimKeepsRemovedAccess,
    CountsLeaseDeny,
    LeaseDenyNeverExpired,
    TrustsNewPrincipalsEarly,
    IgnoresTagConditions,
    RejectsPolicies,
    HidesAttachments,
    DropsOwner,
    InventsLastUse,
    WritesNoMarks,
    UpdatesPartially,
    FailsRepeatedChange,
    FailsRepeatedDeletion,
    FailsOnPartialIdentity,
    HidesUnmanagedParts,
    LeavesKeysActive,
    UnstableQuarantine,
    QuarantineWithoutMark,
    AllowsInQuarantine,
    DeletesNothing,
    TakesOverUnmanaged,
    ChangesOtherObjects,
    RejectsAsConflict,
    HidesUnmanagedObjects,
    ReturnsOtherStack,
    LeavesKeyWithoutSecret,
    DiscardsSecret,
}

/// A directory with a flaw, or without one.
pub struct FlawedDirectory {
    inner: Arc<LocalDirectory>,
    flaw: Option<Flaw>,
    calls: AtomicU64,
    last: Mutex<Option<Change>>,
}

impl FlawedDirectory {
    pub fn without_flaw(inner: Arc<LocalDirectory>) -> Self {
        Self { inner, flaw: None, calls: AtomicU64::new(0), last: Mutex::new(None) }
    }

    pub fn with_flaw(inner: Arc<LocalDirectory>, flaw: Flaw) -> Self {
        Self { flaw: Some(flaw), ..Self::without_flaw(inner) }
    }

    fn has_flaw(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    fn next_call_number(&self) -> String {
        self.calls.fetch_add(1, Ordering::Relaxed).to_string()
    }
}

impl Realize for FlawedDirectory {
    fn principal_id(&self, principal: Principal, name: &str) -> ResourceId {
        self.inner.principal_id(principal, name)
    }

    fn scope_id(&self, stack: &StackName, scope: &str) -> ResourceId {
        self.inner.scope_id(stack, scope)
    }

    fn realize_scope(&self, realm: &Realm, stack: &StackName, scope: &Scope) -> Resource {
        self.inner.realize_scope(realm, stack, scope)
    }

    fn key_id(&self, user: &str, key: &str) -> Option<ResourceId> {
        self.inner.key_id(user, key)
    }

    fn classify_denial(&self, resource: &Resource) -> DenyExtent {
        if self.has_flaw(Flaw::CountsLeaseDeny) && self.inner.is_restriction(resource) {
            return DenyExtent::Only;
        }
        self.inner.classify_denial(resource)
    }

    fn has_expired_lease(&self, policy: &Resource, now: Timestamp) -> bool {
        !self.has_flaw(Flaw::LeaseDenyNeverExpired) && self.inner.has_expired_lease(policy, now)
    }

    fn has_tag_condition(&self, policy: &Resource, tag: &str) -> bool {
        self.inner.has_tag_condition(policy, tag) && !self.has_flaw(Flaw::IgnoresTagConditions)
    }

    fn empty_own_policy(&self, whole: &ResourceId) -> Option<Resource> {
        self.inner.empty_own_policy(whole)
    }

    fn build_interim_policy(
        &self,
        before: Option<&Resource>,
        after: Option<&Resource>,
        withheld: &InterimDeny,
    ) -> Option<Resource> {
        let before = before.filter(|_| !self.has_flaw(Flaw::InterimKeepsRemovedAccess));
        let after = if self.has_flaw(Flaw::InterimKeepsRemovedAccess) { after.or(before) } else { after };
        let tight = self.inner.build_interim_policy(before, after, withheld)?;
        if self.has_flaw(Flaw::InterimKeepsRemovedAccess) && !withheld.everything {
            after.cloned()
        } else {
            Some(tight)
        }
    }

    fn narrow_trust(&self, before: &Resource, after: &Resource, closed: bool) -> Option<NarrowedPrincipal> {
        let reserved = self.inner.narrow_trust(before, after, closed)?;
        let trusts = |principal: Resource| NarrowedPrincipal { principal, closed: false };
        if self.has_flaw(Flaw::TrustsNewPrincipalsEarly) { Some(trusts(after.clone())) } else { Some(reserved) }
    }

    fn count_characters(&self, resource: &Resource, attribute: &str) -> usize {
        self.inner.count_characters(resource, attribute)
    }

    fn has_single_namespace(&self) -> bool {
        self.inner.has_single_namespace()
    }

    fn credential_kind(&self, id: &ResourceId) -> Option<Credential> {
        self.inner.credential_kind(id)
    }

    fn realize_identity(&self, realm: &Realm, identity: &DesiredIdentity, marks: &Marks) -> Vec<Resource> {
        let mut identity = identity.clone();
        if self.has_flaw(Flaw::OmitsLeaseDeny) {
            identity.deadline = None;
        }
        let mut resources = self.inner.realize_identity(realm, &identity, marks);
        let lease = kinds::part_id(kinds::INLINE_POLICY, &identity.spec.name, kinds::LEASE_POLICY);
        for resource in &mut resources {
            match self.flaw {
                Some(Flaw::RandomRealization) => {
                    *resource = resource.clone().with_attribute("description", self.next_call_number());
                }
                Some(Flaw::DropsMarks) => resource.marks = None,
                Some(Flaw::DropsIdentity) => resource.identity = None,
                Some(Flaw::AttachesBeforeLeaseDeny) => {
                    resource.depends_on.remove(&lease);
                }
                Some(Flaw::DependencyCycle) => {
                    let id = self.inner.principal_id(identity.spec.principal, &identity.spec.name);
                    if resource.id == id && identity.deadline.is_some() {
                        resource.depends_on.insert(lease.clone());
                    }
                }
                Some(Flaw::TrustWithoutDeadline) if resource.id.kind == kinds::ROLE => {
                    let open = DesiredIdentity { deadline: None, ..identity.clone() };
                    *resource = self.inner.realize_identity(realm, &open, marks).remove(0);
                }
                _ => {}
            }
        }
        resources
    }

    fn realize_quarantine(&self, realm: &Realm, live: &LiveIdentity, quarantine: &Quarantine) -> Vec<Resource> {
        let mut resources = self.inner.realize_quarantine(realm, live, quarantine);
        for resource in &mut resources {
            match self.flaw {
                Some(Flaw::QuarantineWithoutMark) => {
                    if let Some(marks) = &mut resource.marks {
                        marks.quarantine = None;
                    }
                }
                Some(Flaw::LeavesKeysActive) if resource.id.kind == kinds::ACCESS_KEY => {
                    *resource = resource.clone().with_attribute("status", KEY_ACTIVE);
                }
                Some(Flaw::UnstableQuarantine) if resource.marks.is_some() => {
                    let before = live.resources[&live.id].get("description").and_then(Value::as_text).unwrap_or("");
                    *resource = resource.clone().with_attribute("description", format!("{before}!"));
                }
                Some(Flaw::AllowsInQuarantine) if resource.id.kind == kinds::INLINE_POLICY => {
                    let nothing = Document::new(json!({ "Version": "2012-10-17", "Statement": [] }));
                    *resource = resource.clone().with_attribute("policy", Value::Document(nothing));
                }
                _ => {}
            }
        }
        resources
    }

    fn group_id(&self, name: &str) -> ResourceId {
        self.inner.group_id(name)
    }

    fn realize_group(&self, realm: &Realm, stack: &StackName, group: &Group) -> Vec<Resource> {
        self.inner.realize_group(realm, stack, group)
    }

    fn shared_root_id(&self, id: &ResourceId) -> ResourceId {
        self.inner.shared_root_id(id)
    }

    fn check_group_limits(&self, group: &Group, resources: &[Resource]) -> Vec<Violation> {
        self.inner.check_group_limits(group, resources)
    }

    fn check_identity_limits(&self, identity: &DesiredIdentity, resources: &[Resource]) -> Vec<Violation> {
        self.inner.check_identity_limits(identity, resources)
    }

    fn check_scope_limits(&self, scope: &Scope, resource: &Resource) -> Vec<Violation> {
        self.inner.check_scope_limits(scope, resource)
    }

    fn is_restriction(&self, resource: &Resource) -> bool {
        self.inner.is_restriction(resource)
    }

    fn describe_change(&self, change: &Change) -> Option<String> {
        self.inner.describe_change(change)
    }
}

#[async_trait]
impl Observe for FlawedDirectory {
    async fn read_realm(&self) -> Result<Realm, ObserveError> {
        self.inner.read_realm().await
    }

    async fn observe_stack(&self, request: ObserveRequest<'_>) -> Result<Snapshot, ObserveError> {
        let mut snapshot = self.inner.observe_stack(request).await?;
        match self.flaw {
            Some(Flaw::HidesUnmanagedObjects) => snapshot.strangers.clear(),
            Some(Flaw::ReturnsOtherStack) => {
                let neighbour = snapshot.strangers.values().find_map(|stranger| stranger.stack.clone());
                if let Some(neighbour) = neighbour {
                    snapshot = self.inner.observe_stack(ObserveRequest { stack: &neighbour, ..request }).await?;
                }
            }
            Some(Flaw::FailsOnPartialIdentity) => {
                let half = |identity: &LiveIdentity| identity.resources.len() == 1 && identity.name == "conf-role";
                if snapshot.identities.values().any(half) {
                    let (kind, message) = (ObserveErrorKind::Malformed, "no policy".to_owned());
                    return Err(ObserveError { kind, operation: "flaw".to_owned(), message, help: None });
                }
            }
            _ => {}
        }
        for identity in snapshot.identities.values_mut() {
            let own = identity.id.clone();
            match self.flaw {
                Some(Flaw::HidesAttachments) => identity.resources.retain(|id, _| id.kind != kinds::ATTACHMENT),
                Some(Flaw::InventsLastUse) => identity.last_used = Some(Timestamp::UNIX_EPOCH),
                Some(Flaw::DropsOwner) => {
                    identity.marks.owner = None;
                    identity.resources.get_mut(&own).unwrap().marks.as_mut().unwrap().owner = None;
                }
                Some(Flaw::HidesUnmanagedParts) => identity.resources.retain(|id, _| {
                    !id.name.ends_with("/just-for-now") && !id.name.ends_with("AdministratorAccess") && {
                        id.kind != kinds::ACCESS_KEY && id.kind != kinds::LOGIN
                    }
                }),
                _ => {}
            }
        }
        Ok(snapshot)
    }
}

#[async_trait]
impl Enact for FlawedDirectory {
    async fn enact_change(&self, stack: &StackName, change: &Change) -> Result<Enacted, EnactError> {
        let again = self.last.lock().unwrap().replace(change.clone()).as_ref() == Some(change);
        let fail = |kind| {
            Err(EnactError {
                requests: Vec::new(),
                kind,
                operation: "flaw".to_owned(),
                message: "flaw".to_owned(),
                help: None,
            })
        };
        let deletes = matches!(change, Change::Delete { .. });
        match (self.flaw, change) {
            (Some(Flaw::FailsRepeatedChange), _) if again && !deletes => return fail(EnactErrorKind::Conflict),
            (Some(Flaw::FailsRepeatedDeletion), _) if again && deletes => return fail(EnactErrorKind::Conflict),
            (Some(Flaw::RejectsPolicies), Change::Create { after }) if after.id.kind == kinds::POLICY => {
                return fail(EnactErrorKind::Denied);
            }
            (Some(Flaw::WritesNoMarks), Change::Mark { .. }) => return Ok(Enacted::default()),
            (Some(Flaw::DeletesNothing), Change::Delete { before }) if before.id.kind == kinds::ATTACHMENT => {
                return Ok(Enacted::default());
            }
            (Some(Flaw::UpdatesPartially), Change::Update { before, after }) => {
                let mut after = after.clone();
                after.attributes.remove("description");
                after
                    .attributes
                    .extend(before.attributes.get_key_value("description").map(|(k, v)| (k.clone(), v.clone())));
                return self.inner.enact_change(stack, &Change::Update { before: before.clone(), after }).await;
            }
            (Some(Flaw::ChangesOtherObjects), _) => {
                // Most worlds do not have this user: then there is nothing to change.
                let _ = self
                    .inner
                    .external_admin()
                    .detach_policy("stranger-user", "arn:aws:iam::aws:policy/ReadOnlyAccess");
            }
            _ => {}
        }
        let outcome = self.inner.enact_change(stack, change).await;
        let not_ours = outcome.as_ref().is_err_and(|error| error.kind == EnactErrorKind::NotOurs);
        match (self.flaw, change) {
            (Some(Flaw::RejectsAsConflict), _) if not_ours => fail(EnactErrorKind::Conflict),
            (Some(Flaw::TakesOverUnmanaged), Change::Create { after }) if not_ours && after.marks.is_some() => {
                let tags = after.marks.as_ref().unwrap().to_tags();
                match self.inner.external_admin().set_tags(&after.id.name, &tags) {
                    Ok(()) => Ok(Enacted::default()),
                    Err(_) => outcome,
                }
            }
            _ => outcome,
        }
    }

    async fn issue_access_key(
        &self,
        stack: &StackName,
        change: &Change,
        vault: &dyn Vault,
    ) -> Result<Enacted, EnactError> {
        match self.flaw {
            Some(Flaw::DiscardsSecret) => self.inner.issue_access_key(stack, change, &DiscardingVault).await,
            Some(Flaw::LeavesKeyWithoutSecret) => {
                let made = self.inner.issue_access_key(stack, change, &DiscardingVault).await?;
                let id = made.made.clone().unwrap();
                let kept = vault.keep_secret(&id, "secret of no key".into()).await;
                kept.map(|()| made).map_err(|error| EnactError {
                    requests: Vec::new(),
                    kind: EnactErrorKind::Other,
                    operation: "flaw".to_owned(),
                    message: error.to_string(),
                    help: None,
                })
            }
            _ => self.inner.issue_access_key(stack, change, vault).await,
        }
    }
}

/// A vault that reports every secret as stored and stores none.
struct DiscardingVault;

#[async_trait]
impl Vault for DiscardingVault {
    async fn keep_secret(&self, _: &ResourceId, _: SecretString) -> Result<(), DepositError> {
        Ok(())
    }

    async fn was_delivered(&self, _: &ResourceId) -> Result<bool, DepositError> {
        Ok(true)
    }
}

impl Compare for FlawedDirectory {
    fn compare_access(&self, old: &Access, new: &Access) -> Comparison {
        self.inner.compare_access(old, new)
    }
}
