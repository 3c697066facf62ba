//! The plan of `leasehold revoke`: quarantine one identity at once.
//!
//! In: a [`Revocation`]. Out: a [`Plan`] with the steps of the quarantine and nothing else. It does not need a
//! configuration that can be read.

use jiff::Timestamp;
use leasehold_provider::{LiveIdentity, Quarantine, Realizer, Snapshot, StackName};

use super::check::{self, UnsoundPlanError};
use super::classify::denials::DenialIndex;
use super::context::PlanContext;
use super::stale::LiveIndex;
use super::{Plan, PlanBasis, cycle_errors, order};
use crate::config::DeclaredIdentity;
use crate::diff::access::SharedObjects;
use crate::diff::{self, ChangeReason, Lifecycle};
use crate::lifecycle::phase::QuarantinedIdentity;
use crate::lifecycle::{IdentityStatus, LeaveReason, LifecyclePhase};
use crate::realize;

/// The identity to revoke, and why.
pub struct Revocation<'a> {
    /// The stack of the identity.
    pub stack: &'a StackName,
    /// The live identity.
    pub live: &'a LiveIdentity,
    /// Its block; `None` if it is not declared or the configuration cannot be read.
    pub declared: Option<&'a DeclaredIdentity>,
    /// The live objects of the stack.
    pub snapshot: &'a Snapshot,
    /// The reason: [`LeaveReason::Revoked`].
    pub reason: LeaveReason,
    /// The instant, in whole seconds.
    pub now: Timestamp,
    /// The provider's pure half: it computes the resources of the quarantine.
    pub realize: &'a Realizer,
    /// The inputs that the plan records.
    pub basis: PlanBasis,
}

/// Builds the plan that quarantines the identity, with the mark of a revocation. The plan is empty if the identity is
/// already revoked for the same reason.
///
/// # Errors
///
/// Returns the faults if the plan fails its own check, which is a bug in Leasehold.
pub fn build_revocation_plan(revocation: Revocation<'_>) -> Result<Plan, Vec<UnsoundPlanError>> {
    let Revocation { stack, live, declared, snapshot, reason, now, realize, basis } = revocation;
    let at = live.marks.quarantine.as_ref().map_or(now, |quarantine| quarantine.at);
    let phase = LifecyclePhase::Quarantined(QuarantinedIdentity {
        quarantine: Quarantine { at, reason: reason.to_mark() },
        reason: reason.clone(),
        delete_after: None,
        last_use: None,
    });
    let status = IdentityStatus {
        address: live.address().clone(),
        id: live.id.clone(),
        declared,
        live: Some(live),
        import_candidate: None,
        phase,
    };
    let (desired, _) = realize::realize_identity(&status, realize, &snapshot.realm);
    let delta = diff::classify_identity(&status, &desired, realize).map(|mut delta| {
        delta.lifecycle = Lifecycle::Leaver;
        delta.reasons = [ChangeReason::Leaver { why: reason }].into();
        delta
    });
    let identities = Vec::from_iter(delta);
    let index = LiveIndex::for_snapshot(snapshot);
    let denials = DenialIndex::without_denials(realize);
    let nothing = SharedObjects::default();
    let context = PlanContext::without_shared(&denials, &nothing, now, realize);
    let graph = order::draft_writes(&identities, &[], &context);
    let steps = order::order_drafts(&graph, &context, |id| index.object_digest(id))
        .map_err(|cycles| vec![UnsoundPlanError::Cycle(cycle_errors::subjects_on_cycles(&cycles, &graph))])?;
    drop(graph);
    let plan = Plan {
        stack: stack.clone(),
        realm: snapshot.realm.clone(),
        now,
        basis,
        selection: super::select::PlanSelection::default(),
        settings: None,
        identities,
        shared: Vec::new(),
        ownership: Vec::new(),
        taken_over: std::collections::BTreeSet::new(),
        not_verified: None,
        kept: std::collections::BTreeMap::new(),
        steps,
        managed: snapshot.identities.len(),
        quarantined: std::collections::BTreeMap::new(),
        unreachable_accounts: std::collections::BTreeMap::new(),
    };
    let faults = check::check_plan(&plan, snapshot);
    if faults.is_empty() { Ok(plan) } else { Err(faults) }
}
