//! Shared by the tests of the directory: a directory with a fixed clock, one identity, and its resources and changes.
#![allow(dead_code, reason = "each test binary uses some of these")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use leasehold_local::{LocalDirectory, LocalRealizer};
use leasehold_provider::{
    Address, Change, DesiredIdentity, Effect, Kind, Marks, Observe as _, ObserveRequest, Principal,
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
        address: Address::for_identity(name, None),
        name: name.to_owned(),
        kind: Kind::Workload,
        principal: Principal::Role,
        owner: "jane".to_owned(),
        service: None,
        environment: None,
        purpose: Some("deploys".to_owned()),
        created_at: NOW,
        deadline: Some(DEADLINE),
        grace: None,
        statements: vec![allow_statement("s3:GetObject")],
        scopes: BTreeSet::new(),
        trusts: vec![Trust::Service { principals: vec!["lambda.amazonaws.com".to_owned()] }],
        outside_policies: BTreeSet::from(["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()]),
        groups: BTreeSet::new(),
        path: None,
        keeps: BTreeSet::new(),
        permissions_boundary: None,
        tags: BTreeMap::from([("team".to_owned(), "payments".to_owned())]),
        sensitive_tags: BTreeSet::new(),
        max_session_duration: None,
        account: None,
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
    let marks = Marks { owner: Some(identity.owner.clone()), ..Marks::new(stack_name(), identity.address.clone()) };
    LocalRealizer.realize_identity(&test_realm(), identity, &marks)
}

pub fn create_change(resource: &Resource) -> Change {
    Change::Create { after: Box::new(resource.clone()) }
}

pub fn delete_change(resource: &Resource) -> Change {
    Change::Delete { before: Box::new(resource.clone()) }
}
