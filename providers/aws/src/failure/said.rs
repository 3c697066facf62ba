//! What AWS says by its codes, in words for an operator.

use super::{CREDENTIALS, Cause, Failure, Place};

/// Codes of refusals for now.
const THROTTLING: [&str; 10] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "PriorRequestNotComplete",
    "SlowDown",
    "BandwidthLimitExceeded",
];

const CLOCK: &str = "set the clock (NTP: `timedatectl`, `chronyc tracking`), then run it again; AWS takes a call whose time is at most five \
                     minutes off";

/// An error that the service told.
#[derive(Clone, Copy)]
pub(super) struct Said<'a> {
    pub operation: &'static str,
    /// Of HTTP.
    pub status: u16,
    pub code: &'a str,
    pub message: &'a str,
    pub place: Place<'a>,
    /// How far this machine's clock is off, in words.
    pub clock: &'a str,
}

impl Said<'_> {
    /// What it means.
    pub fn means(self) -> Failure {
        self.for_now()
            .or_else(|| self.of_rights())
            .or_else(|| self.of_credentials())
            .unwrap_or_else(|| self.of_others())
    }

    fn failure(self, cause: Cause, message: String, help: Option<String>) -> Failure {
        let code = Some(self.code.to_owned()).filter(|code| !code.is_empty());
        Failure { operation: self.operation, cause, code, message, help }
    }

    /// Our words, and AWS's behind them.
    fn words(self, what: &str) -> String {
        format!("{what} ({}: {})", self.code, self.message)
    }

    fn for_now(self) -> Option<Failure> {
        let help = "wait some minutes and run it again; a lower --parallelism helps while others use the account";
        let what = "AWS refuses for now: too many calls are made in this account";
        let is_throttled = THROTTLING.contains(&self.code) || self.status == 429;
        is_throttled.then(|| self.failure(Cause::Throttled, self.words(what), Some(help.to_owned())))
    }

    fn of_rights(self) -> Option<Failure> {
        let (what, help) = match self.code {
            "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "UnauthorizedAccess" => (
                "the caller may not do this",
                format!(
                    "allow {} to the caller; if a policy allows it, look for a permissions boundary or a service control policy \
                     that does not",
                    self.operation
                ),
            ),
            "OptInRequired" => (
                "the account is not opted in to this service or region",
                format!("enable region {} for the account, or choose another", self.place.region),
            ),
            _ => return None,
        };
        Some(self.failure(Cause::Denied, self.words(what), Some(help)))
    }

    fn of_credentials(self) -> Option<Failure> {
        let (what, help) = match self.code {
            "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => (
                "the credentials have expired".to_owned(),
                "log in again (`aws sso login`, or new session credentials), then run it again".to_owned(),
            ),
            "RequestExpired" | "RequestTimeTooSkewed" => (self.clock.to_owned(), CLOCK.to_owned()),
            "SignatureDoesNotMatch" | "InvalidSignatureException" | "IncompleteSignature" => self.of_signature(),
            "InvalidClientTokenId" | "UnrecognizedClientException" | "InvalidAccessKeyId" | "AuthFailure" => (
                "AWS does not know this access key".to_owned(),
                format!(
                    "it may be deleted, inactive, or of another partition than region {}: check AWS_ACCESS_KEY_ID or the \
                     profile, and the region",
                    self.place.region
                ),
            ),
            "MissingAuthenticationToken" | "MissingAuthenticationTokenException" => {
                ("the call carried no credentials".to_owned(), CREDENTIALS.to_owned())
            }
            _ => return None,
        };
        Some(self.failure(Cause::Unauthenticated, self.words(&what), Some(help)))
    }

    /// Why a signature does not fit: the clock, the region, or the secret.
    fn of_signature(self) -> (String, String) {
        let is_complete = self.code != "IncompleteSignature";
        if is_complete && ["Signature expired", "not yet current"].iter().any(|skew| self.message.contains(skew)) {
            return (self.clock.to_owned(), CLOCK.to_owned());
        }
        if self.message.contains("scoped to") {
            return (
                format!("the region {} is not the one these credentials are for", self.place.region),
                "set `region` in the provider block, or AWS_REGION, to a region of the account's partition".to_owned(),
            );
        }
        (
            "the secret key does not belong to the access key".to_owned(),
            "check AWS_SECRET_ACCESS_KEY or the profile: a cut or doubled character is common".to_owned(),
        )
    }

    fn of_others(self) -> Failure {
        let Self { status, code, message, .. } = self;
        if status >= 500 {
            let help = "it is AWS's, not yours: see https://health.aws.amazon.com for IAM, and run it again when that is green";
            let what = self.words(&format!("the service failed (HTTP {status})"));
            self.failure(Cause::Faulted, what, Some(help.to_owned()))
        } else if code.is_empty() {
            self.failure(Cause::Malformed, format!("HTTP {status} without a code: {message}"), None)
        } else {
            self.failure(Cause::Rejected, format!("{message} ({code})"), None)
        }
    }
}
