//! One test for each rule of key rotation.

use leasehold_provider::ResourceKind;

use super::*;

const NOW: &str = "2026-06-01T00:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn id(key: &str) -> ResourceId {
    ResourceId::new(ResourceKind::new("key"), format!("ci/{key}"))
}

fn terms() -> KeyRotation {
    KeyRotation { store: "vault".to_owned(), rotate_every: Span::from_days(90), overlap: Span::from_days(2) }
}

/// A key that was created and delivered at the same instant. `change` modifies it.
fn key(name: &str, made: &str, change: impl FnOnce(&mut LiveKey)) -> (ResourceId, LiveKey) {
    let delivered = Delivery {
        store: "vault".to_owned(),
        at: at(made),
        held: true,
        owner: Some("jane".to_owned()),
        environment: None,
    };
    let mut key = LiveKey { created_at: Some(at(made)), last_used: None, delivered: Some(delivered) };
    change(&mut key);
    (id(name), key)
}

fn delivery(key: &mut LiveKey) -> &mut Delivery {
    key.delivered.as_mut().unwrap()
}

/// Makes a key one that was replaced: the store now has another key.
fn former(key: &mut LiveKey) {
    delivery(key).held = false;
}

fn decided<const N: usize>(keys: [(ResourceId, LiveKey); N], now: &str) -> DesiredKeys {
    let terms = terms();
    let issue = KeyIssue { terms: &terms, owner: "jane", environment: None, unlisted_deliveries: None };
    decide_keys(Some(issue), &BTreeMap::from(keys), at(now))
}

/// The decision where a key was delivered at `delivered` and AWS does not list it yet.
fn decided_not_shown<const N: usize>(keys: [(ResourceId, LiveKey); N], delivered: &str, now: &str) -> DesiredKeys {
    let (_, hidden) = key("HIDDEN", delivered, |_| ());
    let unlisted_deliveries = BTreeMap::from([("HIDDEN".to_owned(), hidden.delivered.unwrap())]);
    let terms = terms();
    let issue =
        KeyIssue { terms: &terms, owner: "jane", environment: None, unlisted_deliveries: Some(&unlisted_deliveries) };
    decide_keys(Some(issue), &BTreeMap::from(keys), at(now))
}

fn why(keys: &DesiredKeys) -> Option<KeyIssueReason> {
    keys.new.clone().map(|new| new.why)
}

#[test]
fn identity_without_key_is_issued_one() {
    let keys = decided([], NOW);
    assert_eq!(why(&keys), Some(KeyIssueReason::NoActiveKey));
    let new = keys.new.unwrap();
    assert_eq!((new.store.as_str(), new.owner.as_str(), new.environment), ("vault", "jane", None));
}

#[test]
fn unlisted_new_key_prevents_a_second_key() {
    let keys = decided_not_shown([], "2026-05-31T23:59:00Z", NOW);
    assert_eq!((keys.new, keys.next), (None, Some(at("2026-06-01T00:01:00Z"))));
    // After two minutes the key counts as gone.
    assert_eq!(why(&decided_not_shown([], "2026-05-31T23:58:00Z", NOW)), Some(KeyIssueReason::NoActiveKey));
}

#[test]
fn key_replaced_by_unlisted_key_stays_active() {
    let replaced = key("A", "2026-01-01T00:00:00Z", former);
    let keys = decided_not_shown([replaced], "2026-05-31T23:59:30Z", NOW);
    assert_eq!((keys.new, keys.dispositions[&id("A")].clone()), (None, KeyDisposition::Active));
}

#[test]
fn young_key_is_kept_with_its_due_time() {
    let keys = decided([key("A", "2026-05-01T00:00:00Z", |_| ())], NOW);
    assert_eq!((keys.new, keys.dispositions[&id("A")].clone()), (None, KeyDisposition::Active));
    assert_eq!(keys.next, Some(at("2026-07-30T00:00:00Z")));
}

#[test]
fn a_key_is_replaced_at_the_instant_it_is_too_old_and_works_on() {
    let live = || [key("A", "2026-03-01T00:00:00Z", |_| ())];
    assert_eq!(why(&decided(live(), "2026-05-29T23:59:59Z")), None);
    let keys = decided(live(), "2026-05-30T00:00:00Z");
    assert!(matches!(why(&keys), Some(KeyIssueReason::TooOld { key, .. }) if key == "A"));
    assert_eq!(keys.dispositions[&id("A")], KeyDisposition::Active);
}

