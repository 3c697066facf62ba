//! Declared + live marks + `now` → what each identity should be.
//!
//! Decided by level, never by edge: the same configuration, marks and instant give the same answer, whatever ran or failed
//! to run before. This stage never looks at policies, and changes nothing.

pub mod deadline;
pub mod due;
pub mod exact_reads;
pub mod imports;
pub mod keys;
pub mod phase;
pub mod principal_matches;
pub mod standing;

pub use deadline::{LeaseDeadline, compute_deadline};
pub use phase::{LeaveReason, LifecyclePhase};
pub use standing::{IdentityStatus, decide_phases};
