//! The parts of a realizer that depend on the account: each object is realized with the realm of its account, and the
//! account is added to the ids of the result. All other parts do not look at accounts, and are used unchanged.
//!
//! The [`Realm`] that the engine passes is that of the first account, with the other realms in it. Ids that are built
//! from names alone have no account yet.

use std::borrow::Cow;
use std::sync::Arc;

use leasehold_provider::{
    Alias, CloudNames, Custody, DesiredIdentity, Federation, Group, LiveIdentity, Marks, NarrowedPrincipal, Quarantine,
    RealizeFederations, RealizeGroups, RealizeObjects, Realizer, Realm, Resource, ResourceId, RoleTrusts, Scope,
    StackName, Trust, Violation,
};

use super::cross_account;
use super::place::AccountScoped;

/// The pure half of the providers of one cloud, for all accounts of a stack. `one` is the realizer of any of them.
#[must_use]
pub fn build_multi_account_realizer(one: Realizer) -> Realizer {
    Realizer {
        lineage: None,
        names: Arc::new(MultiAccountNames(Arc::clone(&one.names))),
        objects: Arc::new(MultiAccountObjects { objects: one.objects, names: Arc::clone(&one.names) }),
        trusts: one.trusts.map(|trusts| Arc::new(MultiAccountTrusts(trusts)) as _),
        groups: one.groups.map(|groups| Arc::new(MultiAccountGroups(groups)) as _),
        federations: one.federations.map(|federations| Arc::new(MultiAccountFederations(federations)) as _),
        ..one
    }
}

/// A value as the provider of its account sees it. A value of the first account is already in this form, and is borrowed.
fn without_account<'a, T: AccountScoped + Clone>(what: &'a T, account: Option<&Alias>) -> Cow<'a, T> {
    match account {
        Some(account) => Cow::Owned(what.clone().remove_account_from_ids(account)),
        None => Cow::Borrowed(what),
    }
}

struct MultiAccountNames(Arc<dyn CloudNames>);

impl CloudNames for MultiAccountNames {
    fn find_by_cloud_name(&self, realm: &Realm, name: &str) -> Option<ResourceId> {
        cross_account::find_in_accounts(self.0.as_ref(), realm.accounts(), name)
    }

    fn cloud_name(&self, realm: &Realm, resource: &Resource) -> Option<String> {
        let account = resource.id.account.as_ref();
        self.0.cloud_name(realm.for_account(account), &without_account(resource, account))
    }

    fn classify_custody(&self, name: &str) -> Custody {
        self.0.classify_custody(name)
    }
}

struct MultiAccountObjects {
    objects: Arc<dyn RealizeObjects>,
    names: Arc<dyn CloudNames>,
}

impl MultiAccountObjects {
    /// Adds the account to the resources of an identity, and adds the principals of other accounts that it trusts to
    /// its dependencies.
    fn place_resources(&self, realm: &Realm, resources: Vec<Resource>, account: Option<&Alias>) -> Vec<Resource> {
        let mut resources = resources.with_optional_account(account);
        for principal in resources.iter_mut().filter(|resource| resource.marks.is_some()) {
            cross_account::link_cross_account(self.names.as_ref(), realm, principal);
        }
        resources
    }
}

impl RealizeObjects for MultiAccountObjects {
    fn realize_scope(&self, realm: &Realm, stack: &StackName, scope: &Scope) -> Resource {
        let account = scope.account.as_ref();
        self.objects.realize_scope(realm.for_account(account), stack, scope).with_optional_account(account)
    }

    fn realize_identity(&self, realm: &Realm, identity: &DesiredIdentity, marks: &Marks) -> Vec<Resource> {
        let account = identity.spec.account.as_ref();
        let resources = self.objects.realize_identity(realm.for_account(account), identity, marks);
        self.place_resources(realm, resources, account)
    }

    fn realize_quarantine(&self, realm: &Realm, live: &LiveIdentity, quarantine: &Quarantine) -> Vec<Resource> {
        let account = live.id.account.as_ref();
        let live = without_account(live, account);
        let resources = self.objects.realize_quarantine(realm.for_account(account), &live, quarantine);
        self.place_resources(realm, resources, account)
    }
}

struct MultiAccountGroups(Arc<dyn RealizeGroups>);

impl RealizeGroups for MultiAccountGroups {
    fn group_id(&self, name: &str) -> ResourceId {
        self.0.group_id(name)
    }

    fn realize_group(&self, realm: &Realm, stack: &StackName, group: &Group) -> Vec<Resource> {
        let account = group.account.as_ref();
        self.0.realize_group(realm.for_account(account), stack, group).with_optional_account(account)
    }

    fn check_group_limits(&self, group: &Group, resources: &[Resource]) -> Vec<Violation> {
        self.0.check_group_limits(group, resources)
    }
}

struct MultiAccountFederations(Arc<dyn RealizeFederations>);

impl RealizeFederations for MultiAccountFederations {
    fn realize_federation(&self, realm: &Realm, stack: &StackName, federation: &Federation) -> Resource {
        let account = federation.account.as_ref();
        self.0.realize_federation(realm.for_account(account), stack, federation).with_optional_account(account)
    }

    fn check_federation_limits(&self, federation: &Federation, resource: &Resource) -> Vec<Violation> {
        self.0.check_federation_limits(federation, resource)
    }
}

struct MultiAccountTrusts(Arc<dyn RoleTrusts>);

impl RoleTrusts for MultiAccountTrusts {
    fn extract_trusts(&self, realm: &Realm, role: &Resource) -> (Vec<Trust>, Vec<String>) {
        let account = role.id.account.as_ref();
        self.0.extract_trusts(realm.for_account(account), &without_account(role, account))
    }

    fn narrow_trust(&self, before: &Resource, after: &Resource, closed: bool) -> Option<NarrowedPrincipal> {
        self.0.narrow_trust(before, after, closed)
    }
}
