//! Injected faults are reproducible, do what their kind says, and do not stop retried changes from succeeding.

use std::collections::BTreeSet;

use crate::common::create_change;
use leasehold_local::{FaultKind, Faults, LocalDirectory};
use leasehold_provider::{Change, Enact as _, EnactErrorKind};

fn directory_with_faults(faults: Faults) -> (tempfile::TempDir, LocalDirectory) {
    let folder = tempfile::tempdir().unwrap();
    let directory = crate::common::directory_at(&folder.path().join("directory.db")).without_sync().with_faults(faults);
    (folder, directory)
}

fn creations() -> Vec<Change> {
    let names = (0..20).map(|number| crate::common::role_identity(&format!("role_{number}")));
    names
        .flat_map(|identity| crate::common::active_resources(&identity))
        .map(|resource| create_change(&resource))
        .collect()
}

/// Retries each change until it succeeds, and returns the outcome of every attempt.
async fn retry_until_created(directory: &LocalDirectory) -> Vec<Result<(), EnactErrorKind>> {
    let mut attempts = Vec::new();
    for change in creations() {
        for _ in 0..100 {
            let outcome = directory
                .enact_change(&crate::common::stack_name(), &change)
                .await
                .map(drop)
                .map_err(|error| error.kind);
            attempts.push(outcome);
            if outcome.is_ok() {
                break;
            }
        }
    }
    attempts
}

#[tokio::test]
async fn equal_seeds_give_equal_failures_and_retries_succeed() {
    let kinds = BTreeSet::from([FaultKind::BeforeCommit, FaultKind::AfterCommit, FaultKind::Throttled]);
    let faults = |seed| Faults { seed, rate: 0.4, kinds: kinds.clone(), crash_after: None };
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        let (_folder, directory) = directory_with_faults(faults(seed));
        runs.push(retry_until_created(&directory).await);
        let snapshot = crate::common::observe_directory(&directory).await;
        assert_eq!(snapshot.identities.len(), 20);
        assert!(snapshot.identities.values().all(|identity| identity.resources.len() == 3));
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    assert!(runs[0].contains(&Err(EnactErrorKind::Unreachable)) && runs[0].contains(&Err(EnactErrorKind::Throttled)));
}

#[tokio::test]
async fn lost_response_means_the_change_was_written() {
    for (kind, identities) in [(FaultKind::AfterCommit, 1), (FaultKind::BeforeCommit, 0), (FaultKind::Throttled, 0)] {
        let faults = Faults { seed: 1, rate: 1.0, kinds: BTreeSet::from([kind]), crash_after: None };
        let (_folder, directory) = directory_with_faults(faults);
        let change = creations().remove(0);
        assert!(directory.enact_change(&crate::common::stack_name(), &change).await.is_err());
        assert_eq!(crate::common::observe_directory(&directory).await.identities.len(), identities, "{kind:?}");
    }
}

#[tokio::test]
async fn crash_stops_all_later_writes() {
    let (_folder, directory) = directory_with_faults(Faults { crash_after: Some(4), ..Faults::default() });
    let outcomes = {
        let mut outcomes = Vec::new();
        for change in creations() {
            outcomes.push(directory.enact_change(&crate::common::stack_name(), &change).await.is_ok());
        }
        outcomes
    };
    assert_eq!(outcomes.iter().position(|done| !done), Some(4));
    assert!(outcomes[4..].iter().all(|done| !done));
    let left: usize =
        crate::common::observe_directory(&directory).await.identities.values().map(|live| live.resources.len()).sum();
    assert_eq!(left, 4);
    let again = crate::common::directory_at(directory.path());
    assert!(retry_until_created(&again).await.iter().all(Result::is_ok));
    assert_eq!(crate::common::observe_directory(&again).await.identities.len(), 20);
}
