//! What the directory refuses, and what a joiner looks like once it is there.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "tests")]

mod common;

use std::collections::BTreeMap;

use common::create_change;
use leasehold_local::{LocalDirectory, kinds};
use leasehold_provider::{Change, Enact, EnactErrorKind, Observe, Principal, Resource, Snapshot};

struct Stage {
    folder: tempfile::TempDir,
    directory: LocalDirectory,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let directory = common::directory_at(&folder.path().join("x/directory.db"));
        Self { folder, directory }
    }

    async fn observe(&self) -> Snapshot {
        common::observe_directory(&self.directory).await
    }

    async fn enact(&self, change: Change) -> Result<(), EnactErrorKind> {
        self.directory.enact(&common::stack_name(), &change).await.map(drop).map_err(|error| error.kind)
    }

    fn joiner(&self) -> Vec<Resource> {
        common::active_resources(&self.directory, &common::role_identity("ci"))
    }
}

#[tokio::test]
async fn reading_leaves_a_missing_directory_missing() {
    let stage = Stage::new();
    let snapshot = stage.observe().await;
    assert_eq!(snapshot, Snapshot::empty(stage.directory.realm().await.unwrap()));
    assert_eq!(std::fs::read_dir(stage.folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_joiner_reads_back_as_it_was_realized() {
    let stage = Stage::new();
    let before = stage.directory.realm().await.unwrap();
    let wanted = stage.joiner();
    for resource in &wanted {
        stage.enact(create_change(resource)).await.unwrap();
        stage.enact(create_change(resource)).await.unwrap();
    }
    let snapshot = stage.observe().await;
    assert_eq!(snapshot.realm, before);
    let live = snapshot.identities.values().next().unwrap();
    assert_eq!(live.resources.len(), wanted.len());
    for resource in wanted {
        assert_eq!(live.resources[&resource.id], resource);
    }
}

#[tokio::test]
async fn a_stranger_of_the_same_name_is_never_written() {
    let stage = Stage::new();
    let outside = stage.directory.external_admin();
    outside.create_principal(Principal::Role, "ci", &BTreeMap::new()).unwrap();
    outside.attach_policy("ci", "arn:aws:iam::aws:policy/ReadOnlyAccess").unwrap();
    let before = outside.rows_of(&["ci"]).unwrap();
    let wanted = stage.joiner();
    for resource in &wanted {
        let after = Box::new(resource.clone());
        assert_eq!(stage.enact(create_change(resource)).await, Err(EnactErrorKind::NotOurs));
        assert_eq!(stage.enact(Change::Delete { before: after.clone() }).await, Err(EnactErrorKind::NotOurs));
        let update = Change::Update { before: after.clone(), after };
        assert_eq!(stage.enact(update).await, Err(EnactErrorKind::NotOurs));
    }
    let marks = Box::new(wanted[0].marks.clone().unwrap());
    let mark = Change::Mark { id: wanted[0].id.clone(), before: None, after: marks };
    assert_eq!(stage.enact(mark).await, Err(EnactErrorKind::NotOurs));
    assert_eq!(outside.rows_of(&["ci"]).unwrap(), before);
}

#[tokio::test]
async fn nothing_is_created_without_marks_or_under_a_taken_name() {
    let stage = Stage::new();
    let wanted = stage.joiner();
    let mut unmarked = wanted[0].clone();
    unmarked.marks = None;
    assert_eq!(stage.enact(create_change(&unmarked)).await, Err(EnactErrorKind::NotOurs));
    stage.enact(create_change(&wanted[0])).await.unwrap();
    let mut shouted = wanted[0].clone();
    shouted.id.name = "CI".to_owned();
    assert_eq!(stage.enact(create_change(&shouted)).await, Err(EnactErrorKind::Conflict));
    let mut slashed = wanted[0].clone();
    slashed.id.name = "a/b".to_owned();
    assert_eq!(stage.enact(create_change(&slashed)).await, Err(EnactErrorKind::Limit));
}

#[tokio::test]
async fn what_is_not_as_the_plan_found_it_is_a_conflict() {
    let stage = Stage::new();
    let wanted = stage.joiner();
    for resource in &wanted {
        stage.enact(create_change(resource)).await.unwrap();
    }
    let principal = &wanted[0];
    let other = Box::new(principal.clone().with("description", "something else"));
    let after = Box::new(principal.clone().with("description", "a third thing"));
    let update = Change::Update { before: other.clone(), after: after.clone() };
    assert_eq!(stage.enact(update).await, Err(EnactErrorKind::Conflict));
    assert_eq!(stage.enact(Change::Delete { before: other }).await, Err(EnactErrorKind::Conflict));
    let still_held = Change::Delete { before: Box::new(principal.clone()) };
    assert_eq!(stage.enact(still_held).await, Err(EnactErrorKind::Conflict));
    let update = Change::Update { before: Box::new(principal.clone()), after };
    stage.enact(update.clone()).await.unwrap();
    stage.enact(update).await.unwrap();
    for resource in wanted[1..].iter().rev() {
        let delete = Change::Delete { before: Box::new(resource.clone()) };
        stage.enact(delete.clone()).await.unwrap();
        stage.enact(delete).await.unwrap();
    }
    let gone = kinds::part_id(kinds::ATTACHMENT, "nobody", "x");
    stage.enact(Change::Delete { before: Box::new(Resource::new(gone, None)) }).await.unwrap();
}

#[tokio::test]
async fn whoever_takes_the_file_away_starts_anew() {
    let stage = Stage::new();
    let principal = create_change(&stage.joiner()[0]);
    stage.enact(principal.clone()).await.unwrap();
    std::fs::remove_file(stage.directory.path()).unwrap();
    assert_eq!(stage.observe().await.identities.len(), 0);
    stage.enact(principal).await.unwrap();
    assert_eq!(stage.observe().await.identities.len(), 1);
}
