//! The status of each identity: what is declared, what exists, and the phase that follows.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use leasehold_provider::{
    Address, Credential, DeliveryIndex, DesiredIdentity, Kind, LiveIdentity, LiveKey, Marks, Principal, Quarantine,
    Realm, ResourceId, Snapshot, Span, Unmarked,
};

use rayon::prelude::*;

use super::deadline::{LeaseDeadline, compute_deadline};
use super::keys::{DesiredKeys, KeyIssue};
use super::phase::{ActiveIdentity, LeaveReason, LifecyclePhase, QuarantinedIdentity};
use super::{keys, principal_matches};
use crate::config::{DeclaredIdentity, DeclaredStack, Diagnostic};

/// The resolution of the last-used records of AWS. A use recorded within this time after the start of a quarantine may have happened
/// before it.
const LAST_USE_RESOLUTION: SignedDuration = SignedDuration::from_mins(15);

/// One identity: its block, its live state and its phase.
#[derive(Debug)]
pub struct IdentityStatus<'a> {
    /// The address of its block; without a block, the address in its marks.
    pub address: Address,
    /// The id of its principal.
    pub id: ResourceId,
    /// Its block. `None`: the stack no longer declares it.
    pub declared: Option<&'a DeclaredIdentity>,
    /// Its live state. `None`: no principal with the marks of this stack exists.
    pub live: Option<&'a LiveIdentity>,
    /// The live state of a principal without marks that an `import` block names. `None`: nothing is imported.
    pub import_candidate: Option<&'a Unmarked>,
    /// The phase it should be in.
    pub phase: LifecyclePhase,
}

/// Decides the phase of every identity that is declared or exists, sorted by address. The findings are errors that depend on
/// configuration, marks and `now` together.
pub fn decide_phases<'a>(
    declared: &'a DeclaredStack,
    snapshot: &'a Snapshot,
    now: Timestamp,
    principal_id: impl Fn(Principal, &str) -> ResourceId,
) -> (Vec<IdentityStatus<'a>>, Vec<Diagnostic>) {
    let mut matched = principal_matches::match_principals(declared, snapshot, &principal_id);
    let mut findings = std::mem::take(&mut matched.findings);
    let of_block = |identity: &'a DeclaredIdentity| {
        let (id, live) = matched.of.get(&identity.spec.address)?;
        let phase =
            decide_declared_phase(declared, identity, *live, &snapshot.unlisted_deliveries, now).map(|mut phase| {
                if let LifecyclePhase::Active(active) = &mut phase {
                    resolve_names(&mut active.identity, id, &matched, &snapshot.realm);
                }
                phase
            });
        let import_candidate = snapshot.import_candidates.get(id).filter(|_| live.is_none());
        let (address, declared) = (identity.spec.address.clone(), Some(identity));
        Some(phase.map(|phase| IdentityStatus {
            address,
            id: id.clone(),
            declared,
            live: *live,
            import_candidate,
            phase,
        }))
    };
    let decided: Vec<_> = declared.identities.par_iter().filter_map(|(_, identity)| of_block(identity)).collect();
    let mut statuses = Vec::with_capacity(decided.len());
    for status in decided {
        match status {
            Ok(status) => statuses.push(status),
            Err(finding) => findings.push(*finding),
        }
    }
    for live in &matched.rest {
        let reason = match matched.of.get(live.address()) {
            Some((by, _)) => LeaveReason::Replaced { by: by.display_name().into_owned() },
            None => LeaveReason::Removed,
        };
        let phase = match declared.estate.find_release(&declared.estate.follow_moves(live.address())) {
            Some(_) => LifecyclePhase::Released,
            None => decide_leaving_phase(live, reason, live.marks.grace.unwrap_or(declared.grace), now),
        };
        let (address, id) = (live.address().clone(), live.id.clone());
        statuses.push(IdentityStatus { address, id, declared: None, live: Some(live), import_candidate: None, phase });
    }
    statuses.sort_by(|a, b| (&a.address, &a.id).cmp(&(&b.address, &b.id)));
    (statuses, findings)
}

/// Sets the cloud names of an identity and of the identities it trusts, and the account id of each trusted identity in another account.
fn resolve_names(
    identity: &mut DesiredIdentity,
    id: &ResourceId,
    matched: &principal_matches::PrincipalMatches<'_>,
    realm: &Realm,
) {
    identity.spec.name.clone_from(&id.name);
    for trust in &mut identity.spec.trusts {
        let leasehold_provider::Trust::Identity { identities } = trust else { continue };
        for trusted in identities {
            if let Some((theirs, _)) = matched.of.get(&trusted.address) {
                trusted.name.clone_from(&theirs.name);
                let elsewhere = theirs.account != id.account;
                trusted.account = elsewhere.then(|| realm.for_account(theirs.account.as_ref()).account.clone());
            }
        }
    }
}

fn decide_declared_phase(
    declared: &DeclaredStack,
    identity: &DeclaredIdentity,
    live: Option<&LiveIdentity>,
    unlisted_deliveries: &DeliveryIndex,
    now: Timestamp,
) -> Result<LifecyclePhase, Box<Diagnostic>> {
    if let Some(renewed_at) = identity.lease.renewed_at.filter(|at| *at > now) {
        return Err(Box::new(diagnose_renewal_in_future(identity, renewed_at, now)));
    }
    let created_at = live.and_then(|live| live.marks.created_at.or(live.created_at)).unwrap_or(now);
    let end = match identity.spec.kind {
        Kind::BreakGlass => None,
        _ => compute_deadline(&identity.lease, created_at),
    };
    let reason = find_leave_reason(declared, identity, live, end, now);
    match (reason, live) {
        (None, live) => {
            let keys = decide_issued_keys(identity, live, unlisted_deliveries, now);
            Ok(LifecyclePhase::Active(Box::new(ActiveIdentity {
                keys,
                ..build_active_identity(declared, identity, created_at, end)
            })))
        }
        (Some(reason), Some(live)) => {
            Ok(decide_leaving_phase(live, reason, identity.spec.grace.unwrap_or(declared.grace), now))
        }
        (Some(LeaveReason::LeaseExpired { at }), None) => Err(Box::new(diagnose_lease_in_past(identity, end, at, now))),
        (Some(reason), None) => Ok(LifecyclePhase::Absent { reason }),
    }
}

