//! The errors of the store: why it could not be read or written, and what to do.
//!
//! In: an error of `object_store` or of the file system. Out: a [`StoreError`]. Its kind decides whether the request is retried, and its
//! help text is about that kind alone.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;

use super::s3::refusal::S3Refusal;
use super::s3::whole_response::IncompletePartError;

/// A failed operation on the store. [`StoreError::help`] says what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot {doing} {key} in {place}: {message}")]
pub struct StoreError {
    /// The kind of failure.
    pub kind: StoreErrorKind,
    /// The operation: `read`, `write`, `list`, `lock`.
    pub doing: &'static str,
    /// The key of the object.
    pub key: String,
    /// The store, for display: `s3://bucket/prefix`.
    pub place: String,
    /// The message of the store or the operating system.
    pub message: String,
}

/// The kind of a [`StoreError`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// The object does not exist.
    Absent,
    /// The bucket does not exist.
    NoBucket,
    /// A policy does not allow the request.
    Denied,
    /// The operating system does not let this user read or write the folder.
    NoFileAccess,
    /// The KMS key cannot be used: not allowed, disabled, or missing.
    EncryptionKey,
    /// No source in the credential chain has credentials.
    NoCredentials,
    /// The credentials have expired.
    CredentialsExpired,
    /// The store does not know the access key.
    UnknownAccessKey,
    /// The signature does not match the request.
    Signature,
    /// The clocks differ by more than the store accepts.
    ClockSkew,
    /// The bucket is in another region. `None`: the store does not say which.
    WrongRegion(Option<String>),
    /// The certificate is not trusted.
    Certificate,
    /// The host name has no address.
    UnknownHost,
    /// No connection could be made.
    Unreachable,
    /// The proxy requires a user name and a password.
    ProxyAuthentication,
    /// A connection was made, and no complete response came.
    NoAnswer,
    /// A response came, and a part of it is missing, or it is not from the store. It is not read as an empty or absent object.
    Incomplete,
    /// The store limits the rate of requests.
    Throttled,
    /// The store had an internal error.
    Faulted,
    /// A condition was not met, or another write was in progress. Only reading the object shows whose write it is.
    Conflict,
    /// The disk is full, or a quota is used up.
    Full,
    /// The store does not support conditional writes, which the ledger needs.
    Unable,
    /// The configuration sets `retention`, and the bucket has no object lock.
    NoObjectLock,
    /// Any other failure.
    Other,
}

impl StoreErrorKind {
    /// Whether a retry may succeed, because nothing is wrong with the request.
    pub(super) fn is_transient(&self) -> bool {
        self.is_network_failure() || matches!(self, Self::Throttled | Self::Faulted | Self::Conflict | Self::Incomplete)
    }

    /// Whether no response came from the store: it may be down, or the configuration names one that does not exist.
    pub(super) fn is_network_failure(&self) -> bool {
        matches!(self, Self::UnknownHost | Self::Unreachable | Self::NoAnswer)
    }
}

impl StoreError {
    pub(super) fn from_objects(place: &str, key: &str, doing: &'static str, error: &object_store::Error) -> Self {
        let kind = classify_error(error);
        let refusal = error_sources(error).find_map(|source| source.downcast_ref::<S3Refusal>());
        let message = refusal.map_or_else(|| innermost_message(error), ToString::to_string);
        Self { kind, doing, key: key.to_owned(), place: place.to_owned(), message }
    }

    pub(super) fn from_io(place: &str, key: &str, doing: &'static str, error: &std::io::Error) -> Self {
        Self {
            kind: classify_io_error(error),
            doing,
            key: key.to_owned(),
            place: place.to_owned(),
            message: error.to_string(),
        }
    }

    /// The error of an object that cannot be written as JSON, which is a bug.
    pub(crate) fn from_json(place: &str, key: &str, error: serde_json::Error) -> Self {
        Self::from_io(place, key, "write", &error.into())
    }

