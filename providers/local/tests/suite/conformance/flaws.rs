//! A directory with one flaw: the provider that ships, with one of its parts replaced.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use leasehold_local::{KEY_ACTIVE, LocalDirectory, kinds};
use leasehold_provider::{
    Aspect, Change, Credential, DenyExtent, DepositError, DesiredIdentity, Document, Enact, EnactError, EnactErrorKind,
    Enacted, InterimDeny, IssueKeys, LiveIdentity, Marks, NarrowedPrincipal, Observe, ObserveError, ObserveErrorKind,
    ObserveRequest, PolicyDocuments, PolicySemantics, Provider, Quarantine, Quota, RealizeObjects, Realizer, Realm,
    Resource, ResourceId, RoleTrusts, Scope, SecretStorage, Snapshot, StackName, Trust, Value,
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
    DropsAccount,
}

/// The provider of `directory` with this flaw.
pub fn inject_flaw(provider: Provider, directory: &Arc<LocalDirectory>, flaw: Flaw) -> Provider {
    let Provider { realize, compare, observe, enact, issue } = provider;
    let directory = Arc::clone(directory);
    Provider {
        realize: Realizer {
            lineage: None,
            objects: Arc::new(FlawedObjects { inner: realize.objects, flaw, calls: AtomicU64::new(0) }),
            semantics: Arc::new(FlawedSemantics { inner: realize.semantics, flaw }),
            policies: realize.policies.map(|inner| Arc::new(FlawedPolicies { inner, flaw }) as _),
            trusts: match flaw {
                Flaw::TrustsNewPrincipalsEarly => realize.trusts.map(|inner| Arc::new(EarlyTrusts { inner }) as _),
                _ => realize.trusts,
            },
            ..realize
        },
        compare,
        observe: Arc::new(FlawedReader { inner: observe, flaw }),
        enact: Arc::new(FlawedWriter { inner: enact, directory, flaw, last: Mutex::new(None) }),
        issue: issue.map(|inner| Arc::new(FlawedIssuer(inner, flaw)) as _),
    }
}

struct FlawedObjects {
    inner: Arc<dyn RealizeObjects>,
    flaw: Flaw,
    calls: AtomicU64,
}

impl FlawedObjects {
    fn next_call_number(&self) -> String {
        self.calls.fetch_add(1, Ordering::Relaxed).to_string()
    }
}

impl RealizeObjects for FlawedObjects {
    fn realize_scope(&self, realm: &Realm, stack: &StackName, scope: &Scope) -> Resource {
        self.inner.realize_scope(realm, stack, scope)
    }

    fn realize_identity(&self, realm: &Realm, identity: &DesiredIdentity, marks: &Marks) -> Vec<Resource> {
        let mut identity = identity.clone();
        if self.flaw == Flaw::OmitsLeaseDeny {
            identity.deadline = None;
        }
        let mut resources = self.inner.realize_identity(realm, &identity, marks);
        let lease = kinds::part_id(kinds::INLINE_POLICY, &identity.spec.name, kinds::LEASE_POLICY);
        for resource in &mut resources {
            match self.flaw {
                Flaw::RandomRealization => {
                    *resource = resource.clone().with_attribute("description", self.next_call_number());
                }
                Flaw::DropsMarks => resource.marks = None,
                Flaw::DropsIdentity => resource.identity = None,
                Flaw::AttachesBeforeLeaseDeny => {
                    resource.depends_on.remove(&lease);
                }
                Flaw::DependencyCycle => {
                    let id = kinds::principal_id(identity.spec.principal, &identity.spec.name);
                    if resource.id == id && identity.deadline.is_some() {
                        resource.depends_on.insert(lease.clone());
                    }
                }
                Flaw::TrustWithoutDeadline if resource.id.kind == kinds::ROLE => {
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
                Flaw::QuarantineWithoutMark => {
                    if let Some(marks) = &mut resource.marks {
                        marks.quarantine = None;
                    }
                }
                Flaw::LeavesKeysActive if resource.id.kind == kinds::ACCESS_KEY => {
                    *resource = resource.clone().with_attribute("status", KEY_ACTIVE);
                }
                Flaw::UnstableQuarantine if resource.marks.is_some() => {
                    let before = live.resources[&live.id].get("description").and_then(Value::as_text).unwrap_or("");
                    *resource = resource.clone().with_attribute("description", format!("{before}!"));
                }
                Flaw::AllowsInQuarantine if resource.id.kind == kinds::INLINE_POLICY => {
                    let nothing = Document::new(json!({ "Version": "2012-10-17", "Statement": [] }));
                    *resource = resource.clone().with_attribute("policy", Value::Document(nothing));
                }
                _ => {}
            }
        }
        resources
    }
}

struct FlawedSemantics {
    inner: Arc<dyn PolicySemantics>,
    flaw: Flaw,
}

impl PolicySemantics for FlawedSemantics {
    fn credential_kind(&self, id: &ResourceId) -> Option<Credential> {
        self.inner.credential_kind(id)
    }

