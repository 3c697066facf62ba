//! For any sequence of changes: unmanaged objects do not change, a successful change has its effect, a failed one has
//! none, and repeating a change has no effect.

use std::collections::BTreeMap;

use crate::common::{allow_statement, create_change, delete_change};
use leasehold_local::LocalRealizer;
use leasehold_provider::{
    Change, CheckLimits as _, DesiredIdentity, Enact as _, ObjectIds as _, Principal, Quarantine, RealizeObjects as _,
    Resource, Snapshot, Span, Trust,
};
use proptest::prelude::*;

/// Generates identities. There are few names, so that changes affect each other; half of them are of unmanaged
/// principals.
fn arbitrary_identity() -> impl Strategy<Value = DesiredIdentity> {
    let words = prop::collection::btree_map("[a-z]{1,8}", "[a-zA-Z0-9 _.:/=+@-]{0,20}", 0..4);
    let statements = prop::collection::vec("[a-z0-9]{1,8}:[A-Z][a-z*]{0,8}", 0..4);
    let names = prop::sample::select(vec!["ours", "also.ours", "stranger", "Other=Stranger"]);
    (names, any::<bool>(), words, statements, any::<[bool; 4]>()).prop_map(|(name, user, tags, actions, flags)| {
        let [leased, attached, described, bounded] = flags;
        let mut identity = crate::common::role_identity(name);
        identity.spec.statements = actions.iter().map(|action| allow_statement(action)).collect();
        identity.spec.tags = tags;
        identity.deadline = identity.deadline.filter(|_| leased);
        identity.spec.purpose = identity.spec.purpose.filter(|_| described);
        identity.spec.permissions_boundary = bounded.then(|| "arn:aws:iam::aws:policy/PowerUserAccess".to_owned());
        if !attached {
            identity.spec.outside_policies.clear();
        }
        if user {
            identity.spec.principal = Principal::User;
            identity.spec.trusts = Vec::<Trust>::new();
        } else {
            identity.spec.max_session_duration = Span::from_seconds(7200).filter(|_| attached);
        }
        identity
    })
}

/// Picks a change of any part of `one`; updates start from the same part of `other`.
fn pick_change(one: &DesiredIdentity, other: &DesiredIdentity, pick: prop::sample::Index) -> Change {
    let resources = |identity| crate::common::active_resources(identity);
    let mut changes: Vec<Change> =
        resources(one).iter().flat_map(|resource| [create_change(resource), delete_change(resource)]).collect();
    let others: BTreeMap<_, _> = resources(other).into_iter().map(|resource| (resource.id.clone(), resource)).collect();
    for after in resources(one) {
        if let Some(before) = others.get(&after.id).cloned().map(Box::new) {
            if let Some(marks) = &after.marks {
                let quarantine = Some(Quarantine { at: crate::common::NOW, reason: "removed".to_owned() });
                let marks = Box::new(leasehold_provider::Marks { quarantine, ..marks.clone() });
                changes.push(Change::Mark { id: after.id.clone(), before: None, after: marks });
            }
            changes.push(Change::Update { before, after: Box::new(after) });
        }
    }
    pick.get(&changes).clone()
}

fn resources_by_id(snapshot: &Snapshot) -> BTreeMap<String, Resource> {
    let resources = snapshot.identities.values().flat_map(|identity| identity.resources.values());
    resources.map(|resource| (resource.id.to_string(), resource.clone())).collect()
}

fn block_on<T>(scenario: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(scenario)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn unmanaged_objects_are_not_written(
        steps in prop::collection::vec((arbitrary_identity(), arbitrary_identity(), any::<prop::sample::Index>()), 1..24),
    ) {
        block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let directory = crate::common::directory_at(&folder.path().join("directory.db")).without_sync();
            let outside = directory.external_admin();
            let unmanaged = ["stranger", "Other=Stranger"];
            for (name, form) in unmanaged.into_iter().zip([Principal::User, Principal::Role]) {
                outside.create_principal(form, name, &BTreeMap::new()).unwrap();
                outside.attach_policy(name, "arn:aws:iam::aws:policy/ReadOnlyAccess").unwrap();
            }
            let before = outside.rows_of(&unmanaged).unwrap();
            for (one, other, pick) in steps {
                let change = pick_change(&one, &other, pick);
                let resources_before = resources_by_id(&crate::common::observe_directory(&directory).await);
                let outcome = directory.enact_change(&crate::common::stack_name(), &change).await;
                let resources_after = resources_by_id(&crate::common::observe_directory(&directory).await);
                prop_assert_eq!(&before, &outside.rows_of(&unmanaged).unwrap());
                match (&outcome, change.resource_after()) {
                    (Err(_), _) => prop_assert_eq!(&resources_before, &resources_after),
                    (Ok(_), Some(after)) => {
                        prop_assert_eq!(&resources_after[&after.id.to_string()].attributes, &after.attributes);
                    }
                    (Ok(_), None) => {}
                }
                if outcome.is_ok() {
                    prop_assert!(directory.enact_change(&crate::common::stack_name(), &change).await.is_ok());
                    prop_assert_eq!(&resources_after, &resources_by_id(&crate::common::observe_directory(&directory).await));
                }
                if let (Ok(_), Change::Delete { before }) = (&outcome, &change) {
                    prop_assert!(!resources_after.contains_key(&before.id.to_string()));
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn realized_resources_are_read_back_and_quarantine_is_stable(identity in arbitrary_identity().prop_filter("exceeds limits", |identity| {
        LocalRealizer.check_identity_limits(identity, &crate::common::active_resources(identity)).is_empty()
    })) {
        block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let directory = crate::common::directory_at(&folder.path().join("directory.db")).without_sync();
            let desired = crate::common::active_resources(&identity);
            for resource in &desired {
                directory.enact_change(&crate::common::stack_name(), &create_change(resource)).await.unwrap();
            }
            let snapshot = crate::common::observe_directory(&directory).await;
            let id = LocalRealizer.principal_id(identity.spec.principal, &identity.spec.name);
            let live = &snapshot.identities[&id];
            prop_assert_eq!(live.resources.len(), desired.len());
            for resource in &desired {
                prop_assert_eq!(&live.resources[&resource.id], resource);
            }
            let quarantine = Quarantine { at: crate::common::NOW, reason: "removed".to_owned() };
            let once = LocalRealizer.realize_quarantine(&crate::common::test_realm(), live, &quarantine);
            let mut quarantined = live.clone();
            quarantined.resources = once.iter().map(|resource| (resource.id.clone(), resource.clone())).collect();
            prop_assert_eq!(&LocalRealizer.realize_quarantine(&crate::common::test_realm(), &quarantined, &quarantine), &once);
            for resource in desired.iter().rev() {
                directory.enact_change(&crate::common::stack_name(), &delete_change(resource)).await.unwrap();
            }
            prop_assert_eq!(crate::common::observe_directory(&directory).await, Snapshot::for_realm(crate::common::test_realm()));
            Ok(())
        })?;
    }
}
