//! Decides what each identity should be: active, quarantined, released or absent.
//!
//! In: what the stack declares, the marks of live identities, and `now`. Out: one [`IdentityStatus`] for each identity.
//!
//! The decision depends only on these inputs, never on earlier runs: the same configuration, marks and instant give the same result,
//! whatever ran or failed before. This stage does not read policies and changes nothing.
//!
//! Example: `identity.ci` with `ttl = "10d"` was created on 20 November. Until 30 November it is [`LifecyclePhase::Active`]; from then on
//! it is [`LifecyclePhase::Quarantined`]. Once its block is removed it is quarantined for the grace period, then
//! [`LifecyclePhase::Absent`].

pub mod deadline;
pub mod due_events;
pub mod exact_reads;
pub mod imports;
pub mod keys;
pub mod phase;
pub mod principal_matches;
pub mod status;

pub use deadline::{LeaseDeadline, compute_deadline};
pub use phase::{LeaveReason, LifecyclePhase};
pub use status::{IdentityStatus, decide_phases};
