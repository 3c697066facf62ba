//! Maps errors of SQLite, and of opening the file, to the contract's error kinds.

use leasehold_provider::{Change, ChangeKind, EnactError, EnactErrorKind, ObserveError, ObserveErrorKind};
use rusqlite::{Error, ErrorCode};

use crate::OpenError;

/// Operation name of a read, as in an AWS error: `iam:GetUser`.
pub const READ: &str = "directory:Read";

/// Operation name of a change: `directory:CreateUser`.
pub fn operation_name(change: &Change) -> String {
    let verb = match change.kind() {
        ChangeKind::Create => "Create",
        ChangeKind::Update => "Update",
        ChangeKind::Delete => "Delete",
        ChangeKind::Mark => "Mark",
        ChangeKind::Import => "Adopt",
        ChangeKind::Release => "Unmark",
    };
    let kind = change.id().kind.as_str();
    let words = kind.strip_prefix("directory_").unwrap_or(kind).split('_');
    let camel = words.map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    });
    format!("directory:{verb}{}", camel.collect::<String>())
}

/// Maps a failed write, which changed nothing: `Throttled` if another process holds the lock, `Denied` if the file
/// cannot be written, `Limit` if the disk is full.
pub fn write_error(operation: &str, error: &Error) -> EnactError {
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => EnactErrorKind::Throttled,
        Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => EnactErrorKind::Denied,
        Some(ErrorCode::DiskFull) => EnactErrorKind::Limit,
        _ => EnactErrorKind::Other,
    };
    EnactError {
        requests: Vec::new(),
        kind,
        operation: operation.to_owned(),
        message: error.to_string(),
        help: busy_help(error),
    }
}

/// Maps a failure to open the file for writing.
pub fn open_for_write_error(operation: &str, error: &OpenError) -> EnactError {
    let kind = match error {
        OpenError::Folder { .. } => EnactErrorKind::Denied,
        OpenError::Newer { .. } | OpenError::Refused { .. } | OpenError::Foreign { .. } => EnactErrorKind::Other,
        OpenError::Sqlite { source, .. } => write_error(operation, source).kind,
    };
    EnactError {
        requests: Vec::new(),
        kind,
        operation: operation.to_owned(),
        message: error.to_string(),
        help: error.help_text(),
    }
}

/// Maps a failed read.
pub fn read_error(error: &Error) -> ObserveError {
    ObserveError {
        kind: read_error_kind(error),
        operation: READ.to_owned(),
        message: error.to_string(),
        help: busy_help(error),
    }
}

/// Maps a failure to open the file for reading.
pub fn open_for_read_error(error: &OpenError) -> ObserveError {
    let kind = match error {
        OpenError::Folder { .. } => ObserveErrorKind::Denied,
        OpenError::Newer { .. } | OpenError::Refused { .. } | OpenError::Foreign { .. } => ObserveErrorKind::Malformed,
        OpenError::Sqlite { source, .. } => read_error_kind(source),
    };
    ObserveError { kind, operation: READ.to_owned(), message: error.to_string(), help: error.help_text() }
}

fn read_error_kind(error: &Error) -> ObserveErrorKind {
    match error {
        Error::FromSqlConversionFailure(..) | Error::InvalidColumnType(..) => return ObserveErrorKind::Malformed,
        _ => {}
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => ObserveErrorKind::Throttled,
        Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => ObserveErrorKind::Denied,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => ObserveErrorKind::Malformed,
        _ => ObserveErrorKind::Other,
    }
}

fn busy_help(error: &Error) -> Option<String> {
    let busy = matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked));
    busy.then(|| "another process is using the directory: try again when it has finished".to_owned())
}

#[cfg(test)]
mod tests {
    use leasehold_provider::Resource;

    use super::*;
    use crate::kinds;

    #[test]
    fn operation_name_joins_verb_and_kind() {
        let after = Box::new(Resource::new(kinds::part_id(kinds::INLINE_POLICY, "a", "leasehold"), None));
        assert_eq!(operation_name(&Change::Create { after }), "directory:CreateInlinePolicy");
    }
}
