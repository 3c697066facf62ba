//! The provider's pure half by itself: for checking a stack's limits and for showing a plan, without credentials.

use leasehold_provider::{
    Change, DesiredIdentity, LiveIdentity, Marks, Principal, Quarantine, Realize, Realm, Resource, ResourceId, Scope,
    StackName, Violation,
};

use super::{active, describe, limits, quarantine, restricts, shared_policy};
use crate::kinds;

/// Realizes for AWS IAM. It holds nothing and calls nothing; [`crate::AwsProvider`] answers the same.
#[derive(Debug, Clone, Copy, Default)]
pub struct AwsRealizer;

impl Realize for AwsRealizer {
    fn principal_id(&self, principal: Principal, name: &str) -> ResourceId {
        kinds::principal(principal, name)
    }

    fn scope_id(&self, stack: &StackName, scope: &str) -> ResourceId {
        kinds::scope(stack, scope)
    }

    fn scope(&self, _realm: &Realm, stack: &StackName, scope: &Scope) -> Resource {
        shared_policy(stack, scope)
    }

    fn active(&self, realm: &Realm, identity: &DesiredIdentity, marks: &Marks) -> Vec<Resource> {
        active(realm, identity, marks)
    }

    fn quarantined(&self, realm: &Realm, live: &LiveIdentity, since: &Quarantine) -> Vec<Resource> {
        quarantine::quarantined(realm, live, since)
    }

    fn limits(&self, identity: &DesiredIdentity, resources: &[Resource]) -> Vec<Violation> {
        limits::identity(identity, resources)
    }

    fn scope_limits(&self, scope: &Scope, resource: &Resource) -> Vec<Violation> {
        limits::scope(scope, resource)
    }

    fn restricts(&self, resource: &Resource) -> bool {
        restricts(resource)
    }

    fn describe(&self, change: &Change) -> Option<String> {
        describe::describe(change)
    }
}