    /// What the user can do about it.
    #[must_use]
    pub fn help(&self) -> String {
        use StoreErrorKind as K;
        let text = match &self.kind {
            K::NoBucket => "Create the bucket, or correct `bucket` and `region` in the backend block.",
            K::Denied => return self.describe_denied_help(),
            K::NoFileAccess => "Give this user read and write access to the folder.",
            K::EncryptionKey => {
                "Allow the caller kms:GenerateDataKey and kms:Decrypt on the key, and check that the key is enabled and in the bucket's \
                 region."
            }
            K::NoCredentials => {
                "Log in (`aws sso login`), set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a `profile` in the backend block."
            }
            K::CredentialsExpired => {
                "Get new credentials (`aws sso login`, or assume the role again), then run the command again."
            }
            K::UnknownAccessKey => {
                "The access key may be deleted, inactive, or of another partition or store: check AWS_ACCESS_KEY_ID or the profile."
            }
            K::Signature => {
                "Check the secret access key, and that no proxy changes requests on their way to the store."
            }
            K::ClockSkew => {
                "Set this machine's clock (NTP: `timedatectl`, `chronyc tracking`), then run the command again."
            }
            K::WrongRegion(Some(region)) => {
                return format!("The bucket is in region {region}: set `region = \"{region}\"` in the backend block.");
            }
            K::WrongRegion(None) => "Set `region` in the backend block to the region of the bucket.",
            K::Certificate => {
                "If a private certificate authority signs for this endpoint, or a proxy inspects TLS, set AWS_CA_BUNDLE to a PEM file \
                 with its certificate. If the certificate has expired or names another host, correct it or `endpoint`."
            }
            K::UnknownHost => {
                "Check `region` and `endpoint` in the backend block, then DNS and the proxy (HTTPS_PROXY)."
            }
            K::Unreachable => {
                "Check that the store is running, the `endpoint` in the backend block, and the network and proxy (HTTPS_PROXY, NO_PROXY) \
                 between this machine and the store."
            }
            K::ProxyAuthentication => {
                "Set the proxy's user and password in HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT."
            }
            K::NoAnswer => {
                "Check the network and the proxy between this machine and the store, then run the command again."
            }
            K::Incomplete => {
                "A proxy or gateway on the way to the store may cut off or replace responses: check HTTPS_PROXY and `endpoint` in the \
                 backend block, then run the command again."
            }
            K::Throttled => {
                "Wait a few minutes, then run the command again: the bucket or store is throttling requests."
            }
            K::Faulted => "The store returned a server error. Check its health, then run the command again.",
            K::Conflict => "Another process is writing the same object. Run the command again.",
            K::Full => {
                "Free space or raise the quota where the stack's records are stored, then run the command again."
            }
            K::Unable => "Use a store that supports conditional writes (If-None-Match, If-Match).",
            K::NoObjectLock => {
                "Enable object lock on the bucket (it needs versioning), or remove `retention` from the backend block."
            }
            K::Absent | K::Other => "Check the backend block of the stack.",
        };
        text.to_owned()
    }

    fn describe_denied_help(&self) -> String {
        let actions = match self.doing {
            "write" => "s3:PutObject (with `retention`, also s3:PutObjectRetention)",
            "list" => "s3:ListBucket",
            _ => "s3:GetObject and s3:ListBucket",
        };
        format!(
            "Allow the caller {actions} on {}. `leasehold provider aws-policy` prints the full policy; if the caller has it, check for a \
             bucket policy, a permissions boundary or a service control policy that denies the request.",
            self.place
        )
    }
}

fn classify_error(error: &object_store::Error) -> StoreErrorKind {
    use object_store::Error as E;
    for source in error_sources(error) {
        if let Some(refusal) = source.downcast_ref::<S3Refusal>() {
            return classify_refusal(refusal);
        }
        if source.downcast_ref::<IncompletePartError>().is_some() {
            return StoreErrorKind::Incomplete;
        }
        if source.downcast_ref::<CredentialsError>().is_some() {
            return classify_credentials_error(source);
        }
    }
    match error {
        E::NotFound { .. } => StoreErrorKind::Absent,
        E::PermissionDenied { .. } | E::Unauthenticated { .. } => StoreErrorKind::Denied,
        E::AlreadyExists { .. } | E::Precondition { .. } | E::NotModified { .. } => StoreErrorKind::Conflict,
        E::NotImplemented { .. } | E::NotSupported { .. } => StoreErrorKind::Unable,
        _ => classify_transport_error(error),
    }
}

