//! The pure stages put together: declared stack, snapshot and instant → [`Plan`].
//!
//! In: [`PlanInputs`]. Out: a [`Plan`] that has passed [`check::check_plan`]. The result depends on nothing but the
//! inputs: the same inputs give the same plan.

use std::collections::{BTreeMap, BTreeSet};

use leasehold_provider::{Access, Assessment, Change, Compare, Resource, ResourceId};
use rayon::prelude::*;

use super::check::{self, UnsoundPlanError};
use super::classify::denials::DenialIndex;
use super::classify::has_trust_attribute;
use super::context::{PlanContext, RewrittenByPrincipal};
use super::cycle_errors;
use super::identity_plan::{IdentityPlan, SharedContext, plan_identity};
use super::inputs::PlanInputs;
use super::select;
use super::stale::LiveIndex;
use super::{GracePeriod, Plan, name_conflicts, order};
use crate::config::Diagnostic;
use crate::diff::access::SharedObjects;
use crate::diff::{self, IdentityDelta, SharedDelta};
use crate::lifecycle::{self, IdentityStatus};
use crate::realize::ResourceMap;

/// Why no plan could be built.
#[derive(Debug)]
pub enum BuildPlanError {
    /// The configuration does not fit the live objects or the instant.
    Findings(Vec<Diagnostic>),
    /// The plan failed its own check. This is a bug in Leasehold.
    Unsound(Vec<UnsoundPlanError>),
}

/// Builds the plan.
///
/// # Errors
///
/// Returns [`BuildPlanError::Findings`] if the configuration cannot be applied to what is live, and
/// [`BuildPlanError::Unsound`] if the plan fails its own check.
pub fn build_plan(inputs: PlanInputs<'_>) -> Result<Plan, BuildPlanError> {
    let PlanInputs { declared, shared, snapshot, now, realize, .. } = inputs;
    let principal_id = |principal, name: &str| realize.ids.principal_id(principal, name);
    let (statuses, mut findings) = lifecycle::decide_phases(declared, snapshot, now, principal_id);
    findings.extend(lifecycle::imports::check_imports(declared, snapshot, realize));
    findings.extend(name_conflicts::find_name_conflicts(
        declared,
        &statuses,
        shared,
        snapshot,
        realize.ids.has_single_namespace(),
    ));
    if findings.is_empty() {
        let whole = collect_deltas(&inputs, &statuses, &mut findings);
        if findings.is_empty() {
            return finish_plan(inputs, whole);
        }
    }
    Err(BuildPlanError::Findings(findings))
}

/// What the deltas of all identities and shared objects add up to, before the steps are ordered.
struct PlanDeltas {
    identities: Vec<IdentityDelta>,
    shared: Vec<SharedDelta>,
    kept: diff::shared::UndeclaredShared,
    quarantined: BTreeMap<leasehold_provider::Address, GracePeriod>,
    rewritten_by_principal: RewrittenByPrincipal,
    /// The principals whose tags change, and to which a policy with a condition on a changed tag is attached.
    heeding: BTreeSet<ResourceId>,
    /// The addresses of the shared objects that the plan rewrites.
    rewritten: BTreeMap<ResourceId, String>,
}

