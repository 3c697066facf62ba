//! The phase of an identity follows from the configuration, its marks and the time, and not from earlier runs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use leasehold::config::{DeclaredStack, Lease};
use leasehold::lifecycle::{LeaveReason, LifecyclePhase, decide_phases};
use leasehold_provider::{
    Address, Kind, LiveIdentity, Marks, Principal, Quarantine, Realm, ResourceId, ResourceKind, Snapshot, Span,
};

use crate::at;
use crate::stacks::{empty_stack, identity};

const JOINED: &str = "2026-11-01T00:00:00Z";

fn id_of(principal: Principal, name: &str) -> ResourceId {
    let kind = match principal {
        Principal::User => ResourceKind::new("user"),
        Principal::Role => ResourceKind::new("role"),
    };
    ResourceId::new(kind, name)
}

fn empty_snapshot() -> Snapshot {
    let text = |text: &str| text.to_owned();
    Snapshot::for_realm(Realm {
        provider: text("toy"),
        account: text("1"),
        partition: text(""),
        actor: text("t"),
        others: BTreeMap::new(),
    })
}

/// The live state of `bot`, a service that joined at [`JOINED`], modified by `change`.
fn snapshot_with_bot(declared: &DeclaredStack, change: impl FnOnce(&mut LiveIdentity)) -> Snapshot {
    let address = Address::for_identity("bot", None);
    let id = id_of(Principal::User, "bot");
    let marks = Marks {
        kind: Some(Kind::Service),
        created_at: Some(at(JOINED)),
        ..Marks::new(declared.stack.clone(), address)
    };
    let mut live = LiveIdentity {
        id: id.clone(),
        principal: Principal::User,
        name: "bot".to_owned(),
        unique_id: "unique".to_owned(),
        marks,
        created_at: Some(at(JOINED)),
        last_used: None,
        resources: BTreeMap::new(),
        keys: BTreeMap::new(),
    };
    change(&mut live);
    let mut snapshot = empty_snapshot();
    snapshot.identities.insert(id, live);
    snapshot
}

fn quarantined_at(instant: &'static str, reason: &'static str) -> impl FnOnce(&mut LiveIdentity) {
    move |live| live.marks.quarantine = Some(Quarantine { at: at(instant), reason: reason.to_owned() })
}

fn stack_with_bot(lease: Lease) -> DeclaredStack {
    let mut declared = empty_stack();
    let mut bot = identity("bot", Kind::Service);
    bot.lease = lease;
    declared.identities.insert(bot.spec.address.clone(), bot);
    declared
}

fn ttl(days: u16) -> Lease {
    Lease { ttl: Some(Span::from_days(days)), ..Lease::default() }
}

/// The phase of `bot` at `now`.
fn phase(declared: &DeclaredStack, snapshot: &Snapshot, now: &str) -> LifecyclePhase {
    let (mut statuses, findings) = decide_phases(declared, snapshot, at(now), id_of);
    assert_eq!(findings, []);
    assert_eq!(statuses.len(), 1);
    statuses.remove(0).phase
}

fn code(declared: &DeclaredStack, snapshot: &Snapshot, now: &str) -> &'static str {
    decide_phases(declared, snapshot, at(now), id_of).1.first().map_or("", |finding| finding.code)
}

fn leaves(phase: &LifecyclePhase) -> (&LeaveReason, Option<Timestamp>) {
    match phase {
        LifecyclePhase::Quarantined(q) => (&q.reason, q.delete_after),
        other => panic!("not quarantined: {other:?}"),
    }
}

#[test]
fn joiner_lease_starts_now_and_live_lease_at_its_mark() {
    let declared = stack_with_bot(ttl(30));
    let LifecyclePhase::Active(joiner) = phase(&declared, &empty_snapshot(), "2026-11-20T00:00:00Z") else { panic!() };
    assert_eq!(joiner.identity.deadline, Some(at("2026-12-20T00:00:00Z")));
    let live = snapshot_with_bot(&declared, |_| {});
    let LifecyclePhase::Active(active) = phase(&declared, &live, "2026-11-20T00:00:00Z") else { panic!() };
    assert_eq!(active.identity.deadline, Some(at("2026-12-01T00:00:00Z")));
    assert_eq!(active.marks.created_at, Some(at(JOINED)));
}

#[test]
fn a_lost_creation_mark_falls_back_to_the_cloud_s_own_date() {
    let declared = stack_with_bot(ttl(30));
    let live = snapshot_with_bot(&declared, |live| live.marks.created_at = None);
    let LifecyclePhase::Active(active) = phase(&declared, &live, "2026-11-20T00:00:00Z") else { panic!() };
    assert_eq!(active.identity.created_at, at(JOINED));
}

#[test]
fn lease_quarantines_exactly_at_its_deadline() {
    let declared = stack_with_bot(ttl(30));
    let live = snapshot_with_bot(&declared, |_| {});
    assert!(matches!(phase(&declared, &live, "2026-11-30T23:59:59Z"), LifecyclePhase::Active(_)));
    let over = phase(&declared, &live, "2026-12-01T00:00:00Z");
    assert_eq!(leaves(&over), (&LeaveReason::LeaseExpired { at: at("2026-12-01T00:00:00Z") }, None));
}

