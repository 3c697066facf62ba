//! The pure half: each object is asked about as the provider of its account knows it, in that account.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use leasehold_provider::{
    Alias, Aspect, Change, Credential, Custody, DesiredIdentity, Document, Federation, Group, LiveIdentity, Marks,
    Principal, Quarantine, Realize, Realm, Reserved, Resource, ResourceId, Scope, StackName, Trust, Violation,
    Withheld, Withholds,
};

use super::beyond;
use super::place::Place;

/// The pure half of providers of one cloud, for all accounts of a stack. The realm it is given is the first account's, with the others in
/// it; ids that it makes of names alone are of no account yet.
pub struct FleetRealizer(pub Arc<dyn Realize>);

/// As the provider of its account sees it. What lies in the first account is so already.
fn plain<'a, T: Place + Clone>(what: &'a T, account: Option<&Alias>) -> Cow<'a, T> {
    match account {
        Some(account) => Cow::Owned(what.clone().off(account)),
        None => Cow::Borrowed(what),
    }
}

fn plain_id(id: &ResourceId) -> Cow<'_, ResourceId> {
    plain(id, id.account.as_ref())
}

fn plain_resource(resource: &Resource) -> Cow<'_, Resource> {
    plain(resource, resource.id.account.as_ref())
}

fn plain_all(resources: &[Resource]) -> Cow<'_, [Resource]> {
    match resources.first().and_then(|resource| resource.id.account.clone()) {
        Some(account) => Cow::Owned(resources.to_vec().off(&account)),
        None => Cow::Borrowed(resources),
    }
}

impl FleetRealizer {
    /// What a provider made of an identity, with those of other accounts that it trusts among its needs.
    fn placed(&self, realm: &Realm, resources: Vec<Resource>, account: Option<&Alias>) -> Vec<Resource> {
        let mut resources = resources.into_fleet(account);
        for principal in resources.iter_mut().filter(|resource| resource.marks.is_some()) {
            beyond::link(self.0.as_ref(), realm, principal);
        }
        resources
    }
}

impl Realize for FleetRealizer {
    fn principal_id(&self, principal: Principal, name: &str) -> ResourceId {
        self.0.principal_id(principal, name)
    }

    fn scope_id(&self, stack: &StackName, scope: &str) -> ResourceId {
        self.0.scope_id(stack, scope)
    }

    fn scope(&self, realm: &Realm, stack: &StackName, scope: &Scope) -> Resource {
        let account = scope.account.as_ref();
        self.0.scope(realm.at(account), stack, scope).into_fleet(account)
    }

    fn federation(&self, realm: &Realm, stack: &StackName, federation: &Federation) -> Option<Resource> {
        let account = federation.account.as_ref();
        Some(self.0.federation(realm.at(account), stack, federation)?.into_fleet(account))
    }

    fn federation_limits(&self, federation: &Federation, resource: &Resource) -> Vec<Violation> {
        self.0.federation_limits(federation, &plain_resource(resource))
    }

    fn group_id(&self, name: &str) -> ResourceId {
        self.0.group_id(name)
    }

    fn credential(&self, id: &ResourceId) -> Option<Credential> {
        self.0.credential(&plain_id(id))
    }

    fn key_id(&self, user: &str, key: &str) -> Option<ResourceId> {
        self.0.key_id(user, key)
    }

    fn leaves_be(&self, id: &ResourceId, guards_a_person: bool) -> bool {
        self.0.leaves_be(&plain_id(id), guards_a_person)
    }

    fn trusts(&self, realm: &Realm, role: &Resource) -> (Vec<Trust>, Vec<String>) {
        self.0.trusts(realm.at(role.id.account.as_ref()), &plain_resource(role))
    }

    fn group(&self, realm: &Realm, stack: &StackName, group: &Group) -> Vec<Resource> {
        let account = group.account.as_ref();
        self.0.group(realm.at(account), stack, group).into_fleet(account)
    }

