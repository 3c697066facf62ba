//! Makes the plan for an observed stack. Pure.

use jiff::Timestamp;
use leasehold_provider::{Compare, Realizer};

use super::connection::Connection;
use super::error::WorkflowError;
use super::named::find_nearest_name;
use super::observe::{ObservedStack, RecordedSettings};
use super::stack::Stack;
use crate::config::{DeclaredStack, Sources};
use crate::plan::select::{PlanSelection, is_named_by};
use crate::plan::settings::{SettingChange, StackSettings, compare_settings};
use crate::plan::{BuildPlanError, Plan, PlanBasis, PlanInputs, build_plan};

/// What a plan is made from.
pub struct PlanRequest<'a> {
    /// The configuration.
    pub declared: &'a DeclaredStack,
    /// The files of the configuration, for errors.
    pub sources: &'a Sources,
    /// The observed live state.
    pub observed: &'a ObservedStack,
    /// The instant of the run.
    pub now: Timestamp,
    /// The pure half of the provider.
    pub realize: &'a Realizer,
    /// The comparison of access.
    pub compare: &'a dyn Compare,
    /// The inputs that the plan records.
    pub basis: PlanBasis,
    /// The part of the plan that is wanted.
    pub selection: &'a PlanSelection,
}

/// Makes a plan for the stack.
///
/// # Errors
/// As for [`plan_observed`].
pub fn plan_stack(
    stack: &Stack,
    connection: &Connection,
    observed: &ObservedStack,
    now: Timestamp,
    selection: &PlanSelection,
) -> Result<Plan, WorkflowError> {
    plan_observed(PlanRequest {
        declared: &stack.declared,
        sources: &stack.sources,
        observed,
        now,
        realize: &connection.realize,
        compare: connection.compare.as_ref(),
        basis: stack.plan_basis(),
        selection,
    })
}

/// Makes a plan.
///
/// # Errors
/// The selection names nothing, the configuration cannot be realized, or the plan failed its own check.
pub fn plan_observed(request: PlanRequest<'_>) -> Result<Plan, WorkflowError> {
    let PlanRequest { declared, sources, observed, now, realize, compare, basis, selection } = request;
    check_selection(declared, observed, selection)?;
    let (shared, snapshot) = (&observed.shared, &observed.snapshot);
    let plan = build_plan(PlanInputs { declared, shared, snapshot, now, realize, compare, basis, selection });
    let plan = plan.map_err(|refused| match refused {
        BuildPlanError::Findings(findings) => WorkflowError::Findings { findings, sources: sources.clone() },
        BuildPlanError::Unsound(faults) => WorkflowError::Unsound(faults),
    })?;
    let settings = observed.recorded_settings.as_ref().map(|recorded| find_setting_changes(recorded, &plan, observed));
    let plan = Plan { unreachable_accounts: observed.unreachable_accounts.clone(), settings, ..plan };
    Ok(observed.ownership.add_to_plan(plan))
}

/// The changes of settings. A stack without live objects and without recorded settings has not been applied yet, so no setting of it
/// changes. Objects that it could import are not its own.
fn find_setting_changes(recorded: &RecordedSettings, plan: &Plan, observed: &ObservedStack) -> Vec<SettingChange> {
    let snapshot = &observed.snapshot;
    match &recorded.0 {
        None if snapshot.identities.is_empty() && snapshot.shared.values().all(|object| object.importable) => {
            Vec::new()
        }
        recorded => compare_settings(recorded.as_ref(), &StackSettings::from_basis(&plan.basis)),
    }
}

/// A target or exclusion that names nothing is a typing error, and would give another plan than intended.
fn check_selection(
    stack: &DeclaredStack,
    observed: &ObservedStack,
    selection: &PlanSelection,
) -> Result<(), WorkflowError> {
    for pattern in selection.targets.iter().chain(&selection.excludes) {
        let declared = stack.identities.keys().any(|address| is_named_by(pattern, address));
        let live = observed.snapshot.identities.values().any(|identity| is_named_by(pattern, identity.address()));
        let scope = stack.scopes.values().any(|(scope, _)| is_named_by(pattern, &scope.address()));
        let group = stack.groups.values().any(|group| is_named_by(pattern, &group.group.address));
        let federations = || stack.federations.values().map(|(federation, _)| federation.address());
        let federation = federations().any(|address| is_named_by(pattern, &address));
        if !declared && !live && !scope && !group && !federation {
            let live = observed.snapshot.identities.values().map(|identity| identity.address().to_string());
            let scopes = stack.scopes.values().map(|(scope, _)| scope.address().to_string());
            let groups = stack.groups.values().map(|group| group.group.address.to_string());
            let declared = stack.identities.keys().map(ToString::to_string);
            let known: Vec<String> = declared
                .chain(live)
                .chain(scopes)
                .chain(groups)
                .chain(federations().map(|address| address.to_string()))
                .collect();
            let nearest =
                find_nearest_name(pattern, &known).map_or_else(String::new, |name| format!("; did you mean {name}?"));
            return Err(anyhow::anyhow!("no address in stack {} matches {pattern}{nearest}", stack.stack).into());
        }
    }
    Ok(())
}
