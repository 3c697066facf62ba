//! Writes to objects without the stack's marks are rejected, conflicts are detected, and a created role is read back
//! unchanged.

use std::collections::BTreeMap;

use crate::common::create_change;
use leasehold_local::{LocalDirectory, kinds};
use leasehold_provider::{Change, Enact, EnactErrorKind, Observe, Principal, Resource, Snapshot};

struct Fixture {
    folder: tempfile::TempDir,
    directory: LocalDirectory,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let directory = crate::common::directory_at(&folder.path().join("x/directory.db"));
        Self { folder, directory }
    }

    async fn observe(&self) -> Snapshot {
        crate::common::observe_directory(&self.directory).await
    }

    async fn enact(&self, change: Change) -> Result<(), EnactErrorKind> {
        self.directory.enact_change(&crate::common::stack_name(), &change).await.map(drop).map_err(|error| error.kind)
    }

    fn role_resources(&self) -> Vec<Resource> {
        crate::common::active_resources(&crate::common::role_identity("ci"))
    }
}

#[tokio::test]
async fn observe_does_not_create_a_missing_directory() {
    let stage = Fixture::new();
    let snapshot = stage.observe().await;
    assert_eq!(snapshot, Snapshot::for_realm(stage.directory.read_realm().await.unwrap()));
    assert_eq!(std::fs::read_dir(stage.folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn created_role_is_read_back_unchanged() {
    let stage = Fixture::new();
    let before = stage.directory.read_realm().await.unwrap();
    let desired = stage.role_resources();
    for resource in &desired {
        stage.enact(create_change(resource)).await.unwrap();
        stage.enact(create_change(resource)).await.unwrap();
    }
    let snapshot = stage.observe().await;
    assert_eq!(snapshot.realm, before);
    let live = snapshot.identities.values().next().unwrap();
    assert_eq!(live.resources.len(), desired.len());
    for resource in desired {
        assert_eq!(live.resources[&resource.id], resource);
    }
}

#[tokio::test]
async fn unmarked_role_with_the_same_name_is_not_written() {
    let stage = Fixture::new();
    let outside = stage.directory.external_admin();
    outside.create_principal(Principal::Role, "ci", &BTreeMap::new()).unwrap();
    outside.attach_policy("ci", "arn:aws:iam::aws:policy/ReadOnlyAccess").unwrap();
    let before = outside.rows_of(&["ci"]).unwrap();
    let desired = stage.role_resources();
    for resource in &desired {
        let after = Box::new(resource.clone());
        assert_eq!(stage.enact(create_change(resource)).await, Err(EnactErrorKind::NotManaged));
        assert_eq!(stage.enact(Change::Delete { before: after.clone() }).await, Err(EnactErrorKind::NotManaged));
        let update = Change::Update { before: after.clone(), after };
        assert_eq!(stage.enact(update).await, Err(EnactErrorKind::NotManaged));
    }
    let marks = Box::new(desired[0].marks.clone().unwrap());
    let mark = Change::Mark { id: desired[0].id.clone(), before: None, after: marks };
    assert_eq!(stage.enact(mark).await, Err(EnactErrorKind::NotManaged));
    assert_eq!(outside.rows_of(&["ci"]).unwrap(), before);
}

#[tokio::test]
async fn creation_without_marks_or_with_a_used_name_is_rejected() {
    let stage = Fixture::new();
    let desired = stage.role_resources();
    let mut unmarked = desired[0].clone();
    unmarked.marks = None;
    assert_eq!(stage.enact(create_change(&unmarked)).await, Err(EnactErrorKind::NotManaged));
    stage.enact(create_change(&desired[0])).await.unwrap();
    let mut upper_case = desired[0].clone();
    upper_case.id.name = "CI".to_owned();
    assert_eq!(stage.enact(create_change(&upper_case)).await, Err(EnactErrorKind::Conflict));
    let mut with_slash = desired[0].clone();
    with_slash.id.name = "a/b".to_owned();
    assert_eq!(stage.enact(create_change(&with_slash)).await, Err(EnactErrorKind::Limit));
}

#[tokio::test]
async fn object_changed_since_the_plan_is_a_conflict() {
    let stage = Fixture::new();
    let desired = stage.role_resources();
    for resource in &desired {
        stage.enact(create_change(resource)).await.unwrap();
    }
    let principal = &desired[0];
    let other = Box::new(principal.clone().with_attribute("description", "something else"));
    let after = Box::new(principal.clone().with_attribute("description", "a third thing"));
    let update = Change::Update { before: other.clone(), after: after.clone() };
    assert_eq!(stage.enact(update).await, Err(EnactErrorKind::Conflict));
    assert_eq!(stage.enact(Change::Delete { before: other }).await, Err(EnactErrorKind::Conflict));
    let with_parts = Change::Delete { before: Box::new(principal.clone()) };
    assert_eq!(stage.enact(with_parts).await, Err(EnactErrorKind::Conflict));
    let update = Change::Update { before: Box::new(principal.clone()), after };
    stage.enact(update.clone()).await.unwrap();
    stage.enact(update).await.unwrap();
    for resource in desired[1..].iter().rev() {
        let delete = Change::Delete { before: Box::new(resource.clone()) };
        stage.enact(delete.clone()).await.unwrap();
        stage.enact(delete).await.unwrap();
    }
    let missing = kinds::part_id(kinds::ATTACHMENT, "nobody", "x");
    stage.enact(Change::Delete { before: Box::new(Resource::new(missing, None)) }).await.unwrap();
}

#[tokio::test]
async fn deleted_file_is_created_again() {
    let stage = Fixture::new();
    let principal = create_change(&stage.role_resources()[0]);
    stage.enact(principal.clone()).await.unwrap();
    std::fs::remove_file(stage.directory.path()).unwrap();
    assert_eq!(stage.observe().await.identities.len(), 0);
    stage.enact(principal).await.unwrap();
    assert_eq!(stage.observe().await.identities.len(), 1);
}
