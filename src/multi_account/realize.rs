//! The pure part: passes each object to the realizer in the form that the provider of its account uses, with the
//! realm of that account, and adds the account to the result.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use leasehold_provider::{
    Alias, Aspect, Change, Credential, Custody, DenyExtent, DesiredIdentity, Document, Federation, Group, InterimDeny,
    LiveIdentity, Marks, NarrowedPrincipal, Principal, Quarantine, Realize, Realm, Resource, ResourceId, Scope,
    StackName, Trust, Violation,
};

use super::cross_account;
use super::place::AccountScoped;

/// The pure part of the providers of one cloud, for all accounts of a stack. It takes the realm of the first account
/// with the other realms in it. Ids that it builds from names alone have no account yet.
pub struct MultiAccountRealizer(pub Arc<dyn Realize>);

/// A value as the provider of its account sees it. A value of the first account is already in this form, and is borrowed.
fn without_account<'a, T: AccountScoped + Clone>(what: &'a T, account: Option<&Alias>) -> Cow<'a, T> {
    match account {
        Some(account) => Cow::Owned(what.clone().remove_account_from_ids(account)),
        None => Cow::Borrowed(what),
    }
}

fn id_without_account(id: &ResourceId) -> Cow<'_, ResourceId> {
    without_account(id, id.account.as_ref())
}

fn resource_without_account(resource: &Resource) -> Cow<'_, Resource> {
    without_account(resource, resource.id.account.as_ref())
}

fn resources_without_account(resources: &[Resource]) -> Cow<'_, [Resource]> {
    match resources.first().and_then(|resource| resource.id.account.clone()) {
        Some(account) => Cow::Owned(resources.to_vec().remove_account_from_ids(&account)),
        None => Cow::Borrowed(resources),
    }
}

impl MultiAccountRealizer {
    /// Adds the account to the resources of an identity, and adds the principals of other accounts that it trusts to
    /// its dependencies.
    fn place_resources(&self, realm: &Realm, resources: Vec<Resource>, account: Option<&Alias>) -> Vec<Resource> {
        let mut resources = resources.with_optional_account(account);
        for principal in resources.iter_mut().filter(|resource| resource.marks.is_some()) {
            cross_account::link_cross_account(self.0.as_ref(), realm, principal);
        }
        resources
    }
}

impl Realize for MultiAccountRealizer {
    fn principal_id(&self, principal: Principal, name: &str) -> ResourceId {
        self.0.principal_id(principal, name)
    }

    fn scope_id(&self, stack: &StackName, scope: &str) -> ResourceId {
        self.0.scope_id(stack, scope)
    }

    fn realize_scope(&self, realm: &Realm, stack: &StackName, scope: &Scope) -> Resource {
        let account = scope.account.as_ref();
        self.0.realize_scope(realm.for_account(account), stack, scope).with_optional_account(account)
    }

    fn realize_federation(&self, realm: &Realm, stack: &StackName, federation: &Federation) -> Option<Resource> {
        let account = federation.account.as_ref();
        Some(self.0.realize_federation(realm.for_account(account), stack, federation)?.with_optional_account(account))
    }

    fn check_federation_limits(&self, federation: &Federation, resource: &Resource) -> Vec<Violation> {
        self.0.check_federation_limits(federation, &resource_without_account(resource))
    }

    fn group_id(&self, name: &str) -> ResourceId {
        self.0.group_id(name)
    }

    fn credential_kind(&self, id: &ResourceId) -> Option<Credential> {
        self.0.credential_kind(&id_without_account(id))
    }

    fn key_id(&self, user: &str, key: &str) -> Option<ResourceId> {
        self.0.key_id(user, key)
    }

    fn is_left_unchanged(&self, id: &ResourceId, guards_a_person: bool) -> bool {
        self.0.is_left_unchanged(&id_without_account(id), guards_a_person)
    }

    fn extract_trusts(&self, realm: &Realm, role: &Resource) -> (Vec<Trust>, Vec<String>) {
        self.0.extract_trusts(realm.for_account(role.id.account.as_ref()), &resource_without_account(role))
    }

    fn realize_group(&self, realm: &Realm, stack: &StackName, group: &Group) -> Vec<Resource> {
        let account = group.account.as_ref();
        self.0.realize_group(realm.for_account(account), stack, group).with_optional_account(account)
    }

    fn shared_root_id(&self, id: &ResourceId) -> ResourceId {
        self.0.shared_root_id(&id_without_account(id)).with_optional_account(id.account.as_ref())
    }