    fn is_left_unchanged(&self, id: &ResourceId, guards_a_person: bool) -> bool {
        self.inner.is_left_unchanged(id, guards_a_person)
    }

    fn is_restriction(&self, resource: &Resource) -> bool {
        self.inner.is_restriction(resource)
    }

    fn classify_attribute(&self, id: &ResourceId, attribute: &str) -> Aspect {
        self.inner.classify_attribute(id, attribute)
    }

    fn classify_denial(&self, resource: &Resource) -> DenyExtent {
        if self.flaw == Flaw::CountsLeaseDeny && self.inner.is_restriction(resource) {
            return DenyExtent::Only;
        }
        self.inner.classify_denial(resource)
    }

    fn has_expired_lease(&self, resource: &Resource, now: Timestamp) -> bool {
        self.flaw != Flaw::LeaseDenyNeverExpired && self.inner.has_expired_lease(resource, now)
    }

    fn is_same_document(&self, a: &Document, b: &Document) -> bool {
        self.inner.is_same_document(a, b)
    }

    fn describe_change(&self, change: &Change) -> Option<String> {
        self.inner.describe_change(change)
    }
}

struct FlawedPolicies {
    inner: Arc<dyn PolicyDocuments>,
    flaw: Flaw,
}

impl PolicyDocuments for FlawedPolicies {
    fn has_tag_condition(&self, policy: &Resource, tag: &str) -> bool {
        self.inner.has_tag_condition(policy, tag) && self.flaw != Flaw::IgnoresTagConditions
    }

    fn empty_own_policy(&self, whole: &ResourceId) -> Option<Resource> {
        let own = self.inner.empty_own_policy(whole)?;
        Some(match self.flaw {
            Flaw::DropsAccount => Resource { id: own.id.clone().with_account(None), ..own },
            _ => own,
        })
    }

    fn build_interim_policy(
        &self,
        before: Option<&Resource>,
        after: Option<&Resource>,
        withheld: &InterimDeny,
    ) -> Option<Resource> {
        let before = before.filter(|_| self.flaw != Flaw::InterimKeepsRemovedAccess);
        let after = if self.flaw == Flaw::InterimKeepsRemovedAccess { after.or(before) } else { after };
        let tight = self.inner.build_interim_policy(before, after, withheld)?;
        if self.flaw == Flaw::InterimKeepsRemovedAccess && !withheld.everything { after.cloned() } else { Some(tight) }
    }
}

struct EarlyTrusts {
    inner: Arc<dyn RoleTrusts>,
}

impl RoleTrusts for EarlyTrusts {
    fn extract_trusts(&self, realm: &Realm, role: &Resource) -> (Vec<Trust>, Vec<String>) {
        self.inner.extract_trusts(realm, role)
    }

    fn narrow_trust(&self, before: &Resource, after: &Resource, closed: bool) -> Option<NarrowedPrincipal> {
        self.inner.narrow_trust(before, after, closed)?;
        Some(NarrowedPrincipal { principal: after.clone(), closed: false })
    }
}

struct FlawedReader {
    inner: Arc<dyn Observe>,
    flaw: Flaw,
}

#[async_trait]
impl Observe for FlawedReader {
    async fn read_realm(&self) -> Result<Realm, ObserveError> {
        self.inner.read_realm().await
    }

    async fn observe_stack(&self, request: ObserveRequest<'_>) -> Result<Snapshot, ObserveError> {
        let mut snapshot = self.inner.observe_stack(request).await?;
        match self.flaw {
            Flaw::HidesUnmanagedObjects => snapshot.unmanaged_objects.clear(),
            Flaw::ReturnsOtherStack => {
                let neighbour =
                    snapshot.unmanaged_objects.values().find_map(|unmanaged_object| unmanaged_object.stack.clone());
                if let Some(neighbour) = neighbour {
                    snapshot = self.inner.observe_stack(ObserveRequest { stack: &neighbour, ..request }).await?;
                }
            }
            Flaw::FailsOnPartialIdentity => {
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
                Flaw::HidesAttachments => identity.resources.retain(|id, _| id.kind != kinds::ATTACHMENT),
                Flaw::InventsLastUse => identity.last_used = Some(Timestamp::UNIX_EPOCH),
                Flaw::DropsOwner => {
                    identity.marks.owner = None;
                    identity.resources.get_mut(&own).unwrap().marks.as_mut().unwrap().owner = None;
                }
                Flaw::HidesUnmanagedParts => identity.resources.retain(|id, _| {
                    !id.name.ends_with("/just-for-now") && !id.name.ends_with("AdministratorAccess") && {
                        id.kind != kinds::ACCESS_KEY && id.kind != kinds::LOGIN
                    }
                }),
                _ => {}
            }
        }
        Ok(snapshot)
    }