fn find_leave_reason(
    declared: &DeclaredStack,
    identity: &DeclaredIdentity,
    live: Option<&LiveIdentity>,
    end: Option<LeaseDeadline>,
    now: Timestamp,
) -> Option<LeaveReason> {
    let revoked = live.and_then(|live| live.marks.quarantine.as_ref());
    if let Some(revoked) = revoked.and_then(|quarantine| LeaveReason::from_mark(&quarantine.reason)) {
        return Some(revoked);
    }
    if let Some(end) = end.filter(|end| end.at <= now) {
        return Some(LeaveReason::LeaseExpired { at: end.at });
    }
    let retired =
        identity.spec.service.as_ref().filter(|label| declared.services.get(*label).is_some_and(|s| s.retired));
    match retired {
        Some(service) if identity.spec.kind != Kind::BreakGlass => {
            Some(LeaveReason::ServiceRetired { service: service.clone() })
        }
        _ => None,
    }
}

/// The phase of a live identity that leaves: quarantined now, deleted after the grace period `grace`.
///
/// Two kinds of leavers are not deleted while their block is declared. An expired identity would be created again, its `ttl` would start
/// anew, and it would regain access. A revoked identity would lose the mark that keeps it quarantined.
fn decide_leaving_phase(live: &LiveIdentity, reason: LeaveReason, grace: Span, now: Timestamp) -> LifecyclePhase {
    let quarantine = live.marks.quarantine.clone().unwrap_or_else(|| Quarantine { at: now, reason: reason.to_mark() });
    let stays = matches!(reason, LeaveReason::LeaseExpired { .. } | LeaveReason::Revoked { .. });
    let delete_after = (!stays).then(|| grace.instant_after(quarantine.at));
    let grace_over = live.marks.quarantine.is_some() && delete_after.is_some_and(|at| at <= now);
    let used = live.last_used.filter(|used| used.duration_since(quarantine.at) > LAST_USE_RESOLUTION);
    match (grace_over, used) {
        (true, None) => LifecyclePhase::Absent { reason },
        (_, used) => LifecyclePhase::Quarantined(QuarantinedIdentity {
            quarantine,
            reason,
            delete_after,
            last_use: used.filter(|_| grace_over),
        }),
    }
}

fn build_active_identity(
    declared: &DeclaredStack,
    identity: &DeclaredIdentity,
    created_at: Timestamp,
    end: Option<LeaseDeadline>,
) -> ActiveIdentity {
    let identity = DesiredIdentity { spec: identity.spec.clone(), created_at, deadline: end.map(|end| end.at) };
    let marks = Marks::for_active_identity(declared.stack.clone(), &identity);
    ActiveIdentity { identity, marks, keys: None }
}

/// Decides the access keys of an identity that has issued keys or had some. `None`: Leasehold does not manage its keys. An identity that
/// keeps its existing access keys keeps all of them.
fn decide_issued_keys(
    identity: &DeclaredIdentity,
    live: Option<&LiveIdentity>,
    unlisted_deliveries: &DeliveryIndex,
    now: Timestamp,
) -> Option<DesiredKeys> {
    const NONE: &BTreeMap<ResourceId, LiveKey> = &BTreeMap::new();
    let name = live.map_or(&identity.spec.name, |live| &live.name);
    let of_user = || unlisted_deliveries.get(&(identity.spec.account.clone(), name.clone()));
    let live = live.map_or(NONE, |live| &live.keys);
    let issue = identity.access_key.as_ref().map(|terms| KeyIssue {
        terms,
        owner: &identity.spec.owner,
        environment: identity.spec.environment.as_deref(),
        unlisted_deliveries: of_user(),
    });
    let was_issued = live.values().any(|key| key.delivered.is_some());
    let keeps = identity.spec.retained_credentials.contains(&Credential::AccessKey);
    (issue.is_some() || was_issued && !keeps).then(|| keys::decide_keys(issue, live, now))
}

fn diagnose_lease_in_past(
    identity: &DeclaredIdentity,
    end: Option<LeaseDeadline>,
    at: Timestamp,
    now: Timestamp,
) -> Diagnostic {
    let part = end.map_or("ttl", |end| end.set_by);
    Diagnostic::error("lifecycle::lease_in_past", format!("the lease of {} is already expired", identity.spec.address))
        .with_location(identity.origin.part_span(part), format!("this lease expired at {at}"))
        .with_detail(format!(
            "The identity does not exist yet, and the current time is {now}: it would be created without access."
        ))
        .with_help("Set a later `expires_at`, renew the lease with `renewed_at`, or remove the identity.")
}

fn diagnose_renewal_in_future(identity: &DeclaredIdentity, at: Timestamp, now: Timestamp) -> Diagnostic {
    Diagnostic::error(
        "lifecycle::renewed_in_future",
        format!("`renewed_at` of {} is in the future", identity.spec.address),
    )
    .with_location(identity.origin.part_span("renewed_at"), format!("{at} is later than the current time, {now}"))
    .with_detail("`renewed_at` is the time at which the lease was reviewed and renewed; `ttl` counts from it.")
    .with_help("Set the time of the renewal, or increase `ttl` for a longer lease.")
}
