//! One scenario in one world: it defines a desired state, makes the changes, and verifies the result.
//!
//! A broken law is added to the list of violations, and the scenario continues if it can. [`ScenarioStopped`] means
//! that it cannot.

use std::collections::{BTreeMap, BTreeSet};

use super::diff::{self, DesiredState};
use super::{Law, LawViolation, World, WorldError, Worlds, fixtures};
use crate::resource::identity_digest;
use crate::{
    Change, DesiredIdentity, EnactError, Marks, ObserveError, ObserveRequest, Principal, Provider, Quarantine,
    Realizer, Realm, Resource, ResourceId, Snapshot, StackName,
};

/// The scenario cannot continue. The reason is already in the list of violations.
#[derive(Debug)]
pub struct ScenarioStopped;

/// How many times each change is made. [`Law::Repeatable`] is checked with two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnactCount {
    Once,
    Twice,
}

/// A world, the stack that the scenario works on, and the violations found so far.
pub struct ConformanceScenario<'a> {
    pub world: Box<dyn World>,
    pub stack: StackName,
    pub realm: Realm,
    failures: &'a mut Vec<LawViolation>,
    /// The current step of the scenario. It starts the detail of each violation.
    pub scene: String,
}

impl<'a> ConformanceScenario<'a> {
    /// Creates a new world, in which the stack has no objects.
    pub async fn start_scenario(
        worlds: &dyn Worlds,
        failures: &'a mut Vec<LawViolation>,
        scene: &str,
    ) -> Result<Self, ScenarioStopped> {
        let scenery = |detail: String| LawViolation { law: Law::TestWorld, detail: format!("{scene}: {detail}") };
        let world = match worlds.create_world().await {
            Ok(world) => world,
            Err(error) => {
                failures.push(scenery(format!("cannot create the world: {error}")));
                return Err(ScenarioStopped);
            }
        };
        let realm = match world.provider().observe.read_realm().await {
            Ok(realm) => realm,
            Err(error) => {
                failures.push(scenery(format!("cannot read the realm: {error}")));
                return Err(ScenarioStopped);
            }
        };
        let stack = match StackName::new("conformance") {
            Ok(stack) => stack,
            Err(error) => {
                failures.push(scenery(error.to_string()));
                return Err(ScenarioStopped);
            }
        };
        Ok(Self { world, stack, realm, failures, scene: scene.to_owned() })
    }

    pub fn provider(&self) -> &Provider {
        self.world.provider()
    }

    pub fn realize(&self) -> &Realizer {
        &self.world.provider().realize
    }

    /// The forms of principal that the provider has.
    pub fn principal_forms(&self) -> Vec<Principal> {
        let role = self.realize().trusts.is_some().then_some(Principal::Role);
        [Principal::User].into_iter().chain(role).collect()
    }

    /// The identities of the cast, in the forms that the provider has.
    pub fn all_identities(&self) -> Vec<DesiredIdentity> {
        let mut all = fixtures::build_identities(self.world.as_ref());
        all.retain(|identity| self.principal_forms().contains(&identity.spec.principal));
        all
    }

    /// A user and a role with every attribute, or the user alone if the provider has no roles.
    pub fn full_identities(&self) -> Vec<DesiredIdentity> {
        let mut both =
            vec![fixtures::build_full_user(self.world.as_ref()), fixtures::build_full_role(self.world.as_ref())];
        both.retain(|identity| self.principal_forms().contains(&identity.spec.principal));
        both
    }

    /// Reports a violation of `law`.
    pub fn report_violation(&mut self, law: Law, detail: impl std::fmt::Display) {
        self.failures.push(LawViolation { law, detail: format!("{}: {detail}", self.scene) });
    }

    /// Reports a violation of `law` unless `holds` is true.
    pub fn require_law(&mut self, law: Law, holds: bool, detail: impl std::fmt::Display) {
        if !holds {
            self.report_violation(law, detail);
        }
    }

    /// The result of an action of the world. If the world failed, the scenario stops.
    pub fn expect_world<T>(&mut self, outcome: Result<T, WorldError>) -> Result<T, ScenarioStopped> {
        outcome.map_err(|error| {
            self.report_violation(Law::TestWorld, error);
            ScenarioStopped
        })
    }

    /// The state in which these identities are active and the scopes and groups of the cast exist.
    pub fn desired_active(&self, identities: &[DesiredIdentity]) -> DesiredState {
        let mut desired = DesiredState::default();
        for scope in fixtures::build_scopes(&self.world.vocabulary()) {
            desired.add_shared(self.realize().objects.realize_scope(&self.realm, &self.stack, &scope));
        }
        for group in fixtures::build_groups(&self.world.vocabulary()) {
            if let Some(groups) = &self.realize().groups {
                desired.add_group(groups.realize_group(&self.realm, &self.stack, &group));
            }
        }
        for identity in identities {
            let marks = Marks::for_active_identity(self.stack.clone(), identity);
            let principal = self.realize().ids.principal_id(identity.spec.principal, &identity.spec.name);
            desired.add_identity(principal, self.realize().objects.realize_identity(&self.realm, identity, &marks));
        }
        desired
    }

