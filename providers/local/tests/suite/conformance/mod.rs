//! The directory passes the conformance suite, and the suite detects each flaw that is built into it for that purpose.

mod flaws;
mod world;

use std::collections::BTreeSet;

use flaws::Flaw;
use leasehold_provider::conformance::{self, Law};
use world::Directories;

#[tokio::test]
async fn directory_conforms() {
    let failures = conformance::check_all_laws(&Directories { flaw: None }).await;
    let text: Vec<String> = failures.iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{}", text.join("\n"));
}

/// Checks that the suite reports a violation of `law` when the directory has this flaw.
async fn assert_flaw_detected(flaw: Flaw, law: Law) {
    let worlds = Directories { flaw: Some(flaw) };
    let failures = match law {
        Law::Deterministic | Law::WellFormed | Law::LeaseDenied | Law::InterimStates | Law::IgnoresAccounts => {
            conformance::check_realize_laws(&worlds).await
        }
        Law::KeepsUnmanaged | Law::RefusesUnmanaged | Law::SeparatesStacks | Law::DeliversSecrets => {
            conformance::check_ownership_laws(&worlds).await
        }
        _ => conformance::check_all_laws(&worlds).await,
    };
    let laws: BTreeSet<Law> = failures.iter().map(|failure| failure.law).collect();
    assert!(laws.contains(&law), "{flaw:?} violates {laws:?} instead of {law}");
    assert!(!laws.contains(&Law::TestWorld), "{flaw:?} is reported as a fault of the test world: {failures:?}");
}

macro_rules! flaw_tests {
    ($($name:ident: $flaw:ident breaks $law:ident;)*) => {
        $(#[tokio::test]
        async fn $name() {
            assert_flaw_detected(Flaw::$flaw, Law::$law).await;
        })*
    };
}

flaw_tests! {
    random_realization: RandomRealization breaks Deterministic;
    principal_without_marks: DropsMarks breaks WellFormed;
    resource_without_identity: DropsIdentity breaks WellFormed;
    dependency_cycle: DependencyCycle breaks Ordered;
    missing_lease_deny: OmitsLeaseDeny breaks LeaseDenied;
    attachment_before_lease_deny: AttachesBeforeLeaseDeny breaks LeaseDenied;
    trust_without_deadline: TrustWithoutDeadline breaks LeaseDenied;
    interim_keeps_removed_access: InterimKeepsRemovedAccess breaks InterimStates;
    lease_deny_reported_as_restriction: CountsLeaseDeny breaks InterimStates;
    expired_lease_deny_not_reported: LeaseDenyNeverExpired breaks InterimStates;
    interim_trusts_new_principals: TrustsNewPrincipalsEarly breaks InterimStates;
    tag_conditions_not_reported: IgnoresTagConditions breaks InterimStates;
    failing_creation: RejectsPolicies breaks Enacts;
    hidden_attachments: HidesAttachments breaks ReadsBack;
    owner_mark_not_read: DropsOwner breaks ReadsBack;
    invented_last_use: InventsLastUse breaks ReadsBack;
    digest_not_written: WritesNoMarks breaks Settles;
    incomplete_update: UpdatesPartially breaks ReadsBack;
    repeated_change_fails: FailsRepeatedChange breaks Repeatable;
    repeated_deletion_fails: FailsRepeatedDeletion breaks Repeatable;
    partially_created_identity_fails_observe: FailsOnPartialIdentity breaks Resumes;
    hidden_unmanaged_parts: HidesUnmanagedParts breaks FindsUnmanaged;
    active_keys_in_quarantine: LeavesKeysActive breaks QuarantineDenies;
    unstable_quarantine: UnstableQuarantine breaks QuarantineDenies;
    quarantine_without_mark: QuarantineWithoutMark breaks QuarantineDenies;
    quarantine_without_deny: AllowsInQuarantine breaks QuarantineDenies;
    deletion_without_effect: DeletesNothing breaks DeletesLeavers;
    creation_takes_over_unmanaged_object: TakesOverUnmanaged breaks KeepsUnmanaged;
    unmanaged_object_written: TakesOverUnmanaged breaks RefusesUnmanaged;
    other_object_changed: ChangesOtherObjects breaks KeepsUnmanaged;
    rejection_reported_as_conflict: RejectsAsConflict breaks RefusesUnmanaged;
    hidden_unmanaged_objects: HidesUnmanagedObjects breaks KeepsUnmanaged;
    identities_of_another_stack: ReturnsOtherStack breaks SeparatesStacks;
    key_left_without_stored_secret: LeavesKeyWithoutSecret breaks DeliversSecrets;
    secret_not_stored: DiscardsSecret breaks DeliversSecrets;
    account_dropped_from_own_policy: DropsAccount breaks IgnoresAccounts;
}
