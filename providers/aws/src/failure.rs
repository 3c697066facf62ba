//! Explains failed calls: what a failure means for the call, and what the operator can do about it.
//!
//! In: an error of the SDK, and the [`CallContext`] of the call. Out: a [`CallError`] with a cause, a message and a remedy.
//!
//! - `service_error`: AWS answered with an error.
//! - `request`: no answer arrived.
//! - `credentials`: no credentials could be loaded to sign the call.

mod call_context;
mod credentials;
mod request;
mod service_error;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::fmt::Write as _;

use crate::error_chain::{describe_chain, has_source};
use crate::skew;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
pub use call_context::CallContext;
use leasehold_provider::{EnactError, EnactErrorKind, ObserveError, ObserveErrorKind};
use service_error::ServiceError;

/// The cause of a failure, by what it says about whether the call took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallErrorCause {
    /// Throttled: AWS did nothing.
    Throttled,
    /// The request could not be sent: AWS did nothing.
    Unreachable,
    /// The request was sent but no answer arrived: it may have taken effect.
    NoAnswer,
    /// The service failed: the request may have taken effect.
    Faulted,
    /// The caller lacks permission.
    Denied,
    /// There are no credentials, or AWS does not accept them.
    Unauthenticated,
    /// Rejected permanently: AWS did nothing.
    Rejected,
    /// The answer cannot be read: the request may have taken effect.
    Malformed,
}

/// A failed call, or an answer that cannot be understood.
#[derive(Debug, Clone)]
pub struct CallError {
    /// The operation, as policies name it: `iam:CreateRole`.
    pub operation: &'static str,
    /// The cause of the failure.
    pub cause: CallErrorCause,
    /// AWS's error code. `None` if the answer has none.
    pub code: Option<String>,
    /// What happened, for the user.
    pub message: String,
    /// What to do about it. `None` if there is no specific advice.
    pub help: Option<String>,
}

impl CallError {
    /// The error for an answer that lacks something that AWS's documentation promises.
    pub fn from_malformed_answer(operation: &'static str, message: impl Into<String>) -> Self {
        Self {
            operation,
            cause: CallErrorCause::Malformed,
            code: None,
            message: message.into(),
            help: Some(
                "run the command again; if the error persists, report it with the name of the object".to_owned(),
            ),
        }
    }

    /// The error for a failed call of the SDK.
    pub fn from_sdk_error<E>(operation: &'static str, error: SdkError<E, HttpResponse>, place: CallContext<'_>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        match &error {
            SdkError::ServiceError(service) => {
                let clock = skew::describe_skew(skew::measure_skew(service.raw(), place.now));
                let service_error = ServiceError {
                    operation,
                    status: service.raw().status().as_u16(),
                    code: service.err().code().unwrap_or_default(),
                    message: service.err().message().unwrap_or("no message"),
                    location: service.raw().headers().get("location"),
                    place,
                    clock: &clock,
                };
                service_error.explain_service_error()
            }
            SdkError::ResponseError(response) => {
                let status = response.raw().status().as_u16();
                let cause = if status >= 500 { CallErrorCause::Faulted } else { CallErrorCause::Malformed };
                let message = format!("the response (HTTP {status}) cannot be read: {}", describe_chain(&error));
                let help = format!(
                    "run the command again; if the error persists, check for a device between this machine and {} that changes or truncates responses",
                    place.name()
                );
                Self { operation, cause, code: None, message, help: Some(help) }
            }
            SdkError::TimeoutError(_) => request::explain_timeout(operation, place),
            _ if has_source::<CredentialsError>(&error) => credentials::explain_unloaded(operation, &error, place),
            SdkError::DispatchFailure(_) => request::explain_failed_request(operation, &error, place),
            other => {
                let message = describe_chain(other);
                let help = "this is a bug in Leasehold: report it with this message".to_owned();
                Self { operation, cause: CallErrorCause::Rejected, code: None, message, help: Some(help) }
            }
        }
    }

