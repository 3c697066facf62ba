//! One write: what a step asks of a provider.

use serde::{Deserialize, Serialize};

use crate::{Marks, Resource, ResourceId};

/// One change of one resource. It says everything; the provider that carries it out decides nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Change {
    /// Make it, with its marks in the same call where the cloud allows.
    Create {
        /// What it shall be.
        after: Box<Resource>,
    },
    /// Change its attributes. Marks stay as they are: a [`Change::Mark`] follows when they differ.
    Update {
        /// What it is.
        before: Box<Resource>,
        /// What it shall be.
        after: Box<Resource>,
    },
    /// Remove it.
    Delete {
        /// What it is.
        before: Box<Resource>,
    },
    /// Write its marks. Always the last step of an identity's change, so that the `digest` mark is true.
    Mark {
        /// The object that carries them.
        id: ResourceId,
        /// What they say.
        before: Option<Box<Marks>>,
        /// What they shall say.
        after: Box<Marks>,
    },
    /// Put marks on an object that carries none, and leave everything else as it is: from then on it is the stack's. The one
    /// write to what is not; the configuration names the object.
    Adopt {
        /// The object.
        id: ResourceId,
        /// What its marks shall say.
        after: Box<Marks>,
    },
    /// Take its marks off, and leave everything else as it is: from then on it is nobody's.
    Unmark {
        /// The object.
        id: ResourceId,
        /// What they say.
        before: Box<Marks>,
    },
}

/// The sort of a [`Change`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Something new.
    Create,
    /// Something else than before.
    Update,
    /// Something gone.
    Delete,
    /// Marks only.
    Mark,
    /// Marks where there were none.
    Adopt,
    /// No marks any more.
    Unmark,
}

impl Change {
    /// The object it changes.
    #[must_use]
    pub fn id(&self) -> &ResourceId {
        match self {
            Self::Create { after } | Self::Update { after, .. } => &after.id,
            Self::Delete { before } => &before.id,
            Self::Mark { id, .. } | Self::Adopt { id, .. } | Self::Unmark { id, .. } => id,
        }
    }

    /// Its sort.
    #[must_use]
    pub fn kind(&self) -> ChangeKind {
        match self {
            Self::Create { .. } => ChangeKind::Create,
            Self::Update { .. } => ChangeKind::Update,
            Self::Delete { .. } => ChangeKind::Delete,
            Self::Mark { .. } => ChangeKind::Mark,
            Self::Adopt { .. } => ChangeKind::Adopt,
            Self::Unmark { .. } => ChangeKind::Unmark,
        }
    }

    /// Whether it writes marks and nothing else.
    #[must_use]
    pub fn is_marks_only(&self) -> bool {
        matches!(self, Self::Mark { .. } | Self::Adopt { .. } | Self::Unmark { .. })
    }

    /// The marks that the object carries afterwards, where the change says.
    #[must_use]
    pub fn marks_after(&self) -> Option<&Marks> {
        match self {
            Self::Create { after } => after.marks.as_ref(),
            Self::Mark { after, .. } | Self::Adopt { after, .. } => Some(after),
            Self::Update { .. } | Self::Delete { .. } | Self::Unmark { .. } => None,
        }
    }

    /// What the object is before, where the change says.
    #[must_use]
    pub fn resource_before(&self) -> Option<&Resource> {
        match self {
            Self::Update { before, .. } | Self::Delete { before } => Some(before),
            Self::Create { .. } | Self::Mark { .. } | Self::Adopt { .. } | Self::Unmark { .. } => None,
        }
    }

    /// What the object is afterwards, where the change says.
    #[must_use]
    pub fn resource_after(&self) -> Option<&Resource> {
        match self {
            Self::Create { after } | Self::Update { after, .. } => Some(after),
            Self::Delete { .. } | Self::Mark { .. } | Self::Adopt { .. } | Self::Unmark { .. } => None,
        }
    }
}
