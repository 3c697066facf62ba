//! The part of one identity in a plan.
//!
//! In: the status of the identity, the inputs of the plan, and the shared objects. Out: an [`IdentityPlan`]. A part
//! depends on no other identity's part, so the parts are computed in parallel.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Access, Aspect, ResourceId};

use super::GracePeriod;
use super::classify::tags;
use super::inputs::PlanInputs;
use crate::config::Diagnostic;
use crate::diff::access::SharedObjects;
use crate::diff::{self, ChangeReason, IdentityDelta, Lifecycle};
use crate::lifecycle::{IdentityStatus, LifecyclePhase, phase};
use crate::realize::{self, ResourceMap};

/// What one identity contributes to a plan.
#[derive(Debug, Default)]
pub struct IdentityPlan {
    /// Why the identity cannot be planned; empty if it can.
    pub findings: Vec<Diagnostic>,
    /// The shared objects that are attached to the identity, or will be.
    pub on: BTreeSet<ResourceId>,
    /// Those of `on` that must continue to exist: an object that a group detaches is not among them.
    pub needed: BTreeSet<ResourceId>,
    /// The addresses of those of `on` that the plan rewrites and that are attached before and after; and of
    /// federations that the identity already names and that the plan creates.
    pub rewritten: BTreeSet<String>,
    /// Whether its tags change and an attached policy has a condition on a changed tag.
    pub has_changed_tag_condition: bool,
    /// What changes; `None` if nothing does.
    pub delta: Option<IdentityDelta>,
    /// The access to assess, for a joiner and for a mover whose access changes; and whether it contains a sensitive
    /// value. `None` for all others.
    pub access: Option<(Access, bool)>,
    /// The grace period of a quarantined identity that does not change; `None` for all others.
    pub waiting: Option<GracePeriod>,
}

/// The shared objects, in their live and their wanted state.
pub struct SharedContext<'a> {
    /// The live state.
    pub live: SharedObjects<'a>,
    /// The wanted state.
    pub desired: SharedObjects<'a>,
    /// The addresses of the live objects that the plan rewrites.
    pub rewritten: BTreeMap<ResourceId, String>,
    /// The addresses of the federations that the plan creates.
    pub made: BTreeMap<ResourceId, String>,
}

/// Computes the part of one identity.
pub fn plan_identity(
    status: &IdentityStatus<'_>,
    inputs: &PlanInputs<'_>,
    context: &SharedContext<'_>,
) -> IdentityPlan {
    let (desired, findings) = realize::realize_identity(status, inputs.realize, &inputs.snapshot.realm);
    let needs: BTreeSet<&ResourceId> = desired.values().flat_map(|resource| &resource.depends_on).collect();
    let on: BTreeSet<&ResourceId> = needs
        .into_iter()
        .flat_map(|id| context.desired.reachable_objects(id).chain(context.live.reachable_objects(id)))
        .collect();
    let needed = find_needed_shared(&desired, context);
    let rewritten: BTreeSet<String> = on.iter().filter_map(|id| context.rewritten.get(*id)).cloned().collect();
    let mut delta = diff::classify_identity(status, &desired, inputs.realize);
    if !rewritten.is_empty() && matches!(status.phase, LifecyclePhase::Active(_)) && status.live.is_some() {
        let scopes = rewritten.iter().map(|scope| ChangeReason::Scope { scope: scope.clone() }).collect();
        delta = Some(add_scope_reasons(delta, status, scopes));
    }
    if let Some(delta) = delta.as_mut().filter(|delta| may_change_access(delta)) {
        let empty = ResourceMap::new();
        let before = realize::live_resources(status).unwrap_or(&empty);
        let (old, new) = ((before, &context.live), (&desired, &context.desired));
        delta.access = Some(diff::access::compare_attached_access(old, new, inputs.realize, inputs.compare));
    }
    let mut access = None;
    if let Some(delta) = delta.as_mut().filter(|delta| needs_assessment(delta)) {
        let held = diff::access::collect_attached_access(desired.values(), &context.desired, inputs.realize);
        delta.policies = held.sources;
        access = Some((held.access, held.sensitive));
    }
    let waiting = match &status.phase {
        LifecyclePhase::Quarantined(quarantined) if delta.is_none() => Some(describe_grace_period(quarantined)),
        _ => None,
    };
    let rewritten = find_attached_rewritten(status, context, &rewritten);
    let has_changed_tag_condition = delta.is_some()
        && realize::live_resources(status).is_some_and(|live| {
            let sides = [(live, &context.live), (&desired, &context.desired)];
            tags::has_policy_on_changed_tag(&status.id, sides, &inputs.snapshot.denying, inputs.realize)
        });
    IdentityPlan {
        findings,
        on: on.into_iter().cloned().collect(),
        needed,
        rewritten,
        has_changed_tag_condition,
        delta,
        access,
        waiting,
    }
}

