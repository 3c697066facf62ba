//! Checks whether a saved plan still applies exactly as it was reviewed.
//!
//! In: the plan's basis, realm and preconditions, and their current values. Out: every difference, as a
//! [`Staleness`].

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt;

use leasehold_provider::{Digest, Realm, Resource, ResourceId, Snapshot};

use super::{Plan, PlanBasis};

/// One difference between what the plan was made for and what is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Staleness {
    /// Another version of Leasehold made the plan.
    Version {
        /// The version that made it.
        made_by: String,
        /// The version that runs now.
        this: String,
    },
    /// A configuration file has changed since.
    FileChanged(String),
    /// A configuration file was added.
    FileAdded(String),
    /// A configuration file was removed.
    FileRemoved(String),
    /// The plan is for another account or another cloud.
    Realm {
        /// The realm that the plan is for.
        planned: String,
        /// The current realm.
        working_directory: String,
    },
    /// A live object that the plan writes has changed.
    ObjectChanged(ResourceId),
    /// A live object that the plan writes no longer exists.
    ObjectRemoved(ResourceId),
    /// An object that the plan would create exists already.
    ObjectAppeared(ResourceId),
}

impl fmt::Display for Staleness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { made_by, this } => write!(f, "made by Leasehold {made_by}; this is Leasehold {this}"),
            Self::FileChanged(name) => write!(f, "{name} has changed"),
            Self::FileAdded(name) => write!(f, "{name} was added"),
            Self::FileRemoved(name) => write!(f, "{name} was removed"),
            Self::Realm { planned, working_directory } => {
                write!(f, "made for {planned}; the credentials are for {working_directory}")
            }
            Self::ObjectChanged(id) => write!(f, "{id} has changed in the cloud"),
            Self::ObjectRemoved(id) => write!(f, "{id} no longer exists in the cloud"),
            Self::ObjectAppeared(id) => write!(f, "{id} now exists in the cloud"),
        }
    }
}

/// The differences between the plan's basis and the current inputs: the program's version and the configuration
/// files.
#[must_use]
pub fn check_basis_staleness(planned: &PlanBasis, version: &str, files: &BTreeMap<String, Digest>) -> Vec<Staleness> {
    let mut stale = Vec::new();
    if planned.version != version {
        stale.push(Staleness::Version { made_by: planned.version.clone(), this: version.to_owned() });
    }
    for (name, digest) in &planned.files {
        match files.get(name) {
            None => stale.push(Staleness::FileRemoved(name.clone())),
            Some(now) if now != digest => stale.push(Staleness::FileChanged(name.clone())),
            Some(_) => {}
        }
    }
    stale.extend(files.keys().filter(|name| !planned.files.contains_key(*name)).cloned().map(Staleness::FileAdded));
    stale
}

/// The difference if the plan is for another realm than `here`; `None` if it is for the same.
#[must_use]
pub fn check_realm_staleness(planned: &Realm, working_directory: &Realm) -> Option<Staleness> {
    let (then, now) = (planned.accounts(), working_directory.accounts());
    let same = planned.others.len() == working_directory.others.len()
        && then.zip(now).all(|((then, planned), (now, working_directory))| {
            then == now && planned.is_same_account(working_directory)
        });
    (!same).then(|| Staleness::Realm { planned: planned.to_string(), working_directory: working_directory.to_string() })
}

/// The live objects that the plan writes and that are not as it found them.
#[must_use]
pub fn check_object_staleness(plan: &Plan, snapshot: &Snapshot) -> Vec<Staleness> {
    let live = LiveIndex::for_snapshot(snapshot);
    plan.preconditions()
        .into_iter()
        .filter_map(|(id, planned)| match (planned, live.object_digest(id)) {
            (None, None) => None,
            (None, Some(_)) => Some(Staleness::ObjectAppeared(id.clone())),
            (Some(_), None) => Some(Staleness::ObjectRemoved(id.clone())),
            (Some(planned), Some(now)) => (planned != now).then(|| Staleness::ObjectChanged(id.clone())),
        })
        .collect()
}

/// The live objects of a stack by id. The index is built on first use: an empty plan never needs it.
pub struct LiveIndex<'a> {
    objects: OnceCell<BTreeMap<&'a ResourceId, &'a Resource>>,
    snapshot: &'a Snapshot,
}

impl<'a> LiveIndex<'a> {
    /// An index of this snapshot, not yet built.
    #[must_use]
    pub fn for_snapshot(snapshot: &'a Snapshot) -> Self {
        Self { objects: OnceCell::new(), snapshot }
    }

    /// The live object with this id, if it belongs to this stack or is to be imported.
    #[must_use]
    pub fn find_live(&self, id: &ResourceId) -> Option<&'a Resource> {
        self.live_objects().get(id).copied()
    }

    fn live_objects(&self) -> &BTreeMap<&'a ResourceId, &'a Resource> {
        self.objects.get_or_init(|| {
            let shared = self.snapshot.shared.iter().map(|(id, shared)| (id, &shared.resource));
            let parts = self.snapshot.identities.values().flat_map(|identity| identity.resources.iter());
            let import_candidates = self.snapshot.import_candidates.values().flat_map(|found| found.resources.iter());
            shared.chain(parts).chain(import_candidates).collect()
        })
    }

    /// For an object whose name the cloud chooses, such as an access key: the digest of the ids of the holder's
    /// existing objects of the same kind. Once the plan has been applied there is one more, so applying it again is
    /// stale. `None` if there are none.
    fn sibling_digest(&self, id: &ResourceId) -> Option<Digest> {
        let holder = id.name.strip_suffix(ResourceId::NEW)?;
        let from = ResourceId::new(id.kind.clone(), holder);
        let of_holder = |other: &&&ResourceId| other.kind == id.kind && other.name.starts_with(holder);
        let working_directory = |other: &&&ResourceId| other.account == id.account;
        let there = self.live_objects().range::<ResourceId, _>(&from..).map(|(id, _)| id).take_while(of_holder);
        let there: Vec<&&ResourceId> = there.filter(working_directory).collect();
        (!there.is_empty()).then(|| Digest::from_serializable(&there))
    }

    /// The digest of the live object with this id; for an object outside the stack, the digest of its ARN. `None` if
    /// it does not exist.
    #[must_use]
    pub fn object_digest(&self, id: &ResourceId) -> Option<Digest> {
        if id.is_new() {
            return self.sibling_digest(id);
        }
        match self.find_live(id) {
            Some(resource) => Some(resource.compute_digest()),
            None => self
                .snapshot
                .unmanaged_objects
                .get(id)
                .map(|unmanaged_object| Digest::from_serializable(&unmanaged_object.arn)),
        }
    }
}