/// Classifies an error response by its code, or by its HTTP status if it has no known code. Codes:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList>
fn classify_refusal(refusal: &S3Refusal) -> StoreErrorKind {
    use StoreErrorKind as K;
    let region = || refusal.bucket_region.clone();
    let names = |words: &[&str]| words.iter().any(|word| refusal.message.contains(word));
    match refusal.code.as_str() {
        "NoSuchBucket" => K::NoBucket,
        "NoSuchKey" | "NoSuchVersion" => K::Absent,
        code if code.starts_with("KMS.") => K::EncryptionKey,
        "AccessDenied" if names(&["kms:"]) => K::EncryptionKey,
        "ExpiredToken" | "TokenRefreshRequired" => K::CredentialsExpired,
        "InvalidAccessKeyId" | "InvalidToken" | "InvalidClientTokenId" => K::UnknownAccessKey,
        "SignatureDoesNotMatch" | "XAmzContentSHA256Mismatch" | "BadDigest" => K::Signature,
        "RequestTimeTooSkewed" | "RequestExpired" => K::ClockSkew,
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => K::WrongRegion(region()),
        // S3 uses this code for many errors, so the message decides.
        "InvalidRequest" if names(&["Object Lock Configuration", "ObjectLockConfiguration"]) => K::NoObjectLock,
        "SlowDown" | "Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequests" => K::Throttled,
        "PreconditionFailed" | "ConditionalRequestConflict" | "OperationAborted" => K::Conflict,
        "NotImplemented" => K::Unable,
        "QuotaExceeded" | "XMinioStorageFull" | "XMinioAdminBucketQuotaExceeded" => K::Full,
        "RequestTimeout" => K::NoAnswer,
        _ => classify_status(refusal.status, region()),
    }
}

fn classify_status(status: u16, region: Option<String>) -> StoreErrorKind {
    use StoreErrorKind as K;
    match status {
        300..=399 => K::WrongRegion(region),
        401 | 403 => K::Denied,
        // S3 names the code. Without it, something else answered, and the object may exist.
        404 => K::Incomplete,
        407 => K::ProxyAuthentication,
        408 => K::NoAnswer,
        409 | 412 => K::Conflict,
        429 => K::Throttled,
        501 => K::Unable,
        507 => K::Full,
        500..=599 => K::Faulted,
        _ => K::Other,
    }
}

/// The credentials may have expired, or their source cannot be reached or has none.
fn classify_credentials_error(error: &(dyn Error + 'static)) -> StoreErrorKind {
    let text = describe_chain(error);
    if text.contains("expired") || text.contains("Expired") {
        StoreErrorKind::CredentialsExpired
    } else {
        StoreErrorKind::NoCredentials
    }
}

/// Classifies a failure before any response. `object_store` and `reqwest` wrap the errors of the operating system and of rustls; where
/// they give only text, the text decides.
fn classify_transport_error(error: &object_store::Error) -> StoreErrorKind {
    let text = describe_chain(error);
    let says = |signs: &[&str]| signs.iter().any(|sign| text.contains(sign));
    let io = error_sources(error).find_map(|source| source.downcast_ref::<std::io::Error>());
    if says(&["certificate", "UnknownIssuer", "HandshakeFailure", "tls handshake"]) {
        StoreErrorKind::Certificate
    } else if says(&["dns error", "failed to lookup address"]) {
        StoreErrorKind::UnknownHost
    } else if says(&["proxy authentication", "proxy authorization"]) {
        StoreErrorKind::ProxyAuthentication
    } else if says(&["(Connect)", "tcp connect error", "tunnel"]) {
        StoreErrorKind::Unreachable
    } else if says(&["HTTP error", "error sending request", "timed out"]) {
        StoreErrorKind::NoAnswer
    } else {
        io.map_or(StoreErrorKind::Other, classify_io_error)
    }
}

fn classify_io_error(error: &std::io::Error) -> StoreErrorKind {
    use std::io::ErrorKind as K;
    match error.kind() {
        K::NotFound => StoreErrorKind::Absent,
        K::PermissionDenied | K::ReadOnlyFilesystem => StoreErrorKind::NoFileAccess,
        K::StorageFull | K::QuotaExceeded | K::FileTooLarge => StoreErrorKind::Full,
        K::AlreadyExists => StoreErrorKind::Conflict,
        K::TimedOut | K::Interrupted | K::ConnectionReset | K::ConnectionRefused => StoreErrorKind::NoAnswer,
        _ => StoreErrorKind::Other,
    }
}

/// An error and its sources, outermost first. An error of the operating system may contain another error that its `source` skips.
fn error_sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn Error + 'static) = *error;
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source())
    })
}