/// The rewritten shared objects that are attached to an identity before and after the plan, and the new federations that its live trust
/// policy already names.
fn find_attached_rewritten(
    status: &IdentityStatus<'_>,
    context: &SharedContext<'_>,
    rewritten: &BTreeSet<String>,
) -> BTreeSet<String> {
    let live = realize::live_resources(status).into_iter().flat_map(|resources| resources.values());
    let needs: BTreeSet<&ResourceId> = live.flat_map(|resource| &resource.depends_on).collect();
    let reachable = needs.iter().flat_map(|id| context.live.reachable_objects(id));
    let attached = reachable.filter_map(|id| context.rewritten.get(id)).filter(|address| rewritten.contains(*address));
    attached.chain(needs.iter().filter_map(|id| context.made.get(*id))).cloned().collect()
}

/// The shared objects that must continue to exist for an identity: a declared object with everything that it will
/// contain; an object that is no longer declared, as long as it is attached, with everything that it contains now.
fn find_needed_shared(desired: &ResourceMap, context: &SharedContext<'_>) -> BTreeSet<ResourceId> {
    let needs: BTreeSet<&ResourceId> = desired.values().flat_map(|resource| &resource.depends_on).collect();
    let mut needed = BTreeSet::new();
    for id in needs {
        let mut reached = context.desired.reachable_objects(id).peekable();
        if reached.peek().is_some() {
            needed.extend(reached.cloned());
        } else {
            needed.extend(context.live.reachable_objects(id).cloned());
        }
    }
    needed
}

fn describe_grace_period(quarantined: &phase::QuarantinedIdentity) -> GracePeriod {
    GracePeriod {
        since: quarantined.quarantine.at,
        reason: quarantined.quarantine.reason.clone(),
        delete_after: quarantined.delete_after,
        last_use: quarantined.last_use,
    }
}

/// A mover whose scopes changed: its own delta with the reasons added, or a delta without changes of its own.
fn add_scope_reasons(
    delta: Option<IdentityDelta>,
    status: &IdentityStatus<'_>,
    scopes: BTreeSet<ChangeReason>,
) -> IdentityDelta {
    let mut delta = delta.unwrap_or_else(|| diff::classify::delta_without_changes(status));
    if delta.lifecycle == Lifecycle::Drift {
        delta.lifecycle = Lifecycle::Mover;
    }
    delta.reasons.extend(scopes);
    delta
}

/// Whether comparing access is useful: the identity is live and kept, and its policies or boundary differ.
fn may_change_access(delta: &IdentityDelta) -> bool {
    let taken_in = delta.reasons.contains(&ChangeReason::Imported);
    (taken_in || is_access_mover(delta))
        && !delta.reasons.iter().any(|reason| matches!(reason, ChangeReason::Restored { .. }))
}

/// Whether the access is assessed: for a joiner, and for a mover whose access changes.
fn needs_assessment(delta: &IdentityDelta) -> bool {
    delta.lifecycle == Lifecycle::Joiner || is_access_mover(delta)
}

fn is_access_mover(delta: &IdentityDelta) -> bool {
    let bears = |reason: &ChangeReason| {
        matches!(
            reason,
            ChangeReason::Differs { aspect: Aspect::Access | Aspect::Boundary } | ChangeReason::Scope { .. }
        )
    };
    delta.lifecycle == Lifecycle::Mover && delta.reasons.iter().any(bears)
}
