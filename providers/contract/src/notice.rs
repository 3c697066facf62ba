//! Notices from a provider to the user while it works: why it is slow. They do not affect any decision.

use std::fmt::Debug;
use std::time::Duration;

/// Receives notices. A provider gets one when it connects, and calls it from wherever it makes API calls. The methods
/// must return quickly.
pub trait Notices: Debug + Send + Sync {
    /// A call starts to wait because of throttling.
    fn report_throttled_call(&self, waiting: &ThrottledCall<'_>);

    /// Calls no longer wait.
    fn report_full_speed(&self);
}

/// A call that waits because the cloud throttles the caller.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThrottledCall<'a> {
    /// The operation, as the cloud names it: `iam:GetUser`.
    pub operation: &'a str,
    /// Whether the cloud refused this call. If false, the call waits for its turn because other calls were refused.
    pub refused: bool,
    /// How long the call will wait.
    pub wait: Duration,
    /// The current limit, in calls per second. `None`: there is no limit.
    pub rate: Option<f64>,
}
