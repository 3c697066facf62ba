//! Whatever is asked of the directory, in whatever order: what is not ours stays as it is, what answers "done" is done, and
//! doing it again changes nothing.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::collections::BTreeMap;

use common::{allow_statement, create_change, delete_change};
use leasehold_local::LocalDirectory;
use leasehold_provider::{
    Change, DesiredIdentity, Enact as _, Principal, Quarantine, Realize as _, Resource, Snapshot, Span, Trust,
};
use proptest::prelude::*;

/// Identities of few names, so that they meet: half of the names are strangers'.
fn identity() -> impl Strategy<Value = DesiredIdentity> {
    let words = prop::collection::btree_map("[a-z]{1,8}", "[a-zA-Z0-9 _.:/=+@-]{0,20}", 0..4);
    let statements = prop::collection::vec("[a-z0-9]{1,8}:[A-Z][a-z*]{0,8}", 0..4);
    let names = prop::sample::select(vec!["ours", "also.ours", "stranger", "Other=Stranger"]);
    (names, any::<bool>(), words, statements, any::<[bool; 4]>()).prop_map(|(name, user, tags, actions, flags)| {
        let [leased, attached, described, bounded] = flags;
        let mut who = common::role_identity(name);
        who.statements = actions.iter().map(|action| allow_statement(action)).collect();
        who.tags = tags;
        who.deadline = who.deadline.filter(|_| leased);
        who.purpose = who.purpose.filter(|_| described);
        who.permissions_boundary = bounded.then(|| "arn:aws:iam::aws:policy/PowerUserAccess".to_owned());
        if !attached {
            who.managed_policy_arns.clear();
        }
        if user {
            who.principal = Principal::User;
            who.trusts = Vec::<Trust>::new();
        } else {
            who.max_session_duration = Span::from_seconds(7200).filter(|_| attached);
        }
        who
    })
}

/// Any change of any part of one identity, in view of what another one is.
fn change(
    directory: &LocalDirectory,
    one: &DesiredIdentity,
    other: &DesiredIdentity,
    pick: prop::sample::Index,
) -> Change {
    let of = |who| common::active_resources(directory, who);
    let mut changes: Vec<Change> =
        of(one).iter().flat_map(|resource| [create_change(resource), delete_change(resource)]).collect();
    let marks: BTreeMap<_, _> = of(other).into_iter().map(|resource| (resource.id.clone(), resource)).collect();
    for after in of(one) {
        if let Some(before) = marks.get(&after.id).cloned().map(Box::new) {
            if let Some(marks) = &after.marks {
                let quarantine = Some(Quarantine { at: common::NOW, reason: "removed".to_owned() });
                let marks = Box::new(leasehold_provider::Marks { quarantine, ..marks.clone() });
                changes.push(Change::Mark { id: after.id.clone(), before: None, after: marks });
            }
            changes.push(Change::Update { before, after: Box::new(after) });
        }
    }
    pick.get(&changes).clone()
}

fn all(snapshot: &Snapshot) -> BTreeMap<String, Resource> {
    let resources = snapshot.identities.values().flat_map(|identity| identity.resources.values());
    resources.map(|resource| (resource.id.to_string(), resource.clone())).collect()
}

fn run<T>(scenario: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(scenario)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn nothing_unmarked_is_ever_written(
        steps in prop::collection::vec((identity(), identity(), any::<prop::sample::Index>()), 1..24),
    ) {
        run(async {
            let folder = tempfile::tempdir().unwrap();
            let directory = common::directory_at(&folder.path().join("directory.db")).without_sync();
            let outside = directory.external_admin();
            let strangers = ["stranger", "Other=Stranger"];
            for (name, form) in strangers.into_iter().zip([Principal::User, Principal::Role]) {
                outside.create_principal(form, name, &BTreeMap::new()).unwrap();
                outside.attach_policy(name, "arn:aws:iam::aws:policy/ReadOnlyAccess").unwrap();
            }
            let before = outside.rows_of(&strangers).unwrap();
            for (one, other, pick) in steps {
                let change = change(&directory, &one, &other, pick);
                let was = all(&common::observe_directory(&directory).await);
                let outcome = directory.enact(&common::stack_name(), &change).await;
                let is = all(&common::observe_directory(&directory).await);
                prop_assert_eq!(&before, &outside.rows_of(&strangers).unwrap());
                match (&outcome, change.after()) {
                    (Err(_), _) => prop_assert_eq!(&was, &is),
                    (Ok(_), Some(after)) => {
                        prop_assert_eq!(&is[&after.id.to_string()].attributes, &after.attributes);
                    }
                    (Ok(_), None) => {}
                }
                if outcome.is_ok() {
                    prop_assert!(directory.enact(&common::stack_name(), &change).await.is_ok());
                    prop_assert_eq!(&is, &all(&common::observe_directory(&directory).await));
                }
                if let (Ok(_), Change::Delete { before }) = (&outcome, &change) {
                    prop_assert!(!is.contains_key(&before.id.to_string()));
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn what_is_realized_reads_back(who in identity().prop_filter("breaks limits", |who| {
        let directory = common::directory_at(std::path::Path::new("nowhere.db"));
        directory.limits(who, &common::active_resources(&directory, who)).is_empty()
    })) {
        run(async {
            let folder = tempfile::tempdir().unwrap();
            let directory = common::directory_at(&folder.path().join("directory.db")).without_sync();
            let wanted = common::active_resources(&directory, &who);
            for resource in &wanted {
                directory.enact(&common::stack_name(), &create_change(resource)).await.unwrap();
            }
            let snapshot = common::observe_directory(&directory).await;
            let id = directory.principal_id(who.principal, &who.name);
            let live = &snapshot.identities[&id];
            prop_assert_eq!(live.resources.len(), wanted.len());
            for resource in &wanted {
                prop_assert_eq!(&live.resources[&resource.id], resource);
            }
            let quarantine = Quarantine { at: common::NOW, reason: "removed".to_owned() };
            let once = directory.quarantined(&common::test_realm(), live, &quarantine);
            let mut shut = live.clone();
            shut.resources = once.iter().map(|resource| (resource.id.clone(), resource.clone())).collect();
            prop_assert_eq!(&directory.quarantined(&common::test_realm(), &shut, &quarantine), &once);
            for resource in wanted.iter().rev() {
                directory.enact(&common::stack_name(), &delete_change(resource)).await.unwrap();
            }
            prop_assert_eq!(common::observe_directory(&directory).await, Snapshot::empty(common::test_realm()));
            Ok(())
        })?;
    }
}
