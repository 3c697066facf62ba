//! Which live objects a stack owns, by the ids that the system assigned to them.
//!
//! In: the unique id of a live object, and what the stack recorded about its objects. Out: the marks that the stack recorded
//! for it, or that it belongs to somebody else. Invariant: marks on a live object never make it the stack's. A tag can be
//! written by anybody who may tag; a unique id is assigned by the system and is never reused.
//!
//! Example: the stack created user `bot`, and IAM named it `AIDA1`. A user `eve` with id `AIDA2` that carries a copy of
//! the marks of `bot` is not owned. `bot` without any marks is.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Address, Lineage, Marks, ResourceId, StackName, UnmanagedObject};

/// How much earlier than our clock the system's clock may be when it dates an object that it has just created.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// How long after its intent was recorded a creation may reach the system. A run retries a request for at most a few
/// minutes, and a lock that is not renewed expires within this time.
const CREATION_WINDOW: SignedDuration = SignedDuration::from_mins(15);

/// The objects that a stack owns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnedObjects {
    /// What the stack recorded about each object, by unique id.
    pub objects: BTreeMap<String, OwnedObject>,
    /// Creations whose result is not known, by the id that the object would have.
    pub unconfirmed: BTreeMap<ResourceId, UnconfirmedCreation>,
}

/// What a stack recorded about one of its objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnedObject {
    /// Its id when it was last written or found.
    pub resource: ResourceId,
    /// The marks that the stack last wrote.
    pub marks: Marks,
    /// Marks of a write whose result is not known: the object has these or `marks`. `None`: there is no such write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsettled: Option<Box<Marks>>,
}

/// A creation that was sent, and whose result was not recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnconfirmedCreation {
    /// The marks that the object would have.
    pub marks: Marks,
    /// When the intent was recorded.
    pub since: Timestamp,
}

impl UnconfirmedCreation {
    /// Whether an object that the system created at `created_at` can be the result. `None`: the system does not say when.
    #[must_use]
    pub fn may_have_created(&self, created_at: Option<Timestamp>) -> bool {
        created_at.is_some_and(|at| {
            let elapsed = at.duration_since(self.since);
            -CLOCK_TOLERANCE <= elapsed && elapsed <= CREATION_WINDOW
        })
    }
}

impl OwnedObjects {
    /// The marks that the stack recorded for a live object. `None`: the stack does not own it.
    #[must_use]
    pub fn find_marks(&self, id: &ResourceId, unique_id: &str, created_at: Option<Timestamp>) -> Option<&Marks> {
        self.objects.get(unique_id).map(|object| &object.marks).or_else(|| {
            let creation = self.unconfirmed.get(id)?;
            creation.may_have_created(created_at).then_some(&creation.marks)
        })
    }
}

impl OwnedObjects {
    /// The unique id that the stack recorded for an object, for a system that does not return it. The account's alias does not count.
    #[must_use]
    pub fn find_unique_id(&self, id: &ResourceId) -> Option<&str> {
        let is_it = |object: &OwnedObject| object.resource.kind == id.kind && object.resource.name == id.name;
        self.objects.iter().find(|(_, object)| is_it(object)).map(|(unique_id, _)| unique_id.as_str())
    }
}

/// Who owns a live object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectOwner {
    /// The stack, with the marks that count.
    Stack(Box<Marks>),
    /// The stack does not own it.
    Other(ForeignMarks),
}

/// The marks on an object that the stack does not own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForeignMarks {
    /// The stack that they name. `None`: there are none, or they cannot be read.
    pub stack: Option<StackName>,
    /// The address that they name.
    pub address: Option<Address>,
    /// The lineage that they name.
    pub lineage: Option<Lineage>,
    /// Why they cannot be read. `None`: they can, or there are none.
    pub unreadable: Option<String>,
}

impl ObjectOwner {
    /// The owner of an object that the stack does not own, according to the object's tags.
    #[must_use]
    pub fn from_foreign_tags(tags: &BTreeMap<String, String>) -> Self {
        Self::Other(match Marks::from_tags(tags) {
            Ok(Some(marks)) => ForeignMarks {
                stack: Some(marks.stack),
                address: Some(marks.address),
                lineage: marks.lineage,
                unreadable: None,
            },
            Ok(None) => ForeignMarks::default(),
            Err(problem) => {
                let stack = tags.get("leasehold:stack").and_then(|name| StackName::new(name.as_str()).ok());
                ForeignMarks { stack, unreadable: Some(problem.to_string()), ..ForeignMarks::default() }
            }
        })
    }
}

impl ForeignMarks {
    /// An object with this name in the cloud that the stack does not own.
    #[must_use]
    pub fn into_unmanaged_object(self, arn: String) -> UnmanagedObject {
        let Self { stack, address, lineage, unreadable } = self;
        UnmanagedObject { stack, address, lineage, arn, unreadable }
    }
}