    fn shared_whole(&self, id: &ResourceId) -> ResourceId {
        self.0.shared_whole(&plain_id(id)).into_fleet(id.account.as_ref())
    }

    fn active(&self, realm: &Realm, identity: &DesiredIdentity, marks: &Marks) -> Vec<Resource> {
        let account = identity.account.as_ref();
        self.placed(realm, self.0.active(realm.at(account), identity, marks), account)
    }

    fn quarantined(&self, realm: &Realm, live: &LiveIdentity, quarantine: &Quarantine) -> Vec<Resource> {
        let account = live.id.account.as_ref();
        self.placed(realm, self.0.quarantined(realm.at(account), &plain(live, account), quarantine), account)
    }

    fn limits(&self, identity: &DesiredIdentity, resources: &[Resource]) -> Vec<Violation> {
        self.0.limits(identity, &plain_all(resources))
    }

    fn scope_limits(&self, scope: &Scope, resource: &Resource) -> Vec<Violation> {
        self.0.scope_limits(scope, &plain_resource(resource))
    }

    fn group_limits(&self, group: &Group, resources: &[Resource]) -> Vec<Violation> {
        self.0.group_limits(group, &plain_all(resources))
    }

    fn restricts(&self, resource: &Resource) -> bool {
        self.0.restricts(&plain_resource(resource))
    }

    fn aspect(&self, id: &ResourceId, attribute: &str) -> Aspect {
        self.0.aspect(&plain_id(id), attribute)
    }

    fn withholds(&self, resource: &Resource) -> Withholds {
        self.0.withholds(&plain_resource(resource))
    }

    fn is_over(&self, policy: &Resource, now: Timestamp) -> bool {
        self.0.is_over(&plain_resource(policy), now)
    }

    fn heeds(&self, policy: &Resource, tag: &str) -> bool {
        self.0.heeds(&plain_resource(policy), tag)
    }

    fn own_policy(&self, whole: &ResourceId) -> Option<Resource> {
        let own = self.0.own_policy(&plain_id(whole))?;
        match &whole.account {
            Some(account) => Some(own.into_fleet(Some(account))),
            None => Some(own),
        }
    }

    fn between(&self, before: Option<&Resource>, after: Option<&Resource>, withheld: &Withheld) -> Option<Resource> {
        let (old, new) = (before.map(plain_resource), after.map(plain_resource));
        let tight = self.0.between(old.as_deref(), new.as_deref(), withheld)?;
        let whole = after.or(before)?;
        Some(Resource { id: whole.id.clone(), depends_on: whole.depends_on.clone(), ..tight })
    }

    fn reserved(&self, before: &Resource, after: &Resource, closed: bool) -> Option<Reserved> {
        let reserved = self.0.reserved(&plain_resource(before), &plain_resource(after), closed)?;
        let trusted = |id: &ResourceId| reserved.principal.depends_on.contains(&*plain_id(id));
        let depends_on = before.depends_on.iter().filter(|id| trusted(id)).cloned().collect();
        Some(Reserved {
            principal: Resource { id: before.id.clone(), depends_on, ..reserved.principal },
            closed: reserved.closed,
        })
    }

    fn characters(&self, resource: &Resource, attribute: &str) -> usize {
        self.0.characters(&plain_resource(resource), attribute)
    }

    fn one_space_of_names(&self) -> bool {
        self.0.one_space_of_names()
    }

    fn named(&self, realm: &Realm, name: &str) -> Option<ResourceId> {
        beyond::in_any(self.0.as_ref(), realm.accounts(), name)
    }

    fn name_of(&self, realm: &Realm, resource: &Resource) -> Option<String> {
        self.0.name_of(realm.at(resource.id.account.as_ref()), &plain_resource(resource))
    }

    fn custody(&self, name: &str) -> Custody {
        self.0.custody(name)
    }

    fn same_document(&self, a: &Document, b: &Document) -> bool {
        self.0.same_document(a, b)
    }

    fn describe(&self, change: &Change) -> Option<String> {
        self.0.describe(&plain(change, change.id().account.as_ref()))
    }
}
