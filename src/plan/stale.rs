//! The reasons why a plan is stale, and the checks that find them.
//!
//! In: the plan's age, basis, realm and preconditions, and their current values. Out: every difference, as a
//! [`Staleness`]. [`super::compare`] decides whether a saved plan may be applied; these checks say why not.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use leasehold_provider::{Digest, Realm, Resource, ResourceId, Snapshot, Span};

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
    /// The plan is older than allowed.
    TooOld {
        /// The instant that the plan was made for.
        made_for: Timestamp,
        /// The present.
        now: Timestamp,
        /// The maximum age.
        limit: Span,
    },
    /// The plan was made for an instant in the future.
    InFuture {
        /// The instant that the plan was made for.
        made_for: Timestamp,
        /// The present.
        now: Timestamp,
    },
    /// A variable has another value.
    VariableChanged(String),
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
    /// A sensitive value of this object is not the reviewed one.
    SensitiveValueChanged(ResourceId),
    /// The plan has sensitive values, and the file and the stack's store do not prove that they are the reviewed ones.
    NotSealed,
    /// The plan that is made now differs in this part.
    PartDiffers(String),
    /// The plan that is made now differs, and the inputs that are recorded in the plan do not.
    Unexplained,
}

impl fmt::Display for Staleness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { made_by, this } => write!(f, "made by Leasehold {made_by}; this is Leasehold {this}"),
            Self::TooOld { made_for, now, limit } => {
                write!(f, "made for {made_for}; it is {now}, and a plan may be at most {limit} old (--max-plan-age)")
            }
            Self::InFuture { made_for, now } => write!(f, "made for {made_for}, which is in the future; it is {now}"),
            Self::VariableChanged(name) => {
                write!(f, "var.{name} has another value; pass the same --var, --var-file and LEASEHOLD_VAR_ as for the plan")
            }
            Self::FileChanged(name) => write!(f, "{name} has changed"),
            Self::FileAdded(name) => write!(f, "{name} was added"),
            Self::FileRemoved(name) => write!(f, "{name} was removed"),
            Self::Realm { planned, working_directory } => {
                write!(f, "made for {planned}; the credentials are for {working_directory}")
            }
            Self::ObjectChanged(id) => write!(f, "{id} has changed in the cloud"),
            Self::ObjectRemoved(id) => write!(f, "{id} no longer exists in the cloud"),
            Self::ObjectAppeared(id) => write!(f, "{id} now exists in the cloud"),
            Self::SensitiveValueChanged(id) => write!(
                f,
                "a sensitive value of {id} has changed since the plan was made; pass the same --var, --var-file and LEASEHOLD_VAR_ as for \
                 the plan"
            ),
            Self::NotSealed => f.write_str(
                "its sensitive values cannot be compared with the reviewed ones: their key is not in the stack's store, or the plan has \
                 others",
            ),
            Self::PartDiffers(part) => f.write_str(part),
            Self::Unexplained => f.write_str(
                "The configuration, the variables and the objects that the plan writes are as they were. Either other live \
                 objects of the stack have changed, or the file was edited",
            ),
        }
    }
}

/// The largest accepted difference between the clocks of the machines that make a plan and apply it, as for a lock.
const CLOCK_DIFFERENCE: SignedDuration = SignedDuration::from_mins(5);

/// Why the plan must not be applied at `now` because of its age; `None` if it may. `made_for` is the instant of the
/// plan, `limit` the maximum age.
#[must_use]
pub fn check_plan_age(made_for: Timestamp, now: Timestamp, limit: Span) -> Option<Staleness> {
    let age = now.duration_since(made_for);
    if age < -CLOCK_DIFFERENCE {
        return Some(Staleness::InFuture { made_for, now });
    }
    let limit_seconds = i64::from(limit.as_seconds());
    (age.as_secs() > limit_seconds).then_some(Staleness::TooOld { made_for, now, limit })
}

/// The variables whose values differ from those of the plan, or that are new or gone.
#[must_use]
pub fn check_variable_staleness(planned: &PlanBasis, now: &PlanBasis) -> Vec<Staleness> {
    let names: BTreeSet<&String> = planned.variables.keys().chain(now.variables.keys()).collect();
    let differs = |name: &&String| planned.variables.get(*name) != now.variables.get(*name);
    names.into_iter().filter(differs).cloned().map(Staleness::VariableChanged).collect()
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
