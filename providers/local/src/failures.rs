//! SQLite's answers as the contract's errors.

use leasehold_provider::{Change, ChangeKind, EnactError, EnactErrorKind, ObserveError, ObserveErrorKind};
use rusqlite::{Error, ErrorCode};

use crate::OpenError;

/// What reading the directory is called in an error.
pub const READ: &str = "directory:Read";

/// What a change is called in an error: `directory:CreateUser`.
pub fn operation(change: &Change) -> String {
    let verb = match change.kind() {
        ChangeKind::Create => "Create",
        ChangeKind::Update => "Update",
        ChangeKind::Delete => "Delete",
        ChangeKind::Mark => "Mark",
        ChangeKind::Adopt => "Adopt",
        ChangeKind::Unmark => "Unmark",
    };
    let kind = change.id().kind.as_str();
    let words = kind.strip_prefix("directory_").unwrap_or(kind).split('_');
    let camel = words.map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    });
    format!("directory:{verb}{}", camel.collect::<String>())
}

/// A write that SQLite refused. Nothing was changed.
pub fn writing(operation: &str, error: &Error) -> EnactError {
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => EnactErrorKind::Throttled,
        Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => EnactErrorKind::Denied,
        Some(ErrorCode::DiskFull) => EnactErrorKind::Limit,
        _ => EnactErrorKind::Other,
    };
    EnactError { kind, operation: operation.to_owned(), message: error.to_string(), help: busy_help(error) }
}

/// A directory that could not be opened to be written.
pub fn opening_to_write(operation: &str, error: &OpenError) -> EnactError {
    let kind = match error {
        OpenError::Folder { .. } => EnactErrorKind::Denied,
        OpenError::Newer { .. } | OpenError::Foreign { .. } => EnactErrorKind::Other,
        OpenError::Sqlite { source, .. } => writing(operation, source).kind,
    };
    EnactError { kind, operation: operation.to_owned(), message: error.to_string(), help: error.help() }
}

/// A read that SQLite refused.
pub fn reading(error: &Error) -> ObserveError {
    ObserveError {
        kind: reading_kind(error),
        operation: READ.to_owned(),
        message: error.to_string(),
        help: busy_help(error),
    }
}

/// A directory that could not be opened to be read.
pub fn opening_to_read(error: &OpenError) -> ObserveError {
    let kind = match error {
        OpenError::Folder { .. } => ObserveErrorKind::Denied,
        OpenError::Newer { .. } | OpenError::Foreign { .. } => ObserveErrorKind::Malformed,
        OpenError::Sqlite { source, .. } => reading_kind(source),
    };
    ObserveError { kind, operation: READ.to_owned(), message: error.to_string(), help: error.help() }
}

fn reading_kind(error: &Error) -> ObserveErrorKind {
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
    busy.then(|| "another process is using the directory: try again once it is done".to_owned())
}

#[cfg(test)]
mod tests {
    use leasehold_provider::Resource;

    use super::*;
    use crate::kinds;

    #[test]
    fn operations_are_named_after_verb_and_kind() {
        let after = Box::new(Resource::new(kinds::part_id(kinds::INLINE_POLICY, "a", "leasehold"), None));
        assert_eq!(operation(&Change::Create { after }), "directory:CreateInlinePolicy");
    }
}