    /// Adds the number of attempts and the time spent, if there was more than one attempt.
    pub fn with_attempts(mut self, attempts: u32, spent: std::time::Duration) -> Self {
        if attempts > 1 {
            let _ = write!(self.message, "; {attempts} attempts in {} s", spent.as_secs().max(1));
        }
        self
    }

    /// Whether AWS returned this error code.
    pub fn has_code(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// Whether the object to be read or written does not exist.
    pub fn is_absent(&self) -> bool {
        self.has_code("NoSuchEntity") || self.has_code("NoSuchEntityException")
    }

    /// Whether an object with this name already exists.
    pub fn is_name_taken(&self) -> bool {
        self.has_code("EntityAlreadyExists") || self.has_code("EntityAlreadyExistsException")
    }

    /// Whether the call exceeds a quota or a size limit.
    pub fn is_limit(&self) -> bool {
        self.has_code("LimitExceeded") || self.has_code("LimitExceededException")
    }

    /// Whether the object cannot be deleted because other objects are attached to it.
    pub fn is_delete_conflict(&self) -> bool {
        self.has_code("DeleteConflict") || self.has_code("DeleteConflictException")
    }

    /// Whether the failure is expected for some time after an object was created, until IAM shows the object everywhere.
    pub fn may_pass(&self) -> bool {
        let unseen_principal = (self.has_code("MalformedPolicyDocument")
            || self.has_code("MalformedPolicyDocumentException"))
            && self.message.contains("principal");
        unseen_principal
            || self.is_absent()
            || ["ConcurrentModification", "EntityTemporarilyUnmodifiable", "DeleteConflict"]
                .iter()
                .any(|code| self.code.as_deref().is_some_and(|given| given.trim_end_matches("Exception") == *code))
    }
}

impl From<CallError> for ObserveError {
    fn from(failure: CallError) -> Self {
        let kind = match failure.cause {
            CallErrorCause::Throttled => ObserveErrorKind::Throttled,
            CallErrorCause::Unreachable | CallErrorCause::NoAnswer => ObserveErrorKind::Unreachable,
            CallErrorCause::Denied => ObserveErrorKind::Denied,
            CallErrorCause::Unauthenticated => ObserveErrorKind::Unauthenticated,
            CallErrorCause::Malformed => ObserveErrorKind::Malformed,
            CallErrorCause::Faulted | CallErrorCause::Rejected => ObserveErrorKind::Other,
        };
        Self { kind, operation: failure.operation.to_owned(), message: failure.message, help: failure.help }
    }
}

impl From<CallError> for EnactError {
    fn from(failure: CallError) -> Self {
        let kind = match failure.cause {
            CallErrorCause::Throttled => EnactErrorKind::Throttled,
            CallErrorCause::Unreachable | CallErrorCause::NoAnswer => EnactErrorKind::Unreachable,
            CallErrorCause::Denied | CallErrorCause::Unauthenticated => EnactErrorKind::Denied,
            CallErrorCause::Rejected if failure.is_limit() => EnactErrorKind::Limit,
            CallErrorCause::Rejected if failure.may_pass() => EnactErrorKind::Conflict,
            CallErrorCause::Faulted | CallErrorCause::Rejected | CallErrorCause::Malformed => EnactErrorKind::Other,
        };
        let help = failure.help.clone().or_else(|| match kind {
            EnactErrorKind::Conflict if failure.is_delete_conflict() => Some(
                "something that the plan did not include is attached to it: make a new plan; if the error persists, check the object in the console"
                    .to_owned(),
            ),
            EnactErrorKind::Conflict => Some("make a new plan: the account has changed since this plan".to_owned()),
            _ => None,
        });
        // Only a refusal is certain. For the other causes, the next run finds out what was done: it starts from the observed account.
        let open =
            matches!(failure.cause, CallErrorCause::NoAnswer | CallErrorCause::Faulted | CallErrorCause::Malformed);
        let message = failure.message + if open { "; it is not known whether the change was made" } else { "" };
        Self { kind, operation: failure.operation.to_owned(), message, help, requests: Vec::new() }
    }
}
