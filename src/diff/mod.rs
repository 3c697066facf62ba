//! The difference between desired resources and the snapshot, as deltas: what changes, for which identity or shared
//! object, and why.
//!
//! In: the desired resources ([`crate::realize`]) and the live ones. Out: an [`IdentityDelta`] or a [`SharedDelta`]
//! for each subject that changes. Pure: it decides what must change and which lifecycle event that is. The order of
//! the steps is decided in [`crate::plan`].
//!
//! # Example
//!
//! The configuration narrows `scope.orders_read`, which is attached to `identity.api`, and someone attached another
//! policy to `identity.report`:
//!
//! ```text
//! scope.orders_read   mover   Update the policy
//! identity.api        mover   no changes of its own; reason: the scope changed
//! identity.report     drift   Delete the attachment; reason: changed outside Leasehold
//! ```

pub mod access;
pub mod classify;
pub mod reason;
pub mod resources;
pub mod shared;

pub use classify::{IdentityDelta, Lifecycle, classify_identity};
pub use reason::ChangeReason;
pub use shared::SharedDelta;
