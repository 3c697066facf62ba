//! What a provider tells people while it works: why it takes longer than it should. Nothing is decided by it.

use std::fmt::Debug;
use std::time::Duration;

/// Who is told. A provider is given one when it is connected; it is called from wherever calls are made, and must not take long.
pub trait Notices: Debug + Send + Sync {
    /// A call begins to wait.
    fn report_throttled_call(&self, waiting: &ThrottledCall<'_>);

    /// Calls go as fast as they come again.
    fn report_full_speed(&self);
}

/// A call that waits because the cloud throttles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThrottledCall<'a> {
    /// The operation, as the cloud names it: `iam:GetUser`.
    pub operation: &'a str,
    /// Whether this call was refused. If not, it waits for its turn, since others were.
    pub refused: bool,
    /// How long it will wait.
    pub wait: Duration,
    /// How many calls a second are let through now.
    pub rate: Option<f64>,
}
