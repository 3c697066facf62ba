//! Faults that a test orders from the emulator.

use std::time::Duration;

use serde::Serialize;

/// What shall go wrong, with which API, how often.
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

    /// The call is refused with this code, and does nothing. `action` is an API's name, or `*` for all.
    #[must_use]
    pub fn error(action: &str, status: u16, code: &str) -> Self {
        Self::new(action, How::Error { status, code: code.to_owned(), message: None, ahead: 0 })
    }

    /// The call is refused for now, as IAM does it: HTTP 400 with code `Throttling`.
    #[must_use]
    pub fn throttle(action: &str) -> Self {
        Self::error(action, 400, "Throttling").saying("Rate exceeded")
    }

    /// The caller may not make the call.
    #[must_use]
    pub fn deny(action: &str) -> Self {
        let service = if action == "GetCallerIdentity" { "sts" } else { "iam" };
        let message =
            format!("User: arn:aws:iam::123456789012:user/moto is not authorized to perform: {service}:{action}");
        Self::error(action, 403, "AccessDenied").saying(&message)
    }

    /// The call is held this long before it is carried out.
    #[must_use]
    pub fn delay(action: &str, how_long: Duration) -> Self {
        Self::new(action, How::Delay { seconds: how_long.as_secs_f64() })
    }

    /// The call is carried out at once, and its answer held this long.
    #[must_use]
    pub fn delay_response(action: &str, how_long: Duration) -> Self {
        Self::new(action, How::DelayResponse { seconds: how_long.as_secs_f64() })
    }

    /// The call is carried out and the connection closed without an answer.
    #[must_use]
    pub fn drop_response(action: &str) -> Self {
        Self::new(action, How::DropResponse)
    }

    /// The call is carried out, and only this part of its answer arrives (0 to 1), with a `Content-Length` that fits.
    #[must_use]
    pub fn cut_response(action: &str, keep: f64) -> Self {
        Self::new(action, How::CutResponse { keep })
    }

    /// The connection is closed before the call is carried out.
    #[must_use]
    pub fn drop_request(action: &str) -> Self {
        Self::new(action, How::DropRequest)
    }

    /// The call is held before it is carried out, until [`Emulator::let_go`](crate::Emulator::let_go) or for a minute.
    #[must_use]
    pub fn hold(action: &str) -> Self {
        Self::new(action, How::Hold)
    }

    /// The call is carried out at once, and its answer held as [`Fault::hold`] holds a call.
    #[must_use]
    pub fn hold_response(action: &str) -> Self {
        Self::new(action, How::HoldResponse)
    }

    /// The answer comes from a server whose clock is so many seconds ahead.
    #[must_use]
    pub fn skew(action: &str, seconds: i64) -> Self {
        Self::new(action, How::Skew { seconds })
    }

    /// The same, for calls in the name of that account only.
    #[must_use]
    pub fn within(self, account: &str) -> Self {
        Self { account: Some(account.to_owned()), ..self }
    }

    /// The same, for so many calls only.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// The same, of S3 for keys only that contain this.
    #[must_use]
    pub fn on_key(self, part: &str) -> Self {
        Self { key: Some(part.to_owned()), ..self }
    }

    /// The same, once so many calls have passed.
    #[must_use]
    pub fn after(self, calls: u32) -> Self {
        Self { skip: calls, ..self }
    }

    /// The same, with this message where it is an error.
    #[must_use]
    pub fn saying(mut self, text: &str) -> Self {
        if let How::Error { message, .. } = &mut self.how {
            *message = Some(text.to_owned());
        }
        self
    }

    /// The same, from a server whose clock is so many seconds ahead, where it is an error.
    #[must_use]
    pub fn ahead(mut self, seconds: i64) -> Self {
        if let How::Error { ahead, .. } = &mut self.how {
            *ahead = seconds;
        }
        self
    }
}
