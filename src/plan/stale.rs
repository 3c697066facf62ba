//! Whether a saved plan still applies exactly as it was reviewed.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt;

use leasehold_provider::{Digest, Realm, Resource, ResourceId, Snapshot};

use super::{Plan, PlanBasis};

/// One thing that is no longer as the plan was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Staleness {
    /// Another version of the program made it.
    Version {
        /// The one that made it.
        made_by: String,
        /// This one.
        this: String,
    },
    /// A file of the configuration has changed.
    FileChanged(String),
    /// A file of the configuration is new.
    FileAdded(String),
    /// A file of the configuration is gone.
    FileGone(String),
    /// It is for another account, or another cloud.
    Realm {
        /// Where it is for.
        planned: String,
        /// Where this is.
        here: String,
    },
    /// A live object that it touches has changed.
    ObjectChanged(ResourceId),
    /// A live object that it touches is gone.
    ObjectGone(ResourceId),
    /// An object that it would make is there.
    ObjectAppeared(ResourceId),
}

impl fmt::Display for Staleness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { made_by, this } => write!(f, "made by leasehold {made_by}, this is {this}"),
            Self::FileChanged(name) => write!(f, "{name} has changed"),
            Self::FileAdded(name) => write!(f, "{name} is new"),
            Self::FileGone(name) => write!(f, "{name} is gone"),
            Self::Realm { planned, here } => write!(f, "made for {planned}, this is {here}"),
            Self::ObjectChanged(id) => write!(f, "{id} has changed in the cloud"),
            Self::ObjectGone(id) => write!(f, "{id} is gone from the cloud"),
            Self::ObjectAppeared(id) => write!(f, "{id} has appeared in the cloud"),
        }
    }
}

/// What of the plan's basis differs from what stands now: the program's version and the configuration's files.
#[must_use]
pub fn check_basis_staleness(planned: &PlanBasis, version: &str, files: &BTreeMap<String, Digest>) -> Vec<Staleness> {
    let mut stale = Vec::new();
    if planned.version != version {
        stale.push(Staleness::Version { made_by: planned.version.clone(), this: version.to_owned() });
    }
    for (name, digest) in &planned.files {
        match files.get(name) {
            None => stale.push(Staleness::FileGone(name.clone())),
            Some(now) if now != digest => stale.push(Staleness::FileChanged(name.clone())),
            Some(_) => {}
        }
    }
    stale.extend(files.keys().filter(|name| !planned.files.contains_key(*name)).cloned().map(Staleness::FileAdded));
    stale
}

/// Whether the plan is for another place than `here`.
#[must_use]
pub fn check_realm_staleness(planned: &Realm, here: &Realm) -> Option<Staleness> {
    let (then, now) = (planned.accounts(), here.accounts());
    let same = planned.others.len() == here.others.len()
        && then.zip(now).all(|((then, planned), (now, here))| then == now && planned.is_same_account(here));
    (!same).then(|| Staleness::Realm { planned: planned.to_string(), here: here.to_string() })
}

/// Which of the live objects that the plan touches are not as it found them.
#[must_use]
pub fn check_object_staleness(plan: &Plan, snapshot: &Snapshot) -> Vec<Staleness> {
    let live = LiveIndex::for_snapshot(snapshot);
    plan.preconditions()
        .into_iter()
        .filter_map(|(id, planned)| match (planned, live.object_digest(id)) {
            (None, None) => None,
            (None, Some(_)) => Some(Staleness::ObjectAppeared(id.clone())),
            (Some(_), None) => Some(Staleness::ObjectGone(id.clone())),
            (Some(planned), Some(now)) => (planned != now).then(|| Staleness::ObjectChanged(id.clone())),
        })
        .collect()
}

/// The live objects of a stack by id, indexed when the first one is asked for: a plan that changes nothing asks for none.
pub struct LiveIndex<'a> {
    objects: OnceCell<BTreeMap<&'a ResourceId, &'a Resource>>,
    snapshot: &'a Snapshot,
}

impl<'a> LiveIndex<'a> {
    /// The index of a snapshot.
    #[must_use]
    pub fn for_snapshot(snapshot: &'a Snapshot) -> Self {
        Self { objects: OnceCell::new(), snapshot }
    }

    /// The live object of that id, if it is this stack's.
    #[must_use]
    pub fn find_live(&self, id: &ResourceId) -> Option<&'a Resource> {
        self.live_objects().get(id).copied()
    }

    fn live_objects(&self) -> &BTreeMap<&'a ResourceId, &'a Resource> {
        self.objects.get_or_init(|| {
            let shared = self.snapshot.shared.iter().map(|(id, shared)| (id, &shared.resource));
            let parts = self.snapshot.identities.values().flat_map(|identity| identity.resources.iter());
            let unmarked = self.snapshot.unmarked.values().flat_map(|found| found.resources.iter());
            shared.chain(parts).chain(unmarked).collect()
        })
    }

    /// The digest of what an object whose name the cloud will choose comes beside: a plan that was carried out already finds one more.
    fn sibling_digest(&self, id: &ResourceId) -> Option<Digest> {
        let holder = id.name.strip_suffix(ResourceId::NEW)?;
        let from = ResourceId::new(id.kind.clone(), holder);
        let of_holder = |other: &&&ResourceId| other.kind == id.kind && other.name.starts_with(holder);
        let here = |other: &&&ResourceId| other.account == id.account;
        let there = self.live_objects().range::<ResourceId, _>(&from..).map(|(id, _)| id).take_while(of_holder);
        let there: Vec<&&ResourceId> = there.filter(here).collect();
        (!there.is_empty()).then(|| Digest::from_serializable(&there))
    }

    /// The digest of the live object of that id; a stranger's is that of its own name. `None`: there is none.
    #[must_use]
    pub fn object_digest(&self, id: &ResourceId) -> Option<Digest> {
        if id.is_new() {
            return self.sibling_digest(id);
        }
        match self.find_live(id) {
            Some(resource) => Some(resource.compute_digest()),
            None => self.snapshot.strangers.get(id).map(|stranger| Digest::from_serializable(&stranger.arn)),
        }
    }
}
