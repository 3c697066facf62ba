//! Why the store could not be read or written.

use std::error::Error as _;

/// What went wrong, where, and what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot {doing} {key} in {place}: {message}")]
pub struct StoreError {
    /// What sort of failure it is.
    pub kind: StoreErrorKind,
    /// What was tried: `read`, `write`, `delete`, `list`.
    pub doing: &'static str,
    /// The object.
    pub key: String,
    /// Where it is.
    pub place: String,
    /// The store's own words.
    pub message: String,
}

/// A sort of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// There is no such object.
    Absent,
    /// There is no such bucket.
    NoBucket,
    /// The caller may not.
    Denied,
    /// There is no room.
    Full,
    /// Nobody knows whether it was done: no answer, or an answer that something broke.
    Unsettled,
    /// The store does not do what the ledger needs.
    Unable,
    /// The bucket has no object lock, and the configuration asks for a retention.
    NoObjectLock,
    /// Anything else.
    Other,
}

impl StoreError {
    pub(super) fn of(place: &str, key: &str, doing: &'static str, error: object_store::Error) -> Self {
        let message = chain(&error);
        let kind = kind(&error, &message);
        Self { kind, doing, key: key.to_owned(), place: place.to_owned(), message: brief(&message) }
    }

    pub(super) fn of_io(place: &str, key: &str, doing: &'static str, error: &std::io::Error) -> Self {
        Self { kind: of_io(error), doing, key: key.to_owned(), place: place.to_owned(), message: error.to_string() }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self.kind {
            StoreErrorKind::NoBucket => "Make the bucket, or mend the name in the backend block.",
            StoreErrorKind::Denied => {
                "Give the caller s3:GetObject, s3:PutObject and s3:ListBucket on the bucket, or write access to the folder."
            }
            StoreErrorKind::Full => "Make room where the stack's records lie, then run again.",
            StoreErrorKind::Unsettled => {
                "Check the network, the endpoint and the region of the backend block, then run again."
            }
            StoreErrorKind::Unable => "The store must support conditional writes (If-None-Match, If-Match).",
            StoreErrorKind::NoObjectLock => {
                "Turn the bucket's object lock on (it needs versioning), or take `retention` out of the backend block."
            }
            StoreErrorKind::Absent | StoreErrorKind::Other => "Check the backend block of the stack.",
        }
    }
}

fn kind(error: &object_store::Error, text: &str) -> StoreErrorKind {
    use object_store::Error as E;
    if text.contains("NoSuchBucket") {
        return StoreErrorKind::NoBucket;
    }
    // S3 says InvalidRequest, a code of many meanings.
    if text.contains("missing Object Lock Configuration") || text.contains("missing ObjectLockConfiguration") {
        return StoreErrorKind::NoObjectLock;
    }
    match error {
        E::NotFound { .. } => StoreErrorKind::Absent,
        E::PermissionDenied { .. } | E::Unauthenticated { .. } => StoreErrorKind::Denied,
        // Which of them it is, and whose, only reading back tells.
        E::AlreadyExists { .. } | E::Precondition { .. } | E::NotModified { .. } => StoreErrorKind::Unsettled,
        E::NotImplemented { .. } | E::NotSupported { .. } => StoreErrorKind::Unable,
        _ => io_kind(error).unwrap_or_else(|| of_text(text)),
    }
}

/// The kind of the operating system's error within, where there is one.
fn io_kind(error: &object_store::Error) -> Option<StoreErrorKind> {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return Some(of_io(io));
        }
        source = inner.source();
    }
    None
}

fn of_io(error: &std::io::Error) -> StoreErrorKind {
    use std::io::ErrorKind as K;
    match error.kind() {
        K::NotFound => StoreErrorKind::Absent,
        K::PermissionDenied | K::ReadOnlyFilesystem => StoreErrorKind::Denied,
        K::StorageFull | K::QuotaExceeded | K::FileTooLarge => StoreErrorKind::Full,
        K::AlreadyExists | K::TimedOut | K::Interrupted | K::ConnectionReset | K::ConnectionRefused => {
            StoreErrorKind::Unsettled
        }
        _ => StoreErrorKind::Other,
    }
}

/// A server's answers of the 5xx range, throttling, and answers that never came.
fn of_text(text: &str) -> StoreErrorKind {
    let unsettled = ["status code: 5", "SlowDown", "InternalError", "HTTP error", "error sending request", "timed out"];
    if unsettled.iter().any(|sign| text.contains(sign)) { StoreErrorKind::Unsettled } else { StoreErrorKind::Other }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = inner.source();
    }
    text
}

/// The words a person needs of an S3 answer: its code and message instead of its XML.
fn brief(text: &str) -> String {
    let within = |tag: &str| {
        let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
        let start = text.find(&open)?.checked_add(open.len())?;
        let rest = text.get(start..)?;
        rest.get(..rest.find(&close)?)
    };
    match (within("Code"), within("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => text.to_owned(),
    }
}
