//! Desired resources against the snapshot → deltas: what differs, of whom, and why.
//!
//! Pure. It decides what must change and what sort of event that is in an identity's life; the order of the steps is the
//! plan's work.

pub mod access;
pub mod classify;
pub mod reason;
pub mod resources;
pub mod shared;

pub use classify::{IdentityDelta, Lifecycle, classify_identity};
pub use reason::ChangeReason;
pub use shared::SharedDelta;
