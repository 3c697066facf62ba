//! One scenario in one world: it wants a state, brings it about, and looks whether it came about.

use std::collections::{BTreeMap, BTreeSet};

use super::diff::{self, Wanted};
use super::{Failure, Law, World, WorldError, Worlds, cast};
use crate::resource::identity_digest;
use crate::{
    Change, DesiredIdentity, EnactError, ObserveError, ObserveRequest, Provider, Quarantine, Realm, Resource,
    ResourceId, Snapshot, StackName,
};

/// A scenario cannot go on. What broke is in the failures already.
#[derive(Debug)]
pub struct Stopped;

/// How often each change is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    Once,
    Twice,
}

/// A world with a stack in it.
pub struct Stage<'a> {
    pub world: Box<dyn World>,
    pub stack: StackName,
    pub realm: Realm,
    failures: &'a mut Vec<Failure>,
    /// What happens, for the failures.
    pub scene: String,
}

impl<'a> Stage<'a> {
    /// A fresh world, and nothing of the stack in it.
    pub async fn set(worlds: &dyn Worlds, failures: &'a mut Vec<Failure>, scene: &str) -> Result<Self, Stopped> {
        let scenery = |detail: String| Failure { law: Law::Scenery, detail: format!("{scene}: {detail}") };
        let world = match worlds.fresh().await {
            Ok(world) => world,
            Err(error) => {
                failures.push(scenery(format!("no world: {error}")));
                return Err(Stopped);
            }
        };
        let realm = match world.provider().realm().await {
            Ok(realm) => realm,
            Err(error) => {
                failures.push(scenery(format!("no realm: {error}")));
                return Err(Stopped);
            }
        };
        let stack = match StackName::new("conformance") {
            Ok(stack) => stack,
            Err(error) => {
                failures.push(scenery(error.to_string()));
                return Err(Stopped);
            }
        };
        Ok(Self { world, stack, realm, failures, scene: scene.to_owned() })
    }

    pub fn provider(&self) -> &dyn Provider {
        self.world.provider()
    }

    /// Notes that a law was broken.
    pub fn broken(&mut self, law: Law, detail: impl std::fmt::Display) {
        self.failures.push(Failure { law, detail: format!("{}: {detail}", self.scene) });
    }

    /// Notes that a law was broken unless `holds`.
    pub fn demand(&mut self, law: Law, holds: bool, detail: impl std::fmt::Display) {
        if !holds {
            self.broken(law, detail);
        }
    }

    /// What the world did; a world that fails ends the scenario.
    pub fn scenery<T>(&mut self, outcome: Result<T, WorldError>) -> Result<T, Stopped> {
        outcome.map_err(|error| {
            self.broken(Law::Scenery, error);
            Stopped
        })
    }

    /// The state in which these identities are active and the cast's scopes are there.
    pub fn active(&self, identities: &[DesiredIdentity]) -> Wanted {
        let mut wanted = Wanted::default();
        for scope in cast::scopes() {
            wanted.share(self.provider().scope(&self.realm, &self.stack, &scope));
        }
        for group in cast::groups() {
            wanted.share_all(self.provider().group(&self.realm, &self.stack, &group));
        }
        for identity in identities {
            let marks = cast::marks(&self.stack, identity);
            let principal = self.provider().principal_id(identity.principal, &identity.name);
            wanted.identity(principal, self.provider().active(&self.realm, identity, &marks));
        }
        wanted
    }

    /// The state in which an identity is quarantined, and all else is as in `wanted`. `None`: it does not live.
    pub fn quarantined(&self, wanted: &Wanted, principal: &ResourceId, snapshot: &Snapshot) -> Option<Wanted> {
        let live = snapshot.identities.get(principal)?;
        let quarantine = Quarantine { at: cast::LATER, reason: "removed".to_owned() };
        let mut wanted = wanted.clone();
        wanted.identity(principal.clone(), self.provider().quarantined(&self.realm, live, &quarantine));
        Some(wanted)
    }