    fn realize_identity(&self, realm: &Realm, identity: &DesiredIdentity, marks: &Marks) -> Vec<Resource> {
        let account = identity.spec.account.as_ref();
        self.place_resources(realm, self.0.realize_identity(realm.for_account(account), identity, marks), account)
    }

    fn realize_quarantine(&self, realm: &Realm, live: &LiveIdentity, quarantine: &Quarantine) -> Vec<Resource> {
        let account = live.id.account.as_ref();
        self.place_resources(
            realm,
            self.0.realize_quarantine(realm.for_account(account), &without_account(live, account), quarantine),
            account,
        )
    }

    fn check_identity_limits(&self, identity: &DesiredIdentity, resources: &[Resource]) -> Vec<Violation> {
        self.0.check_identity_limits(identity, &resources_without_account(resources))
    }

    fn check_scope_limits(&self, scope: &Scope, resource: &Resource) -> Vec<Violation> {
        self.0.check_scope_limits(scope, &resource_without_account(resource))
    }

    fn check_group_limits(&self, group: &Group, resources: &[Resource]) -> Vec<Violation> {
        self.0.check_group_limits(group, &resources_without_account(resources))
    }

    fn is_restriction(&self, resource: &Resource) -> bool {
        self.0.is_restriction(&resource_without_account(resource))
    }

    fn classify_attribute(&self, id: &ResourceId, attribute: &str) -> Aspect {
        self.0.classify_attribute(&id_without_account(id), attribute)
    }

    fn classify_denial(&self, resource: &Resource) -> DenyExtent {
        self.0.classify_denial(&resource_without_account(resource))
    }

    fn has_expired_lease(&self, policy: &Resource, now: Timestamp) -> bool {
        self.0.has_expired_lease(&resource_without_account(policy), now)
    }

    fn has_tag_condition(&self, policy: &Resource, tag: &str) -> bool {
        self.0.has_tag_condition(&resource_without_account(policy), tag)
    }

    fn empty_own_policy(&self, whole: &ResourceId) -> Option<Resource> {
        let own = self.0.empty_own_policy(&id_without_account(whole))?;
        match &whole.account {
            Some(account) => Some(own.with_optional_account(Some(account))),
            None => Some(own),
        }
    }

    fn build_interim_policy(
        &self,
        before: Option<&Resource>,
        after: Option<&Resource>,
        withheld: &InterimDeny,
    ) -> Option<Resource> {
        let (old, new) = (before.map(resource_without_account), after.map(resource_without_account));
        let tight = self.0.build_interim_policy(old.as_deref(), new.as_deref(), withheld)?;
        let whole = after.or(before)?;
        Some(Resource { id: whole.id.clone(), depends_on: whole.depends_on.clone(), ..tight })
    }

    fn narrow_trust(&self, before: &Resource, after: &Resource, closed: bool) -> Option<NarrowedPrincipal> {
        let reserved =
            self.0.narrow_trust(&resource_without_account(before), &resource_without_account(after), closed)?;
        let trusted = |id: &ResourceId| reserved.principal.depends_on.contains(&*id_without_account(id));
        let depends_on = before.depends_on.iter().filter(|id| trusted(id)).cloned().collect();
        Some(NarrowedPrincipal {
            principal: Resource { id: before.id.clone(), depends_on, ..reserved.principal },
            closed: reserved.closed,
        })
    }

    fn count_characters(&self, resource: &Resource, attribute: &str) -> usize {
        self.0.count_characters(&resource_without_account(resource), attribute)
    }

    fn has_single_namespace(&self) -> bool {
        self.0.has_single_namespace()
    }

    fn find_by_cloud_name(&self, realm: &Realm, name: &str) -> Option<ResourceId> {
        cross_account::find_in_accounts(self.0.as_ref(), realm.accounts(), name)
    }

    fn cloud_name(&self, realm: &Realm, resource: &Resource) -> Option<String> {
        self.0.cloud_name(realm.for_account(resource.id.account.as_ref()), &resource_without_account(resource))
    }

    fn classify_custody(&self, name: &str) -> Custody {
        self.0.classify_custody(name)
    }

    fn is_same_document(&self, a: &Document, b: &Document) -> bool {
        self.0.is_same_document(a, b)
    }

    fn describe_change(&self, change: &Change) -> Option<String> {
        self.0.describe_change(&without_account(change, change.id().account.as_ref()))
    }
}
