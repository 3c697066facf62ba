//! Faults that a test injects into the emulator.

use std::time::Duration;

use serde::Serialize;

/// A fault: the action that it affects, its effect, and how often it occurs.
#[derive(Debug, Clone, Serialize)]
pub struct Fault {
    action: String,
    account: Option<String>,
    key: Option<String>,
    #[serde(flatten)]
    how: How,
    times: Option<u32>,
    skip: u32,
}

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
enum How {
    Error { status: u16, code: String, message: Option<String>, ahead: i64 },
    Delay { seconds: f64 },
    DelayResponse { seconds: f64 },
    DropResponse,
    CutResponse { keep: f64 },
    DropRequest,
    Hold,
    HoldResponse,
    Skew { seconds: i64 },
}

impl Fault {
    fn new(action: &str, how: How) -> Self {
        Self { action: action.to_owned(), account: None, key: None, how, times: None, skip: 0 }
    }

    /// Rejects the call with this error code, without executing it. `action` is the name of an API action, or `*` for all.
    #[must_use]
    pub fn error(action: &str, status: u16, code: &str) -> Self {
        Self::new(action, How::Error { status, code: code.to_owned(), message: None, ahead: 0 })
    }

    /// Throttles the call, as IAM does: HTTP 400 with error code `Throttling`.
    #[must_use]
    pub fn throttle(action: &str) -> Self {
        Self::error(action, 400, "Throttling").with_message("Rate exceeded")
    }

    /// Denies the call: the caller does not have permission.
    #[must_use]
    pub fn deny(action: &str) -> Self {
        let service = if action == "GetCallerIdentity" { "sts" } else { "iam" };
        let message =
            format!("User: arn:aws:iam::123456789012:user/moto is not authorized to perform: {service}:{action}");
        Self::error(action, 403, "AccessDenied").with_message(&message)
    }

    /// Delays the call before it is executed.
    #[must_use]
    pub fn delay(action: &str, how_long: Duration) -> Self {
        Self::new(action, How::Delay { seconds: how_long.as_secs_f64() })
    }

    /// Executes the call at once, and delays its response.
    #[must_use]
    pub fn delay_response(action: &str, how_long: Duration) -> Self {
        Self::new(action, How::DelayResponse { seconds: how_long.as_secs_f64() })
    }

    /// Executes the call, and closes the connection without a response.
    #[must_use]
    pub fn drop_response(action: &str) -> Self {
        Self::new(action, How::DropResponse)
    }

    /// Executes the call, and returns only this part of its response (0 to 1), with a matching `Content-Length`.
    #[must_use]
    pub fn cut_response(action: &str, keep: f64) -> Self {
        Self::new(action, How::CutResponse { keep })
    }

    /// Closes the connection before the call is executed.
    #[must_use]
    pub fn drop_request(action: &str) -> Self {
        Self::new(action, How::DropRequest)
    }

    /// Holds the call before it is executed, until [`Emulator::release_held`](crate::Emulator::release_held), at most one minute.
    #[must_use]
    pub fn hold(action: &str) -> Self {
        Self::new(action, How::Hold)
    }

    /// Executes the call at once, and holds its response as [`Fault::hold`] holds a call.
    #[must_use]
    pub fn hold_response(action: &str) -> Self {
        Self::new(action, How::HoldResponse)
    }

    /// Answers from a server whose clock is this many seconds ahead.
    #[must_use]
    pub fn skew(action: &str, seconds: i64) -> Self {
        Self::new(action, How::Skew { seconds })
    }

    /// Limits the fault to calls of this account.
    #[must_use]
    pub fn in_account(self, account: &str) -> Self {
        Self { account: Some(account.to_owned()), ..self }
    }

    /// Limits the fault to this many calls.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Limits a fault of an S3 action to requests whose key or query contains this text.
    #[must_use]
    pub fn on_key(self, part: &str) -> Self {
        Self { key: Some(part.to_owned()), ..self }
    }

    /// Lets this many calls pass first.
    #[must_use]
    pub fn after(self, calls: u32) -> Self {
        Self { skip: calls, ..self }
    }

    /// Sets the message, if the fault is an error.
    #[must_use]
    pub fn with_message(mut self, text: &str) -> Self {
        if let How::Error { message, .. } = &mut self.how {
            *message = Some(text.to_owned());
        }
        self
    }

    /// Sets how many seconds the clock of the server is ahead, if the fault is an error.
    #[must_use]
    pub fn with_clock_ahead(mut self, seconds: i64) -> Self {
        if let How::Error { ahead, .. } = &mut self.how {
            *ahead = seconds;
        }
        self
    }
}