    /// What is live.
    pub async fn snapshot(&mut self, wanted: &Wanted) -> Result<Snapshot, Stopped> {
        self.try_snapshot(wanted).await.map_err(|error| {
            self.broken(Law::ReadsBack, format!("observe failed: {error}"));
            Stopped
        })
    }

    async fn try_snapshot(&self, wanted: &Wanted) -> Result<Snapshot, ObserveError> {
        let exact: BTreeSet<ResourceId> = wanted.identities.keys().cloned().collect();
        let request = ObserveRequest { exact: &exact, ..ObserveRequest::plain(&self.stack, &wanted.shared) };
        self.provider().observe(request).await
    }

    /// The changes from what is live to what is wanted.
    pub async fn changes(&mut self, wanted: &Wanted) -> Result<Vec<Change>, Stopped> {
        let snapshot = self.snapshot(wanted).await?;
        diff::changes(self.provider(), wanted, &snapshot).map_err(|circle| {
            let circle: Vec<String> = circle.iter().map(ToString::to_string).collect();
            self.broken(Law::Ordered, format!("these need each other: {}", circle.join(", ")));
            Stopped
        })
    }

    /// Makes one change.
    pub async fn enact(&self, change: &Change) -> Result<(), EnactError> {
        self.provider().enact(&self.stack, change).await.map(drop)
    }

    /// Makes changes. The first that fails ends the scenario, since the later ones may need it.
    pub async fn enact_all(&mut self, changes: &[Change], times: Times) -> Result<(), Stopped> {
        for change in changes {
            if let Err(error) = self.enact(change).await {
                self.broken(Law::Enacts, format!("{}: {error}", title(change)));
                return Err(Stopped);
            }
            if times == Times::Twice
                && let Err(error) = self.enact(change).await
            {
                self.broken(Law::Repeatable, format!("{} a second time: {error}", title(change)));
            }
        }
        Ok(())
    }

    /// Brings a state about and holds it against the laws.
    pub async fn reach(&mut self, wanted: &Wanted, times: Times) -> Result<Snapshot, Stopped> {
        let changes = self.changes(wanted).await?;
        self.enact_all(&changes, times).await?;
        self.arrived(wanted).await
    }

    /// Looks whether a state came about.
    pub async fn arrived(&mut self, wanted: &Wanted) -> Result<Snapshot, Stopped> {
        let snapshot = self.snapshot(wanted).await?;
        for (id, after) in wanted.resources() {
            match diff::live(&snapshot).get(id) {
                None => self.broken(Law::ReadsBack, format!("{id} is not there")),
                Some(live) => {
                    if let Some(difference) = difference(after, live) {
                        self.broken(Law::ReadsBack, difference);
                    }
                }
            }
        }
        for id in diff::live(&snapshot).into_keys().filter(|id| !wanted.resources().contains_key(id)) {
            self.broken(Law::Leaves, format!("{id} is still there"));
        }
        for (id, identity) in &snapshot.identities {
            let digest = |resources| Some(identity_digest(BTreeMap::values(resources)));
            // A state that leaves strays where they are also leaves the digest that does not know them.
            let sealed = wanted.identities.get(id).filter(|resources| {
                let marks = resources.get(id).and_then(|principal| principal.marks.as_ref());
                marks.is_some_and(|marks| marks.digest == digest(resources))
            });
            if sealed.is_some() && identity.marks.digest != digest(&identity.resources) {
                self.broken(Law::ReadsBack, format!("the digest mark of {id} is not that of its resources"));
            }
        }
        for change in self.changes(wanted).await? {
            self.broken(Law::Settles, format!("{} is still to be done", title(&change)));
        }
        Ok(snapshot)
    }
}

/// How a live resource differs from what it should be. What it needs is not compared: that it is right shows when it goes.
fn difference(wanted: &Resource, live: &Resource) -> Option<String> {
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
pub fn title(change: &Change) -> String {
    format!("{:?} {}", change.kind(), change.id())
}