/// What the operating system, the TLS library or the source of the credentials said: the layers above only say that a request failed.
fn innermost_message(error: &(dyn Error + 'static)) -> String {
    error_sources(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

fn describe_chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for words in error_sources(error).map(ToString::to_string) {
        if !text.contains(&words) {
            text.push_str(if text.is_empty() { "" } else { ": " });
            text.push_str(&words);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use object_store::client::{HttpError, HttpErrorKind};

    use super::*;

    fn wrapped(source: impl Error + Send + Sync + 'static) -> StoreError {
        let http = HttpError::new(HttpErrorKind::Unknown, source);
        let error = object_store::Error::Generic { store: "S3", source: Box::new(http) };
        StoreError::from_objects("s3://acme/records", "lock.json", "write", &error)
    }

    fn refused(status: u16, code: &str, message: &str, region: Option<&str>) -> StoreError {
        wrapped(S3Refusal {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
            bucket_region: region.map(str::to_owned),
        })
    }

    /// Each kind, with a word that occurs only in its own help text.
    #[test]
    fn each_refusal_names_its_own_cause_and_next_step() {
        use StoreErrorKind as K;
        let ireland = Some("eu-west-1");
        for (status, code, message, region, kind, remedy) in [
            (404, "NoSuchBucket", "no bucket", None, K::NoBucket, "Create the bucket"),
            (403, "AccessDenied", "Access Denied", None, K::Denied, "s3:PutObject"),
            (403, "", "", None, K::Denied, "s3:PutObject"),
            (403, "AccessDenied", "not authorized to perform: kms:GenerateDataKey", None, K::EncryptionKey, "kms:"),
            (400, "KMS.DisabledException", "disabled", None, K::EncryptionKey, "kms:"),
            (400, "ExpiredToken", "expired", None, K::CredentialsExpired, "new credentials"),
            (403, "InvalidAccessKeyId", "unknown", None, K::UnknownAccessKey, "AWS_ACCESS_KEY_ID"),
            (403, "SignatureDoesNotMatch", "no match", None, K::Signature, "secret access key"),
            (400, "XAmzContentSHA256Mismatch", "no match", None, K::Signature, "no proxy changes"),
            (403, "RequestTimeTooSkewed", "skewed", None, K::ClockSkew, "clock"),
            (
                301,
                "PermanentRedirect",
                "moved",
                ireland,
                K::WrongRegion(Some("eu-west-1".into())),
                "region = \"eu-west-1\"",
            ),
            (307, "TemporaryRedirect", "moved", None, K::WrongRegion(None), "Set `region`"),
            (
                400,
                "AuthorizationHeaderMalformed",
                "expecting",
                ireland,
                K::WrongRegion(Some("eu-west-1".into())),
                "eu-west-1",
            ),
            (301, "", "", ireland, K::WrongRegion(Some("eu-west-1".into())), "eu-west-1"),
            (503, "SlowDown", "slow", None, K::Throttled, "Wait a few minutes"),
            (429, "", "", None, K::Throttled, "Wait a few minutes"),
            (500, "InternalError", "oops", None, K::Faulted, "health"),
            (503, "ServiceUnavailable", "oops", None, K::Faulted, "health"),
            (407, "", "", None, K::ProxyAuthentication, "USER:PASSWORD"),
            (507, "XMinioStorageFull", "full", None, K::Full, "quota"),
            (400, "QuotaExceeded", "quota", None, K::Full, "quota"),
            (501, "NotImplemented", "header", None, K::Unable, "conditional writes"),
            (
                400,
                "InvalidRequest",
                "Bucket is missing Object Lock Configuration",
                None,
                K::NoObjectLock,
                "object lock",
            ),
            (412, "PreconditionFailed", "changed", None, K::Conflict, "Another process"),
            (400, "InvalidRequest", "another meaning", None, K::Other, "backend block"),
        ] {
            let error = refused(status, code, message, region);
            assert_eq!(error.kind, kind, "{status} {code}");
            assert!(error.help().contains(remedy), "{status} {code}: {}", error.help());
        }
    }

    #[test]
    fn only_transient_errors_are_retried() {
        let passes = |status, code| refused(status, code, "", None).kind.is_transient();
        assert!(passes(503, "SlowDown") && passes(500, "InternalError") && passes(409, "ConditionalRequestConflict"));
        assert!(!passes(403, "AccessDenied") && !passes(400, "ExpiredToken") && !passes(404, "NoSuchBucket"));
    }

    #[test]
    fn missing_and_expired_credentials_are_distinguished() {
        let none = wrapped(CredentialsError::not_loaded("no providers in chain provided credentials"));
        assert_eq!(none.kind, StoreErrorKind::NoCredentials);
        let expired = wrapped(CredentialsError::provider_error("the SSO session has expired"));
        assert_eq!(expired.kind, StoreErrorKind::CredentialsExpired);
    }

    #[test]
    fn a_message_has_each_cause_once() {
        let error = wrapped(std::io::Error::other("connection reset by peer"));
        assert_eq!(error.message.matches("connection reset by peer").count(), 1, "{}", error.message);
    }
}
