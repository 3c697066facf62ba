//! One write: the change that a step of a plan asks a provider to make.

use serde::{Deserialize, Serialize};

use crate::{Marks, Resource, ResourceId};

/// One change to one resource. It contains every value the write needs, so the provider that carries it out decides
/// nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Change {
    /// Create the object, with its marks in the same call where the cloud supports that.
    Create {
        /// The state to create.
        after: Box<Resource>,
    },
    /// Change the attributes. Marks are not changed: a [`Change::Mark`] follows if they differ.
    Update {
        /// The state that the plan found.
        before: Box<Resource>,
        /// The state to reach.
        after: Box<Resource>,
    },
    /// Delete the object.
    Delete {
        /// The state that the plan found.
        before: Box<Resource>,
    },
    /// Write the marks. This is always the last step of an identity's change, because the `digest` mark describes the
    /// final state.
    Mark {
        /// The object that carries them.
        id: ResourceId,
        /// The marks that the plan found.
        before: Option<Box<Marks>>,
        /// The marks to write.
        after: Box<Marks>,
    },
    /// Import an object: put marks on an object that has none, and change nothing else. From then on it belongs to
    /// the stack. This is the only write to an object that is not the stack's, and the configuration must name the
    /// object.
    #[serde(rename = "adopt")]
    Import {
        /// The object.
        id: ResourceId,
        /// The marks to write.
        after: Box<Marks>,
    },
    /// Release an object: remove its marks, and change nothing else. From then on it belongs to no stack.
    #[serde(rename = "unmark")]
    Release {
        /// The object.
        id: ResourceId,
        /// The marks that the plan found.
        before: Box<Marks>,
    },
}

/// The kind of a [`Change`], without its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// [`Change::Create`].
    Create,
    /// [`Change::Update`].
    Update,
    /// [`Change::Delete`].
    Delete,
    /// [`Change::Mark`].
    Mark,
    /// [`Change::Import`].
    #[serde(rename = "adopt")]
    Import,
    /// [`Change::Release`].
    #[serde(rename = "unmark")]
    Release,
}

impl Change {
    /// The object that it changes.
    #[must_use]
    pub fn id(&self) -> &ResourceId {
        match self {
            Self::Create { after } | Self::Update { after, .. } => &after.id,
            Self::Delete { before } => &before.id,
            Self::Mark { id, .. } | Self::Import { id, .. } | Self::Release { id, .. } => id,
        }
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> ChangeKind {
        match self {
            Self::Create { .. } => ChangeKind::Create,
            Self::Update { .. } => ChangeKind::Update,
            Self::Delete { .. } => ChangeKind::Delete,
            Self::Mark { .. } => ChangeKind::Mark,
            Self::Import { .. } => ChangeKind::Import,
            Self::Release { .. } => ChangeKind::Release,
        }
    }

    /// Whether it writes or removes marks and changes nothing else.
    #[must_use]
    pub fn is_marks_only(&self) -> bool {
        matches!(self, Self::Mark { .. } | Self::Import { .. } | Self::Release { .. })
    }

    /// The marks that the object carries after the change. `None`: the change does not write marks.
    #[must_use]
    pub fn marks_after(&self) -> Option<&Marks> {
        match self {
            Self::Create { after } => after.marks.as_ref(),
            Self::Mark { after, .. } | Self::Import { after, .. } => Some(after),
            Self::Update { .. } | Self::Delete { .. } | Self::Release { .. } => None,
        }
    }

    /// The object before the change. `None` for a creation and for changes of marks only.
    #[must_use]
    pub fn resource_before(&self) -> Option<&Resource> {
        match self {
            Self::Update { before, .. } | Self::Delete { before } => Some(before),
            Self::Create { .. } | Self::Mark { .. } | Self::Import { .. } | Self::Release { .. } => None,
        }
    }

    /// The object after the change. `None` for a deletion and for changes of marks only.
    #[must_use]
    pub fn resource_after(&self) -> Option<&Resource> {
        match self {
            Self::Create { after } | Self::Update { after, .. } => Some(after),
            Self::Delete { .. } | Self::Mark { .. } | Self::Import { .. } | Self::Release { .. } => None,
        }
    }
}
