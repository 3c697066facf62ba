//! Explains errors that AWS answers with: what each code means, and what to do.

use super::credentials::NO_CREDENTIALS;
use super::{CallContext, CallError, CallErrorCause};

/// The codes of throttled calls.
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

const CLOCK: &str = "set the clock (NTP: `timedatectl`, `chronyc tracking`), then run the command again; AWS accepts a clock difference of at most \
                     five minutes";

/// Quotas that AWS does not raise (IAM user guide, "IAM and AWS STS quotas").
const FIXED_QUOTAS: [&str; 7] = [
    "AccessKeysPerUser",
    "GroupsPerUser",
    "MFADevicesPerUser",
    "MfaDevicesPerUser",
    "SSHPublicKeysPerUser",
    "SigningCertificatesPerUser",
    "VersionsPerPolicy",
];

/// An error that the service answered with.
#[derive(Debug, Clone, Copy)]
pub struct ServiceError<'a> {
    /// The operation, as policies name it: `iam:CreateRole`.
    pub operation: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// AWS's error code. Empty if the answer has none.
    pub code: &'a str,
    /// AWS's error message.
    pub message: &'a str,
    /// The HTTP header `location` of a redirect.
    pub location: Option<&'a str>,
    /// Where the call went, and with which credentials.
    pub place: CallContext<'a>,
    /// How far this machine's clock is off, as a sentence.
    pub clock: &'a str,
}

