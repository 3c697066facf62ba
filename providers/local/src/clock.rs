//! The time of a directory, which its caller gives.

use std::sync::Arc;

use jiff::Timestamp;

/// Source of the current time, which becomes the creation time of new objects.
pub type DirectoryClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
