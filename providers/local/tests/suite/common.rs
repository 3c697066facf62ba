//! Shared by the tests of the directory: a directory with a fixed clock, one identity, and its resources and changes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use leasehold_local::{LocalDirectory, LocalRealizer};
use leasehold_provider::{
    Address, Change, DesiredIdentity, Effect, IdentitySpec, Kind, Marks, Observe as _, ObserveRequest,
    RealizeObjects as _, Realm, Resource, Snapshot, StackName, Statement, Trust,
};

/// The clock of all tests: 2026-11-20T22:00:00Z.
pub const NOW: Timestamp = Timestamp::constant(1_795_212_000, 0);
/// The end of the leases: 2027-02-18T22:00:00Z.
pub const DEADLINE: Timestamp = Timestamp::constant(1_802_988_000, 0);

pub fn directory_at(path: &Path) -> LocalDirectory {
    LocalDirectory::new(path, "tests", Arc::new(|| NOW))
}

pub fn stack_name() -> StackName {
    StackName::new("payments").unwrap()
}

pub fn test_realm() -> Realm {
    Realm {
        provider: "local".to_owned(),
        account: "embedded".to_owned(),
        partition: String::new(),
        actor: "tests".to_owned(),
        others: BTreeMap::new(),
    }
}

pub async fn observe_directory(directory: &LocalDirectory) -> Snapshot {
    let (shared, exact) = (BTreeMap::new(), BTreeSet::new());
    directory
        .observe_stack(ObserveRequest { exact: &exact, ..ObserveRequest::for_plan(&stack_name(), &shared) })
        .await
        .unwrap()
}

/// A role with an inline policy and one attachment.
pub fn role_identity(name: &str) -> DesiredIdentity {
    DesiredIdentity {
        spec: IdentitySpec {
            purpose: Some("deploys".to_owned()),
            statements: vec![allow_statement("s3:GetObject")],
            trusts: vec![Trust::Service { principals: vec!["lambda.amazonaws.com".to_owned()] }],
            outside_policies: BTreeSet::from(["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()]),
            tags: BTreeMap::from([("team".to_owned(), "payments".to_owned())]),
            ..IdentitySpec::new(Address::for_identity(name, None), name, Kind::Workload, "jane")
        },
        created_at: NOW,
        deadline: Some(DEADLINE),
    }
}

pub fn allow_statement(action: &str) -> Statement {
    Statement {
        sid: None,
        effect: Effect::Allow,
        actions: vec![action.to_owned()],
        not_actions: vec![],
        resources: vec!["*".to_owned()],
        not_resources: vec![],
        conditions: vec![],
        sensitive: false,
    }
}

pub fn active_resources(identity: &DesiredIdentity) -> Vec<Resource> {
    let marks =
        Marks { owner: Some(identity.spec.owner.clone()), ..Marks::new(stack_name(), identity.spec.address.clone()) };
    LocalRealizer.realize_identity(&test_realm(), identity, &marks)
}

pub fn create_change(resource: &Resource) -> Change {
    Change::Create { after: Box::new(resource.clone()) }
}

pub fn delete_change(resource: &Resource) -> Change {
    Change::Delete { before: Box::new(resource.clone()) }
}
