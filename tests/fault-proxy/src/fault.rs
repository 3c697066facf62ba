//! Faults that a test injects: which requests they affect, and what happens to those.
//!
//! A [`ProxyFault`] affects all requests of an action. `skip_first`, `limit_times`, `with_probability` and
//! `limit_attempts` narrow it down, in this order: `throttle_requests("CreateUser").skip_first(1).limit_times(2)` lets
//! the first request pass, rejects the second and third, and lets all later ones pass.

use std::collections::BTreeMap;
use std::time::Duration;

/// When a fault takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultPoint {
    /// Before the request is forwarded: the emulator does not receive it.
    Before,
    /// After the emulator executed the request, before the client gets the response.
    After,
}

/// What happens to an affected request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FaultEffect {
    /// The client gets an error response, `Before`: instead of, `After`: in spite of the execution.
    Error { point: FaultPoint, status: u16, code: String, message: String },
    /// The connection is closed without a response.
    CloseConnection(FaultPoint),
    /// The request, or its response, is delayed.
    Delay(FaultPoint, Duration),
    /// The request, or its response, waits until the test releases or drops it.
    Hold(FaultPoint),
    /// The request waits up to this long for the next affected request, and is forwarded after it.
    Swap(Duration),
}

impl FaultEffect {
    /// Name of the effect in [`RecordedRequest::fault`](crate::RecordedRequest::fault).
    pub fn name(&self) -> &'static str {
        match self {
            Self::Error { point: FaultPoint::Before, .. } => "rejected",
            Self::Error { point: FaultPoint::After, .. } => "executed, error returned",
            Self::CloseConnection(FaultPoint::Before) => "request lost",
            Self::CloseConnection(FaultPoint::After) => "response lost",
            Self::Delay(..) => "delayed",
            Self::Hold(FaultPoint::Before) => "held before",
            Self::Hold(FaultPoint::After) => "held after",
            Self::Swap(_) => "swapped",
        }
    }
}

/// A fault: an action, what happens to its requests, and to which of them.
#[derive(Debug, Clone)]
pub struct ProxyFault {
    action: String,
    pub(crate) effect: FaultEffect,
    /// Number of requests that still pass.
    skip: u32,
    /// Number of requests still to affect; `None` for no limit.
    times: Option<u32>,
    /// Attempts to affect per distinct request, and those affected so far by fingerprint; `None` for no limit.
    attempts: Option<(u32, BTreeMap<u64, u32>)>,
    /// Probability, and its random numbers; `None` for certain.
    chance: Option<(f64, fastrand::Rng)>,
}

impl ProxyFault {
    fn new(action: &str, effect: FaultEffect) -> Self {
        Self { action: action.to_owned(), effect, skip: 0, times: None, attempts: None, chance: None }
    }

    /// Rejects requests with this HTTP status and error code; they are not executed. `action` is the name of an API
    /// action (`CreateUser`), `S3:` and the method for S3 (`S3:PUT`), or `*` for all requests.
    #[must_use]
    pub fn error_before(action: &str, status: u16, code: &str) -> Self {
        Self::error_at(action, FaultPoint::Before, status, code)
    }

    /// Executes requests and returns an error nevertheless.
    #[must_use]
    pub fn error_after(action: &str, status: u16, code: &str) -> Self {
        Self::error_at(action, FaultPoint::After, status, code)
    }

    fn error_at(action: &str, point: FaultPoint, status: u16, code: &str) -> Self {
        let message = "injected by the test".to_owned();
        Self::new(action, FaultEffect::Error { point, status, code: code.to_owned(), message })
    }

    /// Rejects requests as IAM does when it throttles: HTTP 400 with error code `Throttling`.
    #[must_use]
    pub fn throttle_requests(action: &str) -> Self {
        Self::error_before(action, 400, "Throttling")
    }

    /// Closes the connection without a response.
    #[must_use]
    pub fn close_connection(action: &str, point: FaultPoint) -> Self {
        Self::new(action, FaultEffect::CloseConnection(point))
    }

    /// Delays requests or their responses.
    #[must_use]
    pub fn add_delay(action: &str, point: FaultPoint, delay: Duration) -> Self {
        Self::new(action, FaultEffect::Delay(point, delay))
    }

    /// Holds requests or their responses until [`FaultProxy::release_held`](crate::FaultProxy::release_held) or
    /// [`FaultProxy::drop_held`](crate::FaultProxy::drop_held).
    #[must_use]
    pub fn hold_requests(action: &str, point: FaultPoint) -> Self {
        Self::new(action, FaultEffect::Hold(point))
    }

    /// Of two concurrent requests, executes the later one first. A request that no other one follows within this time
    /// is executed alone.
    #[must_use]
    pub fn swap_order(action: &str, within: Duration) -> Self {
        Self::new(action, FaultEffect::Swap(within))
    }

    /// Affects only this many requests.
    #[must_use]
    pub fn limit_times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Lets this many requests pass first.
    #[must_use]
    pub fn skip_first(self, requests: u32) -> Self {
        Self { skip: requests, ..self }
    }

    /// Affects only the first attempts of each distinct request, this many of them. After an attempt that passes,
    /// counting starts again.
    #[must_use]
    pub fn limit_attempts(self, attempts: u32) -> Self {
        Self { attempts: Some((attempts, BTreeMap::new())), ..self }
    }

    /// Affects requests at random, from 0 (none) to 1 (all). The same seed gives the same choices.
    #[must_use]
    pub fn with_probability(self, probability: f64, seed: u64) -> Self {
        Self { chance: Some((probability, fastrand::Rng::with_seed(seed))), ..self }
    }

    /// Returns whether the fault affects this request, and counts the request. Equal fingerprints are attempts at the
    /// same request.
    pub(crate) fn matches_request(&mut self, action: &str, fingerprint: u64) -> bool {
        if self.action != "*" && self.action != action {
            return false;
        }
        if self.skip > 0 {
            self.skip = self.skip.saturating_sub(1);
            return false;
        }
        if self.times == Some(0) {
            return false;
        }
        if let Some((probability, random)) = &mut self.chance
            && random.f64() >= *probability
        {
            return false;
        }
        if let Some((limit, counts)) = &mut self.attempts {
            let attempts = counts.entry(fingerprint).or_default();
            if *attempts >= *limit {
                counts.remove(&fingerprint);
                return false;
            }
            *attempts = attempts.saturating_add(1);
        }
        self.times = self.times.map(|left| left.saturating_sub(1));
        true
    }
}