fn collect_deltas(
    inputs: &PlanInputs<'_>,
    statuses: &[IdentityStatus<'_>],
    findings: &mut Vec<Diagnostic>,
) -> PlanDeltas {
    let context = SharedContext {
        live: SharedObjects::from_live_snapshot(inputs.snapshot, inputs.realize),
        desired: SharedObjects::from_resources(inputs.shared.values(), inputs.realize)
            .with_foreign_groups(inputs.snapshot),
        rewritten: find_rewritten_objects(inputs),
        made: find_new_federations(inputs),
    };
    let parts: Vec<IdentityPlan> = statuses.par_iter().map(|status| plan_identity(status, inputs, &context)).collect();
    let mut identities: Vec<IdentityDelta> = Vec::new();
    let mut holders: BTreeMap<ResourceId, usize> = BTreeMap::new();
    let mut still_needed: BTreeSet<ResourceId> = BTreeSet::new();
    let mut quarantined = BTreeMap::new();
    let mut rewritten_by_principal = RewrittenByPrincipal::new();
    let mut heeding = BTreeSet::new();
    let mut assessed: Vec<(usize, bool)> = Vec::new();
    let mut accesses: Vec<Access> = Vec::new();
    for (status, part) in statuses.iter().zip(parts) {
        findings.extend(part.findings);
        still_needed.extend(part.needed);
        for id in part.on {
            let holders = holders.entry(id).or_default();
            *holders = holders.saturating_add(1);
        }
        if !part.rewritten.is_empty() {
            rewritten_by_principal.insert(status.id.clone(), part.rewritten);
        }
        if part.has_changed_tag_condition {
            heeding.insert(status.id.clone());
        }
        if let Some((access, sensitive)) = part.access {
            assessed.push((identities.len(), sensitive));
            accesses.push(access);
        }
        quarantined.extend(part.waiting.map(|waiting| (status.address.clone(), waiting)));
        identities.extend(part.delta);
    }
    for ((index, sensitive), mut assessment) in assessed.into_iter().zip(assess_in_parallel(&accesses, inputs.compare))
    {
        for finding in assessment.findings.iter_mut().filter(|_| sensitive) {
            // The id of the finding says what is wrong; its message may quote a sensitive value.
            finding.message = leasehold_provider::sensitive::HIDDEN.to_owned();
        }
        if let Some(delta) = identities.get_mut(index) {
            delta.assessment = Some(assessment);
        }
    }
    let (shared, kept) =
        diff::shared::diff_shared_objects(inputs.shared, inputs.snapshot, &still_needed, &holders, inputs.realize);
    PlanDeltas { identities, shared, kept, quarantined, rewritten_by_principal, heeding, rewritten: context.rewritten }
}

/// Assesses each access. Neighbors are similar, so each thread gets a contiguous run of them.
fn assess_in_parallel(accesses: &[Access], compare: &dyn Compare) -> Vec<Assessment> {
    let share = accesses.len().div_ceil(rayon::current_num_threads().max(1)).max(1);
    accesses.par_chunks(share).flat_map_iter(|run| compare.assess_accesses(run)).collect()
}

/// The addresses of the live shared objects of which this plan rewrites the object itself or a part.
fn find_rewritten_objects(inputs: &PlanInputs<'_>) -> BTreeMap<ResourceId, String> {
    let live: ResourceMap =
        inputs.snapshot.shared.iter().map(|(id, shared)| (id.clone(), shared.resource.clone())).collect();
    let mut rewritten = BTreeMap::new();
    for change in diff::resources::diff_resources(inputs.shared, &live) {
        let whole = inputs.realize.ids.shared_root_id(change.id());
        let says_the_same = match &change {
            Change::Update { before, after } => diff::shared::is_only_respelled(before, after, inputs.realize),
            change => change.is_marks_only(),
        };
        if let (false, true, Some(after)) = (says_the_same, live.contains_key(&whole), inputs.shared.get(&whole)) {
            let address =
                after.marks.as_ref().map_or_else(|| after.id.display_name().into_owned(), |m| m.address.to_string());
            rewritten.insert(whole, address);
        }
    }
    rewritten
}

/// The addresses of the federations that this plan creates. Roles may already name them, if they were deleted outside
/// Leasehold.
fn find_new_federations(inputs: &PlanInputs<'_>) -> BTreeMap<ResourceId, String> {
    let is_new =
        |it: &&Resource| !inputs.snapshot.shared.contains_key(&it.id) && has_trust_attribute(it, inputs.realize);
    let made = inputs.shared.values().filter(is_new);
    made.filter_map(|it| Some((it.id.clone(), it.marks.as_ref()?.address.to_string()))).collect()
}

fn finish_plan(inputs: PlanInputs<'_>, deltas: PlanDeltas) -> Result<Plan, BuildPlanError> {
    let realize = inputs.realize;
    let live = LiveIndex::for_snapshot(inputs.snapshot);
    let new =
        SharedObjects::from_resources(inputs.shared.values(), inputs.realize).with_foreign_groups(inputs.snapshot);
    let (old, new) = (SharedObjects::from_live_snapshot(inputs.snapshot, inputs.realize), new);
    let declared = inputs.declared.identities.values();
    let depends_on = declared.map(|identity| (&identity.spec.address, &identity.depends_on)).collect();
    let denials = DenialIndex::new((&old, &new), &deltas.rewritten, &inputs.snapshot.denying, realize);
    let context = PlanContext {
        depends_on: &depends_on,
        holders: &deltas.rewritten_by_principal,
        heeding: &deltas.heeding,
        denials: &denials,
        live_shared: &old,
        wanted_shared: &new,
        live: &|id| live.find_live(id),
        now: inputs.now,
        realize,
    };
    let graph = order::draft_writes(&deltas.identities, &deltas.shared, &context);
    let selected = select::select_subjects(&deltas.identities, &deltas.shared, &graph, inputs.selection);
    let graph = graph.retain_drafts(|draft| selected.contains_draft(draft));
    let steps = order::order_drafts(&graph, &context, |id| live.object_digest(id)).map_err(|cycles| {
        let findings = cycle_errors::report_cycles(&cycles, &graph, inputs.declared);
        if findings.is_empty() {
            BuildPlanError::Unsound(vec![UnsoundPlanError::Cycle(cycle_errors::subjects_on_cycles(&cycles, &graph))])
        } else {
            BuildPlanError::Findings(findings)
        }
    })?;
    drop(graph);
    let plan = Plan {
        stack: inputs.declared.stack.clone(),
        realm: inputs.snapshot.realm.clone(),
        now: inputs.now,
        basis: inputs.basis,
        selection: inputs.selection.clone(),
        settings: None,
        identities: selected.retain_identities(deltas.identities),
        shared: selected.retain_shared(deltas.shared),
        steps,
        managed: inputs.snapshot.identities.len(),
        quarantined: deltas.quarantined,
        ownership: Vec::new(),
        taken_over: BTreeSet::new(),
        not_verified: None,
        kept: deltas.kept,
        unreachable_accounts: BTreeMap::new(),
    };
    let faults = check::check_plan(&plan, inputs.snapshot);
    if faults.is_empty() { Ok(plan) } else { Err(BuildPlanError::Unsound(faults)) }
}