    async fn read_quotas(&self) -> Result<Vec<Quota>, ObserveError> {
        self.inner.read_quotas().await
    }

    fn has_unread_details(&self, snapshot: &Snapshot) -> bool {
        self.inner.has_unread_details(snapshot)
    }

    async fn read_exactly(
        &self,
        stack: &StackName,
        snapshot: &mut Snapshot,
        principals: &BTreeSet<ResourceId>,
    ) -> Result<(), ObserveError> {
        self.inner.read_exactly(stack, snapshot, principals).await
    }
}

struct FlawedWriter {
    inner: Arc<dyn Enact>,
    directory: Arc<LocalDirectory>,
    flaw: Flaw,
    last: Mutex<Option<Change>>,
}

#[async_trait]
impl Enact for FlawedWriter {
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
            (Flaw::FailsRepeatedChange, _) if again && !deletes => return fail(EnactErrorKind::Conflict),
            (Flaw::FailsRepeatedDeletion, _) if again && deletes => return fail(EnactErrorKind::Conflict),
            (Flaw::RejectsPolicies, Change::Create { after }) if after.id.kind == kinds::POLICY => {
                return fail(EnactErrorKind::Denied);
            }
            (Flaw::WritesNoMarks, Change::Mark { .. }) => return Ok(Enacted::default()),
            (Flaw::DeletesNothing, Change::Delete { before }) if before.id.kind == kinds::ATTACHMENT => {
                return Ok(Enacted::default());
            }
            (Flaw::UpdatesPartially, Change::Update { before, after }) => {
                let mut after = after.clone();
                after.attributes.remove("description");
                after
                    .attributes
                    .extend(before.attributes.get_key_value("description").map(|(k, v)| (k.clone(), v.clone())));
                return self.inner.enact_change(stack, &Change::Update { before: before.clone(), after }).await;
            }
            (Flaw::ChangesOtherObjects, _) => {
                // Most worlds do not have this user: then there is nothing to change.
                let _ = self
                    .directory
                    .external_admin()
                    .detach_policy("stranger-user", "arn:aws:iam::aws:policy/ReadOnlyAccess");
            }
            _ => {}
        }
        let outcome = self.inner.enact_change(stack, change).await;
        let not_ours = outcome.as_ref().is_err_and(|error| error.kind == EnactErrorKind::NotManaged);
        match (self.flaw, change) {
            (Flaw::RejectsAsConflict, _) if not_ours => fail(EnactErrorKind::Conflict),
            (Flaw::TakesOverUnmanaged, Change::Create { after }) if not_ours && after.marks.is_some() => {
                let tags = after.marks.as_ref().unwrap().to_tags();
                match self.directory.external_admin().set_tags(&after.id.name, &tags) {
                    Ok(()) => Ok(Enacted::default()),
                    Err(_) => outcome,
                }
            }
            _ => outcome,
        }
    }
}

struct FlawedIssuer(Arc<dyn IssueKeys>, Flaw);

#[async_trait]
impl IssueKeys for FlawedIssuer {
    async fn issue_access_key(
        &self,
        stack: &StackName,
        change: &Change,
        vault: &dyn SecretStorage,
    ) -> Result<Enacted, EnactError> {
        match self.1 {
            Flaw::DiscardsSecret => self.0.issue_access_key(stack, change, &DiscardingSecretStore).await,
            Flaw::LeavesKeyWithoutSecret => {
                let made = self.0.issue_access_key(stack, change, &DiscardingSecretStore).await?;
                let id = made.made.clone().unwrap();
                let kept = vault.store_secret(&id, "a secret without a key".into()).await;
                kept.map(|()| made).map_err(|error| EnactError {
                    requests: Vec::new(),
                    kind: EnactErrorKind::Other,
                    operation: "flaw".to_owned(),
                    message: error.to_string(),
                    help: None,
                })
            }
            _ => self.0.issue_access_key(stack, change, vault).await,
        }
    }
}

/// A vault that reports every secret as stored and stores none.
struct DiscardingSecretStore;

#[async_trait]
impl SecretStorage for DiscardingSecretStore {
    async fn store_secret(&self, _: &ResourceId, _: SecretString) -> Result<(), DepositError> {
        Ok(())
    }

    async fn was_delivered(&self, _: &ResourceId) -> Result<bool, DepositError> {
        Ok(true)
    }
}
