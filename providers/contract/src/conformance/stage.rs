//! One scenario in one world: it wants a state, brings it about, and looks whether it came about.

use std::collections::{BTreeMap, BTreeSet};

use super::diff::{self, DesiredState};
use super::{Law, LawViolation, World, WorldError, Worlds, cast};
use crate::resource::identity_digest;
use crate::{
    Change, DesiredIdentity, EnactError, ObserveError, ObserveRequest, Provider, Quarantine, Realm, Resource,
    ResourceId, Snapshot, StackName,
};

/// A scenario cannot go on. What broke is in the failures already.
#[derive(Debug)]
pub struct ScenarioStopped;

/// How often each change is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnactCount {
    Once,
    Twice,
}

/// A world with a stack in it.
pub struct Stage<'a> {
    pub world: Box<dyn World>,
    pub stack: StackName,
    pub realm: Realm,
    failures: &'a mut Vec<LawViolation>,
    /// What happens, for the failures.
    pub scene: String,
}

impl<'a> Stage<'a> {
    /// A fresh world, and nothing of the stack in it.
    pub async fn prepare_stage(
        worlds: &dyn Worlds,
        failures: &'a mut Vec<LawViolation>,
        scene: &str,
    ) -> Result<Self, ScenarioStopped> {
        let scenery = |detail: String| LawViolation { law: Law::Scenery, detail: format!("{scene}: {detail}") };
        let world = match worlds.create_world().await {
            Ok(world) => world,
            Err(error) => {
                failures.push(scenery(format!("no world: {error}")));
                return Err(ScenarioStopped);
            }
        };
        let realm = match world.provider().read_realm().await {
            Ok(realm) => realm,
            Err(error) => {
                failures.push(scenery(format!("no realm: {error}")));
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

    pub fn provider(&self) -> &dyn Provider {
        self.world.provider()
    }

    /// Notes that a law was broken.
    pub fn report_violation(&mut self, law: Law, detail: impl std::fmt::Display) {
        self.failures.push(LawViolation { law, detail: format!("{}: {detail}", self.scene) });
    }

    /// Notes that a law was broken unless `holds`.
    pub fn require_law(&mut self, law: Law, holds: bool, detail: impl std::fmt::Display) {
        if !holds {
            self.report_violation(law, detail);
        }
    }

    /// What the world did; a world that fails ends the scenario.
    pub fn expect_world<T>(&mut self, outcome: Result<T, WorldError>) -> Result<T, ScenarioStopped> {
        outcome.map_err(|error| {
            self.report_violation(Law::Scenery, error);
            ScenarioStopped
        })
    }

    /// The state in which these identities are active and the cast's scopes are there.
    pub fn desired_active(&self, identities: &[DesiredIdentity]) -> DesiredState {
        let mut wanted = DesiredState::default();
        for scope in cast::build_scopes() {
            wanted.add_shared(self.provider().realize_scope(&self.realm, &self.stack, &scope));
        }
        for group in cast::build_groups() {
            wanted.add_group(self.provider().realize_group(&self.realm, &self.stack, &group));
        }
        for identity in identities {
            let marks = cast::build_identity_marks(&self.stack, identity);
            let principal = self.provider().principal_id(identity.principal, &identity.name);
            wanted.add_identity(principal, self.provider().realize_identity(&self.realm, identity, &marks));
        }
        wanted
    }

    /// The state in which an identity is quarantined, and all else is as in `wanted`. `None`: it does not live.
    pub fn desired_quarantine(
        &self,
        wanted: &DesiredState,
        principal: &ResourceId,
        snapshot: &Snapshot,
    ) -> Option<DesiredState> {
        let live = snapshot.identities.get(principal)?;
        let quarantine = Quarantine { at: cast::LATER, reason: "removed".to_owned() };
        let mut wanted = wanted.clone();
        wanted.add_identity(principal.clone(), self.provider().realize_quarantine(&self.realm, live, &quarantine));
        Some(wanted)
    }

    /// What is live.
    pub async fn observe_desired(&mut self, wanted: &DesiredState) -> Result<Snapshot, ScenarioStopped> {
        self.try_observe_desired(wanted).await.map_err(|error| {
            self.report_violation(Law::ReadsBack, format!("observe failed: {error}"));
            ScenarioStopped
        })
    }

    async fn try_observe_desired(&self, wanted: &DesiredState) -> Result<Snapshot, ObserveError> {
        let exact: BTreeSet<ResourceId> = wanted.identities.keys().cloned().collect();
        let request = ObserveRequest { exact: &exact, ..ObserveRequest::for_plan(&self.stack, &wanted.shared) };
        self.provider().observe_stack(request).await
    }

    /// The changes from what is live to what is wanted.
    pub async fn plan_changes(&mut self, wanted: &DesiredState) -> Result<Vec<Change>, ScenarioStopped> {
        let snapshot = self.observe_desired(wanted).await?;
        diff::compute_changes(self.provider(), wanted, &snapshot).map_err(|circle| {
            let circle: Vec<String> = circle.iter().map(ToString::to_string).collect();
            self.report_violation(Law::Ordered, format!("these need each other: {}", circle.join(", ")));
            ScenarioStopped
        })
    }

    /// Makes one change.
    pub async fn enact_one(&self, change: &Change) -> Result<(), EnactError> {
        self.provider().enact_change(&self.stack, change).await.map(drop)
    }

    /// Makes changes. The first that fails ends the scenario, since the later ones may need it.
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

    /// Brings a state about and holds it against the laws.
    pub async fn reach_state(&mut self, wanted: &DesiredState, times: EnactCount) -> Result<Snapshot, ScenarioStopped> {
        let changes = self.plan_changes(wanted).await?;
        self.enact_changes(&changes, times).await?;
        self.verify_state(wanted).await
    }

    /// Looks whether a state came about.
    pub async fn verify_state(&mut self, wanted: &DesiredState) -> Result<Snapshot, ScenarioStopped> {
        let snapshot = self.observe_desired(wanted).await?;
        for (id, after) in wanted.all_resources() {
            match diff::live_resources(&snapshot).get(id) {
                None => self.report_violation(Law::ReadsBack, format!("{id} is not there")),
                Some(live) => {
                    if let Some(difference) = describe_difference(after, live) {
                        self.report_violation(Law::ReadsBack, difference);
                    }
                }
            }
        }
        for id in diff::live_resources(&snapshot).into_keys().filter(|id| !wanted.all_resources().contains_key(id)) {
            self.report_violation(Law::Leaves, format!("{id} is still there"));
        }
        for (id, identity) in &snapshot.identities {
            let digest = |resources| Some(identity_digest(BTreeMap::values(resources)));
            // A state that leaves strays where they are also leaves the digest that does not know them.
            let sealed = wanted.identities.get(id).filter(|resources| {
                let marks = resources.get(id).and_then(|principal| principal.marks.as_ref());
                marks.is_some_and(|marks| marks.digest == digest(resources))
            });
            if sealed.is_some() && identity.marks.digest != digest(&identity.resources) {
                self.report_violation(Law::ReadsBack, format!("the digest mark of {id} is not that of its resources"));
            }
        }
        for change in self.plan_changes(wanted).await? {
            self.report_violation(Law::Settles, format!("{} is still to be done", describe_change_briefly(&change)));
        }
        Ok(snapshot)
    }
}

/// How a live resource differs from what it should be. What it needs is not compared: that it is right shows when it goes.
fn describe_difference(wanted: &Resource, live: &Resource) -> Option<String> {
    let id = &wanted.id;
    if wanted.identity != live.identity {
        return Some(format!("{id} is part of {:?}, and should be of {:?}", live.identity, wanted.identity));
    }
    if wanted.attributes != live.attributes {
        return Some(format!("{id} is {:?}, and should be {:?}", live.attributes, wanted.attributes));
    }
    let untold = live.marks.is_none() && live.identity.is_none();
    if wanted.marks != live.marks && !untold {
        return Some(format!("{id} is marked {:?}, and should be {:?}", live.marks, wanted.marks));
    }
    None
}

/// A change in a few words.
pub fn describe_change_briefly(change: &Change) -> String {
    format!("{:?} {}", change.kind(), change.id())
}
