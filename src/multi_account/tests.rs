//! Tests of [`AccountScoped`]: adding and removing the account are inverse, for every type that contains ids.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{
    Address, Alias, Change, Document, Enacted, LiveIdentity, LiveKey, LiveShared, Marks, ObjectName, Principal, Quota,
    QuotaScope, Realm, Resource, ResourceId, ResourceKind, Snapshot, StackName, UnmanagedObject, Unmarked,
};
use proptest::prelude::*;

use super::place::AccountScoped;

fn id() -> impl Strategy<Value = ResourceId> {
    ("[a-c]", "[a-z:/]{1,6}").prop_map(|(kind, name)| ResourceId::new(ResourceKind(kind.into()), name))
}

fn ids() -> impl Strategy<Value = BTreeSet<ResourceId>> {
    prop::collection::btree_set(id(), 0..3)
}

fn resource() -> impl Strategy<Value = Resource> {
    (id(), ids(), any::<bool>()).prop_map(|(id, depends_on, marked)| {
        let marks = marked.then(marks);
        Resource { depends_on, marks, ..Resource::new(id, None).with_attribute("policy", "audit:x") }
    })
}

fn marks() -> Marks {
    Marks::new(StackName::new("s").unwrap(), Address::for_identity("a", None))
}

fn by_id<T: std::fmt::Debug>(value: impl Strategy<Value = T>) -> impl Strategy<Value = BTreeMap<ResourceId, T>> {
    prop::collection::btree_map(id(), value, 0..3)
}

fn live() -> impl Strategy<Value = LiveIdentity> {
    (id(), by_id(resource()), ids()).prop_map(|(id, resources, keys)| LiveIdentity {
        name: id.name.clone(),
        id,
        principal: Principal::User,
        unique_id: "unique".to_owned(),
        marks: marks(),
        created_at: None,
        last_used: None,
        resources,
        keys: keys.into_iter().map(|id| (id, LiveKey::default())).collect(),
    })
}

fn shared() -> impl Strategy<Value = LiveShared> {
    (resource(), prop::collection::btree_set("(audit:)?user/[a-z]", 0..3)).prop_map(
        |(resource, foreign_attachments)| LiveShared {
            foreign_attachments,
            ..LiveShared::new(resource, Address::from_text("scope.s"), None)
        },
    )
}

fn import_candidate() -> impl Strategy<Value = Unmarked> {
    (id(), by_id(resource())).prop_map(|(id, resources)| Unmarked {
        name: id.name.clone(),
        id,
        principal: Principal::Role,
        created_at: None,
        last_used: None,
        resources,
    })
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    let realm = || Realm {
        provider: "p".to_owned(),
        account: "1".to_owned(),
        partition: String::new(),
        actor: String::new(),
        others: BTreeMap::new(),
    };
    let denying = prop::collection::btree_map("[a-z]", Just(Document::new(serde_json::json!({}))), 0..3);
    (by_id(live()), by_id(shared()), ids(), by_id(import_candidate()), (by_id(ids()), denying)).prop_map(
        move |(identities, shared, unmanaged_objects, import_candidates, (foreign_groups, denying))| {
            let unmanaged_object = || UnmanagedObject {
                stack: None,
                address: None,
                lineage: None,
                arn: "arn".to_owned(),
                unreadable: None,
            };
            let unmanaged_objects = unmanaged_objects.into_iter().map(|id| (id, unmanaged_object())).collect();
            let denying =
                denying.into_iter().map(|(name, document)| (ObjectName { account: None, name }, document)).collect();
            Snapshot {
                identities,
                shared,
                unmanaged_objects,
                import_candidates,
                foreign_groups,
                denying,
                ..Snapshot::for_realm(realm())
            }
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    (0..6u8, resource(), resource()).prop_map(|(sort, before, after)| {
        let (id, marks) = (after.id.clone(), Box::new(marks()));
        match sort {
            0 => Change::Create { after: Box::new(after) },
            1 => Change::Update { before: Box::new(Resource { id, ..before }), after: Box::new(after) },
            2 => Change::Delete { before: Box::new(before) },
            3 => Change::Mark { id, before: None, after: marks },
            4 => Change::Import { id, after: marks },
            _ => Change::Release { id, before: marks },
        }
    })
}

/// Adding and removing the account gives the original value, and between the two every id names the account.
fn holds<T: AccountScoped + Clone + PartialEq + std::fmt::Debug>(what: T) {
    let audit = Alias::new("audit").unwrap();
    let on = what.clone().add_account_to_ids(&audit);
    let written = format!("{on:?}");
    assert!(!written.contains("account: None"), "{written}");
    let (before, after) =
        (format!("{what:?}").matches("account: None").count(), written.matches("Alias(\"audit\")").count());
    assert_eq!(before, after, "{written}");
    assert_eq!(on.remove_account_from_ids(&audit), what);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn adding_and_removing_the_account_round_trips(
        snapshot in snapshot(), change in change(), resources in prop::collection::vec(resource(), 0..3), made in id(), ids in ids(),
    ) {
        holds(snapshot);
        holds(change);
        holds(resources);
        holds(ids);
        holds(Enacted { made: Some(made), ..Enacted::default() });
    }
}

#[test]
fn a_quota_is_of_its_account() {
    holds(Quota {
        name: "RolesQuota".to_owned(),
        what: "roles",
        kinds: BTreeSet::new(),
        limit: 1,
        counted: QuotaScope::PerSubject,
        attributes: &[],
        account: None,
    });
}

#[test]
fn objects_are_sent_only_to_the_provider_of_their_account() {
    let (audit, prod) = (Alias::new("audit").unwrap(), Alias::new("prod").unwrap());
    let id = |name: &str| ResourceId::new(ResourceKind::new("k"), name);
    let mut role = Resource::new(id("role"), None).with_dependency(id("own")).add_account_to_ids(&audit);
    role.depends_on.extend([id("first"), id("far").add_account_to_ids(&prod)]);
    assert_eq!(role.remove_account_from_ids(&audit).depends_on, BTreeSet::from([id("own")]));
}