#[test]
fn previous_key_is_active_then_disabled_then_deleted() {
    let live = || [key("A", "2026-01-01T00:00:00Z", former), key("B", "2026-05-01T00:00:00Z", |_| ())];
    let disposition = |now: &str| decided(live(), now).dispositions[&id("A")].clone();
    assert_eq!(disposition("2026-05-02T23:59:59Z"), KeyDisposition::Active);
    assert!(matches!(disposition("2026-05-03T00:00:00Z"), KeyDisposition::Disabled { .. }));
    assert!(matches!(disposition("2026-05-04T23:59:59Z"), KeyDisposition::Disabled { .. }));
    assert!(matches!(disposition("2026-05-05T00:00:00Z"), KeyDisposition::Deleted(KeyDeletionReason::Replaced { .. })));
    let next = |now: &str| decided(live(), now).next.unwrap();
    assert_eq!(next("2026-05-01T00:00:00Z"), at("2026-05-03T00:00:00Z"));
    assert_eq!(next("2026-05-03T00:00:00Z"), at("2026-05-05T00:00:00Z"));
}

#[test]
fn late_use_extends_the_disabled_time() {
    let used = |key: &mut LiveKey| {
        former(key);
        key.last_used = Some(at("2026-05-20T00:00:00Z"));
    };
    let live = || [key("A", "2026-01-01T00:00:00Z", used), key("B", "2026-05-01T00:00:00Z", |_| ())];
    let disposition = |now: &str| decided(live(), now).dispositions[&id("A")].clone();
    assert!(matches!(disposition("2026-05-21T23:59:59Z"), KeyDisposition::Disabled { last_used: Some(_), .. }));
    assert!(matches!(disposition("2026-05-22T00:00:00Z"), KeyDisposition::Deleted(KeyDeletionReason::Replaced { .. })));
}

#[test]
fn undelivered_key_is_deleted_for_a_new_one() {
    let lost = |key: &mut LiveKey| key.delivered = None;
    let keys = decided([key("A", "2026-03-01T00:00:00Z", |_| ()), key("B", "2026-06-01T00:00:00Z", lost)], NOW);
    assert_eq!(keys.dispositions[&id("B")], KeyDisposition::Deleted(KeyDeletionReason::NotDelivered));
    assert_eq!(keys.dispositions[&id("A")], KeyDisposition::Active);
    assert!(keys.new.is_some());
}

#[test]
fn disabled_key_makes_room_but_active_overlap_key_does_not() {
    // B is older than `rotate_every`. A was replaced by B, and was used so recently that it is still disabled, not deleted.
    let used = |key: &mut LiveKey| {
        former(key);
        key.last_used = Some(at("2026-05-31T12:00:00Z"));
    };
    let keys = decided([key("A", "2025-12-01T00:00:00Z", used), key("B", "2026-03-01T00:00:00Z", |_| ())], NOW);
    assert_eq!(
        keys.dispositions[&id("A")],
        KeyDisposition::Deleted(KeyDeletionReason::QuotaReached { last_used: Some(at("2026-05-31T12:00:00Z")) })
    );
    assert_eq!(keys.dispositions[&id("B")], KeyDisposition::Active);
    assert!(keys.new.is_some());
    // A change of owner asks for a new key one day after the last rotation: the previous key must work for one more day.
    let tom = |key: &mut LiveKey| delivery(key).owner = Some("tom".to_owned());
    let live = [key("A", "2026-03-01T00:00:00Z", former), key("B", "2026-05-31T00:00:00Z", tom)];
    let keys = decided(live, NOW);
    assert_eq!((keys.new, keys.dispositions[&id("A")].clone()), (None, KeyDisposition::Active));
    assert_eq!(keys.next, Some(at("2026-06-02T00:00:00Z")));
}

#[test]
fn another_owner_environment_or_store_asks_for_a_new_key() {
    let young =
        |change: fn(&mut Delivery)| why(&decided([key("A", "2026-05-01T00:00:00Z", |key| change(delivery(key)))], NOW));
    assert_eq!(young(|_| ()), None);
    let tom = Some("tom".to_owned());
    assert_eq!(young(|d| d.owner = Some("tom".to_owned())), Some(KeyIssueReason::Owner { from: tom }));
    let prod = Some("prod".to_owned());
    assert_eq!(young(|d| d.environment = Some("prod".to_owned())), Some(KeyIssueReason::Environment { from: prod }));
    assert_eq!(young(|d| d.store = "old".to_owned()), Some(KeyIssueReason::OtherStore { store: "old".to_owned() }));
    assert_eq!(young(|d| d.held = false), Some(KeyIssueReason::NoActiveKey));
}

#[test]
fn without_rotation_settings_every_key_is_deleted() {
    let lost = |key: &mut LiveKey| key.delivered = None;
    let live = BTreeMap::from([key("A", "2026-05-01T00:00:00Z", |_| ()), key("B", "2026-05-01T00:00:00Z", lost)]);
    let keys = decide_keys(None, &live, at(NOW));
    assert_eq!(keys.dispositions[&id("A")], KeyDisposition::Deleted(KeyDeletionReason::NotDeclared));
    assert_eq!(keys.dispositions[&id("B")], KeyDisposition::Deleted(KeyDeletionReason::NotDelivered));
    assert_eq!(keys.new, None);
}