/// If it were deleted while its block is declared, its `ttl` would start again.
#[test]
fn expired_lease_never_restores_access() {
    let declared = stack_with_bot(ttl(30));
    let live = snapshot_with_bot(&declared, quarantined_at("2026-12-01T00:00:00Z", "lease-ended"));
    assert!(matches!(phase(&declared, &live, "2030-01-01T00:00:00Z"), LifecyclePhase::Quarantined(_)));
    let renewed = stack_with_bot(Lease { renewed_at: Some(at("2026-12-02T00:00:00Z")), ..ttl(30) });
    assert!(matches!(phase(&renewed, &live, "2026-12-03T00:00:00Z"), LifecyclePhase::Active(_)));
    assert!(matches!(phase(&empty_stack(), &live, "2026-12-07T23:59:59Z"), LifecyclePhase::Quarantined(_)));
    assert_eq!(
        phase(&empty_stack(), &live, "2026-12-08T00:00:00Z"),
        LifecyclePhase::Absent { reason: LeaveReason::Removed }
    );
}

#[test]
fn a_removed_block_quarantines_and_after_grace_deletes() {
    let declared = empty_stack();
    let live = snapshot_with_bot(&declared, |_| {});
    let first = phase(&declared, &live, "2026-11-20T00:00:00Z");
    assert_eq!(leaves(&first), (&LeaveReason::Removed, Some(at("2026-11-27T00:00:00Z"))));
    let shut = snapshot_with_bot(&declared, quarantined_at("2026-11-20T00:00:00Z", "removed"));
    assert!(matches!(phase(&declared, &shut, "2026-11-26T23:59:59Z"), LifecyclePhase::Quarantined(_)));
    assert!(matches!(phase(&declared, &shut, "2026-11-27T00:00:00Z"), LifecyclePhase::Absent { .. }));
    let back = stack_with_bot(ttl(90));
    assert!(matches!(phase(&back, &shut, "2026-11-26T00:00:00Z"), LifecyclePhase::Active(_)));
}

#[test]
fn an_identity_s_own_grace_outlives_its_block() {
    let declared = empty_stack();
    let live = snapshot_with_bot(&declared, |live| {
        quarantined_at("2026-11-20T00:00:00Z", "removed")(live);
        live.marks.grace = Some(Span::from_days(30));
    });
    assert!(matches!(phase(&declared, &live, "2026-12-19T00:00:00Z"), LifecyclePhase::Quarantined(_)));
    assert!(matches!(phase(&declared, &live, "2026-12-20T00:00:00Z"), LifecyclePhase::Absent { .. }));
}

/// AWS records the last use with a resolution of fifteen minutes.
#[test]
fn use_during_quarantine_prevents_deletion() {
    let declared = empty_stack();
    let used = |instant: &str| {
        let instant = at(instant);
        snapshot_with_bot(&declared, |live| {
            quarantined_at("2026-11-20T00:00:00Z", "removed")(live);
            live.last_used = Some(instant);
        })
    };
    let held = phase(&declared, &used("2026-11-20T00:16:00Z"), "2027-01-01T00:00:00Z");
    let LifecyclePhase::Quarantined(held) = held else { panic!() };
    assert_eq!(held.last_use, Some(at("2026-11-20T00:16:00Z")));
    assert!(matches!(
        phase(&declared, &used("2026-11-20T00:15:00Z"), "2027-01-01T00:00:00Z"),
        LifecyclePhase::Absent { .. }
    ));
}

#[test]
fn retired_service_quarantines_identities_except_break_glass() {
    let mut declared = stack_with_bot(ttl(90));
    declared.services.get_mut("shop").unwrap().retired = true;
    declared.identities.values_mut().for_each(|bot| bot.spec.service = Some("shop".to_owned()));
    let live = snapshot_with_bot(&declared, |_| {});
    let service = "shop".to_owned();
    assert_eq!(leaves(&phase(&declared, &live, "2026-11-20T00:00:00Z")).0, &LeaveReason::ServiceRetired { service });
    assert!(matches!(phase(&declared, &empty_snapshot(), "2026-11-20T00:00:00Z"), LifecyclePhase::Absent { .. }));
    declared.identities.values_mut().for_each(|bot| bot.spec.kind = Kind::BreakGlass);
    assert!(matches!(phase(&declared, &live, "2026-11-20T00:00:00Z"), LifecyclePhase::Active(_)));
    assert!(matches!(phase(&declared, &live, "2030-11-20T00:00:00Z"), LifecyclePhase::Active(_)));
}

#[test]
fn revoked_identity_stays_quarantined() {
    let declared = stack_with_bot(ttl(900));
    let live = snapshot_with_bot(&declared, quarantined_at("2026-11-10T00:00:00Z", "revoked"));
    assert_eq!(leaves(&phase(&declared, &live, "2026-11-20T00:00:00Z")), (&LeaveReason::from_revocation(""), None));
}

#[test]
fn another_name_is_another_principal() {
    let mut declared = stack_with_bot(ttl(90));
    declared.identities.values_mut().for_each(|bot| bot.spec.name = "bot-2".to_owned());
    let live = snapshot_with_bot(&declared, |_| {});
    let (statuses, _) = decide_phases(&declared, &live, at("2026-11-20T00:00:00Z"), id_of);
    assert_eq!(statuses.len(), 2);
    assert_eq!(leaves(&statuses[0].phase).0, &LeaveReason::Replaced { by: "bot-2".to_owned() });
    assert!(matches!(statuses[1].phase, LifecyclePhase::Active(_)));
}

#[test]
fn a_lease_in_the_past_or_renewed_in_the_future_is_an_error() {
    let past = Lease { expires_at: Some(at("2026-11-19T00:00:00Z")), ..Lease::default() };
    assert_eq!(code(&stack_with_bot(past), &empty_snapshot(), "2026-11-20T00:00:00Z"), "lifecycle::lease_in_past");
    let future = Lease { renewed_at: Some(at("2026-11-21T00:00:00Z")), ..ttl(9) };
    assert_eq!(
        code(&stack_with_bot(future), &empty_snapshot(), "2026-11-20T00:00:00Z"),
        "lifecycle::renewed_in_future"
    );
}