    /// The state in which one identity is quarantined, and everything else is as in `wanted`. `None`: the identity
    /// does not exist.
    pub fn desired_quarantine(
        &self,
        desired: &DesiredState,
        principal: &ResourceId,
        snapshot: &Snapshot,
    ) -> Option<DesiredState> {
        let live = snapshot.identities.get(principal)?;
        let quarantine = Quarantine { at: fixtures::AFTER_DEADLINE, reason: "removed".to_owned() };
        let mut desired = desired.clone();
        desired
            .add_identity(principal.clone(), self.realize().objects.realize_quarantine(&self.realm, live, &quarantine));
        Some(desired)
    }

    /// Observes the stack, with exact reads of the principals in `wanted`.
    pub async fn observe_desired(&mut self, desired: &DesiredState) -> Result<Snapshot, ScenarioStopped> {
        self.try_observe_desired(desired).await.map_err(|error| {
            self.report_violation(Law::ReadsBack, format!("observe failed: {error}"));
            ScenarioStopped
        })
    }

    async fn try_observe_desired(&self, desired: &DesiredState) -> Result<Snapshot, ObserveError> {
        let exact: BTreeSet<ResourceId> = desired.identities.keys().cloned().collect();
        let request = ObserveRequest { exact: &exact, ..ObserveRequest::for_plan(&self.stack, &desired.shared) };
        self.provider().observe.observe_stack(request).await
    }

    /// The changes from the live state to the desired state.
    pub async fn plan_changes(&mut self, desired: &DesiredState) -> Result<Vec<Change>, ScenarioStopped> {
        let snapshot = self.observe_desired(desired).await?;
        diff::compute_changes(self.realize().semantics.as_ref(), desired, &snapshot).map_err(|circle| {
            let circle: Vec<String> = circle.iter().map(ToString::to_string).collect();
            self.report_violation(Law::Ordered, format!("these resources depend on each other: {}", circle.join(", ")));
            ScenarioStopped
        })
    }

    /// Makes one change to an object of the stack.
    pub async fn enact_one(&self, change: &Change) -> Result<(), EnactError> {
        self.provider().enact.enact_change(&self.stack, change).await.map(drop)
    }

    /// Makes changes in order. The first failure stops the scenario, because later changes may depend on it.
    pub async fn enact_changes(&mut self, changes: &[Change], times: EnactCount) -> Result<(), ScenarioStopped> {
        for change in changes {
            if let Err(error) = self.enact_one(change).await {
                self.report_violation(Law::Enacts, format!("{}: {error}", describe_change_briefly(change)));
                return Err(ScenarioStopped);
            }
            if times == EnactCount::Twice
                && let Err(error) = self.enact_one(change).await
            {
                self.report_violation(
                    Law::Repeatable,
                    format!("{} a second time: {error}", describe_change_briefly(change)),
                );
            }
        }
        Ok(())
    }

    /// Makes the changes that reach a state, and verifies the result.
    pub async fn reach_state(
        &mut self,
        desired: &DesiredState,
        times: EnactCount,
    ) -> Result<Snapshot, ScenarioStopped> {
        let changes = self.plan_changes(desired).await?;
        self.enact_changes(&changes, times).await?;
        self.verify_state(desired).await
    }

    /// Checks that the live state is the desired state, that nothing else is left, and that no changes are left to make.
    pub async fn verify_state(&mut self, desired: &DesiredState) -> Result<Snapshot, ScenarioStopped> {
        let snapshot = self.observe_desired(desired).await?;
        for (id, after) in desired.all_resources() {
            match diff::live_resources(&snapshot).get(id) {
                None => self.report_violation(Law::ReadsBack, format!("{id} does not exist")),
                Some(live) => {
                    if let Some(difference) = describe_difference(after, live) {
                        self.report_violation(Law::ReadsBack, difference);
                    }
                }
            }
        }
        for id in diff::live_resources(&snapshot).into_keys().filter(|id| !desired.all_resources().contains_key(id)) {
            self.report_violation(Law::DeletesLeavers, format!("{id} still exists"));
        }
        for (id, identity) in &snapshot.identities {
            let digest = |resources| Some(identity_digest(BTreeMap::values(resources)));
            // A state that keeps unmanaged objects also keeps the digest mark, which does not cover them.
            let sealed = desired.identities.get(id).filter(|resources| {
                let marks = resources.get(id).and_then(|principal| principal.marks.as_ref());
                marks.is_some_and(|marks| marks.digest == digest(resources))
            });
            if sealed.is_some() && identity.marks.digest != digest(&identity.resources) {
                self.report_violation(Law::ReadsBack, format!("the digest mark of {id} does not match its resources"));
            }
        }
        for change in self.plan_changes(desired).await? {
            self.report_violation(Law::Settles, format!("a change is left: {}", describe_change_briefly(&change)));
        }
        Ok(snapshot)
    }
}

/// How a live resource differs from the desired one. `None`: it does not. Dependencies are not compared: wrong ones
/// are found when the resource is deleted.
fn describe_difference(desired: &Resource, live: &Resource) -> Option<String> {
    let id = &desired.id;
    if desired.identity != live.identity {
        return Some(format!("{id} is part of {:?} instead of {:?}", live.identity, desired.identity));
    }
    if desired.attributes != live.attributes {
        return Some(format!("{id} is {:?} instead of {:?}", live.attributes, desired.attributes));
    }
    let untold = live.marks.is_none() && live.identity.is_none();
    if desired.marks != live.marks && !untold {
        return Some(format!("{id} has the marks {:?} instead of {:?}", live.marks, desired.marks));
    }
    None
}

/// The kind of a change and the id of its object.
pub fn describe_change_briefly(change: &Change) -> String {
    format!("{:?} {}", change.kind(), change.id())
}