impl ServiceError<'_> {
    /// The error with its cause, message and remedy.
    pub fn explain_service_error(self) -> CallError {
        self.explain_throttled()
            .or_else(|| self.explain_denied())
            .or_else(|| self.explain_unauthenticated())
            .or_else(|| self.explain_quota())
            .or_else(|| self.explain_intermediary_response())
            .unwrap_or_else(|| self.explain_other())
    }

    fn build_call_error(self, cause: CallErrorCause, message: String, help: Option<String>) -> CallError {
        let code = Some(self.code.to_owned()).filter(|code| !code.is_empty());
        CallError { operation: self.operation, cause, code, message, help }
    }

    /// Our message with AWS's code and message in parentheses.
    fn describe_with_code(self, what: &str) -> String {
        format!("{what} ({}: {})", self.code, self.message)
    }

    fn explain_throttled(self) -> Option<CallError> {
        let help =
            "wait a few minutes and run the command again; use a lower --parallelism while other tools use the account";
        let what = "AWS throttles the calls: too many calls are made in this account";
        let is_throttled = THROTTLING.contains(&self.code) || self.status == 429;
        is_throttled.then(|| {
            self.build_call_error(CallErrorCause::Throttled, self.describe_with_code(what), Some(help.to_owned()))
        })
    }

    fn explain_denied(self) -> Option<CallError> {
        let (what, help) = match self.code {
            "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "UnauthorizedAccess" => {
                ("the caller does not have permission", self.advise_allow())
            }
            "OptInRequired" => (
                "the account is not opted in to this service or region",
                format!("enable region {} for the account, or use another region", self.place.region),
            ),
            "RegionDisabledException" => (
                "STS is not active in this region",
                format!(
                    "activate STS for region {} (IAM console, account settings), or use another region",
                    self.place.region
                ),
            ),
            _ => return None,
        };
        Some(self.build_call_error(CallErrorCause::Denied, self.describe_with_code(what), Some(help)))
    }

    /// Which policy must change. AWS's message names the action and usually the type of policy that decided.
    fn advise_allow(self) -> String {
        // The denied action may differ from the operation: a call of `iam:CreateRole` also needs `iam:TagRole` and `iam:PassRole`.
        let action = parse_action(self.message).unwrap_or(self.operation);
        let explicit = self.message.contains("explicit deny");
        let kinds = [
            ("service control policy", "the organization's service control policy"),
            ("resource control policy", "the organization's resource control policy"),
            ("permissions boundary", "the caller's permissions boundary"),
            ("session policy", "the session policy of the caller's session"),
            ("VPC endpoint policy", "the policy of the VPC endpoint"),
            ("identity-based policy", "a policy of the caller"),
        ];
        match kinds.iter().find(|(kind, _)| self.message.contains(kind)) {
            Some((_, policy)) if explicit => format!("remove {action} from a Deny statement of {policy}"),
            Some((_, policy)) => format!("allow {action} in {policy}"),
            None => format!(
                "allow {action} to the caller; if a policy allows it, look for a permissions boundary or a service control policy that does not"
            ),
        }
    }

    fn explain_unauthenticated(self) -> Option<CallError> {
        let (what, help) = match self.code {
            "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => {
                ("the credentials have expired".to_owned(), self.place.describe_renewal())
            }
            "RequestExpired" | "RequestTimeTooSkewed" => (self.clock.to_owned(), CLOCK.to_owned()),
            "SignatureDoesNotMatch" | "InvalidSignatureException" | "IncompleteSignature" => self.explain_signature(),
            "InvalidClientTokenId" | "UnrecognizedClientException" | "InvalidAccessKeyId" | "AuthFailure" => (
                "AWS does not recognize this access key".to_owned(),
                format!(
                    "it may be deleted, inactive, or of another partition than region {}: check AWS_ACCESS_KEY_ID or the \
                     profile, and the region",
                    self.place.region
                ),
            ),
            "MissingAuthenticationToken" | "MissingAuthenticationTokenException" => {
                ("the request had no credentials".to_owned(), NO_CREDENTIALS.to_owned())
            }
            _ => return None,
        };
        Some(self.build_call_error(CallErrorCause::Unauthenticated, self.describe_with_code(&what), Some(help)))
    }

    /// Explains a signature that does not match: the clock, the region, a proxy that changes requests, or the secret key is wrong.
    fn explain_signature(self) -> (String, String) {
        let is_complete = self.code != "IncompleteSignature";
        if is_complete && ["Signature expired", "not yet current"].iter().any(|skew| self.message.contains(skew)) {
            return (self.clock.to_owned(), CLOCK.to_owned());
        }
        if self.message.contains("scoped to") {
            return (
                format!("these credentials are not valid in region {}", self.place.region),
                "set `region` in the provider block, or AWS_REGION, to a region of the account's partition".to_owned(),
            );
        }
        let secret = "check AWS_SECRET_ACCESS_KEY or the profile: a missing or repeated character is a common cause";
        match self.place.proxy {
            Some(proxy) => (
                "the signature does not match the request as AWS received it".to_owned(),
                format!(
                    "configure the proxy {proxy} to forward host, path and headers unchanged, or add the host to NO_PROXY; without the proxy the same error \
                     means a wrong secret key: {secret}"
                ),
            ),
            None => ("the secret key does not belong to the access key".to_owned(), secret.to_owned()),
        }
    }

    fn explain_quota(self) -> Option<CallError> {
        if !["LimitExceeded", "LimitExceededException"].contains(&self.code) {
            return None;
        }
        let help = if self.message.contains("Maximum policy size") {
            "move statements to a scope, or shorten them: AWS does not raise the size limit of a policy".to_owned()
        } else if let Some(quota) = FIXED_QUOTAS.iter().find(|quota| self.message.contains(**quota)) {
            format!("remove unused objects: AWS does not raise the quota {quota}")
        } else {
            "request a higher quota from AWS (Service Quotas, IAM), or remove unused objects".to_owned()
        };
        Some(self.build_call_error(CallErrorCause::Rejected, format!("{} ({})", self.message, self.code), Some(help)))
    }

    /// Explains answers that do not come from AWS itself: redirects, and errors without a code. `None` for all others.
    fn explain_intermediary_response(self) -> Option<CallError> {
        let Self { status, place, .. } = self;
        let name = place.name();
        let proxy = place.proxy.map(|proxy| format!("the proxy {proxy}"));
        let between = proxy.clone().unwrap_or_else(|| "a proxy or gateway between this machine and AWS".to_owned());
        if (300..400).contains(&status) {
            let target = self.location.map(|location| format!(" to {location}")).unwrap_or_default();
            let help = format!(
                "correct the region ({}) or AWS_ENDPOINT_URL; if the redirect leads to a login page, it comes from {between}",
                place.region
            );
            return Some(self.build_call_error(
                CallErrorCause::Malformed,
                format!("{name} redirects (HTTP {status}){target}"),
                Some(help),
            ));
        }
        if status == 407 {
            let by = proxy.unwrap_or_else(|| "a proxy".to_owned());
            let help = "set the user name and the password in HTTP_PROXY (for https endpoints HTTPS_PROXY): http://USER:PASSWORD@HOST:PORT";
            let message = format!("{by} requires a user name and a password (HTTP 407)");
            return Some(self.build_call_error(CallErrorCause::Unreachable, message, Some(help.to_owned())));
        }
        if status >= 500 && self.code.is_empty() && place.proxy.is_some() {
            let help = format!(
                "check that {between} can reach {name}; if the endpoint can be reached without the proxy, add its host to NO_PROXY"
            );
            let message = format!("{between} returned HTTP {status} in place of {name}");
            return Some(self.build_call_error(CallErrorCause::Faulted, message, Some(help)));
        }
        if status < 500 && self.code.is_empty() {
            let help =
                format!("the response does not come from AWS: allow {name} on {between}, or correct AWS_ENDPOINT_URL");
            let message = format!("HTTP {status} without an error code: {}", self.message);
            return Some(self.build_call_error(CallErrorCause::Malformed, message, Some(help)));
        }
        None
    }

    fn explain_other(self) -> CallError {
        let Self { status, code, message, .. } = self;
        if status == 503 {
            let help = "AWS is overloaded or in maintenance: wait a few minutes and run the command again; see the status of IAM at https://health.aws.amazon.com";
            return self.build_call_error(
                CallErrorCause::Faulted,
                self.describe_with_code("the service is unavailable (HTTP 503)"),
                Some(help.to_owned()),
            );
        }
        if status >= 500 {
            let help = "the error is in AWS: see the status of IAM at https://health.aws.amazon.com, and run the command again when no event is shown";
            let what = self.describe_with_code(&format!("the service returned an error (HTTP {status})"));
            return self.build_call_error(CallErrorCause::Faulted, what, Some(help.to_owned()));
        }
        self.build_call_error(CallErrorCause::Rejected, format!("{message} ({code})"), None)
    }
}

/// The action that a message names: `iam:TagRole` in `… is not authorized to perform: iam:TagRole on resource: …`.
fn parse_action(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("not authorized to perform: ")?;
    let action = rest.split_whitespace().next()?;
    let (service, name) = action.split_once(':')?;
    let is_word =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (is_word(service) && is_word(name)).then_some(action)
}
